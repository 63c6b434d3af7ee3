"""Parquet in: each file is read from disk once, hashed, and its columns copied once into records."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PosixPath, WindowsPath
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backtester.errors import UserError
from backtester.market.schema import TRADED, Header, known_stream
from backtester.records import BAR, STREAMS

TIME = pa.timestamp("ns", "UTC")


class Part(NamedTuple):
    """One month of one stream of one instrument."""

    stream: str
    instrument: int
    month: str  # 2024-01
    path: Path


def stored_columns(stream: str) -> dict:
    """Column name -> Arrow type of a stream's files. A bar's close is its open + the interval in the header."""
    return {field: TIME if field.startswith("ts_") else pa.float64() for field in STREAMS[stream].names or () if field != "ts_close"}


def find_parts(folder: Path, header: Header) -> list[Part]:
    """The files of a data set in the order of their months. Raises UserError for one that has no place in the header."""
    names = [each.name for each in header.instruments]
    parts = []
    for path in sorted(folder.glob("*/instrument=*/month=*/part.parquet")):
        stream, name, stamp = path.parts[-4], path.parts[-3].partition("=")[2], path.parts[-2].partition("=")[2]
        known_stream(stream, str(path))
        if stream not in header.intervals:
            raise UserError(f"{path}: stream {stream} is not in dataset.yaml: declare it under streams")
        if name in header.unbound:
            continue
        if name not in names:
            raise UserError(f"{path}: instrument {name!r} is not in dataset.yaml (it has {', '.join(filter(None, names))})")
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", stamp):
            raise UserError(f"{path}: {stamp!r} is no month: right is month=2024-01")
        parts.append(Part(stream, names.index(name), stamp, path))
    return parts


def read_parts(parts: list[Part], start: int | None, end: int | None) -> tuple[dict, dict[Path, str]]:
    """Arrow tables per (stream, instrument index), start <= ts_event < end (ns), and the sha256 of every file opened."""
    wanted = [part for part in parts if overlaps(part.month, start, end)]
    with ThreadPoolExecutor() as pool:  # hashing and decoding leave the interpreter free
        read = list(pool.map(read_part, wanted))
    chunks: dict[tuple[str, int], list[pa.Table]] = {}
    for part, (table, _) in zip(wanted, read, strict=True):
        chunks.setdefault((part.stream, part.instrument), []).append(trim(table, start, end))
    return chunks, {part.path: sha256 for part, (_, sha256) in zip(wanted, read, strict=True)}


def overlaps(stamp: str, start: int | None, end: int | None) -> bool:
    """Whether a month holds moments of [start, end)."""
    first, after = (int((np.datetime64(stamp, "M") + n).astype("M8[ns]").astype("i8")) for n in (0, 1))
    return (start is None or after > start) and (end is None or first < end)


def read_part(part: Part) -> tuple[pa.Table, str]:
    """The columns of one file of a data set, and its sha256. Raises UserError for a column that is not as it must be."""
    columns = stored_columns(part.stream)
    table, sha256 = read_parquet(part.path, list(columns))
    check_columns(part.path, table, columns)
    check_month(part, table)
    return table, sha256


def check_columns(path: Path, table: pa.Table, columns: dict) -> None:
    """Raises UserError for a column that is not of its type in `columns`, and for a record without its time."""
    for name, kind in columns.items():
        column = table[name]
        if column.type != kind:
            raise UserError(f"{path}: column {name} is {column.type}; right is {kind}")
        if kind == TIME and column.null_count:
            raise UserError(f"{path}: column {name} has {column.null_count} empty rows: every record needs its time")


def check_month(part: Part, table: pa.Table) -> None:
    """Raises UserError for rows that belong into another file."""
    ends = numbers(table["ts_event"])[[0, -1]] if len(table) else np.array([], "i8")
    months = {str(month) for month in ends.astype("M8[ns]").astype("M8[M]")} or {"no month"}
    if months != {part.month}:
        raise UserError(f"{part.path}: its rows are of {' and '.join(sorted(months))}; right are rows of {part.month} alone")


def read_parquet(path: Path, columns: list[str]) -> tuple[pa.Table, str]:
    """The named columns of a Parquet file, and the sha256 of the bytes that they came from."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    file = open_parquet(path, columns, pa.BufferReader(content))
    try:
        table = file.read(columns, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: is damaged: {' '.join(str(error).split())}") from None
    return table, hashlib.sha256(content).hexdigest()


def open_parquet(path: Path, columns: list[str], content=None) -> pq.ParquetFile:
    """A Parquet file that has the named columns; `content`: its bytes, where they have been read."""
    try:
        local = isinstance(path, PosixPath | WindowsPath)
        file = pq.ParquetFile(content or (path if local else path.open("rb")), pre_buffer=False)  # else all of it is kept in memory
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read as Parquet: {error}") from None
    missing = [name for name in columns if name not in file.schema_arrow.names]
    if missing:
        raise UserError(f"{path}: no column {', '.join(missing)} (it has {', '.join(file.schema_arrow.names)})")
    return file


def trim(table: pa.Table, start: int | None, end: int | None) -> pa.Table:
    """The rows of a file, sorted by ts_event, inside [start, end)."""
    ts = numbers(table["ts_event"])
    first = 0 if start is None else int(np.searchsorted(ts, start))
    last = len(ts) if end is None else int(np.searchsorted(ts, end))
    return table.slice(first, last - first)


def traded_period(chunks: dict, intervals: dict[str, int]) -> tuple[int, int]:
    """Open of the first traded bar and close of the last one (ns) of Arrow tables; (0, 0) where there are none."""
    whole = [(chunk, intervals[stream]) for (stream, _), files in chunks.items() if stream in TRADED for chunk in files if len(chunk)]
    starts = [int(numbers(chunk["ts_event"])[0]) for chunk, _ in whole]
    ends = [int(numbers(chunk["ts_event"])[-1]) + interval for chunk, interval in whole]
    return min(starts, default=0), max(ends, default=0)


def fill(tables: dict, chunks: dict, intervals: dict[str, int]) -> None:
    """Copy the columns of Arrow tables into the records of the same key. `intervals` are ns per stream."""
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(fill_table, tables[key], files, intervals[key[0]]) for key, files in chunks.items() if key in tables]
    for job in jobs:
        job.result()


def fill_table(out: np.ndarray, chunks: list[pa.Table], interval: int) -> None:
    """Copy the columns of one stream's files, one after the other, into its records (n,)."""
    row = 0
    for chunk in chunks:
        for name in chunk.column_names:
            out[name][row:row + len(chunk)] = numbers(chunk[name])
        row += len(chunk)
    if out.dtype.names == BAR.names:
        np.add(out["ts_event"], interval, out=out["ts_close"])


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    """A column as float64, an empty cell as NaN; a column of times as int64 ns."""
    if column.type == TIME:
        arrays = [np.from_dlpack(chunk.view(pa.int64())) for chunk in column.chunks]
    else:  # to_numpy alone would do, and would import pandas
        arrays = [chunk.to_numpy(zero_copy_only=False) if chunk.null_count else np.from_dlpack(chunk) for chunk in column.chunks]
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.empty(0, "i8" if column.type == TIME else "f8"), *arrays])
