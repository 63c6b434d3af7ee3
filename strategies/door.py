"""The door: buy the third door of a battle between shorts and longs, where spot does not sell."""

from enum import IntEnum

from backtester.features.basic import BP, NAN, missing, off
from backtester.features.divergence import (
    Divergence,
    DivergenceLimits,
    DivergenceParams,
    DivergenceTrace,
    see_divergence,
    shorts_come_in,
    spot_sells,
    start_divergence,
    trace_divergence,
)
from backtester.features.doors import Doors, DoorsParams, is_third, prepare_doors, see_doors
from backtester.features.labels import Label
from backtester.features.open_interest import see_contracts
from backtester.features.sizing import prudent_qty
from backtester.features.volatility import see_volatility
from backtester.orders import blocked, held, target


class Reason(IntEnum):
    """Why an order was sent."""

    ENTRY_DOOR = 1  # the third door turned up
    STOP = 2        # the price fell below the door
    TARGET = 3      # a new high: the anchor broke
    SPOT_SELLS = 4  # spot leads the drop: the shorts win


class Door:
    """Spot buys, the price jumps, and the fight begins: shorts press the perp below spot while the price drops
    (door 1), longs push it above spot while it rises (door 2), shorts come in again on the next drop (door 3).
    They are the fuel. When that drop, or a later one of the same fight, turns up and spot still does not sell,
    buy the perp: the shorts must buy back, and the next door breaks the high of the first jump. Wrong below the
    door's low, and wrong at once where the premium falls with the price: then spot itself sells, the shorts win.
    """

    class Params(DivergenceParams, DoorsParams):
        doors: int = 3                          # the first door that may arm the trade; drops are doors 1, 3, 5 ...
        support: float | None = None            # quote, of the perp; buy only above it; None: off
        premium_trend: float | None = None      # 0 .. 1; how steadily the premium must rise in the arming drop; None: not asked
        turn: float = 0.35                      # share of the turn that would end the door: the entry
        buffer_bp: float = 10.0                 # bp below the door's low: the stop
        risk: float = 0.005                     # share of equity lost at the stop
        leverage: float = 3.0                   # largest position over equity

    class Limits(DivergenceLimits):
        doors = (1, 99)

    class Seen:
        divergence: Divergence
        doors: Doors

    class State:
        armed: bool = False
        spent: int = 0      # start of the door that was decided on, ns
        stop: float = NAN   # quote
        goal: float = NAN   # quote

    class Trace(DivergenceTrace):
        smooth_bp: float
        anchor: float
        doors: int
        drawing: int
        armed: bool
        support: float
        stop: float
        goal: float

    def see_start(seen, p):
        start_divergence(seen.divergence, p)
        prepare_doors(seen.doors, p)

    def see_open_interest(x, seen, p):
        see_contracts(seen.divergence.contracts, x)

    def see_perp(bar, seen, p):
        see_volatility(seen.divergence.volatility, bar)

    def see_pair(spot, perp, seen, p):
        see_divergence(seen.divergence, spot, perp, p)
        see_doors(seen.doors, seen.divergence.legs, seen.divergence.done)

    def on_bar(ctx, s, p):
        if held(ctx.perp) > 0.0:
            if ctx.perp.bar.close < s.stop:
                target(ctx.perp, 0.0, Reason.STOP)
            elif ctx.perp.bar.close > s.goal:
                target(ctx.perp, 0.0, Reason.TARGET)

    def on_pair(ctx, s, p):
        story = ctx.seen.divergence
        doors = ctx.seen.doors
        if story.legs.turned and story.done == Label.UNKNOWN:
            blocked(ctx)
        if held(ctx.perp) > 0.0:
            if spot_sells(story):
                target(ctx.perp, 0.0, Reason.SPOT_SELLS)
        elif not is_third(doors, p.doors) or doors.since == s.spent:
            s.armed = False
        else:
            arm(story, s, p)
            if s.armed and story.legs.turn >= p.turn:
                enter(ctx, s, p)

    def trace(ctx, s, p, row):
        trace_divergence(ctx.seen.divergence, row)
        row.smooth_bp = ctx.seen.divergence.premium.smooth
        row.anchor = ctx.seen.doors.anchor.price
        row.doors = ctx.seen.doors.count
        row.drawing = ctx.seen.doors.drawing
        row.armed = s.armed
        row.support = p.support
        row.stop = s.stop
        row.goal = s.goal


def arm(story, s, p):
    """While the door drops: shorts coming in arm it, spot selling disarms it."""
    if spot_sells(story):
        s.armed = False
    elif shorts_come_in(story, p.premium_trend):
        s.armed = True


def enter(ctx, s, p):
    """The door turned up: buy it, once, if the premium has not given way since its low."""
    doors = ctx.seen.doors
    price = ctx.perp.bar.close
    change_bp = ctx.seen.divergence.premium.smooth - doors.end.smooth
    if missing(change_bp):
        blocked(ctx)
    elif change_bp >= -ctx.seen.divergence.eps_bp and (off(p.support) or price > p.support):
        s.stop = doors.end.price * (1.0 - p.buffer_bp * BP)
        s.goal = doors.anchor.price * (1.0 + p.door_break_bp * BP)
        s.spent = doors.since
        target(ctx.perp, prudent_qty(ctx.account.equity, price, s.stop, p.risk, p.leverage), Reason.ENTRY_DOOR)
