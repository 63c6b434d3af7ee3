/* What part of the time is shown: wheel, drag, pinch, keys; kept in the address, so that a reload shows the same. */

const SPAN = DOC.span.map((ms) => ms / 1e3);
const AIR = (SPAN[1] - SPAN[0]) * 0.01 || 1;
let VIEW = [SPAN[0] - AIR, SPAN[1] + AIR], asked = false, keeping = 0;

function show(from, to) {
  const wide = Math.min(Math.max(to - from, 600), SPAN[1] - SPAN[0] + 2 * AIR), middle = (from + to) / 2;
  const start = Math.min(Math.max(middle - wide / 2, SPAN[0] - AIR), SPAN[1] + AIR - wide);
  VIEW = [start, start + wide];
  ask();
}

const showAll = () => show(SPAN[0] - AIR, SPAN[1] + AIR);

function ask() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    redraw();
  });
}

function redraw() {
  const began = performance.now();
  for (const panel of PANELS) {
    if (!panel.plot || panel.box.hidden || panel.away) continue;
    prepare(panel);
    panel.plot.batch(() => panel.plot.setScale("x", { min: VIEW[0], max: VIEW[1] }));
    panel.plot.redraw(true, false);
  }
  find("#range").textContent = `${moment(VIEW[0])} to ${moment(VIEW[1])} UTC`;
  clearTimeout(keeping);
  keeping = setTimeout(() => history.replaceState(null, "", `#v=${Math.round(VIEW[0])},${Math.round(VIEW[1])}`), 200);  // browsers allow few
  FRAMES.push(performance.now() - began);
}

const FRAMES = [];

/* Panels that are scrolled out of sight are drawn when they come back. */
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) target.panel.away = !isIntersecting;
  ask();
}, { rootMargin: "80px" });

function zoom(by, around) {
  const middle = around ?? (VIEW[0] + VIEW[1]) / 2;
  show(middle - (middle - VIEW[0]) * by, middle + (VIEW[1] - middle) * by);
}

const shift = (share) => show(VIEW[0] + share * (VIEW[1] - VIEW[0]), VIEW[1] + share * (VIEW[1] - VIEW[0]));

/* A wheel scrolls the page until somebody clicked into the charts, or holds Ctrl (a pinch on a touchpad says the same). */
function listen(over) {
  const down = new Map();
  const momentOf = (x) => VIEW[0] + (x / over.clientWidth) * (VIEW[1] - VIEW[0]);
  over.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !find("#charts").contains(document.activeElement)) return;
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) shift(event.deltaX / 1000);
    else zoom(Math.exp(event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), momentOf(event.offsetX));
  }, { passive: false });
  over.addEventListener("pointerdown", (event) => {
    find("#charts").focus({ preventScroll: true });
    over.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event.offsetX);
  });
  over.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) return;
    const before = [...down.values()];
    down.set(event.pointerId, event.offsetX);
    const after = [...down.values()];
    if (after.length === 1) shift((before[0] - after[0]) / over.clientWidth);
    else if (after.length === 2 && Math.abs(after[0] - after[1]) > 8) {
      const middle = (after[0] + after[1]) / 2;
      zoom(Math.abs(before[0] - before[1]) / Math.abs(after[0] - after[1]), momentOf(middle));
    }
  });
  for (const end of ["pointerup", "pointercancel"]) over.addEventListener(end, (event) => down.delete(event.pointerId));
  over.addEventListener("dblclick", () => showAll());
}

const KEYS = {
  ArrowLeft: () => shift(-0.2), ArrowRight: () => shift(0.2), ArrowUp: () => zoom(0.7), ArrowDown: () => zoom(1 / 0.7),
  "+": () => zoom(0.7), "-": () => zoom(1 / 0.7), 0: () => showAll(), Home: () => show(SPAN[0], SPAN[0] + VIEW[1] - VIEW[0]),
  End: () => show(SPAN[1] - VIEW[1] + VIEW[0], SPAN[1]),
  n: () => step(1), p: () => step(-1), t: () => turnTheme(),
};

function listenToKeys() {
  addEventListener("keydown", (event) => {
    const elsewhere = event.target.closest("input, select, textarea"), key = KEYS[event.key];
    const inCharts = find("#charts").contains(document.activeElement) || "npt".includes(event.key);
    if (!key || elsewhere || event.ctrlKey || event.metaKey || event.altKey || !inCharts) return;
    event.preventDefault();
    key();
  });
}

function listenToWindow() {
  const kept = /^#v=(-?\d+),(-?\d+)$/.exec(location.hash);
  if (kept) show(+kept[1], +kept[2]);
  addEventListener("resize", () => {
    PANELS.forEach((panel) => panel.resize());
    ask();
  });
  for (const button of document.querySelectorAll("[data-hours]")) {
    button.onclick = () => {
      const half = +button.dataset.hours * 1800, middle = (VIEW[0] + VIEW[1]) / 2;
      if (half) show(middle - half, middle + half); else showAll();
    };
  }
}
