"""A finished run or sweep on disk: all files at once, or none."""

import json
import math
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from backtester.results.tables import TIMES

TEXT = object


def write_folder(folder: Path, tables: dict, documents: dict, page: Callable[[Path], Path] | None = None) -> Path:
    """Write `tables` as <name>.parquet, `documents` as JSON and the page into `folder`, through a folder beside it."""
    folder = folder.absolute()
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        with ThreadPoolExecutor() as pool:  # compression leaves Python free for the page
            writing = [pool.submit(write_table, draft / f"{name}.parquet", columns) for name, columns in tables.items()]
            for name, document in documents.items():
                (draft / name).write_text(json.dumps(finite(document), indent=2, allow_nan=False) + "\n", encoding="utf-8")
            if page:
                page(draft / "report.html")
            for job in writing:
                job.result()
        publish(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def publish(draft: Path, folder: Path) -> None:
    """Put a finished draft in place: in one step where the folder is new or empty, else file by file."""
    try:
        os.rename(draft, folder)
    except OSError:
        for file in draft.iterdir():
            os.replace(file, folder / file.name)


def write_table(path: Path, columns: dict) -> None:
    """One Parquet file; int64 ns become UTC timestamps, a time of 0 is none."""
    arrays = {name: arrow(name, np.ascontiguousarray(values)) for name, values in columns.items()}
    words = [name for name, array in arrays.items() if pa.types.is_string(array.type)]
    pq.write_table(pa.table(arrays), path, compression="lz4", use_dictionary=words)


def arrow(name: str, values: np.ndarray) -> pa.Array:
    """A column (n,) as Arrow has it, from its buffers: pa.array would import pandas, a fifth of a short run."""
    if values.dtype == TEXT:
        encoded = [str(value).encode() for value in values]
        offsets = np.concatenate([[0], np.cumsum([len(text) for text in encoded])]).astype(np.int32)
        return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))
    if name in TIMES:
        known = np.packbits(values != 0, bitorder="little")
        return pa.Array.from_buffers(pa.timestamp("ns", "UTC"), len(values), [pa.py_buffer(known), pa.py_buffer(values)])
    if values.dtype.kind == "b":
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(np.packbits(values, bitorder="little"))])
    kind = pa.int64() if values.dtype.kind == "i" else pa.float64()
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values.astype(kind.to_pandas_dtype(), copy=False))])


def finite(document):
    """JSON has no NaN and no infinity: they are null."""
    if isinstance(document, dict):
        return {key: finite(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [finite(value) for value in document]
    return None if isinstance(document, float) and not math.isfinite(document) else document
