"""Every feature on markets drawn by hand: what the two posts claim, and what the definitions say."""

import math
import statistics

import numpy as np
import pytest
from drive import MINUTE, START, bars, contracts, draw, settlements

from backtester.features.basic import HOUR, NAN, half_life_alpha, missing, off, ramp
from backtester.features.doors import Doors, bound_doors, see_doors, start_doors
from backtester.features.flow import Flow, see_flow
from backtester.features.funding import Funding, is_healthy, see_funding_rate
from backtester.features.labels import Label, RequireOi, label
from backtester.features.legs import Legs, see_legs, start_legs
from backtester.features.median import Median, deviation, middle, see_median, slide
from backtester.features.open_interest import OpenInterest, age_contracts, see_contracts
from backtester.features.points import Leg
from backtester.features.premium import Premium, Source, Unit, in_bp, see_premium, start_premium
from backtester.features.premium_moves import PremiumMoves, see_premium_moves
from backtester.features.ranks import ENOUGH, MONTH, Month, quantile, rank
from backtester.features.sizing import prudent_qty
from backtester.features.support import Support, see_support, start_support
from backtester.features.trend import Trend, add_trend, steadiness
from backtester.features.volatility import Volatility, see_volatility, start_volatility
from backtester.fields import initial, vec


def record(cls):
    """A feature's record at its start."""
    return initial(cls)[0]


def changes(values):
    """[(minute, value)] wherever a per-minute list changes."""
    return [(i + 1, v) for i, v in enumerate(values) if i == 0 or v != values[i - 1]]


# ---------------------------------------------------------------- the shared words


def test_ramp_and_missing():
    assert [ramp(x, 0.1, 0.4) for x in (0.0, 0.1, 0.25, 0.4, 9.0)] == [0.0, 0.0, pytest.approx(0.5), 1.0, 1.0]
    assert missing(ramp(NAN, 0.0, 1.0))
    assert (missing(NAN), missing(0.0), off(NAN), off(92_000.0)) == (True, False, True, False)


def test_half_life_forgets_half():
    alpha = half_life_alpha(5.0, 1.0)
    assert (1.0 - alpha) ** 5 == pytest.approx(0.5)
    assert half_life_alpha(0.0, 1.0) == 1.0


@pytest.mark.parametrize("width", [1, 2, 5, 15, 32])
def test_median_is_the_median_of_the_last_known_values(width):
    f, window = record(Median), []
    for x in [*np.round(np.random.default_rng(width).normal(size=200), 1), NAN, 3.0]:
        see_median(f, x, width)
        if missing(x):
            assert missing(f.value)
            continue
        window = [*window, float(x)][-width:]
        assert f.value == statistics.median(window) if len(window) == width else missing(f.value)


def test_median_wider_than_its_memory_is_unknown():
    f = record(Median)
    for x in range(100):
        see_median(f, float(x), 33)
    assert missing(f.value)


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9, 168, 300])
def test_deviation_is_the_median_absolute_deviation(count):
    class Week:
        ring: vec(168)
        ranked: vec(168)
        count: int = 0

    f, values = record(Week), np.random.default_rng(count).normal(size=count).round(2)
    for x in values:
        slide(f, x, 168)
    last = values[-168:]
    assert middle(f, 168) == pytest.approx(np.median(last))
    assert deviation(f, 168) == pytest.approx(np.median(np.abs(last - np.median(last))))


def test_trend_is_the_correlation_with_time():
    f, values = record(Trend), np.random.default_rng(1).normal(size=40).cumsum()
    for t, x in enumerate(values):
        add_trend(f, float(t), x)
        add_trend(f, float(t), NAN)
    assert steadiness(f) == pytest.approx(np.corrcoef(np.arange(40), values)[0, 1])


# ---------------------------------------------------------------- D1, D2


def see_all(f, see, *tables):
    """Feed a feature row by row; returns copies of the record after each."""
    out = []
    for x in zip(*tables, strict=True):
        see(f, *x)
        out.append(f.copy())
    return out


def premium_of(spot, perp, source=Source.CLOSE):
    f = record(Premium)
    start_premium(f, source, 5.0, 15.0)
    return see_all(f, see_premium, spot, perp)


def test_premium_is_spot_over_perp_in_bp_and_unknown_where_nothing_traded():
    spot, perp = bars([100.05, 100.0, 100.0]), bars([100.0, 100.05, 100.0])
    spot["volume"][2] = 0.0
    seen = premium_of(spot, perp)
    assert [round(f.raw, 2) for f in seen[:2]] == [5.0, -5.0]
    assert all(missing(x) for x in (seen[2].raw, seen[2].smooth, seen[2].median))


def test_premium_of_averages_needs_quote_volume_and_equal_bars():
    spot, perp = bars([100.0], quote_volume=101.0), bars([100.0])
    assert premium_of(spot, perp, Source.VWAP)[0].raw == pytest.approx(1e4 * math.log(1.01))
    assert missing(premium_of(bars([100.0], quote_volume=NAN), perp, Source.VWAP)[0].raw)
    longer = bars([100.0], minutes=5, start=START - 4 * MINUTE)
    assert missing(premium_of(longer, perp, Source.VWAP)[0].raw)


@pytest.mark.parametrize(("minutes", "width"), [(1, 15), (5, 3), (15, 1), (60, 1)])
def test_windows_are_minutes_whatever_the_bars(minutes, width):
    table = draw([(0, 100.0, 0.0, 1.0), (240, 100.0, 10.0, 1.0)], minutes)
    seen = premium_of(table["spot_bars"], table["perp_bars"])
    raw = [f.raw for f in seen]
    assert [f.median for f in seen[width - 1 :]] == [statistics.median(raw[i : i + width]) for i in range(len(raw) - width + 1)]
    assert all(missing(f.median) for f in seen[: width - 1])
    assert (1.0 - seen[0].alpha) ** (5.0 / minutes) == pytest.approx(0.5)


def test_pairs_come_as_often_as_the_longer_bar():
    spot, perp = bars([100.0], start=START + 4 * MINUTE), bars([100.0], minutes=5)
    assert premium_of(spot, perp)[0].width == 3


def test_unit_is_the_weeks_usual_hourly_change():
    hourly = np.random.default_rng(3).normal(0.0, 2.0, 400).cumsum()
    f, units = record(PremiumMoves), []
    for hour, x in enumerate(hourly):
        see_premium_moves(f, START + (hour + 1) * HOUR, x)
        see_premium_moves(f, START + (hour + 1) * HOUR + 5 * MINUTE, 1e9)  # not a full hour: does not count
        units.append(f.unit)
    steps = np.diff(hourly)
    week = steps[-168:]
    assert units[-1] == pytest.approx(1.48 * np.median(np.abs(week - np.median(week))))
    assert next(i for i, u in enumerate(units) if not missing(u)) == 24
    assert f.day == pytest.approx(hourly[-1] - hourly[-25])


def test_unit_has_a_floor_and_a_missing_hour_makes_no_change():
    f = record(PremiumMoves)
    for hour in range(60):
        see_premium_moves(f, START + hour * HOUR, NAN if hour == 50 else 4.0)
        if hour in (50, 51):
            assert missing(f.hour)
    assert (f.unit, f.week.count) == (0.25, 57)


def test_threshold_in_bp_or_in_units():
    assert (in_bp(1.5, Unit.BP, NAN), in_bp(1.5, Unit.RELATIVE, 0.8)) == (1.5, pytest.approx(1.2))
    assert missing(in_bp(1.5, Unit.RELATIVE, NAN))


@pytest.mark.parametrize("minutes", [1, 5])
def test_volatility_is_per_minute_and_does_not_know_the_newest_bar(minutes):
    step = 0.001 * math.sqrt(minutes)
    closes = 100.0 * np.exp(np.cumsum(np.tile([step, -step], 50)))
    f = record(Volatility)
    start_volatility(f, 240.0)
    seen = see_all(f, see_volatility, bars([*closes, 200.0, 200.0], minutes))
    assert missing(seen[0].sigma)
    assert missing(seen[1].sigma)
    assert [seen[i].sigma for i in (2, 50, 100)] == pytest.approx([0.001] * 3)
    assert seen[101].sigma > 0.01


# ---------------------------------------------------------------- D3, D4, D5


def walk(table, min_bp=40.0, **doors):
    """Premium, volatility (a constant), legs, labels and doors over a drawn table; yields (legs, label, doors) after each pair."""
    premium, legs, game, contracts = record(Premium), record(Legs), record(Doors), record(OpenInterest)
    start_premium(premium, Source.CLOSE, 5.0, 15.0)
    start_legs(legs, min_bp, 2.0, 15.0, 0.6)
    limits = {"anchor_bp": 80.0, "anchor_min": 360.0, "door_min": 480.0, "retrace_lo": 0.35, "retrace_hi": 1.5} | doors
    start_doors(game, *limits.values())
    bound_doors(game, 400.0, 10.0, 3, 48.0)
    interest, at, done = table["open_interest"], 0, Label.UNKNOWN
    for spot, perp in zip(table["spot_bars"], table["perp_bars"], strict=True):
        while at < len(interest) and interest[at].ts_known <= perp.ts_known:
            see_contracts(contracts, interest[at])
            at += 1
        see_premium(premium, spot, perp)
        see_legs(legs, perp, premium, contracts.qty, 0.0002)
        if legs.turned:
            done = label(legs.done, 2.0, 0.8, 0.001, RequireOi.HARD)
        see_doors(game, legs, done)
        yield legs, label(legs.now, 2.0, 0.8, 0.001, RequireOi.HARD), game


def test_legs_of_a_zigzag():
    flat, high, low = (20, 100.0, 0.0, 1e5), (80, 101.0, 0.0, 1e5), (110, 100.5, 6.0, 1.02e5)
    confirmed, direction, size = [], [], []
    for legs, _, _ in walk(draw([(0, *flat[1:]), flat, high, low, (170, 102.0, 0.0, 1.04e5), (180, 101.8, 0.0, 1.04e5)])):
        direction.append(float(legs.now.direction))
        size.append(float(legs.now.size_bp))
        if legs.turned:
            done, minute = legs.done, int(legs.here.ts - START) // MINUTE
            confirmed.append((minute, done.direction, round(done.size_bp), round(done.premium_change, 1), round(done.oi_change, 3)))
    # each confirmed 40 bp after its extreme; the premium is a median of 15 minutes, so it lags; the last leg is not confirmed yet
    assert confirmed == [(105, 1.0, 100, 0.0, 0.0), (127, -1.0, 50, 4.6, 0.02)]
    # the first leg is known at 40 bp; a provisional leg takes over at 24 bp, the last 20 bp are none yet
    assert changes(direction) == [(1, 0.0), (45, 1.0), (95, -1.0), (120, 1.0)]
    # and then measures from the extreme, not from the start
    assert [round(x) for x in size[93:95]] == [76, 25]


def leg(direction, change, oi_change):
    f = record(Leg)
    f.direction, f.premium_change, f.oi_change = direction, change, oi_change
    return f


UP, DOWN = 1.0, -1.0
TABLE = [  # direction, premium change bp, open interest -> hard, soft, off
    (DOWN, 0.0, 0.02, "SPOT_DRIVEN SPOT_DRIVEN SPOT_DRIVEN"),
    (UP, -0.8, NAN, "SPOT_DRIVEN SPOT_DRIVEN SPOT_DRIVEN"),
    (DOWN, 1.0, 0.02, "WEAK WEAK WEAK"),
    (UP, -1.0, 0.02, "WEAK WEAK WEAK"),
    (DOWN, 6.0, 0.02, "SHORTS_IN SHORTS_IN SHORTS_IN"),
    (DOWN, 6.0, -0.03, "LONGS_FLUSHED LONGS_FLUSHED SHORTS_IN"),
    (DOWN, 6.0, 0.0, "DIV_UNCONF SHORTS_IN SHORTS_IN"),
    (DOWN, 6.0, NAN, "UNKNOWN SHORTS_IN SHORTS_IN"),
    (UP, -6.0, 0.02, "LONGS_IN LONGS_IN LONGS_IN"),
    (UP, -6.0, -0.03, "SHORTS_SQUEEZED SHORTS_SQUEEZED LONGS_IN"),
    (UP, -6.0, 0.0, "DIV_UNCONF LONGS_IN LONGS_IN"),
    (DOWN, -2.0, NAN, "SPOT_SELLS SPOT_SELLS SPOT_SELLS"),
    (UP, 2.0, NAN, "SPOT_BUYS SPOT_BUYS SPOT_BUYS"),
    (UP, NAN, 0.02, "UNKNOWN UNKNOWN UNKNOWN"),
    (0.0, 6.0, 0.02, "UNKNOWN UNKNOWN UNKNOWN"),
]


@pytest.mark.parametrize(("direction", "change", "oi_change", "expected"), TABLE)
def test_labels(direction, change, oi_change, expected):
    got = [label(leg(direction, change, oi_change), 2.0, 0.8, 0.001, require).name for require in RequireOi]
    assert got == expected.split()


@pytest.mark.parametrize(
    ("end", "premium", "contracts", "expected"),
    [
        (98.0, 6.0, 1.02e5, Label.SHORTS_IN),       # B3
        (98.0, 6.0, 0.97e5, Label.LONGS_FLUSHED),   # B3, the control
        (102.0, -6.0, 1.02e5, Label.LONGS_IN),      # B5
        (102.0, -6.0, 0.97e5, Label.SHORTS_SQUEEZED),
        (102.0, 0.0, 1.02e5, Label.SPOT_DRIVEN),    # B8
        (102.0, 1.0, 1.02e5, Label.WEAK),           # B1
        (98.0, -6.0, 1.02e5, Label.SPOT_SELLS),     # B12
        (102.0, 6.0, 1.02e5, Label.SPOT_BUYS),
    ],
)
def test_a_planted_leg_gets_its_label(end, premium, contracts, expected):
    table = draw([(0, 100.0, 0.0, 1e5), (30, 100.0, 0.0, 1e5), (90, end, premium, contracts), (110, end, premium, contracts)])
    *_, (legs, got, _) = walk(table)
    assert Label(got) == expected
    if abs(premium) == 6.0:
        assert legs.now.trend * premium > 0.9 * 6.0


# ---------------------------------------------------------------- D11, D12


def five_doors(retrace=0.55, last=106_600.0):
    """Up to 106,000 with a premium that stands still; drop, rise, drop; then on to `last`."""
    low = 106_000.0 - retrace * 2_000.0
    return draw([
        (0, 104_000.0, 4.0, 1.00e5), (60, 104_000.0, 4.0, 1.00e5), (150, 106_000.0, 4.0, 1.00e5), (220, low, 10.0, 1.01e5),
        (290, 105_900.0, 4.0, 1.02e5), (360, 104_900.0, 10.0, 1.03e5), (520, last, 4.0, 1.03e5),
    ])  # fmt: skip


def test_doors_are_counted_from_the_anchor():
    drawing, count, anchors = [], [], set()
    for _, _, game in walk(five_doors()):
        drawing.append(int(game.drawing))
        count.append(int(game.count))
        anchors |= {float(game.anchor.price)} if not missing(game.anchor.log) else set()
    assert anchors == {106_000.0}
    # each door is drawn once the leg before is confirmed and it has come far enough; forgotten where a new high held for 3 closes
    assert [v for _, v in changes(drawing)] == [0, 1, 2, 3, 4, 0]
    assert [v for _, v in changes(count)] == [0, 1, 2, 3, 0]


RETRACES = [(0.1, False), (0.25, False), (0.3, False), (0.4, True), (1.4, True), (1.6, False), (2.0, False)]


@pytest.mark.parametrize(("retrace", "counted"), RETRACES)
def test_a_leg_outside_the_retrace_band_is_no_door(retrace, counted):
    """B17. Door 1 takes back a share of the impulse; looked at until its end is confirmed."""
    games = [int(game.count) for _, _, game in walk(five_doors(retrace))]
    assert max(games[:280]) == counted


@pytest.mark.parametrize(("anchor_bp", "anchor_min", "anchored"), [(150.0, 180.0, True), (200.0, 180.0, False), (150.0, 80.0, False)])
def test_an_anchor_is_large_and_quick(anchor_bp, anchor_min, anchored):
    anchors = [game.anchor.log for _, _, game in walk(five_doors(), anchor_bp=anchor_bp, anchor_min=anchor_min)]
    assert any(not missing(x) for x in anchors) == anchored


UP_TO_106 = [(0, 104_000.0, 4.0, 1.00e5), (60, 104_000.0, 4.0, 1.00e5), (150, 106_000.0, 4.0, 1.00e5)]


def game(*after, minutes=1, **limits):
    """(counts, anchors) of the game over the impulse to 106,000 and what follows: (minute, price, premium) each."""
    knots = [*UP_TO_106, *((minute, price, premium, 1.01e5) for minute, price, premium in after)]
    seen = [(int(doors.count), float(doors.anchor.price)) for _, _, doors in walk(draw(knots, minutes), **limits)]
    return [count for count, _ in seen], [anchor for _, anchor in seen]


def test_the_first_door_is_a_drop():
    """A drop too small to count, and a rise that would be large enough: the rise is no door, the next drop is."""
    counts, _ = game((200, 105_320.0, 10.0), (250, 106_090.0, 4.0), (300, 105_200.0, 10.0), (340, 105_800.0, 4.0))
    assert [v for _, v in changes(counts)] == [0, 1]
    assert counts.index(1) + 1 > 300


def test_a_rise_that_ends_above_the_anchor_is_no_door():
    """106,300 for one minute is no new high that holds, and no second door either."""
    spike = [(289, 105_500.0, 6.0), (291, 106_300.0, 4.0), (293, 105_500.0, 4.0)]
    counts, anchors = game((220, 105_000.0, 10.0), *spike, (340, 105_000.0, 4.0))
    assert (max(counts), anchors[-1]) == (1, 106_000.0)


@pytest.mark.parametrize(("door_min", "most"), [(69.0, 0), (70.0, 1)])
def test_a_door_comes_soon(door_min, most):
    assert max(game((220, 105_000.0, 10.0), (260, 105_600.0, 4.0), door_min=door_min)[0]) == most


def test_far_below_the_anchor_the_game_is_over():
    _, anchors = game((400, 101_700.0, 10.0), (420, 101_900.0, 10.0), (440, 101_800.0, 10.0))
    last = max(i + 1 for i, x in enumerate(anchors) if not missing(x))
    assert np.interp([last, last + 1], [150, 400], [106_000.0, 101_700.0]) == pytest.approx([106_000.0 * math.exp(-0.04)] * 2, abs=20.0)


def test_after_two_days_the_game_is_over():
    _, anchors = game((220, 105_000.0, 10.0), (150 + 49 * 60, 105_000.0, 10.0), minutes=5)
    known = [(i + 1) * 5 for i, x in enumerate(anchors) if not missing(x)]
    assert known[-1] == 150 + 48 * 60


def test_a_lower_impulse_does_not_move_the_anchor():
    """No leg is a door here, for none comes within 30 minutes."""
    counts, anchors = game((220, 104_000.0, 4.0), (300, 105_500.0, 4.0), (340, 105_000.0, 4.0), door_min=30.0)
    assert (max(counts), anchors[-1]) == (0, 106_000.0)


def test_leverage_makes_no_anchor():
    table = draw([(0, 104_000.0, 10.0, 1e5), (60, 104_000.0, 10.0, 1e5), (150, 106_000.0, 4.0, 1.02e5), (220, 105_000.0, 10.0, 1.03e5)])
    assert all(missing(game.anchor.log) for _, _, game in walk(table))


# ---------------------------------------------------------------- D19, open interest, flow


@pytest.mark.parametrize(("rate", "interval_h"), [(3.653e-5, 8.0), (3.653e-5 / 2, 4.0), (3.653e-5 / 8, 1.0)])
def test_four_percent_a_year(rate, interval_h):
    f = record(Funding)
    see_all(f, see_funding_rate, settlements(rate, 1, interval_h))
    assert round(f.annual, 4) == 0.04
    assert (is_healthy(f, 0.0, 0.1095), is_healthy(f, 0.05, 0.1095)) == (True, False)


def test_funding_without_an_interval_is_unknown():
    f = record(Funding)
    see_all(f, see_funding_rate, settlements(1e-4, 1))
    row = settlements(1e-4, 1)
    row["interval_h"] = NAN
    see_all(f, see_funding_rate, row)
    assert missing(f.annual)
    assert not is_healthy(f, -1.0, 1.0)


@pytest.mark.parametrize("minutes", [5, 60])
def test_open_interest_of_a_day_is_found_by_time(minutes):
    hours = np.arange(0, 30 * 60, minutes) / 60.0
    f = record(OpenInterest)
    seen = see_all(f, see_contracts, contracts(1000.0 - hours, minutes))
    known = [h for h, x in zip(hours, seen, strict=True) if not missing(x.change_day)]
    assert known[0] == 24.0
    at_full_hours = [x.change_day for h, x in zip(hours, seen, strict=True) if h in (24.0, 29.0)]
    assert at_full_hours == pytest.approx([976.0 / 1000.0 - 1.0, 971.0 / 995.0 - 1.0])


def test_open_interest_in_base_falls_while_dollars_rise():
    """A7. Price +10 %, contracts -3 %: dollars of open interest rise, the feature says -3 %."""
    f = record(OpenInterest)
    see_all(f, see_contracts, contracts([100.0] + [99.0] * 23 + [97.0], 60))
    assert 97.0 * 110.0 > 100.0 * 100.0
    assert f.change_day == pytest.approx(-0.03)


def test_open_interest_faults():
    f = record(OpenInterest)
    see_all(f, see_contracts, contracts([100.0, 0.0, NAN], 5))
    assert f.qty == 100.0
    age_contracts(f, START + 3 * HOUR)
    assert f.qty == 100.0
    age_contracts(f, START + 3 * HOUR + 1)
    assert missing(f.qty)


def flow_of(closes, bought, minutes=5):
    f = record(Flow)
    return see_all(f, see_flow, bars(closes, minutes, taker_buy=bought))


def test_flow_is_the_takers_net_share_of_a_day():
    """A8. Takers buy 52 of 100: net 4 %. Known once 24 full hours are."""
    seen = flow_of(np.full(12 * 26, 100.0), 0.52)
    assert [round(f.cvd, 6) if not missing(f.cvd) else None for f in seen[12 * 24 - 2 : 12 * 24 + 1]] == [None, 0.04, 0.04]
    assert flow_of(np.full(12 * 25, 100.0), 0.5)[-1].cvd == pytest.approx(0.0)
    assert missing(flow_of(np.full(12 * 25, 100.0), NAN)[-1].cvd)


def test_flow_is_compared_with_its_own_month():
    bought = np.full(12 * 24 * 9, 0.48)
    bought[-12 * 24 :] = 0.50
    seen = flow_of(np.full(len(bought), 100.0), bought)
    assert (round(seen[-1].cvd, 6), round(seen[-1].excess, 6)) == (0.0, 0.04)
    assert missing(seen[12 * (24 + 167) - 2].excess)
    assert not missing(seen[12 * (24 + 167) - 1].excess)


def test_a_missing_hour_makes_the_day_unknown():
    closes = np.linspace(100.0, 101.0, 12 * 60)
    whole = bars(closes, 5)
    f = record(Flow)
    seen = see_all(f, see_flow, np.concatenate([whole[: 12 * 30], whole[12 * 31 :]]))
    hours = [(x.hour - START // HOUR, missing(x.cvd), missing(x.rise)) for x in seen[11::12]]
    assert {h for h, cvd, _ in hours if cvd} == set(range(23)) | set(range(31, 54))
    assert {h for h, _, rise in hours if rise} == set(range(24)) | {54}


@pytest.mark.parametrize(("gone", "known"), [(2, True), (3, False)])
def test_an_hour_counts_with_fifty_minutes(gone, known):
    whole = bars(np.full(12 * 25, 100.0), 5, taker_buy=0.52)
    f = record(Flow)
    see_all(f, see_flow, np.concatenate([whole[: 12 * 20], whole[12 * 20 + gone :]]))
    assert missing(f.cvd) != known


def test_steady_climb_and_noise_of_equal_return():
    """A1. Both paths rise 1 % in a day."""
    hour = np.arange(1, 26)
    steady = np.exp(0.01 * hour / 24)
    noisy = steady * np.exp(np.where(hour % 2 == 0, 0.004, 0.0))
    noisy[-1], noisy[0] = steady[-1], steady[0]
    efficiency = [flow_of(100.0 * path, 0.5, 60)[-1] for path in (steady, noisy)]
    assert [f.rise for f in efficiency] == pytest.approx([0.01, 0.01])
    assert efficiency[0].efficiency == pytest.approx(1.0)
    assert efficiency[1].efficiency < 0.15
    assert flow_of(np.full(26, 100.0), 0.5, 60)[-1].efficiency == 0.0


# ---------------------------------------------------------------- D23, A18


def support_of(hourly, level=92_000.0):
    """The support's record after each hour of one-hour bars (low, close); a list of (holds, broken, push)."""
    table = bars([close for _, close in hourly], 60)
    table["low"] = [low for low, _ in hourly]
    table["high"] = table["close"]
    f = record(Support)
    start_support(f, level, 0.0025, 3)
    return [(bool(x.holds), bool(x.broken), bool(x.push)) for x in see_all(f, see_support, table)]


ABOVE = [(92_100.0, 92_100.0)] * 13


def test_support_holds_through_a_wick_and_breaks_on_three_closes():
    """A15. A wick to 91,500 that closes at 92,100 is nothing; the third close in a row below 91,770 is a break."""
    wick, low, back = (91_500.0, 92_100.0), (91_700.0, 91_760.0), (92_000.0, 92_000.0)
    seen = support_of([*ABOVE, wick, low, low, back, low, low, low, *[back] * 13])
    assert [holds for holds, _, _ in seen] == [False] * 12 + [True] * 7 + [False] * 13 + [True]
    assert [broken for _, broken, _ in seen] == [False] * 19 + [True] + [False] * 13


@pytest.mark.parametrize(("close", "broken"), [(91_080.0, False), (91_079.0, True)])
def test_one_deep_close_breaks(close, broken):
    assert support_of([*ABOVE, (close, close)])[-1][1] == broken


def test_push_needs_a_price_above_every_price_since():
    """A16. The equal of the high is no push, nor is 4 bp more."""
    top = 92_500.0
    closes = [92_100.0, top, 92_200.0, top, top * 1.0004, 92_600.0]
    assert [push for _, _, push in support_of([(c, c) for c in closes])] == [False, True, False, False, False, True]


def test_a_level_never_reached_never_holds_and_none_is_off():
    below = [(90_000.0, 90_000.0)] * 20
    assert set(support_of(below)) == {(False, False, False)}
    assert set(support_of([*ABOVE, *below], NAN)) == {(False, False, False)}


def test_prudent_size():
    """A18. Risk binds where the stop is far, leverage where it is near; a stop above the price buys nothing."""
    assert [prudent_qty(10_000.0, 100.0, stop, 0.01, 3.0) for stop in (90.0, 99.9, 100.0, 101.0)] == [10.0, 300.0, 0.0, 0.0]
    assert prudent_qty(-5.0, 100.0, 90.0, 0.01, 3.0) == 0.0


# ---------------------------------------------------------------- real data


@pytest.mark.real_data
def test_the_unit_of_real_years(real_data):
    """Measured before this code was there: u = 0.99, 0.98, 0.86 bp in 2023, 2024 and the first quarter of 2025."""
    import pandas as pd

    tables = (pd.read_parquet(real_data / f"btcusdt_{role}_5m.parquet").set_index("ts") for role in ("spot", "perp"))
    spot, perp = (table["close"] for table in tables)
    spot, perp = spot.align(perp, join="inner")
    median = (1e4 * np.log(spot / perp)).rolling(3).median()
    hourly = median[(median.index.minute == 55) & median.notna()]
    f, units = record(PremiumMoves), []
    for close, x in zip(hourly.index.as_unit("ns").asi8 + 5 * MINUTE, hourly.to_numpy(), strict=True):
        see_premium_moves(f, close, x)
        units.append(f.unit)
    by_year = pd.Series(units, hourly.index).groupby(hourly.index.year).median()
    assert by_year.tolist() == pytest.approx([0.99, 0.98, 0.86], rel=0.07)


@pytest.mark.parametrize("count", [200, 719, 1500])
def test_ranks_are_shares_and_quantiles_of_the_last_month(count):
    f, values = record(Month), np.random.default_rng(count).normal(size=count).round(1)
    for x in values:
        slide(f, x, MONTH)
    last = np.sort(values[-MONTH:])
    for x in (-9.0, -0.5, 0.0, 0.3, 9.0):
        assert rank(f, x, MONTH) == np.mean(last <= x)
    for q in (0.0, 0.2, 0.9, 1.0):
        assert quantile(f, q, MONTH) == last[min(int(q * len(last)), len(last) - 1)]
    assert missing(rank(f, NAN, MONTH))


def test_a_rank_needs_a_week():
    f = record(Month)
    for x in range(ENOUGH - 1):
        slide(f, float(x), MONTH)
    assert missing(rank(f, 3.0, MONTH))
    assert missing(quantile(f, 0.5, MONTH))
    slide(f, 0.0, MONTH)
    assert rank(f, 0.0, MONTH) == 2 / ENOUGH
