"""D6, the crowd against the large: which way the many accounts lean, and whether the top traders' positions go the other way.

    tilt    = ln(accounts long / accounts short)
    against = sign of the tilt's change over `hours` where ln(top traders' longs / shorts) moved the other way, else 0

Claims B3 and B15: retail is where the count of accounts moves against the large positions. Rows come every 5 minutes or every
hour: changes go from the first row of an hour to the last row known, found by time (as open interest does). A row without a
ratio is no row; three hours without one, and all is unknown.
"""

import math

from backtester.features.basic import HOUR, NAN, missing
from backtester.features.hours import Hours, at_hour, keep_hour
from backtester.features.open_interest import STALE


class Crowd:
    """The last row."""

    tilt: float = NAN        # log ratio of accounts, above 0 more are long
    change: float = NAN      # of the tilt over the hours
    top_change: float = NAN  # of the top traders' log ratio of positions
    against: float = NAN     # +1 the crowd went long against the top, -1 short, 0 neither
    hours: int = 4           # at most 31
    ts: int = 0              # of the last row, ns
    tilts: Hours             # at the first row of each hour
    tops: Hours              # at the first row of each hour


def start_crowd(f, hours):
    """Set over how many hours changes go, at most 31."""
    f.hours = hours


def see_crowd(f, x):
    """Take in one row of long-short ratios."""
    if not (x.accounts > 0.0 and x.top_positions > 0.0):
        return
    hour = x.ts_event // HOUR
    f.tilt = math.log(x.accounts)
    top = math.log(x.top_positions)
    if missing(at_hour(f.tilts, hour)):
        keep_hour(f.tilts, hour, f.tilt)
        keep_hour(f.tops, hour, top)
    f.change = f.tilt - at_hour(f.tilts, hour - f.hours)
    f.top_change = top - at_hour(f.tops, hour - f.hours)
    f.against = opposed(f.change, f.top_change)
    f.ts = x.ts_event


def opposed(change, other):
    """The sign of a change whose counterpart has the other sign, else 0."""
    if missing(change) or missing(other):
        return NAN
    if change > 0.0 and other < 0.0:
        return 1.0
    return -1.0 if change < 0.0 and other > 0.0 else 0.0


def age_crowd(f, ts):
    """At `ts` (ns), forget a last row that is too old to speak for now."""
    if ts - f.ts > STALE:
        f.tilt = NAN
        f.change = NAN
        f.top_change = NAN
        f.against = NAN
