"""What a watch saw of a market: the columns of its trace at the closes that count, and the path of prices after each of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

HOUR = 3_600_000_000_000  # ns


@dataclass(frozen=True)
class Watched:
    """Rows of a trace, by name as attributes, and the perpetual's opens on a grid of time.

    A decision at `ts` meets the next open, at `entry` of the grid: what comes after is counted from there.
    """

    ts: np.ndarray                    # close of each row, int64 ns, (rows,)
    columns: Mapping[str, np.ndarray] # float64, (rows,)
    path: np.ndarray                  # log open of each step of the grid; NaN where there is no bar, (steps,)
    step: int                         # of the grid, ns
    entry: np.ndarray                 # place of each row's next open in the grid, (rows,)
    start: int                        # of the market, ns
    end: int                          # ns

    def __getattr__(self, name: str) -> np.ndarray:
        """A column of the trace."""
        try:
            return self.columns[name]
        except KeyError:
            raise AttributeError(f"the watch has no column {name!r} (it has {', '.join(self.columns)})") from None

    def __len__(self) -> int:
        return len(self.ts)

    def later(self, column: np.ndarray, hours: int) -> np.ndarray:
        """A column as it was that many hours after each row; NaN where no row is there."""
        then = np.searchsorted(self.ts, self.ts + hours * HOUR)
        there = np.minimum(then, len(self.ts) - 1)
        return np.where(self.ts[there] == self.ts + hours * HOUR, column[there], np.nan)

    @property
    def hours(self) -> int:
        """How many hours the market has, begun ones included."""
        return int((self.end - self.start) // HOUR) + 1

    def hour_of(self, ts: np.ndarray) -> np.ndarray:
        """The hour of the market in which each moment (ns) lies."""
        return (ts - self.start) // HOUR

    def steps(self, hours: int) -> int:
        """How many steps of the grid are so many hours."""
        return hours * HOUR // self.step


def everywhere(t: Watched) -> np.ndarray:
    """All rows at which a volatility is known."""
    return np.isfinite(t.sigma)


def begins(mask: np.ndarray) -> np.ndarray:
    """Where a mask turns true: the first row of each stretch."""
    return mask & ~np.concatenate([[True], mask[:-1]])


def changes(values: np.ndarray) -> np.ndarray:
    """Where a number differs from the row before, both known."""
    before = np.concatenate([[np.nan], values[:-1]])
    return np.isfinite(before) & np.isfinite(values) & (values != before)
