"""The plateau: how a metric falls off around the best combination, and where a whole neighbourhood does well."""

from typing import Any, NamedTuple

import numpy as np

CELLS = 5_000_000  # of a dense grid at the most


class Plateau(NamedTuple):
    """The surroundings of the best combination of a grid."""

    best: int                               # row
    centre: int                             # row whose neighbourhood, one step each way, does best on average
    neighbours: float                       # median of the metric one step away from the best; NaN: there is none
    slopes: dict[str, list[tuple[Any, float]]]  # parameter -> (value, metric) along the line through the best


def plateau_of(axes: dict[str, np.ndarray], values: np.ndarray) -> Plateau | None:
    """The plateau of a metric, the higher the better and NaN where there is none, over swept parameters (rows,) each."""
    if not axes or np.isnan(values).all():
        return None
    levels = {name: levels_of(column) for name, column in axes.items()}
    places = np.column_stack([index for index, _, _ in levels.values()])
    best = int(np.nanargmax(values))
    slopes, near = {}, []
    for n, (name, (index, labels, ordered)) in enumerate(levels.items()):
        line = np.flatnonzero((np.delete(places, n, 1) == np.delete(places[best], n)).all(1))
        line = line[np.argsort(index[line], kind="stable")]
        slopes[name] = [(labels[index[row]], float(values[row])) for row in line]
        if ordered:
            near += [float(values[row]) for row in line if abs(index[row] - index[best]) == 1]
    known = [value for value in near if not np.isnan(value)]
    centre = centre_of(places, [len(labels) for _, labels, _ in levels.values()], [ordered for *_, ordered in levels.values()], values)
    return Plateau(best, best if centre is None else centre, float(np.median(known)) if known else float("nan"), slopes)


def levels_of(column: np.ndarray) -> tuple[np.ndarray, list, bool]:
    """The level of each value, (rows,), the levels, and whether they have an order: numbers rise, what is off stands last."""
    if column.dtype == object:
        labels = list(dict.fromkeys(column.tolist()))
        return np.array([labels.index(value) for value in column.tolist()]), labels, False
    found, index = np.unique(column, return_inverse=True)
    return index, [None if value != value else value for value in found.tolist()], True  # noqa: PLR0124 - NaN


def centre_of(places: np.ndarray, shape: list[int], ordered: list[bool], values: np.ndarray) -> int | None:
    """The row with the best average over itself and all that is one step away in any ordered directions."""
    if np.prod(shape, dtype=float) > CELLS:
        return None
    cells = tuple(places.T)
    total, count = np.zeros(shape), np.zeros(shape)
    known = ~np.isnan(values)
    total[cells], count[cells] = np.where(known, values, 0.0), known
    for axis, steps in enumerate(ordered):
        if steps:
            total, count = around(total, axis), around(count, axis)
    own, full = count[cells], count.max()
    score = np.where(known & (own > full / 2), total[cells] / np.maximum(own, 1), -np.inf)  # an edge has few neighbours to fail with
    return int(score.argmax()) if np.isfinite(score.max()) else None


def around(cells: np.ndarray, axis: int) -> np.ndarray:
    """Each cell with its two neighbours along an axis, added."""
    padded = np.pad(cells, [(1, 1) if n == axis else (0, 0) for n in range(cells.ndim)])
    return sum(np.take(padded, range(at, at + cells.shape[axis]), axis) for at in range(3))  # type: ignore[return-value]
