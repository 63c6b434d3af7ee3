"""Support: long while a level holds, more of it on each push higher, out when it breaks."""

from enum import IntEnum

from backtester.features.basic import NAN, closes_an_hour, missing
from backtester.features.sizing import prudent_qty
from backtester.features.support import Level, Support, see_support, start_rolling_support, start_support
from backtester.orders import amend, blocked, cancel, held, market_order, stop, target


class Reason(IntEnum):
    """Why an order was sent."""

    HOLDS = 1   # the level was won back and has held for twelve hours
    PUSH = 2    # the price pushed higher: more of it
    BROKEN = 3  # hourly closes below the level
    STOP = 4    # a fall too deep to wait for the hour; rests at the venue


class SupportHold:
    """Can bitcoin hold above 92,000 and push higher? Once a level has held for twelve hours, buy; buy more each time
    the price closes above all it reached since. Hourly closes below the level end it, three in a row or a deep one;
    a wick says nothing, unless it is so deep that the stop at the venue is met. The level is a number, or the last
    high that the price broke through: the honest form, for nobody knew 92,000 beforehand.
    """

    class Params:
        level: Level = Level.FIXED          # the number below, or the last breakout
        support: float = 92_000.0           # quote, of the perp
        lookback_h: int = 168               # hours of whose highest close a breakout is; rolling
        support_tolerance: float = 0.0025   # fraction below the level that is no break yet
        support_closes: int = 3             # hourly closes below that are a break
        stop_below: float = 0.015           # fraction below the level: the stop
        adds: int = 2                       # pushes on which more is bought
        add_share: float = 0.5              # of what a first purchase would be there
        risk: float = 0.005                 # share of equity that a first purchase loses at the stop
        leverage: float = 1.0               # a first purchase over equity, at most

    class Limits:
        lookback_h = (1, 255)
        stop_below = (0.0, 0.5)

    class Seen:
        support: Support

    class State:
        hour: int = 0          # close of the last hour that was decided on, ns
        adds: int = 0          # since the entry
        stop: int = -1         # number of the stop's order
        qty: float = 0.0       # that it sells, base
        level: float = NAN     # that it stands below, quote

    class Trace:
        level: float
        holds: bool
        broken: bool
        push: bool
        adds: int

    def see_start(seen, p):
        if p.level == Level.ROLLING:
            start_rolling_support(seen.support, p.lookback_h, p.support_tolerance, p.support_closes)
        else:
            start_support(seen.support, p.support, p.support_tolerance, p.support_closes)

    def see_perp(bar, seen, p):
        see_support(seen.support, bar)

    def on_bar(ctx, s, p):
        ts = ctx.perp.bar.ts_close
        if not closes_an_hour(ts) or ts == s.hour:
            return
        s.hour = ts
        if held(ctx.perp) > 0.0:
            hold(ctx, s, p)
        elif missing(ctx.seen.support.level):
            blocked(ctx)
        elif ctx.perp.position.qty == 0.0 and ctx.seen.support.holds and ctx.perp.bar.close > ctx.seen.support.level:
            enter(ctx, s, p)

    def trace(ctx, s, p, row):
        support = ctx.seen.support
        row.level = support.level
        row.holds = support.holds
        row.broken = support.broken
        row.push = support.push
        row.adds = s.adds


def hold(ctx, s, p):
    """Out on a break, more on a push; the stop follows a level that rolled."""
    support = ctx.seen.support
    if support.broken:
        market_order(ctx.perp, -held(ctx.perp), Reason.BROKEN, reduce_only=True)
        return
    qty = held(ctx.perp)
    if support.push and s.adds < p.adds:
        s.adds += 1
        qty += p.add_share * affordable(ctx, p)
        target(ctx.perp, qty, Reason.PUSH)
    if qty != s.qty or support.level != s.level:
        s.qty = qty
        s.level = support.level
        amend(ctx.perp, s.stop, -qty, s.level * (1.0 - p.stop_below))


def enter(ctx, s, p):
    """The first purchase, and the stop below the level."""
    s.level = ctx.seen.support.level
    s.qty = affordable(ctx, p)
    s.adds = 0
    cancel(ctx.perp, s.stop)
    target(ctx.perp, s.qty, Reason.HOLDS)
    s.stop = stop(ctx.perp, -s.qty, s.level * (1.0 - p.stop_below), Reason.STOP, reduce_only=True)


def affordable(ctx, p):
    """Base that loses `risk` of equity from here down to the stop."""
    below = ctx.seen.support.level * (1.0 - p.stop_below)
    return prudent_qty(ctx.account.equity, ctx.perp.bar.close, below, p.risk, p.leverage)
