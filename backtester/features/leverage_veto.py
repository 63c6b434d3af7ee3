"""C2, the leverage veto: "no leverage maniacs causing chaos?"

    veto = z > 2 and open interest rising and (funding > 30 % a year or retail's rank > 0.9)

z is open interest (base) against its own 30 days, sampled each hour, the newest sample left out; known from a week
on. Rising: above what it was 24 hours ago. Retail's rank is where its share of the takers stands in its own month
(D6); a market without single trades has none: set that limit to NaN, else the veto is unknown wherever it
hangs on it.
"""

from backtester.features.answers import above, asked, both, either, known
from backtester.features.basic import NAN, closes_an_hour, missing
from backtester.features.ranks import Usual, sample, z_score


class LeverageVeto:
    """Whether leverage has gone mad."""

    veto: float = NAN        # 1 yes, 0 no
    coverage: float = 0.0    # share of z, change, funding and retail that is known, 0 .. 1
    z: float = NAN           # of open interest at the last full hour
    sigmas: float = 2.0
    hot: float = 0.30        # fraction a year
    crowd: float = 0.9       # rank of retail's share, 0 .. 1; NaN: not asked
    month: Usual             # open interest hour by hour, base


def start_leverage_veto(f, sigmas, hot, crowd):
    """Set the three limits."""
    f.sigmas = sigmas
    f.hot = hot
    f.crowd = crowd


def see_leverage_veto(f, ts_close, contracts, annual, retail_rank):
    """Take in what is known at a bar's close (ns): the contracts' record, funding a year, retail's rank."""
    if closes_an_hour(ts_close):
        f.z = z_score(f.month, contracts.qty)
        if not missing(contracts.qty):
            sample(f.month, contracts.qty)
    high = above(f.z, f.sigmas)
    rising = above(contracts.change_day, 0.0)
    hot = above(annual, f.hot)
    crowded = asked(f.crowd, above(retail_rank, f.crowd))
    f.veto = both(both(high, rising), either(hot, crowded))
    f.coverage = 0.25 * (known(high) + known(rising) + known(hot) + known(crowded))
