"""A11, who lit the fire: whether large takers bought in the half hour before shorts were liquidated in a burst.

    burst   = at least `burst_usd` of shorts liquidated within 15 minutes
    bought  = (large purchases - large sales) / all prints, notional, in the 30 minutes before the burst's first liquidation
    by_buyers: bought >= `share`

Claim A11: "institutions took the opportunity to clear risky leveraged shorts". It attributes and proves nothing: no strategy
should hang on it. Prints of spot and perp together; without a print in that half hour the answer is unknown. Time
is counted in whole minutes. What a burst and a share are is a modelling choice: the document has no number.
"""

from backtester.features.answers import below, known, opposite
from backtester.features.basic import MINUTE, NAN
from backtester.features.slots import Slots, add_slot, at_slot, last_slots

BURST = 15   # minutes
BEFORE = 30  # minutes


class Bursts:
    """The last burst."""

    running: bool = False                # it goes on
    by_buyers: float = NAN               # large takers bought before it: 1 yes, 0 no
    bought: float = NAN                  # net large purchases before it, share of all prints
    start: int = 0                       # its first minute, minutes since 1970
    count: int = 0                       # bursts ever
    judged: int = 0                      # of which it is known
    blamed: int = 0                      # and large takers had bought
    burst_usd: float = 10e6              # quote
    whale_usd: float = 100_000.0         # quote; a large print
    share: float = 0.05                  # of all prints
    shorts: Slots                        # liquidated minute by minute, quote
    net: Slots                           # large purchases minus sales, quote
    all: Slots                           # all prints, quote


def start_bursts(f, burst_usd, whale_usd, share):
    """Set what a burst is (quote in 15 minutes), a large print (quote), and the share of all prints that is to blame."""
    f.burst_usd = burst_usd
    f.whale_usd = whale_usd
    f.share = share


def see_burst_trade(f, x):
    """Take in one print, of spot or perp."""
    notional = x.qty * x.price
    minute = x.ts_event // MINUTE
    add_slot(f.all, minute, notional)
    if notional >= f.whale_usd:
        add_slot(f.net, minute, x.side * notional)


def see_burst_liquidation(f, x):
    """Take in one liquidation."""
    minute = x.ts_event // MINUTE
    if x.side < 0.0:
        add_slot(f.shorts, minute, x.qty * x.price)
    age_bursts(f, x.ts_event)


def age_bursts(f, ts):
    """At `ts` (ns), a burst begins, goes on, or is over."""
    minute = ts // MINUTE
    hot = last_slots(f.shorts, minute, BURST) >= f.burst_usd
    if hot and not f.running:
        begin_burst(f, minute)
    f.running = hot


def begin_burst(f, minute):
    """Look at the half hour before its first liquidation."""
    f.start = minute - BURST + 1
    while f.start < minute and not at_slot(f.shorts, f.start) > 0.0:
        f.start += 1
    total = last_slots(f.all, f.start - 1, BEFORE)
    f.bought = last_slots(f.net, f.start - 1, BEFORE) / total if total > 0.0 else NAN
    f.by_buyers = opposite(below(f.bought, f.share))
    f.count += 1
    f.judged += int(known(f.by_buyers))
    f.blamed += 1 if f.by_buyers > 0.0 else 0
