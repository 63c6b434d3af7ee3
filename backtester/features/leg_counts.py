"""How much of two running totals, one of longs and one of shorts, fell into the leg as it stands and into the last confirmed one.

A leg is known late: it began at an extreme that only its turn made one. So the totals are kept at the leg's start and at the
running extreme, as D3 keeps the places. A total that was unknown at a leg's start leaves the leg unknown.
"""

from backtester.features.basic import NAN


class Counts:
    """Of either side."""

    longs: float = NAN
    shorts: float = NAN


class LegCounts:
    """What the legs hold."""

    now: Counts      # in the leg as it stands
    done: Counts     # in the last confirmed leg
    start: Counts    # the totals at the last confirmed extreme
    extreme: Counts  # the totals at the running extreme
    ts: int = 0      # of that start, ns


def see_leg_counts(f, legs, longs, shorts):
    """Take in the legs of one pair and the totals as they are."""
    if legs.turned:
        set_counts(f.done, f.extreme.longs - f.start.longs, f.extreme.shorts - f.start.shorts)
    if legs.start.ts != f.ts:
        f.ts = legs.start.ts
        if f.ts == legs.here.ts:
            set_counts(f.start, longs, shorts)
        else:
            set_counts(f.start, f.extreme.longs, f.extreme.shorts)
    if legs.extreme.ts == legs.here.ts:
        set_counts(f.extreme, longs, shorts)
    if legs.direction == 0.0:
        set_counts(f.now, NAN, NAN)
    elif legs.now.direction != legs.direction:
        set_counts(f.now, longs - f.extreme.longs, shorts - f.extreme.shorts)
    else:
        set_counts(f.now, longs - f.start.longs, shorts - f.start.shorts)


def set_counts(f, longs, shorts):
    """Write both."""
    f.longs = longs
    f.shorts = shorts
