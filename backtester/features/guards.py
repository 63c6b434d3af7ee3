"""What speaks against a purchase although the story is right: leverage, crowds, a false calm, a market that dries up in layers.

"Is there really no leverage maniacs?" (C2), "liquidity will become stratified" (C7d), "the short-term illusion of stability"
(C7f), and the ranges by which chasing and shaking out are measured (A19, A20), of spot. This record keeps the features in step;
each of them says in its own file what it is. `p` is a strategy's Params, among them GuardsParams.
"""

from backtester.features.leverage_veto import LeverageVeto, see_leverage_veto, start_leverage_veto
from backtester.features.ranges import Ranges, see_ranges
from backtester.features.retail import Retail, see_retail_close
from backtester.features.stability import Stability, see_stability, start_stability
from backtester.features.stratification import Layer, Stratification, age_unusual, see_layer

LOADING = 0.02  # rise of open interest in a day, fraction
LOADED = 0.8    # rank of the fuel in its quarter


class GuardsParams:
    """What is read of a strategy's Params."""

    funding_hot: float = 0.30            # fraction a year; everybody is long
    veto_sigmas: float | None = 2.0      # open interest above its month, with hot funding or a crowd: leverage maniacs
    veto_crowd: float | None = None      # 0 .. 1; rank of small takers in their month that is a crowd
    fragile: float | None = 0.2          # 0 .. 1; rank of a day's volatility below which a market that loads up is fragile


class Guards:
    """The guards that need a memory of the market."""

    ranges: Ranges           # of spot
    veto: LeverageVeto
    retail: Retail
    stability: Stability
    layers: Stratification


def start_guards(f, p):
    """Set the limits."""
    start_leverage_veto(f.veto, p.veto_sigmas, p.funding_hot, p.veto_crowd)
    start_stability(f.stability, p.fragile, LOADING, LOADED)


def see_guards_spot(f, bar, sigma):
    """Take in one bar of spot, and the volatility per root minute known before it."""
    see_ranges(f.ranges, bar, sigma)
    see_layer(f.layers, f.layers.btc_spot, Layer.BTC_SPOT, bar)


def see_guards_perp(f, bar):
    """Take in one bar of the perp."""
    see_layer(f.layers, f.layers.btc_perp, Layer.BTC_PERP, bar)
    see_retail_close(f.retail, bar.ts_close)


def judge_guards(f, ts_close, rally):
    """Judge a full hour (its close, ns), with all that is known of the rise."""
    age_unusual(f.layers.spread, ts_close)
    see_leverage_veto(f.veto, ts_close, rally.contracts, rally.funding.annual, f.retail.rank)
    see_stability(f.stability, ts_close, f.ranges.realised, rally.contracts.change_day, rally.clean.rank)
