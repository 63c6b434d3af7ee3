"""The library as Python sees it: load a market, run a strategy on it, sweep its parameters, compare results.

    import backtester as bt
    data = bt.load("sample")
    result = bt.run(data, "door", support=92_000)
    table = bt.sweep(data, "door", support=[90_000, 92_000], premium_delta_bp=[0.5, 1.0])
"""

import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from backtester.engine.bind import bind
from backtester.engine.find import STRATEGIES, demand_roles, find_strategy, reasons_of
from backtester.engine.params import defaults_of, params_of
from backtester.engine.run import run_recorded
from backtester.engine.venue import Venue, terms_of, venue_of
from backtester.market import dataset
from backtester.market.schema import Market
from backtester.market.signals import with_signals
from backtester.result import Result, Sweep, read_sweep
from backtester.results.manifest import manifest_of
from backtester.results.metrics import lane_metrics, spelled
from backtester.results.room import demand_room
from backtester.results.sensitivity import sensitivity
from backtester.results.tables import tables, trace_words
from backtester.sweeps.grid import Grid, kept
from backtester.sweeps.lanes import VENUE, Lanes, column_of, params_table, sweep_lanes, terms_table
from backtester.sweeps.search import Search, search, space
from backtester.sweeps.store import Store, is_finished
from backtester.sweeps.truth import HALVES, halves_of, truth_of

load = dataset.load
strategy_class = find_strategy


def run(
    data: Market | str | Path, strategy, *, venue: dict | None = None, seed: int = 0, overrides: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None, **params,
) -> Result:
    """One backtest. `strategy` is a name, a file or a class; `params` are its parameters, `venue` the keys of conf/venue.
    `overrides` is how a command line spelled it, for the manifest; `progress(events done, all events)` is called now and then.

    Raises UserError for a parameter, a key, a strategy or data that cannot be right, and for an order that found no room.
    """
    market, cls, terms, name = prepare(data, strategy, venue)
    bound, given = bind(cls, market.roles), params_of(cls, params)
    tile, log = run_recorded(bound, market, given, terms_of(terms, market), progress=progress)
    metrics, told = lane_metrics(tile, 0, market), tables(log, market, reasons_of(cls))
    demand_room(name, told["orders"], metrics)
    manifest = manifest_of(bound, market, config_of(market, cls, name, terms, seed, params), overrides)
    manifest["trace"] = trace_words(cls)
    manifest["sensitivity"] = sensitivity(bound, market, given, terms, metrics)
    return Result(name, metrics, manifest, told, market)


def sweep(
    data: Market | str | Path, strategy, *, venue: dict | None = None, where: str | None = None, threads: int | None = None, **axes
):
    """Every combination of the parameters given as lists, keys of `venue` among them; what is given as one value is the same in all.
    `where` is a constraint, such as "slow > fast".

    Returns a DataFrame, a row a combination: its number, all parameters, all metrics. Each row equals the
    single run with its parameters.
    """
    given = axes | {VENUE + key: value for key, value in (venue or {}).items()}
    swept = {name: values for name, values in given.items() if isinstance(values, list | tuple | range | np.ndarray)}
    fixed = {name: value for name, value in axes.items() if name not in swept}
    shared = {key: value for key, value in (venue or {}).items() if VENUE + key not in swept}
    columns = [list(column) for column in zip(*itertools.product(*swept.values()), strict=True)]
    if where:
        columns = kept(list(swept), columns, where, {name: value for name, value in given.items() if name not in swept})
    return sweep_grid(data, strategy, (list(swept), columns), venue=shared, threads=threads, **fixed).table


def sweep_grid(
    data: Market | str | Path,
    strategy,
    grid: Grid,
    *,
    venue: dict | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    folder: Path | None = None,
    part: tuple[int, int] = (0, 1),
    truth: bool = False,
    **fixed,
) -> Sweep:
    """The combinations of `grid`: names of parameters, and a column of values for each, all of one length.

    In `folder` finished tiles are kept, and what it has of this sweep is not run again. `part` (n, of): see `sweep_lanes`.
    `truth`: what can be believed of the best one is found out, too.
    """
    market, cls, terms, name = prepare(data, strategy, venue)
    lanes = lanes_of(market, cls, terms, grid, fixed)
    key = lanes.key() if folder else ""
    if folder and is_finished(folder, key):
        return read_sweep(folder)
    store = Store(folder, key, len(lanes.params)) if folder else None
    measures = sweep_lanes(lanes, store, threads, progress, part)
    swept = {parameter: list(dict.fromkeys(column)) for parameter, column in zip(*grid, strict=True)}
    config = config_of(market, cls, name, terms, seed, fixed) | {"sweep": swept}
    axes = [parameter for parameter, values in swept.items() if len(values) > 1]
    return sweep_of(lanes, grid, measures, manifest_of(lanes.bound, market, config, overrides) | {"key": key}, axes if truth else None)


def sweep_search(
    data: Market | str | Path,
    strategy,
    sweep: dict[str, str],
    asked: Search,
    folder: Path,
    *,
    venue: dict | None = None,
    where: str | None = None,
    overrides: Sequence[str] = (),
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    **fixed,
) -> Sweep:
    """The combinations that Optuna chooses among {name: values in Hydra's grammar}; its journal is kept in `folder`."""
    market, cls, terms, name = prepare(data, strategy, venue)
    given = defaults_of(cls) | fixed | {VENUE + key: value for key, value in asdict(terms).items()}

    def measures_of(grid: Grid) -> np.ndarray:
        return sweep_lanes(lanes_of(market, cls, terms, grid, fixed), threads=threads)

    key = f"{lanes_of(market, cls, terms, ([], []), fixed).key()} {sweep} {asked.objectives}"
    grid, measures = search(asked, space(cls, sweep), folder, key, measures_of, where, given, progress)
    config = config_of(market, cls, name, terms, asked.seed, fixed) | {"sweep": sweep, "search": asked._asdict()}
    lanes = lanes_of(market, cls, terms, grid, fixed)
    return sweep_of(lanes, grid, measures, manifest_of(lanes.bound, market, config, overrides), [])


def sweep_of(lanes: Lanes, grid: Grid, measures: np.ndarray, manifest: dict, axes: list[str] | None) -> Sweep:
    """A finished sweep; with the truth about it, and the plateau over the parameters `axes` of a grid, unless that is None."""
    fixed = {name: value for name, value in manifest["config"]["strategy"].items() if name not in ("name", "file")}
    table = table_of(fixed, grid, measures)
    found = None if axes is None else truth_of(lanes, measures, {parameter: table[parameter] for parameter in axes})
    return Sweep(table, manifest | {"truth": found.told}, found.curves) if found else Sweep(table, manifest)


def lanes_of(market: Market, cls: type, venue: Venue, grid: Grid, fixed: dict) -> Lanes:
    """The lanes that the combinations of a grid are."""
    table = params_table(cls, fixed, *grid)
    return Lanes(bind(cls, market.roles), market, table, *terms_table(venue, market, *grid, len(table)))


def table_of(given: dict, grid: Grid, measures: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of a sweep: the combination's number, all parameters, what is swept of the venue, all metrics."""
    swept, count = dict(zip(*grid, strict=True)), len(measures)
    out = {"combination": np.arange(count)}
    for name in [*given, *(name for name in swept if name not in given)]:
        out[name] = column_of(swept[name]) if name in swept else np.repeat(column_of([given[name]]), count)
    halves = dict(zip(HALVES, halves_of(measures), strict=True))
    results = spelled(measures) | halves
    return out | {name: values for name, values in results.items() if name not in out}  # `bars` may be a parameter


def compare(results):
    """Results or run folders side by side: `.metrics`, `.equity`, `.config_differences` as DataFrames."""
    from backtester.results.compare import compare as side_by_side

    return side_by_side(results)


def prepare(data, strategy, venue) -> tuple[Market, type, Venue, str]:
    """What `run` and `sweep` start from, each checked."""
    market = data if isinstance(data, Market) else load(data)
    cls = find_strategy(strategy)
    demand_roles(cls, market)
    name = strategy.__name__ if isinstance(strategy, type) else Path(str(strategy)).stem
    return market, cls, venue_of(venue), name


def config_of(market: Market, cls: type, name: str, venue: Venue, seed: int, params: dict) -> dict:
    """The configuration in full, as the manifest keeps it."""
    given = {key: value.item() if isinstance(value, np.generic) else value for key, value in params.items()}
    data = {"name": market.name, "path": market.source.get("path"), "start": market.source.get("start"), "end": market.source.get("end")}
    data |= {"accept": market.source.get("accept", []), "roles": market.source.get("roles")}
    file = sys.modules[cls.__module__].__file__
    where = {"file": file} if Path(str(file)).parent != STRATEGIES else {}
    return {"data": data, "strategy": {"name": name} | where | defaults_of(cls) | given, "venue": asdict(venue), "seed": seed}


__all__ = ["Market", "Result", "Sweep", "compare", "load", "run", "strategy_class", "sweep", "sweep_grid", "with_signals"]
