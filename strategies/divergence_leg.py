"""A leg with a divergence: with it or against it, for some time or until the market tells another story."""

from enum import IntEnum

from backtester.features.basic import MINUTE, off
from backtester.features.labels import Label, RequireOi, label
from backtester.features.legs import Legs, see_legs, start_legs
from backtester.features.open_interest import OpenInterest, age_contracts, see_contracts
from backtester.features.premium import Premium, Source, Unit, in_bp, see_premium, start_premium
from backtester.features.premium_moves import PremiumMoves, see_premium_moves
from backtester.features.sizing import prudent_qty
from backtester.features.volatility import Volatility, see_volatility, start_volatility
from backtester.orders import blocked, cancel, held, market_order, stop, target


class Mode(IntEnum):
    """On which side of the leg."""

    FADE = 0    # against it: buy the drop, sell the rise
    FOLLOW = 1  # with it


class Which(IntEnum):
    """Which leg is judged."""

    STANDING = 0   # as the path stands now: early, and it may change its mind
    CONFIRMED = 1  # the last that ended: sure, and late


class Labels(IntEnum):
    """Which stories are traded."""

    CROWD = 0   # shorts pile into a drop, longs into a rise
    FORCED = 1  # longs are forced out by a drop, shorts by a rise
    SPOT = 2    # spot sells the drop, spot buys the rise: no divergence, spot leads


class Reason(IntEnum):
    """Why an order was sent; an entry's code is its label's."""

    SHORTS_IN = 3
    LONGS_FLUSHED = 4
    LONGS_IN = 5
    SHORTS_SQUEEZED = 6
    SPOT_SELLS = 8
    SPOT_BUYS = 9
    STOP = 20           # rests at the venue
    TIME = 21           # held for as long as it should be
    LABEL_CHANGED = 22  # the leg tells another story, or is another leg


class DivergenceLeg:
    """The price dropped and the premium of spot rose: retail shorts piled in, and must buy back. The price rose and
    the premium fell: longs did, and will have to sell. Trade each such leg once, against it (or, to see what that is
    worth, with it), with a stop some turns away, for some hours or until the leg has another label. Open interest
    tells a crowd that comes in from one that is forced out; `require_oi: off` is the document as it stands.
    """

    class Params:
        mode: Mode = Mode.FADE                  # against the leg, or with it
        leg: Which = Which.STANDING             # the leg as it stands, or the last confirmed one
        labels: Labels = Labels.CROWD           # which stories are traded
        hold_min: float | None = 240.0          # minutes; None: until the label changes
        stop_turns: float = 2.0                 # turns that would end the leg, from the price of the decision to the stop
        premium_delta_bp: float = 2.0           # premium_unit; smallest premium change of a divergence
        premium_eps_bp: float = 0.5             # premium_unit; largest premium change that still is none
        premium_unit: Unit = Unit.RELATIVE      # what delta and eps are measured in: bp, or u, the usual move of an hour
        premium_source: Source = Source.CLOSE   # which prices make the premium
        premium_half_life_min: float = 5.0      # minutes; half-life of the premium's average
        premium_median_min: float = 15.0        # minutes; window of the premium's median, at most 32 bars
        require_oi: RequireOi = RequireOi.HARD  # how open interest confirms a divergence
        oi_min: float = 0.001                   # fraction; smallest change of open interest in a leg
        vol_half_life_min: float = 240.0        # minutes; half-life of the volatility
        leg_min_bp: float = 40.0                # bp; smallest turn that ends a leg
        leg_k: float = 2.0                      # the same in volatilities of leg_h_min minutes; the larger counts
        leg_h_min: float = 15.0                 # minutes; see leg_k
        leg_provisional: float = 0.6            # share of that turn that makes a provisional leg
        risk: float = 0.005                     # share of equity lost at the stop
        leverage: float = 3.0                   # largest position over equity

    class Limits:
        leg_min_bp = (1.0, 10_000.0)
        leg_h_min = (0.0, 10_080.0)
        premium_median_min = (1.0, 160.0)

    class Seen:
        premium: Premium
        moves: PremiumMoves
        volatility: Volatility
        open_interest: OpenInterest
        legs: Legs
        label: Label = Label.UNKNOWN  # of the leg that is judged
        direction: float = 0.0        # its direction
        since: int = 0                # where it began, or was confirmed, ns
        news: bool = False            # it was judged at this pair

    class State:
        spent: int = 0                # `since` of the leg that was traded, ns
        entered: int = 0              # ns
        label: Label = Label.UNKNOWN  # that was traded
        stop: int = -1                # number of the stop's order

    class Trace:
        premium_bp: float
        unit_bp: float
        label: Label
        direction: float
        leg_bp: float
        leg_premium_bp: float
        leg_oi: float

    def see_start(seen, p):
        start_premium(seen.premium, p.premium_source, p.premium_half_life_min, p.premium_median_min)
        start_volatility(seen.volatility, p.vol_half_life_min)
        start_legs(seen.legs, p.leg_min_bp, p.leg_k, p.leg_h_min, p.leg_provisional)

    def see_open_interest(x, seen, p):
        see_contracts(seen.open_interest, x)

    def see_perp(bar, seen, p):
        see_volatility(seen.volatility, bar)

    def see_pair(spot, perp, seen, p):
        see_premium(seen.premium, spot, perp)
        see_premium_moves(seen.moves, perp.ts_close, seen.premium.median)
        age_contracts(seen.open_interest, perp.ts_close)
        see_legs(seen.legs, perp, seen.premium, seen.open_interest.qty, seen.volatility.sigma)
        seen.news = p.leg == Which.STANDING or seen.legs.turned
        if p.leg == Which.STANDING:
            judge(seen, seen.legs.now, p)
        elif seen.legs.turned:
            judge(seen, seen.legs.done, p)

    def on_pair(ctx, s, p):
        if held(ctx.perp) != 0.0:
            leave(ctx, s, p)
        elif ctx.perp.position.qty == 0.0 and ctx.seen.news:
            consider(ctx, s, p)

    def trace(ctx, s, p, row):
        seen = ctx.seen
        row.premium_bp = seen.premium.median
        row.unit_bp = seen.moves.unit
        row.label = seen.label
        row.direction = seen.direction
        row.leg_bp = seen.legs.now.size_bp
        row.leg_premium_bp = seen.legs.now.premium_change
        row.leg_oi = seen.legs.now.oi_change


def judge(seen, leg, p):
    """Name a leg by price, premium and open interest."""
    delta_bp = in_bp(p.premium_delta_bp, p.premium_unit, seen.moves.unit)
    eps_bp = in_bp(p.premium_eps_bp, p.premium_unit, seen.moves.unit)
    seen.label = label(leg, delta_bp, eps_bp, p.oi_min, p.require_oi)
    seen.direction = leg.direction
    seen.since = seen.legs.start.ts if leg.direction == seen.legs.direction else seen.legs.extreme.ts


def leave(ctx, s, p):
    """The time is up, or the story is over; what is not known ends none."""
    if not off(p.hold_min):
        if ctx.ts - s.entered >= p.hold_min * MINUTE:
            market_order(ctx.perp, -held(ctx.perp), Reason.TIME, reduce_only=True)
    elif ctx.seen.label > Label.UNKNOWN and ctx.seen.label != s.label:
        market_order(ctx.perp, -held(ctx.perp), Reason.LABEL_CHANGED, reduce_only=True)


def consider(ctx, s, p):
    """Each leg is traded once."""
    if ctx.seen.label == Label.UNKNOWN:
        blocked(ctx)
    elif ctx.seen.since != s.spent and is_traded(ctx.seen.label, p.labels):
        enter(ctx, s, p)


def is_traded(name, labels):
    """Whether a label is among those that are asked for."""
    if labels == Labels.CROWD:
        return name in (Label.SHORTS_IN, Label.LONGS_IN)
    if labels == Labels.FORCED:
        return name in (Label.LONGS_FLUSHED, Label.SHORTS_SQUEEZED)
    return name in (Label.SPOT_SELLS, Label.SPOT_BUYS)


def enter(ctx, s, p):
    """At the next open, the stop beside it at the venue."""
    seen = ctx.seen
    price = ctx.perp.bar.close
    away = p.stop_turns * seen.legs.theta * price
    side = seen.direction if p.mode == Mode.FOLLOW else -seen.direction
    qty = side * prudent_qty(ctx.account.equity, price, price - away, p.risk, p.leverage)
    cancel(ctx.perp, s.stop)
    target(ctx.perp, qty, seen.label)
    s.stop = stop(ctx.perp, -qty, price - side * away, Reason.STOP, reduce_only=True)
    s.spent = seen.since
    s.label = seen.label
    s.entered = ctx.ts
