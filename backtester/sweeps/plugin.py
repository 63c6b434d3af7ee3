"""The Hydra sweeper `grid`: sweeps of strategy parameters are lanes of one job, every other sweep is a job each."""

import importlib
import itertools
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from backtester.errors import UserError
from backtester.sweeps.grid import axis

LANES = "strategy."  # what stands below this key differs between lanes; data and venue are shared by all lanes of a job
NOT_SWEPT = {"strategy.name": "sweep strategies with strategy=a,b", "strategy.file": "one file at a time"}


class GridSweeper(Sweeper):
    """A job per combination of the group sweeps, each carrying the whole value grid as text: 10,000 combinations compose one config."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra before `sweep`."""
        self.config: DictConfig = config
        self.loader = hydra_context.config_loader
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Run the jobs of `-m arguments`; returns Hydra's JobReturns in order."""
        return self.launcher.launch(self.jobs(arguments), initial_job_idx=0)

    def jobs(self, arguments: list[str]) -> list[list[str]]:
        """The overrides of every job."""
        return list(split(OverridesParser.create(config_loader=self.loader).parse_overrides(arguments)))

    def composed(self, arguments: list[str]) -> Iterator[DictConfig]:
        """The config of every job, 40 ms each."""
        return (self.loader.load_sweep_config(self.config, job) for job in self.jobs(arguments))


def split(overrides: Sequence[Override]) -> Iterator[list[str]]:
    """The overrides of each job."""
    fixed = [str(override.input_line) for override in overrides if not override.is_sweep_override()]
    swept = [override for override in overrides if override.is_sweep_override()]
    lanes = [text for override in swept if is_lane(override) for text in lane_overrides(override)]
    groups = [job_overrides(override) for override in swept if not is_lane(override)]
    for choice in itertools.product(*groups):
        folder = quoted(",".join(choice).replace("/", "-") or ".")
        yield [*fixed, *choice, *lanes, f"hydra.sweep.subdir={folder}"]


def is_lane(override: Override) -> bool:
    """Whether a sweep differs between lanes of one job."""
    if override.key_or_group in NOT_SWEPT:
        raise UserError(f"{override.input_line}: {NOT_SWEPT[override.key_or_group]}")
    return override.key_or_group.startswith(LANES)


def lane_overrides(override: Override) -> list[str]:
    """A value sweep as text inside one job. Its first value stands in the config too, so that Hydra checks the key as for a single run."""
    axis(override)
    name = override.key_or_group.removeprefix(LANES)
    text = str(override.input_line).split("=", 1)[1]
    return [f"{override.get_key_element()}={next(override.sweep_string_iterator())}", f"+sweep.{name}={quoted(text)}"]


def job_overrides(override: Override) -> list[str]:
    """The overrides that a sweep of a group, of `venue.*`, `data.*` or of the seed stands for."""
    axis(override)
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def quoted(text: str) -> str:
    """The text as one value of Hydra's grammar."""
    return QuotedString(text, Quote.single).with_quotes()


def register() -> None:
    """Make `hydra/sweeper=grid` known: Hydra takes plugins from its own namespace only, so the class stands there under a second name."""
    try:
        namespace = importlib.import_module("hydra_plugins")
    except ModuleNotFoundError:  # no other plugin is installed
        namespace = sys.modules["hydra_plugins"] = types.ModuleType("hydra_plugins")
        namespace.__path__ = []
    GridSweeper.__module__ = "hydra_plugins"
    namespace.GridSweeper = GridSweeper  # type: ignore[attr-defined]
    Plugins.instance().register(GridSweeper)
    ConfigStore.instance().store(group="hydra/sweeper", name="grid", node={"_target_": "hydra_plugins.GridSweeper"})
