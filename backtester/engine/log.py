"""The log of a single run: what the one recorded lane writes down. A tile of a sweep has no log and pays nothing for it.

What happens goes into a journal, one row a fact: one array is lighter to hand from function to function, and to compile,
than a table of each kind. `results/tables.py` makes the tables.
"""

from typing import NamedTuple

import numpy as np

from backtester.engine.codes import AMENDED, CASH, END, FILL, NONE, ORDER, TRADE
from backtester.engine.jit import jit, piece

ROOM = 1024  # rows an instrument that one event can add to the journal at the most, with a margin

JOURNAL = np.dtype([
    ("what", "i8"),         # codes.ORDER ...; it says what the other fields mean, see the writers below
    ("ts", "i8"),           # ns
    ("instrument", "i8"),   # -1: none
    ("order", "i8"),        # its number, -1: none; of row 0: rows used
    ("reason", "i8"),
    ("code", "i8"),
    ("link", "i8"),
    ("since", "i8"),        # ns
    ("a", "f8"), ("b", "f8"), ("c", "f8"), ("d", "f8"), ("e", "f8"), ("f", "f8"),
])
EQUITY = np.dtype([
    ("ts", "i8"),
    ("equity", "f8"),
    ("cash", "f8"),         # of all wallets
    ("drawdown", "f8"),     # fraction of the peak
])


class Log(NamedTuple):
    """Where the recorded lane writes; a journal of its first row alone and other arrays of length 0 record nothing."""

    journal: np.ndarray     # JOURNAL
    count: np.ndarray       # int64, (1,): rows of the following that are used
    equity: np.ndarray      # EQUITY
    held: np.ndarray        # float64, position per instrument beside each equity row, (rows, instruments)
    trace: np.ndarray       # the strategy's Trace, beside each equity row


@piece
def recording(lane):
    """Whether the lane is written down."""
    return lane.account.recorded == 1


@jit
def is_full(log, instruments):
    """Whether the next event might not find room; the driver then hands over longer arrays."""
    return log.journal[0].order + ROOM * instruments > len(log.journal) or log.count[0] == len(log.equity)


@jit
def write(journal, what, ts, i, order, reason, code):
    """The next row; returns its place."""
    n = journal[0].order + 1
    journal[0].order = n
    row = journal[n]
    row.what = what
    row.ts = ts
    row.instrument = i
    row.order = order
    row.reason = reason
    row.code = code
    return n


@jit
def write_order(journal, ts, i, order, kind, asked, qty, reason):
    """An order as it was asked, with what only some kinds have left out; returns its place."""
    n = write(journal, ORDER, ts, i, order, reason, kind)
    row = journal[n]
    row.link = -1           # the order that it waits for
    row.since = 0           # until, ns
    row.a = asked           # base
    row.b = qty             # base, accepted
    row.c = np.nan          # limit, quote
    row.d = np.nan          # trigger or distance, quote
    row.e = 0.0             # orders.Tif
    row.f = 0.0             # 1: reduce-only, 2: post-only, 3: both
    return n


@jit
def write_end(journal, ts, order, status, refusal):
    n = write(journal, END, ts, NONE, order, NONE, status)
    journal[n].link = refusal


@jit
def write_amendment(journal, ts, order, qty, level, is_trigger):
    """`level` is a trigger or a distance, else a limit; NaN: not amended."""
    n = write(journal, AMENDED, ts, NONE, order, NONE, NONE)
    journal[n].link = is_trigger
    journal[n].a = qty      # base
    journal[n].b = level    # quote


@jit
def write_fill(journal, ts, i, order, reason, liquidity, qty, price, fee, slippage):
    n = write(journal, FILL, ts, i, order, reason, liquidity)
    row = journal[n]
    row.a = qty             # base, negative: sold
    row.b = price           # quote
    row.c = fee             # quote
    row.d = slippage        # quote


@jit
def write_trade(journal, ts, i, order, position, side, pnl, reason):
    """A round trip that ended at `ts` with a fill of `order`, for `reason`."""
    n = write(journal, TRADE, ts, i, order, reason, position.reason)
    row = journal[n]
    row.since = position.opened
    row.a = side * position.largest    # largest |position|, base, signed
    row.b = position.bought_at         # average entry, quote
    row.c = position.sold_at           # average exit, quote
    row.d = pnl                        # net of fees and funding, quote
    row.e = position.fees              # quote
    row.f = position.funding           # quote


@jit
def write_cash(journal, ts, i, wallet, kind, amount, left):
    n = write(journal, CASH, ts, i, NONE, NONE, kind)
    row = journal[n]
    row.link = wallet
    row.a = amount          # quote
    row.b = left            # of the wallet afterwards, quote


@jit
def write_equity(log, clock, lane):
    """One row a close; a second instant of the same close replaces it. Returns the row's number."""
    n = log.count[0]
    if n > 0 and log.equity[n - 1].ts == clock.ts_close:
        n -= 1
    log.count[0] = n + 1
    account = lane.account
    row = log.equity[n]
    row.ts = clock.ts_close
    row.equity = account.equity
    row.cash = account.cash
    row.drawdown = 1.0 - account.equity / lane.tally.peak
    for i in range(log.held.shape[1]):
        log.held[n, i] = lane.position[i].qty
        row.cash += lane.position[i].margin
    return n
