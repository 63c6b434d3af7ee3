"""Market hooks that are hard to take apart: what is written twice, left early, aliased, looped over, carried in arrays and locals."""

from enum import IntEnum

from backtester.features.basic import missing
from backtester.fields import vec

NAN = float("nan")


class Side(IntEnum):
    """A choice by name."""

    BELOW = 0
    ABOVE = 1


class Params:
    """Every one of them is read by a market hook."""

    a: float = 1.0
    b: float = 2.0
    n: int = 3
    sharp: bool = False
    level: float | None = 10.0


class Inner:
    """A record inside of others."""

    x: float
    y: float = 1.0
    n: int


class Outer:
    """A record of records."""

    one: Inner
    two: Inner
    sum: float
    ring: vec(4)


class Seen:
    """What is remembered."""

    plain: float
    scaled: float
    before: float
    twice: float
    guarded: float = NAN
    early: float
    counted: int
    steps: int
    total: float
    late: float
    named: float
    outer: Outer
    other: Outer
    ring: vec(4)
    newest: float
    between: float
    moved: float
    gated: float
    chosen: float
    limit: float
    rounds: int


class AgainCases:
    """The hooks; lanes read every field."""

    Params, Seen = Params, Seen

    class State:
        sum: float

    def see_start(seen, p):
        seen.scaled = p.a
        seen.outer.two.y = p.b

    def see_spot(bar, seen, p):
        seen.plain += bar.close
        seen.before = seen.late               # of the instant before: it is written below
        seen.scaled = 0.5 * seen.scaled + p.a * bar.close
        seen.twice = bar.close
        see_outer(seen.outer, bar, p)
        if p.sharp:
            seen.twice += seen.scaled
        seen.late = p.b * bar.close
        seen.moved = bar.close
        seen.between = p.a * seen.moved       # before it moves on
        seen.moved = bar.close + bar.high
        price = bar.close
        if p.sharp:
            price = bar.high + 1.0
        seen.chosen = price                   # of the bar, and which of its prices is for a parameter to say
        mode = Side.BELOW
        if p.a > 2.0:
            mode = Side.ABOVE
        seen.limit = mode
        alias = seen.outer.one
        alias.n += 1

    def see_perp(bar, seen, p):
        while more(seen, p):
            pass
        see_early(seen, bar, p)
        n = seen.counted % 4
        seen.ring[n] = bar.close * p.b
        seen.newest = seen.ring[n] + seen.ring[(n + 1) % 4]
        grown = bar.high - bar.low + p.a
        if grown > seen.plain * 0.001:
            seen.named = grown
        for k in range(p.n):
            seen.total += k * bar.close
            if seen.total > 1e4:
                seen.total = 0.0
                break
        see_outer(seen.other, bar, p)

    def see_pair(spot, perp, seen, p):
        while seen.steps < p.n * 2:
            seen.steps += 1
        seen.steps -= 1
        seen.gated = 1.0 if p.sharp and bump(seen.other.two) > 0 else 0.0
        gap = distance(seen, spot, perp)
        if gap > p.level:
            seen.guarded = gap
        elif missing(p.level):
            seen.guarded = -gap if seen.twice > 0.0 and bump(seen.outer.two) > 3.0 else NAN

    def on_bar(ctx, s, p):
        f = ctx.seen
        s.sum = f.plain + f.scaled + f.before + f.twice + f.guarded + f.early + f.counted + f.steps + f.total + f.late + f.named + f.newest
        s.sum += f.between + f.moved + f.gated + f.chosen + f.limit + f.rounds + added(f.outer) + added(f.other)


def see_outer(f, bar, p):
    """Parts that depend on different parameters."""
    f.one.x = bar.close
    see_inner(f.two, bar.close * p.a)
    f.sum = f.one.x + f.two.x
    f.ring[f.one.n % 4] = f.sum


def see_inner(f, x):
    f.x = f.y * f.x + x
    f.n += 1


def see_early(f, bar, p):
    """What follows the return depends on the condition before it."""
    f.counted += 1
    if bar.close < p.level:
        return
    f.early = bar.close


def distance(f, spot, perp):
    """A number, and something remembered on the way."""
    f.outer.one.y = spot.close - perp.close
    return abs(f.outer.one.y)


def more(f, p):
    """Counts how often it is asked, which it decides itself."""
    f.rounds += 1
    return f.rounds % 7 < p.n


def bump(f):
    f.n += 1
    return f.n


def added(f):
    """All of a record, as a lane's hook may read it."""
    return f.one.x + f.one.y + f.one.n + f.two.x + f.two.y + f.two.n + f.sum
