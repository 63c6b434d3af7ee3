"""A price from outside the market, day by day: gold beside bitcoin (A3), or a measure of the world's liquidity (A14).

    correlation = of the daily log returns of both, 30 days            A3, "a hedge": does bitcoin move with gold?
    change      = ln(last / the first one from 30 days before on)      A14, "global liquidity remains a constraint": does it shrink?

The series is optional: exogenous rows of one tag, the weight is a level above zero (a price, an index, the supply of stablecoins); the last
row of a day counts. Outside markets rest at weekends: a return spans from one of their days to the next, and bitcoin's spans the same
days. A row is paired with bitcoin's last full hour of the day that it speaks of, whenever it becomes known. Known from 15 returns
on; a series whose last row is older than five days is unknown. The 30 days are walked through where a row comes.
"""

import math

from backtester.features.basic import DAY, NAN, missing
from backtester.features.hours import Hours, at_hour, keep_hour

WINDOW = 30   # days
ENOUGH = 15   # returns
STALE = 5 * DAY


class Outside:
    """One series."""

    correlation: float = NAN  # -1 .. 1
    change: float = NAN       # log return of 30 days
    tag: int = -1             # code of the exogenous tag; -1: none
    ts: int = 0               # of the last row, ns
    levels: Hours             # log level, by day
    prices: Hours             # bitcoin's log price, by day


def start_outside(f, tag):
    """Set the tag's code."""
    f.tag = tag


def see_price_of_day(f, ts_close, price):
    """Take in a full hour of bitcoin: its log close; the last one of a day stays."""
    keep_hour(f.prices, (ts_close - 1) // DAY, price)
    if ts_close - f.ts > STALE:
        f.correlation = NAN
        f.change = NAN


def see_outside(f, x):
    """Take in one exogenous row; other tags' say nothing, nor does a level of zero or less."""
    day = x.ts_event // DAY
    if x.tag != f.tag or not x.weight > 0.0 or x.ts_event < f.ts:
        return
    f.ts = x.ts_event
    keep_hour(f.levels, day, math.log(x.weight))
    look_back(f, day)


def look_back(f, day):
    """Walk the 30 days up to `day`: sums of the returns between days that both are known of."""
    n = a = b = aa = bb = ab = 0.0
    first = level = price = NAN
    for k in range(day - WINDOW, day + 1):
        now = at_hour(f.levels, k)
        there = at_hour(f.prices, k)
        if missing(now):
            continue
        if missing(first):
            first = now
        if missing(there):
            continue
        if not missing(level):
            n += 1.0
            a += now - level
            b += there - price
            aa += (now - level) * (now - level)
            bb += (there - price) * (there - price)
            ab += (now - level) * (there - price)
        level = now
        price = there
    f.change = at_hour(f.levels, day) - first if n >= ENOUGH else NAN
    f.correlation = NAN
    if n >= ENOUGH and aa * n > a * a and bb * n > b * b:
        f.correlation = (ab * n - a * b) / math.sqrt((aa * n - a * a) * (bb * n - b * b))
