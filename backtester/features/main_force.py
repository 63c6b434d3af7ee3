"""D14, the spot main force: whether large takers buy or sell on spot more than they usually do.

    bias  = signed notional of spot prints of at least `whale_usd` / notional of all spot prints, 60 minutes
    z     = (bias - its mean) / its standard deviation, 30 days
    force = sign of the bias's z where |z| >= 1, else 0

Claim B13, "which side the spot main force tends to help": force +1 while shorts come in on the perp helps the longs. Where
there are no prints, or not yet a week of them, the takers of the spot bars stand in, of all sizes:
(2 * taker_buy - volume) / volume, against its own month; `source` says which it was. The window is 12 slots of 5 minutes,
read where a slot is over; mean and deviation are of hourly samples, taken anew each hour, the newest one left out, from a
week on. z is linear in the bias, so two of its values an hour give all in between.
"""

from enum import IntEnum

from backtester.features.basic import MINUTE, NAN, closes_an_hour, missing
from backtester.features.ranks import Usual, sample, z_score
from backtester.features.slots import Slots, add_slot, last_slots

SLOT = 5 * MINUTE  # ns
WINDOW = 12        # slots


class Basis(IntEnum):
    """What the force was read from."""

    UNKNOWN = 0
    PRINTS = 1  # large prints
    BARS = 2    # takers of all sizes


class Bias:
    """Net purchases of an hour, against their own month."""

    bias: float = NAN     # share of the notional, -1 .. 1
    z: float = NAN
    at_zero: float = NAN  # z of a bias of 0
    at_one: float = NAN   # z of a bias of 1
    net: Slots            # quote
    all: Slots            # quote
    month: Usual          # biases hour by hour


class MainForce:
    """What the large do on spot."""

    force: float = NAN             # +1 they buy, -1 they sell, 0 neither
    z: float = NAN
    source: Basis = Basis.UNKNOWN
    whale_usd: float = 100_000.0   # quote
    least: float = 1.0             # |z| that counts
    prints: Bias
    bars: Bias


def start_main_force(f, whale_usd, least):
    """Set what a large print is (quote), and the |z| that counts."""
    f.whale_usd = whale_usd
    f.least = least


def see_spot_print(f, x):
    """Take in one print of spot."""
    notional = x.qty * x.price
    slot = x.ts_event // SLOT
    add_slot(f.prints.all, slot, notional)
    if notional >= f.whale_usd:
        add_slot(f.prints.net, slot, x.side * notional)


def see_main_force(f, bar):
    """Take in one spot bar, and look back from its close."""
    slot = (bar.ts_close - 1) // SLOT
    if bar.volume > 0.0:
        add_slot(f.bars.all, slot, bar.volume * bar.close)
        add_slot(f.bars.net, slot, (2.0 * bar.taker_buy - bar.volume) * bar.close)
    if bar.ts_close % SLOT != 0:
        return
    weigh(f.prints, slot, bar.ts_close)
    weigh(f.bars, slot, bar.ts_close)
    f.z = f.prints.z
    f.source = Basis.PRINTS
    if missing(f.z):
        f.z = f.bars.z
        f.source = Basis.UNKNOWN if missing(f.z) else Basis.BARS
    f.force = sign_beyond(f.z, f.least)


def weigh(f, slot, ts_close):
    """The bias of the last hour, and how unusual it is."""
    total = last_slots(f.all, slot, WINDOW)
    f.bias = last_slots(f.net, slot, WINDOW) / total if total > 0.0 else NAN
    if closes_an_hour(ts_close):
        f.at_zero = z_score(f.month, 0.0)
        f.at_one = z_score(f.month, 1.0)
        if not missing(f.bias):
            sample(f.month, f.bias)
    f.z = f.at_zero + f.bias * (f.at_one - f.at_zero)


def sign_beyond(x, least):
    """+1, -1, or 0 for what is smaller than `least`; NaN stays NaN."""
    if missing(x):
        return NAN
    if abs(x) < least:
        return 0.0
    return 1.0 if x > 0.0 else -1.0
