"""One entry of a recipe: which files feed which stream of which instrument, and how their columns are to be read."""

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from backtester.errors import UserError
from backtester.market.schema import LAG_MS, OPTIONAL, stream_interval
from backtester.market.times import interval, milliseconds
from backtester.records import STREAMS
from backtester.sources.layouts import LAYOUTS, Layout

KEYS = ("file", "stream", "instrument", "interval", "lag_ms", "layout", "columns", "header", "zone", "shift", "only", "repair")
COMPUTED = ({"column", "words"}, {"column", "times"}, {"column", "over"}, {"column", "times", "over"}, {"close_of"})
REPAIRS = {
    "sort": "rows are put in the order of their moments",
    "duplicates": "of rows that are equal one is kept",
    "last": "of rows of one moment that differ the last is kept",
    "drop": "rows that cannot be (a price below zero, a high below the close) are left out",
}


@dataclass(frozen=True)
class Source:
    """One stream of one instrument, from one file or from many."""

    files: tuple[str, ...]  # names or patterns, in the folder of the raw files
    stream: str
    instrument: str
    interval: int           # ns between rows; 0 where they follow no clock
    lag: int                # ns from a record's moment (a bar: from its close) until it is known
    records: tuple[dict, ...]  # of a row: field -> its column, a number, or how it is computed
    headers: tuple[tuple[str, ...], ...]  # the columns of files without a header
    zone: str | None        # of times without an offset
    floor: int              # ns that moments are cut to; 0: as they are
    shift: int              # ns that are added to the file's stamps
    unique: str | None      # a column whose value no two rows share
    symbol: str | None      # a column that must say the same in every row that is read
    only: dict              # column -> the word that its rows must have to be read
    repair: frozenset[str]  # keys of REPAIRS


def read_source(item, where: str) -> Source:
    """One entry of a recipe's `sources`. Raises UserError, which names the key."""
    if not isinstance(item, dict) or not {"file", "stream", "instrument"} <= set(item) <= set(KEYS):
        raise UserError(f"{where}: an entry has file, stream, instrument, columns or layout, and may have {', '.join(KEYS[3:])}")
    if ("layout" in item) == ("columns" in item):
        raise UserError(f"{where}: an entry has file, stream, instrument, and either columns or a layout")
    stream = item["stream"]
    if stream not in LAG_MS:
        raise UserError(f"{where}: stream {stream!r} cannot be imported by recipe (these can: {', '.join(LAG_MS)})")
    layout = find_layout(item, stream, where)
    records = layout.streams[stream] if isinstance(layout.streams[stream], tuple) else (layout.streams[stream],)
    for columns in records:
        check_columns(columns, stream, where)
    spacing = stream_interval(stream, {key: item[key] for key in ("interval", "lag_ms") if key in item}, where)
    lag = milliseconds(item.get("lag_ms", LAG_MS[stream] if layout.lag_ms is None else layout.lag_ms), f"{where}: lag_ms")
    return Source(
        files=texts(item["file"], f"{where}: file"),
        stream=stream, instrument=item["instrument"], interval=spacing, lag=lag, records=tuple(records), headers=layout.headers,
        zone=read_zone(item.get("zone", layout.zone), where),
        floor=interval(layout.floor, where) if layout.floor else 0,
        shift=read_shift(item.get("shift", layout.shift), spacing, where),
        unique=layout.unique, symbol=None if item.get("only") else layout.symbol, only=read_only(item.get("only") or {}, where),
        repair=read_repair(item.get("repair", list(layout.repair)), where),
    )  # fmt: skip


def find_layout(item: dict, stream: str, where: str) -> Layout:
    """The layout that an entry names, or the one that it spells."""
    name = item.get("layout")
    if name is None:
        headers = (texts(item["header"], f"{where}: header"),) if "header" in item else ()
        return Layout({stream: item["columns"]}, headers)
    if name not in LAYOUTS:
        raise UserError(f"{where}: layout {name!r} is unknown (there are {', '.join(LAYOUTS)})")
    if stream not in LAYOUTS[name].streams:
        raise UserError(f"{where}: layout {name} feeds {', '.join(LAYOUTS[name].streams)}, not {stream}")
    return LAYOUTS[name]


def check_columns(columns, stream: str, where: str) -> None:
    """Every field that the stream's record needs has a column, a number, or a way to be computed."""
    fields = [field for field in STREAMS[stream].names or () if field != "ts_close"]
    needed = [field for field in fields if field not in OPTIONAL and field != "ts_known"]
    if not isinstance(columns, dict) or not set(needed) <= set(columns) <= set(fields):
        raise UserError(f"{where}: columns of {stream} need {', '.join(needed)}, and may be {', '.join(fields)}; given: {columns}")
    for field, how in columns.items():
        if not isinstance(how, str) and (field.startswith("ts_") or not computable(how)):
            raise UserError(f"{where}: columns: {field} is {how!r}: name a column of the file (or, but for the time, write a number, "
                            "or {column: side, words: {buy: 1, sell: -1}}, or {column: usd, times: 0.01, over: price})")


def computable(how) -> bool:
    """Whether a number stands there, or a computed field whose parts have the right types."""
    if type(how) in (int, float):
        return True
    if not isinstance(how, dict) or set(how) not in COMPUTED:
        return False
    words = all(isinstance(how[key], str) for key in ("column", "over", "close_of") if key in how)
    return words and isinstance(how.get("words", {}), dict) and type(how.get("times", 1)) in (int, float)


def texts(value, where: str) -> tuple[str, ...]:
    """One word or a list of them."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        raise UserError(f"{where}: {value!r}: write a name, or a list of names")
    return tuple(items)


def read_zone(zone, where: str) -> str | None:
    """A time zone that exists."""
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, TypeError, OSError):
            raise UserError(f"{where}: zone: {zone!r} is no time zone: write UTC or America/New_York") from None
    return zone


def read_shift(shift, spacing: int, where: str) -> int:
    """What is added to stamps, ns: a length with its sign, or the recipe's own interval."""
    if shift is None:
        return 0
    if shift == "interval":
        if not spacing:
            raise UserError(f"{where}: interval is missing: such files stamp what is known an interval later")
        return spacing
    text = str(shift)
    return (-1 if text.startswith("-") else 1) * interval(text.removeprefix("-"), f"{where}: shift")


def read_only(only, where: str) -> dict:
    """Which rows are read."""
    if not isinstance(only, dict) or not all(isinstance(part, str) for pair in only.items() for part in pair):
        raise UserError(f"{where}: only: {only!r}: write a column and its word, such as {{symbol: BTCUSDT}}")
    return only


def read_repair(repair, where: str) -> frozenset[str]:
    """The rules that may be applied."""
    if not isinstance(repair, list) or not set(map(str, repair)) <= set(REPAIRS):
        raise UserError(f"{where}: repair: {repair!r}: a list of {', '.join(REPAIRS)}")
    return frozenset(repair)


def find_files(source: Source, folder: Path) -> list[Path]:
    """The files of an entry, each once, in the order of their names. Raises UserError for a pattern that meets none."""
    found: dict[str, Path] = {}
    for name in source.files:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise UserError(f"{name}: lies outside the folder of the raw files, {folder}: name a file inside it")
        met = sorted(folder.glob(name)) if any(sign in name for sign in "*?[") else [folder / name]
        if not met:
            raise UserError(f"{folder / name}: no such file")
        found |= {path.name + str(path): path for path in met if not path.name.endswith(".CHECKSUM")}
    return [found[key] for key in sorted(found)]
