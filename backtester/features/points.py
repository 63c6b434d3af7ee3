"""D4, a leg between two places on the path: how far the price, the premium and open interest went.

The premium at a place is its median over the last minutes, so the change over a leg compares the minutes
that end at its end with those that end at its start (claims B1, B3, B5, B8, B12).
"""

from backtester.features.basic import BP, MINUTE, NAN
from backtester.features.trend import steadiness


class Point:
    """A place on the path."""

    price: float = NAN          # of the perp, quote
    log: float = NAN            # its logarithm
    premium: float = NAN        # median, bp
    smooth: float = NAN         # exponential average of the premium, bp
    open_interest: float = NAN  # base
    ts: int = 0                 # ns


class Leg:
    """From one place to another."""

    direction: float = 0.0        # +1 up, -1 down, 0 none yet
    size_bp: float = NAN          # |log return|, bp
    premium_change: float = NAN   # of the median, bp
    oi_change: float = NAN        # fraction of the open interest at its start
    trend: float = NAN            # correlation of the smoothed premium with time, -1 .. 1
    minutes: float = NAN


def measure(leg, direction, a, b, trend):
    """The leg from one point to another."""
    leg.direction = direction
    leg.size_bp = abs(b.log - a.log) / BP
    leg.premium_change = b.premium - a.premium
    leg.oi_change = b.open_interest / a.open_interest - 1.0 if a.open_interest > 0.0 else NAN
    leg.trend = steadiness(trend)
    leg.minutes = (b.ts - a.ts) / MINUTE


def copy_point(point, source):
    """Become the same place as `source`."""
    point.price = source.price
    point.log = source.log
    point.premium = source.premium
    point.smooth = source.smooth
    point.open_interest = source.open_interest
    point.ts = source.ts
