"""What the loop remembers between two events: the records of the market's clock and of a lane."""

from typing import NamedTuple

import numpy as np

from backtester.orders import WISHES
from backtester.records import BRACKET, SETTLEMENTS, row_type

# ---------------------------------------------------------------- shared by all lanes

CLOCK = np.dtype([
    ("ts", "i8"),           # now: ts_known of the instant, ns
    ("ts_close", "i8"),     # the latest close of any bar so far, ns
    ("fresh", "i8"),        # bars that became known in this instant
    ("next_sample", "i8"),  # the next moment at which equity is sampled for the ratios, ns
    ("samples", "i8"),      # taken so far
    ("step", "i8"),         # from one sample to the next, ns
    ("marks", "i8"),        # instants with a bar so far
    ("bars", "i8"),         # bars of spot and perpetuals so far
    ("events", "i8"),       # events so far
])
JOINED = np.dtype([         # bars of one stream as one bar
    ("window", "i8"),       # the bar of the instrument that they lie inside, counted from its first; -1: none yet
    ("ts_close", "i8"),     # of the last one, ns
    ("open", "f8"),         # quote
    ("high", "f8"),
    ("low", "f8"),
    ("close", "f8"),
])
QUOTE = np.dtype([          # one an instrument
    ("row", "i8"),          # its last known bar in Streams.bars
    ("next", "i8"),         # the bar that came in this instant and waits for its end; -1: none
    ("moving", "i8"),       # 1: its bar is one of the group that is being processed
    ("first", "i8"),        # open of its first bar, ns
    ("interval", "i8"),     # length of its bars, ns
    ("price", "f8"),        # its mark: what positions are valued at, quote
    ("traded", "i8"),       # 1: the market has bars of it
    ("ts_open", "i8"),      # open of the bar that is being processed, ns
    ("ts_close", "i8"),     # close of its last bar, ns
    ("lag", "i8"),          # from that close to the moment it was known, ns
    ("pair", "i8"),         # ts_close of the last pair of spot and perp; in the quote of the asset's spot, ns
    ("waiting", "i8"),      # orders of this tile's lanes that wait at it
    ("longs_end", "f8"),    # no long position of this tile's lanes is liquidated above, no short one below, quote
    ("shorts_end", "f8"),
    ("basis", "f8"),        # perp less index, both at the last close at which both were known, quote
    ("mark", row_type(JOINED)),           # mark bars inside the next bar
    ("index", row_type(JOINED)),          # index bars inside the next bar
    ("path", row_type(JOINED)),           # the mark's bar of the bar that is being processed
    ("bracket", row_type(BRACKET)),       # the margin brackets in force
    ("due", "i8"),          # settlements known before the bar that tells which position they meet
    ("due_ts", "i8", (SETTLEMENTS,)),     # ns
    ("due_rate", "f8", (SETTLEMENTS,)),   # fraction of notional
    ("due_price", "f8", (SETTLEMENTS,)),  # the price when it became known, quote; 0: none yet
])

# ---------------------------------------------------------------- one a lane

ACCOUNT = np.dtype([
    ("cash", "f8"),         # of the account wallet, quote
    ("equity", "f8"),       # at the last mark, quote
    ("asked", "i8"),        # a verb wrote a wish
    ("blocked", "i8"),      # decisions blocked by a missing input
    ("invested", "i8"),     # positions held
    ("perps", "i8"),        # of these, perpetuals
    ("alive", "i8"),        # 0: bankrupt, halted
    ("recorded", "i8"),     # 1: the log writes this lane down
    ("orders", "i8"),       # orders asked so far: the next one's number
    ("no_room", "i8"),      # of these, found no room to wait
])
TALLY = np.dtype([          # what the metrics need, streamed; of the ratios see Tile.samples
    ("peak", "f8"),         # highest equity, quote
    ("max_drawdown", "f8"), # fraction of the peak
    ("keeps", "f8"),        # share of a peak down to which no drawdown is deeper than that one
    ("floor", "f8"),        # the equity down to which none is at this peak, quote
    ("in_market", "i8"),    # marks with a position
    ("fees", "f8"),         # paid, quote
    ("slippage", "f8"),     # lost against the best price, quote
    ("funding", "f8"),      # paid, quote
    ("traded", "f8"),       # notional of all fills, quote
    ("refused", "i8"),
    ("fills", "i8"),
    ("liquidations", "i8"), # positions liquidated
    ("trades", "i8"),       # round trips closed
    ("wins", "i8"),
    ("profit", "f8"),       # sum of winning trades, quote
    ("loss", "f8"),         # sum of losing trades, quote, positive
    ("quick", "f8"),        # sum of winning trades that ended in the bar in which they began, quote
    ("ended", "i8"),        # ts of bankruptcy, 0 while alive, ns
])

# ---------------------------------------------------------------- one a lane and instrument

POSITION = np.dtype([
    ("qty", "f8"),          # base, negative: short
    ("entry", "f8"),        # average price of what is held, quote
    ("basis", "f8"),        # value = qty * (price - basis): 0 for spot, entry for a perpetual
    ("margin", "f8"),       # its own wallet under isolated margin, quote
    ("end", "f8"),          # liquidation price, quote; NaN: none
    ("pending", "f8"),      # base in waiting market orders
    ("waiting", "i8"),      # number of waiting market orders
    ("resting", "i8"),      # number of other orders that wait
    ("falls_to", "f8"),     # these sleep in bars that stay above this price,
    ("rises_to", "f8"),     # below this one, quote,
    ("wakes", "i8"),        # and open before this moment, ns
    ("turned", "i8"),       # 1: opened, or turned, on the path of this bar
    ("left", "f8"),         # base that this bar still gives
    ("opened", "i8"),       # ts of the first fill of this round trip, ns
    ("opened_in", "i8"),    # open of the bar of that fill, ns
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
SCRATCH = ("turned", "left", "falls_to", "rises_to", "wakes")  # of POSITION: the venue's own, which no hook reads
WAY = np.dtype([            # where the lane is on the path of the bar that is being processed
    ("up", "i8"),           # 1: it goes to the high first
    ("x", "f8"),            # where the price stands, quote; of an instrument whose bar is not processed: its mark
    ("mark", "f8"),         # where the mark stands, quote
])
ASK = np.dtype([
    ("qty", "f8"),          # wish of the hook that just ran, base; 0: none
    ("reason", "i8"),
])
WISH = np.dtype([           # what a verb other than market and target asks for, see orders.py
    ("kind", "i8"),         # orders.Kind
    ("instrument", "i8"),
    ("number", "i8"),       # of the order that it makes or concerns
    ("qty", "f8"),          # base
    ("price", "f8"),        # quote; of an amendment: the level
    ("trigger", "f8"),      # quote; of a trailing stop: the distance
    ("reason", "i8"),
    ("tif", "i8"),          # orders.Tif
    ("until", "i8"),        # ns; 0: none
    ("reduce_only", "i8"),
    ("post_only", "i8"),
    ("parent", "i8"),       # the order that it waits for; -1: none
    ("partner", "i8"),      # the order that one-cancels-other ties it to; -1: none
])
ORDER = np.dtype([          # a waiting order
    ("number", "i8"),
    ("kind", "i8"),         # orders.Kind; a stop or take profit that triggered and found too little volume is MARKET
    ("qty", "f8"),          # what is left, base; 0: done
    ("filled", "f8"),       # base
    ("not_before", "i8"),   # meets the first bar that opens at or after this, ns
    ("reason", "i8"),
    ("tif", "i8"),          # orders.Tif
    ("until", "i8"),        # ns; 0: none
    ("reduce_only", "i8"),
    ("post_only", "i8"),
    ("price", "f8"),        # the limit, quote
    ("trigger", "f8"),      # quote; of a trailing stop: the distance
    ("extreme", "f8"),      # best price since a trailing stop's arrival, quote
    ("parent", "i8"),       # the order that it waits for; -1: it lives
    ("entry", "i8"),        # the entry of its bracket; -1: it has none
    ("partner", "i8"),      # the order that one-cancels-other ties it to; -1: none
    ("patient", "i8"),      # 1: the stop or the target of a bracket: only a whole fill ends the partner
    ("cancel_at", "i8"),    # a cancel arrives, ns; 0: none
    ("amend_at", "i8"),     # an amendment arrives, ns; 0: none
    ("amend_qty", "f8"),    # base; NaN: as it is
    ("amend_level", "f8"),  # quote; NaN: as it is
    ("met", "i8"),          # 1: it has arrived
    ("born", "i8"),         # 1: it came to life on this bar's path and has not been looked at
])
SLOTS = 4                   # market orders that may wait at an instrument in one lane
PLACES = 32                 # other orders that may
TERMS = np.dtype([          # what the venue charges and allows
    ("taker", "f8"),        # fraction of notional
    ("maker", "f8"),        # fraction of notional
    ("slippage", "f8"),     # half the spread included, fraction of price
    ("impact", "f8"),       # fraction of price at a size equal to the bar's volume
    ("participation", "f8"),    # fraction of a bar's volume; infinite: no bound
    ("latency", "i8"),      # ns
    ("strict", "i8"),       # 1: fills at nothing older than decision + latency
    ("leverage", "f8"),     # largest notional / margin of a perpetual
    ("isolated", "i8"),     # 1: every perpetual has a margin wallet of its own
    ("maintenance", "f8"),  # fraction of notional; NaN: by brackets
    ("mark_slip", "i8"),    # 1: what is liquidated is closed at the market, else at the bankruptcy price
    ("liquidation_fee", "f8"),  # fraction of notional; NaN: the brackets'
    ("path", "i8"),         # ADVERSE, OHLC, OLHC, NEAREST
    ("perp", "i8"),         # 1: margined; 0: a cash account that cannot go short
    ("tick", "f8"),         # quote; 0: none
    ("lot", "f8"),          # base; 0: none
    ("min_notional", "f8"), # quote; 0: none
    ("deposit", "f8"),      # cash at the start, quote
])
ADVERSE, OHLC, OLHC, NEAREST = range(4)


def world_dtype(instruments: int) -> np.dtype:
    """What all lanes of a tile share, apart from the streams."""
    return np.dtype([("clock", row_type(CLOCK)), ("quotes", row_type(QUOTE), (instruments,))])


def wishes_dtype(numbered: bool) -> np.dtype:
    """The wishes of one hook call; a strategy that asks with `market` and `target` alone has none."""
    return np.dtype([("count", "i8"), ("wish", row_type(WISH), (WISHES + 1,))] if numbered else [("count", "i8")])


def lane_dtype(instruments: int, numbered: bool = False) -> np.dtype:
    """One parameter combination as the venue knows it: its account, its positions and orders, its terms.

    `numbered`: the strategy asks for orders with numbers of their own, so the lane has room for those that rest.
    """
    fields = [
        ("account", row_type(ACCOUNT)),
        ("tally", row_type(TALLY)),
        ("position", row_type(POSITION), (instruments,)),
        ("way", row_type(WAY), (instruments,)),
        ("ask", row_type(ASK), (instruments,)),
        ("slots", row_type(ORDER), (instruments, SLOTS)),
        ("terms", row_type(TERMS), (instruments,)),
        ("wishes", row_type(wishes_dtype(numbered))),
    ]
    return np.dtype(fields + ([("book", row_type(ORDER), (instruments, PLACES))] if numbered else []))


def mind_dtype(state: np.dtype, params: np.dtype) -> np.dtype:
    """The same combination as the strategy knows it. Two records, so that the venue's code is compiled once for all strategies."""
    return np.dtype([
        ("state", row_type(state)),
        ("params", row_type(params)),
        ("group", "i8"),        # which group's features it reads
    ])


def group_dtype(seen: np.dtype, params: np.dtype) -> np.dtype:
    """The market features that all lanes share whose parameters agree on what the market hooks read."""
    return np.dtype([
        ("seen", row_type(seen)),
        ("params", row_type(params)),
        ("differs", "i8"),      # bits of the parameters in which it differs from the first group: Bound.grouped_by
    ])


class Tradable(NamedTuple):
    """One instrument as a lane's hook sees it."""

    index: int              # of the instrument
    bar: np.void            # BAR, the last known one
    position: np.void       # POSITION
    ask: np.void            # ASK, written by `market` and `target`
    account: np.void        # ACCOUNT
    wishes: np.void         # written by the other verbs
