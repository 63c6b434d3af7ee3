"""Changes of waiting orders: cancels, amendments and ties, on their way and carried out."""

import math

from backtester.engine.accept import arrival, rounded_level, rounded_price, to_lot
from backtester.engine.codes import CANCELLED, EXPIRED, NO_REFUSAL
from backtester.engine.jit import jit
from backtester.engine.log import recording, write_amendment
from backtester.engine.margin import DUST
from backtester.engine.match import finish
from backtester.engine.state import PLACES, SLOTS
from backtester.orders import Kind

MARKET, LIMIT = Kind.MARKET.value, Kind.LIMIT.value
OCO, CANCEL, CANCEL_ALL = Kind.OCO.value, Kind.CANCEL.value, Kind.CANCEL_ALL.value
NAN = float("nan")


@jit
def place_of(lane, i, number):
    """Where a waiting order is: its place among the resting ones, SLOTS below 0 among the market orders; PLACES where it is not."""
    for j in range(lane.position[i].resting):
        if lane.book[i, j].number == number and lane.book[i, j].qty != 0.0:
            return j
    for j in range(lane.position[i].waiting):
        if lane.slots[i, j].number == number and lane.slots[i, j].qty != 0.0:
            return j - SLOTS
    return PLACES


@jit
def waits(lane, i, number):
    """Whether the order waits at instrument i."""
    return place_of(lane, i, number) != PLACES


@jit
def accept_change(lane, wish, world):
    """A cancel, an amendment or a tie; what names no waiting order is ignored."""
    i = wish.instrument
    at = arrival(world.clock, lane.terms[i], world.quotes[i])
    if wish.kind == CANCEL_ALL:
        for j in range(lane.position[i].resting):
            cancel_later(lane.book[i, j], at)
        for j in range(lane.position[i].waiting):
            cancel_later(lane.slots[i, j], at)
        return
    place = place_of(lane, i, wish.number)
    if place == PLACES:
        return
    if wish.kind == OCO:
        other = place_of(lane, i, int(wish.partner))
        if other not in (PLACES, place):
            tie(lane, i, place, wish.partner)
            tie(lane, i, other, wish.number)
    elif place >= 0:
        change(lane.terms[i], lane.book[i, place], wish, at)
    else:
        change(lane.terms[i], lane.slots[i, place + SLOTS], wish, at)


@jit
def change(terms, order, wish, at):
    """A cancel or an amendment is on its way; an amendment that no order could have is ignored."""
    if wish.kind == CANCEL:
        cancel_later(order, at)
    elif quantity_is_good(terms, wish.qty, order.qty) and level_is_good(terms, wish.price, order):
        order.amend_at = at
        order.amend_qty = to_lot(wish.qty, terms)
        order.amend_level = wish.price


@jit
def quantity_is_good(terms, qty, old):
    """Whether an amended quantity is none, or one of the order's own sign that the lot leaves standing."""
    return math.isnan(qty) or (abs(qty) < math.inf and qty * old > 0.0 and to_lot(qty, terms) != 0.0)


@jit
def level_is_good(terms, level, order):
    """Whether an amended level is none, or a price that the tick leaves standing."""
    return math.isnan(level) or 0.0 < rounded_for(terms, order, level) < math.inf


@jit
def rounded_for(terms, order, level):
    """A level on the tick, as the order's kind has it."""
    if order.kind in (MARKET, LIMIT):
        return rounded_price(terms, level, order.qty)
    return rounded_level(terms, order.kind, level, order.qty)


@jit
def cancel_later(order, at):
    """A cancel arrives at `at`, unless an earlier one does."""
    if order.cancel_at == 0 or at < order.cancel_at:
        order.cancel_at = at


@jit
def tie(lane, i, place, partner):
    """Tie the order at `place` to another; an order has one tie at a time, so the one it was tied to is free."""
    old = partner_at(lane, i, place)
    former = place_of(lane, i, old) if old >= 0 else PLACES
    if former != PLACES:
        set_partner(lane, i, former, -1)
    set_partner(lane, i, place, partner)


@jit
def partner_at(lane, i, place):
    return lane.book[i, place].partner if place >= 0 else lane.slots[i, place + SLOTS].partner


@jit
def set_partner(lane, i, place, partner):
    if place >= 0:
        lane.book[i, place].partner = partner
        lane.book[i, place].patient = 0
    else:
        lane.slots[i, place + SLOTS].partner = partner


@jit
def carry_out(lane, i, bar, journal):
    """What has arrived by the bar's open: cancels, then amendments, then orders that expire."""
    for j in range(lane.position[i].resting):
        carry_out_one(lane, lane.terms[i], lane.book[i, j], bar, journal)
    for j in range(lane.position[i].waiting):
        carry_out_one(lane, lane.terms[i], lane.slots[i, j], bar, journal)


@jit
def carry_out_one(lane, terms, order, bar, journal):
    ts = bar.ts_event
    if order.cancel_at != 0 and order.cancel_at <= ts:
        finish(lane, order, CANCELLED, NO_REFUSAL, ts, journal)
        return
    if order.amend_at != 0 and order.amend_at <= ts:
        order.amend_at = 0
        amend_level(lane, terms, order, ts, journal)
        amend_quantity(lane, order, ts, journal)
    if order.qty != 0.0 and order.until != 0 and order.until <= ts:
        finish(lane, order, EXPIRED, NO_REFUSAL, ts, journal)


@jit
def amend_level(lane, terms, order, ts, journal):
    """The order has another price, trigger or distance; a limit at another price arrives anew."""
    if math.isnan(order.amend_level) or order.kind == MARKET:
        return
    level = rounded_for(terms, order, order.amend_level)
    if order.kind == LIMIT:
        order.price = level
        order.met = 0
    else:
        order.trigger = level
    if recording(lane):
        write_amendment(journal, ts, order.number, NAN, level, order.kind != LIMIT)


@jit
def amend_quantity(lane, order, ts, journal):
    """The order has another quantity, what has filled included."""
    qty = order.amend_qty
    if math.isnan(qty):
        return
    if recording(lane):
        write_amendment(journal, ts, order.number, qty, NAN, False)
    rest = qty - order.filled
    if rest * order.qty <= 0.0 or abs(rest) <= DUST * abs(qty):
        finish(lane, order, CANCELLED, NO_REFUSAL, ts, journal)
    else:
        order.qty = rest
