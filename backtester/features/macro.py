"""A14, C6, C8, the macro gate: "Federal Reserve policies ... remain constraints", "a single statement could ruin everything".

The calendar comes as exogenous rows of one tag. Known before its moment (ts_known < ts_event), a row announces that
something happens at `ts_event`, whatever its weight. Known at it or later, a row is the outcome, and its weight the
surprise in standard deviations, negative where it is bad for the price; one that nobody announced opens the window
from then on.

    window   = an announced moment lies at most 12 h ahead or 2 h back     size 0.5, else 1
    negative = the last surprise <= -1, for `memory_h`                     leave; with stratified liquidity: flat

A market without the tag is unknown, not calm. 128 moments are remembered; `lost` counts those beyond. How long a
surprise counts, and that the last one replaces those before, are modelling choices.
"""

from backtester.features.answers import NO, YES, above, opposite
from backtester.features.basic import HOUR, NAN
from backtester.fields import vec

PLACES = 128


class Macro:
    """The calendar, and what was said last."""

    window: float = NAN         # something is near: 1 yes, 0 no
    negative: float = NAN       # the last word was bad: 1 yes, 0 no
    size: float = NAN           # 0.5 in a window, else 1
    surprise: float = NAN       # the last outcome's, standard deviations
    told: int = 0               # when it was known, ns
    heard: bool = False         # a row of the tag has come
    moments: vec(128, kind="i8")  # what is ahead or not yet over, the next first, ns
    count: int = 0
    lost: int = 0
    tag: int = -1               # code of the exogenous tag; -1: none
    before: int = 12 * HOUR     # ns
    after: int = 2 * HOUR       # ns
    small: float = 0.5          # size in a window
    bad: float = -1.0           # largest surprise that is negative, standard deviations
    memory: int = 72 * HOUR     # ns


def start_macro(f, tag, small, bad, memory_h):
    """Set the tag's code, the size in a window, what a bad surprise is and how long it counts."""
    f.tag = tag
    f.small = small
    f.bad = bad
    f.memory = int(memory_h * HOUR)


def see_macro(f, x):
    """Take in one exogenous row; other tags' say nothing."""
    if x.tag != f.tag:
        return
    f.heard = True
    expect(f, x.ts_event)
    if x.ts_known >= x.ts_event:
        f.surprise = x.weight
        f.told = x.ts_known


def expect(f, moment):
    """Something happens at a moment (ns): keep it in its order, once."""
    at = f.count
    while at > 0 and f.moments[at - 1] > moment:
        at -= 1
    if at > 0 and f.moments[at - 1] == moment:
        return
    if f.count == PLACES:
        f.lost += 1
        return
    for k in range(f.count - at):
        f.moments[f.count - k] = f.moments[f.count - k - 1]
    f.moments[at] = moment
    f.count += 1


def age_macro(f, ts):
    """What the gate says at `ts` (ns)."""
    if not f.heard:
        return
    forget(f, ts - f.after)
    near = f.count > 0 and f.moments[0] - f.before <= ts
    f.window = YES if near else NO
    f.size = f.small if near else 1.0
    f.negative = NO
    if f.told > 0 and ts - f.told <= f.memory:
        f.negative = opposite(above(f.surprise, f.bad))


def forget(f, ts):
    """Drop the moments before `ts` (ns)."""
    over = 0
    while over < f.count and f.moments[over] < ts:
        over += 1
    if over == 0:
        return
    f.count -= over
    for k in range(f.count):
        f.moments[k] = f.moments[k + over]


def weighed(size, weight):
    """The gate's size where the gate counts only by a weight, 0 .. 1 (C8: fully once the heat is gone)."""
    return 1.0 - weight * (1.0 - size)
