"""A curve in a terminal: braille signs, each two dots wide and four tall."""

import numpy as np

from backtester.report.axis import moment

WIDE, TALL = 72, 8  # signs
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # of a sign, by row and column
BLANK = 0x2800


def plotted(ts: np.ndarray, values: np.ndarray, wide: int = WIDE, tall: int = TALL) -> list[str]:
    """Lines of text: the curve with its highest, lowest and last value beside it, and its days below. ts: ns, (n,); values: (n,)."""
    known = np.isfinite(values)
    ts, values = ts[known], values[known]
    if len(ts) < 2:
        return []
    low, high = float(values.min()), float(values.max())
    signs = np.full((tall, wide), BLANK)
    for column, (bottom, top) in enumerate(reaches(ts, values, 2 * wide)):
        rows = (4 * tall - 1) - np.rint((np.array([bottom, top]) - low) / ((high - low) or 1.0) * (4 * tall - 1)).astype(int)
        for dot in range(rows[1], rows[0] + 1):
            signs[dot // 4, column // 2] |= DOTS[dot % 4, column % 2]
    beside = {0: f"{high:,.2f}", tall - 1: f"{low:,.2f}"} if high > low else {0: f"{high:,.2f}"}
    drawn = [f"{''.join(map(chr, row))}  {beside.get(n, '')}".rstrip() for n, row in enumerate(signs)]
    first, last = (f"{moment(int(when)):%Y-%m-%d}" for when in (ts[0], ts[-1]))
    return [f"equity, quote; {values[-1]:,.2f} at the end", *drawn, f"{first}{last:>{wide - len(first)}}"]


def reaches(ts: np.ndarray, values: np.ndarray, columns: int) -> np.ndarray:
    """Lowest and highest value of each column of time, (columns, 2); a column without a sample goes on where the last one ended."""
    column = np.minimum((ts - ts[0]) * columns // (ts[-1] - ts[0] + 1), columns - 1).astype(int)
    out = np.full((columns, 2), np.nan)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    out[column[starts]] = np.stack((np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)), 1)
    ends = np.full(columns, np.nan)
    ends[column[starts]] = values[np.append(starts[1:], len(values)) - 1]
    last = np.maximum.accumulate(np.where(np.isnan(ends), -1, np.arange(columns)))
    return np.where(np.isnan(out), ends[last][:, None], out)
