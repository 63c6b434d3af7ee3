"""Several finished runs side by side: metrics, curves on one index, and where their configurations differ."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backtester.errors import UserError
from backtester.results.catalogue import METRICS, best
from backtester.results.folder import Saved, flatten, read_run


@dataclass(frozen=True)
class Comparison:
    """Runs beside each other; every column of every table is a run, under a name of its own."""

    metrics: Any             # DataFrame: a row a metric; each over its run's own period
    equity: Any              # DataFrame: a row a moment of the common period, UTC; quote
    config_differences: Any  # DataFrame: a row a configuration key on which the runs disagree
    periods: Any             # DataFrame: rows start and end of each run, UTC
    alignment: str           # how the curves were brought onto one index, as a sentence

    @property
    def names(self) -> list[str]:
        """The runs, in the order in which they were given."""
        return list(self.metrics.columns)

    @property
    def returns(self) -> Any:
        """DataFrame: gain since the first moment of the common period, fraction."""
        return self.equity / self.equity.iloc[:1].squeeze(axis=0) - 1 if len(self.equity) else self.equity

    @property
    def drawdowns(self) -> Any:
        """DataFrame: loss since the highest equity of the common period so far, positive fraction."""
        return 1 - self.equity / self.equity.cummax()

    def best(self, key: str) -> set[str]:
        """The runs with the best value of a metric; none where no direction is better."""
        return {self.names[i] for i in best(key, list(self.metrics.loc[key]))}


def compare(runs: Iterable) -> Comparison:
    """Compare Results (`.name`, `.metrics`, `.equity`, `.manifest`) or folders of runs, in any mix; UserError for fewer than two."""
    import pandas as pd

    runs = [_opened(run) for run in runs]
    if len(runs) < 2:
        raise UserError(f"compare needs at least two runs, got {len(runs)}")
    names = _distinct(runs)
    metrics = pd.DataFrame({name: pd.Series(run.metrics, dtype=object) for name, run in zip(names, runs, strict=True)})
    known = [key for key in METRICS if key in metrics.index]
    metrics = metrics.loc[known + [key for key in metrics.index if key not in METRICS]]
    curves = {name: _curve(run) for name, run in zip(names, runs, strict=True)}
    periods = pd.DataFrame({name: {"start": curve.index[0], "end": curve.index[-1]} for name, curve in curves.items()})
    equity = _aligned(curves, periods)
    configs = {name: pd.Series(flatten(run.manifest.get("config") or {}), dtype=object) for name, run in zip(names, runs, strict=True)}
    return Comparison(metrics, equity, _differing(pd.DataFrame(configs)), periods, _sentence(periods, len(equity)))


def _opened(run):
    return read_run(run) if isinstance(run, (str, Path)) else run


def _distinct(runs: list) -> list[str]:
    """A name a run: its own, with its folder or else its place in the list where several share it."""
    names = [run.name for run in runs]
    if len(set(names)) == len(names):
        return names
    longer = [f"{run.name} · {run.folder.name}" if isinstance(run, Saved) else run.name for run in runs]
    return [name if longer.count(name) == 1 else f"{name} #{place}" for place, name in enumerate(longer, 1)]


def _curve(run):
    """A run's equity on its UTC index, the last value of a moment that has several."""
    import pandas as pd

    if isinstance(run, Saved):
        table = run.columns("equity")
        curve = pd.Series(table["equity"], index=pd.DatetimeIndex(table["ts"], tz="UTC", name="ts"))
    else:
        curve = run.equity
    if not len(curve):
        raise UserError(f"{run.name}: its equity is empty, there is nothing to compare")
    return curve[~curve.index.duplicated(keep="last")]


def _aligned(curves: dict, periods):
    """All curves on the union of their moments inside the common period; between its own moments a curve keeps its last value."""
    import pandas as pd

    start, end = periods.loc["start"].max(), periods.loc["end"].min()
    table = pd.concat(curves, axis=1, sort=True).ffill()
    return table[(table.index >= start) & (table.index <= end)]


def _differing(configs):
    """The rows on which the columns disagree; a key that a run does not have stays NaN."""
    same = configs.map(_spelling).nunique(axis=1) == 1
    return configs[~same]


def _spelling(value) -> str:
    """One text for equal values: 92000 and 92000.0 are the same threshold."""
    return str(float(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _sentence(periods, moments: int) -> str:
    start, end = periods.loc["start"].max(), periods.loc["end"].min()
    if not moments:
        return "The runs share no moment: there is no curve to draw on one axis, and each metric is over its run's own period."
    text = f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
    if periods.nunique(axis=1).max() == 1:
        return f"All runs cover the same period, {text}."
    return (
        f"The runs cover different periods; curves, returns and drawdowns are shown over the period that all share, {text}, "
        "on the union of their moments, each keeping its last value between its own. Each metric is over its run's own period."
    )
