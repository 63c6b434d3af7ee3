"""What data a claim needs, and which of them a market lacks.

A need is a stream (`open_interest`), a field of bars that a source may lack (`perp_bars.taker_buy`), a further asset's stream
(`eth_spot_bars`), or the tag of outside events (`exogenous.macro`).
"""

import numpy as np

from backtester.market.schema import Market
from backtester.records import STREAMS

SPOT, PERP = 0, 1
OF_SPOT = ("spot_bars",)


def lacking(market: Market, needs: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the needs that the market does not have, in their order."""
    return tuple(need for need in needs if not has(market, need))


def has(market: Market, need: str) -> bool:
    """Whether a market has what a need names."""
    stream, _, part = need.partition(".")
    if stream == "exogenous":
        return part in market.tags and any(key[0] == "exogenous" for key in market.tables)
    asset, _, plain = stream.partition("_") if stream not in STREAMS else ("", "", stream)
    role = f"{asset}_{kind_of(plain)}" if asset else kind_of(plain)
    if role not in market.roles or (plain, market.roles.index(role)) not in market.tables:
        return False
    table = market.tables[plain, market.roles.index(role)]
    return len(table) > 0 and (not part or bool(np.isfinite(table[part]).any()))


def kind_of(stream: str) -> str:
    """Whose stream it is: only bars are spot's."""
    return "spot" if stream in OF_SPOT else "perp"
