"""Driving the loop: memory for a tile of lanes, one recorded lane in chunks, a tile of a sweep."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from types import ModuleType

import numpy as np

from backtester.engine import jit, state
from backtester.engine.abreast.again import differences
from backtester.engine.abreast.bind import Abreast, compile_for
from backtester.engine.bind import Bound, explain
from backtester.engine.log import EQUITY, JOURNAL, Log
from backtester.engine.ways import WIDTH
from backtester.errors import UserError
from backtester.fields import NOTHING, fill_initial
from backtester.records import BYTE, INSTRUMENT_SHIFT, ROW, Row, row_type, rows

DAY, HOUR = 86_400_000_000_000, 3_600_000_000_000  # ns
HOURLY_BELOW = 60 * DAY                            # a shorter run is sampled hourly
CHUNK = 1 << 18                                    # events between two looks at the clock (Ctrl-C, progress)
FIRST_ROWS = 8192                                  # of a journal, which grows
LINE = 64                                          # bytes of a cache line
VECTOR = 8                                         # numbers in one


@dataclass
class Tile:
    """The state of some lanes between two events."""

    lanes: np.ndarray   # Bound.lane, (lanes,)
    minds: np.ndarray   # Bound.mind, (lanes,)
    groups: np.ndarray  # Bound.group, (groups,)
    world: Row          # state.world_dtype
    samples: np.ndarray # equity at the moments of the ratios, quote, float64, (lanes, moments)
    at: np.ndarray      # where each combination's lane stands, (combinations,)
    blocks: np.ndarray  # of lanes that run abreast, (lanes / WIDTH,); empty where they run one by one
    kernel: ModuleType  # that runs them


def group_lanes(bound: Bound, params: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the first lane of every group, each lane's group): lanes agree where the market hooks read the same parameters."""
    if not bound.grouped_by:
        return np.zeros(1, np.int64), np.zeros(len(params), np.int64)
    columns = [params[name] for name in bound.grouped_by]
    seen: dict[bytes, int] = {}
    group = [seen.setdefault(b"".join(column[k].tobytes() for column in columns), len(seen)) for k in range(len(params))]
    return np.unique(group, return_index=True)[1], np.array(group)


def sampling_step(market) -> int:
    """ns between the equity samples of the ratios: a day, an hour where the run is shorter than 60 days."""
    return HOUR if market.end - market.start < HOURLY_BELOW else DAY


def new_tile(bound: Bound, market, params: np.ndarray, terms: np.ndarray, recorded: bool = False, wide: Abreast | None = None) -> Tile:
    """Fresh lanes for `params` (lanes,) under `terms` (lanes, instruments); `wide`: they run abreast."""
    first, group = group_lanes(bound, params)
    at, blocks = (np.arange(len(params)), np.zeros(0, NOTHING)) if wide is None else places(group, wide.block)
    lanes, minds = (rows(dtype, max(len(params), len(blocks) * WIDTH)) for dtype in (bound.lane, bound.mind))
    groups = rows(bound.group, len(first))
    lanes["terms"][at], minds["params"][at], minds["group"][at], groups["params"] = terms, params, group, params[first]
    groups["differs"] = differences(groups["params"], bound.grouped_by)
    if getattr(bound.cls, "State", None):
        fill_initial(minds[0]["state"], bound.cls.State)
        minds["state"] = minds[0]["state"]
    if getattr(bound.cls, "Seen", None):
        fill_initial(groups[0]["seen"], bound.cls.Seen)
        groups["seen"] = groups[0]["seen"]
    lanes["account"]["recorded"][:1] = recorded
    world = rows(state.world_dtype(len(market.instruments)), 1)[0]
    for i in range(len(market.instruments)):
        quote = world["quotes"][i]
        quote["traded"] = ("spot_bars", i) in market.spans or ("perp_bars", i) in market.spans
        quote["longs_end"], quote["shorts_end"], quote["basis"] = -np.inf, np.inf, np.nan
        quote["next"] = quote["mark"]["window"] = quote["index"]["window"] = -1
        quote["first"], quote["interval"] = market.spans.get(("perp_bars", i), (0, 0))
    samples = np.zeros((len(lanes), start_sampling(world["clock"], market)))
    return Tile(lanes, minds, groups, world, samples, at, blocks, wide.kernel if wide else bound.kernel)


def places(group: np.ndarray, block: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Where each lane stands, and the blocks: the lanes of a block share a group, and its last places may stay empty."""
    order, sizes = np.argsort(group, kind="stable"), np.bincount(group)
    counts = -(-sizes // WIDTH)  # blocks of each group
    last = np.cumsum(counts)
    at = np.zeros(len(group), np.int64)
    at[order] = np.arange(len(group)) + np.repeat((last - counts) * WIDTH - (np.cumsum(sizes) - sizes), sizes)
    memory = np.zeros(last[-1] * block.itemsize + LINE, np.uint8)
    blocks = memory[-memory.ctypes.data % LINE :][: last[-1] * block.itemsize].view(block)
    blocks["group"], blocks["used"] = np.repeat(np.arange(len(sizes)), counts), WIDTH
    blocks["used"][last - 1] = -(-(sizes - (counts - 1) * WIDTH) // VECTOR) * VECTOR
    return at, blocks


def start_sampling(clock, market) -> int:
    """Set the first moment at which equity is sampled and the step to the next; returns how many moments there are."""
    clock["step"] = step = sampling_step(market)
    clock["next_sample"] = first = -(-market.start // step) * step
    return max((market.end - first) // step + 1, 0)


def no_log(bound: Bound) -> Log:
    """A log that records nothing."""
    return new_log(bound, 1, 0, 1)


def new_log(bound: Bound, rows_: int, closes: int, instruments: int) -> Log:
    """An empty log: room for so many rows of journal and closes."""
    beside = (rows(EQUITY, closes), np.zeros((closes, instruments)), np.zeros(closes, row_type(bound.trace)))
    return Log(rows(JOURNAL, rows_), np.zeros(1, np.int64), *beside)


def grow(log: Log) -> Log:
    """The same log with twice the room where it was short."""
    longer = {"journal": doubled(log.journal)} if log.journal[0]["order"] > len(log.journal) // 2 else {}
    if log.count[0] == len(log.equity):
        longer |= {name: doubled(getattr(log, name)) for name in ("equity", "held", "trace")}
    return log._replace(**longer)


def doubled(array: np.ndarray) -> np.ndarray:
    """An array with as many zeros behind it."""
    return np.concatenate([array, np.zeros_like(array)])


def cut(log: Log) -> Log:
    """The rows that were written."""
    n = log.count[0]
    return Log(log.journal[1 : log.journal[0]["order"] + 1], log.count, log.equity[:n], log.held[:n], log.trace[:n])


def run_recorded(
    bound: Bound, market, params: np.ndarray, terms: np.ndarray, chunk: int = CHUNK, progress: Callable[[int, int], None] | None = None
) -> tuple[Tile, Log]:
    """One lane, written down. The result does not depend on `chunk`; `progress(events done, all events)` is called after each."""
    tile, log = recorded(bound, market, params, terms)
    return tile, cut(drive(bound, market, tile, log, chunk, progress))


def watch(bound: Bound, market, params: np.ndarray, terms: np.ndarray, stops) -> Iterator[tuple[Tile, Log]]:
    """One lane, written down, as it stands after each number of events in `stops`, which ascend. A look lasts until the next one."""
    tile, log = recorded(bound, market, params, terms)
    for reached in through(bound, market, tile, log, stops):
        yield tile, cut(reached)


def recorded(bound: Bound, market, params: np.ndarray, terms: np.ndarray) -> tuple[Tile, Log]:
    """One fresh lane and the log that it will fill."""
    closes = sum(n for stream, n in market.counts.items() if stream.startswith(("spot_bars", "perp_bars"))) + 1
    log = new_log(bound, FIRST_ROWS, closes, len(market.instruments))
    return new_tile(bound, market, params, terms[None], recorded=True), log


def run_tile(bound: Bound, market, params: np.ndarray, terms: np.ndarray, wide: Abreast | None = None) -> Tile:
    """Lanes of a sweep: `params` (lanes,), `terms` (lanes, instruments)."""
    tile = new_tile(bound, market, params, terms, wide=wide)
    drive(bound, market, tile, no_log(bound), CHUNK)
    return in_order(tile)


def compile_abreast(bound: Bound, market, params: np.ndarray, terms: np.ndarray, wide: Abreast) -> None:
    """Compile what runs lanes such as these abreast, before any of them runs."""
    tile, piece = new_tile(bound, market, params[:1], terms[:1], wide=wide), next(iter(market.pieces()))
    records = (piece.streams, tile.lanes, tile.minds, tile.groups, tile.blocks, tile.world, tile.samples, no_log(bound), 0, 0)
    compile_for(wide.kernel, records)


def in_order(tile: Tile) -> Tile:
    """The lanes as they were given, without the empty places of those that ran abreast."""
    if len(tile.blocks) == 0:
        return tile
    return replace(tile, lanes=tile.lanes[tile.at], minds=tile.minds[tile.at], samples=tile.samples[tile.at], at=np.arange(len(tile.at)))


def drive(bound: Bound, market, tile: Tile, log: Log, chunk: int, progress: Callable[[int, int], None] | None = None) -> Log:
    """From the first event to the last; returns the log, which may have grown."""
    total = sum(market.counts.values())
    for done, after in zip(count(chunk, chunk), through(bound, market, tile, log, count(chunk, chunk)), strict=False):
        log = after
        if progress:
            progress(min(done, total), total)
    return log


def through(bound: Bound, market, tile: Tile, log: Log, stops) -> Iterator[Log]:
    """From the first event on; yields the log, which may have grown, after each number of events in `stops`, which ascend.

    A stop behind the last event is the end.
    """
    stops, done = iter(stops), 0
    stop = next(stops, None)
    try:
        for number, piece in enumerate(market.pieces()):
            streams, at = piece.streams, 0
            remember(tile.world, piece.known)
            if number == 0:
                bound.kernel.begin(streams, tile.lanes, tile.minds, tile.groups, tile.world, log, market.start)
            while at < len(streams.events) or stop == done:
                if stop == done:
                    yield log
                    stop = next(stops, None)
                    continue
                if stop is None:
                    return
                goal = min(at + CHUNK, at + stop - done, len(streams.events))
                records = (streams, tile.lanes, tile.minds, tile.groups, tile.blocks, tile.world, tile.samples, log, at, goal)
                compile_for(tile.kernel, records)
                reached = tile.kernel.advance(*records)
                if reached < goal:
                    log = grow(log)
                at, done = reached, done + reached - at
        if stop is not None:
            yield log
    except UserError:  # what is read from disk on the way may be at fault
        raise
    except Exception as error:
        if type(error).__module__.startswith("numba.") or isinstance(error, KeyError):
            raise explain(error, bound) from error
        if not jit.plain():  # in plain Python the traceback leads to the line
            raise UserError(f"{bound.name}: a hook raised {type(error).__name__}: {error}") from error
        raise


def remember(world: Row, known: np.ndarray) -> None:
    """The last known bar of each instrument stands elsewhere in another piece's records."""
    for event in known:
        world["quotes"][event >> INSTRUMENT_SHIFT & BYTE]["row"] = event & ROW
