"""How records and decisions reach the strategy's hooks: only what a strategy listens to becomes part of its loop."""

from collections import namedtuple

from backtester.engine.jit import fresh, inline
from backtester.engine.state import Tradable
from backtester.records import KIND

ANY = -1  # instrument: what happens outside belongs to none
SPOT_OF, PERP_OF = 0, 1  # of an asset
RECORDS = {  # what an asset's see_<name>(x, seen, p) and on_<name>(ctx, x, s, p) hear: the stream, and of which of its instruments
    "funding": ("funding", PERP_OF), "open_interest": ("open_interest", PERP_OF), "long_short_ratio": ("long_short_ratio", PERP_OF),
    "liquidation": ("liquidations", PERP_OF), "trade": ("trades", PERP_OF), "spot_trade": ("trades", SPOT_OF),
    "depth": ("depth", PERP_OF), "spot_depth": ("depth", SPOT_OF), "mark": ("mark_bars", PERP_OF), "index": ("index_bars", PERP_OF),
    "premium_index": ("premium_index_bars", PERP_OF),
}
FIND = {
    "bars": inline(lambda streams, row: streams.bars[row]),
    "funding": inline(lambda streams, row: streams.funding[row]),
    "open_interest": inline(lambda streams, row: streams.open_interest[row]),
    "long_short_ratio": inline(lambda streams, row: streams.long_short_ratio[row]),
    "liquidations": inline(lambda streams, row: streams.liquidations[row]),
    "trades": inline(lambda streams, row: streams.trades[row]),
    "depth": inline(lambda streams, row: streams.depth[row]),
    "exogenous": inline(lambda streams, row: streams.exogenous[row]),
}


def or_nothing(hooks: dict, name: str, arguments: int):
    """The hook, or one of as many arguments that does nothing."""
    nothing = {2: lambda a, b: None, 3: lambda a, b, c: None, 4: lambda a, b, c, d: None}[arguments]
    return hooks.get(name) or fresh(nothing)


# ---------------------------------------------------------------- what a lane may look at


def contexts(roles: tuple[str, ...]):
    """The function that makes a lane's `ctx`: pointers into the records, no copies."""
    ctx = namedtuple("Ctx", ["ts", *roles, "account", "seen"])
    all_tradables = tradables(len(roles))

    @inline
    def context(lane, mind, groups, world, bars):
        instruments = all_tradables(lane, world.quotes, bars)
        return ctx(*((world.clock.ts,) + instruments + (lane.account, groups[mind.group].seen)))

    return context


def tradables(n: int):
    """The first n instruments as a lane's hook sees them: a function that returns a tuple."""
    if n == 0:
        return inline(lambda lane, quotes, bars: ())
    others, i = tradables(n - 1), n - 1

    @inline
    def with_one_more(lane, quotes, bars):
        position = lane.position[i]
        one = Tradable(i, bars[quotes[i].row], position, lane.ask[i], lane.account, lane.wishes)
        return others(lane, quotes, bars) + (one,)

    return with_one_more


# ---------------------------------------------------------------- records


def announcement(name, see, again, on, context, accept, across):
    """How a record reaches the strategy: `see` for every group, then `on` for every living lane; one of them may be None.

    `again` sees it for the groups after the first one; None: `see` does. `across(name, hear)` makes of `hear`, which hands a
    record to one lane, the function that hands it to all.
    """

    @fresh
    def to_each(x, groups):
        for g in range(len(groups)):
            see(x, groups[g].seen, groups[g].params)

    @fresh
    def to_first(x, groups):
        see(x, groups[0].seen, groups[0].params)
        for g in range(1, len(groups)):
            again(groups[0].seen, groups[g].differs, x, groups[g].seen, groups[g].params)

    to_groups = to_first if again else to_each

    @inline
    def hear(x, lane, mind, groups, world, bars, journal):
        on(context(lane, mind, groups, world, bars), x, mind.state, mind.params)
        if lane.account.asked == 1:
            accept(lane, world, journal)

    to_lanes = across(f"on_{name}", hear) if on else None

    @fresh
    def to_both(x, lanes, minds, groups, blocks, world, bars, journal):
        world.clock.ts = x.ts_known
        to_groups(x, groups)
        to_lanes(x, lanes, minds, groups, blocks, world, bars, journal)

    @fresh
    def to_lanes_alone(x, lanes, minds, groups, blocks, world, bars, journal):
        world.clock.ts = x.ts_known
        to_lanes(x, lanes, minds, groups, blocks, world, bars, journal)

    @fresh
    def to_groups_alone(x, lanes, minds, groups, blocks, world, bars, journal):
        to_groups(x, groups)

    return to_groups_alone if on is None else to_lanes_alone if see is None else to_both


def audible(roles: tuple[str, ...]) -> list[tuple[str, str, int]]:
    """What a market of these roles lets be heard: (name of the hooks see_<name> and on_<name>, stream, instrument or ANY)."""
    names = [("exogenous", "exogenous", ANY)]
    for spot in range(0, len(roles), 2):
        prefix = prefix_of(roles, spot // 2)
        names += [(f"{prefix}spot", "spot_bars", spot), (f"{prefix}perp", "perp_bars", spot + 1)]
        names += [(prefix + name, stream, spot + which) for name, (stream, which) in RECORDS.items()]
    return names


def listeners(hooks: dict, again: dict, roles: tuple[str, ...], context, accept, across) -> list[tuple]:
    """What the strategy listens to: (kind, instrument or ANY, how the record is found, how it is announced)."""
    asked = [(name, stream, i, hooks.get(f"see_{name}"), hooks.get(f"on_{name}")) for name, stream, i in audible(roles)]
    return [
        (KIND[stream], i, FIND.get(stream, FIND["bars"]), announcement(name, see, again.get(f"see_{name}"), on, context, accept, across))
        for name, stream, i, see, on in asked if see or on
    ]


def prefix_of(roles: tuple[str, ...], asset: int) -> str:
    """What the names of an asset's hooks begin with: nothing for the first."""
    return roles[2 * asset].removesuffix("spot")


def dispatch(entries: list[tuple]):
    """One listener after another: a function that hands a record to the one it is for."""
    if not entries:
        return inline(lambda kind, i, row, streams, lanes, minds, groups, blocks, world, journal: None)
    (own_kind, own, find, announce), others = entries[0], dispatch(entries[1:])

    @inline
    def tell(kind, i, row, streams, lanes, minds, groups, blocks, world, journal):
        if kind == own_kind and own in (ANY, i):
            announce(find(streams, row), lanes, minds, groups, blocks, world, streams.bars, journal)
        else:
            others(kind, i, row, streams, lanes, minds, groups, blocks, world, journal)

    return tell


# ---------------------------------------------------------------- pairs of bars


def pairs_of(hooks: dict, again: dict, roles: tuple[str, ...], n: int = 0):
    """Complete the pairs of the assets from number n on: returns their bits."""
    if 2 * n == len(roles):
        return fresh(lambda groups, world, bars: 0)
    name, spot, bit, others = f"see_{prefix_of(roles, n)}pair", 2 * n, 1 << n, pairs_of(hooks, again, roles, n + 1)
    to_groups = pair_to_groups(or_nothing(hooks, name, 4), again.get(name))

    @fresh
    def complete(groups, world, bars):
        quote, a, b = world.quotes[spot], bars[world.quotes[spot].row], bars[world.quotes[spot + 1].row]
        if a.ts_close != b.ts_close or a.ts_close == quote.pair:
            return others(groups, world, bars)
        quote.pair = a.ts_close
        to_groups(a, b, groups)
        return bit | others(groups, world, bars)

    return complete


def pair_to_groups(show, again):
    """What shows a pair to every group, as `announcement` does a record."""

    @fresh
    def to_each(a, b, groups):
        for g in range(len(groups)):
            show(a, b, groups[g].seen, groups[g].params)

    @fresh
    def to_first(a, b, groups):
        show(a, b, groups[0].seen, groups[0].params)
        for g in range(1, len(groups)):
            again(groups[0].seen, groups[g].differs, a, b, groups[g].seen, groups[g].params)

    return to_first if again else to_each


def decisions_of(hooks: dict, roles: tuple[str, ...], context, accept, n: int = 0):
    """The decision hooks on completed pairs of the assets from number n on."""
    if 2 * n == len(roles):
        return inline(lambda paired, lane, mind, groups, world, bars, journal: None)
    on, bit, others = hooks.get(f"on_{prefix_of(roles, n)}pair"), 1 << n, decisions_of(hooks, roles, context, accept, n + 1)
    if on is None:
        return others

    @inline
    def decide_pairs(paired, lane, mind, groups, world, bars, journal):
        if paired & bit != 0:
            on(context(lane, mind, groups, world, bars), mind.state, mind.params)
            if lane.account.asked == 1:
                accept(lane, world, journal)
        others(paired, lane, mind, groups, world, bars, journal)

    return decide_pairs
