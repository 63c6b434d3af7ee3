"""Two moving averages: the plainest of all rules, for comparison with those that have a story."""

from enum import IntEnum

from backtester.features.basic import closes_an_hour, missing
from backtester.features.moving_average import Kind, MovingAverage, see_average, start_average
from backtester.orders import blocked, target


class Stance(IntEnum):
    """A side of the market."""

    SHORT = -1
    FLAT = 0
    LONG = 1


class Reason(IntEnum):
    """Why an order was sent."""

    FAST_ABOVE = 1
    FAST_BELOW = 2


class MovingAverageCross:
    """The fast average of the price stands above the slow one: it has risen of late, be long. Below: be short, or flat.
    It knows nothing of spot, premiums or leverage; what a story earns beyond this is its own. `fast_h` is less than
    `slow_h`: otherwise the two say nothing, and every hour counts as blocked.
    """

    class Params:
        kind: Kind = Kind.EXPONENTIAL   # how closes are weighed
        fast_h: int = 12                # hours; less than slow_h
        slow_h: int = 48                # hours
        above: Stance = Stance.LONG     # while the fast one is above
        below: Stance = Stance.SHORT    # while it is below
        share: float = 0.5              # notional of the position over equity, when it is taken

    class Limits:
        fast_h = (1, 1024)
        slow_h = (1, 1024)

    class Seen:
        fast: MovingAverage
        slow: MovingAverage

    class State:
        stance: Stance = Stance.FLAT  # that was asked for last

    class Trace:
        fast: float
        slow: float

    def see_start(seen, p):
        start_average(seen.fast, p.kind, p.fast_h)
        start_average(seen.slow, p.kind, p.slow_h)

    def see_perp(bar, seen, p):
        see_average(seen.fast, bar)
        see_average(seen.slow, bar)

    def on_bar(ctx, s, p):
        if not closes_an_hour(ctx.perp.bar.ts_close):
            return
        fast = ctx.seen.fast.value
        slow = ctx.seen.slow.value
        if missing(fast) or missing(slow) or p.fast_h >= p.slow_h:
            blocked(ctx)
        elif fast > slow:
            take(ctx, s, p, p.above, Reason.FAST_ABOVE)
        elif fast < slow:
            take(ctx, s, p, p.below, Reason.FAST_BELOW)

    def trace(ctx, s, p, row):
        row.fast = ctx.seen.fast.value
        row.slow = ctx.seen.slow.value


def take(ctx, s, p, stance, reason):
    """Change sides, at a size that then stays."""
    if stance != s.stance:
        s.stance = stance
        target(ctx.perp, stance * p.share * ctx.account.equity / ctx.perp.bar.close, reason)
