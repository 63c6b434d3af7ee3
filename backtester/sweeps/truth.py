"""The truth about the winner of a sweep: what of it is luck, what holds on other parts of the data, and what can be believed."""

import math
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np

from backtester.engine.run import sampling_step
from backtester.results.overfitting import bootstrap_sharpe, deflated_sharpe, expected_best, overfitting, purged_sharpe, sharpe_of
from backtester.results.ratios import block_bounds, returns_of
from backtester.sweeps.lanes import Lanes, run_until
from backtester.sweeps.plateau import Plateau, plateau_of

A_YEAR = 365.0 * 86_400e9  # ns
HALVES = ("sharpe_first", "sharpe_second")  # columns of a sweep
FEW = 5            # the combinations that are run again for their curves and intervals
SURE = 0.95        # Deflated Sharpe Ratio from which a winner is believed
MOST_LOSSES = 0.25  # of the halves in which the choice of the other half may lose
FLAT = 0.5         # of the best one's Sharpe ratio that its neighbours have to keep
SAMPLES = 64       # returns below which nothing is said


@dataclass(frozen=True)
class Truth:
    """What is known of a sweep beyond its table."""

    told: dict[str, Any]            # of manifest.json
    curves: dict[str, np.ndarray]   # ts and the sampled equity of the few, quote


def truth_of(lanes: Lanes, measures: np.ndarray, axes: dict[str, np.ndarray]) -> Truth | None:
    """The truth about the combination with the best Sharpe ratio, None where there is no ratio; `axes` has what is swept, (rows,) each."""
    values = measures["sharpe"]
    known = ~np.isnan(values)
    if not known.any():
        return None
    scale = math.sqrt(A_YEAR / sampling_step(lanes.market))  # from one sample to a year
    found = measured(measures, known, scale)
    plateau = plateau_of(axes, values)
    found |= around_best(plateau, values)
    order = np.argsort(np.where(known, -values, np.inf), kind="stable")[: min(FEW, int(known.sum()))].tolist()
    few = list(dict.fromkeys([*order, *([plateau.centre] if plateau else [])]))
    curves, returns = curves_of(lanes, few)
    found["few"] = [interval(row, float(values[row]), returns[n], scale) for n, row in enumerate(few)]
    reasons = doubts(found)
    return Truth(found | {"believable": not reasons, "sentence": sentence(found, reasons)}, curves)


def measured(measures: np.ndarray, known: np.ndarray, scale: float) -> dict[str, Any]:
    """Luck and overfitting of the best, Sharpe ratios of a year."""
    values = np.where(known, measures["sharpe"], -np.inf)
    best = int(values.argmax())
    row, trials = measures[best], len(measures)
    spread = float(np.std(measures["sharpe"][known] / scale, ddof=1)) if known.sum() > 1 else 0.0
    chance = expected_best(trials, spread)
    samples = int(row["samples"])
    out: dict[str, Any] = {"best": best, "trials": trials, "samples": samples, "sharpe": float(row["sharpe"]), "luck": chance * scale}
    enough = samples >= SAMPLES
    shape = samples, float(row["skew"]), float(row["kurtosis"])
    out["deflated_sharpe"] = deflated_sharpe(float(row["sharpe"]) / scale, chance, *shape) if enough else None
    if trials > 1 and enough:
        counts = np.diff(block_bounds(int(measures["samples"].max()))).astype(float)
        out["overfitting"] = overfitting(measures["blocks"], counts)._asdict()
        out["purged_sharpe"] = purged_sharpe(measures["blocks"], counts) * scale
    return out


def around_best(plateau: Plateau | None, values: np.ndarray) -> dict[str, Any]:
    """The plateau as the manifest keeps it."""
    if plateau is None:
        return {}
    kept = plateau.neighbours / values[plateau.best] if values[plateau.best] > 0.0 else math.nan
    told = {"centre": plateau.centre, "neighbours": plateau.neighbours, "kept": float(kept), "slopes": plateau.slopes}
    return {"plateau": told}


def curves_of(lanes: Lanes, few: list[int]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Sampled equity of some combinations as columns, and their returns (few, samples): they are run again, alone."""
    tile = run_until(lanes, np.array(few), Event())
    assert tile
    clock = tile.world["clock"]
    count, step = int(clock["samples"]), int(clock["step"])
    ts = int(clock["next_sample"]) - step * np.arange(count, 0, -1)
    return {"ts": ts} | {f"c{row}": tile.samples[n, :count] for n, row in enumerate(few)}, returns_of(tile.samples[:, :count])


def interval(row: int, sharpe: float, returns: np.ndarray, scale: float) -> dict[str, Any]:
    """A combination's Sharpe ratio with its bootstrap interval, of a year."""
    low, high = bootstrap_sharpe(np.nan_to_num(returns)) if len(returns) >= SAMPLES else (math.nan, math.nan)
    return {"combination": row, "sharpe": sharpe, "low": low * scale, "high": high * scale}


def halves_of(measures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Sharpe ratio of a year in the first and in the second half of the time, (rows,) each; 0 where nothing moved."""
    scale = np.sqrt(A_YEAR / np.maximum(measures["step"], 1))  # of a row that another process runs there is none
    counts = np.diff(block_bounds(int(measures["samples"].max(initial=0)))).astype(float)
    out = []
    for part in (slice(0, 8), slice(8, 16)):
        sums, squares = (measures["blocks"][:, part, n].sum(1) for n in (0, 1))
        out.append(sharpe_of(sums, squares, np.full(len(measures), max(counts[part].sum(), 1.0))) * scale)
    return out[0], out[1]


def doubts(found: dict[str, Any]) -> list[str]:
    """What speaks against the winner; nothing: it is believable."""
    sure, cross, plateau = found["deflated_sharpe"], found.get("overfitting"), found.get("plateau")
    if sure is None:
        return [f"{found['samples']} returns are too few to tell skill from luck"]
    out = []
    if not sure >= SURE:
        times = f"the luckiest of {found['trials']:,} tries without skill is expected to have {found['luck']:.2f}"
        out.append(f"its Sharpe ratio of {found['sharpe']:.2f} is no proof, as {times} (Deflated Sharpe Ratio {sure:.2f}, {SURE} is asked)")
    if cross and cross["loss"] > MOST_LOSSES:
        often = f"{100 * cross['loss']:.0f} % of {cross['partitions']:,} cuts"
        out.append(f"what was best in one half of the time lost in the other in {often}")
    if plateau and plateau["kept"] < FLAT:
        out.append(f"one step away from it {100 * max(plateau['kept'], 0.0):.0f} % of its Sharpe ratio are left")
    return out


def sentence(found: dict[str, Any], reasons: list[str]) -> str:
    """What can be believed, in one sentence."""
    name = f"Combination {found['best']:,}, the best of {found['trials']:,},"
    if reasons:
        return f"{name} is not to be believed: {'; '.join(reasons)}."
    cross, plateau = found.get("overfitting"), found.get("plateau")
    parts = [f"its Sharpe ratio of {found['sharpe']:.2f} is beyond luck (Deflated Sharpe Ratio {found['deflated_sharpe']:.2f})"]
    if cross:
        parts.append(f"what was best in one half of the time gained in the other in {100 * (1 - cross['loss']):.0f} % of the cuts")
    if plateau and plateau["kept"] >= FLAT:
        parts.append(f"one step away {100 * plateau['kept']:.0f} % of it are left")
    return f"{name} is believable on these data: {', '.join(parts)}; data that this sweep has not seen have the last word."
