"""The reference engine against scenarios worked out by hand: docs/venue.md, sections 8 and 9."""

from math import inf
from random import Random
from types import SimpleNamespace

import pytest
from reference.by_hand import FLAT, MINUTE, PERP, PERP2, SPOT, Run, act, at, bars, settlements, tiers
from reference.liquidation import joint_fraction, liquidation_price
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


def test_marks_outside_the_bar_are_not_its_mark():
    """The mark falls to 80 in a gap between the bars; a mark bar that reaches into the next bar is none of its own either."""
    prices = bars([FLAT] * 3)
    for field in ("ts_event", "ts_close", "ts_known"):
        prices[field][2] += 3 * MINUTE
    marks = bars([FLAT, FLAT, (100.0, 100.0, 80.0, 100.0), FLAT, FLAT, FLAT])
    marks["ts_event"][4] -= 5
    marks["low"][4] = 80.0
    tables = {("perp_bars", PERP): prices, ("mark_bars", PERP): marks}
    assert len(Run((), act(0, "market", 10.0), tables=tables, margin="isolated").fills()) == 1


@pytest.mark.parametrize(
    ("verb", "more", "kind"),
    [
        ("target", {}, "market"), ("limit", {"price": 101.0}, "limit"), ("limit", {"price": 99.0}, "limit"),
        ("stop", {"trigger": 99.0}, "stop"), ("stop_limit", {"trigger": 99.0, "price": 98.0}, "stop limit"),
        ("take_profit", {"trigger": 102.0}, "take profit"), ("trailing_stop", {"distance": 1.0}, "trailing stop"),
    ],
)
def test_a_round_trip_names_the_kind_of_the_order_that_ended_it(verb, more, kind):
    qty = 0.0 if verb == "target" else -1.0
    run = Run([FLAT, FLAT, (100.0, 103.0, 98.0, 100.0)], act(0, "market", 1.0), act(1, verb, qty, **more))
    assert run.rows("trades", "exit_kind", "exit_reason") == [(kind, "first")]


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
        assert run.rows("trades", "pnl", "exit_reason", "exit_kind") == [(-100.0, "liquidation", "liquidation")]
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
    """W = 1000 - 250 - 47.5 = 702.5, so the mark is 86.8; P is closed there, P2, the greater one, at 100 - 340.9 / 50."""
    resting = [act(2, "limit", -1.0, price=150.0, on=PERP2), act(2, "limit", 1.0, price=50.0, on=SPOT)]
    run = Run((), *BOTH, *resting, act(3, "market", 1.0), tables=TWO, spot=[FLAT] * 5)
    fills = run.rows("fills", "ts", "order", "instrument", "qty", "price")
    assert fills[2:] == [("<240", -1, "P", -50.0, 86.818181818), ("<240", -1, "P2", -50.0, 93.181818182)]
    assert run.ledger() == [
        ("<240", "account", "liquidation", -659.090909091, 340.909090909), ("<240", "account", "liquidation", -340.909090909, 0.0),
    ]
    assert run.rows("orders", "status", "ts_done")[2:] == [("cancelled", "<240"), ("dropped", "<240")]  # and nothing is decided after it
    assert run.rows("equity", "equity", "drawdown")[2:] == [(750.0, 0.25), (0.0, 1.0), (0.0, 1.0)]


def test_under_cross_margin_mark_slip_leaves_the_rest_in_the_account():
    run = Run((), *BOTH, tables=TWO, liquidation="mark_slip", liquidation_fee_bp=50.0)
    assert run.fills("price", "fee")[2:] == [(86.818181818, 21.704545455), (95.0, 23.75)]
    assert run.rows("equity", "equity")[-1] == (45.454545455,)


def two(prices, others, qty=50.0, other=50.0, **venue):
    """Both perpetuals bought at 100, where 500 of margin are needed for each 50; then these bars."""
    tables = {("perp_bars", PERP): bars([FLAT, FLAT, prices]), ("perp_bars", PERP2): bars([FLAT, FLAT, others])}
    run = Run((), act(0, "market", qty), act(0, "market", other, on=PERP2), tables=venue.pop("more", {}) | tables, **venue)
    return run.rows("fills", "ts", "instrument", "qty", "price")[2:]


DOWN, FURTHER = (100.0, 100.0, 90.0, 90.0), (100.0, 100.0, 80.0, 80.0)


@pytest.mark.parametrize(
    ("prices", "others", "other", "closed"),
    [
        (FURTHER, DOWN, 50.0, [("P", 87.878787879), ("P2", 92.121212121)]),  # 1000 - 1500 f = 100 - 15 f: 606.1 of P lost, 393.9 are left
        (DOWN, FURTHER, 50.0, [("P2", 87.878787879), ("P", 92.121212121)]),  # the same, and P is the greater one
        (FURTHER, FURTHER, 50.0, [("P2", 90.909090909), ("P", 89.090909091)]),  # as great: 1000 - 2000 f = 100 - 20 f
        (FURTHER, FLAT, -50.0, [("P", 81.818181818), ("P2", 101.818181818)]),   # 1000 - 1000 f = 100 - 10 f, long and short
        (FURTHER, FURTHER, -50.0, []),                                          # a hedge
        (DOWN, DOWN, 40.0, []),                                                 # 100 are left, and 81 needed
    ],
)
def test_the_marks_of_a_group_move_together(prices, others, other, closed):
    fills = two(prices, others, other=other)
    assert [(name, price) for _, name, _, price in fills] == closed
    assert {ts for ts, *_ in fills} <= {"<180"}


def test_on_the_adverse_path_a_hedge_goes_its_worst_way_first():
    """Down to 88 and up to 110 at once: 1000 - 1100 f = 100 - f."""
    prices, f = (100.0, 110.0, 88.0, 100.0), 900 / 1099
    assert two(prices, prices, other=-50.0) == []
    fills = two(prices, prices, other=-50.0, path="adverse", liquidation="mark_slip")
    assert fills == [("<180", "P", -50.0, round(100 - 12 * f, 9)), ("<180", "P2", 50.0, round(100 + 10 * f, 9))]


def test_at_the_open_the_account_is_tested_at_the_opens_of_the_marks():
    """1000 - 500 - 420 = 80 are left, and 45 + 45.8 needed; at 92, 100 are left, and 91 needed."""
    both = [(120.0, "P", -50.0, 90.0), (120.0, "P2", -50.0, 91.6)]
    assert two(at(90), at(91.6), liquidation="mark_slip") == both
    assert two(at(90), at(92), liquidation="mark_slip") == []
    marks = {("mark_bars", PERP2): bars([FLAT, FLAT, at(91.6)])}
    assert two(at(90), FLAT, liquidation="mark_slip", more=marks) == both


def test_the_maintenance_margin_is_that_of_the_tier_at_each_place():
    """From 4200 on 5 %: P needs 82 - 50 f until f = 0.8, then 50 - 10 f. With P2 1000 - 1500 f are there, and 50 - 5 f more needed."""
    ladder = [(4200.0, 0.01, 0.0, 20.0), (1e6, 0.05, 168.0, 20.0)]
    more = {("brackets", PERP): tiers((-60, 0.0, ladder)), ("brackets", PERP2): tiers((-60, 0.0, [(1e6, 0.01, 0.0, 20.0)]))}
    fills = two(FURTHER, DOWN, more=more, maintenance_bp=None, liquidation="mark_slip")
    assert [price for *_, price in fills] == [round(100 - 20 * 868 / 1445, 9), round(100 - 10 * 868 / 1445, 9)]
    fills = two(FURTHER, FLAT, other=10.0, more=more, maintenance_bp=None, liquidation="mark_slip")
    assert [price for *_, price in fills] == [round(100 - 20 * 940 / 990, 9), 100.0]  # 1000 - 1000 f = 60 - 10 f


@pytest.mark.parametrize("seed", range(40))
def test_at_the_first_fraction_the_margin_balance_is_the_maintenance_margin(seed):
    """And before it, it is more."""
    random = Random(seed)
    ladder = [Tier(2000.0, 0.01, 0.0, 20.0), Tier(9000.0, 0.02, 20.0, 10.0), Tier(5e4, 0.05, 290.0, 5.0)]
    ways = []
    for side in (1, -1, 1):
        held = SimpleNamespace(qty=side * random.uniform(5.0, 300.0), entry=random.uniform(95.0, 105.0))
        brackets = SimpleNamespace(tiers=ladder)
        ways.append((SimpleNamespace(position=held, brackets=brackets), 100.0, random.uniform(50.0, 150.0)))
    lane = SimpleNamespace(cash=4000.0)

    def over(f):
        balance = lane.cash
        for here, a, b in ways:
            mark, q = a + f * (b - a), here.position.qty
            balance += q * (mark - here.position.entry) - max(abs(q) * mark * tier.rate - tier.amount for tier in ladder)
        return balance

    f = joint_fraction(lane, ways, 0.0)
    if f is None:
        assert over(1.0) > 0.0
    elif f > 0.0:
        assert over(f) == pytest.approx(0.0, abs=1e-8)
        assert min(over(f * n / 100) for n in range(100)) > 0.0
    else:
        assert over(0.0) <= 0.0


def test_instruments_outside_the_group_stand_still_at_their_marks():
    """P2 has bars of five minutes; P falls alone, 1000 - 1000 f = 100 - 10 f, and is closed with slippage from the worse price."""
    tables = {
        ("perp_bars", PERP): bars([FLAT] * 10 + [FURTHER]), ("perp_bars", PERP2): bars([FLAT] * 3, seconds=300),
        ("mark_bars", PERP): bars([FLAT] * 11),
    }
    asked = [act(4, "market", 50.0), act(4, "market", 50.0, on=PERP2)]
    assert Run((), *asked, tables=tables, liquidation="mark_slip").fills()[2:] == []  # its mark stands at 100
    del tables["mark_bars", PERP]
    run = Run((), *asked, tables=tables, liquidation="mark_slip")
    assert run.rows("fills", "ts", "instrument", "price")[2:] == [("<660", "P", 81.818181818), ("<660", "P2", 100.0)]
    tables["mark_bars", PERP2] = bars([FLAT] * 10 + [at(95)])  # known before the bar of P: 1000 - 250 - 1000 f = 97.5 - 10 f
    run = Run((), *asked, tables=tables, liquidation="mark_slip")
    assert run.rows("fills", "ts", "instrument", "price")[2:] == [("<660", "P", round(100 - 20 * 652.5 / 990, 9)), ("<660", "P2", 95.0)]


def test_one_insurance_makes_the_account_zero_after_the_last_position():
    """At the marks' opens 1000 - 550 - 500 are left; P is closed at its price, which is worse than its mark."""
    tables = {
        ("perp_bars", PERP): bars([FLAT, FLAT, at(86)]), ("mark_bars", PERP): bars([FLAT, FLAT, at(89)]),
        ("perp_bars", PERP2): bars([FLAT, FLAT, at(90)]),
    }
    run = Run((), *BOTH, tables=tables, liquidation="mark_slip", liquidation_fee_bp=100.0)
    assert run.ledger() == [
        (120.0, "account", "liquidation", -700.0, 300.0), (120.0, "account", "liquidation_fee", -43.0, 257.0),
        (120.0, "account", "liquidation", -500.0, -243.0), (120.0, "account", "liquidation_fee", -45.0, -288.0),
        (120.0, "account", "insurance", 288.0, 0.0),
    ]
    assert run.rows("trades", "pnl", "fees") == [(-743.0, 43.0), (-257.0, 45.0)]


def test_a_lane_without_equity_is_closed_at_the_marks_and_ends():
    """The mark falls while the long bar is open, so no liquidation could come before it."""
    tables = {("mark_bars", PERP): bars([FLAT] * 10 + [at(70)] * 2), ("perp_bars", PERP): bars([FLAT] * 2, seconds=300)}
    run = Run(
        (), act(4, "market_order", 50.0), act(9, "bracket", 1.0, on=SPOT, price=50.0, stop=40.0, target=60.0),
        act(10, "market", 1.0, on=SPOT), tables=tables, spot=[FLAT] * 12,
    )
    assert run.fills("ts", "order", "qty", "price", "reason") == [(300.0, 0, 50.0, 100.0, "first"), ("<660", -1, -50.0, 70.0, "bankrupt")]
    assert run.ledger() == [("<660", "account", "realised", -1500.0, -500.0), ("<660", "account", "insurance", 500.0, 0.0)]
    assert run.rows("trades", "pnl", "exit_reason", "exit_kind") == [(-1500.0, "bankrupt", "bankrupt")]
    assert run.rows("orders", "status", "ts_done") == [("filled", 300.0)] + [("dropped", "<660")] * 3
    assert run.rows("equity", "ts", "equity")[9:] == [(600.0, 1000.0), (660.0, 0.0), (720.0, 0.0)]
