"""The door game: shorts and longs draw doors in turn, and the side that spot's main force helps wins."""

from enum import IntEnum

from backtester.features.answers import YES, below, granted, opposite
from backtester.features.basic import BP, HOUR, NAN, missing
from backtester.features.divergence import shorts_come_in, spot_sells
from backtester.features.doors import is_third
from backtester.features.fight import Say, has_fuel, helped, is_delicate, retail_sells
from backtester.features.game import Game, trace_game
from backtester.features.labels import Label
from backtester.features.sizing import prudent_qty
from backtester.orders import blocked, cancel_all, held, limit, market_order, stop, target


class Entry(IntEnum):
    """How the third door is bought once it turns up."""

    TURN = 0   # at the next open
    BREAK = 1  # by a stop above the high from which it dropped


class Goal(IntEnum):
    """Where the profit is taken."""

    END = 0      # where the game ends: at the new high, for a short at the bottom of the band
    CLUSTER = 1  # where the next to be squeezed are liquidated, if that is worth the stop


class Gate(IntEnum):
    """What kept a trade out when all else was ready."""

    OPEN = 0
    UNKNOWN = 1     # an input is missing
    PREMIUM = 2     # spot gave way while the price turned up
    RETAIL = 3      # it is not retail that came in
    FUEL = 4        # less to be liquidated ahead than behind
    MOMENTUM = 5    # liquidations pull the other way
    DELICATE = 6    # both sides are loaded alike
    MAIN_FORCE = 7  # spot's main force does not help


class Reason(IntEnum):
    """Why an order was sent."""

    DOOR_TURNED = 1  # the third door turned up
    DOOR_BROKE = 2   # and broke the high from which it dropped
    FOURTH_DOOR = 3  # the goal
    BELOW_DOOR = 4   # the stop
    SPOT_SELLS = 5   # the premium falls with the price
    PULLED_DOWN = 6  # downward liquidation momentum
    TIME = 7
    SHORTS_WIN = 8   # sold with them
    SHORT_GOAL = 9
    SHORT_STOP = 10
    TURNED_UP = 11   # the drop is over


class DoorGame(Game):
    """Spot bought, the price jumped, no divergence: that high is the anchor. Then the doors. The price drops and the premium rises:
    retail shorts pile in, and their liquidations wait above (door 1). It rises and the premium falls: longs pile in, theirs wait
    below (door 2). If the premium rises again as the price drops, a third door is drawn: when it turns up, the shorts are the
    fuel of the fourth, which breaks the high. Buy that turn, while more waits above than below, nothing pulls down, the state is
    not a delicate one, and spot's main force does not help the other side. A stop rests below the door, the profit at the
    new high. If the premium falls with the price, spot itself sells and the shorts win: out at once, or with them.
    """

    class Params(Game.Params):
        doors: int = 3                      # the first door that may arm the trade; drops are doors 1, 3, 5 ...
        premium_trend: float | None = None  # 0 .. 1; how steadily the premium must rise in the arming drop; None: not asked
        turn: float = 0.35                  # share of the turn that would end the door: the entry
        entry: Entry = Entry.TURN           # turn | break: how it is bought
        fuel_ratio: float | None = 0.25     # least fuel ahead over fuel behind, seldom 1 at the low of a drop; None: not asked
        momentum_in: float | None = -0.003  # share of all contracts; least pull ahead for an entry, likewise; None: not asked
        momentum_out: float | None = None   # share of all contracts; pull up below which a long is closed; None: none is
        fierce: float = 0.0                 # share of all contracts, loaded on both sides, from which on a delicate state keeps out
        force: Say = Say.VETO               # nothing | veto | confirm: what the side of spot's main force counts
        retail: Say = Say.VETO              # nothing | veto | confirm: what it counts whether retail came in
        goal: Goal = Goal.END               # end | cluster: where the profit is taken
        buffer_bp: float = 10.0             # bp beyond the end of a door: the stop
        hold_h: float | None = 48.0         # hours; longest trade
        short: bool = False                 # sell with the shorts where they win
        risk: float = 0.005                 # share of equity lost at the stop
        leverage: float = 3.0               # largest position over equity

    class Limits(Game.Limits):
        doors = (1, 99)

    class State:
        armed: bool = False     # shorts came in
        gate: Gate = Gate.OPEN  # what kept the last trade out
        spent: int = 0          # start of the drop that was traded, ns
        high: float = NAN       # from which the door drops, quote
        stop: float = NAN       # quote
        since: int = 0          # of the trade, ns

    class Trace(Game.Trace):
        armed: bool
        gate: Gate
        stop: float

    def on_pair(ctx, s, p):
        story = ctx.seen.divergence
        doors = ctx.seen.doors
        if story.legs.turned and story.done == Label.UNKNOWN:
            blocked(ctx)
        if held(ctx.perp) > 0.0:
            leave_long(ctx, s, p)
        elif held(ctx.perp) < 0.0:
            leave_short(ctx, s, p)
        elif ctx.perp.position.qty == 0.0 and ctx.perp.position.resting > 0:
            wait(ctx, s)
        elif ctx.perp.position.qty != 0.0 or missing(doors.anchor.log):
            s.armed = False
        elif spot_sells(story):
            shorts_win(ctx, s, p)
        elif is_third(doors, p.doors) and doors.since != s.spent:
            consider(ctx, s, p)
        else:
            s.armed = False

    def trace(ctx, s, p, row):
        trace_game(ctx.seen, row)
        row.armed = s.armed
        row.gate = s.gate
        row.stop = s.stop


def consider(ctx, s, p):
    """The third door, or a later drop of the same game: shorts coming in arm it, its turn is bought, once."""
    seen = ctx.seen
    legs = seen.divergence.legs
    if legs.direction < 0.0:
        s.high = legs.start.price
    if shorts_come_in(seen.divergence, p.premium_trend):
        s.armed = True
    if s.armed and legs.turn >= p.turn:
        gave_way = below(seen.divergence.premium.smooth - seen.doors.end.smooth, -seen.divergence.eps_bp)
        s.gate = doubt(Gate.OPEN, Gate.PREMIUM, opposite(gave_way))
        s.gate = doubt(s.gate, Gate.RETAIL, helped(1.0, retail_sells(seen.fight), p.retail))
        if nothing_speaks_against(ctx, s, p, 1.0):
            buy(ctx, s, p)


def nothing_speaks_against(ctx, s, p, side):
    """Who would be squeezed next, and who helps; the first doubt is kept."""
    fight = ctx.seen.fight
    s.gate = doubt(s.gate, Gate.FUEL, granted(p.fuel_ratio, has_fuel(fight, side, p.fuel_ratio)))
    s.gate = doubt(s.gate, Gate.MOMENTUM, granted(p.momentum_in, opposite(below(side * fight.momentum.value, p.momentum_in))))
    s.gate = doubt(s.gate, Gate.DELICATE, granted(p.delicate_even, opposite(is_delicate(fight, p.fierce))))
    s.gate = doubt(s.gate, Gate.MAIN_FORCE, helped(side, fight.force.force, p.force))
    if s.gate == Gate.UNKNOWN:
        blocked(ctx)
    return s.gate == Gate.OPEN


def doubt(gate, word, answer):
    """The gate, closed by the first rule that does not say yes."""
    if gate != Gate.OPEN or answer == YES:
        return gate
    return Gate.UNKNOWN if missing(answer) else word


def buy(ctx, s, p):
    """Now, or above the high. The stop below the door and the goal above the anchor rest at the venue."""
    doors = ctx.seen.doors
    cluster = ctx.seen.fight.fuel.cluster_up
    price = s.high if p.entry == Entry.BREAK else ctx.perp.bar.close
    s.stop = doors.end.price * (1.0 - p.buffer_bp * BP)
    near = p.goal == Goal.CLUSTER and cluster - price >= price - s.stop
    goal = cluster if near else doors.anchor.price * (1.0 + p.door_break_bp * BP)
    qty = prudent_qty(ctx.account.equity, price, s.stop, p.risk, p.leverage) if goal > price else 0.0
    s.spent = doors.since
    s.since = ctx.ts
    if qty > 0.0:
        if p.entry == Entry.BREAK:
            stop(ctx.perp, qty, price, Reason.DOOR_BROKE)
        else:
            target(ctx.perp, qty, Reason.DOOR_TURNED)
        protect(ctx, -qty, s.stop, Reason.BELOW_DOOR, goal, Reason.FOURTH_DOOR)


def shorts_win(ctx, s, p):
    """Spot sells the third door, or a later drop of the same game: disarm it, and sell with the shorts where that is asked."""
    doors = ctx.seen.doors
    legs = ctx.seen.divergence.legs
    s.armed = False
    s.gate = Gate.OPEN
    if p.short and legs.direction < 0.0 and doors.count >= p.doors - 1 and legs.start.ts != s.spent:
        if nothing_speaks_against(ctx, s, p, -1.0):
            sell(ctx, s, p)


def sell(ctx, s, p):
    """Now. The stop rests above the last high, the goal below."""
    legs = ctx.seen.divergence.legs
    cluster = ctx.seen.fight.fuel.cluster_down
    price = ctx.perp.bar.close
    s.stop = legs.start.price * (1.0 + p.buffer_bp * BP)
    near = p.goal == Goal.CLUSTER and price - cluster >= s.stop - price
    goal = cluster if near else ctx.seen.doors.anchor.price * (1.0 - p.door_band_bp * BP)
    qty = prudent_qty(ctx.account.equity, price, 2.0 * price - s.stop, p.risk, p.leverage) if goal < price else 0.0
    s.spent = legs.start.ts
    s.since = ctx.ts
    if qty > 0.0:
        target(ctx.perp, -qty, Reason.SHORTS_WIN)
        protect(ctx, qty, s.stop, Reason.SHORT_STOP, goal, Reason.SHORT_GOAL)


def protect(ctx, qty, trigger, stop_reason, price, goal_reason):
    """A stop and a goal that can only reduce: they sleep until there is a position, and end with it, so either ends the other."""
    stop(ctx.perp, qty, trigger, stop_reason, reduce_only=True)
    limit(ctx.perp, qty, price, goal_reason, reduce_only=True)


def wait(ctx, s):
    """The order above the door's high rests until it is met, or until the story is over."""
    s.since = ctx.ts
    if spot_sells(ctx.seen.divergence) or missing(ctx.seen.doors.anchor.log) or ctx.perp.bar.close < s.stop:
        cancel_all(ctx.perp)


def leave_long(ctx, s, p):
    """What ends it before the stop or the goal is met."""
    if spot_sells(ctx.seen.divergence):
        leave(ctx, Reason.SPOT_SELLS)
    elif ctx.seen.fight.momentum.value < p.momentum_out:
        leave(ctx, Reason.PULLED_DOWN)
    elif ctx.ts - s.since >= p.hold_h * HOUR:
        leave(ctx, Reason.TIME)


def leave_short(ctx, s, p):
    """A short lasts as long as the drop."""
    legs = ctx.seen.divergence.legs
    if legs.direction > 0.0 or legs.turn >= p.turn:
        leave(ctx, Reason.TURNED_UP)
    elif ctx.ts - s.since >= p.hold_h * HOUR:
        leave(ctx, Reason.TIME)


def leave(ctx, reason):
    """At the next open; the orders that protect the position end with it."""
    market_order(ctx.perp, -held(ctx.perp), reason, reduce_only=True)
