"""Walk-forward: parameters are chosen on one part of the data and tried on the next one, again and again."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from backtester import api, launch
from backtester.engine.params import defaults_of
from backtester.errors import UserError
from backtester.market.times import iso
from backtester.report.progress import counting
from backtester.report.terminal import WIDTH
from backtester.result import Result
from backtester.results.catalogue import DOWN, figure, metric
from backtester.results.folder import flatten
from backtester.results.metrics import MEASURED
from backtester.results.write import write_folder
from backtester.sweeps.grid import Grid, expand
from backtester.sweeps.lanes import VENUE
from backtester.sweeps.splits import Split, walk

SHOWN = ("total_return", "max_drawdown", "sharpe", "trades")


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
    """Walk a sweep, as `run -m` has it, forward through its data; see `splits.walk`. Writes its files; returns their folder."""
    if objective not in MEASURED or not metric(objective).better:
        raise UserError(f"--objective {objective}: is no metric of metrics.json with a better direction")
    given = launch.one_config(overrides)
    data = given["data"]
    market = api.load(data["path"], data.get("start"), data.get("end"), accept=data.get("accept"), roles=data.get("roles"))
    splits = walk(market.start, market.end, folds, train, anchored, int(embargo_h * 3.6e12))
    grid = grid_of(given)
    with counting("combinations") as progress:
        found = [fold(given, grid, split, n, len(splits), objective, progress) for n, split in enumerate(splits)]
    path = write(folder, found, objective, given)
    show(found, objective)
    return path


def grid_of(config: dict[str, Any]) -> Grid:
    """The combinations of a config."""
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
    """The equity of all tests, each beginning with what the one before it left, quote."""
    ts, equity, scale = [], [], 1.0
    for each in found:
        table, start = each.outside.tables["equity"], each.outside.metrics["initial_equity"]
        ts.append(table["ts"])
        equity.append(table["equity"] * scale)
        scale *= float(table["equity"][-1]) / start
    return {"ts": np.concatenate(ts), "equity": np.concatenate(equity)}


def write(folder: Path, found: list[Fold], objective: str, config: dict[str, Any]) -> Path:
    """Write walk_forward.parquet, a row a fold, equity.parquet and manifest.json; all of them, or none."""
    rows: dict[str, list] = {}
    for n, each in enumerate(found):
        moments = {name: iso(value) for name, value in each.split._asdict().items()}
        row = {"fold": n} | moments | each.chosen | {f"inside_{objective}": each.inside}
        row |= {key: each.outside.metrics[key] for key in MEASURED if key not in row}
        for name, value in row.items():
            rows.setdefault(name, []).append(value)
    table = {name: api.column_of(values) for name, values in rows.items()}
    manifest = found[0].outside.manifest | {"config": config, "walk_forward": {"objective": objective, "folds": len(found)}}
    return write_folder(folder, {"walk_forward": table, "equity": chained(found)}, {"manifest.json": manifest})


def show(found: list[Fold], objective: str) -> None:
    """Print a row a fold, and what the tests came to together."""
    from rich.console import Console
    from rich.table import Table

    table = Table("test from", "until", *found[0].chosen, f"{metric(objective).label} inside", *(metric(name).label for name in SHOWN))
    for each in found:
        told = (figure(name, each.outside.metrics[name]) for name in SHOWN)
        moments = (iso(moment)[:10] for moment in each.split[2:])
        table.add_row(*moments, *map(str, each.chosen.values()), figure(objective, each.inside), *told)
    console = Console(width=max(Console().width, WIDTH))
    console.print(table)
    equity = chained(found)["equity"]
    gain = figure("total_return", float(equity[-1] / found[0].outside.metrics["initial_equity"] - 1.0))
    won = sum(each.outside.metrics["total_return"] > 0.0 for each in found)
    known = "Nothing in them was known when their parameters were chosen."
    console.print(f"All tests together {gain} %; {won} of {len(found)} gained. {known}")
