/* Numbers and moments as words; colours of the style sheet as the canvas wants them. */

const pad = (value) => String(value).padStart(2, "0");

function moment(seconds, precise = false) {
  const when = new Date(seconds * 1e3);
  const day = `${when.getUTCFullYear()}-${pad(when.getUTCMonth() + 1)}-${pad(when.getUTCDate())}`;
  const time = `${pad(when.getUTCHours())}:${pad(when.getUTCMinutes())}`;
  return `${day} ${time}${precise && when.getUTCSeconds() ? ":" + pad(when.getUTCSeconds()) : ""}`;
}

function number(value, digits, fixed = false) {
  if (value === null || value === undefined || Number.isNaN(value)) return "n/a";
  const size = Math.abs(value);
  const most = digits ?? (size >= 1000 ? 2 : size >= 1 ? 4 : 6);
  return value.toLocaleString("en-US", { maximumFractionDigits: Math.max(0, most), minimumFractionDigits: fixed ? Math.max(0, most) : 0 })
    .replace(/^-(?=[0.]*$)/, "").replace("-", "\u2212");
}

/* A tick of an axis: short, in thousands, millions or billions where it is large. */
function tick(value, step) {
  const size = Math.abs(value), [by, word] = size >= 1e9 ? [1e9, "b"] : size >= 1e6 ? [1e6, "m"] : [1, ""];
  let digits = 0;
  while (digits < 8 && Math.abs((step / by) * 10 ** digits - Math.round((step / by) * 10 ** digits)) > 1e-6) digits++;
  return number(value / by, digits, true) + word;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/* A moment on the axis of time: the time of day, at midnight and in coarser steps the day, in January the year. */
function dayOrTime(seconds, before, step) {
  const when = new Date(seconds * 1e3), day = when.getUTCDate(), month = MONTHS[when.getUTCMonth()];
  if (step < 86400 && seconds % 86400) return `${pad(when.getUTCHours())}:${pad(when.getUTCMinutes())}`;
  const newYear = before === undefined || new Date(before * 1e3).getUTCFullYear() !== when.getUTCFullYear();
  const words = step < 25 * 86400 || day !== 1 ? `${day} ${month}` : month;
  return newYear ? `${words} ${when.getUTCFullYear()}` : words;
}

const money = (value) => number(value, 2, true);

function duration(ms) {
  const minutes = Math.floor(ms / 6e4), days = Math.floor(minutes / 1440), hours = Math.floor(minutes / 60) % 24;
  if (days) return `${days} d ${hours} h`;
  return hours ? `${hours} h ${pad(minutes % 60)} min` : `${minutes} min`;
}

const COLOURS = new Map();

function colour(name) {
  if (!COLOURS.has(name)) {
    const probe = make("i", "", document.body);
    probe.style.color = `var(--${name.split(" ")[0]})`;
    COLOURS.set(name, getComputedStyle(probe).color);
    probe.remove();
  }
  return COLOURS.get(name);
}

function faded(name, share) {
  return colour(name).replace(/rgba?\(([^,]+),([^,]+),([^,)]+).*\)/, `rgba($1,$2,$3,${share})`);
}
