"""Each feature by itself on a random market: it is causal, and it is the same plain and compiled."""

import math

import pytest
from moments import begin_nothing, causal, same_compiled

from backtester.features.basic import missing
from backtester.features.doors import Doors, bound_doors, see_doors, start_doors
from backtester.features.flow import Flow, see_flow
from backtester.features.funding import Funding, see_funding_rate
from backtester.features.labels import Label, RequireOi, label
from backtester.features.legs import Legs, see_legs, start_legs
from backtester.features.median import slide
from backtester.features.open_interest import OpenInterest, age_contracts, see_contracts
from backtester.features.premium import Premium, Source, see_premium, start_premium
from backtester.features.premium_moves import PremiumMoves, see_premium_moves
from backtester.features.ranks import MONTH, Month, Usual, rank, sample, z_score
from backtester.features.support import Support, see_support, start_support
from backtester.features.volatility import Volatility, see_volatility, start_volatility


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


class Samples:
    month: Month
    usual: Usual
    rank: float
    z: float


def feed_samples(f, m):
    """Three a moment, so that the rings go round."""
    for x in (m.perp.close, m.perp.volume, m.spot.taker_buy):
        if not missing(x):
            slide(f.month, x, MONTH)
            sample(f.usual, x)
        f.rank = rank(f.month, x, MONTH)
        f.z = z_score(f.usual, x)


def feed_contracts(f, m):
    see_contracts(f, m.contracts)
    age_contracts(f, m.perp.ts_close)


FEATURES = {
    "path": (Path, begin_path, feed_path),
    "premium": (Premium, begin_premium, feed_premium),
    "premium_moves": (PremiumMoves, begin_nothing, feed_moves),
    "flow": (Flow, begin_nothing, feed_flow),
    "support": (Support, begin_support, feed_support),
    "funding": (Funding, begin_nothing, feed_funding),
    "samples": (Samples, begin_nothing, feed_samples),
    "open_interest": (OpenInterest, begin_nothing, feed_contracts),
}


@pytest.mark.parametrize("name", FEATURES)
def test_plain_and_compiled_are_the_same_bytes(name):
    same_compiled(FEATURES[name])


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_of_a_prefix_is_the_prefix_of_the_feature(name):
    causal(FEATURES[name])
