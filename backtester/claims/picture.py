"""The pictures of a measure as inline SVG: its effects with their intervals, and the usual course of the price around its moments."""

from collections.abc import Sequence
from html import escape

import numpy as np

from backtester.claims.course import HOURS, Course
from backtester.claims.judge import BASE, Finding
from backtester.report.axis import ticks
from backtester.report.words import minus

WIDTH, LEFT, RIGHT, ROW, FOOT = 560, 60, 16, 40, 34  # px
HEIGHT, TOP = 210, 12                                # px, of a course


class Scale:
    """From values to px along one side of a drawing."""

    def __init__(self, values: Sequence[float], start: float, end: float):
        known = [float(value) for value in values if np.isfinite(value)] + [0.0]
        low, high = min(known), max(known)
        air = 0.06 * (high - low) or 1.0
        self.low, self.high, self.start, self.end = low - air, high + air, start, end

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def effects(findings: Sequence[Finding]) -> str:
    """A row a horizon: both effects with their intervals, the other thresholds as ticks below, the thirds of the time as small rings."""
    unit = findings[0].study.measure.outcome.unit
    spread = [v for f in findings for c in f.compared for v in (c.low, c.high)]
    spread += [v for f in findings for v in (*f.study.near, *f.study.parts, f.study.controls.value)]
    x = Scale(spread, LEFT, WIDTH - RIGHT)
    height = ROW * len(findings) + FOOT
    parts = [axis(x, height, unit), line("zero", x(0.0), 0, x(0.0), height - FOOT)]
    for k, finding in enumerate(findings):
        parts.append(effect_row(finding, x, ROW * k + ROW / 2))
    return drawing(height, "effects with their 95 % intervals", parts)


def effect_row(finding: Finding, x: Scale, y: float) -> str:
    """One horizon."""
    hours = f"{finding.study.hours} h" if finding.study.hours else "then"
    parts = [text("tick", LEFT - 10, y + 4, hours, "end")]
    for compared in finding.compared:
        up = y - 6 if compared.against == BASE else y + 3
        kind = "base" if compared.against == BASE else "controls"
        title = f"against {compared.against}: {compared.effect:+.3g}, {compared.low:+.3g} to {compared.high:+.3g}"
        parts.append(f'<g class="{kind}"><title>{escape(minus(title))}</title>{line("span", x(compared.low), up, x(compared.high), up)}'
                     f'<circle cx="{x(compared.effect):.1f}" cy="{up:.1f}" r="4"/></g>')
    parts += [line("near", x(v), y + 10, x(v), y + 15) for v in finding.study.near if np.isfinite(v)]
    parts += [f'<circle class="third" cx="{x(v):.1f}" cy="{y + 12.5:.1f}" r="2"/>' for v in finding.study.parts if np.isfinite(v)]
    return "".join(parts)


def axis(x: Scale, height: float, unit: str) -> str:
    """Ticks along the foot."""
    marks = ticks(x.low, x.high, 6)
    grid = "".join(line("grid", x(v), 0, x(v), height - FOOT) + text("tick", x(v), height - FOOT + 15, f"{v:g}", "middle") for v in marks)
    return grid + text("tick", WIDTH - RIGHT, height - 3, f"effect, {unit}", "end")


def courses(found: Course) -> str:
    """The mean path of the price, bp: around the events, and around any moment."""
    x = Scale(HOURS, LEFT, WIDTH - RIGHT)
    y = Scale([*found.events, *found.usual], HEIGHT - FOOT, TOP)
    x.low, x.high = HOURS[0], HOURS[-1]
    parts = [line("grid", LEFT, y(v), WIDTH - RIGHT, y(v)) + text("tick", LEFT - 8, y(v) + 4, f"{v:g}", "end")
             for v in ticks(y.low, y.high, 4)]
    parts += [text("tick", x(h), HEIGHT - FOOT + 15, f"{h:+d} h" if h else "next open", "middle") for h in range(-24, 73, 24)]
    parts += [line("zero", x(0), TOP, x(0), HEIGHT - FOOT), trail("usual", found.usual, x, y), trail("events", found.events, x, y)]
    parts.append(text("tick", LEFT - 8, HEIGHT - 3, "bp", "end"))
    return drawing(HEIGHT, "mean course of the price around these moments", parts)


def trail(kind: str, values: np.ndarray, x: Scale, y: Scale) -> str:
    """A line through the known values."""
    points = [f"{x(h):.1f} {y(v):.1f}" for h, v in zip(HOURS, values, strict=True) if np.isfinite(v)]
    return f'<path class="{kind}" d="M{"L".join(points)}"/>' if points else ""


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path class="{kind}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def text(kind: str, x: float, y: float, words: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(minus(words))}</text>'


def drawing(height: float, label: str, parts: Sequence[str]) -> str:
    """An SVG element."""
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
