"""A market that stays on disk: it is read piece by piece while it is run, so it may be larger than memory."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backtester.checkout import ROOT
from backtester.errors import UserError
from backtester.market.brackets import load_brackets
from backtester.market.check import check_tables
from backtester.market.cursor import ALL, BATCH, Cursor, Spread, batches, sha256_of, spread
from backtester.market.from_trades import MadeCursor
from backtester.market.merge import allocate, merge
from backtester.market.read import Part, find_parts, overlaps
from backtester.market.schema import TRADED, Header, Making, Market, Piece, Span
from backtester.market.times import iso
from backtester.records import BAR, KIND, STREAMS, Streams

WHOLE = ("brackets", "exogenous")  # streams that are short, and may be known before they happen: read at once


class Tables(Mapping):
    """(stream, instrument index): its records. Each look reads them from disk."""

    def __init__(self, files: "Files"):
        self.files = files

    def __getitem__(self, key):
        """All records of a stream."""
        cursor = self.files.cursor(*key)
        found = [cursor.take(ALL)]
        while cursor.reach < ALL:
            cursor.read()
            found.append(cursor.take(ALL))
        return np.concatenate(found)

    def __contains__(self, key) -> bool:
        return key in self.files.keys

    def __iter__(self):
        return iter(self.files.keys)

    def __len__(self) -> int:
        return len(self.files.keys)


@dataclass(frozen=True)
class Files:
    """What a stored market is read from."""

    header: Header
    parts: dict[tuple[str, int], list[Part]]  # of (stream, instrument index), month by month
    start: int | None                         # ns
    end: int | None                           # ns
    brackets: dict[tuple[str, int], np.ndarray]

    @property
    def keys(self) -> list[tuple[str, int]]:
        """(stream, instrument index) of everything that there is."""
        return in_order([*self.parts, *made_keys(self.header, self.parts), *self.brackets])

    def cursor(self, stream: str, i: int) -> Cursor:
        """A stream of instrument i from its beginning. Raises KeyError where there is none."""
        if (stream, i) in self.brackets:
            out = Cursor(stream, i, iter([self.brackets[stream, i]]))
        elif (stream, i) in self.parts:
            out = Cursor(stream, i, batches(self.parts[stream, i], self.header.intervals[stream], self.start, self.end))
        elif (stream, i) in made_keys(self.header, self.parts):
            out = MadeCursor(stream, self.cursor("trades", i), self.header.made[stream])
        else:
            raise KeyError((stream, i))
        while stream in WHOLE and out.reach < ALL:
            out.read()
        return out


@dataclass(frozen=True)
class StoredMarket(Market):
    """A market whose `streams` are empty, and whose `tables` are read when they are asked for."""

    files: Files

    def pieces(self) -> Iterator[Piece]:
        """All events in order; the next piece is read while one is worked on."""
        with ThreadPoolExecutor(1) as pool:
            pieces = self.read()
            ahead = pool.submit(next, pieces, None)
            while (piece := ahead.result()) is not None:
                ahead = pool.submit(next, pieces, None)
                yield piece

    def read(self) -> Iterator[Piece]:
        """The same, one after the other."""
        cursors = [self.files.cursor(*key) for key in self.files.keys]
        known: dict[tuple[str, int], np.ndarray] = {}
        while any(cursor.reach < ALL or len(cursor.held) for cursor in cursors):
            before = read_on(cursors)
            tables = {(cursor.stream, cursor.instrument): cursor.take(before) for cursor in cursors}
            check_tables(self.name, self.instruments, {key: table for key, table in tables.items() if len(table)})
            if any(map(len, tables.values())):
                yield piece_of(tables, known)
            known |= {key: last_known(table) for key, table in tables.items() if key[0] in TRADED and len(table)}


def read_on(cursors: list[Cursor]) -> int:
    """Read on where least has been read, until there is enough for a piece; returns the moment (ns) before which all is known."""
    while (last := min(cursors, key=lambda cursor: cursor.reach)).reach < ALL:
        last.read()
        if sum(len(cursor.held) for cursor in cursors) >= BATCH:
            break
    return min(cursor.reach for cursor in cursors)


def piece_of(tables: dict, known: dict) -> Piece:
    """The events of some tables; `known`: the last known bar of an earlier piece, as one record."""
    parts = {key: [known.get(key, table[:0]), table] for key, table in tables.items()}
    arrays, places = allocate({key: sum(map(len, both)) for key, both in parts.items()})
    for key, place in places.items():
        place[:] = np.concatenate(parts[key])
    events = merge(places)  # what was known before stands first
    return Piece(Streams(events=events[len(known):], **arrays), events[: len(known)])


def last_known(table: np.ndarray) -> np.ndarray:
    """The record that became known last, (1,)."""
    last = len(table) - 1 - int(np.argmax(table["ts_known"][::-1]))
    return table[last : last + 1].copy()


def stored_market(folder: Path, header: Header, start: int | None, end: int | None, source: dict) -> StoredMarket:
    """The market of a data set's folder, start <= ts_event < end (ns). `source` is what its manifest says beside what is found here.

    Raises UserError where there is nothing to trade on.
    """
    parts: dict[tuple[str, int], list[Part]] = {}
    for part in find_parts(folder, header):
        if overlaps(part.month, start, end):
            parts.setdefault((part.stream, part.instrument), []).append(part)
    with ThreadPoolExecutor() as pool:
        hashes = {part.path: pool.submit(sha256_of, part.path) for files in parts.values() for part in files}
        read = {key: [pool.submit(spread, part, start, end) for part in files] for key, files in parts.items()}
    spreads = {key: total([future.result() for future in futures]) for key, futures in read.items()}
    parts = {key: files for key, files in parts.items() if spreads[key].rows}
    spreads |= {(stream, i): made_of(spreads["trades", i], header.made[stream]) for stream, i in made_keys(header, parts)}
    traded = {key: each for key, each in spreads.items() if key[0] in TRADED and each.rows}
    if not traded:
        raise UserError(f"{header.name}: no bars to trade on: a market needs rows in {' or '.join(TRADED)}")
    opens = min(each.first for each in traded.values())
    closes = max(each.last + header.intervals[stream] for (stream, _), each in traded.items())
    brackets, told = load_brackets(header, folder, ROOT, opens, closes)
    spreads |= {key: Spread(len(table), *table["ts_event"][[0, -1]].tolist()) for key, table in brackets.items() if len(table)}
    labels = {(stream, i): f"{stream}/{header.instruments[i].name}" for stream, i in in_order(spreads) if spreads[stream, i].rows}
    return StoredMarket(
        name=header.name,
        instruments=header.instruments,
        streams=Streams(np.empty(0, "i8"), **allocate({})[0]),
        start=opens,
        end=closes,
        counts={label: spreads[key].rows for key, label in labels.items()},
        tags=header.tags,
        source={"name": header.name} | source | {
            "files": source["files"] | {str(path.relative_to(folder)): future.result() for path, future in hashes.items()},
            "brackets": told,
            "streams": {label: [iso(ts) for ts in spreads[key][1:]] for key, label in labels.items()},
        },
        tables=Tables(files := Files(header, parts, start, end, brackets)),
        spans={key: Span(spreads[key].first, header.intervals[key[0]] if STREAMS[key[0]] is BAR else 0) for key in files.keys},
        files=files,
    )


def made_keys(header: Header, parts: dict) -> list[tuple[str, int]]:
    """The streams that are made from trades: of instruments of their kind that have trades and no such stream of their own."""
    instruments = [(i, each.kind) for i, each in enumerate(header.instruments) if ("trades", i) in parts]
    return [(stream, i) for stream in header.made for i, kind in instruments if kind == TRADED[stream] and (stream, i) not in parts]


def total(spreads: list[Spread]) -> Spread:
    """What several files hold together."""
    return Spread(sum(each.rows for each in spreads), min(each.first for each in spreads), max(each.last for each in spreads))


def made_of(trades: Spread, making: Making) -> Spread:
    """What is made of trades; of bars that do not follow the clock it is not known how many there will be, one is said."""
    if making.what != "interval":
        return Spread(1, trades.first, trades.last + 1)
    first, last = (ts // int(making.size) for ts in trades[1:])
    return Spread(last - first, first * int(making.size), (last - 1) * int(making.size))


def in_order(keys: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Keys (stream, instrument index) in the order in which a market has them."""
    return sorted(keys, key=lambda key: (KIND[key[0]], key[1]))
