"""What the tables of an invented market show, measured from their rows alone."""

import numpy as np

from backtester.market.paths import MINUTE

SPOT, PERP = ("spot_bars", "BTC-SPOT"), ("perp_bars", "BTC-PERP")
OI, FUNDING, LIQUIDATIONS = ((stream, "BTC-PERP") for stream in ("open_interest", "funding", "liquidations"))


def ns(text: str) -> int:
    return int(np.datetime64(text.removesuffix("Z"), "ns").astype("i8"))


def within(table, start: int, end: int):
    return table[(table["ts_event"] >= start) & (table["ts_event"] < end)]


def price_at(bars, ts: int) -> float:
    return float(bars["open"][(ts - bars["ts_event"][0]) // MINUTE])


def premium_before(tables, ts: int) -> float:
    """Median of the premium at the last five closes, bp."""
    after = (ts - tables[SPOT]["ts_event"][0]) // MINUTE
    last = slice(after - 5, after)
    return float(np.median(1e4 * np.log(tables[SPOT]["close"][last] / tables[PERP]["close"][last])))


def oi_change(tables, start: int, end: int) -> float:
    """Log change of open interest, percent."""
    table = tables[OI]
    first, last = (table["qty"][np.searchsorted(table["ts_event"], ts)] for ts in (start, end))
    return float(100 * np.log(last / first))


def taker_flow(bars) -> float:
    """Taker buys minus taker sells, over volume."""
    return float((2 * bars["taker_buy"] - bars["volume"]).sum() / bars["volume"].sum())


def liquidated(tables, start: int, end: int) -> tuple[float, float]:
    """Notional of liquidated longs and shorts, quote."""
    table = within(tables[LIQUIDATIONS], start, end)
    notional = table["qty"] * table["price"]
    return float(notional[table["side"] > 0].sum()), float(notional[table["side"] < 0].sum())
