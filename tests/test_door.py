"""The door on drawn paths: what arms it, what buys, what ends it, and what keeps it out."""

import numpy as np
import pytest
from drive import MINUTE, START, bars, contracts, draw, drive

from backtester.features.basic import missing
from backtester.features.labels import Label, RequireOi
from backtester.features.premium import Unit
from strategies.door import Door, Reason

FIXED = {"premium_unit": Unit.BP, "premium_delta_bp": 2.0, "premium_eps_bp": 0.8}
NEW_HIGH = [(520, 106_600.0, 4.0, 1.03e5)]


def doors(after, premium=6.0, contracts=1.03e5):
    """106,000 with a premium that stands still, door 1 to 105,000, door 2 to 105,900, door 3 to 104,900 at minute 360; then `after`."""
    return draw([
        (0, 104_000.0, 4.0, 1.00e5), (60, 104_000.0, 4.0, 1.00e5), (150, 106_000.0, 4.0, 1.00e5), (220, 105_000.0, 10.0, 1.01e5),
        (290, 105_900.0, 4.0, 1.02e5), (360, 104_900.0, 4.0 + premium, contracts), *after,
    ])  # fmt: skip


def story(table, **params):
    """[(minute of the fill, reason)] of a run with a fixed unit."""
    fills, _, _ = drive(Door, Reason, table, **(FIXED | params))
    return [(minute, reason) for minute, _, _, _, reason in fills]


def test_the_third_door_is_bought_and_the_new_high_sold():
    """B11. Armed while door 3 drops with rising premium, bought when it turns by 0.35 of 42 bp, sold above 106,000 + 10 bp."""
    fills, trace, blocked = drive(Door, Reason, doors(NEW_HIGH), **FIXED)
    assert [(minute, role, reason) for minute, role, _, _, reason in fills] == [(374, "perp", "ENTRY_DOOR"), (474, "perp", "TARGET")]
    assert fills[0][3] == pytest.approx(105_048.75)
    assert fills[1][3] > 106_000.0 * 1.001
    armed = np.flatnonzero(trace["armed"])
    assert (int(armed[0]) + 1, Label(int(trace["label"][armed[0]]))) == (328, Label.SHORTS_IN)
    assert [int(trace["drawing"][armed[0]]), int(trace["doors"][armed[0]])] == [3, 2]
    assert blocked == 0


def test_the_stop_costs_a_share_of_equity():
    """Bought with 0.5 % of 100,000 between the price of the decision and 10 bp below the door's low."""
    (entry, _), _, _ = drive(Door, Reason, doors(NEW_HIGH), **FIXED)
    assert entry[2] * (105_048.75 - 104_900.0 * 0.999) == pytest.approx(500.0)
    (entry, _), _, _ = drive(Door, Reason, doors(NEW_HIGH), leverage=1.0, **FIXED)
    assert entry[2] * 105_048.75 == pytest.approx(100_000.0)


def test_a_lower_low_is_the_stop_and_the_door_is_not_bought_again():
    after = [(380, 105_200.0, 9.0, 1.03e5), (420, 104_500.0, 14.0, 1.05e5), (500, 105_600.0, 9.0, 1.05e5)]
    assert story(doors(after)) == [(370, "ENTRY_DOOR"), (404, "STOP")]


def test_the_stop_works_while_spot_stands_still():
    after = [(380, 105_200.0, 9.0, 1.03e5), (420, 104_500.0, 14.0, 1.05e5)]
    table = doors(after)
    table["spot_bars"] = table["spot_bars"][table["spot_bars"]["ts_close"] <= START + 375 * MINUTE]
    assert story(table) == [(370, "ENTRY_DOOR"), (404, "STOP")]


def test_spot_selling_ends_it_at_once():
    """B12. The premium falls with the price: out at 24 bp of the drop, which would be confirmed at 42 bp, minute 462."""
    after = [(410, 105_500.0, 9.0, 1.03e5), (460, 105_100.0, 2.0, 1.03e5), (500, 105_000.0, 0.0, 1.03e5)]
    assert story(doors(after)) == [(373, "ENTRY_DOOR"), (442, "SPOT_SELLS")]


@pytest.mark.parametrize(
    ("why", "premium", "contracts", "params"),
    [
        ("spot sells the third door", -3.0, 1.03e5, {}),
        ("the premium stands still", 0.0, 1.03e5, {}),
        ("longs were flushed: open interest fell", 6.0, 0.99e5, {}),
        ("the divergence is smaller than asked", 6.0, 1.03e5, {"premium_delta_bp": 7.0}),
        ("the price is below support", 6.0, 1.03e5, {"support": 106_500.0}),
        ("only three doors", 6.0, 1.03e5, {"doors": 5}),
        ("no impulse is that large", 6.0, 1.03e5, {"anchor_bp": 200.0}),
    ],
)
def test_what_keeps_it_out(why, premium, contracts, params):
    assert story(doors(NEW_HIGH, premium, contracts), **params) == [], why


def third_drop(*end):
    """Doors 1 and 2, a third drop to 105,200 with shorts in at minute 335, and then `end`: (minute, price, premium) each."""
    start = [(0, 104_000.0, 4.0, 1.00e5), (60, 104_000.0, 4.0, 1.00e5), (150, 106_000.0, 4.0, 1.00e5), (220, 105_000.0, 10.0, 1.01e5)]
    drop = [(290, 105_900.0, 4.0, 1.02e5), (335, 105_200.0, 10.0, 1.03e5)]
    return draw([*start, *drop, *((minute, price, premium, 1.03e5) for minute, price, premium in end)])


def test_spot_selling_disarms_the_door():
    """B12. Armed at 105,200; then the drop goes on and the premium falls below where it began."""
    high = (520, 106_600.0, 0.0)
    _, trace, _ = drive(Door, Reason, third_drop((380, 104_800.0, 0.0), high), **FIXED)
    assert (bool(trace["armed"][334]), bool(trace["armed"][379])) == (True, False)
    assert story(third_drop((380, 104_800.0, 0.0), high)) == []


def test_a_turn_on_which_the_premium_gives_way_is_not_bought():
    """The turn of 0.35 of 42 bp comes while the smoothed premium falls by more than 0.8 bp: longs do it, not spot."""
    assert story(third_drop((350, 105_500.0, -4.0), (390, 105_560.0, -4.0), (430, 105_100.0, -4.0))) == []
    assert story(third_drop((350, 105_500.0, 10.0), (390, 105_560.0, 10.0), (430, 105_100.0, 10.0)))[0][1] == "ENTRY_DOOR"


def test_no_entry_before_the_third_door():
    """B11. The path ends while door 2 rises: door 1 was a drop with shorts in, and not bought."""
    table = doors(NEW_HIGH)
    cut = {stream: rows[rows["ts_known"] <= START + 290 * MINUTE] for stream, rows in table.items()}
    assert story(cut) == []
    assert story(cut, doors=1) == [(232, "ENTRY_DOOR")]


@pytest.mark.parametrize(("support", "minute"), [(None, 374), (104_000.0, 374), (105_100.0, 379)])
def test_entries_only_above_support(support, minute):
    assert story(doors(NEW_HIGH), support=support)[0] == (minute, "ENTRY_DOOR")


def test_the_document_as_it_stands_asks_no_open_interest():
    flushed = doors(NEW_HIGH, contracts=0.99e5)
    assert story(flushed, require_oi=RequireOi.OFF) == [(374, "ENTRY_DOOR"), (474, "TARGET")]


def test_without_open_interest_legs_cannot_be_judged():
    """Three divergences, each blocked once; soft takes them as they are."""
    table = doors(NEW_HIGH)
    del table["open_interest"]
    fills, _, blocked = drive(Door, Reason, table, **FIXED)
    assert (fills, blocked) == ([], 3)
    assert story(table, require_oi=RequireOi.SOFT) == [(374, "ENTRY_DOOR"), (474, "TARGET")]


@pytest.mark.parametrize(("trend", "bought"), [(None, True), (0.5, True), (0.999, False)])
def test_the_premium_may_be_asked_to_rise_steadily(trend, bought):
    """B3, "continuously rising"."""
    wavy = doors(NEW_HIGH)
    spot = wavy["spot_bars"]
    spot["close"] *= 1.0 + 5e-5 * np.sin(np.arange(len(spot)))
    assert bool(story(wavy, premium_trend=trend)) == bought


def with_a_day_before(swing_bp):
    """The same doors after 30 hours of one price, in which the premium wanders about by so much from hour to hour."""
    hours = 30
    table, early = doors(NEW_HIGH), hours * 60
    premium = np.repeat(4.0 + swing_bp * np.random.default_rng(5).normal(size=hours), 60)
    before = START - early * MINUTE
    return {
        "spot_bars": np.concatenate([bars(104_000.0 * np.exp(premium * 1e-4), start=before), table["spot_bars"]]),
        "perp_bars": np.concatenate([bars(np.full(early, 104_000.0), start=before), table["perp_bars"]]),
        "open_interest": table["open_interest"],
    }


@pytest.mark.parametrize(("swing_bp", "low", "high", "trades"), [(0.0, 0.25, 0.25, 2), (1.0, 0.8, 2.0, 2), (8.0, 6.4, 16.0, 0)])
def test_thresholds_are_multiples_of_what_is_usual(swing_bp, low, high, trades):
    """The default unit. Where the premium moves by 8 bp an hour, 6 bp in a leg are nothing."""
    fills, trace, _ = drive(Door, Reason, with_a_day_before(swing_bp))
    assert low <= trace["unit_bp"][30 * 60] <= high
    assert len(fills) == trades


def test_before_its_unit_is_known_it_waits():
    fills, trace, blocked = drive(Door, Reason, doors(NEW_HIGH))
    assert missing(trace["unit_bp"][-1])
    assert (fills, blocked) == ([], 4)  # four confirmed legs without a label


def test_hourly_open_interest_serves_too():
    table = doors(NEW_HIGH)
    table["open_interest"] = contracts([1.00e5, 1.00e5, 1.00e5, 1.00e5, 1.01e5, 1.02e5, 1.03e5, 1.03e5], 60)
    assert story(table) == [(374, "ENTRY_DOOR"), (474, "TARGET")]
