"""Macro events (G11): a calendar that is known in advance, and prices that gap where the event is a surprise."""

import numpy as np

from backtester.market import stress
from backtester.market.assets import BTC
from backtester.market.constructed.told import Drawn, calm
from backtester.market.paths import MINUTE, START
from backtester.market.times import iso
from backtester.records import EXOGENOUS, rows

TAGS = ("macro",)
DAYS = 10
LEVEL = 100_000.0
HOUR_OF_DAY = 18           # UTC
ANNOUNCED_DAYS = 2         # before the event
KNOWN = 2 * 10**9          # ns from the event until its outcome is known
HALF_LIFE_H = 12.0
LIQUIDITY = 0.2            # share of the usual volume in the event's bar
EVENTS = ((0.0, 0.0), (-1.0, -0.05), (0.5, 0.0), (-2.0, -0.10))  # surprise, gap


def macro_gap(rng) -> Drawn:
    """Four announced events: two as expected, one at which all prices gap by 5 %, one by 10 %, each gap in a fifth of the volume."""
    tables = calm(rng, DAYS, LEVEL)
    truth: list[dict] = []
    for n in rng.permutation(len(EVENTS)):
        surprise, gap = EVENTS[n]
        moment = START + ((2 + 2 * len(truth)) * 1440 + HOUR_OF_DAY * 60) * MINUTE
        if gap:
            tables = stress.gapped(tables, moment, gap, LIQUIDITY, {BTC.spot: BTC.spot_tick, BTC.perp: BTC.perp_tick})
        truth.append({
            "kind": "macro", "start": iso(moment), "end": iso(moment + MINUTE), "surprise": surprise, "gap": gap,
            "liquidity": LIQUIDITY if gap else 1.0, "announced": iso(moment - ANNOUNCED_DAYS * 1440 * MINUTE),
        })
    moments = START + ((2 + 2 * np.arange(len(truth))) * 1440 + HOUR_OF_DAY * 60) * MINUTE
    return Drawn(tables | {("exogenous", BTC.perp): calendar(moments, [entry["surprise"] for entry in truth])}, truth, tags=TAGS)


def calendar(moments: np.ndarray, surprises: list[float]) -> np.ndarray:
    """Two records an event: the announcement, known days before, of weight 0, and the outcome, whose weight is the surprise."""
    table = rows(EXOGENOUS, 2 * len(moments))
    table["ts_event"] = np.repeat(moments, 2)
    table["ts_known"][::2] = moments - ANNOUNCED_DAYS * 1440 * MINUTE
    table["ts_known"][1::2] = moments + KNOWN
    table["weight"][1::2] = surprises
    table["half_life_h"] = HALF_LIFE_H
    return table
