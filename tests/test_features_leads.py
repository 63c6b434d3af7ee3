"""Who moves first: spot or the perp (A8), and whether anything outside moves with bitcoin (A3, A14)."""

import numpy as np
import pytest
from drive import START, bars
from moments import causal, images_of, random_moments

from backtester.features.basic import DAY, HOUR, log_price
from backtester.features.lead_lag import LAGS, LeadLag, see_lead_lag
from backtester.features.outside import Outside, see_outside, see_price_of_day, start_outside
from backtester.fields import initial
from backtester.records import EXOGENOUS, row_type, rows

GOLD = 2  # its tag


# ---------------------------------------------------------------- A8: spot or the perp


def leads(spot, perp, minutes=1, traded=None):
    """The record after each pair of two paths of log prices."""
    f, out = initial(LeadLag)[0], []
    volume = np.ones(len(perp)) if traded is None else traded.astype(float)
    tables = [bars(100.0 * np.exp(path), minutes, volume=volume).view(row_type(bars([1.0]).dtype)) for path in (spot, perp)]
    for a, b in zip(*tables, strict=True):
        see_lead_lag(f, a, b)
        out.append((float(f.share), float(f.ahead), float(f.behind)))
    return out


def paths(n, lag, seed=1):
    """Spot and perp of one random walk, the perp `lag` minutes late (early where negative), each with noise of its own."""
    rng = np.random.default_rng(seed)
    walk = rng.normal(0, 1e-3, n + 20).cumsum()
    return tuple(walk[10 + k: 10 + k + n] + rng.normal(0, 1e-4, n) for k in (0, -lag))


@pytest.mark.parametrize(("lag", "low", "high"), [(1, 0.95, 1.0), (3, 0.9, 1.0), (-1, 0.0, 0.05), (-3, 0.0, 0.1)])
def test_who_moves_first_leads(lag, low, high):
    assert low <= leads(*paths(2000, lag))[-1][0] <= high


def test_nobody_leads_where_both_move_at_once():
    shares = [leads(*paths(2000, 0, seed))[-1] for seed in range(8)]
    assert 0.3 < np.mean([share for share, _, _ in shares]) < 0.7
    assert max(ahead + behind for _, ahead, behind in shares) < 0.15  # a lead of one minute makes nearly 1


def test_a_lead_of_four_pairs_is_out_of_reach():
    assert sum(leads(*paths(3000, 4))[-1][1:]) < 0.15


def test_it_is_the_definition_on_a_market_with_halts():
    """Exponential averages of all lagged products whose returns follow each other, added up from the rows."""
    rng = np.random.default_rng(5)
    spot, perp = paths(1500, 1, 5)
    traded = rng.random(1500) > 0.01
    a, b = (np.where(traded, path, np.nan) for path in (spot, perp))
    x, y = np.diff(a, prepend=np.nan), np.diff(b, prepend=np.nan)
    alpha = 1 - 0.5 ** (1 / 1440)
    squares, products, expected, covered = np.zeros(2), np.zeros(2 * LAGS + 1), [], 0
    for t in range(1500):
        covered += bool(np.isfinite(x[t]))
        if t >= LAGS and np.isfinite(x[t - LAGS: t + 1]).all():
            squares += alpha * (np.array([x[t], y[t]]) ** 2 - squares)
            now = [y[t - k] * x[t] for k in (3, 2, 1)] + [x[t - k] * y[t] for k in (0, 1, 2, 3)]
            products += alpha * (np.array(now) - products)
        rho = products / np.sqrt(squares.prod()) if squares.prod() > 0 else products
        ahead, behind = (rho[LAGS + 1:] ** 2).sum(), (rho[:LAGS] ** 2).sum()
        expected.append(ahead / (ahead + behind) if covered >= 720 and ahead + behind > 0 else np.nan)
    assert [share for share, _, _ in leads(spot, perp, traded=traded)] == pytest.approx(expected, rel=1e-9, nan_ok=True)
    assert np.isnan(expected[:719]).all()
    assert expected[-1] > 0.9


def test_a_gap_in_time_breaks_the_chain():
    f = initial(LeadLag)[0]
    table = bars(100.0 * np.exp(np.random.default_rng(2).normal(0, 1e-3, 12).cumsum())).view(row_type(bars([1.0]).dtype))
    chains = []
    for n, bar in enumerate(table):
        if n not in (5, 6):
            see_lead_lag(f, bar, bar)
            chains.append(int(f.chain))
    assert chains == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]


# ---------------------------------------------------------------- A3, A14: what is outside


def levels(days, level, tag=GOLD, late_h=1.0):
    """Rows of an outside series at 21:00 of some days, known an hour later."""
    out = rows(EXOGENOUS, len(days))
    out["ts_event"] = START + np.asarray(days) * DAY + 21 * HOUR
    out["ts_known"] = out["ts_event"] + int(late_h * HOUR)
    out["tag"], out["weight"] = tag, level
    return out.view(row_type(out.dtype))


def outside(table, closes):
    """The record at the end of each of bitcoin's days, closes hour by hour."""
    f, out, n = initial(Outside)[0], [], 0
    start_outside(f, GOLD)
    hours = bars(closes, 60).view(row_type(bars([1.0]).dtype))
    for bar in hours:
        see_price_of_day(f, bar.ts_close, log_price(bar))
        while n < len(table) and table[n].ts_known <= bar.ts_close:
            see_outside(f, table[n])
            n += 1
        if bar.ts_close % DAY == START % DAY:
            out.append((float(f.correlation), float(f.change)))
    return out


def market(count, together, seed=3):
    """Closes of bitcoin by the hour, and levels of gold by the day that share a part of its returns."""
    rng = np.random.default_rng(seed)
    hourly = rng.normal(0, 2e-3, count * 24)
    daily = hourly.reshape(count, 24)[:, :22].sum(axis=1) + np.append(0.0, hourly.reshape(count, 24)[:-1, 22:].sum(axis=1))
    gold = together * daily + rng.normal(0, 1e-2, count)
    return 100.0 * np.exp(hourly.cumsum()), 2000.0 * np.exp(gold.cumsum()), daily, gold


def test_gold_that_moves_with_bitcoin_correlates_and_the_sign_is_right():
    weekdays = [day for day in range(90) if day % 7 < 5]
    found = {}
    for together in (3.0, -3.0, 0.0):
        closes, gold, _, _ = market(90, together)
        found[together] = outside(levels(weekdays, gold[weekdays]), closes)[-1][0]
    assert found[3.0] > 0.8
    assert found[-3.0] < -0.8
    assert abs(found[0.0]) < 0.5


def test_returns_span_the_days_that_both_are_known_of():
    """Against NumPy, weekends left out: at the end of each day the last 30 days, from 15 returns on."""
    weekdays = [day for day in range(60) if day % 7 < 5]
    closes, gold, _, _ = market(60, 1.0)
    ours = outside(levels(weekdays, gold[weekdays]), closes)
    at_close = np.log(closes[21::24])  # of the hour that ends at 22:00, the last that is known when the row is
    for day in range(60):
        last = max(d for d in weekdays if d <= day)
        window = [d for d in weekdays if last - 30 <= d <= last]
        own = np.array([np.log(closes[24 * d + (21 if d == last else 23)]) for d in window])
        theirs = np.log(gold[window])
        if len(window) - 1 < 15:
            assert np.isnan(ours[day]).all()
        else:
            assert ours[day][0] == pytest.approx(np.corrcoef(np.diff(theirs), np.diff(own))[0, 1], rel=1e-9)
            assert ours[day][1] == pytest.approx(theirs[-1] - theirs[0])
    assert len(at_close) == 60


def test_a_series_that_ends_is_forgotten_after_five_days():
    days = range(40)
    closes, gold, _, _ = market(50, 1.0)
    known = [not np.isnan(change) for _, change in outside(levels(days, gold[:40]), closes)]
    assert known == [False] * 15 + [True] * (44 - 15) + [False] * 6


@pytest.mark.parametrize("rows_of", [
    lambda gold: levels(range(40), gold, tag=GOLD + 1),
    lambda gold: levels(range(40), 0.0 * gold),
    lambda gold: levels(range(40), np.nan * gold),
    lambda gold: levels(range(14), gold[:14]),
])
def test_what_says_nothing(rows_of):
    closes, gold, _, _ = market(40, 1.0)
    assert np.isnan(outside(rows_of(gold), closes)).all()


def test_a_price_that_never_moves_has_no_correlation_but_a_change():
    closes, _, _, _ = market(40, 1.0)
    assert outside(levels(range(40), np.full(40, 7.0)), closes)[-1] == pytest.approx((np.nan, 0.0), nan_ok=True)


# ---------------------------------------------------------------- causal, and the same compiled


class Leads:
    lead: LeadLag
    outside: Outside


def begin_leads(f):
    start_outside(f.outside, 1)


def feed_leads(f, m):
    see_lead_lag(f.lead, m.spot, m.perp)
    see_price_of_day(f.outside, m.perp.ts_close, log_price(m.perp))
    if m.perp.ts_close % HOUR == 0:
        see_outside(f.outside, m.exogenous)


LEADS = (Leads, begin_leads, feed_leads)


def test_plain_and_compiled_are_the_same_bytes():
    """On a market of 6-hour bars, 250 days of them, so that the outside's month is full."""
    slow = random_moments()
    for name in slow.dtype.names:
        for ts in ("ts_event", "ts_known", "ts_close"):
            if ts in slow[name].dtype.names:
                slow[name][ts] = START + (slow[name][ts] - START) * 24
    slow["exogenous"]["weight"], slow["exogenous"]["tag"] = np.exp(slow["exogenous"]["weight"]), 1
    plain = images_of(LEADS, slow)
    assert len(np.unique(plain, axis=0)) == len(slow)
    assert plain.tobytes() == images_of(LEADS, slow, compiled=True).tobytes()


def test_a_lead_of_a_prefix_is_the_prefix_of_the_lead():
    causal(LEADS)
