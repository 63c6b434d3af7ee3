"""A8, who leads: whether spot's move of now tells more of the perp's next moves than the other way round.

    rho(k) = correlation of spot's return with the perp's return k pairs later       k = -3 .. 3, forgetting half in a day
    ahead  = sum of rho(k)^2 for k > 0          spot first, the perp after
    behind = sum of rho(k)^2 for k < 0
    share  = ahead / (ahead + behind)           0.5: neither leads; the ratio of Huth and Abergel (2014, doi:10.1016/j.jempfin.2014.01.003)

Claim A8, "genuine buying in the spot market": buying that is genuine moves spot first. Lagged products of the last three returns
are averaged exponentially, so a pair costs seven sums; returns have no mean. On bars of 5 minutes hardly anything is left of a lead
that lasts seconds: without any the share is near a half, at random. A pair that did not trade, or that came later than its length,
breaks the chain of returns and is left out. Known from half a day of returns on. The lags and the half-life are modelling choices.
"""

from backtester.features.basic import DAY, NAN, half_life_alpha, log_price, missing
from backtester.fields import vec

LAGS = 3
KNOWN = DAY // 2  # ns of returns


class LeadLag:
    """Spot against the perpetual."""

    share: float = NAN     # 0 .. 1; above a half spot leads
    ahead: float = NAN     # what spot tells of the perp's next returns, sum of squared correlations
    behind: float = NAN    # what the perp tells of spot's
    products: vec(7)       # averages of spot's return times the perp's k pairs later, at k + LAGS
    spot_spot: float = 0.0 # average squared return
    perp_perp: float = 0.0
    spot: vec(4)           # last returns, the newest first
    perp: vec(4)
    chain: int = 0         # returns in a row, as far as they are kept
    covered: int = 0       # ns of returns so far
    spot_price: float = NAN  # logs of the last pair
    perp_price: float = NAN
    ts: int = 0            # of the last pair, ns
    step: int = 0          # length of a pair, ns; from the first one
    weight: float = NAN    # of a new pair in the averages, likewise


def see_lead_lag(f, spot, perp):
    """Take in two bars that close together."""
    a = log_price(spot)
    b = log_price(perp)
    if f.step == 0:
        f.step = max(spot.ts_close - spot.ts_event, perp.ts_close - perp.ts_event)
        f.weight = half_life_alpha(float(DAY), float(f.step))
    if perp.ts_close - f.ts != f.step or missing(a - f.spot_price) or missing(b - f.perp_price):
        f.chain = 0
    else:
        add_pair(f, a - f.spot_price, b - f.perp_price)
    f.spot_price = a
    f.perp_price = b
    f.ts = perp.ts_close


def add_pair(f, spot, perp):
    """One more return of each."""
    for k in range(LAGS):
        f.spot[LAGS - k] = f.spot[LAGS - k - 1]
        f.perp[LAGS - k] = f.perp[LAGS - k - 1]
    f.spot[0] = spot
    f.perp[0] = perp
    f.chain = min(f.chain + 1, LAGS + 1)
    f.covered += f.step
    if f.chain <= LAGS:
        return
    f.spot_spot += f.weight * (spot * spot - f.spot_spot)
    f.perp_perp += f.weight * (perp * perp - f.perp_perp)
    for k in range(LAGS + 1):
        f.products[LAGS + k] += f.weight * (f.spot[k] * perp - f.products[LAGS + k])
        if k > 0:
            f.products[LAGS - k] += f.weight * (spot * f.perp[k] - f.products[LAGS - k])
    compare_sides(f)


def compare_sides(f):
    """What either tells of the other."""
    scale = f.spot_spot * f.perp_perp
    if f.covered < KNOWN or not scale > 0.0:
        return
    f.ahead = 0.0
    f.behind = 0.0
    for k in range(1, LAGS + 1):
        f.ahead += f.products[LAGS + k] * f.products[LAGS + k] / scale
        f.behind += f.products[LAGS - k] * f.products[LAGS - k] / scale
    both = f.ahead + f.behind
    f.share = f.ahead / both if both > 0.0 else NAN
