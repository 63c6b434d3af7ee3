"""Orders: what was asked, what was accepted, and what became of it (docs/venue.md, sections 3 and 4)."""

from dataclasses import dataclass, field
from math import ceil, copysign, floor, isfinite, isnan, nan

MARKET, LIMIT, STOP, STOP_LIMIT, TAKE_PROFIT, TRAILING_STOP = "market", "limit", "stop", "stop limit", "take profit", "trailing stop"
KIND_NAMES = (MARKET, LIMIT, STOP, STOP_LIMIT, TAKE_PROFIT, TRAILING_STOP)
NEEDS = {  # kind -> the prices that it needs
    MARKET: (), LIMIT: ("limit",), STOP: ("trigger",), STOP_LIMIT: ("trigger", "limit"), TAKE_PROFIT: ("trigger",),
    TRAILING_STOP: ("distance",),
}
LEVEL = {MARKET: "", LIMIT: "limit", STOP: "trigger", STOP_LIMIT: "trigger", TAKE_PROFIT: "trigger", TRAILING_STOP: "distance"}
MARKET_ROOM, OTHER_ROOM, CALL_ROOM = 4, 32, 16  # orders


@dataclass(slots=True)
class Action:
    """What a strategy asks for: a verb of backtester.orders and its arguments."""

    ts: int                    # ns UTC, when it is asked
    late: bool                 # False: in a hook of its own at that moment; True: in on_bar at the end of an instant with a bar
    verb: str
    instrument: int
    qty: float = nan           # base
    price: float = nan         # quote
    trigger: float = nan       # quote
    distance: float = nan      # quote
    stop: float = nan          # quote, of a bracket
    target: float = nan        # quote, of a bracket
    level: float = nan         # quote, of an amendment
    tif: str = "gtc"
    until: int = 0             # ns UTC; 0: none
    reduce_only: bool = False
    post_only: bool = False
    reason: str = "first"
    order: int = -1
    a: int = -1
    b: int = -1


@dataclass(slots=True, eq=False)
class Order:
    """One order with a number."""

    id: int
    ts: int                    # ns, when it was asked
    instrument: int
    kind: str
    asked: float               # base
    qty: float                 # base, accepted
    limit: float               # quote; NaN where the kind has none, here and below
    trigger: float             # quote
    distance: float            # quote
    tif: str
    until: int                 # ns
    reduce_only: bool
    post_only: bool
    reason: str
    arrival: int               # ns: bars that open then or later may meet it
    parent: int = -1
    status: str = "waiting"
    refusal: str = ""
    filled: float = 0.0        # base, signed
    value: float = 0.0         # quote, sum of size * price
    ts_done: int = 0
    children: list = field(default_factory=list)
    partner: "Order | None" = None
    patient: bool = False      # its tie is that of a bracket's children: only a whole fill cancels the partner
    asleep: bool = False       # it waits for its parent
    alive: bool = False        # it has arrived, or its parent has woken it
    first: bool = False        # the open of the present bar is its arrival
    at_market: bool = False    # it waits as a market order
    triggered: bool = False    # a stop limit that has become a limit
    extreme: float = nan       # quote, the best price since the arrival of a trailing stop
    born: tuple = ()           # (part, f) of the path where it came to life, as a limit
    cancel_at: int | None = None
    amendment: tuple | None = None  # (arrival, qty, level)

    @property
    def side(self) -> int:
        return 1 if self.qty > 0.0 else -1

    @property
    def left(self) -> float:
        return abs(self.qty) - abs(self.filled)


def down(value: float, step: float | None) -> float:
    """Section 3: `floor(n + 1e-9) * step`; nothing is rounded without a step, or where there is no number."""
    return floor(value / step + 1e-9) * step if step and isfinite(value) else value


def up(value: float, step: float | None) -> float:
    return ceil(value / step - 1e-9) * step if step and isfinite(value) else value


def whole(qty: float, lot: float | None) -> float:
    """A quantity, rounded toward zero to the lot."""
    return copysign(down(abs(qty), lot), qty)


def rounded(name: str, kind: str, value: float, side: int, tick: float | None) -> float:
    """Section 3: away from aggression."""
    if name == "distance":
        return up(value, tick)
    if name == "limit" or kind == TAKE_PROFIT:
        return down(value, tick) if side > 0 else up(value, tick)
    return stop_price(value, side, tick)


def stop_price(value: float, side: int, tick: float | None) -> float:
    return up(value, tick) if side > 0 else down(value, tick)


def no_price(value: float) -> bool:
    return not isfinite(value) or value <= 0.0


def finish(order: Order, status: str, ts: int, lane, refusal: str = "") -> None:
    """The order ends; the children of an entry that never filled end with it (section 4, brackets)."""
    order.status, order.ts_done, order.refusal = status, ts, refusal
    lane.instruments[order.instrument].waiting.remove(order)
    if order.filled == 0.0:
        for child in order.children:
            if child.status == "waiting":
                finish(child, "cancelled", ts, lane)


def tie(a: Order, b: Order, patient: bool = False) -> None:
    """One cancels the other; an order has one tie at a time, the latest."""
    for one in (a, b):
        if one.partner is not None:
            one.partner.partner = None
    a.partner, b.partner, a.patient, b.patient = b, a, patient, patient


def carry_out(lane, instrument, opened: int) -> None:
    """Step 2.1: cancels, amendments, expiry; then who has arrived at this open."""
    for order in list(instrument.waiting):
        if order.status == "waiting" and order.cancel_at is not None and order.cancel_at <= opened:
            finish(order, "cancelled", opened, lane)
    for order in list(instrument.waiting):
        if order.status == "waiting" and order.amendment is not None and order.amendment[0] <= opened:
            amend(order, instrument.tick, opened, lane)
    for order in list(instrument.waiting):
        if order.status == "waiting" and 0 < order.until <= opened:
            finish(order, "expired", opened, lane)
    for order in instrument.waiting:
        order.first = not order.alive and not order.asleep and order.arrival <= opened
        order.alive = order.alive or order.first


def amend(order: Order, tick: float | None, opened: int, lane) -> None:
    """Another quantity and level; NaN leaves one as it is. Both were checked when they were asked."""
    _, qty, level = order.amendment
    order.amendment = None
    name = "limit" if order.triggered else LEVEL[order.kind]
    if not isnan(level) and name and (not order.at_market):
        setattr(order, name, rounded(name, order.kind, level, order.side, tick))
        if name == "limit":
            order.alive = False  # it arrives anew
    if not isnan(qty):
        order.qty = qty
        if order.left <= 0.0:
            finish(order, "cancelled", opened, lane)
