"""Who is behind a move: small prints, the crowd, the spot main force, large takers before a burst, and what a leg liquidated."""

import math

import numpy as np
import pytest
from drive import MINUTE, START, bars
from moments import causal, same_compiled

from backtester.features.attribution import Attribution, see_attributed, see_attribution
from backtester.features.basic import HOUR, NAN, missing
from backtester.features.bursts import Bursts, age_bursts, see_burst_liquidation, see_burst_trade, start_bursts
from backtester.features.clean import Clean, see_clean
from backtester.features.crowd import Crowd, age_crowd, see_crowd, start_crowd
from backtester.features.leg_counts import LegCounts, see_leg_counts
from backtester.features.legs import Legs, see_legs, start_legs
from backtester.features.main_force import Basis, MainForce, see_main_force, see_spot_print, start_main_force
from backtester.features.premium import Premium
from backtester.features.retail import Retail, see_retail_close, see_retail_trade, start_retail
from backtester.features.slots import Slots, add_slot, at_slot, last_slots
from backtester.fields import initial
from backtester.records import LIQUIDATION, LONG_SHORT_RATIO, TRADE_PRINT, rows


def record(cls):
    """A feature's record at its start."""
    return initial(cls)[0]


def prints(at_min, usd, side=1.0, price=100.0, kind=TRADE_PRINT):
    """Prints (or liquidations) of so many quote at minutes after the start."""
    out = rows(kind, len(at_min))
    out["ts_event"] = out["ts_known"] = START + (np.asarray(at_min, dtype=float) * MINUTE).astype("i8")
    out["side"], out["qty"], out["price"] = side, np.asarray(usd, dtype=float) / price, price
    return out


# ---------------------------------------------------------------- shared: slots


def test_slots_are_sums_found_by_their_number():
    f, rng, seen = record(Slots), np.random.default_rng(1), {}
    slot = 1000
    for _ in range(500):
        slot += int(rng.choice([0, 0, 1, 5, 70], p=[0.4, 0.3, 0.2, 0.09, 0.01]))
        x = float(rng.integers(1, 9))
        seen[slot] = seen.get(slot, 0.0) + x
        add_slot(f, slot, x)
        assert last_slots(f, slot, 12) == sum(seen.get(slot - k, 0.0) for k in range(12))
        assert at_slot(f, slot - 3) == seen.get(slot - 3, 0.0)


def test_what_comes_too_late_belongs_nowhere():
    f = record(Slots)
    for slot in (1000, 936, 999):
        add_slot(f, slot, 1.0)
    assert [at_slot(f, slot) for slot in (1000, 999, 936)] == [1.0, 1.0, 0.0]


# ---------------------------------------------------------------- D6


def retail_of(shares, q=0.6):
    """The record after each hour: 12 prints an hour, small ones worth the given share of a million."""
    f, out = record(Retail), []
    start_retail(f, 10_000.0, q)
    for hour, share in enumerate(shares):
        at = 60 * hour + 5.0 * np.arange(12)
        for x in (*prints(at, np.full(12, 9_999.0 * share)), *prints(at, np.full(12, 10_000.0))):
            see_retail_trade(f, x)
        see_retail_close(f, START + (hour + 1) * HOUR)
        out.append(f.copy())
    return out


def test_retail_is_the_share_of_small_prints_against_its_own_month():
    """B15. A print of 10,000 is not small; the quantile is of the last 720 hours, known from a week on, and leaves out the newest."""
    small = np.concatenate([np.random.default_rng(4).uniform(0.1, 0.9, 800).round(3), [0.95, 0.05]])
    seen = retail_of(small)
    share = small * 9_999.0 / (small * 9_999.0 + 10_000.0)
    assert [f.share for f in seen] == pytest.approx(share.tolist())
    assert [missing(f.usual) for f in seen] == [True] * 168 + [False] * 634
    for hour in (168, 500, 801):
        month = np.sort(share[max(0, hour - 720) : hour])
        assert seen[hour].usual == pytest.approx(month[int(0.6 * len(month))])
        assert seen[hour].rank == pytest.approx(np.mean(month <= share[hour] + 1e-12))
    assert (seen[800].confirmed, seen[801].confirmed) == (1.0, 0.0)
    assert missing(seen[100].confirmed)


def test_retail_looks_back_an_hour_at_any_close():
    f = record(Retail)
    for x in prints([0.0, 30.0, 59.9], [1_000.0, 1_000.0, 30_000.0]):
        see_retail_trade(f, x)
    shares = []
    for minute in (60, 65, 90, 95, 115, 120):
        see_retail_close(f, START + minute * MINUTE)
        shares.append(None if missing(f.share) else round(float(f.share), 4))
    assert shares == [0.0625, 0.0323, 0.0323, 0.0, 0.0, None]


def ratios(accounts, tops, minutes=5):
    out = rows(LONG_SHORT_RATIO, len(accounts))
    out["ts_event"] = START + np.arange(len(accounts)) * minutes * MINUTE
    out["accounts"], out["top_positions"] = accounts, tops
    return out


@pytest.mark.parametrize(
    ("accounts", "tops", "against"),
    [(0.8, 1.2, -1.0), (1.2, 0.8, 1.0), (1.2, 1.2, 0.0), (0.8, 0.8, 0.0), (1.0, 1.2, 0.0)],
)
def test_the_crowd_goes_against_the_top(accounts, tops, against):
    """B3. More accounts short while the top traders' positions go long: -1."""
    f = record(Crowd)
    start_crowd(f, 4)
    for x in ratios(np.linspace(1.0, accounts, 49), np.linspace(1.0, tops, 49)):
        assert missing(f.against)
        see_crowd(f, x)
    assert f.against == against
    assert (f.tilt, f.change, f.top_change) == pytest.approx((math.log(accounts), math.log(accounts), math.log(tops)))


@pytest.mark.parametrize("minutes", [5, 60])
def test_changes_of_the_crowd_are_found_by_time(minutes):
    n = 10 * 60 // minutes + 1
    accounts, tops = np.exp(np.random.default_rng(3).normal(0, 0.1, (2, n)))
    f = record(Crowd)
    for x in ratios(accounts, tops, minutes):
        see_crowd(f, x)
    before = 6 * 60 // minutes  # ten hours, looked at four hours later
    assert (f.change, f.top_change) == pytest.approx((math.log(accounts[-1] / accounts[before]), math.log(tops[-1] / tops[before])))


def test_ratios_that_are_none_and_old_ones():
    f = record(Crowd)
    for x in ratios([1.1, 0.0, NAN], [1.1, 1.0, 1.0]):
        see_crowd(f, x)
    assert f.tilt == pytest.approx(math.log(1.1))
    age_crowd(f, START + 3 * HOUR)
    assert not missing(f.tilt)
    age_crowd(f, START + 3 * HOUR + 1)
    assert missing(f.tilt)


# ---------------------------------------------------------------- D14


def force_of(bought, large=None, minutes=60):
    """(force, z, source) after each hour: takers buy the given share of spot; large prints net the given share of all prints."""
    table = bars(np.full(len(bought) * 60 // minutes, 100.0), minutes)
    table["taker_buy"] = np.repeat(bought, 60 // minutes)
    f, out = record(MainForce), []
    start_main_force(f, 100_000.0, 1.0)
    for k, bar in enumerate(table):
        hour = k * minutes // 60
        if large is not None and k * minutes % 60 == 0:
            net = 5e5 * large[hour]
            whale = prints([60 * hour + 7], [abs(net)], math.copysign(1.0, net))
            for x in (*whale, *prints(60 * hour + np.arange(6), np.full(6, (5e5 - abs(net)) / 6))):
                see_spot_print(f, x)
        see_main_force(f, bar)
        if bar.ts_close % HOUR == 0:
            out.append((float(f.force), float(f.z), Basis(f.source).name))
    return out


def test_large_spot_purchases_are_the_main_force():
    """B13. Large takers buy on spot while all takers sell: +1; z against the 720 hours before, known from a week on."""
    rng = np.random.default_rng(6)
    large = np.concatenate([rng.choice([-1.0, 1.0], 740) * rng.uniform(0.2, 0.4, 740), [0.6, -0.6, 0.0]])
    seen = force_of(np.full(743, 0.3), large)
    assert [force for force, _, _ in seen[-3:]] == [1.0, -1.0, 0.0]
    assert {source for _, _, source in seen[168:]} == {"PRINTS"}
    assert [missing(z) for _, z, _ in seen] == [True] * 168 + [False] * 575
    for hour in (168, 500, 740):
        month = large[max(0, hour - 720) : hour]
        assert seen[hour][1] == pytest.approx((large[hour] - month.mean()) / month.std())


@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_without_prints_the_takers_of_the_bars_stand_in(minutes):
    bought = np.concatenate([np.random.default_rng(7).uniform(0.4, 0.6, 170), [0.9, 0.1, 0.5, NAN]])
    seen = force_of(bought, minutes=minutes)
    assert [force for force, _, _ in seen[170:173]] == [1.0, -1.0, 0.0]
    assert [source for _, _, source in seen[167:170]] == ["UNKNOWN", "BARS", "BARS"]
    assert missing(seen[173][0])
    bias = 2.0 * bought - 1.0
    assert seen[170][1] == pytest.approx((bias[170] - bias[:170].mean()) / bias[:170].std())


def test_small_prints_alone_are_no_force():
    f = record(MainForce)
    for x in prints([1, 2], [99_999.0, 99_999.0]):
        see_spot_print(f, x)
    see_main_force(f, bars([100.0], 60)[0])
    assert (f.prints.bias, f.bars.bias) == (0.0, 0.0)  # takers of the bar bought a half
    assert missing(f.force)


# ---------------------------------------------------------------- A11, B18


def burst_of(before, side=-1.0, usd=(4e6, 7e6), at=(61.0, 70.0)):
    """The record after large and small prints (minute, quote, side) and then liquidations at minutes `at`."""
    f = record(Bursts)
    start_bursts(f, 10e6, 100_000.0, 0.05)
    small = prints(np.arange(0.0, 60.0), np.full(60, 50_000.0))
    for x in (*small, *(p for minute, notional, way in before for p in prints([minute], [notional], way))):
        see_burst_trade(f, x)
    for x in prints(at, usd, side, kind=LIQUIDATION):
        see_burst_liquidation(f, x)
    return f


@pytest.mark.parametrize(
    ("before", "blamed"),
    [
        ([(45, 200_000.0, 1.0)], 1.0),                          # large purchases in the half hour before
        ([], 0.0),                                              # nothing large
        ([(45, 200_000.0, -1.0)], 0.0),                         # large sales
        ([(45, 200_000.0, 1.0), (50, 200_000.0, -1.0)], 0.0),   # both
        ([(45, 90_000.0, 1.0), (50, 90_000.0, 1.0)], 0.0),      # none of them large
        ([(20, 200_000.0, 1.0)], 0.0),                          # earlier than that
        ([(65, 900_000.0, 1.0)], 0.0),                          # after it had begun
    ],
)  # fmt: skip
def test_large_purchases_before_a_burst(before, blamed):
    """A11. The burst's first liquidation came at minute 61; by minute 70 it is one."""
    f = burst_of(before)
    assert (f.by_buyers, f.count, f.judged, f.blamed) == (blamed, 1, 1, int(blamed))
    assert f.start - START // MINUTE == 61


def test_what_is_no_burst():
    assert burst_of([], usd=(4e6, 5e6)).count == 0          # too little
    assert burst_of([], at=(61.0, 76.0)).count == 0         # too slow
    assert burst_of([], at=(61.0, 75.0)).count == 1
    assert burst_of([], side=1.0).count == 0                # longs
    without = burst_of([], at=(161.0, 170.0))               # no prints in the half hour before
    assert missing(without.by_buyers)
    assert (without.count, without.judged) == (1, 0)


def test_a_burst_ends_and_another_begins():
    f, running = burst_of([]), []
    for minute in (71, 75, 76, 90):
        age_bursts(f, START + minute * MINUTE)
        running.append(bool(f.running))
    assert running == [True, True, False, False]
    for x in prints([95.0, 96.0], [20e6, 20e6], -1.0, kind=LIQUIDATION):
        see_burst_liquidation(f, x)
    assert f.count == 2


ZIGZAG = [(0, 100.0), (30, 100.0), (60, 101.0), (90, 100.0), (120, 101.5), (150, 100.5)]


def legs_of(f, see, totals=lambda _: ()):
    """[(minute, direction, what stands, what the last leg had)] at every confirmation along a zigzag of 1 % legs."""
    legs, premium, out = record(Legs), record(Premium), []
    start_legs(legs, 40.0, 2.0, 15.0, 0.6)
    at, price = np.array(ZIGZAG).T
    table = bars(np.interp(np.arange(1, 151), at, price))
    for minute, bar in enumerate(table, 1):
        totals(minute)
        see_legs(legs, bar, premium, NAN, 0.0002)
        see(f, legs, minute)
        if legs.turned:
            out.append((minute, float(legs.done.direction)))
    return legs, out


def test_counts_of_legs():
    """A total that grows by 1 (longs) and 2 (shorts) a minute: a leg's counts are its minutes; the provisional leg counts too."""
    f, done, now = record(LegCounts), [], []

    def see(f, legs, minute):
        see_leg_counts(f, legs, float(minute), 2.0 * minute)
        if legs.turned:
            done.append((float(f.done.longs), float(f.done.shorts), float(legs.done.minutes)))
        if legs.direction != 0.0:
            assert (f.now.longs, f.now.shorts) == (legs.now.minutes, 2.0 * legs.now.minutes)
            now.append(legs.now.direction != legs.direction)
        else:
            assert missing(f.now.longs)

    legs_of(f, see)
    assert done == [(30.0, 60.0, 30.0)] * 3
    assert 5 < sum(now) < 30


def test_liquidations_belong_to_legs():
    """B18. Shorts liquidated at minutes 45 and 50, on the way up; longs at 70 and 85, on the way down; shorts on the next way up."""
    forced = {45: (-1.0, 2e6), 50: (-1.0, 3e6), 70: (1.0, 4e6), 85: (1.0, 1e6), 88: (-1.0, 1e6), 110: (-1.0, 7e6)}
    f, seen = record(Attribution), []

    def add(minute):
        if minute in forced:
            see_attributed(f, prints([minute], [forced[minute][1]], forced[minute][0], kind=LIQUIDATION)[0])

    def see(f, legs, _):
        see_attribution(f, legs)
        if legs.turned:
            seen.append([round(float(x) / 1e6, 2) for x in (f.legs.done.longs, f.legs.done.shorts)] + [float(f.shorts_share)])

    _, confirmed = legs_of(f, see, add)
    # the feed's first row came in the first leg: what that leg liquidated is unknown
    assert [direction for _, direction in confirmed] == [1.0, -1.0, 1.0]
    assert all(missing(x) for x in seen[0])
    assert seen[1:] == [[5.0, 1.0, pytest.approx(1.0 / 6.0)], [0.0, 7.0, 1.0]]
    assert (f.legs.now.longs, f.legs.now.shorts) == (0.0, 0.0)


def test_without_a_feed_nothing_is_known():
    f = record(Attribution)
    legs_of(f, lambda f, legs, _: see_attribution(f, legs))
    assert missing(f.legs.now.longs)
    assert missing(f.legs.done.shorts)
    assert missing(f.shorts_share)


# ---------------------------------------------------------------- all of them together


class Forces:
    legs: Legs
    premium: Premium
    retail: Retail
    crowd: Crowd
    force: MainForce
    bursts: Bursts
    attribution: Attribution
    clean: Clean


def begin_forces(f):
    start_legs(f.legs, 40.0, 2.0, 15.0, 0.6)
    start_retail(f.retail, 20_000.0, 0.6)
    start_crowd(f.crowd, 4)
    start_main_force(f.force, 100_000.0, 1.0)
    start_bursts(f.bursts, 4e6, 50_000.0, 0.05)


def feed_forces(f, m):
    see_retail_trade(f.retail, m.trade)
    see_retail_close(f.retail, m.perp.ts_close)
    see_crowd(f.crowd, m.ratio)
    age_crowd(f.crowd, m.perp.ts_close)
    see_spot_print(f.force, m.spot_trade)
    see_main_force(f.force, m.spot)
    see_burst_trade(f.bursts, m.trade)
    see_burst_trade(f.bursts, m.spot_trade)
    see_burst_liquidation(f.bursts, m.liquidation)
    age_bursts(f.bursts, m.perp.ts_close)
    see_legs(f.legs, m.perp, f.premium, m.contracts.qty, 0.0005)
    see_attributed(f.attribution, m.liquidation)
    see_attribution(f.attribution, f.legs)
    see_clean(f.clean, m.perp.ts_close, m.contracts.qty, m.funding.rate)


FORCES = (Forces, begin_forces, feed_forces)


def test_plain_and_compiled_are_the_same_bytes():
    same_compiled(FORCES)


def test_a_feature_of_a_prefix_is_the_prefix_of_the_feature():
    causal(FORCES)
