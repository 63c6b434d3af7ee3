"""The door: buy the third door of a battle between shorts and longs, where spot does not sell."""

from enum import IntEnum

from backtester.features.basic import BP, NAN, missing, off
from backtester.features.doors import Doors, bound_doors, is_third, see_doors, start_doors
from backtester.features.labels import Label, RequireOi, label
from backtester.features.legs import Legs, see_legs, start_legs
from backtester.features.open_interest import OpenInterest, age_contracts, see_contracts
from backtester.features.premium import Premium, Source, Unit, in_bp, see_premium, start_premium
from backtester.features.premium_moves import PremiumMoves, see_premium_moves
from backtester.features.sizing import prudent_qty
from backtester.features.volatility import Volatility, see_volatility, start_volatility
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

    class Params:
        doors: int = 3                          # the first door that may arm the trade; drops are doors 1, 3, 5 ...
        support: float | None = None            # quote, of the perp; buy only above it; None: off
        premium_delta_bp: float = 1.0           # premium_unit; smallest premium change of a divergence
        premium_eps_bp: float = 0.5             # premium_unit; largest premium change that still is none
        premium_unit: Unit = Unit.RELATIVE      # what delta and eps are measured in: bp, or u, the usual move of an hour
        premium_source: Source = Source.CLOSE   # which prices make the premium
        premium_half_life_min: float = 5.0      # minutes; half-life of the premium's average
        premium_median_min: float = 15.0        # minutes; window of the premium's median, at most 32 bars
        premium_trend: float | None = None      # 0 .. 1; how steadily the premium must rise in the arming drop; None: not asked
        require_oi: RequireOi = RequireOi.HARD  # how open interest confirms a divergence
        oi_min: float = 0.001                   # fraction; smallest change of open interest in a leg
        vol_half_life_min: float = 240.0        # minutes; half-life of the volatility
        leg_min_bp: float = 40.0                # bp; smallest turn that ends a leg
        leg_k: float = 2.0                      # the same in volatilities of leg_h_min minutes; the larger counts
        leg_h_min: float = 15.0                 # minutes; see leg_k
        leg_provisional: float = 0.6            # share of that turn that makes a provisional leg
        anchor_bp: float = 80.0                 # bp; smallest impulse
        anchor_max_min: float = 360.0           # minutes; longest impulse
        door_max_min: float = 480.0             # minutes; longest door
        retrace_lo: float = 0.25                # smallest door, as a share of the leg before
        retrace_hi: float = 2.5                 # largest door, as a share of the leg before
        door_band_bp: float = 400.0             # bp below the anchor that end the game
        door_break_bp: float = 10.0             # bp above the anchor that are a new high
        door_hold: int = 3                      # closes in a row above it that end the game
        door_ttl_h: float = 48.0                # hours; longest game
        turn: float = 0.35                      # share of the turn that would end the door: the entry
        buffer_bp: float = 10.0                 # bp below the door's low: the stop
        risk: float = 0.005                     # share of equity lost at the stop
        leverage: float = 3.0                   # largest position over equity

    class Limits:
        doors = (1, 99)
        leg_min_bp = (1.0, 10_000.0)
        leg_h_min = (0.0, 10_080.0)
        premium_median_min = (1.0, 160.0)

    class Seen:
        premium: Premium
        moves: PremiumMoves
        volatility: Volatility
        open_interest: OpenInterest
        legs: Legs
        doors: Doors
        eps_bp: float = NAN                          # bp
        label: Label = Label.UNKNOWN                 # of the leg as it stands
        done_label: Label = Label.UNKNOWN            # of the last confirmed leg

    class State:
        armed: bool = False
        spent: int = 0                               # start of the door that was decided on, ns
        stop: float = NAN                            # quote
        goal: float = NAN                            # quote

    class Trace:
        premium_bp: float
        smooth_bp: float
        unit_bp: float
        label: Label
        direction: float                             # of the leg as it stands
        leg_bp: float
        leg_premium_bp: float
        leg_oi: float
        turn: float
        anchor: float
        doors: int
        drawing: int
        armed: bool
        support: float
        stop: float
        goal: float

    def see_start(seen, p):
        start_premium(seen.premium, p.premium_source, p.premium_half_life_min, p.premium_median_min)
        start_volatility(seen.volatility, p.vol_half_life_min)
        start_legs(seen.legs, p.leg_min_bp, p.leg_k, p.leg_h_min, p.leg_provisional)
        start_doors(seen.doors, p.anchor_bp, p.anchor_max_min, p.door_max_min, p.retrace_lo, p.retrace_hi)
        bound_doors(seen.doors, p.door_band_bp, p.door_break_bp, p.door_hold, p.door_ttl_h)

    def see_open_interest(x, seen, p):
        see_contracts(seen.open_interest, x)

    def see_perp(bar, seen, p):
        see_volatility(seen.volatility, bar)

    def see_pair(spot, perp, seen, p):
        see_premium(seen.premium, spot, perp)
        see_premium_moves(seen.moves, perp.ts_close, seen.premium.median)
        age_contracts(seen.open_interest, perp.ts_close)
        see_legs(seen.legs, perp, seen.premium, seen.open_interest.qty, seen.volatility.sigma)
        delta_bp = in_bp(p.premium_delta_bp, p.premium_unit, seen.moves.unit)
        seen.eps_bp = in_bp(p.premium_eps_bp, p.premium_unit, seen.moves.unit)
        seen.label = label(seen.legs.now, delta_bp, seen.eps_bp, p.oi_min, p.require_oi)
        if seen.legs.turned:
            seen.done_label = label(seen.legs.done, delta_bp, seen.eps_bp, p.oi_min, p.require_oi)
        see_doors(seen.doors, seen.legs, seen.done_label)

    def on_bar(ctx, s, p):
        if held(ctx.perp) > 0.0:
            if ctx.perp.bar.close < s.stop:
                target(ctx.perp, 0.0, Reason.STOP)
            elif ctx.perp.bar.close > s.goal:
                target(ctx.perp, 0.0, Reason.TARGET)

    def on_pair(ctx, s, p):
        seen = ctx.seen
        if seen.legs.turned and seen.done_label == Label.UNKNOWN:
            blocked(ctx)
        if held(ctx.perp) > 0.0:
            if seen.legs.now.direction < 0.0 and seen.label == Label.SPOT_SELLS:
                target(ctx.perp, 0.0, Reason.SPOT_SELLS)
        elif not is_third(seen.doors, p.doors) or seen.doors.since == s.spent:
            s.armed = False
        else:
            arm(seen, s, p)
            if s.armed and seen.legs.turn >= p.turn:
                enter(ctx, s, p)

    def trace(ctx, s, p, row):
        seen = ctx.seen
        row.premium_bp = seen.premium.median
        row.smooth_bp = seen.premium.smooth
        row.unit_bp = seen.moves.unit
        row.label = seen.label
        row.direction = seen.legs.now.direction
        row.leg_bp = seen.legs.now.size_bp
        row.leg_premium_bp = seen.legs.now.premium_change
        row.leg_oi = seen.legs.now.oi_change
        row.turn = seen.legs.turn
        row.anchor = seen.doors.anchor.price
        row.doors = seen.doors.count
        row.drawing = seen.doors.drawing
        row.armed = s.armed
        row.support = p.support
        row.stop = s.stop
        row.goal = s.goal


def arm(seen, s, p):
    """While the door drops: shorts coming in arm it, spot selling disarms it."""
    if seen.legs.now.direction < 0.0:
        if seen.label == Label.SPOT_SELLS:
            s.armed = False
        elif seen.label == Label.SHORTS_IN and (off(p.premium_trend) or seen.legs.now.trend >= p.premium_trend):
            s.armed = True


def enter(ctx, s, p):
    """The door turned up: buy it, once, if the premium has not given way since its low."""
    doors = ctx.seen.doors
    price = ctx.perp.bar.close
    change_bp = ctx.seen.premium.smooth - doors.end.smooth
    if missing(change_bp):
        blocked(ctx)
    elif change_bp >= -ctx.seen.eps_bp and (off(p.support) or price > p.support):
        s.stop = doors.end.price * (1.0 - p.buffer_bp * BP)
        s.goal = doors.anchor.price * (1.0 + p.door_break_bp * BP)
        s.spent = doors.since
        target(ctx.perp, prudent_qty(ctx.account.equity, price, s.stop, p.risk, p.leverage), Reason.ENTRY_DOOR)
