"""D12, doors by their shape: a sharp move, a walk sideways, and a sharp way back; the Pi, or Bart, pattern.

    impulse  at least theta (D3) within 60 minutes
    plateau  its prices stay within 0.35 impulses for 15 to 600 minutes
    retrace  at least 0.7 impulses back from the impulse's end, within 60 minutes of the last price on the plateau

Claim B2 ("the first 'door' appeared") read as one closed shape; doors.py has the other reading, legs counted after an anchor.
Two watchers do the same work: `up` sees the price, `down` its mirror image (the inverted shape). New highs within 60 minutes of
the impulse's start lengthen the impulse and begin the plateau anew; a price that leaves the plateau and comes back within those
60 minutes was on it all the time (a modelling choice). The start of an impulse is the lowest of twelve slots of 5 minutes.
"""

from enum import IntEnum

from backtester.features.basic import MINUTE, NAN, log_price, missing
from backtester.fields import vec

SLOT = 5 * MINUTE       # ns
WINDOW = 12             # slots before the running one
SLOTS = 16
QUICK = 60 * MINUTE     # ns; the longest impulse, the longest retrace
FLAT = 0.35             # impulses
SHORTEST = 15 * MINUTE  # ns; of a plateau
LONGEST = 600 * MINUTE  # ns
BACK = 0.7              # impulses


class Shape(IntEnum):
    """How much of a door is drawn."""

    UNKNOWN = 0  # no price yet, or no theta
    NONE = 1     # no impulse
    PLATEAU = 2  # an impulse, and the walk sideways after it
    RETRACE = 3  # on the way back


class Pi:
    """One watcher; all prices are log prices, in the mirror negative ones."""

    shape: Shape = Shape.UNKNOWN
    closed: bool = False     # the door was closed at this pair
    count: int = 0           # doors ever
    size: float = NAN        # of the impulse
    base: float = NAN        # where the impulse began
    top: float = NAN         # where it ended
    high: float = NAN        # of the plateau
    low: float = NAN         # of the plateau
    base_ts: int = 0         # ns
    top_ts: int = 0          # ns
    inside_ts: int = 0       # last price on the plateau, ns
    slot: int = 0            # the running one
    floor: float = NAN       # lowest price of the last hour
    floor_ts: int = 0        # when it was, ns
    lows: vec(16)            # lowest price of each slot
    lows_ts: vec(16, kind="i8")  # when it was, ns


class PiDoors:
    """Both watchers."""

    up: Pi    # up, sideways, down
    down: Pi  # down, sideways, up


def see_pi_doors(f, perp, theta):
    """Take in one pair: the perp's bar, and what counts as a move (log price, the legs' theta)."""
    log = log_price(perp)
    see_pi(f.up, log, perp.ts_close, theta)
    see_pi(f.down, -log, perp.ts_close, theta)


def see_pi(f, log, ts, theta):
    """Take in one price; a bar that did not trade, or no theta, changes nothing."""
    f.closed = False
    if missing(log) or missing(theta):
        return
    keep_low(f, log, ts)
    if f.shape == Shape.UNKNOWN:
        f.shape = Shape.NONE
    if f.shape != Shape.NONE:
        follow(f, log, ts)
    if f.shape == Shape.NONE and not f.closed:
        look_back(f, log, ts, theta)


def keep_low(f, log, ts):
    """The lowest price of the running slot, and of the last hour: looked for again where its slot is over or it is too old."""
    slot = ts // SLOT
    i = slot % SLOTS
    if slot != f.slot or log < f.lows[i]:
        f.lows[i] = log
        f.lows_ts[i] = ts
    if slot != f.slot or ts - f.floor_ts > QUICK:
        f.slot = slot
        find_floor(f, ts)
    elif log < f.floor:
        f.floor = log
        f.floor_ts = ts


def find_floor(f, ts):
    """The lowest price of the last hour, from its slots."""
    f.floor = f.lows[f.slot % SLOTS]
    f.floor_ts = f.lows_ts[f.slot % SLOTS]
    for k in range(1, WINDOW + 1):
        i = (f.slot - k) % SLOTS
        if 0 <= ts - f.lows_ts[i] <= QUICK and f.lows[i] < f.floor:
            f.floor = f.lows[i]
            f.floor_ts = f.lows_ts[i]


def look_back(f, log, ts, theta):
    """Whether the price has come far enough from its lowest of the last hour."""
    if log - f.floor >= theta:
        f.base = f.floor
        f.base_ts = f.floor_ts
        end_impulse(f, log, ts)


def end_impulse(f, log, ts):
    """The impulse ends here, as far as is known: the plateau begins."""
    f.shape = Shape.PLATEAU
    f.top = log
    f.top_ts = ts
    f.size = log - f.base
    f.high = log
    f.low = log
    f.inside_ts = ts


def follow(f, log, ts):
    """The impulse grows, the plateau goes on, the price comes back, or it was no door."""
    if log > f.top and ts - f.base_ts <= QUICK:
        end_impulse(f, log, ts)
    elif max(f.high, log) - min(f.low, log) <= FLAT * f.size:
        f.high = max(f.high, log)
        f.low = min(f.low, log)
        f.inside_ts = ts
        f.shape = Shape.PLATEAU if ts - f.top_ts <= LONGEST else Shape.NONE
    elif log > f.high or f.inside_ts - f.top_ts < SHORTEST or ts - f.inside_ts > QUICK:
        f.shape = Shape.NONE
    elif f.top - log >= BACK * f.size:
        f.shape = Shape.NONE
        f.closed = True
        f.count += 1
    else:
        f.shape = Shape.RETRACE
