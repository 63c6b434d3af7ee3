"""The fight of document B in one record: what both sides stand to lose, who pulls, who has the initiative, who helps, who was lost.

"The fierce battle between long and short futures" (B14): the fuel above and below (B4, B5), its pull (B6), wiped-out sides and the
delicate state (B9, B10), retail (B15) and spot's main force (B13), forced positions as causes (B18, A11). This record keeps the
features in step; each of them says in its own file what it is. What no stream feeds stays unknown. A strategy takes the
parameters and the trace's columns over by inheritance: `class Params(FightParams)`.
"""

from enum import IntEnum

from backtester.features.answers import NO, YES, above, below, opposite
from backtester.features.attribution import Attribution, see_attributed, see_attribution
from backtester.features.basic import NAN, missing
from backtester.features.bursts import Bursts, see_burst_liquidation, see_burst_trade
from backtester.features.crowd import Crowd, age_crowd
from backtester.features.flush import Flush, age_flush, see_forced
from backtester.features.fuel import Fuel, age_fuel, assume_takers, see_fuel_contracts, start_fuel
from backtester.features.initiative import Battle, Initiative, see_initiative, start_initiative
from backtester.features.intensity import Intensity, see_intensity
from backtester.features.main_force import MainForce, see_spot_print, start_main_force
from backtester.features.momentum import Momentum, see_momentum, start_momentum
from backtester.features.retail import Retail, see_retail_trade, start_retail

MAINTENANCE = 0.004  # of the lowest tier, fraction of the notional


class Say(IntEnum):
    """What the word of somebody who may have none counts."""

    NOTHING = 0
    VETO = 1     # a no keeps out; who knows nothing has no say
    CONFIRM = 2  # only a yes lets in


class FightParams:
    """How the fuel is mapped, what a wipe-out and a delicate state are, who is large and who is small."""

    fuel_dist: float = 0.02            # log price within which fuel counts
    fuel_h_taker: float = 0.60         # leveraged share of what takers open
    fuel_h_maker: float = 0.15         # the same of makers
    fuel_half_life_h: float = 24.0     # hours in which half of the highly leveraged give up
    fuel_tilt: float = 0.0             # lean of the mix to high leverage, a power of L / 20
    fuel_takers: float | None = 0.5    # share of purchases taken for granted where takers are unknown; None: not mapped
    fuel_cluster: float = 0.05         # share of a side within reach that makes a cluster, where it stands in one bucket of 5 bp
    momentum_scale: float = 0.008      # log price over which a level's pull falls to 1/e
    wipe: float = 0.70                 # share of a leg's positions whose liquidation wipes their side out
    initiative_h: float = 48.0         # hours; longest initiative without a new leg
    delicate_least: float = 0.003      # share of all contracts, of either side, in a delicate state
    delicate_even: float | None = 0.10 # largest imbalance of a delicate state; None: none is delicate
    force_z: float = 1.0               # standard deviations of the main force's purchases that count
    whale_usd: float = 100_000.0       # quote; a large print
    retail_usd: float = 10_000.0       # quote; prints below are small
    retail_q: float = 0.6              # quantile of small prints' share that is retail


class FightLimits:
    """Where a window has a limit."""

    fuel_dist = (0.001, 0.2)
    momentum_scale = (0.0005, 0.05)


class FightTrace:
    """Columns of the trace."""

    fuel_up: float
    fuel_down: float
    imbalance: float
    cluster_up: float
    cluster_down: float
    coverage: float
    momentum: float
    battle: Battle
    wiped: float            # share of what the last side brought in
    loaded: float
    liquidated: float
    force: float
    retail: float
    shorts_forced: float    # of the liquidations in the last confirmed leg
    lit: float              # large purchases before the last burst of them: 1 yes, 0 no


class Fight:
    """Both sides, and those who watch them."""

    fuel: Fuel
    momentum: Momentum
    initiative: Initiative
    flush: Flush               # forced positions of a day
    intensity: Intensity
    retail: Retail
    crowd: Crowd
    force: MainForce
    forced: Attribution        # forced positions by leg
    bursts: Bursts


def start_fight(f, p):
    """Set the limits of the parts."""
    start_fuel(f.fuel, p.fuel_dist, p.fuel_h_taker, p.fuel_h_maker, p.fuel_half_life_h, p.fuel_tilt, MAINTENANCE)
    assume_takers(f.fuel, p.fuel_takers)
    f.fuel.cluster = p.fuel_cluster
    start_momentum(f.momentum, p.momentum_scale)
    start_initiative(f.initiative, p.wipe, False, p.delicate_least, p.delicate_even, p.initiative_h)
    start_retail(f.retail, p.retail_usd, p.retail_q)
    start_main_force(f.force, p.whale_usd, p.force_z)


def see_fight_contracts(f, x):
    """Take in one row of open interest."""
    see_fuel_contracts(f.fuel, x)
    see_momentum(f.momentum, f.fuel)


def see_fight_liquidation(f, x):
    """Take in one liquidation."""
    see_forced(f.flush, x)
    see_attributed(f.forced, x)
    see_burst_liquidation(f.bursts, x)


def see_fight_print(f, x):
    """Take in one print of the perp."""
    see_retail_trade(f.retail, x)
    see_burst_trade(f.bursts, x)


def see_fight_spot_print(f, x):
    """Take in one print of spot."""
    see_spot_print(f.force, x)
    see_burst_trade(f.bursts, x)


def see_fight(f, divergence):
    """Take in one pair, after its legs: what is known of either side now."""
    ts = divergence.legs.here.ts
    age_fuel(f.fuel, ts)
    if missing(f.fuel.up):
        see_momentum(f.momentum, f.fuel)
    age_crowd(f.crowd, ts)
    age_flush(f.flush, ts)
    see_initiative(f.initiative, divergence.legs, divergence.label, divergence.done, f.fuel)
    see_intensity(f.intensity, f.fuel, f.flush)
    see_attribution(f.forced, divergence.legs)


def trace_fight(f, row):
    """Write the trace's columns."""
    row.fuel_up = f.fuel.up
    row.fuel_down = f.fuel.down
    row.imbalance = f.fuel.imbalance
    row.cluster_up = f.fuel.cluster_up
    row.cluster_down = f.fuel.cluster_down
    row.coverage = f.fuel.coverage
    row.momentum = f.momentum.value
    row.battle = f.initiative.state
    row.wiped = f.initiative.share
    row.loaded = f.intensity.loaded
    row.liquidated = f.intensity.liquidated
    row.force = f.force.force
    row.retail = f.retail.confirmed
    row.shorts_forced = f.forced.shorts_share
    row.lit = f.bursts.by_buyers


# ---------------------------------------------------------------- what it answers, on a side: +1 long, -1 short


def has_fuel(f, side, ratio):
    """Whether what would be liquidated ahead is at least `ratio` times what would be behind."""
    ahead = f.fuel.up if side > 0.0 else f.fuel.down
    behind = f.fuel.down if side > 0.0 else f.fuel.up
    return opposite(below(ahead, ratio * behind))


def is_delicate(f, fierce):
    """Whether the state is delicate, and both sides loaded with at least `fierce` of all contracts."""
    if f.initiative.state == Battle.UNKNOWN:
        return NAN
    return YES if f.initiative.state == Battle.DELICATE and f.intensity.loaded >= fierce else NO


def helped(side, word, say):
    """Whether somebody's word (+1 for the long side, -1 for the short one, 0 neither) lets this side in."""
    if say == Say.NOTHING or (say == Say.VETO and missing(word)):
        return YES
    return opposite(below(side * word, 0.0)) if say == Say.VETO else above(side * word, 0.0)


def retail_sells(f):
    """Whether small traders press the perp: +1 they do, -1 they do not, 0 neither; by their prints, else by the crowd's ratio."""
    if missing(f.retail.confirmed):
        return -f.crowd.against
    return 2.0 * f.retail.confirmed - 1.0
