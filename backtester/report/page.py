"""The page of one run: what happened, what it cost, every trade, and under which assumptions."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from backtester.report.moves import HEADS, IDLE, entry_bars, moves, path_is_idle
from backtester.report.render import render, write
from backtester.report.run_charts import panels, span
from backtester.report.svg import chart
from backtester.report.view import RunView
from backtester.report.words import ADVICE, assumptions, held, period, price, sentence, when
from backtester.results.folder import flatten

MOST_TRADES = 10_000  # rows in the table; the page says so where there are more
COSTS = ("fees", "slippage", "funding")


def write_run_page(path: str | Path, view: RunView) -> Path:
    """Write the page of a run; returns its path."""
    page = render(
        "run.html.j2",
        view=view,
        sentence=sentence(view.name, view.metrics, view.manifest, view.hold_metrics),
        advice=ADVICE,
        period=period(view.manifest.get("data") or {}),
        panels=chart(panels(view), *span(view)),
        heads=HEADS,
        moves=moves(view.metrics, view.manifest),
        idle=IDLE if path_is_idle(view.metrics, view.manifest) else "",
        entry_bars=entry_bars(view.metrics),
        costs=costs(view.metrics),
        orders=order_rows(view.orders),
        fills=fill_rows(view.fills),
        trades=trade_rows(view.trades),
        trade_count=len(view.trades["entry_ts"]),
        assumptions=assumptions(view.manifest),
        coverage=coverage(view.manifest.get("data") or {}),
        brackets=(view.manifest.get("data") or {}).get("brackets") or {},
        config=flatten(view.manifest.get("config") or {}),
        manifest=flatten({key: value for key, value in view.manifest.items() if key not in {"config", "assumptions", "sensitivity"}}),
    )
    return write(path, page)


def costs(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Fees, slippage, funding and their sum: quote, share of the initial equity in percent, share of the largest for the bar."""
    paid = {key: float(metrics.get(key) or 0.0) for key in COSTS}
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


def trade_rows(trades: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """The trades in the order in which they were closed, each value as text; at most MOST_TRADES."""
    columns = {name: column[:MOST_TRADES].tolist() for name, column in trades.items()}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for row in rows:
        row["held"] = held(row["exit_ts"] - row["entry_ts"])
        row["entry"], row["exit"] = when(row["entry_ts"]), when(row["exit_ts"])
        row["entry_price"], row["exit_price"] = price(row["entry_price"]), price(row["exit_price"])
    return rows


def coverage(data: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Stream and instrument, first and last record, number of rows where the manifest has it."""
    rows = data.get("counts") or {}
    streams = data.get("streams") or {}
    return [(stream, first, last, f"{rows[stream]:,}" if stream in rows else "") for stream, (first, last) in streams.items()]
