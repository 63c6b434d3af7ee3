"""What the terminal shows: tables that stay readable without colour and in a file."""

from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from backtester.report.dots import plotted
from backtester.report.moves import HEADS, IDLE, entry_bars, moves, path_is_idle
from backtester.report.sweep_view import swept_of
from backtester.report.walk_view import WalkView, heads, rows
from backtester.report.words import ADVICE, assumptions, period, setting
from backtester.results.catalogue import figure, metric, unit
from backtester.results.compare import Comparison
from backtester.results.folder import read_columns, strategy_of
from backtester.results.room import room_lacked

WIDTH = 100  # columns at least, so that a narrow or absent terminal cuts no number
RUN_ROWS = ("total_return", "final_equity", "cagr", "max_drawdown", "volatility", "sharpe", "sortino", "calmar", "trades", "win_rate",
            "profit_factor", "entry_bar_share", "exposure", "turnover", "orders", "refused", "liquidations", "fees", "slippage", "funding",
            "blocked")
SWEEP_COLUMNS = ("total_return", "max_drawdown", "sharpe", "trades")


def show_run(metrics: dict[str, Any], hold_metrics: dict[str, Any] | None, manifest: dict[str, Any], folder: str | Path) -> None:
    """Print what a run did beside buy-and-hold, under which assumptions, and where its page is."""
    console = _console()
    data = manifest.get("data") or {}
    _line(console, f"{strategy_of(manifest) or Path(folder).name} on {data.get('name', 'unnamed data')}, {period(data)} UTC", "bold")
    table = _table("", "", "strategy", *(["buy and hold"] if hold_metrics else []))
    for key in (key for key in RUN_ROWS if key in metrics):
        held = [figure(key, hold_metrics[key]) if key in hold_metrics else ""] if hold_metrics else []
        _row(table, metric(key).label, unit(key), figure(key, metrics[key]), *held)
    console.print(table)
    _show_curve(console, Path(folder))
    if metrics.get("ended") == "bankrupt":
        _line(console, "The account went bankrupt: the run ended there.", "bold red")
    _show_moves(console, metrics, manifest)
    for text, fallback in assumptions(manifest):
        _line(console, f"- {text}", "yellow" if fallback else "dim")
    _line(console, f"- {ADVICE}", "dim")
    page = Path(folder) / "report.html"
    _line(console, f"report  {page if page.exists() else folder}", "bold")


def _show_curve(console, folder: Path) -> None:
    """Print the equity over time, where it was written and the terminal has the signs for it."""
    if (folder / "equity.parquet").is_file() and "utf" in console.encoding.lower():
        table = read_columns(folder / "equity.parquet", ("ts", "equity"))
        for line in plotted(table["ts"], table["equity"]):
            _line(console, line, "")


def _show_moves(console, metrics: dict[str, Any], manifest: dict[str, Any]) -> None:
    """Print how the result moves under the other rules of time and path, and what rests on the path."""
    if outcomes := moves(metrics, manifest):
        table = _table(*HEADS)
        for cells in outcomes:
            _row(table, *cells)
        console.print(table)
    if path_is_idle(metrics, manifest):
        _line(console, IDLE, "dim")
    told, much = entry_bars(metrics)
    if much:
        _line(console, told, "bold yellow")


def show_compare(comparison: Comparison) -> None:
    """Print the metrics of several runs, the best of each row marked with a star, and their configurations' differences."""
    console = _console(30 + 22 * len(comparison.names))
    table = _table("", "", *comparison.names)
    for key, values in comparison.metrics.iterrows():
        best = comparison.best(key)
        _row(table, metric(key).label, unit(key), *(figure(key, v) + (" *" if name in best else "  ") for name, v in values.items()))
    console.print(table)
    if len(comparison.config_differences):
        table = _table("configured differently", *comparison.names)
        for key, values in comparison.config_differences.iterrows():
            _row(table, key, *("no key" if isinstance(value, float) and isnan(value) else setting(value) for value in values))
        console.print(table)
    for each in comparison.differences:
        _line(console, each.sentence, "bold" if each.shown else "")
    _line(console, comparison.alignment, "dim")
    _line(console, f"* the best of its row. {ADVICE}", "dim")


def show_sweep(table, objective: str, rows: int = 20, sentence: str = "") -> None:
    """Print the best rows of a sweep, a DataFrame or a dict of columns, by a metric, and in one sentence what can be believed."""
    swept, columns = swept_of(table), [objective, *(name for name in SWEEP_COLUMNS if name in table and name != objective)]
    values = np.asarray(table[objective], dtype=float)
    order = np.argsort(np.where(np.isnan(values), np.inf, -(metric(objective).better or 1) * values), kind="stable")[:rows]
    console = _console()
    shown = _table(*swept, *(f"{metric(name).label} {unit(name)}".strip() for name in columns), words=0)
    chosen = {name: np.asarray(table[name])[order].tolist() for name in (*swept, *columns)}
    for row in range(len(order)):
        _row(shown, *(setting(chosen[name][row]) for name in swept), *(figure(name, chosen[name][row]) for name in columns))
    console.print(shown)
    _line(console, f"{len(order)} of {len(values):,} combinations, by {metric(objective).label}.", "dim")
    if lacked := room_lacked(table):
        _line(console, lacked, "bold yellow")
    _line(console, sentence or "The best of many is luck until shown otherwise.", "yellow")


def show_walk(view: WalkView) -> None:
    """Print the tests of a walk-forward, and in one sentence what can be believed of them together."""
    names = heads(view)
    table = _table(*names, words=2)
    for cells in rows(view):
        _row(table, *cells)
    console = _console(14 * len(names))
    console.print(table)
    _line(console, view.told["truth"]["sentence"], "yellow")
    _line(console, f"Nothing in a test was known when its parameters were chosen. {ADVICE}", "dim")


def show_findings(title: str, findings: Sequence[Any]) -> None:
    """Print what the honesty checks on a strategy found: a row a check, then every difference in both versions."""
    console = _console()
    _line(console, title, "bold")
    table = _table("check", "holds", "tried", "seconds", words=3)
    for each in findings:
        _row(table, each.check, "yes" if each.holds else "NO", each.tried, f"{each.seconds:.1f}")
    console.print(table)
    failed = [each for each in findings if not each.holds]
    for each in failed:
        _line(console, f"{each.check}: {each.difference}", "red")
    _line(console, f"{len(failed)} of {len(findings)} checks failed." if failed else f"All {len(findings)} checks hold.", "bold")
    _line(console, "No check sees why a number was chosen: judge that on data that the choice has not met.", "dim")


def _console(width: int = WIDTH):
    from rich.console import Console

    console = Console(highlight=False, emoji=False)
    return console if console.width >= width else Console(highlight=False, emoji=False, width=max(width, WIDTH))


def _table(*heads: str, words: int = 1):
    """A table whose first `words` columns hold words; the others hold numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads):
        table.add_column(Text(head), justify="left" if place < words or not head else "right", overflow="fold")
    return table


def _row(table, *cells: str) -> None:
    """Cells as they are: a name in brackets is text, not markup."""
    from rich.text import Text

    table.add_row(*(Text(cell) for cell in cells))


def _line(console, text: str, style: str) -> None:
    from rich.text import Text

    console.print(Text(text, style=style))
