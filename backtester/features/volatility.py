"""D2, the scale of the price's moves: what a minute's log return usually is.

    variance = average of (log return)^2 per minute, half forgotten in `half_life_min`

`sigma` is the value known before the newest bar, so that a bar is never measured by itself. Until the
average has seen as many bars as it remembers it is the plain mean.
"""

import math

from backtester.features.basic import MINUTE, NAN, half_life_alpha, log_price, missing


class Volatility:
    """Root of the average squared log return per minute, of one instrument's bars."""

    sigma: float = NAN           # per root minute, before the newest bar
    variance: float = NAN        # per minute, the newest bar included
    price: float = NAN           # log price of the last bar that traded
    half_life_min: float = 240.0 # minutes
    alpha: float = NAN           # weight of a new bar; from the first bar's length
    count: int = 0               # returns so far
    ts: int = 0                  # close of the last bar that traded, ns


def start_volatility(f, half_life_min):
    """Set the half-life of the average, minutes."""
    f.half_life_min = half_life_min


def see_volatility(f, bar):
    """Take in one bar; one that did not trade changes nothing."""
    f.sigma = math.sqrt(f.variance) if f.count > 0 else NAN
    price = log_price(bar)
    if missing(price):
        return
    if f.ts == 0:
        f.alpha = half_life_alpha(f.half_life_min, (bar.ts_close - bar.ts_event) / MINUTE)
    else:
        add_return(f, price - f.price, (bar.ts_close - f.ts) / MINUTE)
    f.price = price
    f.ts = bar.ts_close


def add_return(f, change, minutes):
    """One log return over some minutes; after a gap it counts as that many minutes' worth."""
    f.count += 1
    if minutes <= 0.0:
        return
    squared = change * change / minutes
    weight = max(f.alpha, 1.0 / f.count)
    f.variance = squared if f.count == 1 else f.variance + weight * (squared - f.variance)
