"""Hydra as `backtester run` uses it: from command-line overrides to jobs, and from Hydra's errors to one clear message."""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from backtester import api, job
from backtester.checkout import ROOT
from backtester.engine.params import defaults_of
from backtester.errors import UserError
from backtester.report.progress import watching
from backtester.sweeps import plugin

CONF = ROOT / "conf"
EXTRAS = {"joblib": "cluster", "submitit_local": "cluster", "submitit_slurm": "cluster", "ray": "ray"}  # launcher -> what brings it


@contextmanager
def started() -> Iterator[Hydra]:
    """Hydra on our conf/, its errors translated. Jobs return their errors, so what is caught here is about the config alone."""
    version.setbase("1.3")
    plugin.register()
    try:
        yield Hydra.create_main_hydra2("backtester", create_config_search_path(str(CONF)))
    except (HydraException, OmegaConfBaseException, OSError, ValueError) as error:
        raise UserError(explained(error)) from error
    finally:
        GlobalHydra.instance().clear()


def launch(arguments: Sequence[str], multirun: bool) -> list[Path]:
    """Run what the overrides ask for; returns the folder of each job. Raises UserError with nothing left behind."""
    overrides = accepted(arguments, multirun)
    with started() as hydra:
        results = sweep(hydra, overrides) if multirun else [hydra.run("config", job.task, overrides, with_log_configuration=False)]
    outcomes = [result.return_value for result in results]
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return outcomes


def sweep(hydra: Hydra, overrides: Sequence[str]) -> Sequence[JobReturn]:
    """Hydra's multirun, except that values are left to the jobs: `strategy=a,b strategy.qty=2` need not suit the default strategy."""
    composed, sweeper, arguments = sweeper_of(hydra, overrides)
    for config in composed:  # a mistake in the last job must not cost the hours of the first
        job.check(config)
    sweeper.watched = partial(watching, "combinations")
    return sweeper.sweep(arguments=arguments)


def sweeper_of(hydra: Hydra, overrides: Sequence[str]) -> tuple[Iterator[DictConfig], plugin.GridSweeper, list[str]]:
    """The configs of the jobs, who runs them, and the overrides that are not Hydra's own."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    general = [str(override.input_line) for override in parsed if override.is_hydra_override() or "." not in override.key_or_group]
    config = hydra.compose_config("config", general, RunMode.MULTIRUN, with_log_configuration=False)
    context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))
    sweeper = Plugins.instance().instantiate_sweeper(config=config, hydra_context=context, task_function=job.task)
    arguments = [str(override.input_line) for override in parsed if not override.is_hydra_override()]
    assert isinstance(sweeper, plugin.GridSweeper)
    return sweeper.composed(arguments), sweeper, arguments


def one_config(arguments: Sequence[str]) -> dict[str, Any]:
    """The checked config of the one job that `-m arguments` stand for. UserError where they stand for several."""
    overrides = accepted(arguments, multirun=True)
    with started() as hydra:
        composed = list(sweeper_of(hydra, overrides)[0])
        if len(composed) > 1:
            raise UserError(f"{len(composed)} jobs: sweep values of one strategy on one data set")
        job.check(composed[0])
        return {key: value for key, value in job.plain(composed[0]).items() if key != "hydra"}


def show(arguments: Sequence[str], which: str) -> None:
    """Print the composed config: `job` (ours), `hydra` or `all`."""
    overrides = accepted(arguments, multirun=False)
    with started() as hydra:
        hydra.show_cfg("config", overrides, which, package=None)


def accepted(arguments: Sequence[str], multirun: bool) -> list[str]:
    """The overrides as Hydra gets them, checked for what Hydra would say too late or too vaguely."""
    arguments = [as_one_value(text) for text in arguments]
    try:
        overrides = OverridesParser.create().parse_overrides(arguments)
    except OverrideParseException as error:
        problem = error.message.replace("\n", "; ").partition("; See ")[0]
        raise UserError(f"{error.override}: no override ({problem}); write key=value, for example strategy.premium_delta_bp=1.5") from error
    for override in overrides:
        check(override, multirun)
    files = [override for override in overrides if override.key_or_group == "strategy.file"]
    if not files:
        return arguments
    if any(override.key_or_group == "strategy" for override in overrides):
        raise UserError(f"{files[-1].input_line}: takes the place of strategy=..., give one of the two")
    store_file(str(files[-1].value()))
    return ["strategy=file", *(text for text, override in zip(arguments, overrides, strict=True) if override not in files)]


def as_one_value(text: str) -> str:
    """A constraint and a list of objectives are one text, though Hydra's grammar would see more in them."""
    key, _, value = text.partition("=")
    return f"{key}={plugin.quoted(value)}" if key in ("where", "search.objective") and value[:1] not in ("'", '"', "") else text


def check(override: Override, multirun: bool) -> None:
    """Refuse what names no key, several values or shards without -m, and a config file's name that is none."""
    if not override.key_or_group:
        raise UserError(f"{override.input_line}: no override (it names no key); write key=value")
    if override.is_sweep_override():
        if not multirun:
            raise UserError(f"{override.input_line}: several values are a sweep; write `backtester run -m {override.input_line}`")
    elif override.key_or_group == "shards" and not multirun:
        raise UserError(f"{override.input_line}: shards are jobs of their own; write `backtester run -m ... {override.input_line}`")
    elif (CONF / override.key_or_group).is_dir() and not isinstance(override.value(), str | None):
        raise UserError(no_option(override.key_or_group, str(override.value()), options(override.key_or_group)))


def store_file(path: str) -> None:
    """Make the strategy in a file the config `strategy=file`: its parameters with their defaults, so that an unknown key is an error."""
    file = Path(path).expanduser().resolve()
    strategy = api.strategy_class(str(file))
    node = {"name": file.stem, "file": str(file), **defaults_of(strategy)}
    ConfigStore.instance().store(group="strategy", name="file", node=node)


def options(group: str) -> list[str]:
    """The names of a config group."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def explained(error: Exception) -> str:
    """Hydra's error as a message that names what is wrong and what would be right."""
    cause = error.__cause__
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = error.missing_cfg_file.rpartition("/")
        return no_option(group, name, list(error.options or options(group)))
    if isinstance(cause, OmegaConfBaseException) and cause.parent_node is not None:
        return no_key(cause)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}; name another folder with hydra.run.dir or hydra.sweep.dir"
    return " ".join(str(cause or error).split())


def no_option(group: str, name: str, known: Sequence[str]) -> str:
    """A config group was asked for a file that it has not."""
    if group == "hydra/launcher" and name in EXTRAS:
        return f"{group}={name}: is not installed: pip install 'backtester[{EXTRAS[name]}]'"
    return f"{group}={name}: there is no conf/{group}/{name}.yaml{nearest(name, known)}; conf/{group} has {', '.join(known)}"


def no_key(error: OmegaConfBaseException) -> str:
    """A key was set that the config has not."""
    above = str(error.full_key).rpartition(".")[0]
    known = [str(key) for key in error.parent_node if key != "hydra"]
    holder = above or "the config"
    has = f"{holder} has {', '.join(known)}" if known else f"{holder} is a value and holds no keys"
    return f"{error.full_key}: no such key{nearest(str(error.key), known)}; {has}"


def nearest(name: str, known: Sequence[str]) -> str:
    """The question that a typing mistake deserves; empty where nothing is near."""
    found = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {found[0]}?" if found else ""
