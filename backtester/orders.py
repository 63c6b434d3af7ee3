"""The order verbs: what a strategy may ask for. They only write a wish; the engine decides.

`tradable` is `ctx.spot` or `ctx.perp`. `reason` is a code of the strategy file's `Reason` enum; it
stands in orders, fills and trades.
"""


def market(tradable, qty, reason):
    """Ask for a market order of `qty` base (negative: sell). Verbs of one hook call add up."""
    tradable.ask.qty += qty
    tradable.ask.reason = reason
    tradable.account.asked = 1


def target(tradable, qty, reason):
    """Ask for the market order that brings the position, waiting orders included, to `qty` base."""
    tradable.ask.qty = qty - held(tradable)
    tradable.ask.reason = reason
    tradable.account.asked = 1


def held(tradable):
    """The position with what waits to change it, base; negative: short."""
    return tradable.position.qty + tradable.position.pending


def blocked(ctx):
    """Count a decision that a missing input (NaN) blocked."""
    ctx.account.blocked += 1
