"""What `run` and `sweep` give back: metrics, curves and tables as pandas has them, and their files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from backtester.results import folder as saved
from backtester.results.tables import TIMES
from backtester.results.write import write_folder
from backtester.sweeps.store import remove

NONE = np.datetime64("NaT", "ns").astype("i8")  # no moment, as pandas spells it


@dataclass
class Result:
    """What `backtester.run` returns. Money is in quote currency, quantities in base, times are UTC."""

    name: str
    metrics: dict[str, Any]
    manifest: dict[str, Any]
    tables: dict[str, dict]                # table -> column -> array, times int64 ns UTC
    market: Any = field(repr=False)

    def frame(self, table: str):
        """One of the tables as a DataFrame, its times as UTC timestamps (NaT where there is none)."""
        import pandas as pd

        columns = dict(self.tables.get(table, {}))
        for name in TIMES:
            if name in columns:
                columns[name] = pd.to_datetime(np.where(columns[name] == 0, NONE, columns[name]), unit="ns", utc=True)
        return pd.DataFrame(columns)

    @property
    def equity(self):
        """Series: equity at the close of every bar, quote; index UTC."""
        return self.equity_table["equity"]

    @property
    def equity_table(self):
        """DataFrame: equity, cash, position per instrument (base), drawdown (fraction); index UTC."""
        return self.frame("equity").set_index("ts")

    @property
    def orders(self):
        """DataFrame: the life of every order."""
        return self.frame("orders")

    @property
    def fills(self):
        """DataFrame: every fill with price, fee and slippage."""
        return self.frame("fills")

    @property
    def trades(self):
        """DataFrame: round trips, net of fees and funding; an open position is none yet."""
        return self.frame("trades")

    @property
    def ledger(self):
        """DataFrame: every change of cash, the deposit included; `balance` is the cash afterwards."""
        return self.frame("ledger")

    @property
    def trace(self):
        """DataFrame: what the strategy saw at every close, where it has a `trace` hook; index UTC."""
        frame = self.frame("trace")
        return frame.set_index("ts") if len(frame.columns) else frame

    @cached_property
    def view(self):
        """What a page shows of this run: its tables beside the market's prices and buy-and-hold."""
        from backtester.report.view import view_of_result

        return view_of_result(self)

    def picture(self, path: str | Path, panels: Sequence[str] = ("price", "equity", "drawdown"), **period: str) -> Path:
        """Draw panels of the page as a .png, .svg or .pdf for a paper or a post; `start` and `end` in UTC. Returns the file's path."""
        from backtester.report.picture import draw_picture

        return draw_picture(self.view, path, panels, **period)

    def _repr_html_(self) -> str:
        """What a notebook shows: what happened, a small picture, the first metrics."""
        from backtester.report.notebook import notebook_html

        return notebook_html(self.view)

    def to_vectorbt(self):
        """A vectorbt.Portfolio of this run: its fills, funding and insurance in cash and trades, its curve the equity (see portfolio)."""
        from backtester.results.portfolio import portfolio

        return portfolio(self.tables, self.market, float(self.metrics["initial_equity"]))

    def report(self, path: str | Path) -> Path:
        """Write the page of this run; returns its path."""
        from backtester.report.page import write_run_page

        return write_run_page(path, self.view)

    def write(self, folder: str | Path, page: bool = True) -> Path:
        """Write the files of a run, its page included; all of them, or none."""
        documents = {"metrics.json": self.metrics, "manifest.json": self.manifest}
        return write_folder(Path(folder), self.tables, documents, self.report if page else None)


@dataclass
class Sweep:
    """A finished sweep: the combination's number, all parameters, all metrics; a row a combination."""

    columns: dict[str, np.ndarray]
    manifest: dict[str, Any]
    curves: dict[str, np.ndarray] = field(default_factory=dict)  # ts and the sampled equity of a few, c<combination>, quote

    @property
    def table(self):
        """The rows as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.columns)

    def view(self, objective: str = "sharpe"):
        """What a page shows of this sweep, its rows ranked by a metric."""
        from backtester.report.sweep_view import SweepView, swept_of

        return SweepView(self.manifest["strategy"]["name"], self.columns, swept_of(self.columns), objective, self.manifest, self.curves)

    def report(self, path: str | Path, rows: int = 20) -> Path:
        """Write the page of this sweep with its best `rows`; returns its path."""
        from backtester.report.sweep_page import write_sweep_page

        return write_sweep_page(path, self.view(), rows)

    def write(self, folder: str | Path, rows: int = 20) -> Path:
        """Write the table, the manifest and, unless `rows` is 0, the page; all of them, or none."""
        page = (lambda path: self.report(path, rows)) if rows else None
        tables = {"sweep": self.columns} | ({"curves": self.curves} if self.curves else {})
        written = write_folder(Path(folder), tables, {"manifest.json": self.manifest}, page)
        remove(written)
        return written


def read_sweep(folder: str | Path) -> Sweep:
    """A finished sweep from its folder. UserError where it is none."""
    found = saved.read_sweep(folder)
    curves = found.columns("curves") if (found.folder / "curves.parquet").exists() else {}
    return Sweep(found.columns("sweep"), found.manifest, curves)
