"""The two ways of running a tile's lanes: one by one, each on its records, or abreast, in blocks of columns.

A block holds lanes that share one group's features. What happens at every instant runs over its columns, in code that `abreast`
writes from the functions that a single lane runs. A lane where more happens (an order, a ruin) is copied back into its records
and runs alone. A column that the written code writes belongs to the block; the others belong to the venue, which works on the
records, and are loaded again when it has changed them. The loop is the same for both ways; what differs is here.
"""

from types import SimpleNamespace

from backtester.engine.jit import fresh
from backtester.engine.stake import is_at_stake

SHIFT = 5            # lane >> SHIFT is its block, lane & PLACE its place there
WIDTH = 1 << SHIFT   # lanes of a block
PLACE = WIDTH - 1


# ---------------------------------------------------------------- one by one: nothing else knows what stands in a record


@fresh
def look(lanes, blocks, quotes, bars):
    """Find out which lanes have something at stake in the bars of the group: each is asked when it comes."""


@fresh
def has_stake(k, lanes, blocks, quotes, bars):
    """Whether it has."""
    return is_at_stake(lanes[k], quotes, bars)


@fresh
def changed(k, lanes, blocks):
    """The venue has changed a lane."""


@fresh
def all_changed(lanes, blocks):
    """The venue may have changed any lane."""


@fresh
def start(lanes, minds, blocks):
    """From here on the lanes run."""


@fresh
def finish(lanes, minds, blocks):
    """From here on the records are read."""


@fresh
def sample(lanes, blocks, at, samples):
    """Write the equity of every lane."""
    for k in range(len(lanes)):
        samples[k, at] = lanes[k].account.equity


def one_by_one(end_lane) -> SimpleNamespace:
    """The ways of a loop without blocks; `end_lane` ends an instant for one lane."""

    @fresh
    def end(paired, lanes, minds, groups, blocks, world, bars, journal):
        for k in range(len(lanes)):
            if lanes[k].account.alive == 1:
                end_lane(lanes[k], minds[k], paired, groups, world, bars, journal)

    def tell(name, hear):
        """How a record reaches all lanes; `hear` hands it to one."""

        @fresh
        def to_lanes(x, lanes, minds, groups, blocks, world, bars, journal):
            for k in range(len(lanes)):
                if lanes[k].account.alive == 1:
                    hear(x, lanes[k], minds[k], groups, world, bars, journal)

        return to_lanes

    own = {"look": look, "has_stake": has_stake, "changed": changed, "all_changed": all_changed}
    return SimpleNamespace(**own, start=start, finish=finish, sample=sample, end=end, tell=tell)


# ---------------------------------------------------------------- abreast


@fresh
def is_flagged(k, lanes, blocks, quotes, bars):
    """Whether the lane has something at stake."""
    return blocks[k >> SHIFT].flag[k & PLACE] != 0


@fresh
def sample_blocks(lanes, blocks, at, samples):
    """Write the equity of every lane."""
    for k in range(len(lanes)):
        samples[k, at] = blocks[k >> SHIFT].account_equity[k & PLACE]


def abreast(code: dict, end_lane) -> SimpleNamespace:
    """The ways of a loop over blocks; `code` has the functions that were written for the strategy."""
    look_at, load_venue = code["stake"], code["load_venue"]

    @fresh
    def look_abreast(lanes, blocks, quotes, bars):
        for b in range(len(blocks)):
            look_at(blocks[b], quotes, bars)

    @fresh
    def reload(k, lanes, blocks):
        load_venue(blocks[k >> SHIFT], k & PLACE, lanes[k])

    @fresh
    def reload_all(lanes, blocks):
        for k in range(len(lanes)):
            reload(k, lanes, blocks)

    into, out_of = movers(code["load"], code["save"])
    end, tell = turns(code, end_lane)
    own = {"look": look_abreast, "has_stake": is_flagged, "changed": reload, "all_changed": reload_all}
    return SimpleNamespace(**own, start=into, finish=out_of, sample=sample_blocks, end=end, tell=tell)


def movers(load, save):
    """What copies all lanes into the blocks, and what copies them back."""

    @fresh
    def into(lanes, minds, blocks):
        for k in range(len(lanes)):
            load(blocks[k >> SHIFT], k & PLACE, lanes[k], minds[k])

    @fresh
    def out_of(lanes, minds, blocks):
        for k in range(len(lanes)):
            save(blocks[k >> SHIFT], k & PLACE, lanes[k], minds[k])

    return into, out_of


def turns(code: dict, end_lane):
    """What ends an instant, and what tells lanes of a record: abreast, then the flagged lanes one by one."""
    end_block, load, save = code["end"], code["load"], code["save"]

    @fresh
    def end(paired, lanes, minds, groups, blocks, world, bars, journal):
        for b in range(len(blocks)):
            if end_block(blocks[b], groups[blocks[b].group], world, bars, paired) > 0:
                for j in range(WIDTH):
                    if blocks[b].flag[j] != 0:
                        k = b * WIDTH + j
                        save(blocks[b], j, lanes[k], minds[k])
                        end_lane(lanes[k], minds[k], paired, groups, world, bars, journal)
                        load(blocks[b], j, lanes[k], minds[k])

    def tell(name, hear):
        tell_block = code[name]

        @fresh
        def to_lanes(x, lanes, minds, groups, blocks, world, bars, journal):
            for b in range(len(blocks)):
                if tell_block(blocks[b], groups[blocks[b].group], world, bars, x) > 0:
                    for j in range(WIDTH):
                        if blocks[b].flag[j] != 0:
                            k = b * WIDTH + j
                            save(blocks[b], j, lanes[k], minds[k])
                            hear(x, lanes[k], minds[k], groups, world, bars, journal)
                            load(blocks[b], j, lanes[k], minds[k])

        return to_lanes

    return end, tell
