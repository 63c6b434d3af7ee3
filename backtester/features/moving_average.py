"""The average of the last closes, simple or exponential: where the price has been of late.

    simple       = mean of the last n hourly closes
    exponential  = average + (close - average) * max(2 / (n + 1), 1 / hours seen)

Closes are hourly, so that an average means the same on bars of any length, and follow each other: after an hour
without a close the average starts over. Known from n hours on.
"""

from enum import IntEnum

from backtester.features.basic import HOUR, NAN, closes_an_hour
from backtester.fields import vec


class Kind(IntEnum):
    """How closes are weighed."""

    SIMPLE = 0
    EXPONENTIAL = 1


class MovingAverage:
    """The average of one instrument's closes."""

    value: float = NAN              # quote
    kind: Kind = Kind.EXPONENTIAL
    n: int = 24                     # hours, at most 1024
    count: int = 0                  # hours in a row
    hour: int = 0                   # the last one, hours since 1970
    sum: float = 0.0                # of the ring, quote
    mean: float = 0.0               # exponential, known or not, quote
    ring: vec(1024)                 # the last n closes, quote


def start_average(f, kind, n):
    """Set the kind, and over how many hours."""
    f.kind = kind
    f.n = n


def see_average(f, bar):
    """Take in one bar; only full hours count."""
    if not closes_an_hour(bar.ts_close):
        return
    hour = bar.ts_close // HOUR
    if hour != f.hour + 1:
        f.count = 0
    f.value = NAN
    if not bar.volume > 0.0:
        f.hour = 0
        return
    f.hour = hour
    if f.kind == Kind.SIMPLE:
        slide_sum(f, bar.close)
        average = f.sum / f.n
    else:
        f.count += 1
        f.mean += (bar.close - f.mean) * max(2.0 / (f.n + 1.0), 1.0 / f.count)
        average = f.mean
    if f.count >= f.n:
        f.value = average


def slide_sum(f, close):
    """The oldest close leaves the sum, the newest comes in; once around the ring it is added up anew, so that rounding stays small."""
    at = f.count % f.n
    if f.count >= f.n:
        f.sum -= f.ring[at]
    f.ring[at] = close
    f.sum += close
    f.count += 1
    if f.count % f.n == 0:
        f.sum = 0.0
        for k in range(f.n):
            f.sum += f.ring[k]
