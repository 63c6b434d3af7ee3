"""What each metric is called, which unit it has, and which way is better: one line a metric."""

import math
from typing import NamedTuple

QUOTE, PERCENT, YEARLY, RATIO, DAYS, COUNT, WORD = "quote", "%", "% a year", "", "days", "count", "word"
UP, DOWN, NEITHER = 1, -1, 0


class Metric(NamedTuple):
    """How one key of metrics.json reads."""

    label: str
    unit: str
    better: int  # UP, DOWN or NEITHER
    signed: bool = False  # a gain carries its plus


METRICS = {
    "total_return": Metric("total return", PERCENT, UP, signed=True),
    "cagr": Metric("compound growth", YEARLY, UP, signed=True),
    "initial_equity": Metric("initial equity", QUOTE, NEITHER),
    "final_equity": Metric("final equity", QUOTE, NEITHER),
    "max_drawdown": Metric("max drawdown", PERCENT, DOWN),
    "volatility": Metric("volatility", YEARLY, DOWN),
    "sharpe": Metric("Sharpe ratio", RATIO, UP),
    "sharpe_first": Metric("Sharpe ratio, first half", RATIO, UP),
    "sharpe_second": Metric("Sharpe ratio, second half", RATIO, UP),
    "sortino": Metric("Sortino ratio", RATIO, UP),
    "calmar": Metric("Calmar ratio", RATIO, UP),
    "omega": Metric("Omega ratio", RATIO, UP),
    "drawdown_days": Metric("longest drawdown", DAYS, DOWN),
    "under_water": Metric("time under water", PERCENT, DOWN),
    "value_at_risk": Metric("value at risk, 5 %", PERCENT, DOWN),
    "tail_ratio": Metric("tail ratio", RATIO, UP),
    "skew": Metric("skewness", RATIO, NEITHER),
    "kurtosis": Metric("kurtosis", RATIO, NEITHER),
    "samples": Metric("sampled returns", COUNT, NEITHER),
    "exposure": Metric("time in market", PERCENT, NEITHER),
    "turnover": Metric("turnover", RATIO, NEITHER),
    "win_rate": Metric("win rate", PERCENT, UP),
    "profit_factor": Metric("profit factor", RATIO, UP),
    "expectancy": Metric("average trade, net", QUOTE, UP, signed=True),
    "trade_cost": Metric("costs a trade", QUOTE, DOWN),
    "entry_bar_share": Metric("profit from entry bars", PERCENT, NEITHER),
    "trades": Metric("trades", COUNT, NEITHER),
    "orders": Metric("orders", COUNT, NEITHER),
    "refused": Metric("refused orders", COUNT, NEITHER),
    "no_room": Metric("orders without room", COUNT, DOWN),
    "fills": Metric("fills", COUNT, NEITHER),
    "blocked": Metric("blocked decisions", COUNT, NEITHER),
    "liquidations": Metric("liquidations", COUNT, DOWN),
    "fees": Metric("fees", QUOTE, DOWN),
    "slippage": Metric("slippage", QUOTE, DOWN),
    "funding": Metric("funding paid", QUOTE, DOWN),
    "bars": Metric("bars", COUNT, NEITHER),
    "events": Metric("events", COUNT, NEITHER),
    "sampling": Metric("returns sampled", WORD, NEITHER),
    "ended": Metric("ended", WORD, NEITHER),
    "ended_at": Metric("ended at, UTC", WORD, NEITHER),
}


def metric(key: str) -> Metric:
    """The metric of a key; one that is not listed reads as it is spelled."""
    return METRICS.get(key, Metric(key.replace("_", " "), RATIO, NEITHER))


def unit(key: str) -> str:
    """The unit to print beside `figure(key, value)`; empty for pure numbers."""
    return {COUNT: "", WORD: ""}.get(metric(key).unit, metric(key).unit)


def figure(key: str, value) -> str:
    """A metric's value as text in its unit, without the unit: 0.0321 of `total_return` is "+3.21"."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "n/a"
    if isinstance(value, str):
        return value
    known = metric(key)
    if known.unit == COUNT:
        return f"{value:,.0f}"
    scaled = 100 * value if known.unit in {PERCENT, YEARLY} else value
    return f"{scaled:{'+' if known.signed else ''},.2f}"


def best(key: str, values) -> set[int]:
    """Positions of the best of several values; none where no direction is better or all are equal."""
    sign = metric(key).better
    known = {i: sign * v for i, v in enumerate(values) if isinstance(v, (int, float)) and not math.isnan(v)}
    if sign == NEITHER or len(set(known.values())) < 2:
        return set()
    top = max(known.values())
    return {i for i, v in known.items() if v == top}
