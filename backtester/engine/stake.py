"""What the bars of a group can do to a lane: whether it has to be looked at."""

from backtester.engine.jit import jit
from backtester.engine.path import may_fail


@jit
def is_at_stake(lane, quotes, bars):
    """Whether an order may meet the bars of the group, a margin may fail, or a settlement may move what makes it fail."""
    reached = 1 if may_fail(lane, quotes) else 0
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            position, bar = lane.position[i], bars[quotes[i].next]
            awake = bar.low <= position.falls_to or bar.high >= position.rises_to or bar.ts_event >= position.wakes
            if position.waiting > 0 or (position.resting > 0 and awake) or (quotes[i].due > 0 and position.qty != 0.0):
                reached += 1
    return reached > 0
