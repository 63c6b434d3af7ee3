"""D19, funding before it is settled: the rate that the premium index of the running interval amounts to so far.

    mean = sum(i * P_i) / sum(i)                                     P_i: close of the i-th minute since the settlement
    until 2025-09-18 08:01 UTC    rate = mean + clamp(0.0003 * N / 24 - mean, +-0.0005)
    since                         rate = (mean + clamp(0.0001 - mean, +-0.0005)) * N / 8        N: hours of the interval

Both are equal for N = 8. The interval comes from the last settlement's row; where the next row has not come, the
next interval begins on time with the same N. Weights are minutes since the settlement, so bars of any length within
the hour will do; with fewer than 50 of every 60 minutes it is unknown. Left out, because they are a symbol's own: caps
and floors, and the plain mean that some venues take of one-hour intervals. Longs pay where the rate is positive.
"""

from backtester.features.basic import HOUR, MINUTE, NAN, YEAR_H, missing

CHANGE = 1_758_182_460_000_000_000  # 2025-09-18T08:01 UTC: the formula of later settlements is another one
CLAMP = 5e-4                        # fraction per interval
DAILY = 3e-4                        # interest until then, fraction a day
INTEREST = 1e-4                     # interest since then, fraction per 8 hours


class FundingForecast:
    """What the running interval says so far."""

    rate: float = NAN        # fraction per interval
    annual: float = NAN      # fraction a year, simple
    interval_h: float = NAN  # hours
    since: int = 0           # the last settlement, ns; 0: none known
    weighted: float = 0.0    # sum of minutes * premium
    weights: float = 0.0     # sum of minutes
    covered: int = 0         # ns of bars seen


def see_settlement(f, x):
    """Take in a funding row: its interval holds from now on. Its stamp may be off by less than a minute."""
    ts = x.ts_event - x.ts_event % MINUTE
    f.interval_h = x.interval_h if x.interval_h > 0.0 else NAN
    if ts != f.since:
        begin_interval(f, ts)


def begin_interval(f, ts):
    """Forget the interval before."""
    f.rate = NAN
    f.annual = NAN
    f.since = ts
    f.weighted = 0.0
    f.weights = 0.0
    f.covered = 0


def see_premium_index(f, bar):
    """Take in one bar of the premium index, whose close is a fraction, perp over index."""
    if f.since == 0 or missing(f.interval_h) or bar.ts_event < f.since:
        return
    length = int(f.interval_h * HOUR)
    passed = (bar.ts_event - f.since) // length
    if passed > 0:
        begin_interval(f, f.since + passed * length)
    if not missing(bar.close):
        minutes = (bar.ts_close - f.since) / MINUTE
        f.weighted += minutes * bar.close
        f.weights += minutes
        f.covered += bar.ts_close - bar.ts_event
    forecast(f, bar.ts_close)


def forecast(f, ts):
    """The rate as it stands at `ts` (ns)."""
    known = 6 * f.covered >= 5 * (ts - f.since)
    f.rate = settle(f.weighted / f.weights, f.interval_h, f.since + int(f.interval_h * HOUR)) if known and f.weights > 0.0 else NAN
    f.annual = f.rate * (YEAR_H / f.interval_h)


def settle(mean, interval_h, ts):
    """The rate per interval that a mean premium index gives at a settlement at `ts` (ns)."""
    if ts < CHANGE:
        return mean + clamp(DAILY * interval_h / 24.0 - mean)
    return (mean + clamp(INTEREST - mean)) * interval_h / 8.0


def clamp(x):
    """Within the clamp on either side of zero."""
    return min(max(x, -CLAMP), CLAMP)
