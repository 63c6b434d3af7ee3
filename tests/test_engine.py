"""The venue in little markets: what fills when and at what price, and what stands in the ledger."""

import numpy as np
import pytest
from scripted import PERP, SPOT, Run, funding, priced
from tables import bars

from backtester.errors import UserError

FLAT = [100.0] * 6
RISE = [100.0, 110.0, 120.0, 130.0, 140.0, 150.0]


def both(perp, spot=None):
    """A spot and a perp of the same minutes; bar n opens at perp[n] and closes at perp[n + 1]."""
    spot = perp if spot is None else spot
    return {("perp_bars", PERP): priced(perp[:-1], perp[1:]), ("spot_bars", SPOT): priced(spot[:-1], spot[1:])}


def test_an_order_decided_at_a_close_fills_at_the_next_open():
    run = Run(both(RISE), at1=1, qty1=2.0)
    order = run.rows("orders", "ts", "instrument", "qty", "reason", "status", "ts_done", "price")
    assert order == [(60.5, "P", 2.0, "first", "filled", 60.0, 110.0)]
    assert run.rows("fills", "ts", "qty", "price") == [(60.0, 2.0, 110.0)]
    assert [row[0] for row in run.rows("equity", "equity")] == [1000.0, 1020.0, 1040.0, 1060.0, 1080.0]


def test_an_order_of_the_start_fills_at_the_first_open():
    assert Run(both(RISE), at1=0, role1=SPOT, qty1=1.0).rows("fills", "ts", "price") == [(0.0, 100.0)]
    assert Run(both(RISE), {"fills": "strict"}, at1=0, qty1=1.0).rows("fills", "ts", "price") == [(0.0, 100.0)]


def test_strict_fills_at_nothing_older_than_decision_and_latency():
    assert Run(both(RISE), {"fills": "strict", "latency_ms": 250}, at1=1, qty1=1.0).rows("fills", "ts", "price") == [(120.0, 120.0)]
    assert Run(both(RISE), {"fills": "strict", "latency_ms": 59_500}, at1=1, qty1=1.0).rows("fills", "ts") == [(120.0,)]
    assert Run(both(RISE), {"fills": "strict", "latency_ms": 59_501}, at1=1, qty1=1.0).rows("fills", "ts") == [(180.0,)]


def test_a_decision_between_two_long_bars_waits_for_the_next_one_to_open():
    five = {("perp_bars", PERP): priced([100.0, 200.0], [150.0, 250.0], interval=300), ("spot_bars", SPOT): bars(range(0, 600, 60))}
    for minute in (1, 2, 3, 4):  # none of them may fill at minute 0, which is over, though its bar is not known yet
        assert Run(five, at1=minute, qty1=1.0).rows("fills", "ts", "price") == [(300.0, 200.0)]
    assert Run(five, at1=5, qty1=1.0).rows("fills", "ts", "price") == [(300.0, 200.0)]  # decided when both closed
    three = priced([100.0, 200.0, 300.0], [150.0, 250.0, 350.0], interval=300)
    more = {("perp_bars", PERP): three, ("spot_bars", SPOT): bars(range(0, 900, 60))}
    for minute in (6, 7, 8, 9, 10):
        assert Run(more, at1=minute, qty1=1.0).rows("fills", "ts", "price") == [(600.0, 300.0)]


def test_slippage_and_fee_are_against_the_trader():
    run = Run(both([100.0, 100.0, 100.0, 100.0]), {"slippage_bp": 10.0, "taker_bp": 5.0}, at1=0, qty1=1.0, at2=1, qty2=-1.0)
    assert run.rows("fills", "price", "fee", "slippage") == [(100.1, 0.05005, 0.1), (99.9, 0.04995, 0.1)]
    assert run.metrics["final_equity"] == pytest.approx(1000 - 0.2 - 0.1)
    assert run.rows("trades", "side", "qty", "entry_price", "exit_price", "pnl", "fees", "entry_reason", "exit_reason") == [
        ("long", 1.0, 100.1, 99.9, -0.3, 0.1, "first", "second")
    ]


def test_a_flip_closes_one_trade_and_opens_the_next():
    run = Run(both(RISE), {"taker_bp": 10.0}, at1=0, qty1=1.0, at2=2, qty2=-3.0, at3=4, qty3=2.0)
    assert run.rows("ledger", "ts", "kind", "amount") == [
        (0.0, "deposit", 1000.0),
        (0.0, "fee", -0.1),
        (120.0, "realised", 20.0),
        (120.0, "fee", -0.36),
        (240.0, "realised", -40.0),
        (240.0, "fee", -0.28),
    ]
    trades = run.rows("trades", "side", "entry_ts", "exit_ts", "qty", "pnl")
    assert trades == [("long", 0.0, 120.0, 1.0, 19.78), ("short", 120.0, 240.0, 2.0, -40.52)]
    assert run.metrics["win_rate"] == 0.5
    assert run.metrics["profit_factor"] == pytest.approx(19.78 / 40.52)


def test_adding_averages_the_entry_and_a_partial_exit_keeps_it():
    run = Run(both(RISE), at1=0, qty1=1.0, at2=1, qty2=1.0, at3=3, qty3=-1.0)
    assert run.rows("ledger", "kind", "amount") == [("deposit", 1000.0), ("realised", 25.0)]  # 130 against (100 + 110) / 2
    assert run.rows("trades", "pnl") == []
    assert run.rows("equity", "cash", "position_P")[-1] == (1025.0, 1.0)


def test_a_target_counts_the_position_and_what_waits():
    run = Run(both(RISE), to_target=True, at1=0, qty1=1.0, at2=2, qty2=-1.0, at3=3, qty3=-1.0)
    assert run.rows("fills", "ts", "qty") == [(0.0, 1.0), (120.0, -2.0)]


def test_spot_is_bought_with_cash_and_valued_at_its_close():
    run = Run(both(FLAT, RISE), {"taker_bp": 100.0}, at1=1, role1=SPOT, qty1=2.0, at2=3, role2=SPOT, qty2=-2.0)
    assert run.rows("ledger", "kind", "amount", "balance") == [
        ("deposit", 1000.0, 1000.0),
        ("spot_trade", -220.0, 780.0),
        ("fee", -2.2, 777.8),
        ("spot_trade", 260.0, 1037.8),
        ("fee", -2.6, 1035.2),
    ]
    assert run.rows("equity", "equity", "cash", "position_S")[1] == (1017.8, 777.8, 2.0)


@pytest.mark.parametrize(
    ("script", "refusal"),
    [
        ({"role1": SPOT, "qty1": -1.0}, "a spot account cannot go short"),
        ({"role1": SPOT, "qty1": 11.0}, "not enough cash"),
        ({"qty1": 50.1}, "initial margin"),
        ({"qty1": -50.1}, "initial margin"),
    ],
)
def test_what_the_venue_cannot_fill_it_refuses_with_a_reason(script, refusal):
    run = Run(both(FLAT), at1=1, **script)
    assert run.rows("orders", "status", "refusal", "ts_done") == [("refused", refusal, 60.0)]
    assert (run.metrics["orders"], run.metrics["refused"], run.metrics["fills"], run.metrics["final_equity"]) == (1, 1, 0, 1000.0)


def test_an_order_that_reduces_needs_no_margin():
    run = Run(both([100.0, 100.0, 70.0, 70.0, 70.0]), {"leverage": 1.0, "cash": 100.0}, at1=0, qty1=1.0, at2=3, qty2=-1.0)
    assert run.rows("orders", "status") == [("filled",), ("filled",)]


def test_waiting_orders_fill_in_turn_and_one_too_many_is_refused():
    slow = {("perp_bars", PERP): priced([100.0, 100.0], [100.0, 100.0], interval=3600), ("spot_bars", SPOT): bars(range(0, 7200, 60))}
    run = Run(slow, at1=1, qty1=1.0, until1=5)
    assert run.rows("fills", "ts", "order") == [(3600.0, 0), (3600.0, 1), (3600.0, 2), (3600.0, 3)]
    assert run.rows("orders", "id", "status", "refusal")[4] == (4, "refused", "no room for another waiting order")


def test_longs_pay_positive_funding_before_the_fill_of_the_same_moment():
    records = both(FLAT) | {("funding", PERP): funding([60, 120, 180], [0.001, 0.002, -0.003])}
    run = Run(records, {"missing_funding": "error"}, at1=1, qty1=2.0, at2=3, qty2=-2.0)
    # bought at second 60: the settlement of second 60 meets no position yet; sold at second 180, after its settlement
    assert run.rows("ledger", "ts", "kind", "amount") == [
        (0.0, "deposit", 1000.0),
        (120.0, "funding", -0.4),
        (180.0, "funding", 0.6),
        (180.0, "realised", 0.0),
    ]
    assert run.metrics["funding"] == pytest.approx(-0.2)
    assert run.rows("trades", "pnl", "funding") == [(0.2, -0.2)]


def test_funding_is_paid_at_the_mark_where_there_is_one():
    mark = priced([200.0] * 5, [200.0] * 5)
    records = both(FLAT) | {("mark_bars", PERP): mark, ("funding", PERP): funding([120], [0.001])}
    run = Run(records, at1=0, qty1=1.0)
    assert ("funding", -0.2) in run.rows("ledger", "kind", "amount")
    assert run.rows("equity", "equity")[0] == (1100.0,)  # valued at the mark as well


def test_a_lane_that_lost_everything_is_closed_and_halted():
    crash = [100.0, 100.0, 70.0, 60.0, 50.0, 500.0]
    run = Run(both(crash), {"leverage": 10.0, "cash": 100.0}, at1=0, qty1=3.0, at2=2, qty2=1.0)
    assert (run.metrics["ended"], run.metrics["ended_at"]) == ("bankrupt", "2024-01-01T00:02:59Z")
    assert (run.metrics["final_equity"], run.metrics["max_drawdown"], run.metrics["liquidations"]) == (0.0, 1.0, 1)
    assert [round(row[0], 9) for row in run.rows("equity", "equity")] == [100.0, 10.0, 0.0, 0.0, 0.0]
    assert run.rows("ledger", "kind", "amount") == [("deposit", 100.0), ("liquidation", -100.0)]
    assert run.rows("trades", "pnl", "exit_reason") == [(-100.0, "liquidation")]
    assert run.rows("orders", "status") == [("filled",), ("refused",)]


def test_the_ledger_adds_up_to_the_cash_at_every_sample():
    rng = np.random.default_rng(5)
    path = 100 + np.cumsum(rng.normal(0, 1, 61))
    records = both(path, path * 1.001) | {("funding", PERP): funding([600, 1200, 1800], [1e-3, -1e-3, 1e-3])}
    run = Run(records, {"taker_bp": 5.0, "slippage_bp": 3.0}, at1=2, qty1=5.0, at2=15, role2=SPOT, qty2=2.0, at3=25, qty3=-9.0)
    ts, amounts, balances = (run.tables["ledger"][name] for name in ("ts", "amount", "balance"))
    equity = run.tables["equity"]
    assert np.array_equal(np.cumsum(amounts), balances)
    assert np.array_equal(balances[np.searchsorted(ts, equity["ts"]) - 1], equity["cash"])
    entries = run.tile.lanes[0]["position"]["entry"]
    worth = equity["position_S"] * records["spot_bars", SPOT]["close"]
    gain = equity["position_P"][-1] * (records["perp_bars", PERP]["close"][-1] - entries[PERP])
    assert equity["equity"][-1] == pytest.approx(equity["cash"][-1] + worth[-1] + gain, rel=1e-12)


def test_pairs_are_bars_that_close_together():
    spot = priced(FLAT, FLAT)[[0, 1, 3, 4, 5]]  # the third minute is missing
    run = Run({("perp_bars", PERP): priced(FLAT, FLAT), ("spot_bars", SPOT): spot})
    assert run.rows("trace", "instant", "pairs") == [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 5)]


def test_a_pair_is_complete_when_its_later_bar_is_known():
    records = {("perp_bars", PERP): priced(FLAT, FLAT), ("spot_bars", SPOT): priced(FLAT, FLAT, lag=2.0)}
    run = Run(records)
    assert run.tile.minds[0]["state"]["instant"] == 12  # each close is two instants
    assert run.tile.minds[0]["state"]["pairs"] == 6
    assert len(run.tables["equity"]["ts"]) == 6  # and one sample


@pytest.mark.parametrize(
    ("venue", "message"),
    [
        ({"takre_bp": 1}, r"venue\.takre_bp: no such key"),
        ({"fills": "same_bar"}, r"venue\.fills: 'same_bar' is none of next_open, strict"),
        ({"cash": -1.0}, r"venue\.cash: must be above 0"),
        ({"cash": "much"}, r"venue\.cash: 'much' is no number"),
        ({"missing_funding": "error"}, r"has no funding of P; import it, or set venue\.missing_funding=free"),
    ],
)
def test_a_venue_that_cannot_be_right_is_refused(venue, message):
    with pytest.raises(UserError, match=message):
        Run(both(FLAT), venue)


def test_a_quantity_that_is_no_number_is_refused():
    run = Run(both(FLAT), at1=1, qty1=1.0, at2=2, nan2=True)
    assert run.rows("orders", "status", "refusal") == [("filled", ""), ("refused", "the quantity is no number")]
    assert run.metrics["final_equity"] == 1000.0


def test_an_order_for_an_instrument_without_data_is_refused():
    run = Run({("perp_bars", PERP): priced(FLAT, FLAT)}, at1=1, role1=SPOT, qty1=1.0)
    assert run.rows("orders", "status", "refusal") == [("refused", "the data have no such instrument")]


@pytest.mark.parametrize("lag", [0.5, 4.0, 10.0, 59.0])
def test_funding_meets_the_same_position_however_late_the_bars_are(lag):
    """Bought at the open of second 60; settlements at 60 (before that fill), 120, and 119.5 (within a bar)."""
    for moment, paid in ((60, []), (119.5, [("funding", -0.1)]), (120, [("funding", -0.1)])):
        records = {("perp_bars", PERP): priced(FLAT, FLAT, lag=lag), ("funding", PERP): funding([moment], [0.001])}
        run = Run(records, at1=1, qty1=1.0)
        assert [row for row in run.rows("ledger", "kind", "amount") if row[0] == "funding"] == paid, moment


def test_settlements_within_a_long_bar_are_paid_on_the_position_of_its_open():
    day = priced([100.0, 110.0, 120.0], [110.0, 120.0, 130.0], interval=86_400)
    eight = funding([8 * 3600 * n for n in range(9)], [0.001] * 9)
    run = Run({("perp_bars", PERP): day, ("funding", PERP): eight}, at1=1, qty1=1.0)
    # bought at the open of day 2, after that day's first settlement; the price is the last close known at each one
    assert [row for row in run.rows("ledger", "ts", "kind", "amount") if row[1] == "funding"] == [
        (115_200.0, "funding", -0.11),
        (144_000.0, "funding", -0.11),
        (172_800.0, "funding", -0.12),
        (201_600.0, "funding", -0.12),
        (230_400.0, "funding", -0.12),
    ]


def test_settlements_in_a_gap_without_bars_are_all_paid():
    late = priced([100.0] * 3, [100.0] * 3)
    late["ts_event"][2] += 40 * 8 * 3600 * 10**9
    late["ts_close"][2] += 40 * 8 * 3600 * 10**9
    late["ts_known"][2] += 40 * 8 * 3600 * 10**9
    moments = [120 + 8 * 3600 * n for n in range(40)]
    run = Run({("perp_bars", PERP): late, ("funding", PERP): funding(moments, [0.001] * 40)}, at1=0, qty1=1.0)
    assert run.metrics["funding"] == pytest.approx(40 * 0.1)
    assert run.rows("ledger", "ts")[1:] == [(float(moment),) for moment in moments]


def test_a_log_grows_with_its_trades():
    """Every instant flips the position, which ends a round trip: as many of them as orders, more than a new log has room for."""
    flat = [100.0] * 20_001
    run = Run(both(flat), at1=1, qty1=1.0, until1=20_000, alternate=True, to_target=True)
    assert len(run.tables["trades"]["pnl"]) == run.metrics["trades"] == 19_998
    assert set(run.tables["trades"]["exit_reason"]) == {"first"}
    assert run.rows("trades", "entry_ts", "exit_ts")[-1] == (1_199_880.0, 1_199_940.0)


def test_a_round_trip_of_several_fills_has_average_prices():
    run = Run(both(RISE), at1=0, qty1=3.0, at2=2, qty2=-2.0, at3=4, qty3=-1.0)
    assert run.rows("trades", "qty", "entry_price", "exit_price", "pnl") == [(3.0, 100.0, round(380 / 3, 9), 80.0)]
    run = Run(both(RISE), at1=0, qty1=2.0, at2=1, qty2=1.0, at3=3, qty3=-3.0)
    assert run.rows("trades", "qty", "entry_price", "exit_price", "pnl") == [(3.0, round(310 / 3, 9), 130.0, 80.0)]
