"""The commands around sweeps: a row of one as a run of its own, and walk-forward."""

import argparse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

WALK = """Choose parameters on one part of the data, try the choice on the next part, and again, until the end.

The overrides are those of `backtester run -m`. The period is cut into --train + --folds equal parts.
  backtester walk-forward strategy.support=90000,92000 'strategy.premium_delta_bp=range(0.5,3,0.5)'
  backtester walk-forward sweep=support_by_premium --folds 8 --train 3 --embargo 24
  backtester walk-forward sweep=cross --anchored        each choice on all data before its test

Leaves walk_forward.parquet (a row a test), equity.parquet (all tests, one after another), manifest.json and report.html."""


def add_commands(commands, command: Callable, raw: type) -> None:
    """Add the commands to those of the parser; `command(to, name, call, summary, **more)` adds one."""
    one = command(commands, "row", row, "run one combination of a finished sweep again, with all its records")
    one.add_argument("folder", metavar="DIR", type=Path, help="a folder that a sweep left")
    one.add_argument("number", metavar="N", type=int, help="the combination's number")
    one.add_argument("--to", metavar="DIR", type=Path, help="where its files go; left out: outputs/<date>/<time>")
    summary = "choose parameters on one part of the data, try them on the next"
    two = command(commands, "walk-forward", forward, summary, description=WALK, formatter_class=raw)
    two.add_argument("--folds", metavar="N", type=int, default=6, help="tests; left out: 6")
    two.add_argument("--train", metavar="N", type=int, default=1, help="parts before a test on which is chosen; left out: 1")
    two.add_argument("--anchored", action="store_true", help="choose on all data before the test")
    two.add_argument("--embargo", metavar="HOURS", type=float, default=0.0, help="hours before a test that are not used; left out: 0")
    two.add_argument("--objective", metavar="METRIC", default="sharpe", help="what is best; left out: sharpe")
    two.add_argument("--to", metavar="DIR", type=Path, help="where the files go; left out: outputs/<date>/<time>")
    two.add_argument("overrides", nargs="*", metavar="key=value", help="what differs from conf/, several values of a parameter among it")


def new_folder() -> Path:
    """Where results go that are given no folder."""
    return Path(f"outputs/{datetime.now():%Y-%m-%d/%H-%M-%S}")


def row(arguments: argparse.Namespace) -> None:
    """`backtester row`."""
    from backtester.report import terminal
    from backtester.row import run_row

    result = run_row(arguments.folder, arguments.number)
    folder = result.write(arguments.to or new_folder())
    terminal.show_run(result.metrics, result.view.hold_metrics, result.manifest, folder)


def forward(arguments: argparse.Namespace) -> None:
    """`backtester walk-forward`."""
    from backtester.walk_forward import walk_forward

    how = (arguments.folds, arguments.train, arguments.anchored, arguments.embargo, arguments.objective)
    print(f"report  {walk_forward(arguments.overrides, arguments.to or new_folder(), *how)}")
