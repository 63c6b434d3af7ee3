"""C1, the relay: whether spot buyers have taken over, "once the heat cools, who steps in to take over?"

    relay = spot takers' net purchases > 0 in at least 6 of the last 12 hours
            and open interest has not risen by more than `flat` since the hour before them

Also the third phase of D21. Sampled at full hours. What counts as a purchase is the caller's: the hour's net in base
(the document's), or another number above 0 where takers bought, the excess of flow.py say. "Flat or down" allows a rise
of half a percent (a modelling choice). A part that is known to fail decides; otherwise an unknown one leaves
the answer unknown.
"""

from backtester.features.answers import NO, YES
from backtester.features.basic import HOUR, NAN, missing
from backtester.features.hours import Hours, at_hour, keep_hour


class Relay:
    """The last hours, and the answer for `window_h` of them."""

    on: float = NAN       # 1 yes, 0 no
    need: int = 6         # hours in which spot takers bought
    window_h: int = 12    # hours, at most 31
    flat: float = 0.005   # fraction that open interest may rise
    nets: Hours           # net purchases of each full hour
    contracts: Hours      # at the end of each full hour, base


def start_relay(f, need, window_h, flat):
    """Set how many hours of how many must have buyers, and what is no rise of open interest."""
    f.need = need
    f.window_h = window_h
    f.flat = flat


def see_relay(f, ts_close, net, contracts):
    """Take in a full hour: what spot takers bought on balance, and open interest at its end (base)."""
    hour = (ts_close - 1) // HOUR
    keep_hour(f.nets, hour, net)
    keep_hour(f.contracts, hour, contracts)
    f.on = relayed(f, hour, f.window_h)


def relayed(f, hour, n):
    """The answer for the `n` hours up to and with `hour`: 1, 0, NaN."""
    bought = 0
    unknown = 0
    for k in range(n):
        net = at_hour(f.nets, hour - k)
        if missing(net):
            unknown += 1
        elif net > 0.0:
            bought += 1
    before = at_hour(f.contracts, hour - n)
    rise = at_hour(f.contracts, hour) / before - 1.0 if before > 0.0 else NAN
    if bought + unknown < f.need or rise > f.flat:
        return NO
    return NAN if bought < f.need or missing(rise) else YES
