"""A20, the chase guard: "or chase the highs". No purchase where the price has already run away.

    (price - anchor) / atr > 1.5   or   return of an hour > 3 sigma   or   funding > 30 % a year
    or   price > 24-hour vwap + 2 atr

The verdict is the first rule that blocks, in this order; else unknown where an input of a rule is, else clear. A
rule whose limit is NaN is off; without an anchor in the story, switch `far` off. Limits: the definitions' own.
"""

from enum import IntEnum

from backtester.features.answers import NO, YES, above, asked, known
from backtester.features.basic import NAN, off


class Verdict(IntEnum):
    """Whether a purchase would chase the price, and why."""

    UNKNOWN = 0    # no rule blocks, but not all of them could be asked
    CLEAR = 1
    FAR = 2        # too far above the anchor
    FAST = 3       # too much in one hour
    HOT = 4        # funding says that everybody is long
    STRETCHED = 5  # too far above where the day traded


class Chase:
    """The verdict on a purchase now."""

    verdict: Verdict = Verdict.UNKNOWN
    coverage: float = 0.0   # share of the rules asked whose inputs are known, 0 .. 1
    far: float = 1.5        # average hourly ranges above the anchor
    fast: float = 3.0       # volatilities in an hour
    hot: float = 0.30       # fraction a year
    stretched: float = 2.0  # average hourly ranges above the vwap


def start_chase(f, far, fast, hot, stretched):
    """Set the four limits; NaN switches a rule off."""
    f.far = far
    f.fast = fast
    f.hot = hot
    f.stretched = stretched


def see_chase(f, price, anchor, ranges, annual):
    """Judge a purchase at `price` (quote) that an `anchor` (quote) gave the reason for; `annual` is funding a year."""
    far = asked(f.far, above(price - anchor, f.far * ranges.atr))
    fast = asked(f.fast, above(ranges.z, f.fast))
    hot = asked(f.hot, above(annual, f.hot))
    stretched = asked(f.stretched, above(price - ranges.vwap, f.stretched * ranges.atr))
    f.verdict = first_reason(far, fast, hot, stretched)
    rules = count_on(f.far) + count_on(f.fast) + count_on(f.hot) + count_on(f.stretched)
    unknown = 4.0 - known(far) - known(fast) - known(hot) - known(stretched)
    f.coverage = 1.0 - unknown / rules if rules > 0.0 else 1.0


def first_reason(far, fast, hot, stretched):
    """The first rule that blocks; unknown where none does and one has no answer."""
    if far == YES:
        return Verdict.FAR
    if fast == YES:
        return Verdict.FAST
    if hot == YES:
        return Verdict.HOT
    if stretched == YES:
        return Verdict.STRETCHED
    if known(far) * known(fast) * known(hot) * known(stretched) > 0.0:
        return Verdict.CLEAR
    return Verdict.UNKNOWN


def count_on(limit):
    """1.0 for a rule that is on."""
    return 0.0 if off(limit) else 1.0


def chases(f):
    """The verdict as an answer: whether the purchase would chase the price."""
    if f.verdict == Verdict.UNKNOWN:
        return NAN
    return NO if f.verdict == Verdict.CLEAR else YES
