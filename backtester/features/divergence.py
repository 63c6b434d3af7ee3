"""D1 to D5 in step: the premium of spot, the legs of the price, and what each leg says of who moved it.

Claim B1, "micro-level spot-futures divergence": every leg gets a label, the one that stands now and the last confirmed one. This
record keeps the features in step; each of them says in its own file what it is. A strategy takes the parameters and the trace's
columns over by inheritance: `class Params(DivergenceParams)`.
"""

from backtester.features.basic import NAN, off
from backtester.features.labels import Label, RequireOi, label
from backtester.features.legs import Legs, see_legs, start_legs
from backtester.features.open_interest import OpenInterest, age_contracts
from backtester.features.premium import Premium, Source, Unit, in_bp, see_premium, start_premium
from backtester.features.premium_moves import PremiumMoves, see_premium_moves
from backtester.features.volatility import Volatility, start_volatility


class DivergenceParams:
    """How the premium is measured, what a leg is, and what a divergence is."""

    premium_delta_bp: float = 1.0           # premium_unit; smallest premium change of a divergence
    premium_eps_bp: float = 0.5             # premium_unit; largest premium change that still is none
    premium_unit: Unit = Unit.RELATIVE      # what delta and eps are measured in: bp, or u, the usual move of an hour
    premium_source: Source = Source.CLOSE   # which prices make the premium
    premium_half_life_min: float = 5.0      # minutes; half-life of the premium's average
    premium_median_min: float = 15.0        # minutes; window of the premium's median, at most 32 bars
    require_oi: RequireOi = RequireOi.HARD  # how open interest confirms a divergence
    oi_min: float = 0.001                   # fraction; smallest change of open interest in a leg
    vol_half_life_min: float = 240.0        # minutes; half-life of the volatility
    leg_min_bp: float = 40.0                # bp; smallest turn that ends a leg
    leg_k: float = 2.0                      # the same in volatilities of leg_h_min minutes; the larger counts
    leg_h_min: float = 15.0                 # minutes; see leg_k
    leg_provisional: float = 0.6            # share of that turn that makes a provisional leg


class DivergenceLimits:
    """Where a window has a limit."""

    leg_min_bp = (1.0, 10_000.0)
    leg_h_min = (0.0, 10_080.0)
    premium_median_min = (1.0, 160.0)


class DivergenceTrace:
    """Columns of the trace."""

    premium_bp: float
    unit_bp: float
    label: Label
    direction: float        # of the leg as it stands
    leg_bp: float
    leg_premium_bp: float
    leg_oi: float
    turn: float


class Divergence:
    """The legs and their labels."""

    premium: Premium
    moves: PremiumMoves
    volatility: Volatility           # of the perp
    contracts: OpenInterest
    legs: Legs
    delta_bp: float = NAN            # smallest premium change of a divergence, bp
    eps_bp: float = NAN              # largest premium change that still is none, bp
    label: Label = Label.UNKNOWN     # of the leg as it stands
    done: Label = Label.UNKNOWN      # of the last confirmed leg


def start_divergence(f, p):
    """Set the windows, and the size of a leg."""
    start_premium(f.premium, p.premium_source, p.premium_half_life_min, p.premium_median_min)
    start_volatility(f.volatility, p.vol_half_life_min)
    start_legs(f.legs, p.leg_min_bp, p.leg_k, p.leg_h_min, p.leg_provisional)


def see_divergence(f, spot, perp, p):
    """Take in two bars that close together: the premium, the legs, the words for them."""
    see_premium(f.premium, spot, perp)
    see_premium_moves(f.moves, perp.ts_close, f.premium.median)
    age_contracts(f.contracts, perp.ts_close)
    see_legs(f.legs, perp, f.premium, f.contracts.qty, f.volatility.sigma)
    f.delta_bp = in_bp(p.premium_delta_bp, p.premium_unit, f.moves.unit)
    f.eps_bp = in_bp(p.premium_eps_bp, p.premium_unit, f.moves.unit)
    f.label = label(f.legs.now, f.delta_bp, f.eps_bp, p.oi_min, p.require_oi)
    if f.legs.turned:
        f.done = label(f.legs.done, f.delta_bp, f.eps_bp, p.oi_min, p.require_oi)


def trace_divergence(f, row):
    """Write the trace's columns."""
    row.premium_bp = f.premium.median
    row.unit_bp = f.moves.unit
    row.label = f.label
    row.direction = f.legs.now.direction
    row.leg_bp = f.legs.now.size_bp
    row.leg_premium_bp = f.legs.now.premium_change
    row.leg_oi = f.legs.now.oi_change
    row.turn = f.legs.turn


# ---------------------------------------------------------------- what the leg as it stands says


def spot_sells(f):
    """B12: the premium falls with the price, before anything is confirmed."""
    return f.legs.now.direction < 0.0 and f.label == Label.SPOT_SELLS


def shorts_come_in(f, trend):
    """B3: the premium rises as the price drops, and contracts come; as steadily as `trend` asks, 0 .. 1, NaN: not asked."""
    return f.label == Label.SHORTS_IN and (off(trend) or f.legs.now.trend >= trend)
