"""How far a result rests on what the venue takes for granted: the same parameters under the other rules of time and path."""

from dataclasses import asdict

import numpy as np

from backtester.engine import jit
from backtester.engine.run import run_tile
from backtester.engine.venue import CHOICES, Venue, terms_of, venue_of
from backtester.results.metrics import lane_metrics

RULES = ("fills", "path")  # keys of conf/venue of which every other choice is tried
KEPT = ("final_equity", "total_return", "trades", "liquidations", "no_room")


def sensitivity(bound, market, params: np.ndarray, venue: Venue, metrics: dict) -> list[dict]:
    """`what` (such as "venue.fills=strict") with the metrics KEPT, for every other choice of RULES, one changed at a time.

    `params` (1,) and `metrics` are the run's. The choices are lanes of one tile, in the loop that the run has compiled. One
    that cannot matter has the run's own numbers. Plain Python, which is for looking into one run, tries none.
    """
    if jit.plain():
        return []
    choices = [(key, choice) for key in RULES for choice in CHOICES[key] if choice != getattr(venue, key)]
    tried = [each for each in choices if each[0] == "fills" or path_matters(bound, venue)]
    terms = np.array([terms_of(venue_of(asdict(venue) | {key: choice}), market) for key, choice in tried])
    tile = run_tile(bound, market, np.repeat(params, len(tried)), terms)
    found = {each: lane_metrics(tile, k, market) for k, each in enumerate(tried)}
    return [{"what": f"venue.{key}={choice}"} | kept(found.get((key, choice), metrics)) for key, choice in choices]


def path_matters(bound, venue: Venue) -> bool:
    """Whether the way of the price inside a bar can decide anything.

    Orders at the market fill at opens. A liquidation price is met on every path, and what it leaves rests on
    the path only where the position is closed at the market.
    """
    return "book" in bound.lane.names or venue.liquidation == "mark_slip"


def kept(metrics: dict) -> dict:
    """Those of a run's metrics that are compared."""
    return {name: metrics[name] for name in KEPT}
