"""What a data set consists of: instruments, streams, the header in dataset.yaml, and the Market that a run reads."""

import re
from dataclasses import dataclass
from math import isfinite

from backtester.errors import UserError
from backtester.market.times import interval, milliseconds
from backtester.records import BAR, ROLES, STREAMS, Streams

# How long after its moment (a bar: after its close) a record is known, ms. Exogenous records name their own ts_known.
LAG_MS = {
    "funding": 5_000,
    "open_interest": 330_000,     # a 5-minute statistic is published one period late
    "long_short_ratio": 330_000,  # the same file
    "liquidations": 1_500,        # the exchange sends at most one a second
    "depth": 100,
    "trades": 100,
    "premium_index_bars": 500,
    "index_bars": 500,
    "mark_bars": 500,
    "spot_bars": 500,
    "perp_bars": 500,
}

# Fields that a source may lack: they are NaN then. Every other field is needed in every record.
OPTIONAL = {"volume", "quote_volume", "taker_buy", "accounts", "top_accounts", "top_positions", "taker_volume"}

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")  # of a data set: it becomes a folder

# The streams whose instrument fills orders, and the role that it has to have.
TRADED = {"spot_bars": "spot", "perp_bars": "perp"}


@dataclass(frozen=True)
class Instrument:
    """What is traded. An unbound role has an instrument without a name."""

    name: str
    role: str                      # spot or perp
    tick: float | None = None      # quote, the price's smallest step
    lot: float | None = None       # base, the quantity's smallest step
    taker_bp: float | None = None  # basis points of notional
    maker_bp: float | None = None  # basis points of notional


@dataclass(frozen=True)
class Market:
    """Everything that a run knows of the world, in causal order."""

    name: str
    instruments: tuple[Instrument, ...]  # in the order of ROLES: a role is an index
    streams: Streams
    start: int                           # open of the first traded bar, ns
    end: int                             # close of the last traded bar, ns
    counts: dict[str, int]               # rows per "stream/instrument"
    tags: tuple[str, ...]                # words of exogenous tags; a code is an index
    source: dict                         # name, path, sha256 per file, period per stream
    tables: dict                         # (stream, instrument index): its records, views into `streams`


@dataclass(frozen=True)
class Header:
    """dataset.yaml, checked."""

    name: str
    instruments: tuple[Instrument, ...]
    intervals: dict[str, int]  # ns per declared stream; 0 where it names none
    tags: tuple[str, ...]


def parse_header(raw, where: str) -> Header:
    """The header that dataset.yaml's mapping describes. Raises UserError, which names the file and the key."""
    for key, kind in {"name": str, "instruments": list, "streams": dict}.items():
        if not isinstance(raw, dict) or not isinstance(raw.get(key), kind):
            raise UserError(f"{where}: {key} is missing or no {kind.__name__}")
    if not NAME.fullmatch(raw["name"]):
        raise UserError(f"{where}: name: {raw['name']!r} is no name for a folder: letters, digits, '_', '.' and '-'")
    if not isinstance(raw.get("tags") or [], list):
        raise UserError(f"{where}: tags: {raw['tags']!r} is no list of words")
    instruments = by_role([instrument(item, where) for item in raw["instruments"]], where)
    intervals = {stream: stream_interval(stream, keys, where) for stream, keys in raw["streams"].items()}
    return Header(raw["name"], instruments, intervals, tuple(raw.get("tags") or ()))


def instrument(item, where: str) -> Instrument:
    """One entry of `instruments`."""
    allowed = list(Instrument.__dataclass_fields__)
    if not isinstance(item, dict) or not {"name", "role"} <= set(item) <= set(allowed):
        raise UserError(f"{where}: instruments: {item!r} needs name and role, and may have {', '.join(allowed[2:])}")
    name = item["name"]
    if not isinstance(name, str) or not name or set(name) & set("/\\= "):
        raise UserError(f"{where}: instruments: {name!r} is no name for a folder (no blanks, '/' or '=')")
    numbers = {key: item[key] for key in allowed[2:] if item.get(key) is not None}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise UserError(f"{where}: instruments: {name}: {key} is {value!r}: write a number such as 0.001, or null")
    return Instrument(name, item["role"], **{key: float(value) for key, value in numbers.items()})


def by_role(instruments: list[Instrument], where: str) -> tuple[Instrument, ...]:
    """The instruments in the order of ROLES, an unnamed one where a role is unbound."""
    bound: dict[str, Instrument] = {}
    for each in instruments:
        if each.role not in ROLES:
            raise UserError(f"{where}: {each.name}: unknown role {each.role!r} (roles are {', '.join(ROLES)})")
        if each.role in bound:
            raise UserError(f"{where}: role {each.role} is bound twice, to {bound[each.role].name} and to {each.name}: keep one")
        if each.name in {other.name for other in bound.values()}:
            raise UserError(f"{where}: two instruments are named {each.name}: give each its own name")
        bound[each.role] = each
    return tuple(bound.get(role, Instrument("", role)) for role in ROLES)


def stream_interval(stream: str, keys, where: str) -> int:
    """The interval (ns) of one entry of `streams`; bars cannot do without."""
    known_stream(stream, where)
    if not isinstance(keys, dict) or not set(keys) <= {"interval", "lag_ms"}:
        raise UserError(f"{where}: streams: {stream}: {keys!r} may have interval and lag_ms, nothing else")
    milliseconds(keys.get("lag_ms", 0), f"{where}: streams: {stream}: lag_ms")
    if "interval" in keys:
        return interval(keys["interval"], f"{where}: streams: {stream}: interval")
    if STREAMS[stream] is BAR:
        raise UserError(f"{where}: streams: {stream}: bars need their interval, such as 5m")
    return 0


def known_stream(stream: str, where: str) -> None:
    """Raises UserError for a stream that does not exist."""
    if stream not in STREAMS:
        raise UserError(f"{where}: unknown stream {stream!r} (streams are {', '.join(STREAMS)})")
