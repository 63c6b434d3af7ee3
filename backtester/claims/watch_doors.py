"""What document B looks at, written down close by close: the game of doors, as a strategy that never trades."""

from backtester.features.basic import NAN, closes_an_hour, missing
from backtester.features.game import Game
from backtester.features.initiative import Battle
from backtester.features.labels import Label
from backtester.features.median import slide
from backtester.features.ranks import QUARTER, Quarter, rank
from backtester.features.weekend import Time, Weekend, see_weekend, start_weekend
from backtester.features.weeks import Zone

start_game = Game.see_start
see_game_perp = Game.see_perp


class Loaded:
    """A share of all contracts among its own hours of 90 days."""

    rank: float = NAN  # 0 .. 1
    quarter: Quarter


class WatchDoors(Game):
    """All of document B's game, and the weekends."""

    hourly = False  # legs end at any bar

    class Params(Game.Params):
        zone: Zone = Zone.SHANGHAI  # whose weekends
        quiet_q: float = 0.30       # quantile of the weekends before that is quiet

    class Seen(Game.Seen):
        weekend: Weekend
        above: Loaded   # shorts above the price
        weaker: Loaded  # the smaller of both sides

    class Trace:
        sigma: float          # volatility per root minute
        turned: bool          # a leg was confirmed at this close
        done: Label           # of the last confirmed leg
        done_way: float       # its direction
        done_oi: float        # its change of open interest, fraction
        label: Label          # of the leg as it stands
        way: float            # its direction
        anchor: float         # the impulse's high, quote; NaN: no game
        doors: int            # completed
        drawing: int          # number of the door that is drawn
        above_rank: float     # of the shorts above the price
        weaker_rank: float    # of the smaller side
        imbalance: float      # of the fuel
        momentum: float       # share of all contracts
        battle: Battle
        force_z: float        # of spot's main force
        crowd: float          # +1 the accounts went long against the top traders, -1 short
        retail: float         # small prints press: 1, 0
        contracts: float      # base
        longs_forced: float   # ever, quote
        shorts_forced: float  # ever, quote
        bursts: int           # of forced shorts, ever
        lit: float            # large takers bought before the last one
        time: Time
        compressed: float     # the last weekend was quiet

    def see_start(seen, p):
        start_game(seen, p)
        start_weekend(seen.weekend, p.zone, p.quiet_q, 26, 8, 12)

    def see_perp(bar, seen, p):
        see_game_perp(bar, seen, p)
        see_weekend(seen.weekend, bar)
        if closes_an_hour(bar.ts_close):
            see_loaded(seen.above, seen.fight.fuel.up_share)
            see_loaded(seen.weaker, seen.fight.intensity.loaded)

    def trace(ctx, s, p, row):
        story = ctx.seen.divergence
        fight = ctx.seen.fight
        doors = ctx.seen.doors
        row.sigma = story.volatility.sigma
        row.turned = story.legs.turned
        row.done = story.done
        row.done_way = story.legs.done.direction
        row.done_oi = story.legs.done.oi_change
        row.label = story.label
        row.way = story.legs.now.direction
        row.anchor = doors.anchor.price
        row.doors = doors.count
        row.drawing = doors.drawing
        row.above_rank = ctx.seen.above.rank
        row.weaker_rank = ctx.seen.weaker.rank
        row.imbalance = fight.fuel.imbalance
        row.momentum = fight.momentum.value
        row.battle = fight.initiative.state
        row.force_z = fight.force.z
        row.crowd = fight.crowd.against
        row.retail = fight.retail.confirmed
        row.contracts = story.contracts.qty
        row.longs_forced = fight.forced.longs
        row.shorts_forced = fight.forced.shorts
        row.bursts = fight.bursts.count
        row.lit = fight.bursts.by_buyers
        row.time = ctx.seen.weekend.time
        row.compressed = ctx.seen.weekend.compressed


def see_loaded(f, share):
    """Take in a full hour: the share among those before it."""
    f.rank = rank(f.quarter, share, QUARTER)
    if not missing(share):
        slide(f.quarter, share, QUARTER)
