"""What a page shows, as plain data: read from a finished run's or sweep's folder, with the market's prices where they are at hand."""

import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from backtester.errors import UserError
from backtester.records import PERP, ROLES, SPOT
from backtester.results.benchmark import hold_market, outcome, role_bars
from backtester.results.catalogue import METRICS, metric
from backtester.results.folder import Columns, flatten, read_run, read_sweep

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


@dataclass(frozen=True)
class SweepView:
    """A finished sweep: one row a combination."""

    name: str
    table: Columns
    swept: list[str]  # parameters that differ between rows
    objective: str  # the metric that ranks the rows
    manifest: dict[str, Any]

    def ranked(self) -> np.ndarray:
        """Rows from the best to the worst by the objective, those without it last."""
        values = self.table[self.objective].astype(float)
        return np.argsort(np.where(np.isnan(values), np.inf, -(metric(self.objective).better or 1) * values), kind="stable")

    def command(self, row: int) -> str:
        """The command that runs one combination again as a single run."""
        fixed = self.manifest.get("overrides") or spelled(self.manifest)
        own = tuple(f"strategy.{name}=" for name in self.swept)
        kept = [text for text in fixed if not text.startswith((*own, "+sweep.", "hydra."))]
        chosen = [f"strategy.{name}={_written(self.table[name][row])}" for name in self.swept]
        return shlex.join(["backtester", "run", *kept, *chosen])


def spelled(manifest: dict[str, Any]) -> list[str]:
    """The overrides that stand for a manifest's whole configuration, where it does not name the user's own."""
    config = flatten({key: value for key, value in (manifest.get("config") or {}).items() if key != "sweep"})
    choice = {"strategy.name": "strategy"}  # the group's file, not a key of it
    return [f"{choice.get(key, key)}={_written(value)}" for key, value in config.items() if key != "data.name"]


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
    market = load(data["path"], period.get("start"), period.get("end"))
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


def view_of_sweep(folder: str | Path, objective: str = "sharpe") -> SweepView:
    """The view of a sweep's folder, its rows ranked by a metric. UserError where it is no sweep."""
    saved = read_sweep(folder)
    table = saved.columns("sweep")
    return SweepView(saved.name, table, swept_of(table), objective, saved.manifest)


def swept_of(table) -> list[str]:
    """The columns that are parameters and differ between rows.

    The market's own counts are the same in every row: one that differs is a parameter of the same name (`bars` of divergence).
    """
    results = set(METRICS) - {"bars", "events"} | {"combination"}
    return [name for name in table if name not in results and len({str(v) for v in table[name]}) > 1]


def _written(value: Any) -> str:
    """A value as an override spells it."""
    return "null" if str(value) in {"None", "nan"} else str(value)
