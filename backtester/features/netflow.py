"""C7b, exchange netflow: "on-chain data and trend of OI". Coins that leave the exchanges are not for sale.

    net     = sum of the netflow of the last 24 h that is at least an hour old      base; positive: coins come in
    confirm = net < 0 and open interest not rising

The series is optional: exogenous rows of one tag, the weight is the net flow of the hour or the day that ends at
`ts_event`. It is used `lag_h` later than that, whatever it says of its own arrival. Absent, `net` is unknown and
coverage drops to 0.5.
"""

from backtester.features.answers import above, below, both, known, opposite
from backtester.features.basic import HOUR, NAN, missing
from backtester.features.hours import SLOTS, Hours, at_hour, keep_hour

DAY_H = 24  # hours


class Netflow:
    """Whether the chain and the futures confirm."""

    confirm: float = NAN    # 1 yes, 0 no
    coverage: float = 0.0   # share of netflow and open interest that is known, 0 .. 1
    net: float = NAN        # base; NaN where no row speaks for the day
    tag: int = -1           # code of the exogenous tag; -1: none
    lag_h: int = 1          # hours, at most 7
    rising: float = 0.0     # open interest rises where it changed by more in a day, fraction
    flows: Hours            # base


def start_netflow(f, tag, lag_h, rising):
    """Set the tag's code, the lag in hours, and beyond which change open interest rises."""
    f.tag = tag
    f.lag_h = lag_h
    f.rising = rising


def see_netflow(f, x):
    """Take in one exogenous row; two of one hour add up, one unknown or more than a day late is left out."""
    hour = x.ts_event // HOUR
    if x.tag == f.tag and f.flows.hour[hour % SLOTS] <= hour:
        before = at_hour(f.flows, hour)
        keep_hour(f.flows, hour, x.weight if missing(before) else before + x.weight)


def confirm_netflow(f, ts, change_day):
    """Look back from `ts` (ns), with the change of open interest in 24 h."""
    f.net = sum_of_day(f, ts // HOUR - f.lag_h)
    out = below(f.net, 0.0)
    rising = above(change_day, f.rising)
    f.confirm = both(out, opposite(rising))
    f.coverage = 0.5 * (known(out) + known(rising))


def sum_of_day(f, hour):
    """The flows of 24 hours up to and with `hour`; hours without a row count nothing, a day without any is unknown."""
    total = 0.0
    rows = 0
    for k in range(DAY_H):
        x = at_hour(f.flows, hour - k)
        if not missing(x):
            total += x
            rows += 1
    return total if rows > 0 else NAN
