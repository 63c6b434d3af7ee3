/* A series and its pyramid: the lowest and the highest value of 4, 16, 64 ... places, so that no spike is lost at any zoom. */

const FOLD = 4, SMALLEST = 400;

function fold(low, high) {
  const n = Math.ceil(low.length / FOLD), lows = new Float64Array(n), highs = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let a = NaN, b = NaN;
    for (let j = i * FOLD, end = Math.min(low.length, j + FOLD); j < end; j++) {
      if (!(low[j] >= a)) a = Number.isNaN(low[j]) ? a : low[j];
      if (!(high[j] <= b)) b = Number.isNaN(high[j]) ? b : high[j];
    }
    lows[i] = a;
    highs[i] = b;
  }
  return [lows, highs];
}

/* How many of rising numbers are not beyond a bound. */
function after(rising, bound) {
  let low = 0, high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle] <= bound) low = middle + 1; else high = middle;
  }
  return low;
}

class Series {
  constructor(told) {
    Object.assign(this, told);
    this.on = true;
    this.levels = [];
  }
  get end() { return this.time(this.n - 1); }
  time(i) { return this.times ? this.times[i] : this.t0 + i * this.dt; }
  /* The last place at or before a moment (s); -1: before the first. */
  place(moment) {
    return this.times ? after(this.times, moment) - 1 : Math.min(this.n - 1, Math.floor((moment - this.t0) / this.dt + 1e-9));
  }
  setOverview(ints) {
    const scale = 10 ** this.digits, n = ints.length >> 1, lows = new Float64Array(n), highs = new Float64Array(n);
    for (let i = 0; i < n; i++) [lows[i], highs[i]] = [ints[2 * i] / scale, ints[2 * i + 1] / scale];
    this.levels = this.dt ? [{ fold: this.bucket, low: lows, high: highs }] : [];
  }
  setValues(values) {
    this.values = values;
    this.n = values.length;
    let low = this.low || values, high = this.high || values, places = 1;
    this.levels = [{ fold: 1, low, high }];
    while (low.length > SMALLEST) {
      [low, high] = fold(low, high);
      places *= FOLD;
      this.levels.push({ fold: places, low, high });
    }
  }
  /* The coarsest level that still has a bucket a pixel. */
  tier(from, to, pixels) {
    const places = this.times ? this.place(to) - this.place(from) : (to - from) / this.dt;
    let chosen = this.levels[0];
    for (const level of this.levels) if (places / level.fold >= pixels) chosen = level;
    return chosen;
  }
  /* First and last place of the values that a view shows, one beyond either end. */
  shown(from, to) {
    return [Math.max(0, this.place(from)), Math.min(this.n - 1, this.place(to) + (this.shape === "step" ? 0 : 1))];
  }
  extent(from, to, pixels) {
    let a = Infinity, b = -Infinity;
    if (!this.levels.length) return [a, b];
    const { fold: places, low, high } = this.tier(from, to, pixels), [first, last] = this.shown(from, to);
    const start = Math.floor(first / places), stop = Math.min(low.length - 1, Math.floor(last / places));
    for (let i = start; i <= stop; i++) {
      if (low[i] < a) a = low[i];
      if (high[i] > b) b = high[i];
    }
    return [a, b];
  }
  /* What is known at a moment: a candle around it, a step's last value, a line's nearest one. */
  at(moment) {
    if (!this.values || !this.n) return null;
    let i = this.place(moment);
    if (this.shape === "candle" || this.shape === "bars") i = i >= 0 && this.time(i) >= moment ? i : i + 1;
    else if (this.shape !== "step" && i + 1 < this.n && (i < 0 || this.time(i + 1) - moment < moment - this.time(i))) i++;
    if (i < 0 || i >= this.n || Number.isNaN(this.values[i])) return null;
    return { i, value: this.values[i], moment: this.time(i) };
  }
}

const SERIES = {};
for (const told of DOC.series) SERIES[told.id] = new Series(told);
