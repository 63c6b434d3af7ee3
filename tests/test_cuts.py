"""Prefix invariance and future shuffle at many cuts: the strategies of strategies/, and one that uses every verb.

`python -m benchmarks.proof` makes a thousand cuts of each.
"""

from pathlib import Path

import pytest
from cuts import WINDOW_DAYS, cut_many, random_market, windows

import backtester as bt
from backtester.sources.recipe import import_recipe

EVERY_VERB = str(Path(__file__).with_name("every_verb.py"))
STRATEGIES = ["buy_and_hold", "divergence", "door", "spot_led", EVERY_VERB]
KINDS = {f"{kind} orders" for kind in ("market", "limit", "stop", "stop limit", "take profit", "trailing stop")}


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: Path(strategy).stem)
def test_nothing_later_is_known_on_random_data(strategy):
    counts = cut_many(strategy, (random_market(seed) for seed in range(4)), cuts_each=5)
    assert (counts["markets"], counts["cuts"]) == (4, 20)
    assert counts["fills"] > 0
    if strategy == EVERY_VERB:
        assert {kind for kind in counts if kind.endswith("orders") and counts[kind] > 50} == KINDS


@pytest.fixture(scope="module")
def real(real_data, tmp_path_factory):
    """load(name) gives a real market."""
    folder, markets = tmp_path_factory.mktemp("data"), {}

    def load(name):
        if name not in markets:
            import_recipe(name, real_data, folder / name)
            markets[name] = bt.load(folder / name)
        return markets[name]

    return load


@pytest.mark.real_data
@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: Path(strategy).stem)
@pytest.mark.parametrize("name", ["btc_1h", "btc_5m", "btc_flow"])
def test_nothing_later_is_known_on_real_data(strategy, name, real):
    counts = cut_many(strategy, windows(real(name), 2, WINDOW_DAYS[name]), cuts_each=5)
    assert (counts["markets"], counts["cuts"]) == (2, 10)


@pytest.mark.real_data
def test_nothing_later_is_known_among_four_instruments(real):
    counts = cut_many("divergence", windows(real("btc_eth_1m"), 2, WINDOW_DAYS["btc_eth_1m"]), cuts_each=5)
    assert counts["fills"] > 0
