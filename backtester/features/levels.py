"""Where positions would be liquidated: a ring of 2,048 buckets of 5 bp of log price, longs and shorts, two speeds of fading.

A bucket's mass is what is stored times one factor per speed, so that fading or shrinking the whole map costs a product, and
adding a position costs a sum. Two bounds a side know how far the price has swept, so that taking walks over new ground only.
What lies half a ring (51 % of log price) away from the middle is forgotten. In base, always:
added = live + consumed + decayed + scaled + forgotten.
"""

import math

from backtester.features.basic import BP
from backtester.fields import vec

STEP = 5.0 * BP     # log price of a bucket
PER_LOG = 2000.0    # buckets of a log price of 1
BUCKETS = 2048
HALF = 1024
MASK = BUCKETS - 1
SLACK = 64          # buckets that additions may stray from the middle
TINY = 1e-9         # factor below which it is multiplied in
NOWHERE = 1 << 40   # no bucket
HUGE = 1e15         # no price, quote


class Levels:
    """The ring, its bounds, and what became of all that was ever added, base, by speed."""

    added_long: vec(2)
    added_short: vec(2)
    consumed_long: vec(2)
    consumed_short: vec(2)
    decayed: vec(2)
    scaled: vec(2)                  # given up: open interest fell
    forgotten: vec(2)
    longs: vec(2, 2048)             # by speed and bucket; base = stored * scale
    shorts: vec(2, 2048)
    mass: vec(2)                    # stored, longs and shorts together, by speed
    scale: vec(2)
    centre: int = NOWHERE           # bucket in the middle of the ring
    lowest_short: int = NOWHERE     # no short stands in a bucket below
    highest_long: int = -NOWHERE    # no long stands in a bucket above
    next_short: float = HUGE        # quote; from this high on a bar may take a short
    next_long: float = 0.0          # quote; below this low it may take a long


def start_levels(f):
    """An empty map."""
    f.scale[0] = 1.0
    f.scale[1] = 1.0


def bucket_of(log):
    """The bucket of a log price."""
    return math.floor(log * PER_LOG)


def shorts_at(f, b):
    """The shorts of a bucket, base; it must lie within half a ring of the middle."""
    return f.shorts[0, b & MASK] * f.scale[0] + f.shorts[1, b & MASK] * f.scale[1]


def longs_at(f, b):
    """The longs of a bucket, base."""
    return f.longs[0, b & MASK] * f.scale[0] + f.longs[1, b & MASK] * f.scale[1]


def nearest_short(f, here, n, least):
    """The first of the `n` buckets above `here` that holds at least `least` (base); NOWHERE where none does."""
    for b in range(here + 1, here + n + 1):
        if shorts_at(f, b) >= least:
            return b
    return NOWHERE


def nearest_long(f, here, n, least):
    """The first of the `n` buckets below `here` that does."""
    for k in range(1, n + 1):
        if longs_at(f, here - k) >= least:
            return here - k
    return NOWHERE


def live(f):
    """All that stands in the map, base."""
    return f.mass[0] * f.scale[0] + f.mass[1] * f.scale[1]


def add_short(f, speed, log, qty):
    """A short that is bought back where the log price rises to `log`, base."""
    b = bucket_of(log)
    stored = qty / f.scale[speed]
    f.added_short[speed] += qty
    f.shorts[speed, b & MASK] += stored
    f.mass[speed] += stored
    if b < f.lowest_short:
        f.lowest_short = b
        f.next_short = math.exp(b * STEP)


def add_long(f, speed, log, qty):
    """A long that is sold where the log price falls to `log`, base."""
    b = bucket_of(log)
    stored = qty / f.scale[speed]
    f.added_long[speed] += qty
    f.longs[speed, b & MASK] += stored
    f.mass[speed] += stored
    if b > f.highest_long:
        f.highest_long = b
        f.next_long = math.exp((b + 1) * STEP)


def take_shorts(f, high):
    """The price rose to `high` (quote): the shorts up to it are bought back. Returns how many, base."""
    if high < f.next_short:
        return 0.0
    last = bucket_of(math.log(high))
    taken = 0.0
    for b in range(max(f.lowest_short, f.centre - HALF), min(last, f.centre + HALF - 1) + 1):
        taken += empty(f, f.shorts, f.consumed_short, b)
    f.lowest_short = max(f.lowest_short, last + 1)
    f.next_short = math.exp(f.lowest_short * STEP)
    return taken


def take_longs(f, low):
    """The price fell to `low` (quote): the longs down to it are sold. Returns how many, base."""
    if low >= f.next_long:
        return 0.0
    last = bucket_of(math.log(low))
    taken = 0.0
    for b in range(max(last, f.centre - HALF), min(f.highest_long, f.centre + HALF - 1) + 1):
        taken += empty(f, f.longs, f.consumed_long, b)
    f.highest_long = min(f.highest_long, last - 1)
    f.next_long = math.exp((f.highest_long + 1) * STEP)
    return taken


def empty(f, side, total, b):
    """Nothing of one side stands in a bucket any more: it goes into a total by speed. Returns how much, base."""
    gone = 0.0
    for speed in range(2):
        qty = side[speed, b & MASK] * f.scale[speed]
        f.mass[speed] -= side[speed, b & MASK]
        side[speed, b & MASK] = 0.0
        total[speed] += qty
        gone += qty
    return gone


def fade(f, speed, rest, keep):
    """Time leaves the share `rest` of a speed's positions, and of these the share `keep` was not given up."""
    before = f.mass[speed] * f.scale[speed]
    f.decayed[speed] += before * (1.0 - rest)
    f.scaled[speed] += before * rest * (1.0 - keep)
    f.scale[speed] *= rest * keep
    if f.scale[speed] < TINY:
        multiply_in(f, speed)


def multiply_in(f, speed):
    """The factor is too small to divide by: the stored masses take it over."""
    for i in range(BUCKETS):
        f.longs[speed, i] *= f.scale[speed]
        f.shorts[speed, i] *= f.scale[speed]
    f.mass[speed] *= f.scale[speed]
    f.scale[speed] = 1.0


def recentre(f, b):
    """Keep the ring's middle near bucket `b`."""
    if f.centre == NOWHERE:
        f.centre = b
    while b > f.centre + SLACK:
        f.centre += 1
        forget(f, f.centre + HALF - 1)
    while b < f.centre - SLACK:
        f.centre -= 1
        forget(f, f.centre - HALF)


def forget(f, b):
    """A bucket comes into the ring in the place of one that is lost."""
    empty(f, f.shorts, f.forgotten, b)
    empty(f, f.longs, f.forgotten, b)
