"""Measuring: what a lane is worth at every close, and what the ratios need of it."""

from backtester.engine.jit import jit


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
    drawdown = 1.0 - equity / tally.peak
    if drawdown > tally.max_drawdown:
        tally.max_drawdown = drawdown


@jit
def sample(tally, equity):
    """One return between two samples, into running moments (Welford 1962)."""
    if tally.last > 0.0:
        change = equity / tally.last - 1.0
        tally.samples += 1
        away = change - tally.mean
        tally.mean += away / tally.samples
        tally.m2 += away * (change - tally.mean)
        if change < 0.0:
            tally.downside += change * change
    tally.last = equity


@jit
def sample_until(lanes, clock, ts):
    """Sample every lane at all moments due before `ts`: nothing is known in between, so equity stands still."""
    while clock.next_sample < ts:
        sample_all(lanes, clock)


@jit
def sample_all(lanes, clock):
    """Sample every lane now; the next moment is one step later."""
    for k in range(len(lanes)):
        sample(lanes[k].tally, lanes[k].account.equity)
    clock.next_sample += clock.step
