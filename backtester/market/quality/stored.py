"""A data set as it lies on disk, whether it could be loaded or not: its records, their files, and what the checks find."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from backtester.market.check import impossible
from backtester.market.quality.finding import Finding, told
from backtester.market.quality.verdict import examine
from backtester.market.read import Part, fill_table, find_parts, read_parts
from backtester.market.schema import Header
from backtester.records import BAR, BRACKET, FUNDING, STREAMS, rows


@dataclass(frozen=True)
class Stored:
    """Everything that a data set holds."""

    folder: Path
    header: Header
    tables: dict[tuple[str, int], np.ndarray]              # (stream, instrument index): records, as the files have them
    parts: dict[tuple[str, int], list[tuple[Path, int]]]   # the files of each and their rows, in order
    files: dict[str, str]                                  # path in the folder: sha256

    def place(self, finding: Finding) -> tuple[str, int]:
        """The file of a finding's first row, and the row in it."""
        index = [each.name for each in self.header.instruments].index(finding.instrument)
        row = finding.row
        for path, count in self.parts[finding.stream, index]:
            if row < count:
                return str(path.relative_to(self.folder)), row
            row -= count
        return str(path.relative_to(self.folder)), row


def read_stored(folder: Path, header: Header) -> Stored:
    """All records of a data set. Raises UserError for a file that cannot be read or has no place in the header."""
    parts = find_parts(folder, header)
    chunks, hashes = read_parts(parts, None, None)
    tables = {key: records(key[0], files, header.intervals[key[0]]) for key, files in chunks.items()}
    where: dict[tuple[str, int], list[tuple[Path, int]]] = {}
    for part, table in zip(parts, flat(parts, chunks), strict=True):
        where.setdefault((part.stream, part.instrument), []).append((part.path, len(table)))
    return Stored(folder, header, tables, where, {str(path.relative_to(folder)): value for path, value in hashes.items()})


def flat(parts: list[Part], chunks: dict) -> list[pa.Table]:
    """The table of every part."""
    left = {key: iter(files) for key, files in chunks.items()}
    return [next(left[part.stream, part.instrument]) for part in parts]


def records(stream: str, chunks: list[pa.Table], interval: int) -> np.ndarray:
    """The records of a stream's files."""
    out = rows(STREAMS[stream], sum(map(len, chunks)))
    fill_table(out, chunks, interval)
    return out


def examine_stored(stored: Stored) -> list[Finding]:
    """What the checks find: first what keeps the data set from being loaded, then, as if that were repaired, everything else."""
    names = [each.name for each in stored.header.instruments]
    refused = [finding for (stream, index), table in stored.tables.items() for finding in refusals(stream, names[index], table)]
    sound = {key: loadable(key[0], table) for key, table in stored.tables.items()} if refused else stored.tables
    found = examine(stored.header.instruments, sound, stored.header.intervals)
    return refused + ([each for each in found if each.fault] if refused else found)


def refusals(stream: str, name: str, table: np.ndarray) -> list[Finding]:
    """What every reader refuses in a table."""
    step = np.diff(table["ts_event"])
    reasons = [(np.append(False, step < 0), "ts_event is earlier than in the row before")]
    if table.dtype.names in (BAR.names, FUNDING.names, BRACKET.names):
        reasons.append((np.append(False, step == 0), "ts_event stands twice"))
    reasons += list(impossible(stream, table))
    return [each for wrong, why in reasons for each in told("refused", stream, name, table, wrong, lambda first, rows, why=why: why)]


def loadable(stream: str, table: np.ndarray) -> np.ndarray:
    """A table without what readers refuse: sorted, the first row of a moment kept where there may be one only, without impossible rows."""
    table = table[np.argsort(table["ts_event"], kind="stable")]
    if table.dtype.names in (BAR.names, FUNDING.names, BRACKET.names):
        table = table[np.append(True, np.diff(table["ts_event"]) != 0)[:len(table)]]
    bad = np.zeros(len(table), bool)
    for wrong, _ in impossible(stream, table):
        bad |= wrong
    return table[~bad]
