"""How far chance alone moves a number: the stationary bootstrap, for series whose neighbours are alike.

Rows are drawn in runs of consecutive ones, each run as long as a geometric law of the given mean says, until there are as many as
there were; the series goes on from its end to its start (Politis and Romano 1994, doi:10.1080/01621459.1994.10476870). C7a, "this
hypothesis holds within a 95 % confidence interval": it does where the interval's lower end is above zero.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

DRAWS, ALPHA = 2000, 0.05


class Interval(NamedTuple):
    """A number and where it would be in 95 of 100 other histories."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.1f} [{self.low:+.1f}, {self.high:+.1f}]"


def drawn_rows(n: int, mean_block: float, rng: np.random.Generator) -> np.ndarray:
    """One other history of `n` rows, as their numbers (n,); blocks of one row are the plain bootstrap."""
    begins = rng.random(n) < 1.0 / mean_block
    begins[0] = True
    block = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    return (rng.integers(0, n, len(first))[block] + np.arange(n) - first[block]) % n


def interval(rows: np.ndarray, statistic: Callable, mean_block: float, draws: int = DRAWS, seed: int = 0) -> Interval:
    """`statistic` of the rows (n, ...), and of `draws` histories drawn from them: the middle 95 %; NaN where none can be computed."""
    rng = np.random.default_rng(seed)
    others = np.array([statistic(rows[drawn_rows(len(rows), mean_block, rng)]) for _ in range(draws)])
    others = others[np.isfinite(others)]
    if len(others) < 0.9 * draws:
        return Interval(float(statistic(rows)), np.nan, np.nan)
    low, high = np.quantile(others, (ALPHA / 2, 1.0 - ALPHA / 2))
    return Interval(float(statistic(rows)), float(low), float(high))


def mean_where(rows: np.ndarray) -> float:
    """Of rows (sum, count): the mean of all that was counted; NaN where nothing was."""
    total, count = rows.sum(axis=0)
    return total / count if count > 0 else np.nan


def slopes(rows: np.ndarray, column: int) -> float:
    """Of rows (y, x1, x2, ...): the change of y with one standard deviation of a column of x, the others held (least squares)."""
    y, x = rows[:, 0], rows[:, 1:]
    scale = x.std(axis=0)
    if not (scale > 0.0).all():
        return np.nan
    z = np.column_stack([np.ones(len(x)), (x - x.mean(axis=0)) / scale])
    return float(np.linalg.solve(z.T @ z, z.T @ y)[column + 1])
