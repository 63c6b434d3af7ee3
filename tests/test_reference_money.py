"""The reference engine against scenarios worked out by hand: docs/venue.md, sections 8 and 9."""

from math import inf

import pytest
from reference.by_hand import FLAT, PERP, PERP2, SPOT, Run, act, at, bars, settlements, tiers
from reference.liquidation import liquidation_price
from reference.market import Tier

# ---------------------------------------------------------------------------- 8: positions, wallets, the ledger


def test_isolated_margin_moves_between_wallets():
    run = Run(
        [FLAT, FLAT, at(110), at(110)], act(0, "market", 10.0), act(1, "market", -4.0), act(2, "market", -9.0), margin="isolated",
        taker_bp=10.0,
    )
    assert run.ledger() == [
        (60.0, "account", "fee", -1.0, 999.0), (60.0, "account", "transfer", -100.0, 899.0), (60.0, "P", "transfer", 100.0, 100.0),
        (120.0, "P", "transfer", -40.0, 60.0), (120.0, "account", "transfer", 40.0, 939.0), (120.0, "account", "realised", 40.0, 979.0),
        (120.0, "account", "fee", -0.44, 978.56),
        (180.0, "P", "transfer", -60.0, 0.0), (180.0, "account", "transfer", 60.0, 1038.56), (180.0, "account", "realised", 60.0, 1098.56),
        (180.0, "account", "fee", -0.99, 1097.57), (180.0, "account", "transfer", -33.0, 1064.57), (180.0, "P", "transfer", 33.0, 33.0),
    ]
    assert run.rows("equity", "equity", "cash", "position_P") == [
        (1000.0, 1000.0, 0.0), (999.0, 999.0, 10.0), (1098.56, 1038.56, 6.0), (1097.57, 1097.57, -3.0),
    ]
    assert run.rows("trades", "side", "qty", "entry_ts", "exit_ts", "pnl", "fees") == [("long", 10.0, 60.0, 180.0, 97.9, 2.1)]


def test_a_loss_beyond_the_margin_is_covered():
    run = Run([FLAT, FLAT, at(85)], act(0, "market", 10.0), act(1, "market", -10.0), margin="isolated")
    assert run.ledger()[2:] == [
        (120.0, "P", "transfer", -100.0, 0.0), (120.0, "account", "transfer", 100.0, 1000.0), (120.0, "account", "realised", -150.0, 850.0),
        (120.0, "account", "insurance", 50.0, 900.0),
    ]
    assert run.rows("trades", "pnl") == [(-100.0,)]


def test_spot_is_paid_for_and_a_cross_perpetual_is_settled_on_closing():
    prices = [FLAT, FLAT, at(120)]
    asked = [act(0, "market", 2.0, on=on) for on in (SPOT, PERP)] + [act(1, "market", -2.0, on=on) for on in (SPOT, PERP)]
    assert Run(prices, *asked, spot=prices).ledger() == [
        (60.0, "account", "spot_trade", -200.0, 800.0), (120.0, "account", "spot_trade", 240.0, 1040.0),
        (120.0, "account", "realised", 40.0, 1080.0),
    ]


def test_equity_is_cash_with_spot_and_the_profit_of_perpetuals_at_their_marks():
    prices = [FLAT, (100.0, 110.0, 100.0, 110.0), (110.0, 110.0, 99.0, 99.0)]
    run = Run(prices, act(0, "market", 2.0, on=SPOT), act(0, "market", 3.0), spot=prices)
    assert run.rows("equity", "ts", "equity", "cash", "position_S", "position_P", "drawdown") == [
        (60.0, 1000.0, 1000.0, 0.0, 0.0, 0.0), (120.0, 1050.0, 800.0, 2.0, 3.0, 0.0), (180.0, 995.0, 800.0, 2.0, 3.0, round(55 / 1050, 9)),
    ]


def test_adding_averages_the_entry_and_a_turn_is_two_trades():
    prices = [at(price) for price in (100, 100, 110, 120, 90)]
    run = Run(prices, act(0, "market", 1.0), act(1, "market", 3.0), act(2, "market", -6.0), act(3, "market", 2.0), taker_bp=10.0)
    assert run.rows("trades", "side", "qty", "entry_price", "exit_price", "pnl", "fees") == [
        ("long", 4.0, 107.5, 120.0, 49.09, 0.91),  # 4 * 12.5 - 0.1 - 0.33 - 4/6 of 0.72
        ("short", 2.0, 120.0, 90.0, 59.58, 0.42),  # 2 * 30 - 2/6 of 0.72 - 0.18
    ]


def test_isolated_funding_goes_through_the_margin_wallet_at_the_mark():
    tables = {("mark_bars", PERP): bars([at(200)] * 4), ("funding", PERP): settlements((120, 0.01))}
    run = Run([FLAT] * 4, act(0, "market", -1.0), act(2, "market", 1.0), tables=tables, margin="isolated", leverage=0.5, maintenance_bp=0.0)
    assert run.ledger()[2] == (120.0, "P", "funding", 2.0, 202.0)
    assert run.rows("trades", "pnl", "funding") == [(2.0, -2.0)]


def test_the_mark_of_an_index_is_moved_by_the_basis():
    """The basis is 1; the third index bar is missing."""
    index = bars([at(99), at(103), at(80)])[:2]
    run = Run([FLAT] * 4, act(0, "market", 1.0), tables={("index_bars", PERP): index})
    assert run.rows("equity", "ts", "equity") == [(60.0, 1000.0), (120.0, 1004.0), (180.0, 1000.0), (240.0, 1000.0)]


def test_marks_are_joined_over_a_long_bar_and_value_the_position_as_soon_as_they_are_known():
    """The mark falls to 85 inside the second bar of five minutes, beyond the liquidation price of 90.9; the price itself does not."""
    marks = [FLAT] * 6 + [(100.0, 100.0, 85.0, 99.0)] + [FLAT] * 3 + [at(98), at(97)]
    tables = {("mark_bars", PERP): bars(marks), ("perp_bars", PERP): bars([FLAT] * 2, seconds=300)}
    more = {"spot": [FLAT] * 12, "margin": "isolated"}
    assert Run((), act(4, "market", 10.0), tables=tables, **more).fills() == [(300.0, 0, 10.0, 100.0), ("<600", -1, -10.0, 90.0)]
    marks[6] = FLAT
    run = Run((), act(4, "market", 10.0), tables=tables | {("mark_bars", PERP): bars(marks)}, **more)
    assert run.rows("equity", "ts", "equity")[8:] == [(540.0, 1000.0), (600.0, 1000.0), (660.0, 980.0), (720.0, 970.0)]


def test_marks_that_end_before_the_bar_are_not_its_mark():
    run = Run([FLAT, FLAT, at(101)], act(0, "market", 1.0), tables={("mark_bars", PERP): bars([at(95)] * 3)[:2]})
    assert run.rows("equity", "equity") == [(1000.0,), (995.0,), (1001.0,)]


# ---------------------------------------------------------------------------- 9: liquidation


@pytest.mark.parametrize(
    ("q", "entry", "rate", "amount", "others", "gain", "price"),
    [
        (3683.979, 1456.84, 0.1, 135365.0, 0.0, 0.0, 1114.78), (3683.979, 1456.84, 0.1, 135365.0, 71200.81144, -56354.57, 1153.26),
        (109.488, 32481.98, 0.025, 16300.0, 0.0, 0.0, 18778.73), (109.488, 32481.98, 0.025, 16300.0, 356512.508, -448192.89, 26316.89),
    ],
)
def test_liquidation_prices_that_an_exchange_publishes(q, entry, rate, amount, others, gain, price):
    tier = Tier(inf, rate, amount, 1.0)
    assert round(liquidation_price(1, q, entry, 1535443.01 - others + gain, [tier]), 2) == price


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("q", [5.0, 40.0, 300.0])
def test_at_the_liquidation_price_the_wallet_is_the_maintenance_margin(side, q):
    ladder = [Tier(2000.0, 0.01, 0.0, 20.0), Tier(9000.0, 0.02, 20.0, 10.0), Tier(5e4, 0.05, 290.0, 5.0)]
    price = liquidation_price(side, q, 100.0, q * 10.0, ladder)
    tier = next(tier for tier in ladder if q * price <= tier.cap)
    assert q * 10.0 + side * q * (price - 100.0) == pytest.approx(q * price * tier.rate - tier.amount)


@pytest.mark.parametrize(
    ("prices", "qty", "fills"),
    [
        ((100, 100, 90.95, 100), 10.0, []),                                 # 90.909
        ((100, 100, 90.9, 100), 10.0, [("<180", -1, -10.0, 90.0)]),
        ((88, 100, 88, 100), 10.0, [(120.0, -1, -10.0, 90.0)]),             # at the open
        ((100, 108.9, 100, 100), -10.0, []),                                # 108.911
        ((100, 109, 100, 100), -10.0, [("<180", -1, 10.0, 110.0)]),
        ((112, 112, 100, 100), -10.0, [(120.0, -1, 10.0, 110.0)]),
    ],
)
def test_an_isolated_position_is_closed_at_the_bankruptcy_price(prices, qty, fills):
    run = Run([FLAT, FLAT, tuple(map(float, prices))], act(0, "market", qty), margin="isolated", slippage_bp=0.0)
    assert run.fills()[1:] == fills
    if fills:
        assert run.ledger()[2:] == [(fills[0][0], "P", "liquidation", -100.0, 0.0)]
        assert run.fills("fee", "slippage", "liquidity", "reason")[1] == (0.0, 0.0, "liquidation", "liquidation")
        assert run.rows("trades", "pnl", "exit_reason") == [(-100.0, "liquidation")]
        assert run.rows("equity", "equity")[-1] == (900.0,)


def test_the_nearer_of_stop_and_liquidation_comes_first_and_a_liquidation_cancels():
    prices = [FLAT, FLAT, (100.0, 100.0, 85.0, 100.0)]
    for trigger, fills in ((95.0, [(0, -10.0, 95.0)]), (90.0, [(-1, -10.0, 90.0)])):
        run = Run(prices, act(0, "stop", -10.0, trigger=trigger), act(0, "market", 10.0), margin="isolated")
        assert run.fills("order", "qty", "price")[1:] == fills
    assert run.rows("orders", "status", "ts_done")[0] == ("cancelled", "<180")


@pytest.mark.parametrize(
    ("slippage_bp", "fill", "rows"),
    [
        (0.0, (-10.0, 90.909090909, 4.545454545, 0.0), [
            ("P", "liquidation", -90.909090909, 9.090909091), ("P", "liquidation_fee", -4.545454545, 4.545454545),
            ("P", "transfer", -4.545454545, 0.0), ("account", "transfer", 4.545454545, 904.545454545),
        ]),
        (100.0, (-10.0, 90.9, 4.545, 9.181818182), [  # bought at 101, liquidated at 91.818 less 1 %
            ("P", "liquidation", -101.0, 0.0), ("P", "liquidation_fee", -4.545, -4.545), ("P", "insurance", 4.545, 0.0),
        ]),
    ],
)
def test_with_mark_slip_a_fee_is_due_and_a_rest_returns(slippage_bp, fill, rows):
    run = Run(
        [FLAT, FLAT, (100.0, 100.0, 90.0, 100.0)], act(0, "market", 10.0), margin="isolated", liquidation="mark_slip",
        liquidation_fee_bp=50.0, slippage_bp=slippage_bp,
    )
    assert run.fills("qty", "price", "fee", "slippage")[1:] == [fill]
    assert [row[1:] for row in run.ledger()[2:]] == rows
    assert run.rows("trades", "fees") == [(fill[2],)]


@pytest.mark.parametrize(("mark", "price", "gain"), [(90, 95, -100.0), (90, 85, -150.0)])
def test_mark_slip_closes_at_the_worse_of_mark_and_price(mark, price, gain):
    tables = {("mark_bars", PERP): bars([FLAT, FLAT, at(mark)])}
    run = Run([FLAT, FLAT, at(price)], act(0, "market", 10.0), tables=tables, margin="isolated", liquidation="mark_slip")
    assert run.ledger()[2] == (120.0, "P", "liquidation", gain, gain + 100.0)
    assert run.rows("trades", "pnl") == [(-100.0,)]  # what the insurance makes up for is no loss


@pytest.mark.parametrize(("second", "liquidated"), [(150, True), (200, False)])
def test_tiers_take_effect_when_known(second, liquidated):
    """5 % of maintenance lift the liquidation price from 90.9 to 94.7."""
    one, two = ((1e6, rate, 0.0, 20.0) for rate in (0.01, 0.05))
    tables = {("brackets", PERP): tiers((-60, 0.0, [one]), (second, 0.02, [two]))}
    run = Run(
        [FLAT, FLAT, (100.0, 100.0, 94.0, 100.0), FLAT], act(0, "market", 10.0), tables=tables, margin="isolated", liquidation="mark_slip",
        maintenance_bp=None, liquidation_fee_bp=None,
    )
    assert run.fills("price", "fee")[1:] == ([(94.736842105, 18.947368421)] if liquidated else [])


def test_funding_lifts_the_liquidation_price():
    """50 of 100 go at second 150: liquidated at 95.96 instead of 90.9."""
    run = Run(
        [FLAT, FLAT, (100.0, 100.0, 95.0, 100.0)], act(0, "market", 10.0), tables={("funding", PERP): settlements((150, 0.05))},
        margin="isolated",
    )
    assert run.fills()[1:] == [("<180", -1, -10.0, 95.0)]
    assert run.ledger()[2:] == [(150.0, "P", "funding", -50.0, 50.0), ("<180", "P", "liquidation", -50.0, 0.0)]


TWO = {("perp_bars", PERP): bars([FLAT] * 3 + [(100.0, 100.0, 84.0, 84.0)]), ("perp_bars", PERP2): bars([FLAT, FLAT, at(95), at(95)])}
BOTH = [act(0, "market", 50.0), act(0, "market", 50.0, on=PERP2)]


def test_under_cross_margin_all_perpetuals_are_liquidated():
    """W = 1000 - 250 - 47.5 = 702.5, so the price is 86.8; after the other is closed at 95, 750 are left: bankrupt at 85."""
    resting = [act(2, "limit", -1.0, price=150.0, on=PERP2), act(2, "limit", 1.0, price=50.0, on=SPOT)]
    run = Run((), *BOTH, *resting, act(3, "market", 1.0), tables=TWO, spot=[FLAT] * 5)
    fills = run.rows("fills", "ts", "order", "instrument", "qty", "price")
    assert fills[2:] == [("<240", -1, "P2", -50.0, 95.0), ("<240", -1, "P", -50.0, 85.0)]
    assert run.ledger() == [("<240", "account", "liquidation", -250.0, 750.0), ("<240", "account", "liquidation", -750.0, 0.0)]
    assert run.rows("orders", "status", "ts_done")[2:] == [("cancelled", "<240"), ("dropped", "<240")]  # and nothing is decided after it
    assert run.rows("equity", "equity", "drawdown")[2:] == [(750.0, 0.25), (0.0, 1.0), (0.0, 1.0)]


def test_under_cross_margin_mark_slip_leaves_the_rest_in_the_account():
    run = Run((), *BOTH, tables=TWO, liquidation="mark_slip", liquidation_fee_bp=50.0)
    assert run.fills("price", "fee")[2:] == [(95.0, 0.0), (86.818181818, 21.704545455)]
    assert run.rows("equity", "equity")[-1] == (69.204545455,)


def test_a_lane_without_equity_is_closed_at_the_marks_and_ends():
    """The mark falls while the long bar is open, so no liquidation could come before it."""
    tables = {("mark_bars", PERP): bars([FLAT] * 10 + [at(70)] * 2), ("perp_bars", PERP): bars([FLAT] * 2, seconds=300)}
    run = Run(
        (), act(4, "market_order", 50.0), act(9, "bracket", 1.0, on=SPOT, price=50.0, stop=40.0, target=60.0),
        act(10, "market", 1.0, on=SPOT), tables=tables, spot=[FLAT] * 12,
    )
    assert run.fills("ts", "order", "qty", "price", "reason") == [(300.0, 0, 50.0, 100.0, "first"), ("<660", -1, -50.0, 70.0, "bankrupt")]
    assert run.ledger() == [("<660", "account", "realised", -1500.0, -500.0), ("<660", "account", "insurance", 500.0, 0.0)]
    assert run.rows("trades", "pnl", "exit_reason") == [(-1500.0, "bankrupt")]
    assert run.rows("orders", "status", "ts_done") == [("filled", 300.0)] + [("dropped", "<660")] * 3
    assert run.rows("equity", "ts", "equity")[9:] == [(600.0, 1000.0), (660.0, 0.0), (720.0, 0.0)]
