"""What the page of a walk-forward and the terminal show, as plain data: of each test what was chosen, what was promised, what came."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backtester.report.words import setting
from backtester.results.catalogue import figure, metric, unit
from backtester.results.folder import Columns, read_walk

SHOWN = ("total_return", "max_drawdown", "sharpe", "trades")


@dataclass(frozen=True)
class WalkView:
    """A finished walk-forward."""

    name: str
    table: Columns  # a row a test: its moments (words), what was chosen, inside_<objective>, hold_return, all metrics of the test
    curve: Columns  # ts, equity and hold (buy-and-hold) of all tests, one after another, quote
    manifest: dict[str, Any]

    @property
    def told(self) -> dict[str, Any]:
        """The objective, what was swept, and the truth about the tests."""
        return self.manifest["walk_forward"]


def view_of_walk(folder: str | Path) -> WalkView:
    """The view of a walk-forward's folder. UserError where it is none."""
    saved = read_walk(folder)
    return WalkView(saved.name, saved.columns("walk_forward"), saved.columns("equity"), saved.manifest)


def sides(view: WalkView) -> tuple[np.ndarray, np.ndarray]:
    """The objective where it was chosen and in the test, (tests,) each."""
    objective = view.told["objective"]
    return view.table[f"inside_{objective}"].astype(float), view.table[objective].astype(float)


def shown(objective: str) -> list[str]:
    """The metrics of a test that the table shows beside the objective."""
    return [name for name in SHOWN if name != objective]


def heads(view: WalkView) -> list[str]:
    """What stands above the columns of `rows`."""
    objective = view.told["objective"]
    sided = [(metric(objective).label + where, unit(objective)) for where in (" where chosen", " of the test")]
    named = [*sided, *((metric(name).label, unit(name)) for name in shown(objective)), ("buy and hold", "%")]
    return ["test from", "until", *view.told["swept"], *(", ".join(filter(None, each)) for each in named)]


def rows(view: WalkView) -> list[list[str]]:
    """The tests: period, what was chosen, the objective where it was chosen and in the test, metrics, buy-and-hold."""
    objective, table = view.told["objective"], view.table
    inside, outside = sides(view)
    return [
        [
            *(table[name][n][:10] for name in ("test_start", "test_end")),
            *(setting(_plain(table[name][n])) for name in view.told["swept"]),
            *(figure(objective, float(side[n])) for side in (inside, outside)),
            *(figure(name, _plain(table[name][n])) for name in shown(objective)),
            figure("total_return", float(table["hold_return"][n])),
        ]
        for n in range(len(inside))
    ]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
