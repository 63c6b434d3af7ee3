"""How large a position may be, which limit says so, and how much of it a situation deserves."""

import math

import numpy as np
import pytest
from moments import causal, same_compiled
from test_features import record

from backtester.features.answers import above, asked, below
from backtester.features.basic import NAN, missing
from backtester.features.multipliers import Multipliers, multiply, start_multipliers
from backtester.features.regime import Regime
from backtester.features.sizing import (
    ROOT_YEAR,
    Cap,
    Sizing,
    liquidation_distance,
    margin_sizing,
    prudent_qty,
    size_position,
    start_sizing,
)

U, N, Y = NAN, 0.0, 1.0


def sized(side=1.0, equity=10_000.0, price=100.0, stop=98.0, yearly=0.2, volume=1e6, multiplier=1.0, limits=None, margin=(0.004, NAN)):
    """(qty, the limit that bound); volatility as a yearly number."""
    f = record(Sizing)
    start_sizing(f, *(limits or (0.005, 0.20, 3.0, 0.02, 3.0)))
    margin_sizing(f, *margin)
    size_position(f, side, equity, price, stop, yearly / ROOT_YEAR, volume, multiplier)
    return float(f.qty), Cap(f.cap).name


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ({}, (25.0, "RISK")),                                             # 0.5 % of 10,000 over a distance of 2
        ({"stop": 99.9}, (100.0, "VOLATILITY")),                          # 20 % of target over 20 % a year: all of equity
        ({"stop": 99.9, "yearly": 0.05}, (300.0, "LEVERAGE")),
        ({"stop": 99.9, "volume": 1_000.0}, (20.0, "PARTICIPATION")),
        ({"stop": 80.0, "yearly": 0.01, "limits": (0.5, 0.2, 3.0, 0.02, 3.0)}, (10_000.0 / (60.0 * 0.996 + 0.4), "LIQUIDATION")),
        ({"stop": 100.0}, (0.0, "NOTHING")),
        ({"stop": 101.0}, (0.0, "NOTHING")),
        ({"equity": -5.0}, (0.0, "NOTHING")),
        ({"multiplier": 0.0}, (0.0, "NOTHING")),
        ({"side": -1.0, "stop": 102.0}, (25.0, "RISK")),
        ({"side": -1.0, "stop": 98.0}, (0.0, "NOTHING")),
        ({"multiplier": 0.5}, (12.5, "RISK")),
        ({"multiplier": 0.5, "stop": 99.9}, (50.0, "VOLATILITY")),
        ({"multiplier": 0.5, "stop": 99.9, "yearly": 0.05}, (200.0, "VOLATILITY")),
        ({"multiplier": 0.5, "stop": 99.9, "yearly": 0.01}, (250.0, "RISK")),
        ({"multiplier": 2.0, "stop": 99.9, "yearly": 0.05}, (300.0, "LEVERAGE")),   # a limit is not scaled
    ],
)
def test_each_limit_binds_in_its_turn(situation, expected):
    """A18."""
    qty, cap = sized(**situation)
    assert (qty, cap) == (pytest.approx(expected[0]), expected[1])


@pytest.mark.parametrize("missing_one", ["equity", "price", "stop", "yearly", "volume", "multiplier"])
def test_an_unknown_input_is_no_size(missing_one):
    qty, cap = sized(**{missing_one: NAN})
    assert (missing(qty), cap) == (True, "UNKNOWN")


def test_a_limit_that_is_off_needs_no_input():
    assert sized(yearly=NAN, volume=NAN, limits=(0.005, NAN, 3.0, NAN, NAN)) == (25.0, "RISK")
    assert sized(yearly=NAN, volume=NAN, limits=(0.005, NAN, 3.0, 0.02, NAN))[1] == "UNKNOWN"
    assert sized(yearly=0.0)[1] == "UNKNOWN"


def test_with_the_new_limits_off_the_size_is_the_old_one():
    for equity, price, stop in np.random.default_rng(1).uniform(1.0, 100.0, (200, 3)):
        qty, _ = sized(1.0, equity, price, stop, limits=(0.005, NAN, 3.0, NAN, NAN))
        assert qty == prudent_qty(equity, price, stop, 0.005, 3.0)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("maintenance", [0.004, 0.05])
def test_the_liquidation_price_of_the_size_is_three_stops_away(side, maintenance):
    """By the venue's formula, LP = (wallet - side q price) / (q (m - side)): the whole account backs the position."""
    equity, price, distance = 10_000.0, 100.0, 5.0
    qty, cap = sized(side, equity, price, price - side * distance, 0.01, limits=(0.9, 0.2, 50.0, 0.02, 3.0), margin=(maintenance, NAN))
    liquidated = (equity - side * qty * price) / (qty * (maintenance - side))
    assert (cap, side * (price - liquidated)) == ("LIQUIDATION", pytest.approx(3.0 * distance))


@pytest.mark.parametrize(("side", "leverage", "expected"), [(1.0, 50.0, 92_000 * 0.98 / 0.996), (-1.0, 50.0, 92_000 * 1.02 / 1.004)])
def test_isolated_liquidation_distance_is_the_definitions(side, leverage, expected):
    """EP (1 -+ 1 / L) / (1 -+ m)."""
    assert 92_000 - side * liquidation_distance(side, 92_000.0, leverage, 0.004) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("leverage", "share"),
    [(10.0, 1.0), (16.0, (0.0625 - 0.004) / 0.996 / 0.06), (300.0, 0.0), (0.0, NAN)],
)
def test_isolated_margin_too_near_cuts_in_proportion(leverage, share):
    """Stop 2 away, liquidation 9.6, 5.9 or no distance away: 25 by risk, less what lacks to 6."""
    qty, cap = sized(margin=(0.004, leverage))
    assert qty == pytest.approx(25.0 * share, nan_ok=True)
    assert cap == ("RISK" if share == 1.0 else "UNKNOWN" if missing(share) else "LIQUIDATION")


# ---------------------------------------------------------------- multipliers


def product(label=Regime.SPOT_BULL, clean=0.0, share=1.0, relay=N, ether=N, fragile=N, macro=1.0, bounds=(0.0, 2.0)):
    f = record(Multipliers)
    start_multipliers(f, *bounds)
    multiply(f, label, clean, share, relay, ether, fragile, macro)
    return float(f.product), round(float(f.coverage), 2)


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ({}, (1.0, 1.0)),
        ({"label": Regime.MIXED}, (0.5, 1.0)),                                # C4
        ({"label": Regime.LEVERAGE_BULL}, (0.25, 1.0)),
        ({"label": Regime.SHORT_COVER}, (0.25, 1.0)),
        ({"label": Regime.UNKNOWN}, (NAN, 0.83)),
        ({"clean": 0.6}, (1.25, 1.0)),                                 # A5
        ({"clean": 0.59}, (1.0, 1.0)),
        ({"clean": NAN}, (1.0, 0.83)),
        ({"share": 0.125}, (0.5625, 1.0)),                             # A13: three half-lives, 0.56
        ({"share": 0.125, "relay": U}, (0.5625, 1.0)),
        ({"share": 0.125, "relay": Y}, (1.0, 1.0)),                    # until spot has taken over
        ({"share": NAN}, (1.0, 0.83)),
        ({"ether": Y}, (1.5, 1.0)),                                    # A17
        ({"ether": U}, (1.0, 0.83)),
        ({"fragile": Y}, (0.5, 1.0)),                                  # C7f
        ({"fragile": U}, (1.0, 0.83)),
        ({"macro": 0.5}, (0.5, 1.0)),                                  # A14
        ({"macro": NAN}, (1.0, 0.83)),
        ({"clean": 0.9, "ether": Y}, (1.875, 1.0)),
        ({"clean": 0.9, "ether": Y, "bounds": (0.0, 1.5)}, (1.5, 1.0)),
        ({"label": Regime.MIXED, "fragile": Y, "bounds": (0.3, 1.5)}, (0.3, 1.0)),
        ({"label": Regime.MIXED, "share": 0.5, "ether": Y, "fragile": Y, "macro": 0.5}, (0.5 * 0.75 * 1.5 * 0.5 * 0.5, 1.0)),
    ],
)
def test_the_product_of_what_the_situation_deserves(situation, expected):
    assert product(**situation) == pytest.approx(expected, nan_ok=True)


# ---------------------------------------------------------------- causal, and the same compiled


class Sizes:
    cross: Sizing
    isolated: Sizing
    multipliers: Multipliers
    prudent: float = NAN


def begin_sizes(f):
    start_sizing(f.cross, 0.005, 0.20, 3.0, 0.02, 3.0)
    start_sizing(f.isolated, 0.05, NAN, 3.0, 0.9, 3.0)
    margin_sizing(f.isolated, 0.004, 25.0)
    start_multipliers(f.multipliers, 0.1, 1.5)


def feed_sizes(f, m):
    label = m.exogenous.tag + 1
    ether = above(m.ratio.top_accounts, 1.0)
    fragile = asked(m.exogenous.half_life_h - 24.0, below(m.depth.qty, 5.0))
    multiply(f.multipliers, label, m.ratio.accounts - 0.5, m.ratio.taker_volume, fragile, ether, fragile, m.exogenous.weight)
    stop = m.perp.close * (1.0 - m.trade.side * 0.01 * m.ratio.top_positions)
    sigma = math.sqrt(m.depth.qty) * 1e-4
    size_position(f.cross, m.trade.side, 1e4, m.perp.close, stop, sigma, m.perp.volume * 100.0, f.multipliers.product)
    size_position(f.isolated, m.trade.side, 1e4, m.perp.close, stop, sigma, m.perp.volume * 100.0, 1.0)
    f.prudent = prudent_qty(1e4, m.perp.close, stop, 0.005, 3.0)


SIZES = (Sizes, begin_sizes, feed_sizes)


def test_plain_and_compiled_are_the_same_bytes():
    same_compiled(SIZES)


def test_a_size_of_a_prefix_is_the_prefix_of_the_size():
    causal(SIZES)
