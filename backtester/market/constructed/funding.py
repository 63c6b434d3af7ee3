"""Funding (G8): intervals that change from 8 to 4 to 1 hour and back, across the change of the formula in September 2025."""

from dataclasses import replace

import numpy as np

from backtester.market import feeds
from backtester.market.assets import BTC
from backtester.market.constructed.told import Drawn
from backtester.market.episodes import PREMIUM_BP, Episode, Leg
from backtester.market.invented import records
from backtester.market.paths import on_clock, paths
from backtester.market.times import iso

START = int(np.datetime64("2025-09-14", "ns").astype("i8"))
HOURS = (8,) * 6 + (4,) * 6 + (1,) * 48 + (4,) * 6 + (8,) * 6  # eight days; the formula changes among the hourly ones
SPOT_OVER_PERP_BP = (4.6, -11.0, 9.0, -3.0, -14.0, 12.0, 4.6, -9.0, 8.0, -12.0, 11.0, -7.0, 10.0, 4.6, -10.0, 9.0)  # every 12 h


def funding_intervals(rng) -> Drawn:
    """Eight days in which a settlement is due every 8, 4, 1, 4 and 8 hours, premiums on both sides of the formula's dead zone."""
    levels = [PREMIUM_BP, *SPOT_OVER_PERP_BP]
    plain = Leg("QUIET", 720, 0.0, drift=0.3)
    legs = tuple(replace(plain, premium_bp=float(step)) for step in np.diff(levels))
    k = on_clock([Episode("funding", legs, {}, 115_000.0)], [0, 0], start=START)
    tables = records(rng, k, paths(rng, k))
    spot, perp = tables["spot_bars", BTC.spot], tables["perp_bars", BTC.perp]
    tables["funding", BTC.perp] = feeds.funding(spot, perp, HOURS)
    tables["premium_index_bars", BTC.perp] = feeds.premium_index(spot, perp)
    return Drawn(tables, stretches(tables["funding", BTC.perp]))


def stretches(funding: np.ndarray) -> list[dict]:
    """The settlements of one interval and one formula that follow each other."""
    newer = funding["ts_event"] >= feeds.FORMULA_SINCE
    new = np.flatnonzero((np.diff(funding["interval_h"]) != 0) | (np.diff(newer) != 0)) + 1
    out = []
    for rows in np.split(np.arange(len(funding)), new):
        part = funding[rows]
        annual = part["rate"] * 24 / part["interval_h"] * 365
        out.append({
            "kind": "funding", "start": iso(part["ts_event"][0]), "end": iso(part["ts_event"][-1]), "settlements": len(part),
            "interval_h": int(part["interval_h"][0]), "formula": "since 2025-09-18" if newer[rows[0]] else "before 2025-09-18",
            "annual": [round(float(value), 6) for value in annual],
        })
    return out
