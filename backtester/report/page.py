"""The page of one run: what happened, what it cost, every trade, and under which assumptions."""

from pathlib import Path
from typing import Any

import numpy as np

from backtester.report.render import render, write
from backtester.report.svg import Line, Mark, Panel, chart
from backtester.report.view import RunView, premium_of
from backtester.report.words import ADVICE, assumptions, held, period, price, sentence, when
from backtester.results.folder import flatten

MOST_TRADES = 10_000  # rows in the table; the page says so where there are more
COSTS = ("fees", "slippage", "funding")
HEAD = ("total_return", "max_drawdown", "sharpe", "trades", "win_rate", "exposure")
TAIL = ("cagr", "volatility", "sortino", "calmar", "profit_factor", "turnover")


def write_run_page(path: str | Path, view: RunView) -> Path:
    """Write the page of a run; returns its path."""
    page = render(
        "run.html.j2",
        view=view,
        sentence=sentence(view.name, view.metrics, view.manifest, view.hold_metrics),
        advice=ADVICE,
        period=period(view.manifest.get("data") or {}),
        head=HEAD,
        tail=TAIL,
        panels=chart(panels(view), *_span(view)),
        costs=costs(view.metrics),
        trades=trade_rows(view.trades),
        trade_count=len(view.trades["entry_ts"]),
        assumptions=assumptions(view.manifest),
        coverage=coverage(view.manifest.get("data") or {}),
        config=flatten(view.manifest.get("config") or {}),
        manifest=flatten({key: value for key, value in view.manifest.items() if key not in {"config", "assumptions"}}),
    )
    return write(path, page)


def panels(view: RunView) -> list[Panel]:
    """The charts in their order; those of the market only where its prices are at hand."""
    ts = view.equity["ts"]
    curves = [Line("buy and hold", *view.hold, "hold")] if view.hold else []
    curves.append(Line("strategy", ts, view.equity["equity"], "strategy"))
    loss = Line("below the peak", ts, -100 * view.equity["drawdown"], "loss", filled=True)
    return [
        *_market_panels(view),
        Panel("Equity", "quote", curves, 210, "{:,.0f}".format),
        Panel("Drawdown", "%", [loss], 100, "{:,.1f}".format, zero=True),
        Panel("Position", "base", _position_lines(view.equity), 84, "{:,.4g}".format, zero=True),
    ]


def _market_panels(view: RunView) -> list[Panel]:
    lines = [Line(role, *view.prices[role], role) for role in ("spot", "perp") if role in view.prices]
    premium = premium_of(view.prices)
    found = [Panel("Price", "quote", lines, 320, price, marks(view.fills), links(view.trades))] if lines else []
    if premium:
        found.append(Panel("Premium of spot over perp", "bp", [Line("premium", *premium, "premium")], 100, "{:,.1f}".format, zero=True))
    return found


def _position_lines(equity: dict[str, np.ndarray]) -> list[Line]:
    """A line for every instrument that was ever held; the first one where none was."""
    held_ones = {name.removeprefix("position_"): qty for name, qty in equity.items() if name.startswith("position_")}
    traded = {name: qty for name, qty in held_ones.items() if np.any(qty != 0)} or dict(list(held_ones.items())[:1])
    return [Line(name, equity["ts"], qty, f"c{i % 10}", step=True, filled=True) for i, (name, qty) in enumerate(traded.items())]


def marks(fills: dict[str, np.ndarray]) -> list[Mark]:
    """Entries and exits: what each fill closed, and what it opened or added to."""
    found = []
    for instrument in dict.fromkeys(fills["instrument"].tolist()):
        mine = fills["instrument"] == instrument
        qty = fills["qty"][mine]
        after = np.cumsum(qty)
        after[np.abs(after) < 1e-9 * np.abs(qty).max()] = 0.0
        before = np.concatenate(([0.0], after[:-1]))
        told = (fills[name][mine].tolist() for name in ("ts", "price", "reason"))
        rows = zip(*told, qty.tolist(), before.tolist(), after.tolist(), strict=True)
        for ts, at, reason, bought, had, has in rows:
            words = f"{abs(bought):.6g} {instrument} at {price(at)}, {when(ts)} UTC, {reason}"
            if had * bought < 0:
                found.append(Mark(ts, at, _side(had), "exit", f"{_side(had)} exit: {words}"))
            if has * bought > 0:
                found.append(Mark(ts, at, _side(has), "entry", f"{_side(has)} entry: {words}"))
    return found


def links(trades: dict[str, np.ndarray]) -> list[tuple[Mark, Mark]]:
    """The entry and the exit of every closed trade."""
    rows = zip(*(trades[name].tolist() for name in ("side", "entry_ts", "entry_price", "exit_ts", "exit_price")), strict=True)
    return [(Mark(a, at, side, "entry", ""), Mark(b, to, side, "exit", "")) for side, a, at, b, to in rows if b > a]


def _side(qty: float) -> str:
    return "long" if qty > 0 else "short"


def _span(view: RunView) -> tuple[int, int]:
    """First and last moment of anything drawn, ns."""
    moments = [view.equity["ts"], view.fills["ts"], *(ts for ts, _ in view.prices.values())]
    known = [ts for ts in moments if len(ts)]
    return (min(int(ts[0]) for ts in known), max(int(ts[-1]) for ts in known)) if known else (0, 1)


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
