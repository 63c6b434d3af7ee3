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

    def tell(name, run_lane):
        """How something reaches all lanes; `run_lane` hands it to one."""

        @inline
        def to_lanes(x, lanes, minds, groups, blocks, world, bars, journal):
            for k in range(len(lanes)):
                if lanes[k].account.alive == 1:
                    run_lane(x, lanes[k], minds[k], groups, world, bars, journal)

        return to_lanes

    own = {"open": open_all, "walk": walk_all, "end": tell("end", end_lane), "tell": tell}
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
    tell = teller(code)
    own = {"open": open_all, "walk": walk_all, "end": tell("end", end_lane), "tell": tell}
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


def teller(code: dict):
    """How something reaches all lanes: abreast, then the flagged lanes one by one. The end of an instant may leave a block idle."""
    rest, reload, save = code["rest"], code["reload"], code["save"]

    def tell(name, run_lane):
        run_block, ends = code[name], name == "end"

        @fresh
        def to_lanes(x, lanes, minds, groups, blocks, world, bars, journal):
            for b in range(len(blocks)):
                block = blocks[b]
                if run_block(block, groups[block.group], world, bars, x) > 0:
                    for j in range(block.used):
                        if block.flag[j] != 0:
                            k = b * WIDTH + j
                            save(block, j, lanes[k], minds[k])
                            run_lane(x, lanes[k], minds[k], groups, world, bars, journal)
                            reload(block, j, lanes[k], minds[k])
                if ends and block.idle == 0:
                    rest(block)

        return to_lanes

    return tell
