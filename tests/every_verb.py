"""A strategy without an idea: the digits of prices say which verb comes next, so that every kind of order lives and dies."""

from enum import IntEnum

from backtester.orders import (
    Tif,
    amend,
    blocked,
    bracket,
    cancel,
    cancel_all,
    held,
    limit,
    market,
    market_order,
    oco,
    stop,
    stop_limit,
    take_profit,
    target,
    trailing_stop,
)

NEAR = 0.002  # fraction of the price between it and a level


class Reason(IntEnum):
    DRAWN = 1
    FUNDED = 2


class EveryVerb:
    """One verb a bar of the perpetual, one a settlement; all that waits is cancelled every twelve bars."""

    class Params:
        size: float = 0.3  # notional over equity

    class State:
        bars: int
        last: int  # number of the last order

    class Trace:
        last: float
        resting: float

    def on_bar(ctx, s, p):
        price = ctx.perp.bar.close
        if price > 0.0:
            s.bars += 1
            digit = int(price * 10.0) % 20
            qty = p.size * ctx.account.equity / price
            if int(ctx.perp.bar.low * 10.0) % 2 == 1:
                qty = -qty
            if s.bars % 12 == 0:
                cancel_all(ctx.perp)
            else:
                draw(ctx, s, digit, qty, price)
        else:
            blocked(ctx)

    def on_funding(ctx, x, s, p):
        if held(ctx.perp) != 0.0:
            target(ctx.perp, 0.5 * held(ctx.perp), Reason.FUNDED)

    def trace(ctx, s, p, row):
        row.last = s.last * 1.0
        row.resting = ctx.perp.position.resting * 1.0


def draw(ctx, s, digit, qty, price):  # noqa: C901, PLR0912 - a verb a branch
    """The verb of a digit below 20."""
    better = price * (1.0 - NEAR) if qty > 0.0 else price * (1.0 + NEAR)
    worse = price * (1.0 + NEAR) if qty > 0.0 else price * (1.0 - NEAR)
    if digit < 2:
        market(ctx.perp, qty, Reason.DRAWN)
    elif digit == 2:
        market(ctx.spot, abs(qty) if ctx.spot.position.qty == 0.0 else -ctx.spot.position.qty, Reason.DRAWN)
    elif digit == 3:
        target(ctx.perp, qty, Reason.DRAWN)
    elif digit == 4:
        s.last = market_order(ctx.perp, qty, Reason.DRAWN, Tif.IOC)
    elif digit == 5:
        s.last = market_order(ctx.perp, -ctx.perp.position.qty, Reason.DRAWN, Tif.GTC, 0, True)
    elif digit < 8:
        s.last = limit(ctx.perp, qty, better, Reason.DRAWN, Tif.GTC, 0, False, digit == 7)
    elif digit == 8:
        s.last = limit(ctx.perp, qty, worse, Reason.DRAWN, Tif.FOK)
    elif digit == 9:
        s.last = stop(ctx.perp, qty, worse, Reason.DRAWN, ctx.ts + 3_600_000_000_000)
    elif digit == 10:
        s.last = take_profit(ctx.perp, qty, better, Reason.DRAWN)
    elif digit == 11:
        s.last = stop_limit(ctx.perp, qty, worse, worse, Reason.DRAWN)
    elif digit == 12:
        s.last = trailing_stop(ctx.perp, -ctx.perp.position.qty, NEAR * price, Reason.DRAWN, 0, True)
    elif digit < 15:
        s.last = bracket(ctx.perp, qty, better, worse, Reason.DRAWN)
    elif digit == 15:
        s.last = bracket(ctx.perp, qty, better * 2.0 - price, price, Reason.DRAWN, better)
    elif digit == 16:
        oco(ctx.perp, limit(ctx.perp, qty, better, Reason.DRAWN), stop(ctx.perp, qty, worse, Reason.DRAWN))
    elif digit == 17:
        cancel(ctx.perp, s.last)
    elif digit == 18:
        amend(ctx.perp, s.last, qty, better)
    else:
        target(ctx.perp, 0.0, Reason.DRAWN)
