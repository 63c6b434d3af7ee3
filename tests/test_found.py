"""What is planted in the sample is found: see benchmarks/found.py for what "found" means."""

import pytest

import backtester as bt
from benchmarks.found import LITERAL, door_scores, label_scores, rally_scores


@pytest.fixture(scope="module")
def market():
    return bt.load("sample")


def test_planted_legs_carry_their_labels(market):
    scores = label_scores(market, **LITERAL)
    recall = {label: found / planted for label, (planted, found, _, _) in scores.items()}
    stories = ("SHORTS_IN", "LONGS_IN", "LONGS_FLUSHED", "SHORTS_SQUEEZED", "SPOT_SELLS", "SPOT_BUYS")
    assert {label for label in stories if recall[label] < 0.9} == set()
    assert recall["SPOT_DRIVEN"] >= 0.75
    planted, _, called, right = (sum(scores[label][n] for label in stories) for n in range(4))
    assert planted >= 70
    assert right / called >= 0.5  # the rest are legs of the random walk that look alike


def test_third_doors_are_found_and_little_else(market):
    planted, found, called, right = door_scores(market, **LITERAL)
    assert found / planted >= 0.7
    assert right / called >= 0.7


def test_both_spot_led_rallies_open_all_gates(market):
    planted, found, _, _ = rally_scores(market)
    assert (planted, found) == (2, 2)
