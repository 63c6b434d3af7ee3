"""Data faults (G12): those that a data set may have and a strategy must digest, and raw rows that every reader refuses."""

from collections.abc import Callable

import numpy as np

from backtester.market.assets import BTC
from backtester.market.constructed.told import Drawn, calm
from backtester.market.paths import MINUTE, START
from backtester.market.times import iso

DAYS = 6
LEVEL = 95_000.0
HOUR_MIN = 60
SPOT, PERP = ("spot_bars", BTC.spot), ("perp_bars", BTC.perp)
INTEREST, FUNDING, LIQUIDATIONS = (("open_interest", BTC.perp), ("funding", BTC.perp), ("liquidations", BTC.perp))
LATER = 3600 * 10**9     # ns by which a revision is known after its row
OFF_GRID = 137 * 10**9   # ns
JITTER = 2 * 10**6       # ns


def faults(rng) -> Drawn:
    """Six days with ten kinds of faults that load: gaps, halts, doubled, missing, zero, shifted and revised rows."""
    tables = calm(rng, DAYS, LEVEL)
    hours = 6 + np.arange(len(ACCEPTED)) * 13
    truth = []
    for (name, (key, plant)), hour in zip(ACCEPTED.items(), hours, strict=True):
        start = START + int(hour + rng.integers(0, 4)) * HOUR_MIN * MINUTE
        rows = np.flatnonzero((tables[key]["ts_event"] >= start) & (tables[key]["ts_event"] < start + 8 * HOUR_MIN * MINUTE))
        count = min(len(rows), int(rng.integers(3, 40)))
        first, last = (int(tables[key]["ts_event"][row]) for row in rows[[0, count - 1]])
        tables[key] = plant(tables[key], rows[:count])
        truth.append({"kind": "fault", "fault": name, "stream": key[0], "start": iso(first), "end": iso(last), "rows": count})
    return Drawn(tables, truth)


def gone(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Without these rows."""
    return np.delete(table, rows)


def twice(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """With these rows written twice."""
    return np.insert(table, rows + 1, table[rows])


def revised(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """With these rows again, 1 % larger and known an hour later."""
    later = table[rows]
    later["qty"] *= 1.01
    later["ts_known"] += LATER
    return np.insert(table, rows + 1, later)


def halted(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """With nothing traded in these bars: the price that they show is stale."""
    for field in ("open", "high", "low", "close"):
        table[field][rows] = table["open"][rows[0]]
    return filled(table, rows, ("volume", "quote_volume", "taker_buy"), 0.0)


def filled(table: np.ndarray, rows: np.ndarray, fields: tuple[str, ...], value: float) -> np.ndarray:
    """With one value in some fields of these rows."""
    for field in fields:
        table[field][rows] = value
    return table


def shifted(table: np.ndarray, rows: np.ndarray, by: int) -> np.ndarray:
    """With these rows stamped, and known, some ns later."""
    for field in ("ts_event", "ts_known"):
        table[field][rows] += by
    return table


# name: (stream and instrument, what happens to some rows); every one of them loads
ACCEPTED: dict[str, tuple[tuple[str, str], Callable]] = {
    "gap in spot": (SPOT, gone),
    "gap in perp": (PERP, gone),
    "halt": (SPOT, halted),
    "no taker volume": (SPOT, lambda table, rows: filled(table, rows, ("quote_volume", "taker_buy"), np.nan)),
    "doubled open interest": (INTEREST, twice),
    "zero open interest": (INTEREST, lambda table, rows: filled(table, rows, ("qty",), 0.0)),
    "off-grid open interest": (INTEREST, lambda table, rows: shifted(table, rows, OFF_GRID)),
    "revised open interest": (INTEREST, revised),
    "jitter of a settlement": (FUNDING, lambda table, rows: shifted(table, rows, JITTER)),
    "doubled liquidations": (LIQUIDATIONS, twice),
}


def times(table: np.ndarray, rows: np.ndarray, unit: int) -> np.ndarray:
    """With the event times of these rows in another unit, some ns long, read as ns."""
    table["ts_event"][rows] //= unit
    return table


def backwards(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """With these rows in the opposite order."""
    table[rows] = table[rows][::-1]
    return table


def early(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """With these rows known a nanosecond before they happened."""
    table["ts_known"][rows] = table["ts_event"][rows] - 1
    return table


def late(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """With these rows known an hour later."""
    table["ts_known"][rows] += LATER
    return table


# name: (stream and instrument, what happens to some rows, what the refusal says); none of them loads
REFUSED: dict[str, tuple[tuple[str, str], Callable, str]] = {
    "doubled bar": (PERP, twice, "ts_event stands twice"),
    "doubled settlement": (FUNDING, twice, "ts_event stands twice"),
    "microseconds among nanoseconds": (SPOT, lambda table, rows: times(table, rows, 1_000), "ts_event is earlier than in the row before"),
    "milliseconds among nanoseconds": (INTEREST, lambda table, rows: times(table, rows, 10**6), "earlier than in the row before"),
    "rows out of order": (SPOT, backwards, "ts_event is earlier than in the row before"),
    "no price": (SPOT, lambda table, rows: filled(table, rows, ("close",), np.nan), "one of them is NaN"),
    "price of zero": (SPOT, lambda table, rows: filled(table, rows, ("open", "high", "low", "close"), 0.0), "a price is not above 0"),
    "high below the open": (PERP, lambda table, rows: filled(table, rows, ("high",), 1.0), "open or close lies outside low … high"),
    "no contracts": (INTEREST, lambda table, rows: filled(table, rows, ("qty",), np.nan), "one of them is NaN"),
    "infinite rate": (FUNDING, lambda table, rows: filled(table, rows, ("rate",), np.inf), "one of them is infinite"),
    "bar known before its close": (PERP, early, "ts_known is before the bar's close"),
    "row known before it happened": (INTEREST, early, "ts_known is before ts_event"),
    "settlement known too late": (FUNDING, late, "known only after the first perp bar"),
}


def refused(seed: int) -> list[tuple[str, dict, str]]:
    """(name, tables with that fault, what the refusal says) of every fault that no data set may have."""
    rng = np.random.default_rng(seed)
    tables, out = calm(rng, 2, LEVEL), []
    for name, (key, plant, why) in REFUSED.items():
        first = int(rng.integers(1, len(tables[key]) - 3))
        out.append((name, tables | {key: plant(tables[key].copy(), np.arange(first, first + 2))}, why))
    return out
