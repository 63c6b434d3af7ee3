"""Driving the loop: memory for a tile of lanes, one recorded lane in chunks, a tile of a sweep."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from backtester.engine import jit, state
from backtester.engine.bind import Bound, explain
from backtester.engine.log import EQUITY, JOURNAL, ROOM, Log
from backtester.errors import UserError
from backtester.fields import fill_initial
from backtester.records import Row, row_type, rows

DAY, HOUR = 86_400_000_000_000, 3_600_000_000_000  # ns
HOURLY_BELOW = 60 * DAY                            # a shorter run is sampled hourly
CHUNK = 1 << 18                                    # events between two looks at the clock (Ctrl-C, progress)
FIRST_ROWS = 8192                                  # of a journal, which grows


@dataclass
class Tile:
    """The state of some lanes between two events."""

    lanes: np.ndarray   # Bound.lane, (lanes,)
    minds: np.ndarray   # Bound.mind, (lanes,)
    groups: np.ndarray  # Bound.group, (groups,)
    world: Row          # state.world_dtype
    samples: np.ndarray # equity at the moments of the ratios, quote, float64, (lanes, moments)


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


def new_tile(bound: Bound, market, params: np.ndarray, terms: np.ndarray, recorded: bool = False) -> Tile:
    """Fresh lanes for `params` (lanes,) under `terms` (lanes, instruments)."""
    lanes = rows(bound.lane, len(params))
    first, group = group_lanes(bound, params)
    groups = rows(bound.group, len(first))
    minds = rows(bound.mind, len(params))
    lanes["terms"], minds["params"], minds["group"], groups["params"] = terms, params, group, params[first]
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
        quote["traded"] = ("spot_bars", i) in market.tables or ("perp_bars", i) in market.tables
        quote["longs_end"], quote["shorts_end"], quote["basis"] = -np.inf, np.inf, np.nan
        quote["next"] = quote["mark"]["window"] = quote["index"]["window"] = -1
        own = market.tables.get(("perp_bars", i), ())
        if len(own):
            quote["first"], quote["interval"] = own["ts_event"][0], own["ts_close"][0] - own["ts_event"][0]
    return Tile(lanes, minds, groups, world, np.zeros((len(params), start_sampling(world["clock"], market))))


def start_sampling(clock, market) -> int:
    """Set the first moment at which equity is sampled and the step to the next; returns how many moments there are."""
    clock["step"] = step = sampling_step(market)
    clock["next_sample"] = first = -(-market.start // step) * step
    return max((market.end - first) // step + 1, 0)


def no_log(bound: Bound) -> Log:
    """A log that records nothing."""
    return new_log(bound, 1, 0, 1)


def new_log(bound: Bound, some: int, bars: int, instruments: int) -> Log:
    """An empty log: `some` rows of journal, room for `bars` equity rows."""
    beside = (rows(EQUITY, bars), np.zeros((bars, instruments)), np.zeros(bars, row_type(bound.trace)))
    return Log(rows(JOURNAL, some), np.zeros(1, np.int64), *beside)


def grow(log: Log) -> Log:
    """The same log with twice the room in its journal."""
    return log._replace(journal=np.concatenate([log.journal, np.zeros_like(log.journal)]))


def cut(log: Log) -> Log:
    """The rows that were written."""
    n = log.count[0]
    return Log(log.journal[1 : log.journal[0]["order"] + 1], log.count, log.equity[:n], log.held[:n], log.trace[:n])


def run_recorded(bound: Bound, market, params: np.ndarray, terms: np.ndarray, chunk: int = CHUNK) -> tuple[Tile, Log]:
    """One lane, written down. The result does not depend on `chunk`."""
    tile, log = recorded(bound, market, params, terms)
    return tile, cut(drive(bound, market, tile, log, chunk))


def watch(bound: Bound, market, params: np.ndarray, terms: np.ndarray, stops) -> Iterator[tuple[Tile, Log]]:
    """One lane, written down, as it stands after each number of events in `stops`, which ascend. A look lasts until the next one."""
    tile, log = recorded(bound, market, params, terms)
    for reached in through(bound, market, tile, log, stops):
        yield tile, cut(reached)


def recorded(bound: Bound, market, params: np.ndarray, terms: np.ndarray) -> tuple[Tile, Log]:
    """One fresh lane and the log that it will fill."""
    bars = sum(n for stream, n in market.counts.items() if stream.startswith(("spot_bars", "perp_bars")))
    log = new_log(bound, FIRST_ROWS, bars + ROOM, len(market.instruments))
    return new_tile(bound, market, params, terms[None], recorded=True), log


def run_tile(bound: Bound, market, params: np.ndarray, terms: np.ndarray) -> Tile:
    """Lanes of a sweep: `params` (lanes,), `terms` (lanes, instruments)."""
    tile = new_tile(bound, market, params, terms)
    drive(bound, market, tile, no_log(bound), CHUNK)
    return tile


def drive(bound: Bound, market, tile: Tile, log: Log, chunk: int) -> Log:
    """From the first event to the last; returns the log, which may have grown."""
    total = len(market.streams.events)
    for after in through(bound, market, tile, log, [*range(chunk, total, chunk), total]):
        log = after
    return log


def through(bound: Bound, market, tile: Tile, log: Log, stops) -> Iterator[Log]:
    """From the first event on; yields the log, which may have grown, after each number of events in `stops`, which ascend."""
    streams, at = market.streams, 0
    try:
        bound.kernel.begin(streams, tile.lanes, tile.minds, tile.groups, tile.world, log, market.start)
        for stop in stops:
            while at < stop:
                goal = min(at + CHUNK, stop)
                at = bound.kernel.advance(streams, tile.lanes, tile.minds, tile.groups, tile.world, tile.samples, log, at, goal)
                if at < goal:
                    log = grow(log)
            yield log
    except Exception as error:
        if type(error).__module__.startswith("numba.") or isinstance(error, KeyError):
            raise explain(error, bound) from error
        if not jit.plain():  # in plain Python the traceback leads to the line
            raise UserError(f"{bound.name}: a hook raised {type(error).__name__}: {error}") from error
        raise
