"""Measuring claims on a market: watch, study, compare, judge."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from backtester.claims import comments, document_a, document_b
from backtester.claims.claim import Claim, Measure, Verdict
from backtester.claims.collect import watched
from backtester.claims.course import Course, course
from backtester.claims.judge import Finding, Judged, compare_all, verdict
from backtester.claims.needs import lacking
from backtester.claims.study import Study, near_effect, study
from backtester.claims.watched import HOUR, Watched
from backtester.market.schema import Market

ALL: tuple[Claim, ...] = document_b.CLAIMS + document_a.CLAIMS + comments.CLAIMS
BARS = ("spot_bars", "perp_bars")  # what every watch needs

Watching = tuple[type, str, float]  # a watch, one of its parameters and its value; "": as it is


@dataclass(frozen=True)
class Measured:
    """What became of all claims on one market."""

    market: Market
    judged: tuple[Judged, ...]
    courses: dict[int, Course]  # by the identity of the measure
    seed: int

    @property
    def comparisons(self) -> int:
        """How many were made, over which false discoveries are held down."""
        return sum(len(finding.compared) for each in self.judged for finding in each.findings)


def measure_claims(
    market: Market, claims: Sequence[Claim] = ALL, *, seed: int = 0, progress: Callable[[str, int, int], None] = lambda *_: None
) -> Measured:
    """Judge every claim by what the market's own past shows."""
    lacks = {id(m): lacking(market, (*BARS, *m.needs)) for claim in claims for m in claim.measures}
    measures = [m for claim in claims for m in claim.measures if not lacks[id(m)]]
    rows = watch_all(market, measures, progress)
    progress("comparing", 0, 1)
    studies = [studied(m, rows, hours) for m in measures for hours in m.hours]
    findings = compare_all(studies, (market.end - market.start) // HOUR, seed) if studies else []
    judged = tuple(judge(claim, findings, lacks) for claim in claims)
    courses = {id(m): course(m, rows[m.watch, "", 0.0]) for m in measures}
    return Measured(market, judged, courses, seed)


def judge(claim: Claim, findings: Sequence[Finding], lacks: dict) -> Judged:
    """One claim by its own findings."""
    own = tuple(finding for m in claim.measures for finding in findings if finding.study.measure is m)
    missing = tuple(dict.fromkeys(need for m in claim.measures for need in lacks[id(m)]))
    return Judged(claim, verdict(own) if own else Verdict.NOT_TESTABLE, own, missing)


def watchings(measures: Sequence[Measure]) -> list[Watching]:
    """Every pass of the loop that the measures ask for, once."""
    plain = [(m.watch, "", 0.0) for m in measures]
    return list(dict.fromkeys(plain + [(m.watch, m.knob, float(value)) for m in measures if m.knob for value in m.near]))


def watch_all(market: Market, measures: Sequence[Measure], progress) -> dict[Watching, Watched]:
    """The rows of every pass. A watch compiles at its first one; the others follow on all cores."""
    asked = watchings(measures)
    first, others = [each for each in asked if not each[1]], [each for each in asked if each[1]]
    rows: dict[Watching, Watched] = {}

    def watch(each: Watching) -> Watched:
        return watched(market, each[0], **({each[1]: each[2]} if each[1] else {}))

    for each in first:
        progress(f"watching, {each[0].__name__}", len(rows), len(asked))
        rows[each] = watch(each)
    with ThreadPoolExecutor() as pool:
        for each, seen in zip(others, pool.map(watch, others), strict=True):
            rows[each] = seen
            progress("watching, other thresholds", len(rows), len(asked))
    return rows


def studied(m: Measure, rows: dict[Watching, Watched], hours: int) -> Study:
    """A measure at one horizon, with the effect at each threshold around the default."""
    plain = rows[m.watch, "", 0.0]
    seen = [(rows[m.watch, m.knob, float(value)], m.at) if m.knob else (plain, value) for value in m.near]
    return replace(study(m, plain, hours), near=tuple(near_effect(m, t, hours, at) for t, at in seen))
