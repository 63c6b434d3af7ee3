"""What sampled equity tells: returns, ratios, time under water, and the moments of sixteen blocks, a row a lane.

Every function takes all lanes of a tile at once, and no lane's numbers depend on the others. docs/metrics.md has the formulas
and their sources.
"""

from itertools import pairwise

import numpy as np

BLOCKS = 16  # of cross-validation: 12,870 ways to take half of them


def returns_of(equity: np.ndarray) -> np.ndarray:
    """Returns between samples of equity, (lanes, moments) in quote -> (lanes, moments - 1); NaN once a lane is ruined."""
    before, after = equity[:, :-1], equity[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(before > 0.0, after / before - 1.0, np.nan)


def ratios(returns: np.ndarray, a_year: float) -> dict[str, np.ndarray]:
    """Metrics of returns (lanes, samples), NaN where there is none, of which a year has `a_year`. Zero risk-free rate."""
    known = ~np.isnan(returns)
    n = known.sum(1)
    held = np.where(known, returns, 0.0)
    scale = np.sqrt(a_year)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = held.sum(1) / n
        away = np.where(known, returns - mean[:, None], 0.0)
        squares, cubes = (away**2).sum(1), (away**3).sum(1)
        deviation, gains, losses = np.sqrt(squares / (n - 1)), np.maximum(held, 0.0).sum(1), -np.minimum(held, 0.0).sum(1)
        below = np.sqrt((np.minimum(held, 0.0) ** 2).sum(1) / n)
        moved = squares > 0.0
        spread = np.where(moved, squares / n, np.nan)  # ddof 0, as skew and kurtosis are defined
        low, high = quantiles(returns, n, (0.05, 0.95))
        return {
            "volatility": np.where(n > 1, deviation * scale, np.nan),
            "sharpe": np.where(moved & (n > 1), mean / deviation * scale, np.nan),
            "sortino": np.where(losses > 0.0, mean / below * scale, np.nan),
            "omega": np.where(losses > 0.0, gains / losses, np.where(gains > 0.0, np.inf, np.nan)),
            "tail_ratio": np.where(low != 0.0, np.abs(high) / np.abs(low), np.nan),
            "value_at_risk": 0.0 - low,
            "skew": cubes / n / spread**1.5,
            "kurtosis": ((away**2) ** 2).sum(1) / n / spread**2,
            "samples": n,
        }


def quantiles(values: np.ndarray, known: np.ndarray, shares: tuple[float, ...]) -> list[np.ndarray]:
    """Quantiles of each row of (lanes, samples), linear between neighbours; `known` of a row are no NaN. A row of none has NaN."""
    if values.shape[1] == 0:
        return [np.full(len(values), np.nan) for _ in shares]
    ordered, lanes = np.sort(values, 1), np.arange(len(values))  # NaN last
    out = []
    for share in shares:
        place = share * np.maximum(known - 1, 0)
        low = np.floor(place).astype(int)
        first, second = ordered[lanes, low], ordered[lanes, np.minimum(low + 1, np.maximum(known - 1, 0))]
        out.append(first + (second - first) * (place - low))
    return out


def waters(equity: np.ndarray, deposit: np.ndarray, days: float) -> dict[str, np.ndarray]:
    """Time below a former peak: the longest in days, and the share of samples. equity (lanes, moments) every `days`, deposit (lanes,)."""
    peak = np.maximum(np.maximum.accumulate(equity, 1), deposit[:, None])
    under = equity < peak
    longest = run = np.zeros(len(equity), np.int64)
    for moment in under.T:
        run = (run + 1) * moment
        longest = np.maximum(longest, run)
    share = under.mean(1) if equity.shape[1] else np.full(len(equity), np.nan)
    return {"drawdown_days": longest * days, "under_water": share}


def block_bounds(samples: int) -> np.ndarray:
    """Where the blocks of so many returns begin, and where the last one ends, (BLOCKS + 1,): as equal as whole numbers are."""
    return np.arange(BLOCKS + 1) * samples // BLOCKS


def block_moments(returns: np.ndarray) -> np.ndarray:
    """Sum and sum of squares of the returns in each block, (lanes, BLOCKS, 2); a lane that is ruined stands still."""
    held, bounds = np.nan_to_num(returns), block_bounds(returns.shape[1])
    out = np.zeros((len(returns), BLOCKS, 2))
    for block, (lo, hi) in enumerate(pairwise(bounds)):
        out[:, block, 0] = held[:, lo:hi].sum(1)
        out[:, block, 1] = (held[:, lo:hi] ** 2).sum(1)
    return out
