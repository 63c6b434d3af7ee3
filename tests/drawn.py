"""Little markets, venues and lists of actions that hypothesis draws, and shrinks where one of them breaks something.

Bars are minutes on one grid, so that what must hold can be said of every bar; prices come from a seed, everything else is drawn.
"""

from math import nan
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from reference.by_hand import ROLES, START, bars, settlements, tiers
from reference.orders import Action

from backtester.market.schema import Instrument

SECOND, BP = 10**9, 1e-4
VERBS = (
    "market",
    "target",
    "market_order",
    "limit",
    "stop",
    "take_profit",
    "stop_limit",
    "trailing_stop",
    "bracket",
    "bracket",
    "oco",
    "cancel",
    "cancel_all",
    "amend",
)
TIFS = ("gtc", "gtc", "ioc", "fok")
whole = st.integers
ACTIONS = st.lists(
    st.fixed_dictionaries(
        {
            "verb": st.sampled_from(VERBS),
            "minute": whole(0, 23),
            "second": whole(0, 59),
            "late": st.booleans(),
            "on": whole(0, 3),
            "buys": st.booleans(),
            "percent": whole(1, 110),
            "near": whole(-20, 200),
            "far": whole(1, 400),
            "flags": whole(0, 15),
            "tif": st.sampled_from(TIFS),
            "until": whole(-10, 12),
            "back": whole(1, 6),
            "apart": whole(1, 3),
        }
    ),
    min_size=2,
    max_size=14,
)
VENUE = {
    "leverage": st.sampled_from((1.0, 3.0, 10.0, 25.0, 50.0)),
    "margin": st.sampled_from(("isolated", "cross")),
    "liquidation": st.sampled_from(("bankruptcy", "mark_slip")),
    "fills": st.sampled_from(("next_open", "strict")),
    "latency_ms": st.sampled_from((0.0, 250.0, 61_000.0)),
    "path": st.sampled_from(("adverse", "ohlc", "olhc", "nearest")),
    "taker_bp": st.sampled_from((0.0, 5.0)),
    "maker_bp": st.sampled_from((0.0, 2.0, -1.0)),
    "slippage_bp": st.sampled_from((0.0, 3.0, 50.0)),
    "spread_bp": st.sampled_from((0.0, 4.0)),
    "impact_bp": st.sampled_from((0.0, 0.0, 30.0)),
    "participation": st.sampled_from((None, None, 0.05, 0.5)),
}
MARKET = {
    "bars": whole(6, 24),
    "seed": whole(0, 2**32 - 1),
    "sigma": st.sampled_from((0.002, 0.01, 0.04)),
    "gaps": st.booleans(),
    "second_asset": st.booleans(),
    "second_lag": st.sampled_from((0.5, 0.5, 0.7, 8.0)),
    "both": st.just(()),  # shares of the margin with which both perpetuals are opened early
    "marks": st.sampled_from(("", "", "mark", "index", "both")),
    "mark_lag": st.sampled_from((0.2, 0.5, 3.0)),
    "rates": st.lists(st.tuples(whole(0, 24), st.sampled_from((0, 30)), whole(-400, 400)), max_size=4),
    "steps": st.booleans(),
    "maintenance": whole(5, 60),
    "versions": st.sampled_from((0, 0, 1, 2)),
}
# Two perpetuals on one margin.
SHARED_VENUE = VENUE | {"leverage": st.sampled_from((10.0, 25.0, 50.0)), "margin": st.just("cross")}
SHARED_MARKET = MARKET | {
    "second_asset": st.just(True),
    "sigma": st.sampled_from((0.01, 0.04)),
    "both": st.sampled_from(((0.3, 0.3), (0.45, -0.4), (-0.25, -0.6), (-0.6, 0.3))),
}


class Drawn(NamedTuple):
    """What a run takes."""

    tables: dict
    instruments: tuple
    venue: dict
    actions: list


def script(shape: dict, venue: dict, asked: list) -> Drawn:
    """The market of a shape, under a venue, with the actions that fit it."""
    rng = np.random.default_rng(shape["seed"])
    lags = (0.5, shape["second_lag"])[: 1 + shape["second_asset"]]
    spots = {2 * asset: walk(rng, shape, (100.0, 7.0)[asset], lag) for asset, lag in enumerate(lags)}
    tables = {("spot_bars", index): table for index, table in spots.items()}
    for index, spot in spots.items():
        tables |= perp_tables(rng, shape, index + 1, spot, lags[index // 2])
    held = {index: table for (stream, index), table in tables.items() if stream in ("spot_bars", "perp_bars")}
    venue = venue | {"cash": 1000.0, "missing_funding": "free", "liquidation_fee_bp": 100.0, "maintenance_bp": None}
    if shape["versions"]:
        tables |= {("brackets", index): ladder(rng, shape, venue) for index in held if index % 2}
    else:
        venue["maintenance_bp"] = shape["maintenance"] / venue["leverage"] * 100.0
    instruments = tuple(instrument(index, shape, held) for index in range(4))
    actions = [action(one, n, venue, held) for n, one in enumerate(asked)]
    actions += both(shape, venue, held)
    return Drawn(tables, instruments, venue, sorted(actions, key=lambda action: action.ts))


def instrument(index: int, shape: dict, held: dict) -> Instrument:
    """With steps where the shape has them."""
    price = (100.0, 7.0)[index // 2]
    steps = {"tick": price / 1000.0, "lot": 0.5 / price, "min_notional": 5.0} if shape["steps"] else {}
    return Instrument(f"I{index}" if index in held else "", ROLES[index], **steps)


def noise(rng, size: int, scale: float) -> np.ndarray:
    return np.exp(rng.normal(0.0, scale, size))


def walk(rng, shape: dict, price: float, lag: float) -> np.ndarray:
    """Minutes along a random walk, some of them after a gap."""
    n = shape["bars"]
    close = price * np.exp(np.cumsum(rng.normal(0.0, shape["sigma"], n)))
    first = np.append(price, close[:-1]) * (noise(rng, n, shape["sigma"]) if shape["gaps"] else 1.0)
    return drawn_bars(rng, first, close, shape["sigma"], lag)


def drawn_bars(rng, first, close, sigma: float, lag: float) -> np.ndarray:
    """Minutes from `first` to `close`, with wicks."""
    n = len(close)
    high, low = (
        np.maximum(first, close) * np.exp(abs(rng.normal(0.0, sigma, n))),
        np.minimum(first, close) / np.exp(abs(rng.normal(0.0, sigma, n))),
    )
    out = bars(list(zip(first, high, low, close, strict=True)), lag=lag)
    out["volume"] = 100.0 * noise(rng, n, 1.0) * (rng.random(n) > 0.1)
    return out


def near(rng, table: np.ndarray, scale: float, lag: float) -> np.ndarray:
    """Bars of another stream near a table's."""
    n = len(table)
    return drawn_bars(rng, table["open"] * noise(rng, n, scale), table["close"] * noise(rng, n, scale), scale, lag)


def perp_tables(rng, shape: dict, index: int, spot: np.ndarray, lag: float) -> dict:
    """What belongs to a perpetual near its spot."""
    own = near(rng, spot, 0.001, lag)
    tables = {("perp_bars", index): own}
    if shape["marks"] in ("mark", "both"):
        tables["mark_bars", index] = near(rng, own, 0.003, shape["mark_lag"])
    if shape["marks"] in ("index", "both"):
        tables["index_bars", index] = near(rng, spot, 0.003, shape["mark_lag"])[: max(1, shape["bars"] - 2)]
    moments = {60 * minute + second: rate * BP for minute, second, rate in shape["rates"] if minute < shape["bars"]}
    if moments:
        tables["funding", index] = settlements(*sorted(moments.items()))
    return tables


def ladder(rng, shape: dict, venue: dict) -> np.ndarray:
    """One or two versions of margin brackets; the second one comes into force inside the market."""
    out = []
    for n in range(shape["versions"]):
        rate, steps = shape["maintenance"] / 100.0 / venue["leverage"] * rng.uniform(0.6, 1.2), []
        cap, amount = venue["cash"] * venue["leverage"] * rng.uniform(0.1, 1.0), 0.0
        for _ in range(int(rng.integers(1, 4))):
            steps.append((cap, rate, amount, 2.0 * venue["leverage"]))
            higher = min(rate * 1.4, 0.9 / venue["leverage"])
            amount, cap, rate = amount + cap * (higher - rate), cap * 3.0, higher
        out.append((-60 if n == 0 else int(rng.integers(1, 60 * shape["bars"])), 0.01, steps))
    return tiers(*out)


def both(shape: dict, venue: dict, held: dict) -> list[Action]:
    """Both perpetuals are opened early, each with its share of what the margin allows."""
    moment = START + 60 * SECOND + SECOND // 2
    return [
        Action(moment, False, "market", index, qty=share * venue["cash"] * venue["leverage"] / float(held[index]["close"][0]))
        for index, share in zip((1, 3), shape["both"], strict=False)
    ]


def action(one: dict, number: int, venue: dict, held: dict) -> Action:
    """The verb of a drawn dictionary: sizes in percent of what the margin allows, levels in basis points of the last known close."""
    on = sorted(held)[one["on"] % len(held)]
    table, verb, side = held[on], one["verb"], 1.0 if one["buys"] else -1.0
    minute = one["minute"] % (len(table) - 3)  # some bars are left for it
    price = float(table["close"][minute])
    ts = START + (60 * (minute + 1) + one["second"]) * SECOND + SECOND // 2
    size = one["percent"] / 100.0 * venue["cash"] * (venue["leverage"] if on % 2 else 1.0) / price
    above, below = price * (1.0 + side * one["near"] * BP), price * (1.0 - side * one["near"] * BP)
    out = Action(ts, one["late"] and verb != "oco", verb, on, qty=side * size, reduce_only=one["flags"] & 3 == 3, tif=one["tif"])
    if verb in ("limit", "stop_limit"):
        out.price = below
    if verb in ("stop", "stop_limit"):
        out.trigger = above
    if verb == "take_profit":
        out.trigger = below
    if verb == "trailing_stop":
        out.distance = one["far"] * BP * price
    if verb == "bracket":
        out.stop, out.target = price * (1.0 - side * one["far"] * BP), price * (1.0 + side * abs(one["near"] + 1) * BP)
        out.price, out.reduce_only = below if one["flags"] & 4 else nan, False
    if verb == "target":
        out.qty *= one["flags"] != 0
    if verb == "limit":
        out.post_only = one["flags"] & 12 == 12
    else:
        out.tif = one["tif"] if verb == "market_order" else "gtc"
    if one["until"] > 0 and verb in ("limit", "stop", "take_profit", "stop_limit", "trailing_stop", "market_order"):
        out.until = ts + 60 * one["until"] * SECOND
    if verb == "amend":
        out.level, out.qty = above if one["flags"] & 4 else nan, out.qty if one["flags"] & 8 else nan
    out.order = out.a = max(0, number - one["back"])
    out.b = out.a + one["apart"]
    return out


ANY = st.builds(script, st.fixed_dictionaries(MARKET), st.fixed_dictionaries(VENUE), ACTIONS)
SHARED = st.builds(script, st.fixed_dictionaries(SHARED_MARKET), st.fixed_dictionaries(SHARED_VENUE), ACTIONS)
