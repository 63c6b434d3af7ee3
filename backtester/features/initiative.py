"""D9 and D10, who has the initiative: the side that came in last, until what its leg brought in is liquidated.

    NEUTRAL -> SHORTS_INIT -> SHORTS_WIPED -> LONGS_INIT -> DELICATE, and the other way round

Claims B9 ("shorts first took the initiative, then were completely wiped out") and B10 ("longs taking the initiative, currently
in a delicate state"). A leg labelled SHORTS_IN gives the initiative to the shorts; they are wiped out once the map has taken
70 % of what that leg added to it. A side holds the initiative until it is wiped out, until a confirmed leg of the other side
takes it over, or for `ttl_h` hours (a modelling choice: D10 names no other way out). It is delicate where both sides hold
at least 0.3 % of all contracts' notional near the price and the imbalance is below 0.1.

Watched are the levels of 50x and more, the "short-term high-leverage" positions (a modelling choice). With `every` all of
them count, as D9 says literally: 30 % of the mix lie 10 % and more away, so that a wipe-out takes a move of 5 to 10 %.
Running counters stand for the leg's own levels (a modelling choice): everything of that side that the map has taken since
the leg began. Below a drop's start that is the leg's own, for the price has swept the rest; above, older levels count, too.
"""

from enum import IntEnum

from backtester.features.basic import HOUR, NAN, missing
from backtester.features.labels import Label
from backtester.features.leg_counts import LegCounts, see_leg_counts


class Battle(IntEnum):
    """Where the fight stands."""

    UNKNOWN = 0       # no map, or nobody came in and the leg has no label
    NEUTRAL = 1       # nobody has the initiative
    SHORTS_INIT = 2   # shorts came in
    SHORTS_WIPED = 3  # and were liquidated
    LONGS_INIT = 4    # longs came in
    LONGS_WIPED = 5   # and were liquidated
    DELICATE = 6      # somebody has the initiative, and both sides are loaded alike


class Initiative:
    """The fight between the two sides."""

    state: Battle = Battle.UNKNOWN
    share: float = NAN         # consumed of what the side's leg added
    side: float = 0.0          # who came in last: +1 longs, -1 shorts, 0 nobody
    wiped: bool = False        # that side is wiped out
    gained: float = NAN        # what its leg added, base
    consumed_at: float = NAN   # running total of its side when the leg began, base
    leg: int = 0               # where the leg began, ns
    ts: int = 0                # when its label last stood, ns
    wipe: float = 0.70         # share that is a wipe-out
    least: float = 0.003       # of all contracts' notional, either side, to be delicate
    even: float = 0.10         # largest imbalance of a delicate state
    ttl_h: float = 48.0        # longest initiative without a new leg, hours
    every: bool = False        # watch all levels, not only those of 50x and more
    added: LegCounts           # base
    consumed: LegCounts        # base


def start_initiative(f, wipe, every, least, even, ttl_h):
    """Set what a wipe-out is, and of which levels; what a delicate state is; how long an initiative lasts."""
    f.wipe = wipe
    f.every = every
    f.least = least
    f.even = even
    f.ttl_h = ttl_h


def see_initiative(f, legs, now_label, done_label, fuel):
    """Take in one pair: the legs, the labels of the leg as it stands and of the last confirmed one, the fuel."""
    see_leg_counts(f.added, legs, watched(f, fuel.levels.added_long), watched(f, fuel.levels.added_short))
    see_leg_counts(f.consumed, legs, watched(f, fuel.levels.consumed_long), watched(f, fuel.levels.consumed_short))
    if f.side != 0.0:
        judge_side(f, legs.here.ts, fuel.levels)
    take_confirmed(f, legs, side_of(done_label), fuel.levels)
    take_standing(f, legs, side_of(now_label), fuel.levels)
    f.state = battle(f, now_label, fuel)


def watched(f, total):
    """Of a running total by speed what counts, base."""
    return total[0] + total[1] if f.every else total[0]


def consumed_of(f, levels, side):
    """What the map has taken of a side, ever, base."""
    return watched(f, levels.consumed_long) if side > 0.0 else watched(f, levels.consumed_short)


def side_of(label):
    """Who came in with a leg."""
    if label == Label.LONGS_IN:
        return 1.0
    return -1.0 if label == Label.SHORTS_IN else 0.0


def judge_side(f, ts, levels):
    """How much of its leg is liquidated, and whether its time is over."""
    f.share = (consumed_of(f, levels, f.side) - f.consumed_at) / f.gained if f.gained > 0.0 else NAN
    f.wiped = f.wiped or f.share >= f.wipe
    if ts - f.ts > f.ttl_h * HOUR:
        f.side = 0.0
        f.wiped = False
        f.share = NAN


def take_confirmed(f, legs, side, levels):
    """A leg of the other side was confirmed: it takes the initiative over."""
    if not legs.turned or side == 0.0 or side != -f.side:
        return
    gained = f.added.done.longs if side > 0.0 else f.added.done.shorts
    since = f.consumed.done.longs + f.consumed.now.longs if side > 0.0 else f.consumed.done.shorts + f.consumed.now.shorts
    come_in(f, side, gained, since, levels, legs.start.ts, legs.here.ts)


def take_standing(f, legs, side, levels):
    """The leg as it stands takes the initiative where nobody holds it, or renews its own side's."""
    leg = legs.extreme.ts if legs.now.direction != legs.direction else legs.start.ts
    if side == 0.0 or (f.wiped and leg == f.leg) or (side == -f.side and not f.wiped):
        return
    gained = f.added.now.longs if side > 0.0 else f.added.now.shorts
    since = f.consumed.now.longs if side > 0.0 else f.consumed.now.shorts
    come_in(f, side, gained, since, levels, leg, legs.here.ts)


def come_in(f, side, gained, since, levels, leg, ts):
    """A side came in with a leg that added `gained`, of which (and of older levels) `since` was consumed already."""
    f.side = side
    f.wiped = False
    f.gained = gained
    f.consumed_at = consumed_of(f, levels, side) - since
    f.share = since / gained if gained > 0.0 else NAN
    f.leg = leg
    f.ts = ts


def battle(f, label, fuel):
    """The word for it."""
    if missing(fuel.up) or (f.side == 0.0 and label == Label.UNKNOWN):
        return Battle.UNKNOWN
    if f.side == 0.0:
        return Battle.NEUTRAL
    if f.wiped:
        return Battle.LONGS_WIPED if f.side > 0.0 else Battle.SHORTS_WIPED
    if min(fuel.up_share, fuel.down_share) >= f.least and abs(fuel.imbalance) < f.even:
        return Battle.DELICATE
    return Battle.LONGS_INIT if f.side > 0.0 else Battle.SHORTS_INIT
