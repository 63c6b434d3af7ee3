"""Signals from elsewhere: positions that another program decided, held in this venue."""

from enum import IntEnum

from backtester.features.basic import missing
from backtester.orders import blocked, target


class Role(IntEnum):
    """What is held."""

    SPOT = 0
    PERP = 1


class Size(IntEnum):
    """What a signal's number counts."""

    BASE = 0   # units of the asset
    SHARE = 1  # notional over equity, when it is taken


class Reason(IntEnum):
    """Why an order was sent."""

    LONG = 1
    SHORT = 2
    FLAT = 3


class Signals:
    """A strategy that somebody has elsewhere, in vectorbt, in pandas, in a file: it says which position to hold from when on. Here
    it meets funding, margin, fees and fills at prices that were still to be had. A signal is decided on once it is known, at the
    first close after that, and filled at the open of the next bar. The signals come as exogenous rows, whose weight is the position.
    """

    class Params:
        role: Role = Role.PERP   # what is held
        size: Size = Size.BASE   # base | share: what a signal's number counts
        tag: int = 0             # code of the exogenous tag that carries the signals
        scale: float = 1.0       # times every signal

    class State:
        wanted: float = 0.0      # of the last signal
        fresh: bool = False      # it has not been acted on

    def on_exogenous(ctx, x, s, p):
        if x.tag == p.tag:
            s.wanted = x.weight * p.scale
            s.fresh = True

    def on_bar(ctx, s, p):
        if s.fresh:
            if p.role == Role.PERP:
                follow(ctx, ctx.perp, s, p)
            else:
                follow(ctx, ctx.spot, s, p)


def follow(ctx, leg, s, p):
    """Hold what the last signal says, once there is a price to size it by."""
    if missing(s.wanted) or missing(leg.bar.close):
        blocked(ctx)
        return
    s.fresh = False
    qty = s.wanted * ctx.account.equity / leg.bar.close if p.size == Size.SHARE else s.wanted
    if qty > 0.0:
        target(leg, qty, Reason.LONG)
    elif qty < 0.0:
        target(leg, qty, Reason.SHORT)
    else:
        target(leg, 0.0, Reason.FLAT)
