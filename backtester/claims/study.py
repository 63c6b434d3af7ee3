"""One event study: what came after the moments that a claim speaks of, beside what came at any time and at moments like them.

    effect against the base rate = mean of the outcome after the events - its mean after all moments at which they might have been
    effect against controls      = mean over the events of (outcome - mean outcome of the moments like it that are no events)

Moments are alike where they fall into the same quarter of the day and the same tenth of the volatility (Like). Both effects are means of
means; their influence functions, summed by the hour, are what the bootstrap draws from, so that the errors of the base rate and of the
controls count as the events' own do.
"""

from dataclasses import dataclass

import numpy as np

from backtester.claims.claim import Like, Measure
from backtester.claims.outcomes import distance
from backtester.claims.watched import HOUR, Watched

PARTS = 3        # sub-periods
DAY_PARTS = 4    # of six hours
TENTHS = 10      # of the volatility
TWENTIETHS = 20  # of the distance from the high
FEWEST = 5       # controls that make a cell


@dataclass(frozen=True)
class Effect:
    """A difference of means and what it is made of."""

    value: float           # outcome's unit
    mean: float            # of what the events are compared with
    influence: np.ndarray  # of each hour on the difference, (hours,); they add up to zero


@dataclass(frozen=True)
class Study:
    """What one measure found at one horizon."""

    measure: Measure
    hours: int
    moments: int           # events whose outcome is known
    cases: int             # of them at least a horizon apart
    mean: float            # of the outcome after them
    base: Effect
    controls: Effect
    parts: tuple[float, ...]  # effect against controls in each third of the time; NaN: no events
    near: tuple[float, ...]   # effect against controls at each threshold around the default


@dataclass(frozen=True)
class Sample:
    """The rows of one measure at one horizon: whether they may be an event and are one, what came after, whom they are like."""

    ts: np.ndarray
    event: np.ndarray
    outcome: np.ndarray
    cell: np.ndarray


def sample_of(measure: Measure, t: Watched, hours: int, at: float) -> Sample:
    """The rows at which the event might have been and whose outcome is known."""
    outcome = measure.outcome.of(t, hours)
    if measure.side is not None:
        outcome = outcome * measure.side(t)
    keep = np.isfinite(outcome) & measure.among(t)
    return Sample(t.ts[keep], measure.event(t, at)[keep], outcome[keep], cells(t, measure.like)[keep])


def cells(t: Watched, like: Like) -> np.ndarray:
    """The number of each row's cell: rows of one cell are alike."""
    hour = (t.ts // HOUR % 24) * DAY_PARTS // 24
    if like == Like.HOUR:
        return hour
    if like == Like.DISTANCE:
        return parted(distance(t) / t.sigma, TWENTIETHS)
    return hour * TENTHS + parted(t.sigma, TENTHS)


def parted(values: np.ndarray, parts: int) -> np.ndarray:
    """0, 1, 2 ...: in which of so many equal parts of the known values each one is."""
    known = values[np.isfinite(values)]
    limits = np.quantile(known, np.arange(1, parts) / parts) if len(known) else []
    return np.searchsorted(limits, np.nan_to_num(values), side="right")


def study(measure: Measure, t: Watched, hours: int) -> Study:
    """The measure at one horizon with its default threshold."""
    sample = sample_of(measure, t, hours, measure.at)
    event, hour = sample.event, t.hour_of(sample.ts)
    mean = float(sample.outcome[event].mean()) if event.any() else np.nan
    base, controls = against_all(sample, hour, t.hours), against_like(sample, hour, t.hours)
    part = (sample.ts - t.start) * PARTS // (t.end - t.start + 1)
    parts = tuple(mean_of(residual(sample)[event & (part == k)]) for k in range(PARTS))
    return Study(measure, hours, int(event.sum()), count_apart(sample.ts[event], hours), mean, base, controls, parts, ())


def near_effect(measure: Measure, t: Watched, hours: int, at: float) -> float:
    """The effect against controls at another threshold."""
    sample = sample_of(measure, t, hours, at)
    return mean_of(residual(sample)[sample.event])


def mean_of(values: np.ndarray) -> float:
    """The mean of the known values; NaN where there is none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def count_apart(ts: np.ndarray, hours: int) -> int:
    """How many of the moments (ns, rising) can be chosen so that each is at least `hours` after the one before."""
    count, at = 0, 0
    while at < len(ts):
        count += 1
        at = int(np.searchsorted(ts, ts[at] + max(hours, 1) * HOUR))
    return count


def against_all(s: Sample, hour: np.ndarray, total: int) -> Effect:
    """The events' mean less the mean of all moments."""
    if not s.event.any():
        return nothing(total)
    after, usual = s.outcome[s.event].mean(), s.outcome.mean()
    influence = s.event * (s.outcome - after) / s.event.sum() - (s.outcome - usual) / len(s.outcome)
    return Effect(float(after - usual), float(usual), np.bincount(hour, influence, total))


def against_like(s: Sample, hour: np.ndarray, total: int) -> Effect:
    """The events' mean less the mean of the moments like each of them; events like which there are too few others are left out."""
    usual, weight = control_means(s)
    matched = s.event & np.isfinite(usual)
    if not matched.any():
        return nothing(total)
    gap = np.where(np.isfinite(usual), s.outcome - usual, 0.0)
    value = gap[matched].mean()
    influence = np.where(matched, gap - value, 0.0) / matched.sum() - np.where(s.event, 0.0, weight * gap)
    return Effect(float(value), float(usual[matched].mean()), np.bincount(hour, influence, total))


def control_means(s: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Of each row's cell: the mean outcome of its moments without the event (NaN: too few), and the weight that one of them has."""
    cells_ = int(s.cell.max(initial=0)) + 1
    others = np.bincount(s.cell, ~s.event, cells_)
    sums = np.bincount(s.cell, np.where(s.event, 0.0, s.outcome), cells_)
    mean = np.where(others >= FEWEST, sums / np.maximum(others, 1), np.nan)
    events = np.bincount(s.cell, s.event, cells_) * np.isfinite(mean)
    weight = events / max(events.sum(), 1) / np.maximum(others, 1)
    return mean[s.cell], weight[s.cell]


def residual(s: Sample) -> np.ndarray:
    """Outcome less that of the controls, (rows,)."""
    return s.outcome - control_means(s)[0]


def nothing(total: int) -> Effect:
    """No event was there."""
    return Effect(np.nan, np.nan, np.zeros(total))
