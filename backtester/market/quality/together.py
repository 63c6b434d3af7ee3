"""Checks of one asset's streams against each other: prices that disagree, a perpetual that is the spot, labels that are off."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from backtester.market.quality.finding import Finding, told
from backtester.market.times import UNITS, length

FAR = 0.10            # of the price: premiums of the large exchanges stay far below
EQUAL = 0.5           # share of equal closes from which on two series are one
FEW = 60              # bars in common below which nothing is told
GOOD, BETTER = 0.6, 0.3   # correlation that needs no explanation; gain that a shift must bring
HOURS = 14            # zones reach that far
MOST = 1000.0         # days' volume that open interest may be
PRICED = ("spot_bars", "index_bars", "mark_bars", "perp_bars")  # what is looked at first is the measure of what follows


def examine_together(name_of: dict, tables: dict) -> Iterator[Finding]:
    """All findings of one asset. `tables` {(stream, instrument index): records}; `name_of` {index: name}."""
    keys = sorted((key for key in tables if key[0] in PRICED and len(tables[key])), key=lambda key: (PRICED.index(key[0]), key[1]))
    for reference, other in combinations(keys, 2):
        if reference == keys[0] or (reference[0], other[0]) == ("spot_bars", "perp_bars"):
            yield from compare(f"{reference[0]}/{name_of[reference[1]]}", tables[reference], other[0], name_of[other[1]], tables[other])
    for (stream, index), table in tables.items():
        if stream == "funding" and ("perp_bars", index) in tables:
            yield from settlements(name_of[index], table, tables["perp_bars", index])
        if stream == "open_interest" and ("perp_bars", index) in tables:
            yield from contracts(name_of[index], table, tables["perp_bars", index])


def compare(against: str, reference: np.ndarray, stream: str, name: str, table: np.ndarray) -> Iterator[Finding]:
    """What one series of bars says about another one of the same asset, month by month."""
    at, both = met(reference["ts_close"], table["ts_close"])
    ratio = np.where(both, table["close"] / reference["close"][at], 1.0)
    far = np.abs(np.log(ratio)) > FAR
    yield from told("outlier", stream, name, table, far, lambda row, rows: (
        f"close {table['close'][row]:g} is {100 * (ratio[row] - 1):+.1f} % from that of {against} ({rows} rows)"))
    months = table["ts_event"].astype("M8[ns]").astype("M8[M]")
    for month in np.unique(months):
        part = np.zeros(len(table), bool)
        part[slice(*np.searchsorted(months, [month, month + 1]))] = True
        if (part & both).sum() >= FEW:
            yield from same(against, ratio, stream, name, table, part & both)
        yield from lag(against, reference, stream, name, table, part)


def met(moments: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each moment of `wanted` (n,) the row of the sorted `moments` that equals it, and whether there is one."""
    at = np.minimum(np.searchsorted(moments, wanted), len(moments) - 1)
    return at, moments[at] == wanted


def same(against: str, ratio: np.ndarray, stream: str, name: str, table: np.ndarray, part: np.ndarray) -> Iterator[Finding]:
    """A perpetual whose closes are those of spot."""
    share = float((ratio[part] == 1.0).mean())
    if share >= EQUAL and stream == "perp_bars" and against.startswith("spot"):
        rows = np.zeros(len(table), bool)
        rows[np.flatnonzero(part)[0]:np.flatnonzero(part)[-1] + 1] = True
        says = f"{100 * share:.0f} % of the closes equal those of {against}: is it the spot?"
        yield from told("same", stream, name, table, rows, lambda first, count: says)


def lag(against: str, reference: np.ndarray, stream: str, name: str, table: np.ndarray, part: np.ndarray) -> Iterator[Finding]:
    """Labels that are off: returns agree with the other's only after a shift."""
    own = table[part]
    now = float(np.nan_to_num(agreement(reference, own, 0)))  # 0 where no bars end together
    if now >= GOOD:
        return
    found, shift = best_shift(reference, own)
    if found > max(GOOD, now + BETTER):
        label = "labelled by close instead of open?" if abs(shift) == interval_of(own) else "another zone?"
        says = (f"returns agree with those of {against} after a shift by {length(shift)}: correlation {found:.2f}, "
                f"as they stand {now:.2f} ({label})")
        yield from told("lag", stream, name, table, part, lambda first, count: says)


def interval_of(bars: np.ndarray) -> int:
    """The length of the bars, ns."""
    return int(bars["ts_close"][0] - bars["ts_event"][0])


def best_shift(reference: np.ndarray, own: np.ndarray) -> tuple[float, int]:
    """The largest correlation of returns that a shift brings, and that shift, ns."""
    found = [(agreement(reference, own, shift), shift) for shift in shifts(reference, own)]
    return max(((value, shift) for value, shift in found if not np.isnan(value)), default=(-1.0, 0))


def shifts(reference: np.ndarray, own: np.ndarray) -> list[int]:
    """What labels may be off by, ns: some bars of either, or a zone."""
    bars = {step * interval_of(table) for table in (reference, own) for step in (-3, -2, -1, 1, 2, 3)}
    return sorted(bars | {step * UNITS["m"] * 30 for step in range(-2 * HOURS, 2 * HOURS + 1) if step}, key=abs)


def agreement(reference: np.ndarray, own: np.ndarray, shift: int) -> float:
    """Correlation of the returns of two series whose bars end together once `own` is shifted by some ns; NaN where few do."""
    at, both = met(reference["ts_close"], own["ts_close"] + shift)
    if both.sum() < FEW:
        return np.nan
    mine, other = np.diff(np.log(own["close"][both])), np.diff(np.log(reference["close"][at[both]]))
    spread = mine.std() * other.std()
    return float(((mine - mine.mean()) * (other - other.mean())).mean() / spread) if spread > 0 else np.nan


def contracts(name: str, interest: np.ndarray, bars: np.ndarray) -> Iterator[Finding]:
    """Open interest that is a thousand days' volume: it is in quote, or in contracts of another size."""
    daily = float(np.median(bars["volume"])) * UNITS["d"] / interval_of(bars)
    if daily > 0 and np.median(interest["qty"]) > MOST * daily:
        says = f"half of the open interest is above {np.median(interest['qty']):g}, a day's volume is {daily:g}: is it in quote?"
        yield from told("unit", "open_interest", name, interest, np.ones(len(interest), bool), lambda first, rows: says)


def settlements(name: str, funding: np.ndarray, bars: np.ndarray) -> Iterator[Finding]:
    """Moments of the perpetual's period at which funding was due and is not there."""
    every = funding["interval_h"] * UNITS["h"]
    due = np.diff(funding["ts_event"]) / np.maximum(every[:-1], every[1:])
    missing = np.append(0, np.rint(due).astype("i8") - 1)
    missing[0] = max(0, int((funding["ts_event"][0] - bars["ts_event"][0] - UNITS["m"]) // every[0]))
    for row in np.flatnonzero(missing > 0)[:5]:
        end = int(funding["ts_event"][row])
        says = f"{missing[row]} settlements of every {funding['interval_h'][row]:g} h are missing before it: held free of charge"
        yield Finding("settlement", "funding", name, int(row), int(missing[row]), end - int(missing[row] * every[row]), end, says)
    late = int((bars["ts_close"][-1] - funding["ts_event"][-1] - UNITS["m"]) // every[-1])
    if late > 0:
        says = f"{late} settlements of every {funding['interval_h'][-1]:g} h are missing after it: held free of charge"
        first = int(funding["ts_event"][-1] + every[-1])
        yield Finding("settlement", "funding", name, len(funding) - 1, late, first, int(bars["ts_close"][-1]), says)
