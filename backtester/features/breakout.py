"""When a price last closed above the highest of the hours before it, and where that was.

    broke = close > highest of the `lookback_h` full hours before, this hour excluded

Claim A17 and D24 ("break through": the highs of 7 days), and the rolling support of D23 ("last breakout level":
the hourly closes before). Only full hours judge, so a spike inside an hour is no break; an equal high is none.
`stood_h` is how old the broken high must be: at 1 every new high of a climb is a break of its own, at 12 only
the end of half a day's rest is (a modelling choice; a rolling support moves at each).
"""

from backtester.features.answers import NO, YES
from backtester.features.basic import HOUR, NAN, missing
from backtester.features.peaks import Peaks, highest, highest_hour, see_peak


class Breakout:
    """The last break; its level is NaN before the first."""

    broke: float = NAN    # by the last full hour: 1 yes, 0 no
    level: float = NAN    # the high that was broken, quote
    ts: int = 0           # close of the hour that broke it, ns; 0: none yet
    lookback_h: int = 168 # hours, at most 255
    stood_h: int = 1      # hours
    peaks: Peaks          # quote


def start_breakout(f, lookback_h, stood_h):
    """Set the window, and how old the broken high must be, both in hours."""
    f.lookback_h = lookback_h
    f.stood_h = stood_h


def see_breakout(f, ts_close, close, top):
    """Take in a full hour: its close, and what later hours must exceed (its high, or its close); NaN where nothing traded."""
    hour = (ts_close - 1) // HOUR
    before = highest(f.peaks, hour - 1, f.lookback_h)
    f.broke = NAN
    if not (missing(before) or missing(close)):
        f.broke = YES if close > before and hour - highest_hour(f.peaks) >= f.stood_h else NO
    if f.broke == YES:
        f.level = before
        f.ts = ts_close
    see_peak(f.peaks, hour, top)
