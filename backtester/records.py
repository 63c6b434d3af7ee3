"""Every record that a kernel or a strategy sees: one field a line, its unit beside it.

Time is int64 nanoseconds since 1970-01-01 UTC. `ts_event` is when a thing happened, `ts_known` the
earliest moment at which a trader could have had it. Prices are in quote currency, quantities in base
currency, rates are fractions. An unknown number is NaN, never a silent zero.
"""

from typing import Any, NamedTuple

import numpy as np


class Row(np.void):
    """A record whose field names win over NumPy's own attributes (`size`, `min`, `round`, ...).

    Without it, plain Python and compiled code would disagree on such a field without any error.
    """

    def __getattribute__(self, name: str) -> Any:
        get = object.__getattribute__
        return self[name] if name in (get(self, "dtype").names or ()) else get(self, name)

    def __setattr__(self, name, value):
        if name not in self.dtype.names:
            raise AttributeError(f"no field {name!r} (it has {', '.join(self.dtype.names)})")
        self[name] = value


def row_type(dtype) -> np.dtype:
    """The dtype whose scalars are `Row`s."""
    return np.dtype((Row, dtype))


def rows(dtype, *shape: int) -> np.ndarray:
    """Zeroed records of `dtype` whose scalars are `Row`s."""
    return np.zeros(shape, row_type(dtype))


# ---------------------------------------------------------------------------- what the market sends

TIERS = 16  # that a margin bracket may have

BRACKET = np.dtype([
    ("ts_event", "i8"),            # since when these tiers have been in force, ns
    ("ts_known", "i8"),            # ns
    ("liquidation_fee", "f8"),     # fraction of the notional that is liquidated
    ("tiers", "i8"),               # how many of the following are used; the rest is NaN
    ("cap", "f8", (TIERS,)),       # quote, the largest notional of the tier
    ("rate", "f8", (TIERS,)),      # maintenance margin, fraction of the notional
    ("amount", "f8", (TIERS,)),    # quote, subtracted from rate * notional, so that margin has no steps
    ("leverage", "f8", (TIERS,)),  # 1, the largest that the tier allows
])
BAR = np.dtype([
    ("ts_event", "i8"),      # open of the bar, ns
    ("ts_known", "i8"),      # ns
    ("ts_close", "i8"),      # open + interval, ns
    ("open", "f8"),          # quote
    ("high", "f8"),          # quote
    ("low", "f8"),           # quote
    ("close", "f8"),         # quote
    ("volume", "f8"),        # base
    ("quote_volume", "f8"),  # quote; NaN where the source has none
    ("taker_buy", "f8"),     # base bought by takers; NaN where the source has none
])
FUNDING = np.dtype([
    ("ts_event", "i8"),      # the settlement, ns
    ("ts_known", "i8"),      # ns
    ("rate", "f8"),          # fraction of notional per interval; longs pay where it is positive
    ("interval_h", "f8"),    # hours between settlements
])
OPEN_INTEREST = np.dtype([
    ("ts_event", "i8"),      # ns
    ("ts_known", "i8"),      # ns
    ("qty", "f8"),           # open contracts, base
])
LONG_SHORT_RATIO = np.dtype([
    ("ts_event", "i8"),      # ns
    ("ts_known", "i8"),      # ns
    ("accounts", "f8"),      # accounts long / accounts short, everybody
    ("top_accounts", "f8"),  # the same of the top traders
    ("top_positions", "f8"), # positions long / positions short of the top traders
    ("taker_volume", "f8"),  # taker buy volume / taker sell volume
])
LIQUIDATION = np.dtype([
    ("ts_event", "i8"),      # ns
    ("ts_known", "i8"),      # ns
    ("side", "f8"),          # +1 a long was liquidated (forced sale), -1 a short (forced purchase)
    ("qty", "f8"),           # base
    ("price", "f8"),         # quote
])
TRADE_PRINT = np.dtype([
    ("ts_event", "i8"),      # ns
    ("ts_known", "i8"),      # ns
    ("side", "f8"),          # +1 the taker bought, -1 the taker sold
    ("qty", "f8"),           # base
    ("price", "f8"),         # quote
])
DEPTH = np.dtype([
    ("ts_event", "i8"),      # ns
    ("ts_known", "i8"),      # ns
    ("percent", "f8"),       # distance from mid, percent; negative: bids
    ("qty", "f8"),           # base, cumulative from mid
    ("notional", "f8"),      # quote, cumulative from mid
])
EXOGENOUS = np.dtype([
    ("ts_event", "i8"),      # ns
    ("ts_known", "i8"),      # ns; mandatory in the source, never back-dated
    ("tag", "i8"),           # code of the event's tag, see Market.tags
    ("weight", "f8"),        # 1
    ("half_life_h", "f8"),   # hours
])

# Streams in their priority where several records become known at the same instant.
STREAMS = {
    "brackets": BRACKET,
    "exogenous": EXOGENOUS,
    "funding": FUNDING,
    "open_interest": OPEN_INTEREST,
    "long_short_ratio": LONG_SHORT_RATIO,
    "liquidations": LIQUIDATION,
    "depth": DEPTH,
    "trades": TRADE_PRINT,
    "premium_index_bars": BAR,
    "index_bars": BAR,
    "mark_bars": BAR,
    "spot_bars": BAR,
    "perp_bars": BAR,
}
KIND = {name: code for code, name in enumerate(STREAMS)}

# An event is one int64: | last of its instant (1 bit) | kind (8) | instrument (8) | row (40) |
LAST_SHIFT, KIND_SHIFT, INSTRUMENT_SHIFT = 56, 48, 40
BYTE = 0xFF
ROW = (1 << INSTRUMENT_SHIFT) - 1

# Settlements of funding that may fall into one bar: hourly ones into a daily bar, with room.
SETTLEMENTS = 32

# Instruments stand asset by asset, spot before perp: an even index is a spot, an odd one a perp.
SPOT, PERP = 0, 1         # of the first asset
ROLES = ("spot", "perp")  # of the first asset; those of another one begin with its word: eth_spot, eth_perp


class Streams(NamedTuple):
    """The causal event stream. Row 0 of every array is a NaN record that means "none yet"."""

    events: np.ndarray            # int64, packed as above, ordered by (ts_known, kind, sequence)
    brackets: np.ndarray          # BRACKET
    bars: np.ndarray              # BAR, every kind of bar of every instrument
    funding: np.ndarray           # FUNDING
    open_interest: np.ndarray     # OPEN_INTEREST
    long_short_ratio: np.ndarray  # LONG_SHORT_RATIO
    liquidations: np.ndarray      # LIQUIDATION
    trades: np.ndarray            # TRADE_PRINT
    depth: np.ndarray             # DEPTH
    exogenous: np.ndarray         # EXOGENOUS
