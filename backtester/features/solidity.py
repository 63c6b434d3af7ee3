"""A9, "more solid and less prone to bubbles": how deep the price fell after hours of either label.

    fall = largest fall of an hourly close below an earlier one, from the labelled hour on for 3 and for 7 days

A hypothesis, no signal: the mean fall and the count of hours after SPOT_BULL against LEVERAGE_BULL. An hour counts
once its horizon is over, so nothing is known early, and only where all closes of the horizon are there. Hours that follow
each other share most of their horizon: the count says nothing about significance, which needs a bootstrap by
blocks. The fall is found anew for each hour that counts, in one walk over its horizon.
"""

import math

from backtester.features.basic import HOUR, NAN, missing
from backtester.features.regime import Regime
from backtester.fields import vec

SLOTS = 256  # hours, longer than the longest horizon


class Tally:
    """A running mean."""

    count: int = 0
    mean: float = NAN  # fraction of the price


class Falls:
    """One horizon."""

    spot: Tally       # after SPOT_BULL
    leverage: Tally   # after LEVERAGE_BULL


class Solidity:
    """Both horizons, and the hours that still wait for theirs to end."""

    days_3: Falls
    days_7: Falls
    price: vec(256)              # log close of each full hour
    label: vec(256, kind="i8")
    hour: vec(256, kind="i8")    # whose they are: hours since 1970


def see_solidity(f, ts_close, price, label):
    """Take in a full hour: its log close (NaN where nothing traded) and its label."""
    hour = (ts_close - 1) // HOUR
    if missing(price):
        return
    f.price[hour % SLOTS] = price
    f.label[hour % SLOTS] = label
    f.hour[hour % SLOTS] = hour
    look_back(f, f.days_3, hour, 72)
    look_back(f, f.days_7, hour, 168)


def look_back(f, falls, hour, horizon):
    """The hour whose horizon is over now."""
    then = hour - horizon
    label = f.label[then % SLOTS]
    if label not in (Regime.SPOT_BULL, Regime.LEVERAGE_BULL):
        return
    fall = deepest(f, then, horizon)
    if not missing(fall):
        add(falls.spot if label == Regime.SPOT_BULL else falls.leverage, fall)


def deepest(f, start, horizon):
    """The largest fall within `horizon` hours from `start`, fraction; NaN where an hour is missing."""
    top = f.price[start % SLOTS]
    fall = 0.0
    for k in range(start, start + horizon + 1):
        if f.hour[k % SLOTS] != k:
            return NAN
        price = f.price[k % SLOTS]
        top = max(top, price)
        fall = max(fall, top - price)
    return 1.0 - math.exp(-fall)


def add(tally, x):
    """One more hour."""
    tally.count += 1
    tally.mean = x if tally.count == 1 else tally.mean + (x - tally.mean) / tally.count
