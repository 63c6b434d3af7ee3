/* The tooltip: why an entry or an exit was made, what a trade brought, which door or label lies under the cursor. */

const NEAR = 12;  // pixels

function hover(panel, u) {
  const tip = find("#tip"), lines = u.cursor.left >= 0 && panel.marks ? told(panel, u) : [];
  tip.hidden = !lines.length;
  if (!lines.length) return;
  tip.replaceChildren(...lines.map(([text, style]) => {
    const line = document.createElement("p");
    line.textContent = text;
    if (style) line.className = style;
    return line;
  }));
  const box = u.over.getBoundingClientRect(), left = box.left + u.cursor.left + 16;
  tip.style.left = Math.min(left, innerWidth - tip.offsetWidth - 8) + scrollX + "px";
  tip.style.top = box.top + u.cursor.top + scrollY + 16 + "px";
}

function told(panel, u) {
  const x = u.cursor.left, y = u.cursor.top, at = u.posToVal(x, "x") * 1e3;
  const near = (ms, price, reach = NEAR) => Math.abs(u.valToPos(ms / 1e3, "x") - x) < reach && Math.abs(u.valToPos(price, "y") - y) < reach;
  const lines = panel.crowded ? [] : panel.marks.filter((mark) => near(mark[0], mark[1])).slice(0, 4).map((mark) => [mark[4], mark[2]]);
  const trade = panel.crowded ? null : panel.trades.find((each) => near(each.entry_ts, each.entry_price) || near(each.exit_ts, each.exit_price));
  if (trade) lines.push([`trade ${trade.number}: ${outcome(trade)}`, trade.pnl < 0 ? "loss" : "gain"]);
  for (const zone of panel.told.zones || []) {
    const price = u.posToVal(y, "y");
    if (zone[1] <= at && at <= zone[2] && zone[3] <= price && price <= zone[4]) {
      lines.push([`door ${zone[0]}, ${moment(zone[1] / 1e3)} to ${moment(zone[2] / 1e3)} UTC, below the high of ${number(zone[5])}`, "premium"]);
    }
  }
  for (const strip of panel.told.strips || []) {
    const i = after(strip.start, at) - 1;
    if (i >= 0 && at <= strip.end && y > u.over.clientHeight - 16) lines.push([`${strip.label}: ${strip.words[strip.code[i]]}`]);
  }
  return lines;
}

function outcome(trade) {
  const costs = `fees ${money(trade.fees)}, funding ${money(trade.funding)}`;
  return `${trade.pnl < 0 ? "" : "+"}${money(trade.pnl)} after ${costs}, held ${duration(trade.exit_ts - trade.entry_ts)}`;
}
