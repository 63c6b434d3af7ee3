"""Spot-led: buy a steady rise that spot buyers pay for, while the futures traders leave."""

import math
from enum import IntEnum

from backtester.features.basic import DAY, HOUR, MINUTE, NAN, closes_an_hour, missing, off
from backtester.features.flow import Flow, see_flow
from backtester.features.funding import Funding, is_healthy, see_funding_rate
from backtester.features.open_interest import OpenInterest, age_contracts, see_contracts
from backtester.features.premium import Premium, Source, Unit, in_bp, see_premium, start_premium
from backtester.features.premium_moves import PremiumMoves, see_premium_moves
from backtester.features.sizing import prudent_qty
from backtester.features.support import Support, see_support, start_support
from backtester.features.volatility import Volatility, see_volatility, start_volatility
from backtester.orders import blocked, held, target

ROOT_DAY = math.sqrt(DAY / MINUTE)  # from a minute's volatility to a day's


class Role(IntEnum):
    """What is bought."""

    SPOT = 0
    PERP = 1


class Reason(IntEnum):
    """Why an order was sent."""

    ENTRY_SPOT_LED = 1
    STOP = 2            # the price fell too far
    SUPPORT_BROKEN = 3  # the level did not hold
    FLOW_TURNED = 4     # spot takers buy less than they usually do
    MAX_HOLD = 5        # nothing lasts for ever


class SpotLed:
    """Not a leverage bull but a spot bull. Over the last day the price climbed, steadily; open interest fell,
    so it was not leverage that lifted it; funding is healthy; takers on spot bought more than they usually
    do, and spot did not get cheaper against the perp. Such a rise is more solid than the other kind: buy it
    above support, once, and leave when the spot buyers leave, when support breaks, at the stop, or when the
    time is up.
    """

    class Params:
        role: Role = Role.PERP                 # what is bought
        support: float | None = None           # quote, of spot; buy only while it holds; None: off
        support_tolerance: float = 0.0025      # fraction below support that is no break yet
        support_closes: int = 3                # hourly closes below that are a break
        premium_delta_bp: float = 3.0          # premium_unit; how far the premium may fall in a day
        premium_unit: Unit = Unit.RELATIVE     # what delta is measured in: bp, or u, the usual move of an hour
        premium_source: Source = Source.CLOSE  # which prices make the premium
        premium_half_life_min: float = 5.0     # minutes; half-life of the premium's average
        premium_median_min: float = 15.0       # minutes; window of the premium's median, at most 32 bars
        funding_lo: float = 0.0                # fraction a year; lowest healthy funding
        funding_hi: float = 0.1095             # fraction a year; highest healthy funding, here the exchange's neutral rate
        oi_drop: float = 0.005                 # fraction; smallest fall of open interest in a day
        flow_min: float = 0.005                # share of volume; spot takers' net buying above its own median
        efficiency_min: float = 0.1            # 0 .. 1; how straight the day's path must be
        max_hold_h: float = 96.0               # hours; longest holding
        vol_half_life_min: float = 240.0       # minutes; half-life of the volatility
        stop_sigmas: float = 1.0               # daily volatilities below the entry
        risk: float = 0.005                    # share of equity lost at the stop
        leverage: float = 0.9                  # largest position over equity; below 1, for spot pays its fee from the same cash

    class Limits:
        premium_median_min = (1.0, 160.0)

    class Seen:
        premium: Premium
        moves: PremiumMoves
        volatility: Volatility
        flow: Flow
        support: Support
        open_interest: OpenInterest
        funding: Funding

    class State:
        spent: bool = False    # this opening of the gates was used
        entered: int = 0       # ns
        stop: float = NAN      # quote

    class Trace:
        premium_bp: float
        premium_day_bp: float
        unit_bp: float
        funding: float
        oi_day: float
        flow: float
        flow_excess: float
        rise: float
        efficiency: float
        support: float
        holds: bool
        broken: bool
        push: bool
        stop: float

    def see_start(seen, p):
        start_premium(seen.premium, p.premium_source, p.premium_half_life_min, p.premium_median_min)
        start_volatility(seen.volatility, p.vol_half_life_min)
        start_support(seen.support, p.support, p.support_tolerance, p.support_closes)

    def see_funding(x, seen, p):
        see_funding_rate(seen.funding, x)

    def see_open_interest(x, seen, p):
        see_contracts(seen.open_interest, x)

    def see_spot(bar, seen, p):
        see_volatility(seen.volatility, bar)
        see_flow(seen.flow, bar)
        see_support(seen.support, bar)

    def see_pair(spot, perp, seen, p):
        see_premium(seen.premium, spot, perp)
        see_premium_moves(seen.moves, perp.ts_close, seen.premium.median)
        age_contracts(seen.open_interest, perp.ts_close)

    def on_bar(ctx, s, p):
        if p.role == Role.PERP:
            protect(ctx.perp, s)
        else:
            protect(ctx.spot, s)

    def on_pair(ctx, s, p):
        if not closes_an_hour(ctx.spot.bar.ts_close):
            return
        if p.role == Role.PERP:
            judge(ctx, ctx.perp, s, p)
        else:
            judge(ctx, ctx.spot, s, p)

    def trace(ctx, s, p, row):
        seen = ctx.seen
        row.premium_bp = seen.premium.median
        row.premium_day_bp = seen.moves.day
        row.unit_bp = seen.moves.unit
        row.funding = seen.funding.annual
        row.oi_day = seen.open_interest.change_day
        row.flow = seen.flow.cvd
        row.flow_excess = seen.flow.excess
        row.rise = seen.flow.rise
        row.efficiency = seen.flow.efficiency
        row.support = p.support
        row.holds = seen.support.holds
        row.broken = seen.support.broken
        row.push = seen.support.push
        row.stop = s.stop


def protect(leg, s):
    """The stop, at every bar."""
    if held(leg) > 0.0 and leg.bar.close < s.stop:
        target(leg, 0.0, Reason.STOP)


def judge(ctx, leg, s, p):
    """Each full hour: leave, or buy at the first hour at which every gate is open."""
    if held(leg) > 0.0:
        leave(ctx, leg, s, p)
    elif lacks_input(ctx.seen):
        blocked(ctx)
    elif not is_spot_led(ctx, p):
        s.spent = False
    elif not s.spent:
        enter(ctx, leg, s, p)


def leave(ctx, leg, s, p):
    """What ended the story, the gravest first."""
    if ctx.seen.support.broken:
        target(leg, 0.0, Reason.SUPPORT_BROKEN)
    elif ctx.seen.flow.excess < 0.0:
        target(leg, 0.0, Reason.FLOW_TURNED)
    elif ctx.ts - s.entered >= p.max_hold_h * HOUR:
        target(leg, 0.0, Reason.MAX_HOLD)


def lacks_input(seen):
    """Whether something that the decision needs is not known; the premium's unit is known where its day is."""
    flow = seen.flow
    futures = missing(seen.open_interest.change_day) or missing(seen.funding.annual) or missing(seen.moves.day)
    return futures or missing(flow.excess) or missing(flow.efficiency) or missing(seen.volatility.sigma)


def is_spot_led(ctx, p):
    """Whether spot leads this rise: every gate is open."""
    seen = ctx.seen
    climbs = seen.flow.rise > 0.0 and seen.flow.efficiency >= p.efficiency_min
    unleveraged = seen.open_interest.change_day < -p.oi_drop and is_healthy(seen.funding, p.funding_lo, p.funding_hi)
    bought = seen.flow.excess > p.flow_min and seen.moves.day >= -in_bp(p.premium_delta_bp, p.premium_unit, seen.moves.unit)
    supported = off(p.support) or (seen.support.holds and ctx.spot.bar.close > p.support)
    return climbs and unleveraged and bought and supported


def enter(ctx, leg, s, p):
    """Buy, with the stop a part of a day's usual move below."""
    price = leg.bar.close
    s.stop = price * (1.0 - p.stop_sigmas * ctx.seen.volatility.sigma * ROOT_DAY)
    s.entered = ctx.ts
    s.spent = True
    target(leg, prudent_qty(ctx.account.equity, price, s.stop, p.risk, p.leverage), Reason.ENTRY_SPOT_LED)
