"""The words every feature shares: units of time, what is missing, what is switched off, ramps and half-lives."""

import math

NAN = float("nan")
MINUTE = 60_000_000_000  # ns
HOUR = 60 * MINUTE       # ns
DAY = 24 * HOUR          # ns
YEAR_H = 365.0 * 24.0    # hours; the year of every annualised number
BP = 1e-4                # a basis point, as a fraction or in log price
LN2 = 0.6931471805599453


def missing(x):
    """Whether a number is not known."""
    return x != x  # noqa: PLR0124 - NaN alone differs from itself


def off(param):
    """Whether a parameter is switched off: None in a config is NaN in the record."""
    return param != param  # noqa: PLR0124 - as above


def ramp(x, lo, hi):
    """From 0 at `lo` to 1 at `hi`, straight between, flat outside; NaN stays NaN. Needs lo < hi."""
    if missing(x):
        return NAN
    if x <= lo:
        return 0.0
    if x >= hi:
        return 1.0
    return (x - lo) / (hi - lo)


def half_life_alpha(half_life, step):
    """The weight of one new value in an average that forgets half in `half_life`; `step` is the time between values.

    A half-life of zero or less forgets everything at once: the average is the last value.
    """
    return 1.0 - math.exp(-LN2 * step / half_life) if half_life > 0.0 else 1.0


def log_price(bar):
    """Log of a bar's close; NaN for a bar in which nothing traded: its price is stale."""
    return math.log(bar.close) if bar.volume > 0.0 and bar.close > 0.0 else NAN


def closes_an_hour(ts_close):
    """Whether a bar that closes at `ts_close` (ns) is the last of its hour."""
    return ts_close % HOUR == 0
