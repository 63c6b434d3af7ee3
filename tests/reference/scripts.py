"""Random scripts: a little market, a venue and a list of actions, the same ones for the same seed."""

from dataclasses import dataclass

from backtester.market.schema import Instrument
from reference.draw import Draw
from reference.markets import MINUTE, MS, ROLES, SECOND, brackets, draw_instrument, draw_market, walk
from reference.orders import Action
from reference.wishes import ALL, BRACKETS, draw_action, last_price

LATE = 4    # actions that one on_bar may ask for
EARLY = 3   # minutes before the first open in which actions may come
SCENES = ("any", "any", "any", "pair", "pair", "brackets")  # two perpetuals held jointly; brackets that fill in parts


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
    scene = draw.pick(*SCENES)
    venue = draw_venue(draw, scene)
    minutes, lag = draw.whole(20, 80), draw.pick(0, SECOND // 2, SECOND // 2, 2 * SECOND, 10 * SECOND)
    instruments, tables = [Instrument("", role) for role in ROLES], {}
    for asset in range(1 if scene != "pair" and draw.chance(0.6) else 2):
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
    actions = draw_pair(draw, venue, tables) if scene == "pair" else []
    actions = draw_actions(draw, venue, instruments, tables, actions, BRACKETS if scene == "brackets" else ALL)
    return Script(seed, tuple(instruments), tables, venue, actions)


def draw_venue(draw: Draw, scene: str) -> dict:
    flat = draw.between(20.0, 150.0) if draw.chance(0.2) else None
    own = {
        "any": {},
        "pair": {"margin": "cross", "leverage": draw.between(5.0, 50.0)},
        "brackets": {"participation": draw.spread(0.02, 0.5)},
    }
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
    } | own[scene]


def draw_pair(draw: Draw, venue: dict, tables: dict) -> list[Action]:
    """Both perpetuals, on the same side or on both, each for up to half of what the margin allows, asked at one moment."""
    sides, moment = draw.pick((1, 1), (1, -1), (-1, 1), (-1, -1)), draw.whole(0, 10) * MINUTE
    actions = []
    for side, index in zip(sides, (1, 3), strict=True):
        bars = tables["perp_bars", index]
        ts = int(bars["ts_event"][0]) + moment
        qty = side * draw.between(0.3, 0.5) * venue["cash"] * venue["leverage"] / last_price(bars, ts)
        actions.append(Action(ts, False, "market_order", index, qty=qty))
    return sorted(actions, key=lambda action: action.ts)


def draw_actions(draw: Draw, venue: dict, instruments: list, tables: dict, given: list[Action], chances) -> list[Action]:
    """5 to 30 moments of actions besides the given ones, in their order, at most LATE of them in one on_bar; some before the first bar."""
    bars = {index: table for (stream, index), table in tables.items() if stream in ("spot_bars", "perp_bars")}
    instants = sorted({int(ts) for table in bars.values() for ts in table["ts_known"]})
    first = min(int(table["ts_event"][0]) for table in bars.values())
    early, moments = draw.chance(0.2), []
    for _ in range(draw.whole(5, 30)):
        span = draw.between(0.0, 1.0) ** 1.5
        at = instants[min(int(span * len(instants)), len(instants) - 1)]
        if draw.chance(0.4):
            at = max(at - draw.whole(0, 90_000) * MS, first)
        if early and draw.chance(0.3):
            at = first - draw.whole(1, EARLY * 60_000) * MS
        moments += [at] * draw.pick(1, 1, 1, 2, 3)
    queued: dict[int, int] = {}
    actions: list[Action] = []
    for ts in sorted(moments):
        late = draw.chance(0.5) and ts >= first
        due = next((instant for instant in instants if instant >= ts), 0)
        queued[due] = queued.get(due, 0) + late
        actions.append(draw_action(draw, ts, late and queued[due] <= LATE, venue, instruments, bars, actions, chances))
    return sorted(given + actions, key=lambda action: action.ts)


