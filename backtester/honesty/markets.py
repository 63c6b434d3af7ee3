"""Other markets for the same run: one that ends at a moment, one whose future is another, one in a process of its own."""

from dataclasses import replace

import numpy as np

from backtester.market.merge import build
from backtester.market.schema import TRADED, Market
from backtester.records import BAR

PRICES, AMOUNTS = ("open", "high", "low", "close"), ("volume", "quote_volume", "taker_buy")
STRUCTURE = ("interval_h", "side", "percent", "half_life_h")  # numbers that say what a record is, not what was measured


def known_moments(market: Market) -> np.ndarray:
    """ts_known (ns) of every event, in the order of the events."""
    return np.sort(np.concatenate([table["ts_known"] for table in market.tables.values()]))


def random_moments(market: Market, count: int, seed: int) -> list[tuple[int, int]]:
    """Up to `count` different (moment in ns, events known by then), ascending, from when each traded instrument has a known bar."""
    known = known_moments(market)
    first = max(int(table["ts_known"].min()) for (stream, _), table in market.tables.items() if stream in TRADED)
    possible = np.unique(known[known >= first])
    chosen = np.sort(np.random.default_rng(seed).choice(possible, min(count, len(possible)), replace=False))
    return [(int(moment), int(np.searchsorted(known, moment, side="right"))) for moment in chosen]


def built(market: Market, tables: dict) -> Market:
    """A market of other tables; its period stays, so that equity is sampled for the ratios at the same moments."""
    other = build(market.name, market.instruments, tables, market.tags)
    return replace(other, start=market.start, end=market.end)


def cut_at(market: Market, moment: int) -> Market:
    """The market as it was known at `moment` (ns)."""
    return built(market, known_at(market, moment))


def known_at(market: Market, moment: int) -> dict:
    """The records of a market with ts_known <= moment (ns), by (stream, instrument index)."""
    cut = {key: table[table["ts_known"] <= moment] for key, table in market.tables.items()}
    return {key: table for key, table in cut.items() if len(table)}


def garbled_after(market: Market, moment: int, seed: int) -> Market:
    """The market with other numbers in all that became known after `moment` (ns): times stay, and every record stays valid.

    Margin brackets stay as they are: they are the venue's rules, and no strategy sees them.
    """
    rng = np.random.default_rng(seed)
    changed = {key: garbled(table, table["ts_known"] > moment, rng) for key, table in market.tables.items() if key[0] != "brackets"}
    return built(market, dict(market.tables) | changed)


def garbled(table: np.ndarray, future: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Records (n,) whose `future` ones (a mask) trade their values among each other, then scale them: prices of a bar as one."""
    out, count = table.copy(), int(future.sum())
    mixed = rng.permutation(np.flatnonzero(future))
    fields = [name for name in table.dtype.names or () if not name.startswith("ts_")]
    for name in fields:
        out[name][future] = table[name][mixed]
    if table.dtype.names == BAR.names:
        scale(out, PRICES, future, np.exp(rng.normal(0.0, 0.05, count)))
        scale(out, AMOUNTS, future, np.exp(rng.normal(0.0, 1.0, count)))
    else:
        measured = [name for name in fields if table.dtype[name].kind == "f" and name not in STRUCTURE]
        scale(out, measured, future, np.exp(rng.normal(0.0, 1.0, count)))
    return out


def scale(table: np.ndarray, fields, rows: np.ndarray, factor: np.ndarray) -> None:
    """Multiply some fields of some rows (a mask) by a factor a row."""
    for name in fields:
        table[name][rows] *= factor
