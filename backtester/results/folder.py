"""What a run left behind, read back: its folder's files as plain dicts and arrays."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backtester.errors import UserError
from backtester.market.read import numbers

Columns = dict[str, np.ndarray]


class Saved(NamedTuple):
    """A finished run, sweep or walk-forward on disk."""

    folder: Path
    metrics: dict[str, Any]  # of a run alone
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """The strategy's name, else the folder's."""
        return strategy_of(self.manifest) or self.folder.name

    def columns(self, table: str, names: Sequence[str] | None = None) -> Columns:
        """The arrays of `<table>.parquet`: all, or those named."""
        return read_columns(self.folder / f"{table}.parquet", names)


def strategy_of(manifest: dict) -> str:
    """The strategy's name in a manifest; empty where it has none."""
    return str((manifest.get("strategy") or {}).get("name") or "")


def read_run(folder: str | Path) -> Saved:
    """A run's folder; UserError names the folder and what it lacks."""
    folder = _complete(folder, "run", ("metrics.json", "equity.parquet", "manifest.json"))
    return Saved(folder, _read_json(folder / "metrics.json"), _read_json(folder / "manifest.json"))


def read_sweep(folder: str | Path) -> Saved:
    """A sweep's folder; UserError names the folder and what it lacks."""
    folder = _complete(folder, "sweep", ("sweep.parquet", "manifest.json"))
    return Saved(folder, {}, _read_json(folder / "manifest.json"))


def read_walk(folder: str | Path) -> Saved:
    """A walk-forward's folder; UserError names the folder and what it lacks."""
    folder = _complete(folder, "walk-forward", ("walk_forward.parquet", "equity.parquet", "manifest.json"))
    manifest = _read_json(folder / "manifest.json")
    if "truth" not in (manifest.get("walk_forward") or {}):
        raise UserError(f"{folder}: its manifest.json tells nothing of a walk-forward: another version wrote it, run it again")
    return Saved(folder, {}, manifest)


def read_columns(path: Path, names: Sequence[str] | None = None) -> Columns:
    """A Parquet file's columns, all or those named, as arrays; timestamps as int64 ns UTC, 0 where there is none.

    Read as one file and without pandas: a page must not cost that import.
    """
    try:
        table = pq.ParquetFile(path).read(columns=names)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: not readable as Parquet ({error})") from error
    if missing := [name for name in names or () if name not in table.column_names]:
        raise UserError(f"{path}: has no column {', '.join(missing)}: another version wrote it, run it again")
    return {name: _array(table.column(name)) for name in table.column_names}


def flatten(config: dict, prefix: str = "") -> dict[str, Any]:
    """Nested keys as dotted ones: {"venue": {"cash": 1.0}} is {"venue.cash": 1.0}."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return flat


def _array(column: pa.ChunkedArray) -> np.ndarray:
    kind = column.type
    if pa.types.is_timestamp(kind) and column.null_count:
        return np.concatenate([_moments(chunk) for chunk in column.chunks])
    if pa.types.is_timestamp(kind) or pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return numbers(column)
    return np.array(column.to_pylist(), dtype=object)


def _moments(chunk: pa.Array) -> np.ndarray:
    """Timestamps from their buffers, 0 where there is none: to ask Arrow for it would import pandas."""
    known, values = chunk.buffers()
    inside = slice(chunk.offset, chunk.offset + len(chunk))
    found = np.frombuffer(values, "i8")[inside]
    return np.where(np.unpackbits(np.frombuffer(known, "u1"), bitorder="little")[inside] == 1, found, 0) if known else found


def _complete(folder: str | Path, kind: str, needed: tuple[str, ...]) -> Path:
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give the folder that the {kind} left behind")
    if missing := [name for name in needed if not (folder / name).is_file()]:
        raise UserError(f"{folder}: not a finished {kind}, it has no {', no '.join(missing)}")
    return folder


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not readable as JSON ({error})") from error
    if not isinstance(found, dict):
        raise UserError(f"{path}: holds no keys and values")
    return found
