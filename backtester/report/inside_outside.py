"""What was promised and what came, as inline SVG: of each choice the result where it was made, and in the test after it."""

from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from backtester.report.axis import ticks
from backtester.report.words import minus

LEFT, TOP, TALL, FOOT = 60, 10, 240, 40  # px
ROOM, MOST = (26, 64), 640               # px that a test has, at least and at most, and all of them where they are many
LABEL = 52                               # px that a date needs


def inside_outside(inside: np.ndarray, outside: np.ndarray, labels: Sequence[str], name: str, text: Callable[[float], str]) -> str:
    """A ring (inside) and a dot (outside) a test, (tests,) each, joined by a line; empty where nothing is known."""
    both = np.concatenate([inside, outside, [0.0]])
    both = both[np.isfinite(both)]
    low, high = float(both.min()), float(both.max())
    if not high > low:
        return ""
    low, high = low - 0.03 * (high - low), high + 0.03 * (high - low)
    room = min(max(MOST / len(inside), ROOM[0]), ROOM[1])
    wide = room * len(inside)

    def up(value: float) -> float:
        return TOP + TALL * (high - value) / (high - low)

    parts = []
    for value in ticks(low, high, 6):
        style = "axis" if value == 0.0 else "grid"
        parts.append(f'<path class="{style}" d="M{LEFT} {up(value):.1f}h{wide:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{up(value) + 4:.1f}" text-anchor="end">{escape(minus(text(value)))}</text>')
    every = int(-(-LABEL // room))
    for n, (promised, came, label) in enumerate(zip(inside.tolist(), outside.tolist(), labels, strict=True)):
        x = LEFT + (n + 0.5) * room
        if np.isfinite(promised) and np.isfinite(came):
            parts.append(f'<path class="stem" d="M{x:.1f} {up(promised):.1f}V{up(came):.1f}"/>')
        for style, word, value in (("inside", "chosen with", promised), ("outside", "test", came)):
            if np.isfinite(value):
                told = escape(minus(f"{label}, {word} {text(value)}"))
                parts.append(f'<circle class="{style}" cx="{x:.1f}" cy="{up(value):.1f}" r="4.5"><title>{told}</title></circle>')
        if n % every == 0:
            parts.append(f'<text class="tick" x="{x:.1f}" y="{TOP + TALL + 20}" text-anchor="middle">{escape(label)}</text>')
    size = f'width="{LEFT + wide + 10:.0f}" viewBox="0 0 {LEFT + wide + 10:.0f} {TOP + TALL + FOOT}"'
    return f'<svg class="heat walk" {size} role="img" aria-label="{escape(name)} inside and outside">{"".join(parts)}</svg>'
