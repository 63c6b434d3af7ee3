"""What came after each moment, from the next open on: returns, falls, rises, volatility, new highs, and what the watch saw later."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backtester.claims.watched import Watched

BP = 1e4
BEFORE_H = 48  # hours whose high is to be broken

Stretches = tuple[np.ndarray, np.ndarray, np.ndarray]  # highest, lowest, largest fall


@dataclass(frozen=True)
class Outcome:
    """A number for every row and horizon: `of(t, hours)` is float64 (rows,), NaN where the horizon has not ended or a bar is missing."""

    name: str
    unit: str
    of: Callable[[Watched, int], np.ndarray]


def ahead(t: Watched, values: np.ndarray, offset: int = 0) -> np.ndarray:
    """A number of each place of the grid, at every row's next open and `offset` steps on; NaN beyond the end."""
    place = t.entry + offset
    inside = (place >= 0) & (place < len(values))
    return np.where(inside, values[np.where(inside, place, 0)], np.nan)


def stretches(path: np.ndarray, points: int) -> Stretches:
    """(highest, lowest, largest fall) of each stretch path[i : i + points], by halves; NaN where a point is missing.

    Of two stretches, one after the other, the highest is the higher one's, and the largest fall is one of theirs or the one from the
    first's highest to the second's lowest.
    """
    one = (path, path, np.where(np.isnan(path), np.nan, 0.0))
    if points == 1:
        return one
    half = stretches(path, points // 2)
    whole = joined(half, half, points // 2)
    return joined(whole, one, points - 1) if points % 2 else whole


def joined(a: Stretches, b: Stretches, length: int) -> Stretches:
    """The stretches of `a`, which are so long, each followed by one of `b`."""
    after = [part[length:] for part in b]
    n = min(len(a[0]), len(after[0]))
    top, low, fall = (part[:n] for part in a)
    return np.maximum(top, after[0][:n]), np.minimum(low, after[1][:n]), np.maximum(np.maximum(fall, after[2][:n]), top - after[1][:n])


def forward_return(t: Watched, hours: int) -> np.ndarray:
    """Log return from the next open to the open `hours` later, bp."""
    return BP * (ahead(t, t.path, t.steps(hours)) - ahead(t, t.path))


def forward_fall(t: Watched, hours: int) -> np.ndarray:
    """Largest fall of the price below an earlier one, bp."""
    return BP * ahead(t, stretches(t.path, t.steps(hours) + 1)[2])


def forward_rise(t: Watched, hours: int) -> np.ndarray:
    """Largest rise of the price above the next open, bp."""
    return BP * (ahead(t, stretches(t.path, t.steps(hours) + 1)[0]) - ahead(t, t.path))


def forward_volatility(t: Watched, hours: int) -> np.ndarray:
    """Root of the sum of squared log returns from open to open, bp."""
    squares = np.concatenate([[0.0], np.cumsum(np.nan_to_num(np.square(np.diff(t.path))))])
    total = ahead(t, squares, t.steps(hours)) - ahead(t, squares)
    return BP * np.sqrt(np.maximum(total, 0.0)) + 0.0 * forward_return(t, hours)


def forward_high(t: Watched, hours: int) -> np.ndarray:
    """100 where the price rises above its high of the 48 hours before, else 0."""
    before = t.steps(BEFORE_H)
    highest = stretches(t.path, before + 1)[0]
    after = stretches(t.path, t.steps(hours) + 1)[0]
    old, new = ahead(t, highest, -before), ahead(t, after)
    return np.where(np.isnan(old + new), np.nan, 100.0 * (new > old))


def distance(t: Watched) -> np.ndarray:
    """How far the price stands below its high of the 48 hours before, bp."""
    before = t.steps(BEFORE_H)
    return BP * (ahead(t, stretches(t.path, before + 1)[0], -before) - ahead(t, t.path))


def forward_contracts(t: Watched, hours: int) -> np.ndarray:
    """Change of open interest, percent."""
    return 100.0 * (t.later(t.contracts, hours) / t.contracts - 1.0)


def forward_forced(t: Watched, hours: int) -> np.ndarray:
    """Shorts among what is liquidated, percent of the notional."""
    shorts, longs = (t.later(total, hours) - total for total in (t.shorts_forced, t.longs_forced))
    with np.errstate(divide="ignore", invalid="ignore"):
        return 100.0 * shorts / (shorts + longs)


def column(name: str, unit: str, of: Callable[[Watched], np.ndarray]) -> Outcome:
    """What the watch says `hours` later (0: at the moment itself), by a function of its rows."""
    return Outcome(name, unit, lambda t, hours: t.later(of(t), hours) if hours else of(t))


RETURN = Outcome("return", "bp", forward_return)
FALL = Outcome("largest fall", "bp", forward_fall)
RISE = Outcome("largest rise", "bp", forward_rise)
VOLATILITY = Outcome("volatility", "bp", forward_volatility)
NEW_HIGH = Outcome("new high of 48 h", "%", forward_high)
CONTRACTS = Outcome("change of open interest", "%", forward_contracts)
FORCED = Outcome("shorts among the liquidated", "%", forward_forced)
