"""D3, the legs of the price: swings between turns of at least theta.

    theta = max(min_bp, k * sigma * sqrt(h_min))

A leg ends at its extreme and is confirmed where the price has turned by theta, so it is known late, and a
leg that never turns is never confirmed. Decisions therefore use the leg as it stands now: from the running
extreme once the price has turned by `provisional` thetas, else from the last confirmed extreme. Confirmed
legs only count. Claims B2, B3, B11, B12.
"""

import math

from backtester.features.basic import BP, NAN, log_price, missing
from backtester.features.points import Leg, Point, copy_point, measure
from backtester.features.trend import Trend, add_trend, clear_trend, copy_trend


class Legs:
    """The path so far."""

    theta: float = NAN         # what counts as a turn, log price
    direction: float = 0.0     # of the running leg: start to extreme and on
    turn: float = NAN          # how far the price has come back from the running extreme, thetas
    turned: bool = False       # a leg was confirmed at this pair; `turn` is then the turn that confirmed it
    start: Point               # the last confirmed extreme
    extreme: Point             # the running extreme
    here: Point
    now: Leg                   # the leg to decide on
    done: Leg                  # the last confirmed leg
    from_start: Trend          # of the premium from the start on
    to_extreme: Trend          # of the premium from the start to the extreme
    from_extreme: Trend        # of the premium after the extreme
    pairs: int = 0
    min_bp: float = 40.0       # smallest theta, bp
    k: float = 2.0             # theta in sigmas of `h_min` minutes
    root_h: float = 0.0        # root of h_min
    provisional: float = 0.6   # thetas of turn that make a provisional leg


def start_legs(f, min_bp, k, h_min, provisional):
    """Set the size of a turn: at least `min_bp`, else `k` sigmas of `h_min` minutes."""
    f.min_bp = min_bp
    f.k = k
    f.root_h = math.sqrt(h_min)
    f.provisional = provisional


def see_legs(f, perp, premium, open_interest, sigma):
    """Take in one pair: the perp's bar, the premium's record, contracts (base), volatility per root minute.

    A bar in which nothing traded, or one without a volatility, changes nothing but `here`.
    """
    f.turned = False
    f.here.price = perp.close
    f.here.log = log_price(perp)
    f.here.premium = premium.median
    f.here.smooth = premium.smooth
    f.here.open_interest = open_interest
    f.here.ts = perp.ts_close
    if missing(f.here.log) or missing(sigma):
        return
    f.theta = max(f.min_bp * BP, f.k * sigma * f.root_h)
    if f.pairs == 0:
        copy_point(f.start, f.here)
        copy_point(f.extreme, f.here)
    f.pairs += 1
    add_trend(f.from_start, float(f.pairs), premium.smooth)
    add_trend(f.from_extreme, float(f.pairs), premium.smooth)
    if f.direction == 0.0:
        find_first(f)
    else:
        follow(f)
    if f.direction != 0.0:
        stand(f)


def find_first(f):
    """Before the first turn `start` is the lowest place so far and `extreme` the highest: the first leg leaves one of them."""
    if f.here.log <= f.start.log:
        copy_point(f.start, f.here)
        clear_trend(f.from_start)
    if f.here.log >= f.extreme.log:
        copy_point(f.extreme, f.here)
        clear_trend(f.from_extreme)
    if f.here.log - f.start.log >= f.theta:
        f.direction = 1.0
        reach(f)
    elif f.extreme.log - f.here.log >= f.theta:
        f.direction = -1.0
        begin_leg(f)


def follow(f):
    """Move the extreme, or confirm the leg that ended there."""
    f.turn = (f.extreme.log - f.here.log) * f.direction / f.theta
    if f.turn < 0.0:
        f.turn = 0.0
        reach(f)
    elif f.turn >= 1.0:
        measure(f.done, f.direction, f.start, f.extreme, f.to_extreme)
        f.turned = True
        f.direction = -f.direction
        begin_leg(f)


def begin_leg(f):
    """A new leg left the extreme and has come here."""
    copy_point(f.start, f.extreme)
    copy_trend(f.from_start, f.from_extreme)
    reach(f)


def reach(f):
    """Here is the new extreme."""
    copy_point(f.extreme, f.here)
    copy_trend(f.to_extreme, f.from_start)
    clear_trend(f.from_extreme)


def stand(f):
    """The leg to decide on, as the path stands now."""
    if f.turn >= f.provisional and not f.turned:
        measure(f.now, -f.direction, f.extreme, f.here, f.from_extreme)
    else:
        measure(f.now, f.direction, f.start, f.here, f.from_start)
