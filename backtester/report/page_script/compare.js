/* A comparison: the curves as return from the common start, as money, or relative to one of them; drawdowns; who was in the market. */

const TITLES = { return: ["Return from the common start", "%"], money: ["Equity", "quote"], relative: ["Relative to", "%"] };
const ROW = 16;  // pixels
let mode = "return";

/* Of each curve: what it became in the chosen terms. */
function derive(money, base) {
  if (mode === "money") return money;
  if (mode === "return") return money.map((value) => 100 * (value / money[0] - 1));
  return money.map((value, i) => 100 * (value / money[0] / (base[i] / base[0]) - 1));
}

function drawdown(money) {
  let peak = -Infinity;
  return money.map((value) => -100 * (1 - value / (peak = Math.max(peak, value))));
}

function turnMode(to) {
  mode = to;
  const curves = DOC.panels[0].series.map((id) => SERIES[id]), base = curves[+find("#base").value];
  for (const series of curves) series.setValues(derive(series.money, base.money));
  const [title, unit] = TITLES[mode], panel = PANELS[0], head = find("figcaption", panel.box);
  find("b", head).textContent = mode === "relative" ? `${title} ${base.label}` : title;
  find(".unit", head).textContent = unit;
  panel.told.zero = mode !== "money";
  for (const button of document.querySelectorAll("[data-mode]")) button.setAttribute("aria-pressed", button.dataset.mode === mode);
  panel.read(panel.plot);
  ask();
}

/* Called once every curve is there. */
function begin() {
  for (const told of DOC.series) {
    const series = SERIES[told.id];
    if (!told.from) {
      series.money = series.values;
      continue;
    }
    const curve = SERIES[told.from];
    Object.assign(series, { n: curve.n, t0: curve.t0, dt: curve.dt, times: curve.times });
    series.setValues(drawdown(curve.money));
  }
  for (const button of document.querySelectorAll("[data-mode]")) button.onclick = () => turnMode(button.dataset.mode);
  find("#base").onchange = () => turnMode("relative");
  turnMode("return");
}

/* A row a run: filled where it held something. */
function drawRows(rows, g, at) {
  rows.forEach((row, i) => {
    const top = at.top + i * ROW * devicePixelRatio + 2, tall = (ROW - 4) * devicePixelRatio;
    g.fillStyle = faded(row.style, 0.1);
    g.fillRect(at.left, top, at.width, tall);
    const first = Math.max(0, after(row.start, VIEW[0] * 1e3) - 1);
    for (let k = first; k < row.start.length && row.start[k] / 1e3 < VIEW[1]; k++) {
      if (!row.code[k]) continue;
      const x = Math.max(at.left, at.x(row.start[k] / 1e3)), end = at.x((row.start[k + 1] ?? row.end) / 1e3);
      g.fillStyle = faded(row.style, row.words[row.code[k]] === "short" ? 0.45 : 0.95);
      g.fillRect(x, top, Math.max(1, end - x), tall);
    }
  });
}
