"""From studies to verdicts: errors by the bootstrap, false discoveries held down over all comparisons, and what is too frail to be called.

A comparison's error is the standard deviation of its effect in the drawn histories; its p value and interval are Student's, with as many
degrees of freedom as there are separate cases, or blocks of the bootstrap where those are fewer, less one. The procedure of Benjamini
and Yekutieli (2001) holds the expected share of false calls among all calls below ALPHA, however the comparisons hang together: they
share one past, for which that of Benjamini and Hochberg calls too much on random walks.

A claim is called where a measure of it, at some horizon, differs both from the base rate and from its controls, in no third of the time
the other way, and at three in four of the thresholds around the default the same way. Horizons that contradict each other call nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from backtester.claims.claim import NO_DIFFERENCE, Claim, Verdict
from backtester.claims.study import Effect, Study
from backtester.results.bootstrap import drawn_sums

ALPHA = 0.05
FEWEST_CASES, FEWEST_BLOCKS = 10, 8
PLATEAU = 0.75   # of the thresholds around the default, with the same sign
SHORTEST_H = 48  # hours, the mean block of the bootstrap
NOTHING = "nothing to compare with"
BASE, CONTROLS = "any time", "moments like them"


@dataclass(frozen=True)
class Comparison:
    """An effect with its error."""

    against: str    # BASE or CONTROLS
    effect: float   # outcome's unit
    usual: float    # mean of what it is compared with
    low: float      # 95 % interval
    high: float
    p: float
    q: float        # the smallest false-discovery rate at which it is called


@dataclass(frozen=True)
class Finding:
    """A measure at one horizon."""

    study: Study
    compared: tuple[Comparison, ...]  # against both; empty: too few cases
    why: str = ""                     # it was not compared

    @property
    def sign(self) -> int:
        """+1 or -1 where both comparisons are called and nothing speaks against it, else 0."""
        if not self.compared or max(each.q for each in self.compared) > ALPHA:
            return 0
        signs = {int(np.sign(each.effect)) for each in self.compared}
        return signs.pop() if len(signs) == 1 and not self.frail else 0

    @property
    def frail(self) -> str:
        """What speaks against calling it: a sub-period or thresholds that say otherwise; empty where nothing does."""
        sign = np.sign(self.study.controls.value)
        parts = [part for part in self.study.parts if np.isfinite(part)]
        near = [value for value in self.study.near if np.isfinite(value)]
        if any(np.sign(part) != sign for part in parts) or len(parts) < 2:
            return "not in every third of the time"
        if near and np.mean([np.sign(value) == sign for value in near]) < PLATEAU:
            return "not at the thresholds around the default"
        return ""


def mean_block(hours: int) -> int:
    """Mean length (hours) of the bootstrap's blocks: three horizons, for outcomes that overlap are alike."""
    return max(SHORTEST_H, 3 * hours)


def compare_all(studies: Sequence[Study], total_hours: int, seed: int) -> list[Finding]:
    """Every study with its comparisons, in the same order."""
    why = [too_few(study, total_hours) for study in studies]
    pairs: list[tuple[Comparison, ...]] = [
        () if reason else (tested(BASE, study.base, errors[0], freedom(study, total_hours)),
                           tested(CONTROLS, study.controls, errors[1], freedom(study, total_hours)))
        for study, reason, errors in zip(studies, why, standard_errors(studies, seed), strict=True)
    ]
    pairs = [pair if all(np.isfinite(each.p) for each in pair) else () for pair in pairs]
    levels = iter(held_down([each.p for pair in pairs for each in pair]))
    pairs = [tuple(replace(each, q=next(levels)) for each in pair) for pair in pairs]
    return [Finding(study, pair, "" if pair else reason or NOTHING) for study, pair, reason in zip(studies, pairs, why, strict=True)]


def held_down(p: list[float]) -> list[float]:
    """Of each p value the smallest false-discovery rate at which it is called (Benjamini and Yekutieli 2001)."""
    from scipy.stats import false_discovery_control

    return false_discovery_control(p, method="by").tolist() if p else []


def freedom(study: Study, total_hours: int) -> float:
    """Degrees of freedom: separate cases, or blocks of the bootstrap where those are fewer, less one."""
    return min(study.cases, total_hours / mean_block(study.hours)) - 1.0


def tested(against: str, effect: Effect, error: float, free: float) -> Comparison:
    """An effect by Student's law; NaN where it has no error."""
    from scipy.special import stdtr, stdtrit

    if not error > 0.0:
        return Comparison(against, effect.value, effect.mean, np.nan, np.nan, np.nan, np.nan)
    reach = float(stdtrit(free, 1.0 - ALPHA / 2)) * error
    p = float(2.0 * stdtr(free, -abs(effect.value) / error))
    return Comparison(against, effect.value, effect.mean, effect.value - reach, effect.value + reach, p, np.nan)


def standard_errors(studies: Sequence[Study], seed: int) -> list[tuple[float, float]]:
    """The standard deviation of both effects of every study in the drawn histories; horizons of equal blocks are drawn together."""
    out = [(np.nan, np.nan)] * len(studies)
    blocks = [mean_block(study.hours) for study in studies]
    for block in sorted(set(blocks)):
        which = [k for k, own in enumerate(blocks) if own == block]
        effects: list[Effect] = [effect for k in which for effect in (studies[k].base, studies[k].controls)]
        errors = drawn_sums(np.column_stack([effect.influence for effect in effects]), block, seed=seed).std(axis=0, ddof=1)
        for place, k in enumerate(which):
            out[k] = (float(errors[2 * place]), float(errors[2 * place + 1]))
    return out


def too_few(study: Study, total_hours: int) -> str:
    """Why a study cannot be compared; empty where it can."""
    if study.cases < FEWEST_CASES:
        return f"{study.cases} separate cases; {FEWEST_CASES} are needed"
    if total_hours < FEWEST_BLOCKS * mean_block(study.hours):
        return f"the data are too short: {FEWEST_BLOCKS * mean_block(study.hours) // 24} days are needed"
    return ""


def verdict(findings: Sequence[Finding]) -> Verdict:
    """Of a claim whose data are there."""
    called: dict[int, set[int]] = {1: set(), -1: set()}
    for finding in findings:
        if finding.sign:
            called[finding.sign].add(finding.study.measure.expect)
    right = any(expect == sign for sign, expected in called.items() for expect in expected)
    wrong = any(expect in (-sign, NO_DIFFERENCE) for sign, expected in called.items() for expect in expected)
    if right == wrong:
        return Verdict.NOT_SHOWN
    return Verdict.SUPPORTED if right else Verdict.CONTRADICTED


@dataclass(frozen=True)
class Judged:
    """A claim with what was found."""

    claim: Claim
    verdict: Verdict
    findings: tuple[Finding, ...]
    lacks: tuple[str, ...]  # streams of measures that were left out

    @property
    def why(self) -> str:
        """The verdict in a few words more."""
        if self.verdict == Verdict.NOT_TESTABLE:
            return f"needs {', '.join(self.lacks)}"
        if self.verdict != Verdict.NOT_SHOWN:
            return ""
        reasons = [finding.why for finding in self.findings if finding.why]
        if len(reasons) == len(self.findings):
            return reasons[0]
        frail = [each.frail for each in self.findings if each.frail and each.compared and max(c.q for c in each.compared) <= ALPHA]
        return frail[0] if frail else ""
