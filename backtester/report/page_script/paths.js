/* The shapes of series: columns of lowest and highest value where a pixel holds several, else the values themselves. */

function frame(u) {
  const { left, top, width, height } = u.bbox, { min: from, max: to } = u.scales.x, { min: low, max: high } = u.scales.y;
  return {
    left, top, width, height, from, to,
    x: (moment) => left + ((moment - from) / (to - from)) * width,
    y: (value) => top + ((high - value) / (high - low)) * height,
  };
}

/* Per pixel [x, low, high] of a series in view, null where it is interrupted. */
function columns(series, at) {
  const { fold: places, low, high } = series.tier(at.from, at.to, at.width), [first, last] = series.shown(at.from, at.to);
  const start = Math.floor(first / places), stop = Math.min(low.length - 1, Math.floor(last / places));
  const found = [];
  let open = null;
  for (let i = start; i <= stop; i++) {
    if (Number.isNaN(low[i])) {
      if (found.length && found[found.length - 1]) found.push(null);
      open = null;
      continue;
    }
    const middle = series.time(series.times ? i * places : Math.min(series.n - 1, i * places + (places - 1) / 2));
    const x = places > 1 ? Math.round(at.x(middle)) : at.x(middle);
    if (open && places > 1 && open[0] === x) {
      open[1] = Math.min(open[1], low[i]);
      open[2] = Math.max(open[2], high[i]);
    } else found.push((open = [x, low[i], high[i]]));
  }
  return found;
}

function strokeOf(series, at, found) {
  const stroke = new Path2D();
  let before = null;
  for (const column of found) {
    if (!column) { before = null; continue; }
    const [x, low, high] = column, a = at.y(low), b = at.y(high);
    if (before === null) stroke.moveTo(x, a);
    else {
      if (series.shape === "step") stroke.lineTo(x, before);
      stroke.lineTo(x, Math.abs(before - a) <= Math.abs(before - b) ? a : b);
    }
    const last = before !== null && Math.abs(before - a) > Math.abs(before - b) ? a : b;
    if (a !== b) stroke.lineTo(x, last), before = last;
    else before = a;
  }
  if (before !== null && series.shape === "step") stroke.lineTo(Math.min(at.x(at.to), at.left + at.width), before);
  return stroke;
}

/* Down to zero, along the value that is farther from it. */
function fillOf(series, at, found) {
  const fill = new Path2D(), zero = at.y(0);
  let last = null, height = zero;
  const close = () => last !== null && (fill.lineTo(last, zero), fill.closePath());
  for (const column of found) {
    if (!column) { close(); last = null; continue; }
    const [x, low, high] = column, y = at.y(Math.abs(low) > Math.abs(high) ? low : high);
    if (last === null) fill.moveTo(x, zero);
    else if (series.shape === "step") fill.lineTo(x, height);
    fill.lineTo(x, y);
    [last, height] = [x, y];
  }
  close();
  return fill;
}

function barsOf(series, at, found) {
  const fill = new Path2D(), zero = at.y(0), wide = Math.max(devicePixelRatio, (series.dt / (at.to - at.from)) * at.width - devicePixelRatio);
  for (const column of found) {
    if (!column) continue;
    const y = at.y(column[1] < 0 ? column[1] : column[2]);
    if (y !== zero) fill.rect(column[0] - (wide > 2 ? wide : wide / 2), Math.min(y, zero), wide, Math.max(1, Math.abs(y - zero)));
  }
  return fill;
}

/* What uPlot asks for: the paths of one series. Candles are drawn by candles() where they have room. */
function pathsOf(series) {
  return (u) => {
    const at = frame(u), whole = { gaps: null, clip: null, flags: 1 };
    if (!series.levels.length || !series.on || (series.level && isTorn(series)) || (series.shape === "candle" && roomForCandles(series, at))) return null;
    const found = columns(series, at);
    if (series.shape === "bars") return { ...whole, fill: barsOf(series, at, found), stroke: null };
    const filled = series.shape === "area" || (series.shape === "step" && u.told.zero);
    return { ...whole, stroke: strokeOf(series, at, found), fill: filled ? fillOf(series, at, found) : null };
  };
}

/* A level of so many short stretches in view that it would only hide the price. */
function isTorn(series) {
  let count = 0;
  for (let i = 0; series.breaks && i < series.breaks.length; i += 2) {
    const at = series.time(series.breaks[i]);
    if (at >= VIEW[0] && at <= VIEW[1]) count++;
  }
  return count > width() / 30;
}

const roomForCandles = (series, at) => series.values && (series.dt / (at.to - at.from)) * at.width >= 4 * devicePixelRatio;

/* Each bar from its open to its close, wicks to its extremes. */
function candles(u, series) {
  const at = frame(u), [first, last] = series.shown(at.from, at.to), g = u.ctx;
  const wide = (series.dt / (at.to - at.from)) * at.width, body = Math.max(1, Math.min(wide * 0.7, 14 * devicePixelRatio));
  const [up, down] = [new Path2D(), new Path2D()];
  for (let i = first; i <= last; i++) {
    if (Number.isNaN(series.values[i])) continue;
    const x = at.x(series.time(i) - series.dt / 2), a = at.y(series.open[i]), b = at.y(series.values[i]), path = b <= a ? up : down;
    path.rect(x - devicePixelRatio / 2, at.y(series.high[i]), devicePixelRatio, Math.max(1, at.y(series.low[i]) - at.y(series.high[i])));
    path.rect(x - body / 2, Math.min(a, b), body, Math.max(devicePixelRatio, Math.abs(b - a)));
  }
  g.fillStyle = colour("rise");
  g.fill(up);
  g.fillStyle = colour("fall");
  g.fill(down);
}
