/* The order of things: panels from the overview first, then every value, then the page is ready. */

function turnTheme() {
  const root = document.documentElement, now = getComputedStyle(root).colorScheme;
  const dark = now === "dark" || (now !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "light" : "dark";
  COLOURS.clear();
  paintHeat();
  ask();
}

function choosePanels() {
  const hidden = PANELS.filter((panel) => panel.told.hidden);
  find("#more").hidden = !hidden.length;
  for (const panel of hidden) {
    const label = make("label", "", find("#more div")), box = make("input", "", label);
    box.type = "checkbox";
    label.append(panel.told.title);
    box.onchange = () => panel.show(box.checked);
  }
}

/* A map of bytes as a picture, once a theme; the panel stretches it. */
function paintHeat() {
  for (const { heat } of DOC.panels) {
    if (!heat?.bytes) continue;
    const picture = Object.assign(document.createElement("canvas"), { width: heat.wide, height: heat.tall });
    const g = picture.getContext("2d"), image = g.createImageData(heat.wide, heat.tall), [r, green, b] = colour("warm").match(/[\d.]+/g).map(Number);
    heat.bytes.forEach((value, i) => image.data.set([r, green, b, value * 0.55], 4 * i));
    g.putImageData(image, 0, 0);
    heat.picture = picture;
  }
}

const breathe = () => new Promise((done) => setTimeout(done));

async function start() {
  const overview = await integers("overview");
  let at = 0;
  for (const told of DOC.series) {
    const size = 2 * Math.ceil(told.n / told.bucket);
    SERIES[told.id].setOverview(overview.subarray(at, (at += size)));
  }
  for (const told of DOC.panels) PANELS.push(new Panel(told));
  PANELS.forEach((panel) => panel.resize());
  listenToWindow();
  listenToKeys();
  redraw();
  performance.mark("overview");
  fillTrades();
  listenToTables();
  choosePanels();
  for (const panel of PANELS) if (panel.told.heat) panel.told.heat.bytes = await inflate("heat-" + panel.told.id);
  paintHeat();
  for (const told of DOC.series) {
    await breathe();
    if (!told.from) await load(SERIES[told.id]);
  }
  if (DOC.kind === "comparison") begin();
  redraw();
  PANELS.forEach((panel) => panel.plot && panel.read(panel.plot));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  performance.mark("ready");
  document.documentElement.dataset.ready = "1";
}

for (const [name, act] of [["#theme", turnTheme], ["#before", () => step(-1)], ["#after", () => step(1)]]) {
  if (find(name)) find(name).onclick = act;
}

start().catch((error) => {
  find("#failed").textContent = `The charts cannot be drawn: ${error.message}. The other tables below are complete.`;
  find("#failed").hidden = false;
  throw error;
});
