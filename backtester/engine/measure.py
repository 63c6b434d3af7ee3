"""Measuring: what a lane is worth at every close, and its samples for the ratios."""

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
def sample_until(lanes, clock, samples, ts):
    """Sample every lane at all moments due before `ts`: nothing is known in between, so equity stands still."""
    while clock.next_sample < ts:
        sample_all(lanes, clock, samples)


@jit
def sample_all(lanes, clock, samples):
    """Sample every lane now; the next moment is one step later. samples: equity, quote, (lanes, moments)."""
    for k in range(len(lanes)):
        samples[k, clock.samples] = lanes[k].account.equity
    clock.samples += 1
    clock.next_sample += clock.step
