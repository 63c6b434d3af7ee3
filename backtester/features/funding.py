"""D19, funding as a yearly rate: what holding a long perpetual costs if the last settlement went on for a year.

    annual = rate * (24 / interval_h) * 365        simple, not compounded

Claim A6: "the funding rate remains at a healthy level of around 4 %" is a yearly rate, 0.003653 % per 8
hours; 10.95 % a year is the exchange's neutral anchor of 0.01 % per 8 hours. The interval comes from the row:
exchanges change it from 8 to 4 to 1 hour at short notice.
"""

from backtester.features.basic import NAN, YEAR_H


class Funding:
    """The last settlement."""

    annual: float = NAN  # fraction a year; longs pay where it is positive


def see_funding_rate(f, x):
    """Take in one settlement; a row without its interval is unknown."""
    f.annual = x.rate * (YEAR_H / x.interval_h) if x.interval_h > 0.0 else NAN


def is_healthy(f, lo, hi):
    """Whether the yearly rate lies within lo .. hi; false where it is unknown."""
    return lo <= f.annual <= hi
