"""Regimes, weekends and single events of constructed markets: measured again from the rows by their definitions."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from measured import FUNDING, LIQUIDATIONS, OI, PERP, SPOT, liquidated, ns, oi_change, premium_before, taker_flow, within
from tables import constructed_market

import backtester as bt
from backtester.market.constructed.kinds import construct
from backtester.market.constructed.told import calm
from backtester.market.paths import MINUTE, START
from benchmarks.found import DoorWatch

HOUR, DAY = 60 * MINUTE, 1440 * MINUTE
SEEDS = (3, 4)


# ---------------------------------------------------------------------------- regimes: G7


def ramp(x, lo, hi):
    return float(np.clip((x - lo) / (hi - lo), 0.0, 1.0))


def regime_at(tables, moment: int) -> str:
    """D20 from the rows of the 24 hours before a moment: the gated geometric score, and the labels."""
    start = moment - DAY
    spot, perp = (within(tables[key], start, moment) for key in (SPOT, PERP))
    rise, oi = np.log(perp["close"][-1] / perp["open"][0]), np.expm1(oi_change(tables, start, moment) / 100)
    cvd, perp_cvd = taker_flow(spot), taker_flow(perp)
    annual = tables[FUNDING]["rate"][tables[FUNDING]["ts_event"] <= moment][-1] * 3 * 365
    longs, shorts = liquidated(tables, start, moment)
    hourly = np.diff(np.log(np.append(perp["open"][0], perp["close"][59::60])))
    parts = [
        (1, ramp(rise, 0.0, 0.01)), (2, ramp(-oi, 0.0, 0.03)), (1, 1.0 if 0 <= annual <= 0.1095 else 0.0), (2, ramp(cvd, 0.0, 0.03)),
        (1, 1.0 if longs + shorts >= 180e6 and shorts / (longs + shorts) >= 0.6 else 0.0),
        (1, ramp(premium_before(tables, moment) - premium_before(tables, start), -3.0, 0.0)),
        (1, ramp(abs(hourly.sum()) / np.abs(hourly).sum(), 0.1, 0.4)),
    ]
    gates = rise > 0 and oi < 0 and cvd > 0
    score = np.prod([part ** (weight / 9) for weight, part in parts]) if gates else 0.0
    if score >= 0.6:
        return "SPOT_BULL"
    if rise > 0 and oi > 0.02 and annual > 0.1095 and perp_cvd > cvd:
        return "LEVERAGE_BULL"
    return "SHORT_COVER" if rise > 0 and oi < 0 and cvd <= 0 else "MIXED"


@pytest.mark.parametrize("seed", [*SEEDS, 5])
def test_each_regime_is_what_the_definition_says_from_a_day_on(seed):
    tables, _, truth = construct("regimes", seed)
    assert sorted(entry["regime"] for entry in truth) == sorted(["SPOT_BULL", "LEVERAGE_BULL", "SHORT_COVER", "MIXED"] * 2)
    for entry in truth:
        assert ns(entry["judged_from"]) == ns(entry["start"]) + DAY
        found = {regime_at(tables, moment) for moment in range(ns(entry["judged_from"]), ns(entry["end"]) + 1, HOUR)}
        assert found == {entry["regime"]}, entry


# ---------------------------------------------------------------------------- weekends: G6


@pytest.mark.parametrize("tz", ["Asia/Shanghai", "UTC", "CME"])
def test_weekends_begin_and_end_by_their_own_clock(tz):
    truth = construct("weekends", 3, tz=tz).truth
    zone = ZoneInfo("America/Chicago" if tz == "CME" else tz)
    spans = [[datetime.fromisoformat(entry[end]).astimezone(zone) for end in ("start", "end")] for entry in truth]
    clock = {(f"{begin:%a %H:%M}", f"{end:%a %H:%M}") for begin, end in spans}
    assert clock == {("Fri 16:00", "Sun 17:00") if tz == "CME" else ("Sat 00:00", "Mon 00:00")}
    assert {later[0].replace(tzinfo=None) - earlier[0].replace(tzinfo=None) for earlier, later in pairwise(spans)} == {timedelta(days=7)}
    assert {begin.utcoffset() for begin, _ in spans} == {timedelta(hours=h) for h in {"CME": (-6, -5), "UTC": (0,)}.get(tz, (8,))}


@pytest.mark.parametrize(("tz", "seed"), [("Asia/Shanghai", 3), ("Asia/Shanghai", 4), ("UTC", 3), ("CME", 3)])
def test_compressed_weekends_are_found_from_the_past_alone(tz, seed):
    tables, _, truth = construct("weekends", seed, tz=tz)
    bars, volatility, found = tables[PERP], [], []
    for entry in truth:
        weekend = within(bars, ns(entry["start"]), ns(entry["end"]))
        volatility.append(float(np.sqrt(np.square(np.diff(np.log(weekend["close"]))).sum())))
        past = volatility[-27:-1]
        found.append(len(past) >= 8 and volatility[-1] <= np.quantile(past, 0.3))
        assert (entry["high"], entry["low"]) == (weekend["high"].max(), weekend["low"].min())
    planted = [entry["compressed"] and entry["judged"] for entry in truth]
    assert [entry["judged"] for entry in truth] == [False] * 8 + [True] * 18
    assert sum(planted) == 5
    assert all(hit for hit, asked in zip(found, planted, strict=True) if asked)
    assert sum(found) <= sum(planted) + 1


@pytest.mark.parametrize("tz", ["Asia/Shanghai", "CME"])
def test_monday_jumps_out_of_a_compressed_weekend(tz):
    tables, _, truth = construct("weekends", 3, tz=tz)
    for entry in truth:
        monday = within(tables[PERP], ns(entry["end"]), ns(entry["monday_end"]))
        assert len(monday) == 720
        out = {"up": monday["high"].max() > entry["high"] * 1.0005, "down": monday["low"].min() < entry["low"] * 0.9995}
        assert (entry["breaks"] is not None) == entry["compressed"]
        assert entry["breaks"] is None or out[entry["breaks"]], entry
        assert 1e4 * np.log(monday["close"][-1] / monday["open"][0]) == pytest.approx(entry["monday_bp"], abs=0.1)


# ---------------------------------------------------------------------------- funding: G8


def test_each_settlement_follows_the_formula_of_its_day():
    """The rate from the premium index alone: I is 0.01 % per 8 hours, clamped at 0.05 %; the newer formula scales the whole."""
    tables, _, truth = construct("funding_intervals", 3)
    index, rows = tables["premium_index_bars", "BTC-PERP"], tables[FUNDING]
    assert [(entry["interval_h"], entry["formula"][:5], entry["settlements"]) for entry in truth] == [
        (8, "befor", 7), (4, "befor", 6), (1, "befor", 32), (1, "since", 16), (4, "since", 6), (8, "since", 5)]
    dead_zone = []
    for row in rows[1:]:
        hours, ts = int(row["interval_h"]), int(row["ts_event"])
        closes = within(index, ts - hours * HOUR, ts)["close"]
        assert len(closes) == hours * 60
        mean = np.average(closes, weights=np.arange(1, len(closes) + 1))
        newer = ts >= ns("2025-09-18T08:01:00Z")
        interest = 1e-4 if newer else 3e-4 * hours / 24
        rate = mean + min(max(interest - mean, -5e-4), 5e-4)
        assert row["rate"] == pytest.approx(rate * (hours / 8 if newer else 1.0), abs=2e-8)
        dead_zone.append(abs(interest - mean) <= 5e-4)
    assert 0.2 < np.mean(dead_zone) < 0.8
    told = [value for entry in truth for value in entry["annual"]]
    np.testing.assert_allclose(told, rows["rate"] * 24 / rows["interval_h"] * 365, atol=1e-6)


# ---------------------------------------------------------------------------- ether: G10


def eth_at(bars, hour_end: int) -> tuple[bool, bool]:
    """(ether's close is above the highest price of 7 days before, its volume of a day is 1.5 times the median of 20 before)."""
    here = int(np.searchsorted(bars["ts_close"], hour_end))
    days = [bars["quote_volume"][here + 1 - (n + 1) * 1440:here + 1 - n * 1440].sum() for n in range(21)]
    return bool(bars["close"][here] > bars["high"][here - 7 * 1440:here].max()), bool(days[0] >= 1.5 * np.median(days[1:]))


@pytest.mark.parametrize("seed", SEEDS)
def test_ether_confirms_only_with_a_break_and_with_volume(seed):
    tables, _, truth = construct("eth", seed)
    bitcoin, ether = tables[PERP], tables["perp_bars", "ETH-PERP"]
    assert sorted((entry["volume"], entry["breaks"]) for entry in truth) == [(False, False), (False, True), (True, False), (True, True)]
    for entry in truth:
        start, broke = ns(entry["start"]), ns(entry["btc_legs"][0]["end"])
        before = within(bitcoin, start - 7 * DAY, start)["high"].max()
        assert bitcoin["close"][np.searchsorted(bitcoin["ts_close"], broke)] > before * 1.005
        seen = [eth_at(ether, hour) for hour in range(broke, start + 48 * HOUR + 1, HOUR)]
        assert any(breaks for breaks, _ in seen) == entry["breaks"], entry
        assert any(volume for _, volume in seen) == entry["volume"], entry
        assert any(breaks and volume for breaks, volume in seen) == entry["confirmed"], entry


# ---------------------------------------------------------------------------- macro: G11


def test_prices_gap_at_the_surprise_and_nowhere_else():
    tables, head, truth = construct("macro_gap", 3)
    events = tables["exogenous", "BTC-PERP"]
    plain = calm(np.random.default_rng(3), 10, 100_000.0)
    assert head["tags"] == ["macro"]
    assert sorted(entry["gap"] for entry in truth) == [-0.10, -0.05, 0.0, 0.0]
    told = {ns(entry["start"]): entry["gap"] for entry in truth if entry["gap"]}
    for key in (SPOT, PERP):
        bars = tables[key]
        gaps, share = bars["open"][1:] / bars["close"][:-1] - 1, bars["volume"] / plain[key]["volume"]
        assert {int(ts): round(float(gap), 5) for ts, gap in zip(bars["ts_event"][1:], gaps, strict=True) if abs(gap) > 1e-5} == told
        assert {int(ts): round(float(x), 6) for ts, x in zip(bars["ts_event"], share, strict=True) if x != 1.0} == dict.fromkeys(told, 0.2)
    for entry, (announced, outcome) in zip(truth, events.reshape(-1, 2), strict=True):
        assert announced["ts_event"] == outcome["ts_event"] == ns(entry["start"])
        assert announced["ts_known"] == ns(entry["announced"]) < ns(entry["start"]) < outcome["ts_known"]
        assert (announced["weight"], outcome["weight"]) == (0.0, entry["surprise"])


# ---------------------------------------------------------------------------- faults: G12


def test_each_fault_is_where_truth_says():
    tables, _, truth = construct("faults", 3)
    told = {entry["fault"]: entry for entry in truth}
    spans = {name: (ns(entry["start"]), ns(entry["end"])) for name, entry in told.items()}
    streams = {stream: table for (stream, _), table in tables.items()}
    rows = {name: within(streams[entry["stream"]], spans[name][0], spans[name][1] + 10**9) for name, entry in told.items()}
    count = {name: entry["rows"] for name, entry in told.items()}
    assert len(told) == 10
    for name in ("gap in spot", "gap in perp"):
        assert (len(rows[name]), spans[name][1] - spans[name][0]) == (0, (count[name] - 1) * MINUTE)
    assert (rows["halt"]["volume"] == 0).all()
    assert (rows["halt"]["high"] == rows["halt"]["low"]).all()
    assert len(rows["halt"]) == count["halt"]
    assert np.isnan(rows["no taker volume"]["taker_buy"]).all()
    assert np.isnan(rows["no taker volume"]["quote_volume"]).all()
    for name in ("doubled open interest", "revised open interest", "doubled liquidations"):
        assert len(rows[name]) == 2 * count[name]
    first, again = rows["revised open interest"][::2], rows["revised open interest"][1::2]
    assert (again["qty"] > first["qty"]).all()
    assert (again["ts_known"] - first["ts_known"] == HOUR).all()
    assert (rows["zero open interest"]["qty"] == 0).all()
    shifted = within(tables[OI], spans["off-grid open interest"][0], spans["off-grid open interest"][1] + 5 * MINUTE)
    assert (shifted["ts_event"] % (5 * MINUTE) == 137 * 10**9).sum() == count["off-grid open interest"]
    assert (tables[FUNDING]["ts_event"] % HOUR == 2 * 10**6).sum() == count["jitter of a settlement"]
    assert len(np.unique(rows["doubled liquidations"])) == count["doubled liquidations"]


# ---------------------------------------------------------------------------- nothing: G15


def test_the_null_market_is_a_random_walk_and_its_premium_knows_nothing_of_it():
    tables, _, truth = construct("null", 3, days=60)
    price, spot = (np.log(tables[key]["close"]) for key in (PERP, SPOT))
    returns, premium = np.diff(price), np.diff(spot - price)
    noise = 1 / np.sqrt(len(returns))
    ratio = np.var(price[1440:] - price[:-1440]) / (1440 * np.var(returns))
    assert (truth[0]["start"], ns(truth[0]["end"]) - START) == ("2025-04-01T00:00:00Z", 60 * DAY)
    assert abs(np.corrcoef(returns[1:], returns[:-1])[0, 1]) < 4 * noise
    assert abs(np.corrcoef(returns[1:], premium[:-1])[0, 1]) < 4 * noise
    assert abs(np.corrcoef(returns, premium)[0, 1]) < 4 * noise
    assert 0.5 < ratio < 1.6
    assert abs(tables[PERP]["close"][-1] / tables[PERP]["open"][0] - 1) > 1e-4  # it is not pinned to where it began
    assert len(tables[LIQUIDATIONS]) > 1000


def test_no_door_earns_on_the_null_market():
    """A year of trades without costs: their mean is zero, as far as their scatter can tell."""
    market, _ = constructed_market("null", 3, days=365)
    free = {"taker_bp": 0.0, "maker_bp": 0.0, "slippage_bp": 0.0}
    trades = bt.run(market, DoorWatch, venue=free).trades
    earned_bp = 1e4 * (trades["pnl"] - trades["funding"]) / (trades["qty"] * trades["entry_price"])
    assert len(trades) > 50
    assert abs(earned_bp.mean()) < 3 * earned_bp.std() / np.sqrt(len(trades))
