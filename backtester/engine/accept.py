"""From a hook's wishes to waiting orders: numbered, rounded, refused at once or taken in."""

import math

import numpy as np

from backtester.engine.codes import BELOW_LOT, NO_INSTRUMENT, NO_QUANTITY, NO_REFUSAL, NO_ROOM, REFUSED
from backtester.engine.jit import jit, piece
from backtester.engine.log import recording, write_end, write_order
from backtester.engine.margin import DUST
from backtester.engine.match import down, up
from backtester.engine.state import SLOTS
from backtester.orders import Kind

START = -(1 << 62)  # ns
MARKET = np.int64(Kind.MARKET)
TAKE_PROFIT, TRAILING_STOP = Kind.TAKE_PROFIT.value, Kind.TRAILING_STOP.value


@piece
def arrival(clock, terms, quote):
    """From which open on something decided now may meet a bar, ns.

    What is asked at the start was asked before the first bar opened.
    next_open: the bar that opened where the last known one closed, `lag` before now, is the one named exception.
    """
    if clock.events == 0:
        return START
    return clock.ts + terms.latency if terms.strict == 1 else clock.ts - quote.lag


@piece
def is_nothing(qty, position):
    """Whether a quantity is rounding, or nothing, beside what is held and what waits."""
    return abs(qty) <= DUST * (abs(position.qty) + abs(position.pending))


@jit
def accept_asks(lane, world, journal):
    """Take in what `market` and `target` asked: one order an instrument."""
    lane.account.asked = 0
    for i in range(len(lane.ask)):
        ask = lane.ask[i]
        if is_nothing(ask.qty, lane.position[i]):
            ask.qty = 0.0
            continue
        number = lane.account.orders
        lane.account.orders += 1
        qty = to_lot(ask.qty, lane.terms[i])
        refusal = refusal_at_once(ask.qty, qty, world.quotes[i])
        if refusal == NO_REFUSAL and lane.position[i].waiting == SLOTS:
            refusal = NO_ROOM
        if recording(lane):
            write_order(journal, world.clock.ts, i, number, MARKET, ask.qty, qty, ask.reason)
        if refusal == NO_REFUSAL:
            add_market(lane, i, number, qty, ask.reason, world)
        else:
            refuse(lane, number, refusal, world.clock.ts, journal)
        ask.qty = 0.0


@piece
def add_market(lane, i, number, qty, reason, world):
    """A plain market order takes the next place of instrument i."""
    position = lane.position[i]
    slot = lane.slots[i, position.waiting]
    slot.number = number
    slot.kind = MARKET
    slot.qty = qty
    slot.filled = 0.0
    slot.reason = reason
    slot.not_before = arrival(world.clock, lane.terms[i], world.quotes[i])
    slot.tif = 0
    slot.until = 0
    slot.reduce_only = 0
    slot.entry = -1
    slot.partner = -1
    slot.patient = 0
    slot.cancel_at = 0
    slot.amend_at = 0
    position.waiting += 1
    position.pending += qty
    world.quotes[i].waiting += 1


@piece
def to_lot(qty, terms):
    """A quantity rounded toward zero to the lot."""
    size = down(abs(qty), terms.lot)
    return size if qty > 0.0 else -size


@jit
def rounded_price(terms, price, qty):
    """A limit price on the tick: down for a purchase, up for a sale."""
    return down(price, terms.tick) if qty > 0.0 else up(price, terms.tick)


@jit
def rounded_level(terms, kind, level, qty):
    """A trigger or a distance on the tick, away from aggression."""
    if kind == TRAILING_STOP:
        return up(level, terms.tick)
    falls = kind == TAKE_PROFIT  # a purchase that waits for a fall, a sale for a rise
    return down(level, terms.tick) if (qty > 0.0) == falls else up(level, terms.tick)


@piece
def refusal_at_once(asked, qty, quote):
    """Why an order of this quantity is not even taken in; NO_REFUSAL where it is."""
    if asked == 0.0 or not abs(asked) < math.inf:
        return NO_QUANTITY
    if quote.traded == 0:
        return NO_INSTRUMENT
    return BELOW_LOT if qty == 0.0 else NO_REFUSAL


@jit
def refuse(lane, number, refusal, ts, journal):
    """The order is not taken in."""
    lane.tally.refused += 1
    if refusal == NO_ROOM:
        lane.account.no_room += 1
    if recording(lane):
        write_end(journal, ts, number, REFUSED, refusal)
