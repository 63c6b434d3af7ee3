"""From the cells of a raw file to numbers and moments; what cannot be read is refused with its file and line."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from backtester.errors import UserError
from backtester.market.read import TIME
from backtester.market.read import numbers as as_numpy
from backtester.market.times import instant, iso
from backtester.sources.raw import Raw

NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
UNITS = {"s": (10**11, 10**9), "ms": (10**14, 10**6), "us": (10**17, 10**3), "ns": (2**63 - 1, 1)}  # values below, ns each
ERA = (instant("2009-01-01", "era"), instant("2100-01-01", "era"))  # no exchange is older
OFFSET = re.compile(r"[-+]\d{2}:?\d{0,2}$")


def column(raw: Raw, name: str) -> pa.ChunkedArray:
    """One column. Raises UserError, which names those that the file has."""
    if name not in raw.table.column_names:
        raise UserError(f"{raw.file}: no column {name} (it has {', '.join(raw.table.column_names)})")
    return raw.table[name]


def refuse(raw: Raw, wrong, name: str, right: str) -> None:
    """Raises UserError for the first row where `wrong` (n,) is true."""
    wrong = np.asarray(wrong)
    if wrong.any():
        row = int(wrong.argmax())
        raise UserError(f"{raw.place(row)}: column {name} is {raw.table[name][row].as_py()!r}: right is {right}")


def flags(mask: pa.ChunkedArray) -> np.ndarray:
    """A column of booleans (n,), an empty cell as False."""
    return np.asarray(pc.fill_null(mask, False).combine_chunks().to_numpy(zero_copy_only=False))


def read_numbers(raw: Raw, name: str) -> np.ndarray:
    """A column as float64 (n,); an empty cell is NaN."""
    cells = column(raw, name)
    if pa.types.is_string(cells.type) and raw.header is not None:
        if not pc.all(pc.match_substring_regex(cells, NUMBER), min_count=0).as_py():
            refuse(raw, ~flags(pc.match_substring_regex(cells, NUMBER)) & ~flags(cells.is_null()), name, "a number")
        cells = pc.utf8_trim_whitespace(cells).cast(pa.float64())
    elif not (pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type)):
        raise UserError(f"{raw.file}: column {name} is {cells.type}: right is a number")
    return as_numpy(cells.cast(pa.float64()))


def read_words(raw: Raw, name: str, words: dict) -> np.ndarray:
    """A column of words as the numbers that `words` gives them (n,)."""
    cells = pc.utf8_lower(column(raw, name).cast(pa.string()))
    known = {str(word).lower(): float(value) for word, value in words.items()}
    at = pc.index_in(cells, value_set=pa.array(list(known), pa.string()))
    refuse(raw, ~flags(at.is_valid()), name, f"one of {', '.join(known)}")
    return np.array(list(known.values()))[at.combine_chunks().to_numpy(zero_copy_only=False).astype("i8")]


def read_times(raw: Raw, name: str, zone: str | None) -> tuple[np.ndarray, list[str]]:
    """A column of moments as int64 ns UTC (n,), and what had to be understood on the way.

    Numbers are s, ms, us or ns by their size; text is ISO 8601. Moments without an offset need `zone`.
    """
    cells = column(raw, name)
    notes: list[str] = []
    refuse(raw, flags(cells.is_null()), name, "a time: every row needs one")
    if pa.types.is_timestamp(cells.type):
        moments = stamped(raw, name, cells, zone)
    elif pa.types.is_integer(cells.type):
        moments, notes = counted(raw, name, as_int(cells))
    elif pa.types.is_string(cells.type) and raw.header is not None:
        numeric = flags(pc.match_substring_regex(cells, NUMBER))
        if numeric[0]:
            refuse(raw, ~numeric, name, "a number, as in the rows above")
        moments, notes = counted(raw, name, as_int(cells)) if numeric[0] else written(raw, name, cells, zone)
    else:
        raise UserError(f"{raw.file}: column {name} is {cells.type}, 0 of it empty: right is a timestamp with its zone")
    refuse(raw, (moments < ERA[0]) | (moments >= ERA[1]), name, "a time between 2009 and 2100")
    return moments, notes


def as_int(cells: pa.ChunkedArray) -> np.ndarray:
    """Counts of a unit of time; a fraction is kept by counting microseconds."""
    try:
        whole = cells.cast(pa.int64())
        return np.concatenate([chunk.to_numpy(zero_copy_only=False) for chunk in whole.chunks])
    except pa.ArrowInvalid:
        values = np.concatenate([chunk.to_numpy(zero_copy_only=False) for chunk in cells.cast(pa.float64()).chunks])
        return np.rint(values * np.where(values < UNITS["s"][0], 1e6, 1.0)).astype("i8")


def counted(raw: Raw, name: str, values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Moments (ns) that are counted in units that their size tells: files of one source change from ms to us within a year."""
    refuse(raw, values <= 0, name, "a time: s, ms, us or ns since 1970")
    below = np.array([size for size, _ in UNITS.values()])
    unit = np.searchsorted(below, values, side="right").clip(max=len(UNITS) - 1)
    moments = values * np.array([each for _, each in UNITS.values()])[unit]
    changes = np.flatnonzero(np.diff(unit))
    if not len(changes):
        return moments, []
    said = " and ".join(np.array(list(UNITS))[np.unique(unit)])
    return moments, [f"{raw.place(int(changes[0]) + 1)}: column {name} changes its unit: {said} are each read as what they are"]


def stamped(raw: Raw, name: str, cells: pa.ChunkedArray, zone: str | None) -> np.ndarray:
    """Timestamps as ns; those without a zone need one."""
    if not cells.type.tz:
        if zone is None:
            raise UserError(f"{raw.file}: column {name} is {cells.type}, 0 of it empty: right is a timestamp with its zone; or zone: UTC")
        cells = localized(raw, name, cells, zone)
    try:
        return as_numpy(cells.cast(TIME))
    except pa.ArrowInvalid:
        raise UserError(f"{raw.file}: column {name}: a time lies outside 1677 .. 2262: right is a time between 2009 and 2100") from None


def localized(raw: Raw, name: str, cells: pa.ChunkedArray, zone: str) -> pa.ChunkedArray:
    """Moments without an offset as those of a zone."""
    try:
        return pc.assume_timezone(cells, zone)
    except (pa.ArrowInvalid, KeyError) as error:
        raise UserError(f"{raw.file}: column {name} in zone {zone!r}: {' '.join(str(error).split())}") from None


def written(raw: Raw, name: str, cells: pa.ChunkedArray, zone: str | None) -> tuple[np.ndarray, list[str]]:
    """ISO text as moments (ns); an offset counts, and is said."""
    cells = pc.utf8_trim_whitespace(cells)
    try:
        moments = cells.cast(pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid:
        return as_numpy(localized(raw, name, naive(raw, name, cells, zone), zone or "UTC").cast(TIME)), []
    offsets = {found[0] for text in pc.unique(pc.utf8_slice_codeunits(cells, -6)).to_pylist() if (found := OFFSET.search(text))}
    told = sorted(offsets - {"+00:00", "+0000", "+00"})
    notes = [f"{raw.place(0)}: column {name} has the offset {' and '.join(told)}: read as UTC, {iso(as_numpy(moments.cast(TIME))[0])}"]
    return as_numpy(moments.cast(TIME)), notes if told else []


def naive(raw: Raw, name: str, cells: pa.ChunkedArray, zone: str | None) -> pa.ChunkedArray:
    """ISO text without an offset, as timestamps without a zone."""
    try:
        moments = cells.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        wrong = ~flags(pc.match_substring_regex(cells, r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?$"))
        refuse(raw, wrong, name, "a time such as 2024-01-31 08:00:00, in all rows with an offset or in all without")
        raise UserError(f"{raw.file}: column {name}: some of its times do not exist: right are times such as 2024-01-31 08:00:00") from None
    if zone is None:
        first = cells[0].as_py()
        raise UserError(f"{raw.place(0)}: column {name} is {first!r}, a time without an offset: give zone: UTC, or the zone it is in")
    return moments
