"""Open interest, in base units: the last known number of contracts and its change over a day.

    change_day = now / (the first row of the hour 24 hours earlier) - 1

Claim A7, "open interest has significantly decreased": in base units, because dollars of open interest rise
with the price. Rows may come every 5 minutes or every hour: the day is found by time, not by count, and
covers 24 to 25 hours. A row of zero or less is a fault of the source, no row. Rows older than three hours
(an hourly source known an hour late is at most two) are no longer an answer: unknown.
"""

from backtester.features.basic import HOUR, NAN, missing
from backtester.features.hours import Hours, at_hour, keep_hour

STALE = 3 * HOUR


class OpenInterest:
    """What is known of the contracts."""

    qty: float = NAN         # base
    change_day: float = NAN  # fraction
    ts: int = 0              # of the last good row, ns
    first: Hours             # the first row of each hour, base


def see_contracts(f, x):
    """Take in one row of open interest."""
    if not x.qty > 0.0:
        return
    hour = x.ts_event // HOUR
    if missing(at_hour(f.first, hour)):
        keep_hour(f.first, hour, x.qty)
    before = at_hour(f.first, hour - 24)
    f.qty = x.qty
    f.change_day = x.qty / before - 1.0 if before > 0.0 else NAN
    f.ts = x.ts_event


def age_contracts(f, ts):
    """At `ts` (ns), forget a last row that is too old to speak for now."""
    if ts - f.ts > STALE:
        f.qty = NAN
        f.change_day = NAN
