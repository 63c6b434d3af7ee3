"""Liquidation: a position, or under cross margin all of them, closed by the venue."""

from backtester.engine.codes import (
    ACCOUNT_WALLET,
    INSURANCE,
    LIQUIDATED,
    LIQUIDATION,
    LIQUIDATION_FEE,
    LIQUIDATION_REASON,
    NONE,
)
from backtester.engine.jit import jit
from backtester.engine.money import count_fill, fill, leave, pay, settle_up, transfer

NEVER = 2.0  # a fraction that no part of a path reaches


@jit
def liquidation_at(position, f, a, b):
    """The fraction of the mark's part from a to b, at or after f, at which the position is liquidated; NEVER where it is not."""
    end = position.end
    here = a + f * (b - a)
    if position.qty > 0.0:
        if here <= end:
            return f
        return max(f, (end - a) / (b - a)) if b <= end else NEVER
    if position.qty < 0.0:
        if here >= end:
            return f
        return max(f, (end - a) / (b - a)) if b >= end else NEVER
    return NEVER


@jit
def is_hit(lane, i, j):
    """Whether a liquidation of instrument i takes instrument j with it."""
    return lane.terms[j].perp == 1 and (j == i or lane.terms[i].isolated == 0)


@jit
def liquidate(lane, i, ts, mark, price, quotes, journal):
    """Close the position of instrument i where its mark and its path stand; under cross margin the other perpetuals first."""
    for j in range(len(lane.position)):
        qty = lane.position[j].qty
        if j != i and qty != 0.0 and is_hit(lane, i, j):
            fill(lane, j, ts, -qty, quotes[j].price, quotes[j].price, 0.0, LIQUIDATED, NONE, LIQUIDATION_REASON, quotes, journal)
            lane.tally.liquidations += 1
    lane.tally.liquidations += 1
    if lane.terms[i].mark_slip == 1:
        close_at_market(lane, i, ts, mark, price, quotes, journal)
    else:
        close_bankrupt(lane, i, ts, quotes, journal)
    settle_up(lane, i, quotes)


@jit
def close_bankrupt(lane, i, ts, quotes, journal):
    """At the price at which the wallet is worth nothing: all of it is lost."""
    position = lane.position[i]
    wallet = i if lane.terms[i].isolated == 1 else ACCOUNT_WALLET
    lost = position.margin if wallet == i else lane.account.cash
    price = position.entry - lost / position.qty
    pay(lane, ts, i, wallet, LIQUIDATION, -lost, journal)
    count_fill(lane, i, ts, -position.qty, price, price, 0.0, LIQUIDATED, NONE, LIQUIDATION_REASON, journal)
    leave(lane, i, ts, abs(position.qty), price, -lost, 0.0, LIQUIDATION_REASON, quotes[i].ts_open, journal)


@jit
def close_at_market(lane, i, ts, mark, price, quotes, journal):
    """At the worse of mark and price with a taker's slippage and the liquidation fee; insurance covers what is missing."""
    position, terms = lane.position[i], lane.terms[i]
    qty = position.qty
    best = min(mark, price) if qty > 0.0 else max(mark, price)
    worse = best * (1.0 - terms.slippage if qty > 0.0 else 1.0 + terms.slippage)
    rate = terms.liquidation_fee if terms.liquidation_fee == terms.liquidation_fee else quotes[i].bracket.liquidation_fee
    gain, fee = qty * (worse - position.entry), abs(qty) * worse * rate
    wallet = i if terms.isolated == 1 else ACCOUNT_WALLET
    pay(lane, ts, i, wallet, LIQUIDATION, gain, journal)
    if fee != 0.0:
        pay(lane, ts, i, wallet, LIQUIDATION_FEE, -fee, journal)
    left = position.margin if wallet == i else lane.account.cash
    if left < 0.0:
        pay(lane, ts, i, wallet, INSURANCE, -left, journal)
        gain -= left
    elif wallet == i:
        transfer(lane, ts, i, i, ACCOUNT_WALLET, left, journal)
    count_fill(lane, i, ts, -qty, worse, best, fee, LIQUIDATED, NONE, LIQUIDATION_REASON, journal)
    leave(lane, i, ts, abs(qty), worse, gain, fee, LIQUIDATION_REASON, quotes[i].ts_open, journal)
