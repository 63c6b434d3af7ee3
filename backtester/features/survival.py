"""C3, "how long this hype can last is uncertain": how long spot-led episodes have lasted, and what that says of this one.

    hazard(age) = episodes that ended at this age / episodes that reached it        per 6 hours of age

An episode is a run of hours labelled SPOT_BULL; its age is its hours so far. Ages are taken in bins of 6 hours, up to
192. An episode that runs into an unknown or missing hour counts for the ages it has passed, and for no end: nobody saw it.
The running episode is not among those it is compared with.
"""

from backtester.features.basic import HOUR, NAN
from backtester.features.regime import Regime
from backtester.fields import vec

BINS = 32
BIN_H = 6  # hours


class Survival:
    """The episodes so far."""

    age: float = NAN         # of the running one, hours; 0: none is running; NaN: unknown
    count: int = 0           # episodes seen from the first hour to the last
    mean: float = NAN        # hours they lasted
    hazard: float = NAN      # share that ended in the bin of this age, of those that reached it; NaN: none did
    hour: int = 0            # the last one taken in, hours since 1970
    ended: vec(32)           # episodes that ended in each bin
    reached: vec(32)         # episodes that reached it


def see_survival(f, ts_close, label):
    """Take in the label of a full hour."""
    hour = (ts_close - 1) // HOUR
    if hour != f.hour + 1 or label == Regime.UNKNOWN:
        lose(f)
    f.hour = hour
    if label == Regime.SPOT_BULL:
        f.age += 1.0
    elif label != Regime.UNKNOWN:
        end(f)
    f.hazard = hazard(f)


def bin_of(age):
    """The bin of an age of at least an hour."""
    return min((int(age) - 1) // BIN_H, BINS - 1)


def lose(f):
    """Nobody saw how the running episode went on, nor whether one began."""
    if f.age > 0.0:
        for k in range(bin_of(f.age)):
            f.reached[k] += 1.0
    f.age = NAN


def end(f):
    """This hour is no part of an episode."""
    if f.age > 0.0:
        last = bin_of(f.age)
        for k in range(last + 1):
            f.reached[k] += 1.0
        f.ended[last] += 1.0
        f.count += 1
        f.mean = f.age if f.count == 1 else f.mean + (f.age - f.mean) / f.count
    f.age = 0.0


def hazard(f):
    """At the running episode's age."""
    if not f.age > 0.0:
        return NAN
    at = bin_of(f.age)
    return f.ended[at] / f.reached[at] if f.reached[at] > 0.0 else NAN
