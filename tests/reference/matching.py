"""One bar: who meets its open, how much fills and at what price (docs/venue.md, sections 2, 4, 5, 6 and 7)."""

from math import sqrt

from reference.accounts import LEAST, Lane, above_cap, book, cannot_pay, lacks_margin, settle
from reference.liquidation import beyond, level, liquidate
from reference.market import Bar, Instrument, mark_path
from reference.orders import LIMIT, STOP_LIMIT, TAKE_PROFIT, TRAILING_STOP, Order, carry_out, down, finish, stop_price
from reference.path import walk


def process(lane: Lane, here: Instrument, bar: Bar) -> None:
    """Section 2, steps 1 to 5."""
    mark = mark_path(here, bar) if here.perp else bar[3:7]
    if here.mark is None:
        here.mark = bar.open
    pay_settlements(lane, here, bar, bar.opened)
    here.volume, here.room = bar.volume, room(lane, bar)
    carry_out(lane, here, bar.opened)
    for order in list(here.waiting):
        if order.status == "waiting" and order.alive and order.at_market:
            meet_market(lane, here, order, bar)
    price = level(lane, here)
    if beyond(here, mark[0], price):
        liquidate(lane, here, bar.opened, mark[0], bar.open)
    for order in list(here.waiting):
        if order.status == "waiting" and order.alive and not order.at_market:
            look(lane, here, order, bar)
    pay_settlements(lane, here, bar, bar.closed - 1)
    walk(lane, here, bar, mark)
    pay_settlements(lane, here, bar, bar.closed)
    here.closed, here.lag, here.mark = bar.closed, bar.known - bar.closed, mark[3]


def pay_settlements(lane: Lane, here: Instrument, bar: Bar, until: int) -> None:
    """Those that wait for a bar and lie no later than `until`."""
    while here.settlements and here.settlements[0].ts <= until:
        settle(lane, here, here.settlements.pop(0), bar.open)


def room(lane: Lane, bar: Bar) -> float | None:
    """Base that a bar gives; None: no bound (section 5)."""
    terms = lane.terms
    if terms.participation is None and not terms.impact:
        return None
    if not bar.volume > 0.0:
        return 0.0
    return None if terms.participation is None else terms.participation * bar.volume


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
    book(lane, ts, here, order.side * size, price, fee, order.reason)
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
    """What a fill does to orders: itself, its children, its partner, and those that reduce only."""
    order.filled += order.side * size
    order.value += size * price
    if order.left < LEAST * size:
        finish(order, "filled", ts, lane)
    woken = [child for child in order.children if child.asleep and child.status == "waiting"]
    for child in woken:
        child.asleep, child.alive, child.first, child.born = False, True, not place, place
    if order.partner is not None and order.partner.status == "waiting":
        finish(order.partner, "cancelled", ts, lane)
    if before and here.position.qty * before <= 0.0:
        for other in list(here.waiting):
            if other.status == "waiting" and other.reduce_only and other.alive and other not in woken:
                finish(other, "cancelled", ts, lane)
