"""The sample market: the same bytes for a seed, valid records, and every planted episode really in the data."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import yaml
from measured import FUNDING, LIQUIDATIONS, OI, PERP, SPOT, liquidated, ns, oi_change, premium_before, price_at, taker_flow, within

from backtester.errors import UserError
from backtester.market.dataset import load
from backtester.market.paths import MINUTE, START
from backtester.market.synthetic import ensure_sample, header, sample

HOUR = 60 * MINUTE


@pytest.fixture(scope="module")
def made():
    return sample()


@pytest.fixture(scope="module")
def tables(made):
    return made[0]


@pytest.fixture(scope="module")
def truth(made):
    return made[2]


def of_kind(truth, kind):
    return [episode for episode in truth if episode["kind"] == kind]


def legs_of(truth, label=None):
    return [leg for episode in truth for leg in episode["legs"] if label in (None, leg["label"])]


def turns(price, threshold: float) -> list[int]:
    """Indices of the extremes at which the log price turned by at least the threshold."""
    found, extreme, up = [], 0, price[int(np.argmax(np.abs(price - price[0]) > threshold))] > price[0]
    for i, value in enumerate(price):
        if (value - price[extreme]) * (1 if up else -1) >= 0:
            extreme = i
        elif abs(value - price[extreme]) >= threshold:
            found.append(extreme)
            extreme, up = i, not up
    return [*found, extreme]


# ---------------------------------------------------------------------------- the records


def test_the_same_seed_gives_the_same_bytes(made):
    again = sample()
    assert [(key, table.tobytes()) for key, table in again[0].items()] == [(key, table.tobytes()) for key, table in made[0].items()]
    assert again[1:] == made[1:]
    assert sample(seed=8)[0][PERP].tobytes() != made[0][PERP].tobytes()


def test_rows_per_stream(tables):
    assert [len(tables[key]) for key in (SPOT, PERP, OI, FUNDING)] == [86_400, 86_400, 17_280, 180]


@pytest.mark.parametrize("key", [SPOT, PERP])
def test_every_bar_is_valid(tables, key):
    bars, tick = tables[key], {SPOT: 0.01, PERP: 0.1}[key]
    vwap = bars["quote_volume"] / bars["volume"]
    assert (bars["ts_event"] == START + np.arange(len(bars)) * MINUTE).all()
    assert (bars["ts_close"] == bars["ts_event"] + MINUTE).all()
    assert (bars["ts_known"] == bars["ts_close"] + 500_000_000).all()
    assert (bars["open"][1:] == bars["close"][:-1]).all()
    assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all()
    assert (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
    assert ((bars["low"] - 1e-4 <= vwap) & (vwap <= bars["high"] + 1e-4)).all()
    assert ((bars["taker_buy"] >= 0) & (bars["taker_buy"] <= bars["volume"]) & (bars["volume"] > 0)).all()
    for field in ("open", "high", "low", "close"):
        assert np.abs(bars[field] / tick - np.round(bars[field] / tick)).max() < 1e-6


def test_other_records_are_valid(tables):
    oi, funding, prints = tables[OI], tables[FUNDING], tables[LIQUIDATIONS]
    bar = tables[PERP][(prints["ts_event"] - START) // MINUTE]
    assert (np.diff(oi["ts_event"]) == 5 * MINUTE).all()
    assert (oi["ts_known"] - oi["ts_event"] == 330 * 10**9).all()
    assert (np.diff(funding["ts_event"]) == 8 * HOUR).all()
    assert (funding["ts_known"] - funding["ts_event"] == 5 * 10**9).all()
    assert (np.diff(prints["ts_event"]) >= 0).all()
    assert (prints["ts_known"] - prints["ts_event"] == 1_500_000_000).all()
    assert ((bar["low"] <= prints["price"]) & (prints["price"] <= bar["high"])).all()
    assert set(np.unique(prints["side"])) == {-1.0, 1.0}
    assert prints["qty"].min() >= 0.001


def test_it_looks_like_the_market_it_imitates(tables):
    returns = 1e4 * np.diff(np.log(tables[PERP]["close"]))
    premium = 1e4 * np.log(tables[SPOT]["close"] / tables[PERP]["close"])
    hourly_drift = np.diff(premium.reshape(-1, 60).mean(axis=1))
    assert 90_000 < tables[PERP]["low"].min() < tables[PERP]["high"].max() < 108_000
    assert returns.std() == pytest.approx(5.0, abs=0.5)
    assert np.median(premium) == pytest.approx(4.6, abs=0.3)
    assert 1.4826 * np.median(np.abs(hourly_drift)) == pytest.approx(0.86, abs=0.3)
    assert tables[OI]["qty"].mean() == pytest.approx(90_000, rel=0.03)


def test_funding_follows_the_formula(tables):
    """The second settlement, from the 480 premium closes before it: mean + clamp(0.01 % - mean, 0.05 %)."""
    spot, perp = (tables[key]["close"][:480] for key in (SPOT, PERP))
    mean = np.average(perp / spot - 1, weights=np.arange(1, 481))
    assert tables[FUNDING]["rate"][1] == pytest.approx(mean + min(max(1e-4 - mean, -5e-4), 5e-4), abs=1e-8)


# ---------------------------------------------------------------------------- the truth


def test_truth_is_sorted_and_its_episodes_are_apart(truth):
    gaps = [ns(later["start"]) - ns(earlier["end"]) for earlier, later in pairwise(truth)]
    assert min(gaps) >= 8 * HOUR
    for episode in truth:
        assert (episode["start"], episode["end"]) == (episode["legs"][0]["start"], episode["legs"][-1]["end"])
        assert all(earlier["end"] == later["start"] for earlier, later in pairwise(episode["legs"]))


def test_what_is_planted(truth):
    assert Counter(episode["kind"] for episode in truth) == {"divergence": 35, "door": 10, "spot_led": 2, "leverage": 2}
    assert Counter(episode["label"] for episode in of_kind(truth, "divergence")) == dict.fromkeys(
        ["SHORTS_IN", "LONGS_IN", "SPOT_DRIVEN", "SPOT_SELLS", "SPOT_BUYS", "LONGS_FLUSHED", "SHORTS_SQUEEZED"], 5)
    assert Counter(episode["ending"] for episode in of_kind(truth, "door")) == {"new_high": 5, "shorts_win": 5}


def test_every_leg_is_in_the_data(tables, truth):
    """Price to a basis point, premium to less than the epsilon of a divergence, open interest to a fraction of its change."""
    for leg in legs_of(truth):
        start, end = ns(leg["start"]), ns(leg["end"])
        first, last = price_at(tables[PERP], start), price_at(tables[PERP], end)
        assert (first, last) == (pytest.approx(leg["from_price"], abs=0.11), pytest.approx(leg["to_price"], abs=0.11)), leg
        assert 1e4 * np.log(last / first) == pytest.approx(leg["move_bp"], abs=0.1), leg
        assert premium_before(tables, end) - premium_before(tables, start) == pytest.approx(leg["premium_bp"], abs=0.8), leg
        assert oi_change(tables, start, end) == pytest.approx(leg["oi_pct"], abs=0.01), leg


@pytest.mark.parametrize(("label", "directions"), [
    ("SHORTS_IN", (-1, +1, +1)), ("LONGS_IN", (+1, -1, +1)), ("SPOT_SELLS", (-1, -1, 0)), ("SPOT_BUYS", (+1, +1, 0)),
    ("LONGS_FLUSHED", (-1, +1, -1)), ("SHORTS_SQUEEZED", (+1, -1, -1)),
])
def test_a_label_names_its_directions(tables, truth, label, directions):
    for leg in legs_of(truth, label):
        start, end = ns(leg["start"]), ns(leg["end"])
        oi = oi_change(tables, start, end)
        premium = premium_before(tables, end) - premium_before(tables, start)
        assert (np.sign(leg["move_bp"]), np.sign(premium), np.sign(oi) * (abs(oi) >= 1)) == directions, leg
        assert 3.5 < abs(premium) < 9, leg
        assert 30 <= (end - start) / MINUTE <= 135, leg


def test_spot_driven_legs_leave_the_premium_alone_both_ways(tables, truth):
    legs = legs_of(truth, "SPOT_DRIVEN")
    assert {np.sign(leg["move_bp"]) for leg in legs} == {-1, 1}
    for leg in legs:
        start, end = ns(leg["start"]), ns(leg["end"])
        spot = within(tables[SPOT], start, end)
        assert abs(premium_before(tables, end) - premium_before(tables, start)) < 0.8, leg
        assert np.sign(taker_flow(spot)) == np.sign(leg["move_bp"]), leg


@pytest.mark.parametrize(("label", "longs_lead"), [("LONGS_FLUSHED", True), ("SHORTS_SQUEEZED", False)])
def test_forced_legs_carry_liquidations_of_their_side(tables, truth, label, longs_lead):
    for leg in legs_of(truth, label):
        longs, shorts = liquidated(tables, ns(leg["start"]), ns(leg["end"]))
        forced, other = (longs, shorts) if longs_lead else (shorts, longs)
        assert forced > 35e6, leg
        assert forced > 3 * other, leg


def test_doors_are_five_legs_that_alternate_and_end_as_named(tables, truth):
    for door in of_kind(truth, "door"):
        legs = door["legs"]
        prices = [leg["to_price"] for leg in legs]
        high = prices[0]
        assert [leg["label"] for leg in legs[:4]] == ["SPOT_DRIVEN", "SHORTS_IN", "LONGS_IN", "SHORTS_IN"]
        assert legs[0]["move_bp"] >= 150
        assert ns(legs[0]["end"]) - ns(legs[0]["start"]) <= 3 * HOUR
        assert all(np.sign(later["move_bp"]) == -np.sign(earlier["move_bp"]) for earlier, later in pairwise(legs))
        assert all(0.35 <= abs(later["move_bp"] / earlier["move_bp"]) <= 1.5 for earlier, later in pairwise(legs[:4]))
        assert max(prices[1:4]) < high
        if door["ending"] == "new_high":
            assert prices[4] > high * 1.002
        else:
            assert [leg["label"] for leg in legs[4:]] == ["SPOT_DRIVEN", "SPOT_SELLS"]
            assert prices[5] < 0.995 * prices[3]


def test_a_plain_leg_detector_finds_the_doors(tables, truth):
    """Turns of 60 bp in the closes are as many as the planted ones, and most lie within 20 minutes of them."""
    late = []
    for door in of_kind(truth, "door"):
        first, last = ((ns(door[end]) - START) // MINUTE for end in ("start", "end"))
        planted = [(ns(leg["end"]) - START) // MINUTE - first for leg in door["legs"]]
        found = turns(np.log(tables[PERP]["close"][first:last]), 60e-4)
        assert len(found) == len(planted), door
        late += [abs(a - b) for a, b in zip(found, planted, strict=True)]
    assert np.mean(np.array(late) <= 20) > 0.85


def test_spot_led_rallies(tables, truth):
    for rally in of_kind(truth, "spot_led"):
        flush, climb = rally["legs"]
        start, turn, end = ns(flush["start"]), ns(flush["end"]), ns(climb["end"])
        longs, shorts = liquidated(tables, start, turn)
        spot, perp = (within(tables[key], turn, end) for key in (SPOT, PERP))
        hourly = np.diff(np.log(perp["close"][::60]))
        paid = within(tables[FUNDING], start + 8 * HOUR, end)["rate"] * 3 * 365
        assert 2 <= (end - start) / (24 * HOUR) <= 3
        assert turn - start <= 5 * HOUR
        assert shorts > 180e6
        assert shorts / (longs + shorts) >= 0.6
        assert 400 <= climb["move_bp"] <= 600
        assert hourly.sum() / np.abs(hourly).sum() > 0.4
        assert -5 <= oi_change(tables, start, end) <= -3
        assert 0.03 <= taker_flow(spot) <= 0.05
        assert taker_flow(perp) < 0.01
        assert paid.mean() == pytest.approx(0.04, abs=0.025)
        assert premium_before(tables, end) - premium_before(tables, start) > -0.8
        assert within(tables[PERP], start, end)["low"].min() > rally["support"]
    assert [rally["support"] for rally in of_kind(truth, "spot_led")] == [92_000, 100_000]


def test_leverage_rallies_are_the_counter_example(tables, truth):
    for rally in of_kind(truth, "leverage"):
        climb, flush = rally["legs"]
        start, top = ns(climb["start"]), ns(climb["end"])
        paid = within(tables[FUNDING], start + 16 * HOUR, top)["rate"] * 3 * 365
        assert climb["move_bp"] > 300
        assert oi_change(tables, start, top) > 5
        assert premium_before(tables, top) - premium_before(tables, start) < -10
        assert taker_flow(within(tables[SPOT], start, top)) < 0
        assert taker_flow(within(tables[PERP], start, top)) > 0.05
        assert len(paid) >= 2
        assert ((paid > 0.20) & (paid < 0.40)).all()
        assert flush["label"] == "LONGS_FLUSHED"


def test_quiet_stretches_sell_a_little_and_hold_no_story(tables, truth):
    """Few of their turns look like a literal divergence (premium against price by 2 bp): fewer than one in ten."""
    flows, divergences, legs = [], 0, 0
    for before, after in pairwise(truth):
        first, last = ((ns(ts) - START) // MINUTE for ts in (before["end"], after["start"]))
        flows.append(taker_flow(tables[SPOT][first:last]))
        settled = first + 480
        found = turns(np.log(tables[PERP]["close"][settled:last]), 60e-4) if last - settled > 120 else []
        for a, b in pairwise(settled + int(turn) for turn in found):
            change = premium_before(tables, START + (b + 1) * MINUTE) - premium_before(tables, START + (a + 1) * MINUTE) if a > 5 else 0.0
            legs += 1
            divergences += abs(change) >= 2 and np.sign(change) != np.sign(tables[PERP]["close"][b] - tables[PERP]["close"][a])
    assert np.mean(flows) == pytest.approx(-0.015, abs=0.004)
    assert legs > 100
    assert divergences / legs < 0.1


# ---------------------------------------------------------------------------- on disk


def test_the_sample_is_written_once_and_loads(tmp_path, truth):
    folder = ensure_sample(tmp_path / "sample")
    first = (folder / "dataset.yaml").stat()
    assert ensure_sample(folder) == folder
    assert (folder / "dataset.yaml").stat().st_ino == first.st_ino
    assert json.loads((folder / "truth.json").read_text()) == truth
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]
    market = load(folder)
    assert (market.start, market.end) == (START, START + 60 * 24 * HOUR)
    assert market.counts["perp_bars/BTC-PERP"] == 86_400
    assert [each.min_notional for each in market.instruments] == [5.0, 100.0]
    assert [each["valid_from"] for each in market.source["brackets"]["BTC-PERP"]["versions"]] == ["2024-07-01T00:00:00Z"]


def test_an_outdated_sample_is_replaced(tmp_path):
    folder = tmp_path / "sample"
    folder.mkdir()
    old = header(7) | {"provenance": ["SYNTHETIC: invented by an older version, seed 7"]}
    (folder / "dataset.yaml").write_text(yaml.safe_dump(old))
    ensure_sample(folder)
    assert yaml.safe_load((folder / "dataset.yaml").read_text()) == header(7)
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_another_data_set_is_never_overwritten(tmp_path):
    (tmp_path / "dataset.yaml").write_text("name: btc\nprovenance: [exchange archive]\n")
    with pytest.raises(UserError, match="not a synthetic sample"):
        ensure_sample(tmp_path)


def test_nobody_takes_it_for_a_market(made):
    assert made[1]["provenance"][0] == (
        "SYNTHETIC: invented by backtester.market.synthetic, version 2, seed 7; none of its prices was ever traded")
