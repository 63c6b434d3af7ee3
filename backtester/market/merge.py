"""One causal order: tables of records become a single stream of events."""

import numpy as np

from backtester.errors import UserError
from backtester.market.check import check_tables
from backtester.market.schema import TRADED, Instrument, Market, Span
from backtester.market.times import iso
from backtester.records import BAR, INSTRUMENT_SHIFT, KIND, KIND_SHIFT, LAST_SHIFT, STREAMS, Streams, rows


def build(name: str, instruments: tuple[Instrument, ...], tables: dict, tags=(), source: dict | None = None) -> Market:
    """The market of tables {(stream, instrument index): records of that stream, ts_known filled}.

    `instruments` stand asset by asset, spot before perp. Raises UserError for a table that cannot be right.
    """
    check_tables(name, instruments, tables)
    arrays, places = allocate({key: len(table) for key, table in tables.items()})
    for key, place in places.items():
        place[:] = tables[key]
    return assemble(name, instruments, arrays, places, tags, source)


def allocate(counts: dict) -> tuple[dict, dict]:
    """Room for `counts` {(stream, instrument index): rows}.

    Returns the arrays per field of Streams, a "none yet" record at row 0 of each, and the tables as views into them,
    in the order of their priority, empty ones left out.
    """
    keys = sorted((key for key in counts if counts[key]), key=lambda key: (KIND[key[0]], key[1]))
    size = dict.fromkeys(Streams._fields[1:], 1)
    first = {}
    for key in keys:
        first[key] = size[array_of(key[0])]
        size[array_of(key[0])] += counts[key]
    arrays = {field: rows(STREAMS.get(field, BAR), n) for field, n in size.items()}
    for array in arrays.values():
        for field in array.dtype.names or ():
            if array.dtype[field].base.kind == "f":
                array[field][0] = np.nan
    return arrays, {key: arrays[array_of(key[0])][row:row + counts[key]] for key, row in first.items()}


def array_of(stream: str) -> str:
    """The field of Streams that holds a stream's records."""
    return "bars" if STREAMS[stream] is BAR else stream


def assemble(name: str, instruments: tuple[Instrument, ...], arrays: dict, tables: dict, tags, source: dict | None) -> Market:
    """The market of filled and checked arrays and tables, as `allocate` returned them."""
    traded = [table for (stream, _), table in tables.items() if stream in TRADED]
    if not traded:
        raise UserError(f"{name}: no bars to trade on: a market needs rows in {' or '.join(TRADED)}")
    labels = {key: f"{key[0]}/{instruments[key[1]].name}" for key in tables}
    periods = {labels[key]: [iso(table["ts_event"][row]) for row in (0, -1)] for key, table in tables.items()}
    return Market(
        name=name,
        instruments=tuple(instruments),
        streams=Streams(events=merge(tables), **arrays),
        start=min(int(table["ts_event"][0]) for table in traded),
        end=max(int(table["ts_close"][-1]) for table in traded),
        counts={labels[key]: len(table) for key, table in tables.items()},
        tags=tuple(tags),
        source={"name": name} | (source or {}) | {"streams": periods},
        tables=tables,
        spans={key: Span(int(table["ts_event"][0]), length_of(table)) for key, table in tables.items()},
    )


def length_of(table: np.ndarray) -> int:
    """The length of bars that all have the same, ns; 0 for others and for records that are no bars."""
    if table.dtype.names != BAR.names:
        return 0
    lengths = table["ts_close"] - table["ts_event"]
    return int(lengths[0]) if (lengths == lengths[0]).all() else 0


def merge(tables: dict) -> np.ndarray:
    """Packed events (int64) of tables in priority order, sorted by (ts_known, kind, sequence); LAST ends each instant."""
    known = np.concatenate([table["ts_known"] for table in tables.values()])
    order = np.argsort(known, kind="stable")  # stable: ties stay in the order of the tables, then of the rows
    known, events = known[order], pack(tables)[order]
    events[:-1] |= (known[1:] != known[:-1]).astype("i8") << LAST_SHIFT
    events[-1] |= 1 << LAST_SHIFT
    return events


def pack(tables: dict) -> np.ndarray:
    """One event (int64) a record, LAST not set, in the order of the tables."""
    row = dict.fromkeys(Streams._fields, 1)
    parts = []
    for (stream, instrument), table in tables.items():
        first = row[array_of(stream)]
        code = KIND[stream] << KIND_SHIFT | instrument << INSTRUMENT_SHIFT
        parts.append(np.arange(code + first, code + first + len(table), dtype="i8"))
        row[array_of(stream)] += len(table)
    return np.concatenate(parts)
