"""A run under the other rules of time and path: the same numbers as runs of their own, for one more pass of the loop."""

import sys
from dataclasses import replace

import pytest
from examples import dip_buyer
from scripted import Scripted
from tables import sample_market

import backtester as bt
from backtester import api
from backtester.engine.bind import bind
from backtester.engine.venue import Venue
from backtester.results.sensitivity import KEPT, path_matters

TIGHT = {"dip_bp": 10.0, "stop_bp": 4.0, "target_bp": 4.0}  # a bar often holds both the stop and the target
OTHERS = ["venue.fills=strict", "venue.path=ohlc", "venue.path=olhc", "venue.path=nearest"]


@pytest.fixture(scope="module")
def strategy(tmp_path_factory):
    return dip_buyer(tmp_path_factory.mktemp("docs"))


def alone(strategy, what, venue, **params):
    """The metrics of a run of its own under one more rule."""
    key, choice = what.removeprefix("venue.").split("=")
    metrics = bt.run(sample_market(20), strategy, venue=venue | {key: choice}, **params).metrics
    return {"what": what} | {name: metrics[name] for name in KEPT}


def test_each_rule_gives_what_a_run_of_its_own_gives(strategy):
    result = bt.run(sample_market(20), strategy, **TIGHT)
    tried = result.manifest["sensitivity"]
    assert [each["what"] for each in tried] == OTHERS
    assert tried == [alone(strategy, what, {}, **TIGHT) for what in OTHERS]
    assert len({each["final_equity"] for each in tried} | {result.metrics["final_equity"]}) == 5


def test_the_rules_of_the_run_itself_are_not_tried_again(strategy):
    result = bt.run(sample_market(20), strategy, venue={"fills": "strict", "path": "olhc"}, **TIGHT)
    whats = [each["what"] for each in result.manifest["sensitivity"]]
    assert whats == ["venue.fills=next_open", "venue.path=adverse", "venue.path=ohlc", "venue.path=nearest"]


def test_it_compiles_nothing_of_its_own(strategy):
    key = bt.run(sample_market(20), strategy, **TIGHT).manifest["strategy"]["fingerprint"]
    kernel = sys.modules[f"backtester.engine._loop_{key}"]
    assert [len(kernel.advance.signatures), len(kernel.begin.signatures)] == [1, 1]


def test_at_the_market_the_path_is_told_and_not_tried():
    venue = {"leverage": 50.0, "margin": "isolated"}
    result = bt.run(sample_market(20), "divergence", venue=venue, premium_delta_bp=2.0, qty=0.3)
    assert result.metrics["liquidations"] > 0
    tried = result.manifest["sensitivity"]
    assert tried == [alone("divergence", what, venue, premium_delta_bp=2.0, qty=0.3) for what in OTHERS]
    assert [each["final_equity"] == result.metrics["final_equity"] for each in tried] == [False, True, True, True]


def test_where_the_path_can_matter(strategy):
    resting, plain = (bind(api.strategy_class(each)) for each in (strategy, Scripted))
    slip = replace(Venue(), liquidation="mark_slip")
    assert [path_matters(bound, venue) for bound in (resting, plain) for venue in (Venue(), slip)] == [True, True, False, True]


def test_plain_python_tries_none(plain):
    source = "import sys; sys.path.insert(0, 'tests'); import backtester as bt; from tables import sample_market; "
    source += "print(bt.run(sample_market(1), 'buy_and_hold').manifest['sensitivity'])"
    assert plain(source) == "[]\n"
