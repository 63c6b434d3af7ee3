"""How far chance alone moves a sum: the stationary bootstrap, drawn for all sums of a table at once.

Rows are drawn in runs of consecutive ones, each run as long as a geometric law of the given mean says, until there are as many as there
were; after the last row comes the first (Politis and Romano 1994, doi:10.1080/01621459.1994.10476870). A run's sum is the difference of
two running sums, so a draw costs as much as it has runs, not as it has rows.
"""

import numpy as np

DRAWS = 2000


def drawn_sums(table: np.ndarray, mean_block: float, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Sums of the columns of a table (rows, columns) in as many other histories of as many rows: (draws, columns)."""
    rng = np.random.default_rng(seed)
    rows = len(table)
    running = np.concatenate([np.zeros((1, table.shape[1])), np.cumsum(table, axis=0)])
    out = np.empty((draws, table.shape[1]))
    for draw in range(draws):
        start, length = drawn_runs(rows, mean_block, rng)
        end = start + length
        over = end > rows
        ends = running[np.where(over, end - rows, end)]
        out[draw] = ends.sum(axis=0) - running[start].sum(axis=0) + over.sum() * running[-1]
    return out


def mean_block(rows: int) -> int:
    """Mean length of a run where nothing else asks for one: the rows to the power of a third, which keeps bias and variance small."""
    return max(1, round(rows ** (1 / 3)))


def drawn_runs(rows: int, mean_block: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """First rows and lengths of the runs of one other history; their lengths add up to `rows`."""
    length = np.empty(0, np.int64)
    while length.sum() < rows:
        more = rng.geometric(1.0 / mean_block, int(1.2 * rows / mean_block) + 8)
        length = np.concatenate([length, more])
    total = np.cumsum(length)
    count = int(np.searchsorted(total, rows)) + 1
    length = length[:count]
    length[-1] -= total[count - 1] - rows
    return rng.integers(0, rows, count), length
