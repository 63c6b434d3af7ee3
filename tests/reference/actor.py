"""The strategy for the compiled loop that asks for a list of actions: they travel as records of the stream `exogenous`.

A record whose tag is the number of a register writes its weight there; GO asks at once, LATER queues for the next on_bar.
"""

from enum import IntEnum
from math import inf, isfinite

import numpy as np

from backtester.orders import (
    amend,
    bracket,
    cancel,
    cancel_all,
    limit,
    market,
    market_order,
    oco,
    stop,
    stop_limit,
    take_profit,
    target,
    trailing_stop,
)
from backtester.records import EXOGENOUS, rows
from reference.orders import Action

NAN, INF = float("nan"), float("inf")
T0 = 1_704_067_200_000_000_000  # ns, 2024-01-01T00:00 UTC: moments travel as seconds from it
MS = 1_000_000                  # ns
REASONS = ("first", "second", "third")
VERBS = (
    "market", "target", "market_order", "limit", "stop", "take_profit", "stop_limit", "trailing_stop", "bracket", "oco", "cancel",
    "cancel_all", "amend",
)
TIFS = ("gtc", "ioc", "fok")
REGISTERS = ("verb", "instrument", "qty", "price", "level", "target", "tif", "until", "reduce_only", "post_only", "reason", "a", "b")
GO, LATER = 14, 15               # tags, after those of the registers
IS_NAN, IS_INF, IS_LESS = 16, 32, 48  # added to a register's tag: the value that no record may hold
TAGS = tuple(f"tag{n}" for n in range(64))
QUEUE = 4                        # late actions of one instant


class Reason(IntEnum):
    FIRST = 1
    SECOND = 2
    THIRD = 3


class Wish:
    """The registers."""

    verb: int
    instrument: int
    qty: float
    price: float   # quote, the limit of an order or of a bracket's entry
    level: float   # quote, trigger, distance, a bracket's stop, an amendment's level
    target: float  # quote, of a bracket
    tif: int
    until: float   # s from T0; negative: none
    reduce_only: int
    post_only: int
    reason: int
    a: int
    b: int


class Actor:
    """Does what it is told, when it is told."""

    class Params:
        unused: float = 0.0

    class State:
        now: Wish
        late1: Wish
        late2: Wish
        late3: Wish
        late4: Wish
        queued: int

    def on_exogenous(ctx, x, s, p):
        if x.tag == GO:
            carry_out(ctx, s.now)
        elif x.tag == LATER:
            queue(s)
        else:
            register(s.now, x.tag % 16, value_of(x))

    def on_bar(ctx, s, p):
        if s.queued > 0:
            carry_out(ctx, s.late1)
        if s.queued > 1:
            carry_out(ctx, s.late2)
        if s.queued > 2:
            carry_out(ctx, s.late3)
        if s.queued > 3:
            carry_out(ctx, s.late4)
        s.queued = 0


def value_of(x):
    """The value that a record brings."""
    if x.tag < IS_NAN:
        return x.weight
    if x.tag < IS_INF:
        return NAN
    if x.tag < IS_LESS:
        return INF
    return -INF


def register(w, number, value):
    """Write a value into a register."""
    if number == 2:
        w.qty = value
    elif number == 3:
        w.price = value
    elif number == 4:
        w.level = value
    elif number == 5:
        w.target = value
    elif number == 7:
        w.until = value
    else:
        register_code(w, number, int(value))


def register_code(w, number, value):
    """Write a whole number into a register."""
    if number == 0:
        w.verb = value
    elif number == 1:
        w.instrument = value
    elif number == 6:
        w.tif = value
    elif number == 8:
        w.reduce_only = value
    elif number == 9:
        w.post_only = value
    elif number == 10:
        w.reason = value
    elif number == 11:
        w.a = value
    elif number == 12:
        w.b = value


def queue(s):
    """Keep the registers for the next on_bar."""
    if s.queued == 0:
        keep(s.late1, s.now)
    elif s.queued == 1:
        keep(s.late2, s.now)
    elif s.queued == 2:
        keep(s.late3, s.now)
    else:
        keep(s.late4, s.now)
    s.queued += 1


def keep(to, w):
    """Copy the registers."""
    to.verb = w.verb
    to.instrument = w.instrument
    to.qty = w.qty
    to.price = w.price
    to.level = w.level
    to.target = w.target
    to.tif = w.tif
    to.until = w.until
    to.reduce_only = w.reduce_only
    to.post_only = w.post_only
    to.reason = w.reason
    to.a = w.a
    to.b = w.b


def carry_out(ctx, w):
    """The wish, at its instrument."""
    if w.instrument == 0:
        ask(ctx.spot, w)
    elif w.instrument == 1:
        ask(ctx.perp, w)
    elif w.instrument == 2:
        ask(ctx.eth_spot, w)
    else:
        ask(ctx.eth_perp, w)


def ask(tradable, w):
    """The wish's verb."""
    if w.verb == 0:
        market(tradable, w.qty, w.reason)
    elif w.verb == 1:
        target(tradable, w.qty, w.reason)
    elif w.verb < 9:
        ask_order(tradable, w, w.reduce_only == 1)
    elif w.verb == 9:
        oco(tradable, w.a, w.b)
    elif w.verb == 10:
        cancel(tradable, w.a)
    elif w.verb == 11:
        cancel_all(tradable)
    else:
        amend(tradable, w.a, w.qty, w.level)


def ask_order(tradable, w, reduce_only):
    """A verb whose order has a number of its own."""
    until = 0
    if w.until >= 0.0:
        until = T0 + int(w.until * 1000.0 + 0.5) * MS
    if w.verb == 2:
        market_order(tradable, w.qty, w.reason, w.tif, until, reduce_only)
    elif w.verb == 3:
        limit(tradable, w.qty, w.price, w.reason, w.tif, until, reduce_only, w.post_only == 1)
    elif w.verb == 4:
        stop(tradable, w.qty, w.level, w.reason, until, reduce_only)
    elif w.verb == 5:
        take_profit(tradable, w.qty, w.level, w.reason, until, reduce_only)
    elif w.verb == 6:
        stop_limit(tradable, w.qty, w.level, w.price, w.reason, until, reduce_only)
    elif w.verb == 7:
        trailing_stop(tradable, w.qty, w.level, w.reason, until, reduce_only)
    else:
        bracket(tradable, w.qty, w.level, w.target, w.reason, w.price)


def carry(actions: list[Action]) -> np.ndarray:
    """The exogenous table of a list of actions, in the order of their moments."""
    records = []
    for action in actions:
        records += [(action.ts, *tagged(number, value)) for number, value in enumerate(registers(action))]
        records.append((action.ts, LATER if action.late else GO, 0.0))
    out = rows(EXOGENOUS, len(records))
    if records:
        out["ts_event"], out["tag"], out["weight"] = (np.array(column) for column in zip(*records, strict=True))
    out["ts_known"], out["half_life_h"] = out["ts_event"], 1.0
    return out


def registers(action: Action) -> tuple:
    """What stands in the registers, in their order."""
    level = {"trailing_stop": action.distance, "bracket": action.stop, "amend": action.level}.get(action.verb, action.trigger)
    until = (action.until - T0) / 1e9 if action.until else -1.0
    number = action.a if action.verb == "oco" else action.order
    return (
        VERBS.index(action.verb), action.instrument, action.qty, action.price, level, action.target, TIFS.index(action.tif), until,
        action.reduce_only, action.post_only, REASONS.index(action.reason) + 1, number, action.b,
    )


def tagged(number: int, value) -> tuple:
    """(tag, weight) of a register's value."""
    value = float(value)
    if isfinite(value):
        return number, value
    return number + (IS_INF if value == inf else IS_LESS if value == -inf else IS_NAN), 0.0
