"""The two ways of running a tile's lanes: one by one, each on its records, or abreast, in blocks of columns.

A block holds lanes that share one group's features. What happens at every instant runs over its columns, in code that `abreast`
writes from the functions that a single lane runs. A lane where more happens (an order, a ruin) is copied back into its records
and runs alone. A column that the written code writes belongs to the block; the others belong to the venue, which works on the
records, and are loaded again when it has changed them. The loop is the same for both ways; what differs is here.
"""

from types import SimpleNamespace

from backtester.engine.jit import fresh, inline
from backtester.engine.stake import is_at_stake

SHIFT = 5            # lane >> SHIFT is its block, lane & PLACE its place there
WIDTH = 1 << SHIFT   # lanes of a block
PLACE = WIDTH - 1


# ---------------------------------------------------------------- one by one: nothing else knows what stands in a record


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


def one_by_one(open_lane, walk_lane, end_lane) -> SimpleNamespace:
    """The ways of a loop without blocks; given is what meets a group's opens, walks its paths and ends an instant for one lane."""

    @fresh
    def open_all(lanes, blocks, quotes, bars, journal):
        for k in range(len(lanes)):
            if is_at_stake(lanes[k], quotes, bars):
                open_lane(lanes[k], quotes, bars, journal)

    @fresh
    def walk_all(stirred, lanes, blocks, quotes, bars, journal):
        for k in range(len(lanes)):
            if is_at_stake(lanes[k], quotes, bars):
                walk_lane(lanes[k], quotes, bars, journal)

    @inline
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

    own = {"open": open_all, "walk": walk_all, "end": end, "tell": tell}
    return SimpleNamespace(**own, all_changed=all_changed, start=start, finish=finish, sample=sample)


# ---------------------------------------------------------------- abreast


@fresh
def sample_blocks(lanes, blocks, at, samples):
    """Write the equity of every lane."""
    for k in range(len(lanes)):
        samples[k, at] = blocks[k >> SHIFT].account_equity[k & PLACE]


def abreast(code: dict, open_lane, walk_lane, end_lane) -> SimpleNamespace:
    """The ways of a loop over blocks; `code` has the functions that were written for the strategy."""
    start, finish, all_changed = movers(code)
    open_all, walk_all = meetings(code, open_lane, walk_lane)
    end, tell = turns(code, end_lane)
    own = {"open": open_all, "walk": walk_all, "end": end, "tell": tell}
    return SimpleNamespace(**own, all_changed=all_changed, start=start, finish=finish, sample=sample_blocks)


def movers(code: dict):
    """What copies all lanes into the blocks, what copies them back, and what tells the blocks of the venue's changes."""
    load, save, load_venue = code["load"], code["save"], code["load_venue"]

    @fresh
    def start(lanes, minds, blocks):
        for k in range(len(lanes)):
            load(blocks[k >> SHIFT], k & PLACE, lanes[k], minds[k])

    @fresh
    def finish(lanes, minds, blocks):
        for k in range(len(lanes)):
            save(blocks[k >> SHIFT], k & PLACE, lanes[k], minds[k])

    @fresh
    def all_changed(lanes, blocks):
        for k in range(len(lanes)):
            load_venue(blocks[k >> SHIFT], k & PLACE, lanes[k])

    return start, finish, all_changed


def meetings(code: dict, open_lane, walk_lane):
    """What lets lanes meet the opens of a group, and walk its paths: those that have something at stake."""
    look, load_venue = code["stake"], code["load_venue"]

    @fresh
    def flag(blocks, quotes, bars):
        for b in range(len(blocks)):
            blocks[b].flagged = look(blocks[b], quotes, bars)

    @fresh
    def open_all(lanes, blocks, quotes, bars, journal):
        flag(blocks, quotes, bars)
        for b in range(len(blocks)):
            if blocks[b].flagged > 0:
                for j in range(blocks[b].used):
                    if blocks[b].flag[j] != 0:
                        open_lane(lanes[b * WIDTH + j], quotes, bars, journal)

    @fresh
    def walk_all(stirred, lanes, blocks, quotes, bars, journal):
        if not stirred:
            flag(blocks, quotes, bars)
        for b in range(len(blocks)):
            if blocks[b].flagged > 0:
                for j in range(blocks[b].used):
                    if blocks[b].flag[j] != 0:
                        walk_lane(lanes[b * WIDTH + j], quotes, bars, journal)
                        load_venue(blocks[b], j, lanes[b * WIDTH + j])

    return open_all, walk_all


def turns(code: dict, end_lane):
    """What ends an instant, and what tells lanes of a record: abreast, then the flagged lanes one by one."""
    end_block, rest, reload, save = code["end"], code["rest"], code["reload"], code["save"]

    @fresh
    def end(paired, lanes, minds, groups, blocks, world, bars, journal):
        for b in range(len(blocks)):
            if end_block(blocks[b], groups[blocks[b].group], world, bars, paired) > 0:
                for j in range(blocks[b].used):
                    if blocks[b].flag[j] != 0:
                        k = b * WIDTH + j
                        save(blocks[b], j, lanes[k], minds[k])
                        end_lane(lanes[k], minds[k], paired, groups, world, bars, journal)
                        reload(blocks[b], j, lanes[k], minds[k])
            if blocks[b].idle == 0:
                rest(blocks[b])

    def tell(name, hear):
        tell_block = code[name]

        @fresh
        def to_lanes(x, lanes, minds, groups, blocks, world, bars, journal):
            for b in range(len(blocks)):
                if tell_block(blocks[b], groups[blocks[b].group], world, bars, x) > 0:
                    for j in range(blocks[b].used):
                        if blocks[b].flag[j] != 0:
                            k = b * WIDTH + j
                            save(blocks[b], j, lanes[k], minds[k])
                            hear(x, lanes[k], minds[k], groups, world, bars, journal)
                            reload(blocks[b], j, lanes[k], minds[k])

        return to_lanes

    return end, tell
