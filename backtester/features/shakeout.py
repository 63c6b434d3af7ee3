"""A19, the shake-out guard: "don't be scared out". A stop wide enough, a soft one that only a close can touch.

    distance = max(price - low + buffer, 2.5 atr, price - cluster + buffer)      mirrored for a short
    soft     = price - distance       left at a 15-minute close beyond it
    hard     = price - 2 distance     left at a touch: always live, an order of its own at the venue

`cluster` is the nearest fuel in the price's way (where longs are liquidated below); sweeping it is what shakes
out, so the stop stands beyond it. NaN: no map, no such rule. 15-minute closes are made of bars of any length up to
that; a longer bar is its own close, a quarter whose last bar is missing has none. A wick is nothing.
"""

from enum import IntEnum

from backtester.features.basic import BP, MINUTE, NAN, missing

QUARTER = 15 * MINUTE


class Exit(IntEnum):
    """What the stops say of the last bar."""

    UNKNOWN = 0  # there are no stops
    HOLD = 1
    SOFT = 2     # the close is beyond the soft stop
    HARD = 3     # the hard stop was touched


class Stops:
    """The two stops of one position: scalars only, fit for a State."""

    exit: Exit = Exit.UNKNOWN
    soft: float = NAN        # quote
    hard: float = NAN        # quote
    side: float = 0.0        # +1 long, -1 short
    last: float = NAN        # last trade of this quarter of an hour, quote
    frame: int = QUARTER     # whose closes touch the soft stop, ns
    multiple: float = 2.0    # the hard stop's distance over the soft one's


def start_stops(f, frame_min, multiple):
    """Set the frame of the soft stop's closes (minutes) and how much farther the hard stop stands."""
    f.frame = int(frame_min * MINUTE)
    f.multiple = multiple


def stop_distance(side, price, extreme, atr, cluster, buffer_bp, atrs):
    """How far from `price` the soft stop belongs, quote; `extreme` is the low of a long. NaN where it or the range is not known."""
    buffer = price * buffer_bp * BP
    distance = side * (price - extreme) + buffer
    if missing(distance) or missing(atr):
        return NAN
    distance = max(distance, atrs * atr)
    beyond = side * (price - cluster) + buffer
    return beyond if beyond > distance else distance


def set_stops(f, side, price, distance):
    """Set both stops for a position entered at `price`; a distance that is none leaves no stops."""
    sound = distance > 0.0
    f.side = side
    f.soft = price - side * distance if sound else NAN
    f.hard = price - side * distance * f.multiple if sound else NAN
    f.last = NAN
    f.exit = Exit.HOLD if sound else Exit.UNKNOWN


def watch_stops(f, bar):
    """Take in one bar; the answer stands in `exit`."""
    if missing(f.soft):
        return
    f.exit = Exit.HOLD
    if bar.volume > 0.0:
        f.last = bar.close
        worst = bar.low if f.side > 0.0 else bar.high
        if f.side * (worst - f.hard) <= 0.0:
            f.exit = Exit.HARD
    if bar.ts_close % f.frame == 0 or bar.ts_close - bar.ts_event >= f.frame:
        if f.exit == Exit.HOLD and f.side * (f.last - f.soft) < 0.0:
            f.exit = Exit.SOFT
        f.last = NAN
