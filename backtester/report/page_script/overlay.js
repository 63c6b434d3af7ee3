/* What lies under and above the curves of a run: doors, labels, fuel, resting orders; entries and exits, linked or counted. */

const CROWD = 16;  // pixels a trade needs; with less they are counted

const TRADES = DOC.trades ? decodeTrades(DOC.trades) : [];
let chosen = -1;

function decodeTrades(columns) {
  const names = Object.keys(columns), plain = {};
  for (const name of names) {
    const column = columns[name];
    plain[name] = column.words ? column.code.map((code) => column.words[code]) : column;
  }
  return plain.entry_ts.map((_, i) => Object.fromEntries([["number", i + 1], ...names.map((name) => [name, plain[name][i]])]));
}

const inView = (from, to) => to / 1e3 >= VIEW[0] && from / 1e3 <= VIEW[1];
const belongs = (panel, instrument) => !panel.told.instruments || panel.told.instruments.includes(instrument);

/* Which trades and marks a price panel shows now, and whether they have room. */
function prepare(panel) {
  if (panel.told.instruments === undefined) return;
  panel.trades = TRADES.filter((trade) => belongs(panel, trade.instrument) && inView(trade.entry_ts, trade.exit_ts));
  panel.marks = DOC.marks.filter((mark) => belongs(panel, mark[5]) && inView(mark[0], mark[0]));
  panel.crowded = panel.marks.length > (2 * width()) / CROWD;
  const told = panel.crowded ? "entries counted below: long up, short down" : "\u25b2 long  \u25bc short  \u25cb exit";
  panel.note.textContent = panel.marks.length ? told : "";
}

function under(panel, u) {
  if (panel.told.rows) drawRows(panel.told.rows, u.ctx, frame(u));
  if (panel.told.instruments === undefined) return;
  const at = frame(u), g = u.ctx;
  g.save();
  g.beginPath();
  g.rect(at.left, at.top, at.width, at.height);
  g.clip();
  if (panel.told.heat) drawHeat(panel.told.heat, g, at);
  for (const zone of panel.told.zones || []) if (inView(zone[1], zone[2])) drawZone(zone, g, at);
  for (const strip of (panel.told.strips || []).slice(0, 1)) if (stretches(strip) * 4 < width()) drawStrip(strip, g, at);
  if (!panel.crowded) for (const order of DOC.orders) drawOrder(order, panel, g, at);
  for (const series of panel.series) if (series.shape === "candle" && series.on && roomForCandles(series, at)) candles(u, series);
  g.restore();
}

function drawZone([drawn, from, to, low, high, anchor], g, at) {
  const x = at.x(from / 1e3), wide = at.x(to / 1e3) - x, top = at.y(high), tall = at.y(low) - top;
  if (wide < 4 * devicePixelRatio) return;
  g.fillStyle = faded("door", 0.13);
  g.fillRect(x, top, wide, tall);
  g.strokeStyle = faded("door", 0.55);
  g.lineWidth = devicePixelRatio;
  g.strokeRect(x, top, wide, tall);
  if (wide < 12 * devicePixelRatio) return;
  g.fillStyle = colour("door");
  g.font = `600 ${11 * devicePixelRatio}px Inter, system-ui, sans-serif`;
  g.textAlign = "left";
  g.textBaseline = "bottom";
  g.fillText(wide > 54 * devicePixelRatio ? `door ${drawn}` : drawn, x + 2 * devicePixelRatio, top - devicePixelRatio);
}

const stretches = (strip) => after(strip.start, VIEW[1] * 1e3) - after(strip.start, VIEW[0] * 1e3);

/* The label of the leg as the strategy saw it, along the foot of the panel. */
function drawStrip(strip, g, at) {
  const tall = 14 * devicePixelRatio, top = at.top + at.height - tall;
  g.font = `${10.5 * devicePixelRatio}px Inter, system-ui, sans-serif`;
  g.textAlign = "center";
  g.textBaseline = "middle";
  for (let i = Math.max(0, after(strip.start, VIEW[0] * 1e3) - 1), edge = -Infinity; i < strip.start.length && strip.start[i] / 1e3 < VIEW[1]; i++) {
    const x = Math.max(at.left, at.x(strip.start[i] / 1e3)), end = at.x((strip.start[i + 1] ?? strip.end) / 1e3);
    if (end - edge < 1) continue;
    const word = strip.words[strip.code[i]], tone = strip.tones[strip.code[i]], right = Math.min(end, at.left + at.width);
    edge = end;
    g.fillStyle = faded(tone, tone === "faint" ? 0.12 : 0.32);
    g.fillRect(x, top, Math.max(1, right - x), tall);
    if (right - x > g.measureText(word).width + 8 * devicePixelRatio) {
      g.fillStyle = colour("ink");
      g.fillText(word, (x + right) / 2, top + tall / 2);
    }
  }
}

function drawOrder([from, to, price, kind, instrument], panel, g, at) {
  const until = to ?? SPAN[1] * 1e3;
  if (!belongs(panel, instrument) || !inView(from, until)) return;
  g.strokeStyle = faded(kind.includes("stop") ? "short" : "long", 0.8);
  g.lineWidth = devicePixelRatio;
  g.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  g.beginPath();
  g.moveTo(at.x(from / 1e3), at.y(price));
  g.lineTo(at.x(until / 1e3), at.y(price));
  g.stroke();
  g.setLineDash([]);
}

function above(panel, u) {
  if (panel.told.instruments === undefined || !panel.trades) return;
  const at = frame(u), g = u.ctx;
  g.save();
  g.beginPath();
  g.rect(at.left, at.top, at.width, at.height);
  g.clip();
  if (panel.crowded) drawCrowd(panel, g, at);
  else {
    for (const trade of panel.trades) drawLink(trade, g, at);
    for (const mark of panel.marks) drawMark(mark, g, at);
  }
  for (const mark of panel.crowded ? panel.marks : []) if (mark[3] === "liquidation") drawMark(mark, g, at);
  g.restore();
}

function drawLink(trade, g, at) {
  const bold = trade.number - 1 === chosen;
  g.strokeStyle = colour(trade.side);
  g.lineWidth = (bold ? 2.4 : 1.1) * devicePixelRatio;
  g.setLineDash(bold ? [] : [3 * devicePixelRatio, 3 * devicePixelRatio]);
  g.beginPath();
  g.moveTo(at.x(trade.entry_ts / 1e3), at.y(trade.entry_price));
  g.lineTo(at.x(trade.exit_ts / 1e3), at.y(trade.exit_price));
  g.stroke();
  g.setLineDash([]);
}

/* An entry is a filled triangle in the direction of the bet, an exit a ring, by liquidation a larger one. */
function drawMark([ms, price, side, kind], g, at) {
  const x = at.x(ms / 1e3), y = at.y(price), d = devicePixelRatio, tip = side === "long" ? 9 * d : -9 * d;
  g.beginPath();
  if (kind === "entry") {
    g.moveTo(x, y);
    g.lineTo(x + 5.5 * d, y + tip);
    g.lineTo(x - 5.5 * d, y + tip);
    g.closePath();
  } else g.arc(x, y, (kind === "liquidation" ? 5.5 : 3.6) * d, 0, 7);
  g.fillStyle = kind === "entry" ? colour(side) : colour("card");
  g.strokeStyle = kind === "entry" ? colour("card") : colour(kind === "liquidation" ? "c3" : side);
  g.lineWidth = (kind === "entry" ? 1 : kind === "liquidation" ? 2.6 : 1.7) * d;
  g.fill();
  g.stroke();
}

function drawCrowd(panel, g, at) {
  const wide = 10 * devicePixelRatio, bins = Math.ceil(at.width / wide), up = new Uint32Array(bins), down = new Uint32Array(bins);
  for (const [ms, , side, kind] of panel.marks) {
    const bin = Math.floor((at.x(ms / 1e3) - at.left) / wide);
    if (kind === "entry" && bin >= 0 && bin < bins) (side === "long" ? up : down)[bin]++;
  }
  const most = Math.max(1, ...up, ...down), tall = at.height * 0.055, foot = (panel.told.strips || []).length ? 18 * devicePixelRatio : 2;
  const middle = at.top + at.height - tall - foot;
  for (const [counts, side, sign] of [[up, "long", -1], [down, "short", 1]]) {
    g.fillStyle = faded(side, 0.85);
    counts.forEach((count, i) => {
      const size = (count / most) * tall;
      if (count) g.fillRect(at.left + i * wide, sign < 0 ? middle - size : middle, wide - devicePixelRatio, size);
    });
  }
}

/* The fuel map: what would be liquidated around the price of each moment, stronger where it is more. */
function drawHeat(heat, g, at) {
  if (!heat.picture) return;
  const place = (seconds) => Math.floor((seconds * 1e3 - heat.first) / heat.step);
  const edge = (column) => Math.round(at.x((heat.first + column * heat.step) / 1e3));
  for (let i = Math.max(0, place(VIEW[0])); i <= Math.min(heat.wide - 1, place(VIEW[1])); i++) {
    let last = i;  // a column without a row of its own shows the one before
    while (last > 0 && i - last < 400 && !heat.price[last]) last--;
    if (!heat.price[last]) continue;
    const x = edge(i), top = at.y(heat.price[last] * Math.exp(heat.reach)), foot = at.y(heat.price[last] * Math.exp(-heat.reach));
    if (edge(i + 1) > x) g.drawImage(heat.picture, last, 0, 1, heat.tall, x, top, edge(i + 1) - x, foot - top);
  }
}
