"""A jump of all prices at one moment, as a statement or a decree makes it: what a rule survives that never saw one."""

from collections.abc import Mapping

import numpy as np

from backtester.errors import UserError
from backtester.market.merge import build
from backtester.market.paths import rounded
from backtester.market.schema import Market
from backtester.market.times import instant, iso
from backtester.records import BAR

PRICES, AMOUNTS = ("open", "high", "low", "close"), ("volume", "quote_volume", "taker_buy")
# Fields that hold a price or a notional, per stream. Rates, ratios and contracts are not priced in quote.
PRICED = {
    "trades": ("price",), "liquidations": ("price",), "depth": ("notional",),
    **dict.fromkeys(("spot_bars", "perp_bars", "mark_bars", "index_bars"), (*PRICES, "quote_volume")),
}


def gap(market: Market, at, fraction: float, liquidity: float = 0.2) -> Market:
    """The market with a gap: every price from `at` on (ns, or ISO text in UTC) times 1 + `fraction`, -0.1 is 10 % down.

    The bars that open at `at` open there, on `liquidity` times their volume. Nothing before changes; premiums, open interest,
    rates and times stay. Raises UserError where `at` is no bar's open, or the numbers are no gap.
    """
    moment = at if isinstance(at, int) else instant(at, "gap")
    if not market.start < moment < market.end:
        period = f"{iso(market.start)} and {iso(market.end)}"
        raise UserError(f"gap: {iso(moment)} is outside {market.name}: choose a bar's open between {period}")
    ticks = {n: each.tick for n, each in enumerate(market.instruments)}
    told = {"at": iso(moment), "fraction": fraction, "liquidity": liquidity}
    source = market.source | {"gaps": [*market.source.get("gaps", ()), told]}
    return build(market.name, market.instruments, gapped(market.tables, moment, fraction, liquidity, ticks), market.tags, source)


def gapped(tables: Mapping, at: int, fraction: float, liquidity: float, ticks: Mapping) -> dict:
    """The tables {(stream, instrument): records} with that gap; prices of bars stay on the `ticks` of their instrument."""
    if not (-1 < fraction < np.inf and 0 < liquidity < np.inf):
        raise UserError(f"gap: {fraction} of the price on {liquidity} of the volume: right are a fraction above -1 and a share above 0")
    return {key: moved(key, table, at, fraction, liquidity, ticks.get(key[1])) for key, table in tables.items()}


def moved(key: tuple, table: np.ndarray, at: int, fraction: float, liquidity: float, tick: float | None) -> np.ndarray:
    """One table with the gap; where nothing in it is priced, itself."""
    if key[0] not in PRICED:
        return table
    out, later = table.copy(), table["ts_event"] >= at
    for field in PRICED[key[0]]:
        out[field][later] *= 1 + fraction
    if table.dtype.names == BAR.names:
        inside = (table["ts_event"] < at) & (at < table["ts_close"])
        if inside.any():
            first = iso(table["ts_event"][inside][0])
            raise UserError(f"gap: {iso(at)} lies inside the bar of {key[0]} that opens at {first}: choose a bar's open")
        if tick:
            for field in PRICES:
                out[field][later] = rounded(out[field][later], tick)
        for field in AMOUNTS:
            out[field][table["ts_event"] == at] *= liquidity
    return out
