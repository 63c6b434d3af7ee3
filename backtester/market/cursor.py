"""One stream of one instrument of a data set, read on in the order of time, some rows at a time."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from backtester.market.check import check_order
from backtester.market.read import Part, check_columns, check_month, fill_table, numbers, open_parquet, overlaps, stored_columns, trim
from backtester.records import STREAMS, rows

BATCH = 1 << 18             # rows that are read at a time
START, ALL = np.iinfo("i8").min, np.iinfo("i8").max  # ns: earlier and later than anything


class Spread(NamedTuple):
    """What there is of a stream."""

    rows: int
    first: int  # ts_event, ns; ALL where there is nothing
    last: int   # ts_event, ns


class Cursor:
    """A stream that is read batch by batch.

    `held`: rows that were read and not given out. `reach` (ns): everything that is known before it has been read; ALL at the end.
    """

    def __init__(self, stream: str, instrument: int, batches: Iterator[np.ndarray]):
        self.stream, self.instrument, self.batches = stream, instrument, batches
        self.held, self.last, self.reach = rows(STREAMS[stream], 0), rows(STREAMS[stream], 0), START

    def read(self) -> None:
        """One batch more; at the end `reach` is ALL."""
        batch = next(self.batches, None)
        if batch is None:
            self.reach = ALL
            return
        check_order(np.concatenate([self.last, batch[:1]]), f"{self.stream} of instrument {self.instrument}, between two reads")
        self.last, self.reach = batch[-1:].copy(), int(batch["ts_event"][-1])
        self.held = np.concatenate([self.held, batch]) if len(self.held) else batch

    def take(self, before: int) -> np.ndarray:
        """The rows read and not given out that were known before a moment (ns); what of them comes later stays."""
        out, self.held = parted(self.held, self.held["ts_known"] < before)
        return out


def parted(table: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows where `first` is true, and the others; views where the table is cut in two."""
    n = int(first.sum())
    return (table[:n], table[n:]) if first[:n].all() else (table[first], table[~first])


def batches(parts: list[Part], interval: int, start: int | None, end: int | None) -> Iterator[np.ndarray]:
    """Records of a stream's files with start <= ts_event < end (ns), at most BATCH at a time, never none."""
    columns = stored_columns(parts[0].stream)
    for part in parts:
        if not overlaps(part.month, start, end):
            continue
        with open_parquet(part.path, list(columns)) as file:
            for batch in file.iter_batches(BATCH, columns=list(columns), use_threads=False):
                table = pa.Table.from_batches([batch])
                check_columns(part.path, table, columns)
                check_month(part, table)
                table = trim(table, start, end)
                if len(table):
                    out = rows(STREAMS[part.stream], len(table))
                    fill_table(out, [table], interval)
                    yield out


def spread(part: Part, start: int | None, end: int | None) -> Spread:
    """What a file holds of start <= ts_event < end (ns); its rows are in the order of ts_event."""
    out = Spread(0, ALL, START)
    with open_parquet(part.path, ["ts_event"]) as file:
        for batch in file.iter_batches(BATCH, columns=["ts_event"], use_threads=False):
            ts = numbers(trim(pa.Table.from_batches([batch]), start, end)["ts_event"])
            if len(ts):
                out = Spread(out.rows + len(ts), min(out.first, int(ts[0])), max(out.last, int(ts[-1])))
    return out


def sha256_of(path: Path) -> str:
    """The hash of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
