"""Candles of other exchanges through ccxt, so that the spot of one can be held against the perpetual of another."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from backtester.checkout import ROOT
from backtester.errors import UserError
from backtester.market.dataset import read_header
from backtester.market.times import interval as parse_interval
from backtester.sources.download import Arrival, Outcome
from backtester.sources.fetch import ACCOUNT, Request, checked_name, recipe_of, watched
from backtester.sources.recipe import build
from backtester.sources.summary import Summary

PAGE = 300        # candles that are asked for at once: what the strictest exchange gives
RETRIES = 4       # of a request, by ccxt
HEADER = "timestamp,open,high,low,close,volume"


def fetch_candles(exchange: str, asked: Request, role: str | None = None, base: str | None = None, client=None) -> Summary:
    """Fetch the candles of a symbol (as ccxt spells it) day by day, and import them; into a data set that is there, as one more instrument.

    `client` is the exchange as ccxt has it; None: made here. Days that were fetched stay, and are not asked for again.
    Raises UserError for an exchange, a symbol or an answer that cannot be.
    """
    kind = "perp" if ":" in asked.symbol else "spot"
    plain = asked.symbol.partition(":")[0].replace("/", "-")
    name = checked_name(asked.name or f"{exchange}_{plain.lower().replace('-', '_')}_{kind}")
    folder = asked.raw / exchange / f"{plain}-{kind}" / asked.interval
    files = fetch_days(client or opened(exchange, base), asked, folder)
    if not files:
        raise UserError(f"{exchange} has no candles of {asked.symbol} between {asked.start} and {asked.end}")
    target = ROOT / "data" / name
    joined = (target / "dataset.yaml").is_file()
    called = f"{exchange.upper()}-{plain}-{kind.upper()}"
    there = {each.name: each.role for each in read_header(target)[0].instruments if each.name} if joined else {}
    usual = there.get(called) or (kind if kind not in there.values() else f"{exchange}_{kind}")
    instrument = {"name": called, "role": role or usual}
    source = {"file": [str(path.relative_to(asked.raw)) for path in files], "stream": f"{kind}_bars", "instrument": instrument["name"],
              "interval": asked.interval, "layout": "candles"}
    recipe = recipe_of(name, asked, [instrument | ACCOUNT[kind]], [source], f"{exchange} {asked.symbol}, {asked.interval} candles")
    return build(recipe, f"fetch {exchange} {asked.symbol}", asked.raw, target, joined)


def opened(exchange: str, base: str | None):
    """The exchange as ccxt has it, asking at its own pace."""
    try:
        import ccxt
    except ImportError:
        raise UserError(f"{exchange}: candles need ccxt: pip install 'backtester[ccxt]'") from None
    if exchange not in ccxt.exchanges:
        raise UserError(f"{exchange}: no exchange that ccxt knows (it knows {', '.join(ccxt.exchanges[:8])}, ...)")
    client = getattr(ccxt, exchange)({"enableRateLimit": True, "timeout": 30_000, "options": {"maxRetriesOnFailure": RETRIES}})
    if base:
        client.urls["api"] = dict.fromkeys(client.urls["api"], base) if isinstance(client.urls["api"], dict) else base
    return client


def fetch_days(client, asked: Request, folder: Path) -> list[Path]:
    """A CSV for each day that has candles; those that are there are kept."""
    days = [asked.start + timedelta(days=n) for n in range((asked.end - asked.start).days)]
    out = []
    with watched(len(days)) as progress:
        for day in days:
            path = folder / f"{day}.csv"
            if not path.is_file():
                rows = in_our_words(client, asked, day)
                if rows:
                    write_day(path, rows)
            out += [path] if path.is_file() else []
            progress(Arrival(str(path), Outcome.FETCHED, size=path.stat().st_size if path.is_file() else 0))
    return out


def candles(client, symbol: str, interval: str, day: date) -> list[list]:
    """The rows [ms, open, high, low, close, volume] of a day, each candle once, in order."""
    step = parse_interval(interval, "--interval") // 10**6
    since = int(datetime.combine(day, time(), UTC).timestamp() * 1000)
    end = since + 86_400_000
    found: dict[int, list] = {}
    while since < end:
        page = client.fetch_ohlcv(symbol, interval, since=since, limit=min(PAGE, (end - since) // step or 1))
        fresh = {int(row[0]): row for row in page if since <= row[0] < end}
        found |= fresh
        since = max(fresh) + step if fresh else since + PAGE * step  # nothing traded for so long: look behind it
    return [found[stamp] for stamp in sorted(found)]


def in_our_words(client, asked: Request, day: date) -> list[list]:
    """The candles of a day; ccxt's own errors as ours."""
    try:
        return candles(client, asked.symbol, asked.interval, day)
    except Exception as error:
        if type(error).__module__.split(".")[0] != "ccxt":
            raise
        raise UserError(f"{asked.symbol}: {type(error).__name__}: {' '.join(str(error).split())[:300]}; what arrived is kept") from error


def write_day(path: Path, rows: list[list]) -> None:
    """The candles of a day, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text("".join(f"{line}\n" for line in [HEADER, *(",".join(str(cell) for cell in row[:6]) for row in rows)]), encoding="utf-8")
    part.replace(path)
