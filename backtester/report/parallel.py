"""Parallel coordinates as inline SVG: a line a combination through all swept parameters to the metric."""

from collections.abc import Callable
from html import escape

import numpy as np

from backtester.report.heat import SHADES, levels
from backtester.report.words import minus

HIGH, TOP, FOOT, GAP, SIDE = 260, 26, 12, 170, 60  # px
LINES, BEST = 400, 10  # combinations that are drawn, from the best to the worst in equal steps, and how many stand out
LABELS = 8             # of an axis


def parallel(axes: dict[str, np.ndarray], last: str, values: np.ndarray, ranked: np.ndarray, text: Callable[[float], str]) -> str:
    """Combinations (rows,) as lines: parameters `axes`, then the metric called `last`. ranked: rows from the best to the worst."""
    known = ranked[~np.isnan(values[ranked])]
    if not len(known):
        return ""
    drawn = known[np.unique(np.concatenate([np.arange(min(BEST, len(known))), np.linspace(0, len(known) - 1, LINES).astype(int)]))]
    heights, parts = [], []
    for n, (name, column) in enumerate(axes.items()):
        index, labels = levels(column)
        heights.append(_height(index[drawn].astype(float), 0.0, len(labels) - 1.0))
        every = -(-len(labels) // LABELS)
        parts += _axis(n, name, [(k, label) for k, label in enumerate(labels) if k % every == 0], len(labels) - 1)
    low, high = float(values[drawn].min()), float(values[drawn].max())
    heights.append(_height(values[drawn], low, high))
    parts += _axis(len(axes), last, [(0, text(low)), (1, text(high))], 1)
    shade = np.rint((len(drawn) - 1 - np.arange(len(drawn))) / max(len(drawn) - 1, 1) * (SHADES - 1)).astype(int)
    for k in reversed(range(len(drawn))):  # the best on top
        points = " ".join(f"{SIDE + GAP * n:.0f},{height[k]:.1f}" for n, height in enumerate(heights))
        style = "best" if k < BEST else f"s{shade[k]}"
        told = f"combination {drawn[k]}: {escape(text(values[drawn[k]]))}"
        parts.append(f'<polyline class="{style}" points="{points}"><title>{told}</title></polyline>')
    width = 2 * SIDE + GAP * len(axes)
    size = f'width="{width}" viewBox="0 0 {width} {TOP + HIGH + FOOT}"'
    return f'<svg class="heat parallel" {size} role="img" aria-label="parallel coordinates">{"".join(parts)}</svg>'


def _height(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where values stand on an axis, px; the highest above."""
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    return TOP + HIGH * (1.0 - share)


def _axis(n: int, name: str, labels: list[tuple[int, str]], most: int) -> list[str]:
    """The n-th axis with its name and the labels of some places between 0 and `most`."""
    x = SIDE + GAP * n
    out = [f'<line class="axis" x1="{x}" x2="{x}" y1="{TOP}" y2="{TOP + HIGH}"/>']
    out.append(f'<text class="name" x="{x}" y="12" text-anchor="middle">{escape(name)}</text>')
    for place, label in labels:
        y = _height(np.array([float(place)]), 0.0, float(most))[0]
        out.append(f'<text class="tick" x="{x + 5}" y="{y + 3:.1f}">{escape(minus(label))}</text>')
    return out
