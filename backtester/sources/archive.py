"""The public archive of Binance: which of its files hold a symbol's streams over a period, and how they are imported."""

from datetime import date, timedelta
from typing import NamedTuple

from backtester.errors import UserError

MONTHLY, DAILY = "monthly", "daily"


class Dataset(NamedTuple):
    """One folder of the archive that feeds a stream."""

    market: str              # spot or futures/um
    kind: str                # the archive's word
    layout: str
    bars: bool = False       # a folder for each interval
    every: tuple[str, ...] = (MONTHLY, DAILY)


DATASETS = {
    "spot_bars": Dataset("spot", "klines", "binance.klines", bars=True),
    "perp_bars": Dataset("futures/um", "klines", "binance.klines", bars=True),
    "mark_bars": Dataset("futures/um", "markPriceKlines", "binance.klines", bars=True),
    "index_bars": Dataset("futures/um", "indexPriceKlines", "binance.klines", bars=True),
    "premium_index_bars": Dataset("futures/um", "premiumIndexKlines", "binance.klines", bars=True),
    "funding": Dataset("futures/um", "fundingRate", "binance.funding", every=(MONTHLY,)),
    "open_interest": Dataset("futures/um", "metrics", "binance.metrics", every=(DAILY,)),
    "long_short_ratio": Dataset("futures/um", "metrics", "binance.metrics", every=(DAILY,)),
    "spot_trades": Dataset("spot", "aggTrades", "binance.agg_trades"),
    "perp_trades": Dataset("futures/um", "aggTrades", "binance.agg_trades"),
}
USUAL = tuple(name for name in DATASETS if not name.endswith("trades"))  # trades are a hundred times larger


class File(NamedTuple):
    """One file of the archive, and what stands for it where it is not there."""

    path: str                    # from the archive's base
    instead: tuple[str, ...] = ()  # the days of a month


def plan(name: str, symbol: str, interval: str, start: date, end: date) -> list[File]:
    """The files of one entry of DATASETS that hold [start, end): months where they are whole, else days."""
    asked = DATASETS[name]
    out = []
    for month in months(start, end):
        after = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
        days = [month + timedelta(days=n) for n in range((after - month).days) if start <= month + timedelta(days=n) < end]
        as_days = tuple(path_of(asked, symbol, interval, DAILY, day.isoformat()) for day in days) if DAILY in asked.every else ()
        whole = start <= month and after <= end
        if MONTHLY in asked.every and (whole or not as_days):
            out.append(File(path_of(asked, symbol, interval, MONTHLY, f"{month:%Y-%m}"), as_days))
        else:
            out += [File(path) for path in as_days]
    return out


def months(start: date, end: date) -> list[date]:
    """The first day of every month that [start, end) touches."""
    first, out = start.replace(day=1), []
    while first < end:
        out.append(first)
        first = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return out


def path_of(asked: Dataset, symbol: str, interval: str, every: str, stamp: str) -> str:
    """Where the archive keeps one file."""
    folder = f"data/{asked.market}/{every}/{asked.kind}/{symbol}" + (f"/{interval}" if asked.bars else "")
    return f"{folder}/{symbol}-{interval if asked.bars else asked.kind}-{stamp}.zip"


def chosen(streams: str | None) -> list[str]:
    """The entries of DATASETS that a comma-separated list names; all but the trades where it is None. Raises UserError."""
    names = list(USUAL) if streams is None else [name.strip() for name in streams.split(",")]
    if wrong := [name for name in names if name not in DATASETS]:
        raise UserError(f"--streams: the archive has no {wrong[0]!r} (it has {', '.join(DATASETS)})")
    return names


def source_of(name: str, symbol: str, interval: str, files: list[str]) -> dict:
    """The entry of a recipe that imports the files of one entry of DATASETS."""
    stream = "trades" if name.endswith("trades") else name
    instrument = f"{symbol}-SPOT" if DATASETS[name].market == "spot" else f"{symbol}-PERP"
    every = {"interval": interval} if DATASETS[name].bars else {"interval": "5m"} if DATASETS[name].kind == "metrics" else {}
    return {"file": files, "stream": stream, "instrument": instrument, "layout": DATASETS[name].layout} | every
