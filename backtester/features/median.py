"""Running medians: a window kept in the order of arrival and in the order of size.

One new value costs a search of the oldest one in the sorted half (by halves where the window is wide; a short one is walked
faster) and the moves from its place to the new one's, at most the window's length. The functions take any record with the
fields `ring`, `ranked` and `count`, whatever their length: the short medians of the premium, the unit's week of hours and the
flow's month of hours are the same few lines.
"""

from backtester.features.basic import NAN, missing
from backtester.fields import vec

WIDEST = 32  # bars


class Median:
    """The median of the last `width` known values, up to 32."""

    ring: vec(32)        # by arrival
    ranked: vec(32)      # by size
    count: int = 0       # values ever
    value: float = NAN   # unknown until the window is full, and while the newest value is unknown


def see_median(f, x, width):
    """Take one value in; `width` must stay the same for the life of the record. Wider than 32 is never known."""
    f.value = NAN
    if missing(x) or width > WIDEST:
        return
    slide(f, x, width)
    if f.count >= width:
        f.value = middle(f, width)


def slide(f, x, width):
    """The oldest of `width` values leaves, `x` comes in, both orders kept."""
    at = f.count
    if f.count >= width:
        oldest = f.ring[f.count % width]
        at = width - 1 if width <= WIDEST else no_larger(f, oldest, width) - 1
        while f.ranked[at] != oldest:
            at -= 1
        while at < width - 1 and f.ranked[at + 1] < x:
            f.ranked[at] = f.ranked[at + 1]
            at += 1
    while at > 0 and f.ranked[at - 1] > x:
        f.ranked[at] = f.ranked[at - 1]
        at -= 1
    f.ranked[at] = x
    f.ring[f.count % width] = x
    f.count += 1


def no_larger(f, x, n):
    """How many of the `n` values by size are no larger than `x`."""
    lo = 0
    hi = n
    while lo < hi:
        half = (lo + hi) // 2
        if f.ranked[half] <= x:
            lo = half + 1
        else:
            hi = half
    return lo


def held(f, width):
    """How many values the window holds."""
    return f.count if f.count < width else width


def middle(f, width):
    """The median of what the window holds; it must hold something."""
    n = held(f, width)
    return 0.5 * (f.ranked[(n - 1) // 2] + f.ranked[n // 2])


def deviation(f, width):
    """The median absolute deviation from the median, found by walking outwards from the middle."""
    n = held(f, width)
    centre = middle(f, width)
    below = (n - 1) // 2
    above = below + 1
    inner = 0.0
    outer = 0.0
    for _ in range(n // 2 + 1):
        inner = outer
        if above >= n or (below >= 0 and centre - f.ranked[below] <= f.ranked[above] - centre):
            outer = centre - f.ranked[below]
            below -= 1
        else:
            outer = f.ranked[above] - centre
            above += 1
    return outer if n % 2 == 1 else 0.5 * (inner + outer)
