"""The Hydra sweeper `grid`: sweeps of the strategy's and the venue's values are lanes of one job, every other sweep is a job each."""

import importlib
import itertools
import logging
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
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
from backtester.sweeps.store import counted, interrupted

LOG = logging.getLogger(__name__)
LANES = ("strategy.", "venue.")  # what stands below these keys may differ between lanes; the data are shared by all lanes of a job
SHARED = ("venue.missing_funding",)
NOT_SWEPT = {"strategy.name": "sweep strategies with strategy=a,b", "strategy.file": "one file at a time"}


class GridSweeper(Sweeper):
    """A job per combination of the group sweeps, each carrying the whole value grid as text: 10,000 combinations compose one config."""

    watched: Callable[[Callable[[], tuple[int, int]]], AbstractContextManager] = nullcontext  # shows what workers have done

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra before `sweep`."""
        self.config: DictConfig = config
        self.loader = hydra_context.config_loader
        around: dict[str, Any] = {"hydra_context": hydra_context, "task_function": task_function, "config": config}
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(**around)
        self.here = BasicLauncher()
        self.here.setup(**around)

    def sweep(self, arguments: list[str]) -> Any:
        """Run the jobs of `-m arguments`; returns Hydra's JobReturns in order."""
        jobs, shards = self.jobs(arguments), self.config.get("shards", 1)
        if shards == 1:
            return self.launcher.launch(jobs, initial_job_idx=0)
        folder = Path(self.config.hydra.sweep.dir).absolute()  # a worker may have another working directory
        jobs = [[*job, f"hydra.sweep.dir={quoted(str(folder))}"] for job in jobs]
        self.launch_shards([[*job, f"+shard={n}"] for job in jobs for n in range(shards)], folder)
        return self.here.launch(jobs, initial_job_idx=len(jobs) * shards)

    def launch_shards(self, jobs: list[list[str]], folder: Path) -> None:
        """Let workers fill the stores. What one leaves undone, because it was lost or failed, is run here afterwards.

        UserError where none has begun: no cluster is there, or the workers have no data.
        """
        try:
            with self.watched(lambda: counted(folder)):
                outcomes = [done.return_value for done in self.launcher.launch(jobs, initial_job_idx=0)]
        except KeyboardInterrupt:
            raise interrupted(f"hydra.sweep.dir={folder}") from None
        except Exception as error:
            outcomes = [error]
        if failed := [outcome for outcome in outcomes if isinstance(outcome, Exception)]:
            if not counted(folder)[1]:
                raise UserError(f"hydra/launcher: no shard has begun ({told(failed[0])})") from failed[0]
            LOG.warning("a worker was lost or failed (%s): what it left undone is run here", told(failed[0]))

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
    return override.key_or_group.startswith(LANES) and override.key_or_group not in SHARED


def lane_overrides(override: Override) -> list[str]:
    """A value sweep as text inside one job. Its first value stands in the config too, so that Hydra checks the key as for a single run."""
    name = override.key_or_group.removeprefix("strategy.")
    text = str(override.input_line).split("=", 1)[1]
    return [f"{override.get_key_element()}={first_of(override)}", f"++sweep.{name}={quoted(text)}"]


def first_of(override: Override) -> str:
    """The first value of a sweep as Hydra spells it: of an interval its start, a number of its own kind."""
    if override.is_interval_sweep():
        return str(override.value().start)  # type: ignore[union-attr]
    axis(override)
    return next(override.sweep_string_iterator())


def job_overrides(override: Override) -> list[str]:
    """The overrides that a sweep of a group, of `data.*` or of the seed stands for."""
    axis(override)
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def told(error: Exception) -> str:
    """What a worker failed of, in a line."""
    words = " ".join(str(error).split())
    return words if isinstance(error, UserError) else f"{type(error).__name__}: {words[:160]}"


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
