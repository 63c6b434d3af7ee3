"""The order verbs: what a strategy may ask for. They only write a wish; the engine decides. docs/venue.md says what becomes of it.

`tradable` is `ctx.spot`, `ctx.perp`, ... `qty` is in base, negative to sell; prices are in quote; `reason` is a code of the
strategy file's `Reason` enum and stands in orders, fills and trades. Verbs that return a number return the order's: what
`cancel`, `amend` and `oco` take, and the column `id` of orders.parquet. `until` (ns UTC) drops an order there, 0 never.
"""

import math
from enum import IntEnum

NAN = float("nan")
WISHES = 16  # orders that one hook call may ask for, cancels and amendments included


class Tif(IntEnum):
    """Time in force of a market order or a limit; anything may also have `until`."""

    GTC = 0  # good till cancelled
    IOC = 1  # immediate or cancel: what does not fill at the first open is cancelled
    FOK = 2  # fill or kill: all of it at the first open, or nothing


class Kind(IntEnum):
    """What a wish asks for; the first six are orders."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    STOP_LIMIT = 3
    TAKE_PROFIT = 4
    TRAILING_STOP = 5
    OCO = 6
    CANCEL = 7
    CANCEL_ALL = 8
    AMEND = 9


def market(tradable, qty, reason):
    """Ask for a market order. What one hook call asks of an instrument in this way adds up to one order."""
    tradable.ask.qty += qty
    tradable.ask.reason = reason
    tradable.account.asked = 1


def target(tradable, qty, reason):
    """Ask for the market order that brings the position, waiting market orders included, to `qty`."""
    tradable.ask.qty = qty - held(tradable)
    tradable.ask.reason = reason
    tradable.account.asked = 1


def held(tradable):
    """The position with the market orders that wait to change it, base; negative: short."""
    return tradable.position.qty + tradable.position.pending


def market_order(tradable, qty, reason, tif=Tif.GTC, until=0, reduce_only=False):
    """Ask for a market order with a number of its own."""
    return ask_order(tradable, Kind.MARKET, qty, NAN, NAN, reason, tif, until, reduce_only)


def limit(tradable, qty, price, reason, tif=Tif.GTC, until=0, reduce_only=False, post_only=False):
    """Ask for an order that fills at `price` or better; post-only: refused where it would take."""
    number = ask_order(tradable, Kind.LIMIT, qty, price, NAN, reason, tif, until, reduce_only)
    tradable.wishes.wish[last(tradable)].post_only = post_only
    return number


def stop(tradable, qty, trigger, reason, until=0, reduce_only=False):
    """Ask for a market order that wakes where the price rises (a purchase) or falls (a sale) to `trigger`."""
    return ask_order(tradable, Kind.STOP, qty, NAN, trigger, reason, Tif.GTC, until, reduce_only)


def stop_limit(tradable, qty, trigger, price, reason, until=0, reduce_only=False):
    """Ask for a limit at `price` that wakes where a stop would."""
    return ask_order(tradable, Kind.STOP_LIMIT, qty, price, trigger, reason, Tif.GTC, until, reduce_only)


def take_profit(tradable, qty, trigger, reason, until=0, reduce_only=False):
    """Ask for a market order that wakes where the price falls (a purchase) or rises (a sale) to `trigger`."""
    return ask_order(tradable, Kind.TAKE_PROFIT, qty, NAN, trigger, reason, Tif.GTC, until, reduce_only)


def trailing_stop(tradable, qty, distance, reason, until=0, reduce_only=False):
    """Ask for a stop that follows the best price since its arrival at `distance` (quote)."""
    return ask_order(tradable, Kind.TRAILING_STOP, qty, NAN, distance, reason, Tif.GTC, until, reduce_only)


def bracket(tradable, qty, stop, target, reason, price=NAN):
    """Ask for an entry (a limit where `price` is given, else a market order) with a stop and a target that live once it fills.

    Either cancels the other. Returns the entry's number n; the stop is n + 1, the target n + 2.
    """
    number = ask_order(tradable, Kind.MARKET if math.isnan(price) else Kind.LIMIT, qty, price, NAN, reason, Tif.GTC, 0, False)
    ask_order(tradable, Kind.STOP, -qty, NAN, stop, reason, Tif.GTC, 0, True)
    tie(tradable, number, number + 2)
    ask_order(tradable, Kind.LIMIT, -qty, target, NAN, reason, Tif.GTC, 0, True)
    tie(tradable, number, number + 1)
    return number


def oco(tradable, a, b):
    """Tie two waiting orders: the first fill of either cancels the other."""
    ask_change(tradable, Kind.OCO, a, NAN, NAN)
    tradable.wishes.wish[last(tradable)].partner = b


def cancel(tradable, order):
    """Ask to cancel an order."""
    ask_change(tradable, Kind.CANCEL, order, NAN, NAN)


def cancel_all(tradable):
    """Ask to cancel every order that waits at this instrument now."""
    ask_change(tradable, Kind.CANCEL_ALL, -1, NAN, NAN)


def amend(tradable, order, qty, level):
    """Ask for another quantity (what has filled included) and another price, trigger or distance; NaN leaves one as it is."""
    ask_change(tradable, Kind.AMEND, order, qty, level)


def blocked(ctx):
    """Count a decision that a missing input (NaN) blocked."""
    ctx.account.blocked += 1


# ---------------------------------------------------------------- how a wish is written


def last(tradable):
    """The place of the latest wish; the place beyond the last one takes all that are too many."""
    return min(tradable.wishes.count, WISHES + 1) - 1


def ask_order(tradable, kind, qty, price, trigger, reason, tif, until, reduce_only):
    """Write a wish for an order; returns its number."""
    number = tradable.account.orders
    tradable.account.orders += 1
    ask_change(tradable, kind, number, qty, price)
    wish = tradable.wishes.wish[last(tradable)]
    wish.trigger = trigger
    wish.reason = reason
    wish.tif = tif
    wish.until = until
    wish.reduce_only = reduce_only
    return number


def ask_change(tradable, kind, number, qty, level):
    """Write a wish that concerns order `number`."""
    tradable.wishes.count += 1
    wish = tradable.wishes.wish[last(tradable)]
    wish.kind = kind
    wish.instrument = tradable.index
    wish.number = number
    wish.qty = qty
    wish.price = level
    wish.trigger = NAN
    wish.parent = -1
    wish.partner = -1
    wish.post_only = 0
    tradable.account.asked = 1


def tie(tradable, parent, partner):
    """The latest wish waits for `parent` to fill, and is tied to `partner`."""
    wish = tradable.wishes.wish[last(tradable)]
    wish.parent = parent
    wish.partner = partner
