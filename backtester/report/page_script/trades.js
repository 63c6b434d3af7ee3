/* The table of trades: sorted, filtered, page by page; a row leads to its place in the chart; all that is shown as CSV. */

const ROWS = 50;
const COLUMNS = [
  ["number", "", (t) => t.number], ["side", "side", (t) => t.side], ["instrument", "instrument", (t) => t.instrument],
  ["entry_ts", "entry, UTC", (t) => moment(t.entry_ts / 1e3)], ["exit_ts", "exit, UTC", (t) => moment(t.exit_ts / 1e3)],
  ["held", "held", (t) => duration(t.exit_ts - t.entry_ts)], ["qty", "quantity", (t) => number(t.qty, 6)],
  ["entry_price", "entry price", (t) => number(t.entry_price)], ["exit_price", "exit price", (t) => number(t.exit_price)],
  ["pnl", "profit, quote", (t) => (t.pnl < 0 ? "" : "+") + money(t.pnl)], ["fees", "fees", (t) => money(t.fees)],
  ["funding", "funding", (t) => money(t.funding)], ["entry_reason", "entered on", (t) => t.entry_reason],
  ["exit_reason", "left on", (t) => t.exit_reason],
];
const WORDS = new Set(["side", "instrument", "entry_ts", "exit_ts", "entry_reason", "exit_reason"]);
const listed = { rows: TRADES, by: "number", down: false, page: 0 };

const valueOf = (trade, by) => (by === "held" ? trade.exit_ts - trade.entry_ts : trade[by]);

function fillTrades() {
  if (!find("#trades")) return;
  const head = make("tr", "", make("thead", "", find("#trades")));
  for (const [name, label] of COLUMNS) {
    const cell = make("th", WORDS.has(name) ? "word sortable" : "sortable", head);
    const button = make("button", "", cell, label || "#");
    button.onclick = () => sortBy(name, listed.by === name ? !listed.down : !WORDS.has(name) && name !== "number");
    cell.dataset.by = name;
  }
  make("tbody", "", find("#trades"));
  find("#filter").oninput = filterTrades;
  find("#side").onchange = filterTrades;
  find("#earlier").onclick = () => turnPage(-1);
  find("#later").onclick = () => turnPage(1);
  find("#csv").onclick = () => save("trades.csv", csv([COLUMNS.map(([name]) => name), ...listed.rows.map((t) => COLUMNS.map(([name]) => plain(t, name)))]));
  filterTrades();
}

function sortBy(name, down) {
  Object.assign(listed, { by: name, down, page: 0 });
  sortTrades();
}

/* A trade stays where all words of the filter stand in its reasons, its instrument or its days. */
function filterTrades() {
  const words = find("#filter").value.toLowerCase().split(/\s+/).filter(Boolean), side = find("#side").value;
  const text = (t) => [t.entry_reason, t.exit_reason, t.instrument, moment(t.entry_ts / 1e3), moment(t.exit_ts / 1e3), t.pnl < 0 ? "loss" : "gain"];
  listed.rows = TRADES.filter((t) => (!side || t.side === side) && words.every((word) => text(t).join(" ").toLowerCase().includes(word)));
  listed.page = 0;
  sortTrades();
}

function sortTrades() {
  const sign = listed.down ? -1 : 1;
  listed.rows.sort((a, b) => {
    const [x, y] = [valueOf(a, listed.by), valueOf(b, listed.by)];
    return (x < y ? -1 : x > y ? 1 : a.number - b.number) * sign;
  });
  for (const cell of document.querySelectorAll("#trades th")) {
    cell.setAttribute("aria-sort", cell.dataset.by === listed.by ? (listed.down ? "descending" : "ascending") : "none");
  }
  listTrades();
}

function turnPage(by) {
  listed.page = Math.min(Math.max(0, listed.page + by), Math.max(0, Math.ceil(listed.rows.length / ROWS) - 1));
  listTrades();
}

function listTrades() {
  const body = find("#trades tbody"), first = listed.page * ROWS, rows = listed.rows.slice(first, first + ROWS);
  body.replaceChildren(...rows.map((trade) => {
    const row = make("tr", trade.number - 1 === chosen ? "trade chosen" : "trade");
    for (const [name, , told] of COLUMNS) {
      const tone = name === "pnl" ? (trade.pnl < 0 ? "loss" : "gain") : name === "side" ? trade.side : name === "number" ? "faint" : "";
      make("td", (WORDS.has(name) ? "word " : "") + tone, row, told(trade));
    }
    row.tabIndex = 0;
    row.onclick = () => jump(trade.number - 1);
    row.onkeydown = (event) => event.key === "Enter" && jump(trade.number - 1);
    return row;
  }));
  const sum = listed.rows.reduce((total, trade) => total + trade.pnl, 0);
  const some = listed.rows.length ? `${number(first + 1)} to ${number(first + rows.length)} of ` : "";
  find("#listed").textContent = `${some}${number(listed.rows.length)} trades, profit ${money(sum)}`;
}

function jump(i) {
  const trade = TRADES[i];
  if (!trade) return;
  chosen = i;
  const [from, to] = [trade.entry_ts / 1e3, trade.exit_ts / 1e3], around = Math.max((to - from) * 0.8, 3600);
  show(from - around, to + around);
  find("#where").textContent = `trade ${trade.number} of ${number(TRADES.length)}: ${trade.side}, ${trade.entry_reason} to ${trade.exit_reason}, ${outcome(trade)}`;
  find("#where").className = trade.pnl < 0 ? "loss" : "gain";
  listTrades();
}

/* The next or the previous trade by its entry: of the chosen one, else of the middle of what is shown. */
function step(by) {
  if (!TRADES.length) return;
  const order = TRADES.map((_, i) => i).sort((a, b) => TRADES[a].entry_ts - TRADES[b].entry_ts || a - b);
  let place = order.indexOf(chosen);
  if (place < 0) {
    const middle = ((VIEW[0] + VIEW[1]) / 2) * 1e3, after = order.findIndex((i) => TRADES[i].entry_ts > middle);
    place = (after < 0 ? order.length : after) - (by > 0 ? 1 : 0);
  }
  jump(order[Math.min(Math.max(0, place + by), order.length - 1)]);
  if (innerHeight) find("#charts").scrollIntoView({ block: "nearest" });
}

const plain = (trade, name) => (name.endsWith("_ts") ? new Date(trade[name]).toISOString() : name === "held" ? (trade.exit_ts - trade.entry_ts) / 1e3 : trade[name]);
