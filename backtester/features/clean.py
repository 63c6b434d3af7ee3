"""D18, how clean the market is: little fuel near the price against its own quarter, and contracts given up within a day.

    clean = 0.5 * (1 - rank over 90 days of (up + down) / notional of all contracts)
          + 0.5 * ramp(-change of open interest in 24 h, 0, 3 %)

Claim A5, "the market has become more clean". The two documents disagree on what a clean market means for the price (A: the
way up is free; B: shorts above are fuel), so nothing here says up or down. Sampled each hour, the newest sample left out of
its own rank; known from a week on. One half alone is no answer: `coverage` is then 0.5 and clean unknown.
"""

from backtester.features.basic import NAN, closes_an_hour, missing, ramp
from backtester.features.median import slide
from backtester.features.ranks import QUARTER, Quarter, rank

DROP = 0.03  # fall of open interest in a day that counts in full, fraction


class Clean:
    """What the last full hour said."""

    clean: float = NAN      # 0 .. 1
    coverage: float = 0.0   # 0, 0.5 or 1
    rank: float = NAN       # of the fuel's share, 0 .. 1
    quarter: Quarter        # fuel near the price hour by hour, share of the notional of all contracts


def see_clean(f, ts_close, loaded, change_day):
    """Take in what is known at a bar's close (ns): the fuel's `up_share + down_share`, and open interest's change in 24 h."""
    if not closes_an_hour(ts_close):
        return
    f.rank = rank(f.quarter, loaded, QUARTER)
    if not missing(loaded):
        slide(f.quarter, loaded, QUARTER)
    fallen = ramp(-change_day, 0.0, DROP)
    f.clean = 0.5 * (1.0 - f.rank) + 0.5 * fallen
    f.coverage = (0.0 if missing(f.rank) else 0.5) + (0.0 if missing(fallen) else 0.5)
