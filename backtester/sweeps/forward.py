"""The truth about a walk-forward: what its tests came to, one after another, and what of it can be believed."""

import math
from typing import Any

import numpy as np

from backtester.engine.run import DAY, HOUR, HOURLY_BELOW
from backtester.results.catalogue import figure
from backtester.results.overfitting import bootstrap_sharpe
from backtester.results.ratios import ratios, returns_of
from backtester.sweeps.truth import A_YEAR, SAMPLES


def truth_of_tests(curve: dict[str, np.ndarray], deposit: float, start: int, end: int, returns: list[float]) -> dict[str, Any]:
    """What all tests came to and what speaks against it, as manifest.json keeps it.

    curve: `ts` (ns), `equity` and `hold` (buy-and-hold) of the tests one after another, quote, (moments,); start, end: of the tests, ns;
    returns: of each test, a fraction. Nothing is chosen among the tests, so one ratio with its interval tells.
    """
    found, step = sampled(curve["ts"], curve["equity"], deposit, start, end)
    scale = math.sqrt(A_YEAR / step)
    known = int(np.count_nonzero(~np.isnan(found)))
    low, high = bootstrap_sharpe(np.nan_to_num(found)) if known >= SAMPLES else (math.nan, math.nan)
    told = {
        "tests": len(returns),
        "gained": sum(value > 0.0 for value in returns),
        "total_return": float(curve["equity"][-1] / deposit - 1.0),
        "hold_return": float(curve["hold"][-1] / deposit - 1.0),
        "samples": known,
        "sharpe": float(ratios(found[None], A_YEAR / step)["sharpe"][0]),
        "low": low * scale,
        "high": high * scale,
    }
    reasons = doubts(told)
    return told | {"believable": not reasons, "sentence": sentence(told, reasons)}


def sampled(ts: np.ndarray, equity: np.ndarray, deposit: float, start: int, end: int) -> tuple[np.ndarray, int]:
    """Returns (samples,) of a curve from one UTC midnight to the next, or hour where it is shorter than 60 days; and that step in ns."""
    step = HOUR if end - start < HOURLY_BELOW else DAY
    place = np.searchsorted(ts, np.arange(start // step * step, end + 1, step), "right") - 1
    return returns_of(np.where(place < 0, deposit, equity[place])[None])[0], step


def doubts(told: dict[str, Any]) -> list[str]:
    """What speaks against the gain of the tests; nothing: it is believable."""
    if told["samples"] < SAMPLES:
        return [f"{told['samples']} returns are too few to tell skill from luck"]
    out = []
    if told["total_return"] <= 0.0:
        out.append("there is no gain")
    elif not told["low"] > 0.0:
        out.append(f"luck alone may do that (Sharpe ratio {told['sharpe']:.2f}, 95 % interval {told['low']:.2f} to {told['high']:.2f})")
    if 2 * told["gained"] <= told["tests"]:
        out.append(f"{told['gained']} of {told['tests']} tests gained")
    return out


def sentence(told: dict[str, Any], reasons: list[str]) -> str:
    """What can be believed, in one sentence."""
    returned, held = (figure("total_return", told[name]) for name in ("total_return", "hold_return"))
    outcome = f"All tests together returned {returned} %, buying and holding {held} %"
    if reasons:
        return f"{outcome}; no skill in choosing is shown: {'; '.join(reasons)}."
    interval = f"Sharpe ratio {told['sharpe']:.2f}, 95 % interval {told['low']:.2f} to {told['high']:.2f}"
    return f"{outcome}; that is believable on these data: {interval}, and {told['gained']} of {told['tests']} tests gained."
