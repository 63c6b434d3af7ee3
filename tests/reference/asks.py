"""One hook call: what it asks for becomes orders, or is refused at once (docs/venue.md, section 3)."""

from math import isfinite, isnan, nan

from reference.orders import (
    CALL_ROOM,
    LEVEL,
    LIMIT,
    MARKET,
    MARKET_ROOM,
    NEEDS,
    OTHER_ROOM,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TRAILING_STOP,
    Action,
    Order,
    finish,
    no_price,
    rounded,
    tie,
    whole,
)

KIND = {  # of the verbs that ask for one order
    "market_order": MARKET, "limit": LIMIT, "stop": STOP, "stop_limit": STOP_LIMIT, "take_profit": TAKE_PROFIT,
    "trailing_stop": TRAILING_STOP,
}


def ask(lane, now: int, actions: list[Action]) -> None:
    """The actions of one hook call in their order; then the sums of `market` and `target`, one an instrument."""
    start = len(lane.orders)
    waits = {action.instrument: pending(lane.instruments[action.instrument]) for action in actions}
    sums: dict[int, tuple[float, str]] = {}
    for action in actions:
        here = lane.instruments[action.instrument]
        if action.verb == "market":
            sums[here.index] = (sums.get(here.index, (0.0, ""))[0] + action.qty, action.reason)
        elif action.verb == "target":
            sums[here.index] = (action.qty - (here.position.qty + waits[here.index]), action.reason)
        else:
            numbered(lane, now, here, action, len(lane.orders) - start)
    for index, (qty, reason) in sorted(sums.items()):
        here = lane.instruments[index]
        if not abs(qty) <= 1e-9 * (abs(here.position.qty) + abs(pending(here))):  # nothing left to ask for is no order
            new_order(lane, now, here, MARKET, qty, {}, Action(now, False, "market", index, reason=reason), 0)


def pending(here) -> float:
    """Base in orders that wait as market orders, signed."""
    return sum(order.side * order.left for order in here.waiting if order.at_market)


def numbered(lane, now: int, here, action: Action, asked: int) -> None:
    """Everything but `market` and `target`; `asked` orders stand before it in this call."""
    if action.verb in KIND:
        levels = {"limit": action.price, "trigger": action.trigger, "distance": action.distance}
        new_order(lane, now, here, KIND[action.verb], action.qty, levels, action, asked)
    elif action.verb == "bracket":
        bracket(lane, now, here, action, asked)
    elif action.verb == "oco":
        a, b = waiting(here, action.a), waiting(here, action.b)
        if a is not None and b is not None and a is not b:
            tie(a, b)
    elif action.verb == "amend":
        ask_amendment(lane, now, here, waiting(here, action.order), action.qty, action.level)
    else:
        arrival = arrival_of(lane, now, here)
        for order in here.waiting if action.verb == "cancel_all" else [waiting(here, action.order)]:
            if order is not None:
                order.cancel_at = arrival if order.cancel_at is None else min(arrival, order.cancel_at)


def waiting(here, number: int) -> Order | None:
    """The order of that number, where it waits at this instrument."""
    return next((order for order in here.waiting if order.id == number), None)


def arrival_of(lane, now: int, here) -> int:
    """From when on a bar's open may meet it, ns."""
    return now + lane.terms.latency if lane.terms.strict else now - here.lag


def new_order(lane, now: int, here, kind: str, asked: float, levels: dict, action: Action, before: int) -> Order:
    """An order with the next number, its prices and its quantity rounded: waiting, or refused at once."""
    side = 1 if asked > 0.0 else -1
    prices = {name: rounded(name, kind, levels[name], side, here.tick) for name in NEEDS[kind]}
    order = Order(
        len(lane.orders), now, here.index, kind, asked, whole(asked, here.lot),
        prices.get("limit", nan), prices.get("trigger", nan), prices.get("distance", nan),
        action.tif, action.until, action.reduce_only, action.post_only, action.reason, arrival_of(lane, now, here),
        at_market=kind == MARKET,
    )
    given = [levels[name] for name in NEEDS[kind]] + list(prices.values())
    refusal = refusal_at_once(here, order, given, before)
    lane.orders.append(order)
    here.waiting.append(order)
    if refusal:
        finish(order, "refused", now, lane, refusal)
    return order


def refusal_at_once(here, order: Order, prices: list[float], before: int) -> str:
    """The table of section 3, in its order."""
    if not isfinite(order.asked) or order.asked == 0.0:
        return "the quantity is no number"
    if any(no_price(price) for price in prices):
        return "the price is no number"
    if not here.has_bars:
        return "the data have no such instrument"
    if order.qty == 0.0:
        return "below the lot"
    alike = sum((other.kind == MARKET) == (order.kind == MARKET) for other in here.waiting)
    if alike >= (MARKET_ROOM if order.kind == MARKET else OTHER_ROOM) or before >= CALL_ROOM:
        return "no room for another waiting order"
    return ""


def bracket(lane, now: int, here, action: Action, before: int) -> None:
    """Three orders: the entry, and the two that wait for it, tied."""
    plain = Action(now, False, "bracket", here.index, reason=action.reason)
    kind = MARKET if isnan(action.price) else LIMIT
    entry = new_order(lane, now, here, kind, action.qty, {"limit": action.price}, plain, before)
    plain.reduce_only = True
    for n, (kind, level) in enumerate(((STOP, {"trigger": action.stop}), (LIMIT, {"limit": action.target}))):
        child = new_order(lane, now, here, kind, -action.qty, level, plain, before + 1 + n)
        child.parent, child.asleep = entry.id, True
        entry.children.append(child)
        if entry.status == "waiting" and child.status == "refused":  # taken in whole, or not at all
            finish(entry, "cancelled", now, lane)
        if entry.status != "waiting" and child.status == "waiting":
            finish(child, "cancelled", now, lane)
    stop, target = entry.children
    if stop.status == target.status == "waiting":
        tie(stop, target, patient=True)


def ask_amendment(lane, now: int, here, order: Order | None, qty: float, level: float) -> None:
    """An amendment of a wrong sign or size, or with a value that is no number other than NaN, is ignored."""
    if order is None:
        return
    if not isnan(qty):
        if not isfinite(qty) or qty * order.side <= 0.0 or whole(qty, here.lot) == 0.0:
            return
        qty = whole(qty, here.lot)
    if not isnan(level):
        name = "limit" if order.triggered or order.at_market else LEVEL[order.kind]
        if no_price(level) or no_price(rounded(name, order.kind, level, order.side, here.tick)):
            return
    order.amendment = (arrival_of(lane, now, here), qty, level)
