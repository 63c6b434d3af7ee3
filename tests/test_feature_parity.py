"""Each feature by itself on a random market: it is causal, and it is the same plain and compiled."""

import math

import numba
import numpy as np
import pytest
from drive import bars, contracts, settlements

from backtester.engine.fingerprint import Weaver
from backtester.engine.jit import OPTIONS
from backtester.features.basic import NAN
from backtester.features.doors import Doors, bound_doors, see_doors, start_doors
from backtester.features.flow import Flow, see_flow
from backtester.features.funding import Funding, see_funding_rate
from backtester.features.labels import Label, RequireOi, label
from backtester.features.legs import Legs, see_legs, start_legs
from backtester.features.open_interest import OpenInterest, age_contracts, see_contracts
from backtester.features.premium import Premium, Source, see_premium, start_premium
from backtester.features.premium_moves import PremiumMoves, see_premium_moves
from backtester.features.support import Support, see_support, start_support
from backtester.features.volatility import Volatility, see_volatility, start_volatility
from backtester.fields import dtype_of, initial
from backtester.records import BAR, FUNDING, OPEN_INTEREST, row_type, rows

KINDS = {"spot": BAR, "perp": BAR, "contracts": OPEN_INTEREST, "funding": FUNDING}
MOMENT = np.dtype([(name, row_type(kind)) for name, kind in KINDS.items()])


class Path:
    premium: Premium
    volatility: Volatility
    legs: Legs
    doors: Doors
    label: Label = Label.UNKNOWN


def begin_path(f):
    start_premium(f.premium, Source.CLOSE, 30.0, 60.0)
    start_volatility(f.volatility, 240.0)
    start_legs(f.legs, 40.0, 2.0, 15.0, 0.6)
    start_doors(f.doors, 80.0, 600.0, 480.0, 0.25, 2.5)
    bound_doors(f.doors, 400.0, 10.0, 3, 48.0)


def feed_path(f, m):
    see_volatility(f.volatility, m.perp)
    see_premium(f.premium, m.spot, m.perp)
    see_legs(f.legs, m.perp, f.premium, m.contracts.qty, f.volatility.sigma)
    f.label = label(f.legs.now, 1.0, 0.5, 0.001, RequireOi.HARD)
    see_doors(f.doors, f.legs, f.label)


def begin_premium(f):
    start_premium(f, Source.VWAP, 30.0, 60.0)


def feed_premium(f, m):
    see_premium(f, m.spot, m.perp)


def feed_moves(f, m):
    see_premium_moves(f, m.perp.ts_close, 1e4 * math.log(m.spot.close / m.perp.close))


def feed_flow(f, m):
    see_flow(f, m.spot)


def begin_support(f):
    start_support(f, 100.0, 0.0025, 3)


def feed_support(f, m):
    see_support(f, m.spot)


def feed_funding(f, m):
    see_funding_rate(f, m.funding)


def feed_contracts(f, m):
    see_contracts(f, m.contracts)
    age_contracts(f, m.perp.ts_close)


def begin_nothing(f):
    pass


FEATURES = {
    "path": (Path, begin_path, feed_path),
    "premium": (Premium, begin_premium, feed_premium),
    "premium_moves": (PremiumMoves, begin_nothing, feed_moves),
    "flow": (Flow, begin_nothing, feed_flow),
    "support": (Support, begin_support, feed_support),
    "funding": (Funding, begin_nothing, feed_funding),
    "open_interest": (OpenInterest, begin_nothing, feed_contracts),
}


def random_moments(count=1000, minutes=15):
    """A random market with halts, missing taker volume, faulty open interest: what every feature must digest."""
    rng = np.random.default_rng(7)
    out = rows(MOMENT, count)
    perp = 100.0 * np.exp(rng.normal(0, 0.002, count).cumsum())
    traded = rng.random(count) > 0.01
    for name, close in (("spot", perp * np.exp(rng.normal(0, 2e-4, count))), ("perp", perp)):
        table = bars(close, minutes, volume=traded * rng.uniform(1, 9, count))
        table["taker_buy"] = table["volume"] * rng.uniform(0.3, 0.7, count)
        table["quote_volume"] = table["volume"] * close
        out[name] = table
    out["spot"]["taker_buy"][700] = NAN
    out["contracts"] = contracts(1e5 * np.exp(rng.normal(0, 0.003, count).cumsum()), minutes)
    out["contracts"]["qty"][rng.random(count) < 0.02] = 0.0
    out["funding"] = settlements(1e-4, count)
    out["funding"]["rate"] = rng.normal(0, 1e-4, count)
    return out


def first(begin, f):
    begin(f[0])


def step(feed, f, moments, i):
    feed(f[0], moments[i])


def images_of(name, moments, compiled=False):
    """The feature's record after each moment, as canonical words: every NaN is the same NaN."""
    cls, begin, feed = FEATURES[name]
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


@pytest.mark.parametrize("name", FEATURES)
def test_plain_and_compiled_are_the_same_bytes(name):
    moments = random_moments()
    plain = images_of(name, moments)
    assert len(np.unique(plain, axis=0)) > 100
    assert plain.tobytes() == images_of(name, moments, compiled=True).tobytes()


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_of_a_prefix_is_the_prefix_of_the_feature(name):
    moments = random_moments()
    whole = images_of(name, moments)
    for stop in (1, 97, 480, 731):
        other = moments.copy()
        other[stop:] = moments[stop:][::-1]
        assert images_of(name, moments[:stop]).tobytes() == whole[:stop].tobytes()
        assert images_of(name, other)[:stop].tobytes() == whole[:stop].tobytes()
