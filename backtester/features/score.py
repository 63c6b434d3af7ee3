"""D20, the spot-led score: how far a day looks like a rise that spot buyers paid for, 0 .. 1.

    price        ramp(24-hour log return, 0, 1 %)                         weight 1   gate: > 0
    interest     ramp(-24-hour change of open interest, 0, 3 %)           weight 2   gate: < 0
    funding      1 in the healthy band, 0 where it is hot (funding.py)    weight 1
    buying       ramp(spot takers' net purchases, 0, 3 % of volume)       weight 2   gate: > 0
    flush        how far shorts were flushed (flush.py)                   weight 1
    premium      ramp(24-hour change of the spot premium, -3, 0)          weight 1
    steadiness   ramp(efficiency ratio of 24 hourly closes, 0.1, 0.4)     weight 1

    score = exp(sum(weight * ln component) / sum(weight)), 0 where a gate is closed

Claims A1, A4, A6, A7, A8, A12. A geometric mean, because a sum lets a short-covering rise (price up, contracts
gone, shorts forced out, spot *selling*) pass with 0.59: what is missing altogether must not be made up for.
Components that are unknown leave the mean; `coverage` is the weight that is left, and below 0.6 of it the score is
unknown. So it is where an input of a gate is unknown: nobody has seen that gate open. Where takers are not asked at all
(`buying_full` is NaN) their gate is not there, and their weight counts as unknown.

Weights, ramps and gates are the definition's. Two measures stand for others (modelling choices): takers' purchases
may be the ratio or its excess over its own median (flow.py; excess trades at a sensible rate, the ratio is above 0 in
a third of all hours), the premium's change and its ramp may be basis points or multiples of the unit u. On bitcoin,
June 2023 to June 2024, without liquidations and in u, the ratio's score reaches 0.6 in 3 % of the hours, the excess's
0.5 in 6 %.
"""

import math

from backtester.features.answers import used
from backtester.features.basic import NAN, missing, off, ramp

ALL = 9.0      # sum of the weights
ENOUGH = 0.60  # least coverage


class Score:
    """The last full hour's score."""

    value: float = NAN            # 0 .. 1
    coverage: float = 0.0         # share of the weight whose input is known, 0 .. 1
    rise_full: float = 0.01       # log return of a day that counts in full
    drop_full: float = 0.03       # fall of open interest in a day that counts in full, fraction
    buying_full: float = 0.03     # net purchases that count in full, share of volume
    premium_fall: float = 3.0     # fall of the premium at which nothing counts, in its own measure
    efficiency_lo: float = 0.1    # 0 .. 1; counts nothing
    efficiency_hi: float = 0.4    # 0 .. 1; counts in full
    log_sum: float = 0.0          # weight * ln component so far
    weight: float = 0.0           # known so far
    zero: bool = False            # a component so far is 0


def start_score(f, rise_full, drop_full, buying_full, premium_fall):
    """Set what counts in full, and how far the premium must fall to count nothing."""
    f.rise_full = rise_full
    f.drop_full = drop_full
    f.buying_full = buying_full
    f.premium_fall = premium_fall


def see_score(f, rise, oi_change, buying, healthy, cleared, premium_change, efficiency):
    """Score one full hour; `healthy` and `cleared` are components already, 0 .. 1. Anything may be NaN."""
    f.log_sum = 0.0
    f.weight = 0.0
    f.zero = False
    add_component(f, ramp(rise, 0.0, f.rise_full), 1.0)
    add_component(f, ramp(-oi_change, 0.0, f.drop_full), 2.0)
    add_component(f, used(f.buying_full, ramp(buying, 0.0, f.buying_full)), 2.0)
    add_component(f, healthy, 1.0)
    add_component(f, cleared, 1.0)
    add_component(f, ramp(premium_change, -f.premium_fall, 0.0), 1.0)
    add_component(f, ramp(efficiency, f.efficiency_lo, f.efficiency_hi), 1.0)
    f.coverage = f.weight / ALL
    f.value = NAN
    unseen = missing(rise) or missing(oi_change) or (missing(buying) and not off(f.buying_full))
    if f.coverage >= ENOUGH and not unseen:
        f.value = 0.0 if f.zero else math.exp(f.log_sum / f.weight)


def add_component(f, x, weight):
    """Take in one component; a gate is closed where its ramp has not begun, so a zero closes the whole score."""
    if missing(x):
        return
    f.weight += weight
    if x > 0.0:
        f.log_sum += weight * math.log(x)
    else:
        f.zero = True
