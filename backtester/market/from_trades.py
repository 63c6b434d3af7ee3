"""Bars made from trades while they are read: of equal time, of equal volume, or of equal money."""

import numpy as np

from backtester.market.cursor import ALL, Cursor
from backtester.market.schema import Making
from backtester.records import BAR, rows


class MadeCursor(Cursor):
    """A stream of bars that are made from a stream of trades. The bar that is not full at the end is left out: nobody knows it whole."""

    def __init__(self, stream: str, trades: Cursor, making: Making):
        super().__init__(stream, trades.instrument, iter(()))
        self.trades, self.making = trades, making

    def read(self) -> None:
        """The bars that one batch more of trades fills."""
        self.trades.read()
        self.reach = self.trades.reach
        if self.reach == ALL:
            return
        cut = timed_cut if self.making.what == "interval" else sized_cut
        first = cut(self.trades.held, self.making)
        bars = bars_of(self.trades.held, first, self.making.lag)
        if self.making.what == "interval":
            bars = on_the_clock(bars, int(self.making.size), self.making.lag, self.trades.held)
        self.trades.held = self.trades.held[first[-1]:].copy() if len(first) else self.trades.held
        self.held = np.concatenate([self.held, bars])


def timed_cut(trades: np.ndarray, making: Making) -> np.ndarray:
    """The first row of every bar that later trades have ended, and of the one that is still open: (bars + 1,)."""
    number = trades["ts_event"] // int(making.size)
    return np.append(0, np.flatnonzero(np.diff(number)) + 1)


def sized_cut(trades: np.ndarray, making: Making) -> np.ndarray:
    """The same for bars that end with the trade that fills them; trades of one moment stay together."""
    sizes = trades["qty"] * trades["price"] if making.what == "dollar" else trades["qty"]
    new = np.flatnonzero(np.diff(trades["ts_event"])) + 1  # rows that begin a moment
    first, width = [0], 1024
    while True:
        at = first[-1]
        total = np.cumsum(sizes[at : at + width])  # from the bar's own beginning: the same however the trades were read
        full = at + int(np.searchsorted(total, making.size)) + 1
        if full > at + len(total):
            if at + width >= len(sizes):
                return np.array(first)
            width *= 2
            continue
        later = int(np.searchsorted(new, full))
        if later == len(new):  # a trade of the same moment may follow
            return np.array(first)
        first.append(int(new[later]))


def bars_of(trades: np.ndarray, first: np.ndarray, lag: int) -> np.ndarray:
    """The bars of the rows first[0] .. first[1], first[1] .. first[2] ...; each opens with its first trade and closes after its last."""
    out = rows(BAR, max(len(first) - 1, 0))
    if not len(out):
        return out
    begin, whole = first[:-1], trades[: first[-1]]
    price, qty = np.ascontiguousarray(whole["price"]), np.ascontiguousarray(whole["qty"])
    out["ts_event"], out["ts_close"] = whole["ts_event"][begin], whole["ts_event"][first[1:] - 1] + 1
    out["open"], out["close"] = price[begin], price[first[1:] - 1]
    out["high"], out["low"] = np.maximum.reduceat(price, begin), np.minimum.reduceat(price, begin)
    out["volume"], out["quote_volume"] = np.add.reduceat(qty, begin), np.add.reduceat(qty * price, begin)
    out["taker_buy"] = np.add.reduceat(np.where(whole["side"] > 0.0, qty, 0.0), begin)
    out["ts_known"] = out["ts_close"] + lag
    return out


def on_the_clock(bars: np.ndarray, interval: int, lag: int, trades: np.ndarray) -> np.ndarray:
    """Bars that open and close with the clock, up to the one that is open; where nobody traded, without volume, at the last price."""
    if not len(bars):
        return bars
    number = bars["ts_event"] // interval
    out = rows(BAR, int(trades["ts_event"][-1] // interval - number[0]))
    place = number - number[0]
    out["ts_event"] = (number[0] + np.arange(len(out))) * interval
    out["ts_close"] = out["ts_event"] + interval
    out["ts_known"] = out["ts_close"] + lag
    before = np.searchsorted(place, np.arange(len(out)), side="right") - 1
    for field in ("open", "high", "low", "close"):
        out[field] = bars["close"][before]
        out[field][place] = bars[field]
    for field in ("volume", "quote_volume", "taker_buy"):
        out[field][place] = bars[field]
    return out
