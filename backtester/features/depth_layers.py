"""C7d by the order book: how much of the liquidity within 5 % of the price stands within 0.2 % of it.

    spread = notional within 5 % / notional within 0.2 %        bids and asks together

The other way to see that "liquidity becomes stratified": where makers step back, the near share goes first. Held
against its own 90 % quantile of 90 days, as the spread of the layers is: age it by `age_unusual`. Without depth rows it
stays unknown.
"""

from backtester.features.basic import HOUR, NAN
from backtester.features.stratification import Unusual, see_unusual

NEAR, FAR = 0.2, 5.0  # percent from mid
CLOSE_TO = 0.01       # percent; a row's distance is a number read from text


class DepthLayers:
    """The book, near and far."""

    spread: Unusual        # far over near
    near_bid: float = NAN  # quote
    near_ask: float = NAN  # quote
    far_bid: float = NAN   # quote
    far_ask: float = NAN   # quote


def see_depth_layers(f, x):
    """Take in one depth row; only those at 0.2 and 5 % speak."""
    if abs(x.percent + NEAR) < CLOSE_TO:
        f.near_bid = x.notional
    elif abs(x.percent - NEAR) < CLOSE_TO:
        f.near_ask = x.notional
    elif abs(x.percent + FAR) < CLOSE_TO:
        f.far_bid = x.notional
    elif abs(x.percent - FAR) < CLOSE_TO:
        f.far_ask = x.notional
    near = f.near_bid + f.near_ask
    see_unusual(f.spread, x.ts_event // HOUR, (f.far_bid + f.far_ask) / near if near > 0.0 else NAN)
