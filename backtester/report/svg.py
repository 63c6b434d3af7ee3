"""Line charts as inline SVG: panels under each other on one time axis in UTC."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np

from backtester.report.axis import thin, ticks, time_ticks
from backtester.report.words import minus

WIDTH, GUTTER, AXIS, PAD = 1_200, 74, 22, 8  # px: drawing, labels on the right, labels below, air above and below the lines
PLOT = WIDTH - GUTTER


@dataclass(frozen=True)
class Line:
    """One series. `style` is a class of the page's style sheet."""

    label: str
    ts: np.ndarray  # int64 ns, rising
    values: np.ndarray
    style: str
    step: bool = False  # the value holds until the next one
    filled: bool = False  # down to zero


@dataclass(frozen=True)
class Panel:
    """A chart of lines that share a unit."""

    title: str
    unit: str
    lines: Sequence[Line]
    height: int  # px
    text: Callable[[float], str]  # a value in words, for the axis and the legend
    zero: bool = False  # the axis includes zero


class Frame:
    """Where time and value lie in a panel's drawing."""

    def __init__(self, panel: Panel, start: int, end: int):
        self.start, self.end, self.height = start, max(end, start + 1), panel.height
        seen = np.concatenate([line.values for line in panel.lines])
        seen = seen[np.isfinite(seen)]
        low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
        if panel.zero:
            low, high = min(low, 0.0), max(high, 0.0)
        air = (high - low) * 0.04 or abs(high) * 0.01 or 1.0
        ends_at_zero = panel.zero and low < high
        self.low, self.high = (low if ends_at_zero and low == 0 else low - air), (high if ends_at_zero and high == 0 else high + air)

    def x(self, ts):
        return (ts - self.start) / (self.end - self.start) * PLOT

    def y(self, value):
        room = self.height - 2 * PAD
        return PAD + (self.high - value) / (self.high - self.low) * room


def chart(panels: Sequence[Panel], start: int, end: int) -> list[dict[str, Any]]:
    """Per panel its heading (title, unit, legend as (label, style, last value)) and drawing; only the last one labels the time."""
    return [
        {"title": p.title, "unit": p.unit, "legend": legend(p), "svg": draw(p, start, end, labelled=p is panels[-1])} for p in panels
    ]


def legend(panel: Panel) -> list[tuple[str, str, str]]:
    """The label, the style and the last known value of each line."""
    known = [(line, line.values[~np.isnan(line.values)]) for line in panel.lines]
    return [(line.label, line.style, panel.text(values[-1]) if len(values) else "") for line, values in known]


def draw(panel: Panel, start: int, end: int, labelled: bool) -> str:
    """One panel as an SVG element."""
    frame = Frame(panel, start, end)
    parts = [*_grid(panel, frame, labelled)]
    parts += [_path(line, frame) for line in panel.lines]
    height = panel.height + (AXIS if labelled else 0)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(panel.title)}">{"".join(parts)}</svg>'


def _grid(panel: Panel, frame: Frame, labelled: bool):
    for ts, label in time_ticks(frame.start, frame.end):
        x = frame.x(ts)
        yield f'<path class="grid" d="M{x:.1f} 0V{panel.height}"/>'
        if labelled and 14 <= x <= PLOT:
            yield f'<text class="tick" x="{x:.1f}" y="{panel.height + 16}" text-anchor="middle">{label}</text>'
    if labelled:
        yield f'<text class="tick faint" x="{WIDTH}" y="{panel.height + 16}" text-anchor="end">UTC</text>'
    marks = ticks(frame.low, frame.high, max(3, panel.height // 48))
    whole = all(value == int(value) for value in marks)
    for value in marks:
        y = frame.y(value)
        words = f"{value:,.0f}" if whole else panel.text(value)
        yield f'<path class="{"zero" if value == 0 else "grid"}" d="M0 {y:.1f}H{PLOT}"/>'
        yield f'<text class="tick" x="{PLOT + 10}" y="{min(max(y + 4, 10), panel.height - 1):.1f}">{escape(minus(words))}</text>'


def _path(line: Line, frame: Frame) -> str:
    ts, values = thin(line.ts, line.values)
    x, y = frame.x(ts), frame.y(values)
    runs = [run for run in _unbroken(values) if len(run)]
    shape = "".join(_steps(x[run], y[run]) if line.step else _straight(x[run], y[run]) for run in runs)
    style = escape(line.style)
    drawn = f'<path class="line {style}" d="{shape}"/>'
    if not line.filled:
        return drawn
    zero = frame.y(0.0)
    closed = "".join(
        f"{_steps(x[run], y[run]) if line.step else _straight(x[run], y[run])}V{zero:.1f}H{x[run[0]]:.1f}Z" for run in runs
    )
    return f'<path class="area {style}" d="{closed}"/>{drawn}'


def _unbroken(values: np.ndarray) -> list[np.ndarray]:
    """Positions of the stretches without NaN."""
    known = np.flatnonzero(~np.isnan(values))
    return np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)


def _straight(x: np.ndarray, y: np.ndarray) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def _steps(x: np.ndarray, y: np.ndarray) -> str:
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    return f"M{points[0][0]:.1f} {points[0][1]:.1f}" + "".join(f"H{b[0]:.1f}V{b[1]:.1f}" for a, b in pairwise(points))
