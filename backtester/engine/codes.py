"""The codes that stand in the log, and their words.

They are int64 scalars: a plain Python int is a type of its own to numba when it is passed on, and every function that takes
a code would be compiled anew for each.
"""

import numpy as np

STATUS = ("waiting", "filled", "refused", "cancelled", "expired", "dropped")
WAITING, FILLED, REFUSED, CANCELLED, EXPIRED, DROPPED = np.arange(6)

REFUSAL = (
    "",
    "the quantity is no number",
    "the price is no number",
    "the data have no such instrument",
    "below the lot",
    "no room for another waiting order",
    "nothing to reduce",
    "a spot account cannot go short",
    "below the minimum notional",
    "not enough cash",
    "above the bracket's notional",
    "initial margin",
    "would take",
)
(
    NO_REFUSAL, NO_QUANTITY, NO_PRICE, NO_INSTRUMENT, BELOW_LOT, NO_ROOM,
    NOTHING_TO_REDUCE, NO_SHORT, BELOW_NOTIONAL, NO_CASH, ABOVE_BRACKET, NO_MARGIN, WOULD_TAKE,
) = np.arange(13)

ORDER_KIND = ("market", "limit", "stop", "stop limit", "take profit", "trailing stop")
TIF = ("gtc", "ioc", "fok")

LIQUIDITY = ("taker", "maker", "liquidation")
TAKER, MAKER, LIQUIDATED = np.arange(3)

LEDGER = ("deposit", "spot_trade", "realised", "fee", "funding", "liquidation", "liquidation_fee", "insurance", "transfer")
DEPOSIT, SPOT_TRADE, REALISED, FEE, FUNDING_PAID, LIQUIDATION, LIQUIDATION_FEE, INSURANCE, TRANSFER = np.arange(9)
ACCOUNT_WALLET = np.int64(-1)  # else the instrument whose margin wallet it is

# Reasons of what the venue closes by itself; a strategy's own are 0 and above.
BANKRUPT, LIQUIDATION_REASON = -np.arange(1, 3)

NONE = np.int64(-1)  # no instrument, no order

# What a row of the journal tells.
ORDER, END, AMENDED, FILL, TRADE, CASH = np.arange(6)
