"""What was found as a table: the rows of claims.parquet, and a line a claim in the terminal."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from backtester.claims.claim import Verdict
from backtester.claims.earned import HOLD, Earned
from backtester.claims.judge import ALPHA, Comparison, Finding, Judged
from backtester.claims.measured import Measured

WIDTH = 144     # columns of the terminal at least
QUOTED = 34     # letters of a claim
WORDS = object  # dtype of a column of text
STYLE = {Verdict.SUPPORTED: "green", Verdict.CONTRADICTED: "red", Verdict.NOT_SHOWN: "", Verdict.NOT_TESTABLE: "dim"}
ADVICE = "Research, not advice: one past, one set of definitions, no promise."


def columns(measured: Measured) -> dict[str, np.ndarray]:
    """The columns of claims.parquet: a row a comparison; one row where a claim or a measure was not compared."""
    rows = [row for judged in measured.judged for row in rows_of(judged)]
    return {name: column([row[name] for row in rows]) for name in rows[0]}


def column(values: list) -> np.ndarray:
    """Text, whole numbers, or numbers."""
    return np.array(values, dtype=WORDS if isinstance(values[0], str) else None)


def rows_of(judged: Judged) -> list[dict]:
    """One claim's rows."""
    out = []
    for finding in judged.findings or (None,):
        for compared in (finding.compared if finding else ()) or (None,):
            out.append(claim_cells(judged) | finding_cells(finding) | comparison_cells(compared))
    return out


def claim_cells(judged: Judged) -> dict:
    """What is the same in all rows of a claim."""
    return {"claim": judged.claim.number, "quote": judged.claim.quote, "verdict": str(judged.verdict), "why": judged.why}


def finding_cells(finding: Finding | None) -> dict:
    """What was measured."""
    if finding is None:
        words, counts = dict.fromkeys(("measured", "outcome", "unit"), ""), dict.fromkeys(("expected", "hours", "moments", "cases"), 0)
        return words | counts | {"mean": np.nan} | parts_of(())
    study = finding.study
    named = {"measured": study.measure.about, "outcome": study.measure.outcome.name, "unit": study.measure.outcome.unit}
    counted = {"expected": study.measure.expect, "hours": study.hours, "moments": study.moments, "cases": study.cases, "mean": study.mean}
    return named | counted | parts_of(study.parts) | {"near_alike": alike(study.near, study.controls.value), "left_out": finding.why}


def parts_of(parts: Sequence[float]) -> dict:
    """The effect in each third of the time."""
    given = [*parts, np.nan, np.nan, np.nan][:3]
    return {f"part_{k + 1}": float(value) for k, value in enumerate(given)} | {"near_alike": np.nan, "left_out": ""}


def alike(near: Sequence[float], value: float) -> float:
    """The share of the thresholds around the default at which the effect has its sign."""
    known = [each for each in near if np.isfinite(each)]
    return float(np.mean([np.sign(each) == np.sign(value) for each in known])) if known else np.nan


def comparison_cells(compared: Comparison | None) -> dict:
    """One comparison."""
    if compared is None:
        return {"against": ""} | dict.fromkeys(("usual", "effect", "low", "high", "p", "q"), np.nan)
    return {name: getattr(compared, name) for name in ("against", "usual", "effect", "low", "high", "p", "q")}


def telling(judged: Judged) -> tuple[Finding, Comparison] | None:
    """Of a claim's findings the one that decides, else the one nearest to deciding: by the weaker of its two comparisons."""
    compared = [(finding, max(finding.compared, key=lambda each: each.p)) for finding in judged.findings if finding.compared]
    return min(compared, key=lambda pair: (not pair[0].sign, pair[1].p)) if compared else None


def summary(measured: Measured) -> str:
    """One sentence."""
    counts = Counter(each.verdict for each in measured.judged)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
    return f"{len(measured.judged)} claims: {told}. {measured.comparisons} comparisons, false discoveries held below {100 * ALPHA:g} %."


def show(measured: Measured, earned: Sequence[Earned]) -> None:
    """Print a line a claim, then what the strategies earned."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, emoji=False)
    if console.width < WIDTH:
        console = Console(highlight=False, emoji=False, width=WIDTH)
    table = plain_table("", "claim", "outcome", "effect", "95 %", "cases", "verdict")
    for judged in measured.judged:
        table.add_row(*line(judged))
    console.print(table)
    console.print(earned_table(earned))
    console.print(Text(summary(measured), style="bold"))
    console.print(Text(f"Effect: against moments like those, or against any time where that is weaker. {ADVICE}", style="dim"))


def plain_table(*heads: str):
    """A table without lines between its rows."""
    from rich import box
    from rich.table import Table

    table = Table(*heads, box=box.SIMPLE_HEAD, pad_edge=False)
    for number, each in enumerate(table.columns):
        each.no_wrap, each.overflow = heads[number] not in ("verdict", "claims"), "fold"
        each.min_width = 30 if heads[number] == "verdict" else None
        each.justify = "right" if heads[number] in ("effect", "95 %", "cases", "return %", "trades") else "left"
    return table


def line(judged: Judged) -> list:
    """A claim's cells."""
    from rich.text import Text

    told = telling(judged)
    cells = ["", "", "", ""]
    if told:
        finding, compared = told
        study = finding.study
        cells = [f"{study.measure.outcome.name}, {study.hours} h" if study.hours else study.measure.outcome.name,
                 f"{compared.effect:+.3g} {study.measure.outcome.unit}", f"{compared.low:+.3g} .. {compared.high:+.3g}", f"{study.cases:,}"]
    verdict = Text(str(judged.verdict), style=STYLE[judged.verdict])
    if judged.why:
        verdict.append(f": {judged.why}", style="dim")
    quote = judged.claim.quote if len(judged.claim.quote) <= QUOTED else f"{judged.claim.quote[: QUOTED - 1].rstrip()}…"
    return [Text(judged.claim.number), Text(quote), *map(Text, cells), verdict]


def earned_table(earned: Sequence[Earned]):
    """A row a strategy."""
    from rich.text import Text

    table = plain_table("strategy", "trades", "return %", "claims")
    for each in earned:
        told = (f"{each.trades:,}", f"{100 * each.total_return:+.2f}") if not each.refused else ("", "")
        claims = "the measure of all others" if each.strategy == HOLD else ", ".join(each.claims)
        table.add_row(*map(Text, (each.strategy, *told, each.refused or claims)))
    return table
