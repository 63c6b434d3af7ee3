"""C7a: an interval that holds 95 of 100 times, on series whose neighbours are alike and on those whose are not."""

import numpy as np
import pytest

from backtester.results.bootstrap import drawn_runs, drawn_sums


def misses(series, mean_block, draws=200):
    """The share of series (n, rows) whose middle 95 % of drawn means leave out zero, their true mean."""
    out = 0
    for seed, values in enumerate(series):
        low, high = np.quantile(drawn_sums(values[:, None], mean_block, draws, seed)[:, 0], (0.025, 0.975))
        out += not low <= 0.0 <= high
    return out / len(series)


def alike(rng, count, rows, memory):
    """Series in which each value keeps a share `memory` of the one before."""
    noise, out = rng.normal(size=(count, rows)), np.zeros((count, rows))
    for t in range(1, rows):
        out[:, t] = memory * out[:, t - 1] + noise[:, t]
    return out


def test_on_noise_one_interval_in_twenty_misses():
    assert 0.02 <= misses(np.random.default_rng(1).normal(size=(200, 400)), 5.0) <= 0.10


def test_neighbours_that_are_alike_need_blocks():
    """Without them an interval is far too narrow: with a memory of 0.9 it misses more than half of the time."""
    series = alike(np.random.default_rng(2), 100, 3000, 0.9)
    assert misses(series, 1.0) > 0.5
    assert misses(series, 100.0) < 0.2


def test_a_mean_that_is_there_is_found():
    shifted = np.random.default_rng(3).normal(size=(100, 500)) + 0.25
    assert misses(shifted, 5.0) > 0.95


@pytest.mark.parametrize("mean_block", [1.0, 7.0, 60.0])
def test_runs_cover_the_rows_and_are_as_long_as_asked(mean_block):
    rng = np.random.default_rng(4)
    runs = [drawn_runs(6000, mean_block, rng) for _ in range(20)]
    assert {int(length.sum()) for _, length in runs} == {6000}
    assert np.mean([length.mean() for _, length in runs]) == pytest.approx(mean_block, rel=0.1)
    assert max(int(start.max()) for start, _ in runs) < 6000
