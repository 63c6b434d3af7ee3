"""The way of the price and its mark through a bar: what they meet, in the order in which they meet it."""

from backtester.engine.book import clear_up, end_all
from backtester.engine.changes import carry_out
from backtester.engine.codes import CANCELLED
from backtester.engine.jit import jit
from backtester.engine.liquidate import NEVER, is_hit, liquidate, liquidation_at
from backtester.engine.match import end_markets, fill_markets, open_bar
from backtester.engine.resting import act, first_at, follow, is_in_reach, level_of, markets_at_open, others_at_open
from backtester.engine.state import ADVERSE, NEAREST, OHLC

NOBODY, LIQUIDATION = -2, -1  # whom a path meets; else the place of an order


@jit
def high_first(path, qty, bar, entry):
    """Whether the path goes to the high first. `qty` is the position, `entry` the signed quantity of the oldest order that may open one."""
    if path == ADVERSE:
        return qty < 0.0 or (qty == 0.0 and entry >= 0.0)
    if path == NEAREST:
        return bar.high - bar.open <= bar.open - bar.low
    return path == OHLC


@jit
def corner(bar, n, up):
    """The n-th corner of the path through a bar: open, first extreme, second extreme, close."""
    if n == 0:
        return bar.open
    if n == 3:
        return bar.close
    return bar.high if up == (n == 1) else bar.low


# ---------------------------------------------------------------- lanes that ask at the market alone


@jit
def open_plain(lane, i, bar, quotes, journal):
    """The open: market orders, then the liquidation price."""
    fill_markets(lane, i, bar, quotes, journal)
    mark = quotes[i].path.open
    if liquidation_at(lane.position[i], 0.0, mark, mark) != NEVER:
        liquidate_plain(lane, i, bar.ts_event, mark, bar.open, quotes, journal)


@jit
def walk_plain(lane, i, bar, quotes, journal):
    """The path of a lane without resting orders: only the liquidation price can be met."""
    up, mark = high_first(lane.terms[i].path, lane.position[i].qty, bar, 0.0), quotes[i].path
    for n in range(3):
        a, b = corner(mark, n, up), corner(mark, n + 1, up)
        f = liquidation_at(lane.position[i], 0.0, a, b)
        if f != NEVER:
            price = corner(bar, n, up) + f * (corner(bar, n + 1, up) - corner(bar, n, up))
            liquidate_plain(lane, i, bar.ts_close - 1, a + f * (b - a), price, quotes, journal)


@jit
def liquidate_plain(lane, i, ts, mark, price, quotes, journal):
    for j in range(len(lane.position)):
        if is_hit(lane, i, j):
            end_markets(lane, j, ts, CANCELLED, quotes, journal)
    liquidate(lane, i, ts, mark, price, quotes, journal)


@jit
def drop_plain(lane, ts, status, quotes, journal):
    """End the waiting orders of a lane."""
    for i in range(len(lane.position)):
        end_markets(lane, i, ts, status, quotes, journal)


# ---------------------------------------------------------------- lanes with resting orders


@jit
def open_lane(lane, i, bar, quotes, journal):
    """The open: changes that have arrived, market orders, the liquidation price, the other orders."""
    open_bar(lane.position[i], lane.terms[i], bar)
    carry_out(lane, i, bar, journal)
    markets_at_open(lane, i, bar, quotes, journal)
    mark = quotes[i].path.open
    if liquidation_at(lane.position[i], 0.0, mark, mark) != NEVER:
        liquidate_lane(lane, i, bar.ts_event, mark, bar.open, quotes, journal)
    others_at_open(lane, i, bar, quotes, journal)
    clear_up(lane, i, bar.ts_event, quotes[i], journal)


@jit
def walk_lane(lane, i, bar, quotes, journal):
    """The path: orders and the liquidation price, in the order in which it meets them."""
    position, mark = lane.position[i], quotes[i].path
    if is_quiet(lane, i, bar, mark):
        return
    up = high_first(lane.terms[i].path, position.qty, bar, oldest_entry(lane, i))
    for n in range(3):
        walk_part(lane, i, bar, corner(bar, n, up), corner(bar, n + 1, up), corner(mark, n, up), corner(mark, n + 1, up), quotes, journal)
    clear_up(lane, i, bar.ts_close - 1, quotes[i], journal)


@jit
def is_quiet(lane, i, bar, mark):
    """Whether the bar's range, and the mark's, reach nothing, whatever the path."""
    position, terms = lane.position[i], lane.terms[i]
    if (position.qty > 0.0 and mark.low <= position.end) or (position.qty < 0.0 and mark.high >= position.end):
        return False
    reached = 0
    for j in range(position.resting):
        if is_in_reach(terms, lane.book[i, j], bar):
            reached += 1
    return reached == 0


@jit
def oldest_entry(lane, i):
    """The signed quantity of the oldest order alive that may open a position; 0 where there is none."""
    for j in range(lane.position[i].resting):
        order = lane.book[i, j]
        if order.met == 1 and order.parent < 0 and order.reduce_only == 0:
            return order.qty
    return 0.0


@jit
def walk_part(lane, i, bar, a, b, mark_a, mark_b, quotes, journal):
    """One straight part of the path from a to b, the mark's beside it."""
    follow_all(lane, i, a)
    f, x = 0.0, a
    while True:
        whom, at = next_met(lane, i, f, x, a, b, mark_a, mark_b)
        if whom == NOBODY:
            break
        if whom == LIQUIDATION:
            x = x if at == f else a + at * (b - a)
            liquidate_lane(lane, i, bar.ts_close - 1, mark_a + at * (mark_b - mark_a), x, quotes, journal)
        else:
            x = x if at == f else level_of(lane.terms[i], lane.book[i, whom])
            act(lane, i, bar, lane.book[i, whom], x, quotes, journal)
        f = at
    follow_all(lane, i, b)


@jit
def next_met(lane, i, f, x, a, b, mark_a, mark_b):
    """Whom the part meets next, where the path stands at fraction f and price x, and where it does.

    The liquidation price comes before orders, these by number.
    """
    at = liquidation_at(lane.position[i], f, mark_a, mark_b)
    whom = NOBODY if at == NEVER else LIQUIDATION
    for j in range(lane.position[i].resting):
        found = first_at(lane, i, lane.book[i, j], f, x, a, b)
        if found < at:
            whom, at = j, found
    return whom, at


@jit
def follow_all(lane, i, price):
    """Trailing stops see a corner of the path."""
    for j in range(lane.position[i].resting):
        if lane.book[i, j].qty != 0.0:
            follow(lane.book[i, j], price)


@jit
def liquidate_lane(lane, i, ts, mark, price, quotes, journal):
    for j in range(len(lane.position)):
        if is_hit(lane, i, j):
            end_all(lane, j, ts, CANCELLED, quotes, journal)
    liquidate(lane, i, ts, mark, price, quotes, journal)


@jit
def drop_lane(lane, ts, status, quotes, journal):
    """End the waiting orders of a lane."""
    for i in range(len(lane.position)):
        end_all(lane, i, ts, status, quotes, journal)
