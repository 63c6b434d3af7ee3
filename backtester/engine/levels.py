"""The prices that orders wait for, and how long nothing can happen to them."""

import math

from backtester.engine.jit import jit
from backtester.engine.match import down, up
from backtester.orders import Kind

MARKET, LIMIT, TAKE_PROFIT, TRAILING_STOP = Kind.MARKET.value, Kind.LIMIT.value, Kind.TAKE_PROFIT.value, Kind.TRAILING_STOP.value
NEVER, ALWAYS = (1 << 62), -(1 << 62)  # ns


@jit
def level_of(terms, order):
    """The price at which the order triggers; of a limit, its price."""
    if order.kind == LIMIT:
        return order.price
    if order.kind != TRAILING_STOP:
        return order.trigger
    return up(order.extreme + order.trigger, terms.tick) if order.qty > 0.0 else down(order.extreme - order.trigger, terms.tick)


@jit
def rises(order):
    """Whether the order waits for a rise: stops that buy, take profits that sell."""
    return (order.qty > 0.0) != (order.kind == TAKE_PROFIT)


@jit
def falls(order):
    """Whether the order waits for a fall."""
    return order.qty > 0.0 if order.kind == LIMIT else not rises(order)


@jit
def is_in_reach(terms, order, bar):
    """Whether the range of the bar may do anything to the order."""
    if order.kind == MARKET or order.met == 0 or order.parent >= 0:
        return False
    if order.kind == TRAILING_STOP:
        return True
    level = level_of(terms, order)
    return level >= bar.low if falls(order) else level <= bar.high


@jit
def let_sleep(position, terms, orders):
    """Note down to what price, up to what price and until when no bar does anything to the resting orders, (PLACES,)."""
    position.falls_to = -math.inf
    position.rises_to = math.inf
    position.wakes = NEVER
    for j in range(position.resting):
        order = orders[j]
        if order.parent < 0 and (order.met == 0 or order.kind in (MARKET, TRAILING_STOP)):
            position.wakes = ALWAYS
        elif order.parent < 0 and falls(order):
            position.falls_to = max(position.falls_to, level_of(terms, order))
        elif order.parent < 0:
            position.rises_to = min(position.rises_to, level_of(terms, order))
        for ts in (order.cancel_at, order.amend_at, order.until):
            if ts != 0:
                position.wakes = min(position.wakes, ts)
