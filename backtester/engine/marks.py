"""The mark price: what positions are valued at, and the bar whose extremes decide who is liquidated."""

from backtester.engine.jit import jit
from backtester.engine.margin import refresh, widen


@jit
def join(joined, bar):
    """Add a bar to those since the instrument's last one."""
    if joined.bars == 0:
        joined.open = bar.open
        joined.high = bar.high
        joined.low = bar.low
    joined.high = max(joined.high, bar.high)
    joined.low = min(joined.low, bar.low)
    joined.close = bar.close
    joined.ts_close = bar.ts_close
    joined.bars += 1


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
    indexed = index.bars > 0 and index.ts_close == bar.ts_close
    if mark.bars > 0 and mark.ts_close == bar.ts_close:
        copy(quote.path, mark, 0.0)
    elif indexed and quote.basis == quote.basis:
        copy(quote.path, index, quote.basis)
    else:
        copy(quote.path, bar, 0.0)
    if indexed:
        quote.basis = bar.close - index.close
    mark.bars = 0
    index.bars = 0


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
def refresh_cross(lanes, quotes):
    """Under cross margin another perpetual's mark moves the liquidation price."""
    for k in range(len(lanes)):
        if lanes[k].account.perps > 1 and lanes[k].terms[0].isolated == 0:
            refresh(lanes[k], quotes)


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
