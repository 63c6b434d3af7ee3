"""What a claim is: a sentence, the moments that it speaks of, what should come after them, and the data that it takes to see that."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from backtester.claims.outcomes import Outcome
from backtester.claims.watched import Watched, everywhere

UP, DOWN, NO_DIFFERENCE = 1, -1, 0  # what is expected of the outcome beside that of other times


class Verdict(StrEnum):
    """What the data say of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_SHOWN = "not shown"
    NOT_TESTABLE = "not testable here"


class Like(StrEnum):
    """What moments of control have in common with those that they are matched to."""

    HOUR_AND_VOLATILITY = "hour of day and volatility"
    HOUR = "hour of day"              # where the claim is about volatility itself
    DISTANCE = "distance from the high of 48 h, in volatilities"


@dataclass(frozen=True)
class Measure:
    """One way to see whether a sentence is right. An event is a mask over the rows of what was watched, as a feature is a number.

    `event(t, at)` and `among(t)` return masks (rows,), `side(t)` +1 or -1 by which the outcome is multiplied.
    """

    about: str                                         # in words, what was measured
    watch: type                                        # the strategy that writes the rows
    event: Callable[[Watched, float], np.ndarray]
    outcome: Outcome
    expect: int                                        # UP, DOWN or NO_DIFFERENCE
    hours: tuple[int, ...]                             # horizons, counted from the next open
    at: float = np.nan                                 # threshold of the event
    near: tuple[float, ...] = ()                       # thresholds around it
    knob: str = ""                                     # the watch's parameter that `near` are values of, instead of `at`
    among: Callable[[Watched], np.ndarray] = everywhere  # the moments at which the event might have been
    side: Callable[[Watched], np.ndarray] | None = None
    needs: tuple[str, ...] = ()                        # see needs.py
    like: Like = Like.HOUR_AND_VOLATILITY


@dataclass(frozen=True)
class Claim:
    """A sentence and what was made of it."""

    number: str                        # as docs/claims.md has it
    quote: str                         # a few words of it
    measures: tuple[Measure, ...]
    strategies: tuple[str, ...] = ()   # which trade it
    against: str = ""                  # the number of a claim that says the opposite
    note: str = ""                     # what was left out
