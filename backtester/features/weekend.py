"""D16, B7: a quiet weekend, and what Monday makes of it.

    rv         = root of the sum of squared log returns of the weekend's bars
    compressed = rv <= the 0.3-quantile of the 26 weekends before, of which 8 are needed
    ratio      = median of (rv of the first 12 hours after the weekend / rv of the weekend), same weekends

"Extremely low volatility throughout the entire weekend" asks for a Monday that moves; whether it does is to be
measured (on bitcoin 2023 to 2025 quiet weekends were followed by quieter Mondays), hence `ratio`, which scales the
volatility to expect. Weekends are those of weeks.py, of Shanghai by default: the spike of the document came Sunday
21:00 UTC. They begin and end at full hours, and bars are no longer than an hour. The quantile is the smallest of
the weekends that a share of 0.3 does not exceed. A weekend (or a Monday) of which less than nine tenths was
seen is unknown and is not remembered. `rv` grows with finer bars: compare like with like.
"""

import math
from enum import IntEnum

from backtester.features.answers import NO, YES
from backtester.features.basic import HOUR, NAN, log_price, missing
from backtester.features.median import held, middle, slide
from backtester.features.weeks import Zone, saturday_of, weekend_end, weekend_start
from backtester.fields import vec

SEEN = 0.9  # share of the span that makes it known


class Time(IntEnum):
    """What the calendar says at the last bar's close."""

    UNKNOWN = 0
    WEEK = 1
    WEEKEND = 2
    MONDAY = 3   # the first hours after the weekend


class Span:
    """A weekend or a Monday, as far as it has come."""

    squares: float = 0.0   # sum of squared log returns
    covered: int = 0       # ns of bars seen
    high: float = NAN      # quote
    low: float = NAN       # quote
    open: bool = False     # not judged yet


class Past:
    """The numbers of the last weekends, at most 64."""

    ring: vec(64)
    ranked: vec(64)
    count: int = 0


class Weekend:
    """The last weekend that is over; NaN where it was not seen."""

    rv: float = NAN          # log return
    compressed: float = NAN  # 1 yes, 0 no
    high: float = NAN        # quote
    low: float = NAN         # quote
    ratio: float = NAN       # median of Monday's rv over the weekend's
    time: Time = Time.UNKNOWN
    zone: Zone = Zone.SHANGHAI
    q: float = 0.30          # 0 .. 1
    n: int = 26              # weekends, at most 64
    n_min: int = 8           # weekends
    monday_h: int = 12       # hours
    start: int = 0           # of the running weekend, or the last, ns
    end: int = 0             # ns
    until: int = 0           # end of its Monday, ns
    next: int = 0            # start of the next one, ns
    price: float = NAN       # log price of the last bar that traded
    weekend: Span
    monday: Span
    past: Past               # rv
    ratios: Past             # Monday's rv over the weekend's


def start_weekend(f, zone, q, n, n_min, monday_h):
    """Set whose weekends count, the quantile, how many weekends it is of and needs, and how long Monday is (hours)."""
    f.zone = zone
    f.q = q
    f.n = n
    f.n_min = n_min
    f.monday_h = monday_h


def see_weekend(f, bar):
    """Take in one bar."""
    if bar.ts_event >= f.next:
        judge(f, f.next)
        turn(f, bar.ts_event)
    price = log_price(bar)
    if f.start <= bar.ts_event < f.end:
        add_bar(f.weekend, bar, price - f.price)
    elif f.end <= bar.ts_event < f.until:
        add_bar(f.monday, bar, price - f.price)
    if not missing(price):
        f.price = price
    judge(f, bar.ts_close)
    f.time = time_of(f, bar.ts_close)


def turn(f, ts):
    """Another week begins with its weekend."""
    saturday = saturday_of(ts)
    if weekend_start(f.zone, saturday) > ts:
        saturday -= 7
    f.start = weekend_start(f.zone, saturday)
    f.end = weekend_end(f.zone, saturday)
    f.until = f.end + f.monday_h * HOUR
    f.next = weekend_start(f.zone, saturday + 7)
    begin(f.weekend)
    begin(f.monday)


def begin(span):
    """Nothing seen yet."""
    span.squares = 0.0
    span.covered = 0
    span.high = NAN
    span.low = NAN
    span.open = True


def add_bar(span, bar, change):
    """One bar of the span, and the log return it made."""
    span.covered += bar.ts_close - bar.ts_event
    if not missing(change):
        span.squares += change * change
    if bar.volume > 0.0:
        span.high = bar.high if not span.high > bar.high else span.high
        span.low = bar.low if not span.low < bar.low else span.low


def judge(f, ts):
    """At `ts` (ns), look back on what is over and has not been judged."""
    if f.weekend.open and ts >= f.end:
        f.weekend.open = False
        judge_weekend(f, f.weekend.covered >= SEEN * (f.end - f.start))
    if f.monday.open and ts >= f.until:
        f.monday.open = False
        judge_monday(f, f.monday.covered >= SEEN * (f.until - f.end))


def judge_weekend(f, known):
    """The weekend is over: is it quieter than those before?"""
    f.rv = math.sqrt(f.weekend.squares) if known else NAN
    f.high = f.weekend.high if known else NAN
    f.low = f.weekend.low if known else NAN
    f.compressed = NAN
    if not known:
        return
    n = held(f.past, f.n)
    if n >= f.n_min:
        f.compressed = YES if f.rv <= f.past.ranked[min(int(f.q * n), n - 1)] else NO
    slide(f.past, f.rv, f.n)


def judge_monday(f, known):
    """Monday's first hours are over: how they compare with the weekend."""
    if known and f.rv > 0.0:
        slide(f.ratios, math.sqrt(f.monday.squares) / f.rv, f.n)
        if held(f.ratios, f.n) >= f.n_min:
            f.ratio = middle(f.ratios, f.n)


def time_of(f, ts):
    """What is on at `ts` (ns); a bar that closes the weekend already stands on Monday."""
    if f.start <= ts < f.end or ts >= f.next:
        return Time.WEEKEND
    return Time.MONDAY if f.end <= ts < f.until else Time.WEEK
