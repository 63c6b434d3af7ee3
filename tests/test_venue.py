"""The venue in the compiled loop, one visible table a scenario, worked by hand from docs/venue.md.

Unless a scenario says otherwise: cash 1000, no costs, leverage 10, cross margin, 1 % of maintenance, the path open-high-low-close.
Bars are minutes; on_bar of bar n runs at second 60.5 + 60 n, so what it asks may meet the bar that opens at 60 + 60 n.
"""

from math import isnan, nan

import pytest
from acting import Run
from reference.by_hand import FLAT, PERP, PERP2, SECOND, SPOT, START, act, at, bars, settlements, tiers

from backtester.engine.codes import REFUSAL

ISOLATED = {
    "margin": "isolated",
    "leverage": 4.0,
    "maintenance_bp": 625.0,
}  # 10 bought at 100: margin 250, liquidated at 80, worth nothing at 75


def bar(*prices):
    """A flat bar, so that on_bar can ask, then this one."""
    return [FLAT, tuple(map(float, prices))]


def moment(second):
    """ns of a second."""
    return START + int(second * SECOND)


def thin(prices, volume=10.0):
    """Perp bars of so much volume."""
    return {("perp_bars", PERP): bars(prices, volume=volume)}


# ---------------------------------------------------------------------------- every kind


def test_a_limit_takes_at_arrival_later_makes_beyond_its_price_and_is_not_filled_where_it_is_touched():
    run = Run(
        [FLAT, (100.0, 101.0, 97.0, 98.0), (98.0, 99.0, 95.0, 96.0), (93.0, 94.0, 92.0, 93.0)],
        *[act(0, "limit", 1.0, price=price) for price in (101.0, 97.0, 94.0)],
        act(0, "limit", -1.0, price=101.0),
        slippage_bp=10.0,
        taker_bp=5.0,
        maker_bp=2.0,
    )
    assert run.fills("ts", "order", "qty", "price", "fee", "slippage", "liquidity") == [
        (60.0, 0, 1.0, 100.1, 0.05005, 0.1, "taker"),  # the open is better
        ("<180", 1, 1.0, 97.0, 0.0194, 0.0, "maker"),  # touched in the bar before
        (180.0, 2, 1.0, 94.0, 0.0188, 0.0, "maker"),  # in the book before the open at 93
    ]
    assert run.ends()[3] == ("waiting", "")  # 101 was touched


@pytest.mark.parametrize(("third", "fills"), [(at(97), []), (at(96.9), [(120.0, 97.0)]), ((97.0, 98.0, 96.9, 97.0), [("<180", 97.0)])])
def test_a_limit_in_the_book_needs_an_open_strictly_better(third, fills):
    assert Run([FLAT, FLAT, third], act(0, "limit", 1.0, price=97.0)).fills("ts", "price") == fills


def test_a_limit_that_takes_pays_no_more_than_its_price():
    run = Run([FLAT] * 2, act(0, "limit", 1.0, price=100.5), act(0, "limit", -1.0, price=99.5), slippage_bp=100.0)
    assert run.fills("order", "price", "slippage") == [(0, 100.5, 0.5), (1, 99.5, 0.5)]


def test_a_stop_fills_where_the_path_reaches_it_or_at_the_open_beyond_it():
    run = Run(
        [FLAT, (100.0, 104.0, 99.0, 103.0), (107.0, 108.0, 105.0, 106.0)],
        *[act(0, "stop", 1.0, trigger=trigger) for trigger in (104.0, 105.0, 100.0)],
        act(0, "stop", -1.0, trigger=98.0),
        slippage_bp=100.0,
    )
    assert run.fills("ts", "order", "qty", "price", "slippage") == [
        (60.0, 2, 1.0, 101.0, 1.0),  # at its trigger on arrival
        ("<120", 0, 1.0, 105.04, 1.04),  # reached: touching is enough
        (120.0, 1, 1.0, 108.07, 1.07),  # a gap: at the open, 2 beyond the trigger
    ]
    assert run.ends()[3] == ("waiting", "")


def test_a_take_profit_comes_from_the_other_side():
    run = Run(
        [FLAT, (100.0, 103.0, 99.0, 102.0), (106.0, 106.0, 101.0, 102.0)],
        *[act(0, "take_profit", -1.0, trigger=trigger) for trigger in (103.0, 105.0)],
        act(0, "take_profit", 1.0, trigger=99.0),
    )
    assert run.fills() == [("<120", 0, -1.0, 103.0), ("<120", 2, 1.0, 99.0), (120.0, 1, -1.0, 106.0)]


def test_a_stop_limit_takes_where_it_triggers_or_rests():
    asked = [(102.0, 104.0), (103.0, 100.5), (103.0, 99.0), (104.0, 95.0)]
    run = Run(
        [FLAT, (100.0, 103.0, 99.0, 101.0), (101.0, 104.0, 96.0, 97.0)],
        *[act(0, "stop_limit", 1.0, trigger=trigger, price=price) for trigger, price in asked],
    )
    assert run.fills("ts", "order", "price", "liquidity") == [
        ("<120", 0, 102.0, "taker"),
        ("<120", 1, 100.5, "maker"),  # triggered at the high, filled on the way down
        ("<180", 2, 99.0, "maker"),  # touched in the bar before
    ]
    assert run.ends()[3] == ("waiting", "")


def test_a_trailing_stop_follows_the_best_price_at_its_distance_on_the_tick():
    prices = [FLAT, (101.0, 106.0, 101.0, 105.0), (105.0, 109.2, 104.0, 108.0), (108.0, 108.0, 102.0, 103.0)]
    run = Run(prices, act(0, "trailing_stop", -1.0, distance=5.2, reduce_only=True), act(0, "market", 1.0), given={"tick": 0.5})
    assert run.fills() == [(60.0, 1, 1.0, 101.0), ("<240", 0, -1.0, 103.5)]  # 109.2 less 5.5, down
    assert run.rows("orders", "kind", "distance")[0] == ("trailing stop", 5.5)


def test_a_bracket_at_the_market_is_stopped():
    run = Run(bar(100, 102, 96, 97), act(0, "bracket", 2.0, stop=97.0, target=105.0))
    assert run.fills() == [(60.0, 0, 2.0, 100.0), ("<120", 1, -2.0, 97.0)]
    assert run.rows("orders", "kind", "qty", "parent", "reduce_only", "status", "ts_done") == [
        ("market", 2.0, -1, False, "filled", 60.0),
        ("stop", -2.0, 0, True, "filled", "<120"),
        ("limit", -2.0, 0, True, "cancelled", "<120"),
    ]


def test_a_bracket_at_a_limit_reaches_its_target():
    prices = [*bar(100, 101, 97, 99), (99.0, 104.0, 98.5, 103.0)]
    run = Run(prices, act(0, "bracket", -2.0, price=100.5, stop=105.0, target=98.0), path="olhc")
    assert run.fills("ts", "order", "qty", "price", "liquidity") == [
        ("<120", 0, -2.0, 100.5, "maker"),  # low, then high, then close: the target is not met any more in this bar
    ]
    assert run.rows("orders", "status") == [("filled",), ("waiting",), ("waiting",)]
    run = Run(prices, act(0, "bracket", 2.0, price=98.0, stop=95.0, target=103.0))
    assert run.fills("ts", "order", "qty", "price", "liquidity") == [("<120", 0, 2.0, 98.0, "maker"), ("<180", 2, -2.0, 103.0, "maker")]
    assert run.rows("orders", "status", "ts_done") == [("filled", "<120"), ("cancelled", "<180"), ("filled", "<180")]


def test_a_brackets_children_end_with_an_entry_that_never_filled():
    run = Run([FLAT] * 3, act(0, "bracket", 2.0, price=90.0, stop=85.0, target=95.0), act(1, "cancel", order=0))
    assert run.rows("orders", "id", "status", "ts_done") == [(0, "cancelled", 120.0), (1, "cancelled", 120.0), (2, "cancelled", 120.0)]
    run = Run([FLAT] * 2, act(0, "bracket", 200.0, stop=85.0, target=120.0))
    assert run.rows("orders", "status", "refusal", "ts_done") == [
        ("refused", "initial margin", 60.0),
        ("cancelled", "", 60.0),
        ("cancelled", "", 60.0),
    ]


@pytest.mark.parametrize(
    ("more", "ends"),
    [
        ({"stop": nan, "target": 105.0}, [("cancelled", ""), ("refused", "the price is no number"), ("cancelled", "")]),
        ({"stop": 95.0, "target": -1.0}, [("cancelled", ""), ("cancelled", ""), ("refused", "the price is no number")]),
        ({"stop": 95.0, "target": 105.0, "price": -1.0}, [("refused", "the price is no number"), ("cancelled", ""), ("cancelled", "")]),
    ],
)
def test_a_bracket_is_taken_in_whole_or_not_at_all(more, ends):
    run = Run([FLAT] * 3, act(0, "bracket", 1.0, **more))
    assert run.ends() == ends
    assert run.rows("orders", "ts_done") == [(60.5,)] * 3


def test_one_cancels_the_other():
    breakout = [act(0, "stop", 1.0, trigger=105.0), act(0, "stop", -1.0, trigger=95.0), act(0, "oco", a=0, b=1)]
    run = Run(bar(100, 106, 94, 100), *breakout)
    assert run.rows("orders", "status", "filled", "ts_done") == [("filled", 1.0, "<120"), ("cancelled", 0.0, "<120")]
    run = Run(bar(100, 106, 94, 100), *breakout, path="olhc")
    assert run.rows("orders", "status", "filled", "ts_done") == [("cancelled", 0.0, "<120"), ("filled", -1.0, "<120")]


def test_a_partial_fill_cancels_the_other_one_as_well():
    pair = [act(0, "limit", 3.0, price=95.0), act(0, "stop", 3.0, trigger=104.0), act(0, "oco", a=0, b=1)]
    run = Run((), *pair, tables=thin([*bar(100, 104, 94, 100), (96.0, 104.0, 94.0, 96.0)]), participation=0.2, path="olhc")
    assert run.fills() == [("<120", 0, 2.0, 95.0), ("<180", 0, 1.0, 95.0)]
    assert run.rows("orders", "status", "ts_done") == [("filled", "<180"), ("cancelled", "<120")]


def test_a_market_order_can_be_one_of_two():
    """It arrives at 180; the limit fills in the bar before, or later."""
    strict = {"fills": "strict", "latency_ms": 60_000.0}
    asked = [act(0, "limit", 1.0, price=95.0, second=1), act(0, "market_order", 1.0, second=119), act(0, "oco", a=0, b=1, second=119)]
    run = Run([FLAT, FLAT, (100.0, 100.0, 94.0, 100.0), FLAT], *asked, **strict)
    assert run.rows("orders", "status", "ts_done") == [("filled", "<180"), ("cancelled", "<180")]
    run = Run([FLAT] * 4, *asked, **strict)
    assert run.rows("orders", "status", "ts_done") == [("cancelled", 180.0), ("filled", 180.0)]


def test_what_waits_behind_an_order_that_ends_stays_what_it_is():
    """Order 0 fills in the third bar; behind it the best price, the tie, the place in the book and an amendment on its way stay."""
    run = Run(
        [FLAT, FLAT, (109.0, 109.0, 107.0, 108.0), (108.0, 108.0, 103.0, 104.0), (104.0, 121.0, 104.0, 120.0)],
        act(0, "limit", 1.0, price=107.5, second=61), act(0, "trailing_stop", -1.0, distance=4.0, second=62),
        act(0, "stop", 1.0, trigger=120.0, second=63), act(0, "limit", 1.0, price=104.0, second=64), act(0, "oco", a=2, b=3, second=65),
        act(0, "stop", 1.0, trigger=130.0, second=66), act(0, "amend", 2.0, order=4, level=121.0, second=121),
    )
    assert run.fills() == [("<180", 0, 1.0, 107.5), ("<240", 1, -1.0, 105.0), ("<240", 3, 1.0, 104.0), ("<300", 4, 2.0, 121.0)]
    assert run.rows("orders", "status", "ts_done")[2] == ("cancelled", "<240")


# ---------------------------------------------------------------------------- what restrains an order


def test_reduce_only_never_takes_more_than_the_position():
    run = Run(
        [*bar(100, 105, 100, 105), (105.0, 105.0, 99.0, 100.0)],
        act(0, "market", 2.0),
        act(0, "limit", -1.5, price=103.0, reduce_only=True),
        act(0, "take_profit", -9.0, trigger=104.0, reduce_only=True),
        act(0, "stop", -9.0, trigger=95.0, reduce_only=True),
    )
    assert run.fills() == [(60.0, 3, 2.0, 100.0), ("<120", 0, -1.5, 103.0), ("<120", 1, -0.5, 104.0)]
    assert run.rows("orders", "kind", "status", "filled", "ts_done")[1:3] == [
        ("take profit", "cancelled", -0.5, "<120"),
        ("stop", "cancelled", 0.0, "<120"),  # nothing is left to reduce
    ]


def test_a_reduce_only_market_order_without_a_position_is_refused():
    run = Run([FLAT] * 2, act(0, "market_order", -1.0, reduce_only=True))
    assert run.rows("orders", "status", "refusal", "ts_done") == [("refused", "nothing to reduce", 60.0)]


def test_what_a_reduce_only_order_that_has_not_arrived_could_not_know_does_not_end_it():
    """Asked at second 150, when the position that ended at the open of second 120 was thought to be there."""
    run = Run(
        [FLAT] * 4,
        act(0, "market", 2.0),
        act(1, "market", -2.0),
        act(0, "stop", -1.0, trigger=80.0, second=150, reduce_only=True),
    )
    assert run.rows("orders", "kind", "ts", "status") == [
        ("market", 60.5, "filled"),
        ("market", 120.5, "filled"),
        ("stop", 150.0, "waiting"),
    ]


@pytest.mark.parametrize(
    ("price", "end", "fills"),
    [
        (100.0, ("refused", "would take"), []),
        (101.0, ("refused", "would take"), []),
        (99.0, ("filled", ""), [("<180", 0, 1.0, 99.0)]),
    ],
)
def test_post_only(price, end, fills):
    run = Run([FLAT, FLAT, (100.0, 100.0, 98.0, 100.0)], act(0, "limit", 1.0, price=price, post_only=True))
    assert (run.ends(), run.fills()) == ([end], fills)


def test_immediate_or_cancel_and_fill_or_kill():
    """A bar gives 2."""
    run = Run(
        (),
        act(0, "market_order", 3.0, tif="ioc"),
        act(1, "market_order", 3.0, tif="fok"),
        act(1, "limit", 2.0, price=100.0, tif="fok"),
        act(2, "limit", 1.0, price=99.0, tif="ioc"),
        act(2, "limit", 3.0, price=101.0, tif="ioc"),
        act(3, "limit", 3.0, price=101.0, tif="fok"),
        tables=thin([FLAT] * 6),
        participation=0.2,
    )
    assert run.fills() == [(60.0, 0, 2.0, 100.0), (120.0, 2, 2.0, 100.0), (180.0, 4, 2.0, 100.0)]
    assert run.rows("orders", "kind", "tif", "status", "filled", "ts_done") == [
        ("market", "ioc", "cancelled", 2.0, 60.0),
        ("market", "fok", "cancelled", 0.0, 120.0),
        ("limit", "fok", "filled", 2.0, 120.0),
        ("limit", "ioc", "cancelled", 0.0, 180.0),
        ("limit", "ioc", "cancelled", 2.0, 180.0),
        ("limit", "fok", "cancelled", 0.0, 240.0),
    ]


def test_until_drops_an_order_at_the_first_bar_that_opens_at_or_after_it():
    prices = [FLAT, FLAT, (100.0, 100.0, 94.0, 100.0)]
    run = Run(prices, *[act(0, "limit", 1.0, price=95.0, until=moment(second)) for second in (120, 121, 180)])
    assert run.rows("orders", "until", "status", "ts_done") == [
        (moment(120), "expired", 120.0),
        (moment(121), "filled", "<180"),
        (moment(180), "filled", "<180"),
    ]


def test_cancels():
    run = Run(
        [FLAT, FLAT, (100.0, 100.0, 94.0, 100.0), FLAT],
        *[act(0, "limit", 1.0, price=95.0) for _ in range(2)],
        act(1, "cancel", order=0),
        act(0, "cancel", order=1, second=121),  # carried out at 180: too late
        act(3, "cancel", order=1),
        act(3, "cancel", order=7),
    )
    assert run.rows("orders", "status", "ts_done") == [("cancelled", 120.0), ("filled", "<180")]


def test_cancel_all_takes_all_that_wait_at_the_instrument():
    run = Run(
        [FLAT] * 3,
        act(0, "bracket", 1.0, price=90.0, stop=85.0, target=95.0),
        act(0, "limit", 1.0, price=90.0, on=SPOT),
        act(1, "cancel_all"),
        act(1, "limit", 1.0, price=90.0),
        spot=[FLAT] * 3,
    )
    assert run.rows("orders", "instrument", "status") == [
        ("P", "cancelled"),
        ("P", "cancelled"),
        ("P", "cancelled"),
        ("S", "waiting"),
        ("P", "waiting"),
    ]


def test_amendments():
    """Quantity, level, both; a limit at another price arrives anew and may take; a wrong sign is ignored."""
    run = Run(
        [FLAT] * 4,
        *[act(0, "limit", 1.0, price=95.0) for _ in range(3)],
        act(0, "stop_limit", 1.0, trigger=110.0, price=112.0),
        act(1, "amend", 2.0, order=0, level=nan),
        act(1, "amend", order=1, level=101.0),
        act(1, "amend", -2.0, order=2, level=90.0),
        act(1, "amend", 3.0, order=3, level=120.0),
        given={"tick": 0.5},
    )
    assert run.rows("orders", "asked", "qty", "limit", "status")[:3] == [
        (1.0, 2.0, 95.0, "waiting"),
        (1.0, 1.0, 101.0, "filled"),
        (1.0, 1.0, 95.0, "waiting"),
    ]
    assert run.rows("orders", "qty", "limit", "trigger")[3] == (3.0, 112.0, 120.0)
    assert run.fills("ts", "order", "price", "liquidity") == [(120.0, 1, 100.0, "taker")]


@pytest.mark.parametrize(
    ("verb", "qty", "asked", "level", "price"),
    [
        ("stop", 1.0, {"trigger": 130.0}, 104.0, 104.0), ("take_profit", -1.0, {"trigger": 130.0}, 104.0, 104.0),
        ("stop_limit", 1.0, {"trigger": 130.0, "price": 103.0}, 104.0, 103.0), ("trailing_stop", 1.0, {"distance": 50.0}, 7.0, 102.0),
        ("limit", 1.0, {"price": 50.0}, 97.0, 97.0),
    ],
)
def test_an_amended_level_is_the_one_that_counts(verb, qty, asked, level, price):
    """The third bar goes to 105, then to 95, and ends at 103."""
    run = Run([FLAT, FLAT, (100.0, 105.0, 95.0, 103.0)], act(0, verb, qty, **asked), act(1, "amend", order=0, level=level))
    assert run.fills("ts", "price") == [("<180", price)]


def test_an_amendment_below_what_has_filled_cancels():
    run = Run((), act(0, "market_order", 5.0), act(1, "amend", 2.0, order=0), tables=thin([FLAT] * 4), participation=0.2)
    assert run.rows("orders", "status", "filled", "ts_done") == [("cancelled", 2.0, 120.0)]


# ---------------------------------------------------------------------------- how much, at what price


def test_participation_spreads_fills_over_bars():
    """A bar gives 2, in lots of 0.4."""
    run = Run(
        (),
        act(0, "market_order", 0.8),
        act(0, "market_order", 2.8),
        act(0, "limit", 3.2, price=95.0),
        act(2, "stop", -2.8, trigger=96.0),
        tables=thin([FLAT, FLAT, FLAT, (100.0, 100.0, 90.0, 90.0), at(90), at(90)]),
        participation=0.2,
        given={"lot": 0.4},
    )
    assert run.fills() == [
        (60.0, 0, 0.8, 100.0),
        (60.0, 1, 1.2, 100.0),
        (120.0, 1, 1.6, 100.0),
        ("<240", 3, -2.0, 96.0),  # all that this bar gives
        (240.0, 3, -0.8, 90.0),
        (240.0, 2, 1.2, 95.0),  # the stop waits as a market order, the limit was in the book
        (300.0, 2, 2.0, 95.0),
    ]


def test_a_target_counts_what_waits_a_triggered_stop_included():
    """A bar gives 2: of the stop's 5 there are 3 left when 0 is asked for, so 5 are bought back."""
    prices = [FLAT, (100.0, 100.0, 95.0, 96.0), at(96), at(96), at(96), at(96)]
    run = Run((), act(0, "stop", -5.0, trigger=96.0), act(1, "target", 0.0), tables=thin(prices), participation=0.2)
    assert run.rows("orders", "kind", "asked") == [("stop", -5.0), ("market", 5.0)]
    assert run.fills() == [
        ("<120", 0, -2.0, 96.0), (120.0, 0, -2.0, 96.0), (180.0, 0, -1.0, 96.0), (180.0, 1, 1.0, 96.0), (240.0, 1, 2.0, 96.0),
        (300.0, 1, 2.0, 96.0),
    ]


def test_a_place_that_becomes_free_keeps_nothing_of_the_order_before():
    once = act(0, "market_order", -1.0, until=moment(121), tif="ioc")
    run = Run([FLAT] * 4, act(0, "market_order", 1.0), once, act(2, "market", 1.0), act(2, "market_order", 1.0))
    assert run.fills("ts", "order", "qty") == [(60.0, 0, 1.0), (60.0, 1, -1.0), (180.0, 2, 1.0), (180.0, 3, 1.0)]


def test_slippage_half_the_spread_and_impact():
    """10 bp, half of 20 bp, 100 bp * sqrt(4 / 16): 70 bp of 100."""
    run = Run(
        (),
        act(0, "market", 4.0),
        act(1, "market", -1.0),
        tables=thin([FLAT] * 3, 16.0),
        slippage_bp=10.0,
        spread_bp=20.0,
        impact_bp=100.0,
        taker_bp=5.0,
    )
    assert run.fills("qty", "price", "fee", "slippage") == [(4.0, 100.7, 0.2014, 2.8), (-1.0, 99.55, 0.049775, 0.45)]


def test_a_bar_without_volume_gives_nothing_but_triggers_trigger():
    prices = [FLAT, (100.0, 105.0, 95.0, 100.0), FLAT]
    run = Run(
        (),
        act(0, "limit", 1.0, price=96.0),
        act(0, "stop", 1.0, trigger=104.0),
        act(0, "market", 1.0),
        tables=thin(prices, [9.0, 0.0, 9.0]),
        participation=1.0,
    )
    assert run.fills() == [(120.0, 1, 1.0, 100.0), (120.0, 2, 1.0, 100.0)]


@pytest.mark.parametrize(
    ("verb", "qty", "asked", "accepted"),
    [
        ("limit", 1.27, {"price": 99.7}, {"limit": 99.5}),
        ("limit", -1.27, {"price": 99.7}, {"limit": 100.0}),
        ("stop", 1.27, {"trigger": 99.7}, {"trigger": 100.0}),
        ("stop", -1.27, {"trigger": 99.7}, {"trigger": 99.5}),
        ("take_profit", 1.27, {"trigger": 99.7}, {"trigger": 99.5}),
        ("take_profit", -1.27, {"trigger": 99.7}, {"trigger": 100.0}),
        ("stop_limit", 1.27, {"trigger": 99.7, "price": 99.7}, {"trigger": 100.0, "limit": 99.5}),
        ("trailing_stop", -1.27, {"distance": 1.1}, {"distance": 1.5}),
        ("market_order", -1.27, {}, {}),
    ],
)
def test_rounding_is_away_from_aggression_and_what_a_kind_lacks_is_nan(verb, qty, asked, accepted):
    run = Run([FLAT], act(0, verb, qty, **asked), given={"tick": 0.5, "lot": 0.1})
    ((was, now, *levels),) = run.rows("orders", "asked", "qty", "limit", "trigger", "distance")
    assert (was, now) == (qty, 1.2 if qty > 0.0 else -1.2)
    assert {name: level for name, level in zip(("limit", "trigger", "distance"), levels, strict=True) if not isnan(level)} == accepted


# ---------------------------------------------------------------------------- refusals

LADDER = tiers((-60, 0.0, [(2000.0, 0.01, 0.0, 20.0), (9000.0, 0.02, 20.0, 5.0)]))
HELD = act(0, "market_order", 1.0, on=SPOT)
REFUSED = {  # reason: (actions, of which the last one is refused, when, what else)
    "the quantity is no number": ([act(0, "limit", nan, price=90.0)], 60.5, {}),
    "the price is no number": ([act(0, "stop", 1.0, trigger=-5.0)], 60.5, {}),
    "the data have no such instrument": ([act(0, "limit", 1.0, price=90.0, on=PERP2)], 60.5, {}),
    "below the lot": ([act(0, "limit", 0.09, price=90.0)], 60.5, {"given": {"lot": 0.1}}),
    "no room for another waiting order": ([act(0, "limit", 1.0, price=50.0, second=n) for n in range(33)], 32.0, {}),
    "nothing to reduce": ([act(0, "market_order", 1.0, reduce_only=True)], 60.0, {}),
    "a spot account cannot go short": ([HELD, act(0, "market_order", -1.1, on=SPOT)], 60.0, {}),
    "below the minimum notional": ([act(0, "limit", 0.9, price=100.0)], 60.0, {"given": {"min_notional": 100.0}}),
    "not enough cash": ([act(0, "market_order", 10.0, on=SPOT)], 60.0, {"taker_bp": 1.0}),
    "above the bracket's notional": (
        [act(0, "market_order", 20.1)],
        60.0,
        {"maintenance_bp": None, "tables": {("brackets", PERP): LADDER}},
    ),
    "initial margin": ([act(0, "market_order", 100.1)], 60.0, {}),
    "would take": ([act(0, "limit", 1.0, price=100.0, post_only=True)], 60.0, {}),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_every_refusal(reason):
    actions, when, more = REFUSED[reason]
    run = Run([FLAT] * 3, *actions, spot=[FLAT] * 3, **more)
    assert run.rows("orders", "status", "refusal", "ts_done")[-1] == ("refused", reason, when)
    assert [row for row in run.ends()[:-1] if row[0] == "refused"] == []
    assert run.rows("equity", "equity")[-1] == (1000.0,)


def test_the_table_above_names_every_refusal():
    assert set(REFUSED) | {""} == set(REFUSAL)


def test_what_stands_just_inside_is_not_refused():
    inside = [
        ([act(0, "limit", 0.1, price=90.0)], {"given": {"lot": 0.1}}),
        ([HELD, act(0, "market_order", -1.0, on=SPOT)], {}),
        ([act(0, "limit", 1.0, price=100.0)], {"given": {"min_notional": 100.0}}),
        ([act(0, "market_order", 10.0, on=SPOT)], {}),
        ([act(0, "market_order", 20.0)], {"maintenance_bp": None, "tables": {("brackets", PERP): LADDER}}),
        ([act(0, "market_order", 100.0)], {}),
    ]
    for actions, more in inside:
        assert Run([FLAT] * 3, *actions, spot=[FLAT] * 3, path="adverse", **more).ends()[-1][1] == ""


def test_each_instrument_has_room_for_four_market_orders_and_thirty_two_others():
    asked = [act(0, "market_order", 0.1, on=on, second=n) for n in range(5) for on in (SPOT, PERP)]
    asked += [act(0, "limit", 0.1, price=50.0, on=on, second=10 + n) for n in range(33) for on in (SPOT, PERP)]
    run = Run([FLAT], *asked, spot=[FLAT])
    refused = [row for row in run.rows("orders", "id", "instrument", "kind", "refusal") if row[3]]
    full = "no room for another waiting order"
    assert refused == [(8, "S", "market", full), (9, "P", "market", full), (74, "S", "limit", full), (75, "P", "limit", full)]
    assert len(run.ends()) == 76


# ---------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("venue", "filled", "cancelled", "amended"),
    [
        ({}, 60.0, 120.0, 120.0),
        ({"fills": "strict", "latency_ms": 250.0}, 120.0, 180.0, 180.0),
        ({"fills": "strict", "latency_ms": 59_500.0}, 120.0, 180.0, 180.0),
        ({"fills": "strict", "latency_ms": 59_501.0}, 180.0, 240.0, 240.0),
    ],
)
def test_orders_cancels_and_amendments_arrive_by_the_same_rule(venue, filled, cancelled, amended):
    run = Run(
        [FLAT] * 6,
        act(0, "market_order", 1.0),
        act(0, "limit", 1.0, price=50.0),
        act(0, "limit", 1.0, price=50.0),
        act(1, "cancel", order=1),
        act(1, "amend", order=2, level=100.0),
        **venue,
    )
    assert run.rows("orders", "status", "ts_done") == [("filled", filled), ("cancelled", cancelled), ("filled", amended)]


@pytest.mark.parametrize(
    ("lag", "second", "ts"),
    [
        (0.5, 60.4, 120.0),
        (0.5, 60.6, 120.0),
        (0.5, 119.0, 120.0),
        (0.5, 120.5, 120.0),  # known with the bar that closed at 120: the one named exception
        (0.5, 121.1, 180.0),
        (40.0, 90.0, 120.0),
        (40.0, 139.0, 120.0),
        (40.0, 161.0, 180.0),
    ],
)
def test_an_order_decided_inside_a_bar_never_meets_its_open(lag, second, ts):
    prices = [at(price) for price in (90, 100, 110, 120, 130)]
    assert Run(prices, act(0, "market", 1.0, second=second), lag=lag).fills("ts", "price") == [(ts, 90.0 + ts / 6.0)]


# ---------------------------------------------------------------------------- the path

WIDE = bar(100, 106, 93, 101)


@pytest.mark.parametrize(
    ("path", "long", "short"),
    [
        ("ohlc", ("limit", 105.0), ("stop", 105.0)),
        ("olhc", ("stop", 94.0), ("limit", 94.0)),
        ("nearest", ("limit", 105.0), ("stop", 105.0)),  # 6 up, 7 down
        ("adverse", ("stop", 94.0), ("stop", 105.0)),
    ],
)
def test_the_same_bar_on_four_paths(path, long, short):
    for asked, (kind, price) in (
        (act(0, "bracket", 1.0, stop=94.0, target=105.0), long),
        (act(0, "bracket", -1.0, stop=105.0, target=94.0), short),
    ):
        run = Run(WIDE, asked, path=path)
        assert [row for row in run.rows("orders", "kind", "status", "price")[1:] if row[1] == "filled"] == [(kind, "filled", price)]


def test_on_the_adverse_path_a_target_waits_for_the_bar_after_its_entry():
    prices = [*bar(100, 103, 96, 103), at(103)]
    asked = act(0, "bracket", 1.0, price=97.0, stop=90.0, target=102.0)
    assert Run(prices, asked, path="adverse").fills() == [("<120", 0, 1.0, 97.0), (120.0, 2, -1.0, 102.0)]
    assert Run(prices, asked, path="ohlc").fills() == [("<120", 0, 1.0, 97.0), ("<120", 2, -1.0, 102.0)]
    at_once = act(0, "bracket", 1.0, stop=90.0, target=102.0)
    assert Run(prices, at_once, path="adverse").fills() == [(60.0, 0, 1.0, 100.0), ("<120", 2, -1.0, 102.0)]  # opened at the open
    near = act(0, "bracket", 1.0, price=97.0, stop=96.5, target=102.0)
    assert Run(prices, near, path="adverse").fills() == [("<120", 0, 1.0, 97.0), ("<120", 1, -1.0, 96.5)]  # a stop does not wait


# ---------------------------------------------------------------------------- isolated margin


def test_isolated_margin_moves_between_the_wallets():
    """10 sold at 100 (margin 250); 4 bought back at 90; 12 more turn the position at 110."""
    run = Run(
        [at(price) for price in (100, 100, 90, 110)],
        act(0, "market", -10.0),
        act(1, "market", 4.0),
        act(2, "market", 12.0),
        taker_bp=10.0,
        **ISOLATED,
    )
    assert run.ledger() == [
        (60.0, "account", "fee", -1.0, 999.0),
        (60.0, "account", "transfer", -250.0, 749.0),
        (60.0, "P", "transfer", 250.0, 250.0),
        (120.0, "P", "transfer", -100.0, 150.0),
        (120.0, "account", "transfer", 100.0, 849.0),
        (120.0, "account", "realised", 40.0, 889.0),
        (120.0, "account", "fee", -0.36, 888.64),
        (180.0, "P", "transfer", -150.0, 0.0),
        (180.0, "account", "transfer", 150.0, 1038.64),
        (180.0, "account", "realised", -60.0, 978.64),
        (180.0, "account", "fee", -1.32, 977.32),
        (180.0, "account", "transfer", -165.0, 812.32),
        (180.0, "P", "transfer", 165.0, 165.0),
    ]
    assert run.rows("equity", "equity", "cash", "position_P") == [
        (1000.0, 1000.0, 0.0),
        (999.0, 999.0, -10.0),
        (1098.64, 1038.64, -6.0),
        (977.32, 977.32, 6.0),
    ]
    assert run.rows("trades", "side", "qty", "entry_price", "exit_price", "pnl", "fees") == [
        ("short", 10.0, 100.0, 102.0, -22.02, 2.02),  # fees: 1, 0.36, half of 1.32
    ]


def test_an_order_cannot_lose_more_than_the_margin():
    """Bought at 100, sold at the open of 70, before the mark's open is looked at: 300 of loss, 250 of margin."""
    run = Run([FLAT, FLAT, at(70)], act(0, "market", 10.0), act(1, "market", -10.0), **ISOLATED)
    assert run.ledger()[2:] == [
        (120.0, "P", "transfer", -250.0, 0.0),
        (120.0, "account", "transfer", 250.0, 1000.0),
        (120.0, "account", "realised", -300.0, 700.0),
        (120.0, "account", "insurance", 50.0, 750.0),
    ]


@pytest.mark.parametrize(("qty", "refusal"), [(-197.0, ""), (-198.0, "initial margin")])
def test_what_turning_a_position_sets_free_counts(qty, refusal):
    """90 at 100 bind 900 of 1000; at 101 they and their profit are 990, with the other 100 enough for 107.9 the other way."""
    run = Run([FLAT, FLAT, at(101)], act(0, "market_order", 90.0), act(1, "market_order", qty), margin="isolated")
    assert run.ends()[1][1] == refusal


FALL = [FLAT, FLAT, (100.0, 100.0, 82.0, 100.0)]


@pytest.mark.parametrize(("rate", "end"), [(0.0, []), (0.03, [("<180", -1, -10.0, 78.0)]), (-0.03, [])])
def test_funding_is_paid_from_the_margin_wallet_and_moves_the_liquidation_price(rate, end):
    """30 of 250 go: the liquidation price rises from 80 to 83.2, the bankruptcy price to 78."""
    run = Run(FALL, act(0, "market", 10.0), tables={("funding", PERP): settlements((120, rate))}, **ISOLATED)
    assert run.fills()[1:] == end
    assert run.ledger()[2:] == ([(120.0, "P", "funding", -1000.0 * rate, 250.0 - 1000.0 * rate)] if rate else []) + (
        [("<180", "P", "liquidation", -220.0, 0.0)] if end else []
    )


@pytest.mark.parametrize(
    ("prices", "qty", "end"),
    [
        ((100, 100, 80.1, 100), 10.0, []),
        ((100, 100, 80, 100), 10.0, [("<180", -10.0, 75.0)]),
        ((79, 100, 79, 100), 10.0, [(120.0, -10.0, 75.0)]),
        ((100, 117.6, 100, 100), -10.0, []),  # 1250 / 10.625 = 117.647
        ((100, 117.7, 100, 100), -10.0, [("<180", 10.0, 125.0)]),
        ((130, 130, 100, 100), -10.0, [(120.0, 10.0, 125.0)]),
    ],
)
def test_liquidation_at_the_bankruptcy_price_takes_the_whole_margin(prices, qty, end):
    run = Run([FLAT, FLAT, tuple(map(float, prices))], act(0, "market", qty), slippage_bp=0.0, taker_bp=0.0, **ISOLATED)
    assert run.fills("ts", "qty", "price")[1:] == end
    assert run.ledger()[2:] == [(ts, "P", "liquidation", -250.0, 0.0) for ts, *_ in end]
    assert run.rows("equity", "equity", "position_P")[-1] == ((750.0, 0.0) if end else (1000.0, qty))
    assert run.rows("trades", "pnl", "fees", "exit_reason") == [(-250.0, 0.0, "liquidation") for _ in end]


@pytest.mark.parametrize(
    ("slippage_bp", "fill", "ledger", "pnl"),
    [
        (
            0.0,
            (-10.0, 80.0, 16.0, 0.0),
            [
                ("P", "liquidation", -200.0, 50.0),
                ("P", "liquidation_fee", -16.0, 34.0),
                ("P", "transfer", -34.0, 0.0),
                ("account", "transfer", 34.0, 784.0),
            ],
            -216.0,
        ),
        (
            1000.0,
            (-10.0, 79.2, 15.84, 88.0),
            [  # bought at 110 for a margin of 275; liquidated at 88 less a tenth
                ("P", "liquidation", -308.0, -33.0),
                ("P", "liquidation_fee", -15.84, -48.84),
                ("P", "insurance", 48.84, 0.0),
            ],
            -275.0,
        ),
    ],
)
def test_liquidation_at_the_market_costs_slippage_and_a_fee(slippage_bp, fill, ledger, pnl):
    run = Run(
        [FLAT, FLAT, (100.0, 100.0, 60.0, 100.0)],
        act(0, "market", 10.0),
        liquidation="mark_slip",
        liquidation_fee_bp=200.0,
        slippage_bp=slippage_bp,
        **ISOLATED,
    )
    assert run.fills("qty", "price", "fee", "slippage")[1:] == [fill]
    assert [row[1:] for row in run.ledger()[2:]] == ledger
    assert run.rows("trades", "pnl", "fees") == [(pnl, fill[2])]


@pytest.mark.parametrize(("low", "sold"), [(90.0, 80.0), (40.0, 70.0)])
def test_liquidation_at_the_market_is_at_the_worse_of_mark_and_price(low, sold):
    """The mark meets 80 half way down; the price stands at 95, or at 70, there."""
    mark = {("mark_bars", PERP): bars([FLAT, FLAT, (100.0, 100.0, 60.0, 100.0)])}
    run = Run(
        [FLAT, FLAT, (100.0, 100.0, low, 100.0)], act(0, "market", 10.0), tables=mark, liquidation="mark_slip", liquidation_fee_bp=0.0,
        **ISOLATED,
    )
    assert run.fills("ts", "qty", "price")[1:] == [("<180", -10.0, sold)]


def test_a_liquidation_comes_before_what_lies_beyond_it_and_cancels_what_waits():
    """The stop at 85 is met before 80, the one at 78 is not."""
    prices = [FLAT, FLAT, (100.0, 100.0, 70.0, 100.0)]
    for trigger, fills in ((85.0, [(0, -10.0, 85.0)]), (80.0, [(-1, -10.0, 75.0)]), (78.0, [(-1, -10.0, 75.0)])):
        run = Run(prices, act(0, "stop", -10.0, trigger=trigger), act(0, "market", 10.0), act(1, "limit", -10.0, price=140.0), **ISOLATED)
        assert run.fills("order", "qty", "price")[1:] == fills
    assert run.rows("orders", "kind", "status", "ts_done") == [
        ("stop", "cancelled", "<180"),
        ("market", "filled", 60.0),
        ("limit", "cancelled", "<180"),
    ]


def test_an_entry_inside_a_bar_can_be_liquidated_in_it():
    """Bought at 90 on the way down (margin 225, liquidated at 72)."""
    for low, end in ((72.5, []), (72.0, [("<120", -1, -10.0, 67.5)])):
        run = Run(bar(100, 100, low, 95), act(0, "limit", 10.0, price=90.0), **ISOLATED)
        assert run.fills() == [("<120", 0, 10.0, 90.0), *end]


# ---------------------------------------------------------------------------- cross margin, four instruments


def two_perps(last):
    """Bars of P (which ends with `last`) and of P2, which rises to 110 in the bar before."""
    return {("perp_bars", PERP): bars([FLAT, FLAT, FLAT, last]), ("perp_bars", PERP2): bars([FLAT, FLAT, at(110), at(110)])}


BOTH = [act(0, "market", 50.0), act(0, "market", -20.0, on=PERP2)]


def test_cross_margin_liquidates_all_perpetuals():
    """Behind P stand 1000 - 200 - 22 = 778: (5000 - 778) / 49.5 = 85.29. P2 is closed at its mark; 800 are left: bankrupt at 84."""
    spots = [FLAT] * 4
    assert Run((), *BOTH, tables=two_perps((100.0, 100.0, 85.3, 100.0)), spot=spots).fills("order") == [(0,), (1,)]
    resting = [act(2, "limit", 1.0, price=50.0), act(2, "limit", 1.0, price=50.0, on=PERP2), act(2, "limit", 1.0, price=50.0, on=SPOT)]
    run = Run((), *BOTH, *resting, tables=two_perps((100.0, 100.0, 85.0, 100.0)), spot=spots)
    assert run.rows("fills", "ts", "order", "instrument", "qty", "price", "fee", "liquidity") == [
        (60.0, 0, "P", 50.0, 100.0, 0.0, "taker"),
        (60.0, 1, "P2", -20.0, 100.0, 0.0, "taker"),
        ("<240", -1, "P2", 20.0, 110.0, 0.0, "liquidation"),
        ("<240", -1, "P", -50.0, 84.0, 0.0, "liquidation"),
    ]
    assert run.rows("ledger", "ts", "instrument", "wallet", "amount", "balance")[-2:] == [
        ("<240", "P2", "account", -200.0, 800.0),
        ("<240", "P", "account", -800.0, 0.0),
    ]
    assert run.rows("orders", "instrument", "status")[2:] == [("P", "cancelled"), ("P2", "cancelled"), ("S", "dropped")]
    assert run.rows("equity", "equity", "position_P", "position_P2")[2:] == [(800.0, 50.0, -20.0), (0.0, 0.0, 0.0)]


def test_cross_margin_at_the_market_leaves_the_rest():
    run = Run((), *BOTH, tables=two_perps((100.0, 100.0, 80.0, 100.0)), spot=[FLAT] * 4, liquidation="mark_slip", liquidation_fee_bp=0.0)
    price = round((5000 - 778) / 49.5, 9)
    assert run.rows("fills", "instrument", "price")[2:] == [("P", price), ("P2", 110.0)]
    assert run.rows("equity", "equity")[-1] == (round(800 - 50 * (100 - (5000 - 778) / 49.5), 9),)


def test_profit_of_one_perpetual_carries_the_other():
    """P2 is long: at 110 it adds 200, so that P holds down to (5000 - 1178) / 49.5 = 77.21."""
    asked = [act(0, "market", 50.0), act(0, "market", 20.0, on=PERP2)]
    for low, n in ((77.3, 2), (77.2, 4)):
        assert len(Run((), *asked, tables=two_perps((100.0, 100.0, low, 100.0)), spot=[FLAT] * 4).fills()) == n


@pytest.mark.parametrize(("qty", "refusal"), [(50.0, ""), (-50.0, ""), (50.1, "initial margin"), (-50.1, "initial margin")])
def test_two_perpetuals_share_the_margin(qty, refusal):
    tables = {("perp_bars", index): bars([FLAT] * 4) for index in (PERP, PERP2)}
    run = Run((), act(0, "market_order", 50.0), act(1, "market_order", qty, on=PERP2), tables=tables)
    assert run.ends()[1][1] == refusal


def test_spot_of_both_assets_is_paid_from_the_free_margin():
    """50 of P at 100 bind 500 of 1000; spot of the second asset is worth its price in both quote and equity."""
    tables = {("perp_bars", PERP): bars([FLAT] * 4), ("spot_bars", 2): bars([at(50), at(50), at(50), at(60)])}
    run = Run((), act(0, "market", 50.0), act(1, "market_order", 10.1, on=2), act(1, "market_order", 10.0, on=2), tables=tables)
    assert run.rows("orders", "instrument", "status", "refusal") == [
        ("P", "filled", ""),
        ("S2", "refused", "not enough cash"),
        ("S2", "filled", ""),
    ]
    assert run.rows("equity", "equity", "cash", "position_S2")[-1] == (1100.0, 500.0, 10.0)


# ---------------------------------------------------------------------------- marks, brackets

DEEP = (100.0, 100.0, 79.0, 100.0)


@pytest.mark.parametrize(
    ("own", "stream", "third", "liquidated"),
    [
        (DEEP, None, None, True),
        (DEEP, "mark_bars", FLAT, False),
        (FLAT, "mark_bars", DEEP, True),
        (DEEP, "index_bars", at(98), False),  # the basis is 2
        (FLAT, "index_bars", (98.0, 98.0, 77.9, 98.0), True),  # 79.9
        (FLAT, "index_bars", (98.0, 98.0, 78.1, 98.0), False),  # 80.1
    ],
)
def test_the_mark_decides_not_the_price(own, stream, third, liquidated):
    first = at(98) if stream == "index_bars" else FLAT
    tables = {(stream, PERP): bars([first, first, third])} if stream else {}
    run = Run([FLAT, FLAT, own], act(0, "market", 10.0), tables=tables, **ISOLATED)
    assert run.fills("order", "price")[1:] == ([(-1, 75.0)] if liquidated else [])


@pytest.mark.parametrize(("high", "liquidated"), [(115.6, False), (115.7, True)])
def test_an_index_and_its_basis_decide_for_a_short_as_well(high, liquidated):
    """1250 / 10.625 = 117.647, less the basis of 2."""
    index = bars([at(98), at(98), (98.0, high, 98.0, 98.0)])
    run = Run([FLAT] * 3, act(0, "market", -10.0), tables={("index_bars", PERP): index}, **ISOLATED)
    assert run.fills("order", "price")[1:] == ([(-1, 125.0)] if liquidated else [])


@pytest.mark.parametrize(
    ("stream", "prices", "equity"),
    [
        (None, (), [1000.0, 1000.0, 1010.0, 1020.0]),
        ("mark_bars", (100, 101, 103, 99), [1000.0, 1001.0, 1003.0, 999.0]),
        ("index_bars", (98, 99, 107, 98), [1000.0, 1001.0, 1008.0, 1001.0]),  # basis: none, 2, 1, 3
    ],
)
def test_a_position_is_valued_at_its_mark(stream, prices, equity):
    tables = {(stream, PERP): bars([at(price) for price in prices])} if stream else {}
    run = Run([at(price) for price in (100, 100, 110, 120)], act(0, "market", 1.0), tables=tables)
    assert [row[0] for row in run.rows("equity", "equity")] == equity


@pytest.mark.parametrize(
    ("second", "versions", "price"),
    [
        (150, [(1e6, 0.0625, 0.0, 20.0)], None),
        (150, [(1e6, 0.125, 0.0, 20.0)], 75.0),  # liquidated at 750 / 8.75 = 85.7
        (181, [(1e6, 0.125, 0.0, 20.0)], None),  # known after the bar
        (150, [(500.0, 0.05, 0.0, 20.0), (1e6, 0.125, 37.5, 20.0)], None),  # the second tier: (750 - 37.5) / 8.75 = 81.4
        (150, [(200.0, 0.05, 0.0, 20.0), (1e6, 0.125, 15.0, 20.0)], 75.0),  # (750 - 15) / 8.75 = 84
    ],
)
def test_brackets_that_change_midway(second, versions, price):
    tables = {("brackets", PERP): tiers((-60, 0.0, [(1e6, 0.0625, 0.0, 20.0)]), (second, 0.0, versions))}
    run = Run([FLAT, FLAT, (100.0, 100.0, 83.0, 100.0)], act(0, "market", 10.0), tables=tables, **ISOLATED | {"maintenance_bp": None})
    assert run.fills("order", "price")[1:] == ([] if price is None else [(-1, price)])


# ---------------------------------------------------------------------------- funding, the end of a lane


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_three_settlements_with_a_partial_close_between(side):
    """4 from 60; 1 closed at 120, after that moment's settlement on 4; then 3 * 110 * 0.002 at 180, 3 * 120 * -0.001 at 240."""
    prices = [FLAT, FLAT, (102.0, 110.0, 102.0, 110.0), (110.0, 120.0, 110.0, 120.0), at(120)]
    rates = {("funding", PERP): settlements((60, 0.5), (120, 0.001), (180, 0.002), (240, -0.001))}
    run = Run(prices, act(0, "market", 4.0 * side), act(1, "market", -side), tables=rates)
    assert [(ts, kind, side * amount) for ts, _, kind, amount, _ in run.ledger()] == [
        (120.0, "funding", -0.4),
        (120.0, "realised", 2.0),
        (180.0, "funding", -0.66),
        (240.0, "funding", 0.36),
    ]


def test_a_lane_that_is_worth_nothing_ends():
    """The mark falls inside a long bar, whose liquidation check comes when it is known: equity is -500 before."""
    tables = {("mark_bars", PERP): bars([FLAT] * 10 + [at(70)] * 2), ("perp_bars", PERP): bars([FLAT] * 2, seconds=300)}
    run = Run((), act(4, "market", 50.0), act(9, "limit", 1.0, price=50.0), act(10, "market", 1.0), tables=tables, spot=[FLAT] * 12)
    assert run.fills("ts", "qty", "price", "reason") == [(300.0, 50.0, 100.0, "first"), ("<660", -50.0, 70.0, "bankrupt")]
    assert run.ledger() == [("<660", "account", "realised", -1500.0, -500.0), ("<660", "account", "insurance", 500.0, 0.0)]
    assert run.rows("orders", "status") == [("filled",), ("dropped",)]
    assert run.rows("equity", "ts", "equity", "drawdown")[9:] == [(600.0, 1000.0, 0.0), (660.0, 0.0, 1.0), (720.0, 0.0, 1.0)]
