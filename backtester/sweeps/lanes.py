"""Many combinations through one loop: tiles of lanes on all cores, the same numbers as single runs."""

import hashlib
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from itertools import count
from threading import Event

import numpy as np

from backtester.engine import jit
from backtester.engine.abreast.bind import Abreast, bind_abreast, is_compiled
from backtester.engine.bind import Bound
from backtester.engine.params import coerce, params_of
from backtester.engine.run import CHUNK, Tile, compile_abreast, group_lanes, in_order, new_tile, no_log, through
from backtester.engine.venue import Venue, terms_of, venue_of
from backtester.market.schema import Market
from backtester.results.metrics import MEASURES, measure
from backtester.sweeps.store import Store

LOG = logging.getLogger(__name__)
NARROW, WIDE = 32, 128  # lanes of a tile, at least and at most; wide ones share more of what the market shows
ABREAST = 1024          # lanes of a tile that run abreast, at most: all of their groups share one look at the market
TILES = 64              # that a sweep is cut into before its tiles grow: every core has some, and an interruption costs few
PARTS = 4               # tiles for each core, where lanes run abreast
SHARING = 4             # lanes that must see the same features, on average, for a block of them to be worth it
WORTH = 1 << 32         # lanes x events whose saving pays for compiling what runs them abreast, half a minute or more
READY = 1 << 27         # the same for reading it from the cache
VENUE = "venue."  # in front of a venue's key among the names of a grid


@dataclass(frozen=True)
class Lanes:
    """What is to be run: a strategy in a market, and a row a combination."""

    bound: Bound
    market: Market
    params: np.ndarray  # Bound.params, (combinations,)
    terms: np.ndarray   # state.TERMS of the venues that differ, (venues, instruments)
    venue: np.ndarray   # which of them a combination has, (combinations,)

    def key(self) -> str:
        """The fingerprint of everything that a result depends on."""
        market = self.market
        told = [market.source.get("files"), market.instruments, market.counts, market.start, market.end, self.bound.key, str(MEASURES)]
        content = [json.dumps(told, default=str).encode(), self.params.tobytes(), self.terms[self.venue].tobytes()]
        return hashlib.blake2b(b"\0".join(content), digest_size=16).hexdigest()


def params_table(cls: type, fixed: dict, names: list[str], columns: list[list]) -> np.ndarray:
    """Params records, a row a combination. Raises UserError naming the parameter and the value."""
    out = np.repeat(params_of(cls, fixed), len(columns[0]) if columns else 1)
    for name, column in zip(names, columns, strict=True):
        if not name.startswith(VENUE):
            coded = {value: coerce(cls, name, value) for value in dict.fromkeys(column)}
            out[name] = [coded[value] for value in column]
    return out


def terms_table(venue: Venue, market, names: list[str], columns: list[list], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """TERMS of the venues that differ, (venues, instruments), and which of them each combination has, (rows,)."""
    swept = [n for n, name in enumerate(names) if name.startswith(VENUE)]
    choices = list(zip(*(columns[n] for n in swept), strict=True)) if swept else [()] * rows
    places = {choice: n for n, choice in enumerate(dict.fromkeys(choices))}
    keys = [names[n].removeprefix(VENUE) for n in swept]
    terms = [terms_of(venue_of(asdict(venue) | dict(zip(keys, choice, strict=True))), market) for choice in places]
    return np.array(terms), np.array([places[choice] for choice in choices])


def sweep_lanes(
    lanes: Lanes, store: Store | None = None, threads: int | None = None,
    progress: Callable[[int, int], None] | None = None, part: tuple[int, int] = (0, 1),
) -> np.ndarray:
    """MEASURES of every combination, (combinations,). Neither threads nor the width of a tile change a number.

    What the store has is not run again, and what is finished goes there. `progress(done, total)` is called after every tile.
    `part` (n, of) runs every of-th tile alone, and leaves the other rows at zero. Interrupted, it stops within a chunk of events.
    """
    results, done = store.read() if store else (np.zeros(len(lanes.params), MEASURES), np.zeros(len(lanes.params), bool))
    wide = wide_for(lanes, int((~done).sum()) // part[1])
    workers = (threads or os.cpu_count() or 1) if wide and part[1] == 1 else 0  # machines that share the work cut it alike
    tiles = tiles_of(lanes, workers)[part[0] :: part[1]]
    missing = [left for rows in tiles if len(left := rows[~done[rows]])]
    total = sum(len(rows) for rows in tiles)
    ready = total - sum(len(rows) for rows in missing)
    stopped = Event()

    def work(rows: np.ndarray) -> np.ndarray:
        tile = run_until(lanes, rows, stopped, wide)
        return measure(tile, lanes.market) if tile else np.zeros(0, MEASURES)

    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        waiting = {pool.submit(work, rows): rows for rows in missing}
        try:
            for future in as_completed(waiting):
                rows = waiting.pop(future)
                results[rows] = future.result()
                if store:
                    store.write(rows, results[rows])
                ready += len(rows)
                if progress:
                    progress(ready, total)
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def tiles_of(lanes: Lanes, workers: int) -> list[np.ndarray]:
    """The combinations of each tile. Those that share a group's features stay together, so that these are computed once.

    `workers` is how many run lanes abreast, which wants wide tiles; 0: narrow ones, of which an interruption costs few.
    """
    count = len(lanes.params)
    most = PARTS * workers if workers else TILES
    width = -(-count // max(-(-count // (ABREAST if workers else WIDE)), min(-(-count // NARROW), most)))
    group = group_lanes(lanes.bound, lanes.params)[1]
    tiles: list[list[np.ndarray]] = [[]]
    room = width
    for rows in np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1]):
        for part in np.array_split(rows, -(-len(rows) // width)):
            if len(part) > room:
                tiles.append([])
                room = width
            tiles[-1].append(part)
            room -= len(part)
    return [np.concatenate(parts) for parts in tiles]


def wide_for(lanes: Lanes, left: int) -> Abreast | None:
    """What runs the lanes abreast, where enough of them see the same features, and where for `left` of them it is worth compiling."""
    groups = len(group_lanes(lanes.bound, lanes.params)[0])
    work = left * sum(lanes.market.counts.values())
    if jit.plain() or len(lanes.params) < SHARING * groups or work < READY or (work < WORTH and not is_compiled(lanes.bound)):
        return None
    try:
        wide = bind_abreast(lanes.bound)
        if not wide.whole:
            compile_abreast(lanes.bound, lanes.market, lanes.params, lanes.terms, wide)
            return wide
    except Exception as reason:  # whatever a hook has that nobody thought of: one by one it runs
        LOG.warning("%s: its lanes run one by one, for what runs them abreast cannot be made: %s", lanes.bound.name, reason)
    return None


def run_until(lanes: Lanes, rows: np.ndarray, stopped: Event, wide: Abreast | None = None) -> Tile | None:
    """A tile of these combinations at the end of the market; None where it was stopped."""
    tile = new_tile(lanes.bound, lanes.market, lanes.params[rows], lanes.terms[lanes.venue[rows]], wide=wide)
    for _ in through(lanes.bound, lanes.market, tile, no_log(lanes.bound), count(CHUNK, CHUNK)):
        if stopped.is_set():
            return None
    return in_order(tile)


def column_of(values: list) -> np.ndarray:
    """A column of the sweep's table: numbers stay numbers (a parameter switched off is NaN), words words."""
    if any(isinstance(value, str) for value in values):
        return np.array(values, dtype=object)
    if any(value is None or isinstance(value, float) for value in values):
        return np.array([np.nan if value is None else float(value) for value in values])
    return np.array(values)
