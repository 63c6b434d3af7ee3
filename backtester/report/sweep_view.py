"""What the page of a sweep shows, as plain data: its rows, which parameters differ, and how each row runs again."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backtester.results.catalogue import METRICS, metric
from backtester.results.folder import Columns, flatten, read_sweep

VENUE = "venue."  # in front of a column that is a key of the venue


@dataclass(frozen=True)
class SweepView:
    """A finished sweep: one row a combination."""

    name: str
    table: Columns
    swept: list[str]  # parameters that differ between rows
    objective: str  # the metric that ranks the rows
    manifest: dict[str, Any]
    curves: Columns = field(default_factory=dict)  # ts and the sampled equity of a few, c<combination>, quote

    def ranked(self) -> np.ndarray:
        """Rows from the best to the worst by the objective, those without it last."""
        values = self.table[self.objective].astype(float)
        return np.argsort(np.where(np.isnan(values), np.inf, -(metric(self.objective).better or 1) * values), kind="stable")

    def command(self, row: int) -> str:
        """The command that runs one combination again as a single run."""
        fixed = self.manifest.get("overrides") or spelled(self.manifest)
        chosen = {key_of(name): written(self.table[name][row]) for name in self.swept}
        own = tuple(f"{key}=" for key in chosen)
        kept = [text for text in fixed if not text.startswith((*own, *OF_SWEEPS))]
        return shlex.join(["backtester", "run", *kept, *(f"{key}={value}" for key, value in chosen.items())])


OF_SWEEPS = ("sweep=", "+sweep.", "++sweep.", "search", "where=", "threads=", "shards=", "hydra")  # overrides that a single run has not


def key_of(name: str) -> str:
    """The override's key of a column that is a parameter."""
    return name if name.startswith(VENUE) else f"strategy.{name}"


def spelled(manifest: dict[str, Any]) -> list[str]:
    """The overrides that stand for a manifest's whole configuration, where it does not name the user's own."""
    config = flatten({key: value for key, value in (manifest.get("config") or {}).items() if key != "sweep"})
    choice = {"strategy.name": "strategy"}  # the group's file, not a key of it
    return [f"{choice.get(key, key)}={written(value)}" for key, value in config.items() if key != "data.name"]


def view_of_sweep(folder: str | Path, objective: str = "sharpe") -> SweepView:
    """The view of a sweep's folder, its rows ranked by a metric. UserError where it is no sweep."""
    saved = read_sweep(folder)
    table = saved.columns("sweep")
    curves = saved.columns("curves") if (saved.folder / "curves.parquet").is_file() else {}
    return SweepView(saved.name, table, swept_of(table), objective, saved.manifest, curves)


def swept_of(table) -> list[str]:
    """The columns that are parameters and differ between rows.

    The market's own counts are the same in every row: one that differs is a parameter of the same name (`bars` of divergence).
    """
    results = set(METRICS) - {"bars", "events"} | {"combination"}
    return [name for name in table if name not in results and len({str(v) for v in table[name]}) > 1]


def written(value: Any) -> str:
    """A value as an override spells it."""
    return "null" if str(value) in {"None", "nan"} else str(value)
