"""Many combinations through one loop: tiles of lanes on all cores, the same numbers as single runs."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np

from backtester.engine.bind import Bound
from backtester.engine.params import coerce, params_of
from backtester.engine.run import run_tile
from backtester.results.metrics import lane_metrics

WIDTH = 32  # lanes of a tile: more gain little, and a tile is what Ctrl-C waits for


def params_table(cls: type, fixed: dict, names: list[str], columns: list[list]) -> np.ndarray:
    """Params records, a row a combination. Raises UserError naming the parameter and the value."""
    out = np.repeat(params_of(cls, fixed), len(columns[0]) if columns else 1)
    for name, column in zip(names, columns, strict=True):
        coded = {value: coerce(cls, name, value) for value in dict.fromkeys(column)}
        out[name] = [coded[value] for value in column]
    return out


def sweep_lanes(
    bound: Bound, market, params: np.ndarray, terms: np.ndarray,
    threads: int | None = None, progress: Callable[[int, int], None] | None = None,
) -> list[dict]:
    """The metrics of every combination, in the order of `params` (lanes,), all under `terms` (instruments,).

    Neither the number of threads nor the width of a tile changes a number. `progress(done, total)` is
    called after every tile.
    """
    order = np.lexsort([params[name] for name in bound.grouped_by]) if bound.grouped_by else np.arange(len(params))
    tiles = [order[at : at + WIDTH] for at in range(0, len(order), WIDTH)]
    results: list[dict] = [{} for _ in order]
    done = 0

    def work(rows):
        tile = run_tile(bound, market, params[rows], np.repeat(terms[None], len(rows), 0))
        return [lane_metrics(tile, k, market) for k in range(len(rows))]

    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        waiting = {pool.submit(work, rows): rows for rows in tiles}
        try:
            for future in as_completed(waiting):
                for row, metrics in zip(waiting[future], future.result(), strict=True):
                    results[row] = metrics
                done += len(waiting[future])
                if progress:
                    progress(done, len(params))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def column_of(values: list) -> np.ndarray:
    """A column of the sweep's table: numbers stay numbers (a parameter switched off is NaN), words words."""
    if any(isinstance(value, str) for value in values):
        return np.array(values, dtype=object)
    if any(value is None or isinstance(value, float) for value in values):
        return np.array([np.nan if value is None else float(value) for value in values])
    return np.array(values)
