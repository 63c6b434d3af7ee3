"""The legs, clusters and levels of constructed markets: measured again from the rows, and found by the features that look for them."""

from itertools import pairwise

import numpy as np
import pytest
from measured import OI, PERP, liquidated, ns, oi_change, premium_before, price_at, taker_flow, within
from tables import constructed_market

from backtester.features.support import Support, see_support, start_support
from backtester.fields import initial
from backtester.market.constructed.kinds import construct
from backtester.market.paths import MINUTE
from backtester.records import row_type
from benchmarks.found import LITERAL, covers, found_legs

HOUR, DAY = 60 * MINUTE, 1440 * MINUTE
SEEDS = (3, 4)


def legs_of(truth):
    return [leg for entry in truth for leg in entry["legs"]]


# ---------------------------------------------------------------------------- legs: G1 to G5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["five_doors", "cascade", "squeeze", "spot_impulse", "fuel_sweep", "regimes", "support"])
def test_every_leg_is_in_the_data(kind, seed):
    """Price to a basis point, premium to less than the epsilon of a divergence, open interest to a fraction of its change."""
    tables, _, truth = construct(kind, seed)
    assert all(earlier["end"] == later["start"] for entry in truth for earlier, later in pairwise(entry["legs"]))
    for leg in legs_of(truth):
        start, end = ns(leg["start"]), ns(leg["end"])
        first, last = price_at(tables[PERP], start), price_at(tables[PERP], end)
        assert (first, last) == (pytest.approx(leg["from_price"], abs=0.11), pytest.approx(leg["to_price"], abs=0.11)), leg
        assert 1e4 * np.log(last / first) == pytest.approx(leg["move_bp"], abs=0.1), leg
        assert oi_change(tables, start, end) == pytest.approx(leg["oi_pct"], abs=0.01), leg
        if kind not in ("regimes", "support"):  # whose premium is settled later, or not at stake
            assert premium_before(tables, end) - premium_before(tables, start) == pytest.approx(leg["premium_bp"], abs=0.8), leg
        longs, shorts = liquidated(tables, start, end)
        assert longs >= 0.95 * leg["long_liquidations"], leg
        assert shorts >= 0.95 * leg["short_liquidations"], leg


@pytest.mark.parametrize("seed", SEEDS)
def test_doors_alternate_below_the_impulse_and_end_as_named(seed):
    tables, _, truth = construct("five_doors", seed)
    assert sorted(entry["ending"] for entry in truth) == ["new_high"] * 3 + ["shorts_win"] * 3
    assert truth[0]["anchor"] == pytest.approx(106_000, abs=0.1)
    for entry in truth:
        turn, anchor, *doors = entry["legs"]
        assert [leg["role"] for leg in (turn, anchor, *doors[:3])] == ["turn", "anchor", "door 1", "door 2", "door 3"]
        assert [leg["label"] for leg in (anchor, *doors[:3])] == ["SPOT_DRIVEN", "SHORTS_IN", "LONGS_IN", "SHORTS_IN"]
        assert max(leg["to_price"] for leg in doors[:3]) < entry["anchor"]
        assert entry["armed_between"] == [doors[2]["start"], doors[2]["end"]]
        after = within(tables[PERP], ns(doors[2]["end"]), ns(entry["end"]))
        if entry["ending"] == "new_high":
            assert after["high"].max() > entry["anchor"] * 1.002
        else:
            assert after["high"].max() < entry["anchor"]
            assert after["low"].min() < doors[2]["to_price"] * 0.995
            assert premium_before(tables, ns(doors[4]["end"])) - premium_before(tables, ns(doors[4]["start"])) < -3


@pytest.mark.parametrize(("kind", "forced", "control"), [
    ("cascade", "LONGS_FLUSHED", "SHORTS_IN"), ("squeeze", "SHORTS_SQUEEZED", "LONGS_IN"),
])
def test_only_open_interest_tells_the_twins_apart(kind, forced, control):
    tables, _, truth = construct(kind, 3)
    for number in range(4):
        pair = {entry["kind"]: entry["legs"][1] for entry in truth if entry["number"] == number}
        lost, gained = pair[kind], pair["control"]
        assert (lost["label"], gained["label"]) == (forced, control)
        assert (lost["move_bp"], lost["premium_bp"]) == (gained["move_bp"], gained["premium_bp"])
        assert oi_change(tables, ns(lost["start"]), ns(lost["end"])) < -2.5
        assert oi_change(tables, ns(gained["start"]), ns(gained["end"])) > 1.5
        assert sum(liquidated(tables, ns(lost["start"]), ns(lost["end"]))) > 80e6


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["five_doors", "cascade", "squeeze", "spot_impulse"])
def test_the_leg_features_find_the_labels(kind, seed):
    """Recall and precision of the labels that tell a story; the quiet market has legs of its own, SPOT_DRIVEN or WEAK."""
    market, truth = constructed_market(kind, seed)
    planted = [(ns(leg["start"]), ns(leg["end"]), float(np.sign(leg["move_bp"])), leg["label"]) for leg in legs_of(truth)]
    found = found_legs(market, **LITERAL)
    silent = ("SPOT_DRIVEN", "WEAK", "UNKNOWN")
    stories, calls = ([leg for leg in legs if leg[3] not in silent] for legs in (planted, found))
    same = np.array([[covers(call, leg) and call[3] == leg[3] for leg in stories] for call in calls])
    assert same.any(axis=0).mean() >= 0.9
    assert same.any(axis=1).mean() >= 0.95
    for label in ("SPOT_DRIVEN", "WEAK") if kind == "spot_impulse" else ():
        hit = [any(covers(call, leg) and call[3] == label for call in found) for leg in planted if leg[3] == label]
        assert np.mean(hit) >= 0.75


@pytest.mark.parametrize("seed", SEEDS)
def test_the_door_features_find_the_third_doors(seed):
    market, truth = constructed_market("five_doors", seed)
    planted = [tuple(ns(moment) for moment in entry["armed_between"]) for entry in truth]
    calls = [leg for leg in found_legs(market, **LITERAL) if leg[4] >= 3 and leg[4] % 2 == 1 and leg[3] == "SHORTS_IN"]
    assert sum(any(covers(call, (*door, -1.0)) for call in calls) for door in planted) >= 5
    assert len(calls) <= 7


@pytest.mark.parametrize("seed", SEEDS)
def test_the_sweep_passes_every_liquidation_price_that_it_names(seed):
    tables, _, truth = construct("fuel_sweep", seed)
    assert [entry["side"] for entry in truth] == ["shorts", "longs"]
    for entry in truth:
        build, rest, sweep = entry["legs"]
        opened = within(tables[PERP], ns(build["start"]), ns(build["end"]))
        before, after = (tables[OI]["qty"][np.searchsorted(tables[OI]["ts_event"], ns(build[end]))] for end in ("start", "end"))
        swept = within(tables[PERP], ns(sweep["start"]), ns(sweep["end"]))
        way = 1 if entry["side"] == "shorts" else -1
        prices = np.array(list(entry["liquidation_prices"].values()))
        calm_min = within(tables[PERP], ns(build["start"]), ns(rest["end"]))
        assert entry["opened_between"] == [opened["low"].min(), opened["high"].max()]
        assert after - before == pytest.approx(entry["added"], rel=0.01)
        assert 0.5 + taker_flow(opened) / 2 == pytest.approx(entry["taker_buy"], abs=0.05)
        assert entry["liquidation_prices"]["50"][0] == pytest.approx(
            entry["opened_between"][0] * (1 + way / 50) / (1 + way * 0.004), abs=0.1)
        if way > 0:
            assert calm_min["high"].max() < prices.min()
            assert swept["high"].max() > prices.max()
        else:
            assert calm_min["low"].min() > prices.max()
            assert swept["low"].min() < prices.min()


# ---------------------------------------------------------------------------- support: G9


def hourly(bars, start: int, end: int) -> list[float]:
    """Closes of the hours that end after `start` and not after `end`."""
    inside = (bars["ts_close"] > start) & (bars["ts_close"] <= end) & (bars["ts_close"] % HOUR == 0)
    return [float(close) for close in bars["close"][inside]]


def test_the_cases_around_the_level_are_drawn_by_hand():
    tables, _, truth = construct("support", 3)
    closes = {entry["case"]: hourly(tables[PERP], ns(entry["start"]), ns(entry["end"])) for entry in truth}
    assert closes == {
        "wick": [92_300, 92_100, 93_200],
        "two closes": [92_300, 91_700, 91_700, 92_200, 93_200],
        "within tolerance": [92_300, 91_800, 91_800, 91_800, 92_200, 93_200],
        "three closes": [92_300, 91_700, 91_700, 91_700, 91_500, 92_400, 93_200],
        "one deep close": [92_300, 91_000, 91_300, 92_400, 93_200],
        "push": [94_500, 93_800, 94_500, 93_800, 94_800, 93_200],
    }
    wick = next(entry for entry in truth if entry["case"] == "wick")
    assert within(tables[PERP], ns(wick["start"]), ns(wick["end"]))["low"].min() == 91_500
    inside = np.zeros(len(tables[PERP]), bool)
    for entry in truth:
        inside |= (tables[PERP]["ts_event"] >= ns(entry["start"])) & (tables[PERP]["ts_event"] < ns(entry["end"]))
    assert tables[PERP]["low"][~inside].min() > 92_000
    assert tables[PERP]["high"][~inside].max() < 94_400


@pytest.mark.parametrize("seed", SEEDS)
def test_the_support_feature_sees_what_holds_breaks_and_pushes(seed):
    tables, _, truth = construct("support", seed)
    f, broken, pushes = initial(Support)[0], [], []
    start_support(f, truth[0]["level"], 0.0025, 3)
    for bar in tables[PERP].view(row_type(tables[PERP].dtype)):
        was, pushed = f.broken, f.push
        see_support(f, bar)
        if f.broken and not was:
            broken.append(int(bar.ts_close))
        if f.push and not pushed:
            pushes.append(int(bar.ts_close))
    assert broken == [ns(entry["broken_at"]) for entry in truth if entry["broken_at"]]
    assert {ns(moment) for entry in truth for moment in entry["pushes_at"]} <= set(pushes)
    touches = [ns(entry["legs"][2]["end"]) for entry in truth if entry["case"] == "push"]
    assert set(touches) & set(pushes) == set()
