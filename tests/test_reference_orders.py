"""The reference engine against scenarios worked out by hand: docs/venue.md, sections 1 to 6 and 10, and what is refused at a fill."""

from math import inf, isnan, nan

import pytest
from reference.by_hand import FLAT, MINUTE, PERP, PERP2, SECOND, SPOT, START, Run, act, at, bars, settlements, tiers

PRICES = ("limit", "trigger", "distance")


def bar(*prices):
    """The first bar is flat, so that on_bar can ask; the second is this one."""
    return [FLAT, tuple(map(float, prices))]


def thin(prices, *volume):
    """Perp bars with these volumes."""
    return {("perp_bars", PERP): bars(prices, volume=list(volume))}


# ---------------------------------------------------------------------------- 1 and 2: the moment, the bar


def test_exogenous_records_come_before_the_bar_of_their_instant_and_on_bar_after_it():
    run = Run([FLAT] * 3, act(0, "limit", 1.0, price=90.0), act(0, "limit", 2.0, price=90.0, second=60.5))
    assert run.rows("orders", "id", "ts", "qty") == [(0, 60.5, 2.0), (1, 60.5, 1.0)]


def test_a_late_action_between_bars_is_asked_at_the_next_one():
    late = act(0, "market", 1.0)
    late.ts = START + 70 * SECOND
    assert Run([FLAT] * 3, late).rows("orders", "ts", "ts_done") == [(120.5, 120.0)]


def test_the_steps_of_a_bar():
    """Bought at the open; a settlement inside is paid; sold on the path; one at the close, known before the bar, finds nothing."""
    funding = settlements((60, 0.001), (90, 0.001), (120, 0.001))
    prices = [FLAT, (100.0, 110.0, 100.0, 110.0), FLAT]
    run = Run(prices, act(0, "market", 1.0), act(0, "limit", -1.0, price=105.0), tables={("funding", PERP): funding}, lag=10)
    assert run.ledger() == [(90.0, "account", "funding", -0.1, 999.9), ("<120", "account", "realised", 5.0, 1004.9)]


def test_a_settlement_at_the_close_that_had_to_wait_is_paid_after_the_path():
    funding = {("funding", PERP): settlements((60, 0.001))}
    early = act(0, "limit", 1.0, price=95.0, second=0)
    run = Run([(100.0, 100.0, 90.0, 100.0), FLAT], early, tables=funding, lag=10)
    assert run.ledger() == [(60.0, "account", "funding", -0.1, 999.9)]  # nothing was known when it became known: the open counts


def test_a_settlement_is_paid_before_the_fill_of_the_same_moment():
    funding = {("funding", PERP): settlements((120, 0.001), (180, 0.002))}
    for lag in (0.5, 10):
        run = Run([FLAT] * 5, act(0, "market", 1.0), act(1, "market", -1.0), tables=funding, lag=lag)
        assert run.ledger() == [(120.0, "account", "funding", -0.1, 999.9)]  # the second meets no position


def test_a_settlement_in_a_gap_is_paid_before_the_next_open_at_the_mark_of_its_own_moment():
    prices = bars([FLAT, FLAT, at(90)])
    for field in ("ts_event", "ts_close", "ts_known"):
        prices[field][2] += 10 * MINUTE
    tables = {("perp_bars", PERP): prices, ("funding", PERP): settlements((300, 0.001))}
    run = Run((), act(0, "market", 1.0), act(1, "market", -1.0), tables=tables)
    assert run.ledger() == [(300.0, "account", "funding", -0.1, 999.9), (720.0, "account", "realised", -10.0, 989.9)]


def both(prices, others, **more):
    """Bars of both perpetuals after a flat one."""
    return {("perp_bars", PERP): bars([FLAT, prices]), ("perp_bars", PERP2): bars([FLAT, others], **more)}


def test_the_paths_of_a_group_are_walked_at_once():
    """To 110 in the first part: 104 of either is met before 106; where they tie, the lower instrument comes first."""
    up = (100.0, 110.0, 100.0, 110.0)
    asked = [act(0, "limit", -1.0, price=price, on=on) for on in (PERP2, PERP) for price in (106.0, 104.0)]
    run = Run((), *asked, tables=both(up, up))
    assert run.fills("instrument", "price") == [("P", 104.0), ("P2", 104.0), ("P", 106.0), ("P2", 106.0)]
    further = (100.0, 120.0, 100.0, 120.0)
    run = Run((), *asked, tables=both(up, further))
    assert run.fills("instrument", "price") == [("P2", 104.0), ("P2", 106.0), ("P", 104.0), ("P", 106.0)]


def test_each_step_is_done_for_every_instrument_before_the_next_one():
    """The market order of P2 (step 2.2) fills before the limit of P that takes (step 2.4)."""
    asked = [act(0, "limit", 1.0, price=100.0), act(0, "market", 1.0, on=PERP2)]
    assert Run((), *asked, tables=both(FLAT, FLAT)).fills("ts", "instrument") == [(60.0, "P2"), (60.0, "P")]


def test_bars_that_cover_another_time_are_another_group():
    """P has bars of a minute, P2 one of five: the groups come in the order of their lowest instruments."""
    up = (100.0, 110.0, 100.0, 110.0)
    tables = {("perp_bars", PERP): bars([FLAT] * 9 + [up]), ("perp_bars", PERP2): bars([FLAT, (100.0, 120.0, 100.0, 120.0)], seconds=300)}
    asked = [act(4, "limit", -1.0, price=104.0, on=on) for on in (PERP2, PERP)]
    assert Run((), *asked, tables=tables).fills("ts", "instrument") == [("<600", "P"), ("<600", "P2")]


def test_two_bars_of_an_instrument_in_one_instant_are_processed_one_after_the_other():
    prices = bars([FLAT, (100.0, 100.0, 90.0, 90.0), at(90)])
    prices["ts_known"][1] = prices["ts_known"][2]
    run = Run((), act(0, "limit", 1.0, price=95.0), tables={("perp_bars", PERP): prices})
    assert run.fills() == [("<120", 0, 1.0, 95.0)]
    assert run.rows("equity", "ts", "equity") == [(60.0, 1000.0), (180.0, 995.0)]


# ---------------------------------------------------------------------------- 3: from a wish to an order


def test_numbers_go_to_orders_as_asked_then_to_the_sums_of_each_instrument():
    run = Run(
        [FLAT] * 2, act(0, "market", 1.0), act(0, "limit", 2.0, price=50.0), act(0, "target", 3.0, on=SPOT), act(0, "market_order", 4.0),
        act(0, "bracket", 5.0, on=SPOT, stop=90.0, target=110.0), act(0, "market", 0.5, reason="second"), spot=[FLAT] * 2, cash=1e5,
    )
    assert run.rows("orders", "id", "instrument", "kind", "qty", "parent", "reduce_only", "reason") == [
        (0, "P", "limit", 2.0, -1, False, "first"), (1, "P", "market", 4.0, -1, False, "first"),
        (2, "S", "market", 5.0, -1, False, "first"), (3, "S", "stop", -5.0, 2, True, "first"), (4, "S", "limit", -5.0, 2, True, "first"),
        (5, "S", "market", 3.0, -1, False, "first"), (6, "P", "market", 1.5, -1, False, "second"),
    ]


def test_a_target_counts_the_position_and_the_market_orders_that_wait():
    run = Run([FLAT] * 3, act(0, "target", 1.0), act(0, "target", 3.0, second=70), act(0, "target", 5.0, second=80), act(1, "target", 4.0))
    assert run.fills("ts", "qty") == [(60.0, 1.0), (120.0, 2.0), (120.0, 2.0), (120.0, -1.0)]


def test_a_target_counts_what_is_left_of_a_triggered_stop():
    tables = thin([FLAT, (100.0, 105.0, 100.0, 100.0), FLAT], 10.0, 10.0, 10.0)
    run = Run((), act(0, "stop", 3.0, trigger=104.0), act(1, "target", 4.0), tables=tables, participation=0.1)
    assert run.rows("orders", "qty", "filled") == [(3.0, 2.0), (1.0, 0.0)]


def test_a_sum_of_nothing_is_no_order():
    assert Run([FLAT] * 2, act(0, "target", 0.0), act(0, "market", 0.0, on=SPOT)).ends() == []


@pytest.mark.parametrize(
    ("venue", "second", "ts"),
    [
        ({}, -100, 0.0),
        ({}, 0, 0.0),        # before the first bar there is no lag
        ({}, 0.1, 60.0),
        ({}, 60.5, 120.0),   # an exogenous record comes before the bar of its instant
        ({}, 61, 120.0),
        ({}, 120.5, 120.0),
        ({"fills": "strict"}, 60, 60.0),
        ({"fills": "strict", "latency_ms": 250.0}, 60, 120.0),
        ({"fills": "strict", "latency_ms": 60_000.0}, 60, 120.0),
        ({"fills": "strict", "latency_ms": 60_001.0}, 60, 180.0),
    ],
)
def test_the_first_bar_that_an_order_may_meet(venue, second, ts):
    assert Run([FLAT] * 5, act(0, "market", 1.0, second=second), **venue).fills("ts") == [(ts,)]


def test_an_order_arrives_the_lag_of_the_last_bar_before_it_was_decided():
    assert Run([FLAT] * 4, act(0, "market", 1.0), lag=20).fills("ts") == [(60.0,)]  # in on_bar at second 80
    assert Run([FLAT] * 4, act(0, "market", 1.0, second=139), lag=20).fills("ts") == [(120.0,)]
    assert Run([FLAT] * 5, act(0, "market", 1.0, second=141), lag=20).fills("ts") == [(180.0,)]


@pytest.mark.parametrize(
    ("verb", "qty", "more", "refusal"),
    [
        ("market_order", nan, {}, "the quantity is no number"),
        ("market", inf, {}, "the quantity is no number"),
        ("limit", 0.0, {"price": nan}, "the quantity is no number"),
        ("limit", 1.0, {"price": nan}, "the price is no number"),
        ("limit", 1.0, {"price": 0.3}, "the price is no number"),  # it becomes 0
        ("limit", 0.5, {"price": inf}, "the price is no number"),
        ("stop", 1.0, {"trigger": 0.0}, "the price is no number"),
        ("take_profit", 1.0, {"trigger": -1.0}, "the price is no number"),
        ("stop_limit", 1.0, {"trigger": 5.0}, "the price is no number"),
        ("trailing_stop", 1.0, {"distance": -1.0}, "the price is no number"),
        ("market", 0.5, {"on": SPOT}, "the data have no such instrument"),
        ("limit", -0.99, {"price": 5.0}, "below the lot"),
    ],
)
def test_what_is_refused_at_once(verb, qty, more, refusal):
    run = Run([FLAT] * 2, act(0, verb, qty, **more), given={"tick": 0.5, "lot": 1.0})
    assert run.rows("orders", "status", "refusal", "ts_done") == [("refused", refusal, 60.5)]


def test_four_market_orders_and_thirty_two_others_may_wait():
    asked = [act(0, "market_order", 1.0, second=n + 1) for n in range(5)]
    asked += [act(0, "limit", 1.0, price=50.0, second=n + 10) for n in range(33)]
    run = Run([FLAT], *asked)
    refused = [row for row in run.rows("orders", "id", "refusal") if row[1]]
    assert refused == [(4, "no room for another waiting order"), (37, "no room for another waiting order")]


def test_one_hook_call_asks_for_sixteen_orders():
    asked = [act(0, "limit", 1.0, price=50.0, on=SPOT if n % 2 else PERP) for n in range(17)]
    assert [row[1] for row in Run([FLAT] * 2, *asked, spot=[FLAT] * 2).ends()] == [""] * 16 + ["no room for another waiting order"]


@pytest.mark.parametrize(
    ("verb", "qty", "more", "accepted"),
    [
        ("limit", 1.27, {"price": 99.7}, [1.2, 99.5]),
        ("limit", -1.27, {"price": 99.7}, [-1.2, 100.0]),
        ("limit", 1.3, {"price": 99.5}, [1.3, 99.5]),
        ("stop", 1.27, {"trigger": 99.7}, [1.2, 100.0]),
        ("stop", -1.27, {"trigger": 99.7}, [-1.2, 99.5]),
        ("take_profit", 1.27, {"trigger": 99.7}, [1.2, 99.5]),
        ("take_profit", -1.27, {"trigger": 99.7}, [-1.2, 100.0]),
        ("stop_limit", 1.27, {"trigger": 99.7, "price": 99.7}, [1.2, 99.5, 100.0]),
        ("trailing_stop", -1.27, {"distance": 1.1}, [-1.2, 1.5]),
    ],
)
def test_rounding_is_away_from_aggression(verb, qty, more, accepted):
    run = Run([FLAT], act(0, verb, qty, **more), given={"tick": 0.5, "lot": 0.1})
    (row,) = run.rows("orders", "asked", "qty", *PRICES)
    assert [x for x in row if not isnan(x)] == [qty, *accepted]


# ---------------------------------------------------------------------------- 4: kinds, at the open


@pytest.mark.parametrize(
    ("more", "fills", "end"),
    [
        ({"price": 101.0}, [(60.0, 0, 1.0, 100.0)], ("filled", "")),
        ({"price": 100.0}, [(60.0, 0, 1.0, 100.0)], ("filled", "")),
        ({"price": 101.0, "post_only": True}, [], ("refused", "would take")),
        ({"price": 99.0, "post_only": True}, [], ("waiting", "")),
        ({"price": 99.0, "tif": "ioc"}, [], ("cancelled", "")),
        ({"price": 99.0, "tif": "fok"}, [], ("cancelled", "")),
        ({"price": 100.0, "tif": "fok"}, [(60.0, 0, 1.0, 100.0)], ("filled", "")),
    ],
)
def test_a_limit_at_its_arrival(more, fills, end):
    run = Run([FLAT] * 3, act(0, "limit", 1.0, **more))
    assert (run.fills(), run.ends()) == (fills, [end])


def test_a_limit_that_takes_pays_no_more_than_its_price():
    run = Run([FLAT] * 2, act(0, "limit", 1.0, price=101.0), slippage_bp=200.0)
    assert run.fills("price", "slippage", "liquidity") == [(101.0, 1.0, "taker")]


@pytest.mark.parametrize(
    ("prices", "fills"),
    [
        (at(94), [(120.0, 0, 1.0, 95.0)]),        # it was in the book first
        ((95.0, 96.0, 95.0, 95.0), []),           # there is a queue
        ((95.0, 96.0, 94.9, 95.0), [("<180", 0, 1.0, 95.0)]),
        ((98.0, 98.0, 95.0, 98.0), []),
    ],
)
def test_a_limit_in_the_book_fills_as_maker_at_its_price(prices, fills):
    run = Run([FLAT, FLAT, prices], act(0, "limit", 1.0, price=95.0), maker_bp=10.0, taker_bp=100.0)
    assert run.fills() == fills
    assert run.fills("fee", "slippage", "liquidity") == [(0.095, 0.0, "maker")] * len(fills)


@pytest.mark.parametrize(
    ("verb", "qty", "more", "fills"),
    [
        ("stop", 1.0, {"trigger": 106.0}, [(120.0, 0, 1.0, 107.0)]),
        ("stop", 1.0, {"trigger": 107.0}, [(120.0, 0, 1.0, 107.0)]),
        ("stop", -1.0, {"trigger": 106.0}, [(60.0, 0, -1.0, 100.0)]),           # beyond it at arrival already
        ("take_profit", -1.0, {"trigger": 106.0}, [(120.0, 0, -1.0, 107.0)]),
        ("take_profit", 1.0, {"trigger": 99.0}, [("<180", 0, 1.0, 99.0)]),
        ("stop_limit", 1.0, {"trigger": 106.0, "price": 108.0}, [(120.0, 0, 1.0, 107.0)]),
        ("stop_limit", 1.0, {"trigger": 106.0, "price": 105.0}, [("<180", 0, 1.0, 105.0)]),
        ("trailing_stop", 1.0, {"distance": 7.0}, [(120.0, 0, 1.0, 107.0)]),
        ("trailing_stop", -1.0, {"distance": 9.0}, [("<180", 0, -1.0, 99.0)]),  # 108 - 9
    ],
)
def test_what_a_gap_triggers(verb, qty, more, fills):
    prices = [FLAT, FLAT, (107.0, 108.0, 99.0, 107.0)]
    assert Run(prices, act(0, verb, qty, **more)).fills() == fills


# ---------------------------------------------------------------------------- 4: kinds, on the path


@pytest.mark.parametrize(
    ("verb", "qty", "more", "price"),
    [
        ("limit", 1.0, {"price": 96.0}, 96.0),
        ("limit", 1.0, {"price": 95.0}, None),                           # touched only
        ("limit", -1.0, {"price": 104.0}, 104.0),
        ("stop", -1.0, {"trigger": 95.0}, 95.0),                         # touched is enough
        ("stop", 1.0, {"trigger": 105.0}, 105.0),
        ("take_profit", -1.0, {"trigger": 105.0}, 105.0),
        ("take_profit", 1.0, {"trigger": 95.0}, 95.0),
        ("stop_limit", 1.0, {"trigger": 103.0, "price": 104.0}, 103.0),  # takes where it comes to life
        ("stop_limit", 1.0, {"trigger": 103.0, "price": 103.0}, 103.0),
        ("stop_limit", 1.0, {"trigger": 103.0, "price": 96.0}, 96.0),    # rests there
        ("stop_limit", 1.0, {"trigger": 103.0, "price": 95.0}, None),
        ("trailing_stop", -1.0, {"distance": 3.0}, 102.0),               # 105 - 3
        ("trailing_stop", -1.0, {"distance": 10.5}, None),
        ("trailing_stop", 1.0, {"distance": 6.0}, 101.0),                # 95 + 6, on the way to the close
        ("trailing_stop", 1.0, {"distance": 4.5}, 104.5),                # 100 + 4.5, on the way to the high
    ],
)
def test_where_the_path_meets_an_order(verb, qty, more, price):
    run = Run(bar(100, 105, 95, 102), act(0, verb, qty, **more))
    assert run.fills("ts", "price") == ([] if price is None else [("<120", price)])


def test_a_stop_limit_that_takes_pays_no_more_than_its_price():
    asked = [act(0, "stop_limit", 1.0, trigger=103.0, price=price) for price in (103.5, 110.0)]
    assert Run(bar(100, 105, 95, 102), *asked, slippage_bp=100.0).fills("price", "liquidity") == [(103.5, "taker"), (104.03, "taker")]


def test_a_trailing_stop_keeps_its_extreme_from_bar_to_bar():
    prices = [FLAT, (100.0, 108.0, 104.0, 107.0), (107.0, 107.0, 103.0, 104.0)]
    far, near = (Run(prices, act(0, "trailing_stop", -1.0, distance=far), given={"tick": 0.5}) for far in (5.2, 4.7))
    assert (far.fills(), near.fills()) == ([], [("<180", 0, -1.0, 103.0)])  # 108 - 5.5, 108 - 5


def test_what_comes_first_on_the_path_fills_first():
    run = Run(
        bar(100, 104, 96, 100), act(0, "stop", 1.0, trigger=103.0), act(0, "limit", -1.0, price=102.0), act(0, "stop", -1.0, trigger=98.0),
        act(0, "limit", 1.0, price=98.0),
    )
    assert run.fills("order", "price") == [(1, 102.0), (0, 103.0), (2, 98.0), (3, 98.0)]  # at a tie the lowest number


# ---------------------------------------------------------------------------- 4: reduce-only, one cancels the other, brackets


def test_a_reduce_only_order_takes_no_more_than_the_position_and_ends_with_it():
    run = Run(bar(100, 105, 100, 100), act(0, "market", 2.0), act(0, "limit", -5.0, price=104.0, reduce_only=True))
    assert run.rows("orders", "status", "filled", "ts_done") == [("cancelled", -2.0, "<120"), ("filled", 2.0, 60.0)]


def test_a_reduce_only_market_order_needs_a_position_on_the_other_side():
    run = Run([FLAT] * 2, act(0, "market_order", 1.0), act(0, "market_order", 1.0, reduce_only=True))
    assert run.ends() == [("filled", ""), ("refused", "nothing to reduce")]


def test_a_reduce_only_stop_waits_for_a_position():
    prices = [FLAT, (100.0, 100.0, 90.0, 90.0), at(90)]
    run = Run(prices, act(0, "stop", -1.0, trigger=95.0, reduce_only=True), act(1, "market", 1.0))
    assert run.fills() == [(120.0, 1, 1.0, 90.0), (120.0, 0, -1.0, 90.0)]


def test_on_the_path_a_reduce_only_stop_acts_where_a_position_comes_to_be():
    run = Run(bar(100, 110, 90, 95), act(0, "stop", -1.0, trigger=105.0, reduce_only=True), act(0, "limit", 1.0, price=92.0))
    assert run.fills() == [("<120", 1, 1.0, 92.0), ("<120", 0, -1.0, 92.0)]


def test_reduce_only_orders_that_have_arrived_end_with_the_position():
    run = Run(
        [FLAT] * 3, act(0, "market", 2.0), act(0, "stop", -2.0, trigger=90.0, reduce_only=True), act(1, "market", -2.0),
        act(1, "limit", -2.0, price=110.0, reduce_only=True), act(1, "limit", -2.0, price=110.0),
        act(1, "stop", -1.0, trigger=80.0, second=150, reduce_only=True),
    )
    assert run.rows("orders", "kind", "status", "ts_done") == [
        ("stop", "cancelled", 120.0), ("market", "filled", 60.0), ("limit", "cancelled", 120.0), ("limit", "waiting", None),
        ("market", "filled", 120.0), ("stop", "waiting", None),
    ]


def test_a_fill_that_turns_the_position_keeps_the_children_that_it_wakes():
    run = Run(
        [FLAT] * 4, act(0, "market", -1.0), act(0, "stop", 1.0, trigger=110.0, reduce_only=True),
        act(1, "bracket", 3.0, stop=90.0, target=110.0),
    )
    assert run.rows("orders", "id", "status") == [(0, "cancelled"), (1, "filled"), (2, "filled"), (3, "waiting"), (4, "waiting")]


def test_the_first_fill_of_either_cancels_the_other():
    run = Run(bar(100, 105, 95, 100), act(0, "limit", 1.0, price=97.0), act(0, "stop", 1.0, trigger=104.0), act(0, "oco", a=0, b=1))
    assert run.rows("orders", "status", "ts_done", "filled") == [("cancelled", "<120", 0.0), ("filled", "<120", 1.0)]


def test_a_tie_with_what_does_not_wait_is_none():
    run = Run(bar(100, 105, 95, 100), act(0, "limit", 1.0, price=97.0), act(0, "oco", a=0, b=1), act(0, "stop", 1.0, trigger=104.0))
    assert run.fills("order") == [(1,), (0,)]


@pytest.mark.parametrize(
    ("prices", "path", "more", "fills"),
    [
        ((100, 100, 96, 102), "ohlc", {"price": 98.0, "stop": 97.0}, [("<120", 0, 98.0), ("<120", 1, 97.0)]),
        ((100, 100, 96, 102), "ohlc", {"price": 98.0, "stop": 95.0}, [("<120", 0, 98.0), ("<120", 2, 101.0)]),
        ((100, 100, 96, 102), "adverse", {"price": 98.0, "stop": 95.0}, [("<120", 0, 98.0), (120.0, 2, 101.0)]),
        ((100, 100, 96, 102), "adverse", {"price": 98.0, "stop": 97.0}, [("<120", 0, 98.0), ("<120", 1, 97.0)]),
        ((100, 102, 96, 100), "adverse", {"stop": 95.0}, [(60.0, 0, 100.0), ("<120", 2, 101.0)]),     # opened at the open
        ((100, 102, 96, 100), "ohlc", {"stop": 100.5}, [(60.0, 0, 100.0), (60.0, 1, 100.0)]),         # looked at at the open
        ((100, 102, 96, 100), "ohlc", {"target": 99.0}, [(60.0, 0, 100.0), (60.0, 2, 100.0)]),        # takes there
        ((100, 102, 96, 100), "ohlc", {"price": 97.0, "stop": 97.5}, [("<120", 0, 97.0), ("<120", 1, 97.0)]),
        ((100, 102, 96, 100), "ohlc", {"price": 97.0, "stop": 90.0, "target": 96.5}, [("<120", 0, 97.0), ("<120", 2, 97.0)]),
        ((100, 102, 96, 100), "ohlc", {"price": 97.0, "stop": 90.0, "target": 97.0}, [("<120", 0, 97.0), ("<120", 2, 97.0)]),
    ],
)
def test_a_bracket(prices, path, more, fills):
    run = Run([*bar(*prices), at(102)], act(0, "bracket", 1.0, **({"stop": 97.0, "target": 101.0} | more)), path=path)
    assert run.fills("ts", "order", "price") == fills
    assert sorted(row[0] for row in run.ends()) == ["cancelled", "filled", "filled"]


def test_children_end_with_an_entry_that_never_filled():
    legs = {"stop": 97.0, "target": 101.0}
    run = Run([FLAT] * 3, act(0, "bracket", 1.0, price=90.0, **legs), act(1, "cancel", order=0))
    assert run.rows("orders", "status", "ts_done") == [("cancelled", 120.0)] * 3
    run = Run([FLAT] * 3, act(0, "bracket", 1000.0, **legs))
    assert run.rows("orders", "status", "refusal", "ts_done") == [("refused", "initial margin", 60.0)] + [("cancelled", "", 60.0)] * 2
    run = Run([FLAT] * 3, act(0, "bracket", 1.0, price=inf, stop=nan, target=101.0))
    assert run.ends() == [("refused", "the price is no number")] * 2 + [("cancelled", "")]


FALLS = [FLAT, FLAT, (100.0, 102.0, 100.0, 100.0), (100.0, 100.0, 96.0, 96.0), at(96)]


@pytest.mark.parametrize(
    ("own", "fills", "ends"),
    [
        ([], [("<180", 2, -1.0, 101.0), ("<240", 1, -1.0, 97.0)], [("cancelled", -1.0), ("cancelled", -1.0)]),
        ([act(0, "oco", a=2, b=1)], [("<180", 2, -1.0, 101.0)], [("cancelled", 0.0), ("waiting", -1.0)]),  # an ordinary tie
    ],
)
def test_after_a_part_of_the_target_the_stop_stands_for_the_rest(own, fills, ends):
    """The third bar gives 1 of 2 to the target; the stop then sells what is left, and what is left of both ends with the position."""
    run = Run((), act(0, "bracket", 2.0, stop=97.0, target=101.0), *own, tables=thin(FALLS, 1e3, 1e3, 10.0, 1e3, 1e3), participation=0.1)
    assert run.fills() == [(60.0, 0, 2.0, 100.0), *fills]
    assert run.rows("orders", "status", "filled")[1:] == ends


def test_a_whole_fill_of_a_child_cancels_the_other():
    run = Run((), act(0, "market", 1.0), act(0, "bracket", 2.0, stop=97.0, target=101.0), tables=thin(FALLS, *[1e3] * 5))
    assert run.rows("orders", "status", "filled") == [("filled", 2.0), ("cancelled", 0.0), ("filled", -2.0), ("filled", 1.0)]


@pytest.mark.parametrize("volume", [10.0, 5.0])
def test_the_first_fill_of_a_child_cancels_what_is_left_of_the_entry(volume):
    """1 of 2 is bought at 98; the target then sells 1, or 0.5 and leaves 0.5 to the stop: no more is bought at 96."""
    prices = [FLAT, (100.0, 100.0, 97.5, 100.0), (100.0, 102.0, 100.0, 100.0), (100.0, 100.0, 96.0, 96.0)]
    run = Run(
        (), act(0, "bracket", 2.0, price=98.0, stop=97.0, target=101.0), tables=thin(prices, 10.0, 10.0, volume, 1e3), participation=0.1,
    )
    rest = [("<240", 1, -0.5, 97.0)] if volume < 10.0 else []
    assert run.fills() == [("<120", 0, 1.0, 98.0), ("<180", 2, -volume / 10.0, 101.0), *rest]
    assert run.rows("orders", "status", "filled", "ts_done")[0] == ("cancelled", 1.0, "<180")


# ---------------------------------------------------------------------------- 4: cancel, amend, expire


def test_a_cancel_has_its_own_arrival_and_its_own_instrument():
    prices = [FLAT, FLAT, at(94), FLAT]
    resting = act(0, "limit", 1.0, price=95.0)
    late = Run(prices, resting, act(0, "cancel", order=0, second=121))  # for the bar that opens at 180
    soon = Run(prices, resting, act(1, "cancel", order=0))
    elsewhere = Run(prices, resting, act(1, "cancel", order=0, on=SPOT), act(1, "cancel", order=7), spot=prices)
    assert soon.rows("orders", "status", "ts_done") == [("cancelled", 120.0)]
    assert late.ends() == elsewhere.ends() == [("filled", "")]


def test_cancel_all_takes_what_waits_now_children_included():
    run = Run(
        [FLAT] * 3, act(0, "bracket", 1.0, price=90.0, stop=80.0, target=101.0), act(0, "stop", 1.0, trigger=120.0), act(1, "cancel_all"),
        act(1, "limit", 1.0, price=80.0),
    )
    assert run.rows("orders", "status", "ts_done") == [("cancelled", 120.0)] * 4 + [("waiting", None)]


@pytest.mark.parametrize(
    ("qty", "level", "shown"),
    [
        (2.3, nan, (2.0, 95.0)), (nan, 94.3, (1.0, 94.0)), (3.0, 96.0, (3.0, 96.0)),
        (-2.0, 94.0, (1.0, 95.0)), (0.4, 94.0, (1.0, 95.0)), (inf, 94.0, (1.0, 95.0)), (2.0, -1.0, (1.0, 95.0)), (2.0, 0.4, (1.0, 95.0)),
    ],
)
def test_an_amendment_is_carried_out_or_ignored(qty, level, shown):
    run = Run([FLAT] * 3, act(0, "limit", 1.0, price=95.0), act(1, "amend", qty, order=0, level=level), given={"tick": 1.0, "lot": 1.0})
    assert run.rows("orders", "qty", "limit") == [shown]


def test_an_amendment_changes_the_level_of_its_kind():
    run = Run(
        [FLAT] * 3, act(0, "stop_limit", 1.0, trigger=120.0, price=125.0), act(0, "trailing_stop", -1.0, distance=9.0),
        act(0, "amend", order=0, level=130.0, second=100), act(0, "amend", order=1, level=8.0, second=100),
    )
    assert [[x for x in row if not isnan(x)] for row in run.rows("orders", *PRICES)] == [[125.0, 130.0], [8.0]]


def test_a_later_amendment_replaces_one_not_yet_carried_out():
    asked = [act(0, "amend", -1.0, order=0, level=140.0, second=100), act(0, "amend", -2.0, order=0, second=110)]
    run = Run([FLAT] * 3, act(0, "take_profit", -1.0, trigger=150.0), *asked)
    assert run.rows("orders", "qty", "trigger") == [(-2.0, 150.0)]


def test_a_limit_at_another_price_arrives_anew():
    asked = [act(0, "limit", 1.0, price=95.0, post_only=post_only) for post_only in (False, True)]
    run = Run([FLAT] * 3, *asked, act(1, "amend", order=0, level=101.0), act(1, "amend", order=1, level=101.0))
    assert run.fills() == [(120.0, 0, 1.0, 100.0)]
    assert run.ends() == [("filled", ""), ("refused", "would take")]


def test_a_limit_of_another_quantity_stays_in_the_book():
    run = Run([FLAT, FLAT, at(94)], act(0, "limit", 1.0, price=95.0), act(1, "amend", 2.0, order=0))
    assert run.fills("ts", "qty", "price", "liquidity") == [(120.0, 2.0, 95.0, "maker")]


def test_an_amendment_that_leaves_nothing_cancels():
    run = Run((), act(0, "market_order", 3.0), act(1, "amend", 1.0, order=0), tables=thin([FLAT] * 5, *[10.0] * 5), participation=0.1)
    assert run.rows("orders", "status", "filled", "ts_done") == [("cancelled", 1.0, 120.0)]


def test_an_order_expires_at_the_first_bar_that_opens_at_or_after_its_moment():
    until = {"until": START + 120 * SECOND}
    run = Run([FLAT] * 3, act(0, "limit", 1.0, price=95.0, **until), act(0, "stop", 1.0, trigger=99.0, **until))
    assert run.rows("orders", "status", "ts_done") == [("expired", 120.0), ("filled", 60.0)]


# ---------------------------------------------------------------------------- 5 and 6: how much, at what price


def test_a_bar_gives_a_part_of_its_volume_over_all_orders():
    tables = thin([FLAT] * 4, *[10.0] * 4)
    run = Run((), act(0, "market_order", 0.7), act(0, "market_order", 1.6), tables=tables, participation=0.1, given={"lot": 0.1})
    assert run.fills("ts", "order", "qty") == [(60.0, 0, 0.7), (60.0, 1, 0.3), (120.0, 1, 1.0), (180.0, 1, 0.3)]
    run = Run((), act(0, "market_order", 2.0), tables=tables, participation=0.1, given={"lot": 0.4})
    assert run.fills("ts", "qty") == [(60.0, 0.8), (120.0, 0.8), (180.0, 0.4)]


@pytest.mark.parametrize("bound", [{"participation": 0.1}, {"impact_bp": 1.0}])
def test_a_bar_without_volume_gives_nothing_but_triggers_trigger(bound):
    tables = thin([FLAT, (100.0, 105.0, 95.0, 100.0), FLAT, FLAT], 1e18, 0.0, nan, 1e18)
    run = Run(
        (), act(0, "limit", 1.0, price=96.0), act(0, "stop", 1.0, trigger=104.0), act(0, "market", 1.0),
        act(0, "limit", 1.0, price=101.0, post_only=True), act(0, "limit", 1.0, price=101.0, tif="ioc"), tables=tables, **bound,
    )
    assert run.fills("ts", "order", "liquidity") == [(180.0, 1, "taker"), (180.0, 4, "taker"), (180.0, 2, "maker")]
    assert run.ends() == [("waiting", ""), ("filled", ""), ("filled", ""), ("cancelled", ""), ("filled", "")]


def test_a_limit_keeps_its_rest_in_the_book_and_kill_needs_all():
    tables = thin([FLAT, (100.0, 100.0, 90.0, 90.0), at(90)], 10.0, 10.0, 10.0)
    run = Run((), act(0, "limit", 1.5, price=95.0), tables=tables, participation=0.1)
    assert run.fills() == [("<120", 0, 1.0, 95.0), (120.0, 0, 0.5, 95.0)]
    run = Run(
        (), act(0, "market_order", 1.5, tif="ioc"), act(1, "market_order", 1.5, tif="fok"), act(1, "limit", 1.0, price=90.0, tif="fok"),
        tables=tables, participation=0.1,
    )
    assert run.fills() == [(60.0, 0, 1.0, 100.0), (120.0, 2, 1.0, 90.0)]
    assert run.rows("orders", "status", "filled")[:2] == [("cancelled", 1.0), ("cancelled", 0.0)]


def test_what_a_taker_pays():
    """10 bp of slippage, half of 20 bp of spread, 100 bp * sqrt(4 / 16) of impact: 70 bp."""
    costs = {"slippage_bp": 10.0, "spread_bp": 20.0, "impact_bp": 100.0, "taker_bp": 5.0}
    run = Run((), act(0, "market", 4.0), act(1, "market", -4.0), tables=thin([FLAT] * 3, *[16.0] * 3), **costs)
    assert run.fills("price", "fee", "slippage", "liquidity") == [(100.7, 0.2014, 2.8, "taker"), (99.3, 0.1986, 2.8, "taker")]
    assert Run([FLAT] * 3, act(0, "market", 4.0), taker_bp=None, given={"taker_bp": 3.0}).fills("fee") == [(0.12,)]


# ---------------------------------------------------------------------------- 7: refusals at the fill


LADDER = ((2000.0, 0.01, 0.0, 20.0), (9000.0, 0.02, 20.0, 5.0))
CAPS = {"maintenance_bp": None, "tables": {("brackets", PERP): tiers((-60, 0.0, LADDER))}}
TWO = [act(0, "market_order", 1.0), act(1, "market_order", -0.1)]


@pytest.mark.parametrize(
    ("asked", "more", "refusal"),
    [
        ([act(0, "market_order", 1.0, on=SPOT), act(0, "market_order", -1.1, on=SPOT)], {}, "a spot account cannot go short"),
        ([act(0, "market_order", 1.0, on=SPOT), act(0, "market_order", -1.0, on=SPOT)], {}, ""),
        ([act(0, "market", 0.9)], {"given": {"min_notional": 100.0}}, "below the minimum notional"),
        (TWO, {"given": {"min_notional": 100.0}}, ""),  # it reduces
        ([act(0, "market", 10.0, on=SPOT)], {"taker_bp": 1.0}, "not enough cash"),
        ([act(0, "market", 10.0, on=SPOT)], {}, ""),
        ([act(0, "market_order", 50.0), act(1, "market_order", 5.01, on=SPOT)], {}, "not enough cash"),
        ([act(0, "market_order", 50.0), act(1, "market_order", 5.0, on=SPOT)], {}, ""),
        ([act(0, "market", 20.1)], CAPS, "above the bracket's notional"),
        ([act(0, "market", 20.0)], CAPS, ""),
        ([act(0, "market", 100.1)], {}, "initial margin"),
        ([act(0, "market", 99.0)], {}, ""),
        ([act(0, "market", 99.1)], {"taker_bp": 10.0}, "initial margin"),  # 991 and a fee of 9.91
        ([act(0, "market", 99.0)], {"taker_bp": 10.0}, ""),
        ([act(0, "market", 100.0)], {"margin": "isolated", "taker_bp": 10.0}, "initial margin"),
        ([act(0, "market", 99.0)], {"margin": "isolated", "taker_bp": 10.0}, ""),
        ([act(0, "market_order", 90.0), act(1, "market_order", -190.1)], {"margin": "isolated"}, "initial margin"),
        ([act(0, "market_order", 90.0), act(1, "market_order", -190.0)], {"margin": "isolated"}, ""),  # what it closes is free for it
    ],
)
def test_what_the_venue_refuses_when_it_would_fill(asked, more, refusal):
    run = Run([FLAT] * 4, *asked, spot=[FLAT] * 4, **more)
    assert run.ends() == [("filled", "")] * (len(asked) - 1) + [("refused" if refusal else "filled", refusal)]


@pytest.mark.parametrize(
    ("mark", "price", "refusal"),
    [
        (100.0, 110.0, ""),                # with both at 104: 520 + 572 of 1200
        (100.0, 100.0, "initial margin"),  # with P at 100: 500 + 572 of 1000
        (90.0, 110.0, "initial margin"),   # with the mark of P at 94: 470 + 572 of 700
    ],
)
def test_the_initial_margin_is_that_of_the_marks_at_that_place_of_the_path(mark, price, refusal):
    rises = {("perp_bars", PERP): (100.0, price), ("perp_bars", PERP2): (100.0, 110.0), ("mark_bars", PERP): (mark, mark + price - 100.0)}
    tables = {key: bars([FLAT, FLAT, (low, high, low, high)]) for key, (low, high) in rises.items()}
    run = Run((), act(0, "market", 50.0), act(1, "stop", 55.0, trigger=104.0, on=PERP2), tables=tables)
    assert run.ends() == [("filled", ""), ("refused" if refusal else "filled", refusal)]


@pytest.mark.parametrize(("opens", "refusal"), [(90, "initial margin"), (100, "")])
def test_at_the_open_the_initial_margin_is_that_of_the_opens_of_the_marks(opens, refusal):
    """At 90 450 + 100 of 500; at the mark of 100 before it 500 + 100 of 1000."""
    tables = {("perp_bars", PERP): bars([FLAT, FLAT, at(opens)]), ("perp_bars", PERP2): bars([FLAT] * 3)}
    run = Run((), act(0, "market", 50.0), act(1, "market", 10.0, on=PERP2), tables=tables)
    assert run.ends() == [("filled", ""), ("refused" if refusal else "filled", refusal)]


def test_resting_orders_reserve_nothing():
    run = Run(bar(100, 100, 80, 100), act(0, "limit", 60.0, price=99.0), act(0, "limit", 60.0, price=98.0), maintenance_bp=1.0)
    assert run.ends() == [("filled", ""), ("refused", "initial margin")]


# ---------------------------------------------------------------------------- 10: the path


@pytest.mark.parametrize(
    ("path", "prices", "held", "first"),
    [
        ("ohlc", (100, 106, 94, 100), 0.0, 105.0), ("olhc", (100, 106, 94, 100), 0.0, 95.0),
        ("nearest", (100, 106, 93, 100), 0.0, 105.0), ("nearest", (100, 107, 94, 100), 0.0, 95.0),
        ("nearest", (100, 106, 94, 100), 0.0, 105.0),
        ("adverse", (100, 106, 94, 100), 1.0, 95.0), ("adverse", (100, 106, 94, 100), -1.0, 105.0),
        ("adverse", (100, 106, 94, 100), 0.0, 105.0),  # the order with the lowest number buys
    ],
)
def test_which_extreme_comes_first(path, prices, held, first):
    asked = [act(0, "market", held)] if held else []
    run = Run(bar(*prices), act(0, "limit", 2.0, price=95.0), act(0, "limit", -2.0, price=105.0), *asked, path=path)
    assert next(price for ts, price in run.fills("ts", "price") if ts == "<120") == first


def test_without_a_position_the_adverse_path_looks_at_the_first_order_that_may_open_one():
    sell, buy = act(0, "limit", -2.0, price=105.0), act(0, "limit", 2.0, price=95.0)
    reduces = act(0, "stop", 1.0, trigger=110.0, reduce_only=True)
    assert Run(bar(100, 106, 94, 100), reduces, sell, buy, path="adverse").fills("order")[0] == (2,)
    assert Run(bar(100, 106, 94, 100), buy, sell, path="adverse").fills("order")[0] == (1,)


def test_on_the_adverse_path_a_limit_that_turns_a_position_of_this_path_waits_for_the_next_bar():
    run = Run([*bar(100, 106, 94, 100), at(104)], act(0, "limit", 2.0, price=95.0), act(0, "limit", -3.0, price=99.0), path="adverse")
    assert run.fills() == [(60.0, 1, -3.0, 100.0), ("<120", 0, 2.0, 95.0)]
    run = Run([*bar(100, 101, 94, 103), at(104)], act(0, "limit", 2.0, price=95.0), act(0, "limit", -3.0, price=102.0), path="adverse")
    assert run.fills() == [("<120", 0, 2.0, 95.0), (120.0, 1, -3.0, 102.0)]
    run = Run([*bar(100, 101, 94, 103), at(104)], act(0, "limit", 2.0, price=95.0), act(0, "take_profit", -3.0, trigger=102.0), path="olhc")
    assert run.fills() == [("<120", 0, 2.0, 95.0), ("<120", 1, -3.0, 102.0)]
