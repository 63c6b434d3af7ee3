"""A gap of all prices: what moves, what stays, and which position survives it."""

import numpy as np
import pytest
from tables import T0, bars, constructed_market, points

import backtester as bt
from backtester.errors import UserError
from backtester.market.merge import build
from backtester.market.schema import Instrument
from backtester.market.stress import gap, gapped
from strategies.buy_and_hold import BuyAndHold

MINUTE = 60 * 10**9
PERP = (Instrument("", "spot"), Instrument("P", "perp", tick=0.5))
AT = T0 + 2 * MINUTE


def small():
    """Four minutes of a perp at 100, its mark, its premium, and a record of every other kind at each open."""
    moments = [0, 60, 120, 180]
    told = {"perp_bars": bars(moments), "mark_bars": bars(moments), "premium_index_bars": bars(moments, price=-3e-4)}
    told["perp_bars"]["quote_volume"], told["perp_bars"]["taker_buy"] = 100.0, 0.5
    told["perp_bars"]["high"], told["perp_bars"]["low"] = 100.5, 99.0
    told["open_interest"] = points("open_interest", moments, qty=7)
    told["liquidations"] = points("liquidations", moments, side=1, qty=2, price=100)
    told["depth"] = points("depth", moments, percent=-1, qty=3, notional=300)
    told["funding"] = points("funding", [120], rate=1e-4, interval_h=8)
    return build("small", PERP, {(stream, 1): table for stream, table in told.items()})


def column(market, stream, field):
    return [float(value) for value in market.tables[stream, 1][field]]


def test_the_bar_opens_at_the_gapped_price_and_all_later_ones_follow():
    after = gap(small(), AT, -0.10, 0.2)
    assert column(after, "perp_bars", "open") == [100, 100, 90, 90]
    assert column(after, "perp_bars", "high") == [100.5, 100.5, 90.5, 90.5]  # 90.45, on the tick
    assert column(after, "perp_bars", "low") == [99, 99, 89, 89]
    assert column(after, "perp_bars", "volume") == [1, 1, 0.2, 1]
    assert column(after, "perp_bars", "taker_buy") == [0.5, 0.5, 0.1, 0.5]
    assert column(after, "perp_bars", "quote_volume") == [100, 100, 18, 90]
    assert column(after, "mark_bars", "close") == [100, 100, 90, 90]
    assert column(after, "premium_index_bars", "close") == [-3e-4] * 4
    assert column(after, "open_interest", "qty") == [7] * 4
    assert column(after, "liquidations", "price") == [100, 100, 90, 90]
    assert column(after, "depth", "notional") == [300, 300, 270, 270]
    assert column(after, "depth", "qty") == [3] * 4
    assert column(after, "funding", "rate") == [1e-4]


def test_nothing_before_the_gap_and_no_moment_changes():
    before, as_it_was = small(), small()
    after = gap(before, AT, 0.05)
    assert column(before, "perp_bars", "open") == column(as_it_was, "perp_bars", "open")
    assert after.streams.events.tobytes() == before.streams.events.tobytes()
    for key, table in before.tables.items():
        early = table["ts_event"] < AT
        assert after.tables[key][early].tobytes() == table[early].tobytes()
        for field in ("ts_event", "ts_known"):
            np.testing.assert_array_equal(after.tables[key][field], table[field])


def test_the_source_tells_of_every_gap():
    twice = gap(gap(small(), AT, -0.05), "2024-01-01T00:03:00", -0.10, 0.5)
    assert twice.source["gaps"] == [
        {"at": "2024-01-01T00:02:00Z", "fraction": -0.05, "liquidity": 0.2},
        {"at": "2024-01-01T00:03:00Z", "fraction": -0.10, "liquidity": 0.5},
    ]
    assert column(twice, "perp_bars", "open") == [100, 100, 95, 85.5]


@pytest.mark.parametrize(("at", "fraction", "liquidity", "message"), [
    (T0, -0.1, 0.2, r"gap: 2024-01-01T00:00:00Z is outside small: choose a bar's open between "),
    (T0 + 4 * MINUTE, -0.1, 0.2, "is outside small"),
    (AT + 1, -0.1, 0.2, r"gap: 2024-01-01T00:02:00Z lies inside the bar of .* that opens at 2024-01-01T00:02:00Z: choose a bar's open"),
    (AT, -1.0, 0.2, "gap: -1.0 of the price on 0.2 of the volume: right are a fraction above -1 and a share above 0"),
    (AT, float("nan"), 0.2, "right are a fraction above -1"),
    (AT, -0.1, 0.0, "a share above 0"),
    ("tomorrow", -0.1, 0.2, "gap: 'tomorrow' is no time"),
])
def test_what_is_no_gap_is_refused(at, fraction, liquidity, message):
    with pytest.raises(UserError, match=message):
        gap(small(), at, fraction, liquidity)


def test_tables_without_ticks_keep_every_digit():
    table = gapped({("perp_bars", "P"): bars([0, 60], price=100.03)}, T0 + MINUTE, -0.10, 1.0, {})["perp_bars", "P"]
    assert list(table["open"]) == [100.03, 100.03 * 0.9]


# ---------------------------------------------------------------------------- what survives


def held(market, leverage):
    """(liquidation fills, final equity) of a long perpetual held with isolated margin."""
    result = bt.run(market, BuyAndHold, role="perp", qty=1.0, venue={"leverage": leverage, "margin": "isolated", "cash": 100_000.0})
    return int((result.fills["reason"] == "liquidation").sum()), result.metrics["final_equity"]


def test_a_gap_of_ten_percent_ends_twenty_times_leverage_and_not_three():
    calm, _ = constructed_market("null", 3, days=2)
    at = int(calm.start + 1440 * MINUTE)
    shocked = gap(calm, at, -0.10)
    entry = float(calm.tables["perp_bars", 1]["open"][0])
    assert (held(calm, 20.0)[0], held(calm, 3.0)[0]) == (0, 0)
    dead, alive = held(shocked, 20.0), held(shocked, 3.0)
    assert (dead[0], alive[0]) == (1, 0)
    assert dead[1] == pytest.approx(100_000 - entry / 20, rel=0.002)          # all of the margin, and no more
    assert alive[1] == pytest.approx(held(calm, 3.0)[1] - 0.1 * entry, rel=0.01)


def test_the_experiment_dies_at_its_gaps():
    market, truth = constructed_market("macro_gap", 3)
    fall = min(entry["gap"] for entry in truth)
    assert fall == -0.10
    assert [held(market, leverage)[0] for leverage in (20.0, 3.0)] == [1, 0]
