"""What document A says of a rise, on markets drawn by hand: funding, the flush, the score, the phases, heat, support, Ethereum."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from drive import MINUTE, START, bars, contracts, settlements
from test_features import ABOVE, changes, record, see_all, support_of

from backtester.features.answers import NO, YES
from backtester.features.basic import HOUR, NAN, missing
from backtester.features.breakout import Breakout, see_breakout, start_breakout
from backtester.features.eth import Follower, see_follower, start_follower
from backtester.features.flow import Flow, Takers, buying, see_flow, spot_share
from backtester.features.flush import Flush, age_flush, clearance, see_consumed, see_forced, start_flush
from backtester.features.funding import Band, band, health
from backtester.features.funding_forecast import CHANGE, FundingForecast, see_premium_index, see_settlement, settle
from backtester.features.heat import Heat, cool, see_event, see_shock, start_heat
from backtester.features.open_interest import OpenInterest, see_contracts
from backtester.features.peaks import Peaks, highest, highest_hour, see_peak
from backtester.features.phases import Phase, Phases, see_phases, start_phases
from backtester.features.priced_in import ANCHOR, KAPPA, priced_in_gap
from backtester.features.regime import Regime, regime
from backtester.features.relay import Relay, see_relay, start_relay
from backtester.features.score import Score, see_score, start_score
from backtester.features.solidity import Solidity, see_solidity
from backtester.features.support import Level, Support, see_support, start_rolling_support, start_support
from backtester.features.survival import Survival, see_survival
from backtester.records import EXOGENOUS, LIQUIDATION, rows


def same(numbers):
    """Compares as a list of numbers, of which some are not known."""
    return pytest.approx(numbers, nan_ok=True, rel=1e-12, abs=1e-12)


def at(hours):
    """So many hours after the start, ns."""
    return START + int(hours * HOUR)


# ---------------------------------------------------------------- A6, D19: bands, the forecast, the gap


def test_bands_of_funding():
    """A6. Healthy from 0 to 10.95 %, 4 % among them; warm to 30 %, hot above."""
    rates = [-0.001, 0.0, 0.04, 0.1095, 0.11, 0.30, 0.31, NAN]
    named = [band(x, 0.0, 0.1095, 0.30).name for x in rates]
    assert named == ["NEGATIVE", "HEALTHY", "HEALTHY", "HEALTHY", "WARM", "WARM", "HOT", "UNKNOWN"]
    assert band(NAN, 0.0, 0.1095, 0.30) == Band.UNKNOWN
    rates = [-0.1095, -0.05475, 0.0, 0.04, 0.1095, 0.20475, 0.30, NAN]
    assert [health(x, 0.0, 0.1095, 0.30) for x in rates] == same([0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0, NAN])


@pytest.mark.parametrize(
    ("mean", "hours", "before", "since"),
    [
        (0.0, 8.0, 1e-4, 1e-4),              # the dead zone: interest alone
        (6e-4, 8.0, 1e-4, 1e-4),
        (-4.6347e-4, 8.0, 3.653e-5, 3.653e-5), # 4 % a year: the perp trades 4.6 bp below the index
        (8e-4, 8.0, 3e-4, 3e-4),
        (8e-4, 4.0, 3e-4, 1.5e-4),
        (-8e-4, 1.0, -3e-4, -3e-4 / 8),
        (1e-4, 1.0, 1.25e-5, 1.25e-5),
    ],
)
def test_both_formulas_of_the_exchange(mean, hours, before, since):
    assert settle(mean, hours, CHANGE - 1) == pytest.approx(before)
    assert settle(mean, hours, CHANGE) == pytest.approx(since)


def test_the_formula_changed_in_september_2025():
    assert datetime(2025, 9, 18, 8, 1, tzinfo=UTC).timestamp() * 1e9 == CHANGE


def forecast_of(closes, interval_h=8.0, minutes=1, start=START):
    """The forecast after each bar of the premium index since one settlement at the start."""
    f = record(FundingForecast)
    see_all(f, see_settlement, settlements(1e-4, 1, interval_h, start))
    return see_all(f, see_premium_index, bars(closes, minutes, start))


def test_four_percent_a_year_is_a_perp_below_the_index():
    assert forecast_of(np.full(480, -4.6347e-4))[-2].annual == pytest.approx(0.04, rel=1e-4)


@pytest.mark.parametrize(("start", "interval_h"), [(START, 8.0), (START, 4.0), (CHANGE - MINUTE, 4.0), (CHANGE - MINUTE, 1.0)])
def test_the_forecast_weighs_minutes_by_their_number(start, interval_h):
    """D19 against the sums of its definition, on random minutes far outside the dead zone."""
    start -= start % HOUR
    closes = np.random.default_rng(3).normal(2e-3, 1e-3, int(interval_h * 60))
    seen = [f.rate for f in forecast_of(closes, interval_h, start=start)]
    n = np.arange(1, len(closes) + 1)
    means = np.cumsum(n * closes) / np.cumsum(n)
    later = start + interval_h * HOUR >= CHANGE
    interest = 1e-4 if later else 3e-4 * interval_h / 24
    rates = (means + np.clip(interest - means, -5e-4, 5e-4)) * (interval_h / 8 if later else 1.0)
    assert seen == pytest.approx(rates.tolist())
    coarse = forecast_of(closes[4::5], interval_h, minutes=5, start=start)
    assert coarse[-1].rate == pytest.approx(np.average(closes[4::5], weights=n[4::5]) + (rates - means)[-1], rel=1e-6) or later


def test_an_interval_begins_on_time_and_a_row_changes_its_length():
    """8-hour settlements; the next row comes after 4 hours and says 4: the sum begins anew there, and four hours later by itself."""
    f, closes = record(FundingForecast), np.repeat([1e-3, 2e-3, 3e-3], 240)
    table, rates = bars(closes), []
    for i, bar in enumerate(table):
        if i in (0, 240):
            see_all(f, see_settlement, settlements(1e-4, 1, 8.0 if i == 0 else 4.0, START + i * MINUTE + 3_000_000))
        see_premium_index(f, bar)
        rates.append(float(f.rate))
    assert [rates[i] for i in (0, 239, 240, 479, 480, 719)] == pytest.approx([5e-4, 5e-4, 1.5e-3, 1.5e-3, 2.5e-3, 2.5e-3])
    assert f.annual == pytest.approx(2.5e-3 * 6 * 365)


def test_a_forecast_without_its_inputs_is_unknown():
    f, row = record(FundingForecast), settlements(1e-4, 1)
    row["interval_h"] = NAN
    see_all(f, see_settlement, row)
    see_all(f, see_premium_index, bars([1e-3] * 3))
    assert missing(f.rate)
    f = record(FundingForecast)
    see_all(f, see_premium_index, bars([1e-3] * 3))
    assert missing(f.rate)
    gone = np.full(90, 1e-3)
    gone[20:31] = NAN
    known = [i for i, f in enumerate(forecast_of(gone)) if not missing(f.rate)]
    assert known == [*range(24), *range(65, 90)]


def test_what_is_not_priced_in():
    """C7c. Funding 4 %, heat 1: 11.95 % of the premium is not paid for. Unknown heat, unknown gap; who has none says 0."""
    assert priced_in_gap(0.04, 1.0, ANCHOR, KAPPA) == pytest.approx(0.1195)
    assert priced_in_gap(0.20, 1.0, ANCHOR, KAPPA) < 0.0
    assert priced_in_gap(0.04, 0.0, ANCHOR, KAPPA) == pytest.approx(0.0695)
    assert missing(priced_in_gap(0.04, NAN, ANCHOR, KAPPA))
    assert missing(priced_in_gap(NAN, 1.0, ANCHOR, KAPPA))


# ---------------------------------------------------------------- A4, D17: the flush


def forced(*events):
    """Liquidations (hours after the start, side, notional in quote)."""
    out = rows(LIQUIDATION, len(events))
    for x, (hours, side, notional) in zip(out, events, strict=True):
        x.ts_event, x.ts_known = at(hours), at(hours) + 1_500_000_000
        x.side, x.qty, x.price = side, notional / 1e5, 1e5
    return out


def flush_of(*events, until=None):
    """The flush after a day of one small liquidation an hour, half longs half shorts, and these events."""
    quiet = [(h + 0.5, (-1.0) ** h, 1.0) for h in range(24)]
    f = record(Flush)
    start_flush(f, 180e6, 0.60)
    see_all(f, see_forced, forced(*quiet, *events))
    if until is not None:
        age_flush(f, at(until))
    return f


@pytest.mark.parametrize(
    ("longs", "shorts", "answer"),
    [(72.4e6, 108.6e6, YES), (71.6e6, 107.4e6, NO), (74.21e6, 106.79e6, NO), (47e6, 133e6, YES)],
    ids=["181M at 60 %", "179M at 60 %", "181M at 59 %", "180M at 74 %"],
)
def test_a_flush_is_large_and_mostly_shorts(longs, shorts, answer):
    """A4."""
    f = flush_of((24.2, 1.0, longs), (24.3, -1.0, shorts + 10.0))
    assert f.flushed == answer
    assert f.notional == pytest.approx(longs + shorts + 10.0 + 24.0, rel=1e-6)


def test_what_is_older_than_a_day_does_not_count():
    """100 M at 24:12; the window of 23 full hours and the running one lets it go when hour 48 begins."""
    seen = [flush_of((24.2, -1.0, 200e6), *((h + 0.6, 1.0, 1.0) for h in range(25, 48)), until=t).flushed for t in (47.9, 48.0)]
    assert seen == [YES, NO]


def test_the_flush_is_known_after_a_day_and_unknown_after_a_silent_one():
    f = record(Flush)
    seen = []
    for hours in range(60):
        if hours < 30:
            see_all(f, see_forced, forced((hours + 0.1, -1.0, 1e6)))
        age_flush(f, at(hours + 1))
        seen.append(not missing(f.flushed))
    assert changes(seen) == [(1, False), (24, True), (53, False)]


def test_no_feed_no_flush():
    f = record(Flush)
    age_flush(f, at(100))
    assert [f.notional, f.shorts, f.flushed, clearance(f)] == same([NAN] * 4)


def test_a_broken_row_is_no_quiet_hour():
    assert missing(flush_of((24.2, -1.0, NAN)).flushed)
    assert missing(flush_of((24.2, NAN, 1e6)).flushed)


def test_the_flush_is_the_sum_of_the_last_hours():
    """Random liquidations against sums taken from scratch; a row known late counts in the hour in which it came."""
    rng = np.random.default_rng(5)
    hours = np.sort(rng.uniform(0, 80, 400))
    side, notional = rng.choice([-1.0, 1.0], 400), rng.exponential(5e6, 400)
    f = record(Flush)
    seen = see_all(f, see_forced, forced(*zip(hours, side, notional, strict=True)))
    for i in range(150, 400, 7):
        if hours[i] < math.floor(hours[0]) + 24:
            continue
        inside = (hours[: i + 1] // 1) > hours[i] // 1 - 24
        shorts = notional[: i + 1][inside & (side[: i + 1] < 0)].sum()
        total = notional[: i + 1][inside].sum()
        assert [seen[i].notional, seen[i].shorts] == pytest.approx([total, shorts / total])
    see_all(f, see_forced, forced((70.0, -1.0, 7e6)))
    assert f.notional - seen[-1].notional == pytest.approx(7e6)


def test_a_market_without_a_feed_may_ask_its_fuel_map():
    """The map says 300 M of shorts and half of that is believed; the first row of a feed starts over."""
    f = record(Flush)
    for hours in range(30):
        see_consumed(f, at(hours), 0.0, 20e6 if hours > 20 else 0.0, 0.5)
    assert (bool(f.proxy), float(f.notional), float(f.flushed)) == (True, 90e6, NO)
    see_consumed(f, at(30), 0.0, 180e6, 0.5)
    assert (float(f.notional), float(f.shorts), float(f.flushed)) == (180e6, 1.0, YES)
    see_all(f, see_forced, forced((30.2, -1.0, 1e6)))
    assert not f.proxy
    assert missing(f.flushed)
    see_consumed(f, at(30.3), 0.0, 1e9, 0.5)
    assert f.shorts_now == 1e6


@pytest.mark.parametrize(("longs", "shorts", "answer"), [(72e6, 108e6, YES), (72e6, 107.9e6, NO), (73e6, 107e6, NO)])
def test_the_thresholds_themselves_are_a_flush(longs, shorts, answer):
    """180 M of which 60 % are shorts, on the dot; 0.1 M less; 59.4 %."""
    f = record(Flush)
    for hours in range(30):
        see_consumed(f, at(hours), longs if hours == 29 else 0.0, shorts if hours == 29 else 0.0, 1.0)
    assert f.flushed == answer


def test_a_quiet_map_is_known_to_be_quiet():
    f = record(Flush)
    for hours in range(30):
        see_consumed(f, at(hours), 0.0, 0.0, 1.0)
    assert [f.notional, f.flushed, clearance(f)] == [0.0, NO, 0.0]


def test_how_far_a_flush_has_come():
    """Half the notional counts half; a share of shorts half way between 30 and 60 % counts half."""
    cases = ((36e6, 54e6, 0.5), (99e6, 81e6, 0.5), (72e6, 108e6, 1.0), (180e6, 0.0, 0.0))
    assert [clearance(flush_of((24.2, 1.0, a), (24.3, -1.0, b))) for a, b, _ in cases] == pytest.approx([c for *_, c in cases], abs=1e-5)


# ---------------------------------------------------------------- D20: the score


def score_of(rise=0.02, oi=-0.05, buys=0.05, annual=0.04, cleared=1.0, premium=0.5, efficiency=0.6):
    f = record(Score)
    see_score(f, rise, oi, buys, health(annual, 0.0, 0.1095, 0.30), cleared, premium, efficiency)
    return f


def test_the_documents_case_scores_one():
    assert score_of().value == 1.0
    no_feed = score_of(cleared=NAN)
    assert (no_feed.value, round(no_feed.coverage, 2)) == (1.0, 0.89)


def test_a_weighted_geometric_mean():
    f = score_of(rise=0.005, oi=-0.01, buys=0.012, annual=0.20475, cleared=0.8, premium=-1.5, efficiency=0.25)
    parts, weights = [0.5, 1 / 3, 0.4, 0.5, 0.8, 0.5, 0.5], [1, 2, 2, 1, 1, 1, 1]
    assert f.value == pytest.approx(np.exp(np.average(np.log(parts), weights=weights)))
    f = record(Score)
    start_score(f, 0.02, 0.06, 0.06, 6.0)
    see_score(f, -0.01, -0.02, 0.024, 0.5, 0.8, -3.0, 0.25)
    assert f.value == 0.0
    see_score(f, 0.01, -0.02, 0.024, 0.5, 0.8, -3.0, 0.25)
    assert f.value == pytest.approx(np.exp(np.average(np.log(parts), weights=weights)))


@pytest.mark.parametrize("gate", [{"rise": 0.0}, {"oi": 0.0}, {"buys": 0.0}, {"rise": -0.01}, {"oi": 0.01}, {"buys": -0.01}])
def test_a_closed_gate_is_a_score_of_zero(gate):
    """A8: a delta that only the perp has leaves spot at 0, and so the score."""
    assert score_of(**gate).value == 0.0


def test_a_short_covering_rise_passes_a_sum_but_not_the_score():
    """Price up, contracts gone, shorts forced out, spot selling: the weighted sum of the same parts says 0.59 and more."""
    parts, weights = {"price": 1, "oi": 1, "funding": 1, "buying": 0, "flush": 1, "premium": 0, "steadiness": 1 / 3}, [1, 2, 1, 2, 1, 1, 1]
    assert np.average(list(parts.values()), weights=weights) == pytest.approx(0.59, abs=0.01)
    assert score_of(buys=-0.02, premium=-4.0, efficiency=0.2).value == 0.0


@pytest.mark.parametrize("gone", ["rise", "oi", "buys"])
def test_nobody_has_seen_an_unknown_gate_open(gone):
    f = score_of(**{gone: NAN})
    assert f.coverage >= 0.6
    assert missing(f.value)


def test_with_less_than_three_fifths_of_the_weight_there_is_no_score():
    six, five = (score_of(annual=NAN, cleared=NAN, premium=NAN, efficiency=x) for x in (0.6, NAN))
    assert [six.coverage, six.value, five.coverage, five.value] == same([6 / 9, 1.0, 5 / 9, NAN])


def test_a_steady_climb_scores_more_than_noise_of_equal_return():
    """A1. Both paths rise 1 % in a day; the straight one has efficiency 1, the other below 0.15."""
    hour = np.arange(1, 26)
    steady = np.exp(0.01 * hour / 24)
    noisy = steady * np.exp(np.where(hour % 2 == 0, 0.003, 0.0))
    noisy[-1], noisy[0] = steady[-1], steady[0]
    flows = [see_all(record(Flow), see_flow, bars(100.0 * path, 60, taker_buy=0.52))[-1] for path in (steady, noisy)]
    scores = [score_of(rise=f.rise, buys=buying(f, Takers.RATIO), efficiency=f.efficiency).value for f in flows]
    assert scores[0] == pytest.approx(1.0)
    assert scores[1] < 0.8


def test_dollars_of_open_interest_may_rise():
    """A7. Price +10 %, contracts -5 %: dollars of open interest rise by 4.5 %, and the gate is open."""
    f = record(OpenInterest)
    see_all(f, see_contracts, contracts([100.0] + [99.0] * 23 + [95.0], 60))
    assert 95.0 * 110.0 > 100.0 * 100.0
    assert score_of(rise=math.log(1.1), oi=f.change_day).value == 1.0


def test_whose_flow_it_was():
    """A8. Spot takers net +4 base of 100, the perp's +12 of 1,200: a quarter is spot's, though spot is the more eager."""
    spot, perp = record(Flow), record(Flow)
    see_all(spot, see_flow, bars(np.full(25, 100.0), 60, volume=100 / 24, taker_buy=52 / 24))
    see_all(perp, see_flow, bars(np.full(25, 100.0), 60, volume=1200 / 24, taker_buy=606 / 24))
    assert [spot.bought, perp.bought, spot_share(spot, perp)] == pytest.approx([4.0, 12.0, 0.25])
    assert spot.cvd > perp.cvd
    assert [buying(spot, Takers.RATIO), buying(spot, Takers.EXCESS)] == same([0.04, NAN])
    assert missing(spot_share(spot, record(Flow)))


# ---------------------------------------------------------------- A12: the label


def label_of(score, rise=0.02, oi=-0.05, spot=0.05, perp=0.0, annual=0.04):
    return regime(score, rise, oi, spot, perp, annual, 0.6, 0.02, 0.1095)


def test_four_regimes_four_labels():
    """A12. Each market's score comes from its own inputs."""
    markets = {
        "spot bull": {"rise": 0.02, "oi": -0.05, "spot": 0.05, "perp": 0.01, "annual": 0.04},
        "leverage bull": {"rise": 0.02, "oi": 0.05, "spot": 0.01, "perp": 0.06, "annual": 0.25},
        "short cover": {"rise": 0.02, "oi": -0.05, "spot": -0.02, "perp": 0.04, "annual": 0.04},
        "mixed": {"rise": 0.002, "oi": -0.002, "spot": 0.004, "perp": 0.004, "annual": 0.08},
    }
    labels = {name: label_of(score_of(m["rise"], m["oi"], m["spot"], m["annual"]).value, **m) for name, m in markets.items()}
    assert labels == {
        "spot bull": Regime.SPOT_BULL, "leverage bull": Regime.LEVERAGE_BULL, "short cover": Regime.SHORT_COVER, "mixed": Regime.MIXED,
    }


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"score": 0.59}, "MIXED"), ({"score": 0.6}, "SPOT_BULL"), ({"score": NAN}, "UNKNOWN"),
        ({"rise": 0.0}, "MIXED"), ({"rise": NAN}, "UNKNOWN"), ({"oi": NAN}, "UNKNOWN"),
        ({"spot": 0.0}, "SHORT_COVER"), ({"spot": NAN}, "UNKNOWN"), ({"oi": 0.0}, "MIXED"),
        ({"oi": 0.02, "annual": 0.2, "perp": 0.06}, "MIXED"), ({"oi": 0.03, "annual": 0.2}, "MIXED"), ({"oi": 0.03, "perp": 0.06}, "MIXED"),
        ({"oi": 0.03, "annual": 0.2, "perp": 0.06}, "LEVERAGE_BULL"), ({"oi": 0.03, "annual": NAN, "perp": 0.06}, "UNKNOWN"),
        ({"oi": 0.03, "annual": 0.2, "perp": NAN}, "UNKNOWN"), ({"oi": 0.03, "annual": NAN, "perp": 0.01}, "MIXED"),
    ],
)  # fmt: skip
def test_every_row_of_the_table(change, label):
    assert label_of(**{"score": 1.0, **change}).name == label


# ---------------------------------------------------------------- C1, D21: the relay and the phases


def relay_of(nets, interest=None):
    f = record(Relay)
    start_relay(f, 6, 12, 0.005)
    interest = np.full(len(nets), 1000.0) if interest is None else interest
    return see_all(f, see_relay, at(1) + np.arange(len(nets)) * HOUR, np.array(nets, dtype=float), interest)


def test_six_of_twelve_hours_are_a_relay():
    """C1. Hours with buyers are 1, without -1, unknown ones are NaN; the first has no open interest twelve hours before."""
    assert [relay_of(nets)[-1].on for nets in ([-1] * 7 + [1] * 6, [-1] * 8 + [1] * 5, [1] * 6 + [-1] * 7)] == [YES, NO, NO]
    assert [relay_of(nets)[-1].on for nets in ([1] * 12, [-1] * 12)] == same([NAN, NO])
    assert [relay_of([1] * 7 + [NAN] * k + [1] * (6 - k))[-1].on for k in (0, 6)] == [YES, YES]
    assert [relay_of([-1] * 6 + [1] * 3 + [NAN] * k + [-1] * (4 - k))[-1].on for k in (2, 3)] == same([NO, NAN])


def test_a_relay_needs_open_interest_flat_or_down():
    rising = np.full(13, 1000.0)
    seen = []
    for last in (900.0, 1004.9, 1005.1, NAN):
        rising[-1] = last
        seen.append(relay_of([1] * 13, rising)[-1].on)
    assert seen == same([YES, YES, NO, NAN])


FORCES = {"event": 10, "flush": 20, "buyers": 21}


def phases_of(z=None, event=None, flush=None, buyers=None, end=60, feed=True, leave=99, shock=4.0):
    """The phases of hours 0 .. end: a shock at hour `z`, an event, a flush from an hour on, buyers from .. to."""
    f, relay, out = record(Phases), record(Relay), []
    start_phases(f, 3.0, 24.0)
    for hour in range(end):
        see_relay(relay, at(hour + 1), 1.0 if buyers is not None and buyers <= hour < leave else -1.0, 1000.0)
        flushed = (YES if flush is not None and flush <= hour < flush + 24 else NO) if feed else NAN
        heat_ts = at(event + 1) if event is not None and hour >= event else 0
        see_phases(f, at(hour + 1), shock if hour == z else 0.5, heat_ts, flushed, relay)
        out.append((Phase(int(f.phase)).name, float(f.permitted)))
    return out


def named(seen):
    return [(hour - 1, phase) for hour, phase in changes([phase for phase, _ in seen])]


def test_three_forces_in_their_order_permit_an_entry():
    """A2, A10. Event at 10, flush at 20, buyers from 21 to 39: the relay is on once six hours had buyers, and ends with them."""
    seen = phases_of(**FORCES, leave=40)
    assert named(seen) == [(0, "IDLE"), (10, "IGNITE"), (20, "CLEAR"), (26, "RELAY"), (46, "IDLE")]
    assert [hour for hour, (_, permitted) in enumerate(seen) if permitted == YES] == list(range(26, 46))


@pytest.mark.parametrize("force", FORCES)
def test_each_force_is_needed(force):
    """A2, A3. Without one of the three nothing is permitted, nor with one alone: heat is no entry."""
    assert {permitted for _, permitted in phases_of(**{force: FORCES[force]})} == {NO}
    seen = phases_of(**{k: v for k, v in FORCES.items() if k != force})
    assert {permitted for _, permitted in seen} == {NO}


def test_a_shock_of_the_price_ignites_without_any_heat():
    """4 sigmas, up or down."""
    assert named(phases_of(z=10, flush=20, buyers=21, shock=-4.0)) == named(phases_of(z=10, flush=20, buyers=21))
    assert named(phases_of(z=10, flush=20, buyers=21))[1:4] == [(10, "IGNITE"), (20, "CLEAR"), (26, "RELAY")]


@pytest.mark.parametrize(
    ("event", "flush", "buyers", "leave", "phases"),
    [
        (20, 10, 21, 99, [(0, "IDLE"), (20, "IGNITE"), (45, "IDLE")]),                      # the flush came first
        (10, 20, 8, 20, [(0, "IDLE"), (10, "IGNITE"), (20, "CLEAR"), (32, "IDLE")]),        # the buyers came first
        (10, 35, 36, 99, [(0, "IDLE"), (10, "IGNITE"), (35, "IDLE")]),                      # too late
        (10, 34, 35, 99, [(0, "IDLE"), (10, "IGNITE"), (34, "CLEAR"), (40, "RELAY")]),      # just in time
        (20, 20, 21, 99, [(0, "IDLE"), (20, "CLEAR"), (26, "RELAY")]),                      # in one hour
    ],
)  # fmt: skip
def test_another_order_permits_nothing(event, flush, buyers, leave, phases):
    """A10."""
    assert named(phases_of(None, event, flush, buyers, leave=leave)) == phases


def test_what_a_phase_waits_for_may_be_unknown():
    """Without a feed of liquidations the sequence stops at IGNITE, and says that it does not know."""
    seen = phases_of(event=10, buyers=21, feed=False)
    assert named(seen) == [(0, "IDLE"), (10, "IGNITE"), (35, "IDLE")]
    assert [hour for hour, (_, permitted) in enumerate(seen) if missing(permitted)] == list(range(10, 35))
    f = record(Phases)
    see_phases(f, at(1), NAN, 0, NO, record(Relay))
    assert (f.phase, missing(f.permitted)) == (Phase.UNKNOWN, True)


def test_an_unknown_relay_is_no_permission():
    f, relay = record(Phases), record(Relay)
    seen = []
    for hour in range(20):
        see_relay(relay, at(hour + 1), 1.0, 1000.0 if hour < 10 else NAN)
        see_phases(f, at(hour + 1), 4.0 if hour == 1 else 0.0, 0, YES if hour > 1 else NO, relay)
        seen.append(f.permitted)
    assert seen == same([NO] * 8 + [YES] * 2 + [NAN] * 10)


# ---------------------------------------------------------------- D22: heat


def event(hours, weight=1.0, half_life_h=NAN, tag=0):
    out = rows(EXOGENOUS, 1)[0]
    out.ts_event, out.ts_known, out.weight, out.half_life_h, out.tag = at(hours - 5), at(hours), weight, half_life_h, tag
    return out


def heat_at(f, hours):
    cool(f, at(hours))
    return float(f.value)


def test_heat_halves_and_the_cap_with_it():
    """D22, A13. Weight 1, half-life 72 h; after three half-lives 0.5 + 0.5 * heat / heat0 is 0.56."""
    f = record(Heat)
    start_heat(f, -1, 72.0, 3.0)
    assert missing(heat_at(f, 0))
    see_event(f, event(10))
    assert [heat_at(f, 10 + h) for h in (0, 72, 144, 216)] == pytest.approx([1.0, 0.5, 0.25, 0.125])
    assert 0.5 + 0.5 * f.left == pytest.approx(0.5625)


def test_heat_is_the_sum_of_all_events():
    """Random events of three half-lives, some rows without one, against the definition."""
    rng = np.random.default_rng(2)
    when, weight = np.sort(rng.uniform(0, 500, 60)), rng.normal(0.5, 1, 60)
    half = rng.choice([12.0, 72.0, 240.0, NAN], 60)
    f = record(Heat)
    for h, w, hl in zip(when, weight, half, strict=True):
        see_event(f, event(h, w, hl))
        past = when <= h
        life = np.where(np.isnan(half), 72.0, half)[past]
        assert f.value == pytest.approx((weight[past] * 2.0 ** (-(h - when[past]) / life)).sum(), abs=1e-9)
    assert f.used == 3


def test_heat_counts_its_own_tag():
    f = record(Heat)
    start_heat(f, 2, 72.0, 3.0)
    see_event(f, event(1, tag=1))
    assert missing(heat_at(f, 2))
    see_event(f, event(2, tag=2))
    see_event(f, event(2, tag=3))
    assert heat_at(f, 2) == 1.0


def test_old_news_do_not_overshadow_new_ones():
    """A second event of 0.5 is less than half of what the first was; after three half-lives and more it counts by itself."""
    early, late = record(Heat), record(Heat)
    see_event(early, event(0, 4.0))
    see_event(early, event(72, 0.5))
    assert (early.peak, early.left) == (4.0, pytest.approx(2.5 / 4.0))
    see_event(late, event(0, 4.0))
    see_event(late, event(72 * 4, 0.5))
    assert (late.peak, late.left) == (pytest.approx(0.75), 1.0)
    see_event(early, event(72, 3.0))
    assert (early.peak, early.left) == (5.5, 1.0)
    see_event(late, event(72 * 4 + 216 + 1, -0.05))
    assert late.peak == pytest.approx(0.75)


def test_a_row_without_a_weight_makes_heat_unknown_until_it_must_have_faded():
    f = record(Heat)
    see_event(f, event(0, 1.0, 24.0))
    see_event(f, event(1, NAN, 24.0))
    see_event(f, event(2, NAN, 1.0))
    assert [heat_at(f, h) for h in (1, 96.9, 97)] == same([NAN, NAN, 2.0 ** (-97 / 24)])


def test_more_half_lives_than_there_is_room_for_count_at_the_nearest():
    f = record(Heat)
    for k in range(17):
        see_event(f, event(k, 1.0, 10.0 + k))
    assert f.used == 16
    when = np.arange(17)
    assert f.value == pytest.approx((2.0 ** (-(16 - when) / np.minimum(10.0 + when, 25.0))).sum())


def test_heat_of_prices_alone():
    """3 sigmas are no shock; 6 sigmas are 2, half of which liquidations explain; an unexplained share of another one is unknown."""
    f = record(Heat)
    seen = []
    shocks = ((0, NAN, 0.0), (1, 0.5, NAN), (2, 3.0, 0.0), (3, -6.0, 0.5), (75, 1.0, 0.0), (76, 9.0, NAN), (77, 0.0, 0.0))
    for hours, z, explained in shocks:
        see_shock(f, at(hours), z, explained)
        seen.append(float(f.value))
    assert seen == same([NAN, 0.0, 0.0, 1.0, 0.5, NAN, NAN])
    assert f.proxy
    assert heat_at(f, 76 + 4 * 72) == pytest.approx(2.0 ** -((73 + 4 * 72) / 72))


# ---------------------------------------------------------------- D23, D24: breakouts, the rolling level, Ethereum


@pytest.mark.parametrize("n", [1, 5, 255])
def test_the_highest_of_the_last_hours(n):
    """Random highs with hours without trade, and one hour missing, against the window itself."""
    rng = np.random.default_rng(n)
    f, value = record(Peaks), rng.normal(size=900).round(1)
    value[rng.random(900) < 0.05] = NAN
    for hour in [*range(500), *range(501, 900)]:
        see_peak(f, hour, value[hour])
        window = value[max(0, hour - n + 1) : hour + 1]
        complete = hour - n + 1 >= (0 if hour < 500 else 501)
        top = highest(f, hour, n)
        if complete and not np.isnan(window).all():
            assert top == np.nanmax(window)
            assert highest_hour(f) == max(0, hour - n + 1) + int(np.nanargmax(window))
        else:
            assert missing(top)


def breakouts_of(closes, tops, lookback_h, stood_h=1):
    f = record(Breakout)
    start_breakout(f, lookback_h, stood_h)
    return see_all(f, see_breakout, at(1) + np.arange(len(closes)) * HOUR, np.array(closes), np.array(tops))


def test_a_breakout_closes_above_the_highs_before():
    """Three hours back. An equal close is none; the window lets old highs go; a missing price is no answer."""
    closes = [100.0, 101.0, 102.0, 103.0, 102.5, 103.1, 100.0, 100.0, 100.0, 101.0, NAN]
    seen = breakouts_of(closes, [103.0] * 6 + [100.5] * 5, 3)
    assert [f.broke for f in seen] == same([NAN, NAN, NAN, NO, NO, YES, NO, NO, NO, YES, NAN])
    assert [(f.level, f.ts) for f in seen[-6:-4]] == [(103.0, at(6)), (103.0, at(6))]
    assert (seen[-1].level, seen[-1].ts) == (100.5, at(10))


def test_a_broken_high_may_have_to_have_stood():
    """A climb breaks the high of the hour before; after an hour's rest the high is two hours old."""
    climb = [100.0, 101.0, 102.0, 103.0, 102.5, 104.0]
    assert [[f.broke for f in breakouts_of(climb, climb, 2, stood)] for stood in (1, 2)] == [
        same([NAN, NAN, YES, YES, NO, YES]), same([NAN, NAN, NO, NO, NO, YES]),
    ]


def rolling_of(closes, volumes=1.0):
    f = record(Support)
    start_rolling_support(f, 24, 0.0025, 3)
    return see_all(f, see_support, bars(closes, 60, volume=volumes))


CLIMB = [*np.linspace(90_000, 92_000, 24), *[91_800.0] * 13, 92_300.0, 92_600.0, 93_000.0, *[92_900.0] * 10]


def test_a_rolling_level_is_the_last_breakout_level():
    """24 hours up to 92,000, half a day below it, and out: 92,000 is the level, and higher highs of the same climb do not move it."""
    seen = rolling_of(CLIMB)
    assert changes([float(f.level) for f in seen if not missing(f.level)]) == [(1, 92_000.0)]
    assert [i for i, f in enumerate(seen) if f.reclaimed] == list(range(37, len(CLIMB)))
    assert [i for i, f in enumerate(seen) if f.holds] == list(range(49, len(CLIMB)))
    assert seen[0].mode == Level.ROLLING


def test_a_rolling_level_breaks_and_moves():
    """Three closes below 92,000 less a quarter percent break it; the next breakout is of 93,000 and starts over."""
    table = [*CLIMB, *[91_700.0] * 3, *[92_500.0] * 8, 93_100.0, *[93_050.0] * 13]
    seen = rolling_of(table)
    broken = [i - len(CLIMB) for i, f in enumerate(seen) if f.broken]
    assert broken == [2]
    assert changes([float(f.level) for f in seen[37:]]) == [(1, 92_000.0), (25, 93_000.0)]
    assert [bool(seen[37 + 24 + k].holds) for k in (0, 11, 12)] == [False, False, True]


def test_an_hour_without_bars_makes_no_level():
    whole = bars(CLIMB, 60)
    f = record(Support)
    start_rolling_support(f, 24, 0.0025, 3)
    see_all(f, see_support, np.delete(whole, 30))
    assert missing(f.level)
    halted = np.ones(len(CLIMB))
    halted[30] = 0.0
    assert rolling_of(CLIMB, halted)[-1].level == 92_000.0


def test_a_fixed_level_is_what_it_was():
    """A15 as before; the same closes, were the level to roll, have none."""
    assert [holds for holds, _, _ in support_of([*ABOVE, (91_500.0, 92_100.0)])] == [False] * 12 + [True] * 2
    f = record(Support)
    start_support(f, 92_000.0, 0.0025, 3)
    assert f.mode == Level.FIXED


HOURS = 24 * 20


def follower_of(close, volume, leader=HOURS - 10, lag_h=48.0, gone=(), quote=None):
    """Ethereum's answers, hour by hour over 20 days; by default flat at 10 with highs at 10.1 and a volume of 100 an hour."""
    table = bars(close, 60, volume=10.0, quote_volume=volume if quote is None else quote)
    table["high"], table["low"] = np.maximum(np.asarray(close), 10.1), 9.9
    f = record(Follower)
    start_follower(f, 1.5, lag_h)
    out = []
    for i, bar in enumerate(table):
        if i not in gone:
            see_follower(f, bar, at(leader) if i + 1 >= leader else 0)
        out.append(float(f.confirmed))
    return out


def eth(breaks, loud, **more):
    close, volume = np.full(HOURS, 10.0), np.full(HOURS, 100.0)
    close[-3:] = 10.2 if breaks else 10.1
    volume[-26:] = 150.0 if loud else 149.0
    return follower_of(close, volume, **more)


@pytest.mark.parametrize(("breaks", "loud"), [(False, False), (False, True), (True, False), (True, True)])
def test_ethereum_follows_with_volume_and_breaks_through(breaks, loud):
    """A17, D24: volume and break, 2 x 2. 10.1 is the high itself and no break; 149 of 150 is no volume."""
    seen = eth(breaks, loud)
    assert seen[-1] == (YES if breaks and loud else NO)
    assert {x for x in seen[HOURS // 2 : -3] if not missing(x)} == {NO}


@pytest.mark.parametrize(("leader", "answer"), [(HOURS - 50, YES), (HOURS - 51, NO), (HOURS + 1, NO)])
def test_ethereum_follows_within_two_days(leader, answer):
    """The break closes the hour HOURS - 2; bitcoin's came 48 hours before, 49, or not yet."""
    assert eth(True, True, leader=leader)[-3] == answer


def test_the_answer_stands_for_the_lag():
    close, volume = np.full(HOURS, 10.0), np.full(HOURS, 100.0)
    close[-60], volume[-84:-60] = 10.2, 200.0
    seen = follower_of(close, volume, leader=HOURS - 62)
    assert [i - HOURS for i, x in enumerate(seen) if x == YES] == list(range(-60, -12))


def test_ethereum_without_its_inputs_is_unknown():
    """No week of highs; a break without a volume; an hour gone within the week."""
    seen = eth(True, True)
    assert next(i for i, x in enumerate(seen) if not missing(x)) == 7 * 24
    assert missing(eth(True, True, quote=NAN)[-1])
    assert eth(False, True, quote=NAN)[-1] == NO
    assert missing(eth(True, True, gone=(HOURS - 30,))[-1])
    known = [i for i, x in enumerate(eth(True, True, gone=(HOURS - 200,))) if not missing(x)]
    assert known[-1] == HOURS - 1


def test_half_an_hour_is_no_hour():
    """Bars of 30 minutes, the first half of an hour gone: unknown at its close, and until a week of whole hours has passed."""
    table = np.delete(bars(np.full(2 * 24 * 17, 10.0), 30), 2 * 24 * 8)
    f, known = record(Follower), {}
    for bar in table:
        see_follower(f, bar, 0)
        known[(int(bar.ts_close) - START) / HOUR] = not missing(f.confirmed)
    assert changes([known[h] for h in range(1, 24 * 17 + 1)]) == [(1, False), (169, True), (193, False), (193 + 169, True)]


def test_the_median_of_twenty_days_before():
    rng = np.random.default_rng(4)
    volume = rng.exponential(100.0, 24 * 40)
    table = bars(np.full(len(volume), 10.0), 60, quote_volume=volume)
    f, gone = record(Follower), 24 * 30 + 5
    for i, bar in enumerate(table):
        if i == gone:
            continue
        see_follower(f, bar, 0)
        if i % 24 == 23:
            ends = [end for end in range(i, i - 24 * 21, -24) if end >= 23 and not end - 23 <= gone <= end]
            days = [volume[end - 23 : end + 1].sum() for end in ends if end != i]
            whole = ends[:1] == [i] and len(days) >= 15
            assert f.volume_ratio == pytest.approx(volume[i - 23 : i + 1].sum() / np.median(days) if whole else NAN, nan_ok=True)
    assert not missing(f.volume_ratio)


# ---------------------------------------------------------------- A9, C3: solidity and survival


def solid(prices, labels, gone=()):
    f = record(Solidity)
    for i, (price, label) in enumerate(zip(prices, labels, strict=True)):
        if i not in gone:
            see_solidity(f, at(i + 1), math.log(price), label)
    return f


def deepest_fall(prices):
    """By brute force, as a fraction."""
    return float(np.max(1.0 - prices / np.maximum.accumulate(prices)))


@pytest.mark.parametrize("gone", [(), (300,)])
def test_the_fall_after_each_label(gone):
    """A9 on random labels, against every horizon taken by itself; an hour gone takes its horizons with it."""
    rng = np.random.default_rng(6)
    prices, labels = 100.0 * np.exp(rng.normal(0, 0.01, 500).cumsum()), rng.integers(0, 5, 500)
    f = solid(prices, labels, gone)
    for falls, horizon in ((f.days_3, 72), (f.days_7, 168)):
        for tally, label in ((falls.spot, Regime.SPOT_BULL), (falls.leverage, Regime.LEVERAGE_BULL)):
            over = [i for i in range(500 - horizon) if labels[i] == label and not any(i <= g <= i + horizon for g in gone)]
            assert tally.count == len(over) > 20
            assert tally.mean == pytest.approx(np.mean([deepest_fall(prices[i : i + horizon + 1]) for i in over]))


def test_an_hour_counts_when_its_horizon_is_over():
    counts = [solid(np.full(n, 100.0), [Regime.SPOT_BULL] + [Regime.MIXED] * (n - 1)) for n in (72, 73, 168, 169)]
    assert [(f.days_3.spot.count, f.days_7.spot.count) for f in counts] == [(0, 0), (1, 0), (1, 0), (1, 1)]
    assert missing(counts[0].days_3.spot.mean)
    assert counts[1].days_3.spot.mean == 0.0


def test_a_planted_difference_is_found():
    """A9. After spot hours the price wanders by 0.2 % an hour, after leverage hours by 0.6 %: the falls differ threefold."""
    rng = np.random.default_rng(8)
    labels = np.repeat([Regime.SPOT_BULL, Regime.LEVERAGE_BULL] * 5, 200)
    prices = 100.0 * np.exp((rng.normal(0, 1, len(labels)) * np.where(labels == Regime.SPOT_BULL, 0.002, 0.006)).cumsum())
    f = solid(prices, labels)
    assert f.days_3.leverage.mean > 2.0 * f.days_3.spot.mean


S, M, U = Regime.SPOT_BULL, Regime.MIXED, Regime.UNKNOWN


def survival_of(labels):
    return see_all(record(Survival), see_survival, at(1) + np.arange(len(labels)) * HOUR, labels)


def test_how_long_episodes_lasted():
    """C3. Three of 4, 4 and 10 hours: two of three that began ended within 6 hours, the one that came further within 12."""
    past = [M, *[S] * 4, M, *[S] * 4, M, *[S] * 10, M]
    seen = survival_of([*past, *[S] * 13])
    assert [(f.count, f.mean) for f in (seen[1], seen[5], seen[10], seen[21])] == same_pairs([(0, NAN), (1, 4.0), (2, 4.0), (3, 6.0)])
    assert [f.age for f in seen[-13:]] == list(range(1, 14))
    assert [f.hazard for f in seen[-13:]] == same([2 / 3] * 6 + [1.0] * 6 + [NAN])


def same_pairs(pairs):
    return [(a, pytest.approx(b, nan_ok=True)) for a, b in pairs]


def test_an_episode_that_nobody_saw_end_counts_for_what_it_passed():
    """Lost in its eighth hour: it reached 6 hours and did not end there. An episode whose beginning is unknown counts nothing."""
    seen = survival_of([M, *[S] * 8, U, *[S] * 3, M, *[S] * 2, M, S])
    assert [f.age for f in seen[8:14]] == same([8.0, NAN, NAN, NAN, NAN, 0.0])
    assert (seen[-1].count, seen[-1].mean, seen[-1].hazard) == (1, 2.0, 0.5)
    assert seen[-1].reached[:3].tolist() == [2.0, 0.0, 0.0]


def test_a_missing_hour_is_an_unknown_one():
    f = record(Survival)
    for hour, label in ((1, M), (2, S), (4, S), (5, M), (6, S)):
        see_survival(f, at(hour), label)
    assert (f.count, f.age) == (0, 1.0)
