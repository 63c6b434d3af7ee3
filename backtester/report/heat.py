"""A heat map as inline SVG: one metric over two swept parameters."""

from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np

from backtester.report.words import minus, setting

LEFT, TOP, FOOT, SHADES = 110, 24, 44, 9  # px around the cells; shades from the worst (h0) to the best (h8), see page.css
MOST, BINS = 30, 20  # more distinct numbers than MOST on an axis are gathered in BINS equal ranges


def levels(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The level of each value, (n,), and the levels' labels in rising order; numbers of many values in equal ranges."""
    if values.dtype != object and len(distinct := np.unique(values)) > MOST and not np.isnan(distinct).any():
        bounds = np.linspace(distinct[0], distinct[-1], BINS + 1)
        return np.clip(np.searchsorted(bounds, values, "right") - 1, 0, BINS - 1), [f"{v:,.4g}" for v in (bounds[:-1] + bounds[1:]) / 2]
    given = values.tolist()
    names = {setting(value): _rising(value) for value in given}
    labels = sorted(names, key=lambda name: names[name])
    return np.array([labels.index(setting(value)) for value in given]), labels


def _rising(value: Any) -> tuple[int, float, str]:
    """Where a value stands among others: numbers by size, then words, then what is off."""
    if setting(value) == "off":
        return (2, 0.0, "")
    return (1, 0.0, value) if isinstance(value, str) else (0, float(value), "")


def medians(across: np.ndarray, down: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Median of the values in each cell, (down, across); NaN where nothing was tried."""
    table = np.full(shape, np.nan)
    for cell in np.unique(down * shape[1] + across):
        inside = values[(down * shape[1] + across == cell) & ~np.isnan(values)]
        if len(inside):
            table[divmod(int(cell), shape[1])] = np.median(inside)
    return table


def shades(table: np.ndarray, better: int) -> np.ndarray:
    """The shade of each cell, 0 the worst and SHADES - 1 the best."""
    signed = table * (better or 1)
    low, high = np.nanmin(signed), np.nanmax(signed)
    share = (signed - low) / (high - low) if high > low else np.full(table.shape, 0.5)
    return np.nan_to_num(np.rint(share * (SHADES - 1))).astype(int)


def heat_map(x: tuple[str, np.ndarray], y: tuple[str, np.ndarray], values: np.ndarray, better: int, text: Callable[[float], str]) -> str:
    """The median of `values` over the parameters x (across) and y (upwards), each (name, values), as an SVG element."""
    across, across_names = levels(x[1])
    up, up_names = levels(y[1])
    table = medians(across, up, values.astype(float), (len(up_names), len(across_names)))
    if np.isnan(table).all():
        return ""
    wide, tall = min(92.0, 1_000 / len(across_names)), 34 if len(up_names) <= 14 else 22
    shade, bottom = shades(table, better), TOP + tall * len(up_names)
    parts = [_label(LEFT + (i + 0.5) * wide, bottom + 18, name, "middle") for i, name in enumerate(across_names) if not i % _every(wide)]
    parts += [_label(LEFT - 10, bottom - (j + 0.5) * tall + 4, name, "end") for j, name in enumerate(up_names)]
    for j, i in np.argwhere(~np.isnan(table)):
        told = escape(f"{x[0]} {across_names[i]}, {y[0]} {up_names[j]}: {text(table[j, i])}")
        left, top = LEFT + i * wide, bottom - (j + 1) * tall
        size = f'width="{wide - 2:.1f}" height="{tall - 2}"'
        parts.append(f'<rect class="h{shade[j, i]}" x="{left:.1f}" y="{top:.1f}" {size}><title>{told}</title></rect>')
        if wide >= 52:
            parts.append(_label(left + wide / 2 - 1, top + tall / 2 + 3, text(table[j, i]), "middle", f"cell c{shade[j, i]}"))
    parts.append(_label(0, TOP - 8, y[0], "start", "name"))
    parts.append(_label(LEFT + wide * len(across_names) / 2, bottom + 38, x[0], "middle", "name"))
    width = round(LEFT + wide * len(across_names) + 4)
    size = f'width="{width}" viewBox="0 0 {width} {bottom + FOOT}"'
    return f'<svg class="heat" {size} role="img" aria-label="heat map">{"".join(parts)}</svg>'


def _every(wide: float) -> int:
    """Every how many columns a label has room."""
    return max(1, int(np.ceil(46 / wide)))


def _label(x: float, y: float, words: str, anchor: str, style: str = "tick") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(minus(words))}</text>'
