"""D6, retail: how much of what takers trade on the perp comes in small prints.

    share     = notional of prints below `max_usd` / notional of all prints, 60 minutes
    confirmed = share >= its own quantile q of 30 days

Claims B15 ("retail") and B3 ("retail shorts massively entering"): a label says which side came in, this says whether
small traders did. A large trader who cuts his orders into small ones looks like retail. The 60 minutes are 12 slots of
5, read where a slot is over; the quantile has no O(1) form and is taken of hourly samples, the newest one left out, from a week
on. `rank` is where the last full hour stood among them.
"""

from backtester.features.answers import below, opposite
from backtester.features.basic import MINUTE, NAN, closes_an_hour, missing
from backtester.features.median import slide
from backtester.features.ranks import MONTH, Month, quantile, rank
from backtester.features.slots import Slots, add_slot, last_slots

SLOT = 5 * MINUTE  # ns
WINDOW = 12        # slots


class Retail:
    """The small prints."""

    share: float = NAN                   # of the last hour's notional; NaN without prints
    confirmed: float = NAN               # it is large for this market: 1 yes, 0 no
    rank: float = NAN                    # of the share at the last full hour, 0 .. 1
    usual: float = NAN                   # the quantile at the last full hour
    max_usd: float = 10_000.0            # quote; prints below are small
    q: float = 0.6                       # 0 .. 1
    small: Slots                         # quote
    all: Slots                           # quote
    month: Month                         # shares hour by hour


def start_retail(f, max_usd, q):
    """Set what a small print is (quote), and the quantile that confirms."""
    f.max_usd = max_usd
    f.q = q


def see_retail_trade(f, x):
    """Take in one print of the perp."""
    notional = x.qty * x.price
    slot = x.ts_event // SLOT
    add_slot(f.all, slot, notional)
    if notional < f.max_usd:
        add_slot(f.small, slot, notional)


def see_retail_close(f, ts_close):
    """Look back from a bar's close (ns)."""
    if ts_close % SLOT != 0:
        return
    slot = ts_close // SLOT - 1
    total = last_slots(f.all, slot, WINDOW)
    f.share = last_slots(f.small, slot, WINDOW) / total if total > 0.0 else NAN
    if closes_an_hour(ts_close):
        f.rank = rank(f.month, f.share, MONTH)
        f.usual = quantile(f.month, f.q, MONTH)
        if not missing(f.share):
            slide(f.month, f.share, MONTH)
    f.confirmed = opposite(below(f.share, f.usual))
