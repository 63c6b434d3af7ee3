"""Several finished runs side by side: metrics, curves on one index, and where their configurations differ."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from backtester.errors import UserError
from backtester.results.catalogue import METRICS, best
from backtester.results.differences import Difference, differences, log_returns, sampled
from backtester.results.folder import Columns, Saved, flatten, read_run
from backtester.results.overlap import shared, stances


@dataclass(frozen=True)
class Comparison:
    """Runs beside each other; every column of every table is a run, under a name of its own."""

    metrics: Any             # DataFrame: a row a metric; each over its run's own period
    equity: Any              # DataFrame: a row a moment of the common period, UTC; quote
    config_differences: Any  # DataFrame: a row a configuration key on which the runs disagree
    periods: Any             # DataFrame: rows start and end of each run, UTC
    alignment: str           # how the curves were brought onto one index, as a sentence
    positions: dict[str, Columns]  # a run's `ts` (ns) and positions (base) at its own moments
    trades: dict[str, Columns]     # a run's trades: `side`, `entry_ts` and `exit_ts` (ns)

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

    @cached_property
    def differences(self) -> list[Difference]:
        """Each pair of runs, the better one first, with the interval of the difference of their growth."""
        return differences(self.names, self._ts, self.equity.to_numpy(dtype=float))

    @property
    def correlation(self) -> Any:
        """DataFrame: correlation of the runs' returns, daily, or hourly where the common period is shorter than 60 days."""
        import pandas as pd

        if len(self.equity) < 2:
            return pd.DataFrame(index=self.names, columns=self.names, dtype=float)
        samples, _ = sampled(self._ts, self.equity.to_numpy(dtype=float))
        return pd.DataFrame(log_returns(samples), columns=self.names).corr()

    @property
    def overlaps(self) -> Any:
        """DataFrame: share of a row's trades that ran while a trade of the column ran on the same side."""
        import pandas as pd

        return pd.DataFrame({other: {name: shared(self.trades[name], self.trades[other]) for name in self.names} for other in self.names})

    def in_market(self, name: str):
        """First moments (ns) of each stretch in which a run was flat, long, short or hedged, and which (see overlap.STANCES)."""
        held = self.positions[name]
        columns = [values for column, values in held.items() if column != "ts"]
        return stances(held["ts"], np.stack(columns, axis=1) if columns else np.zeros((len(held["ts"]), 1)))

    @property
    def _ts(self) -> np.ndarray:
        """The moments of the common period, ns."""
        return self.equity.index.as_unit("ns").asi8

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
    alignment = " ".join([_sentence(periods, len(equity)), *_elsewhere(names, runs)])
    positions, trades = ({name: read(run) for name, run in zip(names, runs, strict=True)} for read in (_positions, _trades))
    return Comparison(metrics, equity, _differing(pd.DataFrame(configs)), periods, alignment, positions, trades)


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


def _positions(run) -> Columns:
    """A run's moments (ns) and positions."""
    table = run.columns("equity") if isinstance(run, Saved) else run.tables["equity"]
    return {name: values for name, values in table.items() if name == "ts" or name.startswith("position_")}


def _trades(run) -> Columns:
    """The sides and the moments (ns) of a run's trades."""
    needed = ("side", "entry_ts", "exit_ts")
    if isinstance(run, Saved):
        return run.columns("trades", needed)
    return {name: run.tables["trades"][name] for name in needed}


def _elsewhere(names: list[str], runs: list) -> list[str]:
    """What to say where the runs are on different data."""
    data = {name: (run.manifest.get("data") or {}).get("name") or "unnamed data" for name, run in zip(names, runs, strict=True)}
    if len(set(data.values())) == 1:
        return []
    told = ", ".join(f"{name} on {where}" for name, where in data.items())
    return [f"They are on different data ({told}): what differs between them may be the market."]


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
