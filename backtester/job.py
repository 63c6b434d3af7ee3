"""One job: from a composed config to the files of a run or a sweep."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from backtester import api
from backtester.engine import jit
from backtester.engine.params import coerce, params_of
from backtester.engine.venue import venue_of
from backtester.errors import UserError
from backtester.report import terminal
from backtester.result import Result, Sweep
from backtester.sweeps.grid import expand

NEEDED = ("data.path", "strategy.name", "venue", "seed")
KEYS = {"": {"data", "strategy", "venue", "report", "seed", "sweep"}, "data": {"name", "path", "start", "end"}, "report": {"page", "rows"}}


def task(config: DictConfig) -> Path | Exception:
    """What Hydra calls. An error is returned, not raised: Hydra would print it before the caller can say it once and clearly."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    try:
        check(config)
        run_job(plain(config), folder, list(HydraConfig.get().overrides.task))
        return folder
    except Exception as error:
        return error
    finally:
        prune(folder)


def plain(config: DictConfig) -> dict[str, Any]:
    """The config as dicts, references resolved. Raises UserError for a reference to nothing and for a part that was deleted."""
    try:
        if missing := [key for key in NEEDED if OmegaConf.select(config, key) is None]:
            raise UserError(f"{missing[0]}: missing in the config; it has no default to fall back on")
        return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        raise UserError(" ".join(str(error).split())) from error


def check(config: DictConfig) -> None:
    """Everything that can be told without the data. Raises UserError, which names the key."""
    asked = plain(OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"]))
    for part, known in KEYS.items():
        for key in (asked.get(part) or {}) if part else asked:
            if key not in known:
                raise UserError(f"{f'{part}.' if part else ''}{key}: no such key (there are {', '.join(sorted(known))})")
    page, rows = report_of(asked)
    for key, value, kind in (("seed", asked["seed"], int), ("report.page", page, bool), ("report.rows", rows, int)):
        if type(value) is not kind:
            raise UserError(f"{key}: {value!r}: give {'true or false' if kind is bool else 'a whole number'}")
    venue_of(asked["venue"])
    strategy, sweep = asked["strategy"], asked.get("sweep") or {}
    if not isinstance(sweep, dict):
        raise UserError(f"sweep: {sweep!r}: sweep with -m and several values of a parameter")
    cls = api.strategy_class(strategy.get("file") or strategy["name"])
    params_of(cls, {key: value for key, value in strategy.items() if key not in ("name", "file")})
    for name, text in sweep.items():
        for value in expand({name: text})[1][0]:
            coerce(cls, name, value)


def report_of(config: dict[str, Any]) -> tuple[bool, int]:
    """Whether a page is written, and how many rows of a sweep are shown; a part that was deleted has its default."""
    report = config.get("report") or {}
    return report.get("page", True), report.get("rows", 20)


def run_job(config: dict[str, Any], folder: Path, overrides: Sequence[str] = ()) -> None:
    """Run the strategy on the market and write into the folder: one run, or the sweep that `config["sweep"]` asks for."""
    data, strategy = config["data"], config["strategy"]
    page, rows = report_of(config)
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(jit.start)
        market = api.load(data["path"], data.get("start"), data.get("end"))
        started.result()
    params = {key: value for key, value in strategy.items() if key not in ("name", "file")}
    which = strategy.get("file") or strategy["name"]
    how = {"venue": config["venue"], "seed": config["seed"], "overrides": overrides}
    if sweep := config.get("sweep"):
        fixed = {key: value for key, value in params.items() if key not in sweep}
        with counting() as progress:
            swept = api.sweep_grid(market, which, expand(sweep), progress=progress, **how, **fixed)
        swept.write(folder, rows if page else 0)
        show_sweep(swept, folder, rows)
    else:
        result = api.run(market, which, **how, **params)
        result.write(folder, page)
        show_run(result, folder)


def show_run(result: Result, folder: Path) -> None:
    """Print the summary of a run."""
    terminal.show_run(result.metrics, result.view.hold_metrics, result.manifest, folder)


def show_sweep(swept: Sweep, folder: Path, rows: int) -> None:
    """Print the best rows of a sweep."""
    terminal.show_sweep(swept.columns, swept.view().objective, rows)
    page = folder / "report.html"
    print(f"report  {page if page.exists() else folder}")


@contextmanager
def counting() -> Iterator[Callable[[int, int], None]]:
    """A callback that shows combinations done, their rate and the time left, where somebody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    columns = (MofNCompleteColumn(), TextColumn("combinations"), BarColumn(), *times)
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("sweep", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def prune(folder: Path) -> None:
    """Remove a folder in which nothing was written, and the folders above it, inside the working directory, that held only it."""
    while folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
        if Path.cwd() not in folder.parents:
            return
