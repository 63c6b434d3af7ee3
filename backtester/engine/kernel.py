"""The loop: events outside, parameter lanes inside.

`bind` copies this file under a name made of its content's fingerprint and sets, before it runs, the
names that the file does not define: ROLES of the market's instruments, HOOKS (the strategy's compiled
hooks by name), NUMBERED (it asks for orders with numbers of their own) and CACHE. A single run is a tile
of one lane; a chunk of events is the same call.

An instant is all events of one `ts_known`. Within it bars fill the orders that wait for them and market
hooks see each record; at its end, if it held a bar, every lane is marked and decides. docs/venue.md tells
what happens inside a bar.
"""

from numba import njit

from backtester.engine.codes import DROPPED
from backtester.engine.jit import OPTIONS, fresh, inline
from backtester.engine.listen import contexts, decisions_of, dispatch, listeners, or_nothing, pairs_of
from backtester.engine.log import is_full, write_equity
from backtester.engine.marks import find_mark, is_threatened, join, narrow, refresh_cross, take_bracket
from backtester.engine.measure import mark, sample_all, sample_until
from backtester.engine.money import deposit, halt
from backtester.engine.settle import settle_until, take_settlement
from backtester.records import BYTE, INSTRUMENT_SHIFT, KIND, KIND_SHIFT, LAST_SHIFT, ROW

if NUMBERED:
    from backtester.engine.book import accept_all as accept
    from backtester.engine.path import drop_lane as drop
    from backtester.engine.path import open_lane, walk_lane
else:
    from backtester.engine.accept import accept_asks as accept
    from backtester.engine.path import drop_plain as drop
    from backtester.engine.path import open_plain as open_lane
    from backtester.engine.path import walk_plain as walk_lane

BRACKETS, FUNDING, INDEX, MARK, SPOT_BAR = (KIND[name] for name in ("brackets", "funding", "index_bars", "mark_bars", "spot_bars"))
context = contexts(ROLES)
start_group, start_lane = or_nothing(HOOKS, "see_start", 2), or_nothing(HOOKS, "on_start", 3)
decide_bar, write_trace = or_nothing(HOOKS, "on_bar", 3), or_nothing(HOOKS, "trace", 4)
tell = dispatch(listeners(HOOKS, ROLES, context, accept))
complete_pairs, decide_pairs = pairs_of(HOOKS, ROLES), decisions_of(HOOKS, ROLES, context)


@fresh
def take_bar(i, row, bar, lanes, world, journal):
    """A bar of instrument i became known: what waits for it meets it, then it is the last one known."""
    clock, quotes, quote = world.clock, world.quotes, world.quotes[i]
    clock.ts_close = max(clock.ts_close, bar.ts_close)
    clock.fresh = 1
    clock.bars += 1
    quote.ts_open = bar.ts_event
    if not quote.price > 0.0:  # the first price that is known of it
        quote.price = bar.open
    if quote.due > 0:
        settle_until(i, bar.ts_event, bar, lanes, quotes, journal)
    threatened = False
    if i % 2 == 1:
        if len(ROLES) > 2:
            refresh_cross(lanes, quotes)
        find_mark(quote, bar)
        threatened = is_threatened(quote)
    if quote.waiting > 0 or threatened:
        meet_open(i, bar, lanes, quotes, journal)
    if quote.due > 0:
        settle_until(i, bar.ts_close - 1, bar, lanes, quotes, journal)
    threatened = i % 2 == 1 and is_threatened(quote)
    if quote.waiting > 0 or threatened:
        meet_path(i, bar, lanes, quotes, journal)
    if threatened:
        narrow(lanes, i, quote)
    if quote.due > 0:
        settle_until(i, bar.ts_close, bar, lanes, quotes, journal)
    quote.row = row
    quote.ts_close = bar.ts_close
    quote.lag = bar.ts_known - bar.ts_close
    quote.price = quote.path.close if i % 2 == 1 else bar.close


@fresh
def meet_open(i, bar, lanes, quotes, journal):
    """Every lane with something at stake meets the open of the bar."""
    for k in range(len(lanes)):
        if is_at_stake(lanes[k].position[i]):
            open_lane(lanes[k], i, bar, quotes, journal)


@fresh
def meet_path(i, bar, lanes, quotes, journal):
    """Every lane with something at stake meets the path of the bar."""
    for k in range(len(lanes)):
        if is_at_stake(lanes[k].position[i]):
            walk_lane(lanes[k], i, bar, quotes, journal)


@fresh
def is_at_stake(position):
    """Whether a bar can do anything to the position or to an order."""
    return position.qty != 0.0 or position.waiting + position.resting > 0


@inline
def take_other(kind, i, row, streams, lanes, world, journal):
    """A record that is no bar of spot or perp: it settles, it marks, it changes the brackets."""
    quotes = world.quotes
    if kind == FUNDING:
        take_settlement(i, streams.funding[row], lanes, quotes, journal)
    elif kind == MARK:
        join(quotes[i].mark, streams.bars[row])
        quotes[i].price = streams.bars[row].close
    elif kind == INDEX:
        join(quotes[i].index, streams.bars[row])
    elif kind == BRACKETS:
        take_bracket(i, streams.brackets[row], lanes, quotes)


@fresh
def decide(lane, mind, paired, groups, world, bars, journal):
    """The decision hooks of one living lane, after it was marked."""
    decide_bar(context(lane, mind, groups, world, bars), mind.state, mind.params)
    decide_pairs(lane, mind, paired, groups, world, bars)
    if lane.account.asked == 1:
        accept(lane, world, journal)


@inline
def end_instant(lanes, minds, groups, world, bars, log):
    """Mark every lane at the close and let it decide; one that is worth nothing any more is halted."""
    clock = world.clock
    clock.fresh = 0
    clock.marks += 1
    paired = complete_pairs(groups, world, bars)
    sample_until(lanes, clock, clock.ts_close)
    for k in range(len(lanes)):
        lane, mind = lanes[k], minds[k]
        if lane.account.alive == 1:
            mark(lane, world.quotes)
            if lane.account.equity > 0.0:
                decide(lane, mind, paired, groups, world, bars, log.journal)
            else:
                drop(lane, clock.ts_close - 1, DROPPED, world.quotes, log.journal)
                halt(lane, clock.ts_close - 1, world.quotes, log.journal)
    if clock.next_sample == clock.ts_close:
        sample_all(lanes, clock)
    if len(log.equity) > 0:
        row = write_equity(log, clock, lanes[0])
        write_trace(context(lanes[0], minds[0], groups, world, bars), minds[0].state, minds[0].params, log.trace[row])


@njit(cache=CACHE, **OPTIONS)
def begin(streams, lanes, minds, groups, world, log, start):
    """Before the first event: the deposit at `start` (ns), the start hooks, and the orders they ask for."""
    world.clock.ts = start
    for g in range(len(groups)):
        start_group(groups[g].seen, groups[g].params)
    for k in range(len(lanes)):
        lane, mind = lanes[k], minds[k]
        deposit(lane, start, log.journal)
        start_lane(context(lane, mind, groups, world, streams.bars), mind.state, mind.params)
        if lane.account.asked == 1:
            accept(lane, world, log.journal)


@njit(cache=CACHE, **OPTIONS)
def advance(streams, lanes, minds, groups, world, log, lo, hi):
    """Process the events lo .. hi; returns the first one not processed, below hi only where the log is full."""
    bars, clock = streams.bars, world.clock
    for at in range(lo, hi):
        if len(log.equity) > 0 and is_full(log.journal):
            return at
        event = streams.events[at]
        kind, i, row = (event >> KIND_SHIFT) & BYTE, (event >> INSTRUMENT_SHIFT) & BYTE, event & ROW
        clock.events += 1
        if kind >= SPOT_BAR:
            bar = bars[row]
            clock.ts = bar.ts_known
            take_bar(i, row, bar, lanes, world, log.journal)
        else:
            take_other(kind, i, row, streams, lanes, world, log.journal)
        tell(kind, i, row, streams, lanes, minds, groups, world, log.journal)
        if (event >> LAST_SHIFT) & 1 == 1 and clock.fresh == 1:
            end_instant(lanes, minds, groups, world, bars, log)
    return hi
