"""Little markets whose outcome can be worked out by hand, and what the reference engine makes of them."""

from math import nan

import numpy as np

from backtester.market.schema import Instrument
from backtester.records import BAR, BRACKET, FUNDING, rows
from reference.engine import simulate
from reference.orders import Action

SECOND, MINUTE = 10**9, 60 * 10**9
START = 1_704_067_200 * SECOND  # 2024-01-01T00:00 UTC
SPOT, PERP, SPOT2, PERP2 = range(4)
ROLES = ("spot", "perp", "eth_spot", "eth_perp")
NAMES = ("S", "P", "S2", "P2")
VENUE = {
    "cash": 1000.0, "taker_bp": 0.0, "maker_bp": 0.0, "slippage_bp": 0.0, "spread_bp": 0.0, "impact_bp": 0.0, "participation": None,
    "latency_ms": 0.0, "leverage": 10.0, "margin": "cross", "maintenance_bp": 100.0, "liquidation": "bankruptcy",
    "liquidation_fee_bp": 0.0, "fills": "next_open", "path": "ohlc", "missing_funding": "free",
}


def at(price):
    """The prices of a bar that stands still."""
    return (float(price),) * 4


FLAT = at(100)


def bars(prices, seconds=60, lag=0.5, volume=1000.0):
    """Bars one after another of (open, high, low, close)."""
    out = rows(BAR, len(prices))
    out["ts_event"] = START + np.arange(len(prices)) * seconds * SECOND
    out["ts_close"] = out["ts_event"] + seconds * SECOND
    out["ts_known"] = out["ts_close"] + int(lag * SECOND)
    for n, field in enumerate(("open", "high", "low", "close")):
        out[field] = [price[n] for price in prices]
    out["volume"], out["quote_volume"], out["taker_buy"] = volume, nan, nan
    return out


def settlements(*given):
    """Funding of (second, rate), known five seconds later."""
    out = rows(FUNDING, len(given))
    out["ts_event"] = [START + int(second * SECOND) for second, _ in given]
    out["ts_known"] = out["ts_event"] + 5 * SECOND
    out["rate"], out["interval_h"] = [rate for _, rate in given], 8.0
    return out


def tiers(*versions):
    """Margin brackets: (second, liquidation fee, tiers of (cap, rate, amount, leverage)) of each version."""
    out = rows(BRACKET, len(versions))
    for row, (second, fee, ladder) in zip(out, versions, strict=True):
        row["ts_event"] = row["ts_known"] = START + second * SECOND
        row["tiers"], row["liquidation_fee"] = len(ladder), fee
        for n, name in enumerate(("cap", "rate", "amount", "leverage")):
            row[name][:] = nan
            row[name][: len(ladder)] = [tier[n] for tier in ladder]
    return out


def act(bar, verb, qty=nan, on=PERP, second=None, **more):
    """Asked in on_bar when bar number `bar` (of a minute) is known, or in a hook of its own at `second`."""
    ts = START + int((60.5 + 60 * bar if second is None else second) * SECOND)
    return Action(ts, second is None, verb, on, qty=qty, **more)


class Run:
    """A run of the reference, its tables as lists of tuples, times in seconds; "<60" is the last nanosecond before 60."""

    def __init__(self, perp, *actions, spot=(), tables=None, lag=0.5, given=None, **venue):
        tables = dict(tables or {})
        for key, prices in ((("perp_bars", PERP), perp), (("spot_bars", SPOT), spot)):
            if len(prices):
                tables[key] = bars(prices, lag=lag)
        bound = {index for _, index in tables}
        instruments = [Instrument(NAMES[n], ROLES[n], **(given or {})) if n in bound else Instrument("", ROLES[n]) for n in range(4)]
        self.tables = simulate(tables, instruments, VENUE | venue, sorted(actions, key=lambda action: action.ts))

    def rows(self, table, *names):
        """Tuples of these columns."""
        columns = [[plain(name, value) for value in self.tables[table][name]] for name in names]
        return list(zip(*columns, strict=True))

    def fills(self, *names):
        """(ts, order, qty, price) unless other columns are named."""
        return self.rows("fills", *(names or ("ts", "order", "qty", "price")))

    def ends(self):
        """(status, refusal) of each order."""
        return self.rows("orders", "status", "refusal")

    def ledger(self):
        """(ts, wallet, kind, amount, balance) of all but the deposit and rows that move nothing."""
        return [row for row in self.rows("ledger", "ts", "wallet", "kind", "amount", "balance")[1:] if row[3]]


def plain(name, value):
    """A value that can be written by hand."""
    if name in ("ts", "ts_done", "entry_ts", "exit_ts"):
        since = value - START
        return None if value == 0 else f"<{(since + 1) // SECOND}" if since % SECOND == SECOND - 1 else since / SECOND
    return round(value, 9) if isinstance(value, float) else value
