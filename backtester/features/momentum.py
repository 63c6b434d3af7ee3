"""D8, liquidation momentum: which way the fuel pulls, near levels more than far ones.

    momentum = sum over levels of notional * exp(-|ln(level / price)| / scale) * (+1 above, -1 below) / notional of all contracts

Claim B6, "downward liquidation momentum again": below zero. Shorts above pull up, longs below pull down. Levels farther
than five scales (weight below 0.7 %) are left out. Read at rows of open interest, after the fuel.
"""

import math

from backtester.features.basic import NAN, missing
from backtester.features.fuel import GROW, SHRINK
from backtester.features.levels import STEP, bucket_of, longs_at, shorts_at

FAR = 5.0  # scales


class Momentum:
    """The pull of the fuel."""

    value: float = NAN    # share of the notional of all contracts
    scale: float = 0.008  # log price over which a level's weight falls to 1/e


def start_momentum(f, scale):
    """Set how far a level still counts, log price."""
    f.scale = scale


def see_momentum(f, fuel):
    """Read the map; unknown where the fuel is."""
    f.value = NAN
    if missing(fuel.up):
        return
    log = math.log(fuel.price)
    here = bucket_of(log)
    fall = math.exp(-STEP / f.scale)
    rise = (here + 1.5) * STEP - log  # to the middle of the next bucket above
    drop = log - (here - 0.5) * STEP
    above = math.exp(rise - rise / f.scale)
    below = math.exp(-drop - drop / f.scale)
    outwards_above = GROW * fall
    outwards_below = SHRINK * fall
    pull = 0.0
    for k in range(1, int(FAR * f.scale / STEP + 0.5) + 1):
        pull += shorts_at(fuel.levels, here + k) * above - longs_at(fuel.levels, here - k) * below
        above *= outwards_above
        below *= outwards_below
    f.value = pull * fuel.price / fuel.notional
