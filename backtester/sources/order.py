"""The rows of raw files in the order of their moments, each once, without those that cannot be; only repairs that are allowed are made."""

import numpy as np

from backtester.errors import UserError
from backtester.market.check import impossible
from backtester.market.times import iso
from backtester.records import BAR, STREAMS
from backtester.sources.raw import Raw
from backtester.sources.source import REPAIRS, Source

SEVERAL = ("trades", "liquidations", "depth")         # streams that may have several rows of one moment
REVISED = ("open_interest", "long_short_ratio")     # streams whose rows may be published again with other values


class Origin:
    """Which file and row each record came from: records carry a number, files know where theirs begin."""

    def __init__(self, raws: list[Raw]):
        self.raws = raws
        self.first = np.cumsum([0, *(len(raw.table) for raw in raws)])

    def place(self, number: int) -> str:
        """The file and line of a row's number."""
        file = int(np.searchsorted(self.first, number, side="right")) - 1
        return self.raws[file].place(int(number - self.first[file]))

    def file_of(self, numbers: np.ndarray) -> np.ndarray:
        """The file of every number (n,)."""
        return np.searchsorted(self.first, numbers, side="right")


def in_order(source: Source, table, keep, numbers, ids, origin: Origin, repaired: dict) -> np.ndarray:
    """The rows `keep` by their moments. Several files are always put in order; within a file only the repair `sort` does it."""
    moments = table["ts_event"][keep]
    back = np.append(False, np.diff(moments) < 0)
    if not back.any():
        return keep
    inside = back & np.append(False, np.diff(origin.file_of(numbers[keep])) == 0) & np.append(False, np.diff(numbers[keep]) > 0)
    if inside.any():
        if "sort" not in source.repair:
            at = int(inside.argmax())
            raise UserError(f"{origin.place(numbers[keep[at]])} ({iso(moments[at])}): ts_event is earlier than in the row before: "
                            f"sort the rows, or allow repair: [sort]")
        repaired["sort"] = int(inside.sum())
    return keep[np.argsort(moments, kind="stable")]


def once(source: Source, table, keep, numbers, ids, origin: Origin, repaired: dict) -> np.ndarray:
    """Of the rows `keep` those that stand there for the first time."""
    if source.unique:
        kept = np.sort(np.unique(ids[keep], return_index=True)[1])
        return counted("duplicates", keep, kept, repaired)
    if source.stream in SEVERAL:
        if "duplicates" not in source.repair:
            return keep
        kept = np.sort(np.unique(np.asarray(table[keep]).view(f"V{table.dtype.itemsize}"), return_index=True)[1])
        return counted("duplicates", keep, kept, repaired)
    return one_a_moment(source, table, keep, numbers, origin, repaired)


def one_a_moment(source: Source, table, keep, numbers, origin: Origin, repaired: dict) -> np.ndarray:
    """Of the sorted rows `keep` one for every moment: equal ones are dropped, others only where the repair `last` allows it."""
    again = np.append(False, np.diff(table["ts_event"][keep]) == 0)
    if not again.any():
        return keep
    before, here = table[np.roll(keep, 1)], table[keep]
    fields = [field for field in table.dtype.names if not field.startswith("ts_")]
    same = again & np.all([(here[field] == before[field]) | (np.isnan(here[field]) & np.isnan(before[field])) for field in fields], axis=0)
    other_file = np.append(False, np.diff(origin.file_of(numbers[keep])) != 0)
    wrong = (again & ~same) if "last" not in source.repair and source.stream not in REVISED else np.zeros(len(keep), bool)
    if "duplicates" not in source.repair:
        wrong |= same & ~other_file
    if wrong.any():
        at = int(wrong.argmax())
        rule = "duplicates" if same[at] else "last"
        first = origin.place(numbers[keep[at - 1]])
        raise UserError(f"{origin.place(numbers[keep[at]])} ({iso(here['ts_event'][at])}): ts_event stands twice, also at {first}: "
                        f"keep one of the two rows, or allow repair: [{rule}] ({REPAIRS[rule]})")
    keep = counted("duplicates", keep, np.flatnonzero(~same), repaired)
    if "last" in source.repair:
        moments = table["ts_event"][keep]
        keep = counted("last", keep, np.flatnonzero(np.append(np.diff(moments) != 0, True)), repaired)
    return keep


def counted(rule: str, keep: np.ndarray, kept: np.ndarray, repaired: dict) -> np.ndarray:
    """The rows that a repair kept; how many it did not is written down."""
    if len(kept) < len(keep):
        repaired[rule] = len(keep) - len(kept)
    return keep[kept]


def possible(source: Source, table, keep, numbers, ids, origin: Origin, repaired: dict) -> np.ndarray:
    """Of the rows `keep` those that can be; one that cannot is refused unless the repair `drop` allows to leave it out."""
    bad = np.zeros(len(keep), bool)
    reasons = list(impossible(source.stream, table[keep]))
    if STREAMS[source.stream] is BAR:
        off = table["ts_event"][keep] % source.interval != 0
        reasons.append((off, "a bar opens off the grid of its interval: name the right one"))
    for wrong, why in reasons:
        if wrong.any() and "drop" not in source.repair:
            at = int(wrong.argmax())
            raise UserError(f"{origin.place(numbers[keep[at]])} ({iso(table['ts_event'][keep[at]])}): {why}, or allow repair: [drop]")
        bad |= wrong
    return counted("drop", keep, np.flatnonzero(~bad), repaired)
