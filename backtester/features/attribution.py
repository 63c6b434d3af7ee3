"""B18, what was liquidated in a leg: "short liquidation" and "long liquidation" as causes, counted instead of assumed.

    longs, shorts   = notional liquidated since the leg as it stands began, quote
    done            = the same of the last confirmed leg
    shorts_share    = shorts / (longs + shorts) of the last confirmed leg

Realised liquidations alone, from a feed: without one everything is unknown, and so is the leg in which its first row came. A
row that is known after a leg's extreme counts into the next leg.
"""

from backtester.features.basic import NAN, missing
from backtester.features.leg_counts import LegCounts, see_leg_counts


class Attribution:
    """Who was forced out along the way."""

    shorts_share: float = NAN  # of the last confirmed leg, 0 .. 1; NaN where nothing was liquidated
    longs: float = NAN         # ever, quote
    shorts: float = NAN        # ever, quote
    legs: LegCounts            # of the leg as it stands (`now`) and of the last confirmed one (`done`), quote


def see_attributed(f, x):
    """Take in one liquidation."""
    if missing(f.longs):
        f.longs = 0.0
        f.shorts = 0.0
    if x.side > 0.0:
        f.longs += x.qty * x.price
    else:
        f.shorts += x.qty * x.price


def see_attribution(f, legs):
    """Take in the legs of one pair."""
    see_leg_counts(f.legs, legs, f.longs, f.shorts)
    total = f.legs.done.longs + f.legs.done.shorts
    f.shorts_share = f.legs.done.shorts / total if total > 0.0 else NAN
