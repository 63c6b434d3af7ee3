"""Orders that wait for a price: what the open and the path make of each of them."""

from backtester.engine.book import end_partner, end_reduce_only
from backtester.engine.codes import CANCELLED, NO_REFUSAL, REFUSED, WOULD_TAKE
from backtester.engine.jit import jit
from backtester.engine.levels import level_of, rises
from backtester.engine.match import FOK, GTC, acts, fill_market, fillable, finish, given, make, take
from backtester.engine.path import NEVER
from backtester.engine.state import ADVERSE
from backtester.orders import Kind

MARKET, LIMIT, STOP, STOP_LIMIT = Kind.MARKET.value, Kind.LIMIT.value, Kind.STOP.value, Kind.STOP_LIMIT.value
TAKE_PROFIT, TRAILING_STOP = Kind.TAKE_PROFIT.value, Kind.TRAILING_STOP.value
NAN = float("nan")


# ---------------------------------------------------------------- what follows a fill


@jit
def follow_up(lane, i, order, before, price, ts, ts_open, journal):
    """After an order may have filled: `before` was the position, `ts_open` is the bar's open.

    Its partner and what is left of its entry end, its children come to life at `price`. Of a bracket's stop and target only a
    whole fill ends the other one.
    """
    position = lane.position[i]
    after = position.qty
    if after == before:
        return
    if before * after <= 0.0 and before != 0.0:
        end_reduce_only(lane, i, ts, ts_open, journal)
    on_path = ts != ts_open
    if on_path and before * after <= 0.0:
        position.turned = 1 if after != 0.0 else 0
    if order.entry >= 0:
        end_partner(lane, i, order.entry, ts, journal)
    if order.partner >= 0 and (order.qty == 0.0 or order.patient == 0):
        end_partner(lane, i, order.partner, ts, journal)
    for j in range(position.resting):
        child = lane.book[i, j]
        if child.parent == order.number and child.qty != 0.0:
            child.parent = -1
            child.not_before = ts_open
            child.extreme = price
            child.met = 1 if on_path else 0
            child.born = 1 if on_path else 0


# ---------------------------------------------------------------- at the open


@jit
def markets_at_open(lane, i, bar, quotes, journal):
    """Market orders, those that triggered earlier among them, in the order of their numbers."""
    position = lane.position[i]
    a = b = 0
    while a < position.waiting or b < position.resting:
        if b < position.resting and lane.book[i, b].kind != MARKET:
            b += 1
        elif a < position.waiting and (b == position.resting or lane.slots[i, a].number < lane.book[i, b].number):
            market_at_open(lane, i, bar, lane.slots[i, a], quotes, journal)
            a += 1
        else:
            market_at_open(lane, i, bar, lane.book[i, b], quotes, journal)
            b += 1


@jit
def market_at_open(lane, i, bar, order, quotes, journal):
    if order.qty != 0.0 and order.not_before <= bar.ts_event:
        before = lane.position[i].qty
        fill_market(lane, i, bar, order, quotes, journal)
        follow_up(lane, i, order, before, bar.open, bar.ts_event, bar.ts_event, journal)


@jit
def others_at_open(lane, i, bar, quotes, journal):
    """Each order that waits for a price, once, in the order of their numbers."""
    for j in range(lane.position[i].resting):
        order = lane.book[i, j]
        order.born = 0
        if order.qty != 0.0 and order.parent < 0 and order.kind != MARKET and order.not_before <= bar.ts_event:
            before = lane.position[i].qty
            if order.kind == LIMIT:
                limit_at_open(lane, i, bar, order, quotes, journal)
            else:
                stop_at_open(lane, i, bar, order, quotes, journal)
            order.met = 1
            follow_up(lane, i, order, before, bar.open, bar.ts_event, bar.ts_event, journal)


@jit
def limit_at_open(lane, i, bar, order, quotes, journal):
    """On arrival it may take; later it was in the book before the open."""
    ts, position = bar.ts_event, lane.position[i]
    side = 1.0 if order.qty > 0.0 else -1.0
    better = (order.price - bar.open) * side
    if order.met == 1:
        if better > 0.0 and acts(position, order):
            make(lane, i, ts, order, quotes, journal)
        return
    size = given(position, lane.terms[i], abs(order.qty))
    if better >= 0.0 and size > 0.0 and acts(position, order):
        if order.post_only == 1:
            finish(lane, order, REFUSED, WOULD_TAKE, ts, journal)
        elif order.tif != FOK or fillable(position, lane.terms[i], order) == order.qty:
            take(lane, i, ts, bar, order, bar.open, order.price, quotes, journal)
    if order.tif != GTC and order.qty != 0.0:
        finish(lane, order, CANCELLED, NO_REFUSAL, ts, journal)


@jit
def stop_at_open(lane, i, bar, order, quotes, journal):
    """What the open reaches triggers there; a trailing stop begins at the open of its arrival."""
    if order.kind == TRAILING_STOP:
        if order.met == 0:
            order.extreme = bar.open
            return
        if not is_reached(lane.terms[i], order, bar.open):
            follow(order, bar.open)
            return
    if is_reached(lane.terms[i], order, bar.open) and acts(lane.position[i], order):
        wake(lane, i, bar.ts_event, bar, order, bar.open, quotes, journal)


# ---------------------------------------------------------------- triggers


@jit
def follow(order, price):
    """A trailing stop's best price so far: the lowest for a purchase, the highest for a sale."""
    if order.kind == TRAILING_STOP and order.met == 1:
        order.extreme = min(order.extreme, price) if order.qty > 0.0 else max(order.extreme, price)


@jit
def is_reached(terms, order, price):
    """Whether `price` is at the trigger or beyond it."""
    level = level_of(terms, order)
    return price >= level if rises(order) else price <= level


@jit
def wake(lane, i, ts, bar, order, best, quotes, journal):
    """The order triggers at price `best`: it becomes a market order that takes what is there, or a limit.

    On the path the limit has just come to life, and is looked at like any other; at the open it takes where it may.
    """
    if order.kind == STOP_LIMIT:
        order.kind = LIMIT
        order.met = 1
        order.born = ts != bar.ts_event
        if order.born == 0 and (order.price - best) * order.qty >= 0.0:
            take(lane, i, ts, bar, order, best, order.price, quotes, journal)
    else:
        order.kind = MARKET
        take(lane, i, ts, bar, order, best, NAN, quotes, journal)


# ---------------------------------------------------------------- on the path


@jit
def first_at(lane, i, order, f, x, a, b):
    """The fraction of the part from a to b at which the order acts; NEVER where it does not. The path stands at f, at price x."""
    position, terms = lane.position[i], lane.terms[i]
    if order.qty == 0.0 or order.met == 0 or order.parent >= 0 or order.kind == MARKET or not acts(position, order):
        return NEVER
    if terms.path == ADVERSE and position.turned == 1 and order.kind in (LIMIT, TAKE_PROFIT) and order.qty * position.qty < 0.0:
        return NEVER
    if order.kind == LIMIT:
        return limit_first_at(position, terms, order, f, x, a, b)
    level = level_of(terms, order)
    if is_reached(terms, order, x):
        return f
    if b >= level if rises(order) else b <= level:
        return max(f, (level - a) / (b - a))
    return NEVER


@jit
def limit_first_at(position, terms, order, f, x, a, b):
    """A limit acts where the path goes beyond its price; one that has just come to life also where it stands at it."""
    if fillable(position, terms, order) == 0.0:
        return NEVER
    side = 1.0 if order.qty > 0.0 else -1.0
    if order.born == 1 and (order.price - x) * side >= 0.0:
        return f
    order.born = 0
    if (order.price - x) * side > 0.0:
        return f
    return max(f, (order.price - a) / (b - a)) if (order.price - b) * side > 0.0 else NEVER


@jit
def act(lane, i, bar, order, x, quotes, journal):
    """The path has met the order at price x."""
    ts, before = bar.ts_close - 1, lane.position[i].qty
    if order.kind != LIMIT:
        wake(lane, i, ts, bar, order, x, quotes, journal)
    elif order.born == 1:
        order.born = 0
        take(lane, i, ts, bar, order, x, order.price, quotes, journal)
    else:
        x = order.price
        make(lane, i, ts, order, quotes, journal)
    follow_up(lane, i, order, before, x, ts, bar.ts_event, journal)
