"""Who carries the rise, in one number and one word: the score and the label of an hour, from all that is known of the rally.

D20, A12: "this isn't a leverage bull, but a spot bull". Scalars only, so that each combination of a sweep may judge the same
market by its own limits: `p` is a strategy's Params, among them CarriedParams and SceneParams. One that is None leaves its component
out of the score, and its weight out of the coverage; without `cvd` spot's takers are not asked at all, and a short cover passes for
a spot bull. Without `min_score` the score's gates alone decide.
"""

from backtester.features.answers import NO, YES, used
from backtester.features.basic import NAN, off
from backtester.features.flow import buying
from backtester.features.flush import clearance
from backtester.features.funding import health
from backtester.features.premium import Unit, in_bp
from backtester.features.regime import Regime, regime
from backtester.features.score import Score, see_score, start_score


class CarriedParams:
    """What is read of a strategy's Params, beside those of the rally."""

    spot_only: bool = True                # false: every rise whose carrier is known is bought, at the size that it deserves
    min_score: float | None = 0.5         # 0 .. 1; least score of a spot bull
    rise: float = 0.01                    # log return of a day that counts in full
    oi_drop: float = 0.03                 # fall of open interest in a day that counts in full, fraction
    oi_up: float = 0.02                   # fraction; rise of open interest in a day that is leverage
    cvd: float | None = 0.03              # net purchases of spot's takers in a day that count in full, share of volume
    efficiency: float | None = 0.4        # 0 .. 1; straightness of the day's path that counts in full
    premium_fall: float | None = 3.0      # premium_unit; fall of the spot premium in a day at which nothing counts
    premium_unit: Unit = Unit.RELATIVE    # bp, or relative: multiples of the unit u
    funding_lo: float = 0.0               # fraction a year; lowest healthy funding
    funding_hi: float | None = 0.1095     # fraction a year; highest healthy funding


class Carried:
    """The verdict of the last full hour."""

    label: Regime = Regime.UNKNOWN
    score: Score


def weigh_rally(f, rally, p):
    """Judge a full hour."""
    rise = rally.flow.rise
    change = rally.contracts.change_day
    annual = rally.funding.annual
    spot = buying(rally.flow, p.takers)
    perp = buying(rally.perp_flow, p.takers)
    start_score(f.score, p.rise, p.oi_drop, p.cvd, in_bp(p.premium_fall, p.premium_unit, rally.moves.unit))
    f.score.efficiency_hi = p.efficiency
    healthy = used(p.funding_hi, health(annual, p.funding_lo, p.funding_hi, p.funding_hot))
    cleared = used(p.flush_usd, clearance(rally.flush))
    fall = used(p.premium_fall, rally.moves.day)
    see_score(f.score, rise, change, spot, healthy, cleared, fall, used(p.efficiency, rally.flow.efficiency))
    enough = 0.0 if off(p.min_score) else p.min_score
    f.label = regime(f.score.value, rise, change, 1.0 if off(p.cvd) else spot, perp, annual, enough, p.oi_up, p.funding_hi)


def is_carried(f, rise, p):
    """Whether the hour's rise is one of those that are bought: an answer."""
    if f.label == Regime.UNKNOWN:
        return NAN
    bought = f.label == Regime.SPOT_BULL if p.spot_only else rise > 0.0
    return YES if bought else NO
