"""The path inside a bar: what happens in which order (docs/venue.md, sections 4 and 10)."""

from reference import matching
from reference.accounts import Lane
from reference.liquidation import beyond, level, liquidate
from reference.market import Bar, Instrument
from reference.orders import LIMIT, TAKE_PROFIT, TRAILING_STOP, Order


class Place:
    """Where the path stands: at fraction `f` of a part from `a` to `b`, the mark's from `ma` to `mb`, at price `x`."""

    def __init__(self, part: int, prices: tuple, marks: tuple, ts: int):
        self.part, self.ts, self.f = part, ts, 0.0
        self.a, self.b = prices[part], prices[part + 1]
        self.ma, self.mb = marks[part], marks[part + 1]
        self.x = self.a

    @property
    def mark(self) -> float:
        return self.ma + self.f * (self.mb - self.ma)

    def meets(self, level: float) -> float:
        """The fraction at which the price is at a level ahead."""
        return max((level - self.a) / (self.b - self.a), self.f)


def high_first(lane: Lane, here: Instrument, bar: Bar) -> bool:
    """Which extreme comes first (section 10)."""
    if lane.terms.path == "nearest":
        return bar.high - bar.open <= bar.open - bar.low
    if lane.terms.path != "adverse":
        return lane.terms.path == "ohlc"
    if here.position.qty:
        return here.position.qty < 0.0
    return next((order.side > 0 for order in here.waiting if order.alive and not order.reduce_only), True)


def walk(lane: Lane, here: Instrument, bar: Bar, mark: tuple) -> None:
    """Step 4: three straight parts, of the price and of the mark."""
    if not here.waiting and not here.position.qty:
        return
    up = high_first(lane, here, bar)
    prices, marks = ((p[0], p[1], p[2], p[3]) if up else (p[0], p[2], p[1], p[3]) for p in (bar[3:7], mark))
    for order in here.waiting:
        order.born = ()  # on another bar
    opened = False  # whether the position was opened, or turned, on this path
    for part in range(3):
        at = Place(part, prices, marks, bar.closed - 1)
        trail(here, at.a)
        while here.waiting or here.position.qty:
            event = following(lane, here, at, opened and lane.terms.path == "adverse")
            if event is None:
                break
            at.f, order, at.x = event
            before = here.position.qty
            act(lane, here, at, order)
            opened = opened or (before * here.position.qty <= 0.0 and here.position.qty != before)
        trail(here, at.b)


def trail(here: Instrument, price: float) -> None:
    """The extremes of trailing stops at the ends of a part."""
    for order in here.waiting:
        if order.kind == TRAILING_STOP and order.alive:
            order.extreme = matching.further(order, price)


def following(lane: Lane, here: Instrument, at: Place, opened: bool) -> tuple | None:
    """(f, order, x) of the next event, None for no order: the liquidation. At equal f it is first, then the lowest number."""
    found = None
    f = liquidated_at(lane, here, at)
    if f is not None:
        found = (f, None, at.a + f * (at.b - at.a))
    for order in here.waiting:
        if order.alive and not order.at_market:
            event = met_at(here, order, at, opened)
            if event is not None and (found is None or event[0] < found[0]):
                found = (event[0], order, event[1])
    return found


def liquidated_at(lane: Lane, here: Instrument, at: Place) -> float | None:
    """The fraction at which the mark meets the liquidation price."""
    price = level(lane, here)
    if beyond(here, at.mark, price):
        return at.f
    return (price - at.ma) / (at.mb - at.ma) if beyond(here, at.mb, price) else None


def met_at(here: Instrument, order: Order, at: Place, opened: bool) -> tuple | None:
    """(f, x) at which an order acts, on this part and from where the path stands."""
    if order.reduce_only and not matching.reducible(here, order):
        return None
    if (order.kind in (LIMIT, TAKE_PROFIT) or order.triggered) and opened and matching.reducible(here, order):
        return None
    if order.kind == LIMIT or order.triggered:
        return limit_met_at(here, order, at)
    trigger = matching.trigger_of(here, order)
    if matching.reached(order, at.x, trigger):
        return at.f, at.x
    return (at.meets(trigger), trigger) if matching.reached(order, at.b, trigger) else None


def limit_met_at(here: Instrument, order: Order, at: Place) -> tuple | None:
    """A limit needs the path strictly beyond its price, or takes where it has just come to life."""
    if matching.gives(here, order.left) <= 0.0:
        return None
    ahead = (at.x - order.limit) * order.side
    if ahead < 0.0 or (ahead == 0.0 and takes(order, at)):
        return at.f, at.x
    return (at.meets(order.limit), order.limit) if (at.b - order.limit) * order.side < 0.0 else None


def takes(order: Order, at: Place) -> bool:
    return order.born == (at.part, at.f)


def act(lane: Lane, here: Instrument, at: Place, order: Order | None) -> None:
    """The event at the place where the path stands now."""
    place = (at.part, at.f)
    if order is None:
        liquidate(lane, here, at.ts, at.mark, at.x)
    elif order.kind != LIMIT and not order.triggered:
        matching.come_due(lane, here, order, at.x, at.ts, place)
    elif takes(order, at) and (at.x - order.limit) * order.side <= 0.0:
        matching.take(lane, here, order, at.x, at.ts, place)
    else:
        matching.execute(lane, here, order, order.limit, at.ts, place, maker=True)
