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
    """One file's way into one stream: rows_in = outside + dropped + rows_out."""

    stream: str
    instrument: str
    file: str
    sha256: str
    rows_in: int
    outside: int        # rows before or after the period
    dropped: int        # rows inside it without a number that the record needs
    rows_out: int
    zero_volume: int    # bars kept in which nothing traded: a halt, or a quiet minute
    gaps: tuple[Gap, ...]

    @property
    def missing(self) -> int:
        """Rows that the period should hold and the data set does not, the dropped ones included."""
        return sum(gap.count for gap in self.gaps)

    def line(self) -> str:
        """What came of it, in a few words."""
        return f"{self.stream}/{self.instrument} {self.rows_out:,} rows, {self.dropped} dropped, {self.missing} missing"


@dataclass(frozen=True)
class Summary:
    """What an import wrote, and from what."""

    name: str
    folder: Path
    streams: tuple[Imported, ...]

    def line(self) -> str:
        """All of it in one line."""
        return f"{self.name}: {'; '.join(each.line() for each in self.streams)}"


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
