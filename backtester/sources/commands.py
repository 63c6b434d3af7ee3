"""The commands `backtester data …`: their arguments, and the calls that they become."""

import argparse
from pathlib import Path

SAMPLE = """Generate the embedded sample again, or with kind=... a constructed market: one idea planted in it, the truth in truth.json.

  backtester data sample                                 data/sample
  backtester data sample kind=five_doors seed=3          data/five_doors
  backtester data sample kind=null days=365 folder=year  a folder of your own

docs/data.md lists the kinds. The folder is a data set: run it with data.path=data/five_doors."""

FETCH = """Fetch an exchange's history and import it.

  backtester data fetch binance BTCUSDT --from 2025-05-16 --to 2025-05-21
  backtester data fetch binance BTCUSDT --from 2025-05-16 --to 2025-05-21 --streams spot_trades,spot_bars --name btc_trades
  backtester data fetch coinbase BTC/USD --from 2025-05-16 --to 2025-05-21 --name binance_btcusdt

Every file is verified by its published checksum and stays in data/raw: a second call fetches what is missing, nothing twice.
docs/data.md lists the streams."""

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
    fetch = command(data, "fetch", fetch_data, "an exchange's history becomes a data set", description=FETCH, formatter_class=raw)
    fetch.add_argument("exchange", metavar="EXCHANGE", help="binance: its public archive; coinbase, okx, ...: candles through ccxt")
    fetch.add_argument("symbol", metavar="SYMBOL", help="BTCUSDT; of candles as ccxt spells it: BTC/USD, BTC/USDT:USDT for a perpetual")
    for name, key, summary in (("start", "--from", "first day, such as 2025-05-16 (UTC)"), ("end", "--to", "first day that is left out")):
        fetch.add_argument(key, dest=name, metavar="DAY", required=True, help=summary)
    fetch.add_argument("--interval", default="1m", help="length of the bars; left out: 1m")
    fetch.add_argument("--streams", metavar="A,B", help="such as spot_bars,perp_bars,funding; left out: all but trades")
    fetch.add_argument("--name", help="of the data set; left out: the exchange's and the symbol's; candles join one that is there")
    fetch.add_argument("--role", help="of candles, such as spot or coinbase_spot; left out: by the exchange's name and the symbol's kind")
    fetch.add_argument("--base", metavar="URL", help="another address, such as a mirror's; left out: conf/fetch")
    fetch.add_argument("--raw", metavar="DIR", type=Path, help="where the exchange's own files stay; left out: data/raw")
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
        tell(import_recipe(arguments.recipe, arguments.folder or raw_folder()))
    else:
        build_real_data()


def tell(summary) -> None:
    """Print what an import did, and what is wrong with what it wrote."""
    from backtester.sources.describe import faults_of

    print(summary.line())
    for fault in faults_of(summary.folder):
        print(f"  FAULT {fault}")


def fetch_data(arguments: argparse.Namespace) -> None:
    """`backtester data fetch`."""
    from backtester.sources.fetch import default_downloads, fetch_binance, read_request

    given = (arguments.symbol, arguments.start, arguments.end, arguments.interval, arguments.streams, arguments.name, arguments.raw)
    asked = read_request(*given)
    if arguments.exchange == "binance":
        summary = fetch_binance(asked, default_downloads(asked.raw, arguments.base))
    else:
        from backtester.sources.candles import fetch_candles

        summary = fetch_candles(arguments.exchange, asked, arguments.role, arguments.base)
    tell(summary)


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
