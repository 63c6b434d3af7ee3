"""Measuring: what a lane is worth at every close, and how deep it fell."""

from backtester.engine.jit import jit

ROUNDING = 1e-12  # far more than a quotient and a difference can lose


@jit
def mark(lane, quotes):
    """The lane's equity at the last known prices; its peak and its deepest drawdown."""
    account, tally = lane.account, lane.tally
    equity = account.cash
    for i in range(len(lane.position)):
        position = lane.position[i]
        worth = position.margin + position.qty * (quotes[i].price - position.basis)
        equity += 0.0 if worth < 0.0 and position.margin > 0.0 else worth  # an isolated position loses its margin at the most
    account.equity = equity
    if account.invested > 0:
        tally.in_market += 1
    if equity > tally.peak:
        tally.peak = equity
        tally.floor = equity * tally.keeps
    if equity < tally.floor:
        deepen(tally, equity)


@jit
def deepen(tally, equity):
    """The drawdown may be the deepest one; it is divided for where that can be, and nowhere else."""
    drawdown = 1.0 - equity / tally.peak
    if drawdown > tally.max_drawdown:
        tally.max_drawdown = drawdown
        tally.keeps = min(1.0, 1.0 - drawdown + ROUNDING)
    tally.floor = equity
