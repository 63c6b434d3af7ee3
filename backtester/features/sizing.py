"""A18, prudent size: "manage your positions prudently", so that nothing that can be foreseen costs too much.

    risk           risk * equity / |price - stop|                       0.5 % of equity is lost at the stop
    volatility     vol_target * equity / (sigma a year * price)         20 % a year
    leverage       leverage * equity / price                            3
    participation  participation * mean volume of 5 minutes             2 %
    liquidation    the price of liquidation stays 3 stop distances away

The smallest one binds. Cross margin backs a position with all of equity: a long of q is liquidated at
(price - equity / q) / (1 - m), m the maintenance rate (one tier, no other position), which solved for q is the last cap.
Isolated margin backs it with price / leverage a unit whatever q is, so there a liquidation that is too near cuts q in
proportion (a modelling choice).
A multiplier scales the budgets, risk and volatility; the other three are limits and stand.
"""

import math
from enum import IntEnum

from backtester.features.basic import NAN, YEAR_H, missing, off

ROOT_YEAR = math.sqrt(YEAR_H * 60.0)  # from a minute's volatility to a year's


class Cap(IntEnum):
    """Which limit made the size."""

    UNKNOWN = 0        # an input of a limit that is on is missing
    NOTHING = 1        # the stop is no stop, or there is no equity
    RISK = 2
    VOLATILITY = 3
    LEVERAGE = 4
    PARTICIPATION = 5
    LIQUIDATION = 6


class Sizing:
    """The size of a position, and what bound it: scalars only, fit for a State. A limit that is NaN is off."""

    qty: float = NAN                  # base, never negative; NaN where it is unknown
    cap: Cap = Cap.UNKNOWN
    risk: float = 0.005               # share of equity lost at the stop
    vol_target: float = 0.20          # fraction a year
    leverage: float = 3.0             # largest position over equity
    participation: float = 0.02       # share of the mean volume of five minutes
    liquidation: float = 3.0          # stop distances to the price of liquidation
    maintenance: float = 0.004        # maintenance margin, fraction of the notional
    margin_leverage: float = NAN      # of isolated margin; NaN: cross


def start_sizing(f, risk, vol_target, leverage, participation, liquidation):
    """Set the five limits; only `risk` cannot be off."""
    f.risk = risk
    f.vol_target = vol_target
    f.leverage = leverage
    f.participation = participation
    f.liquidation = liquidation


def margin_sizing(f, maintenance, margin_leverage):
    """Set the margin terms: the maintenance rate, and the leverage of isolated margin (NaN: cross)."""
    f.maintenance = maintenance
    f.margin_leverage = margin_leverage


def size_position(f, side, equity, price, stop, sigma, volume_5m, multiplier):
    """Size a position on a side (+1, -1): its stop (quote), volatility per root minute, base traded in five minutes."""
    distance = side * (price - stop)
    f.qty = NAN
    f.cap = Cap.UNKNOWN
    if missing(equity) or missing(distance) or missing(multiplier):
        return
    f.qty = 0.0
    f.cap = Cap.NOTHING
    if not (equity > 0.0 and price > 0.0 and distance > 0.0 and multiplier > 0.0):
        return
    f.qty = multiplier * f.risk * equity / distance
    f.cap = Cap.RISK
    yearly = sigma * ROOT_YEAR * price
    limit(f, Cap.VOLATILITY, f.vol_target, multiplier * f.vol_target * equity / yearly if yearly > 0.0 else NAN)
    limit(f, Cap.LEVERAGE, f.leverage, f.leverage * equity / price)
    limit(f, Cap.PARTICIPATION, f.participation, f.participation * volume_5m)
    limit(f, Cap.LIQUIDATION, f.liquidation, outlive(f, side, equity, price, distance))


def limit(f, cap, param, most):
    """At most this much, where the limit is on; unknown once one of them is."""
    if off(param) or f.cap == Cap.UNKNOWN:
        return
    if missing(most):
        f.qty = NAN
        f.cap = Cap.UNKNOWN
    elif most < f.qty:
        f.qty = most
        f.cap = cap


def outlive(f, side, equity, price, distance):
    """The largest size whose price of liquidation is far enough behind the stop."""
    far = f.liquidation * distance
    if off(f.margin_leverage):
        backing = far * (1.0 - side * f.maintenance) + f.maintenance * price
        return equity / backing if backing > 0.0 else NAN
    away = liquidation_distance(side, price, f.margin_leverage, f.maintenance)
    if missing(away) or not far > 0.0:
        return NAN
    return f.qty * max(away, 0.0) / far


def liquidation_distance(side, price, leverage, maintenance):
    """How far from `price` (quote) an isolated position of that leverage is liquidated, whatever its size."""
    return price * (1.0 / leverage - maintenance) / (1.0 - side * maintenance) if leverage > 0.0 else NAN


def prudent_qty(equity, price, stop, risk, leverage):
    """Base to buy at `price` with a stop below it, by risk and leverage alone; 0 where the stop is no stop or nothing is left."""
    if not (equity > 0.0 and price > stop > 0.0):
        return 0.0
    return min(risk * equity / (price - stop), leverage * equity / price)
