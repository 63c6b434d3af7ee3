"""D24, A17: whether Ethereum follows, "with increased volume and break through".

    break  = close of an hour > highest price of the 7 days before, that hour excluded
    volume = quote volume of 24 hours >= 1.5 * median of the 20 windows of 24 hours before it
    answer = both, within 48 hours after bitcoin's last break (breakout.py on its own bars)

The answer stands for 48 hours after Ethereum's break, for a break is no news for ever (a modelling choice). Judged at
full hours. The 20 windows follow each other without overlap; the median asks for 15 of them, the window of
each for all of its hours. A break whose volume is unknown leaves the answer unknown; where nothing broke, volume is not
asked. Bars that do not say their quote volume have one in base: the ratio of that is nearly the same.
"""

from enum import IntEnum

from backtester.features.answers import NO, YES
from backtester.features.basic import HOUR, NAN, closes_an_hour, missing
from backtester.features.breakout import Breakout, see_breakout
from backtester.features.hour_bar import HourBar, see_hour
from backtester.features.hours import Hours, keep_hour, last_hours
from backtester.fields import vec

DAY_H = 24     # hours of a window
WINDOWS = 20   # windows before this one
ENOUGH = 15    # known windows that make a median
SLOTS = 512    # hours; longer than all windows


class Volume(IntEnum):
    """What volume is counted in."""

    QUOTE = 0  # the document's sense: money
    BASE = 1   # known wherever there are bars


class Follower:
    """Ethereum, or whatever else should follow."""

    confirmed: float = NAN      # 1 yes, 0 no
    volume_ratio: float = NAN   # volume of 24 hours over its median
    unit: Volume = Volume.QUOTE # of the volumes below
    least: float = 1.5          # least such ratio of a break
    lag_h: float = 48.0         # hours after the leader's break, and how long the answer stands
    until: int = 0              # the answer stands, ns
    in_doubt: int = 0           # the answer is unknown until, ns
    breakout: Breakout          # of the hours' highs
    hour: HourBar
    volumes: Hours              # of each full hour
    day: vec(512)               # volume of the 24 hours up to each hour
    day_hour: vec(512, kind="i8")
    ranked: vec(20)             # the windows by size, while the median is taken


def start_follower(f, least, lag_h):
    """Set the least volume ratio, and the lag in hours."""
    f.least = least
    f.lag_h = lag_h


def measure_volume(f, unit):
    """Set what volume is counted in; quote where nothing is set."""
    f.unit = unit


def see_follower(f, bar, leader_ts):
    """Take in one bar; `leader_ts` is when the leader last broke out (ns), 0 for never."""
    see_hour(f.hour, bar)
    if not closes_an_hour(bar.ts_close):
        return
    f.volume_ratio = NAN
    f.breakout.broke = NAN
    if f.hour.full:
        take_volume(f, f.hour.hour, f.hour.quote if f.unit == Volume.QUOTE else f.hour.volume)
        see_breakout(f.breakout, bar.ts_close, f.hour.close, f.hour.high)
    answer(f, bar.ts_close, leader_ts)


def take_volume(f, hour, volume):
    """The day's volume against the days before."""
    keep_hour(f.volumes, hour, volume)
    day = last_hours(f.volumes, hour, DAY_H)
    middle = usual(f, hour)
    f.volume_ratio = day / middle if middle > 0.0 else NAN
    f.day[hour % SLOTS] = day
    f.day_hour[hour % SLOTS] = hour


def usual(f, hour):
    """The median of the known windows before the one that ends with `hour`."""
    n = 0
    for k in range(1, WINDOWS + 1):
        then = hour - k * DAY_H
        x = f.day[then % SLOTS] if f.day_hour[then % SLOTS] == then else NAN
        if missing(x):
            continue
        at = n
        while at > 0 and f.ranked[at - 1] > x:
            f.ranked[at] = f.ranked[at - 1]
            at -= 1
        f.ranked[at] = x
        n += 1
    return 0.5 * (f.ranked[(n - 1) // 2] + f.ranked[n // 2]) if n >= ENOUGH else NAN


def answer(f, ts, leader_ts):
    """What this hour's break is worth, and what is left of the last one's."""
    lag = int(f.lag_h * HOUR)
    if f.breakout.broke == YES and ts - leader_ts <= lag:
        if missing(f.volume_ratio):
            f.in_doubt = ts + lag
        elif f.volume_ratio >= f.least:
            f.until = ts + lag
    if ts < f.until:
        f.confirmed = YES
    else:
        f.confirmed = NAN if ts < f.in_doubt or missing(f.breakout.broke) else NO
