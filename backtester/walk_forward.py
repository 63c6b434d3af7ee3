"""Walk-forward: parameters are chosen on one part of the data and tried on the next one, again and again."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backtester import api, launch
from backtester.engine.params import defaults_of
from backtester.errors import UserError
from backtester.job import report_of
from backtester.market.times import iso
from backtester.report.progress import counting
from backtester.report.terminal import show_walk
from backtester.report.walk_page import write_walk_page
from backtester.report.walk_view import WalkView
from backtester.result import Result
from backtester.results.catalogue import DOWN, metric
from backtester.results.folder import flatten
from backtester.results.metrics import MEASURED
from backtester.results.write import write_folder
from backtester.sweeps.forward import truth_of_tests
from backtester.sweeps.grid import Grid, expand
from backtester.sweeps.lanes import VENUE
from backtester.sweeps.splits import Split, walk


class Fold(NamedTuple):
    """What was chosen, and what became of it."""

    split: Split
    chosen: dict[str, Any]  # swept parameter -> value
    inside: float           # the objective where it was chosen
    outside: Result         # where it was tried


def walk_forward(
    overrides: Sequence[str], folder: Path, folds: int = 6, train: int = 1, anchored: bool = False, embargo_h: float = 0.0,
    objective: str = "sharpe",
) -> Path:
    """Walk a sweep, as `run -m` has it, forward through its data; see `splits.walk`. Writes its files; returns its page."""
    if objective not in MEASURED or not metric(objective).better:
        raise UserError(f"--objective {objective}: is no metric of metrics.json with a better direction")
    given = launch.one_config(overrides)
    data = given["data"]
    market = api.load(data["path"], data.get("start"), data.get("end"), accept=data.get("accept"), roles=data.get("roles"))
    splits = walk(market.start, market.end, folds, train, anchored, int(embargo_h * 3.6e12))
    grid = grid_of(given)
    with counting("combinations") as progress:
        found = [fold(given, grid, split, n, len(splits), objective, progress) for n, split in enumerate(splits)]
    view = write(folder, found, objective, given)
    show_walk(view)
    page = folder / "report.html"
    return page if page.exists() else folder


def grid_of(config: dict[str, Any]) -> Grid:
    """The combinations of a config."""
    if config.get("search"):
        raise UserError("search: walk-forward tries all combinations of a grid on each part: leave search out")
    if not config.get("sweep"):
        raise UserError("walk-forward: nothing is swept: give several values of a parameter, as for `backtester run -m`")
    sweep = flatten(config["sweep"])
    strategy = config["strategy"]
    fixed = defaults_of(api.strategy_class(strategy.get("file") or strategy["name"])) | strategy | flatten({"venue": config["venue"]})
    return expand(sweep, config.get("where"), {name: value for name, value in fixed.items() if name not in sweep})


def fold(config: dict[str, Any], grid: Grid, split: Split, n: int, of: int, objective: str, progress: Callable[[int, int], None]) -> Fold:
    """Choose on the training of a split, and try the choice on its test. Both begin with fresh features and the same deposit."""
    count = len(grid[1][0])
    which = config["strategy"].get("file") or config["strategy"]["name"]
    fixed = {name: value for name, value in config["strategy"].items() if name not in ("name", "file", *grid[0])}
    how = {"venue": config["venue"], "seed": config["seed"]}
    inside = part_of(config, split.train_start, split.train_end)
    swept = api.sweep_grid(
        inside, which, grid, threads=config.get("threads"), progress=lambda done, _: progress(n * count + done, of * count), **how, **fixed
    )
    values = swept.columns[objective].astype(float) * (-1 if metric(objective).better == DOWN else 1)
    if np.isnan(values).all():
        when = f"{iso(split.train_start)} to {iso(split.train_end)}"
        raise UserError(f"walk-forward: no combination has a {metric(objective).label} from {when}: take fewer folds")
    best = int(np.nanargmax(values))
    chosen = {name: column[best] for name, column in zip(*grid, strict=True)}
    venue = config["venue"] | {name.removeprefix(VENUE): value for name, value in chosen.items() if name.startswith(VENUE)}
    params = fixed | {name: value for name, value in chosen.items() if not name.startswith(VENUE)}
    outside = part_of(config, split.test_start, split.test_end)
    result = api.run(outside, which, venue=venue, seed=config["seed"], **params)
    return Fold(split, chosen, float(swept.columns[objective][best]), result)


def part_of(config: dict[str, Any], start: int, end: int):
    """The market of a part of the data, from `start` until before `end`, ns."""
    data = config["data"]
    return api.load(data["path"], iso(start), iso(end), accept=data.get("accept"), roles=data.get("roles"))


def chained(found: list[Fold]) -> dict[str, np.ndarray]:
    """Equity and buy-and-hold of all tests, each beginning with what the one before it left, quote."""
    ts, equity, hold = [], [], []
    left = kept = 1.0
    for each in found:
        table, start = each.outside.tables["equity"], each.outside.metrics["initial_equity"]
        ts.append(table["ts"])
        equity.append(table["equity"] * left)
        hold.append(held_at(each.outside, table["ts"]) * kept)
        left *= float(table["equity"][-1]) / start
        kept *= float(each.outside.view.hold[1][-1]) / start
    return {"ts": np.concatenate(ts), "equity": np.concatenate(equity), "hold": np.concatenate(hold)}


def held_at(result: Result, ts: np.ndarray) -> np.ndarray:
    """Buy-and-hold's equity at moments in ns, (moments,), quote; the deposit until its first bar has closed."""
    moments, equity = result.view.hold
    place = np.searchsorted(moments, ts, "right") - 1
    return np.where(place < 0, result.metrics["initial_equity"], equity[place])


def write(folder: Path, found: list[Fold], objective: str, config: dict[str, Any]) -> WalkView:
    """Write walk_forward.parquet, a row a test, equity.parquet, manifest.json and the page; all of them, or none."""
    rows: dict[str, list] = {}
    for n, each in enumerate(found):
        moments = {name: iso(value) for name, value in each.split._asdict().items()}
        row = {"fold": n} | moments | each.chosen | {f"inside_{objective}": each.inside}
        row |= {"hold_return": each.outside.view.hold_metrics["total_return"]}
        row |= {key: each.outside.metrics[key] for key in MEASURED if key not in row}
        for name, value in row.items():
            rows.setdefault(name, []).append(value)
    table, curve = {name: api.column_of(values) for name, values in rows.items()}, chained(found)
    first, deposit = found[0], float(found[0].outside.metrics["initial_equity"])
    truth = truth_of_tests(curve, deposit, first.split.test_start, found[-1].split.test_end, rows["total_return"])
    told = {"objective": objective, "folds": len(found), "swept": list(first.chosen), "truth": truth}
    view = WalkView(first.outside.name, table, curve, first.outside.manifest | {"config": config, "walk_forward": told})
    page = (lambda path: write_walk_page(path, view)) if report_of(config)[0] else None
    write_folder(folder, {"walk_forward": table, "equity": curve}, {"manifest.json": view.manifest}, page)
    return view
