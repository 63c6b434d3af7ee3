"""The metrics of a lane, from what the loop left of it: a run and a row of a sweep share this one definition.

Ratios are annualised with 365 days from equity sampled at each UTC midnight (each hour where the run is
shorter than 60 days), ddof 1, zero risk-free rate. Drawdown is a positive fraction of the peak.
"""

import math

import numpy as np

from backtester.market.times import iso

DAY = 86_400_000_000_000  # ns
NAN = math.nan


def lane_metrics(tile, k: int, market) -> dict:
    """Lane `k` of a tile as the loop left it; keys are those of metrics.json."""
    lane, clock = tile.lanes[k], tile.world.clock
    tally, account, cash = lane.tally, lane.account, float(lane.terms[0].deposit)
    years = (market.end - market.start) / (365.0 * DAY)
    total = float(account.equity) / cash - 1.0
    cagr = growth(total, years)
    out = {
        "initial_equity": cash,
        "final_equity": float(account.equity),
        "total_return": total,
        "cagr": cagr,
        **ratios(returns_of(tile.samples[k, : clock.samples]), int(clock.step)),
        "calmar": cagr / float(tally.max_drawdown) if tally.max_drawdown > 0.0 else NAN,
        "max_drawdown": float(tally.max_drawdown),
        "exposure": int(tally.in_market) / int(clock.marks) if clock.marks else NAN,
        "turnover": float(tally.traded) / cash,
        "win_rate": int(tally.wins) / int(tally.trades) if tally.trades else NAN,
        "profit_factor": profit_factor(float(tally.profit), float(tally.loss)),
        "entry_bar_share": float(tally.quick) / float(tally.profit) if tally.profit > 0.0 else NAN,
        "orders": int(account.orders),
        "no_room": int(account.no_room),
    }
    for name in ("trades", "refused", "fills", "liquidations"):
        out[name] = int(tally[name])
    for name in ("fees", "slippage", "funding"):
        out[name] = float(tally[name])
    out |= {"events": int(clock.events), "bars": int(clock.bars), "blocked": int(account.blocked)}
    out["sampling"] = "daily" if clock.step == DAY else "hourly"
    out["ended"] = "end of data" if account.alive else "bankrupt"
    out["ended_at"] = iso(int(clock.ts_close if account.alive else tally.ended))
    return out


def growth(total: float, years: float) -> float:
    """Compound growth a year; -1 where everything is lost, NaN where it has no finite value."""
    if total <= -1.0:
        return -1.0
    try:
        return math.pow(1.0 + total, 1.0 / years) - 1.0
    except OverflowError:
        return NAN


def returns_of(equity: np.ndarray) -> np.ndarray:
    """Returns between samples of equity (moments,), quote; after ruin there are none."""
    before = equity[:-1]
    return equity[1:][before > 0.0] / before[before > 0.0] - 1.0


def ratios(returns: np.ndarray, step: int) -> dict:
    """Volatility, Sharpe and Sortino ratio of returns (samples,) that are `step` ns apart."""
    n, scale = len(returns), math.sqrt(365.0 * DAY / step)
    mean = float(returns.mean()) if n else NAN
    deviation = float(returns.std(ddof=1)) if n > 1 else NAN
    below = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2))) if n else NAN
    return {
        "volatility": deviation * scale,
        "sharpe": mean / deviation * scale if deviation > 0.0 else NAN,
        "sortino": mean / below * scale if below > 0.0 else NAN,
    }


def profit_factor(profit: float, loss: float) -> float:
    """Sum of winning trades over sum of losing ones; infinite without a loser, NaN without a trade."""
    if loss > 0.0:
        return profit / loss
    return math.inf if profit > 0.0 else NAN
