"""Importing by recipe: a YAML file in conf/import says which file feeds which stream; nothing is invented on the way."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from backtester.checkout import ROOT
from backtester.errors import UserError
from backtester.market.read import TIME, numbers, read_parquet
from backtester.market.schema import LAG_MS, OPTIONAL, stream_interval
from backtester.market.times import SECOND, instant, iso, milliseconds
from backtester.market.write import write_dataset
from backtester.records import BAR, STREAMS, rows
from backtester.sources.summary import Imported, Summary, find_gaps

KEYS = ("name", "start", "end", "instruments", "licence", "provenance", "sources")
SOURCE_KEYS = ("file", "stream", "instrument", "interval", "lag_ms", "columns")


@dataclass(frozen=True)
class Source:
    """One file of a recipe."""

    file: str
    stream: str
    instrument: str
    interval: int   # ns between rows; 0 where they follow no clock
    lag: int        # ns from a record's moment (a bar: from its close) until it is known
    columns: dict   # the record's field -> the file's column, or a number that holds for every row


def import_recipe(recipe_path, source_dir, target_dir=None) -> Summary:
    """Write the data set of a recipe (a file, or a name in conf/import) from the files in `source_dir`.

    It becomes `target_dir`, or data/<its name>. Rows outside the recipe's period stay behind. A row without a number that
    its record needs (a bar's price, a rate) is dropped and counted; a bar with prices and no volume stays. Missing rows are
    counted and never filled.
    The same files give the same bytes. Raises UserError, and then writes nothing.
    """
    path = find_recipe(recipe_path)
    recipe = read_recipe(path)
    folder = Path(target_dir or ROOT / "data" / recipe["name"])
    start, end = instant(recipe["start"], f"{path}: start"), instant(recipe["end"], f"{path}: end")
    tables, done, streams = {}, [], {}
    for number, item in enumerate(recipe["sources"]):
        source = read_source(item, f"{path}: sources[{number}]")
        key = (source.stream, source.instrument)
        if key in tables:
            raise UserError(f"{path}: sources[{number}]: {'/'.join(key)} is fed twice: one file feeds one stream of an instrument")
        tables[key], imported = import_file(source, Path(source_dir), start, end)
        done.append(imported)
        streams[source.stream] = {key: item[key] for key in ("interval",) if key in item} | {"lag_ms": source.lag * 1000 // SECOND}
    header = {name: recipe[name] for name in ("name", "instruments")} | {"streams": streams, "licence": recipe["licence"]}
    write_dataset(folder, header | {"provenance": provenance(recipe["provenance"], done)}, tables)
    return Summary(recipe["name"], folder, tuple(done))


def find_recipe(recipe_path) -> Path:
    """The file of a recipe that is named or pointed at."""
    named = ROOT / "conf" / "import" / f"{recipe_path}.yaml"
    path = named if named.is_file() else Path(recipe_path)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in named.parent.glob("*.yaml")))
        raise UserError(f"no recipe {recipe_path}: name a YAML file or one of {known}")
    return path


def read_recipe(path: Path) -> dict:
    """A recipe's keys, all of them there."""
    try:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: is no YAML: {error}") from None
    if not isinstance(recipe, dict) or set(recipe) != set(KEYS) or not isinstance(recipe["sources"], list):
        raise UserError(f"{path}: a recipe has the keys {', '.join(KEYS)} (sources is a list)")
    return recipe


def read_source(item, where: str) -> Source:
    """One entry of a recipe's `sources`."""
    if not isinstance(item, dict) or not {"file", "stream", "instrument", "columns"} <= set(item) <= set(SOURCE_KEYS):
        raise UserError(f"{where}: an entry has file, stream, instrument, columns, and may have interval and lag_ms")
    stream, columns = item["stream"], item["columns"]
    if stream not in LAG_MS:
        raise UserError(f"{where}: stream {stream!r} cannot be imported by recipe (these can: {', '.join(LAG_MS)})")
    fields = [field for field in STREAMS[stream].names or () if field not in ("ts_known", "ts_close")]
    needed = [field for field in fields if field not in OPTIONAL]
    if not isinstance(columns, dict) or not set(needed) <= set(columns) <= set(fields):
        raise UserError(f"{where}: columns of {stream} need {', '.join(needed)}, and may be {', '.join(fields)}; given: {columns}")
    for field, name in columns.items():
        if not isinstance(name, str) and (field == "ts_event" or not isinstance(name, int | float)):
            raise UserError(f"{where}: columns: {field} is {name!r}: name a column of the file (or, but for the time, write a number)")
    spacing = stream_interval(stream, {key: item[key] for key in ("interval", "lag_ms") if key in item}, where)
    lag = milliseconds(item.get("lag_ms", LAG_MS[stream]), f"{where}: lag_ms")
    return Source(item["file"], stream, item["instrument"], spacing, lag, columns)


def import_file(source: Source, folder: Path, start: int, end: int) -> tuple[np.ndarray, Imported]:
    """The records of one file inside [start, end), and what became of its rows."""
    path = folder / source.file
    names = [name for name in source.columns.values() if isinstance(name, str)]
    raw, sha256 = read_parquet(path, list(dict.fromkeys(names)))
    values = {field: column_values(raw, field, name, path) for field, name in source.columns.items()}
    inside = (values["ts_event"] >= start) & (values["ts_event"] < end)
    needed = [value for field, value in values.items() if field != "ts_event" and field not in OPTIONAL]
    keep = inside & ~np.isnan(sum(needed))
    if not keep.any():
        raise UserError(f"{path}: none of its {len(raw)} rows is whole and inside {iso(start)} .. {iso(end)}: name another period or file")
    table = to_records(source, {field: value[keep] for field, value in values.items()}, path)
    return table, Imported(
        stream=source.stream,
        instrument=source.instrument,
        file=source.file,
        sha256=sha256,
        rows_in=len(raw),
        outside=int((~inside).sum()),
        dropped=int((inside & ~keep).sum()),
        rows_out=len(table),
        zero_volume=int((table["volume"] == 0).sum()) if "volume" in source.columns else 0,
        gaps=find_gaps(table["ts_event"], start, end, source.interval) if source.interval else (),
    )


def column_values(raw: pa.Table, field: str, name, path: Path) -> np.ndarray:
    """One field of the records (n,): int64 ns for the time, float64 for the rest. `name` is a column or a number."""
    if not isinstance(name, str):
        return np.full(len(raw), float(name))
    kind = raw[name].type
    if field == "ts_event":
        if not (pa.types.is_timestamp(kind) and kind.tz) or raw[name].null_count:
            raise UserError(f"{path}: column {name} is {kind}, {raw[name].null_count} of it empty: right is a timestamp with its zone")
        return numbers(raw[name].cast(TIME))
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise UserError(f"{path}: column {name} is {kind}: right is a number")
    return numbers(raw[name].cast(pa.float64()))


def to_records(source: Source, values: dict, path: Path) -> np.ndarray:
    """Records (n,) of one stream with ts_known and, for bars, ts_close; a field that the source lacks is NaN."""
    out = rows(STREAMS[source.stream], len(values["ts_event"]))
    for field in out.dtype.names or ():
        out[field] = values.get(field, 0 if field.startswith("ts_") else np.nan)
    moment = out["ts_event"]
    if STREAMS[source.stream] is BAR:
        off = moment % source.interval != 0
        if off.any():
            raise UserError(f"{path}, {iso(moment[off.argmax()])}: a bar opens off the grid of its interval: name the right one")
        out["ts_close"] = moment = out["ts_event"] + source.interval
    out["ts_known"] = moment + source.lag
    return out


def provenance(note: str, done: list[Imported]) -> list[dict]:
    """Where the data came from and what is not in them, for dataset.yaml."""
    shown = ("stream", "instrument", "file", "sha256", "rows_in", "outside", "dropped", "rows_out", "missing", "zero_volume")
    return [{"note": note.strip()}, *({key: getattr(each, key) for key in shown} for each in done)]
