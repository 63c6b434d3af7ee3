"""What the loop remembers between two events: the records of the market's clock, of a lane, of the log."""

from typing import NamedTuple

import numpy as np

from backtester.records import SETTLEMENTS, row_type

# ---------------------------------------------------------------- shared by all lanes

CLOCK = np.dtype([
    ("ts", "i8"),           # now: ts_known of the instant, ns
    ("ts_close", "i8"),     # the latest close of any bar so far, ns
    ("fresh", "i8"),        # a bar became known in this instant
    ("pair", "i8"),         # ts_close of the last pair of spot and perp, ns
    ("next_sample", "i8"),  # the next moment at which equity is sampled for the ratios, ns
    ("step", "i8"),         # from one sample to the next, ns
    ("marks", "i8"),        # instants with a bar so far
    ("bars", "i8"),         # bars of spot and perpetuals so far
    ("events", "i8"),       # events so far
])
QUOTE = np.dtype([          # one an instrument
    ("row", "i8"),          # its last known bar in Streams.bars
    ("price", "f8"),        # what positions are valued at: last mark, else last close; quote
    ("marked", "i8"),       # it has a mark stream of its own
    ("traded", "i8"),       # 1: the market has bars of it
    ("ts_close", "i8"),     # close of its last bar, ns
    ("lag", "i8"),          # from that close to the moment it was known, ns
    ("waiting", "i8"),      # orders of this tile's lanes that wait for its next bar
    ("due", "i8"),          # settlements known before the bar that tells which position they meet
    ("due_ts", "i8", (SETTLEMENTS,)),     # ns
    ("due_rate", "f8", (SETTLEMENTS,)),   # fraction of notional
    ("due_price", "f8", (SETTLEMENTS,)),  # the price when it became known, quote; 0: none yet
])

# ---------------------------------------------------------------- one a lane

ACCOUNT = np.dtype([
    ("cash", "f8"),         # quote
    ("equity", "f8"),       # at the last mark, quote
    ("asked", "i8"),        # a verb wrote a wish
    ("blocked", "i8"),      # decisions blocked by a missing input
    ("invested", "i8"),     # holds a position
    ("alive", "i8"),        # 0: bankrupt, halted
    ("recorded", "i8"),     # 1: the log writes this lane down
])
TALLY = np.dtype([          # what the metrics need, streamed
    ("peak", "f8"),         # highest equity, quote
    ("max_drawdown", "f8"), # fraction of the peak
    ("last", "f8"),         # equity at the last sample, quote; 0 before the first
    ("samples", "i8"),      # returns between samples
    ("mean", "f8"),         # of the returns
    ("m2", "f8"),           # sum of squared deviations from the mean
    ("downside", "f8"),     # sum of squared negative returns
    ("in_market", "i8"),    # marks with a position
    ("fees", "f8"),         # paid, quote
    ("slippage", "f8"),     # lost against the bar's open, quote
    ("funding", "f8"),      # paid, quote
    ("traded", "f8"),       # notional of all fills, quote
    ("orders", "i8"),
    ("refused", "i8"),
    ("fills", "i8"),
    ("liquidations", "i8"),
    ("trades", "i8"),       # round trips closed
    ("wins", "i8"),
    ("profit", "f8"),       # sum of winning trades, quote
    ("loss", "f8"),         # sum of losing trades, quote, positive
    ("ended", "i8"),        # ts of bankruptcy, 0 while alive, ns
])

# ---------------------------------------------------------------- one a lane and instrument

POSITION = np.dtype([
    ("qty", "f8"),          # base, negative: short
    ("entry", "f8"),        # average price of what is held, quote
    ("basis", "f8"),        # value = qty * (price - basis): 0 for spot, entry for a perpetual
    ("pending", "f8"),      # base in waiting market orders
    ("waiting", "i8"),      # number of waiting orders
    ("opened", "i8"),       # ts of the first fill of this round trip, ns
    ("reason", "i8"),       # of that fill
    ("largest", "f8"),      # largest |qty| of this round trip, base
    ("bought", "f8"),       # base that entered, and at what average price it did
    ("bought_at", "f8"),
    ("sold", "f8"),         # base that left, and at what average price it did
    ("sold_at", "f8"),
    ("realised", "f8"),     # price profit of what left, quote
    ("fees", "f8"),         # of this round trip, quote
    ("funding", "f8"),      # paid in this round trip, quote
])
ASK = np.dtype([
    ("qty", "f8"),          # wish of the hook that just ran, base; 0: none
    ("reason", "i8"),
])
SLOT = np.dtype([           # a waiting order
    ("qty", "f8"),          # base
    ("not_before", "i8"),   # fills at the first bar that opens at or after this, ns
    ("reason", "i8"),
    ("order", "i8"),        # its number
])
SLOTS = 4                   # waiting orders an instrument may have in one lane
TERMS = np.dtype([          # what the venue charges and allows
    ("taker", "f8"),        # fraction of notional
    ("slippage", "f8"),     # fraction of price
    ("latency", "i8"),      # ns
    ("strict", "i8"),       # 1: fills at nothing older than decision + latency
    ("leverage", "f8"),     # largest notional / equity of a perpetual
    ("perp", "i8"),         # 1: margined; 0: a cash account that cannot go short
    ("deposit", "f8"),      # cash at the start, quote
])


def world_dtype(instruments: int) -> np.dtype:
    """What all lanes of a tile share, apart from the streams."""
    return np.dtype([("clock", row_type(CLOCK)), ("quotes", row_type(QUOTE), (instruments,))])


def lane_dtype(instruments: int, state: np.dtype, params: np.dtype) -> np.dtype:
    """One parameter combination: its account, its positions and orders, the strategy's State and Params."""
    return np.dtype([
        ("account", row_type(ACCOUNT)),
        ("tally", row_type(TALLY)),
        ("position", row_type(POSITION), (instruments,)),
        ("ask", row_type(ASK), (instruments,)),
        ("slots", row_type(SLOT), (instruments, SLOTS)),
        ("terms", row_type(TERMS), (instruments,)),
        ("state", row_type(state)),
        ("params", row_type(params)),
        ("group", "i8"),        # which group's features it reads
    ])


def group_dtype(seen: np.dtype, params: np.dtype) -> np.dtype:
    """The market features that all lanes share whose parameters agree on what the market hooks read."""
    return np.dtype([("seen", row_type(seen)), ("params", row_type(params))])


class Tradable(NamedTuple):
    """One instrument as a lane's hook sees it."""

    bar: np.void            # BAR, the last known one
    position: np.void       # POSITION
    ask: np.void            # ASK, written by the verbs
    account: np.void        # ACCOUNT


class Ctx(NamedTuple):
    """What a lane's hook may look at."""

    ts: int                 # now, ns
    spot: Tradable
    perp: Tradable
    account: np.void        # ACCOUNT
    seen: np.void           # the strategy's Seen


# ---------------------------------------------------------------- the log of a single run

ORDER_LOG = np.dtype([
    ("ts", "i8"),           # decided, ns
    ("instrument", "i8"),
    ("qty", "f8"),          # base
    ("reason", "i8"),
    ("status", "i8"),       # index into STATUS
    ("refusal", "i8"),      # index into REFUSAL
    ("ts_done", "i8"),      # filled or refused, ns; 0 while it waits
    ("price", "f8"),        # of the fill, quote
])
FILL_LOG = np.dtype([
    ("ts", "i8"),
    ("order", "i8"),
    ("instrument", "i8"),
    ("qty", "f8"),          # base, negative: sold
    ("price", "f8"),        # quote
    ("fee", "f8"),          # quote
    ("slippage", "f8"),     # quote
    ("reason", "i8"),
])
TRADE_LOG = np.dtype([
    ("instrument", "i8"),
    ("side", "f8"),         # +1 long, -1 short
    ("entry_ts", "i8"),
    ("exit_ts", "i8"),
    ("qty", "f8"),          # largest |position|, base
    ("entry_price", "f8"),  # average, quote
    ("exit_price", "f8"),   # average, quote
    ("pnl", "f8"),          # net of fees and funding, quote
    ("fees", "f8"),
    ("funding", "f8"),
    ("entry_reason", "i8"),
    ("exit_reason", "i8"),
])
LEDGER_LOG = np.dtype([
    ("ts", "i8"),
    ("instrument", "i8"),   # -1: none
    ("kind", "i8"),         # index into KINDS
    ("amount", "f8"),       # quote
    ("balance", "f8"),      # cash afterwards, quote
])
EQUITY_LOG = np.dtype([
    ("ts", "i8"),
    ("equity", "f8"),
    ("cash", "f8"),
    ("drawdown", "f8"),     # fraction of the peak
])
COUNT = np.dtype([("orders", "i8"), ("fills", "i8"), ("trades", "i8"), ("ledger", "i8"), ("equity", "i8")])

STATUS = ("waiting", "filled", "refused", "dropped")
WAITING, FILLED, REFUSED, DROPPED = range(4)
REFUSAL = (
    "", "no room for another waiting order", "a spot account cannot go short", "not enough cash", "initial margin",
    "the quantity is no number", "the data have no such instrument",
)
NO_REFUSAL, NO_ROOM, NO_SHORT, NO_CASH, NO_MARGIN, NO_QUANTITY, NO_INSTRUMENT = range(7)
KINDS = ("deposit", "spot_trade", "realised", "fee", "funding", "liquidation", "insurance")
DEPOSIT, SPOT_TRADE, REALISED, FEE, FUNDING_PAID, LIQUIDATION_LOSS, INSURANCE = range(7)
BANKRUPT = -1               # the reason of what the venue closes


class Log(NamedTuple):
    """Where the recorded lane writes; arrays of length 0 record nothing."""

    count: np.ndarray       # COUNT, (1,)
    orders: np.ndarray      # ORDER_LOG, all orders so far
    fills: np.ndarray       # FILL_LOG
    trades: np.ndarray      # TRADE_LOG
    ledger: np.ndarray      # LEDGER_LOG
    equity: np.ndarray      # EQUITY_LOG
    held: np.ndarray        # float64, position per instrument beside each equity row, (rows, instruments)
    trace: np.ndarray       # the strategy's Trace, beside each equity row
