"""What an import did, to the row: nothing dropped or missing goes unsaid."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backtester.market.times import iso


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


@dataclass(frozen=True)
class Summary:
    """What an import wrote, and from what."""

    name: str
    folder: Path
    streams: tuple[Imported, ...]

    def line(self) -> str:
        """All of it in one line."""
        parts = [f"{each.stream} {each.rows_out:,} rows, {each.dropped} dropped, {each.missing} missing" for each in self.streams]
        return f"{self.name}: {'; '.join(parts)}"


def find_gaps(ts: np.ndarray, start: int, end: int, interval: int) -> tuple[Gap, ...]:
    """The holes in sorted stamps `ts` (ns) that should follow each other at `interval` through [start, end)."""
    edges = np.concatenate([[start - interval], ts, [end]])
    missing = np.rint(np.diff(edges) / interval).astype("i8") - 1
    return tuple(Gap(iso(edges[i] + interval), int(missing[i])) for i in np.flatnonzero(missing > 0))
