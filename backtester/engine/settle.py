"""Funding on the position held at the settlement: before any fill stamped with that moment, after every earlier one.

A settlement is paid when it becomes known, unless a bar that opened before it is still unknown: an order may
have filled at that open. Then it waits for the bar, at the price that was known when it came.
"""

from backtester.engine.jit import jit
from backtester.engine.money import settle_funding
from backtester.records import SETTLEMENTS


@jit
def take_settlement(i, x, lanes, quotes, journal):
    """A settlement of instrument i became known: pay it now, or let it wait for the bar that it falls into."""
    quote = quotes[i]
    if quote.ts_close >= x.ts_event:
        for k in range(len(lanes)):
            settle_funding(lanes[k], i, x.ts_event, x.rate, quote.price, quotes, journal)
        return
    if quote.due == SETTLEMENTS:  # no bar for so long: none opened before the oldest one
        settle_oldest(i, lanes, quotes, journal)
    quote.due_ts[quote.due] = x.ts_event
    quote.due_rate[quote.due] = x.rate
    quote.due_price[quote.due] = quote.price
    quote.due += 1


@jit
def settle_until(i, ts, bar, lanes, quotes, journal):
    """Pay the waiting settlements up to and including `ts`, in their order."""
    quote = quotes[i]
    while quote.due > 0 and quote.due_ts[0] <= ts:
        if not quote.due_price[0] > 0.0:
            quote.due_price[0] = bar.open
        settle_oldest(i, lanes, quotes, journal)


@jit
def settle_oldest(i, lanes, quotes, journal):
    """Pay the settlement that has waited longest."""
    quote = quotes[i]
    for k in range(len(lanes)):
        settle_funding(lanes[k], i, quote.due_ts[0], quote.due_rate[0], quote.due_price[0], quotes, journal)
    quote.due -= 1
    for j in range(quote.due):
        quote.due_ts[j] = quote.due_ts[j + 1]
        quote.due_rate[j] = quote.due_rate[j + 1]
        quote.due_price[j] = quote.due_price[j + 1]
