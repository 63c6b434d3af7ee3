"""`backtester check`: overrides to parameters, progress while it works, and what was found."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from backtester import api
from backtester.engine.bind import bind
from backtester.errors import UserError
from backtester.honesty.checks import check
from backtester.honesty.ways import ways_of
from backtester.report.terminal import show_findings


def run_checks(strategy: str, data: str, cuts: int, overrides: Sequence[str]) -> bool:
    """Check a strategy, print what was found; whether all of it holds. Raises UserError for what cannot be right."""
    given = values(overrides)
    venue = {key.removeprefix("venue."): value for key, value in given.items() if key.startswith("venue.")}
    params = {key.removeprefix("strategy."): value for key, value in given.items() if not key.startswith("venue.")}
    market = api.load(data)
    with counting() as progress:
        findings = check(market, strategy, cuts, venue=venue, progress=progress, **params)
    show_findings(f"{strategy} on {data}", findings)
    print(*ways_of(bind(api.strategy_class(strategy), market.roles)), sep="\n")
    return all(finding.holds for finding in findings)


def values(overrides: Sequence[str]) -> dict[str, Any]:
    """Overrides, spelled as for a run, by key. Raises UserError for one that is none, or that names several values."""
    out = {}
    for text in overrides:
        try:
            override = OverridesParser.create().parse_override(text)
        except HydraException as error:
            raise UserError(f"{text}: no override; write key=value, for example premium_delta_bp=1.5") from error
        if override.is_sweep_override():
            raise UserError(f"{text}: several values are a sweep; a check takes one")
        out[override.key_or_group] = override.value()
    return out


@contextmanager
def counting() -> Iterator[Callable[[str, int, int], None]]:
    """A callback that shows which check is at work and how far it is, where somebody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("compiling", total=None)
        yield lambda name, done, of: bar.update(task, description=name, completed=done, total=of)
