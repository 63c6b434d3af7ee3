"""One causal order: ties are decided, an instant has one last event, and nothing known too early gets in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import SECOND, SPOT_AND_PERP, T0, bars, points, unpack

from backtester.errors import UserError
from backtester.market.merge import build
from backtester.market.schema import Instrument
from backtester.records import KIND, KIND_SHIFT, ROW, STREAMS, Row

SPOT, PERP, ETH_SPOT, ETH_PERP = range(4)
WITH_ETH = (*SPOT_AND_PERP, Instrument("ETH-SPOT", "eth_spot"), Instrument("ETH-PERP", "eth_perp"))


def market(tables, instruments=SPOT_AND_PERP):
    return build("tiny", instruments, tables)


def test_ties_are_decided_by_the_priority_of_the_streams():
    at_once = {
        ("perp_bars", PERP): bars([0]),
        ("spot_bars", SPOT): bars([0]),
        ("mark_bars", PERP): bars([0]),
        ("liquidations", PERP): points("liquidations", [60.5]),
        ("open_interest", PERP): points("open_interest", [60.5]),
        ("funding", PERP): points("funding", [60.5]),
        ("exogenous", PERP): points("exogenous", [60.5]),
        ("brackets", PERP): points("brackets", [60.5]),
    }
    assert unpack(market(at_once).streams.events) == [
        ("brackets", PERP, 1, False),
        ("exogenous", PERP, 1, False),
        ("funding", PERP, 1, False),
        ("open_interest", PERP, 1, False),
        ("liquidations", PERP, 1, False),
        ("mark_bars", PERP, 1, False),
        ("spot_bars", SPOT, 2, False),
        ("perp_bars", PERP, 3, True),
    ]


def test_ties_within_a_stream_keep_the_order_of_its_rows():
    liquidations = points("liquidations", [10, 20, 30])
    liquidations["ts_known"] = T0 + np.array([50, 40, 40]) * SECOND  # the first is known last
    assert unpack(market({("perp_bars", PERP): bars([0]), ("liquidations", PERP): liquidations}).streams.events) == [
        ("liquidations", PERP, 2, False),
        ("liquidations", PERP, 3, True),
        ("liquidations", PERP, 1, True),
        ("perp_bars", PERP, 1, True),
    ]


def test_mixed_frequencies_stand_on_one_clock():
    tables = {
        ("spot_bars", SPOT): bars([0, 60, 120, 180, 240, 300]),
        ("perp_bars", PERP): bars([0], interval=300),
        ("open_interest", PERP): points("open_interest", [0], lag=330),
        ("funding", PERP): points("funding", [0], lag=5),
    }
    assert unpack(market(tables).streams.events) == [
        ("funding", PERP, 1, True),        # 00:00:05
        ("spot_bars", SPOT, 1, True),      # 00:01:00.5
        ("spot_bars", SPOT, 2, True),
        ("spot_bars", SPOT, 3, True),
        ("spot_bars", SPOT, 4, True),
        ("spot_bars", SPOT, 5, False),     # 00:05:00.5, both close
        ("perp_bars", PERP, 7, True),
        ("open_interest", PERP, 1, True),  # 00:05:30
        ("spot_bars", SPOT, 6, True),      # 00:06:00.5
    ]


def test_ties_of_two_assets_are_decided_by_stream_then_by_instrument():
    tables = {(stream, n): bars([0]) for n, stream in enumerate(["spot_bars", "perp_bars"] * 2)} | {
        ("funding", n): points("funding", [60.5]) for n in (ETH_PERP, PERP)
    }
    made = market(tables, WITH_ETH)
    assert unpack(made.streams.events) == [
        ("funding", PERP, 1, False),
        ("funding", ETH_PERP, 2, False),
        ("spot_bars", SPOT, 1, False),
        ("spot_bars", ETH_SPOT, 2, False),
        ("perp_bars", PERP, 3, False),
        ("perp_bars", ETH_PERP, 4, True),
    ]
    assert list(made.counts) == [
        "funding/BTC-PERP", "funding/ETH-PERP", "spot_bars/BTC-SPOT", "spot_bars/ETH-SPOT", "perp_bars/BTC-PERP", "perp_bars/ETH-PERP",
    ]


def test_row_0_of_every_array_means_none_yet():
    streams = market({("perp_bars", PERP): bars([0])}).streams
    for field in streams._fields[1:]:
        none = getattr(streams, field)[0]
        assert isinstance(none, Row)
        for name, (kind, _) in none.dtype.fields.items():
            assert np.isnan(none[name]).all() if kind.base.kind == "f" else none[name] == 0, f"{field}.{name}"


def test_records_stand_behind_it_unchanged():
    spot, perp = bars([0, 60], price=100.0), bars([0], price=99.0)
    market_bars = market({("perp_bars", PERP): perp, ("spot_bars", SPOT): spot}).streams.bars
    assert market_bars[1:].tobytes() == spot.tobytes() + perp.tobytes()


def test_a_market_says_what_it_holds():
    tables = {
        ("spot_bars", SPOT): bars([120, 180]),
        ("perp_bars", PERP): bars([60], interval=300),
        ("mark_bars", PERP): bars([0]),
        ("funding", PERP): points("funding", []),
    }
    made = build("tiny", SPOT_AND_PERP, tables, tags=("fed",), source={"path": "here"})
    assert (made.start, made.end) == (T0 + 60 * SECOND, T0 + 360 * SECOND)
    assert made.counts == {"mark_bars/BTC-PERP": 1, "spot_bars/BTC-SPOT": 2, "perp_bars/BTC-PERP": 1}
    assert made.tags == ("fed",)
    assert made.source == {
        "name": "tiny",
        "path": "here",
        "streams": {
            "mark_bars/BTC-PERP": ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"],
            "spot_bars/BTC-SPOT": ["2024-01-01T00:02:00Z", "2024-01-01T00:03:00Z"],
            "perp_bars/BTC-PERP": ["2024-01-01T00:01:00Z", "2024-01-01T00:01:00Z"],
        },
    }


stamps = st.lists(st.integers(0, 12), max_size=8)  # few values: many ties


@given(st.dictionaries(st.sampled_from(["funding", "liquidations", "trades", "exogenous", "depth"]), stamps), stamps)
def test_events_are_sorted_by_known_kind_and_sequence(delays, bar_delays):
    perp = bars([60 * n for n in range(len(bar_delays) + 1)], interval=60)
    perp["ts_known"] = T0 + (3600 + np.array([*bar_delays, 0])) * SECOND
    tables = {("perp_bars", PERP): perp}
    for stream, values in delays.items():
        table = points(stream, range(len(values)), **dict.fromkeys(STREAMS[stream].names[2:], 1.0))
        table["ts_known"] = T0 + (np.array(values, "i8") + (30 if stream == "funding" else 3600)) * SECOND
        tables[stream, PERP] = table
    expected = sorted(
        (int(table["ts_known"][n]), KIND[stream], n + 1) for (stream, _), table in tables.items() for n in range(len(table))
    )
    events = market(tables).streams.events
    assert [(event >> KIND_SHIFT & 0xFF, event & ROW) for event in events.tolist()] == [(kind, row) for _, kind, row in expected]
    last = [now[0] != after[0] for now, after in zip(expected, [*expected[1:], (0, 0, 0)], strict=True)]
    assert [last for *_, last in unpack(events)] == last


def changed(table, field, row, value):
    table[field][row] = value
    return table


OK = {("perp_bars", PERP): bars([0, 60])}
REFUSED = {
    "unknown stream": (
        OK | {("spot_candles", SPOT): bars([0])},
        "tiny: unknown stream 'spot_candles' (streams are brackets, exogenous, funding, ",
    ),
    "another stream's records": (
        OK | {("funding", PERP): points("open_interest", [0])},
        "tiny: funding/BTC-PERP: has the fields ts_event, ts_known, qty; right are ts_event, ts_known, rate, interval_h",
    ),
    "role": ({("spot_bars", PERP): bars([0])}, "tiny: spot_bars/BTC-PERP: belongs to a spot, and BTC-PERP has the role perp"),
    "brackets of a spot": (
        OK | {("brackets", SPOT): points("brackets", [0])},
        "tiny: brackets/BTC-SPOT: belongs to a perp, and BTC-SPOT has the role spot",
    ),
    "brackets twice": (
        OK | {("brackets", PERP): points("brackets", [0, 0])},
        "tiny: brackets/BTC-PERP, row 1 (2024-01-01T00:00:00Z): ts_event stands twice: keep one of the two rows",
    ),
    "unsorted": (
        {("perp_bars", PERP): bars([0, 120, 60])},
        "tiny: perp_bars/BTC-PERP, row 2 (2024-01-01T00:01:00Z): ts_event is earlier than in the row before: sort the rows",
    ),
    "duplicate": (
        {("perp_bars", PERP): bars([0, 60, 60])},
        "tiny: perp_bars/BTC-PERP, row 2 (2024-01-01T00:01:00Z): ts_event stands twice: keep one of the two rows",
    ),
    "settled twice": (
        OK | {("funding", PERP): points("funding", [0, 0])},
        "tiny: funding/BTC-PERP, row 1 (2024-01-01T00:00:00Z): ts_event stands twice: keep one of the two rows",
    ),
    "known before it happened": (
        OK | {("open_interest", PERP): points("open_interest", [0, 60], lag=-1)},
        "tiny: open_interest/BTC-PERP, row 0 (2024-01-01T00:00:00Z): ts_known is before ts_event: right is ts_event + lag",
    ),
    "known before its close": (
        {("perp_bars", PERP): bars([0], lag=-1)},
        "tiny: perp_bars/BTC-PERP, row 0 (2024-01-01T00:00:00Z): ts_known is before the bar's close: right is ts_close + lag",
    ),
    "no length": (
        {("perp_bars", PERP): bars([0], interval=0)},
        "tiny: perp_bars/BTC-PERP, row 0 (2024-01-01T00:00:00Z): ts_close must be later than ts_event",
    ),
    "NaN price": (
        {("perp_bars", PERP): changed(bars([0, 60]), "low", 1, np.nan)},
        "tiny: perp_bars/BTC-PERP, row 1 (2024-01-01T00:01:00Z): open, high, low, close: one of them is NaN: leave such a row out",
    ),
    "NaN rate": (
        OK | {("funding", PERP): points("funding", [0], rate=np.nan)},
        "tiny: funding/BTC-PERP, row 0 (2024-01-01T00:00:00Z): rate, interval_h: one of them is NaN: leave such a row out",
    ),
    "settlement known too late": (
        OK | {("funding", PERP): points("funding", [0, 60], lag=61)},  # the bar from 00:00 is known at 00:01:00.5
        "tiny: funding/BTC-PERP, row 0 (2024-01-01T00:00:00Z): known only after the first perp bar that opens at or after it: "
        "lower the stream's lag_ms",
    ),
    "no bars": ({("funding", PERP): points("funding", [0])}, "tiny: no bars to trade on: a market needs rows in spot_bars or perp_bars"),
}


@pytest.mark.parametrize(("tables", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_right_is_refused(tables, message):
    with pytest.raises(UserError) as refused:
        market(tables)
    assert str(refused.value).startswith(message)


def test_a_settlement_known_with_its_bar_or_before_any_is_fine():
    market(OK | {("funding", PERP): points("funding", [0], lag=60.5)})   # a tie: funding comes first
    market(OK | {("funding", PERP): points("funding", [600], lag=3600)})  # no bar after it


def test_rows_need_a_bound_instrument_in_the_place_of_its_role():
    with pytest.raises(UserError, match="rows for the role spot, to which no instrument is bound"):
        build("tiny", (Instrument("", "spot"), SPOT_AND_PERP[1]), {("spot_bars", SPOT): bars([0])})
    with pytest.raises(UserError, match="instruments must stand in the order of their roles: spot, perp"):
        build("tiny", SPOT_AND_PERP[::-1], {("spot_bars", SPOT): bars([0])})
    with pytest.raises(UserError, match="instruments must stand in the order of their roles: spot, perp, eth_spot, eth_perp"):
        build("tiny", WITH_ETH[2:] + WITH_ETH[:2], {("spot_bars", SPOT): bars([0])})


@pytest.mark.parametrize(("tables", "message"), [
    ({("spot_bars", ETH_PERP): bars([0])}, "tiny: spot_bars/ETH-PERP: belongs to a spot, and ETH-PERP has the role eth_perp"),
    (
        {("perp_bars", ETH_PERP): bars([0, 60]), ("funding", ETH_PERP): points("funding", [0], lag=61)},
        r"tiny: funding/ETH-PERP, row 0 .*known only after the first perp bar that opens at or after it",
    ),
])
def test_a_further_asset_is_checked_like_the_first(tables, message):
    with pytest.raises(UserError, match=message):
        market(tables, WITH_ETH)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("low", -1.0, "a price is not above 0"),
        ("low", 0.0, "a price is not above 0"),
        ("high", 99.0, "open or close lies outside low"),
        ("low", 101.0, "open or close lies outside low"),
        ("close", np.inf, "one of them is infinite"),
    ],
)
def test_a_bar_that_cannot_be_is_refused(field, value, message):
    table = bars([0, 60, 120])
    table[field][1] = value
    with pytest.raises(UserError, match=rf"perp_bars/BTC-PERP, row 1 .*{message}"):
        market({("perp_bars", PERP): table})


def test_more_settlements_than_one_bar_can_hold_are_refused():
    crowd = points("funding", [60 * n + 1 for n in range(40)], lag=5)
    with pytest.raises(UserError, match="more than 32 settlements fall into one perp bar"):
        market({("perp_bars", PERP): bars([0, 3600], interval=3600), ("funding", PERP): crowd})


def test_a_mark_that_does_not_fit_into_its_perpetuals_bars_is_refused():
    tables = {("perp_bars", PERP): bars([0, 300, 600], interval=300), ("mark_bars", PERP): bars([0, 120, 240], interval=120)}
    with pytest.raises(UserError, match=r"mark_bars/.*: bars of 2 minutes do not fit into the perpetual's of 5: import shorter ones"):
        market(tables)
