"""Liquidation clusters (G5): positions that are opened in an hour, and the price that later sweeps where they are liquidated."""

from dataclasses import replace

import numpy as np

from backtester.market.assets import BTC
from backtester.market.constructed.told import Drawn, rows_between, told
from backtester.market.episodes import Episode, Leg
from backtester.market.times import instant

LEVEL = 92_000.0                       # quote, where the positions are opened
BUILD_PCT = 2.4                        # contracts opened in the hour, percent: 0.2 every five minutes
DRIFT_BP = 48.0                        # by which the price moves meanwhile, against the positions' side
FLOW = 0.4                             # takers' net sales over volume when shorts are opened: 70 % sell
LEVERAGES = (10, 20, 25, 50, 75, 100)  # whose liquidation prices are swept
MAINTENANCE = 0.004                    # fraction of the notional, the lowest tier's
REACH_BP = {1: 960.0, -1: 1_060.0}     # past the liquidation price of 10 times leverage, upwards and downwards
SWEPT = 0.4                            # share of the contracts opened that is liquidated: the taker side's leveraged part


def fuel_sweep(rng) -> Drawn:
    """A cluster of leveraged shorts that a rise of 9.6 % sweeps, and one of longs that a fall of 10.6 % does."""
    drawn = told(rng, [cluster(+1), cluster(-1)], between_h=36.0)
    bars = drawn.tables["perp_bars", BTC.perp]
    for entry in drawn.truth:
        build, _, sweep = entry["legs"]
        held = rows_between(bars, instant(build["start"], "truth"), instant(build["end"], "truth"))
        lowest, highest = float(held["low"].min()), float(held["high"].max())
        levels = {str(n): [round(liquidated_at(price, n, entry["side"]), 1) for price in (lowest, highest)] for n in LEVERAGES}
        entry |= {"opened_between": [lowest, highest], "liquidation_prices": levels, "swept_to": sweep["to_price"]}
    return drawn


def liquidated_at(entry: float, leverage: int, side: str) -> float:
    """The liquidation price of an isolated position in the lowest tier."""
    sign = -1 if side == "shorts" else 1
    return entry * (1 - sign / leverage) / (1 - sign * MAINTENANCE)


def cluster(way: int) -> Episode:
    """Positions opened against the way, an hour's rest, and the sweep of that way: +1 upwards, over shorts."""
    added = BTC.open_interest * np.expm1(BUILD_PCT / 100)
    labels = ("SHORTS_IN", "SHORTS_SQUEEZED") if way > 0 else ("LONGS_IN", "LONGS_FLUSHED")
    usd = SWEPT * added * LEVEL * np.exp(way * REACH_BP[way] / 2e4)
    lost_pct = -100 * np.log1p(-SWEPT * added / (BTC.open_interest + added))
    build = Leg(labels[0], 60, -way * DRIFT_BP, premium_bp=way * 5.0, oi_pct=BUILD_PCT, perp_flow=-way * FLOW, activity=2.5,
                noise=0.2, drift=0.2, role="build")
    rest = Leg("QUIET", 60, 0.0, noise=0.2, drift=0.2, role="rest")
    sweep = Leg(labels[1], 360, way * (DRIFT_BP + REACH_BP[way]), premium_bp=-way * 5.0, oi_pct=-lost_pct, perp_flow=way * 0.2,
                activity=3.0, noise=0.5, drift=0.4, role="sweep")
    sweep = replace(sweep, liquidated=(0, usd) if way > 0 else (usd, 0))
    facts = {"side": "shorts" if way > 0 else "longs", "added": round(added, 3), "taker_buy": round(0.5 - way * FLOW / 2, 2)}
    return Episode("fuel_sweep", (build, rest, sweep), facts, LEVEL)
