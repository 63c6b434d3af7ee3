"""The guards on markets drawn by hand: chasing, shaking out, leverage, false calm, layers, macro, votes, the handover."""

import math

import numpy as np
import pytest
from drive import MINUTE, START, bars
from moments import causal, random_bars, same_compiled
from test_features import changes, record, see_all

from backtester.features.answers import above, asked, below, both, either, known, opposite
from backtester.features.basic import HOUR, NAN, missing
from backtester.features.chase import Chase, Verdict, see_chase, start_chase
from backtester.features.depth_layers import DepthLayers, see_depth_layers
from backtester.features.governance import Governance, see_governance, start_governance
from backtester.features.handover import Handover, Stage, see_handover, start_handover
from backtester.features.heat import Heat, cool, see_event, start_heat
from backtester.features.hour_bar import HourBar, see_hour
from backtester.features.leverage_veto import LeverageVeto, see_leverage_veto, start_leverage_veto
from backtester.features.macro import PLACES, Macro, age_macro, expect, see_macro, start_macro, weighed
from backtester.features.netflow import Netflow, confirm_netflow, see_netflow, start_netflow
from backtester.features.open_interest import OpenInterest, see_contracts
from backtester.features.ranges import Ranges, see_ranges, start_ranges
from backtester.features.ranks import ENOUGH, MONTH, Usual, sample, z_score
from backtester.features.relay import Relay, see_relay
from backtester.features.shakeout import Exit, Stops, set_stops, start_stops, stop_distance, watch_stops
from backtester.features.stability import Stability, see_stability, start_stability
from backtester.features.stratification import Layer, Stratification, age_unusual, see_layer, see_unusual
from backtester.features.volatility import Volatility, see_volatility, start_volatility
from backtester.records import DEPTH, EXOGENOUS, rows

U, N, Y = NAN, 0.0, 1.0


def same(answers):
    """Compares as a list of numbers, of which some are not known."""
    return pytest.approx(answers, nan_ok=True, rel=0.0, abs=1e-12)


def event(moment, known_at, weight, tag=1):
    """One exogenous row; times in hours after the start."""
    out = rows(EXOGENOUS, 1)[0]
    out.ts_event, out.ts_known = START + int(moment * HOUR), START + int(known_at * HOUR)
    out.weight, out.tag = weight, tag
    return out


# ---------------------------------------------------------------- answers


def test_answers_combine_as_kleene_has_it():
    pairs = [(a, b) for a in (Y, N, U) for b in (Y, N, U)]
    assert [both(a, b) for a, b in pairs] == same([Y, N, U, N, N, N, U, N, U])
    assert [either(a, b) for a, b in pairs] == same([Y, Y, Y, Y, N, U, Y, U, U])
    assert [opposite(a) for a in (Y, N, U)] == same([N, Y, U])
    assert [known(a) for a in (Y, N, U)] == [1.0, 1.0, 0.0]


def test_comparisons_are_strict_and_unknown_stays_unknown():
    assert [above(*pair) for pair in ((2.0, 1.0), (1.0, 1.0), (NAN, 1.0), (1.0, NAN))] == same([Y, N, U, U])
    assert [below(*pair) for pair in ((2.0, 1.0), (1.0, 1.0), (0.0, 1.0), (1.0, NAN))] == same([N, N, Y, U])
    assert [asked(param, answer) for param, answer in ((NAN, Y), (NAN, U), (2.0, Y), (2.0, U))] == same([N, N, Y, U])


# ---------------------------------------------------------------- hours and ranges


@pytest.mark.parametrize("minutes", [1, 5, 15, 60])
def test_an_hour_of_any_bars(minutes):
    """Up to 104 and down to 99 inside the second hour, 102 at its close; the hour before closed at 101."""
    knots = np.interp(np.arange(minutes, 181, minutes), [0, 60, 75, 105, 120, 180], [100.0, 101.0, 104.0, 99.0, 102.0, 102.0])
    table = bars(knots, minutes)
    if minutes == 60:
        table["high"][1], table["low"][1] = 104.0, 99.0
    f = record(HourBar)
    made = [x for x in see_all(f, see_hour, table) if x.full][1]
    assert (made.open, made.high, made.low, made.close, made.before) == (101.0, 104.0, 99.0, 102.0, 101.0)
    assert (made.volume, made.hour - START // HOUR) == (60 // minutes, 1)


def test_an_hour_without_its_end_is_not_full_and_the_next_has_none_before_it():
    table = bars(np.full(12 * 3, 100.0), 5)
    f = record(HourBar)
    seen = see_all(f, see_hour, np.delete(table, [23]))
    assert [(x.hour - START // HOUR, missing(x.before)) for x in seen if x.full] == [(0, True), (2, True)]
    f = record(HourBar)
    seen = see_all(f, see_hour, np.delete(table, [13, 14, 15]))
    assert [x.hour - START // HOUR for x in seen if x.full] == [0, 2]


def ranges_of(table, hours=14, sigma=0.001):
    f = record(Ranges)
    start_ranges(f, hours)
    return see_all(f, lambda f, bar: see_ranges(f, bar, sigma), table)


def test_average_range_of_hours():
    """True ranges 2, 3 (a gap up from 100), 1, then 5 (a gap down from 103): mean of the first three, then a third of each new one."""
    table = bars([100.0, 103.0, 103.0, 100.0], 60, high=[101.0, 103.0, 103.5, 102.0], low=[99.0, 102.0, 102.5, 98.0])
    atr = [x.atr for x in ranges_of(table, 3)]
    assert [round(x, 6) for x in atr[2:]] == [2.0, 3.0]
    assert all(missing(x) for x in atr[:2])


def test_a_gap_is_no_range_and_no_trade_changes_nothing():
    table = np.delete(bars([100.0, 100.0, 100.0, 150.0, 150.0], 60), 2)
    table["high"], table["low"] = table["close"] + 1.0, table["close"] - 1.0
    table["volume"][3], table["high"][3] = 0.0, 170.0
    assert [x.average for x in ranges_of(table)] == [2.0] * 4


@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_ranges_are_what_plain_arithmetic_says(minutes):
    rng = np.random.default_rng(minutes)
    per, count = 60 // minutes, 60 * 60 // minutes
    table = random_bars(rng, 100.0 * np.exp(rng.normal(0, 0.002, count).cumsum()), minutes, np.ones(count))
    last = ranges_of(table)[-1]
    hours = table.reshape(-1, per)
    high, low, close = hours["high"].max(axis=1), hours["low"].min(axis=1), hours["close"][:, -1]
    before = np.append(NAN, close[:-1])
    spans = np.fmax(high, before) - np.fmin(low, before)
    atr = spans[:14].mean()
    for span in spans[14:]:
        atr += (span - atr) / 14
    assert last.atr == pytest.approx(atr)
    day = hours[-24:]
    assert last.vwap == pytest.approx(day["quote_volume"].sum() / day["volume"].sum())
    assert last.volume_5m == pytest.approx(day["volume"].sum() / 288)
    assert last.realised == pytest.approx(np.sqrt((np.diff(np.log(table["close"]))[-24 * per :] ** 2).sum()))
    bodies = abs(close - hours["open"][:, 0])[-24:]
    assert last.wick == pytest.approx(1 - bodies.sum() / (high - low)[-24:].sum())
    assert last.rise == pytest.approx(math.log(close[-1] / close[-2]))
    assert last.z == pytest.approx(last.rise / (0.001 * math.sqrt(60)))


def test_a_day_needs_all_its_hours_and_its_quote_volume():
    table = bars(np.full(60, 100.0), 60)
    table["quote_volume"][30] = NAN
    seen = ranges_of(np.delete(table, 3))
    closed = [int(x.now.hour - START // HOUR) for x in seen]
    assert {h for h, x in zip(closed, seen, strict=True) if not missing(x.volume_5m)} == set(range(27, 60))
    assert {h for h, x in zip(closed, seen, strict=True) if not missing(x.vwap)} == {27, 28, 29, 54, 55, 56, 57, 58, 59}


def test_an_hour_ago_is_found_by_time():
    """The bar of minute 100 is missing: at minute 160 nothing is known of an hour ago."""
    table = np.delete(bars(np.linspace(100.0, 110.0, 240)), 99)
    minutes = [int(ts - START) // MINUTE for ts in table["ts_close"]]
    unknown = [m for m, x in zip(minutes, ranges_of(table), strict=True) if missing(x.rise)]
    assert unknown == [*range(1, 61), 160]


def test_a_jump_does_not_hide_in_its_own_volatility():
    table, f, scale = bars([100.0] * 120 + [101.0] * 40), record(Ranges), record(Volatility)
    table["close"][:120] *= np.tile([1.0, 1.0002], 60)
    seen = []
    for bar in table:
        see_volatility(scale, bar)
        see_ranges(f, bar, scale.sigma)
        seen.append((float(f.z), f.rise / (scale.sigma * math.sqrt(60)) if scale.sigma > 0 else NAN))
    assert min(z for z, _ in seen[121:155]) > 6.0
    assert max(z for _, z in seen[125:155]) < 2.0


def test_steady_climb_has_no_wicks():
    """A1. Two days of equal closes: bodies that fill their range, and bodies a quarter of it."""
    closes = np.linspace(100.0, 102.0, 26)
    steady, rough = bars(closes, 60), bars(closes, 60)
    body = abs(rough["close"] - rough["open"])
    rough["high"] += 1.5 * body
    rough["low"] -= 1.5 * body
    assert [ranges_of(table)[-1].wick for table in (steady, rough)] == pytest.approx([0.0, 0.75])


# ---------------------------------------------------------------- A20


def verdict(price=101.0, anchor=100.0, annual=0.10, z=1.0, vwap=100.0, atr=1.0, limits=(1.5, 3.0, 0.30, 2.0)):
    f, ranges = record(Chase), record(Ranges)
    start_chase(f, *limits)
    ranges.atr, ranges.z, ranges.vwap = atr, z, vwap
    see_chase(f, price, anchor, ranges, annual)
    return Verdict(f.verdict).name, round(float(f.coverage), 2)


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ({}, ("CLEAR", 1.0)),
        ({"price": 101.5}, ("CLEAR", 1.0)),
        ({"price": 101.6}, ("FAR", 1.0)),
        ({"z": 3.1}, ("FAST", 1.0)),
        ({"annual": 0.31}, ("HOT", 1.0)),
        ({"vwap": 98.9}, ("STRETCHED", 1.0)),
        ({"vwap": NAN}, ("UNKNOWN", 0.75)),
        ({"vwap": NAN, "annual": 0.31}, ("HOT", 0.75)),
        ({"atr": NAN}, ("UNKNOWN", 0.5)),
        ({"anchor": NAN}, ("UNKNOWN", 0.75)),
        ({"anchor": NAN, "limits": (NAN, 3.0, 0.30, 2.0)}, ("CLEAR", 1.0)),
        ({"anchor": NAN, "vwap": NAN, "limits": (NAN, 3.0, 0.30, 2.0)}, ("UNKNOWN", 0.67)),
        ({"z": NAN, "limits": (NAN, NAN, NAN, NAN)}, ("CLEAR", 1.0)),
    ],
)
def test_no_purchase_that_chases(situation, expected):
    assert verdict(**situation) == expected


def test_a_parabola_is_blocked_and_a_slow_climb_is_not():
    """A20. Three days sideways, then up ever faster, or 0.01 % an hour."""
    calm = 100.0 + 0.1 * np.sin(np.arange(12 * 72))
    t = np.arange(1, 12 * 12 + 1)
    blocked = []
    for path in (100.0 * (1 + 0.05 * (t / t[-1]) ** 3), 100.0 * (1 + 0.0012 * t / t[-1])):
        scale, ranges, f = record(Volatility), record(Ranges), record(Chase)
        verdicts = []
        for bar in bars([*calm, *path + 0.1 * np.sin(t)], 5):
            see_volatility(scale, bar)
            see_ranges(ranges, bar, scale.sigma)
            see_chase(f, bar.close, 100.0, ranges, 0.04)
            verdicts.append(Verdict(f.verdict))
        assert (verdicts[0], verdicts[12 * 71]) == (Verdict.UNKNOWN, Verdict.CLEAR)
        blocked.append(sum(v > Verdict.CLEAR for v in verdicts))
    assert blocked[0] > 50
    assert blocked[1] == 0


# ---------------------------------------------------------------- A19


@pytest.mark.parametrize(
    ("side", "extreme", "atr", "cluster", "expected"),
    [
        (1.0, 99.0, 0.2, NAN, 1.1),      # the low and a buffer of 10 bp
        (1.0, 99.0, 1.0, NAN, 2.5),      # 2.5 ranges are wider
        (1.0, 99.0, 1.0, 97.0, 3.1),     # fuel at 97: beyond it
        (1.0, 99.0, 1.0, 99.0, 2.5),     # fuel nearer than the stop changes nothing
        (-1.0, 101.0, 0.2, NAN, 1.1),    # a short: the same, mirrored
        (-1.0, 101.0, 1.0, 103.0, 3.1),
        (1.0, NAN, 1.0, NAN, NAN),
        (1.0, 99.0, NAN, 97.0, NAN),
    ],
)
def test_distance_of_the_stop(side, extreme, atr, cluster, expected):
    assert stop_distance(side, 100.0, extreme, atr, cluster, 10.0, 2.5) == pytest.approx(expected, nan_ok=True)


def exits(table, side=1.0, distance=1.0, frame=15.0):
    """The words of the stops after each bar, for a position entered at 100: soft at 99, hard at 98, or mirrored."""
    f = record(Stops)
    start_stops(f, frame, 2.0)
    set_stops(f, side, 100.0, distance)
    return [Exit(x.exit).name for x in see_all(f, watch_stops, table)]


def spiky(count, minutes, at, low, close=100.0):
    table = bars(np.full(count, 100.0), minutes)
    table["low"][at], table["close"][at] = low, close
    return table


def test_a_spike_through_the_soft_stop_is_no_exit_through_the_hard_one_is():
    """A19."""
    assert exits(spiky(30, 1, 7, 98.1)) == ["HOLD"] * 30
    assert exits(spiky(30, 1, 7, 98.0)) == ["HOLD"] * 7 + ["HARD"] + ["HOLD"] * 22


@pytest.mark.parametrize(("minutes", "first"), [(1, 30), (5, 30), (15, 30), (20, 20), (60, 60)])
def test_the_soft_stop_asks_the_close_of_fifteen_minutes(minutes, first):
    """98.9 from minute 16 on: the quarter that ends at minute 30 is the first to close beyond; a longer bar is its own close."""
    prices = [100.0 if t <= 15 else 98.9 for t in range(minutes, 121, minutes)]
    words = exits(bars(prices, minutes))
    assert (words.index("SOFT") + 1) * minutes == first


def test_minutes_below_the_soft_stop_within_a_quarter_are_nothing():
    prices = [100.0] * 16 + [98.5] * 12 + [99.5] * 17
    assert set(exits(bars(prices))) == {"HOLD"}
    assert set(exits(bars(prices), frame=5.0)) == {"HOLD", "SOFT"}


def test_the_close_of_a_quarter_is_its_last_trade():
    """Nothing trades in its last three minutes; a quarter in which nothing trades has no close."""
    table = bars([100.0] * 15 + [98.5] * 12 + [100.0] * 3 + [99.5] * 30)
    table["volume"][27:45] = 0.0
    assert changes(exits(table)) == [(1, "HOLD"), (30, "SOFT"), (31, "HOLD")]


def test_a_short_is_shaken_out_upwards():
    table = bars([100.0] * 15 + [101.5] * 15 + [100.0] * 15)
    table["high"][40] = 102.0
    assert changes(exits(table, side=-1.0)) == [(1, "HOLD"), (30, "SOFT"), (31, "HOLD"), (41, "HARD"), (42, "HOLD")]


def test_without_a_distance_there_are_no_stops():
    assert set(exits(spiky(30, 1, 7, 50.0), distance=NAN)) == {"UNKNOWN"}


# ---------------------------------------------------------------- C2, C7f


@pytest.mark.parametrize("count", [168, 719, 1500])
def test_z_scores_are_of_the_last_month(count):
    f, values = record(Usual), np.random.default_rng(count).normal(5.0, 2.0, count)
    for n, x in enumerate(values):
        sample(f, x)
        last = values[max(0, n + 1 - MONTH): n + 1]
        if n + 1 >= ENOUGH:
            assert z_score(f, 9.0) == pytest.approx((9.0 - last.mean()) / last.std(), rel=1e-9)
    assert missing(z_score(f, NAN))


def test_an_outlier_that_left_the_month_leaves_nothing_behind():
    """A faulty sample a thousand times too large: once the ring has gone round, the spread is that of the samples, to the last digits."""
    f, values = record(Usual), np.random.default_rng(0).normal(1e5, 1e3, 3 * MONTH)
    values[100] = 1e8
    for x in values:
        sample(f, x)
    last = values[-MONTH:]
    assert z_score(f, 1.1e5) == pytest.approx((1.1e5 - last.mean()) / last.std(), rel=1e-12)


def test_a_z_score_needs_a_week_that_moved():
    f = record(Usual)
    for k in range(200):
        assert missing(z_score(f, 9.0))
        sample(f, 0.1 if k < 180 else 0.2)
        if k >= 180:
            break
    assert z_score(f, 9.0) > 1.0
    for _ in range(MONTH - 1):
        assert not missing(z_score(f, 9.0))
        sample(f, 0.2)
    assert missing(z_score(f, 9.0))  # the last of the others has left: what rounding made of them is no spread


def veto(last, change, annual, retail=NAN, crowd=NAN):
    """The veto after 200 hours of open interest around 1000 +- 10, with a last hour."""
    f, interest = record(LeverageVeto), record(OpenInterest)
    start_leverage_veto(f, 2.0, 0.30, crowd)
    for hour, qty in enumerate([990.0, 1010.0] * 100 + [last]):
        interest.qty, interest.change_day = qty, change
        see_leverage_veto(f, START + hour * HOUR, interest, annual, retail)
        see_leverage_veto(f, START + hour * HOUR + 5 * MINUTE, interest, annual, retail)  # not a full hour: no sample
    return round(float(f.z), 6), float(f.veto), float(f.coverage)


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ((1030.0, 0.02, 0.35), (3.0, Y, 1.0)),            # the claim's own test: z 3, funding 35 %
        ((1020.0, 0.02, 0.35), (2.0, N, 1.0)),
        ((1030.0, -0.01, 0.35), (3.0, N, 1.0)),
        ((1030.0, 0.02, 0.30), (3.0, N, 1.0)),
        ((1030.0, 0.02, 0.10, 0.95, 0.9), (3.0, Y, 1.0)),   # retail is the crowd
        ((1030.0, 0.02, 0.10, 0.85, 0.9), (3.0, N, 1.0)),
        ((1030.0, 0.02, 0.10, NAN, 0.9), (3.0, U, 0.75)),   # it hangs on what is unknown
        ((1030.0, 0.02, 0.35, NAN, 0.9), (3.0, Y, 0.75)),   # it does not
        ((1030.0, 0.02, NAN), (3.0, U, 0.75)),
        ((1030.0, NAN, 0.35), (3.0, U, 0.75)),
    ],
)
def test_leverage_maniacs(situation, expected):
    """C2."""
    assert veto(*situation) == same(expected)


def test_leverage_is_unknown_before_a_week_and_without_contracts():
    f, interest = record(LeverageVeto), record(OpenInterest)
    for hour in range(300):
        interest.qty, interest.change_day = (NAN if hour == 250 else 1000.0 + hour), 0.1
        see_leverage_veto(f, START + hour * HOUR, interest, 0.5, 1.0)
        assert missing(f.z) == (hour < 168 or hour == 250)
        assert missing(f.veto) == missing(f.z)


def fragility(realised, change, fuel):
    """The answer after 300 hours of volatilities 1 .. 300."""
    f = record(Stability)
    for hour, x in enumerate([*range(1, 301), realised]):
        see_stability(f, START + hour * HOUR, float(x), change, fuel)
        see_stability(f, START + hour * HOUR + MINUTE, 0.0, change, fuel)  # not a full hour: no sample
    return float(f.fragile), round(float(f.coverage), 2)


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ((50.0, 0.03, 0.9), (Y, 1.0)),       # quiet, loading up, loaded
        ((59.0, 0.03, 0.9), (Y, 1.0)),
        ((60.0, 0.03, 0.9), (N, 1.0)),
        ((50.0, 0.02, 0.9), (N, 1.0)),
        ((50.0, 0.03, 0.8), (N, 1.0)),
        ((50.0, 0.03, NAN), (U, 0.67)),
        ((50.0, 0.01, NAN), (N, 0.67)),      # no, whatever the fuel is
        ((NAN, 0.03, 0.9), (U, 0.67)),
    ],
)
def test_calm_that_loads_up_is_fragile(situation, expected):
    """C7f."""
    assert fragility(*situation) == same(expected)


# ---------------------------------------------------------------- C7d


def layer_tables(seed, hours, layers=4):
    """Hourly bars of each layer, traded quote volume about 100 / (layer + 1)."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(layers):
        table = bars(100.0 * np.exp(rng.normal(0, 0.01, hours).cumsum()), 60)
        table["quote_volume"] = rng.uniform(50, 150, hours) / (k + 1)
        out.append(table)
    return out


def see_layers(f, tables, hour):
    for k, table in enumerate(tables):
        see_layer(f, (f.btc_spot, f.btc_perp, f.eth_spot, f.eth_perp, f.alts)[k], Layer(k), table[hour])


@pytest.mark.parametrize("layers", [3, 4, 5])
def test_spread_is_the_largest_over_the_median(layers):
    hours = 400
    tables, f, spreads = layer_tables(layers, hours, layers), record(Stratification), []
    illiquidity = np.array([abs(np.diff(np.log(t["close"]), prepend=NAN)) / t["quote_volume"] for t in tables])
    expected = illiquidity.max(axis=0) / np.median(illiquidity, axis=0)
    for hour in range(hours):
        see_layers(f, tables, hour)
        assert f.spread.now == pytest.approx(expected[hour], nan_ok=True)
        before = np.sort(expected[1:hour])
        if len(before) >= 168:
            limit = before[int(0.9 * len(before))]
            assert f.spread.limit == pytest.approx(limit)
            assert f.spread.high == (Y if f.spread.now > limit else N)
        else:
            assert missing(f.spread.high)
        spreads.append(float(f.spread.high))
    assert f.coverage == layers / 5
    assert {N, Y} <= set(spreads)


def test_two_layers_are_no_layers():
    f, tables = record(Stratification), layer_tables(1, 200, 2)
    for hour in range(200):
        see_layers(f, tables, hour)
    assert (f.spread.now, f.spread.high, f.coverage) == same((NAN, U, 0.4))


@pytest.mark.parametrize(("volume", "surprise", "flat"), [(0.1, -1.0, Y), (1.0, -1.0, N), (0.1, -0.9, N), (0.1, NAN, U)])
def test_alts_ten_times_as_illiquid_and_macro_negative_is_flat(volume, surprise, flat):
    """C7d. All layers move 1 % an hour on equal volume, give or take 10 %; in the last hour the alts' volume is a tenth."""
    f, hours, rng = record(Stratification), 300, np.random.default_rng(5)
    tables = [bars(100.0 * 1.01 ** (np.arange(hours) % 2), 60, quote_volume=rng.uniform(90, 110, hours)) for _ in range(5)]
    tables[4]["quote_volume"][-1] = 100.0 * volume
    tables[0]["quote_volume"][-1] = tables[1]["quote_volume"][-1] = tables[2]["quote_volume"][-1] = tables[3]["quote_volume"][-1] = 100.0
    for hour in range(hours):
        see_layers(f, tables, hour)
    gate = macro_of(event(hours - 1, hours - 1, surprise))
    age_macro(gate, START + hours * HOUR)
    assert [both(f.spread.high, gate.negative)] == same([flat])


def test_an_hours_last_word_is_its_sample_and_silence_is_forgotten():
    f = record(Stratification).spread
    for hour in range(170):
        see_unusual(f, hour + 1, 99.0)
        see_unusual(f, hour + 1, float(hour))
    see_unusual(f, 3, 1e9)  # an hour long over
    assert (f.limit, f.now, f.quarter.count) == (152.0, 169.0, 169)
    age_unusual(f, 172 * HOUR)
    assert f.now == 169.0
    age_unusual(f, 173 * HOUR)
    assert (f.now, f.high, f.quarter.count) == same((NAN, U, 170))


def depth(ts, percent, notional):
    out = rows(DEPTH, 1)[0]
    out.ts_event, out.percent, out.notional = ts, percent, notional
    return out


def test_depth_far_over_near():
    """C7d by the book: 200 hours of 10 to 14 times as much within 5 % as within 0.2 %, then makers step back."""
    f, words = record(DepthLayers), []
    for hour in range(201):
        near = 5.0 if hour < 200 else 1.0
        for percent, notional in ((-5.0, 60.0), (-1.0, 1e9), (-0.2, near), (0.2, near), (5.0, 40.0 + hour % 5 * 10), (1.0, 1e9)):
            see_depth_layers(f, depth(START + hour * HOUR, percent, notional))
        words += [round(float(f.spread.now), 6), float(f.spread.high)]
    assert words[:6] == same([10.0, U, 11.0, U, 12.0, U])
    assert words[2 * 167 : 2 * 169] == same([12.0, U, 13.0, N])
    assert words[2 * 199 :] == same([14.0, N, 50.0, Y])


def test_half_a_book_is_unknown():
    f = record(DepthLayers)
    for percent in (-5.0, -0.2, 5.0):
        see_depth_layers(f, depth(START, percent, 10.0))
        assert missing(f.spread.now)
    see_depth_layers(f, depth(START, 0.2, 10.0))
    assert f.spread.now == 1.0
    see_depth_layers(f, depth(START, 0.2, NAN))
    assert missing(f.spread.now)


# ---------------------------------------------------------------- A14, C6, C7e


def macro_of(*events):
    f = record(Macro)
    start_macro(f, 1, 0.5, -1.0, 72.0)
    for x in events:
        see_macro(f, x)
    return f


def macro_hours(f, hours):
    """[(hour, size, negative)] wherever it changes, hour by hour; negative as a word."""
    out = []
    for hour in hours:
        age_macro(f, START + hour * HOUR)
        now = (float(f.size), "UNKNOWN" if missing(f.negative) else ("NO", "YES")[int(f.negative)])
        if not out or out[-1][1:] != now:
            out.append((hour, *now))
    return out


def test_an_announced_event_halves_the_size_around_it():
    """A14. Announced at the start for hours 20 and 60: 12 hours before to 2 hours after; another tag's event is not ours."""
    f = macro_of(event(60, 0, 1.0), event(20, 0, 1.0), event(40, 0, 1.0, tag=2), event(20, 0, 1.0))
    assert macro_hours(f, range(80)) == [(0, 1.0, "NO"), (8, 0.5, "NO"), (23, 1.0, "NO"), (48, 0.5, "NO"), (63, 1.0, "NO")]


def test_windows_of_a_random_calendar():
    rng = np.random.default_rng(2)
    moments = rng.integers(0, 2000, 100)
    f = macro_of(*(event(m, -1, 0.0) for m in moments))
    assert f.count == len(set(moments.tolist())) < 100
    sizes = []
    for hour in range(2000):
        age_macro(f, START + hour * HOUR)
        sizes.append(float(f.size))
    assert sizes == [0.5 if any(m - 12 <= hour <= m + 2 for m in moments) else 1.0 for hour in range(2000)]
    assert f.count == sum(m + 2 >= 1999 for m in set(moments.tolist()))


@pytest.mark.parametrize(("surprise", "word"), [(-1.0, "YES"), (-0.9, "NO"), (2.0, "NO"), (NAN, "UNKNOWN")])
def test_a_bad_surprise_is_negative_for_three_days(surprise, word):
    """A14, the exit: an outcome is what is known at its moment or later."""
    f = macro_of(event(20, 0, -5.0))  # the announcement's weight says nothing
    hours = macro_hours(f, range(21))
    see_macro(f, event(20, 20, surprise))
    hours += macro_hours(f, range(21, 120))
    after = [(21, 0.5, word), (23, 1.0, word), (93, 1.0, "NO")] if word != "NO" else [(21, 0.5, "NO"), (23, 1.0, "NO")]
    assert hours == [(0, 1.0, "NO"), (8, 0.5, "NO"), *after]


def test_a_statement_out_of_the_blue():
    """C6. Nothing was announced: the window opens with the statement, and the last word counts."""
    f = macro_of(event(5, 0, 0.0))
    age_macro(f, START + 30 * HOUR)
    see_macro(f, event(30, 30, -3.0))
    hours = macro_hours(f, range(30, 40))
    see_macro(f, event(40, 40, 1.0))
    hours += macro_hours(f, range(40, 42))
    assert hours == [(30, 0.5, "YES"), (33, 1.0, "YES"), (40, 0.5, "NO")]


def test_without_a_calendar_macro_is_unknown():
    f = macro_of(event(5, 0, -9.0, tag=0))
    age_macro(f, START)
    assert (f.window, f.negative, f.size, weighed(f.size, 1.0)) == same((U, U, NAN, NAN))


def test_a_calendar_too_long_says_so():
    f = macro_of(*(event(k, 0, 0.0) for k in range(1, PLACES + 4)))
    assert (f.count, f.lost, list(f.moments[:2])) == (PLACES, 3, [START + HOUR, START + 2 * HOUR])


def test_no_entry_while_a_vote_is_undecided():
    """C7e. Off by default; on, the last row counts."""
    off, on = record(Governance), record(Governance)
    start_governance(off, -1)
    start_governance(on, 1)
    words = [float(off.undecided), float(on.undecided)]
    for weight, tag in ((0.0, 2), (1.0, 1), (0.0, 2), (0.0, 1), (NAN, 1)):
        for f in (off, on):
            see_governance(f, event(0, 0, weight, tag))
        words += [float(off.undecided), float(on.undecided)]
    assert words == same([N, U, N, U, N, Y, N, Y, N, N, N, U])


# ---------------------------------------------------------------- C1, C8, C7b


@pytest.mark.parametrize(
    ("left", "relay", "expected"),
    [
        (NAN, N, ("UNKNOWN", U, U, 1.0)),
        (1.0, N, ("HOT", N, N, 0.5)),
        (0.5, U, ("HOT", N, N, 0.5)),
        (0.49, N, ("COOLING", Y, N, 0.5)),       # C1: nobody steps in
        (0.49, Y, ("COOLING", N, N, 0.5)),
        (0.49, U, ("COOLING", U, N, 0.5)),
        (0.25, N, ("COOLING", Y, N, 0.5)),
        (0.24, N, ("HANDED_OVER", Y, Y, 1.0)),   # C8: macro decides, the target trails
        (0.24, Y, ("HANDED_OVER", N, Y, 1.0)),
    ],
)
def test_heat_that_fades_needs_a_relay(left, relay, expected):
    f = record(Handover)
    start_handover(f, 0.5)
    for before in (1.0, 0.1):
        see_handover(f, before, Y)
        see_handover(f, left, relay)
        assert Stage(f.stage).name == expected[0]
        assert (f.leave, f.trails, f.macro_weight) == same(expected[1:])


def test_heat_decays_nobody_buys_leave():
    """C1, with the heat and the relay themselves: an event of one day's half-life, spot takers on balance zero."""
    heat, relay, f, words = record(Heat), record(Relay), record(Handover), []
    start_heat(heat, 1, 72.0, 3.0)
    x = event(0, 0, 1.0)
    x.half_life_h = 24.0
    see_event(heat, x)
    for hour in range(1, 61):
        cool(heat, START + hour * HOUR)
        see_relay(relay, START + hour * HOUR, 0.0, 1000.0)
        see_handover(f, heat.left, relay.on)
        words.append((Stage(f.stage).name, float(f.leave)))
    assert changes(words) == [(1, ("HOT", N)), (25, ("COOLING", Y)), (49, ("HANDED_OVER", Y))]
    assert (weighed(0.5, 1.0), weighed(0.5, 0.5)) == (0.5, 0.75)


def netflow_of(flows, ts_h, change=-0.01, lag=1, tag=1):
    f = record(Netflow)
    start_netflow(f, 1, lag, 0.0)
    for hour, weight in flows:
        see_netflow(f, event(hour, hour, weight, tag))
    confirm_netflow(f, START + int(ts_h * HOUR), change)
    return float(f.net), float(f.confirm), float(f.coverage)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (((-5.0,), -0.01), (-5.0, Y, 1.0)),     # coins leave, contracts too
        (((-5.0,), 0.0), (-5.0, Y, 1.0)),       # flat is not rising
        (((-5.0,), 0.01), (-5.0, N, 1.0)),
        (((5.0,), -0.01), (5.0, N, 1.0)),
        (((-5.0,), NAN), (-5.0, U, 0.5)),
        (((), -0.01), (NAN, U, 0.5)),           # the claim's own test: the series is absent
        (((), 0.01), (NAN, N, 0.5)),
        (((), NAN), (NAN, U, 0.0)),
    ],
)
def test_netflow_confirms(case, expected):
    """C7b."""
    flows, change = case
    assert netflow_of([(9, x) for x in flows], 10.0, change) == pytest.approx(expected, nan_ok=True)


def test_netflow_of_a_random_day_at_its_lag():
    rng = np.random.default_rng(4)
    flows = [(int(hour), float(x)) for hour, x in zip(np.sort(rng.choice(100, 60, replace=False)), rng.normal(size=60), strict=True)]
    for lag in (1, 5):
        for now in np.arange(0, 100, 0.5):
            until = math.floor(now) - lag
            day = [x for hour, x in flows if until - 24 < hour <= until]
            seen = [row for row in flows if row[0] <= now]
            assert netflow_of(seen, now, lag=lag)[0] == pytest.approx(sum(day) if day else NAN, nan_ok=True)


def test_netflow_rows_of_one_hour_add_up_others_do_not_count():
    assert netflow_of([(9, -5.0), (9.5, -1.0), (9.7, NAN)], 11.0)[0] == -6.0
    assert missing(netflow_of([(9, -5.0)], 11.0, tag=2)[0])
    assert netflow_of([(41, -5.0), (9, 100.0)], 42.0)[0] == -5.0  # a row 32 hours late does not take another's place


# ---------------------------------------------------------------- causal, and the same compiled


class Guards:
    volatility: Volatility
    ranges: Ranges
    chase: Chase
    interest: OpenInterest
    veto: LeverageVeto
    stability: Stability
    stops: Stops
    left: Exit = Exit.UNKNOWN


def begin_guards(f):
    start_volatility(f.volatility, 240.0)
    start_ranges(f.ranges, 14)
    start_chase(f.chase, 1.5, 1.0, 0.30, 2.0)
    start_leverage_veto(f.veto, -3.0, 0.05, 0.9)
    start_stability(f.stability, 0.4, 0.0, 0.5)
    start_stops(f.stops, 60.0, 2.0)


def feed_guards(f, m):
    see_volatility(f.volatility, m.perp)
    see_ranges(f.ranges, m.perp, f.volatility.sigma)
    see_contracts(f.interest, m.contracts)
    annual = m.funding.rate * 1095.0
    see_chase(f.chase, m.perp.close, m.spot.low * 0.995, f.ranges, annual)
    see_leverage_veto(f.veto, m.perp.ts_close, f.interest, annual, abs(m.trade.side * m.ratio.accounts) - 0.5)
    see_stability(f.stability, m.perp.ts_close, f.ranges.realised, f.interest.change_day, m.ratio.accounts - 0.5)
    watch_stops(f.stops, m.perp)
    f.left = f.stops.exit
    if f.left != Exit.HOLD:
        distance = stop_distance(m.trade.side, m.perp.close, m.perp.low, f.ranges.atr, NAN, 1.0, 0.5)
        set_stops(f.stops, m.trade.side, m.perp.close, distance)


class World:
    layers: Stratification
    depth: DepthLayers
    macro: Macro
    votes: Governance
    handover: Handover
    netflow: Netflow
    flat: float = NAN


def begin_world(f):
    start_macro(f.macro, 1, 0.5, -1.0, 72.0)
    start_governance(f.votes, 2)
    start_handover(f.handover, 0.5)
    start_netflow(f.netflow, 3, 1, 0.0)


def feed_world(f, m):
    see_layer(f.layers, f.layers.btc_spot, Layer.BTC_SPOT, m.spot)
    see_layer(f.layers, f.layers.btc_perp, Layer.BTC_PERP, m.perp)
    see_layer(f.layers, f.layers.eth_spot, Layer.ETH_SPOT, m.eth_spot)
    see_layer(f.layers, f.layers.eth_perp, Layer.ETH_PERP, m.eth_perp)
    age_unusual(f.layers.spread, m.perp.ts_close)
    see_depth_layers(f.depth, m.depth)
    see_macro(f.macro, m.exogenous)
    if m.exogenous.tag == 0:
        expect(f.macro, m.exogenous.ts_event + int(m.ratio.accounts * 24.0) * HOUR)
    age_macro(f.macro, m.perp.ts_close)
    see_governance(f.votes, m.exogenous)
    see_handover(f.handover, abs(m.exogenous.weight), f.votes.undecided)
    see_netflow(f.netflow, m.exogenous)
    confirm_netflow(f.netflow, m.perp.ts_close, m.exogenous.weight)
    f.flat = either(asked(f.macro.size, both(f.layers.spread.high, f.macro.negative)), below(f.netflow.net, -2.0))


BUNDLES = {"guards": (Guards, begin_guards, feed_guards), "world": (World, begin_world, feed_world)}


@pytest.mark.parametrize("name", BUNDLES)
def test_plain_and_compiled_are_the_same_bytes(name):
    same_compiled(BUNDLES[name])


@pytest.mark.parametrize("name", BUNDLES)
def test_a_guard_of_a_prefix_is_the_prefix_of_the_guard(name):
    causal(BUNDLES[name])
