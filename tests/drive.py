"""A market drawn by hand, and a walk through it in plain Python: hooks in their order, market orders filled at the next open."""

from itertools import groupby
from types import SimpleNamespace

import numpy as np

from backtester.fields import initial
from backtester.records import BAR, FUNDING, KIND, OPEN_INTEREST, STREAMS, row_type, rows

START = 1_735_689_600_000_000_000  # 2025-01-01T00:00 UTC
MINUTE = 60_000_000_000


def bars(close, minutes=1, start=START, **columns):
    """Bars that close at `close` (quote) and open where the one before closed; a trade of 1 base in each."""
    close = np.asarray(close, dtype=float)
    out = rows(BAR, len(close))
    out["ts_event"] = start + np.arange(len(close)) * minutes * MINUTE
    out["ts_close"] = out["ts_event"] + minutes * MINUTE
    out["ts_known"] = out["ts_close"] + 500_000_000
    out["close"], out["open"] = close, np.concatenate([close[:1], close[:-1]])
    out["high"], out["low"] = np.maximum(out["open"], close), np.minimum(out["open"], close)
    out["volume"], out["quote_volume"], out["taker_buy"] = 1.0, close, 0.5
    for name, values in columns.items():
        out[name] = values
    return out


def contracts(qty, minutes):
    """Open-interest rows every so many minutes, known when they happen."""
    out = rows(OPEN_INTEREST, len(qty))
    out["ts_event"] = out["ts_known"] = START + np.arange(len(qty)) * minutes * MINUTE
    out["qty"] = qty
    return out


def draw(knots, minutes=1):
    """{stream: rows} of straight lines between knots (minute, perp price, premium bp, open interest every 5 minutes)."""
    at, price, premium, qty = np.array(knots, dtype=float).T
    t = np.arange(minutes, at[-1] + 1, minutes)
    perp = np.interp(t, at, price)
    spot = perp * np.exp(np.interp(t, at, premium) * 1e-4)
    interest = contracts(np.interp(np.arange(0, at[-1] + 1, 5), at, qty), 5)
    return {"spot_bars": bars(spot, minutes), "perp_bars": bars(perp, minutes), "open_interest": interest}


def settlements(rate, count, interval_h=8.0, start=START):
    """Funding rows, `rate` a fraction per interval."""
    out = rows(FUNDING, count)
    out["ts_event"] = start + np.arange(count) * int(interval_h * 60) * MINUTE
    out["ts_known"] = out["ts_event"] + 5_000_000_000
    out["rate"], out["interval_h"] = rate, interval_h
    return out


def tradable(account):
    """An instrument as a hook sees it, before its first bar."""
    position = SimpleNamespace(qty=0.0, pending=0.0)
    return SimpleNamespace(bar=rows(BAR, 1)[0], position=position, ask=SimpleNamespace(qty=0.0, reason=0), account=account)


def fill(leg, role, reason, bar, fills):
    """The waiting order meets the open of the bar."""
    qty, leg.position.pending = leg.position.pending, 0.0
    if qty != 0.0:
        leg.account.cash -= qty * bar.open
        leg.position.qty += qty
        fills.append((int(bar.ts_event - START) // MINUTE, role, float(qty), float(bar.open), reason(leg.ask.reason).name))


def decide(cls, ctx, state, p, paired):
    """Mark, ask the strategy, take its wishes."""
    legs = (ctx.spot, ctx.perp)
    ctx.account.equity = ctx.account.cash + sum(leg.position.qty * leg.bar.close for leg in legs)
    cls.on_bar(ctx, state, p)
    if paired:
        cls.on_pair(ctx, state, p)
    for leg in legs:
        leg.position.pending += leg.ask.qty
        leg.ask.qty = 0.0


def show(cls, stream, *arguments):
    """Call the market hook of a stream, if the strategy has one."""
    getattr(cls, f"see_{stream.removesuffix('_bars')}", lambda *_: None)(*arguments)


def drive(cls, reason, tables, **params):
    """Run a strategy; returns its fills (minute, role, qty, price, reason), its trace, and how many decisions were blocked."""
    seen, state, p = (initial(part)[0] for part in (cls.Seen, cls.State, cls.Params))
    for name, value in params.items():
        p[name] = np.nan if value is None else value
    account = SimpleNamespace(cash=100_000.0, equity=100_000.0, asked=0, blocked=0)
    ctx = SimpleNamespace(ts=0, spot=tradable(account), perp=tradable(account), account=account, seen=seen)
    fills, trace, pair = [], [], 0
    cls.see_start(seen, p)
    tables = {stream: table.view(row_type(STREAMS[stream])) for stream, table in tables.items()}
    events = [(x.ts_known, KIND[stream], i, stream, x) for stream, table in tables.items() for i, x in enumerate(table)]
    for ts, instant in groupby(sorted(events, key=lambda e: e[:3]), key=lambda e: e[0]):
        ctx.ts, fresh = ts, False
        for *_, stream, x in instant:
            if stream in ("spot_bars", "perp_bars"):
                leg, fresh = getattr(ctx, stream[:4]), True
                fill(leg, stream[:4], reason, x, fills)
                leg.bar = x
            show(cls, stream, x, seen, p)
        if fresh:
            paired = ctx.spot.bar.ts_close == ctx.perp.bar.ts_close != pair
            if paired:
                pair = ctx.spot.bar.ts_close
                cls.see_pair(ctx.spot.bar, ctx.perp.bar, seen, p)
            decide(cls, ctx, state, p, paired)
            trace.append(initial(cls.Trace)[0])
            cls.trace(ctx, state, p, trace[-1])
    return fills, np.array(trace), account.blocked
