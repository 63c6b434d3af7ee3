"""When each of several runs was in the market, and whose trades ran at the same time."""

import numpy as np

from backtester.results.folder import Columns

STANCES = ("flat", "long", "short", "hedged")  # hedged: long and short at once


def stances(ts: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First moments and codes of STANCES of each stretch. ts: ns, (moments,); positions: base, (moments, instruments)."""
    code = np.where((positions > 0).any(axis=1), 1, 0) + np.where((positions < 0).any(axis=1), 2, 0)
    turns = np.flatnonzero(np.concatenate(([True], code[1:] != code[:-1]))) if len(code) else np.zeros(0, int)
    return ts[turns], code[turns]


def shared(one: Columns, other: Columns) -> float:
    """Share of the trades of `one` that overlap in time with a trade of `other` on the same side; NaN without a trade."""
    entry, leave, side = (one[name] for name in ("entry_ts", "exit_ts", "side"))
    if not len(entry):
        return float("nan")
    met = np.zeros(len(entry), bool)
    for word in ("long", "short"):
        mine, its = np.flatnonzero(side == word), other["side"] == word
        starts, ends = np.sort(other["entry_ts"][its]), np.sort(other["exit_ts"][its])
        begun_before_end, ended_before_start = np.searchsorted(starts, leave[mine], "left"), np.searchsorted(ends, entry[mine], "right")
        met[mine] = begun_before_end > ended_before_start
    return float(met.mean())
