"""What the page of a run shows, as plain data: read from its folder, with the market's prices where they are at hand."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from backtester.errors import UserError
from backtester.records import PERP, ROLES, SPOT
from backtester.results.benchmark import hold_market, outcome, role_bars
from backtester.results.folder import Columns, read_run

Series = tuple[np.ndarray, np.ndarray]  # int64 ns, values
NEEDED = {  # the files of a run that a page reads, and which of their columns where not all
    "equity": None, "fills": None, "trades": None,
    "orders": ("ts", "ts_done", "instrument", "kind", "limit", "trigger", "status", "refusal"), "ledger": ("ts", "wallet", "balance"),
}


@dataclass(frozen=True)
class RunView:
    """A finished run. Columns are those of the run's files, ts as int64 ns UTC."""

    name: str
    metrics: dict[str, Any]
    manifest: dict[str, Any]
    equity: Columns
    fills: Columns
    trades: Columns
    orders: Columns  # those that NEEDED names
    wallets: dict[str, Series] = field(default_factory=dict)  # instrument with a margin of its own -> ns and quote
    prices: dict[str, Series] = field(default_factory=dict)  # role -> close of each bar in ns, price in quote
    hold: Series | None = None  # equity of buy-and-hold in quote
    hold_metrics: dict[str, Any] | None = None  # its metrics, and the `role` that was bought
    elsewhere: tuple[str, ...] = ()  # instruments of further assets, whose prices are not among `prices`
    trace: Columns = field(default_factory=dict)  # what the strategy saw at every close, its `ts` among them
    words: dict[str, dict[str, str]] = field(default_factory=dict)  # column of the trace -> code -> word
    market: Any = None  # the Market with its streams


def view_of_run(folder: str | Path, market=None) -> RunView:
    """The view of a run's folder; with its Market also prices, premium and buy-and-hold. UserError where it is no run."""
    saved = read_run(folder)
    tables = {name: saved.columns(name, needed) for name, needed in NEEDED.items()}
    if (saved.folder / "trace.parquet").is_file():
        tables["trace"] = saved.columns("trace")
    return _view(saved.name, saved.metrics, saved.manifest, tables, market)


def view_of_result(result) -> RunView:
    """The view of a Result that has just been made."""
    return _view(result.name, result.metrics, result.manifest, result.tables, result.market)


def _view(name: str, metrics: dict, manifest: dict, tables: dict[str, Columns], market) -> RunView:
    wallets = wallets_of(tables["ledger"])
    seen: dict[str, Any] = {"trace": tables.get("trace", {}), "words": manifest.get("trace") or {}}
    view = RunView(name, metrics, manifest, tables["equity"], tables["fills"], tables["trades"], tables["orders"], wallets, **seen)
    if market is None:
        return view
    cash = float(metrics["initial_equity"])
    role, ts, equity = hold_market(market, cash, *costs_of(manifest, market))
    held = {"role": role} | outcome(equity, cash)
    elsewhere = tuple(each.name for each in market.instruments[len(ROLES) :] if each.name)
    return replace(view, prices=prices_of(market), hold=(ts, equity), hold_metrics=held, elsewhere=elsewhere, market=market)


def wallets_of(ledger: Columns) -> dict[str, Series]:
    """Under isolated margin the balance of each perpetual's wallet after each moment at which it changed."""
    found = {}
    for name in dict.fromkeys(ledger["wallet"].tolist()):
        if name != "account":
            mine = np.flatnonzero(ledger["wallet"] == name)
            mine = mine[np.argsort(ledger["ts"][mine], kind="stable")]
            last = mine[np.append(np.diff(ledger["ts"][mine]) > 0, True)]
            found[name] = ledger["ts"][last], ledger["balance"][last]
    return found


def costs_of(manifest: dict[str, Any], market) -> tuple[float, float]:
    """Taker fee and slippage, half the spread included, as fractions; a fee that the venue leaves open is the first instrument's own."""
    venue = (manifest.get("config") or {}).get("venue") or {}
    bound = next(each for each in market.instruments if each.name)
    fee = venue.get("taker_bp") if venue.get("taker_bp") is not None else bound.taker_bp
    return (fee or 0.0) / 1e4, ((venue.get("slippage_bp") or 0.0) + (venue.get("spread_bp") or 0.0) / 2) / 1e4


def market_of(folder: str | Path):
    """The Market that a run's folder names in its manifest, cut to the run's period; UserError where it is gone or has changed."""
    from backtester.market.dataset import load

    manifest = read_run(folder).manifest
    data, period = manifest.get("data") or {}, (manifest.get("config") or {}).get("data") or {}
    if not data.get("path"):
        raise UserError(f"{folder}: its manifest.json names no data.path, its market did not come from a data set")
    market = load(data["path"], period.get("start"), period.get("end"), accept="all", roles=period.get("roles"))
    if market.source["files"] != data.get("files"):
        raise UserError(f"{data['path']}: not the data of the run {folder}: its files have changed since")
    return market


def prices_of(market) -> dict[str, Series]:
    """Role -> closes of its bars at the moments of their close, for every role of the first asset that the market binds."""
    bars = {ROLES[role]: role_bars(market, role) for role in (PERP, SPOT)}
    return {role: (rows["ts_close"], rows["close"]) for role, rows in bars.items() if len(rows)}


def premium_of(prices: dict[str, Series]) -> Series | None:
    """(spot - perp) / perp in basis points at the moments at which both have a close; None where one is missing."""
    if len(prices) < 2:
        return None
    (spot_ts, spot), (perp_ts, perp) = prices["spot"], prices["perp"]
    if np.array_equal(spot_ts, perp_ts):
        return spot_ts, (spot - perp) / perp * 1e4
    ts, a, b = np.intersect1d(spot_ts, perp_ts, return_indices=True)
    return ts, (spot[a] - perp[b]) / perp[b] * 1e4
