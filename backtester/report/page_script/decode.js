/* From the page's text to numbers: the blocks that report/encode.py wrote. */
"use strict";

const find = (selector, root = document) => root.querySelector(selector);
const DOC = JSON.parse(find("#doc").textContent);

function make(tag, style, parent, text) {
  const made = document.createElement(tag);
  if (style) made.className = style;
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

function bytes(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text), out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

async function inflate(name) {
  const block = document.getElementById("block-" + name);
  const packed = bytes(block.textContent);
  block.remove();
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* Integers of 32 bits: four planes of bytes, zigzag, and differences unless they are plain. */
async function integers(name, plain = false) {
  const planes = await inflate(name), n = planes.length >> 2, out = new Int32Array(n);
  for (let i = 0, sum = 0; i < n; i++) {
    const folded = planes[i] | (planes[i + n] << 8) | (planes[i + 2 * n] << 16) | (planes[i + 3 * n] << 24);
    const step = (folded >>> 1) ^ -(folded & 1);
    out[i] = sum = plain ? step : (sum + step) | 0;
  }
  return out;
}

/* Moments that are on no grid: seconds after the first. */
async function moments(name, start) {
  return Float64Array.from(await integers(name), (seconds) => start + seconds);
}

async function load(series) {
  const scale = 10 ** series.digits, ticks = await integers(series.id), close = new Float64Array(ticks.length);
  for (let i = 0; i < ticks.length; i++) close[i] = ticks[i] / scale;
  if (!series.dt) series.times = await moments(series.id + ".times", series.t0);
  if (series.gaps) {
    const gaps = (series.breaks = await integers(series.id + ".gaps"));
    for (let i = 0; i < gaps.length; i += 2) close.fill(NaN, gaps[i], gaps[i] + gaps[i + 1]);
  }
  if (series.shape === "candle") await loadCandles(series, close, scale);
  series.setValues(close);
}

async function loadCandles(series, close, scale) {
  const parts = await Promise.all(["open", "high", "low"].map((part) => integers(`${series.id}.${part}`, true)));
  const [open, high, low] = parts.map((part) => new Float64Array(part.length));
  for (let i = 0; i < close.length; i++) {
    const tick = Math.round(close[i] * scale), before = i ? Math.round(close[i - 1] * scale) : tick;
    const opened = i ? (Number.isNaN(before) ? tick : before) + parts[0][i] : tick + parts[0][0];
    open[i] = opened / scale;
    high[i] = (Math.max(opened, tick) + parts[1][i]) / scale;
    low[i] = (Math.min(opened, tick) - parts[2][i]) / scale;
  }
  Object.assign(series, { open, high, low });
}
