"""C1, C8, the handover: "once the heat cools, who steps in to take over?"

    below 1/2 of the heat's peak: spot must have taken over (relay), else leave
    below 1/4: macro decides alone (its gate has weight 1), and the target trails: "the ceiling is hard to predict"

While the story is hot the macro gate has a smaller weight (a modelling choice); where nothing is known of any heat it
has weight 1, and nothing is left for want of a relay. The heat and its peak are D22's.
"""

from enum import IntEnum

from backtester.features.answers import NO, YES, opposite
from backtester.features.basic import NAN, missing


class Stage(IntEnum):
    """Where the story stands."""

    UNKNOWN = 0      # heat is not known, or there never was any
    HOT = 1
    COOLING = 2      # below half: relay or leave
    HANDED_OVER = 3  # below a quarter


class Handover:
    """Who carries the price."""

    stage: Stage = Stage.UNKNOWN
    leave: float = NAN         # the heat is going and spot does not step in: 1 yes, 0 no
    trails: float = NAN        # the target trails the price instead of being fixed: 1 yes, 0 no
    macro_weight: float = 1.0  # of the macro gate, 0 .. 1
    hot_weight: float = 0.5    # the same before macro decides alone


def start_handover(f, hot_weight):
    """Set the macro gate's weight before it decides alone."""
    f.hot_weight = hot_weight


def see_handover(f, left, relay):
    """Take in what is left of the heat (share of its peak), and whether spot has taken over (an answer)."""
    f.stage = stage_of(left)
    f.leave = NAN
    f.trails = NAN
    f.macro_weight = 1.0
    if f.stage == Stage.UNKNOWN:
        return
    f.leave = NO if f.stage == Stage.HOT else opposite(relay)
    f.trails = NO
    if f.stage == Stage.HANDED_OVER:
        f.trails = YES
    else:
        f.macro_weight = f.hot_weight


def stage_of(left):
    """The stage of a share of the peak."""
    if missing(left):
        return Stage.UNKNOWN
    if left >= 0.5:
        return Stage.HOT
    return Stage.COOLING if left >= 0.25 else Stage.HANDED_OVER
