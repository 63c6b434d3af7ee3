"""Search: Optuna chooses the combinations, a batch of lanes at a time, and keeps its trials in its own storage."""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hydra.core.override_parser.types import IntervalSweep

from backtester.errors import UserError
from backtester.fields import annotations, scalar
from backtester.results.catalogue import DOWN, METRICS, metric
from backtester.results.metrics import MEASURED
from backtester.sweeps.grid import Grid, axis, parse
from backtester.sweeps.lanes import NARROW
from backtester.sweeps.store import put
from backtester.sweeps.where import holds

SAMPLERS = {"tpe": "TPESampler", "cmaes": "CmaEsSampler", "random": "RandomSampler", "nsga2": "NSGAIISampler"}
BATCH = 2 * NARROW      # combinations that a sampler is asked for at once
JOURNAL = "optuna.log"  # in the folder of the sweep; optuna-dashboard opens it
GRACE = 5               # s after which the lock of a search that was killed no longer counts


class Search(NamedTuple):
    """What conf/search says."""

    sampler: str
    trials: int
    objectives: list[str]
    seed: int


def search_of(config: Mapping[str, Any], seed: int) -> Search:
    """A search from its configuration. UserError names the key."""
    objectives = [word.strip() for word in str(config["objective"]).split(",")]
    if config["sampler"] not in SAMPLERS:
        raise UserError(f"search.sampler: {config['sampler']!r} is none of {', '.join(SAMPLERS)}")
    if type(config["trials"]) is not int or config["trials"] < 1:
        raise UserError(f"search.trials: {config['trials']!r}: give a whole number above 0")
    for name in objectives:
        if name not in MEASURED or not METRICS[name].better:
            good = [each for each in MEASURED if metric(each).better]
            raise UserError(f"search.objective: {name!r} is no metric with a better direction (there are {', '.join(good)})")
    if len(objectives) > 1 and config["sampler"] == "cmaes":
        raise UserError(f"search.objective: cmaes knows one objective, not {len(objectives)}; use nsga2 or tpe")
    for package in ("optuna", "cmaes") if config["sampler"] == "cmaes" else ("optuna",):
        if find_spec(package) is None:
            raise UserError(f"search.sampler: {config['sampler']} needs {package}: pip install 'backtester[search]'")
    return Search(config["sampler"], config["trials"], objectives, seed)


def space(cls: type, sweep: Mapping[str, str]) -> dict[str, Any]:
    """Optuna's distributions of {name: values in Hydra's grammar}: an interval is continuous, or whole where the parameter is."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    declared = annotations(getattr(cls, "Params", None))
    out: dict[str, Any] = {}
    for name, text in sweep.items():
        override = parse(name, text)
        given: Any = override.value()
        if isinstance(given, IntervalSweep):
            low, high = float(given.start or 0.0), float(given.end or 0.0)
            whole = name in declared and scalar(declared[name]) is int
            out[name] = IntDistribution(int(np.ceil(low)), int(high)) if whole else FloatDistribution(low, high)
        else:
            out[name] = CategoricalDistribution(axis(override) if override.is_sweep_override() else [given])
    return out


def search(
    asked: Search, distributions: dict[str, Any], folder: Path, key: str, run: Callable[[Grid], np.ndarray],
    where: str | None = None, fixed: Mapping[str, Any] | None = None, progress: Callable[[int, int], None] | None = None,
) -> tuple[Grid, np.ndarray]:
    """Every combination that was tried, with its MEASURES; `run` gives those of a grid. What the folder's journal has is not tried again.
    `key` identifies what is searched: UserError where the journal is of something else.

    Of trials made before the combinations are run again, since a journal keeps objectives alone.
    """
    import optuna

    if asked.sampler == "cmaes":
        demand_intervals(distributions)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = open_study(optuna, asked, folder)
    if study.user_attrs.get("key", key) != key:
        right = "its parameters, data, strategy or venue differ; name another folder with hydra.sweep.dir"
        raise UserError(f"{folder}: holds another search: {right}")
    study.set_user_attr("key", key)
    names = list(distributions)
    ran = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    earlier = [[trial.params[name] for name in names] for trial in study.trials if trial.state in ran]
    rows: list[list] = []
    found: list[np.ndarray] = []
    while len(rows) < len(earlier):
        batch = earlier[len(rows) : len(rows) + BATCH]
        rows, found = rows + batch, [*found, run(columns_of(names, batch))]
        if progress:
            progress(len(rows), max(asked.trials, len(earlier)))
    while len(rows) < asked.trials:
        count = min(asked.trials - len(rows), BATCH)
        trials = [study.ask(distributions) for _ in range(count)]
        kept = [trial for trial in trials if allowed(trial, names, where, fixed or {})]
        for trial in trials:
            if trial not in kept:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
        if kept:
            batch = [[trial.params[name] for name in names] for trial in kept]
            measures = run(columns_of(names, batch))
            tell(study, optuna, kept, measures, asked.objectives)
            rows, found = rows + batch, [*found, measures]
        elif len(study.trials) > 100 * asked.trials:
            raise UserError(f"where: {where!r}: holds for hardly any combination that the search draws")
        if progress:
            progress(len(rows), asked.trials)
    return columns_of(names, rows), np.concatenate(found)


def open_study(optuna, asked: Search, folder: Path):
    """The study in a folder, begun or gone on with."""
    from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

    folder.mkdir(parents=True, exist_ok=True)
    journal = folder / JOURNAL
    drop_half_line(journal)
    backend = JournalFileBackend(str(journal), JournalFileSymlinkLock(str(journal), GRACE))
    directions = ["minimize" if metric(name).better == DOWN else "maximize" for name in asked.objectives]
    kept = {"storage": optuna.storages.JournalStorage(backend), "study_name": "search", "load_if_exists": True}
    study = optuna.create_study(directions=directions, **kept)
    study.sampler = sampler_of(optuna, asked, len(study.trials))
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):  # a killed search's: nobody runs them
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def sampler_of(optuna, asked: Search, trials: int):
    """The sampler of a study that has so many trials: it must not draw once more what it drew for them."""
    given: dict[str, dict[str, Any]] = {
        "tpe": {"constant_liar": True},  # a batch does not ask for one combination many times
        "cmaes": {"popsize": BATCH, "warn_independent_sampling": False},  # a batch is a generation
    }
    return getattr(optuna.samplers, SAMPLERS[asked.sampler])(seed=asked.seed + trials, **given.get(asked.sampler, {}))


def demand_intervals(distributions: Mapping[str, Any]) -> None:
    """UserError where there is nothing that a covariance matrix could be of."""
    from optuna.distributions import CategoricalDistribution

    lists = sum(isinstance(each, CategoricalDistribution) for each in distributions.values())
    if len(distributions) - lists < 2:
        raise UserError("search.sampler: cmaes needs two parameters or more with interval(low,high); use tpe")


def drop_half_line(journal: Path) -> None:
    """Remove what a killed search did not finish writing: a line after it would make the journal unreadable."""
    if journal.exists() and not (content := journal.read_bytes()).endswith(b"\n"):
        put(journal, content[: content.rfind(b"\n") + 1])


def allowed(trial, names: Sequence[str], where: str | None, fixed: Mapping[str, Any]) -> bool:
    """Whether the constraint holds for a trial."""
    return where is None or bool(holds(where, dict(fixed) | {name: trial.params[name] for name in names})[0])


def tell(study, optuna, trials: list, measures: np.ndarray, objectives: list[str]) -> None:
    """Report a batch; one without a value, such as the Sharpe ratio of no trades, counts as the worst (pruned)."""
    for trial, row in zip(trials, measures, strict=True):
        values = [float(row[name]) for name in objectives]
        if np.isfinite(values).all():
            study.tell(trial, values)
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)


def columns_of(names: list[str], rows: list[list]) -> Grid:
    """Rows of values as a grid."""
    return names, [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names]
