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


@jit
def is_hit(lane, i, j):
    """Whether a liquidation of instrument i takes instrument j with it."""
    return lane.terms[j].perp == 1 and (j == i or lane.terms[i].isolated == 0)


@jit
def liquidate(lane, i, ts, quotes, journal):
    """Close the position of instrument i, under cross margin of all perpetuals, where their marks and their paths stand."""
    last = greatest = i
    for j in range(len(lane.position)):
        if is_hit(lane, i, j) and lane.position[j].qty != 0.0:
            last = j
            if lane.position[greatest].qty == 0.0 or notional(lane, j) > notional(lane, greatest):
                greatest = j
    if lane.terms[i].mark_slip == 0:
        greatest, last = last, greatest  # the one that bears the loss comes last
    for j in range(len(lane.position)):
        qty, mark = lane.position[j].qty, lane.way[j].mark
        if is_hit(lane, i, j) and qty != 0.0:
            lane.tally.liquidations += 1
            if lane.terms[i].mark_slip == 1:
                close_at_market(lane, j, ts, j == last, quotes, journal)
            elif j != last:
                fill(lane, j, ts, -qty, mark, mark, 0.0, LIQUIDATED, NONE, LIQUIDATION_REASON, quotes, journal)
    if lane.terms[i].mark_slip == 0:
        close_bankrupt(lane, last, ts, quotes, journal)
    settle_up(lane, i, quotes)


@jit
def notional(lane, i):
    """Of a position at its mark, quote."""
    return abs(lane.position[i].qty) * lane.way[i].mark


@jit
def close_bankrupt(lane, i, ts, quotes, journal):
    """At the price at which the wallet is worth nothing: all of it is lost."""
    position = lane.position[i]
    wallet = i if lane.terms[i].isolated == 1 else ACCOUNT_WALLET
    lost = position.margin if wallet == i else lane.account.cash
    price = position.entry - lost / position.qty
    pay(lane, ts, i, wallet, LIQUIDATION, -lost, journal)
    count_fill(lane, i, ts, -position.qty, price, price, 0.0, LIQUIDATED, NONE, LIQUIDATION_REASON, journal)
    leave(lane, i, ts, abs(position.qty), price, -lost, 0.0, NONE, LIQUIDATION_REASON, quotes[i].ts_open, journal)


@jit
def close_at_market(lane, i, ts, last, quotes, journal):
    """At the worse of mark and price with a taker's slippage and the liquidation fee.

    After the `last` position of a wallet insurance covers what is missing.
    """
    position, way, terms = lane.position[i], lane.way[i], lane.terms[i]
    qty = position.qty
    best = min(way.mark, way.x) if qty > 0.0 else max(way.mark, way.x)
    worse = best * (1.0 - terms.slippage if qty > 0.0 else 1.0 + terms.slippage)
    rate = terms.liquidation_fee if terms.liquidation_fee == terms.liquidation_fee else quotes[i].bracket.liquidation_fee
    gain, fee = qty * (worse - position.entry), abs(qty) * worse * rate
    wallet = i if terms.isolated == 1 else ACCOUNT_WALLET
    pay(lane, ts, i, wallet, LIQUIDATION, gain, journal)
    if fee != 0.0:
        pay(lane, ts, i, wallet, LIQUIDATION_FEE, -fee, journal)
    left = position.margin if wallet == i else lane.account.cash
    if left < 0.0 and last:
        pay(lane, ts, i, wallet, INSURANCE, -left, journal)
        gain -= left
    elif wallet == i:
        transfer(lane, ts, i, i, ACCOUNT_WALLET, left, journal)
    count_fill(lane, i, ts, -qty, worse, best, fee, LIQUIDATED, NONE, LIQUIDATION_REASON, journal)
    leave(lane, i, ts, abs(qty), worse, gain, fee, NONE, LIQUIDATION_REASON, quotes[i].ts_open, journal)
