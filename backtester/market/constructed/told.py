"""From a script to a constructed market: what every kind of them draws, and the quiet around its episodes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from backtester.market.assets import BTC, Asset
from backtester.market.episodes import GRID, Episode, Leg
from backtester.market.invented import records, stories
from backtester.market.paths import START, on_clock, paths, pinned

STILL = Leg("QUIET", 0, 0.0, noise=0.3, drift=0.3)  # what lies between episodes: quieter than the sample, so that they stand out
SHIFT_MIN = 480  # minutes; every market ends where a settlement is due


class Drawn(NamedTuple):
    """A constructed market without its header."""

    tables: dict       # (stream, instrument name): records
    truth: list[dict]  # in the order of time
    assets: tuple[Asset, ...] = (BTC,)
    tags: tuple[str, ...] = ()


def told(rng, episodes: Sequence[Episode], first_h=48.0, between_h=10.0, step_min=GRID) -> Drawn:
    """The market of some episodes, and what they planted as truth. Each begins on a multiple of `step_min` minutes."""
    quiet = quiet_between(rng, episodes, first_h, between_h, step_min)
    k = on_clock(list(episodes), quiet, calm=STILL)
    return Drawn(records(rng, k, paths(rng, k)), stories(k))


def quiet_between(rng, episodes: Sequence[Episode], first_h: float, between_h: float, step_min: int = GRID) -> list[int]:
    """Lengths of the quiet stretches in minutes: `first_h` hours, then `between_h` to half as much again."""
    between = rng.uniform(between_h * 60, between_h * 90, len(episodes))
    quiet = [int(minutes) // step_min * step_min for minutes in (first_h * 60, *between)]
    told_min = sum(quiet) + sum(leg.minutes for episode in episodes for leg in episode.legs)
    quiet[-1] += -told_min % SHIFT_MIN
    return quiet


def calm(rng, days: int, level: float, held=pinned, start: int = START) -> dict:
    """The records of some days without any episode, from a perp price of `level` on."""
    k = on_clock([Episode("calm", (Leg("QUIET", days * 1440, 0.0),), {}, level)], [0, 0], start=start)
    return records(rng, k, paths(rng, k, held))


def shuffled(rng, items: Sequence) -> list:
    """The same in a random order."""
    return [items[i] for i in rng.permutation(len(items))]


def rows_between(table: np.ndarray, start: int, end: int) -> np.ndarray:
    """The records with start <= ts_event < end (ns)."""
    return table[np.searchsorted(table["ts_event"], start):np.searchsorted(table["ts_event"], end)]
