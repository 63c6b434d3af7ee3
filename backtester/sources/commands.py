"""The commands `backtester data …`: their arguments, and the calls that they become."""

import argparse
from pathlib import Path

SAMPLE = """Generate the embedded sample again, or with kind=... a constructed market: one idea planted in it, the truth in truth.json.

  backtester data sample                                 data/sample
  backtester data sample kind=five_doors seed=3          data/five_doors
  backtester data sample kind=null days=365 folder=year  a folder of your own

docs/data.md lists the kinds. The folder is a data set: run it with data.path=data/five_doors."""

CHECK = """Look for what is wrong with a data set, and write it down beside it: gaps, halts, zeros, doubled rows, jumps, units, columns that
contradict each other, prices far from the asset's others, a perpetual that is the spot, labels at the close, missing settlements.

Faults keep a run from using the data unless data.accept names them; notes (gaps, halts) do not. docs/data.md lists the checks.
Exit code 0: no faults; 1: faults."""


def add_commands(commands, command, raw) -> None:
    """Add the commands to a subparser. `command(to, name, call, summary, **more)` adds one."""
    data = commands.add_parser("data", help="fetch, import, check, describe and make data sets")
    data = data.add_subparsers(metavar="COMMAND", required=True)
    one = command(data, "import", import_data, "raw files become a data set under data/, as a recipe says")
    one.add_argument("recipe", metavar="RECIPE", nargs="?", help="a name in conf/import, or a file; left out: every real data set")
    one.add_argument("folder", metavar="DIR", nargs="?", type=Path, help="where the raw files are; left out: BACKTESTER_REAL_DATA")
    two = command(data, "check", check_data, "what is wrong with a data set", description=CHECK, formatter_class=raw)
    two.add_argument("name", metavar="NAME", help="a file of conf/data, or a folder")
    two.add_argument("--repair", action="store_true", help="repair what a stated rule can, and write it into dataset.yaml")
    three = command(data, "show", show_data, "a data set's instruments, streams, gaps and premiums")
    three.add_argument("name", metavar="NAME", help="a file of conf/data, or a folder")
    summary = "generate the embedded sample again, or a constructed market, with its ground truth"
    four = command(data, "sample", sample_data, summary, description=SAMPLE, formatter_class=raw)
    four.add_argument("overrides", nargs="*", metavar="key=value", help="kind, seed, folder, and what the kind takes; left out: the sample")


def import_data(arguments: argparse.Namespace) -> None:
    """`backtester data import`."""
    from backtester.sources.real_data import build_real_data, raw_folder
    from backtester.sources.recipe import import_recipe

    if arguments.recipe:
        print(import_recipe(arguments.recipe, arguments.folder or raw_folder()).line())
    else:
        build_real_data()


def check_data(arguments: argparse.Namespace) -> int:
    """`backtester data check`."""
    from backtester.sources.describe import check

    return 1 if check(arguments.name, arguments.repair) else 0


def show_data(arguments: argparse.Namespace) -> None:
    """`backtester data show`."""
    from backtester.sources.describe import show

    show(arguments.name)


def sample_data(arguments: argparse.Namespace) -> None:
    """`backtester data sample`."""
    from backtester.checkout import ROOT
    from backtester.market.constructed.kinds import ensure_kind, read_request
    from backtester.market.synthetic import ensure_sample

    if not arguments.overrides:
        print(ensure_sample(ROOT / "data" / "sample"))
        return
    asked = read_request(arguments.overrides)
    print(ensure_kind(asked.kind, asked.folder or ROOT / "data" / asked.kind, asked.seed, **asked.given))
