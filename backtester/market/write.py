"""Parquet out: a data set is written whole or not at all, and equal input gives equal bytes."""

import hashlib
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from backtester.checkout import ROOT
from backtester.errors import UserError
from backtester.market.brackets import bracket_path, read_brackets
from backtester.market.check import check_tables
from backtester.market.quality import verdict
from backtester.market.read import TIME, stored_columns
from backtester.market.schema import Header, parse_header
from backtester.records import BAR


def write_dataset(folder, header: dict, tables: dict) -> None:
    """Write tables {(stream, instrument name): records} and their header as the data set `folder`.

    What the checks find stands beside them, in check.json. A data set that stands there is replaced once the new one is
    complete. Raises UserError for tables that could not be loaded again, and for a folder that holds something else.
    """
    folder = Path(folder)
    if folder.exists() and not (folder / "dataset.yaml").is_file():
        raise UserError(f"{folder}: exists and is no data set (no dataset.yaml): choose another folder")
    checked = parse_header(header, f"{folder.name}: header")
    check_writable(checked, tables)
    for name in checked.brackets.values():
        read_brackets(bracket_path(name, folder, ROOT))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        (new / "dataset.yaml").write_text(yaml.safe_dump(header, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")
        for (stream, name), table in tables.items():
            write_stream(new / stream / f"instrument={name}", stream, table)
        found = verdict.examine(checked.instruments, by_index(checked, tables), checked.intervals)
        verdict.keep(new, {str(path.relative_to(new)): sha256_of(path) for path in sorted(new.rglob("*.*"))}, found)
        replace(folder, new, Path(scratch) / "old")


def check_writable(header: Header, tables: dict) -> None:
    """Raises UserError for tables that the header does not describe."""
    names = [each.name for each in header.instruments]
    for (stream, name), table in tables.items():
        place = f"{header.name}: {stream}/{name}"
        if stream not in header.intervals:
            raise UserError(f"{place}: stream {stream} is not in the header: declare it under streams")
        if name not in names:
            raise UserError(f"{place}: instrument {name!r} is not in the header (it has {', '.join(filter(None, names))})")
        if table.dtype.names == BAR.names and (table["ts_close"] - table["ts_event"] != header.intervals[stream]).any():
            raise UserError(f"{place}: a bar's ts_close is not its ts_event + the interval in the header")
    check_tables(header.name, header.instruments, by_index(header, tables))


def by_index(header: Header, tables: dict) -> dict:
    """Tables {(stream, instrument name): records} by (stream, instrument index)."""
    names = [each.name for each in header.instruments]
    return {(stream, names.index(name)): table for (stream, name), table in tables.items()}


def sha256_of(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_stream(folder: Path, stream: str, table: np.ndarray) -> None:
    """One file a month of ts_event."""
    months = table["ts_event"].astype("M8[ns]").astype("M8[M]")
    for month in np.unique(months):
        part = folder / f"month={month}"
        part.mkdir(parents=True)
        first, last = np.searchsorted(months, [month, month + 1])
        write_part(part / "part.parquet", stream, table[first:last])


def write_part(path: Path, stream: str, table: np.ndarray) -> None:
    """One file. These encodings halve both the size and the time to read against the defaults (27 against 67 ms a year of minutes)."""
    columns = stored_columns(stream)
    arrays = {name: to_arrow(table[name], kind) for name, kind in columns.items()}
    encoding = {name: "DELTA_BINARY_PACKED" if kind == TIME else "BYTE_STREAM_SPLIT" for name, kind in columns.items()}
    pq.write_table(pa.table(arrays), path, compression="zstd", use_dictionary=False, column_encoding=encoding)


def to_arrow(field: np.ndarray, kind: pa.DataType) -> pa.Array:
    """A field of records as a column of `kind`."""
    return pa.array(np.ascontiguousarray(field)).view(TIME) if kind == TIME else pa.array(field.astype("f8"))


def replace(folder: Path, new: Path, old: Path) -> None:
    """Put `new` in the place of `folder`; what stood there goes to `old`, and comes back if that fails."""
    if not folder.exists():
        new.rename(folder)
        return
    folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        old.rename(folder)
        raise
