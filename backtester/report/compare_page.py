"""The page of a comparison: curves on one axis, metrics beside each other, what is shown, what was configured differently."""

from pathlib import Path
from typing import Any

import numpy as np

from backtester.report.encode import Blocks, Series, encode
from backtester.report.render import CHARTS, chart_script, in_script, render, write
from backtester.report.run_doc import MS, panel
from backtester.report.words import ADVICE, outcomes
from backtester.results.compare import Comparison
from backtester.results.overlap import STANCES

COLOURS = 10  # after them they come again


def write_compare_page(path: str | Path, comparison: Comparison) -> Path:
    """Write the page of a comparison; returns its path."""
    doc, blocks = compare_doc(comparison) if len(comparison.equity) > 1 else (None, {})
    page = render(
        "compare.html.j2",
        chart_script([*CHARTS[:-1], "compare", CHARTS[-1]]) if doc else "",
        doc=in_script(doc),
        blocks=blocks,
        runs=[(name, style(i)) for i, name in enumerate(comparison.names)],
        alignment=comparison.alignment,
        outcomes=outcomes(comparison.metrics.T.get("total_return", {})),
        periods={name: [f"{moment:%Y-%m-%d %H:%M}" for moment in comparison.periods[name]] for name in comparison.names},
        advice=ADVICE,
        metrics=metric_rows(comparison),
        pairs=[(each.sentence, each.shown) for each in comparison.differences],
        correlation=square(comparison.correlation, "{:.2f}"),
        overlaps=square(100 * comparison.overlaps, "{:.0f}"),
        differing=[(key, list(row)) for key, row in comparison.config_differences.iterrows()],
    )
    return write(path, page)


def style(run: int) -> str:
    """The colour of a run's curve."""
    return f"c{run % COLOURS}"


def compare_doc(comparison: Comparison) -> tuple[dict[str, Any], Blocks]:
    """The page's document and its blocks: equity as money; the page's script makes returns and drawdowns of it."""
    ts = comparison.equity.index.as_unit("ns").asi8
    curves = [
        Series(f"equity_{i}", name, "quote", style(i), ts, comparison.equity[name].to_numpy(dtype=float), 2)
        for i, name in enumerate(comparison.names)
    ]
    described, blocks = encode(curves)
    nothing = {"unit": "%", "shape": "line", "level": False, "n": 0, "t0": 0, "dt": 0, "digits": 2, "exact": False, "gaps": 0, "bucket": 1}
    derived = [nothing | {"id": f"drawdown_{i}", "label": of.label, "style": of.style, "from": of.id} for i, of in enumerate(curves)]
    rows = [market_row(comparison, name, i) for i, name in enumerate(comparison.names)]
    panels = [
        panel("curves", "Return from the common start", "%", 360, curves) | {"series": [each.id for each in curves]},
        panel("drawdown", "Drawdown", "%", 170, [], zero=True) | {"series": [each["id"] for each in derived]},
        panel("market", "In the market", "", 16 * len(curves) + 10, [], rows=rows),
    ]
    told = {"kind": "comparison", "panels": panels, "series": described + derived, "span": [int(ts[0]) // MS, int(ts[-1]) // MS]}
    return told, blocks


def market_row(comparison: Comparison, name: str, run: int) -> dict[str, Any]:
    """When a run was in the market, as stretches (ms) that the page draws in a row of their own."""
    ts, code = comparison.in_market(name)
    end = int(comparison.positions[name]["ts"][-1]) // MS if len(ts) else 0
    stretches = {"start": (ts // MS).tolist(), "code": code.tolist(), "end": end}
    return {"label": name, "style": style(run), "words": STANCES} | stretches


def metric_rows(comparison: Comparison) -> list[tuple[str, list[tuple[Any, bool]]]]:
    """Each metric's key with its value and whether it is the best, per run."""
    rows = []
    for key, values in comparison.metrics.iterrows():
        best = comparison.best(key)
        rows.append((key, [(value, name in best) for name, value in values.items()]))
    return rows


def square(table, spelled: str) -> list[tuple[str, list[str]]]:
    """A table of runs by runs as text, its diagonal empty."""
    return [
        (name, ["" if other == name else "n/a" if np.isnan(value) else spelled.format(value) for other, value in row.items()])
        for name, row in table.astype(float).iterrows()
    ]
