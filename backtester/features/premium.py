"""D1, the spot premium: how much dearer spot is than the perpetual, in basis points.

    premium = 1e4 * ln(spot / perp)

Claim B1 is about its changes against the price. The sign is the document's own: shorts who pile into the
perpetual press it below spot, and the premium rises. Windows are minutes and become bars by the length
of the longer of the two bars that close together.
"""

import math
from enum import IntEnum

from backtester.features.basic import MINUTE, NAN, half_life_alpha, missing
from backtester.features.median import Median, see_median


class Source(IntEnum):
    """Which price of a bar is compared."""

    CLOSE = 0  # the last trade of each; known wherever there are bars
    VWAP = 1   # quote_volume / volume; needs quote_volume and bars of equal length


class Unit(IntEnum):
    """What a threshold of the premium is measured in."""

    BP = 0        # basis points
    RELATIVE = 1  # multiples of the unit u, see premium_moves


class Premium:
    """Spot over perp; NaN at a pair in which one of them did not trade."""

    raw: float = NAN           # this pair, bp
    smooth: float = NAN        # exponential average, bp
    median: float = NAN        # of the last `median_min` minutes, bp
    source: Source = Source.CLOSE
    half_life_min: float = 5.0   # of the average, minutes
    median_min: float = 15.0     # window of the median, minutes; at most 32 bars
    alpha: float = NAN         # weight of a new pair in the average; from the first pair's length
    average: float = NAN       # the average's memory: survives a pair that did not trade
    width: int = 0             # window of the median, pairs
    window: Median


def start_premium(f, source, half_life_min, median_min):
    """Set what is compared, and the two windows in minutes."""
    f.source = source
    f.half_life_min = half_life_min
    f.median_min = median_min


def see_premium(f, spot, perp):
    """Take in two bars that close at the same moment."""
    if f.width == 0:
        measure_windows(f, spot, perp)
    f.raw = compare(f.source, spot, perp)
    see_median(f.window, f.raw, f.width)
    f.median = f.window.value
    f.smooth = NAN
    if not missing(f.raw):
        f.average = f.raw if missing(f.average) else f.average + f.alpha * (f.raw - f.average)
        f.smooth = f.average


def measure_windows(f, spot, perp):
    """Minutes become bars: pairs come as often as the longer of the two bars."""
    step_min = max(spot.ts_close - spot.ts_event, perp.ts_close - perp.ts_event) / MINUTE
    f.alpha = half_life_alpha(f.half_life_min, step_min)
    f.width = max(1, int(f.median_min / step_min))


def compare(source, spot, perp):
    """The premium of one pair in bp; NaN where a price is unknown or a bar did not trade."""
    if not (spot.volume > 0.0 and perp.volume > 0.0):
        return NAN
    a = spot.close
    b = perp.close
    if source == Source.VWAP:
        if spot.ts_event != perp.ts_event:
            return NAN
        a = spot.quote_volume / spot.volume
        b = perp.quote_volume / perp.volume
    return 1e4 * math.log(a / b) if a > 0.0 and b > 0.0 else NAN


def in_bp(threshold, measured_in, unit_bp):
    """A threshold of the premium in basis points, whatever it is measured in; NaN while its unit is unknown."""
    return threshold * unit_bp if measured_in == Unit.RELATIVE else threshold
