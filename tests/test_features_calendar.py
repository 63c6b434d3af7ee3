"""Weekends: where they begin and end in three zones, which were quiet, what Monday made of them. And document A's features, compiled."""

import math
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from drive import bars
from moments import images_of, random_moments
from test_features import changes, record, see_all

from backtester.features.answers import YES
from backtester.features.basic import DAY, HOUR, NAN, closes_an_hour, log_price, missing
from backtester.features.breakout import Breakout, see_breakout, start_breakout
from backtester.features.eth import Follower, see_follower, start_follower
from backtester.features.flush import Flush, age_flush, clearance, see_consumed, see_forced, start_flush
from backtester.features.funding import Band, Funding, band, health, see_funding_rate
from backtester.features.funding_forecast import FundingForecast, see_premium_index, see_settlement
from backtester.features.heat import Heat, cool, see_event, see_shock, start_heat
from backtester.features.phases import Phases, see_phases, start_phases
from backtester.features.priced_in import ANCHOR, KAPPA, priced_in_gap
from backtester.features.regime import Regime, regime
from backtester.features.relay import Relay, see_relay, start_relay
from backtester.features.score import Score, see_score, start_score
from backtester.features.solidity import Solidity, see_solidity
from backtester.features.support import Support, see_support, start_rolling_support
from backtester.features.survival import Survival, see_survival
from backtester.features.weekend import Time, Weekend, see_weekend, start_weekend
from backtester.features.weeks import Zone, behind_utc, new_year, saturday_of, weekend_end, weekend_start, year_of

# ---------------------------------------------------------------- the calendar

EPOCH = date(1970, 1, 1)
ZONES = {Zone.SHANGHAI: "Asia/Shanghai", Zone.UTC: "UTC", Zone.CME: "America/Chicago"}


def day_of(year, month, day):
    return (date(year, month, day) - EPOCH).days


def ns(moment):
    return int(moment.timestamp()) * 1_000_000_000


def test_years_begin_where_the_calendar_says():
    years = range(1970, 2101)
    assert [new_year(y) for y in years] == [day_of(y, 1, 1) for y in years]
    days = range(0, day_of(2100, 1, 1), 5)
    assert [year_of(d) for d in days] == [(EPOCH + timedelta(d)).year for d in days]
    assert [year_of(new_year(y) - 1) for y in years[1:]] == list(years[:-1])


def test_chicago_against_the_database_of_time_zones():
    """Every afternoon from 2008 to 2037, and the days of the change by name."""
    chicago = ZoneInfo("America/Chicago")
    for day in range(day_of(2008, 1, 1), day_of(2038, 1, 1)):
        local = datetime.combine(EPOCH + timedelta(day), datetime.min.time(), chicago).replace(hour=16)
        assert behind_utc(day) == -local.utcoffset().total_seconds() / 3600
    days = [(2025, 3, 8), (2025, 3, 9), (2025, 11, 1), (2025, 11, 2)]
    assert [behind_utc(day_of(*d)) for d in days] == [6, 5, 5, 6]


@pytest.mark.parametrize("zone", ZONES)
def test_every_weekend_of_thirty_years(zone):
    local, closure = ZoneInfo(ZONES[zone]), zone == Zone.CME
    for saturday in range(day_of(2008, 1, 5), day_of(2038, 1, 1), 7):
        day = EPOCH + timedelta(saturday)
        first, last = (day - timedelta(1), day + timedelta(1)) if closure else (day, day + timedelta(2))
        start = datetime(first.year, first.month, first.day, 16 if closure else 0, tzinfo=local)
        end = datetime(last.year, last.month, last.day, 17 if closure else 0, tzinfo=local)
        assert (weekend_start(zone, saturday), weekend_end(zone, saturday)) == (ns(start), ns(end))
        noon = saturday * DAY - 12 * HOUR
        assert {saturday_of(ts) for ts in (ns(start), ns(end), noon, noon + 7 * DAY - 1)} == {saturday}


def test_the_spike_of_the_document_was_on_monday_in_shanghai():
    """Sunday 18 May 2025, 21:00 UTC: over in Shanghai, still on in UTC, closed in Chicago until 22:00."""
    ts, saturday = ns(datetime(2025, 5, 18, 21, tzinfo=UTC)), day_of(2025, 5, 17)
    assert [weekend_start(z, saturday) <= ts < weekend_end(z, saturday) for z in Zone] == [False, True, True]
    assert weekend_end(Zone.CME, saturday) == ts + HOUR


# ---------------------------------------------------------------- D16: the weekend

FRIDAY = ns(datetime(2025, 1, 3, tzinfo=UTC))  # midnight
PLANTED = (12, 15, 16, 19, 22, 25, 28, 29)


@cache
def weeks_of_hours(weeks=32, planted=PLANTED, zone=Zone.SHANGHAI, jump=3.0):
    """Hourly bars from a Friday: 0.4 % an hour, 0.1 % on planted weekends, three times as much on the Mondays after them."""
    rng = np.random.default_rng(11)
    close_ts = FRIDAY + HOUR * np.arange(1, weeks * 168 + 1)
    sigma = np.full(len(close_ts), 0.004)
    for k in planted:
        saturday = FRIDAY // DAY + 1 + 7 * k
        start, end = weekend_start(zone, saturday), weekend_end(zone, saturday)
        sigma[(close_ts > start) & (close_ts <= end)] = 0.001
        sigma[(close_ts > end) & (close_ts <= end + 12 * HOUR)] *= jump
    steps = sigma * np.clip(rng.normal(0, 1, len(close_ts)), -2, 2)
    return bars(100.0 * np.exp(steps.cumsum()), 60, FRIDAY)


def weekends_of(table, zone=Zone.SHANGHAI, q=0.30, n=26, n_min=8, monday_h=12):
    f = record(Weekend)
    start_weekend(f, zone, q, n, n_min, monday_h)
    return see_all(f, see_weekend, table)


def spans(zone, weeks=32):
    """(start, end) of the weekends in the table, ns."""
    saturdays = [FRIDAY // DAY + 1 + 7 * k for k in range(weeks)]
    return [(weekend_start(zone, s), weekend_end(zone, s)) for s in saturdays]


def volatility(table, start, end):
    """Root of the sum of squared returns of the bars in (start, end], by brute force."""
    returns = np.diff(np.log(table["close"]), prepend=NAN)
    inside = (table["ts_event"] >= start) & (table["ts_close"] <= end)
    return float(np.sqrt(np.nansum(returns[inside] ** 2)))


def at_end(table, seen, end):
    """The feature at the bar that closes at `end`."""
    return seen[int(np.flatnonzero(table["ts_close"] == end)[0])]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("q", "n", "monday_h"), [(0.30, 26, 12), (0.5, 9, 6)])
def test_weekends_against_their_own_past(zone, q, n, monday_h):
    """D16 from the definition: volatility, high, low, the quantile of the weekends before, Monday's ratio and its median."""
    table = weeks_of_hours(zone=zone)
    seen = weekends_of(table, zone, q, n, monday_h=monday_h)
    past, ratios = [], []
    for start, end in spans(zone):
        f = at_end(table, seen, end)
        inside = (table["ts_event"] >= start) & (table["ts_close"] <= end)
        rv = volatility(table, start, end)
        assert [f.rv, f.high, f.low] == pytest.approx([rv, table["high"][inside].max(), table["low"][inside].min()])
        before = np.sort(past[-n:])
        quiet = float(rv <= before[int(q * len(before))]) if len(before) >= 8 else NAN
        assert f.compressed == pytest.approx(quiet, nan_ok=True)
        past.append(rv)
        ratios.append(volatility(table, end, end + monday_h * HOUR) / rv)
        ratio = at_end(table, seen, end + monday_h * HOUR).ratio
        assert ratio == pytest.approx(np.median(ratios[-n:]) if len(ratios) >= 8 else NAN, nan_ok=True)


@pytest.mark.parametrize("zone", ZONES)
def test_planted_weekends_are_found_from_the_past_alone(zone):
    """B7. All of eight, and what the quantile must find besides: a third of the others at most."""
    table = weeks_of_hours(zone=zone)
    seen = weekends_of(table, zone)
    found = [k for k, (_, end) in enumerate(spans(zone)) if at_end(table, seen, end).compressed == YES]
    assert set(PLANTED) <= set(found)
    assert len(found) - len(PLANTED) <= 4
    cut = len(table) // 2
    assert [f.tobytes() for f in weekends_of(table[:cut], zone)] == [f.tobytes() for f in seen[:cut]]


def test_the_wrong_zone_dilutes_a_quiet_weekend():
    """Planted in Shanghai's hours, a third of it gone in UTC's: Monday there begins within the weekend."""
    table = weeks_of_hours()
    _, end = spans(Zone.SHANGHAI)[PLANTED[0]]
    _, later = spans(Zone.UTC)[PLANTED[0]]
    assert at_end(table, weekends_of(table), end).rv < 0.3 * at_end(table, weekends_of(table, Zone.UTC), later).rv


def test_what_the_calendar_says():
    """Shanghai: weekend at the close of Friday 16:00, Monday at that of Sunday 16:00, twelve hours of it."""
    table = weeks_of_hours(weeks=2, planted=())
    seen = weekends_of(table)
    begins = changes([Time(int(f.time)).name for f in seen])
    assert [(str(datetime.fromtimestamp(int(table["ts_close"][i - 1]) / 1e9, UTC))[5:16], name) for i, name in begins] == [
        ("01-03 01:00", "WEEK"), ("01-03 16:00", "WEEKEND"), ("01-05 16:00", "MONDAY"), ("01-06 04:00", "WEEK"),
        ("01-10 16:00", "WEEKEND"), ("01-12 16:00", "MONDAY"), ("01-13 04:00", "WEEK"),
    ]
    assert record(Weekend).time == Time.UNKNOWN


def test_no_answer_before_eight_weekends():
    table = weeks_of_hours()
    seen = weekends_of(table)
    known = [not missing(at_end(table, seen, end).compressed) for _, end in spans(Zone.SHANGHAI)]
    assert known == [False] * 8 + [True] * 24
    assert not missing(at_end(table, weekends_of(table, n_min=3), spans(Zone.SHANGHAI)[3][1]).compressed)


@pytest.mark.parametrize(("gone", "known"), [(4, True), (5, False)])
def test_a_weekend_that_was_not_seen_is_unknown_and_not_remembered(gone, known):
    """Of 48 hours 4 may be missing; the next weekend is compared with one less."""
    table = weeks_of_hours()
    start, end = spans(Zone.SHANGHAI)[9]
    hole = (table["ts_event"] >= start + 5 * HOUR) & (table["ts_event"] < start + (5 + gone) * HOUR)
    thin = table[~hole]
    f = at_end(thin, weekends_of(thin), end)
    assert [missing(x) for x in (f.rv, f.compressed, f.high, f.low)] == [not known] * 4
    later = at_end(thin, weekends_of(thin), spans(Zone.SHANGHAI)[10][1])
    assert later.past.count == (11 if known else 10)


def test_weekends_and_mondays_end_without_a_bar_at_their_end():
    """From Sunday noon to Tuesday nothing: known at the first bar after; a whole week gone does no harm."""
    table = weeks_of_hours()
    start, end = spans(Zone.SHANGHAI)[9]
    thin = table[(table["ts_close"] <= end - 3 * HOUR) | (table["ts_event"] >= end + 40 * HOUR)]
    seen = weekends_of(thin)
    i = int(np.flatnonzero(thin["ts_event"] == end + 40 * HOUR)[0])
    assert (seen[i - 1].past.count, seen[i].past.count, seen[i].ratios.count) == (9, 10, 9)
    assert seen[i].rv == pytest.approx(volatility(table, start, end - 3 * HOUR))
    gap = weekends_of(table[(table["ts_close"] <= end) | (table["ts_event"] >= end + 9 * DAY)])
    assert (gap[-1].past.count, gap[-1].ratios.count) == (31, 30)


def test_a_weekend_that_a_gap_hides_is_the_last_one_all_the_same():
    """Chicago: from one Sunday to a Friday afternoon twelve days later, hours before the closure: the weekend between was not seen."""
    table = weeks_of_hours(zone=Zone.CME)
    (_, end), _, (start, _) = spans(Zone.CME)[9:12]
    thin = table[(table["ts_close"] <= end) | (table["ts_event"] >= start - 5 * HOUR)]
    f = at_end(thin, weekends_of(thin, Zone.CME), start - 4 * HOUR)
    assert (f.past.count, missing(f.rv), Time(int(f.time))) == (10, True, Time.WEEK)


def test_a_bar_that_did_not_trade_has_no_price():
    table = weeks_of_hours().copy()
    start, end = spans(Zone.SHANGHAI)[9]
    at = int(np.flatnonzero(table["ts_event"] == start + 5 * HOUR)[0])
    table["volume"][at], table["close"][at], table["high"][at], table["low"][at] = 0.0, 999.0, 999.0, 1.0
    f = at_end(table, weekends_of(table), end)
    assert f.high < 900.0
    assert f.low > 2.0
    assert f.rv == pytest.approx(volatility(np.delete(table, at), start, end))


def test_minutes_or_hours_cover_the_same_weekend():
    fine = bars(np.repeat(weeks_of_hours(weeks=1)["close"], 60), 1, FRIDAY)
    _, end = spans(Zone.SHANGHAI, 1)[0]
    a, b = at_end(fine, weekends_of(fine), end), at_end(weeks_of_hours(weeks=1), weekends_of(weeks_of_hours(weeks=1)), end)
    assert a.weekend.covered == b.weekend.covered == 48 * HOUR
    assert [a.high, a.low] == pytest.approx([b.high, b.low])


# ---------------------------------------------------------------- compiled, causal


class Day:
    funding: Funding
    forecast: FundingForecast
    band: Band = Band.UNKNOWN
    gap: float = NAN
    flush: Flush
    score: Score
    label: Regime = Regime.UNKNOWN
    relay: Relay
    heat: Heat
    phases: Phases
    solidity: Solidity
    survival: Survival
    price: float = NAN


def begin_day(f):
    start_flush(f.flush, 5e7, 0.5)
    start_score(f.score, 0.02, 0.02, 3.0, 20.0)
    start_relay(f.relay, 3, 6, 0.05)
    start_heat(f.heat, 2, 24.0, 1.0)
    start_phases(f.phases, 2.0, 24.0)


def feed_day(f, m):
    """Numbers that other features would give come from the random market as they are."""
    if m.funding.ts_event % (8 * HOUR) == 0:
        see_funding_rate(f.funding, m.funding)
        see_settlement(f.forecast, m.funding)
    see_premium_index(f.forecast, m.premium_index)
    see_forced(f.flush, m.liquidation)
    age_flush(f.flush, m.perp.ts_close)
    if m.exogenous.weight > 0.5:
        see_event(f.heat, m.exogenous)
    cool(f.heat, m.perp.ts_close)
    f.band = band(f.forecast.annual, 0.0, 0.1095, 0.30)
    f.gap = priced_in_gap(f.forecast.annual, f.heat.value, ANCHOR, KAPPA)
    judge_day(f, m)


def judge_day(f, m):
    rise, change, net = 0.01 * m.exogenous.weight, 0.1 * math.log(m.ratio.accounts), m.spot.taker_buy - m.perp.taker_buy
    healthy, cleared = health(f.funding.annual, 0.0, 0.1095, 0.30), clearance(f.flush)
    see_score(f.score, rise, change, net, healthy, cleared, 1e4 * m.premium_index.close, m.ratio.top_accounts)
    f.label = regime(f.score.value, rise, change, net, m.perp.taker_buy - 2.0, f.funding.annual, 0.1, 0.01, 0.0)
    see_relay(f.relay, m.perp.ts_close, net, m.contracts.qty)
    price = log_price(m.perp)
    see_phases(f.phases, m.perp.ts_close, (price - f.price) / 0.002, f.heat.ts, f.flush.flushed, f.relay)
    f.price = price
    see_solidity(f.solidity, m.perp.ts_close, price, m.exogenous.tag + 1)
    see_survival(f.survival, m.perp.ts_close, f.label)


class Levels:
    support: Support
    leader: Breakout
    ether: Follower
    shanghai: Weekend
    chicago: Weekend
    shocks: Heat
    proxy: Flush


def begin_levels(f):
    start_rolling_support(f.support, 24, 0.0025, 3)
    start_breakout(f.leader, 24, 2)
    start_follower(f.ether, 0.98, 240.0)
    start_weekend(f.shanghai, Zone.SHANGHAI, 0.5, 3, 1, 12)
    start_weekend(f.chicago, Zone.CME, 0.5, 3, 1, 12)
    start_heat(f.shocks, -1, 24.0, 1.0)


def feed_levels(f, m):
    see_support(f.support, m.spot)
    if closes_an_hour(m.spot.ts_close):
        see_breakout(f.leader, m.spot.ts_close, m.spot.close if m.spot.volume > 0.0 else NAN, m.spot.high)
    see_follower(f.ether, m.eth_spot, f.leader.ts)
    see_weekend(f.shanghai, m.perp)
    see_weekend(f.chicago, m.perp)
    see_shock(f.shocks, m.perp.ts_close, m.exogenous.weight, m.depth.percent if m.depth.percent < 0.0 else NAN)
    see_consumed(f.proxy, m.perp.ts_close, m.depth.notional, m.liquidation.qty, 0.5)


@cache
def hourly_moments(count=800):
    """A random market in hours, five weeks of it: windows of days and weekends fill, funding settles at its time."""
    out = random_moments(count, 60)
    out["funding"]["ts_event"] = out["perp"]["ts_event"]
    out["ratio"]["accounts"][100:105] = NAN
    out["premium_index"]["close"] *= 8.0
    out["premium_index"]["ts_event"][300:303] += 9 * HOUR
    return out


COMPOSITES = {"day": (Day, begin_day, feed_day), "levels": (Levels, begin_levels, feed_levels)}


@cache
def plain(name):
    return images_of(COMPOSITES[name], hourly_moments())


@pytest.mark.parametrize("name", COMPOSITES)
def test_plain_and_compiled_are_the_same_bytes(name):
    assert plain(name).tobytes() == images_of(COMPOSITES[name], hourly_moments(), compiled=True).tobytes()


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_feature_of_a_prefix_is_the_prefix_of_the_feature(name):
    whole, moments = plain(name), hourly_moments()
    for stop in (97, 480, 731):
        other = moments.copy()
        other[stop:] = moments[stop:][::-1]
        seen = images_of(COMPOSITES[name], other[: stop + 60])
        assert seen[:stop].tobytes() == whole[:stop].tobytes()
        assert seen[stop:].tobytes() != whole[stop : stop + 60].tobytes()


def test_the_random_market_reaches_every_answer():
    """Bytes that agree prove little where nothing happens: every label, phase and band, every answer known and unknown."""
    day, levels = record_images("day"), record_images("levels")
    assert set(day["label"]) == set(Regime)
    assert set(day["phases"]["phase"]) == {0, 1, 2, 3, 4}
    assert set(day["band"]) == set(Band)
    assert set(levels["shanghai"]["time"]) == {1, 2, 3}
    for answers in (day["flush"]["flushed"], day["relay"]["on"], levels["ether"]["confirmed"], levels["chicago"]["compressed"]):
        assert {str(x) for x in answers} == {"0.0", "1.0", "nan"}
    counts = (day["solidity"]["days_7"]["spot"]["count"], day["survival"]["count"], levels["support"]["since"], levels["proxy"]["proxy"])
    assert all(count[-1] > 0 for count in counts)


def record_images(name):
    from backtester.fields import dtype_of

    return plain(name).view(np.uint8).reshape(len(hourly_moments()), -1).view(dtype_of(COMPOSITES[name][0]))[:, 0]
