"""A random market, moment by moment, for testing a feature by itself: is it causal, is it the same plain and compiled?"""

import numba
import numpy as np
from drive import bars, contracts, settlements

from backtester.engine.fingerprint import Weaver
from backtester.engine.jit import OPTIONS
from backtester.features.basic import NAN
from backtester.fields import dtype_of, initial
from backtester.records import BAR, DEPTH, EXOGENOUS, FUNDING, LIQUIDATION, LONG_SHORT_RATIO, OPEN_INTEREST, TRADE_PRINT, row_type, rows

STREAMS = {
    "spot": BAR, "perp": BAR, "eth_spot": BAR, "eth_perp": BAR, "premium_index": BAR, "contracts": OPEN_INTEREST, "funding": FUNDING,
    "ratio": LONG_SHORT_RATIO, "liquidation": LIQUIDATION, "trade": TRADE_PRINT, "spot_trade": TRADE_PRINT, "depth": DEPTH,
    "exogenous": EXOGENOUS,
}
MOMENT = np.dtype([(name, row_type(kind)) for name, kind in STREAMS.items()])


def begin_nothing(f):
    """For a feature without parameters."""


def random_bars(rng, close, minutes, traded):
    """Bars around the closes, their takers undecided."""
    table = bars(close, minutes, volume=traded * rng.uniform(1, 9, len(close)))
    table["high"] *= np.exp(rng.exponential(1e-3, len(close)))
    table["low"] *= np.exp(-rng.exponential(1e-3, len(close)))
    table["taker_buy"] = table["volume"] * rng.uniform(0.3, 0.7, len(close))
    table["quote_volume"] = table["volume"] * close
    return table


def random_moments(count=1000, minutes=15):
    """A random market with halts, missing taker volume, faulty open interest: what every feature must digest."""
    rng = np.random.default_rng(7)
    out = rows(MOMENT, count)
    perp = 100.0 * np.exp(rng.normal(0, 0.002, count).cumsum())
    traded = rng.random(count) > 0.01
    eth = 10.0 * np.exp(rng.normal(0, 0.003, count).cumsum())
    for name, close in (("spot", perp * np.exp(rng.normal(0, 2e-4, count))), ("perp", perp), ("eth_spot", eth), ("eth_perp", eth)):
        out[name] = random_bars(rng, close, minutes, traded)
    out["spot"]["taker_buy"][700] = NAN
    out["premium_index"] = bars(rng.normal(-1e-4, 2e-4, count), minutes)
    out["contracts"] = contracts(1e5 * np.exp(rng.normal(0, 0.003, count).cumsum()), minutes)
    out["contracts"]["qty"][rng.random(count) < 0.02] = 0.0
    out["funding"] = settlements(1e-4, count)
    out["funding"]["rate"] = rng.normal(0, 1e-4, count)
    for name in ("accounts", "top_accounts", "top_positions", "taker_volume"):
        out["ratio"][name] = np.exp(rng.normal(0, 0.2, count))
    for name, size in (("liquidation", 2e4), ("trade", 3e2), ("spot_trade", 3e2)):
        out[name]["side"], out[name]["qty"], out[name]["price"] = rng.choice([-1.0, 1.0], count), rng.exponential(size, count), perp
    out["depth"]["percent"] = rng.choice([-5.0, -0.2, 0.2, 5.0], count)
    out["depth"]["qty"], out["depth"]["notional"] = rng.exponential(10.0, count), rng.exponential(1e3, count)
    out["exogenous"]["tag"] = rng.integers(0, 4, count)
    out["exogenous"]["weight"], out["exogenous"]["half_life_h"] = rng.normal(0, 1, count), rng.choice([0.0, 24.0, 72.0], count)
    for name in ("ratio", "liquidation", "trade", "spot_trade", "depth", "exogenous"):
        out[name]["ts_event"] = out[name]["ts_known"] = out["perp"]["ts_close"]
    return out


def first(begin, f):
    begin(f[0])


def step(feed, f, moments, i):
    feed(f[0], moments[i])


def images_of(feature, moments, compiled=False):
    """The record of a feature (its class, its start, its feed) after each moment, as canonical words: every NaN is the same NaN."""
    cls, begin, feed = feature
    f, images = initial(cls), np.zeros(len(moments), row_type(dtype_of(cls)))
    start, go = first, step
    if compiled:
        start, go = numba.njit(**OPTIONS)(first), numba.njit(**OPTIONS)(step)
        weaver = Weaver()
        begin, feed = weaver.weave(begin), weaver.weave(feed)
    start(begin, f)
    for i in range(len(moments)):
        go(feed, f, moments, i)
        images[i] = f[0]
    words = images.view(np.uint8).reshape(len(moments), -1).view("f8").copy()
    words[np.isnan(words)] = np.nan
    return words.view("i8")


def same_compiled(feature, count=1000):
    """Assert that plain Python and compiled code leave the same bytes after every moment; fewer of them for a large record."""
    moments = random_moments()[:count]
    plain = images_of(feature, moments)
    assert len(np.unique(plain, axis=0)) > count // 10
    assert plain.tobytes() == images_of(feature, moments, compiled=True).tobytes()


def causal(feature, count=1000):
    """Assert that neither the end of the data nor another future changes what the feature said before."""
    moments = random_moments()[:count]
    whole = images_of(feature, moments)
    for stop in (1, *(count * share // 1000 for share in (97, 480, 731))):
        other = moments.copy()
        other[stop:] = moments[stop:][::-1]
        assert images_of(feature, moments[:stop]).tobytes() == whole[:stop].tobytes()
        assert images_of(feature, other)[:stop].tobytes() == whole[:stop].tobytes()
