"""Spot-futures divergence, taken by itself: the simplest form of the story, and the one that is easy to check."""

from enum import IntEnum

from backtester.fields import vec
from backtester.orders import target

NAN = float("nan")
LONGEST = 1024  # pairs that can be looked back


class Reason(IntEnum):
    PREMIUM_ROSE_AS_PRICE_FELL = 1
    PREMIUM_FELL_AS_PRICE_ROSE = 2


class Divergence:
    """Side with spot where it disagrees with the perpetual.

    Price fell while the premium of spot over the perpetual rose: sellers of the perpetual overdid it, be
    long. Price rose while the premium fell: its buyers did, be short. Otherwise keep the position.
    """

    class Params:
        bars: int = 30                 # pairs between the two looks
        premium_delta_bp: float = 1.5  # basis points by which the premium must have changed
        qty: float = 1.0               # base

    class Limits:
        bars = (1, LONGEST)

    class Seen:
        pairs: int
        premium: vec(LONGEST)          # bp, of the last pairs
        price: vec(LONGEST)            # quote
        premium_change: float = NAN    # bp
        price_change: float = NAN      # quote

    class Trace:
        premium_bp: float
        premium_change_bp: float

    def see_pair(spot, perp, seen, p):
        premium = (spot.close - perp.close) / perp.close * 1e4
        at = seen.pairs % p.bars
        if seen.pairs >= p.bars:
            seen.premium_change = premium - seen.premium[at]
            seen.price_change = perp.close - seen.price[at]
        seen.premium[at] = premium
        seen.price[at] = perp.close
        seen.pairs += 1

    def on_pair(ctx, s, p):
        seen = ctx.seen
        if seen.price_change < 0.0 and seen.premium_change > p.premium_delta_bp:
            target(ctx.perp, p.qty, Reason.PREMIUM_ROSE_AS_PRICE_FELL)
        elif seen.price_change > 0.0 and seen.premium_change < -p.premium_delta_bp:
            target(ctx.perp, -p.qty, Reason.PREMIUM_FELL_AS_PRICE_ROSE)

    def trace(ctx, s, p, row):
        row.premium_bp = (ctx.spot.bar.close - ctx.perp.bar.close) / ctx.perp.bar.close * 1e4
        row.premium_change_bp = ctx.seen.premium_change
