"""A strategy that follows a script, and little markets whose prices a test can work out by hand."""

from enum import IntEnum

import numpy as np
from tables import SECOND, T0, bars, points

from backtester.engine.bind import bind
from backtester.engine.params import params_of
from backtester.engine.run import run_recorded
from backtester.engine.venue import terms_of, venue_of
from backtester.market.merge import build
from backtester.market.schema import Instrument
from backtester.orders import market, target
from backtester.results.metrics import lane_metrics
from backtester.results.tables import tables

SPOT, PERP = 0, 1
NAN = float("nan")
FREE = {"missing_funding": "free", "maintenance_bp": 40.0}  # no funding, one tier of margin
INSTRUMENTS = (Instrument("S", "spot", taker_bp=0.0), Instrument("P", "perp", taker_bp=0.0))


class Reason(IntEnum):
    FIRST = 1
    SECOND = 2
    THIRD = 3


class Scripted:
    """Three orders, each `qty` of role `role` (0 spot, 1 perp) decided at instant number `at` (from 1; 0: at the start)."""

    class Params:
        at1: int = -1
        role1: int = 1
        qty1: float = 0.0
        until1: int = -1         # ask the first order again at every instant up to this one
        at2: int = -1
        role2: int = 1
        qty2: float = 0.0
        at3: int = -1
        role3: int = 1
        qty3: float = 0.0
        to_target: bool = False  # the quantities are targets
        alternate: bool = False  # the first order changes sign every time
        nan2: bool = False       # the second order's quantity is no number

    class State:
        instant: int
        pairs: int
        settled: int

    class Trace:
        instant: float
        pairs: float

    def on_start(ctx, s, p):
        follow(ctx, s, p)

    def on_bar(ctx, s, p):
        s.instant += 1
        follow(ctx, s, p)

    def on_pair(ctx, s, p):
        s.pairs += 1

    def on_funding(ctx, x, s, p):
        s.settled += 1

    def trace(ctx, s, p, row):
        row.instant = s.instant * 1.0
        row.pairs = s.pairs * 1.0


def follow(ctx, s, p):
    if s.instant == p.at1 or p.at1 < s.instant <= p.until1:
        ask(ctx, p.role1, -p.qty1 if p.alternate and s.instant % 2 == 0 else p.qty1, p.to_target, Reason.FIRST)
    if s.instant == p.at2:
        ask(ctx, p.role2, NAN if p.nan2 else p.qty2, p.to_target, Reason.SECOND)
    if s.instant == p.at3:
        ask(ctx, p.role3, p.qty3, p.to_target, Reason.THIRD)


def ask(ctx, role, qty, to_target, reason):
    if role == SPOT:
        if to_target:
            target(ctx.spot, qty, reason)
        else:
            market(ctx.spot, qty, reason)
    elif to_target:
        target(ctx.perp, qty, reason)
    else:
        market(ctx.perp, qty, reason)


def priced(opens, closes, interval=60, lag=0.5):
    """Bars one after another from T0 with these opens and closes (quote)."""
    out = bars([interval * n for n in range(len(opens))], interval, lag)
    out["open"], out["close"] = opens, closes
    out["high"], out["low"] = np.maximum(opens, closes), np.minimum(opens, closes)
    return out


def funding(moments, rates):
    """Settlements at `moments` (s from T0), known five seconds later."""
    return points("funding", moments, lag=5, rate=rates, interval_h=8)


class Run:
    """The scripted strategy on a little market: its tables as lists of tuples, times in seconds from T0."""

    def __init__(self, records, venue=None, **script):
        self.market = build("tiny", INSTRUMENTS, records)
        venue = {"cash": 1000.0, "slippage_bp": 0.0} | FREE | (venue or {})
        self.bound = bind(Scripted)
        terms = terms_of(venue_of(venue), self.market)
        self.tile, self.log = run_recorded(self.bound, self.market, params_of(Scripted, script), terms)
        self.metrics = lane_metrics(self.tile, 0, self.market)
        self.tables = tables(self.log, self.market, {r.value: r.name.lower() for r in Reason})

    def rows(self, table, *columns):
        """The rows of a table, these columns only."""
        named = self.tables[table]
        return [tuple(self.plain(name, named[name][n]) for name in columns) for n in range(len(named[columns[0]]))]

    def plain(self, name, value):
        if name in ("ts", "ts_done", "entry_ts", "exit_ts"):
            return (int(value) - T0) / SECOND
        return value if isinstance(value, str) else round(float(value), 9)
