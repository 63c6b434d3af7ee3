"""How much the premium moves: its change over an hour and a day, and the unit u of what is usual.

    u = 1.48 * median absolute deviation, over 7 days, of the 1-hour change of the median premium; at least 0.25 bp

A fixed number of basis points means another thing in another year or on bars of another length (u on
5-minute bars of bitcoin: 0.99 bp in 2023, 0.97 in 2024, 0.81 in early 2025), so thresholds are multiples of u
by default. A rolling deviation over 7 days has no O(1) form: the change is sampled at the last bar of each
hour, 168 samples stand in a ring, and u is taken anew once an hour. It is known from 24 samples on.
"""

from backtester.features.basic import HOUR, NAN, closes_an_hour, missing
from backtester.features.hours import Hours, at_hour, keep_hour
from backtester.features.median import deviation, held, slide
from backtester.fields import vec

WEEK = 168    # samples
ENOUGH = 24   # samples
FLOOR = 0.25  # bp
TO_SIGMA = 1.48  # a normal distribution's standard deviation over its median absolute deviation


class Week:
    """The 1-hour changes of 7 days, bp."""

    ring: vec(168)
    ranked: vec(168)
    count: int = 0


class PremiumMoves:
    """What the last full hour said."""

    hour: float = NAN  # change of the median premium in the last hour, bp
    day: float = NAN   # change of the median premium in 24 hours, bp
    unit: float = NAN  # u, bp
    medians: Hours     # the median premium at each full hour, bp
    week: Week


def see_premium_moves(f, ts_close, median):
    """Take in the median premium (bp) of the pair that closes at `ts_close` (ns); only full hours count."""
    if not closes_an_hour(ts_close):
        return
    now = ts_close // HOUR
    f.hour = median - at_hour(f.medians, now - 1)
    f.day = median - at_hour(f.medians, now - 24)
    keep_hour(f.medians, now, median)
    if not missing(f.hour):
        slide(f.week, f.hour, WEEK)
        if held(f.week, WEEK) >= ENOUGH:
            f.unit = max(FLOOR, TO_SIGMA * deviation(f.week, WEEK))
