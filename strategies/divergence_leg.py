"""A leg with a divergence: with it or against it, for some time or until the market tells another story."""

from enum import IntEnum

from backtester.features.basic import MINUTE, off
from backtester.features.divergence import (
    Divergence,
    DivergenceLimits,
    DivergenceParams,
    DivergenceTrace,
    see_divergence,
    start_divergence,
    trace_divergence,
)
from backtester.features.labels import Label
from backtester.features.open_interest import see_contracts
from backtester.features.sizing import prudent_qty
from backtester.features.volatility import see_volatility
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

    class Params(DivergenceParams):
        mode: Mode = Mode.FADE                  # against the leg, or with it
        leg: Which = Which.STANDING             # the leg as it stands, or the last confirmed one
        labels: Labels = Labels.CROWD           # which stories are traded
        hold_min: float | None = 240.0          # minutes; None: until the label changes
        stop_turns: float = 2.0                 # turns that would end the leg, from the price of the decision to the stop
        premium_delta_bp: float = 2.0           # premium_unit; smallest premium change of a divergence
        risk: float = 0.005                     # share of equity lost at the stop
        leverage: float = 3.0                   # largest position over equity

    class Limits(DivergenceLimits):
        pass

    class Seen:
        divergence: Divergence
        label: Label = Label.UNKNOWN  # of the leg that is judged
        direction: float = 0.0        # its direction
        since: int = 0                # where it began, or was confirmed, ns
        news: bool = False            # it was judged at this pair

    class State:
        spent: int = 0                # `since` of the leg that was traded, ns
        entered: int = 0              # ns
        label: Label = Label.UNKNOWN  # that was traded
        stop: int = -1                # number of the stop's order

    class Trace(DivergenceTrace):
        judged: Label           # of the leg that is judged

    def see_start(seen, p):
        start_divergence(seen.divergence, p)

    def see_open_interest(x, seen, p):
        see_contracts(seen.divergence.contracts, x)

    def see_perp(bar, seen, p):
        see_volatility(seen.divergence.volatility, bar)

    def see_pair(spot, perp, seen, p):
        story = seen.divergence
        see_divergence(story, spot, perp, p)
        seen.news = p.leg == Which.STANDING or story.legs.turned
        if p.leg == Which.STANDING:
            judge(seen, story.legs.now, story.label)
        elif story.legs.turned:
            judge(seen, story.legs.done, story.done)

    def on_pair(ctx, s, p):
        if held(ctx.perp) != 0.0:
            leave(ctx, s, p)
        elif ctx.perp.position.qty == 0.0 and ctx.seen.news:
            consider(ctx, s, p)

    def trace(ctx, s, p, row):
        trace_divergence(ctx.seen.divergence, row)
        row.judged = ctx.seen.label


def judge(seen, leg, name):
    """The leg that is judged: its label, its direction, and where it began."""
    legs = seen.divergence.legs
    seen.label = name
    seen.direction = leg.direction
    seen.since = legs.start.ts if leg.direction == legs.direction else legs.extreme.ts


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
    away = p.stop_turns * seen.divergence.legs.theta * price
    side = seen.direction if p.mode == Mode.FOLLOW else -seen.direction
    qty = side * prudent_qty(ctx.account.equity, price, price - away, p.risk, p.leverage)
    cancel(ctx.perp, s.stop)
    target(ctx.perp, qty, seen.label)
    s.stop = stop(ctx.perp, -qty, price - side * away, Reason.STOP, reduce_only=True)
    s.spent = seen.since
    s.label = seen.label
    s.entered = ctx.ts
