/* Panels under each other: uPlot's axes, grid and cursor, our shapes; one time axis for all of them. */

const GUTTER = 74, FOOT = 26, PANELS = [];
const REACH = 0.4;  // how far a level may stretch the axis beyond the price, in ranges of the price

const AXIS_FONT = "11px Inter, ui-sans-serif, system-ui, sans-serif";

class Panel {
  constructor(told) {
    this.told = told;
    this.series = told.series.map((id) => SERIES[id]);
    this.box = make("figure", "panel", find("#charts"));
    this.box.dataset.panel = told.id;
    this.box.panel = this;
    watcher.observe(this.box);
    this.caption();
    this.body = make("div", "plot", this.box);
    this.box.hidden = told.hidden;
    if (!told.hidden) this.draw();
  }
  caption() {
    const head = make("figcaption", "", this.box);
    make("b", "", head, this.told.title);
    make("span", "unit", head, this.told.unit);
    this.readings = this.series.map((series) => {
      const key = make("button", "key " + series.style, head);
      key.style.color = `var(--${series.style})`;
      make("i", "", key);
      make("span", "", key, series.label);
      key.title = series.exact ? "click to hide" : `rounded to ${series.digits} decimals; click to hide`;
      const last = make("span", "last", key);
      key.onclick = () => {
        series.on = !series.on;
        key.classList.toggle("off", !series.on);
        ask();
      };
      return last;
    });
    for (const row of this.told.rows || []) {
      const key = make("span", "key " + row.style, head);
      make("i", "", key);
      make("span", "", key, row.label);
    }
    if (this.told.rows) make("span", "marks", head, "strong: long, faint: short");
    this.note = make("span", "marks", head);
  }
  draw() {
    this.plot = new uPlot(this.options(), [[SPAN[0], SPAN[1]], ...this.series.map(() => [0, 0])], this.body);
    this.plot.told = this.told;
    if (this.told.id === "price") this.plot.over.classList.add("tall");
    listen(this.plot.over);
  }
  options() {
    const axis = { stroke: () => colour("soft"), font: AXIS_FONT, grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false } };
    return {
      width: width(), height: this.told.height + this.foot(), padding: [7, 0, 5, 0], legend: { show: false }, pxAlign: 0,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
      cursor: { drag: { x: false, y: false, setScale: false }, sync: { key: "time", scales: ["x", null] }, points: { show: false }, y: true },
      scales: { x: { time: true, auto: false, min: VIEW[0], max: VIEW[1] }, y: { range: () => this.range() } },
      axes: [
        { ...axis, size: this.foot(), values: (u, splits, axis, space, step) => splits.map((at, i) => (this.last ? dayOrTime(at, splits[i - 1], step) : "")), space: 84, gap: 4 },
        { ...axis, side: 1, size: GUTTER, gap: 6, space: 26, splits: this.told.rows ? () => [] : undefined, values: (u, splits) => splits.map((value) => tick(value, splits[1] - splits[0] || 1)) },
      ],
      series: [{}, ...this.series.map((series) => ({
        stroke: () => colour(series.style), width: series.shape === "bars" ? 0 : series.style === "strategy" ? 1.5 : 1,
        fill: () => (series.shape === "bars" ? faded(series.style, 0.8) : faded(series.style, 0.14)), points: { show: false }, paths: pathsOf(series),
      }))],
      hooks: { drawAxes: [(u) => under(this, u)], draw: [(u) => above(this, u)], setCursor: [(u) => this.read(u)] },
    };
  }
  get last() { return PANELS.filter((panel) => !panel.box.hidden).at(-1) === this || !PANELS.includes(this); }
  foot() { return this.last ? FOOT : 1; }
  /* The y axis follows the view. */
  range() {
    let low = Infinity, high = -Infinity;
    const reach = (level) => {
      let [a, b] = [Infinity, -Infinity];
      for (const series of this.series) {
        if (!series.on || series.level !== level) continue;
        const [c, d] = series.extent(VIEW[0], VIEW[1], width());
        [a, b] = [Math.min(a, c), Math.max(b, d)];
      }
      return [a, b];
    };
    [low, high] = reach(false);
    const [under, over] = reach(true), most = (high - low) * REACH;  // a level far from the price must not flatten it
    [low, high] = [Math.min(low, Math.max(under, low - most)), Math.max(high, Math.min(over, high + most))];
    if (low > high) [low, high] = [0, 1];
    if (this.told.zero) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
    const air = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
    const room = this.crowded ? (high - low + 2 * air) * 0.14 : 0;
    const sits = this.told.zero && low < high;
    return [sits && low === 0 ? 0 : low - air - room - this.strips() * air, sits && high === 0 ? 0 : high + air];
  }
  strips() { return (this.told.strips || []).length ? 1.5 : 0; }
  read(u) {
    const inside = u.cursor.left >= 0, at = inside ? u.posToVal(u.cursor.left, "x") : null;
    this.series.forEach((series, i) => {
      const known = inside ? series.at(at) : series.values && series.n ? { value: series.values[series.n - 1] } : null;
      this.readings[i].textContent = known ? number(known.value, series.digits, series.digits < 4) : inside ? "n/a" : "";
    });
    if (this === PANELS[0]) find("#now").textContent = inside ? moment(at) + " UTC" : "";
    if (u.cursor.event || !inside) hover(this, u);
  }
  resize() {
    if (!this.plot || this.box.hidden) return;
    this.plot.axes[0].size = () => this.foot();
    this.plot.setSize({ width: width(), height: this.told.height + this.foot() });
  }
  show(on) {
    this.box.hidden = !on;
    if (on && !this.plot) this.draw();
    PANELS.forEach((panel) => panel.resize());
    ask();
  }
}

const width = () => Math.max(280, find("#charts").clientWidth - 2);
