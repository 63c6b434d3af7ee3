"""Where a value stands among its hourly samples of a month or a quarter.

A rolling quantile has no O(1) form: features sample once an hour into one of these rings (`slide` of the
median takes a sample in) and ask once an hour, too. An answer needs a week of samples. A mean and a deviation have an
O(1) form, though: `sample` moves them along with the ring (Welford's recurrence for a window), and `z_score` costs a root.
"""

import math

from backtester.features.basic import NAN, missing
from backtester.features.median import held, no_larger
from backtester.fields import vec

MONTH = 720     # samples, 30 days of hours
QUARTER = 2160  # samples, 90 days of hours
ENOUGH = 168    # samples, a week of hours


class Month:
    """The hourly samples of 30 days."""

    ring: vec(720)    # by arrival
    ranked: vec(720)  # by size
    count: int = 0    # samples ever


class Usual:
    """The same samples for those who ask what is usual and how far from it: their mean and their spread."""

    ring: vec(720)        # by arrival
    count: int = 0        # samples ever
    mean: float = 0.0
    squares: float = 0.0  # sum of squared deviations from the mean
    still: int = 0        # of the last samples in a row, how many are equal


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
    return no_larger(f, x, n) / n


def quantile(f, q, width):
    """The smallest sample that a share `q` (0 .. 1) of the samples does not exceed; NaN before a week of samples."""
    n = held(f, width)
    return f.ranked[min(int(q * n), n - 1)] if n >= ENOUGH else NAN


def sample(f, x):
    """Take an hourly sample in; the mean and the squares follow it, and are added up anew once around the ring."""
    at = f.count % MONTH
    f.still = f.still + 1 if f.count > 0 and x == f.ring[at - 1 if at > 0 else MONTH - 1] else 1
    before = f.mean
    if f.count < MONTH:
        f.mean += (x - before) / (f.count + 1)
        f.squares += (x - before) * (x - f.mean)
    else:
        oldest = f.ring[at]
        f.mean += (x - oldest) / MONTH
        f.squares += (x - oldest) * (x - f.mean + oldest - before)
    f.ring[at] = x
    f.count += 1
    if f.count % MONTH == 0:
        add_up(f)


def add_up(f):
    """The mean and the squares of a full ring, without what rounding has left in them."""
    f.mean = 0.0
    for k in range(MONTH):
        f.mean += f.ring[k] / MONTH
    f.squares = 0.0
    for k in range(MONTH):
        f.squares += (f.ring[k] - f.mean) * (f.ring[k] - f.mean)


def z_score(f, x):
    """How many standard deviations `x` lies above the mean of the samples; NaN before a week of samples or where they never moved."""
    n = held(f, MONTH)
    if missing(x) or n < ENOUGH or f.still >= n or not f.squares > 0.0:
        return NAN
    return (x - f.mean) / math.sqrt(f.squares / n)
