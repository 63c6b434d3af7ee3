"""Lanes abreast beside the same lanes one by one: what must be the same bytes."""

import numpy as np

from backtester.engine.abreast.bind import bind_abreast
from backtester.engine.run import run_tile


def differences(bound, market, params, terms, wide=None) -> list[str]:
    """Run lanes both ways; returns the names of what differs. params: (lanes,), terms: (lanes, instruments)."""
    abreast = run_tile(bound, market, params, terms, wide or bind_abreast(bound))
    alone = run_tile(bound, market, params, terms)
    found = []
    for part in ("account", "tally", "position"):
        found += [f"{part}.{name}" for name in differing(alone.lanes[part], abreast.lanes[part])]
    found += [f"state.{name}" for name in differing(alone.minds["state"], abreast.minds["state"])]
    found += [f"orders of lane {k}" for k in range(len(params)) if waiting(alone.lanes[k]) != waiting(abreast.lanes[k])]
    return found + (["samples"] if canonical(alone.samples) != canonical(abreast.samples) else [])


def differing(one: np.ndarray, two: np.ndarray) -> list[str]:
    """The fields in which records differ."""
    return [name for name in one.dtype.names if canonical(one[name]) != canonical(two[name])]


def canonical(table) -> bytes:
    """The bytes of numbers or records with every NaN the same."""
    table = np.asarray(table)
    if table.dtype.names is None:
        return np.where(np.isnan(table), np.nan, table).tobytes() if table.dtype.kind == "f" else table.tobytes()
    return b"".join(canonical(table[name]) for name in table.dtype.names)


def waiting(lane) -> list[bytes]:
    """The orders that wait, by instrument."""
    out = []
    for i in range(len(lane["position"])):
        out.append(canonical(lane["slots"][i][: lane["position"][i]["waiting"]]))
        if "book" in lane.dtype.names:
            out.append(canonical(lane["book"][i][: lane["position"][i]["resting"]]))
    return out
