"""Where a value stands among its hourly samples of a month or a quarter.

A rolling quantile has no O(1) form: features sample once an hour into one of these rings (`slide` of the
median takes a sample in) and ask once an hour, too. An answer needs a week of samples.
"""

import math

from backtester.features.basic import NAN, missing
from backtester.features.median import held
from backtester.fields import vec

MONTH = 720     # samples, 30 days of hours
QUARTER = 2160  # samples, 90 days of hours
ENOUGH = 168    # samples, a week of hours


class Month:
    """The hourly samples of 30 days."""

    ring: vec(720)    # by arrival
    ranked: vec(720)  # by size
    count: int = 0    # samples ever


class Quarter:
    """The hourly samples of 90 days."""

    ring: vec(2160)
    ranked: vec(2160)
    count: int = 0


def rank(f, x, width):
    """The share of the samples that are no larger than `x`, 0 .. 1; NaN where `x` or a week of samples is missing."""
    n = held(f, width)
    if missing(x) or n < ENOUGH:
        return NAN
    lo = 0
    hi = n
    while lo < hi:
        middle = (lo + hi) // 2
        if f.ranked[middle] <= x:
            lo = middle + 1
        else:
            hi = middle
    return lo / n


def quantile(f, q, width):
    """The smallest sample that a share `q` (0 .. 1) of the samples does not exceed; NaN before a week of samples."""
    n = held(f, width)
    return f.ranked[min(int(q * n), n - 1)] if n >= ENOUGH else NAN


def z_score(f, x, width):
    """How many standard deviations `x` lies above the mean of the samples; NaN before a week of samples or where they never moved."""
    n = held(f, width)
    if missing(x) or n < ENOUGH:
        return NAN
    mean = 0.0
    for k in range(n):
        mean += f.ring[k]
    mean /= n
    squares = 0.0
    for k in range(n):
        squares += (f.ring[k] - mean) * (f.ring[k] - mean)
    return (x - mean) / math.sqrt(squares / n) if squares > 0.0 else NAN
