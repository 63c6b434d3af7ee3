"""Repairs of a data set by stated rules, on request alone, each written into its dataset.yaml."""

from typing import NamedTuple

import numpy as np
import yaml

from backtester.errors import UserError
from backtester.market.check import worthless
from backtester.market.quality.finding import CHECKS, Finding
from backtester.market.quality.stored import Stored, examine_stored, loadable
from backtester.market.quality.together import best_shift
from backtester.market.schema import OPTIONAL
from backtester.market.times import iso, length
from backtester.market.write import write_dataset
from backtester.records import BAR, STREAMS

ROUNDS = 200  # a round repairs one check of one stream, in as many places as it names; the next one may uncover more


class Repair(NamedTuple):
    """What was done to one stream."""

    check: str
    stream: str
    instrument: str
    rows: int
    first: str  # ISO, UTC
    rule: str


def repair(stored: Stored) -> list[Repair]:
    """Repair what can be, write the data set again with the repairs in its dataset.yaml, and return them. Other faults stay."""
    names = [each.name for each in stored.header.instruments]
    tables, done = dict(stored.tables), []
    for _ in range(ROUNDS):
        findings = [each for each in examine_stored(stored_with(stored, tables)) if CHECKS[each.check].repair and each.places == 1]
        if not findings:
            break
        mine = [each for each in findings if each[:3] == findings[0][:3]]  # what is repaired may have been the cause of the others
        check, key = findings[0].check, (findings[0].stream, names.index(findings[0].instrument))
        tables[key], rule = RULES[check](key, tables, mine)
        done.append(Repair(check, key[0], names[key[1]], sum(each.rows for each in mine), iso(mine[0].start), rule))
        tables = {key: table for key, table in tables.items() if len(table)}
    if done:
        save(stored, {(stream, names[index]): table for (stream, index), table in tables.items()}, done)
    return done


def stored_with(stored: Stored, tables: dict) -> Stored:
    """The same data set with other records."""
    return Stored(stored.folder, stored.header, tables, stored.parts, stored.files)


def save(stored: Stored, tables: dict, done: list[Repair]) -> None:
    """Write the repaired data set in the place of the old one."""
    if not any(stream in ("spot_bars", "perp_bars") for stream, _ in tables):
        raise UserError(f"{stored.folder.name}: nothing to trade on would be left: import it again")
    header = yaml.safe_load((stored.folder / "dataset.yaml").read_text(encoding="utf-8"))
    header["repairs"] = [*header.get("repairs", []), *(each._asdict() for each in done)]
    write_dataset(stored.folder, header, tables)


def as_loadable(key: tuple, tables: dict, findings: list[Finding]) -> tuple[np.ndarray, str]:
    """Sorted, each moment once, without rows that cannot be."""
    return loadable(key[0], tables[key]), CHECKS["refused"].repair or ""


def left_out(key: tuple, tables: dict, findings: list[Finding]) -> tuple[np.ndarray, str]:
    """Without the rows of the findings' check."""
    table = tables[key]
    bad = np.zeros(len(table), bool)
    for each in findings:
        bad |= (table["ts_event"] >= each.start) & (table["ts_event"] <= each.end)
    return table[~bad], "such rows are left out"


def unknown(key: tuple, tables: dict, findings: list[Finding]) -> tuple[np.ndarray, str]:
    """Rows that say nothing are left out; a volume that cannot be right becomes NaN."""
    table = tables[key].copy()
    bad = np.zeros(len(table), bool)
    for wrong, _ in worthless(key[0], table):
        bad |= wrong
    table = table[~bad]
    if STREAMS[key[0]] is BAR:
        fields = [field for field in ("volume", "quote_volume", "taker_buy") if (table[field] == 0).mean() >= 0.5]
        if not fields:
            return table[:0], "the stream is left out: its price never changes"
        for field in fields:
            table[field] = np.nan
        return table, f"{', '.join(fields)} become unknown"
    if key[0] in ("funding", "long_short_ratio") and not bad.any():
        return table[:0], "the stream is left out: it holds zeros alone"
    return table, "such rows are left out"


def volumes_unknown(key: tuple, tables: dict, findings: list[Finding]) -> tuple[np.ndarray, str]:
    """Volumes that contradict each other become NaN; prices whose columns are swapped are swapped back."""
    table = tables[key].copy()
    if any("close continues" in each.says for each in findings):
        table["open"], table["close"] = table["close"].copy(), table["open"].copy()
        return table, "open and close are swapped back"
    for each in findings:
        rows = (table["ts_event"] >= each.start) & (table["ts_event"] <= each.end)
        for field in OPTIONAL & set(table.dtype.names or ()):
            table[field][rows] = np.nan
    return table, "the volumes of such rows become unknown"


def once(key: tuple, tables: dict, findings: list[Finding]) -> tuple[np.ndarray, str]:
    """Without rows that are equal to the one before."""
    table = tables[key]
    fields = [field for field in table.dtype.names or () if field != "ts_known"]
    again = np.append(False, np.all([table[field][1:] == table[field][:-1] for field in fields], axis=0))
    return table[~again], "of equal rows one is kept"


def shifted(key: tuple, tables: dict, findings: list[Finding]) -> tuple[np.ndarray, str]:
    """With the labels of the findings' rows moved to where the returns agree best with the reference's."""
    table = tables[key].copy()
    reference = next(tables[other] for other in tables if other[0] in ("spot_bars", "index_bars", "mark_bars") and other != key)
    told = set()
    for each in findings:
        rows = (table["ts_event"] >= each.start) & (table["ts_event"] <= each.end)
        _, best = best_shift(reference, table[rows])
        for field in ("ts_event", "ts_close", "ts_known"):
            table[field][rows] += best
        told.add(length(best))
    return loadable(key[0], table), f"stamps are shifted by {' and '.join(sorted(told))}"


RULES = {
    "refused": as_loadable, "zero": unknown, "doubled": once, "columns": volumes_unknown, "outlier": left_out, "lag": shifted,
}
