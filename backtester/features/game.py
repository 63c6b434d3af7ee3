"""The market of document B, as a class that a strategy inherits: what anyone can see of the game of doors, and the hooks that see it.

In the order of the post: the divergence of every leg (divergence.py), the doors after an anchor (doors.py, pi_doors.py), the fight of
the two sides (fight.py). A strategy adds what it decides: `class DoorGame(Game)` with `class Params(Game.Params)`. Streams that the
data lack leave unknown what needs them; retail, the main force's prints and forced positions can do without, see `Say`.
"""

from backtester.features.crowd import see_crowd
from backtester.features.divergence import (
    Divergence,
    DivergenceLimits,
    DivergenceParams,
    DivergenceTrace,
    see_divergence,
    start_divergence,
    trace_divergence,
)
from backtester.features.doors import Doors, DoorsParams, Reading, prepare_doors, see_doors, see_shapes
from backtester.features.fight import (
    Fight,
    FightLimits,
    FightParams,
    FightTrace,
    see_fight,
    see_fight_contracts,
    see_fight_liquidation,
    see_fight_print,
    see_fight_spot_print,
    start_fight,
    trace_fight,
)
from backtester.features.fuel import see_fuel_bar
from backtester.features.main_force import see_main_force
from backtester.features.open_interest import see_contracts
from backtester.features.pi_doors import PiDoors, see_pi_doors
from backtester.features.retail import see_retail_close
from backtester.features.volatility import see_volatility


class Game:
    """What anyone can see."""

    class Params(DivergenceParams, DoorsParams, FightParams):
        reading: Reading = Reading.LEGS  # legs | pi: what a door is

    class Limits(DivergenceLimits, FightLimits):
        pass

    class Seen:
        divergence: Divergence
        shapes: PiDoors  # where those are the doors
        doors: Doors
        fight: Fight

    class Trace(DivergenceTrace, FightTrace):
        anchor: float
        doors: int
        drawing: int

    def see_start(seen, p):
        start_divergence(seen.divergence, p)
        prepare_doors(seen.doors, p)
        start_fight(seen.fight, p)

    def see_open_interest(x, seen, p):
        see_contracts(seen.divergence.contracts, x)
        see_fight_contracts(seen.fight, x)

    def see_long_short_ratio(x, seen, p):
        see_crowd(seen.fight.crowd, x)

    def see_liquidation(x, seen, p):
        see_fight_liquidation(seen.fight, x)

    def see_trade(x, seen, p):
        see_fight_print(seen.fight, x)

    def see_spot_trade(x, seen, p):
        see_fight_spot_print(seen.fight, x)

    def see_spot(bar, seen, p):
        see_main_force(seen.fight.force, bar)

    def see_perp(bar, seen, p):
        see_volatility(seen.divergence.volatility, bar)
        see_fuel_bar(seen.fight.fuel, bar)
        see_retail_close(seen.fight.retail, bar.ts_close)

    def see_pair(spot, perp, seen, p):
        see_divergence(seen.divergence, spot, perp, p)
        if p.reading == Reading.PI:
            see_pi_doors(seen.shapes, perp, seen.divergence.legs.theta)
            see_shapes(seen.doors, seen.divergence.legs, seen.divergence.done, seen.shapes)
        else:
            see_doors(seen.doors, seen.divergence.legs, seen.divergence.done)
        see_fight(seen.fight, seen.divergence)


def trace_game(seen, row):
    """Write the trace's columns."""
    trace_divergence(seen.divergence, row)
    trace_fight(seen.fight, row)
    row.anchor = seen.doors.anchor.price
    row.doors = seen.doors.count
    row.drawing = seen.doors.drawing
