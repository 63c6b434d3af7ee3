"""C7f, the "short-term illusion of stability": a quiet market that loads up is fragile, not calm.

    fragile = realised volatility of 24 h in the lowest fifth of 90 days
              and open interest up more than 2 % in 24 h
              and fuel / (open interest * price) in the top fifth of 90 days

Volatility is sampled each hour (see ranges), the newest sample left out; ranks are known from a week on. The fuel's
rank comes from its own quarter (D18).
"""

from backtester.features.answers import above, below, both, known
from backtester.features.basic import NAN, closes_an_hour, missing
from backtester.features.median import slide
from backtester.features.ranks import QUARTER, Quarter, rank


class Stability:
    """Whether the calm is an illusion."""

    fragile: float = NAN    # 1 yes, 0 no
    coverage: float = 0.0   # share of the three inputs that is known, 0 .. 1
    rank: float = NAN       # of the volatility at the last full hour, 0 .. 1
    quiet: float = 0.2      # largest rank of a quiet market
    loading: float = 0.02   # smallest rise of open interest in a day, fraction
    loaded: float = 0.8     # smallest rank of a loaded market
    quarter: Quarter        # realised volatility hour by hour


def start_stability(f, quiet, loading, loaded):
    """Set the three limits."""
    f.quiet = quiet
    f.loading = loading
    f.loaded = loaded


def see_stability(f, ts_close, realised, change_day, fuel_rank):
    """Take in what is known at a bar's close (ns): volatility and change of open interest of 24 h, the fuel's rank."""
    if closes_an_hour(ts_close):
        f.rank = rank(f.quarter, realised, QUARTER)
        if not missing(realised):
            slide(f.quarter, realised, QUARTER)
    quiet = below(f.rank, f.quiet)
    loading = above(change_day, f.loading)
    loaded = above(fuel_rank, f.loaded)
    f.fragile = both(both(quiet, loading), loaded)
    f.coverage = (known(quiet) + known(loading) + known(loaded)) / 3.0
