"""C7d, liquidity in layers: "once macro reverses, liquidity becomes stratified". Trading dries up at the edge first.

    illiquidity of a layer = |log return| / quote volume          of an hour (Amihud)
    spread                 = the largest over the median of the layers that are known
    stratified             = spread > its own 90 % quantile of 90 days

The layers are spot and perpetual of bitcoin and ether, and a basket of alts that may be absent, or be fed bars of its
own; three known ones are the least. `coverage` is the share of the five. Layers differ by nature, so the spread is
held against itself: one sample an hour, the running hour left out, known from a week on; a layer that comes or goes
changes what is usual. Together with a negative macro gate: flat.
"""

from enum import IntEnum

from backtester.features.answers import above
from backtester.features.basic import HOUR, NAN, missing
from backtester.features.hour_bar import HourBar, hour_return, see_hour
from backtester.features.median import slide
from backtester.features.ranks import QUARTER, Quarter, quantile
from backtester.fields import vec

LAYERS = 5
LEAST = 3  # known layers that have a median


class Layer(IntEnum):
    """Where liquidity may be."""

    BTC_SPOT = 0
    BTC_PERP = 1
    ETH_SPOT = 2
    ETH_PERP = 3
    ALTS = 4


class Unusual:
    """A number against its own 90 days."""

    high: float = NAN               # above the limit: 1 yes, 0 no
    now: float = NAN                # of the hour
    limit: float = NAN              # quantile of the hours before
    share: float = 0.9              # which quantile
    hour: int = 0                   # hours since 1970
    quarter: Quarter


class Stratification:
    """How uneven the layers are."""

    spread: Unusual          # largest illiquidity over the median one
    coverage: float = 0.0    # share of the layers known in the last full hour, 0 .. 1
    btc_spot: HourBar
    btc_perp: HourBar
    eth_spot: HourBar
    eth_perp: HourBar
    alts: HourBar
    illiquidity: vec(5)      # of each layer's last full hour, 1 / quote
    hours: vec(5, kind="i8") # which hour that was
    ranked: vec(5)           # the known ones by size


def see_unusual(f, hour, x):
    """`x` is the number in an hour, as far as it is known; the last word of an hour becomes its sample."""
    if hour < f.hour:
        return
    if hour > f.hour:
        if not missing(f.now):
            slide(f.quarter, f.now, QUARTER)
        f.limit = quantile(f.quarter, f.share, QUARTER)
        f.hour = hour
    f.now = x
    f.high = above(x, f.limit)


def age_unusual(f, ts):
    """At `ts` (ns), forget a number that has not been heard of for two hours."""
    if ts // HOUR - f.hour > 2:
        see_unusual(f, ts // HOUR - 1, NAN)


def see_layer(f, made, layer, bar):
    """Take in one bar of a layer; `made` is that layer's own hour in `f`."""
    see_hour(made, bar)
    if made.full:
        f.illiquidity[layer] = amihud(made)
        f.hours[layer] = made.hour
        see_unusual(f.spread, made.hour, spread_of(f, made.hour))


def amihud(made):
    """What a quote unit of volume moved the price in a full hour; NaN where nothing is known to have traded."""
    return abs(hour_return(made)) / made.quote if made.quote > 0.0 else NAN


def spread_of(f, hour):
    """The largest illiquidity over the median one; NaN below three known layers or where the median never moved."""
    n = 0
    for layer in range(LAYERS):
        x = f.illiquidity[layer]
        if f.hours[layer] == hour and not missing(x):
            at = n
            while at > 0 and f.ranked[at - 1] > x:
                f.ranked[at] = f.ranked[at - 1]
                at -= 1
            f.ranked[at] = x
            n += 1
    f.coverage = n / LAYERS
    if n < LEAST:
        return NAN
    middle = 0.5 * (f.ranked[(n - 1) // 2] + f.ranked[n // 2])
    return f.ranked[n - 1] / middle if middle > 0.0 else NAN
