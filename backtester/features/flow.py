"""Who bought on spot, and how the price got here: 24-hour windows of full hours, and the flow's own normal.

    cvd        = sum(2 * taker_buy - volume) / sum(volume)     24 h; takers' net purchases, share of volume
    excess     = cvd - its median over 30 days
    rise       = ln(close / close 24 h ago)
    efficiency = |rise| / sum |hourly log returns|              Kaufman's ratio: 1 is a straight line

Claims A8 ("genuine buying in the spot market") and A1 ("steady and solid climb"). Takers on bitcoin's
largest spot market sell more than they buy in two hours of three, so `excess` compares the flow with itself. A rolling median of
30 days has no O(1) form: cvd is sampled each hour, 720 samples stand in a ring; known from a week of them
on. The path is hourly: a path of minutes is so long that the ratio says nothing. A window with a missing
hour is unknown; an hour counts with 50 of its 60 minutes.

The same record on the perp's bars says what its takers did; A8 asks whose flow it was: the spot takers' share of
both nets, |spot| / (|spot| + |perp|), in base.
"""

from enum import IntEnum

from backtester.features.basic import HOUR, MINUTE, NAN, closes_an_hour, log_price, missing
from backtester.features.hours import Hours, at_hour, keep_hour, last_hours
from backtester.features.median import held, middle, slide
from backtester.features.ranks import ENOUGH, MONTH, Month

FULL = 50 * MINUTE   # ns of bars that make an hour


class Takers(IntEnum):
    """Which measure of the takers' net purchases a rule uses."""

    RATIO = 0   # the document's: share of volume
    EXCESS = 1  # the same minus its own median of 30 days


class Flow:
    """What the last full hour said."""

    cvd: float = NAN         # net taker purchases of 24 h, share of volume, -1 .. 1
    excess: float = NAN      # the same minus its 30-day median
    bought: float = NAN      # net taker purchases of 24 h, base
    rise: float = NAN        # log return of 24 h
    efficiency: float = NAN  # 0 .. 1
    net: float = 0.0         # this hour: takers bought minus sold, base
    volume: float = 0.0      # this hour, base
    covered: int = 0         # this hour: ns of bars seen
    hour: int = 0            # the hour of the sums above
    prices: Hours            # log close of each full hour
    steps: Hours             # |log return| of each full hour
    nets: Hours              # base
    volumes: Hours           # base
    month: Month             # 24-hour taker flows, hour by hour


def see_flow(f, bar):
    """Take in one spot bar; bars are no longer than an hour."""
    hour = (bar.ts_close - 1) // HOUR
    if hour != f.hour:
        f.hour = hour
        f.net = 0.0
        f.volume = 0.0
        f.covered = 0
    f.net += 2.0 * bar.taker_buy - bar.volume
    f.volume += bar.volume
    f.covered += bar.ts_close - bar.ts_event
    if closes_an_hour(bar.ts_close):
        close_hour(f, hour, log_price(bar))


def close_hour(f, hour, price):
    """The hour is over: remember it, and look back over 24 of them."""
    if f.covered >= FULL:
        keep_hour(f.nets, hour, f.net)
        keep_hour(f.volumes, hour, f.volume)
    keep_hour(f.steps, hour, abs(price - at_hour(f.prices, hour - 1)))
    keep_hour(f.prices, hour, price)
    look_at_path(f, hour)
    look_at_takers(f, hour)


def look_at_path(f, hour):
    """Return and efficiency of the last 24 hours; a price that never moved climbed with none."""
    path = last_hours(f.steps, hour, 24)
    f.rise = at_hour(f.prices, hour) - at_hour(f.prices, hour - 24)
    f.efficiency = abs(f.rise) / path if path != 0.0 else 0.0


def look_at_takers(f, hour):
    """Net taker purchases of the last 24 hours, alone and against their own month."""
    volume = last_hours(f.volumes, hour, 24)
    f.bought = last_hours(f.nets, hour, 24)
    f.cvd = f.bought / volume if volume > 0.0 else NAN
    f.excess = NAN
    if missing(f.cvd):
        return
    slide(f.month, f.cvd, MONTH)
    if held(f.month, MONTH) >= ENOUGH:
        f.excess = f.cvd - middle(f.month, MONTH)


def buying(f, takers):
    """The day's net taker purchases in the chosen measure."""
    return f.excess if takers == Takers.EXCESS else f.cvd


def spot_share(spot, perp):
    """Of the takers' nets of spot and perp, the part that is spot's, 0 .. 1; NaN where one is unknown or both are zero."""
    both = abs(spot.bought) + abs(perp.bought)
    return abs(spot.bought) / both if both > 0.0 else NAN
