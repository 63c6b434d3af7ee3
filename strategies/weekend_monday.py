"""Monday morning: after a weekend in which nothing happened, go with whichever side of it breaks first."""

from enum import IntEnum

from backtester.features.answers import YES
from backtester.features.basic import BP, missing
from backtester.features.main_force import MainForce, see_main_force, see_spot_print, start_main_force
from backtester.features.sizing import prudent_qty
from backtester.features.weekend import Time, Weekend, see_weekend, start_weekend
from backtester.features.weeks import Zone
from backtester.orders import blocked, cancel_all, held, market_order, oco, stop


class Sides(IntEnum):
    """Which breaks are traded."""

    BOTH = 0
    FORCE = 1  # only the one that the spot main force helps


class Reason(IntEnum):
    """Why an order was sent."""

    BROKE_UP = 1     # above the weekend's high
    BROKE_DOWN = 2   # below its low
    STOP = 3         # it came back
    MONDAY_OVER = 4


class WeekendMonday:
    """Why will bitcoin be so volatile on Monday morning? All weekend nothing moved, and money eager to trade was
    restless. When such a weekend is over, two stops rest a little outside of its range, and the first that is met
    cancels the other; a protective stop waits behind each, and when Monday's first hours are over so is the trade.
    The weekend is Shanghai's: the spike of the document came on Sunday 21:00 UTC. Which side the spot main force
    tends to help may choose the side.
    """

    class Params:
        zone: Zone = Zone.SHANGHAI     # whose weekend
        quiet_only: bool = True        # only after a compressed weekend; false: after every one, to see what that is worth
        quiet_q: float = 0.30          # quantile of the weekends before up to which one is compressed
        weekends: int = 26             # that it is compared with
        weekends_min: int = 8          # of them that are needed
        monday_h: int = 12             # hours after the weekend that the trade may last
        buffer_bp: float = 5.0         # bp outside of the range: the entry
        stop_ranges: float = 0.5       # ranges from the entry back to the stop
        sides: Sides = Sides.BOTH      # both, or only the main force's
        whale_usd: float = 100_000.0   # quote; a large print of spot
        force_z: float = 1.0           # standard deviations of the main force's purchases that count
        risk: float = 0.005            # share of equity lost at the stop
        leverage: float = 3.0          # largest position over equity

    class Limits:
        weekends = (1, 64)
        weekends_min = (1, 64)
        monday_h = (1, 100)

    class Seen:
        weekend: Weekend
        force: MainForce

    class State:
        weekend: int = 0      # end of the last weekend that was decided on, ns
        open: bool = False    # its orders were sent, and its Monday is not over

    class Trace:
        time: Time
        rv: float
        compressed: float
        ratio: float
        high: float
        low: float
        force: float

    def see_start(seen, p):
        start_weekend(seen.weekend, p.zone, p.quiet_q, p.weekends, p.weekends_min, p.monday_h)
        start_main_force(seen.force, p.whale_usd, p.force_z)

    def see_spot_trade(x, seen, p):
        see_spot_print(seen.force, x)

    def see_spot(bar, seen, p):
        see_main_force(seen.force, bar)

    def see_perp(bar, seen, p):
        see_weekend(seen.weekend, bar)

    def on_bar(ctx, s, p):
        weekend = ctx.seen.weekend
        if weekend.time == Time.MONDAY and weekend.end != s.weekend:
            s.weekend = weekend.end
            consider(ctx, s, p)
        elif weekend.time != Time.MONDAY and s.open:
            s.open = False
            leave(ctx)

    def trace(ctx, s, p, row):
        weekend = ctx.seen.weekend
        row.time = weekend.time
        row.rv = weekend.rv
        row.compressed = weekend.compressed
        row.ratio = weekend.ratio
        row.high = weekend.high
        row.low = weekend.low
        row.force = ctx.seen.force.force


def consider(ctx, s, p):
    """The weekend is over: was it quiet, and who is helped?"""
    weekend = ctx.seen.weekend
    force = ctx.seen.force.force
    if missing(weekend.high) or (p.quiet_only and missing(weekend.compressed)) or (p.sides == Sides.FORCE and missing(force)):
        blocked(ctx)
    elif weekend.compressed == YES or not p.quiet_only:
        s.open = True
        place(ctx, p, p.sides == Sides.BOTH or force > 0.0, p.sides == Sides.BOTH or force < 0.0)


def place(ctx, p, up, down):
    """Orders outside of the range. The protective ones can only reduce, so they sleep until there is something to protect."""
    weekend = ctx.seen.weekend
    above = weekend.high * (1.0 + p.buffer_bp * BP)
    below = weekend.low * (1.0 - p.buffer_bp * BP)
    away = p.stop_ranges * (above - below)
    buy = -1
    sell = -1
    if up:
        qty = prudent_qty(ctx.account.equity, above, above - away, p.risk, p.leverage)
        buy = stop(ctx.perp, qty, above, Reason.BROKE_UP, until=weekend.until)
        stop(ctx.perp, -qty, above - away, Reason.STOP, reduce_only=True)
    if down:
        qty = prudent_qty(ctx.account.equity, below, below - away, p.risk, p.leverage)
        sell = stop(ctx.perp, -qty, below, Reason.BROKE_DOWN, until=weekend.until)
        stop(ctx.perp, qty, below + away, Reason.STOP, reduce_only=True)
    oco(ctx.perp, buy, sell)


def leave(ctx):
    """Monday's hours are over: nothing stays."""
    if held(ctx.perp) != 0.0:
        market_order(ctx.perp, -held(ctx.perp), Reason.MONDAY_OVER, reduce_only=True)
    else:
        cancel_all(ctx.perp)
