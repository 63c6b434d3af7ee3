"""Buy-and-hold from the same start: what the money would have become without any idea."""

import numpy as np


def buy_and_hold(open0: float, closes: np.ndarray, cash: float, fee: float, slippage: float) -> np.ndarray:
    """Equity in quote at each close, all cash spent at the first open.

    open0: quote; closes: quote, (bars,); cash: quote, fee included in what it pays for; fee, slippage: fractions.
    """
    qty = cash / (open0 * (1 + slippage) * (1 + fee))
    return qty * np.asarray(closes, dtype=np.float64)


def hold_market(market, cash: float, fee: float, slippage: float) -> tuple[str, np.ndarray, np.ndarray]:
    """Buy-and-hold of a market's first instrument that has bars: (role, close of each bar in ns, equity in quote)."""
    role, bars = next((each.role, rows) for n, each in enumerate(market.instruments) if len(rows := role_bars(market, n)))
    return role, bars["ts_close"], buy_and_hold(bars["open"][0], bars["close"], cash, fee, slippage)


def role_bars(market, index: int) -> np.ndarray:
    """The BAR rows of an instrument, a spot or a perp, that it trades on; none if unbound."""
    return market.tables.get((f"{market.instruments[index].kind}_bars", index), market.streams.bars[:0])


def outcome(equity: np.ndarray, cash: float) -> dict[str, float]:
    """The metrics that a curve alone has, under the keys of metrics.json; cash: its start, quote."""
    peak = np.maximum.accumulate(np.concatenate(([cash], equity)))[1:]
    return {
        "initial_equity": float(cash),
        "final_equity": float(equity[-1]),
        "total_return": float(equity[-1] / cash - 1),
        "max_drawdown": float(np.max(1 - equity / peak)),
    }
