"""From an order that meets a price to a fill or a refusal: how much, at what price, with what left over."""

import math

from backtester.engine.codes import CANCELLED, FILLED, MAKER, NO_REFUSAL, NOTHING_TO_REDUCE, REFUSED, TAKER
from backtester.engine.jit import jit, piece
from backtester.engine.log import recording, write_end
from backtester.engine.margin import DUST, refusal_of
from backtester.engine.money import fill
from backtester.orders import Tif

NAN = float("nan")
GTC, FOK = Tif.GTC.value, Tif.FOK.value


@jit
def down(value, step):
    """`value` on the grid of `step`, downward; 0: no grid. What is no finite number stays as it is."""
    return math.floor(value / step + 1e-9) * step if step > 0.0 and abs(value) < math.inf else value


@jit
def up(value, step):
    """`value` on the grid of `step`, upward."""
    return math.ceil(value / step - 1e-9) * step if step > 0.0 and abs(value) < math.inf else value


@jit
def open_bar(position, terms, bar):
    """What a bar gives this lane, before anything fills."""
    position.turned = 0
    position.left = math.inf
    if terms.impact > 0.0 or terms.participation < math.inf:
        position.left = terms.participation * bar.volume if bar.volume > 0.0 else 0.0


@piece
def given(position, terms, size):
    """How much of `size` the bar still gives, base."""
    return size if size <= position.left else down(position.left, terms.lot)


@piece
def acts(position, order):
    """Whether there is something for the order to do: reduce-only needs a position on the other side."""
    return order.reduce_only == 0 or position.qty * order.qty < 0.0


@piece
def take(lane, i, ts, bar, order, best, cap, quotes, journal):
    """A taker's fill from price `best`, not worse than `cap` (NaN: at any price), of as much as the bar gives."""
    terms = lane.terms[i]
    qty = fillable(lane.position[i], terms, order)
    if qty == 0.0:
        return
    slip = terms.slippage
    if terms.impact > 0.0:
        slip += terms.impact * math.sqrt(abs(qty) / bar.volume)
    price = best * (1.0 + slip if qty > 0.0 else 1.0 - slip)
    if (cap - price) * qty < 0.0:
        price = cap
    exchange(lane, i, ts, order, qty, price, best, TAKER, quotes, journal)


@jit
def make(lane, i, ts, order, quotes, journal):
    """A maker's fill at the order's price, of as much as the bar gives."""
    qty = fillable(lane.position[i], lane.terms[i], order)
    if qty != 0.0:
        exchange(lane, i, ts, order, qty, order.price, order.price, MAKER, quotes, journal)


@piece
def fillable(position, terms, order):
    """The signed quantity that could fill now, base."""
    size = abs(order.qty)
    if order.reduce_only == 1:
        size = min(size, abs(position.qty)) if position.qty * order.qty < 0.0 else 0.0
    size = given(position, terms, size)
    return size if order.qty > 0.0 else -size


@jit
def exchange(lane, i, ts, order, qty, price, best, liquidity, quotes, journal):
    """Fill `qty` of the order, or refuse the order."""
    terms = lane.terms[i]
    rate = terms.taker if liquidity == TAKER else terms.maker
    refusal = refusal_of(lane, i, qty, price, rate, order.qty if order.filled == 0.0 else NAN, quotes)
    if refusal != NO_REFUSAL:
        finish(lane, order, REFUSED, refusal, ts, journal)
        return
    fill(lane, i, ts, qty, price, best, rate, liquidity, order.number, order.reason, quotes, journal)
    lane.position[i].left -= abs(qty)
    order.filled += qty
    order.qty -= qty
    if abs(order.qty) <= DUST * abs(qty):
        finish(lane, order, FILLED, NO_REFUSAL, ts, journal)


@jit
def finish(lane, order, status, refusal, ts, journal):
    """The order ends; its place is cleared with the next `close_up`."""
    order.qty = 0.0
    if status == REFUSED:
        lane.tally.refused += 1
    if recording(lane):
        write_end(journal, ts, order.number, status, refusal)


@piece
def fill_market(lane, i, bar, order, quotes, journal):
    """A market order meets the open; a bar that gives nothing is as if not met."""
    ts, size = bar.ts_event, given(lane.position[i], lane.terms[i], abs(order.qty))
    if size > 0.0 and not acts(lane.position[i], order):
        finish(lane, order, REFUSED, NOTHING_TO_REDUCE, ts, journal)
        return
    if order.tif != FOK or fillable(lane.position[i], lane.terms[i], order) == order.qty:
        take(lane, i, ts, bar, order, bar.open, NAN, quotes, journal)
    if order.tif != GTC and order.qty != 0.0:
        finish(lane, order, CANCELLED, NO_REFUSAL, ts, journal)


@jit
def fill_markets(lane, i, bar, quotes, journal):
    """The waiting market orders that may meet this bar, in the order of their numbers; for lanes that have no other orders."""
    position = lane.position[i]
    open_bar(position, lane.terms[i], bar)
    for j in range(position.waiting):
        if lane.slots[i, j].not_before <= bar.ts_event:
            fill_market(lane, i, bar, lane.slots[i, j], quotes, journal)
    close_up(lane, i, quotes[i])


@jit
def close_up(lane, i, quote):
    """Clear the places of market orders that have ended; what is left keeps its order."""
    position, slots = lane.position[i], lane.slots
    kept = 0
    position.pending = 0.0
    for j in range(position.waiting):
        slot = slots[i, j]
        if slot.qty != 0.0:
            position.pending += slot.qty
            if kept < j:
                move(slots[i, kept], slot)
            kept += 1
    quote.waiting -= position.waiting - kept
    position.waiting = kept


@jit
def move(to, order):
    """Copy an order to another place."""
    to.number = order.number
    to.kind = order.kind
    to.qty = order.qty
    to.filled = order.filled
    to.not_before = order.not_before
    to.reason = order.reason
    to.tif = order.tif
    to.until = order.until
    to.reduce_only = order.reduce_only
    to.post_only = order.post_only
    to.price = order.price
    to.trigger = order.trigger
    to.extreme = order.extreme
    to.parent = order.parent
    to.entry = order.entry
    to.partner = order.partner
    to.patient = order.patient
    to.cancel_at = order.cancel_at
    to.amend_at = order.amend_at
    to.amend_qty = order.amend_qty
    to.amend_level = order.amend_level
    to.met = order.met
    to.born = order.born


@jit
def end_markets(lane, i, ts, status, quotes, journal):
    """End all waiting market orders of instrument i."""
    for j in range(lane.position[i].waiting):
        finish(lane, lane.slots[i, j], status, NO_REFUSAL, ts, journal)
    close_up(lane, i, quotes[i])
