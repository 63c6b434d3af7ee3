"""Scales: where an axis has its ticks, and which points of a long series a chart needs."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil, floor, log10

import numpy as np

COLUMNS = 1_200  # a chart is about so many pixels wide
SECOND = 1_000_000_000  # ns
DAY = 86_400 * SECOND  # ns
STEPS = [60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400]  # seconds between two ticks
MONTHS = [1, 3, 6, 12, 24, 60]  # months between two ticks


def thin(ts: np.ndarray, values: np.ndarray, columns: int = COLUMNS) -> tuple[np.ndarray, np.ndarray]:
    """At most two points a column of time, the smallest and the largest value in the order in which they came: no spike is lost.

    ts: int64 ns, rising, (n,); values: (n,), NaN where there is a gap. The first and the last point always stay.
    """
    if len(ts) <= 2 * columns:
        return ts, values
    bounds = np.unique(np.searchsorted(ts, np.linspace(ts[0], ts[-1] + 1, columns + 1)))
    low, high = np.where(np.isnan(values), np.inf, values), np.where(np.isnan(values), -np.inf, values)
    keep = {0, len(ts) - 1}
    for a, b in pairwise(bounds):
        keep.update((a + int(low[a:b].argmin()), a + int(high[a:b].argmax())))
    chosen = np.array(sorted(keep))
    return ts[chosen], values[chosen]


def ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round values (1, 2, 2.5 or 5 times a power of ten) from low to high."""
    rough = (high - low) / max(count, 1)
    power = 10.0 ** floor(log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.7)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def time_ticks(start: int, end: int, count: int = 13) -> list[tuple[int, str]]:
    """About `count` round moments in UTC from start to end, in ns, each with its label."""
    span = (end - start) / SECOND
    for step in STEPS:
        if span / step <= count:
            return [(ts * SECOND, _label(ts, step)) for ts in range(-(-start // (step * SECOND)) * step, end // SECOND + 1, step)]
    months = next((m for m in MONTHS if span / (m * 30.4 * 86_400) <= count), MONTHS[-1])
    return _month_ticks(start, end, months)


def _label(ts: int, step: int) -> str:
    when = moment(ts * SECOND)
    if step >= 86_400:
        return f"{when.day} {when:%b %Y}" if (when.month, when.day) == (1, 1) else f"{when.day} {when:%b}"
    return f"{when.day} {when:%b}" if ts % 86_400 == 0 else f"{when:%H:%M}"


def _month_ticks(start: int, end: int, months: int) -> list[tuple[int, str]]:
    first, last = moment(start), moment(end)
    found = []
    for month in range(first.year * 12, last.year * 12 + last.month, months):
        when = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        ts = int(when.timestamp()) * SECOND
        if ts >= start:
            found.append((ts, f"{when:%Y}" if when.month == 1 else f"{when:%b}"))
    return found


def moment(ts: int) -> datetime:
    """The UTC moment of ns since 1970, to the microsecond."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(ts) // 1_000)
