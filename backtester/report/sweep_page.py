"""The page of a sweep: the best rows, how to run each again, and what the parameters do to the result."""

from itertools import combinations
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from backtester.report.heat import heat_map
from backtester.report.parallel import parallel
from backtester.report.render import render, write
from backtester.report.scatter import scatter
from backtester.report.svg import Line, Panel, chart
from backtester.report.sweep_view import SweepView
from backtester.report.words import ADVICE, period, setting
from backtester.results.catalogue import figure, metric, unit
from backtester.results.overfitting import expected_best
from backtester.results.room import room_lacked

SHOWN = ("total_return", "max_drawdown", "sharpe", "trades", "fees", "funding")
PAIRS = 6      # of parameters that have heat maps
LONGEST = 40   # values of a parameter along which the metric is listed


def write_sweep_page(path: str | Path, view: SweepView, rows: int = 20) -> Path:
    """Write the page of a sweep with its best `rows`; returns its path."""
    truth = view.manifest.get("truth") or {}
    page = render(
        "sweep.html.j2",
        view=view,
        period=period(view.manifest.get("data") or {}),
        advice=ADVICE,
        warning=truth.get("sentence") or warning(len(view.table[view.objective])),
        believable=truth.get("believable"),
        lacked=room_lacked(view.table),
        spread=spread(view) + told_truth(truth),
        columns=columns_of(view),
        rows=top_rows(view, rows),
        better=metric(view.objective).better,
        maps=maps(view),
        lines=lines(view),
        halves=halves(view, truth),
        curves=curves(view, truth),
        few=few(truth),
        slopes=slopes(truth),
    )
    return write(path, page)


def warning(count: int) -> str:
    """What the best of `count` tries is worth before anything else is known."""
    if count < 2:
        return "One combination was tried: there is nothing to choose from, and nothing that shows whether its result was luck."
    return (
        f"The best of {count:,} combinations is luck until shown otherwise. Were none of them any better than chance, and all independent, "
        f"the best would still be expected to look {expected_best(count, 1.0):.1f} standard errors better than chance. "
        "Look for a wide region that does well, not for the one best cell, and test it on data that this sweep has not seen."
    )


def told_truth(truth: dict[str, Any]) -> list[tuple[str, str, str]]:
    """How much of the best is luck, as (label, value, unit)."""
    out = []
    if truth:
        out.append(("Sharpe ratio of the luckiest without skill", f"{truth['luck']:.2f}", ""))
    if truth.get("deflated_sharpe") is not None:
        out.append(("Deflated Sharpe Ratio", f"{truth['deflated_sharpe']:.2f}", ""))
    if cross := truth.get("overfitting"):
        out.append(("probability of overfitting, \u00b10.2", f"{100 * cross['probability']:.0f}", "%"))
        out.append(("best of one half lost in the other", f"{100 * cross['loss']:.0f}", "%"))
    if truth.get("purged_sharpe") is not None:
        out.append(("Sharpe ratio of what was best elsewhere", figure("sharpe", truth["purged_sharpe"]), ""))
    if plateau := known_plateau(truth):
        out.append(("left one step away", f"{100 * plateau['kept']:.0f}", "%"))
    return out


def known_plateau(truth: dict[str, Any]) -> dict[str, Any]:
    """The plateau where the best combination has neighbours to compare it with."""
    plateau = truth.get("plateau") or {}
    return plateau if plateau.get("kept") is not None and not isnan(plateau["kept"]) else {}


def maps(view: SweepView) -> list[tuple[str, str, str, str]]:
    """(across, up, aggregated, at the best) of every pair of swept parameters, those with the most values first."""
    most = sorted(view.swept, key=lambda name: -len({str(v) for v in view.table[name]}))
    pairs = [tuple(name for name in view.swept if name in pair) for pair in combinations(most, 2)][:PAIRS]
    ranked = view.ranked()
    out = []
    for across, up in pairs:
        others = [name for name in view.swept if name not in (across, up)]
        same = np.ones(len(ranked), bool)
        for name in others:
            column = view.table[name].astype(str)
            same &= column == column[ranked[0]]
        everything = coloured(view, across, up, np.ones(len(ranked), bool))
        if everything:
            out.append((across, up, everything, coloured(view, across, up, same) if others else ""))
    return out


def coloured(view: SweepView, across: str, up: str, rows: np.ndarray) -> str:
    """The objective over two parameters, of some rows, as a drawing."""
    x, y = ((name, view.table[name][rows]) for name in (across, up))
    better = metric(view.objective).better
    return heat_map(x, y, view.table[view.objective][rows], better, lambda value: figure(view.objective, float(value)))


def lines(view: SweepView) -> str:
    """Parallel coordinates of all swept parameters."""
    values = view.table[view.objective].astype(float)
    named = {name: view.table[name] for name in view.swept}
    return parallel(named, metric(view.objective).label, values, view.ranked(), lambda value: figure(view.objective, float(value)))


def halves(view: SweepView, truth: dict[str, Any]) -> str:
    """The first half of the time against the second, where a sweep has them."""
    if not truth or "sharpe_first" not in view.table:
        return ""
    first, second = (view.table[name].astype(float) for name in ("sharpe_first", "sharpe_second"))
    return scatter(first, second, truth["best"], (metric("sharpe_first").label, metric("sharpe_second").label))


def curves(view: SweepView, truth: dict[str, Any]) -> list[dict[str, Any]]:
    """The sampled equity of the top few and of the plateau's centre."""
    if not view.curves or len(view.curves["ts"]) < 2:
        return []
    centre = (truth.get("plateau") or {}).get("centre")
    ts, drawn = view.curves["ts"], []
    for n, (name, values) in enumerate((name, values) for name, values in view.curves.items() if name != "ts"):
        label = f"combination {name[1:]}" + (", the plateau's centre" if name == f"c{centre}" else "")
        drawn.append(Line(label, ts, values, f"c{n % 10}"))
    return chart([Panel("Equity of the best", "quote", drawn, 240, "{:,.0f}".format)], int(ts[0]), int(ts[-1]))


def few(truth: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Combination, Sharpe ratio, bootstrap interval."""
    rows = [each for each in truth.get("few") or [] if each["low"] is not None and not isnan(each["low"])]
    return [(str(each["combination"]), f"{each['sharpe']:.2f}", f"{each['low']:.2f} to {each['high']:.2f}") for each in rows]


def slopes(truth: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Parameter -> (value, Sharpe ratio) along the line through the best."""
    found = (truth.get("plateau") or {}).get("slopes") or {}
    short = {name: line for name, line in found.items() if len(line) <= LONGEST}
    return [(name, [(setting(value), figure("sharpe", known)) for value, known in line]) for name, line in short.items()]


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


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
