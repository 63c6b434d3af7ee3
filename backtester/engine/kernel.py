"""The loop: events outside, parameter lanes inside.

`bind` copies this file under a name made of its content's fingerprint and sets, before it runs, the
names that the file does not define: ROLES of the market's instruments, HOOKS (the strategy's compiled
hooks by name), NUMBERED (it asks for orders with numbers of their own), ABREAST (the code for lanes that run
abreast; None: they run one by one), AGAIN (market hooks for the groups after the first) and CACHE. A single
run is a tile of one lane; a chunk of events is the same call.

An instant is all events of one `ts_known`. Within it bars fill the orders that wait for them and market
hooks see each record; at its end, if it held a bar, every lane is marked and decides. docs/venue.md tells
what happens inside a bar.
"""

from numba import njit

from backtester.engine.codes import DROPPED, NONE
from backtester.engine.jit import OPTIONS, fresh, inline
from backtester.engine.listen import contexts, decisions_of, dispatch, listeners, or_nothing, pairs_of
from backtester.engine.log import is_full, write_equity
from backtester.engine.margin import is_crossed
from backtester.engine.marks import find_mark, is_threatened, join, narrow, refresh_crossed, take_bracket
from backtester.engine.measure import mark
from backtester.engine.money import deposit, halt
from backtester.engine.settle import settle_until, take_settlement
from backtester.engine.ways import abreast, one_by_one
from backtester.records import BYTE, INSTRUMENT_SHIFT, KIND, KIND_SHIFT, LAST_SHIFT, ROW

if NUMBERED:
    from backtester.engine.book import accept_all as accept
    from backtester.engine.walk import drop_lane as drop
    from backtester.engine.walk import open_lane, walk_lane
else:
    from backtester.engine.accept import accept_asks as accept
    from backtester.engine.walk import drop_plain as drop
    from backtester.engine.walk import open_plain as open_lane
    from backtester.engine.walk import walk_plain as walk_lane

BRACKETS, FUNDING, INDEX, MARK, SPOT_BAR = (KIND[name] for name in ("brackets", "funding", "index_bars", "mark_bars", "spot_bars"))
context = contexts(ROLES)
start_group, start_lane = or_nothing(HOOKS, "see_start", 2), or_nothing(HOOKS, "on_start", 3)
decide_bar, write_trace = or_nothing(HOOKS, "on_bar", 3), or_nothing(HOOKS, "trace", 4)
complete_pairs, decide_pairs = pairs_of(HOOKS, AGAIN, ROLES), decisions_of(HOOKS, ROLES, context, accept)


@inline
def decide(paired, lane, mind, groups, world, bars, journal):
    """The decision hooks of one living lane, after it was marked."""
    decide_bar(context(lane, mind, groups, world, bars), mind.state, mind.params)
    if lane.account.asked == 1:
        accept(lane, world, journal)
    if paired != 0:
        decide_pairs(paired, lane, mind, groups, world, bars, journal)


@inline
def end_lane(paired, lane, mind, groups, world, bars, journal):
    """Mark one living lane at the close and let it decide; one that is worth nothing any more is halted."""
    if len(ROLES) > 2:
        refresh_crossed(lane, world.quotes)
    mark(lane, world.quotes)
    if lane.account.equity > 0.0:
        decide(paired, lane, mind, groups, world, bars, journal)
    else:
        ts = world.clock.ts_close - 1
        drop(lane, ts, DROPPED, world.quotes, journal)
        halt(lane, ts, world.quotes, journal)


meet = (open_lane, walk_lane, end_lane)
ways = abreast(ABREAST, *meet) if ABREAST else one_by_one(*meet)
open_lanes, walk_lanes, end_lanes, sample = ways.open, ways.walk, ways.end, ways.sample
start_lanes, finish_lanes, all_changed = ways.start, ways.finish, ways.all_changed
tell = dispatch(listeners(HOOKS, AGAIN, ROLES, context, accept, ways.tell))


@inline
def come(row, bar, clock, quote):
    """A bar became known; it is processed with the others of its instant."""
    clock.ts_close = max(clock.ts_close, bar.ts_close)
    clock.fresh += 1
    clock.bars += 1
    quote.next = row


@fresh
def take_bars(lanes, blocks, world, bars, journal):
    """Process the bars that came, those that cover the same time together."""
    quotes = world.quotes
    calm = True
    for i in range(len(ROLES)):
        quote = quotes[i]
        if quote.next != NONE:
            if i % 2 == 1:
                find_mark(quote, bars[quote.next])
                calm = calm and not is_threatened(quote)
            calm = calm and quote.waiting == 0 and quote.due == 0
    if not calm or (len(ROLES) > 2 and are_crossed(lanes)):
        take_groups(lanes, blocks, quotes, bars, journal)
    for i in range(len(ROLES)):
        quote = quotes[i]
        if quote.next != NONE:
            leave(quote, bars[quote.next], i % 2 == 1)


@fresh
def take_groups(lanes, blocks, quotes, bars, journal):
    """The bars that came, where something is at stake; docs/venue.md, section 2, tells the steps of a group."""
    for i in range(len(quotes)):
        if quotes[i].next != NONE:
            gather(i, quotes, bars)
            take_group(lanes, blocks, quotes, bars, journal)


@fresh
def gather(i, quotes, bars):
    """The group of instrument i: itself, and what came of those behind it with the same open and close."""
    own = bars[quotes[i].next]
    for j in range(len(quotes)):
        quotes[j].moving = 0
        if j >= i and quotes[j].next != NONE:
            bar = bars[quotes[j].next]
            if bar.ts_event == own.ts_event and bar.ts_close == own.ts_close:
                quotes[j].moving = 1


@fresh
def take_group(lanes, blocks, quotes, bars, journal):
    """What waits for these bars meets them."""
    stirred = arrive(lanes, blocks, quotes, bars, journal)
    if stirred:
        open_lanes(lanes, blocks, quotes, bars, journal)
    settle_all(0, lanes, blocks, quotes, bars, journal)
    if stirred or is_stirred(lanes, quotes):
        walk_lanes(stirred, lanes, blocks, quotes, bars, journal)
        for i in range(1, len(quotes), 2):
            if quotes[i].moving == 1 and is_threatened(quotes[i]):
                narrow(lanes, i, quotes[i])
    settle_all(1, lanes, blocks, quotes, bars, journal)
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            leave(quotes[i], bars[quotes[i].next], i % 2 == 1)


@fresh
def arrive(lanes, blocks, quotes, bars, journal):
    """Settlements up to the open, and the marks at the open; returns whether anything is at stake."""
    for i in range(len(quotes)):
        quote = quotes[i]
        if quote.moving == 1:
            bar = bars[quote.next]
            quote.ts_open = bar.ts_event
            if not quote.price > 0.0:  # the first price that is known of it
                quote.price = bar.open
            if quote.due > 0:
                settle_until(i, bar.ts_event, bar, lanes, quotes, journal)
                all_changed(lanes, blocks)
            if i % 2 == 1:
                quote.price = quote.path.open
    return is_stirred(lanes, quotes)


@fresh
def is_stirred(lanes, quotes):
    """Whether the bars of the group can do anything to an order or a position."""
    for i in range(len(quotes)):
        if quotes[i].moving == 1 and (quotes[i].waiting > 0 or (i % 2 == 1 and is_threatened(quotes[i]))):
            return True
    return len(ROLES) > 2 and are_crossed(lanes)


@fresh
def are_crossed(lanes):
    """Whether several perpetuals share one margin in any lane."""
    crossed = 0
    for k in range(len(lanes)):
        crossed += 1 if is_crossed(lanes[k]) else 0
    return crossed > 0


@fresh
def settle_all(late, lanes, blocks, quotes, bars, journal):
    """Pay what waits for these bars and lies before their close; `late`: at their close."""
    for i in range(len(quotes)):
        if quotes[i].moving == 1 and quotes[i].due > 0:
            bar = bars[quotes[i].next]
            settle_until(i, bar.ts_close - 1 + late, bar, lanes, quotes, journal)
            all_changed(lanes, blocks)


@inline
def leave(quote, bar, is_perp):
    """The bar is the last one known."""
    quote.row = quote.next
    quote.next = NONE
    quote.moving = 0
    quote.ts_close = bar.ts_close
    quote.lag = bar.ts_known - bar.ts_close
    quote.price = quote.path.close if is_perp else bar.close


@inline
def take_other(kind, i, row, streams, lanes, blocks, world, journal):
    """A record that is no bar of spot or perp: it settles, it marks, it changes the brackets."""
    quotes = world.quotes
    if kind == FUNDING:
        take_settlement(i, streams.funding[row], lanes, quotes, journal)
        all_changed(lanes, blocks)
    elif kind == MARK:
        join(quotes[i].mark, streams.bars[row], quotes[i])
        quotes[i].price = streams.bars[row].close
    elif kind == INDEX:
        join(quotes[i].index, streams.bars[row], quotes[i])
    elif kind == BRACKETS:
        take_bracket(i, streams.brackets[row], lanes, quotes)
        all_changed(lanes, blocks)


@fresh
def sample_now(lanes, blocks, clock, samples):
    """Sample every lane; the next moment is one step later. samples: equity, quote, (lanes, moments)."""
    sample(lanes, blocks, clock.samples, samples)
    clock.samples += 1
    clock.next_sample += clock.step


@inline
def end_instant(lanes, minds, groups, blocks, world, bars, samples, log):
    """Mark every lane at the close and let it decide. Between two closes nothing is known: equity stands still, and is sampled so."""
    clock = world.clock
    clock.fresh = 0
    clock.marks += 1
    paired = complete_pairs(groups, world, bars)
    while clock.next_sample < clock.ts_close:
        sample_now(lanes, blocks, clock, samples)
    end_lanes(paired, lanes, minds, groups, blocks, world, bars, log.journal)
    if clock.next_sample == clock.ts_close:
        sample_now(lanes, blocks, clock, samples)
    if len(log.equity) > 0:
        row = write_equity(log, clock, lanes[0])
        write_trace(context(lanes[0], minds[0], groups, world, bars), minds[0].state, minds[0].params, log.trace[row])


@njit(cache=CACHE, **OPTIONS)
def begin(streams, lanes, minds, groups, world, log, start):
    """Before the first event: the deposit at `start` (ns), the start hooks, and the orders they ask for.

    A lane without a deposit is a place in a block that no combination took.
    """
    world.clock.ts = start
    for g in range(len(groups)):
        start_group(groups[g].seen, groups[g].params)
    for k in range(len(lanes)):
        lane, mind = lanes[k], minds[k]
        if lane.terms[0].deposit > 0.0:
            deposit(lane, start, log.journal)
            start_lane(context(lane, mind, groups, world, streams.bars), mind.state, mind.params)
            if lane.account.asked == 1:
                accept(lane, world, log.journal)


@njit(cache=CACHE, **OPTIONS)
def advance(streams, lanes, minds, groups, blocks, world, samples, log, lo, hi):
    """Process the events lo .. hi; returns the first one not processed, below hi only where the log is full."""
    bars, clock = streams.bars, world.clock
    start_lanes(lanes, minds, blocks)
    for at in range(lo, hi):
        if len(log.equity) > 0 and is_full(log, len(ROLES)):
            return at
        event = streams.events[at]
        kind, i, row = (event >> KIND_SHIFT) & BYTE, (event >> INSTRUMENT_SHIFT) & BYTE, event & ROW
        clock.events += 1
        if kind >= SPOT_BAR:
            bar = bars[row]
            clock.ts = bar.ts_known
            if world.quotes[i].next != NONE:  # two bars of one instrument in one instant
                take_bars(lanes, blocks, world, bars, log.journal)
            come(row, bar, clock, world.quotes[i])
        else:
            take_other(kind, i, row, streams, lanes, blocks, world, log.journal)
        tell(kind, i, row, streams, lanes, minds, groups, blocks, world, log.journal)
        if (event >> LAST_SHIFT) & 1 == 1 and clock.fresh > 0:
            take_bars(lanes, blocks, world, bars, log.journal)
            end_instant(lanes, minds, groups, blocks, world, bars, samples, log)
    finish_lanes(lanes, minds, blocks)
    return hi
