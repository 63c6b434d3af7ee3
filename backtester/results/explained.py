"""What each metric says, in a plain sentence: shown where somebody points at it. Formulas and sources stand in docs/report.md."""

EXPLAINED = {
    "total_return": "Final equity over initial equity, less one: everything counted, open positions at their mark.",
    "cagr": "The yearly growth that, compounded, leads from the first equity to the last; a year has 365 days.",
    "initial_equity": "The money at the start.",
    "final_equity": "Cash, spot holdings at their mark, and the unrealised profit of perpetuals, at the end.",
    "max_drawdown": "The largest loss from a peak of equity to a later low, as a share of the peak.",
    "volatility": "How much sampled returns scatter: their standard deviation, scaled to a year of 365 days.",
    "sharpe": "Mean of sampled returns over their standard deviation, scaled to a year; the risk-free rate is zero.",
    "sortino": "Like the Sharpe ratio, but only returns below zero count as risk.",
    "calmar": "Compound growth over the largest drawdown.",
    "exposure": "Share of closes at which a position was held.",
    "turnover": "Notional of all fills over the initial equity.",
    "win_rate": "Share of closed trades that earned something after fees and funding.",
    "profit_factor": "What winning trades earned over what losing trades lost.",
    "entry_bar_share": "Share of what winning trades earned in the bar in which they began: it rests on the assumed path.",
    "trades": "Round trips: from flat to flat, or to the other side.",
    "orders": "Orders that the strategy asked for.",
    "refused": "Orders that the venue did not take; the table of orders says why.",
    "no_room": "Orders beyond what an instrument or a hook can hold.",
    "fills": "Executions; an order may have several.",
    "blocked": "Decisions that a missing input blocked.",
    "liquidations": "Positions that the venue closed by force.",
    "fees": "Paid to the venue for fills.",
    "slippage": "What fills cost beyond the price that they met: slippage, half the spread, impact.",
    "funding": "Paid to the other side of the perpetual; negative: received.",
    "bars": "Bars of the instruments that trade.",
    "events": "Records of all streams that the run has seen.",
    "sampling": "How far apart the returns are of which ratios are made.",
    "ended": "What ended the run.",
    "ended_at": "When it ended.",
}


def explained(key: str) -> str:
    """What a metric says; empty for one that is not known here."""
    return EXPLAINED.get(key, "")
