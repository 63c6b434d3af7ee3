"""One order: whether it meets an open, how much fills and at what price (docs/venue.md, sections 4, 5, 6 and 7)."""

from math import sqrt

from reference.accounts import LEAST, Lane, above_cap, book, cannot_pay, lacks_margin
from reference.market import Bar, Instrument
from reference.orders import LIMIT, STOP_LIMIT, TAKE_PROFIT, TRAILING_STOP, Order, down, finish, stop_price


def gives(here: Instrument, want: float) -> float:
    """What the bar still gives of a wanted size."""
    return want if here.room is None or want <= here.room else down(here.room, here.lot)


def reducible(here: Instrument, order: Order) -> float:
    """The size of the position that the order would reduce."""
    return abs(here.position.qty) if here.position.qty * order.side < 0.0 else 0.0


def meet_market(lane: Lane, here: Instrument, order: Order, bar: Bar) -> None:
    """Step 2.2."""
    execute(lane, here, order, bar.open, bar.opened, ())
    if order.status == "waiting" and order.tif != "gtc":
        finish(order, "cancelled", bar.opened, lane)


def look(lane: Lane, here: Instrument, order: Order, bar: Bar) -> None:
    """Step 2.4: what the open reaches."""
    if order.kind == LIMIT or order.triggered:
        look_limit(lane, here, order, bar, order.first)
    elif not order.reduce_only or reducible(here, order):
        trigger = trigger_of(here, order) if order.kind != TRAILING_STOP or not order.first else None
        if trigger is not None and reached(order, bar.open, trigger):
            come_due(lane, here, order, bar.open, bar.opened, (), bar)
    if order.kind == TRAILING_STOP:
        order.extreme = bar.open if order.first else further(order, bar.open)


def look_limit(lane: Lane, here: Instrument, order: Order, bar: Bar, takes: bool) -> None:
    """At arrival it takes; later it was in the book first."""
    better = (order.limit - bar.open) * order.side
    if takes and better >= 0.0:
        take(lane, here, order, bar.open, bar.opened, ())
    elif not takes and better > 0.0:
        execute(lane, here, order, order.limit, bar.opened, (), maker=True)
    if order.status == "waiting" and order.tif != "gtc":
        finish(order, "cancelled", bar.opened, lane)


def take(lane: Lane, here: Instrument, order: Order, best: float, ts: int, place: tuple) -> None:
    """A limit that takes; a post-only one is refused where it would fill."""
    if not order.post_only:
        execute(lane, here, order, best, ts, place)
    elif gives(here, order.left) > 0.0 and (not order.reduce_only or reducible(here, order)):
        finish(order, "refused", ts, lane, "would take")


def trigger_of(here: Instrument, order: Order) -> float:
    if order.kind == TRAILING_STOP:
        return stop_price(order.extreme + order.side * order.distance, order.side, here.tick)
    return order.trigger


def further(order: Order, price: float) -> float:
    """The extreme of a trailing stop, moved by a price: the highest for a sell, the lowest for a buy."""
    return min(order.extreme, price) if order.side > 0 else max(order.extreme, price)


def reached(order: Order, price: float, trigger: float) -> bool:
    """Whether the price is at or beyond the trigger."""
    rises = (order.side > 0) != (order.kind == TAKE_PROFIT)
    return price >= trigger if rises else price <= trigger


def come_due(lane: Lane, here: Instrument, order: Order, price: float, ts: int, place: tuple, bar: Bar | None = None) -> None:
    """A trigger was reached at `price`: a market order, or a limit, from there on. `bar`: it happened at its open."""
    if order.kind != STOP_LIMIT:
        order.at_market = True
        execute(lane, here, order, price, ts, place)
    else:
        order.triggered, order.born = True, place
        if bar is not None:
            look_limit(lane, here, order, bar, True)


def execute(lane: Lane, here: Instrument, order: Order, best: float, ts: int, place: tuple, maker: bool = False) -> None:
    """Fill what can be filled, or refuse. `place` on the path: (part, f); () at the open."""
    if gives(here, order.left) <= 0.0:
        return
    want = order.left
    if order.reduce_only:
        want = min(want, reducible(here, order))
        if want == 0.0:
            if order.at_market:
                finish(order, "refused", ts, lane, "nothing to reduce")
            return
    size = gives(here, want)
    if order.tif == "fok" and size < order.left:
        return
    price = best if maker else price_of(lane, here, order, best, size)
    fee = size * price * (here.maker if maker else here.taker)
    refusal = refusal_of(lane, here, order, size, price, fee)
    if refusal:
        finish(order, "refused", ts, lane, refusal)
        return
    if here.room is not None:
        here.room -= size
    before = here.position.qty
    slippage, liquidity = size * abs(price - best), "maker" if maker else "taker"
    lane.fills.append((ts, order.id, here.name, order.side * size, price, fee, slippage, liquidity, order.reason))
    book(lane, ts, here, order.side * size, price, fee, (order.reason, order.kind))
    follow_up(lane, here, order, size, price, ts, place, before)


def price_of(lane: Lane, here: Instrument, order: Order, best: float, size: float) -> float:
    """What a taker pays (section 6)."""
    s = lane.terms.slip + (lane.terms.impact * sqrt(size / here.volume) if lane.terms.impact else 0.0)
    price = best * (1.0 + order.side * s)
    if order.kind == LIMIT or order.triggered:
        return min(price, order.limit) if order.side > 0 else max(price, order.limit)
    return price


def refusal_of(lane: Lane, here: Instrument, order: Order, size: float, price: float, fee: float) -> str:
    """The table of section 7, in its order ("nothing to reduce" was looked at before)."""
    qty, held = order.side * size, here.position.qty
    if not here.perp and qty < 0.0 and size > held + LEAST * size:
        return "a spot account cannot go short"
    reduces = held * qty < 0.0
    if here.min_notional and order.filled == 0.0 and not reduces and order.left * price < here.min_notional:
        return "below the minimum notional"
    if not here.perp:
        return "not enough cash" if qty > 0.0 and cannot_pay(lane, here, size, price) else ""
    if abs(held + qty) > abs(held) or (held * (held + qty) < 0.0 and abs(held + qty) > LEAST * size):
        if above_cap(lane, here, held + qty, price):
            return "above the bracket's notional"
        if lacks_margin(lane, here, qty, price, fee):
            return "initial margin"
    return ""


def follow_up(lane: Lane, here: Instrument, order: Order, size: float, price: float, ts: int, place: tuple, before: float) -> None:
    """What a fill does to orders: itself, its children, its partner, its entry, and those that reduce only."""
    order.filled += order.side * size
    order.value += size * price
    whole = order.left < LEAST * size
    if whole:
        finish(order, "filled", ts, lane)
    woken = [child for child in order.children if child.asleep and child.status == "waiting"]
    for child in woken:
        child.asleep, child.alive, child.first, child.born = False, True, not place, place
    entry = lane.orders[order.parent] if order.parent >= 0 else None
    for other in (entry, order.partner if whole or not order.patient else None):
        if other is not None and other.status == "waiting":
            finish(other, "cancelled", ts, lane)
    if before and here.position.qty * before <= 0.0:
        for other in list(here.waiting):
            if other.status == "waiting" and other.reduce_only and other.alive and other not in woken:
                finish(other, "cancelled", ts, lane)
