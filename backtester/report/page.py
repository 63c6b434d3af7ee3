"""The page of one run: what happened, what it cost, every trade, and under which assumptions."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from backtester.report.moves import HEADS, IDLE, entry_bars, moves, path_is_idle
from backtester.report.render import chart_script, in_script, render, write
from backtester.report.run_doc import run_doc
from backtester.report.story import months
from backtester.report.view import RunView
from backtester.report.words import ADVICE, assumptions, period, sentence
from backtester.results.folder import flatten

COSTS = ("fees", "slippage", "funding", "liquidation")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SHADES = (0.01, 0.05, 0.1)  # monthly gains or losses from which the colour is stronger


def write_run_page(path: str | Path, view: RunView) -> Path:
    """Write the page of a run; returns its path."""
    doc, blocks = run_doc(view)
    page = render(
        "run.html.j2",
        chart_script(),
        view=view,
        doc=in_script(doc),
        blocks=blocks,
        sentence=sentence(view.name, view.metrics, view.manifest, view.hold_metrics),
        advice=ADVICE,
        period=period(view.manifest.get("data") or {}),
        months=months(view.equity["ts"], view.equity["equity"], float(view.metrics.get("initial_equity") or np.nan)),
        month_names=MONTHS,
        shade=shade,
        heads=HEADS,
        moves=moves(view.metrics, view.manifest),
        idle=IDLE if path_is_idle(view.metrics, view.manifest) else "",
        entry_bars=entry_bars(view.metrics),
        costs=costs(view.metrics, view.fills),
        orders=order_rows(view.orders),
        fills=fill_rows(view.fills),
        trade_count=len(view.trades["entry_ts"]),
        assumptions=assumptions(view.manifest),
        coverage=coverage(view.manifest.get("data") or {}),
        brackets=(view.manifest.get("data") or {}).get("brackets") or {},
        config=flatten(view.manifest.get("config") or {}),
        manifest=flatten({key: value for key, value in view.manifest.items() if key not in {"config", "assumptions", "sensitivity"}}),
    )
    return write(path, page)


def costs(metrics: dict[str, Any], fills: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Each cost and their sum: quote, share of the initial equity in percent, share of the largest for the bar.

    Fees and slippage of forced fills are the liquidation's.
    """
    paid = {key: float(metrics.get(key) or 0.0) for key in COSTS}
    forced = fills["liquidity"] == "liquidation"
    for key, column in (("fees", "fee"), ("slippage", "slippage")):
        share = float(fills[column][forced].sum())
        paid[key] -= share
        paid["liquidation"] += share
    most = max(map(abs, paid.values())) or 1.0
    start = float(metrics.get("initial_equity") or np.nan)
    lines = paid | {"together": sum(paid.values())}
    return [
        {"label": key, "paid": value, "share": 100 * value / start, "bar": abs(value) / most if key in paid else None, "earned": value < 0}
        for key, value in lines.items()
    ]


def order_rows(orders: dict[str, np.ndarray]) -> list[tuple[str, str, int]]:
    """Status, reason of the refusal, and how many orders ended so, the most frequent first."""
    ended = Counter(zip(orders["status"].tolist(), orders["refusal"].tolist(), strict=True))
    return [(status, refusal, count) for (status, refusal), count in ended.most_common()]


def fill_rows(fills: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Per liquidity the number of fills, and in quote their notional, fees and slippage."""
    found = []
    for liquidity in dict.fromkeys(fills["liquidity"].tolist()):
        mine = fills["liquidity"] == liquidity
        notional = np.abs(fills["qty"][mine] * fills["price"][mine]).sum()
        paid = {name: float(fills[name][mine].sum()) for name in ("fee", "slippage")}
        found.append({"liquidity": liquidity, "count": int(mine.sum()), "notional": float(notional)} | paid)
    return found


def shade(gain: float | None) -> str:
    """How strongly a month's return is coloured."""
    if gain is None or gain == 0.0:
        return ""
    return f"{'gain' if gain > 0 else 'loss'} s{sum(abs(gain) >= bound for bound in SHADES)}"


def coverage(data: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Stream and instrument, first and last record, number of rows where the manifest has it."""
    rows = data.get("counts") or {}
    streams = data.get("streams") or {}
    return [(stream, first, last, f"{rows[stream]:,}" if stream in rows else "") for stream, (first, last) in streams.items()]
