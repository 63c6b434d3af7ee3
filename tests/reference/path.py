"""The path inside the bars of a group: what happens in which order (docs/venue.md, sections 2, 4 and 10)."""

from typing import NamedTuple

from reference import matching
from reference.accounts import Lane
from reference.liquidation import beyond, joint, joint_fraction, level, liquidate
from reference.market import Bar, Instrument
from reference.orders import LIMIT, TAKE_PROFIT, TRAILING_STOP, Order


class Way:
    """One instrument on its path: at fraction `f` of a part from `a` to `b`, its mark's from `ma` to `mb`, at price `x`."""

    def __init__(self, here: Instrument, prices: tuple, marks: tuple):
        self.here, self.prices, self.marks = here, prices, marks
        self.opened = False  # whether the position was opened, or turned, on this path

    def begin(self, part: int) -> None:
        self.part, self.f = part, 0.0
        self.a, self.b = self.prices[part : part + 2]
        self.ma, self.mb = self.marks[part : part + 2]
        self.here.price, self.here.mark = self.a, self.ma

    def stand_at(self, f: float) -> None:
        """Further along the part; an order met at its own level stands there exactly until then."""
        if f > self.f:
            self.f, self.here.price, self.here.mark = f, self.a + f * (self.b - self.a), self.ma + f * (self.mb - self.ma)

    @property
    def x(self) -> float:
        return self.here.price

    def meets(self, level: float) -> float:
        """The fraction at which the price is at a level ahead."""
        return max((level - self.a) / (self.b - self.a), self.f)


class Event(NamedTuple):
    """What happens next. In their order: the least f, a liquidation, the lowest instrument, the lowest order."""

    f: float
    is_order: bool
    instrument: int
    number: int           # of the order; -1: a liquidation
    way: Way
    order: Order | None
    level: float | None   # at which the price stands exactly; None: where the path is


def high_first(lane: Lane, here: Instrument, bar: Bar) -> bool:
    """Which extreme comes first (section 10)."""
    if lane.terms.path == "nearest":
        return bar.high - bar.open <= bar.open - bar.low
    if lane.terms.path != "adverse":
        return lane.terms.path == "ohlc"
    if here.position.qty:
        return here.position.qty < 0.0
    return next((order.side > 0 for order in here.waiting if order.alive and not order.reduce_only), True)


def walk(lane: Lane, group: list[tuple[Instrument, Bar]], marks: list[tuple]) -> None:
    """Step 4: three straight parts, of all prices and marks at once."""
    ways = []
    for (here, bar), mark in zip(group, marks, strict=True):
        corners = (0, 1, 2, 3) if high_first(lane, here, bar) else (0, 2, 1, 3)
        ways.append(Way(here, *(tuple(prices[n] for n in corners) for prices in (bar[3:7], mark))))
        for order in here.waiting:
            order.born = ()  # on another bar
    for part in range(3):
        for way in ways:
            way.begin(part)
            trail(way.here, way.a)
        while event := following(lane, ways):
            for way in ways:
                way.stand_at(event.f)
            act(lane, event, group[0][1].closed - 1)
        for way in ways:
            trail(way.here, way.b)


def trail(here: Instrument, price: float) -> None:
    """The extremes of trailing stops at the ends of a part."""
    for order in here.waiting:
        if order.kind == TRAILING_STOP and order.alive:
            order.extreme = matching.further(order, price)


def following(lane: Lane, ways: list[Way]) -> Event | None:
    """The next event of all instruments, None where the part ends without one."""
    events = [joint_liquidation(lane, ways)] if joint(lane) else [liquidation(lane, way) for way in ways]
    for way in ways:
        strict = way.opened and lane.terms.path == "adverse"
        events += [met(way, order, strict) for order in way.here.waiting if order.alive and not order.at_market]
    return min((event for event in events if event), key=lambda event: event[:4], default=None)


def liquidation(lane: Lane, way: Way) -> Event | None:
    """Where the mark meets the liquidation price."""
    here, price, f = way.here, level(lane, way.here), way.f
    if not beyond(here, here.mark, price):
        if not beyond(here, way.mb, price):
            return None
        f = max((price - way.ma) / (way.mb - way.ma), f)
    return Event(f, False, here.index, -1, way, None, None)


def joint_liquidation(lane: Lane, ways: list[Way]) -> Event | None:
    """Where the account has no more than its maintenance margin; perpetuals outside the group stand still."""
    parts = {way.here.index: (way.ma, way.mb) for way in ways}
    moves = [(here, *parts.get(here.index, (here.mark, here.mark))) for here in joint(lane)]
    f = joint_fraction(lane, moves, ways[0].f)
    return None if f is None else Event(f, False, -1, -1, ways[0], None, None)


def met(way: Way, order: Order, strict: bool) -> Event | None:
    """Where an order acts, on this part and from where the path stands. `strict`: what limits reduce was opened on this path."""
    reduces = matching.reducible(way.here, order)
    if order.reduce_only and not reduces:
        return None
    if (order.kind in (LIMIT, TAKE_PROFIT) or order.triggered) and strict and reduces:
        return None
    place = limit_met(way, order) if order.kind == LIMIT or order.triggered else trigger_met(way, order)
    return place and Event(place[0], True, way.here.index, order.id, way, order, place[1])


def trigger_met(way: Way, order: Order) -> tuple | None:
    """(f, level) at which a trigger is reached."""
    trigger = matching.trigger_of(way.here, order)
    if matching.reached(order, way.x, trigger):
        return way.f, None
    return (way.meets(trigger), trigger) if matching.reached(order, way.b, trigger) else None


def limit_met(way: Way, order: Order) -> tuple | None:
    """(f, level): a limit needs the path strictly beyond its price, or takes where it has just come to life."""
    if matching.gives(way.here, order.left) <= 0.0:
        return None
    ahead = (way.x - order.limit) * order.side
    if ahead < 0.0 or (ahead == 0.0 and takes(way, order)):
        return way.f, None
    return (way.meets(order.limit), order.limit) if (way.b - order.limit) * order.side < 0.0 else None


def takes(way: Way, order: Order) -> bool:
    return order.born == (way.part, way.f)


def act(lane: Lane, event: Event, ts: int) -> None:
    """The event, at the place where the path stands now."""
    way, order, here = event.way, event.order, event.way.here
    before, place = here.position.qty, (way.part, way.f)
    if event.level is not None:
        here.price = event.level
    if order is None:
        liquidate(lane, here, ts)
    elif order.kind != LIMIT and not order.triggered:
        matching.come_due(lane, here, order, way.x, ts, place)
    elif takes(way, order) and (way.x - order.limit) * order.side <= 0.0:
        matching.take(lane, here, order, way.x, ts, place)
    else:
        matching.execute(lane, here, order, order.limit, ts, place, maker=True)
    way.opened = way.opened or (before * here.position.qty <= 0.0 and here.position.qty != before)
