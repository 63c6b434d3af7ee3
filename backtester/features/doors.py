"""D11 to D13, doors: the alternating legs after an impulse, counted until the impulse's high breaks.

The anchor is an up-leg that spot led or shared (B8: "spot buying, the premium unchanged"), large and quick;
its high is "106,000". Door 1 is the drop after it, door 2 the rise, door 3 the drop whose rising premium
arms the trade (B2, B11). A leg is a door where it alternates, comes soon enough, retraces the leg before
it by a share within a band (B17) and ends below the anchor. Legs that do not fit are not counted.

The other reading of "door" is a closed shape (pi_doors.py). Then a door is a shape that closes by a drop (doors 1, 3, ...) or by
a rise (2, 4, ...), in turn; the same anchor begins the game, the same bounds end it, the running leg says where the door ends.
"""

from enum import IntEnum

from backtester.features.basic import BP, HOUR, MINUTE, NAN, missing
from backtester.features.labels import Label
from backtester.features.pi_doors import Shape
from backtester.features.points import Point, copy_point

CEILING = 0.002  # a door may end this far above the anchor, log price


class Reading(IntEnum):
    """What a door is."""

    LEGS = 0  # each leg after the impulse
    PI = 1    # each closed shape: sharp away, sideways, sharp back


class DoorsParams:
    """What is read of a strategy's Params."""

    anchor_bp: float = 80.0       # bp; smallest impulse
    anchor_max_min: float = 360.0 # minutes; longest impulse
    door_max_min: float = 480.0   # minutes; longest door
    retrace_lo: float = 0.25      # smallest door, as a share of the leg before
    retrace_hi: float = 2.5       # largest door, as a share of the leg before
    door_band_bp: float = 400.0   # bp below the anchor that end the game
    door_break_bp: float = 10.0   # bp above the anchor that are a new high
    door_hold: int = 3            # closes in a row above it that end the game
    door_ttl_h: float = 48.0      # hours; longest game


class Doors:
    """Where the game stands; without an anchor its price is NaN."""

    anchor: Point           # the impulse's high
    end: Point              # where the door being drawn ends so far
    count: int = 0          # doors completed
    since: int = 0          # where that door starts, ns
    drawing: int = 0        # number of the door being drawn, or completed at this very pair; 0: none
    last_bp: float = NAN    # size of the last counted leg, bp
    closed: int = 0         # when the last shape was closed that counted, ns
    above: int = 0          # closes in a row above the anchor's break
    anchor_bp: float = 80.0     # smallest impulse, bp
    anchor_min: float = 360.0   # longest impulse, minutes
    door_min: float = 480.0     # longest door, minutes
    retrace_lo: float = 0.25    # smallest share of the leg before
    retrace_hi: float = 2.5     # largest share of the leg before
    band: float = 0.04          # how far below the anchor the game may go, log price
    broken: float = 0.001       # how far above the anchor is a new high, log price
    hold: int = 3               # closes above it that end the game
    ttl_h: float = 48.0         # longest game, hours


def prepare_doors(f, p):
    """Set all of it from a strategy's Params."""
    start_doors(f, p.anchor_bp, p.anchor_max_min, p.door_max_min, p.retrace_lo, p.retrace_hi)
    bound_doors(f, p.door_band_bp, p.door_break_bp, p.door_hold, p.door_ttl_h)


def start_doors(f, anchor_bp, anchor_min, door_min, retrace_lo, retrace_hi):
    """Set what an impulse and a door are."""
    f.anchor_bp = anchor_bp
    f.anchor_min = anchor_min
    f.door_min = door_min
    f.retrace_lo = retrace_lo
    f.retrace_hi = retrace_hi


def bound_doors(f, band_bp, break_bp, hold, ttl_h):
    """Set what ends a game: too far below, closes above a new high, too long."""
    f.band = band_bp * BP
    f.broken = break_bp * BP
    f.hold = hold
    f.ttl_h = ttl_h


def see_doors(f, legs, done_label):
    """Take in the legs of one pair; `done_label` is the label of the last confirmed leg."""
    if missing(legs.here.log):
        return
    end_game(f, legs.here)
    if legs.turned:
        copy_point(f.end, legs.start)
        take_leg(f, legs.done, done_label)
    else:
        copy_point(f.end, legs.extreme)
        f.since = legs.start.ts
        size_bp = abs(legs.extreme.log - legs.start.log) / BP
        minutes = (legs.extreme.ts - legs.start.ts) / MINUTE
        f.drawing = f.count + 1 if fits(f, legs.direction, size_bp, minutes) else 0


def end_game(f, here):
    """Forget the anchor where a new high held, where the price left the band, or where it took too long."""
    f.above = f.above + 1 if here.log > f.anchor.log + f.broken else 0
    if f.above >= f.hold or here.log < f.anchor.log - f.band or here.ts - f.anchor.ts > f.ttl_h * HOUR:
        f.anchor.price = NAN
        f.anchor.log = NAN
        f.count = 0


def fits(f, direction, size_bp, minutes):
    """Whether a leg that ends at `f.end` is the next door."""
    if missing(f.anchor.log) or (direction < 0.0) != (f.count % 2 == 0):
        return False
    share = size_bp / f.last_bp
    inside = f.anchor.log - f.band <= f.end.log <= f.anchor.log + CEILING
    return inside and f.retrace_lo <= share <= f.retrace_hi and minutes <= f.door_min


def take_leg(f, done, done_label):
    """A leg was confirmed, it ended at `f.end`: a door, an anchor, or neither."""
    f.drawing = 0
    if fits(f, done.direction, done.size_bp, done.minutes):
        f.count += 1
        f.drawing = f.count
        f.last_bp = done.size_bp
    else:
        take_impulse(f, done, done_label)


def take_impulse(f, done, done_label):
    """A leg that is no door may begin another game."""
    if is_impulse(f, done, done_label) and (missing(f.anchor.log) or f.end.log > f.anchor.log):
        copy_point(f.anchor, f.end)
        f.last_bp = done.size_bp
        f.count = 0


def is_impulse(f, leg, leg_label):
    """Whether a confirmed leg is an up-leg that spot led or shared, large and quick."""
    by_spot = leg_label in (Label.SPOT_DRIVEN, Label.SPOT_BUYS)
    return leg.direction > 0.0 and by_spot and leg.size_bp >= f.anchor_bp and leg.minutes <= f.anchor_min


def see_shapes(f, legs, done_label, shapes):
    """Take in the legs of one pair and the shapes that close at it (PiDoors), where those are the doors."""
    if missing(legs.here.log):
        return
    end_game(f, legs.here)
    f.drawing = 0
    if legs.turned:
        copy_point(f.end, legs.start)
        take_impulse(f, legs.done, done_label)
    if missing(f.anchor.log):
        return
    drops = f.count % 2 == 0  # the next door does
    closed = shapes.up.closed if drops else shapes.down.closed
    coming = (shapes.up.shape if drops else shapes.down.shape) == Shape.RETRACE
    if closed:
        f.count += 1
        f.closed = legs.here.ts
    copy_point(f.end, legs.extreme)
    f.since = legs.start.ts
    if f.count > 0 and f.closed > legs.start.ts and (legs.direction < 0.0) == (f.count % 2 == 1):
        f.drawing = f.count
    elif coming and (legs.direction < 0.0) == drops:
        f.drawing = f.count + 1


def is_third(f, number):
    """Whether drop `number` of the game is being drawn or has just been, or a later one."""
    return f.drawing >= number and f.drawing % 2 == 1
