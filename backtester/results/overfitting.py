"""What the best of many tries is worth: the Deflated Sharpe Ratio, the probability of backtest overfitting, bootstrap intervals.

Sharpe ratios in here are those of one sample, not of a year.
Sources: Bailey and López de Prado, "The Deflated Sharpe Ratio", 2014; Bailey, Borwein, López de Prado and Zhu, "The
Probability of Backtest Overfitting", 2015; Politis and Romano, "A Circular Block-Resampling Procedure", 1992.
"""

from itertools import combinations
from math import e, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from backtester.results.bootstrap import drawn_sums, mean_block
from backtester.results.ratios import BLOCKS

EULER = 0.5772156649015329
NORMAL = NormalDist()
EVALUATIONS = 2e6  # Sharpe ratios of one cross-validation at the most, half a second; beyond that partitions are drawn at random


class Overfitting(NamedTuple):
    """What combinatorially symmetric cross-validation finds."""

    probability: float  # that the best of one half of the time is below the median in the other half
    loss: float         # that it loses there
    partitions: int     # ways to cut the time in half that were tried
    ways: int           # that there are


def expected_best(trials: int, spread: float) -> float:
    """Expected Sharpe ratio of the best of so many independent trials without skill, whose ratios have this standard deviation."""
    if trials < 2:
        return 0.0
    return spread * ((1.0 - EULER) * NORMAL.inv_cdf(1.0 - 1.0 / trials) + EULER * NORMAL.inv_cdf(1.0 - 1.0 / (trials * e)))


def deflated_sharpe(sharpe: float, chance: float, samples: int, skew: float, kurtosis: float) -> float:
    """Probability that the true Sharpe ratio is above zero, given that `chance` is expected of the best without skill.

    skew and kurtosis (3 for a normal distribution) are those of the `samples` returns.
    """
    shape = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    return NORMAL.cdf((sharpe - chance) * sqrt(samples - 1) / sqrt(shape)) if shape > 0.0 else float("nan")


def sharpe_of(sums: np.ndarray, squares: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Sharpe ratios from sums and sums of squares of `count` returns; 0 where nothing moved."""
    mean = sums / count
    deviation = np.sqrt(np.maximum(squares - sums * mean, 0.0) / np.maximum(count - 1, 1))
    noise = 1e-7 * np.sqrt(np.maximum(squares, 0.0) / count)  # what is left of a subtraction is no deviation
    return np.divide(mean, deviation, out=np.zeros_like(mean), where=deviation > noise)


def overfitting(blocks: np.ndarray, counts: np.ndarray) -> Overfitting:
    """Combinatorially symmetric cross-validation over sixteen blocks.

    blocks (lanes, BLOCKS, 2): sum and sum of squares of the returns in each block; counts (BLOCKS,): how many there are.
    Lanes that do equally well share their rank; a rank in the middle counts half.
    """
    halves, ways = partitions(len(blocks))
    sums, squares = blocks[:, :, 0].T, blocks[:, :, 1].T
    below = losses = 0.0
    rows = max(1, int(2e5 / len(blocks)))  # as much as stays in the cache
    for at in range(0, len(halves), rows):
        half = halves[at : at + rows]
        n, inside, inner = half @ counts, half @ sums, half @ squares
        first = sharpe_of(inside, inner, n[:, None])
        second = sharpe_of(sums.sum(0) - inside, squares.sum(0) - inner, counts.sum() - n[:, None])
        chosen = second[np.arange(len(half)), first.argmax(1)][:, None]
        rank = (second < chosen).sum(1) + ((second == chosen).sum(1) + 1) / 2
        share = rank / (len(blocks) + 1)
        below += (share < 0.5).sum() + 0.5 * (share == 0.5).sum()
        losses += (chosen <= 0.0).sum()
    return Overfitting(float(below / len(halves)), float(losses / len(halves)), len(halves), ways)


def purged_sharpe(blocks: np.ndarray, counts: np.ndarray, gap: int = 1) -> float:
    """Sharpe ratio of always holding what was best elsewhere: each block is held by the best of all blocks at least `gap` + 1 away.

    The blocks beside the tested one are purged before it and embargoed behind it, since positions and features reach across a
    border. Arguments as of `overfitting`.
    """
    far = np.abs(np.subtract.outer(np.arange(BLOCKS), np.arange(BLOCKS))) > gap
    n, sums, squares = far @ counts, far @ blocks[:, :, 0].T, far @ blocks[:, :, 1].T
    held = blocks[sharpe_of(sums, squares, n[:, None]).argmax(1), np.arange(BLOCKS)].sum(0)
    return float(sharpe_of(held[:1], held[1:], np.array([counts.sum()]))[0])


def partitions(lanes: int) -> tuple[np.ndarray, int]:
    """The halves that are tried, 1 where a block is inside, (partitions, BLOCKS), and how many there are in all."""
    chosen = np.array(list(combinations(range(BLOCKS), BLOCKS // 2)))
    some = max(200, int(EVALUATIONS / lanes))
    if some < len(chosen):
        chosen = chosen[np.sort(np.random.default_rng(0).choice(len(chosen), some, replace=False))]
    out = np.zeros((len(chosen), BLOCKS))
    np.put_along_axis(out, chosen, 1.0, axis=1)
    return out, 12_870


def bootstrap_sharpe(returns: np.ndarray, draws: int = 2_000, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the Sharpe ratio of returns (samples,), by the stationary bootstrap."""
    n = len(returns)
    total, squares = drawn_sums(np.column_stack([returns, returns**2]), mean_block(n), draws, seed).T
    low, high = np.quantile(sharpe_of(total, squares, np.full(draws, n)), (0.025, 0.975))
    return float(low), float(high)
