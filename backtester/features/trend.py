"""How steadily a value follows time: the correlation of the two, one value at a time.

"Continuously rising" (claim B3, D4) asks for Spearman's rank correlation, which has no O(1) form; Pearson's
correlation of the smoothed premium with time stands in for it. Running means keep it exact on long legs.
"""

import math

from backtester.features.basic import NAN, missing


class Trend:
    """Running means and sums of squares of a value and of the time at which it was seen."""

    n: float = 0.0
    time: float = 0.0        # mean
    value: float = 0.0       # mean
    time_time: float = 0.0   # sum of squared deviations
    value_value: float = 0.0
    time_value: float = 0.0


def clear_trend(f):
    """Forget everything."""
    f.n = 0.0
    f.time = 0.0
    f.value = 0.0
    f.time_time = 0.0
    f.value_value = 0.0
    f.time_value = 0.0


def copy_trend(f, source):
    """Become the same as `source`."""
    f.n = source.n
    f.time = source.time
    f.value = source.value
    f.time_time = source.time_time
    f.value_value = source.value_value
    f.time_value = source.time_value


def add_trend(f, time, value):
    """Take in one value; an unknown one is left out."""
    if missing(value):
        return
    f.n += 1.0
    late = time - f.time
    high = value - f.value
    f.time += late / f.n
    f.value += high / f.n
    f.time_time += late * (time - f.time)
    f.value_value += high * (value - f.value)
    f.time_value += late * (value - f.value)


def steadiness(f):
    """-1 falling all the way .. +1 rising all the way; NaN below three values or where nothing moved."""
    if f.n < 3.0 or not (f.time_time > 0.0 and f.value_value > 0.0):
        return NAN
    return f.time_value / math.sqrt(f.time_time * f.value_value)
