"""Many lanes at once: a tile of the same parameters and of others near them, each lane beside the run that it is alone."""

from collections.abc import Callable, Iterator

import numpy as np

from backtester.engine.run import Tile, run_tile
from backtester.fields import annotations, scalar
from backtester.honesty.looks import Columns, Subject, leaves

COPIES, LANES = 4, 16


def lane_params(cls: type, params: np.ndarray, seed: int) -> np.ndarray:
    """Params of LANES lanes: the first COPIES are `params` (1,), in the others numbers are moved at random within the limits."""
    rng = np.random.default_rng(seed)
    out = np.repeat(params, LANES)
    for name, annotation in annotations(getattr(cls, "Params", None)).items():
        kind, value = scalar(annotation), params[name][0]
        if kind not in (int, float) or not np.isfinite(value):
            continue
        low, high = getattr(getattr(cls, "Limits", None), name, (-np.inf, np.inf))
        if kind is int:  # a count may be as large as an array allows: never move it up
            moved = np.where(value > 1, np.maximum(np.rint(value * rng.uniform(0.5, 1.0, LANES)), 1), value)
        else:
            moved = value * rng.uniform(0.8, 1.25, LANES)
        kept = (np.arange(LANES) < COPIES) | (rng.random(LANES) < 0.5)
        out[name] = np.where(kept, value, np.clip(moved, low, high))
    return out


def lanes_and_singles(subject: Subject, seed: int, step: Callable[[int, int], None]) -> Iterator[tuple[int, Columns, Columns]]:
    """(lane, what it is among the others, what it is alone) for every lane that is not a copy of one before."""
    params = lane_params(subject.bound.cls, subject.params, seed)
    together = lanes_of(subject, params)
    singles: dict[bytes, Columns] = {}
    for lane, row in enumerate(params[:, None]):
        step(lane + 1, len(params))
        if row.tobytes() not in singles:
            singles[row.tobytes()] = lane_of(lanes_of(subject, row), 0)
        yield lane, lane_of(together, lane), singles[row.tobytes()]


def lanes_of(subject: Subject, params: np.ndarray) -> Tile:
    """A tile of lanes after the whole market."""
    return run_tile(subject.bound, subject.market, params, np.repeat(subject.terms[None], len(params), 0))


def lane_of(tile: Tile, lane: int) -> Columns:
    """All that one lane ended with, and the features that its group saw."""
    row = leaves(tile.lanes[lane : lane + 1]) | leaves(tile.minds[lane : lane + 1]) | {"samples": tile.samples[lane]}
    group = int(row.pop("group")[0])  # a lane's group has another number in another tile
    return row | leaves(tile.groups[group : group + 1]["seen"], "seen.")
