"""The bars of one moment, group by group, step by step (docs/venue.md, section 2)."""

from reference.accounts import Lane, settle
from reference.liquidation import is_due, liquidate
from reference.market import Bar, Instrument, mark_path
from reference.matching import look, meet_market
from reference.orders import carry_out
from reference.path import walk


def process(lane: Lane, bars: dict[int, Bar]) -> None:
    """The bars of an instant, by instrument: those that cover the same time together, lowest instruments first."""
    groups: dict[tuple, list] = {}
    for index in sorted(bars):
        groups.setdefault((bars[index].opened, bars[index].closed), []).append((lane.instruments[index], bars[index]))
    for group in groups.values():
        process_group(lane, group)


def process_group(lane: Lane, group: list[tuple[Instrument, Bar]]) -> None:
    """Steps 1 to 5, each of them for every instrument before the next one."""
    marks = []
    for here, bar in group:
        pay_settlements(lane, here, bar, bar.opened)
        marks.append(mark_path(here, bar) if here.perp else bar[3:7])
        here.mark, here.price = marks[-1][0], bar.open
        here.volume, here.room = bar.volume, room(lane, bar)
    for step in (carry_out_asks, fill_market_orders, check, look_at_others, pay_inside):
        for here, bar in group:
            step(lane, here, bar)
    walk(lane, group, marks)
    for (here, bar), mark in zip(group, marks, strict=True):
        pay_settlements(lane, here, bar, bar.closed)
        here.closed, here.lag, here.mark, here.price = bar.closed, bar.known - bar.closed, mark[3], None


def carry_out_asks(lane: Lane, here: Instrument, bar: Bar) -> None:
    """Step 2.1."""
    carry_out(lane, here, bar.opened)


def fill_market_orders(lane: Lane, here: Instrument, bar: Bar) -> None:
    """Step 2.2."""
    for order in list(here.waiting):
        if order.status == "waiting" and order.alive and order.at_market:
            meet_market(lane, here, order, bar)


def check(lane: Lane, here: Instrument, bar: Bar) -> None:
    """Step 2.3."""
    if is_due(lane, here):
        liquidate(lane, here, bar.opened)


def look_at_others(lane: Lane, here: Instrument, bar: Bar) -> None:
    """Step 2.4."""
    for order in list(here.waiting):
        if order.status == "waiting" and order.alive and not order.at_market:
            look(lane, here, order, bar)


def pay_inside(lane: Lane, here: Instrument, bar: Bar) -> None:
    """Step 3."""
    pay_settlements(lane, here, bar, bar.closed - 1)


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
