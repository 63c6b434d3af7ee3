"""The mark price: what positions are valued at, and the bar whose extremes decide who is liquidated."""

from backtester.engine.jit import jit
from backtester.engine.margin import is_crossed, refresh, widen


@jit
def join(joined, bar, quote):
    """Add a bar of a mark or an index to those that lie inside the same bar of the instrument."""
    if quote.interval == 0:
        return
    window = (bar.ts_event - quote.first) // quote.interval
    if window != joined.window:
        joined.window = window
        joined.open = bar.open
        joined.high = bar.high
        joined.low = bar.low
    joined.high = max(joined.high, bar.high)
    joined.low = min(joined.low, bar.low)
    joined.close = bar.close
    joined.ts_close = bar.ts_close


@jit
def is_of(joined, bar, quote):
    """Whether the joined bars lie inside this bar and end with it."""
    return joined.ts_close == bar.ts_close and joined.window == (bar.ts_event - quote.first) // quote.interval


@jit
def copy(path, source, basis):
    """The mark's bar, from prices that lie `basis` (quote) below it."""
    path.open = source.open + basis
    path.high = source.high + basis
    path.low = source.low + basis
    path.close = source.close + basis


@jit
def find_mark(quote, bar):
    """The mark's bar for a bar of a perpetual: its own stream, else the index and the basis, else the bar itself."""
    mark, index = quote.mark, quote.index
    indexed = is_of(index, bar, quote)
    if is_of(mark, bar, quote):
        copy(quote.path, mark, 0.0)
    elif indexed and quote.basis == quote.basis:
        copy(quote.path, index, quote.basis)
    else:
        copy(quote.path, bar, 0.0)
    if indexed:
        quote.basis = bar.close - index.close


@jit
def stand(lane, quotes):
    """Every instrument of the lane stands at its last mark."""
    for j in range(len(lane.position)):
        lane.way[j].mark = quotes[j].price
        lane.way[j].x = quotes[j].price


@jit
def is_threatened(quote):
    """Whether the mark's bar reaches a liquidation price of any lane."""
    return quote.path.low <= quote.longs_end or quote.path.high >= quote.shorts_end


@jit
def narrow(lanes, i, quote):
    """The bounds inside which nobody is liquidated, from the positions as they are now."""
    quote.longs_end = -float("inf")
    quote.shorts_end = float("inf")
    for k in range(len(lanes)):
        widen(quote, lanes[k].position[i])


@jit
def refresh_crossed(lane, quotes):
    """Where perpetuals share one margin, each other's marks have moved their liquidation prices."""
    if is_crossed(lane):
        stand(lane, quotes)
        refresh(lane, quotes)


@jit
def take_bracket(i, x, lanes, quotes):
    """Another version of the margin brackets is in force."""
    bracket = quotes[i].bracket
    bracket.tiers = x.tiers
    bracket.liquidation_fee = x.liquidation_fee
    for n in range(x.tiers):
        bracket.cap[n] = x.cap[n]
        bracket.rate[n] = x.rate[n]
        bracket.amount[n] = x.amount[n]
        bracket.leverage[n] = x.leverage[n]
    for k in range(len(lanes)):
        refresh(lanes[k], quotes)
