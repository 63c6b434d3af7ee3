"""What the best of many is worth: published figures, noise, a planted edge, brute force."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest

from backtester.results.overfitting import (
    bootstrap_sharpe,
    deflated_sharpe,
    expected_best,
    overfitting,
    partitions,
    purged_sharpe,
    sharpe_of,
)
from backtester.results.ratios import BLOCKS, block_bounds, block_moments
from backtester.sweeps.plateau import plateau_of


def test_the_worked_example_of_2014():
    """N = 100, variance of the annual ratios 1/2, T = 1250, SR 2.5 a year of 250 days, skewness -3, kurtosis 10."""
    chance = expected_best(100, sqrt(0.5 / 250))
    assert chance == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(2.5 / sqrt(250), chance, 1250, -3.0, 10.0) == pytest.approx(0.9004, abs=5e-5)


def test_the_luckiest_of_many_is_as_lucky_as_expected():
    best = np.random.default_rng(1).normal(0.0, 0.3, (4_000, 200)).max(1).mean()
    assert expected_best(200, 0.3) == pytest.approx(best, rel=0.01)


def cross_validated(returns):
    return overfitting(block_moments(returns), np.diff(block_bounds(returns.shape[1])).astype(float))


def test_on_noise_the_choice_is_as_good_as_any_on_average():
    found = [cross_validated(np.random.default_rng(seed).normal(0, 0.01, (50, 800))) for seed in range(40)]
    assert np.mean([each.probability for each in found]) == pytest.approx(0.5, abs=0.07)  # a single one deviates by 0.2
    assert np.mean([each.loss for each in found]) == pytest.approx(0.5, abs=0.1)


def test_one_lane_that_is_better_is_found_in_both_halves():
    returns = np.random.default_rng(2).normal(0, 0.01, (50, 800))
    returns[17] += 0.003
    found = cross_validated(returns)
    assert found.probability < 0.01
    assert found.loss == 0.0
    assert (found.partitions, found.ways) == (12_870, 12_870)


def test_cross_validation_is_what_it_says_by_brute_force():
    returns = np.random.default_rng(3).standard_t(4, (7, 165)) * 0.01
    returns[5] = returns[2]  # lanes that do the same share their rank
    bounds = block_bounds(165)
    parts = np.split(returns, bounds[1:-1], axis=1)
    below, losses, ways = 0.0, 0, list(combinations(range(BLOCKS), 8))[::37]
    for chosen in ways:
        first = np.hstack([parts[n] for n in chosen])
        second = np.hstack([parts[n] for n in range(BLOCKS) if n not in chosen])
        best = int(np.argmax(first.mean(1) / first.std(1, ddof=1)))
        outside = second.mean(1) / second.std(1, ddof=1)
        rank = np.mean([1 + (outside < outside[best] - 1e-12).sum(), (outside <= outside[best] + 1e-12).sum()])
        below += 1.0 if rank / 8 < 0.5 else 0.5 if rank / 8 == 0.5 else 0.0
        losses += outside[best] <= 0
    halves = np.array([[float(n in chosen) for n in range(BLOCKS)] for chosen in ways])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backtester.results.overfitting.partitions", lambda lanes: (halves, len(ways)))
        found = cross_validated(returns)
    assert (found.probability, found.loss) == pytest.approx((below / len(ways), losses / len(ways)))


def test_what_was_best_elsewhere_by_brute_force():
    returns = np.random.default_rng(5).normal(0, 0.01, (9, 163))
    bounds = block_bounds(163)
    parts = np.split(returns, bounds[1:-1], axis=1)
    held = []
    for n in range(BLOCKS):
        train = np.hstack([parts[m] for m in range(BLOCKS) if abs(m - n) > 1])
        held.append(parts[n][np.argmax(train.mean(1) / train.std(1, ddof=1))])
    whole = np.concatenate(held)
    found = purged_sharpe(block_moments(returns), np.diff(bounds).astype(float))
    assert found == pytest.approx(whole.mean() / whole.std(ddof=1), rel=1e-9)


def test_many_lanes_are_tried_on_fewer_partitions_the_same_every_time():
    few, ways = partitions(100_000)
    assert (len(few), ways) == (200, 12_870)
    assert set(few.sum(1)) == {8.0}
    assert len(np.unique(few, axis=0)) == 200
    np.testing.assert_array_equal(few, partitions(100_000)[0])


def test_what_never_moves_has_a_sharpe_ratio_of_zero():
    constant = np.full((1, 40), 0.0123)
    assert sharpe_of(constant.sum(1), (constant**2).sum(1), np.array([40.0])).tolist() == [0.0]


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(300):
        low, high = bootstrap_sharpe(rng.normal(0.05, 1.0, 300), 500)
        inside += low <= 0.05 <= high
    assert 0.91 <= inside / 300 <= 0.98


def grid(rows, columns):
    return {"x": np.repeat(rows, len(columns)), "y": np.tile(columns, len(rows))}


def test_a_lonely_peak_and_a_plateau():
    values = np.array([
        [0.1, 0.2, 0.1, 0.0, 0.1],
        [0.2, 3.0, 0.1, 0.8, 0.9],
        [0.1, 0.2, 0.9, 1.0, 1.1],
        [0.0, 0.1, 0.8, 1.0, np.nan],
    ])
    found = plateau_of(grid([10.0, 20.0, np.nan, 40.0], [1, 2, 3, 4, 5]), values[[0, 1, 3, 2]].reshape(-1))
    rows = [0, 1, 3, 2]  # as numpy orders them: what is off is last
    assert found.best == rows.index(1) * 5 + 1
    assert found.neighbours == pytest.approx(0.2)
    assert found.slopes["y"] == [(1, 0.2), (2, 3.0), (3, 0.1), (4, 0.8), (5, 0.9)]
    assert found.slopes["x"] == [(10.0, 0.2), (20.0, 3.0), (40.0, 0.2), (None, 0.1)]


def test_the_centre_of_a_plateau_is_not_its_edge():
    values = np.zeros((7, 7))
    values[3:6, 3:6] = 1.0
    values[0, 0] = 5.0
    found = plateau_of(grid(np.arange(7.0), np.arange(7.0)), values.reshape(-1))
    assert (found.best, found.centre) == (0, 4 * 7 + 4)


def test_words_have_no_neighbours():
    found = plateau_of({"unit": np.array(["bp", "relative", "x"], dtype=object)}, np.array([1.0, 3.0, 2.0]))
    assert (found.best, found.centre) == (1, 1)
    assert np.isnan(found.neighbours)
    assert plateau_of({}, np.array([1.0])) is None
