"""How far the price usually goes, where a day's money traded, and how rough the way was.

    range    = max(high, close before) - min(low, close before)       of each full hour
    atr      = average of the ranges: the plain mean of the first `hours`, then each new one weighs 1 / hours (Wilder)
    vwap     = sum(quote_volume) / sum(volume)                        24 h
    wick     = 1 - sum |close - open| / sum(high - low)               24 h; 0 only bodies, 1 only wicks
    realised = sqrt(sum (log return of a bar)^2)                      24 h
    rise     = ln(close / close 60 minutes ago),   z = rise / (sigma of then * sqrt(60))

Claims A20 ("chase the highs"), A19, A1 ("steady and solid climb"). All but `rise` and `z` speak at full hours, of
hourly bars made of bars of any length; a missing hour makes a day unknown. After a gap an hour's range is its own
high and low. `rise` is of the last bar's close and needs a bar that closed just an hour before; it is held
against the volatility of then, for a jump would hide itself in its own. `realised` depends on the bars' length.
"""

import math

from backtester.features.basic import MINUTE, NAN, log_price, missing
from backtester.features.hour_bar import HourBar, see_hour
from backtester.features.hours import Hours, keep_hour, last_hours
from backtester.fields import vec

SLOTS = 64                   # minutes
ROOT_HOUR = math.sqrt(60.0)  # from a minute's volatility to an hour's
FIVES = 288.0                # times five minutes in a day


class Lookback:
    """What was known in each of the last 64 minutes, found by its minute: a gap stays a gap."""

    price: vec(64)              # log of the close
    sigma: vec(64)              # per root minute
    minute: vec(64, kind="i8")  # minutes since 1970


class Ranges:
    """The scale of an hour and of a day."""

    atr: float = NAN        # quote
    vwap: float = NAN       # quote
    wick: float = NAN       # share of the ranges, 0 .. 1
    realised: float = NAN   # root of the sum of squared log returns
    volume_5m: float = NAN  # base in five minutes, mean of a day
    rise: float = NAN       # log return of 60 minutes
    z: float = NAN          # the same in volatilities
    hours: int = 14         # memory of the average range
    average: float = NAN    # quote, known from the first range on
    count: int = 0          # ranges so far
    now: HourBar
    past: Lookback
    bodies: Hours           # |close - open|, quote
    spans: Hours            # high - low, quote
    squares: Hours          # squared log returns
    quotes: Hours           # quote
    volumes: Hours          # base


def start_ranges(f, hours):
    """Set how many hours the average range remembers."""
    f.hours = hours


def see_ranges(f, bar, sigma):
    """Take in one bar, and the volatility per root minute that was known before it."""
    look_an_hour_back(f, bar, sigma)
    see_hour(f.now, bar)
    if f.now.full:
        average_range(f)
        look_a_day_back(f)


def look_an_hour_back(f, bar, sigma):
    """The return since the bar that closed 60 minutes ago."""
    minute = bar.ts_close // MINUTE
    price = log_price(bar)
    f.rise = NAN
    f.z = NAN
    then = (minute - 60) % SLOTS
    if f.past.minute[then] == minute - 60:
        f.rise = price - f.past.price[then]
        usual = f.past.sigma[then] * ROOT_HOUR
        f.z = f.rise / usual if usual > 0.0 else NAN
    f.past.minute[minute % SLOTS] = minute
    f.past.price[minute % SLOTS] = price
    f.past.sigma[minute % SLOTS] = sigma


def average_range(f):
    """A full hour's range joins the average."""
    high = f.now.high
    low = f.now.low
    if missing(high):
        return
    if not missing(f.now.before):
        high = max(high, f.now.before)
        low = min(low, f.now.before)
    f.count += 1
    span = high - low
    f.average = span if f.count == 1 else f.average + (span - f.average) / min(f.count, f.hours)
    if f.count >= f.hours:
        f.atr = f.average


def look_a_day_back(f):
    """A full hour joins the sums of 24 hours."""
    hour = f.now.hour
    keep_hour(f.bodies, hour, abs(f.now.close - f.now.open))
    keep_hour(f.spans, hour, f.now.high - f.now.low)
    keep_hour(f.squares, hour, f.now.squares)
    keep_hour(f.quotes, hour, f.now.quote)
    keep_hour(f.volumes, hour, f.now.volume)
    span = last_hours(f.spans, hour, 24)
    volume = last_hours(f.volumes, hour, 24)
    f.wick = 1.0 - last_hours(f.bodies, hour, 24) / span if span > 0.0 else NAN
    f.vwap = last_hours(f.quotes, hour, 24) / volume if volume > 0.0 else NAN
    f.realised = math.sqrt(last_hours(f.squares, hour, 24))
    f.volume_5m = volume / FIVES
