"""Orders: from a hook's wish to a waiting order, from a waiting order to a fill or a refusal."""

from backtester.engine.jit import jit
from backtester.engine.log import recording, refuse_order, write_order
from backtester.engine.money import fill, refusal_of
from backtester.engine.state import DROPPED, NO_INSTRUMENT, NO_QUANTITY, NO_REFUSAL, NO_ROOM, SLOTS

INFINITE = float("inf")


@jit
def accept(lane, world, log):
    """Turn the wishes of the lane into waiting orders."""
    lane.account.asked = 0
    clock = world.clock
    for i in range(len(lane.ask)):
        ask = lane.ask[i]
        if ask.qty == 0.0:
            continue
        position = lane.position[i]
        tally = lane.tally
        refusal = refusal_at_once(position, world.quotes[i], ask.qty)
        if recording(lane):
            write_order(log, clock.ts, i, ask.qty, ask.reason, refusal)
        if refusal == NO_REFUSAL:
            slot = lane.slots[i, position.waiting]
            slot.qty = ask.qty
            slot.reason = ask.reason
            slot.order = tally.orders
            terms = lane.terms[i]
            # next_open: the bar that opened where the last known one closed, `lag` before now, is the one named exception
            slot.not_before = clock.ts + terms.latency if terms.strict == 1 else clock.ts - world.quotes[i].lag
            position.waiting += 1
            position.pending += ask.qty
            world.quotes[i].waiting += 1
        else:
            tally.refused += 1
        tally.orders += 1
        ask.qty = 0.0


@jit
def refusal_at_once(position, quote, qty):
    """Why an order is not even taken in; NO_REFUSAL where it is."""
    if not abs(qty) < INFINITE:
        return NO_QUANTITY
    if quote.traded == 0:
        return NO_INSTRUMENT
    return NO_ROOM if position.waiting == SLOTS else NO_REFUSAL


@jit
def fill_waiting(lane, i, bar, quote, log):
    """Fill, in the order they came, the waiting orders that `bar` opens late enough for."""
    position = lane.position[i]
    done = 0
    while done < position.waiting and lane.slots[i, done].not_before <= bar.ts_event:
        slot = lane.slots[i, done]
        fill_at_open(lane, i, bar, slot, log)
        position.pending -= slot.qty
        done += 1
    if done == 0:
        return
    for j in range(done, position.waiting):
        move(lane.slots[i, j - done], lane.slots[i, j])
    position.waiting -= done
    quote.waiting -= done
    if position.waiting == 0:
        position.pending = 0.0


@jit
def fill_at_open(lane, i, bar, slot, log):
    """A market order meets the open, worse by the slippage."""
    terms = lane.terms[i]
    price = bar.open * (1.0 + terms.slippage if slot.qty > 0.0 else 1.0 - terms.slippage)
    refusal = refusal_of(lane.account, lane.position[i], terms, slot.qty, price)
    if refusal == NO_REFUSAL:
        fill(lane, i, bar.ts_event, slot.qty, price, bar.open, terms.taker, slot.order, slot.reason, log)
        return
    lane.tally.refused += 1
    if recording(lane):
        refuse_order(log, slot.order, bar.ts_event, refusal)


@jit
def move(to, slot):
    to.qty = slot.qty
    to.not_before = slot.not_before
    to.reason = slot.reason
    to.order = slot.order


@jit
def drop_waiting(lane, ts, quotes, log):
    """Forget the waiting orders of a lane that ended."""
    for i in range(len(lane.position)):
        position = lane.position[i]
        for j in range(position.waiting):
            if recording(lane):
                row = log.orders[lane.slots[i, j].order]
                row.status = DROPPED
                row.ts_done = ts
        quotes[i].waiting -= position.waiting
        position.waiting = 0
        position.pending = 0.0
