"""One pass of the loop for all claims of a watch: its trace at the closes that count, and the prices after them."""

from functools import cache

import numpy as np

from backtester.claims.watched import HOUR, Watched
from backtester.engine.bind import Bound, bind
from backtester.engine.params import params_of
from backtester.engine.run import run_recorded
from backtester.engine.venue import terms_of, venue_of
from backtester.market.schema import Market

PERP = 1
VENUE = {"maintenance_bp": 40.0}  # a watch trades nothing, and needs no margin brackets


@cache
def bound_to(watch: type, roles: tuple[str, ...]) -> Bound:
    """The watch in the loop."""
    return bind(watch, roles)


def watched(market: Market, watch: type, **params) -> Watched:
    """The rows of a watch at the closes of the perpetual, at full hours where the watch is hourly."""
    codes = {name: market.tags.index(word) for name, word in getattr(watch, "tags", {}).items() if word in market.tags}
    bound = bound_to(watch, market.roles)
    log = run_recorded(bound, market, params_of(watch, codes | params), terms_of(venue_of(VENUE), market))[1]
    bars = market.tables["perp_bars", PERP]
    step = int((bars["ts_close"] - bars["ts_event"]).min())
    ts = log.equity["ts"]
    keep = np.isin(ts, bars["ts_close"]) & ((ts % HOUR == 0) | (not getattr(watch, "hourly", False)))
    columns = {name: log.trace[name][keep].astype(float) for name in log.trace.dtype.names or ()}
    path = opens(bars, step)
    entry = (ts[keep] - bars["ts_event"][0]) // step
    return Watched(ts[keep], columns, path, step, entry, market.start, market.end)


def opens(bars: np.ndarray, step: int) -> np.ndarray:
    """Log opens on a grid from the first bar on; where a bar is missing the last close stands for it, up to an hour."""
    place = (bars["ts_event"] - bars["ts_event"][0]) // step
    path = np.full(int(place[-1]) + 1, np.nan)
    path[place] = np.log(bars["open"])
    last = np.maximum.accumulate(np.where(np.isfinite(path), np.arange(len(path)), 0))
    close = np.full(len(path), np.nan)
    close[place] = np.log(bars["close"])
    gap = (np.arange(len(path)) - last) * step
    return np.where(np.isnan(path) & (gap <= HOUR), close[last], path)
