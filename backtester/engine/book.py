"""The book of a lane whose strategy asks for orders with numbers of their own: taking them in, and clearing it up."""

import math

from backtester.engine.accept import accept_asks, add_market, arrival, refusal_at_once, refuse, rounded_level, rounded_price, to_lot
from backtester.engine.changes import accept_change, place_of, waits
from backtester.engine.codes import CANCELLED, NO_PRICE, NO_REFUSAL, NO_ROOM, REFUSED
from backtester.engine.jit import jit
from backtester.engine.levels import let_sleep
from backtester.engine.log import recording, write_end, write_order
from backtester.engine.match import close_up, finish, move
from backtester.engine.state import PLACES, SLOTS
from backtester.orders import WISHES, Kind

MARKET, LIMIT, STOP, STOP_LIMIT = Kind.MARKET.value, Kind.LIMIT.value, Kind.STOP.value, Kind.STOP_LIMIT.value
TAKE_PROFIT, TRAILING_STOP = Kind.TAKE_PROFIT.value, Kind.TRAILING_STOP.value
NAN = float("nan")


@jit
def accept_all(lane, world, journal):
    """Take in everything that one hook call asked for."""
    wishes = lane.wishes
    for n in range(min(wishes.count, WISHES)):
        wish = wishes.wish[n]
        if wish.kind <= TRAILING_STOP:
            accept_order(lane, wish, world, journal)
        else:
            accept_change(lane, wish, world)
    if wishes.count > WISHES:  # the last place holds the latest of those that were too many
        lane.account.no_room += wishes.count - WISHES
        wish = wishes.wish[WISHES]
        if recording(lane) and wish.kind <= TRAILING_STOP:
            write_order(journal, world.clock.ts, wish.instrument, wish.number, wish.kind, wish.qty, wish.qty, wish.reason)
            write_end(journal, world.clock.ts, wish.number, REFUSED, NO_ROOM)
    for n in range(min(wishes.count, WISHES)):
        i = wishes.wish[n].instrument
        let_sleep(lane.position[i], lane.terms[i], lane.book[i])
    wishes.count = 0
    accept_asks(lane, world, journal)


# ---------------------------------------------------------------- new orders


@jit
def accept_order(lane, wish, world, journal):
    """A wish becomes an order, or is refused."""
    i = wish.instrument
    terms, quote, position = lane.terms[i], world.quotes[i], lane.position[i]
    qty = to_lot(wish.qty, terms)
    price = rounded_price(terms, wish.price, wish.qty)
    trigger = rounded_level(terms, wish.kind, wish.trigger, wish.qty)
    refusal = refusal_at_once(wish.qty, qty, quote)
    if abs(wish.qty) > 0.0 and abs(wish.qty) < math.inf and not prices_are_good(wish.kind, price, trigger):
        refusal = NO_PRICE
    if refusal == NO_REFUSAL and (position.waiting == SLOTS if wish.kind == MARKET else position.resting == PLACES):
        refusal = NO_ROOM
    if recording(lane):
        n = write_order(journal, world.clock.ts, i, wish.number, wish.kind, wish.qty, qty, wish.reason)
        write_details(journal[n], wish, price, trigger)
    if refusal != NO_REFUSAL:
        refuse(lane, wish.number, refusal, world.clock.ts, journal)
        if wish.parent >= 0:  # a bracket is taken in whole, or not at all
            end_partner(lane, i, wish.parent, world.clock.ts, journal)
            clear_up(lane, i, world.clock.ts, quote, journal)
    elif wish.parent >= 0 and not waits(lane, i, wish.parent):
        if recording(lane):
            write_end(journal, world.clock.ts, wish.number, CANCELLED, NO_REFUSAL)
    elif wish.kind == MARKET:
        add_market(lane, i, wish.number, qty, wish.reason, world)
        slot = lane.slots[i, position.waiting - 1]
        slot.tif = wish.tif
        slot.until = wish.until
        slot.reduce_only = wish.reduce_only
        slot.partner = wish.partner
    else:
        add_resting(lane, wish, qty, price, trigger, world)


@jit
def add_resting(lane, wish, qty, price, trigger, world):
    """An order that waits for a price takes the next place of its instrument."""
    i = wish.instrument
    position = lane.position[i]
    order = lane.book[i, position.resting]
    order.number = wish.number
    order.kind = wish.kind
    order.qty = qty
    order.filled = 0.0
    order.price = price
    order.trigger = trigger
    order.extreme = NAN
    order.reason = wish.reason
    order.tif = wish.tif
    order.until = wish.until
    order.reduce_only = wish.reduce_only
    order.post_only = wish.post_only
    order.parent = wish.parent
    order.entry = wish.parent
    order.partner = wish.partner
    order.patient = wish.parent >= 0
    order.not_before = arrival(world.clock, lane.terms[i], world.quotes[i])
    order.cancel_at = 0
    order.amend_at = 0
    order.met = 0
    order.born = 0
    position.resting += 1
    world.quotes[i].waiting += 1


@jit
def write_details(row, wish, price, trigger):
    """What only some kinds of orders have, into the journal."""
    row.link = wish.parent
    row.since = wish.until
    row.c = price
    row.d = trigger
    row.e = wish.tif
    row.f = wish.reduce_only + 2 * wish.post_only


@jit
def prices_are_good(kind, price, trigger):
    """Whether the prices that the kind needs are positive numbers."""
    with_price = kind in (LIMIT, STOP_LIMIT)
    with_trigger = kind not in (MARKET, LIMIT)
    return (not with_price or 0.0 < price < math.inf) and (not with_trigger or 0.0 < trigger < math.inf)


# ---------------------------------------------------------------- what ends with a fill, and clearing up


@jit
def end_partner(lane, i, number, ts, journal):
    """An order that goes with another is cancelled."""
    place = place_of(lane, i, number)
    if place != PLACES and place >= 0:
        finish(lane, lane.book[i, place], CANCELLED, NO_REFUSAL, ts, journal)
    elif place != PLACES:
        finish(lane, lane.slots[i, place + SLOTS], CANCELLED, NO_REFUSAL, ts, journal)


@jit
def end_reduce_only(lane, i, ts, ts_open, journal):
    """The position is gone or turned: what has arrived to reduce it is cancelled, except what still waits for its parent."""
    for j in range(lane.position[i].resting):
        order = lane.book[i, j]
        if order.reduce_only == 1 and order.parent < 0 and order.qty != 0.0 and order.not_before <= ts_open:
            finish(lane, order, CANCELLED, NO_REFUSAL, ts, journal)
    for j in range(lane.position[i].waiting):
        order = lane.slots[i, j]
        if order.reduce_only == 1 and order.qty != 0.0 and order.not_before <= ts_open:
            finish(lane, order, CANCELLED, NO_REFUSAL, ts, journal)


@jit
def end_all(lane, i, ts, status, quotes, journal):
    """End every order that waits at instrument i."""
    for j in range(lane.position[i].resting):
        if lane.book[i, j].qty != 0.0:
            finish(lane, lane.book[i, j], status, NO_REFUSAL, ts, journal)
    for j in range(lane.position[i].waiting):
        if lane.slots[i, j].qty != 0.0:
            finish(lane, lane.slots[i, j], status, NO_REFUSAL, ts, journal)
    clear_up(lane, i, ts, quotes[i], journal)


@jit
def clear_up(lane, i, ts, quote, journal):
    """Clear the places of orders that have ended, and of those whose parent has ended without a fill."""
    position, book = lane.position[i], lane.book
    for j in range(position.resting):
        order = book[i, j]
        if order.qty != 0.0 and order.parent >= 0 and not waits(lane, i, order.parent):
            finish(lane, order, CANCELLED, NO_REFUSAL, ts, journal)
    kept = 0
    for j in range(position.resting):
        if book[i, j].qty != 0.0:
            if kept < j:
                move(book[i, kept], book[i, j])
            kept += 1
    quote.waiting -= position.resting - kept
    position.resting = kept
    close_up(lane, i, quote)
    for j in range(kept):
        if book[i, j].kind == MARKET:  # it has triggered
            position.pending += book[i, j].qty
    let_sleep(position, lane.terms[i], book[i])
