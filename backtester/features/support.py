"""D23, support: whether a price level holds, breaks, or is left behind, judged by hourly closes.

Claims A15 and A16, "can Bitcoin hold above $92,000 and push higher?":
- reclaimed: an hourly close at or above the level after it was broken, or for the first time;
- broken: `closes` hourly closes in a row below level * (1 - tolerance), or one below level * (1 - 1 %);
- holds: reclaimed, not broken since, and 12 hours have passed;
- push: an hourly close more than 5 bp above every price since it was reclaimed.
A wick through the level says nothing. Without a level all of it is off: nothing holds, breaks or pushes.

The level is a number, or it rolls: the last breakout level, which is the highest hourly close of the
`lookback_h` hours before the last hourly close above them. That high must have stood for 12 hours, so that the
level waits for a rest instead of following each hour of a climb (a modelling choice). A new level starts over.
"""

from enum import IntEnum

from backtester.features.answers import YES
from backtester.features.basic import BP, HOUR, NAN, closes_an_hour
from backtester.features.breakout import Breakout, see_breakout, start_breakout

DEEP = 0.01           # one hourly close this far below the level breaks it
PATIENCE = 12 * HOUR  # how long a reclaimed level must stand before it holds
PUSH = 5 * BP         # above the highest price so far
REST_H = 12           # hours that a high must have stood for its break to move a rolling level


class Level(IntEnum):
    """Where the level comes from."""

    FIXED = 0    # a number
    ROLLING = 1  # the last breakout


class Support:
    """The level and what became of it."""

    level: float = NAN        # quote; NaN: off, or no breakout yet
    tolerance: float = 0.0025 # fraction of the level
    closes: int = 3           # hourly closes in a row
    reclaimed: bool = False   # standing above it, as far as hourly closes say
    broken: bool = False      # it was held once, and is not now
    holds: bool = False
    push: bool = False        # the last full hour pushed higher
    below: int = 0            # hourly closes in a row below the tolerance
    since: int = 0            # when it was reclaimed, ns
    high: float = NAN         # highest price of the full hours since it was reclaimed, quote
    hour_high: float = NAN    # highest price of this hour, quote
    mode: Level = Level.FIXED
    breakout: Breakout        # of hourly closes, where the level rolls


def start_support(f, level, tolerance, closes):
    """Set the level (NaN: off), the tolerance as a fraction, and how many closes below it are a break."""
    f.level = level
    f.tolerance = tolerance
    f.closes = closes


def start_rolling_support(f, lookback_h, tolerance, closes):
    """Let the level roll over breakouts of `lookback_h` hours (at most 255); tolerance and closes as above."""
    start_support(f, NAN, tolerance, closes)
    start_breakout(f.breakout, lookback_h, REST_H)
    f.mode = Level.ROLLING


def see_support(f, bar):
    """Take in one bar; only full hours judge."""
    if f.mode == Level.ROLLING and closes_an_hour(bar.ts_close):
        roll(f, bar.ts_close, bar.close if bar.volume > 0.0 else NAN)
    if not bar.volume > 0.0:
        return
    f.hour_high = bar.high if not f.hour_high > bar.high else f.hour_high
    if closes_an_hour(bar.ts_close):
        judge(f, bar.ts_close, bar.close)
        f.hour_high = NAN


def roll(f, ts, close):
    """A break of the high before it gives a new level, yet to be held."""
    see_breakout(f.breakout, ts, close, close)
    if f.breakout.broke == YES:
        f.level = f.breakout.level
        f.reclaimed = False
        f.broken = False
        f.holds = False


def judge(f, ts, close):
    """One hourly close."""
    f.push = False
    if not f.reclaimed:
        if close >= f.level:
            reclaim(f, ts)
        return
    f.below = f.below + 1 if close < f.level * (1.0 - f.tolerance) else 0
    if f.below >= f.closes or close < f.level * (1.0 - DEEP):
        f.reclaimed = False
        f.broken = True
    f.push = f.reclaimed and close > f.high * (1.0 + PUSH)
    f.holds = f.reclaimed and ts - f.since >= PATIENCE
    f.high = max(f.high, f.hour_high)


def reclaim(f, ts):
    """The level is won back: the clock of its hold starts."""
    f.reclaimed = True
    f.broken = False
    f.holds = False
    f.below = 0
    f.since = ts
    f.high = f.hour_high
