"""Hourly bars made of shorter ones: open, high, low, close, volumes and squared returns of each full hour.

An hour is full at the bar that closes it, where at least 50 of its 60 minutes had bars. Bars are no longer
than an hour. One in which nothing traded covers its time and has no price; an hour without a trade has none.
"""

import math

from backtester.features.basic import HOUR, NAN, closes_an_hour, log_price, missing
from backtester.features.flow import FULL


class HourBar:
    """The hour being made; to be read where `full`."""

    full: bool = False     # the last bar closed it, and enough of it was seen
    open: float = NAN      # quote
    high: float = NAN      # quote
    low: float = NAN       # quote
    close: float = NAN     # last trade so far, quote
    before: float = NAN    # close of the hour before, quote; NaN where that one was not full
    volume: float = 0.0    # base
    quote: float = 0.0     # quote; NaN where a bar that traded does not say
    squares: float = 0.0   # sum of squared log returns, bar by bar
    covered: int = 0       # ns of bars seen
    hour: int = 0          # hours since 1970
    log: float = NAN       # log price of the last bar that traded, in whatever hour


def see_hour(f, bar):
    """Take in one bar."""
    hour = (bar.ts_close - 1) // HOUR
    if hour != f.hour:
        begin_hour(f, hour)
    f.covered += bar.ts_close - bar.ts_event
    if bar.volume > 0.0 and bar.close > 0.0:
        add_trades(f, bar)
    f.full = closes_an_hour(bar.ts_close) and f.covered >= FULL


def begin_hour(f, hour):
    """Another hour."""
    f.before = f.close if f.full and hour == f.hour + 1 else NAN
    f.hour = hour
    f.open = NAN
    f.high = NAN
    f.low = NAN
    f.close = NAN
    f.volume = 0.0
    f.quote = 0.0
    f.squares = 0.0
    f.covered = 0


def add_trades(f, bar):
    """A bar that traded becomes part of the hour."""
    if not f.open > 0.0:
        f.open = bar.open
        f.high = bar.high
        f.low = bar.low
    f.high = max(f.high, bar.high)
    f.low = min(f.low, bar.low)
    f.close = bar.close
    f.volume += bar.volume
    f.quote += bar.quote_volume
    price = log_price(bar)
    if not missing(f.log):  # the first price has no return
        f.squares += (price - f.log) * (price - f.log)
    f.log = price


def hour_return(f):
    """Log return of the hour, close to close; NaN where either is not known."""
    return math.log(f.close / f.before) if f.close > 0.0 and f.before > 0.0 else NAN
