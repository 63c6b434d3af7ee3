"""Random actions: a verb, its prices near the market's, its terms."""

from math import inf, isfinite, nan

import numpy as np

from backtester.market.schema import Instrument
from reference.actor import REASONS
from reference.draw import Draw
from reference.markets import MINUTE, MS, START
from reference.orders import Action

WEIGHTS = {
    "market": 12, "target": 8, "market_order": 12, "limit": 22, "stop": 10, "take_profit": 9, "stop_limit": 9, "trailing_stop": 9,
    "bracket": 12, "oco": 4, "cancel": 4, "cancel_all": 1, "amend": 8,
}
VERBS = list(WEIGHTS)
ALL, BRACKETS = (np.array(list(weights.values())) / sum(weights.values()) for weights in (WEIGHTS, WEIGHTS | {"bracket": 80, "oco": 12}))
NUMBERS = {"bracket": 3, "oco": 0, "cancel": 0, "cancel_all": 0, "amend": 0}  # of the orders that a verb asks for; 1 otherwise
NEAR = (0.0005, 0.003, 0.01, 0.01, 0.03, 0.1)  # fractions of the price


def draw_action(draw: Draw, ts: int, late: bool, venue: dict, instruments: list, bars: dict, asked: list, chances) -> Action:
    """One verb with its arguments; `asked` are the actions before it, `chances` those of the verbs."""
    verb = VERBS[int(draw.rng.choice(len(VERBS), p=chances))]
    index = draw.among(list(bars)) if draw.chance(0.97) else draw.whole(0, len(instruments) - 1)
    price = last_price(bars.get(index), ts)
    action = Action(ts, late, verb, index, reason=draw.pick(*REASONS))
    action.qty = draw_qty(draw, verb, venue, index, price, instruments[index])
    near = draw.among(NEAR)
    ties = [price] + [float(draw.among(bars[index][field])) for field in ("open", "high", "low", "close") if index in bars]
    ties += [x for earlier in asked[-4:] if earlier.instrument == index for x in (earlier.price, earlier.trigger) if isfinite(x)]

    def level(direction: int) -> float:
        """A price so far above (1) or below (-1) the present one; seldom one that is no number, or exactly one that the path will see."""
        if draw.chance(0.01):
            return draw.pick(nan, inf, 0.0, -price, 1e-9 * price)
        if draw.chance(0.1):
            return draw.among(ties)
        return price * (1.0 + direction * near * draw.between(-0.25, 1.0))

    draw_prices(draw, action, level, price * near)
    draw_terms(draw, action)
    draw_orders(draw, action, asked)
    return action


def draw_orders(draw: Draw, action: Action, asked: list) -> None:
    """The orders that the verb names: late ones, their numbers guessed; often a child of the last bracket."""
    numbers = sum(NUMBERS.get(earlier.verb, 1) for earlier in asked)
    if action.verb in ("cancel", "amend"):
        action.order = draw.whole(max(0, numbers - 8), numbers + 1)
    if action.verb == "oco":
        action.a, action.b = (draw.whole(max(0, numbers - 6), numbers + 1) for _ in range(2))
        last = max((n for n, earlier in enumerate(asked) if earlier.verb == "bracket"), default=None)
        if last is not None and draw.chance(0.6):
            action.instrument = asked[last].instrument
            action.a = sum(NUMBERS.get(earlier.verb, 1) for earlier in asked[:last]) + draw.whole(1, 2)


def draw_prices(draw: Draw, action: Action, level, step: float) -> None:
    """The prices that the verb takes."""
    verb, side = action.verb, 1 if action.qty > 0.0 else -1
    if verb in ("limit", "stop_limit"):
        action.price = level(-side)
    if verb in ("stop", "stop_limit"):
        action.trigger = level(side)
    if verb == "take_profit":
        action.trigger = level(-side)
    if verb == "trailing_stop":
        action.distance = step * draw.between(0.1, 1.5) if draw.chance(0.97) else draw.pick(nan, 0.0, -step)
    if verb == "bracket":
        action.stop, action.target = level(-side), level(side)
        action.price = level(-side) if draw.chance(0.5) else nan
    if verb == "amend":
        action.level = draw.pick(nan, level(1), level(-1), step)
        action.qty = draw.pick(nan, action.qty, abs(action.qty), -abs(action.qty))


def draw_terms(draw: Draw, action: Action) -> None:
    """Time in force, and what else an order may be."""
    if action.verb in ("market_order", "limit"):
        action.tif = draw.pick("gtc", "gtc", "gtc", "ioc", "fok")
    if action.verb == "limit":
        action.post_only = draw.chance(0.2)
    if action.verb in ("market_order", "limit", "stop", "take_profit", "stop_limit", "trailing_stop"):
        action.reduce_only = draw.chance(0.25)
        if draw.chance(0.15):
            until = draw.pick(action.ts // MS * MS + draw.whole(0, 900_000) * MS, (action.ts // MINUTE + draw.whole(0, 15)) * MINUTE)
            action.until = max(until, START)  # the actor's records count from there


def last_price(table, ts: int) -> float:
    """The close of the last bar known, else the first open."""
    if table is None:
        return 100.0
    known = int(np.searchsorted(table["ts_known"], ts, "right"))
    return float(table["close"][known - 1] if known else table["open"][0])


def draw_qty(draw: Draw, verb: str, venue: dict, index: int, price: float, instrument: Instrument) -> float:
    """Base, from less than a lot to more than the margin allows."""
    if draw.chance(0.01):
        return draw.pick(nan, inf, -inf, 0.0)
    if draw.chance(0.02) and instrument.lot:
        return draw.pick(1, -1) * instrument.lot * draw.between(0.1, 0.99)
    if verb == "target" and draw.chance(0.4):
        return 0.0
    room = venue["cash"] * (venue["leverage"] if index % 2 else 1.0) / price
    sign = draw.pick(1, -1) if index % 2 else draw.pick(1, 1, 1, -1)
    return sign * room * draw.spread(0.02, 1.2)
