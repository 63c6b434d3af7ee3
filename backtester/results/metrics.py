"""The metrics of lanes, from what the loop left of them: a run and a row of a sweep share this one definition.

Ratios are annualised with 365 days from equity sampled at each UTC midnight (each hour where the run is
shorter than 60 days), ddof 1, zero risk-free rate. Drawdown is a positive fraction of the peak. docs/metrics.md has every formula.
"""

import math
from typing import Any

import numpy as np

from backtester.market.times import iso
from backtester.results.ratios import BLOCKS, block_moments, ratios, returns_of, waters

DAY = 86_400_000_000_000  # ns
NAN = math.nan
COUNTED = ("orders", "no_room", "trades", "refused", "fills", "liquidations", "samples", "events", "bars", "blocked")
MEASURED = (  # in the order of metrics.json
    "initial_equity", "final_equity", "total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "omega", "max_drawdown",
    "drawdown_days", "under_water", "value_at_risk", "tail_ratio", "skew", "kurtosis", "samples", "exposure", "turnover", "win_rate",
    "profit_factor", "expectancy", "trade_cost", "entry_bar_share", "orders", "no_room", "trades", "refused", "fills", "liquidations",
    "fees", "slippage", "funding", "events", "bars", "blocked",
)
MEASURES = np.dtype([
    *((name, "i8" if name in COUNTED else "f8") for name in MEASURED),
    ("step", "i8"),                     # from one sample to the next, ns
    ("alive", "i8"),                    # 0: bankrupt
    ("ended_at", "i8"),                 # ns
    ("blocks", "f8", (BLOCKS, 2)),      # sum and sum of squares of the returns in each block
])


def measure(tile, market) -> np.ndarray:
    """MEASURES of every lane of a tile, (lanes,), as the loop left it."""
    lanes, clock = tile.lanes, tile.world["clock"]
    tally, account, deposit = lanes["tally"], lanes["account"], lanes["terms"][:, 0]["deposit"]
    equity, step = tile.samples[:, : int(clock["samples"])], int(clock["step"])
    out = np.zeros(len(lanes), MEASURES)
    returns = returns_of(equity)
    found: dict[str, Any] = ratios(returns, 365.0 * DAY / step) | waters(equity, deposit, step / DAY) | money(tally, account, deposit)
    found["cagr"] = np.array([growth(total, (market.end - market.start) / (365.0 * DAY)) for total in found["total_return"].tolist()])
    found["calmar"] = share(found["cagr"], tally["max_drawdown"])
    found["exposure"] = share(tally["in_market"], np.full(len(lanes), clock["marks"]))
    for name in ("max_drawdown", "trades", "refused", "fills", "liquidations", "fees", "slippage", "funding"):
        found[name] = tally[name]
    for name in ("orders", "no_room", "blocked", "alive"):
        found[name] = account[name]
    found |= {"events": clock["events"], "bars": clock["bars"], "step": step, "blocks": block_moments(returns)}
    found["ended_at"] = np.where(account["alive"] != 0, clock["ts_close"], tally["ended"])
    for name, values in found.items():
        out[name] = values
    return out


def money(tally: np.ndarray, account: np.ndarray, deposit: np.ndarray) -> dict[str, np.ndarray]:
    """What came of the money, and of each trade."""
    costs = tally["fees"] + tally["slippage"] + tally["funding"]
    return {
        "initial_equity": deposit,
        "final_equity": account["equity"],
        "total_return": account["equity"] / deposit - 1.0,
        "turnover": tally["traded"] / deposit,
        "win_rate": share(tally["wins"], tally["trades"]),
        "profit_factor": np.array([profit_factor(*each) for each in zip(tally["profit"].tolist(), tally["loss"].tolist(), strict=True)]),
        "expectancy": share(tally["profit"] - tally["loss"], tally["trades"]),
        "trade_cost": share(costs, tally["trades"]),
        "entry_bar_share": share(tally["quick"], tally["profit"]),
    }


def lane_metrics(tile, k: int, market) -> dict[str, Any]:
    """Lane `k` of a tile as the loop left it; keys and values are those of metrics.json."""
    return {name: values.tolist()[0] for name, values in spelled(measure(tile, market)[k : k + 1]).items()}


def spelled(rows: np.ndarray) -> dict[str, np.ndarray]:
    """MEASURES (lanes,) as columns, codes and moments as words."""
    moments = {ts: iso(ts) for ts in np.unique(rows["ended_at"]).tolist()}
    out = {name: rows[name] for name in MEASURED}
    out["sampling"] = np.where(rows["step"] == DAY, "daily", "hourly").astype(object)
    out["ended"] = np.where(rows["alive"] != 0, "end of data", "bankrupt").astype(object)
    out["ended_at"] = np.array([moments[ts] for ts in rows["ended_at"].tolist()], dtype=object)
    return out


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where the whole is nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, NAN)


def growth(total: float, years: float) -> float:
    """Compound growth a year; -1 where everything is lost, NaN where it has no finite value."""
    if total <= -1.0:
        return -1.0
    try:
        return math.pow(1.0 + total, 1.0 / years) - 1.0
    except OverflowError:
        return NAN


def profit_factor(profit: float, loss: float) -> float:
    """Sum of winning trades over sum of losing ones; infinite without a loser, NaN without a trade."""
    if loss > 0.0:
        return profit / loss
    return math.inf if profit > 0.0 else NAN
