"""A day and more of hourly values, found by their hour and never by their count: a gap stays a gap."""

from backtester.features.basic import NAN, missing
from backtester.fields import vec

SLOTS = 32  # hours


class Hours:
    """The last 32 hourly values."""

    value: vec(32)
    hour: vec(32, kind="i8")  # whose value it is: hours since 1970


def keep_hour(f, hour, x):
    """Remember `x` as the value of an hour; an unknown value is not remembered."""
    if not missing(x):
        f.value[hour % SLOTS] = x
        f.hour[hour % SLOTS] = hour


def at_hour(f, hour):
    """The value of an hour within the last 32, NaN where there is none."""
    return f.value[hour % SLOTS] if f.hour[hour % SLOTS] == hour else NAN


def last_hours(f, hour, n):
    """The sum of the `n` values up to and with `hour`; NaN where one is missing."""
    total = 0.0
    for k in range(n):
        total += at_hour(f, hour - k)
    return total
