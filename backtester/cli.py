"""The commands: what the user typed becomes a call, and what went wrong becomes one message and an exit code."""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from backtester.errors import UserError
from backtester.sources.commands import add_commands as add_data_commands
from backtester.sweep_commands import add_commands as add_sweep_commands

INTRO = """Event-driven backtests of stories about spot and perpetual futures.

  backtester run                                        the door strategy on the embedded sample
  backtester run strategy=divergence data=btc_5m        another story, another market
  backtester run -m strategy.support=90000,92000,null   a sweep, on all cores
  backtester compare outputs/2025-03-01/*               finished runs side by side
  backtester check my_idea.py                           does it use only what was known?
  backtester claims btc_5m                              what the two posts claim, measured"""

RUN = """Run one backtest, or with -m a sweep, from conf/ and the overrides.

Overrides are written key=value and change any key of conf/:
  data=NAME strategy=NAME venue=NAME experiment=NAME    a file of conf/data, conf/strategy, ...
  strategy.premium_delta_bp=1.5 venue.latency_ms=500    one value
  data.start=2024-01-01 data.end=2024-07-01             a part of the market: UTC, end excluded
  strategy.file=/path/idea.py                           a strategy from anywhere
  seed=7 hydra.run.dir=outputs/mine                     the seed; where the files go

With -m, several values are a sweep:
  strategy.support=90000,92000,null                     the values themselves
  'strategy.premium_delta_bp=range(0.5,3,0.5)'          from 0.5, below 3
  strategy=door,spot_led                                strategies side by side, then compared"""

RUN_END = """A run leaves metrics.json, its tables as Parquet, manifest.json and report.html in outputs/<date>/<time>;
a sweep leaves sweep.parquet (a row a combination), manifest.json and report.html in multirun/<date>/<time>."""


CHECK = """Check a strategy for honesty: it must use only what was known, and give the same result however it is computed.

  prefix invariance       a market that ends at a random moment changes nothing until then
  future shuffle          other numbers after that moment change nothing until then
  plain against compiled  plain Python does the same, for as many events as it manages in five seconds
  one lane against many   a combination among 16 ends as it does alone
  determinism             twice in this process and once in a fresh one: the same bytes

Exit code 0: all hold; 1: a check failed, and the first differing row is printed in both versions."""


CLAIMS = """Measure what the two posts claim, sentence by sentence, on a data set: supported, contradicted, not shown, not testable here.

  backtester claims btc_5m                               every claim of docs/claims.md
  backtester claims btc_flow my_claim.py                 claims of your own, see docs/measured.md

Leaves claims.parquet, manifest.json and report.html, a page to send to others. The first time what watches the market and the
strategies is compiled, some minutes; after that it takes about one."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UserErrors."""

    def error(self, message: str) -> NoReturn:
        """Called by argparse for a wrong argument."""
        raise UserError(f"{message}; see `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code: 0, 1 for a check that failed, 2 for a mistake of the user's, 130 for Ctrl-C."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("backtester").setLevel(logging.INFO)  # what takes a while says so on stderr
    try:
        arguments = parsed(argv)
        return arguments.command(arguments) or 0
    except UserError as error:
        print(f"backtester: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"\nbacktester: {stop.args[0] if stop.args else 'interrupted; unfinished results are not written'}", file=sys.stderr)
        return 130


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; where a command takes overrides, they may stand on both sides of an option."""
    arguments, rest = parser().parse_known_args(argv)
    if flags := [text for text in rest if text.startswith("-") or "overrides" not in arguments]:
        raise UserError(f"unknown argument {flags[0]}; see `backtester --help`")
    if rest:
        arguments.overrides += rest
    return arguments


def parser() -> Parser:
    """Every command with its arguments."""
    top = Parser(prog="backtester", description=INTRO, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(to, name: str, call, summary: str, **more) -> Parser:
        added = to.add_parser(name, help=summary, description=more.pop("description", summary), **more)
        added.set_defaults(command=call)
        return added

    raw = argparse.RawDescriptionHelpFormatter
    one = command(commands, "run", run, "one backtest, or a sweep with -m", description=RUN, epilog=RUN_END, formatter_class=raw)
    one.add_argument("-m", "--multirun", action="store_true", help="several values are a sweep")
    one.add_argument("--cfg", choices=("job", "hydra", "all"), help="print the config that would be run, and stop")
    one.add_argument("overrides", nargs="*", metavar="key=value", help="what differs from conf/")
    two = command(commands, "compare", compare, "equity curves and metrics of several finished runs, side by side")
    two.add_argument("folders", nargs="+", metavar="DIR", type=Path, help="a run's folder")
    two.add_argument("--to", metavar="DIR", type=Path, help="where the page goes; left out: outputs/<date>/<time>")
    add_data_commands(commands, command, raw)
    add_sweep_commands(commands, command, raw)
    three = command(commands, "report", report, "write the page of a finished run, sweep or comparison again")
    three.add_argument("folder", metavar="DIR", type=Path, help="a folder that a run, a sweep or a comparison left")
    four = command(commands, "check", check, "honesty checks on a strategy", description=CHECK, formatter_class=raw)
    four.add_argument("strategy", metavar="STRATEGY", help="a name, or a file that ends in .py")
    four.add_argument("--data", metavar="NAME", default="sample", help="a file of conf/data, or a folder; left out: sample")
    four.add_argument("--cuts", metavar="N", type=int, default=20, help="random moments to cut at; left out: 20")
    four.add_argument("overrides", nargs="*", metavar="key=value", help="parameters that differ from the defaults, venue.KEY too")
    five = command(commands, "claims", claims, "what the two posts claim, measured", description=CLAIMS, formatter_class=raw)
    five.add_argument("data", metavar="NAME", help="a file of conf/data, or a folder")
    five.add_argument("own", metavar="FILE", nargs="?", help="a Python file with claims of your own; left out: those of the posts")
    five.add_argument("--to", metavar="DIR", type=Path, help="where the files go; left out: outputs/<date>/<time>")
    five.add_argument("--seed", metavar="N", type=int, default=0, help="of the bootstrap; left out: 0")
    return top


def run(arguments: argparse.Namespace) -> None:
    """`backtester run`."""
    from backtester import launch

    if arguments.cfg:
        launch.show(arguments.overrides, arguments.cfg)
        return
    folders = launch.launch(arguments.overrides, arguments.multirun)
    runs = [folder for folder in folders if (folder / "metrics.json").is_file()]
    if len(runs) > 1:
        show_side_by_side(runs, runs[0].parent)


def compare(arguments: argparse.Namespace) -> None:
    """`backtester compare`."""
    folder = arguments.to or new_folder()
    show_side_by_side([run for run in arguments.folders if not run.is_file()], folder)  # `multirun/.../*` names the page too


def new_folder() -> Path:
    """Where results go that no run leaves, named as Hydra names a run's."""
    return Path(f"outputs/{datetime.now():%Y-%m-%d/%H-%M-%S}")


def show_side_by_side(runs: Sequence[Path], folder: Path) -> None:
    """Print the comparison of finished runs and write its page into a folder."""
    from backtester.report import terminal, write_comparison
    from backtester.results.compare import compare as comparison_of

    comparison = comparison_of(runs)
    page = write_comparison(folder, runs)
    terminal.show_compare(comparison)
    print(f"report  {page}")


def report(arguments: argparse.Namespace) -> None:
    """`backtester report`."""
    from backtester.report import write

    print(f"report  {write(arguments.folder)}")


def check(arguments: argparse.Namespace) -> int:
    """`backtester check`."""
    from backtester.honesty.command import run_checks

    return 0 if run_checks(arguments.strategy, arguments.data, arguments.cuts, arguments.overrides) else 1


def claims(arguments: argparse.Namespace) -> None:
    """`backtester claims`."""
    from backtester.claims.command import run_claims

    run_claims(arguments.data, arguments.own, arguments.to or new_folder(), arguments.seed)
