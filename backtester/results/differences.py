"""Whether one run beats another: the difference of their yearly growth, and how far chance alone could have moved it."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from backtester.results.bootstrap import DRAWS, drawn_sums, mean_block

DAY, HOUR = 86_400_000_000_000, 3_600_000_000_000  # ns
HOURLY_BELOW = 60 * DAY  # a shorter common period is sampled hourly, as the metrics are
FEWEST = 20              # returns from which an interval is drawn
SURE = 0.95              # share of the histories that the interval holds


@dataclass(frozen=True)
class Difference:
    """One run against another over the period that all runs share, growth as a fraction a year."""

    better: str
    worse: str
    growth: float            # of the better one less that of the worse one
    low: float               # of the interval; NaN where there are too few returns
    high: float
    correlation: float       # of their returns

    @property
    def shown(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0.0

    @property
    def sentence(self) -> str:
        """The difference in words."""
        told = f"{self.better} beats {self.worse} by {100 * self.growth:,.1f} % a year"
        if np.isnan(self.low):
            return f"{told}: too short to say more"
        words = "shown" if self.shown else "not shown"
        return f"{told}, interval {100 * self.low:+,.1f} … {100 * self.high:+,.1f}: {words}"


def sampled(ts: np.ndarray, equity: np.ndarray) -> tuple[np.ndarray, int]:
    """Equity (moments, runs) at each UTC midnight, or hour where the period is short, as last known; and the step, ns."""
    step = HOUR if ts[-1] - ts[0] < HOURLY_BELOW else DAY
    at = np.arange(-(-int(ts[0]) // step) * step, int(ts[-1]) + 1, step)
    return equity[np.searchsorted(ts, at, "right") - 1], step


def log_returns(samples: np.ndarray) -> np.ndarray:
    """Log returns (moments - 1, runs); 0 after a run has lost everything, where nothing changes any more."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.diff(np.log(samples), axis=0)
    return np.where(np.isfinite(found), found, 0.0)


def differences(names: list[str], ts: np.ndarray, equity: np.ndarray, draws: int = DRAWS) -> list[Difference]:
    """Each pair of runs, the better one first. ts: ns, (moments,); equity: quote, (moments, runs)."""
    if len(ts) < 2:
        return []
    samples, step = sampled(ts, equity)
    returns, a_year = log_returns(samples), 365.0 * DAY / step
    n = len(returns)
    if not n:
        return []
    drawn = drawn_sums(returns, mean_block(n), draws) / n if n >= FEWEST else np.full((1, len(names)), np.nan)
    growth, drawn_growth = np.expm1(returns.mean(axis=0) * a_year), np.expm1(drawn * a_year)
    found = []
    for a, b in combinations(range(len(names)), 2):
        i, j = (a, b) if growth[a] >= growth[b] else (b, a)
        low, high = np.quantile(drawn_growth[:, i] - drawn_growth[:, j], [(1 - SURE) / 2, (1 + SURE) / 2])
        found.append(Difference(names[i], names[j], float(growth[i] - growth[j]), float(low), float(high), together(returns[:, [i, j]])))
    return found


def together(returns: np.ndarray) -> float:
    """Correlation of two columns of returns; NaN where one never moves."""
    return float(np.corrcoef(returns.T)[0, 1]) if len(returns) > 1 and (returns.std(axis=0) > 0).all() else float("nan")
