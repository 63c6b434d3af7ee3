"""The page of a walk-forward: what was chosen for each test, what was promised, what came, and what the tests came to together."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from backtester.report.inside_outside import inside_outside
from backtester.report.render import render, write
from backtester.report.svg import Line, Panel, chart
from backtester.report.walk_view import WalkView, heads, rows, sides
from backtester.report.words import ADVICE
from backtester.results.catalogue import figure, metric, unit


def write_walk_page(path: str | Path, view: WalkView) -> Path:
    """Write the page; returns its path."""
    truth, objective = view.told["truth"], view.told["objective"]
    page = render(
        "walk.html.j2",
        name=view.name,
        period=f"{view.table['test_start'][0][:10]} to {view.table['test_end'][-1][:10]}",
        truth=truth,
        advice=ADVICE,
        summary=summary(view),
        curves=curves(view),
        drawing=drawing(view),
        objective=objective,
        heads=heads(view),
        rows=rows(view),
    )
    return write(path, page)


def summary(view: WalkView) -> list[tuple[str, str, str]]:
    """How the tests did together, as (label, value, unit)."""
    truth, objective = view.told["truth"], view.told["objective"]
    inside, outside = sides(view)
    choices = {tuple(str(view.table[name][n]) for name in view.told["swept"]) for n in range(len(inside))}
    return [
        ("tests that gained", f"{truth['gained']} of {truth['tests']}", ""),
        ("all tests together", figure("total_return", truth["total_return"]), "%"),
        ("buy and hold", figure("total_return", truth["hold_return"]), "%"),
        ("Sharpe ratio of all tests", figure("sharpe", truth["sharpe"]), ""),
        (f"median {metric(objective).label} where it was chosen", figure(objective, median(inside)), unit(objective)),
        (f"median {metric(objective).label} of the tests", figure(objective, median(outside)), unit(objective)),
        ("different choices", f"{len(choices)} of {len(inside)}", ""),
    ]


def median(values: np.ndarray) -> float:
    """The median of what is known, (tests,); NaN where nothing is."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")


def curves(view: WalkView) -> list[dict[str, Any]]:
    """Equity of all tests, one after another, beside buy-and-hold over the same time."""
    ts = view.curve["ts"]
    lines = [Line("buy and hold", ts, view.curve["hold"], "hold"), Line("the tests", ts, view.curve["equity"], "strategy")]
    return chart([Panel("Equity of the tests", "quote", lines, 300, "{:,.0f}".format)], int(ts[0]), int(ts[-1]))


def drawing(view: WalkView) -> str:
    """What was promised and what came."""
    objective = view.told["objective"]
    labels = [f"{begun.day} {begun:%b}" for begun in map(datetime.fromisoformat, view.table["test_start"])]
    return inside_outside(*sides(view), labels, metric(objective).label, lambda value: figure(objective, value))
