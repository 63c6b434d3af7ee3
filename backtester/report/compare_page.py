"""The page of a comparison: curves on one axis, metrics beside each other, and what was configured differently."""

from pathlib import Path
from typing import Any

from backtester.report.render import render, write
from backtester.report.svg import Line, Panel, chart
from backtester.report.words import ADVICE
from backtester.results.compare import Comparison


def write_compare_page(path: str | Path, comparison: Comparison) -> Path:
    """Write the page of a comparison; returns its path."""
    drawn = len(comparison.equity) > 0
    page = render(
        "compare.html.j2",
        runs=[(name, style(i)) for i, name in enumerate(comparison.names)],
        alignment=comparison.alignment,
        periods={name: [f"{moment:%Y-%m-%d %H:%M}" for moment in comparison.periods[name]] for name in comparison.names},
        advice=ADVICE,
        panels=chart(panels(comparison), *_span(comparison)) if drawn else [],
        metrics=metric_rows(comparison),
        differences=[(key, list(row)) for key, row in comparison.config_differences.iterrows()],
    )
    return write(path, page)


def style(run: int) -> str:
    """The style of a run's curve: a colour of its own, dashed from the eleventh on."""
    return f"c{run % 10}" + (" dashed" if run >= 10 else "")


def panels(comparison: Comparison) -> list[Panel]:
    """Equity as money, as return from the common start, and drawdown."""
    tables = [
        ("Return from the common start", "%", 100 * comparison.returns, 260, "{:,.1f}".format, True),
        ("Equity", "quote", comparison.equity, 200, "{:,.0f}".format, False),
        ("Drawdown", "%", -100 * comparison.drawdowns, 150, "{:,.1f}".format, True),
    ]
    return [Panel(title, unit, _lines(table), height, text, zero=zero) for title, unit, table, height, text, zero in tables]


def metric_rows(comparison: Comparison) -> list[tuple[str, list[tuple[Any, bool]]]]:
    """Each metric's key with its value and whether it is the best, per run."""
    rows = []
    for key, values in comparison.metrics.iterrows():
        best = comparison.best(key)
        rows.append((key, [(value, name in best) for name, value in values.items()]))
    return rows


def _lines(table) -> list[Line]:
    ts = table.index.as_unit("ns").asi8
    return [Line(name, ts, table[name].to_numpy(), style(i)) for i, name in enumerate(table.columns)]


def _span(comparison: Comparison) -> tuple[int, int]:
    ts = comparison.equity.index.as_unit("ns").asi8
    return int(ts[0]), int(ts[-1])
