"""The map of liquidation levels and what is read from it, on markets drawn by hand and against an eager map."""

import math

import numpy as np
import pytest
from drive import MINUTE, START, bars, contracts, draw
from moments import causal, same_compiled

from backtester.features.basic import HOUR, NAN, missing, ramp
from backtester.features.ceiling import Ceiling, Top, see_ceiling, see_ceiling_flush, see_ceiling_levels, start_ceiling
from backtester.features.clean import Clean, see_clean
from backtester.features.flush import Flush, age_flush, see_consumed, see_forced
from backtester.features.fuel import (
    FAST,
    LEVERAGE,
    MIX,
    Fuel,
    age_fuel,
    assume_takers,
    read_fuel,
    see_fuel_bar,
    see_fuel_contracts,
    start_fuel,
)
from backtester.features.initiative import Battle, Initiative, see_initiative, start_initiative
from backtester.features.intensity import Intensity, see_intensity
from backtester.features.labels import Label, RequireOi, label
from backtester.features.legs import Legs, see_legs, start_legs
from backtester.features.levels import STEP, Levels, add_long, add_short, live, longs_at, recentre, shorts_at, start_levels
from backtester.features.momentum import Momentum, see_momentum, start_momentum
from backtester.features.open_interest import OpenInterest, age_contracts, see_contracts
from backtester.features.pi_doors import PiDoors, Shape, see_pi_doors
from backtester.features.premium import Premium, Source, see_premium, start_premium
from backtester.features.volatility import Volatility, see_volatility, start_volatility
from backtester.fields import initial
from backtester.records import LIQUIDATION, rows


def record(cls):
    """A feature's record at its start."""
    return initial(cls)[0]


def new_fuel(half_life_h=24.0, tilt=0.0, dist=0.02):
    f = record(Fuel)
    start_fuel(f, dist, 0.60, 0.15, half_life_h, tilt, 0.004)
    return f


def feed(f, table, qty):
    """Bar by bar, each followed by its row of open interest at its close."""
    interest = contracts(qty, 5)
    interest["ts_event"] = interest["ts_known"] = table["ts_close"]
    for bar, x in zip(table, interest, strict=True):
        see_fuel_bar(f, bar)
        see_fuel_contracts(f, x)
    return f


def added(f):
    return float((f.levels.added_long + f.levels.added_short).sum())


def accounted(f):
    m = f.levels
    return live(m) + float((m.consumed_long + m.consumed_short + m.decayed + m.scaled + m.forgotten).sum())


def stored(f):
    """All that the rings hold, base, summed up again."""
    return float(np.sum((f.levels.longs + f.levels.shorts) * f.levels.scale[:, None]))


def drift(bought, first=92_000.0, last=91_560.0, rows=13):
    """An hour in which open interest grows by 0.2 % per 5 minutes while the price drifts; takers buy the share `bought`."""
    return feed(new_fuel(), bars(np.linspace(first, last, rows), 5, taker_buy=bought), 80_000.0 * 1.002 ** np.arange(rows))


# ---------------------------------------------------------------- D7


def test_new_contracts_stand_at_their_liquidation_prices():
    """One long and one short a contract: 60 % of the takers', 15 % of the makers' side leveraged, eight leverages, 5 bp buckets."""
    f = feed(new_fuel(), bars([100.0, 100.0], 5, taker_buy=1.0), [1000.0, 1010.0])
    found = {"short": [], "long": []}
    here = math.floor(math.log(100.0) / STEP)
    for b in range(here - 600, here + 600):
        for side, at in (("short", shorts_at), ("long", longs_at)):
            if at(f.levels, b) > 0.0:
                found[side].append((round(100.0 * math.expm1((b - here + 0.5) * STEP), 1), round(float(at(f.levels, b)), 4)))
    assert found == {
        "long": [(-19.6, 0.6), (-9.6, 1.2), (-4.6, 1.2), (-3.6, 0.9), (-1.6, 1.2), (-0.9, 0.3), (-0.6, 0.48), (-0.4, 0.12)],
        "short": [(0.4, 0.03), (0.6, 0.12), (0.9, 0.075), (1.6, 0.3), (3.6, 0.225), (4.6, 0.3), (9.6, 0.3), (19.5, 0.15)],
    }


def test_takers_who_sell_put_fuel_above():
    """B4. Takers sell 70 %: more fuel above than below, and little more, for every contract has two sides."""
    f = drift(0.3)
    assert f.up > f.down > 0.0
    assert 0.10 < f.imbalance < 0.30
    assert (f.up_share, f.down_share) == pytest.approx((f.up / (f.qty * 91_560.0), f.down / (f.qty * 91_560.0)))
    assert accounted(f) == pytest.approx(added(f), rel=1e-12)
    sweep = bars([93_100.0], 5, start=f.ts)
    sweep["low"] = sweep["close"]
    see_fuel_bar(f, sweep[0])
    assert f.levels.consumed_short.sum() == pytest.approx(f.taken_short / 93_100.0)
    assert f.taken_short / 93_100.0 > 100.0
    assert f.taken_long == 0.0
    assert accounted(f) == pytest.approx(added(f), rel=1e-12)


def test_takers_who_buy_put_fuel_below():
    """B5, the mirror image."""
    f = drift(0.7, last=92_440.0)
    assert f.down > f.up > 0.0
    assert -0.30 < f.imbalance < -0.10
    see_fuel_bar(f, bars([92_440.0], 5, low=91_000.0)[0])
    assert f.taken_long / 92_440.0 > 100.0
    assert f.taken_short == 0.0


def test_takers_of_both_kinds_load_both_sides_alike():
    f = drift(0.5, last=92_000.0)
    assert abs(f.imbalance) < 0.02
    assert f.levels.added_long.sum() == pytest.approx(f.levels.added_short.sum())


@pytest.mark.parametrize(("hours", "rest"), [(24, 0.35 * 0.5 + 0.65 * 0.5 ** (1 / 3)), (72, 0.35 / 8 + 0.65 / 2)])
def test_high_leverage_fades_in_a_day_and_the_rest_in_three(hours, rest):
    """B16. No more contracts: after a half-life half of the positions of 50x and more are left."""
    f = feed(new_fuel(), bars(np.full(hours + 2, 100.0), 60), [1000.0] + [1010.0] * (hours + 1))
    assert live(f.levels) / added(f) == pytest.approx(rest)
    assert f.levels.mass[0] * f.levels.scale[0] / (0.35 * added(f)) == pytest.approx(0.5 ** (hours / 24))
    assert f.levels.decayed.sum() == pytest.approx(added(f) - live(f.levels))
    assert stored(f) == pytest.approx(live(f.levels))


@pytest.mark.parametrize(("after", "scaled"), [(990.0, 0.0), (900.0, 0.1), (1100.0, 0.0)])
def test_contracts_given_up_leave_the_map(after, scaled):
    """A fall of a tenth takes a tenth of every level; one that liquidations explain takes none."""
    table = bars([100.0, 100.0, 100.0], 5)
    if after == 990.0:
        table["low"][2] = 98.0  # takes the longs of 100x, 125x, 75x and 50x: 0.35 of 0.375 * 100
    f = feed(new_fuel(1e9), table, [900.0, 1000.0, after])
    before = 75.0
    assert f.levels.consumed_long.sum() == (pytest.approx(0.35 * 37.5) if after == 990.0 else 0.0)
    assert f.levels.scaled.sum() == pytest.approx(scaled * before, abs=1e-6)


def test_contracts_of_unknown_takers_are_not_placed():
    """Coverage is the placed share of new contracts; below 0.6 nothing is published."""
    table = bars(np.full(12, 100.0), 5)
    table["taker_buy"][6:] = NAN
    f, seen = new_fuel(1e9), []
    for k in range(12):
        feed(f, table[k : k + 1], [1000.0 + k])
        seen.append((round(f.coverage, 2) if not missing(f.coverage) else None, not missing(f.up)))
    assert seen[:6] == [(None, False)] + [(1.0, True)] * 5
    assert seen[6:] == [(0.83, True), (0.71, True), (0.62, True), (0.56, False), (0.5, False), (0.45, False)]
    assert added(f) == pytest.approx(5 * 0.75)


def test_takers_may_be_assumed():
    """Then the map is published, and coverage still says that nothing is known."""
    f, g = new_fuel(), new_fuel()
    assume_takers(f, 0.3)
    feed(f, bars(np.full(5, 100.0), 5, taker_buy=NAN), [1000.0, 1010.0, 1005.0, 1020.0, 1030.0])
    feed(g, bars(np.full(5, 100.0), 5, taker_buy=0.3), [1000.0, 1010.0, 1005.0, 1020.0, 1030.0])
    assert (f.up, f.down) == (g.up, g.down)
    assert (f.coverage, g.coverage) == (0.0, 1.0)


def test_a_bar_without_quote_volume_counts_with_its_middle():
    table = bars([100.0, 100.0], 5, quote_volume=NAN)
    table["high"], table["low"] = 105.0, 98.0
    f, g = (feed(new_fuel(), t, [1000.0, 1010.0]) for t in (table, bars([101.0, 101.0], 5)))
    assert np.array_equal(f.levels.shorts, g.levels.shorts)


def test_rows_and_bars_that_are_none():
    """Contracts of zero or NaN, halts, impossible prices: nothing happens, and the change waits for the next trade."""
    table = bars(np.full(6, 100.0), 5)
    table["volume"][1] = 0.0
    table["low"][2], table["high"][2] = NAN, math.inf
    f = feed(new_fuel(), table[:5], [1000.0, 1005.0, 1006.0, 0.0, NAN])
    assert (added(f), f.qty) == (0.0, 1000.0)
    feed(f, table[5:], [1010.0])
    assert added(f) == pytest.approx(0.75 * 10.0)


def test_an_old_row_says_nothing():
    f = drift(0.3)
    age_fuel(f, f.ts + 3 * HOUR)
    assert not missing(f.up)
    age_fuel(f, f.ts + 3 * HOUR + 1)
    assert all(missing(x) for x in (f.up, f.down, f.up_share, f.down_share, f.imbalance, f.cluster_up, f.cluster_down))


def test_a_tilted_mix_leans_to_high_leverage():
    weights = {tilt: new_fuel(tilt=tilt).weight.copy() for tilt in (-1.0, 0.0, 1.0)}
    assert weights[0.0].tolist() == pytest.approx(MIX)
    assert [w.sum() for w in weights.values()] == pytest.approx([1.0] * 3)
    fast = [w[:FAST].sum() for w in weights.values()]
    assert fast == sorted(fast)


class Eager:
    """The same map without any trick: a list of positions (side, bucket, base, half-life in hours), all of them touched every time."""

    def __init__(self, half_life_h):
        self.half_life_h = half_life_h
        self.positions, self.qty, self.ts, self.taken, self.since = [], None, 0, 0.0, []
        self.lost = {"consumed": 0.0, "decayed": 0.0, "scaled": 0.0}

    def lose(self, why, share):
        """Every position loses `share(position)` of itself."""
        rest = []
        for side, b, base, hours in self.positions:
            gone = share(side, b, hours)
            self.lost[why] += base * gone
            rest.append((side, b, base * (1.0 - gone), hours))
        self.positions = [p for p in rest if p[2] > 0.0]

    def bar(self, bar):
        top, bottom, before = math.floor(math.log(bar.high) / 5e-4), math.floor(math.log(bar.low) / 5e-4), self.lost["consumed"]
        self.lose("consumed", lambda side, b, _: 1.0 if (side < 0 and b <= top) or (side > 0 and b >= bottom) else 0.0)
        self.taken += self.lost["consumed"] - before
        self.since.append(bar)

    def row(self, x):
        if self.qty is not None:
            hours = (x.ts_event - self.ts) / HOUR
            self.lose("decayed", lambda side, b, half_life: 1.0 - 0.5 ** (hours / half_life))
            given_up = max(0.0, self.qty - x.qty - self.taken) / self.qty
            self.lose("scaled", lambda *_: given_up)
            if x.qty > self.qty:
                self.open(x.qty - self.qty)
        self.qty, self.ts, self.taken, self.since = x.qty, x.ts_event, 0.0, []

    def open(self, new):
        volume = sum(bar.volume for bar in self.since)
        entry, bought = sum(bar.quote_volume for bar in self.since) / volume, sum(bar.taker_buy for bar in self.since) / volume
        for side, share in ((1, bought), (-1, 1.0 - bought)):
            for leverage, weight in zip(LEVERAGE, MIX, strict=True):
                level = entry * (1.0 - side / leverage) / (1.0 - side * 0.004)
                hours = self.half_life_h * (1.0 if leverage >= 50.0 else 3.0)
                base = new * weight * (0.6 * share + 0.15 * (1.0 - share))
                self.positions.append((side, math.floor(math.log(level) / 5e-4), base, hours))

    def near(self, price):
        here = math.floor(math.log(price) / 5e-4)
        up = sum(base * math.exp((b + 0.5) * 5e-4) for side, b, base, _ in self.positions if side < 0 and 0 < b - here <= 40)
        down = sum(base * math.exp((b + 0.5) * 5e-4) for side, b, base, _ in self.positions if side > 0 and 0 < here - b <= 40)
        return up, down

    def cluster(self, price, side, share):
        """The nearest level ahead that holds so much of a side within reach."""
        here, held = math.floor(math.log(price) / 5e-4), {}
        for which, b, base, _ in self.positions:
            if which == side and 0 < -side * (b - here) <= 40:
                held[b] = held.get(b, 0.0) + base
        found = [b for b in sorted(held, key=lambda b: abs(b - here)) if held[b] >= share * sum(held.values())]
        return math.exp((found[0] + 0.5) * 5e-4) if found else NAN

    def pull(self, price, scale):
        here = math.floor(math.log(price) / 5e-4)
        levels = [(side, b, base * math.exp((b + 0.5) * 5e-4)) for side, b, base, _ in self.positions if 0 < -side * (b - here) <= 80]
        return sum(-side * usd * math.exp(-abs((b + 0.5) * 5e-4 - math.log(price)) / scale) for side, b, usd in levels) / (self.qty * price)


@pytest.mark.parametrize("half_life_h", [24.0, 0.25])
def test_the_map_is_the_eager_map(half_life_h):
    """600 random bars: with a quarter of an hour's half-life the factors must be multiplied in now and then."""
    rng = np.random.default_rng(5)
    close = 100.0 * np.exp(rng.normal(0.0, 0.004, 600).cumsum())
    table = bars(close, 5, volume=rng.uniform(1.0, 9.0, 600))
    table["high"] *= np.exp(rng.exponential(1e-3, 600))
    table["low"] *= np.exp(-rng.exponential(1e-3, 600))
    table["taker_buy"] = table["volume"] * rng.uniform(0.2, 0.8, 600)
    table["quote_volume"] = table["volume"] * close
    interest = contracts(1e5 * np.exp(rng.normal(0.0, 0.004, 600).cumsum()), 5)
    interest["ts_event"] = table["ts_close"]
    f, eager, pull, scales = new_fuel(half_life_h), Eager(half_life_h), record(Momentum), []
    start_momentum(pull, 0.008)
    for k, (bar, x) in enumerate(zip(table, interest, strict=True)):
        see_fuel_bar(f, bar)
        eager.bar(bar)
        if k % 3 == 0:
            see_fuel_contracts(f, x)
            see_momentum(pull, f)
            eager.row(x)
            scales.append(f.levels.scale[0])
            if k > 0 and not missing(f.up):
                assert (f.up, f.down) == pytest.approx(eager.near(bar.close), rel=1e-9, abs=1e-9)
                clusters = [eager.cluster(bar.close, side, 0.05) for side in (-1, 1)]
                assert [f.cluster_up, f.cluster_down] == pytest.approx(clusters, rel=1e-12, nan_ok=True)
                assert pull.value == pytest.approx(eager.pull(bar.close, 0.008), rel=1e-9, abs=1e-12)
    assert accounted(f) == pytest.approx(added(f), rel=1e-9)
    assert stored(f) == pytest.approx(live(f.levels), rel=1e-9)
    assert f.levels.consumed_long.sum() + f.levels.consumed_short.sum() == pytest.approx(eager.lost["consumed"], rel=1e-9)
    assert (f.levels.decayed.sum(), f.levels.scaled.sum()) == pytest.approx((eager.lost["decayed"], eager.lost["scaled"]), rel=1e-9)
    assert all(lost > 100.0 for lost in eager.lost.values())
    assert (max(scales[1:]) == 1.0) == (half_life_h == 0.25)


def test_the_ring_forgets_what_lies_half_of_it_away():
    """Three times the price: the levels of the old one are forgotten, not found at other prices."""
    f = drift(0.5, last=92_000.0)
    before = live(f.levels)
    up = bars(np.linspace(92_000.0, 280_000.0, 50), 5, start=int(f.ts))
    feed(f, up, np.full(50, f.qty))
    assert f.levels.forgotten.sum() > 0.3 * before
    assert (f.up, f.down) == (0.0, 0.0)
    assert stored(f) == pytest.approx(0.0, abs=1e-9)
    assert accounted(f) == pytest.approx(added(f), rel=1e-9)


@pytest.mark.parametrize("way", [1, -1])
def test_the_ring_keeps_its_last_bucket_and_forgets_the_next(way):
    """The middle follows 64 buckets behind; the ring holds 1,024 buckets below the middle, and 1,023 above it."""
    f = record(Levels)
    start_levels(f)
    recentre(f, 0)
    add_long(f, 1, (-1000.0 * way + 0.5) * STEP, 7.0)
    lost = []
    for middle in (23, 24, 25):
        recentre(f, way * (middle + 64))
        lost.append(float(f.forgotten.sum()))
        assert live(f) + lost[-1] == 7.0
    assert lost == ([0.0, 0.0, 7.0] if way > 0 else [0.0, 7.0, 7.0])


def test_a_map_is_read_at_any_price_near():
    f = drift(0.3)
    up = f.up
    read_fuel(f, 91_000.0)
    assert f.up < up
    read_fuel(f, NAN)
    assert missing(f.up)


# ---------------------------------------------------------------- D8, D15


def planted(shorts=(), longs=(), price=100.0, qty=1e4):
    """A fuel record with positions (base) planted at log distances from the price."""
    f = new_fuel()
    f.known, f.created, f.qty, f.ts = 1.0, 1.0, qty, START
    recentre(f.levels, math.floor(math.log(price) / STEP))
    for distance, base in shorts:
        add_short(f.levels, 0, math.log(price) + distance, base)
    for distance, base in longs:
        add_long(f.levels, 0, math.log(price) - distance, base)
    read_fuel(f, price)
    return f


MIDDLE = math.exp((math.floor(math.log(100.0) / STEP) + 0.5) * STEP)  # the middle of a bucket, so that both ways are the same
BOTH = [(0.0060, 10.0), (0.0160, 20.0), (0.0360, 5.0)]


@pytest.mark.parametrize(("share", "distance"), [(0.05, 0.0060), (0.33, 0.0060), (0.34, 0.0160), (0.66, 0.0160), (0.67, NAN)])
def test_the_nearest_level_that_holds_enough_of_a_side_is_a_cluster(share, distance):
    """10 and 20 of 30 stand within 2 %, what stands beyond does not count; the middle of a bucket of 5 bp."""
    for shorts, longs in ((BOTH, ()), ((), BOTH), (BOTH, BOTH)):
        f = planted(shorts, longs, MIDDLE)
        f.cluster = share
        read_fuel(f, MIDDLE)
        up, down = ((sign * distance if side else NAN) for sign, side in ((1, shorts), (-1, longs)))
        found = [math.log(price / MIDDLE) if price > 0.0 else NAN for price in (f.cluster_up, f.cluster_down)]
        assert found == pytest.approx([up, down], abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(("shorts", "longs", "sign"), [((), BOTH, -1), (BOTH, (), 1), (BOTH, BOTH, 0)])
def test_momentum_points_to_the_fuel(shorts, longs, sign):
    """B6. Fuel only below pulls down; the same on both sides pulls nowhere (but for the higher price of what stands above)."""
    f, one = record(Momentum), record(Momentum)
    see_momentum(f, planted(shorts, longs, MIDDLE))
    see_momentum(one, planted(BOTH, (), MIDDLE))
    assert f.value / one.value == pytest.approx(sign, abs=0.03)


def test_a_near_level_pulls_more_and_a_far_one_not_at_all():
    """A scale apart, 1/e; beyond five scales nothing."""
    pulls = []
    for distance in (0.008, 0.016, 0.0425):
        f = record(Momentum)
        see_momentum(f, planted([(distance, 10.0)], (), MIDDLE))
        pulls.append(f.value)
    assert pulls[1] / pulls[0] == pytest.approx(math.exp(-1.0 + 0.008), rel=1e-6)
    assert pulls[0] == pytest.approx(10.0 / 1e4 * math.exp(-1.0 + 0.008), rel=1e-6)
    assert pulls[2] == 0.0


def test_without_a_map_there_is_no_pull():
    f = record(Momentum)
    see_momentum(f, new_fuel())
    assert missing(f.value)


def forced(hours, sides, usd, price=100.0):
    """Liquidations at hours after the start; side +1 a long."""
    out = rows(LIQUIDATION, len(hours))
    out["ts_event"] = out["ts_known"] = START + (np.asarray(hours) * HOUR).astype("i8")
    out["side"], out["qty"], out["price"] = sides, np.asarray(usd) / price, price
    return out


def test_a_battle_needs_both_sides():
    """B14. Loaded: the smaller side. Liquidated: the smaller side of the last 24 hours, of a feed only."""
    f, flush = record(Intensity), record(Flush)
    one, two = planted(BOTH), planted(BOTH, [(0.0060, 4.0)])
    see_intensity(f, one, flush)
    assert f.loaded == 0.0
    assert missing(f.liquidated)
    see_intensity(f, two, flush)
    assert f.loaded == pytest.approx(4.0 / 1e4, rel=0.01)
    for x in forced([0.5, 3.0, 4.0, 20.0], [1, 1, -1, -1], [7e6, 5e6, 2e6, 1e6]):
        see_forced(flush, x)
    age_flush(flush, START + 26 * HOUR)
    see_intensity(f, new_fuel(), flush)
    assert f.liquidated == pytest.approx(3e6)
    assert missing(f.loaded)
    age_flush(flush, START + 27 * HOUR)  # the hour of 5 million is gone
    see_intensity(f, two, flush)
    assert f.liquidated == 0.0


def test_what_a_map_consumed_is_not_realised():
    f, flush = record(Intensity), record(Flush)
    for hour in range(30):
        see_consumed(flush, START + hour * HOUR, 1e6, 1e6, 1.0)
    see_intensity(f, planted(BOTH), flush)
    assert missing(f.liquidated)


# ---------------------------------------------------------------- D9, D10


class Fight:
    premium: Premium
    legs: Legs
    fuel: Fuel
    initiative: Initiative
    label: Label = Label.UNKNOWN
    done: Label = Label.UNKNOWN


def fight(knots, bought, every=False, least=1.0, ttl_h=48.0):
    """(state, consumed share) after each minute of a drawn market; `bought`: the takers' share, knot by knot."""
    table, f = draw(knots), record(Fight)
    start_premium(f.premium, Source.CLOSE, 5.0, 15.0)
    start_legs(f.legs, 40.0, 2.0, 15.0, 0.6)
    start_fuel(f.fuel, 0.02, 0.60, 0.15, 24.0, 0.0, 0.004)
    start_initiative(f.initiative, 0.70, every, least, 0.10, ttl_h)
    minutes = np.arange(1, len(table["perp_bars"]) + 1)
    table["perp_bars"]["taker_buy"] = np.array(bought)[np.searchsorted([k[0] for k in knots[1:]], minutes)]
    interest, at, out = table["open_interest"], 0, []
    for spot, perp in zip(table["spot_bars"], table["perp_bars"], strict=True):
        while at < len(interest) and interest[at].ts_known <= perp.ts_known:
            see_fuel_contracts(f.fuel, interest[at])
            at += 1
        see_fuel_bar(f.fuel, perp)
        see_premium(f.premium, spot, perp)
        see_legs(f.legs, perp, f.premium, f.fuel.qty, 0.0002)
        f.label = label(f.legs.now, 2.0, 0.8, 0.001, RequireOi.HARD)
        if f.legs.turned:
            f.done = label(f.legs.done, 2.0, 0.8, 0.001, RequireOi.HARD)
        see_initiative(f.initiative, f.legs, f.label, f.done, f.fuel)
        out.append((Battle(f.initiative.state).name, float(f.initiative.share)))
    return out


def runs(values):
    """The values without repetitions."""
    return [v for i, v in enumerate(values) if i == 0 or v != values[i - 1]]


# shorts come in on a drop of 1 %; the price goes through all their levels; longs come in on the next rise
BEFORE = [(0, 99.2, 0.0, 1.00e5), (60, 100.0, 0.0, 1.001e5)]
SHORTS_IN = [(180, 99.0, 8.0, 1.03e5)]
UP_THROUGH = [(420, 105.0, 8.0, 1.03e5)]


def test_shorts_take_the_initiative_and_are_wiped_out():
    """B9. The price sweeps the levels that the drop brought in: 70 % consumed."""
    seen = fight([*BEFORE, *SHORTS_IN, *UP_THROUGH], [0.5, 0.2, 0.5])
    assert runs([state for state, _ in seen]) == ["UNKNOWN", "NEUTRAL", "SHORTS_INIT", "SHORTS_WIPED"]
    wiped = next(i for i, (state, _) in enumerate(seen) if state == "SHORTS_WIPED")
    assert seen[wiped - 1][1] < 0.70 <= seen[wiped][1]


def test_with_every_level_a_wipe_out_takes_a_longer_way():
    """A tenth of the leg's mass stands at 5x, a fifth at 10x: through 5 % is not enough, through 11 % is."""
    ends = [fight([*BEFORE, *SHORTS_IN, (420, top, 8.0, 1.03e5)], [0.5, 0.2, 0.5], every=True)[-1] for top in (105.0, 111.0)]
    assert [state for state, _ in ends] == ["SHORTS_INIT", "SHORTS_WIPED"]


def test_shorts_whose_levels_the_price_does_not_reach_are_not_wiped_out():
    seen = fight([*BEFORE, *SHORTS_IN, (420, 100.5, 8.0, 1.03e5)], [0.5, 0.2, 0.5])
    assert seen[-1][0] == "SHORTS_INIT"
    assert 0.1 < seen[-1][1] < 0.70


def test_longs_follow_and_the_state_is_delicate():
    """B10. After the shorts were wiped out longs come in on the next rise; then takers of both kinds load both sides alike."""
    longs = [(480, 104.0, 8.0, 1.03e5), (600, 105.5, 0.0, 1.05e5)]
    seen = fight([*BEFORE, *SHORTS_IN, *UP_THROUGH, *longs], [0.5, 0.2, 0.5, 0.5, 0.9])
    order = runs([state for state, _ in seen])
    assert order == ["UNKNOWN", "NEUTRAL", "SHORTS_INIT", "SHORTS_WIPED", "LONGS_INIT"]
    even = [*longs, (900, 105.5, 0.0, 1.25e5)]
    seen = fight([*BEFORE, *SHORTS_IN, *UP_THROUGH, *even], [0.5, 0.2, 0.5, 0.5, 0.9, 0.5], least=0.003)
    assert runs([state for state, _ in seen])[-2:] == ["LONGS_INIT", "DELICATE"]


def test_the_other_way_round():
    down = [(180, 101.0, -8.0, 1.03e5), (420, 95.0, -8.0, 1.03e5)]
    seen = fight([(0, 100.8, 0.0, 1.00e5), BEFORE[1], *down], [0.5, 0.8, 0.5])
    assert runs([state for state, _ in seen]) == ["UNKNOWN", "NEUTRAL", "LONGS_INIT", "LONGS_WIPED"]


def test_a_confirmed_leg_of_the_other_side_takes_over_and_an_old_initiative_ends():
    """Longs come in before the shorts are wiped out: only their confirmed leg counts. Then nothing happens for hours."""
    after = [(300, 100.0, 0.0, 1.06e5), (330, 99.5, 0.0, 1.06e5), (900, 99.5, 0.0, 1.06e5)]
    seen = fight([*BEFORE, *SHORTS_IN, *after], [0.5, 0.2, 0.9, 0.5, 0.5], ttl_h=6.0)
    states = [state for state, _ in seen]
    assert runs(states) == ["UNKNOWN", "NEUTRAL", "SHORTS_INIT", "LONGS_INIT", "NEUTRAL"]
    assert 315 < states.index("LONGS_INIT") < 330
    assert len(states) - states[::-1].index("LONGS_INIT") == pytest.approx(states.index("LONGS_INIT") + 6 * 60, abs=2)


# ---------------------------------------------------------------- D18, A21


def test_a_market_becomes_clean_where_fuel_is_consumed_and_contracts_go():
    """A5. Fuel at its lowest of the quarter and 3 % fewer contracts: clean; the highest and none: not."""
    f, rng = record(Clean), np.random.default_rng(2)
    shares = np.concatenate([np.linspace(0.01, 0.05, 2100), rng.uniform(0.01, 0.05, 200)]).round(4)
    changes = rng.uniform(-0.04, 0.02, 2300)
    for hour, (share, change) in enumerate(zip(shares, changes, strict=True)):
        see_clean(f, START + (hour + 1) * HOUR, share, change)
        see_clean(f, START + (hour + 1) * HOUR + MINUTE, share, 1.0)  # not a full hour: does not count
        if hour in (168, 900, 2299):
            assert f.rank == np.mean(shares[max(0, hour - 2160) : hour] <= share)
            assert f.clean == pytest.approx(0.5 * (1.0 - f.rank) + 0.5 * ramp(-change, 0.0, 0.03))
        assert missing(f.clean) == (hour < 168)
    ends = []
    for share, change in ((0.001, -0.03), (0.001, 0.0), (0.06, 0.0), (NAN, -0.03), (NAN, NAN)):
        see_clean(f, START + 3000 * HOUR, share, change)
        ends.append((None if missing(f.clean) else round(float(f.clean), 2), float(f.coverage)))
    assert ends == [(1.0, 1.0), (0.5, 1.0), (0.0, 1.0), (None, 0.5), (None, 0.0)]


def ceiling_of(fuel, reach=0.02):
    f = record(Ceiling)
    start_ceiling(f, reach, 0.80, 0.20)
    see_ceiling_levels(f, fuel)
    return f


def test_the_ceiling_is_where_most_of_the_fuel_is_used_up():
    """A21. One cluster at +1.6 %: there. A nearer one with 80 % of all: there. Beyond the reach: none."""
    cases = [[(0.016, 10.0)], [(0.004, 80.0), (0.016, 20.0)], [(0.004, 79.0), (0.016, 21.0)], [(0.03, 10.0)]]
    levels = [ceiling_of(planted(shorts, shorts)) for shorts in cases]
    up = [None if missing(f.price) else round(1e4 * math.log(f.price / 100.0) / 5) * 5 for f in levels]
    down = [None if missing(f.floor) else round(1e4 * math.log(f.floor / 100.0) / 5) * 5 for f in levels]
    assert up == [160, 40, 160, None]
    assert down == [-160, -40, -160, None]


def test_what_reaches_the_ceiling():
    f, interest = ceiling_of(planted([(0.016, 10.0)])), record(OpenInterest)
    tops = []
    for price, annual, qty in ((101.0, 0.1, 1e4), (101.7, 0.1, 1e4), (101.0, 0.21, 1e4), (101.0, NAN, 1e4), (101.0, 0.1, 1.2e4)):
        see_ceiling(f, price, annual, qty)
        tops.append(Top(f.top).name)
    assert tops == ["BELOW", "FUEL", "FUNDING", "UNKNOWN", "BELOW"]
    interest.change_day = -0.05
    for flushed, then, qty in ((0.0, 2e4, 1.2e4), (1.0, 0.95e4, 0.99e4), (1.0, 0.9e4, 1.01e4), (NAN, 0.9e4, 1.01e4)):
        interest.qty = then  # while the flush goes on, the day before it stays the day before its begin
        see_ceiling_flush(f, flushed, interest)
        see_ceiling(f, 101.0, 0.1, qty)
        tops.append(Top(f.top).name)
    assert tops[5:] == ["BELOW", "BELOW", "CONTRACTS", "CONTRACTS"]
    assert f.before == pytest.approx(1e4)


def test_without_a_map_there_is_no_ceiling():
    f = ceiling_of(new_fuel())
    see_ceiling(f, 100.0, 0.1, 1e4)
    assert f.top == Top.UNKNOWN
    assert missing(f.price)
    assert missing(f.floor)


# ---------------------------------------------------------------- D12, Pi mode


def pi(*knots, minutes=1, theta=0.01):
    """(doors up, doors down, closing minute of the first, shapes of `up`) of a path of (minute, percent)."""
    at, percent = np.array(knots, dtype=float).T
    t = np.arange(minutes, at[-1] + 1, minutes)
    table = bars(100.0 * np.exp(np.interp(t, at, percent) / 100.0), minutes)
    f, shapes, closed = record(PiDoors), [], []
    for bar in table:
        see_pi_doors(f, bar, theta)
        shapes.append(Shape(f.up.shape).name)
        if f.up.closed or f.down.closed:
            closed.append(int(bar.ts_close - START) // MINUTE)
    return (int(f.up.count), int(f.down.count), closed), runs(shapes)


BART = [(0, 0.0), (60, 0.0), (90, 2.0), (190, 1.8), (210, 0.1), (300, 0.1)]


def test_a_pi_is_up_sideways_and_down():
    """B2. Up 2 % in 30 minutes, sideways for 100, back: closed where 70 % are taken back."""
    counts, shapes = pi(*BART)
    assert counts == (1, 0, [205])
    assert shapes == ["NONE", "PLATEAU", "RETRACE", "NONE"]
    assert pi(*[(t, -x) for t, x in BART])[0] == (0, 1, [205])


@pytest.mark.parametrize("minutes", [1, 5, 15])
def test_a_pi_is_found_on_bars_of_any_length(minutes):
    assert pi(*BART, minutes=minutes)[0] == (1, 0, [205 + -205 % minutes])


@pytest.mark.parametrize(
    ("knots", "doors"),
    [
        ([(0, 0.0), (60, 0.0), (250, 2.0), (350, 1.8), (370, 0.2), (400, 0.2)], 0),    # 0.63 % in 60 minutes are no impulse
        ([(0, 0.0), (60, 0.0), (90, 2.0), (98, 1.8), (118, 0.2), (200, 0.2)], 0),     # sideways for less than 15 minutes
        ([(0, 0.0), (60, 0.0), (90, 2.0), (99, 1.8), (119, 0.2), (200, 0.2)], 1),     # just long enough
        ([(0, 0.0), (60, 0.0), (90, 2.0), (680, 1.8), (700, 0.2), (760, 0.2)], 1),
        ([(0, 0.0), (60, 0.0), (90, 2.0), (700, 1.8), (720, 0.2), (760, 0.2)], 0),     # and too long
        ([(0, 0.0), (60, 0.0), (90, 2.0), (190, 1.8), (270, 0.7), (300, 0.7)], 0),     # 65 % are no retrace
        ([(0, 0.0), (60, 0.0), (90, 2.0), (190, 1.8), (330, 0.2), (400, 0.2)], 0),     # 70 % take too long
        ([(0, 0.0), (60, 0.0), (90, 2.0), (190, 2.5), (250, 3.5), (300, 0.2), (350, 0.2)], 0),  # it went on, slowly
        ([(0, 0.0), (60, 0.0), (90, 2.0), (190, 1.8), (195, 1.2), (200, 1.8), (260, 1.8), (280, 0.2), (300, 0.2)], 1),  # a wick
        ([(0, 0.0), (59, 0.0), (60, -0.6), (61, 0.0), (122, 0.0), (123, 0.5), (200, 0.5), (205, -0.4), (260, -0.4)], 0),  # a low too old
    ],
)  # fmt: skip
def test_what_is_a_pi(knots, doors):
    assert pi(*knots)[0][0] == doors


def test_a_pi_needs_prices_and_a_theta():
    assert pi(*BART, theta=NAN) == ((0, 0, []), ["UNKNOWN"])
    f, halt = record(PiDoors), bars([100.0], volume=0.0)
    see_pi_doors(f, halt[0], 0.01)
    assert f.up.shape == Shape.UNKNOWN


# ---------------------------------------------------------------- all of them together


class Battlefield:
    premium: Premium
    volatility: Volatility
    interest: OpenInterest
    legs: Legs
    flush: Flush
    fuel: Fuel
    momentum: Momentum
    intensity: Intensity
    initiative: Initiative
    ceiling: Ceiling
    pi: PiDoors
    label: Label = Label.UNKNOWN
    done: Label = Label.UNKNOWN


def begin_battlefield(f):
    start_premium(f.premium, Source.CLOSE, 30.0, 60.0)
    start_volatility(f.volatility, 240.0)
    start_legs(f.legs, 40.0, 2.0, 15.0, 0.6)
    start_fuel(f.fuel, 0.02, 0.60, 0.15, 1.5, 0.5, 0.004)  # a short half-life: the factors are multiplied in
    start_momentum(f.momentum, 0.008)
    start_initiative(f.initiative, 0.70, False, 0.003, 0.10, 48.0)
    start_ceiling(f.ceiling, 0.02, 0.80, 0.20)


def feed_battlefield(f, m):
    see_contracts(f.interest, m.contracts)
    see_fuel_contracts(f.fuel, m.contracts)
    see_momentum(f.momentum, f.fuel)
    see_ceiling_levels(f.ceiling, f.fuel)
    see_forced(f.flush, m.liquidation)
    see_volatility(f.volatility, m.perp)
    see_fuel_bar(f.fuel, m.perp)
    see_premium(f.premium, m.spot, m.perp)
    age_contracts(f.interest, m.perp.ts_close)
    age_fuel(f.fuel, m.perp.ts_close)
    see_legs(f.legs, m.perp, f.premium, f.interest.qty, f.volatility.sigma)
    f.label = label(f.legs.now, 1.0, 0.5, 0.001, RequireOi.SOFT)
    if f.legs.turned:
        f.done = label(f.legs.done, 1.0, 0.5, 0.001, RequireOi.SOFT)
    see_initiative(f.initiative, f.legs, f.label, f.done, f.fuel)
    see_intensity(f.intensity, f.fuel, f.flush)
    see_ceiling_flush(f.ceiling, f.flush.flushed, f.interest)
    see_ceiling(f.ceiling, m.perp.close, m.funding.rate * 1095.0, f.interest.qty)
    see_pi_doors(f.pi, m.perp, f.legs.theta)


BATTLEFIELD = (Battlefield, begin_battlefield, feed_battlefield)


def test_plain_and_compiled_are_the_same_bytes():
    same_compiled(BATTLEFIELD, 200)


def test_a_feature_of_a_prefix_is_the_prefix_of_the_feature():
    causal(BATTLEFIELD, 200)
