"""What the strategy saw, from its trace: doors as zones, labels as strips, levels on the price, everything else as curves of its own."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from backtester.results.folder import Columns

NEAR = (0.5, 2.0)      # a traced number whose middle lies between these shares of the price's is a price
FEW = 0.02             # share of moments with a value below which a level is still drawn as one
MANY = 40_000          # stretches of a strip that a page holds
PLAIN = ("direction",) # told by the label's colour already
FALLEN = "shorts in", "longs flushed", "spot sells"
RISEN = "longs in", "shorts squeezed", "spot buys"


@dataclass(frozen=True)
class Zone:
    """A door: while it was drawn, between the lowest and the highest price of that time."""

    number: int
    start: int    # ns
    end: int      # ns
    low: float    # quote
    high: float   # quote
    anchor: float # quote, the high that its game is about


@dataclass(frozen=True)
class Strip:
    """A traced choice: its stretches of one word."""

    label: str
    words: list[str]
    start: np.ndarray  # ns, (stretches,); each lasts until the next one
    code: np.ndarray   # index into words, (stretches,)
    end: int           # ns


def zones(trace: Columns, price: tuple[np.ndarray, np.ndarray, np.ndarray] | None) -> list[Zone]:
    """The doors of a trace with `anchor`, `drawing`; price: ns of each close, low, high."""
    if price is None or not {"anchor", "drawing"} <= set(trace):
        return []
    ts, low, high = price
    anchor, drawing = trace["anchor"].astype(float), np.nan_to_num(trace["drawing"].astype(float)).astype(int)
    game = np.concatenate(([0], np.cumsum((anchor[1:] != anchor[:-1]) & ~(np.isnan(anchor[1:]) & np.isnan(anchor[:-1])))))
    key = np.where((drawing > 0) & ~np.isnan(anchor), game * 1_000 + drawing, -1)
    inside = np.flatnonzero(key >= 0)
    inside = inside[np.argsort(key[inside], kind="stable")]
    found = []
    for rows in np.split(inside, np.flatnonzero(np.diff(key[inside])) + 1) if len(inside) else ():
        value, start, end = key[rows[0]], *(int(trace["ts"][row]) for row in rows[[0, -1]])
        a, b = np.searchsorted(ts, [start, end + 1])
        if b > a:
            zone = Zone(int(value % 1_000), start, end, float(np.nanmin(low[a:b])), float(np.nanmax(high[a:b])), float(anchor[rows[0]]))
            found.append(zone)
    return sorted(found, key=lambda zone: zone.start)


def strips(trace: Columns, words: dict[str, dict[str, str]]) -> list[Strip]:
    """Every traced choice that ever changes, the label of the legs first."""
    found = []
    for name in sorted(set(trace) & set(words), key=lambda name: name != "label"):
        spelled = {int(code): word for code, word in words[name].items()}
        codes, inverse = np.unique(trace[name], return_inverse=True)
        turns = np.flatnonzero(np.concatenate(([True], inverse[1:] != inverse[:-1])))
        if 1 < len(turns) <= MANY:
            text = [spelled.get(int(code), str(int(code))) for code in codes]
            found.append(Strip(name.replace("_", " "), text, trace["ts"][turns], inverse[turns], int(trace["ts"][-1])))
    return found


def curves(trace: Columns, words: dict[str, dict[str, str]], middle: float | None) -> tuple[list[str], list[str]]:
    """Traced numbers: those that are levels on the price, whose median is `middle`, and the others. Those that never change are neither."""
    levels, others = [], []
    for name, column in trace.items():
        if name in {"ts", *PLAIN, *words}:
            continue
        values = column.astype(float)
        known = values[np.isfinite(values)]
        if not len(known):
            continue
        if middle and NEAR[0] * middle < np.median(known) < NEAR[1] * middle:
            levels.append(name)
        elif known.min() < known.max():
            others.append(name)
    return levels, others


def tone(word: str) -> str:
    """The colour of a label: red where shorts or sellers are at work, green where longs or buyers are, else a quiet one."""
    if word in FALLEN:
        return "short"
    if word in RISEN:
        return "long"
    return {"spot driven": "spot", "yes": "strategy"}.get(word, "faint")


def heights(values: np.ndarray, most: int) -> int:
    """Decimals that tell `most` steps apart between the smallest and the largest value."""
    known = values[np.isfinite(values)]
    spread = float(known.max() - known.min()) if len(known) else 0.0
    return max(0, int(np.ceil(np.log10(most / spread)))) if spread > 0 else 2


def months(ts: np.ndarray, equity: np.ndarray, start: float) -> list[dict[str, Any]]:
    """Returns of calendar months, UTC: per year its twelve (None: no part of the run) and the year's own.

    ts: ns, (n,); equity: quote, (n,); start: the equity before the first, quote.
    """
    if not len(ts):
        return []
    month = ts.astype("M8[ns]").astype("M8[M]").astype(int)
    last = np.flatnonzero(np.concatenate((month[1:] != month[:-1], [True])))
    ends = np.concatenate(([start], equity[last]))
    gains = {int(month[row]): after / before - 1 for row, (before, after) in zip(last, pairwise(ends), strict=True) if before > 0}
    table = []
    for year in range(min(gains, default=0) // 12, max(gains, default=-1) // 12 + 1):
        own = [gains.get(year * 12 + m) for m in range(12)]
        whole = np.prod([1 + gain for gain in own if gain is not None]) - 1
        table.append({"year": 1970 + year, "months": own, "whole": float(whole)})
    return table
