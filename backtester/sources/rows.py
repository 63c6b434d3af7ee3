"""From raw files to the records of one stream; nothing goes unsaid, nothing is invented."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from backtester.errors import UserError
from backtester.market.schema import OPTIONAL
from backtester.market.times import iso
from backtester.records import BAR, STREAMS, rows
from backtester.sources.cells import column, flags, read_numbers, read_times, read_words
from backtester.sources.order import Origin, in_order, once, possible
from backtester.sources.raw import Raw, read_raw
from backtester.sources.source import Source, find_files
from backtester.sources.summary import Imported, find_gaps


def import_source(source: Source, folder: Path, start: int, end: int, tables: dict) -> tuple[np.ndarray, Imported]:
    """The records of one entry of a recipe inside [start, end), and what became of its rows. `tables` are those made before."""
    raws = [read_raw(path, header_for(source, path)) for path in find_files(source, folder)]
    origin = Origin(raws)
    table, numbers, ids, notes = joined([taken(source, raw, tables) for raw in raws], origin)
    said = {"rows_in": len(table)}
    inside = (table["ts_event"] >= start) & (table["ts_event"] < end)
    whole = inside & ~np.isnan(sum(table[field] for field in needed(source.stream)))
    said |= {"outside": int((~inside).sum()), "dropped": int((inside & ~whole).sum())}
    if not whole.any():
        files = f"{raws[0].file}" if len(raws) == 1 else f"{raws[0].file} and {len(raws) - 1} more"
        period = f"{iso(start)} .. {iso(end)}"
        raise UserError(f"{files}: none of its {len(table)} rows is whole and inside {period}: name another period or file")
    keep = np.flatnonzero(whole)
    repaired: dict[str, int] = {}
    for step in (in_order, once, possible):
        keep = step(source, table, keep, numbers, ids, origin, repaired)
    table = table[keep]
    return table, Imported(
        stream=source.stream, instrument=source.instrument, file=", ".join(source.files),
        files={str(Path(raw.file).relative_to(folder)): raw.sha256 for raw in raws},
        rows_out=len(table), repaired=repaired, notes=notes,
        zero_volume=int((table["volume"] == 0).sum()) if STREAMS[source.stream] is BAR else 0,
        gaps=find_gaps(table["ts_event"], start, end, source.interval) if source.interval else (),
        **said,
    )  # fmt: skip


def header_for(source: Source, path: Path) -> tuple[tuple[str, ...], ...]:
    """The columns that a file without a header may have."""
    return () if path.suffix == ".parquet" else source.headers


def needed(stream: str) -> list[str]:
    """The fields without which a row is no record."""
    return [field for field in STREAMS[stream].names or () if not field.startswith("ts_") and field not in OPTIONAL]


def joined(parts: Iterable, origin: Origin):
    """The records of all files one after the other, the numbers of their rows, their ids, and the notes."""
    tables, rows_of, ids, notes = zip(*parts, strict=True)
    numbers = np.concatenate([each + first for each, first in zip(rows_of, origin.first, strict=False)])
    return np.concatenate(tables), numbers, np.concatenate(ids), [note for each in notes for note in each]


def taken(source: Source, raw: Raw, tables: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """The records of one file, the row of each, its id, and what is odd about the file."""
    raw = chosen(source, raw)
    made, notes = [], list(raw.notes)
    for columns in source.records:
        table, odd = to_records(source, raw, columns, tables)
        made.append(table)
    if source.unique:
        ids = read_numbers(raw, source.unique)
    else:
        ids = np.arange(len(raw.table), dtype="f8")
    count = len(made)
    numbers = np.tile(np.arange(len(raw.table)), count)
    return np.concatenate(made), numbers, np.tile(ids, count), notes + odd


def chosen(source: Source, raw: Raw) -> Raw:
    """The rows that are asked for; a file of several symbols needs to be told which."""
    if source.symbol and source.symbol in raw.table.column_names:
        names = column(raw, source.symbol).to_numpy()
        if (other := names != names[0]).any():
            row = int(other.argmax())
            raise UserError(f"{raw.place(row)}: {source.symbol} changes from {names[0]} to {names[row]}: say which with only: "
                            f"{{{source.symbol}: {names[0]}}}")
    if not source.only:
        return raw
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = np.ones(len(raw.table), bool)
    for name, word in source.only.items():
        mask &= flags(pc.equal(column(raw, name).cast(pa.string()), word))
    if not mask.any():
        raise UserError(f"{raw.file}: no row has {' and '.join(f'{name} {word}' for name, word in source.only.items())}")
    return Raw(raw.file, raw.table.filter(pa.array(mask)), raw.header, raw.sha256, raw.notes)


def to_records(source: Source, raw: Raw, columns: dict, tables: dict) -> tuple[np.ndarray, list[str]]:
    """Records (n,) of one stream with both times and, for bars, ts_close; a field that the source lacks is NaN."""
    out = rows(STREAMS[source.stream], len(raw.table))
    for field in out.dtype.names or ():
        out[field] = 0 if field.startswith("ts_") else np.nan
    moment, notes = read_times(raw, columns["ts_event"], source.zone)
    if source.floor:
        moment -= moment % source.floor
    out["ts_event"] = moment = moment + source.shift
    for field, how in columns.items():
        if not field.startswith("ts_"):
            out[field] = values(source, raw, how, out, tables)
            empty = np.isnan(out[field])
            if field in OPTIONAL and empty.any() and not empty.all():
                notes.append(f"{raw.place(int(empty.argmax()))}: {field} is empty, in {empty.sum()} rows: unknown there")
    if STREAMS[source.stream] is BAR:
        out["ts_close"] = moment = moment + source.interval
    out["ts_known"] = moment + source.lag
    if "ts_known" in columns:
        out["ts_known"] = np.maximum(read_times(raw, columns["ts_known"], source.zone)[0], moment)
    return out, notes


def values(source: Source, raw: Raw, how, out: np.ndarray, tables: dict) -> np.ndarray:
    """One field of the records (n,): a column, a number, words as numbers, a product or a quotient, or the last close that was known."""
    if isinstance(how, str):
        return read_numbers(raw, how)
    if not isinstance(how, dict):
        return np.full(len(raw.table), float(how))
    if "words" in how:
        return read_words(raw, how["column"], how["words"])
    if "close_of" in how:
        return last_close(source, how["close_of"], out["ts_event"], tables)
    out_of = read_numbers(raw, how["column"]) * float(how.get("times", 1))
    if "over" not in how:
        return out_of
    own = how["over"] in raw.table.column_names or how["over"] not in (out.dtype.names or ())  # else a field made before
    below = read_numbers(raw, how["over"]) if own else out[how["over"]]
    return np.divide(out_of, below, out=np.full(len(out_of), np.nan), where=below > 0)


def last_close(source: Source, stream: str, moments: np.ndarray, tables: dict) -> np.ndarray:
    """The close of the last bar that ended at or before each moment (n,), NaN before the first."""
    bars = tables.get((stream, source.instrument))
    if bars is None:
        raise UserError(f"{source.stream}/{source.instrument}: its prices come from {stream}: put that entry above it in the recipe")
    at = np.searchsorted(bars["ts_close"], moments, side="right") - 1
    return np.where(at >= 0, bars["close"][np.maximum(at, 0)], np.nan)
