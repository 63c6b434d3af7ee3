"""Money: every change of cash and of a position happens here, and each stands in the ledger."""

from backtester.engine.codes import (
    ACCOUNT_WALLET,
    BANKRUPT,
    DEPOSIT,
    FEE,
    FUNDING_PAID,
    INSURANCE,
    LIQUIDATED,
    LIQUIDATION,
    LIQUIDATION_REASON,
    NONE,
    REALISED,
    SPOT_TRADE,
    TRANSFER,
)
from backtester.engine.jit import jit, piece
from backtester.engine.log import recording, write_cash, write_fill, write_trade
from backtester.engine.margin import DUST, refresh


@jit
def pay(lane, ts, i, wallet, kind, amount, journal):
    """Add `amount` (quote) to a wallet: the account's, or the margin of an instrument."""
    if wallet == ACCOUNT_WALLET:
        lane.account.cash += amount
        left = lane.account.cash
    else:
        lane.position[wallet].margin += amount
        left = lane.position[wallet].margin
    if recording(lane):
        write_cash(journal, ts, i, wallet, kind, amount, left)


@jit
def transfer(lane, ts, i, source, goal, amount, journal):
    """Move `amount` (quote) from one wallet to another."""
    if amount != 0.0:
        pay(lane, ts, i, source, TRANSFER, -amount, journal)
        pay(lane, ts, i, goal, TRANSFER, amount, journal)


@jit
def deposit(lane, ts, journal):
    """The cash a lane starts with."""
    amount = lane.terms[0].deposit
    pay(lane, ts, NONE, ACCOUNT_WALLET, DEPOSIT, amount, journal)
    lane.account.equity = amount
    lane.account.alive = 1
    lane.tally.peak = amount
    lane.tally.floor = amount
    lane.tally.keeps = 1.0


@jit
def fill(lane, i, ts, qty, price, best, rate, liquidity, order, reason, quotes, journal):
    """Exchange `qty` at `price`; `best` is the price without slippage, `rate` the fee as a fraction of notional."""
    position, terms = lane.position[i], lane.terms[i]
    size = abs(qty)
    fee = size * price * rate
    closed = min(size, abs(position.qty)) if position.qty * qty < 0.0 else 0.0
    opened = size - closed if size - closed > DUST * size else 0.0
    if terms.perp == 0:
        pay(lane, ts, i, ACCOUNT_WALLET, SPOT_TRADE, -qty * price, journal)
    gain = realise(lane, i, ts, closed, price, reason, journal) if closed > 0.0 else 0.0
    if fee != 0.0:
        pay(lane, ts, i, ACCOUNT_WALLET, FEE, -fee, journal)
    count_fill(lane, i, ts, qty, price, best, fee, liquidity, order, reason, journal)
    if closed > 0.0:
        leave(lane, i, ts, closed, price, gain, fee * closed / size, order, reason, quotes[i].ts_open, journal)
    if opened > 0.0:
        if terms.isolated == 1 and terms.perp == 1:
            transfer(lane, ts, i, ACCOUNT_WALLET, i, opened * price / terms.leverage, journal)
        enter(position, ts, qty, opened, price, fee * opened / size, reason, quotes[i].ts_open)
    settle_up(lane, i, quotes)


@piece
def settle_up(lane, i, quotes):
    """What depends on the positions, after one has changed."""
    position = lane.position[i]
    position.basis = position.entry if lane.terms[i].perp == 1 else 0.0
    account = lane.account
    account.invested = 0
    account.perps = 0
    for j in range(len(lane.position)):
        if lane.position[j].qty != 0.0:
            account.invested += 1
            account.perps += lane.terms[j].perp
    refresh(lane, quotes)


@piece
def count_fill(lane, i, ts, qty, price, best, fee, liquidity, order, reason, journal):
    """A fill in the totals and in the log."""
    tally, size = lane.tally, abs(qty)
    slippage = size * abs(price - best)
    tally.fees += fee
    tally.slippage += slippage
    tally.traded += size * price
    tally.fills += 1
    if recording(lane):
        write_fill(journal, ts, i, order, reason, liquidity, qty, price, fee, slippage)


@jit
def realise(lane, i, ts, closed, price, reason, journal):
    """Close `closed` base of the position: its share of the margin returns, its profit is booked; returns the gain (quote).

    An isolated position cannot lose more than its margin: the venue's insurance makes up for the rest.
    """
    position = lane.position[i]
    side, held = 1.0 if position.qty > 0.0 else -1.0, abs(position.qty)
    gain = side * closed * (price - position.entry)
    if lane.terms[i].perp == 0:
        return gain
    share = position.margin * closed / held if held - closed > DUST * closed else position.margin
    transfer(lane, ts, i, i, ACCOUNT_WALLET, share, journal)
    pay(lane, ts, i, ACCOUNT_WALLET, LIQUIDATION if reason == LIQUIDATION_REASON else REALISED, gain, journal)
    if lane.terms[i].isolated == 1 and gain < -share:
        pay(lane, ts, i, ACCOUNT_WALLET, INSURANCE, -share - gain, journal)
        return -share
    return gain


@jit
def leave(lane, i, ts, closed, price, gain, fee, order, reason, ts_open, journal):
    """`closed` base leave the position with a gain (quote) before its fee; the round trip ends where nothing is left."""
    position = lane.position[i]
    side = 1.0 if position.qty > 0.0 else -1.0
    position.realised += gain
    position.fees += fee
    position.sold_at = (position.sold_at * position.sold + price * closed) / (position.sold + closed)
    position.sold += closed
    rest = abs(position.qty) - closed
    if rest > DUST * closed:
        position.qty = side * rest
        return
    count_trade(lane.tally, position, position.realised - position.fees - position.funding, ts_open)
    if recording(lane):
        write_trade(journal, ts, i, order, position, side, position.realised - position.fees - position.funding, reason)
    position.qty = 0.0
    position.entry = 0.0


@piece
def count_trade(tally, position, pnl, ts_open):
    """A finished round trip in the totals; `ts_open` is the open of the bar in which it ended."""
    tally.trades += 1
    if pnl > 0.0:
        tally.wins += 1
        tally.profit += pnl
        if position.opened_in == ts_open:
            tally.quick += pnl
    else:
        tally.loss -= pnl


@piece
def enter(position, ts, qty, opened, price, fee, reason, ts_open):
    """The part of a fill that opens or increases the position; a round trip begins where there was none."""
    held = abs(position.qty)
    if held == 0.0:
        position.opened = ts
        position.opened_in = ts_open
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
def settle_funding(lane, i, ts, rate, price, quotes, journal):
    """Pay or receive the funding of one settlement: qty * price * rate, longs pay where the rate is positive."""
    position = lane.position[i]
    if position.qty != 0.0:
        paid = position.qty * price * rate
        position.funding += paid
        lane.tally.funding += paid
        pay(lane, ts, i, i if lane.terms[i].isolated == 1 else ACCOUNT_WALLET, FUNDING_PAID, -paid, journal)
        refresh(lane, quotes)


@jit
def halt(lane, ts, quotes, journal):
    """The account is worth nothing: what is left is closed at the mark, what is missing is covered, the lane ends."""
    for i in range(len(lane.position)):
        qty = lane.position[i].qty
        if qty != 0.0:
            fill(lane, i, ts, -qty, quotes[i].price, quotes[i].price, 0.0, LIQUIDATED, NONE, BANKRUPT, quotes, journal)
    account = lane.account
    if account.cash != 0.0:
        pay(lane, ts, NONE, ACCOUNT_WALLET, INSURANCE, -account.cash, journal)
    account.equity = 0.0
    account.alive = 0
    lane.tally.max_drawdown = 1.0
    lane.tally.ended = ts
