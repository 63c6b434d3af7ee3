"""From paths to the records that an exchange would send: bars, open interest, funding and liquidations."""

import numpy as np

from backtester.market.episodes import GRID, PREMIUM_BP
from backtester.market.paths import STEPS, Knots, Paths, rounded, wander
from backtester.market.schema import LAG_MS
from backtester.records import BAR, FUNDING, LIQUIDATION, OPEN_INTEREST

START = np.datetime64("2025-04-01T00:00", "ns").astype("i8")
MINUTE = 60 * 10**9      # ns
SPOT_LOT, PERP_LOT = 1e-5, 1e-3              # base
SPOT_VOLUME, PERP_VOLUME = 14.0, 80.0        # base per minute in a quiet market
QUOTE_STEP = 1e-4                            # quote
FUNDING_H = 8
INTEREST, CLAMP = 1e-4, 5e-4                 # funding formula: interest rate and the reach of its clamp, per 8 h
RATE_STEP = 1e-8
EVERYDAY = 0.12                              # everyday liquidations per minute
EVERYDAY_USD, FORCED_USD = 60e3, 200e3       # usual notional of an everyday and of a planted liquidation, quote


def known(table: np.ndarray, stream: str, moment: str = "ts_event") -> np.ndarray:
    """Fill `ts_known`: the stream's lag after the moment at which the record was complete."""
    table["ts_known"] = table[moment] + LAG_MS[stream] * 10**6
    return table


def bars(stream: str, path: np.ndarray, volume: np.ndarray, taker_share: np.ndarray, lot: float) -> np.ndarray:
    """Minute bars of a path; each opens where the last one closed."""
    inside = np.lib.stride_tricks.sliding_window_view(path, STEPS + 1)[::STEPS]
    table = np.zeros(len(inside), BAR)
    table["ts_event"] = START + np.arange(len(table)) * MINUTE
    table["ts_close"] = table["ts_event"] + MINUTE
    table["open"], table["close"] = inside[:, 0], inside[:, -1]
    table["high"], table["low"] = inside.max(axis=1), inside.min(axis=1)
    table["volume"] = np.maximum(rounded(volume, lot), lot)
    table["quote_volume"] = rounded(table["volume"] * inside.mean(axis=1), QUOTE_STEP)
    table["taker_buy"] = rounded(table["volume"] * taker_share, lot)
    return known(table, stream, "ts_close")


def volumes(rng, p: Paths, activity: np.ndarray, usual: float) -> np.ndarray:
    """Base volume per minute: clustered, larger in large moves and in the legs' activity."""
    mood = wander(rng, len(p.leg), 0.45, 180) + rng.normal(0, 0.35, len(p.leg))
    return usual * np.exp(mood) * activity[p.leg] * (0.6 + 0.5 * np.abs(p.surprise))


def taker_shares(rng, p: Paths, flow: np.ndarray) -> np.ndarray:
    """Share of the volume that takers bought: the leg's flow, the minute's return, and chance."""
    return np.clip(0.5 + flow[p.leg] / 2 + 0.04 * p.surprise + rng.normal(0, 0.07, len(p.leg)), 0.03, 0.97)


def both_bars(rng, k: Knots, p: Paths) -> tuple[np.ndarray, np.ndarray]:
    """Minute bars of spot and perp."""
    activity, spot_flow, perp_flow = (np.array([getattr(leg, name) for leg in k.legs]) for name in ("activity", "spot_flow", "perp_flow"))
    spot = bars("spot_bars", p.spot, volumes(rng, p, activity, SPOT_VOLUME), taker_shares(rng, p, spot_flow), SPOT_LOT)
    perp = bars("perp_bars", p.perp, volumes(rng, p, activity, PERP_VOLUME), taker_shares(rng, p, perp_flow), PERP_LOT)
    return spot, perp


def open_interest(p: Paths) -> np.ndarray:
    table = np.zeros(len(p.oi) - 1, OPEN_INTEREST)
    table["ts_event"] = START + np.arange(len(table)) * GRID * MINUTE
    table["qty"] = p.oi[:-1]
    return known(table, "open_interest")


def funding(spot: np.ndarray, perp: np.ndarray) -> np.ndarray:
    """Settlements by the exchange's formula, from the premium of the perp over spot in the hours before."""
    index = ((perp["close"] - spot["close"]) / spot["close"]).reshape(-1, FUNDING_H * 60)
    weight = np.arange(1, FUNDING_H * 60 + 1)
    mean = (index * weight).sum(axis=1) / weight.sum()
    mean = np.append(-PREMIUM_BP / 1e4, mean[:-1])
    table = np.zeros(len(mean), FUNDING)
    table["ts_event"] = START + np.arange(len(mean)) * FUNDING_H * 60 * MINUTE
    table["rate"] = rounded(mean + np.clip(INTEREST - mean, -CLAMP, CLAMP), RATE_STEP)
    table["interval_h"] = FUNDING_H
    return known(table, "funding")


def prints(rng, p: Paths, first: int, minutes: int, side: float, usd: float) -> np.ndarray:
    """Liquidations of one side that add up to `usd`, spread over a stretch of minutes."""
    table = np.zeros(max(1, int(usd / FORCED_USD)), LIQUIDATION)
    point = first * STEPS + rng.integers(0, minutes * STEPS, len(table))
    size = rng.lognormal(0, 1.2, len(table))
    table["ts_event"] = START + point * (MINUTE // STEPS) + rng.integers(0, 9_999, len(table)) * 10**6
    table["side"] = side
    table["price"] = p.perp[point]
    table["qty"] = np.maximum(rounded(usd * size / size.sum() / table["price"], PERP_LOT), PERP_LOT)
    return table


def everyday(rng, p: Paths) -> np.ndarray:
    """Small liquidations all along, of the side that the minute moved against."""
    minute = np.flatnonzero(rng.random(len(p.leg)) < EVERYDAY)
    table = np.zeros(len(minute), LIQUIDATION)
    table["ts_event"] = START + minute * MINUTE + rng.integers(0, 59_999, len(minute)) * 10**6
    table["side"] = np.where(rng.random(len(minute)) < 0.5 - 0.2 * np.clip(p.surprise[minute], -2, 2), 1.0, -1.0)
    table["price"] = p.perp[minute * STEPS + STEPS]
    table["qty"] = np.maximum(rounded(EVERYDAY_USD * rng.lognormal(0, 1.2, len(minute)) / table["price"], PERP_LOT), PERP_LOT)
    return table


def liquidations(rng, k: Knots, p: Paths) -> np.ndarray:
    parts = [everyday(rng, p)]
    for leg, first in zip(k.legs, k.minute, strict=False):
        for side, usd in zip((1.0, -1.0), leg.liquidated, strict=True):
            if usd > 0:
                parts.append(prints(rng, p, first, leg.minutes, side, usd))
    table = np.concatenate(parts)
    return known(table[np.argsort(table["ts_event"], kind="stable")], "liquidations")
