"""D15, how fierce the battle is: both sides loaded, and both sides liquidated.

    loaded     = min(up, down) / notional of all contracts                          of the fuel near the price
    liquidated = min(longs, shorts) that were forced out within 24 hours, quote     of the flush's windows

Claim B14, "fierce battle between long and short futures": one loaded side is no battle. `liquidated` needs a feed of
liquidations: what a map merely consumed is not realised.
"""

from backtester.features.basic import NAN, missing


class Intensity:
    """Either is unknown where its input is."""

    loaded: float = NAN      # share of the notional of all contracts
    liquidated: float = NAN  # quote


def see_intensity(f, fuel, flush):
    """Read the fuel (D7) and the flush (D17) as they stand."""
    f.loaded = NAN if missing(fuel.up) else min(fuel.up_share, fuel.down_share)
    f.liquidated = NAN
    if not (missing(flush.notional) or flush.proxy):
        f.liquidated = min(flush.longs_day + flush.longs_now, flush.shorts_day + flush.shorts_now)
