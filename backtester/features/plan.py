"""A long position before it is taken: where it would be given up, and how large it may be.

"Manage your positions prudently, don't be scared out of the market or chase the highs" (A18, A19, A20): the chase guard, the stops,
the size, and the factors of the situation (C4, A5, A13, A14, A17, C7f) in one record of scalars, fit for a State. `p` is a strategy's
Params, among them PlanParams; what is None makes no difference. Distances are measured on spot, where the story happens, and
kept from the perp's price. A support is the chase's anchor.
"""

from backtester.features.answers import NO
from backtester.features.basic import NAN
from backtester.features.chase import Chase, see_chase, start_chase
from backtester.features.macro import weighed
from backtester.features.multipliers import Multipliers, multiply, start_multipliers
from backtester.features.scene import Use
from backtester.features.shakeout import Stops, set_stops, start_stops, stop_distance
from backtester.features.sizing import Sizing, size_position, start_sizing

LARGEST = 2.0     # product of all factors
BUFFER_BP = 10.0  # below the low of the hour


class PlanParams:
    """What is read of a strategy's Params."""

    risk: float = 0.005                   # share of equity lost at the soft stop
    vol_target: float | None = 0.20       # fraction a year
    leverage: float | None = 3.0          # largest position over equity
    participation: float | None = 0.02    # of the perp's mean volume of five minutes
    liquidation: float | None = 3.0       # stop distances to the price of liquidation
    clean: float | None = 0.6             # 0 .. 1; from here on the market is clean, and the size larger
    heat_caps: bool = True                # the size falls with the heat, until spot has taken over
    ether: Use = Use.SIZE                 # Ethereum breaks out with volume
    chase_far: float | None = None        # average hourly ranges above support that are too far
    chase_fast: float | None = 3.0        # volatilities in an hour that are too fast
    chase_hot: float | None = 0.30        # fraction a year; funding that is too hot
    chase_stretched: float | None = 2.0   # average hourly ranges above the day's average price that are too far
    stop_atrs: float = 2.5                # average hourly ranges to the soft stop, at least
    stop_beyond_fuel: bool = True         # and beyond the nearest cluster of longs that would be liquidated below
    stop_frame_min: float = 15.0          # minutes; whose closes touch it
    stop_hard: float = 2.0                # soft distances to the hard stop, and of a trailing one


class Plan:
    """The position that would be taken, or was."""

    chase: Chase
    multipliers: Multipliers
    stops: Stops
    sizing: Sizing


def start_plan(f, p):
    """Set the limits of the parts."""
    start_chase(f.chase, p.chase_far, p.chase_fast, p.chase_hot, p.chase_stretched)
    start_multipliers(f.multipliers, 0.0, LARGEST)
    f.multipliers.clean = p.clean
    start_stops(f.stops, p.stop_frame_min, p.stop_hard)
    start_sizing(f.sizing, p.risk, p.vol_target, p.leverage, p.participation, p.liquidation)


def look_before_buying(f, price, scene):
    """Each full hour: would a purchase at this price of spot chase the highs?"""
    see_chase(f.chase, price, scene.support.level, scene.guards.ranges, scene.rally.funding.annual)


def plan_long(f, equity, spot, perp, scene, label, p):
    """Plan to buy the perp now, with the account's equity (quote), the last bars of both, and the rise's label."""
    rally = scene.rally
    ranges = scene.guards.ranges
    left = scene.news.heat.left if p.heat_caps else NAN
    ether = scene.ether.confirmed if p.ether == Use.SIZE else NO
    macro = weighed(scene.news.size, scene.news.handover.macro_weight)
    multiply(f.multipliers, label, rally.clean.clean, left, rally.relay.on, ether, scene.guards.stability.fragile, macro)
    cluster = rally.fuel.cluster_down + (spot.close - perp.close) if p.stop_beyond_fuel else NAN
    set_stops(f.stops, 1.0, perp.close, stop_distance(1.0, spot.close, ranges.now.low, ranges.atr, cluster, BUFFER_BP, p.stop_atrs))
    size_position(f.sizing, 1.0, equity, perp.close, f.stops.soft, rally.volatility.sigma, rally.volume_5m, f.multipliers.product)
