"""The page to send to others: both documents as text, every sentence with its verdict, the pictures and numbers behind it on a click."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from backtester.claims.claim import NO_DIFFERENCE, UP, Measure, Verdict
from backtester.claims.earned import HOLD, Earned
from backtester.claims.judge import ALPHA, FEWEST_BLOCKS, FEWEST_CASES, Finding, Judged, mean_block
from backtester.claims.measured import Measured
from backtester.claims.picture import courses, effects
from backtester.claims.table import ADVICE, summary
from backtester.market.times import iso
from backtester.report.render import digest, write
from backtester.report.words import minus

TEMPLATES = Path(__file__).with_name("templates")
SIGN = {Verdict.SUPPORTED: "\u2713", Verdict.CONTRADICTED: "\u2717", Verdict.NOT_SHOWN: "?", Verdict.NOT_TESTABLE: "\u2013"}
DOCUMENTS = {
    "B": ("Document B: doors and divergence", "a public market post of May 2025, machine translated; its claims in a few of its words"),
    "A": ("Document A: a rally that spot led", "a public market post of January 2026; its claims in a few of its words"),
    "C": ("The comments below document A", "January 2026"),
}


class Shown(NamedTuple):
    """One measure of a claim."""

    measure: Measure
    findings: tuple[Finding, ...]
    expected: str
    effects: str  # drawings; empty where nothing was compared
    course: str


def write_page(path: str | Path, measured: Measured, earned: Sequence[Earned]) -> Path:
    """Write the page; returns its path."""
    return write(path, page(measured, earned))


def page(measured: Measured, earned: Sequence[Earned]) -> str:
    """The page's text. Everything is escaped but the drawings, which escape their own words."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    pages.trim_blocks = pages.lstrip_blocks = True
    pages.filters |= {"minus": minus, "number": number}
    style = (TEMPLATES / "claims.css").read_text(encoding="utf-8")
    market = measured.market
    return pages.get_template("claims.html.j2").render(
        style=style, style_hash=digest(style), name=market.name, period=f"{iso(market.start)[:10]} to {iso(market.end)[:10]}",
        summary=summary(measured), documents=documents(measured), earned=earned, hold=HOLD, pairs=pairs(measured.judged), sign=SIGN,
        advice=ADVICE, comparisons=measured.comparisons, seed=measured.seed, alpha=100 * ALPHA, cases=FEWEST_CASES, blocks=FEWEST_BLOCKS,
        block=mean_block, verdicts=list(Verdict),
    )


def number(value: float) -> str:
    """Three digits with their sign."""
    return minus(f"{value:+,.0f}" if abs(value) >= 1000 else f"{value:+.3g}") if value == value else ""  # noqa: PLR0124 - NaN


def documents(measured: Measured) -> list[dict[str, Any]]:
    """Each document with its claims, in their order; claims of a user's own stand under their own head."""
    out = []
    for letter in dict.fromkeys(each.claim.number[0] for each in measured.judged):
        title, source = DOCUMENTS.get(letter, ("Claims of your own", ""))
        own = [each for each in measured.judged if each.claim.number[0] == letter]
        out.append({"title": title, "source": source, "claims": [(each, shown(measured, each)) for each in own]})
    return out


def shown(measured: Measured, judged: Judged) -> list[Shown]:
    """The measures of one claim with their drawings."""
    out = []
    for measure in judged.claim.measures:
        findings = tuple(each for each in judged.findings if each.study.measure is measure)
        drawn = effects(findings) if any(each.compared for each in findings) else ""
        known = measured.courses.get(id(measure))
        out.append(Shown(measure, findings, expectation(measure), drawn, courses(known) if known and drawn else ""))
    return out


def expectation(measure: Measure) -> str:
    """What the claim expects, in words."""
    if measure.expect == NO_DIFFERENCE:
        return f"no difference in {measure.outcome.name}: a difference contradicts it, none shows nothing"
    return f"{'more' if measure.expect == UP else 'less'} {measure.outcome.name} than otherwise"


def pairs(judged: Sequence[Judged]) -> list[tuple[Judged, Judged]]:
    """Claims that say the opposite of each other, both measured."""
    by_number = {each.claim.number: each for each in judged}
    found = [(each, by_number[each.claim.against]) for each in judged if each.claim.against in by_number]
    return [(a, b) for k, (a, b) in enumerate(found) if (b, a) not in found[:k]]
