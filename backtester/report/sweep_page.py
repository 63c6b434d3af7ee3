"""The page of a sweep: the best rows, how to run each again, and what the parameters do to the result."""

from math import e
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from backtester.report.heat import heat_map
from backtester.report.render import render, write
from backtester.report.sweep_view import SweepView
from backtester.report.words import ADVICE, period, setting
from backtester.results.catalogue import figure, metric, unit
from backtester.results.room import room_lacked

SHOWN = ("total_return", "max_drawdown", "sharpe", "trades", "fees", "funding")
EULER = 0.5772156649


def write_sweep_page(path: str | Path, view: SweepView, rows: int = 20) -> Path:
    """Write the page of a sweep with its best `rows`; returns its path."""
    axes = map_axes(view)
    page = render(
        "sweep.html.j2",
        view=view,
        period=period(view.manifest.get("data") or {}),
        advice=ADVICE,
        warning=warning(len(view.table[view.objective])),
        lacked=room_lacked(view.table),
        spread=spread(view),
        columns=columns_of(view),
        rows=top_rows(view, rows),
        axes=axes,
        better=metric(view.objective).better,
        map=coloured(view, axes) if len(axes) == 2 else "",
    )
    return write(path, page)


def warning(count: int) -> str:
    """What the best of `count` tries is worth before anything else is known."""
    if count < 2:
        return "One combination was tried: there is nothing to choose from, and nothing that shows whether its result was luck."
    return (
        f"The best of {count:,} combinations is luck until shown otherwise. Were none of them any better than chance, and all independent, "
        f"the best would still be expected to look {luck(count):.1f} standard errors better than chance. "
        "Look for a wide region that does well, not for the one best cell, and test it on data that this sweep has not seen."
    )


def luck(count: int) -> float:
    """Expected largest of `count` independent standard normal draws (extreme-value approximation)."""
    normal = NormalDist()
    return (1 - EULER) * normal.inv_cdf(1 - 1 / count) + EULER * normal.inv_cdf(1 - 1 / (count * e))


def map_axes(view: SweepView) -> list[str]:
    """The two swept parameters with the most values, in the order in which they were swept."""
    most = sorted(view.swept, key=lambda name: -len({str(v) for v in view.table[name]}))[:2]
    return [name for name in view.swept if name in most]


def columns_of(view: SweepView) -> list[str]:
    """The metrics that the table shows, the objective first."""
    return [view.objective, *(name for name in SHOWN if name in view.table and name != view.objective)]


def top_rows(view: SweepView, count: int) -> list[dict[str, Any]]:
    """The best combinations: number, parameters, metrics as text, and the command that runs each again."""
    numbers = view.table.get("combination", np.arange(len(view.table[view.objective])))
    return [
        {
            "combination": int(numbers[row]),
            "parameters": [setting(_plain(view.table[name][row])) for name in view.swept],
            "metrics": [figure(name, _plain(view.table[name][row])) for name in columns_of(view)],
            "command": view.command(row),
        }
        for row in view.ranked()[:count].tolist()
    ]


def spread(view: SweepView) -> list[tuple[str, str, str]]:
    """How all combinations did, as (label, value, unit)."""
    values = view.table[view.objective].astype(float)
    known = values[~np.isnan(values)]
    told = [("combinations", f"{len(values):,}", "")]
    if len(known):
        low, high = sorted((known.min(), known.max()), key=lambda value: value * (metric(view.objective).better or 1))
        for word, value in (("best", high), ("median", np.median(known)), ("worst", low)):
            told.append((f"{word} {metric(view.objective).label}", figure(view.objective, float(value)), unit(view.objective)))
    if "total_return" in view.table:
        told.append(("ended with a gain", f"{100 * np.mean(view.table['total_return'].astype(float) > 0):.0f}", "%"))
    return told


def coloured(view: SweepView, axes: list[str]) -> str:
    """The objective over two parameters, as a drawing."""
    across, up = ((name, view.table[name]) for name in axes)
    better = metric(view.objective).better
    return heat_map(across, up, view.table[view.objective], better, lambda value: figure(view.objective, float(value)))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
