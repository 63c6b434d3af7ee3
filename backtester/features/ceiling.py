"""A21, "where do you think the ceiling is?": where the fuel above is used up, funding is hot, or the flushed contracts are back.

    price = the level at which the shorts above, counted from the price on, reach 80 % of all of them within `reach`
    floor = the same of the longs below

A ceiling is a place for a part of the profit, never a forecast (C8: "hard to predict"). Levels are read at rows of
open interest and move on with the price: a strategy that wants the one of its entry keeps it. At a bar's close the ceiling is
reached by the fuel's level, by funding above `hot`, or by open interest back where it was a day before the flush began
(a modelling choice); before the first flush that third rule says nothing.
"""

import math
from enum import IntEnum

from backtester.features.answers import NO, YES, above, asked
from backtester.features.basic import NAN, missing
from backtester.features.levels import STEP, bucket_of, longs_at, shorts_at


class Top(IntEnum):
    """What says that the ceiling is reached."""

    UNKNOWN = 0    # nothing says so, and the fuel or funding is unknown
    BELOW = 1      # it is not reached
    FUEL = 2       # the price is where most of the fuel is used up
    FUNDING = 3    # longs pay too much
    CONTRACTS = 4  # open interest is back


class Ceiling:
    """The levels, and whether the price is there."""

    price: float = NAN      # quote; NaN: unknown, or no fuel above
    floor: float = NAN      # quote; NaN: unknown, or no fuel below
    top: Top = Top.UNKNOWN
    before: float = NAN     # open interest a day before the last flush began, base
    flushed: bool = False   # the last flush goes on
    reach: float = 0.02     # log price
    part: float = 0.80      # of the fuel within reach
    hot: float = 0.20       # funding, fraction a year


def start_ceiling(f, reach, part, hot):
    """Set how far fuel counts (log price), the part of it that makes a ceiling, and hot funding (a year)."""
    f.reach = reach
    f.part = part
    f.hot = hot


def see_ceiling_levels(f, fuel):
    """Read the map, at a row of open interest, after the fuel."""
    f.price = NAN
    f.floor = NAN
    if missing(fuel.up):
        return
    here = bucket_of(math.log(fuel.price))
    n = int(f.reach / STEP + 0.5)
    shorts = 0.0
    longs = 0.0
    for k in range(1, n + 1):
        shorts += shorts_at(fuel.levels, here + k)
        longs += longs_at(fuel.levels, here - k)
    f.price = find_part(fuel.levels, here, n, f.part * shorts, 1) if shorts > 0.0 else NAN
    f.floor = find_part(fuel.levels, here, n, f.part * longs, -1) if longs > 0.0 else NAN


def find_part(levels, here, n, qty, way):
    """Middle of the bucket at which what stands between it and `here` reaches `qty`; upwards shorts, downwards longs."""
    k = 0
    found = 0.0
    while found < qty and k < n:
        k += 1
        found += shorts_at(levels, here + k) if way > 0 else longs_at(levels, here - k)
    return math.exp((here + way * k + 0.5) * STEP)


def see_ceiling_flush(f, flushed, contracts):
    """Take in whether a flush goes on (1, 0, NaN: D17): where it begins, remember the contracts of a day before."""
    if flushed > 0.0 and not f.flushed:
        f.before = contracts.qty / (1.0 + contracts.change_day) if contracts.change_day > -1.0 else NAN
    f.flushed = flushed > 0.0


def see_ceiling(f, price, annual, qty):
    """Judge at a bar's close: price (quote), funding (a year), open interest (base)."""
    by_fuel = above(price, f.price)
    by_funding = above(annual, f.hot)
    if by_fuel == YES:
        f.top = Top.FUEL
    elif by_funding == YES:
        f.top = Top.FUNDING
    elif asked(f.before, above(qty, f.before)) == YES:
        f.top = Top.CONTRACTS
    else:
        f.top = Top.BELOW if by_fuel == NO and by_funding == NO else Top.UNKNOWN
