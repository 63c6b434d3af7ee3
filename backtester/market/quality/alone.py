"""Checks of one stream by itself: what is missing, what stands still, what is zero, what jumps, what contradicts itself."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from backtester.market.check import worthless
from backtester.market.quality.finding import Finding, told
from backtester.market.schema import TRADED
from backtester.market.times import UNITS, iso, length
from backtester.records import BAR, STREAMS

JUMP = {"bars": 3.0, "open_interest": 3.0, "liquidations": 3.0, "trades": 1.5}  # times the row before
VWAP = 0.005       # of the price: how far quote volume / volume may lie outside low .. high
RATE = 0.05        # per interval: above the caps of the large exchanges
YEARLY = 3.0       # a median rate above 300 % a year is one in percent
PREMIUM = 0.1      # a premium index above 10 % is one in percent or basis points
SHORT = 20         # rows below which a stream shows nothing about itself
ZEROS = 0.5        # share of bars without volume from which on it is the column that is empty


def examine_alone(stream: str, name: str, table: np.ndarray, interval: int) -> Iterator[Finding]:
    """All findings of one stream. `interval` (ns): between its rows, 0 where they follow no clock."""
    checks = [gaps, zeros, doubled, jumps]
    if STREAMS[stream] is BAR:
        checks += [halts, contradictions, swapped] if stream in TRADED else []
    for check in [*checks, units]:
        yield from check(stream, name, table, interval)


def gaps(stream: str, name: str, table: np.ndarray, interval: int) -> Iterator[Finding]:
    """Rows that a clock should have had."""
    if not interval or len(table) < 2:
        return
    missing = np.rint(np.diff(table["ts_event"]) / interval).astype("i8") - 1
    for row in np.argsort(-missing, kind="stable")[:5]:
        if missing[row] > 0:
            first = table["ts_event"][row] + interval
            says = f"{missing[row]:,} rows of {length(interval)} are missing from {iso(first)} on"
            yield Finding("gap", stream, name, int(row) + 1, int(missing[row]), int(first), int(table["ts_event"][row + 1]), says)
    rest = np.sort(missing[missing > 0])[::-1][5:]
    if len(rest):
        says = f"{rest.sum():,} more rows are missing in {len(rest)} other places"
        start, end = table["ts_event"][[0, -1]].tolist()
        yield Finding("gap", stream, name, 0, int(rest.sum()), start, end, says, len(rest))


def halts(stream: str, name: str, table: np.ndarray, interval: int) -> Iterator[Finding]:
    """Bars in which nothing traded."""
    still = table["volume"] == 0.0
    if still.any() and still.mean() < ZEROS:
        yield from told("halt", stream, name, table, still, lambda _, rows: f"nothing traded in {rows} bars: the prices are stale")


def zeros(stream: str, name: str, table: np.ndarray, _: int) -> Iterator[Finding]:
    """Zeros that are no numbers, and columns that hold nothing else."""
    for wrong, why in worthless(stream, table):
        yield from told("zero", stream, name, table, wrong, lambda first, rows, why=why: why)
    for field in EMPTY.get(stream, ()):
        empty = table[field] == 0.0
        if len(table) >= SHORT and empty.mean() >= (ZEROS if field == "volume" else 1.0):
            yield from told("zero", stream, name, table, empty, lambda first, rows, field=field: f"{field} is 0 in {rows} rows")
    if STREAMS[stream] is BAR and stream != "premium_index_bars" and len(table) >= 5 * SHORT:
        flat = table["close"] == table["close"][0]
        if flat.all():
            yield from told("zero", stream, name, table, flat, lambda first, rows: f"the price is {table['close'][0]:g} in all rows")


def doubled(stream: str, name: str, table: np.ndarray, _: int) -> Iterator[Finding]:
    """Rows equal to the one before. Equal trades and liquidations do happen; that most rows are, does not."""
    if STREAMS[stream] is BAR or stream == "depth" or len(table) < 2:
        return
    fields = [field for field in table.dtype.names or () if field != "ts_known"]
    again = np.append(False, np.all([table[field][1:] == table[field][:-1] for field in fields], axis=0))
    if again.any() and (stream not in ("trades", "liquidations") or again.mean() > 0.3):
        yield from told("doubled", stream, name, table, again, lambda _, rows: f"{rows} rows are equal to the row before")


def jumps(stream: str, name: str, table: np.ndarray, _: int) -> Iterator[Finding]:
    """A price or a quantity that is a multiple, or a fraction, of the one before."""
    factor = JUMP.get("bars" if STREAMS[stream] is BAR else stream)
    if factor is None or stream == "premium_index_bars" or len(table) < 2:
        return
    field = "close" if STREAMS[stream] is BAR else "qty" if stream == "open_interest" else "price"
    before, here = table[field][:-1], table[field][1:]
    far = np.append(False, (here > factor * before) | (here * factor < before))
    if STREAMS[stream] is BAR:
        far |= table["high"] > factor * table["low"]

    def says(first: int, _: int) -> str:
        return f"{field} goes from {table[field][max(first - 1, 0)]:g} to {table[field][first]:g} in one row"

    yield from told("jump", stream, name, table, far, says)


def contradictions(stream: str, name: str, table: np.ndarray, _: int) -> Iterator[Finding]:
    """Volumes that contradict each other or the prices."""
    more = table["taker_buy"] > table["volume"] * (1 + 1e-9)
    yield from told("columns", stream, name, table, more, lambda first, rows: "taker_buy is more than volume: are the columns swapped?")
    with np.errstate(divide="ignore", invalid="ignore"):
        vwap = table["quote_volume"] / table["volume"]
    off = (vwap > table["high"] * (1 + VWAP)) | (vwap < table["low"] * (1 - VWAP))
    off &= (table["volume"] > 0) & (table["quote_volume"] * VWAP > QUOTE_STEP)

    def says(first: int, _: int) -> str:
        low, high = table["low"][first], table["high"][first]
        return f"quote_volume / volume is {vwap[first]:g}, outside low {low:g} … high {high:g}: another unit, or swapped columns?"

    yield from told("columns", stream, name, table, off, says)


def swapped(stream: str, name: str, table: np.ndarray, interval: int) -> Iterator[Finding]:
    """Days on which the close continues the open of the bar before, and the open does not continue the close: they are swapped."""
    if len(table) < SHORT or not interval:
        return
    follows = np.append(False, np.diff(table["ts_event"]) == interval)
    forth = np.abs(table["open"] - np.roll(table["close"], 1))
    back = np.abs(table["close"] - np.roll(table["open"], 1))
    edges = np.append(np.flatnonzero(np.append(True, np.diff(table["ts_event"] // UNITS["d"]) != 0)), len(table))
    wrong = np.zeros(len(table), bool)
    for first, after in pairwise(edges.tolist()):
        rows = np.flatnonzero(follows[first:after]) + first
        wrong[first:after] = len(rows) >= SHORT and np.median(back[rows]) < 0.2 * np.median(forth[rows])

    def says(first: int, _: int) -> str:
        apart = f"close is {back[first + 1]:g} from the open before it, open {forth[first + 1]:g} from the close before it"
        return f"close continues the open of the bar before ({apart}): are the columns swapped?"

    yield from told("columns", stream, name, table, wrong, says)


def units(stream: str, name: str, table: np.ndarray, _: int) -> Iterator[Finding]:
    """Rates and premiums whose size is that of percent."""
    if stream == "funding":
        wide = np.abs(table["rate"]) > RATE
        yield from told("unit", stream, name, table, wide, lambda first, _: f"rate {table['rate'][first]:g} an interval: is it in percent?")
        yearly = np.median(np.abs(table["rate"]) * 24 * 365 / np.maximum(table["interval_h"], 1e-9)) if len(table) else 0.0
        if yearly > YEARLY and not wide.all():
            says = f"half of the rates are above {100 * yearly:.0f} % a year: are they in percent?"
            yield from told("unit", stream, name, table, ~wide, lambda first, rows: says)
    if stream == "premium_index_bars":
        wide = np.abs(table["close"]) > PREMIUM
        yield from told("unit", stream, name, table, wide, lambda first, _: f"a premium of {table['close'][first]:g}: right is a fraction")


QUOTE_STEP = 0.01  # quote: below it a volume's rounding moves its price
EMPTY = {"spot_bars": ("volume", "quote_volume", "taker_buy"), "perp_bars": ("volume", "quote_volume", "taker_buy"),
         "funding": ("rate",), "long_short_ratio": ("taker_volume",), "premium_index_bars": ("close",)}
