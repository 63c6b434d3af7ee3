"""The usual course of the price around the moments of a claim, for its picture."""

from typing import NamedTuple

import numpy as np

from backtester.claims.claim import Measure
from backtester.claims.outcomes import BP, ahead
from backtester.claims.watched import Watched

HOURS = tuple(range(-24, 73, 2))
MOST = 4000  # moments, evenly spaced, that a mean is taken of


class Course(NamedTuple):
    """Mean log price against the next open at each of HOURS, bp: around the events, and around all moments."""

    events: np.ndarray
    usual: np.ndarray


def course(measure: Measure, t: Watched) -> Course:
    """On the event's side where it has one; NaN where no moment is far enough from the data's ends."""
    among = measure.among(t)
    side = measure.side(t) if measure.side else np.ones(len(t))
    return Course(*(mean_course(t, some(mask), side) for mask in (among & measure.event(t, measure.at), among)))


def some(mask: np.ndarray) -> np.ndarray:
    """The places of a mask, thinned out evenly."""
    places = np.flatnonzero(mask)
    return places[:: max(len(places) // MOST, 1)]


def mean_course(t: Watched, places: np.ndarray, side: np.ndarray) -> np.ndarray:
    """The mean over some rows."""
    start = ahead(t, t.path)
    means = []
    for hours in HOURS:
        move = (side * (ahead(t, t.path, t.steps(hours)) - start))[places]
        known = move[np.isfinite(move)]
        means.append(BP * known.mean() if len(known) else np.nan)
    return np.array(means)
