"""How far chance alone moves a mean: other histories of the same rows, drawn in blocks, so that what follows on each other stays together.

The stationary bootstrap of Politis and Romano (1994, doi:10.1080/01621459.1994.10476870): at every row a new block begins with
probability 1 / mean_block, anywhere; after the last row comes the first.
"""

import numpy as np

DRAWS = 2_000


def drawn_means(table: np.ndarray, mean_block: float, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Means of the columns of a table (rows, columns) in `draws` other histories: (draws, columns). The columns stay side by side."""
    rng, rows = np.random.default_rng(seed), len(table)
    place = np.arange(rows)
    out = np.empty((draws, table.shape[1]))
    for draw in range(draws):
        begins = rng.random(rows) < 1.0 / mean_block
        begins[0] = True
        starts = rng.integers(0, rows, rows)
        begun = np.maximum.accumulate(np.where(begins, place, 0))
        out[draw] = table[(starts[begun] + place - begun) % rows].mean(axis=0)
    return out
