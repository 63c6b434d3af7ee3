"""Money: every change of cash and of a position happens here, and each stands in the ledger."""

from backtester.engine.jit import jit
from backtester.engine.log import recording, write_fill, write_ledger, write_trade
from backtester.engine.state import (
    BANKRUPT,
    DEPOSIT,
    FEE,
    FUNDING_PAID,
    INSURANCE,
    LIQUIDATION_LOSS,
    NO_CASH,
    NO_MARGIN,
    NO_REFUSAL,
    NO_SHORT,
    REALISED,
    SPOT_TRADE,
)

DUST = 1e-9  # a rest below this share of an order is rounding, not a position


@jit
def pay(lane, ts, i, kind, amount, log):
    """Add `amount` (quote) to the cash of the lane."""
    account = lane.account
    account.cash += amount
    if recording(lane):
        write_ledger(log, ts, i, kind, amount, account.cash)


@jit
def deposit(lane, ts, log):
    """The cash a lane starts with."""
    amount = lane.terms[0].deposit
    pay(lane, ts, -1, DEPOSIT, amount, log)
    lane.account.equity = amount
    lane.account.alive = 1
    lane.tally.peak = amount


@jit
def refusal_of(account, position, terms, qty, price):
    """Why the venue would not fill `qty` at `price`; NO_REFUSAL where it would."""
    after = position.qty + qty
    if terms.perp == 1:
        grows = abs(after) > abs(position.qty)
        return NO_MARGIN if grows and abs(after) * price > terms.leverage * account.equity else NO_REFUSAL
    if after < -DUST * abs(qty):
        return NO_SHORT
    return NO_CASH if qty > 0.0 and qty * price * (1.0 + terms.taker) > account.cash else NO_REFUSAL


@jit
def fill(lane, i, ts, qty, price, best, rate, order, reason, log):
    """Exchange `qty` at `price`; `best` is the price without slippage, `rate` the fee as a fraction of notional."""
    position = lane.position[i]
    tally = lane.tally
    size = abs(qty)
    fee = size * price * rate
    slippage = size * abs(price - best)
    closed = min(size, abs(position.qty)) if position.qty * qty < 0.0 else 0.0
    if lane.terms[i].perp == 0:
        pay(lane, ts, i, LIQUIDATION_LOSS if reason == BANKRUPT else SPOT_TRADE, -qty * price, log)
    elif closed > 0.0:
        profit = (price - position.entry) * (closed if qty < 0.0 else -closed)
        pay(lane, ts, i, LIQUIDATION_LOSS if reason == BANKRUPT else REALISED, profit, log)
    if fee != 0.0:
        pay(lane, ts, i, FEE, -fee, log)
    tally.fees += fee
    tally.slippage += slippage
    tally.traded += size * price
    tally.fills += 1
    if recording(lane):
        write_fill(log, ts, order, i, qty, price, fee, slippage, reason)
    if closed > 0.0:
        leave(lane, i, ts, qty, closed, price, fee * closed / size, reason, log)
    if size - closed > DUST * size:
        enter(position, ts, qty, size - closed, price, fee * (size - closed) / size, reason)
    position.basis = position.entry if lane.terms[i].perp == 1 else 0.0
    count_positions(lane)


@jit
def leave(lane, i, ts, qty, closed, price, fee, reason, log):
    """The part of a fill that reduces the position; the round trip ends where nothing is left."""
    position = lane.position[i]
    side = -1.0 if qty > 0.0 else 1.0
    position.realised += side * closed * (price - position.entry)
    position.fees += fee
    position.sold_at = (position.sold_at * position.sold + price * closed) / (position.sold + closed)
    position.sold += closed
    rest = abs(position.qty) - closed
    if rest > DUST * closed:
        position.qty = side * rest
        return
    tally = lane.tally
    pnl = position.realised - position.fees - position.funding
    tally.trades += 1
    if pnl > 0.0:
        tally.wins += 1
        tally.profit += pnl
    else:
        tally.loss -= pnl
    if recording(lane):
        write_trade(log, i, position, side, ts, pnl, reason)
    position.qty = 0.0
    position.entry = 0.0


@jit
def enter(position, ts, qty, opened, price, fee, reason):
    """The part of a fill that opens or increases the position; a round trip begins where there was none."""
    held = abs(position.qty)
    if held == 0.0:
        position.opened = ts
        position.reason = reason
        position.largest = 0.0
        position.bought = 0.0
        position.bought_at = 0.0
        position.sold = 0.0
        position.sold_at = 0.0
        position.realised = 0.0
        position.fees = 0.0
        position.funding = 0.0
    position.entry = (position.entry * held + price * opened) / (held + opened)
    position.bought_at = (position.bought_at * position.bought + price * opened) / (position.bought + opened)
    position.bought += opened
    position.fees += fee
    position.qty += opened if qty > 0.0 else -opened
    position.largest = max(position.largest, abs(position.qty))


@jit
def count_positions(lane):
    """Keep `invested` in step with the positions."""
    invested = 0
    for i in range(len(lane.position)):
        if lane.position[i].qty != 0.0:
            invested = 1
    lane.account.invested = invested


@jit
def settle_funding(lane, i, ts, rate, price, log):
    """Pay or receive the funding of one settlement: qty * price * rate, longs pay where the rate is positive."""
    position = lane.position[i]
    if position.qty != 0.0:
        paid = position.qty * price * rate
        position.funding += paid
        lane.tally.funding += paid
        pay(lane, ts, i, FUNDING_PAID, -paid, log)


@jit
def halt(lane, ts, quotes, log):
    """Bankruptcy: the venue closes everything at the mark and covers what is missing; the lane ends at zero."""
    for i in range(len(lane.position)):
        qty = lane.position[i].qty
        if qty != 0.0:
            fill(lane, i, ts, -qty, quotes[i].price, quotes[i].price, 0.0, -1, BANKRUPT, log)
    account = lane.account
    if account.cash != 0.0:
        pay(lane, ts, -1, INSURANCE, -account.cash, log)
    account.equity = 0.0
    account.alive = 0
    lane.tally.max_drawdown = 1.0
    lane.tally.liquidations += 1
    lane.tally.ended = ts
