"""Holding, the measure of every other strategy."""

from enum import IntEnum

from backtester.orders import market


class Role(IntEnum):
    SPOT = 0
    PERP = 1


class Reason(IntEnum):
    START = 1


class BuyAndHold:
    """Buy at the open of the instrument's first bar and hold to the end; the position is not closed."""

    class Params:
        role: Role = Role.SPOT  # spot pays no funding; perp does
        qty: float = 1.0        # base

    def on_start(ctx, s, p):
        if p.role == Role.SPOT:
            market(ctx.spot, p.qty, Reason.START)
        else:
            market(ctx.perp, p.qty, Reason.START)
