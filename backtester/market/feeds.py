"""From paths to the records that an exchange would send: bars, open interest, funding and liquidations."""

from itertools import pairwise

import numpy as np

from backtester.market.episodes import GRID, PREMIUM_BP
from backtester.market.paths import MINUTE, STEPS, Knots, Paths, rounded, wander
from backtester.market.schema import LAG_MS
from backtester.records import BAR, FUNDING, LIQUIDATION, OPEN_INTEREST

QUOTE_STEP = 1e-4                            # quote
FUNDING_H = 8                                # hours between settlements, where nothing else is said
INTEREST, CLAMP = 1e-4, 5e-4                 # funding formula: interest rate and the reach of its clamp, per 8 h
FORMULA_SINCE = int(np.datetime64("2025-09-18T08:01", "ns").astype("i8"))  # the newer formula's first moment
RATE_STEP = 1e-8
EVERYDAY = 0.12                              # everyday liquidations per minute
EVERYDAY_USD, FORCED_USD = 60e3, 200e3       # usual notional of an everyday and of a planted liquidation, quote


def known(table: np.ndarray, stream: str, moment: str = "ts_event") -> np.ndarray:
    """Fill `ts_known`: the stream's lag after the moment at which the record was complete."""
    table["ts_known"] = table[moment] + LAG_MS[stream] * 10**6
    return table


def bars(stream: str, start: int, path: np.ndarray, volume: np.ndarray, taker_share: np.ndarray, lot: float) -> np.ndarray:
    """Minute bars of a path from `start` (ns) on; each opens where the last one closed."""
    inside = np.lib.stride_tricks.sliding_window_view(path, STEPS + 1)[::STEPS]
    table = np.zeros(len(inside), BAR)
    table["ts_event"] = start + np.arange(len(table)) * MINUTE
    table["ts_close"] = table["ts_event"] + MINUTE
    table["open"], table["close"] = inside[:, 0], inside[:, -1]
    table["high"], table["low"] = inside.max(axis=1), inside.min(axis=1)
    table["volume"] = np.maximum(rounded(volume, lot), lot)
    table["quote_volume"] = rounded(table["volume"] * inside.mean(axis=1), QUOTE_STEP)
    table["taker_buy"] = rounded(table["volume"] * taker_share, lot)
    return known(table, stream, "ts_close")


def volumes(rng, p: Paths, activity: np.ndarray, usual: float) -> np.ndarray:
    """Base volume per minute: clustered, larger in large moves and in the legs' activity."""
    mood = wander(rng, len(p.leg), p.asset.volume_spread, 180) + rng.normal(0, 0.35, len(p.leg))
    return usual * np.exp(mood) * activity[p.leg] * (0.6 + 0.5 * np.abs(p.surprise))


def taker_shares(rng, p: Paths, flow: np.ndarray) -> np.ndarray:
    """Share of the volume that takers bought: the leg's flow, the minute's return, and chance."""
    return np.clip(0.5 + flow[p.leg] / 2 + 0.04 * p.surprise + rng.normal(0, 0.07, len(p.leg)), 0.03, 0.97)


def both_bars(rng, k: Knots, p: Paths) -> tuple[np.ndarray, np.ndarray]:
    """Minute bars of spot and perp."""
    activity, spot_flow, perp_flow = (np.array([getattr(leg, name) for leg in k.legs]) for name in ("activity", "spot_flow", "perp_flow"))
    a, start = p.asset, p.start
    spot = bars("spot_bars", start, p.spot, volumes(rng, p, activity, a.spot_volume), taker_shares(rng, p, spot_flow), a.spot_lot)
    perp = bars("perp_bars", start, p.perp, volumes(rng, p, activity, a.perp_volume), taker_shares(rng, p, perp_flow), a.perp_lot)
    return spot, perp


def open_interest(p: Paths) -> np.ndarray:
    table = np.zeros(len(p.oi) - 1, OPEN_INTEREST)
    table["ts_event"] = p.start + np.arange(len(table)) * GRID * MINUTE
    table["qty"] = p.oi[:-1]
    return known(table, "open_interest")


def funding(spot: np.ndarray, perp: np.ndarray, hours=None) -> np.ndarray:
    """Settlements by the exchange's formula of the day, from the premium of the perp over spot in the hours before.

    `hours` are the intervals one after the other, from the market's start on; left out: 8 throughout. The row of a settlement
    names the interval that ends with it; the first one, before which nothing is known, that which begins.
    """
    index = (perp["close"] - spot["close"]) / spot["close"]
    hours = np.full(len(index) // (FUNDING_H * 60), FUNDING_H) if hours is None else np.asarray(hours)
    minute = np.append(0, np.cumsum(hours)[:-1]) * 60
    table = np.zeros(len(hours), FUNDING)
    table["ts_event"] = perp["ts_event"][0] + minute * MINUTE
    table["interval_h"] = np.append(hours[0], hours[:-1])
    mean = [-PREMIUM_BP / 1e4] + [weighted(index[first:after]) for first, after in pairwise(minute)]
    table["rate"] = rounded(rate(np.array(mean), table["interval_h"], table["ts_event"] >= FORMULA_SINCE), RATE_STEP)
    return known(table, "funding")


def weighted(index: np.ndarray) -> float:
    """The mean of an interval's premiums, the later ones weighing more, in a straight line."""
    weight = np.arange(1, len(index) + 1)
    return float((index * weight).sum() / weight.sum())


def rate(mean: np.ndarray, interval_h: np.ndarray, newer: np.ndarray) -> np.ndarray:
    """Funding rates per interval, from mean premiums; `newer` (a mask) is where the formula of September 2025 is in force."""
    share = interval_h / 8
    interest = np.where(newer, INTEREST, INTEREST * share)
    return (mean + np.clip(interest - mean, -CLAMP, CLAMP)) * np.where(newer, share, 1.0)


def premium_index(spot: np.ndarray, perp: np.ndarray) -> np.ndarray:
    """The premium of the perp over spot as the exchange's index of it: bars without volume, a fraction."""
    table = perp.copy()
    for field in ("open", "close"):
        table[field] = rounded((perp[field] - spot[field]) / spot[field], RATE_STEP)
    table["high"], table["low"] = np.maximum(table["open"], table["close"]), np.minimum(table["open"], table["close"])
    table["volume"] = table["quote_volume"] = table["taker_buy"] = np.nan
    return known(table, "premium_index_bars", "ts_close")


def prints(rng, p: Paths, first: int, minutes: int, side: float, usd: float) -> np.ndarray:
    """Liquidations of one side that add up to `usd`, spread over a stretch of minutes."""
    table = np.zeros(max(1, int(usd / FORCED_USD)), LIQUIDATION)
    point = first * STEPS + rng.integers(0, minutes * STEPS, len(table))
    size = rng.lognormal(0, 1.2, len(table))
    table["ts_event"] = p.start + point * (MINUTE // STEPS) + rng.integers(0, 9_999, len(table)) * 10**6
    table["side"] = side
    table["price"] = p.perp[point]
    table["qty"] = np.maximum(rounded(usd * size / size.sum() / table["price"], p.asset.perp_lot), p.asset.perp_lot)
    return table


def everyday(rng, p: Paths) -> np.ndarray:
    """Small liquidations all along, of the side that the minute moved against."""
    minute = np.flatnonzero(rng.random(len(p.leg)) < EVERYDAY)
    table = np.zeros(len(minute), LIQUIDATION)
    table["ts_event"] = p.start + minute * MINUTE + rng.integers(0, 59_999, len(minute)) * 10**6
    table["side"] = np.where(rng.random(len(minute)) < 0.5 - 0.2 * np.clip(p.surprise[minute], -2, 2), 1.0, -1.0)
    table["price"] = p.perp[minute * STEPS + STEPS]
    size = EVERYDAY_USD * rng.lognormal(0, 1.2, len(minute)) / table["price"]
    table["qty"] = np.maximum(rounded(size, p.asset.perp_lot), p.asset.perp_lot)
    return table


def liquidations(rng, k: Knots, p: Paths) -> np.ndarray:
    parts = [everyday(rng, p)]
    for leg, first in zip(k.legs, k.minute, strict=False):
        for side, usd in zip((1.0, -1.0), leg.liquidated, strict=True):
            if usd > 0:
                parts.append(prints(rng, p, first, leg.minutes, side, usd))
    table = np.concatenate(parts)
    return known(table[np.argsort(table["ts_event"], kind="stable")], "liquidations")
