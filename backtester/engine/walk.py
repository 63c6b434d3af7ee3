"""A lane at the open of a group of bars and on their paths: who fills, who is liquidated, one after the other.

The first half is for lanes that ask at the market alone, the second for lanes with resting orders.
"""

from backtester.engine.book import clear_up, end_all
from backtester.engine.changes import carry_out
from backtester.engine.codes import CANCELLED
from backtester.engine.jit import jit, piece
from backtester.engine.levels import is_in_reach, level_of
from backtester.engine.liquidate import is_hit, liquidate
from backtester.engine.match import end_markets, fill_markets, open_bar
from backtester.engine.path import (
    ACCOUNT,
    NEVER,
    NOBODY,
    corner,
    failing_at_open,
    failing_on_path,
    high_first,
    may_fail,
    move_to,
    stand_at_open,
)
from backtester.engine.resting import act, first_at, follow, markets_at_open, others_at_open

LIQUIDATION = -1  # what a path meets; else the place of an order


@jit
def carrier(lane, whom):
    """An instrument whose liquidation `whom` is: any perpetual that is held, for the account."""
    if whom == ACCOUNT:
        for j in range(1, len(lane.position), 2):
            if lane.position[j].qty != 0.0:
                return j
    return whom


# ---------------------------------------------------------------- lanes that ask at the market alone


@jit
def open_plain(lane, quotes, bars, journal):
    """The open: market orders, then the margin."""
    if not (is_waiting(lane, quotes) or may_fail(lane, quotes)):
        return
    stand_at_open(lane, quotes, bars)
    for i in range(len(quotes)):
        if quotes[i].moving == 1 and lane.position[i].waiting > 0:
            fill_markets(lane, i, bars[quotes[i].next], quotes, journal)
    for i in range(len(quotes)):
        whom = failing_at_open(lane, i, quotes)
        if whom != NOBODY:
            liquidate_plain(lane, carrier(lane, whom), quotes[i].ts_open, quotes, journal)


@piece
def is_waiting(lane, quotes):
    """Whether a market order waits at an instrument of the group."""
    found = 0
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            found += lane.position[i].waiting
    return found > 0


@jit
def walk_plain(lane, quotes, bars, journal):
    """The path of a lane without resting orders: only the margin can fail."""
    if not may_fail(lane, quotes):
        return
    ts = choose_paths(lane, quotes, bars)
    for n in range(3):
        move_to(lane, 0.0, n, quotes, bars)
        f = 0.0
        while lane.account.perps > 0:
            whom, at = failing_on_path(lane, f, n, quotes)
            if whom == NOBODY:
                break
            f = at
            move_to(lane, f, n, quotes, bars)
            liquidate_plain(lane, carrier(lane, whom), ts, quotes, journal)


@jit
def choose_paths(lane, quotes, bars):
    """Which extreme comes first, for every instrument of the group; returns the time of what happens on the path, ns."""
    ts = 0
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            bar = bars[quotes[i].next]
            lane.way[i].up = 1 if high_first(lane.terms[i].path, lane.position[i].qty, bar, 0.0) else 0
            ts = bar.ts_close - 1
    return ts


@jit
def liquidate_plain(lane, i, ts, quotes, journal):
    for j in range(len(lane.position)):
        if is_hit(lane, i, j):
            end_markets(lane, j, ts, CANCELLED, quotes, journal)
    liquidate(lane, i, ts, quotes, journal)


@jit
def drop_plain(lane, ts, status, quotes, journal):
    """End the waiting orders of a lane."""
    for i in range(len(lane.position)):
        end_markets(lane, i, ts, status, quotes, journal)


# ---------------------------------------------------------------- lanes with resting orders


@jit
def open_lane(lane, quotes, bars, journal):
    """The open: changes that have arrived, market orders, the margin, the other orders."""
    stand_at_open(lane, quotes, bars)
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            open_bar(lane.position[i], lane.terms[i], bars[quotes[i].next])
            carry_out(lane, i, bars[quotes[i].next], journal)
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            markets_at_open(lane, i, bars[quotes[i].next], quotes, journal)
    for i in range(len(quotes)):
        whom = failing_at_open(lane, i, quotes)
        if whom != NOBODY:
            liquidate_lane(lane, carrier(lane, whom), quotes[i].ts_open, quotes, journal)
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            others_at_open(lane, i, bars[quotes[i].next], quotes, journal)
            clear_up(lane, i, quotes[i].ts_open, quotes[i], journal)


@jit
def walk_lane(lane, quotes, bars, journal):
    """The path: orders and liquidations, in the order in which it meets them."""
    if is_quiet(lane, quotes, bars):
        return
    ts = choose_paths_of(lane, quotes, bars)
    for n in range(3):
        walk_part(lane, n, ts, quotes, bars, journal)
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            clear_up(lane, i, ts, quotes[i], journal)


@jit
def is_quiet(lane, quotes, bars):
    """Whether the bars' ranges, and the marks', reach nothing, whatever the path."""
    if may_fail(lane, quotes):
        return False
    reached = 0
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            for j in range(lane.position[i].resting):
                if is_in_reach(lane.terms[i], lane.book[i, j], bars[quotes[i].next]):
                    reached += 1
    return reached == 0


@jit
def choose_paths_of(lane, quotes, bars):
    """As `choose_paths`; where there is no position, the oldest order that may open one decides."""
    ts = choose_paths(lane, quotes, bars)
    for i in range(len(quotes)):
        if quotes[i].moving == 1 and lane.position[i].qty == 0.0:
            bar = bars[quotes[i].next]
            lane.way[i].up = 1 if high_first(lane.terms[i].path, 0.0, bar, oldest_entry(lane, i, bar.ts_event)) else 0
    return ts


@jit
def oldest_entry(lane, i, ts_open):
    """The signed quantity of the oldest order alive that may open a position; 0 where there is none."""
    number, qty = lane.account.orders, 0.0
    for j in range(lane.position[i].resting):
        order = lane.book[i, j]
        if order.met == 1 and order.parent < 0 and order.reduce_only == 0 and order.number < number:
            number, qty = order.number, order.qty
    for j in range(lane.position[i].waiting):
        order = lane.slots[i, j]
        if order.not_before <= ts_open and order.reduce_only == 0 and order.number < number:
            number, qty = order.number, order.qty
    return qty


@jit
def walk_part(lane, n, ts, quotes, bars, journal):
    """One straight part of the path."""
    move_to(lane, 0.0, n, quotes, bars)
    follow_all(lane, n, quotes, bars)
    f = 0.0
    while True:
        i, place, at = next_met(lane, f, n, quotes, bars)
        if at == NEVER:
            break
        ahead = at != f
        if ahead:
            move_to(lane, at, n, quotes, bars)
            f = at
        if place == LIQUIDATION:
            liquidate_lane(lane, carrier(lane, i), ts, quotes, journal)
        else:
            order = lane.book[i, place]
            if ahead:
                lane.way[i].x = level_of(lane.terms[i], order)
            act(lane, i, bars[quotes[i].next], order, lane.way[i].x, quotes, journal)
    follow_all(lane, n + 1, quotes, bars)


@jit
def next_met(lane, f, n, quotes, bars):
    """What part n meets next, where the path stands at fraction f: instrument, place, fraction.

    A failing margin comes before orders, these by instrument and number.
    """
    whom, at = failing_on_path(lane, f, n, quotes)
    place = LIQUIDATION
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            bar, way = bars[quotes[i].next], lane.way[i]
            a, b = corner(bar, n, way.up), corner(bar, n + 1, way.up)
            for j in range(lane.position[i].resting):
                found = first_at(lane, i, lane.book[i, j], f, way.x, a, b)
                if found < at:
                    whom, place, at = i, j, found
    return whom, place, at


@jit
def follow_all(lane, n, quotes, bars):
    """Trailing stops see the n-th corner of the path."""
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            price = corner(bars[quotes[i].next], n, lane.way[i].up)
            for j in range(lane.position[i].resting):
                if lane.book[i, j].qty != 0.0:
                    follow(lane.book[i, j], price)


@jit
def liquidate_lane(lane, i, ts, quotes, journal):
    for j in range(len(lane.position)):
        if is_hit(lane, i, j):
            end_all(lane, j, ts, CANCELLED, quotes, journal)
    liquidate(lane, i, ts, quotes, journal)


@jit
def drop_lane(lane, ts, status, quotes, journal):
    """End the waiting orders of a lane."""
    for i in range(len(lane.position)):
        end_all(lane, i, ts, status, quotes, journal)
