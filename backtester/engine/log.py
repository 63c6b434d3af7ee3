"""The log of a single run: what the one recorded lane writes down. A tile of a sweep has no log and pays nothing for it."""

from backtester.engine.jit import jit
from backtester.engine.state import FILLED, REFUSED, WAITING

ROOM = 64  # rows that one event can add to any table of the log at the most, with a margin


@jit
def recording(lane):
    """Whether the lane is written down."""
    return lane.account.recorded == 1


@jit
def is_full(log):
    """Whether the next event might not find room; the driver then hands over longer arrays."""
    n = log.count[0]
    short = max(n.orders - len(log.orders), n.fills - len(log.fills), n.trades - len(log.trades))
    return max(short, n.ledger - len(log.ledger), n.equity - len(log.equity)) + ROOM > 0


@jit
def write_order(log, ts, i, qty, reason, refusal):
    n = log.count[0].orders
    log.count[0].orders = n + 1
    row = log.orders[n]
    row.ts = ts
    row.instrument = i
    row.qty = qty
    row.reason = reason
    row.status = WAITING
    if refusal != 0:
        refuse_order(log, n, ts, refusal)


@jit
def refuse_order(log, order, ts, refusal):
    row = log.orders[order]
    row.status = REFUSED
    row.refusal = refusal
    row.ts_done = ts


@jit
def write_fill(log, ts, order, i, qty, price, fee, slippage, reason):
    n = log.count[0].fills
    log.count[0].fills = n + 1
    row = log.fills[n]
    row.ts = ts
    row.order = order
    row.instrument = i
    row.qty = qty
    row.price = price
    row.fee = fee
    row.slippage = slippage
    row.reason = reason
    if order >= 0:
        done = log.orders[order]
        done.status = FILLED
        done.ts_done = ts
        done.price = price


@jit
def write_trade(log, i, position, side, ts, pnl, reason):
    n = log.count[0].trades
    log.count[0].trades = n + 1
    row = log.trades[n]
    row.instrument = i
    row.side = side
    row.entry_ts = position.opened
    row.exit_ts = ts
    row.qty = position.largest
    row.entry_price = position.bought_at
    row.exit_price = position.sold_at
    row.pnl = pnl
    row.fees = position.fees
    row.funding = position.funding
    row.entry_reason = position.reason
    row.exit_reason = reason


@jit
def write_ledger(log, ts, i, kind, amount, balance):
    n = log.count[0].ledger
    log.count[0].ledger = n + 1
    row = log.ledger[n]
    row.ts = ts
    row.instrument = i
    row.kind = kind
    row.amount = amount
    row.balance = balance


@jit
def write_equity(log, clock, lane):
    """One row a close; a second instant of the same close replaces it. Returns the row's number."""
    n = log.count[0].equity
    if n > 0 and log.equity[n - 1].ts == clock.ts_close:
        n -= 1
    log.count[0].equity = n + 1
    account = lane.account
    row = log.equity[n]
    row.ts = clock.ts_close
    row.equity = account.equity
    row.cash = account.cash
    row.drawdown = 1.0 - account.equity / lane.tally.peak
    for i in range(log.held.shape[1]):
        log.held[n, i] = lane.position[i].qty
    return n
