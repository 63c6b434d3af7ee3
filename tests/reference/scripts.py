"""Random scripts: a little market, a venue and a list of actions, the same ones for the same seed."""

from dataclasses import dataclass
from math import inf, isfinite, nan

import numpy as np

from backtester.market.schema import Instrument
from reference.actor import REASONS
from reference.draw import Draw
from reference.markets import MINUTE, MS, ROLES, SECOND, brackets, draw_instrument, draw_market, walk
from reference.orders import Action

LATE = 4  # actions that one on_bar may ask for
WEIGHTS = {
    "market": 12, "target": 8, "market_order": 12, "limit": 22, "stop": 10, "take_profit": 9, "stop_limit": 9, "trailing_stop": 9,
    "bracket": 12, "oco": 4, "cancel": 4, "cancel_all": 1, "amend": 8,
}
VERBS = list(WEIGHTS)
CHANCE = np.array(list(WEIGHTS.values())) / sum(WEIGHTS.values())


@dataclass
class Script:
    """What both engines run."""

    seed: int
    instruments: tuple
    tables: dict
    venue: dict
    actions: list

    def __iter__(self):
        return iter((self.instruments, self.tables, self.venue, self.actions))


def script(seed: int) -> Script:
    """(instruments, tables, venue, actions) of a seed."""
    draw = Draw(seed)
    venue = draw_venue(draw)
    minutes, lag = draw.whole(20, 80), draw.pick(0, SECOND // 2, SECOND // 2, 2 * SECOND, 10 * SECOND)
    instruments, tables = [Instrument("", role) for role in ROLES], {}
    for asset in range(1 if draw.chance(0.6) else 2):
        price = draw.spread(1.0, 5000.0)
        path = walk(draw, price, minutes)
        size = venue["cash"] * venue["leverage"] / price  # base
        tick = draw.pick(0.01, 0.001) * price if draw.chance(0.5) else None
        for kind in (0, 1):
            index = 2 * asset + kind
            absent = kind == 0 and draw.chance(0.15)  # the first spot stays bound, without bars: exogenous records are filed there
            if index == 0 or not absent:
                instruments[index] = draw_instrument(draw, index, price, size if kind else venue["cash"] / price, tick)
            if not absent:
                tables |= draw_market(draw, index, path, size, lag, tick)
        if not venue["maintenance_bp"] or draw.chance(0.5):
            tables["brackets", 2 * asset + 1] = brackets(draw, venue, minutes)
    actions = draw_actions(draw, venue, instruments, tables)
    return Script(seed, tuple(instruments), tables, venue, actions)


def draw_venue(draw: Draw) -> dict:
    flat = draw.between(20.0, 150.0) if draw.chance(0.2) else None
    return {
        "cash": draw.spread(1e3, 1e5),
        "taker_bp": draw.pick(None, 0.0, draw.between(1.0, 10.0)),
        "maker_bp": draw.pick(None, 0.0, draw.between(-1.0, 5.0)),
        "slippage_bp": draw.pick(0.0, draw.between(0.5, 20.0)),
        "spread_bp": draw.pick(0.0, draw.between(0.5, 10.0)),
        "impact_bp": draw.pick(0.0, 0.0, draw.between(1.0, 100.0)),
        "participation": draw.spread(0.02, 1.0) if draw.chance(0.4) else None,
        "latency_ms": draw.pick(0.0, 250.0, float(draw.whole(1, 240_000))),
        "leverage": draw.pick(1.0, draw.between(2.0, 10.0), draw.between(3.0, 50.0), draw.between(10.0, 50.0)),
        "margin": draw.pick("cross", "isolated"),
        "maintenance_bp": flat,
        "liquidation": draw.pick("bankruptcy", "mark_slip"),
        "liquidation_fee_bp": draw.between(10.0, 200.0) if flat or draw.chance(0.4) else None,
        "fills": draw.pick("next_open", "strict"),
        "path": draw.pick("adverse", "ohlc", "olhc", "nearest"),
        "missing_funding": "free",
    }


def draw_actions(draw: Draw, venue: dict, instruments: list, tables: dict) -> list[Action]:
    """5 to 30 actions in the order of their moments, at most LATE of them in one on_bar."""
    bars = {index: table for (stream, index), table in tables.items() if stream in ("spot_bars", "perp_bars")}
    instants = sorted({int(ts) for table in bars.values() for ts in table["ts_known"]})
    first = min(int(table["ts_event"][0]) for table in bars.values())
    moments = []
    for _ in range(draw.whole(5, 30)):
        span = draw.between(0.0, 1.0) ** 1.5
        at = instants[min(int(span * len(instants)), len(instants) - 1)]
        if draw.chance(0.4):
            at = max(at - draw.whole(0, 90_000) * MS, first)
        moments += [at] * draw.pick(1, 1, 1, 2, 3)
    queued: dict[int, int] = {}
    actions: list[Action] = []
    for ts in sorted(moments):
        late = draw.chance(0.5)
        due = next((instant for instant in instants if instant >= ts), 0)
        queued[due] = queued.get(due, 0) + late
        actions.append(draw_action(draw, ts, late and queued[due] <= LATE, venue, instruments, bars, actions))
    return actions


def draw_action(draw: Draw, ts: int, late: bool, venue: dict, instruments: list, bars: dict, asked: list) -> Action:
    """One verb with its arguments; `asked` are the actions before it."""
    verb = VERBS[int(draw.rng.choice(len(VERBS), p=CHANCE))]
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
    if verb in ("cancel", "amend"):
        action.order = draw.whole(max(0, len(asked) - 8), len(asked) + 1)
    if verb == "oco":
        action.a, action.b = (draw.whole(max(0, len(asked) - 6), len(asked) + 1) for _ in range(2))
    return action


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
            action.until = draw.pick(action.ts // MS * MS + draw.whole(0, 900_000) * MS, (action.ts // MINUTE + draw.whole(0, 15)) * MINUTE)


NEAR = (0.0005, 0.003, 0.01, 0.01, 0.03, 0.1)  # fractions of the price


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
