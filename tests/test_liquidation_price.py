"""The liquidation price: what an exchange publishes, and that the margin is exactly used up there."""

from itertools import pairwise
from math import inf, nan
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from backtester.checkout import ROOT
from backtester.engine.margin import liquidation_price, maintenance
from backtester.market.brackets import read_brackets

FILE = ROOT / "data" / "brackets" / "binance_btcusdt.yaml"
price_of, needed_at = (getattr(each, "py_func", each) for each in (liquidation_price, maintenance))  # in plain Python
BY_BRACKETS = SimpleNamespace(maintenance=nan)
POSITIONS = 1000


def one_tier(rate, amount):
    return SimpleNamespace(tiers=1, rate=[rate], amount=[amount])


@pytest.mark.parametrize(
    ("size", "entry", "rate", "amount", "maintenance_of_others", "profit_of_others", "price"),
    [
        (3683.979, 1456.84, 0.1, 135_365.0, 0.0, 0.0, 1114.78),
        (3683.979, 1456.84, 0.1, 135_365.0, 71_200.81144, -56_354.57, 1153.26),
        (109.488, 32_481.98, 0.025, 16_300.0, 0.0, 0.0, 18_778.73),
        (109.488, 32_481.98, 0.025, 16_300.0, 356_512.508, -448_192.89, 26_316.89),
    ],
)
def test_the_four_prices_that_the_exchange_publishes(size, entry, rate, amount, maintenance_of_others, profit_of_others, price):
    wallet = 1_535_443.01 - maintenance_of_others + profit_of_others
    assert round(price_of(1.0, size, entry, wallet, BY_BRACKETS, one_tier(rate, amount)), 2) == price


def margin_of(tiers, notional):
    """Maintenance margin (quote) tier by tier: each part of the notional at its own tier's rate."""
    below, total = 0.0, 0.0
    for cap, rate, _ in tiers[:-1]:
        total += max(min(notional, cap) - below, 0.0) * rate
        below = cap
    return total + max(notional - below, 0.0) * tiers[-1][1]


def positions(count, seed=11):
    """(side, size, entry, leverage, tiers as the file has them, their record) of random positions over all versions of the real file."""
    rng, raw = np.random.default_rng(seed), yaml.safe_load(FILE.read_text())["versions"]
    table, _, _ = read_brackets(FILE)
    for _ in range(count):
        version, side = int(rng.integers(len(table))), float(rng.choice([-1.0, 1.0]))
        entry, notional = np.exp(rng.uniform(np.log(3e3), np.log(1e5))), np.exp(rng.uniform(np.log(100.0), np.log(4e8)))
        tiers = raw[version]["tiers"]
        most = next((leverage for cap, _, leverage in tiers if cap >= notional), tiers[-1][2])
        yield side, notional / entry, entry, rng.uniform(1.1, max(most, 1.2)), tiers, table[version]


def check_isolated(count):
    """Tiers and sides met by so many positions whose wallet is the initial margin, less or more what funding made of it."""
    rng, tiers_met, sides = np.random.default_rng(1), set(), set()
    for side, size, entry, leverage, tiers, record in positions(count):
        wallet = size * entry / leverage * rng.uniform(0.7, 1.3)
        price = price_of(side, size, entry, wallet, BY_BRACKETS, record)
        balance = wallet + side * size * (price - entry)
        if price > 0.0:
            assert balance == pytest.approx(margin_of(tiers, size * price), rel=1e-9, abs=1e-6)
            assert balance == pytest.approx(needed_at(BY_BRACKETS, record, size * price), rel=1e-9, abs=1e-6)
            tiers_met.add(sum(size * price > cap for cap, *_ in tiers))
            sides.add(side)
        else:  # the wallet is more than a long position is worth: no price liquidates it
            assert side > 0.0
            assert wallet >= size * entry
    return tiers_met, sides


def check_cross(count):
    """How many of so many accounts of two perpetuals have a liquidation price: behind the first stand the cash and the second's profit less
    its maintenance margin."""
    rng, checked = np.random.default_rng(2), 0
    for (side, size, entry, leverage, tiers, record), (side2, size2, entry2, _, tiers2, record2) in pairwise(positions(count + 1)):
        mark2 = entry2 * rng.uniform(0.8, 1.2)
        profit2, margin2 = side2 * size2 * (mark2 - entry2), margin_of(tiers2, size2 * mark2)
        assert needed_at(BY_BRACKETS, record2, size2 * mark2) == pytest.approx(margin2, rel=1e-9)
        cash = size * entry / leverage + abs(profit2) + margin2
        price = price_of(side, size, entry, cash + profit2 - margin2, BY_BRACKETS, record)
        if price > 0.0:
            checked += 1
            balance, needed = cash + side * size * (price - entry) + profit2, margin_of(tiers, size * price) + margin2
            assert balance == pytest.approx(needed, rel=1e-9, abs=1e-9 * (cash + size2 * mark2))
    return checked


def test_at_the_liquidation_price_the_margin_balance_is_the_maintenance_margin():
    tiers_met, sides = check_isolated(POSITIONS)
    assert sides == {-1.0, 1.0}
    assert len(tiers_met) >= 10


def test_the_same_under_cross_margin():
    assert check_cross(POSITIONS) > 0.6 * POSITIONS


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_rate_of_the_venue_takes_the_place_of_the_tiers(side):
    """entry (1 - side / leverage) / (1 - side rate), the closed form of a fresh isolated position."""
    terms = SimpleNamespace(maintenance=0.004)
    for leverage in (2.0, 10.0, 100.0):
        price = price_of(side, 3.0, 92_000.0, 3.0 * 92_000.0 / leverage, terms, one_tier(inf, 0.0))
        assert price == pytest.approx(92_000.0 * (1.0 - side / leverage) / (1.0 - side * 0.004), rel=1e-12)
