"""Random little markets: prices, settlements, margin brackets, with gaps, ties, flat bars and missing ones."""

from math import nan

import numpy as np

from backtester.market.schema import Instrument
from backtester.records import BAR, BRACKET, FUNDING, rows
from reference.draw import Draw

MS, SECOND, MINUTE = 10**6, 10**9, 60 * 10**9
START = 1_704_067_200 * SECOND  # 2024-01-01T00:00 UTC
ROLES = ("spot", "perp", "eth_spot", "eth_perp")


def draw_instrument(draw: Draw, index: int, price: float, size: float, tick: float | None) -> Instrument:
    return Instrument(
        f"I{index}", ROLES[index],
        tick=tick,
        lot=draw.spread(1e-3, 3e-2) * size if draw.chance(0.5) else None,
        min_notional=draw.spread(0.01, 0.1) * size * price if draw.chance(0.5) else None,
        taker_bp=draw.between(0.0, 10.0),
        maker_bp=draw.between(-1.0, 5.0),
    )


def walk(draw: Draw, price: float, minutes: int) -> np.ndarray:
    """Six prices a minute, for ten minutes more than needed: a walk with jumps."""
    sigma = draw.pick(0.002, 0.006, 0.02)
    steps = draw.rng.normal(0.0, sigma, (minutes + 10) * 6)
    jumps = draw.rng.random(len(steps)) < draw.pick(0.0, 0.01, 0.03)
    steps[jumps] += draw.rng.normal(0.0, draw.pick(0.05, 0.2), int(jumps.sum()))
    return price * np.exp(np.clip(np.cumsum(steps), -3.0, 3.0))


def draw_bars(draw: Draw, path: np.ndarray, interval: int, lag: int, size: float, noise: float, tick: float | None) -> np.ndarray:
    """Bars over a path of six prices a minute: gaps between them, flat ones, ones without volume, missing ones."""
    per = 6 * interval // MINUTE
    n = (len(path) - 60) // per
    own = path[: n * per] * np.exp(draw.rng.normal(0.0, noise, n * per))
    out = rows(BAR, n)
    out["ts_event"] = START + np.arange(n) * interval
    out["ts_close"] = out["ts_event"] + interval
    out["ts_known"] = out["ts_close"] + lag
    inside = own.reshape(n, per)
    out["close"] = inside[:, -1]
    joins = np.append(inside[0, 0], out["close"][:-1])
    out["open"] = np.where(draw.rng.random(n) < draw.pick(0.0, 0.3, 1.0), inside[:, 0], joins)
    out["high"] = np.maximum(inside.max(1), out["open"])
    out["low"] = np.minimum(inside.min(1), out["open"])
    flat = draw.rng.random(n) < 0.04
    for field in ("high", "low", "close"):
        out[field][flat] = out["open"][flat]
    if tick and draw.chance(0.7):
        for field in ("open", "high", "low", "close"):
            out[field] = np.maximum(np.round(out[field] / tick), 1.0) * tick
    out["volume"] = size * np.exp(draw.rng.normal(0.0, 1.5, n))
    out["volume"][draw.rng.random(n) < 0.05] = 0.0
    out["volume"][draw.rng.random(n) < 0.01] = nan
    out["quote_volume"] = out["taker_buy"] = nan
    keep = draw.rng.random(n) >= draw.pick(0.0, 0.0, 0.1)
    keep[:1] = True
    return out[keep]


def draw_market(draw: Draw, index: int, path: np.ndarray, size: float, lag: int, tick: float | None) -> dict:
    """The tables of one instrument."""
    interval = MINUTE if draw.chance(0.55) else 5 * MINUTE
    noise = draw.pick(0.0, 0.0005, 0.003)
    bars = draw_bars(draw, path, interval, lag, size, noise, tick)
    if index % 2 == 0:
        return {("spot_bars", index): bars}
    out = {("perp_bars", index): bars}
    streams = draw.pick((), (), ("mark_bars",), ("index_bars",), ("mark_bars", "index_bars"))
    for stream in streams:
        finer = interval if draw.chance(0.3) else MINUTE
        own_lag = draw.pick(lag, lag, lag // 2, lag + 3 * SECOND)
        out[stream, index] = draw_bars(draw, path, finer, own_lag, size, draw.pick(0.0005, 0.004), None)
    if draw.chance(0.7):
        settlements = funding(draw, bars)
        if len(settlements):
            out["funding", index] = settlements
    return out


def funding(draw: Draw, bars: np.ndarray) -> np.ndarray:
    """Settlements at odd moments, at opens and at closes, some of them known late."""
    end = int(bars["ts_close"][-1])
    moments = {START + draw.whole(0, (end - START) // MS) * MS for _ in range(draw.whole(0, 5))}
    moments |= {int(draw.among(bars[draw.pick("ts_event", "ts_close")])) for _ in range(draw.whole(0, 5))}
    out = rows(FUNDING, len(moments))
    out["ts_event"] = sorted(moments)
    out["ts_known"] = out["ts_event"] + draw.pick(0, 5 * SECOND, 20 * SECOND, 90 * SECOND)
    following = np.searchsorted(bars["ts_event"], out["ts_event"])
    bound = np.append(bars["ts_known"], np.iinfo("i8").max)[following]  # of the first bar that opens at or after it
    out["ts_known"] = np.minimum(out["ts_known"], bound)
    out["rate"] = draw.rng.normal(0.0, draw.pick(0.0005, 0.01), len(out))
    out["interval_h"] = 8.0
    return out


def brackets(draw: Draw, venue: dict, minutes: int) -> np.ndarray:
    """One to three versions, the first from the market's start or before it."""
    starts = sorted({draw.whole(1, minutes * 60) * SECOND for _ in range(draw.whole(0, 2))})
    out = rows(BRACKET, 1 + len(starts))
    out["ts_event"] = [START - draw.pick(0, 1, 1000) * MINUTE] + [START + start for start in starts]
    out["ts_known"] = out["ts_event"]
    for row in out:
        n = draw.whole(1, 4)
        row["tiers"], row["liquidation_fee"] = n, draw.between(0.001, 0.02)
        for name in ("cap", "rate", "amount", "leverage"):
            row[name][:] = nan
        first = venue["cash"] * venue["leverage"] * draw.spread(0.1, 3.0)
        row["cap"][:n] = np.cumsum([first * draw.spread(1.0, 4.0) for _ in range(n)])
        least = draw.between(0.1, 0.6) / venue["leverage"]
        row["rate"][:n] = np.minimum(least * np.cumprod([1.0] + [draw.between(1.2, 2.0) for _ in range(n - 1)]), 0.5)
        row["leverage"][:n] = venue["leverage"] * 2.0 * np.cumprod([1.0] + [draw.between(0.4, 1.0) for _ in range(n - 1)])
        row["amount"][0] = 0.0
        for k in range(1, n):
            row["amount"][k] = row["amount"][k - 1] + row["cap"][k - 1] * (row["rate"][k] - row["rate"][k - 1])
    return out
