"""A strategy whose hook says what code for lanes abreast can get wrong: names, places, branches, powers, guarded helpers."""

from backtester.fields import vec
from backtester.orders import held, target

BACK = -2.0


class Leg:
    price: float
    n_3: int


class HookCases:
    class Params:
        x: float = 0.0
        n: int = 1

    class Seen:
        bars: int
        ring: vec(8)

    class State:
        leg: Leg
        leg_price: float        # beside leg.price
        ring: vec(4)
        ring_3: float           # beside ring[3]
        ema: float
        ema_26: float           # beside the 26th name of ema
        state_2: float
        when: int
        bits: int
        count: int
        late: float
        square: float
        turn: int

    def see_perp(bar, seen, p):
        seen.ring[seen.bars % 8] = bar.close
        seen.bars += 1

    def on_bar(ctx, s, p):
        name_fields(ctx, s, p)
        choose(ctx, s, p)
        s.square = s.square + BACK ** 2 + p.x * p.x
        for n in range(-2, 2):
            s.square += n ** 2
        if ctx.seen.bars > 40 and p.x > 1.0:
            s.late = steps(ctx.seen.bars - 40)
        if ctx.seen.bars > 50:
            s.late += steps(ctx.seen.bars - 50)
        s.turn += ctx.seen.bars in (p.n, 7, 9)
        s.turn += (p.n > 2 or missing(p.x)) and not s.turn > 9
        if s.bits % 5 == 3 and held(ctx.perp) <= 0.0:
            target(ctx.perp, 0.01 * p.n, 1)
        elif s.bits % 5 == 1:
            target(ctx.perp, 0.0, 2)


def name_fields(ctx, s, p):
    """Fields whose names could be taken for one another."""
    s.leg.price += 1.0
    s.leg_price += p.x
    s.leg.n_3 += p.n
    s.ring_3 = s.ring_3 + s.ring[3] + 4.0 * p.x - s.ring[-1]
    for _ in range(30):
        s.ema += p.x * 0.5
        s.ema_26 = s.ema_26 + s.ema * 0.25 - s.state_2
    s.state_2 = ctx.seen.ring[0] * 1e-6 + ctx.seen.ring[ctx.seen.bars - 1 & 7]


def choose(ctx, s, p):
    """Names that one branch binds, and numbers of two kinds."""
    x = p.x
    n = 5
    if p.x > 1.0:
        x = ctx.ts + 1
        s.when = x
        for n in range(3):
            s.count += n
    s.count += n
    bits = s.bits
    if p.x > 0.5:
        bits = bits + 1
        if bits % 3 == 0:
            return
        bits += p.n & 3
    s.bits = bits
    leg = s.leg
    if missing(x):
        leg.price = -leg.price


def steps(n):
    """Ends for n from 0 on, and for no other."""
    total = 0.0
    while n != 0:
        n -= 1
        total += 0.5
    return total


def missing(x):
    return x != x  # noqa: PLR0124 - NaN alone
