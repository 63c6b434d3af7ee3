"""The highest of the last hours: a week and more of hourly values, of which only those that may still be the highest are kept.

A value that a later one exceeds can never be the highest again and is dropped, so a new hour costs one step on
average, whatever the window. The window is found by hour; one with an hour missing from the data is unknown,
an hour in which nothing traded adds nothing.
"""

from backtester.features.basic import NAN, missing
from backtester.fields import vec

SLOTS = 256  # hours; the longest window is one less


class Peaks:
    """The falling staircase of highs that no later hour exceeds, the highest first."""

    value: vec(256)
    hour: vec(256, kind="i8")  # whose value it is: hours since 1970
    head: int = 0              # the highest
    tail: int = 0              # one behind the newest
    last: int = 0              # the newest hour
    since: int = 0             # the first hour after the last one that is missing


def see_peak(f, hour, x):
    """Take in the value of a full hour, NaN where nothing traded; hours come in their order."""
    if hour != f.last + 1:
        f.since = hour
    f.last = hour
    drop_before(f, hour - SLOTS + 1)
    if missing(x):
        return
    while f.tail > f.head and f.value[(f.tail - 1) % SLOTS] < x:
        f.tail -= 1
    f.value[f.tail % SLOTS] = x
    f.hour[f.tail % SLOTS] = hour
    f.tail += 1


def drop_before(f, hour):
    """Forget what is older than `hour`."""
    while f.tail > f.head and f.hour[f.head % SLOTS] < hour:
        f.head += 1


def highest(f, hour, n):
    """The highest of the `n` hours up to and with `hour`, the newest; NaN where one is missing. `n` stays the same, at most 255."""
    if f.last != hour or hour - f.since + 1 < n:
        return NAN
    drop_before(f, hour - n + 1)
    return f.value[f.head % SLOTS] if f.tail > f.head else NAN


def highest_hour(f):
    """The hour of the value that `highest` has just given."""
    return f.hour[f.head % SLOTS]
