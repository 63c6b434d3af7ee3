"""Chance: what luck alone earns, and pays."""

import math
from enum import IntEnum

from backtester.features.basic import MINUTE
from backtester.orders import held, target

RANGE = 2147483648  # of the random numbers, 2^31: their products stay below 2^63


class Reason(IntEnum):
    """Why an order was sent."""

    HEADS = 1  # a purchase
    TAILS = 2  # a sale
    TIME = 3   # the holding is over


class RandomEntry:
    """Wait for a while, toss a coin, buy or sell, hold for a while, and so on; the whiles are random, without memory,
    with the means that are given. Many seeds show what luck makes of as many trades of such a length, costs
    included: a story that does not stand out among them has told nothing.
    """

    class Params:
        seed: int = 0             # another seed, other luck
        hold_min: float = 240.0   # minutes; mean holding
        wait_min: float = 480.0   # minutes; mean wait between two holdings
        long_share: float = 0.5   # 0 .. 1; chance that an entry is a purchase
        share: float = 0.5        # notional of an entry over equity

    class Limits:
        seed = (0, RANGE - 1)
        hold_min = (0.0, 525_600.0)
        wait_min = (0.0, 525_600.0)

    class State:
        drawn: int = 0   # the last random number, 0 .. 2^31 - 1
        next: int = 0    # when the present while is over, ns; 0: not begun

    def on_start(ctx, s, p):
        s.drawn = p.seed
        for _ in range(4):  # neighbouring seeds part
            s.drawn = s.drawn ^ (s.drawn >> 13)
            draw(s)

    def on_bar(ctx, s, p):
        if not ctx.perp.bar.close > 0.0:
            return
        if s.next == 0:
            s.next = ctx.ts + draw_while(s, p.wait_min)
        elif ctx.ts >= s.next and held(ctx.perp) != 0.0:
            target(ctx.perp, 0.0, Reason.TIME)
            s.next = ctx.ts + draw_while(s, p.wait_min)
        elif ctx.ts >= s.next:
            toss(ctx, s, p)
            s.next = ctx.ts + draw_while(s, p.hold_min)


def toss(ctx, s, p):
    """Heads or tails."""
    qty = p.share * ctx.account.equity / ctx.perp.bar.close
    if draw(s) < p.long_share:
        target(ctx.perp, qty, Reason.HEADS)
    else:
        target(ctx.perp, -qty, Reason.TAILS)


def draw(s):
    """The next random number of a linear congruential generator, as a fraction from 0 to below 1."""
    s.drawn = (1103515245 * s.drawn + 12345) % RANGE
    return s.drawn / RANGE


def draw_while(s, mean_min):
    """A random while, ns: exponential, of that mean."""
    return int(-math.log(1.0 - draw(s)) * mean_min * MINUTE)
