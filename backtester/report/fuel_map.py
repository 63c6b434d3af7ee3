"""The fuel map over time: what a strategy that looks at fuel saw around the price, from the same feature on the same market."""

import math

import numpy as np

from backtester.engine import jit
from backtester.engine.bind import bind
from backtester.engine.params import params_of
from backtester.engine.run import run_tile
from backtester.engine.venue import terms_of, venue_of
from backtester.features.fight import MAINTENANCE, FightParams
from backtester.features.fuel import Fuel, assume_takers, see_fuel_bar, see_fuel_contracts, start_fuel
from backtester.features.levels import PER_LOG, bucket_of, longs_at, shorts_at
from backtester.fields import vec

COLUMNS, ROWS = 2_000, 60  # of the map: moments, and levels around the price of each
WIDE = 4                   # buckets of 5 bp in a level
FULL = 99.0                # percentile of what stands at a level that has the full colour


class FuelWatch:
    """Who is liquidated where, looked at in even steps of time; nothing is traded."""

    class Params(FightParams):
        first: int = 0  # ns
        step: int = 1   # ns from one column to the next

    class Seen:
        fuel: Fuel
        column: int = -1
        price: vec(2000)      # quote, of each column
        level: vec(2000, 60)  # base: shorts above the price, longs below, from the lowest level on

    def see_start(seen, p):
        start_fuel(seen.fuel, p.fuel_dist, p.fuel_h_taker, p.fuel_h_maker, p.fuel_half_life_h, p.fuel_tilt, MAINTENANCE)
        assume_takers(seen.fuel, p.fuel_takers)

    def see_perp(bar, seen, p):
        see_fuel_bar(seen.fuel, bar)

    def see_open_interest(x, seen, p):
        see_fuel_contracts(seen.fuel, x)
        column = (x.ts_event - p.first) // p.step
        if column > seen.column and column < COLUMNS and seen.fuel.close > 0.0:
            seen.column = column
            keep(seen, column)


def keep(seen, column):
    """Write down what stands around the price now."""
    here = bucket_of(math.log(seen.fuel.close))
    seen.price[column] = seen.fuel.close
    for row in range(ROWS):
        total = 0.0
        for k in range(WIDE):
            b = here + (row - ROWS // 2) * WIDE + k
            total += shorts_at(seen.fuel.levels, b) if b > here else longs_at(seen.fuel.levels, b)
        seen.level[column, row] = total


def fuel_map(market, config: dict) -> tuple[dict, np.ndarray] | None:
    """(what the page says of the map, its bytes (ROWS, columns), the highest level first), for a run's config.

    None in plain Python, which is for looking into one run, and where nothing was ever loaded.
    """
    if jit.plain():
        return None
    given = {name: value for name, value in config["strategy"].items() if name in vars(FightParams)}
    step = (market.end - market.start) // COLUMNS + 1
    bound = bind(FuelWatch, market.roles)
    params = params_of(FuelWatch, given | {"first": market.start, "step": step})
    tile = run_tile(bound, market, params, terms_of(venue_of(config["venue"]), market)[None])
    seen = tile.groups[0]["seen"]
    level, price = np.array(seen["level"]), np.array(seen["price"])
    if not level.any():
        return None
    full = np.percentile(level[level > 0.0], FULL)
    shade = np.rint(255 * np.clip(level / full, 0.0, 1.0)).astype(np.uint8)
    told = {
        "first": market.start // 1_000_000, "step": step / 1_000_000, "wide": COLUMNS, "tall": ROWS,
        "reach": ROWS // 2 * WIDE / PER_LOG, "price": [round(float(each), 2) for each in price],
    }
    return told, np.ascontiguousarray(shade.T[::-1])


