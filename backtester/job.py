"""One job: from a composed config to the files of a run or a sweep."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import IntervalSweep
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from backtester import api
from backtester.engine import jit
from backtester.engine.params import coerce, defaults_of, params_of
from backtester.engine.venue import venue_of
from backtester.errors import UserError
from backtester.report import terminal
from backtester.report.progress import counting
from backtester.result import Result, Sweep
from backtester.results.folder import flatten
from backtester.sweeps.grid import expand, parse
from backtester.sweeps.lanes import VENUE
from backtester.sweeps.search import search_of
from backtester.sweeps.store import interrupted

NEEDED = ("data.path", "strategy.name", "venue", "seed")
KEYS = {
    "": {"data", "strategy", "venue", "report", "seed", "sweep", "search", "where", "threads", "shards", "shard"},
    "data": {"name", "path", "start", "end", "accept", "roles", "stored"},
    "report": {"page", "rows"},
    "search": {"sampler", "trials", "objective"},
}


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
    stored = asked["data"].get("stored", False)
    kinds = (("seed", asked["seed"], int), ("data.stored", stored, bool), ("report.page", page, bool), ("report.rows", rows, int))
    for key, value, kind in kinds:
        if type(value) is not kind:
            raise UserError(f"{key}: {value!r}: give {'true or false' if kind is bool else 'a whole number'}")
    check_jobs(asked)
    venue_of(asked["venue"])
    strategy, sweep = asked["strategy"], asked.get("sweep") or {}
    if not isinstance(sweep, dict):
        raise UserError(f"sweep: {sweep!r}: sweep with -m and several values of a parameter")
    cls = api.strategy_class(strategy.get("file") or strategy["name"])
    params_of(cls, {key: value for key, value in strategy.items() if key not in ("name", "file")})
    searching = asked.get("search")
    if searching:
        search_of(searching, asked["seed"])
    for name, text in flatten(sweep).items():
        for value in dict.fromkeys(values_of(name, text, bool(searching))):
            if name.startswith(VENUE):
                venue_of(asked["venue"] | {name.removeprefix(VENUE): value})
            else:
                coerce(cls, name, value)


def check_jobs(asked: dict[str, Any]) -> None:
    """UserError where a sweep cannot be shared among so many threads or jobs."""
    for key, value, none in (("threads", asked.get("threads"), True), ("shards", asked.get("shards", 1), False)):
        if not (none and value is None) and (type(value) is not int or value < 1):
            raise UserError(f"{key}: {value!r}: give a whole number above 0")
    if asked.get("shards", 1) > 1 and asked.get("search"):
        raise UserError("shards: a search is one job, as each batch of it learns from the one before; leave shards out")
    if asked.get("shards", 1) > 1 and not asked.get("sweep"):
        raise UserError("shards: there is nothing to cut: give several values of a parameter")


def values_of(name: str, text: str, searching: bool) -> list:
    """The values of one swept parameter; of an interval, which a search may have, its two ends."""
    given = parse(name, text).value()
    return [given.start, given.end] if searching and isinstance(given, IntervalSweep) else expand({name: text})[1][0]


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
        part = {key: data.get(key) for key in ("start", "end", "accept", "roles")}
        market = api.load(data["path"], stored=data.get("stored", False), **part)
        started.result()
    params = {key: value for key, value in strategy.items() if key not in ("name", "file")}
    which = strategy.get("file") or strategy["name"]
    how = {"venue": config["venue"], "seed": config["seed"], "overrides": overrides}
    if config.get("sweep"):
        swept = run_sweep(config, market, which, folder, how, params)
        if swept:
            show_sweep(swept, folder, rows)
    else:
        with counting("events") as progress:
            result = api.run(market, which, progress=progress, **how, **params)
        result.write(folder, page)
        show_run(result, folder)


def run_sweep(config: dict[str, Any], market, which: str, folder: Path, how: dict, params: dict) -> Sweep | None:
    """Run a sweep and write its files; None where this job is one shard of it, which leaves its tiles alone."""
    sweep, shard, where = flatten(config["sweep"]), config.get("shard"), config.get("where")
    fixed = {key: value for key, value in params.items() if key not in sweep}
    try:
        with nullcontext() if shard is not None else counting("combinations") as progress:  # of shards the whole is shown
            how |= {"progress": progress, "threads": config.get("threads")}
            if asked := config.get("search"):
                how.pop("seed")
                swept = api.sweep_search(market, which, sweep, search_of(asked, config["seed"]), folder, where=where, **how, **fixed)
            else:
                given = defaults_of(api.strategy_class(which)) | params | flatten({"venue": config["venue"]})
                grid = expand(sweep, where, {name: value for name, value in given.items() if name not in sweep})
                how |= {"folder": folder, "part": (shard or 0, 1 if shard is None else config["shards"]), "truth": shard is None}
                swept = api.sweep_grid(market, which, grid, **how, **fixed)
    except KeyboardInterrupt:
        told = HydraConfig.get()
        single = told.mode == RunMode.RUN
        raise interrupted(f"hydra.run.dir={told.run.dir}" if single else f"hydra.sweep.dir={told.sweep.dir}") from None
    if shard is not None:
        return None
    page, rows = report_of(config)
    swept.write(folder, rows if page else 0)
    return swept


def show_run(result: Result, folder: Path) -> None:
    """Print the summary of a run."""
    terminal.show_run(result.metrics, result.view.hold_metrics, result.manifest, folder)


def show_sweep(swept: Sweep, folder: Path, rows: int) -> None:
    """Print the best rows of a sweep."""
    sentence = (swept.manifest.get("truth") or {}).get("sentence", "")
    terminal.show_sweep(swept.columns, swept.view().objective, rows, sentence)
    page = folder / "report.html"
    print(f"report  {page if page.exists() else folder}")


def prune(folder: Path) -> None:
    """Remove a folder in which nothing was written, and the folders above it, inside the working directory, that held only it."""
    while folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
        if Path.cwd() not in folder.parents:
            return
