"""D17, the flush: how much was forced out of the market within a day, and how much of it from shorts.

    notional = sum(qty * price) of liquidations, 24 hours       quote
    shorts   = the part of it that were shorts                  0 .. 1
    flushed  = notional >= usd and shorts >= share

Claim A4: "$180 million liquidated, mostly shorts". The day is 23 full hours and the running one, so it never counts
what is older than 24 hours. A feed has no row for an hour in which nothing happened; so its hours count as quiet
from its first row on, the answer is known a day later, and after a day without any row the feed is taken for dead:
unknown. A row that comes after its hour was over counts into the running one.

A market without the feed may use the fuel map (D7) instead: what it says was consumed, in quote, times a factor
that must be calibrated; `proxy` then says so, and ends with the first row of a feed.
"""

from backtester.features.answers import NO, YES
from backtester.features.basic import HOUR, NAN, missing, ramp
from backtester.features.hours import Hours, keep_hour, last_hours

DAY_H = 24


class Flush:
    """The last 24 hours."""

    notional: float = NAN   # quote
    shorts: float = NAN     # share of the notional, 0 .. 1
    flushed: float = NAN    # 1 yes, 0 no
    proxy: bool = False     # from a map of what may have been liquidated, not from a feed
    usd: float = 180e6      # quote; the least notional
    share: float = 0.60     # the least share of shorts
    longs_now: float = 0.0  # this hour, quote
    shorts_now: float = 0.0 # this hour, quote
    longs_day: float = NAN  # the 23 hours before, quote
    shorts_day: float = NAN # the 23 hours before, quote
    hour: int = 0           # the running hour, hours since 1970; 0: nothing known yet
    known_from: int = 0     # the first hour that was seen from its beginning
    longs: Hours            # quote
    short: Hours            # quote


def start_flush(f, usd, share):
    """Set the least notional (quote) and the least share of shorts."""
    f.usd = usd
    f.share = share


def see_forced(f, x):
    """Take in one liquidation. The first one of a feed ends whatever a proxy said."""
    if f.proxy:
        f.proxy = False
        f.hour = 0
    notional = x.qty * x.price * abs(x.side)
    none = 0.0 * notional  # unknown where the row is
    add_forced(f, x.ts_event, notional if x.side > 0.0 else none, notional if x.side < 0.0 else none)


def see_consumed(f, ts, longs, shorts, factor):
    """Take in what a fuel map says was consumed since the last call (quote), times `factor`; nothing once a feed is there."""
    if f.hour == 0 or f.proxy:
        f.proxy = True
        add_forced(f, ts, factor * longs, factor * shorts)


def add_forced(f, ts, longs, shorts):
    """So much more was forced out at `ts` (ns), quote."""
    if f.hour == 0:
        begin_flush(f, ts // HOUR)
    pass_hours(f, ts // HOUR)
    f.longs_now += longs
    f.shorts_now += shorts
    weigh(f)


def begin_flush(f, hour):
    """The first row: nobody knows what happened earlier in its hour."""
    f.longs_now = 0.0
    f.shorts_now = 0.0
    f.longs_day = NAN
    f.shorts_day = NAN
    f.hour = hour
    f.known_from = hour + 1


def age_flush(f, ts):
    """Let the window move on to `ts` (ns), whether or not anything was forced out."""
    if f.hour > 0 and ts // HOUR > f.hour:
        pass_hours(f, ts // HOUR)
        weigh(f)


def pass_hours(f, hour):
    """Close the running hour and the quiet ones after it, at most a day of them; then look back once."""
    if hour <= f.hour:
        return
    f.hour = max(f.hour, hour - DAY_H)
    while f.hour < hour:
        keep_hour(f.longs, f.hour, f.longs_now)
        keep_hour(f.short, f.hour, f.shorts_now)
        f.longs_now = 0.0
        f.shorts_now = 0.0
        f.hour += 1
    known = hour - f.known_from >= DAY_H - 1
    f.longs_day = last_hours(f.longs, hour - 1, DAY_H - 1) if known else NAN
    f.shorts_day = last_hours(f.short, hour - 1, DAY_H - 1) if known else NAN


def weigh(f):
    """The day's sum, its share of shorts, the answer."""
    shorts = f.shorts_day + f.shorts_now
    f.notional = f.longs_day + f.longs_now + shorts
    if f.notional == 0.0 and not f.proxy:
        f.notional = NAN
    f.shorts = shorts / f.notional if f.notional > 0.0 else NAN
    f.flushed = NAN
    if not missing(f.notional):
        f.flushed = YES if f.notional >= f.usd and f.shorts >= f.share else NO


def clearance(f):
    """0 .. 1: how far the flush has come; half the share of shorts counts nothing, all of it all. NaN where it is unknown."""
    if f.notional == 0.0:
        return 0.0
    return ramp(f.notional, 0.0, f.usd) * ramp(f.shorts, 0.5 * f.share, f.share)
