"""`backtester data fetch`: an exchange's history becomes a data set; what arrived once is never fetched again."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import yaml

from backtester.checkout import ROOT
from backtester.errors import UserError
from backtester.market import assets
from backtester.market.schema import NAME
from backtester.market.times import interval as parse_interval
from backtester.sources.archive import File, chosen, plan, source_of
from backtester.sources.download import Arrival, Downloads, Outcome
from backtester.sources.recipe import build
from backtester.sources.summary import Summary

LICENCE = "The exchange's public data: see its terms of use; not for publication with this project."
ACCOUNT = {"spot": {"taker_bp": 10, "maker_bp": 10}, "perp": {"taker_bp": 5, "maker_bp": 2}}  # without discounts: Binance fee schedule


class Request(NamedTuple):
    """What is asked for."""

    symbol: str
    start: date
    end: date             # the first day that is left out
    interval: str
    streams: str | None   # comma-separated; None: all but trades
    name: str | None      # of the data set
    raw: Path             # where the files stay


def default_downloads(raw: Path, base: str | None = None) -> Downloads:
    """The archive as conf/fetch/binance.yaml says, its files under `raw`/binance."""
    known = yaml.safe_load((ROOT / "conf" / "fetch" / "binance.yaml").read_text(encoding="utf-8"))
    return Downloads(base or known["base"], raw / "binance", known["jobs"], known["per_second"])


def fetch_binance(asked: Request, downloads: Downloads | None = None) -> Summary:
    """Fetch a symbol's files from the public archive and import them. Raises UserError where a file failed; what arrived stays."""
    names = chosen(asked.streams)
    name = checked_name(asked.name or f"binance_{asked.symbol.lower()}")
    downloads = downloads or default_downloads(asked.raw)
    wanted = {each: plan(each, asked.symbol, asked.interval, asked.start, asked.end) for each in names}
    arrivals = arrived(downloads, list(dict.fromkeys(file for files in wanted.values() for file in files)))
    tell(arrivals.values())
    there = {path for path, arrival in arrivals.items() if arrival.outcome in (Outcome.KEPT, Outcome.FETCHED)}
    sources = []
    for each, files in wanted.items():
        paths = [path for file in files for path in (file.path, *file.instead) if path in there]
        if paths:
            sources.append(source_of(each, asked.symbol, asked.interval, paths))
        else:
            print(f"{each}: the archive has nothing of {asked.symbol} between {asked.start} and {asked.end}", file=sys.stderr)
    if not sources:
        raise UserError(f"{asked.symbol}: nothing arrived: is it a symbol of the exchange, and are the days at least two days old?")
    note = f"Binance public archive, {asked.symbol}, {asked.interval} bars"
    recipe = recipe_of(name, asked, instruments(asked.symbol, sources), sources, note)
    return build(recipe, f"fetch {asked.symbol}", downloads.folder, ROOT / "data" / name)


def recipe_of(name: str, asked: Request, traded: list[dict], sources: list[dict], note: str) -> dict:
    """The recipe that imports what was fetched."""
    period = {"start": asked.start.isoformat(), "end": asked.end.isoformat()}
    return {"name": name, **period, "instruments": traded, "licence": LICENCE, "provenance": note, "sources": sources}


def arrived(downloads: Downloads, files: Sequence[File]) -> dict[str, Arrival]:
    """Fetch files; for a month that is not published, its days. Raises UserError where any failed."""
    with watched(len(files)) as progress:
        found = {each.path: each for each in downloads.fetch([file.path for file in files], progress)}
        days = [path for file in files if found[file.path].outcome is Outcome.ABSENT for path in file.instead]
        found |= {each.path: each for each in downloads.fetch(days, progress)}
    failed = [each for each in found.values() if each.outcome is Outcome.FAILED]
    if failed:
        tell(found.values())
        raise UserError(f"{len(failed)} of {len(found)} files failed, {failed[0].path}: {failed[0].why}; what arrived is kept in "
                        f"{downloads.folder}: the same command goes on from there")
    return found


def tell(arrivals) -> None:
    """One line of what arrived, and a line for each file that did not."""
    arrivals = list(arrivals)
    counts = {outcome: sum(each.outcome is outcome for each in arrivals) for outcome in Outcome}
    size = sum(each.size for each in arrivals)
    print(", ".join(f"{count} {outcome.value}" for outcome, count in counts.items() if count) + f"; {size / 1e6:.1f} MB", file=sys.stderr)
    for each in arrivals:
        if each.outcome in (Outcome.FAILED, Outcome.ABSENT):
            print(f"  {each.outcome.value}: {each.path} {each.why}".rstrip(), file=sys.stderr)


@contextmanager
def watched(total: int) -> Iterator[Callable[[Arrival], None]]:
    """A callback that shows files done, bytes and the time left, where somebody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (MofNCompleteColumn(), TextColumn("files"), BarColumn(), TextColumn("{task.fields[size]:.1f} MB"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task, size = bar.add_task("fetch", total=total, size=0.0), [0]

        def progress(arrival: Arrival) -> None:
            size[0] += arrival.size
            bar.update(task, advance=1, size=size[0] / 1e6)

        yield progress


def instruments(symbol: str, sources: list[dict]) -> list[dict]:
    """The entries of `instruments`: what is known of a symbol, else its name, role and fees."""
    used = {source["instrument"] for source in sources}
    known = {f"{asset.coin}USDT": asset for asset in (assets.BTC, assets.ETH)}
    told = known[symbol].instruments() if symbol in known else [{"role": "spot"}, {"role": "perp"}]
    out = []
    for entry, role in zip(told, ("spot", "perp"), strict=True):
        if f"{symbol}-{role.upper()}" in used:
            out.append(ACCOUNT[role] | entry | {"name": f"{symbol}-{role.upper()}", "role": role})
    return out


def checked_name(name: str) -> str:
    """A data set's name, which becomes a folder."""
    if not NAME.fullmatch(name):
        raise UserError(f"--name: {name!r} is no name for a folder: letters, digits, '_', '.' and '-'")
    return name


def read_request(symbol: str, start: str, end: str, interval: str, streams: str | None, name: str | None, raw: Path | None) -> Request:
    """What a command line asks for. Raises UserError for a day that is none, and for an empty period."""
    first, last = day(start, "--from"), day(end, "--to")
    if first >= last:
        raise UserError(f"--to {end} must be later than --from {start}; it is the first day that is left out")
    today = datetime.now(UTC).date()
    if last > today:
        raise UserError(f"--to {end} lies ahead: the newest day that can be whole is {today - timedelta(days=1)}")
    parse_interval(interval, "--interval")
    if not re.fullmatch(r"[A-Za-z0-9]+([-_/:][A-Za-z0-9]+)*", symbol):
        raise UserError(f"{symbol!r} is no symbol: letters and digits, such as BTCUSDT or BTC/USD")
    return Request(symbol, first, last, interval, streams, name, raw or ROOT / "data" / "raw")


def day(text: str, where: str) -> date:
    """A day written as 2025-05-16."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"{where}: {text!r} is no day: write 2025-05-16 (UTC)") from None
