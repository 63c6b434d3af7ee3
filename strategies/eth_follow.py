"""Will Ethereum follow? Buy bitcoin's break-out in part, the rest once ether breaks out with volume, or leave if it does not."""

import math
from enum import IntEnum

from backtester.features.answers import YES
from backtester.features.basic import DAY, HOUR, MINUTE, NAN, closes_an_hour, missing
from backtester.features.breakout import Breakout, see_breakout
from backtester.features.eth import Follower, Volume, measure_volume, see_follower, start_follower
from backtester.features.hour_bar import HourBar, see_hour
from backtester.features.sizing import prudent_qty
from backtester.features.volatility import Volatility, see_volatility, start_volatility
from backtester.orders import amend, blocked, cancel, held, market_order, stop, target

ROOT_DAY = math.sqrt(DAY / MINUTE)  # from a minute's volatility to a day's


class Role(IntEnum):
    """What is bought."""

    SPOT = 0
    PERP = 1


class Reason(IntEnum):
    """Why an order was sent."""

    BROKE_OUT = 1      # bitcoin did; ether has not yet
    CONFIRMED = 2      # ether followed, with volume
    STOP = 3           # rests at the venue
    NOT_CONFIRMED = 4  # ether did not follow in time
    MAX_HOLD = 5       # nothing lasts for ever


class EthFollow:
    """Will Ethereum follow with increased volume and break through? Bitcoin closes above its high of a week: buy a
    part. If ether closes above its own high within two days, on half as much volume again as it usually has, the move
    is the market's and not bitcoin's alone: buy the rest. If it does not, leave. A stop rests at the venue, and the
    trade ends with its time.
    """

    class Params:
        role: Role = Role.PERP              # what is bought
        early: float = 0.5                  # share of the full size bought at bitcoin's break; 0: only once ether has confirmed
        eth_volume: float = 1.5             # ether's volume of a day over its usual one, at least
        eth_volume_of: Volume = Volume.BASE # what the volume is counted in: quote is the document's, base is known everywhere
        eth_lag_h: float = 48.0             # hours that ether has to follow
        max_hold_h: float = 96.0            # hours; longest holding
        vol_half_life_min: float = 240.0    # minutes; half-life of the volatility
        stop_sigmas: float = 1.0            # daily volatilities below the entry
        risk: float = 0.005                 # share of equity lost at the stop, at full size
        leverage: float = 0.9               # full size over equity, at most; below 1, for spot pays its fee from the same cash

    class Limits:
        early = (0.0, 1.0)

    class Seen:
        hour: HourBar
        breakout: Breakout      # bitcoin's
        follower: Follower      # ether
        volatility: Volatility  # bitcoin's

    class State:
        hour: int = 0         # close of the last hour that was decided on, ns
        spent: int = 0        # bitcoin's last break that was traded, or came while something was held, ns
        entered: int = 0      # ns
        full: bool = False    # ether has confirmed
        stop: int = -1        # number of the stop's order
        below: float = NAN    # its trigger, quote

    class Trace:
        level: float
        broke: float
        eth_level: float
        eth_broke: float
        eth_volume: float
        confirmed: float

    def see_start(seen, p):
        start_follower(seen.follower, p.eth_volume, p.eth_lag_h)
        measure_volume(seen.follower, p.eth_volume_of)
        start_volatility(seen.volatility, p.vol_half_life_min)

    def see_spot(bar, seen, p):
        see_volatility(seen.volatility, bar)
        see_hour(seen.hour, bar)
        if closes_an_hour(bar.ts_close):
            seen.breakout.broke = NAN
            if seen.hour.full:
                see_breakout(seen.breakout, bar.ts_close, seen.hour.close, seen.hour.high)

    def see_eth_spot(bar, seen, p):
        see_follower(seen.follower, bar, seen.breakout.ts)

    def on_bar(ctx, s, p):
        ts = ctx.spot.bar.ts_close
        if not closes_an_hour(ts) or ts == s.hour:
            return
        s.hour = ts
        if p.role == Role.PERP:
            decide(ctx, ctx.perp, s, p)
        else:
            decide(ctx, ctx.spot, s, p)

    def trace(ctx, s, p, row):
        seen = ctx.seen
        row.level = seen.breakout.level
        row.broke = seen.breakout.broke
        row.eth_level = seen.follower.breakout.level
        row.eth_broke = seen.follower.breakout.broke
        row.eth_volume = seen.follower.volume_ratio
        row.confirmed = seen.follower.confirmed


def decide(ctx, leg, s, p):
    """Each full hour."""
    breakout = ctx.seen.breakout
    if held(leg) > 0.0:
        hold(ctx, leg, s, p)
    elif leg.position.qty == 0.0 and breakout.ts != s.spent and ctx.ts - breakout.ts < p.eth_lag_h * HOUR:
        consider(ctx, leg, s, p)


def consider(ctx, leg, s, p):
    """Bitcoin broke out, a short while ago, and that break was not traded yet."""
    seen = ctx.seen
    if missing(seen.follower.confirmed) or missing(seen.volatility.sigma):
        blocked(ctx)
    elif seen.follower.confirmed == YES:
        enter(ctx, leg, s, p, 1.0, Reason.CONFIRMED)
    elif seen.breakout.broke == YES and p.early > 0.0:
        enter(ctx, leg, s, p, p.early, Reason.BROKE_OUT)


def hold(ctx, leg, s, p):
    """The rest, once ether follows; out, if it does not in time, or when the time is up."""
    s.spent = ctx.seen.breakout.ts
    if not s.full and ctx.seen.follower.confirmed == YES:
        s.full = True
        qty = held(leg) + (1.0 - p.early) * affordable(ctx, leg, s, p)
        target(leg, qty, Reason.CONFIRMED)
        amend(leg, s.stop, -qty, NAN)
    elif not s.full and ctx.ts - s.entered >= p.eth_lag_h * HOUR:
        market_order(leg, -held(leg), Reason.NOT_CONFIRMED, reduce_only=True)
    elif ctx.ts - s.entered >= p.max_hold_h * HOUR:
        market_order(leg, -held(leg), Reason.MAX_HOLD, reduce_only=True)


def enter(ctx, leg, s, p, share, reason):
    """Buy a share of the full size, and put the stop below it."""
    s.below = leg.bar.close * (1.0 - p.stop_sigmas * ctx.seen.volatility.sigma * ROOT_DAY)
    s.full = reason == Reason.CONFIRMED
    s.spent = ctx.seen.breakout.ts
    s.entered = ctx.ts
    qty = share * affordable(ctx, leg, s, p)
    cancel(leg, s.stop)
    target(leg, qty, reason)
    s.stop = stop(leg, -qty, s.below, Reason.STOP, reduce_only=True)


def affordable(ctx, leg, s, p):
    """Base that loses `risk` of equity from here down to the stop."""
    return prudent_qty(ctx.account.equity, leg.bar.close, s.below, p.risk, p.leverage)
