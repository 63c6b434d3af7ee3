"""The charts of one run: the market with what was done in it, and what came of it."""

from collections.abc import Sequence

import numpy as np

from backtester.report.svg import Line, Mark, Panel
from backtester.report.view import RunView, premium_of
from backtester.report.words import price, when


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
        *_wallet_panels(view),
    ]


def _market_panels(view: RunView) -> list[Panel]:
    lines = [Line(role, *view.prices[role], role) for role in ("spot", "perp") if role in view.prices]
    premium = premium_of(view.prices)
    fills, trades = (_drawn(table, view.elsewhere) for table in (view.fills, view.trades))
    found = [Panel("Price", "quote", lines, 320, price, marks(fills), links(trades))] if lines else []
    if premium:
        found.append(Panel("Premium of spot over perp", "bp", [Line("premium", *premium, "premium")], 100, "{:,.1f}".format, zero=True))
    return found


def _drawn(table: dict[str, np.ndarray], elsewhere: Sequence[str]) -> dict[str, np.ndarray]:
    """The rows whose instrument's price is drawn."""
    here = ~np.isin(table["instrument"].astype(str), elsewhere)
    return {name: values[here] for name, values in table.items()}


def _wallet_panels(view: RunView) -> list[Panel]:
    """Under isolated margin what stands behind each perpetual, from its first margin to the end."""
    if not view.wallets:
        return []
    end = view.equity["ts"][-1:]
    steps = [
        Line(name, np.concatenate((ts, np.maximum(end, ts[-1]))), np.concatenate((left, left[-1:])), f"c{i % 10}", step=True, filled=True)
        for i, (name, (ts, left)) in enumerate(view.wallets.items())
    ]
    return [Panel("Margin wallets", "quote", steps, 84, "{:,.0f}".format, zero=True)]


def _position_lines(equity: dict[str, np.ndarray]) -> list[Line]:
    """A line for every instrument that was ever held; the first one where none was."""
    held_ones = {name.removeprefix("position_"): qty for name, qty in equity.items() if name.startswith("position_")}
    traded = {name: qty for name, qty in held_ones.items() if np.any(qty != 0)} or dict(list(held_ones.items())[:1])
    return [Line(name, equity["ts"], qty, f"c{i % 10}", step=True, filled=True) for i, (name, qty) in enumerate(traded.items())]


def marks(fills: dict[str, np.ndarray]) -> list[Mark]:
    """Entries, exits and liquidations: what each fill closed, and what it opened or added to."""
    found = []
    for instrument in dict.fromkeys(fills["instrument"].tolist()):
        mine = fills["instrument"] == instrument
        qty = fills["qty"][mine]
        after = np.cumsum(qty)
        after[np.abs(after) < 1e-9 * np.abs(qty).max()] = 0.0
        before = np.concatenate(([0.0], after[:-1]))
        told = (fills[name][mine].tolist() for name in ("ts", "price", "reason", "liquidity"))
        rows = zip(*told, qty.tolist(), before.tolist(), after.tolist(), strict=True)
        for ts, at, reason, liquidity, bought, had, has in rows:
            words = f"{abs(bought):.6g} {instrument} at {price(at)}, {when(ts)} UTC, {reason}"
            if had * bought < 0:
                kind = "liquidation" if liquidity == "liquidation" else "exit"
                found.append(Mark(ts, at, _side(had), kind, f"{_side(had)} {kind}: {words}", instrument))
            if has * bought > 0:
                found.append(Mark(ts, at, _side(has), "entry", f"{_side(has)} entry: {words}", instrument))
    return found


def links(trades: dict[str, np.ndarray]) -> list[tuple[Mark, Mark]]:
    """The entry and the exit of every closed trade."""
    rows = zip(*(trades[name].tolist() for name in ("side", "entry_ts", "entry_price", "exit_ts", "exit_price")), strict=True)
    return [(Mark(a, at, side, "entry", ""), Mark(b, to, side, "exit", "")) for side, a, at, b, to in rows if b > a]


def _side(qty: float) -> str:
    return "long" if qty > 0 else "short"


def span(view: RunView) -> tuple[int, int]:
    """First and last moment of anything drawn, ns."""
    moments = [view.equity["ts"], view.fills["ts"], *(ts for ts, _ in view.prices.values())]
    known = [ts for ts in moments if len(ts)]
    return (min(int(ts[0]) for ts in known), max(int(ts[-1]) for ts in known)) if known else (0, 1)
