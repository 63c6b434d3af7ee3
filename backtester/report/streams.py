"""The market's streams as a page draws them: each as moments (int64 ns) and values, NaN where one is not known."""

import numpy as np

from backtester.report.encode import Series
from backtester.results.benchmark import role_bars


def assets_of(market) -> dict[str, list[int]]:
    """The instruments that have bars, by the asset's word (empty: the first): spot before perp."""
    found: dict[str, list[int]] = {}
    for index, each in enumerate(market.instruments):
        if each.name and len(role_bars(market, index)):
            found.setdefault(each.asset, []).append(index)
    return found


def price_series(market, index: int, candle: bool) -> Series:
    """The bars of an instrument, each at its close: as candles, else the closes alone."""
    rows, each = role_bars(market, index), market.instruments[index]
    shape, ohlc = ("candle", (rows["open"], rows["high"], rows["low"])) if candle else ("line", None)
    return Series(each.role, each.name, "quote", each.kind, rows["ts_close"], rows["close"], shape=shape, ohlc=ohlc)


def market_series(market, prefix: str, indices: list[int]) -> dict[str, list[Series]]:
    """Open interest, funding, liquidations and flow of an asset's instruments, by panel; only what the market has."""
    perps = [i for i in indices if market.instruments[i].kind == "perp"]
    found: dict[str, list[Series]] = {}
    for index in perps:
        found |= {prefix + name: series for name, series in of_perpetual(market, index, prefix).items()}
    if flow := [each for index in indices if (each := flow_series(market, index, prefix))]:
        found[prefix + "flow"] = flow
    return found


def of_perpetual(market, index: int, prefix: str) -> dict[str, list[Series]]:
    """What only a perpetual has."""
    found = {}
    contracts, funding = (market.tables.get((stream, index), ()) for stream in ("open_interest", "funding"))
    if len(contracts):
        found["oi"] = [Series(f"{prefix}oi", "open interest", "base", "oi", contracts["ts_event"], contracts["qty"], shape="step")]
    if len(funding):
        bp = 1e4 * funding["rate"]
        found["funding"] = [Series(f"{prefix}funding", "funding rate", "bp", "funding", funding["ts_event"], bp, digits=4, shape="step")]
    if len(forced := market.tables.get(("liquidations", index), ())):
        found["liquidations"] = liquidation_series(forced, role_bars(market, index), prefix)
    return found


def liquidation_series(forced: np.ndarray, bars: np.ndarray, prefix: str) -> list[Series]:
    """Quote notional that was liquidated in each bar: shorts upwards, longs downwards."""
    place = np.searchsorted(bars["ts_close"], forced["ts_event"], "right")
    inside = place < len(bars)
    found = []
    for side, label, style in ((-1.0, "shorts", "long"), (1.0, "longs", "short")):
        mine = inside & (forced["side"] == side)
        sums = np.bincount(place[mine], (forced["qty"] * forced["price"])[mine], minlength=len(bars))
        found.append(Series(f"{prefix}forced_{label}", f"{label} liquidated", "quote", style, bars["ts_close"], -side * sums, 0, "bars"))
    return found


def flow_series(market, index: int, prefix: str) -> Series | None:
    """What takers bought more than they sold, summed up since the start; None where it is not known."""
    rows, each = role_bars(market, index), market.instruments[index]
    net = 2.0 * rows["taker_buy"] - rows["volume"]
    if not len(rows) or not np.isfinite(net).any():
        return None
    total = np.where(np.isfinite(net), np.cumsum(np.nan_to_num(net)), np.nan)
    return Series(f"{prefix}flow_{each.kind}", each.kind, "base", each.kind, rows["ts_close"], total, digits=1)
