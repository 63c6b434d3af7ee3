"""The loop: events outside, parameter lanes inside.

`bind` copies this file under a name made of its content's fingerprint and sets, before it runs, the
names that the file does not define: the strategy's compiled hooks (None where it has none) and CACHE.
A single run is a tile of one lane; a chunk of events is the same call.

An instant is all events of one `ts_known`. Within it bars fill the orders that wait for them and market
hooks see each record; at its end, if it held a bar, every lane is marked and decides.
"""

from numba import njit

from backtester.engine.jit import OPTIONS, inline, jit
from backtester.engine.log import is_full, write_equity
from backtester.engine.match import accept, drop_waiting, fill_waiting
from backtester.engine.measure import mark, sample_all, sample_until
from backtester.engine.money import deposit, halt
from backtester.engine.settle import settle_until, take_settlement
from backtester.engine.state import Ctx, Tradable
from backtester.records import BYTE, INSTRUMENT_SHIFT, KIND, KIND_SHIFT, LAST_SHIFT, PERP, ROW, SPOT

EXOGENOUS, FUNDING, OPEN_INTEREST, RATIO = KIND["exogenous"], KIND["funding"], KIND["open_interest"], KIND["long_short_ratio"]
LIQUIDATION, DEPTH, TRADE = KIND["liquidations"], KIND["depth"], KIND["trades"]
PREMIUM_INDEX, INDEX, MARK, SPOT_BAR = KIND["premium_index_bars"], KIND["index_bars"], KIND["mark_bars"], KIND["spot_bars"]


@inline
def context(lane, groups, world, bars):
    """What a lane may look at: pointers into the records, no copies."""
    account = lane.account
    spot = Tradable(bars[world.quotes[SPOT].row], lane.position[SPOT], lane.ask[SPOT], account)
    perp = Tradable(bars[world.quotes[PERP].row], lane.position[PERP], lane.ask[PERP], account)
    return Ctx(world.clock.ts, spot, perp, account, groups[lane.group].seen)


def announce(see, on):
    """How one kind of record reaches the strategy: `see` for every group, then `on` for every living lane."""

    @inline
    def skip_groups(x, groups):
        pass

    @inline
    def each_group(x, groups):
        for g in range(len(groups)):
            see(x, groups[g].seen, groups[g].params)

    @inline
    def skip_lanes(x, lanes, groups, world, bars, log):
        pass

    @inline
    def each_lane(x, lanes, groups, world, bars, log):
        for k in range(len(lanes)):
            lane = lanes[k]
            if lane.account.alive == 1:
                on(context(lane, groups, world, bars), x, lane.state, lane.params)
                if lane.account.asked == 1:
                    accept(lane, world, log)

    to_groups = skip_groups if see is None else each_group
    to_lanes = skip_lanes if on is None else each_lane

    @inline
    def tell(x, lanes, groups, world, bars, log):
        world.clock.ts = x.ts_known
        to_groups(x, groups)
        to_lanes(x, lanes, groups, world, bars, log)

    return tell


def or_nothing(hook, arguments):
    """The hook, or one of as many arguments that does nothing."""
    nothing = {2: lambda a, b: None, 3: lambda a, b, c: None, 4: lambda a, b, c, d: None}[arguments]
    return jit(nothing) if hook is None else hook


tell_spot, tell_perp = announce(see_spot, None), announce(see_perp, None)
tell_mark, tell_index = announce(see_mark, on_mark), announce(see_index, on_index)
tell_premium_index = announce(see_premium_index, on_premium_index)
tell_funding, tell_open_interest = announce(see_funding, on_funding), announce(see_open_interest, on_open_interest)
tell_ratio, tell_liquidation = announce(see_long_short_ratio, on_long_short_ratio), announce(see_liquidation, on_liquidation)
tell_trade, tell_spot_trade = announce(see_trade, on_trade), announce(see_spot_trade, on_spot_trade)
tell_depth, tell_spot_depth = announce(see_depth, on_depth), announce(see_spot_depth, on_spot_depth)
tell_exogenous = announce(see_exogenous, on_exogenous)
start_group, start_lane = or_nothing(see_start, 2), or_nothing(on_start, 3)
decide_bar, decide_pair = or_nothing(on_bar, 3), or_nothing(on_pair, 3)
show_pair, write_trace = or_nothing(see_pair, 4), or_nothing(trace, 4)


@inline
def take_bar(i, row, bar, lanes, world, log):
    """A bar of instrument i became known: waiting orders meet its open, its close is the last price."""
    clock, quote = world.clock, world.quotes[i]
    clock.ts_close = max(clock.ts_close, bar.ts_close)
    clock.fresh = 1
    clock.bars += 1
    if quote.due > 0:
        settle_until(i, bar.ts_event, bar, lanes, quote, log)
    if quote.waiting > 0:
        for k in range(len(lanes)):
            if lanes[k].position[i].waiting > 0:
                fill_waiting(lanes[k], i, bar, quote, log)
    if quote.due > 0:
        settle_until(i, bar.ts_close, bar, lanes, quote, log)
    quote.row = row
    quote.ts_close = bar.ts_close
    quote.lag = bar.ts_known - bar.ts_close
    if quote.marked == 0:
        quote.price = bar.close


@inline
def take_mark(i, bar, world):
    """The mark price of instrument i: what its positions are valued at from now on."""
    world.quotes[i].price = bar.close
    world.quotes[i].marked = 1


@inline
def complete_pair(groups, world, bars):
    """Whether spot and perp have just closed at the same moment; if so the market hooks see the pair."""
    clock = world.clock
    spot, perp = bars[world.quotes[SPOT].row], bars[world.quotes[PERP].row]
    if spot.ts_close != perp.ts_close or spot.ts_close == clock.pair:
        return False
    clock.pair = spot.ts_close
    for g in range(len(groups)):
        show_pair(spot, perp, groups[g].seen, groups[g].params)
    return True


@inline
def decide(lane, paired, groups, world, bars, log):
    """The decision hooks of one living lane, after it was marked."""
    decide_bar(context(lane, groups, world, bars), lane.state, lane.params)
    if paired:
        decide_pair(context(lane, groups, world, bars), lane.state, lane.params)
    if lane.account.asked == 1:
        accept(lane, world, log)


@inline
def end_instant(lanes, groups, world, bars, log):
    """Mark every lane at the close and let it decide; one that is worth nothing any more is halted."""
    clock = world.clock
    clock.fresh = 0
    clock.marks += 1
    paired = complete_pair(groups, world, bars)
    sample_until(lanes, clock, clock.ts_close)
    for k in range(len(lanes)):
        lane = lanes[k]
        if lane.account.alive == 1:
            mark(lane, world.quotes)
            if lane.account.equity > 0.0:
                decide(lane, paired, groups, world, bars, log)
            else:
                halt(lane, clock.ts_close - 1, world.quotes, log)
                drop_waiting(lane, clock.ts_close - 1, world.quotes, log)
    if clock.next_sample == clock.ts_close:
        sample_all(lanes, clock)
    if len(log.equity) > 0:
        row = write_equity(log, clock, lanes[0])
        write_trace(context(lanes[0], groups, world, bars), lanes[0].state, lanes[0].params, log.trace[row])


@inline
def take_perp(kind, row, streams, lanes, groups, world, log):
    """A record of the perpetual that is no bar of it: the strategy's hooks see it."""
    bars = streams.bars
    if kind == LIQUIDATION:
        tell_liquidation(streams.liquidations[row], lanes, groups, world, bars, log)
    elif kind == OPEN_INTEREST:
        tell_open_interest(streams.open_interest[row], lanes, groups, world, bars, log)
    elif kind == FUNDING:
        tell_funding(streams.funding[row], lanes, groups, world, bars, log)
    elif kind == MARK:
        tell_mark(bars[row], lanes, groups, world, bars, log)
    elif kind == TRADE:
        tell_trade(streams.trades[row], lanes, groups, world, bars, log)
    elif kind == DEPTH:
        tell_depth(streams.depth[row], lanes, groups, world, bars, log)
    elif kind == RATIO:
        tell_ratio(streams.long_short_ratio[row], lanes, groups, world, bars, log)
    elif kind == INDEX:
        tell_index(bars[row], lanes, groups, world, bars, log)
    elif kind == PREMIUM_INDEX:
        tell_premium_index(bars[row], lanes, groups, world, bars, log)


@inline
def take_other(kind, i, row, streams, lanes, groups, world, log):
    """A record that is no bar of spot or perp: it settles, it marks, it is shown."""
    if kind == FUNDING:
        take_settlement(i, streams.funding[row], lanes, world.quotes[i], log)
    elif kind == MARK:
        take_mark(i, streams.bars[row], world)
    if kind == EXOGENOUS:
        tell_exogenous(streams.exogenous[row], lanes, groups, world, streams.bars, log)
    elif i == PERP:
        take_perp(kind, row, streams, lanes, groups, world, log)
    elif i == SPOT and kind == TRADE:
        tell_spot_trade(streams.trades[row], lanes, groups, world, streams.bars, log)
    elif i == SPOT and kind == DEPTH:
        tell_spot_depth(streams.depth[row], lanes, groups, world, streams.bars, log)


@njit(cache=CACHE, **OPTIONS)
def begin(streams, lanes, groups, world, log, start):
    """Before the first event: the deposit at `start` (ns), the start hooks, and the orders they ask for."""
    for g in range(len(groups)):
        start_group(groups[g].seen, groups[g].params)
    for k in range(len(lanes)):
        lane = lanes[k]
        deposit(lane, start, log)
        start_lane(context(lane, groups, world, streams.bars), lane.state, lane.params)
        if lane.account.asked == 1:
            accept(lane, world, log)


@njit(cache=CACHE, **OPTIONS)
def advance(streams, lanes, groups, world, log, lo, hi):
    """Process the events lo .. hi; returns the first one not processed, below hi only where the log is full."""
    bars, clock = streams.bars, world.clock
    for at in range(lo, hi):
        if len(log.equity) > 0 and is_full(log):
            return at
        event = streams.events[at]
        kind, i, row = (event >> KIND_SHIFT) & BYTE, (event >> INSTRUMENT_SHIFT) & BYTE, event & ROW
        clock.events += 1
        if kind >= SPOT_BAR:
            bar = bars[row]
            clock.ts = bar.ts_known
            take_bar(i, row, bar, lanes, world, log)
            if i == PERP:
                tell_perp(bar, lanes, groups, world, bars, log)
            elif i == SPOT:
                tell_spot(bar, lanes, groups, world, bars, log)
        else:
            take_other(kind, i, row, streams, lanes, groups, world, log)
        if (event >> LAST_SHIFT) & 1 == 1 and clock.fresh == 1:
            end_instant(lanes, groups, world, bars, log)
    return hi
