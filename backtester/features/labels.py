"""D5, what kind of move a leg was: price against spot premium, and open interest to tell two cases apart.

| price | premium change | open interest up   | open interest down | flat       |
|-------|----------------|--------------------|--------------------|------------|
| any   | within eps     | SPOT_DRIVEN        | SPOT_DRIVEN        | SPOT_DRIVEN|
| down  | >= +delta      | SHORTS_IN          | LONGS_FLUSHED      | DIV_UNCONF |
| up    | <= -delta      | LONGS_IN           | SHORTS_SQUEEZED    | DIV_UNCONF |
| down  | <= -delta      | SPOT_SELLS         | SPOT_SELLS         | SPOT_SELLS |
| up    | >= +delta      | SPOT_BUYS          | SPOT_BUYS          | SPOT_BUYS  |
|       | between        | WEAK               | WEAK               | WEAK       |

Claims B1, B3, B5, B8, B12. The document has no open-interest column; without it forced selling of longs
(price down, premium up) reads as "shorts pile in".
"""

from enum import IntEnum

from backtester.features.basic import missing


class Label(IntEnum):
    """What a leg says about who moved the price."""

    UNKNOWN = 0          # an input is missing
    SPOT_DRIVEN = 1      # the premium stood still: spot and perp moved together
    WEAK = 2             # the premium moved, too little to say more
    SHORTS_IN = 3        # price down, perp below spot, new contracts: shorts pile in
    LONGS_FLUSHED = 4    # price down, perp below spot, contracts gone: longs forced out
    LONGS_IN = 5         # price up, perp above spot, new contracts: longs pile in
    SHORTS_SQUEEZED = 6  # price up, perp above spot, contracts gone: shorts forced out
    DIV_UNCONF = 7       # a divergence that open interest does not explain
    SPOT_SELLS = 8       # price down and spot cheaper: spot leads down
    SPOT_BUYS = 9        # price up and spot dearer: spot leads up


class RequireOi(IntEnum):
    """How open interest confirms a divergence."""

    HARD = 0  # it must rise (or fall) by oi_min; unknown: the label is unknown
    SOFT = 1  # flat or unknown counts as risen
    OFF = 2   # not asked: the document as it stands


def label(leg, delta, eps, oi_min, require_oi):
    """The label of a leg; `delta` and `eps` in bp of premium, `oi_min` a fraction of open interest."""
    change = leg.premium_change
    if leg.direction == 0.0 or missing(change) or missing(delta) or missing(eps):
        return Label.UNKNOWN
    if abs(change) <= eps:
        return Label.SPOT_DRIVEN
    if abs(change) < delta:
        return Label.WEAK
    if change * leg.direction > 0.0:
        return Label.SPOT_BUYS if leg.direction > 0.0 else Label.SPOT_SELLS
    return divergence(leg, oi_min, require_oi)


def divergence(leg, oi_min, require_oi):
    """Price and premium went different ways: who is behind it, by the change of open interest."""
    change = leg.oi_change
    up = leg.direction > 0.0
    if require_oi == RequireOi.HARD and missing(change):
        return Label.UNKNOWN
    if require_oi == RequireOi.OFF or change >= oi_min:
        return Label.LONGS_IN if up else Label.SHORTS_IN
    if change <= -oi_min:
        return Label.SHORTS_SQUEEZED if up else Label.LONGS_FLUSHED
    if require_oi == RequireOi.SOFT:
        return Label.LONGS_IN if up else Label.SHORTS_IN
    return Label.DIV_UNCONF
