"""A scatter as inline SVG: what each combination did in the first half of the time, and in the second."""

from html import escape

import numpy as np

from backtester.report.axis import ticks
from backtester.report.words import minus

SIZE, LEFT, TOP, FOOT = 360, 60, 10, 44  # px
POINTS = 2_000  # that are drawn; of more every so-manieth


def scatter(first: np.ndarray, second: np.ndarray, best: int, names: tuple[str, str]) -> str:
    """Points (rows,) with the best one marked, and lines at zero; both axes have one scale."""
    known = np.flatnonzero(np.isfinite(first) & np.isfinite(second))
    if len(known) < 2:
        return ""
    drawn = known[:: -(-len(known) // POINTS)]
    both = np.concatenate([first[known], second[known], [0.0]])
    low, high = float(both.min()), float(both.max())
    if not high > low:
        return ""

    def across(value: float) -> float:
        return LEFT + SIZE * (value - low) / (high - low)

    def up(value: float) -> float:
        return TOP + SIZE * (high - value) / (high - low)

    parts = [f'<line class="axis" x1="{across(0):.1f}" x2="{across(0):.1f}" y1="{TOP}" y2="{TOP + SIZE}"/>']
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{LEFT + SIZE}" y1="{up(0):.1f}" y2="{up(0):.1f}"/>')
    for value in ticks(low, high, 6):
        told = escape(minus(f"{value:g}"))
        parts.append(f'<text class="tick" x="{across(value):.1f}" y="{TOP + SIZE + 16}" text-anchor="middle">{told}</text>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{up(value) + 4:.1f}" text-anchor="end">{told}</text>')
    parts += [f'<circle class="point" cx="{across(first[row]):.1f}" cy="{up(second[row]):.1f}" r="2.5"/>' for row in drawn.tolist()]
    ring = f'cx="{across(first[best]):.1f}" cy="{up(second[best]):.1f}" r="6"'
    parts.append(f'<circle class="best" {ring}><title>combination {best}</title></circle>')
    middle = TOP + SIZE / 2
    parts.append(f'<text class="name" x="{LEFT + SIZE / 2}" y="{TOP + SIZE + 36}" text-anchor="middle">{escape(names[0])}</text>')
    turned = f'x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})"'
    parts.append(f'<text class="name" {turned}>{escape(names[1])}</text>')
    size = f'width="{LEFT + SIZE + 20}" viewBox="0 0 {LEFT + SIZE + 20} {TOP + SIZE + FOOT}"'
    return f'<svg class="heat scatter" {size} role="img" aria-label="first half against second half">{"".join(parts)}</svg>'
