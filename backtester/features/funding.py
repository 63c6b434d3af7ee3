"""D19, funding as a yearly rate: what holding a long perpetual costs if the last settlement went on for a year.

    annual = rate * (24 / interval_h) * 365        simple, not compounded

Claim A6: "the funding rate remains at a healthy level of around 4 %" is a yearly rate, 0.003653 % per 8
hours; 10.95 % a year is the exchange's neutral anchor of 0.01 % per 8 hours. The interval comes from the row:
exchanges change it from 8 to 4 to 1 hour at short notice. Bands of the yearly rate: negative below 0, healthy to
10.95 %, warm to 30 %, hot above. As a component of a score it is 1 in the healthy band, falls to 0 where funding
is hot, and as far below the band as the band is wide.
"""

from enum import IntEnum

from backtester.features.basic import NAN, YEAR_H, missing, ramp


class Band(IntEnum):
    """How funding stands."""

    UNKNOWN = 0
    NEGATIVE = 1  # below the healthy band: shorts pay
    HEALTHY = 2
    WARM = 3
    HOT = 4


class Funding:
    """The last settlement."""

    annual: float = NAN  # fraction a year; longs pay where it is positive


def see_funding_rate(f, x):
    """Take in one settlement; a row without its interval is unknown."""
    f.annual = x.rate * (YEAR_H / x.interval_h) if x.interval_h > 0.0 else NAN


def is_healthy(f, lo, hi):
    """Whether the yearly rate lies within lo .. hi; false where it is unknown."""
    return lo <= f.annual <= hi


def band(annual, lo, hi, hot):
    """The band of a yearly rate; a limit belongs to the band below it, `lo` to the healthy one."""
    if missing(annual):
        return Band.UNKNOWN
    if annual < lo:
        return Band.NEGATIVE
    if annual <= hi:
        return Band.HEALTHY
    return Band.WARM if annual <= hot else Band.HOT


def health(annual, lo, hi, hot):
    """0 .. 1: how healthy a yearly rate is; NaN stays NaN. Needs lo < hi < hot."""
    return 1.0 - ramp(annual, hi, hot) if annual > hi else 1.0 - ramp(lo - annual, 0.0, hi - lo)
