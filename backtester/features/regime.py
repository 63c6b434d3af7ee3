"""D20, A12: what kind of rise this is, "not a leverage bull but a spot bull"; one label an hour, and only one.

| price | open interest  | and                                                         | label         |
|-------|----------------|-------------------------------------------------------------|---------------|
| up    | down           | spot takers bought, score >= min_score                      | SPOT_BULL     |
| up    | down           | spot takers sold or did nothing                             | SHORT_COVER   |
| up    | > +2 %         | funding > 10.95 % a year, perp takers bought more than spot | LEVERAGE_BULL |
|       |                | anything else                                               | MIXED         |

All of it over 24 hours. Takers' purchases of spot and perp are compared as shares of their own volume: in base the
perp's, many times larger, would win nearly always (a modelling choice). A label whose row asks for something unknown is
UNKNOWN, not MIXED.
"""

from enum import IntEnum

from backtester.features.basic import missing


class Regime(IntEnum):
    """Who carries the rise."""

    UNKNOWN = 0        # an input is missing
    SPOT_BULL = 1      # spot buyers, while futures traders leave
    LEVERAGE_BULL = 2  # futures traders, on credit
    SHORT_COVER = 3    # shorts who have to
    MIXED = 4          # none of these, or no rise


def regime(score, rise, oi_change, spot_buying, perp_buying, annual, min_score, oi_up, funding_hot):
    """The label of an hour. Purchases both in one measure; `annual`, `oi_up` and `funding_hot` are fractions."""
    if missing(rise) or missing(oi_change):
        return Regime.UNKNOWN
    if rise <= 0.0:
        return Regime.MIXED
    if oi_change < 0.0:
        return unleveraged(score, spot_buying, min_score)
    return leveraged(spot_buying, perp_buying, annual, funding_hot) if oi_change > oi_up else Regime.MIXED


def unleveraged(score, spot_buying, min_score):
    """A rise while contracts go."""
    if missing(spot_buying):
        return Regime.UNKNOWN
    if spot_buying <= 0.0:
        return Regime.SHORT_COVER
    if missing(score):
        return Regime.UNKNOWN
    return Regime.SPOT_BULL if score >= min_score else Regime.MIXED


def leveraged(spot_buying, perp_buying, annual, funding_hot):
    """A rise while contracts come."""
    if annual <= funding_hot or perp_buying <= spot_buying:
        return Regime.MIXED
    return Regime.UNKNOWN if missing(annual) or missing(perp_buying) or missing(spot_buying) else Regime.LEVERAGE_BULL
