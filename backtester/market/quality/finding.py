"""What a check found: its name, where, how much, and in words; and what each name means."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

PLACES = 5  # that one check names of one stream; what is beyond is counted


class Meaning(NamedTuple):
    """What a check's name stands for."""

    fault: bool         # a run refuses such data unless data.accept names the check
    text: str
    repair: str | None  # the rule by which `data check --repair` repairs it


CHECKS = {
    "gap": Meaning(False, "rows are missing; they are never invented", None),
    "halt": Meaning(False, "bars in which nothing traded: an exchange that stood still, or a quiet minute", None),
    "refused": Meaning(True, "rows that cannot be loaded", "rows are sorted; of equal rows one is kept; rows that cannot be are left out"),
    "changed": Meaning(True, "a file is not the one that was checked", None),
    "zero": Meaning(True, "zeros where there is no such thing, or a column of nothing else", "such rows, or the column, become unknown"),
    "doubled": Meaning(True, "rows that stand twice", "of equal rows one is kept"),
    "jump": Meaning(True, "a number that is a multiple of the one before: other units, or another instrument", None),
    "unit": Meaning(True, "numbers whose size belongs to another unit", None),
    "columns": Meaning(True, "columns that contradict each other", "the volumes of such rows become unknown"),
    "outlier": Meaning(True, "a price far from the asset's other prices", "such rows are left out"),
    "same": Meaning(True, "a perpetual whose prices are those of spot", None),
    "lag": Meaning(True, "labels that are off: by close instead of open, or in another zone", "the stamps are shifted"),
    "settlement": Meaning(True, "settlements of funding that are missing", None),
}


class Finding(NamedTuple):
    """One thing that a check found."""

    check: str       # a key of CHECKS
    stream: str
    instrument: str  # its name
    row: int         # the first row of it, counted from the stream's first
    rows: int        # how many
    start: int       # moment of the first row, ns
    end: int         # moment of the last row, ns
    says: str        # what was found, with its numbers
    places: int = 1  # more: the rest of a check's findings, from the first row to the last

    @property
    def fault(self) -> bool:
        """Whether a run refuses such data."""
        return CHECKS[self.check].fault


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """First row and length of every unbroken run of true in `mask` (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype("i1")))
    return [(int(first), int(after - first)) for first, after in zip(edges[::2], edges[1::2], strict=True)]


def told(check: str, stream: str, instrument: str, table: np.ndarray, mask: np.ndarray, says) -> Iterator[Finding]:
    """A finding for each unbroken run of true in `mask` (n,), the longest first; `says(first row, rows)` puts it into words."""
    found = sorted(runs(mask), key=lambda run: -run[1])
    for first, count in found[:PLACES]:
        start, end = table["ts_event"][[first, first + count - 1]].tolist()
        yield Finding(check, stream, instrument, first, count, start, end, says(first, count))
    if rest := sorted(found[PLACES:]):
        start, end = table["ts_event"][[rest[0][0], sum(rest[-1]) - 1]].tolist()
        more = f"the same in {len(rest)} more places"
        yield Finding(check, stream, instrument, rest[0][0], sum(count for _, count in rest), start, end, more, len(rest))
