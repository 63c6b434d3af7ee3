"""What a data set consists of: instruments, streams, the header in dataset.yaml, and the Market that a run reads."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

import numpy as np

from backtester.errors import UserError
from backtester.market.times import interval, milliseconds
from backtester.records import BAR, BYTE, ROLES, STREAMS, Streams

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

ROLE = re.compile(r"(?:([a-z][a-z0-9]*)_)?(spot|perp)")  # an asset's word (none: the first asset), then the kind

# The streams whose instrument fills orders, and the kind that it has to be.
TRADED = {"spot_bars": "spot", "perp_bars": "perp"}
MADE_OF = ("interval", "volume", "dollar")  # what may fill a bar that is made from trades: time, base or quote
OF_KIND = TRADED | {"brackets": "perp"}  # all streams that belong to one kind alone


@dataclass(frozen=True)
class Instrument:
    """What is traded. An unbound role has an instrument without a name."""

    name: str
    role: str                          # spot, perp; of a further asset eth_spot, eth_perp
    tick: float | None = None          # quote, the price's smallest step
    lot: float | None = None           # base, the quantity's smallest step
    min_notional: float | None = None  # quote, the smallest order
    taker_bp: float | None = None      # basis points of notional
    maker_bp: float | None = None      # basis points of notional

    @property
    def kind(self) -> str:
        """spot or perp."""
        return self.role.rpartition("_")[2]

    @property
    def asset(self) -> str:
        """The asset's word, empty for the first."""
        return self.role.rpartition("_")[0]


class Making(NamedTuple):
    """How bars are made from trades."""

    what: str    # of MADE_OF: what fills a bar
    size: float  # that fills it: ns, base or quote
    lag: int     # from its close to the moment it is known, ns


class Span(NamedTuple):
    """The first record of a table."""

    first: int     # ts_event, ns
    interval: int  # of bars that follow the clock: their length, ns; else 0


class Piece(NamedTuple):
    """Some consecutive events of a market, whole instants, with the records that they name."""

    streams: Streams
    known: np.ndarray  # events (k,) of earlier pieces: the last known bar of each instrument that had one


@dataclass(frozen=True)
class Market:
    """Everything that a run knows of the world, in causal order."""

    name: str
    instruments: tuple[Instrument, ...]  # asset by asset, spot before perp
    streams: Streams
    start: int                           # open of the first traded bar, ns
    end: int                             # close of the last traded bar, ns
    counts: dict[str, int]               # rows per "stream/instrument"
    tags: tuple[str, ...]                # words of exogenous tags; a code is an index
    source: dict                         # name, path, sha256 per file, margin brackets, period per stream
    tables: Mapping                      # (stream, instrument index): its records, views into `streams`
    spans: dict[tuple[str, int], Span]   # of the same keys

    @property
    def roles(self) -> tuple[str, ...]:
        """The role of every instrument."""
        return tuple(each.role for each in self.instruments)

    def pieces(self) -> Iterator[Piece]:
        """All events in order; of a market that is in memory, in one piece."""
        yield Piece(self.streams, self.streams.events[:0])


@dataclass(frozen=True)
class Header:
    """dataset.yaml, checked."""

    name: str
    instruments: tuple[Instrument, ...]
    brackets: dict[str, str]   # instrument's name -> the file of its margin brackets, as dataset.yaml spells it
    intervals: dict[str, int]  # ns per declared stream; 0 where it names none
    tags: tuple[str, ...]
    made: dict[str, Making]    # streams of bars that are made from trades
    unbound: tuple[str, ...] = ()  # instruments that have files and no role, because a config binds others


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
    brackets = {item["name"]: bracket_file(item, where) for item in raw["instruments"] if item.get("brackets") is not None}
    intervals = {stream: stream_interval(stream, keys, where) for stream, keys in raw["streams"].items()}
    made = {stream: making(stream, keys, where) for stream, keys in raw["streams"].items() if "from" in keys}
    return Header(raw["name"], instruments, brackets, intervals, tuple(raw.get("tags") or ()), made)


def instrument(item, where: str) -> Instrument:
    """One entry of `instruments`."""
    optional = list(Instrument.__dataclass_fields__)[2:]
    if not isinstance(item, dict) or not {"name", "role"} <= set(item) <= {"name", "role", "brackets", *optional}:
        raise UserError(f"{where}: instruments: {item!r} needs name and role, and may have {', '.join(optional)}, brackets")
    name, role = item["name"], item["role"]
    if not isinstance(name, str) or not name or set(name) & set("/\\= "):
        raise UserError(f"{where}: instruments: {name!r} is no name for a folder (no blanks, '/' or '=')")
    if not isinstance(role, str) or not ROLE.fullmatch(role):
        raise UserError(f"{where}: {name}: unknown role {role!r} (roles are {', '.join(ROLES)}; of a further asset such as eth_spot)")
    numbers = {key: item[key] for key in optional if item.get(key) is not None}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise UserError(f"{where}: instruments: {name}: {key} is {value!r}: write a number such as 0.001, or null")
    return Instrument(name, role, **{key: float(value) for key, value in numbers.items()})


def bracket_file(item: dict, where: str) -> str:
    """The key `brackets` of an entry of `instruments` that is right otherwise."""
    name, file = item["name"], item["brackets"]
    if not isinstance(file, str) or not file:
        raise UserError(f"{where}: instruments: {name}: brackets is {file!r}: name a file of data/brackets, or a path that ends in .yaml")
    if not item["role"].endswith(OF_KIND["brackets"]):
        raise UserError(f"{where}: instruments: {name}: brackets belong to a perp, and {name} has the role {item['role']}")
    return file


def by_role(instruments: list[Instrument], where: str) -> tuple[Instrument, ...]:
    """The instruments in the order of all_roles, an unnamed one where a role is unbound."""
    bound: dict[str, Instrument] = {}
    for each in instruments:
        if each.role in bound:
            raise UserError(f"{where}: role {each.role} is bound twice, to {bound[each.role].name} and to {each.name}: keep one")
        if each.name in {other.name for other in bound.values()}:
            raise UserError(f"{where}: two instruments are named {each.name}: give each its own name")
        bound[each.role] = each
    roles = all_roles(instruments)
    if not set(ROLES) & set(bound):
        raise UserError(f"{where}: no instrument has the role spot or perp: the roles of the first asset have no word before them")
    if len(roles) > BYTE + 1:
        raise UserError(f"{where}: {len(roles) // 2} assets: an event has room for {(BYTE + 1) // 2}")
    return tuple(bound.get(role, Instrument("", role)) for role in roles)


def all_roles(instruments: Iterable[Instrument]) -> list[str]:
    """The roles of all assets of some instruments: the first asset, then the others as they come; spot before perp."""
    prefixes = dict.fromkeys(["", *(f"{each.asset}_" for each in instruments if each.asset)])
    return [prefix + role for prefix in prefixes for role in ROLES]


def stream_interval(stream: str, keys, where: str) -> int:
    """The interval (ns) of one entry of `streams`; bars cannot do without."""
    known_stream(stream, where)
    if stream == "brackets":
        raise UserError(f"{where}: streams: brackets come from the file that an instrument names under its key brackets")
    if not isinstance(keys, dict) or not set(keys) <= {"interval", "lag_ms", "from", *MADE_OF}:
        raise UserError(f"{where}: streams: {stream}: {keys!r} may have interval and lag_ms; what is made of trades has from and a size")
    milliseconds(keys.get("lag_ms", 0), f"{where}: streams: {stream}: lag_ms")
    if "interval" in keys:
        return interval(keys["interval"], f"{where}: streams: {stream}: interval")
    if STREAMS[stream] is BAR and "from" not in keys:
        raise UserError(f"{where}: streams: {stream}: bars need their interval, such as 5m")
    return 0


def making(stream: str, keys: dict, where: str) -> Making:
    """How a stream with the key `from` is made."""
    place = f"{where}: streams: {stream}"
    if stream not in TRADED or keys["from"] != "trades":
        raise UserError(f"{place}: from: {keys['from']!r}: only {' and '.join(TRADED)} are made, from trades")
    given = [key for key in MADE_OF if key in keys]
    if len(given) != 1:
        raise UserError(f"{place}: name one of {', '.join(MADE_OF)}: what fills a bar")
    size = interval(keys["interval"], f"{place}: interval") if given == ["interval"] else keys[given[0]]
    if isinstance(size, bool) or not isinstance(size, int | float) or not 0.0 < size < float("inf"):
        raise UserError(f"{place}: {given[0]}: {size!r} is no quantity: write a number above 0")
    return Making(given[0], float(size), milliseconds(keys.get("lag_ms", LAG_MS[stream]), f"{place}: lag_ms"))


def known_stream(stream: str, where: str) -> None:
    """Raises UserError for a stream that does not exist."""
    if stream not in STREAMS:
        raise UserError(f"{where}: unknown stream {stream!r} (streams are {', '.join(STREAMS)})")
