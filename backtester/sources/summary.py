"""What an import did, to the row: nothing dropped or missing goes unsaid."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backtester.market.times import iso

JITTER = 0.01  # of an interval: settlements are stamped some ms off their moment


@dataclass(frozen=True)
class Gap:
    """Rows that the source does not have, `count` of them from `first` on."""

    first: str  # ISO, UTC
    count: int


@dataclass(frozen=True)
class Imported:
    """The way of files into one stream: rows_in = outside + dropped + repaired (but for `sort`) + rows_out."""

    stream: str
    instrument: str
    file: str                 # as the recipe spells it
    files: dict[str, str]     # every file that was read -> its sha256
    rows_in: int
    outside: int              # rows before or after the period
    dropped: int              # rows inside it without a number that the record needs
    rows_out: int
    zero_volume: int          # bars kept in which nothing traded: a halt, or a quiet minute
    repaired: dict[str, int]  # rule -> rows that it touched
    notes: list[str]          # what had to be understood, with file and line
    gaps: tuple[Gap, ...]

    @property
    def missing(self) -> int:
        """Rows that the period should hold and the data set does not, the dropped ones included."""
        return sum(gap.count for gap in self.gaps)

    def line(self) -> str:
        """What came of it, in a few words."""
        repaired = "".join(f", {count} repaired by {rule}" for rule, count in self.repaired.items())
        return f"{self.stream}/{self.instrument} {self.rows_out:,} rows, {self.dropped} dropped, {self.missing} missing{repaired}"


@dataclass(frozen=True)
class Summary:
    """What an import wrote, and from what."""

    name: str
    folder: Path
    streams: tuple[Imported, ...]

    def line(self) -> str:
        """All of it in one line, and one for each thing that was noted."""
        notes = "".join(f"\n  {note}" for each in self.streams for note in each.notes)
        return f"{self.name}: {'; '.join(each.line() for each in self.streams)}{notes}"


def find_gaps(ts: np.ndarray, start: int, end: int, interval: int) -> tuple[Gap, ...]:
    """The holes in sorted stamps `ts` (ns) that should follow each other at `interval` through [start, end).

    A hole at either edge counts the stamps of that clock inside the period, which need not begin or end with one.
    """
    before = np.floor((ts[0] - start) / interval + JITTER)
    between = np.rint(np.diff(ts) / interval) - 1
    after = np.ceil((end - ts[-1]) / interval - JITTER) - 1
    missing = np.concatenate([[before], between, [after]]).astype("i8")
    firsts = np.append(ts[0] - missing[0] * interval, ts + interval)
    return tuple(Gap(iso(firsts[i]), int(missing[i])) for i in np.flatnonzero(missing > 0))
