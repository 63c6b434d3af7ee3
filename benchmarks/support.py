"""A small strategy that keeps everything per lane, so that its twin in C does equal work."""

from enum import IntEnum

from backtester.orders import target


class Reason(IntEnum):
    ENTER = 1
    LEAVE = 2


class Support:
    """Buy spot under support when the perpetual exaggerates the dip, hedged with the perpetual; leave when it is over."""

    class Params:
        support: float = 92_000.0
        premium_delta_bp: float = 6.0
        qty: float = 0.05
        stop: float = 0.03
        hedge: float = 0.5

    class State:
        slow: float
        pressure: float
        entry: float
        n: int

    def on_bar(ctx, s, p):
        spot = ctx.spot.bar.close
        premium = (ctx.perp.bar.close / spot - 1.0) * 1e4
        s.slow += 0.01 * (premium - s.slow)
        s.pressure *= 0.97
        s.n += 1
        delta = premium - s.slow
        if ctx.spot.position.qty == 0.0:
            if s.n > 100 and spot < p.support and delta < -p.premium_delta_bp and s.pressure > -50.0:
                target(ctx.spot, p.qty, Reason.ENTER)
                target(ctx.perp, -p.hedge * p.qty, Reason.ENTER)
                s.entry = spot
        elif delta > p.premium_delta_bp or spot < s.entry * (1.0 - p.stop):
            target(ctx.spot, 0.0, Reason.LEAVE)
            target(ctx.perp, 0.0, Reason.LEAVE)

    def on_liquidation(ctx, x, s, p):
        s.pressure -= x.side * x.qty
