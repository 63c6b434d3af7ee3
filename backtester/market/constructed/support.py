"""Support (G9): wicks through 92,000 that hold it, closes that break it, and the push higher, drawn by hand hour by hour."""

from itertools import pairwise

import numpy as np

from backtester.market.constructed.told import Drawn, shuffled, told
from backtester.market.episodes import Episode, Leg

SUPPORT = 92_000.0  # quote, of the perp
REST = 93_200.0     # quote, where the price stands between the cases

# name: (what becomes of the level, (minutes, price at their end) ...); each begins and ends at REST, on full hours
CASES = {
    "wick": ("hold", ((60, 92_300), (30, 91_500), (30, 92_100), (60, REST))),
    "two closes": ("hold", ((60, 92_300), (60, 91_700), (60, 91_700), (60, 92_200), (60, REST))),
    "within tolerance": ("hold", ((60, 92_300), (60, 91_800), (60, 91_800), (60, 91_800), (60, 92_200), (60, REST))),
    "three closes": ("break", ((60, 92_300), (60, 91_700), (60, 91_700), (60, 91_700), (60, 91_500), (60, 92_400), (60, REST))),
    "one deep close": ("break", ((60, 92_300), (60, 91_000), (60, 91_300), (60, 92_400), (60, REST))),
    "push": ("hold", ((60, 94_500), (60, 93_800), (60, 94_500), (60, 93_800), (60, 94_800), (60, REST))),
}
BREAKS = {"three closes": 3, "one deep close": 1}  # the leg whose end breaks the level
PUSHES = (0, 4)                                    # of the case push; the one between reaches the high, and no higher


def support(rng) -> Drawn:
    """Six cases around 92,000 in random order: four hold the level, two break it and win it back; one of them pushes higher."""
    drawn = told(rng, [case(name) for name in shuffled(rng, list(CASES))], between_h=24.0, step_min=60)
    for entry in drawn.truth:
        ends = [leg["end"] for leg in entry["legs"]]
        entry["broken_at"] = ends[BREAKS[entry["case"]]] if entry["case"] in BREAKS else None
        entry["pushes_at"] = [ends[n] for n in PUSHES] if entry["case"] == "push" else []
    return drawn


def case(name: str) -> Episode:
    """One case as straight lines."""
    outcome, stops = CASES[name]
    prices = [REST, *(price for _, price in stops)]
    moves = [1e4 * np.log(b / a) for a, b in pairwise(prices)]
    legs = [Leg("LINE", minutes, float(move), noise=0.0, drift=0.2) for (minutes, _), move in zip(stops, moves, strict=True)]
    return Episode("support", tuple(legs), {"level": SUPPORT, "case": name, "outcome": outcome}, REST)
