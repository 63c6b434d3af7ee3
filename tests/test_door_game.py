"""The door game on drawn and constructed markets: what arms it, what buys, what speaks against it, what ends it."""

from functools import cache

import numpy as np
import pytest
from drive import MINUTE, START, draw
from measured import ns
from tables import constructed_market
from test_door import NEW_HIGH, doors

import backtester as bt
from backtester import honesty
from backtester.engine.bind import bind
from backtester.engine.find import reasons_of
from backtester.engine.params import params_of
from backtester.engine.run import run_recorded
from backtester.engine.venue import terms_of, venue_of
from backtester.features.basic import NAN, missing
from backtester.features.fight import Fight, Say, has_fuel, helped, is_delicate, retail_sells
from backtester.features.initiative import Battle
from backtester.features.labels import Label
from backtester.fields import initial
from backtester.market.merge import build
from backtester.market.schema import Instrument
from backtester.records import LONG_SHORT_RATIO, rows
from backtester.result import Result
from backtester.results.metrics import lane_metrics
from backtester.results.tables import tables as tables_of
from strategies.door_game import DoorGame, Gate

INSTRUMENTS = (Instrument("S", "spot", taker_bp=0.0), Instrument("P", "perp", taker_bp=0.0))
FREE = {"missing_funding": "free", "maintenance_bp": 40.0, "slippage_bp": 0.0}
FIXED = {"premium_unit": "bp", "premium_delta_bp": 2.0, "premium_eps_bp": 0.8}
ALONE = FIXED | {"fuel_ratio": None, "momentum_in": None, "delicate_even": None, "force": "nothing", "retail": "nothing"}
BOUNCE = [(410, 105_500.0, 9.0, 1.03e5)]
SELLING = [*BOUNCE, (460, 105_100.0, 2.0, 1.03e5), (560, 103_000.0, -9.0, 1.03e5), (640, 104_500.0, -9.0, 1.03e5)]


def run(tables, **params):
    """A run of {stream: table} without fees, slippage, funding, and, where nothing else is said, without doubts."""
    placed = {(stream, 0 if stream == "spot_bars" else 1): table for stream, table in tables.items()}
    market = build("drawn", INSTRUMENTS, placed)
    tile, log = run_recorded(bind(DoorGame), market, params_of(DoorGame, ALONE | params), terms_of(venue_of(FREE), market))
    metrics = lane_metrics(tile, 0, market)
    return Result("door_game", metrics, {}, tables_of(log, market, reasons_of(DoorGame)), market)


def told(result):
    """[(minute of the fill, side, reason)]"""
    fills = result.tables["fills"]
    minutes = (fills["ts"] - START) // MINUTE
    return [(int(at), int(np.sign(qty)), why) for at, qty, why in zip(minutes, fills["qty"], fills["reason"], strict=True)]


def story(tables, **params):
    return told(run(tables, **params))


def at(result, minute, column):
    """A column of the trace at the close of a minute."""
    return result.tables["trace"][column][minute - 1]


def gates(result):
    """What kept trades out, one after another."""
    gate = result.tables["trace"]["gate"]
    return [Gate(int(g)).name for g in gate[np.flatnonzero(np.diff(gate, prepend=0))]]


def asked(result):
    """[(kind, trigger or limit, reason, status)] of all orders."""
    orders = result.orders
    level = orders["trigger"].fillna(orders["limit"]).round(1)
    return list(zip(orders["kind"], level, orders["reason"], orders["status"], strict=True))


# ---------------------------------------------------------------- the third door, the fourth door


def test_the_third_door_is_bought_and_the_fourth_sold():
    """B11. Armed in the drop, bought when it turns by 0.35 of 42 bp; stop and goal wait at the venue from the beginning."""
    result = run(doors(NEW_HIGH))
    assert told(result) == [(374, 1, "door turned"), (473, -1, "fourth door")]
    assert asked(result)[:2] == [("stop", 104_795.1, "below door", "cancelled"), ("limit", 106_106.0, "fourth door", "filled")]
    assert result.tables["fills"]["price"].tolist() == pytest.approx([105_048.75, 106_106.0])
    armed = np.flatnonzero(result.tables["trace"]["armed"])
    assert (int(armed[0]) + 1, Label(int(at(result, armed[0] + 1, "label")))) == (328, Label.SHORTS_IN)
    assert (at(result, armed[0] + 1, "drawing"), at(result, armed[0] + 1, "doors")) == (3, 2)
    assert result.metrics["blocked"] == 0


def test_no_entry_before_the_third_door():
    """B11. The path ends while door 2 rises: door 1 was a drop with shorts in, and not bought."""
    table = doors(NEW_HIGH)
    cut = {stream: rows[rows["ts_known"] <= START + 290 * MINUTE] for stream, rows in table.items()}
    assert story(cut) == []
    assert story(cut, doors=1) == [(232, 1, "door turned")]


@pytest.mark.parametrize(
    ("why", "premium", "contracts", "params"),
    [
        ("spot sells the third door", -3.0, 1.03e5, {}),
        ("the premium stands still", 0.0, 1.03e5, {}),
        ("longs were flushed: open interest fell", 6.0, 0.99e5, {}),
        ("the premium does not rise steadily enough", 6.0, 1.03e5, {"premium_trend": 1.0}),
        ("only three doors", 6.0, 1.03e5, {"doors": 5}),
        ("doors are shapes, and the price never walks sideways", 6.0, 1.03e5, {"reading": "pi"}),
    ],
)
def test_what_keeps_it_out(why, premium, contracts, params):
    assert story(doors(NEW_HIGH, premium, contracts), **params) == [], why


def test_the_document_as_it_stands_asks_no_open_interest():
    assert story(doors(NEW_HIGH, contracts=0.99e5), require_oi="off")[0] == (374, 1, "door turned")


def test_a_turn_on_which_spot_gives_way_is_not_bought():
    """The premium falls by more than 0.8 bp from the door's low on: longs do it, not spot."""
    result = run(doors([(375, 105_160.0, 3.0, 1.03e5), (400, 105_160.0, 3.0, 1.03e5)]))
    assert (told(result), gates(result)) == ([], ["PREMIUM"])


def test_without_open_interest_legs_cannot_be_judged():
    """Three divergences, each blocked once; soft takes them as they are."""
    table = doors(NEW_HIGH)
    del table["open_interest"]
    result = run(table)
    assert (told(result), result.metrics["blocked"]) == ([], 3)
    assert story(table, require_oi="soft") == [(374, 1, "door turned"), (473, -1, "fourth door")]


def test_a_door_is_bought_once():
    after = [(380, 105_200.0, 9.0, 1.03e5), (420, 104_500.0, 14.0, 1.05e5), (500, 105_600.0, 9.0, 1.05e5)]
    assert story(doors(after)) == [(370, 1, "door turned"), (403, -1, "below door")]


def test_the_stop_is_touched_within_a_bar():
    """10 bp below the low of the door, wherever the bar closes; it costs 0.5 % of the account from the close of the decision."""
    table = doors(NEW_HIGH)
    table["perp_bars"]["low"][400] = 104_000.0
    result = run(table)
    assert told(result) == [(374, 1, "door turned"), (400, -1, "below door")]
    assert result.tables["fills"]["price"][1] == pytest.approx(104_900.0 * 0.999)
    assert -result.tables["fills"]["qty"][1] * (105_048.75 - 104_795.1) == pytest.approx(500.0)


def test_the_stop_works_while_spot_stands_still():
    table = doors([(380, 105_200.0, 9.0, 1.03e5), (420, 104_500.0, 14.0, 1.05e5)])
    table["spot_bars"] = table["spot_bars"][table["spot_bars"]["ts_close"] <= START + 375 * MINUTE]
    assert story(table) == [(370, 1, "door turned"), (403, -1, "below door")]


def test_the_time_is_up():
    after = [(420, 105_500.0, 9.0, 1.03e5), (900, 105_500.0, 9.0, 1.03e5)]
    (bought, *_), (sold, _, why) = story(doors(after), hold_h=2.0)
    assert (sold - bought, why) == (120, "time")


# ---------------------------------------------------------------- another entry, another goal, another reading


def test_a_stop_above_the_high_buys_the_break():
    """Sent at the turn; met at 105,900, from where door 3 had dropped."""
    result = run(doors(NEW_HIGH), entry="break")
    assert told(result) == [(454, 1, "door broke"), (473, -1, "fourth door")]
    assert result.tables["fills"]["price"].tolist() == pytest.approx([105_900.0, 106_106.0])
    assert {int((ts - START) // MINUTE) for ts in result.orders["ts"].astype("i8")} == {374}


@pytest.mark.parametrize(
    ("why", "after", "params"),
    [
        ("spot sells", [*BOUNCE, (460, 105_100.0, 2.0, 1.03e5), (480, 105_000.0, 0.0, 1.03e5), (600, 106_050.0, 0.0, 1.03e5)], {}),
        ("a lower low", [(380, 105_200.0, 9.0, 1.03e5), (420, 104_500.0, 14.0, 1.05e5), (560, 106_050.0, 9.0, 1.05e5)], {}),
        ("the game is too long", [(500, 105_500.0, 9.0, 1.03e5), (700, 106_050.0, 9.0, 1.05e5)], {"door_ttl_h": 5.0}),
    ],
)
def test_an_order_that_waits_is_withdrawn_when_the_story_is_over(why, after, params):
    result = run(doors(after), entry="break", **params)
    assert told(result) == [], why
    assert [order[::3] for order in asked(result)] == [("stop", "cancelled"), ("stop", "cancelled"), ("limit", "cancelled")], why


def test_the_goal_may_be_where_the_next_shorts_are_liquidated():
    """Not within the stop's distance: there the new high is the goal."""
    chosen = {"goal": "cluster", "fuel_cluster": 0.03}
    result = run(doors(NEW_HIGH), **chosen)
    near = at(result, 374, "cluster_up")
    assert near == pytest.approx(105_953.0, abs=1.0)
    assert told(result) == [(374, 1, "door turned"), (459, -1, "fourth door")]
    assert result.tables["fills"]["price"][1] == pytest.approx(near, abs=0.1)
    assert run(doors(NEW_HIGH), **chosen, buffer_bp=90.0).tables["fills"]["price"][1] == pytest.approx(106_106.0)


def shapes():
    """Up, sideways, down (door 1), sideways, up (door 2), sideways, down (door 3), and the new high."""
    return draw([
        (0, 104_000.0, 4.0, 1.00e5), (60, 104_000.0, 4.0, 1.00e5), (105, 106_000.0, 4.0, 1.00e5), (130, 106_000.0, 4.0, 1.00e5),
        (160, 104_400.0, 10.0, 1.01e5), (185, 104_400.0, 10.0, 1.01e5), (215, 105_900.0, 4.0, 1.02e5), (240, 105_900.0, 4.0, 1.02e5),
        (270, 104_700.0, 10.0, 1.03e5), (330, 106_600.0, 4.0, 1.03e5),
    ])  # fmt: skip


def test_doors_may_be_closed_shapes():
    """D12, Pi mode: doors 1, 2 and 3 close by a drop, a rise and a drop; the third one's turn is bought."""
    result = run(shapes(), reading="pi")
    assert told(result) == [(275, 1, "door turned"), (314, -1, "fourth door")]
    closed = np.flatnonzero(np.diff(result.tables["trace"]["doors"])) + 2
    assert closed.tolist() == [157, 208, 267, 317]
    assert [at(result, minute, "drawing") for minute in (150, 205, 257, 274, 290)] == [1, 2, 3, 3, 0]
    cut = {stream: rows[rows["ts_known"] <= START + 240 * MINUTE] for stream, rows in shapes().items()}
    assert story(cut, reading="pi") == []


def test_shapes_that_are_doors_alternate():
    """Door 1 closes by a drop; a slow rise is no shape, and the drop that then closes one is not door 2."""
    knots = [(0, 104_000), (60, 104_000), (105, 106_000), (130, 106_000), (160, 104_400), (185, 104_400)]
    slowly = [(485, 105_200), (515, 105_900), (540, 105_900), (560, 105_300), (600, 105_300)]
    result = run(draw([(minute, price, 4.0, 1e5) for minute, price in knots + slowly]), reading="pi")
    assert np.unique(result.tables["trace"]["doors"][157:]).tolist() == [1]


# ---------------------------------------------------------------- the shorts win


def test_spot_selling_ends_it_before_any_confirmation():
    """B12. Out 24 bp into the drop; a turn of 42 bp would have confirmed it at minute 462."""
    result = run(doors(SELLING))
    assert told(result) == [(373, 1, "door turned"), (442, -1, "spot sells")]
    assert at(result, 442, "direction") < 0.0
    assert Label(int(at(result, 442, "label"))) == Label.SPOT_SELLS
    assert at(result, 442, "turn") < 1.0


def test_spot_selling_disarms_the_door():
    result = run(doors([(380, 104_600.0, -3.0, 1.03e5), (400, 104_600.0, -3.0, 1.03e5), (440, 105_200.0, -3.0, 1.03e5)]))
    assert (bool(at(result, 350, "armed")), bool(at(result, 379, "armed"))) == (True, False)
    assert told(result) == []


def test_one_may_sell_with_them():
    """Once the drop is a leg of its own; stop above the last high, goal where the game ends; bought back when it turns up."""
    result = run(doors(SELLING), short=True)
    assert told(result)[2:] == [(462, -1, "shorts win"), (568, 1, "turned up")]
    waited = [order for order in asked(result) if order[2].startswith("short ")]
    assert waited == [("stop", 105_605.5, "short stop", "cancelled"), ("limit", 101_760.0, "short goal", "cancelled")]
    jump = [*BOUNCE, (470, 105_000.0, 2.0, 1.03e5), (471, 105_900.0, 2.0, 1.03e5)]
    assert told(run(doors(jump), short=True))[2:] == [(461, -1, "shorts win"), (470, 1, "short stop")]
    near = run(doors(SELLING), short=True, door_band_bp=200.0)
    assert told(near)[3][1:] == (1, "short goal")
    assert near.tables["fills"]["price"][3] == pytest.approx(106_000.0 * 0.98)
    squeezed = run(doors(SELLING), short=True, goal="cluster", fuel_cluster=0.05)
    assert (told(squeezed)[3][1:], at(squeezed, 462, "cluster_down")) == ((1, "short goal"), squeezed.tables["fills"]["price"][3])


# ---------------------------------------------------------------- what speaks against it


@pytest.mark.parametrize(
    ("gate", "params", "without"),
    [
        ("FUEL", {"fuel_ratio": 1.5}, {"fuel_ratio": 0.5}),
        ("MOMENTUM", {"momentum_in": 0.0}, {"momentum_in": -0.01}),
        ("DELICATE", {"delicate_even": 0.5, "delicate_least": 0.001}, {"delicate_even": 0.5, "delicate_least": 0.001, "fierce": 0.01}),
        ("DELICATE", {"delicate_even": 0.5, "delicate_least": 0.001}, {"delicate_even": 0.01, "delicate_least": 0.001}),
    ],
)
def test_each_doubt_keeps_it_out(gate, params, without):
    """D13, B6, B10, B14. At the turn 26 million wait above and 33 below; both are 0.2 % of all contracts."""
    result = run(doors(NEW_HIGH), **params)
    assert (told(result), gates(result)) == ([], [gate])
    assert result.metrics["blocked"] == 0
    assert story(doors(NEW_HIGH), **without)[0] == (374, 1, "door turned")


def test_the_doubts_know_the_market():
    result = run(doors(NEW_HIGH), delicate_even=0.5, delicate_least=0.001)
    assert at(result, 374, "fuel_up") / at(result, 374, "fuel_down") == pytest.approx(0.78, abs=0.01)
    assert -0.001 < at(result, 374, "momentum") < 0.0
    assert Battle(int(at(result, 374, "battle"))) == Battle.DELICATE
    assert at(result, 374, "loaded") == pytest.approx(0.0024, abs=1e-4)


@pytest.mark.parametrize("params", [{"fuel_ratio": 0.1}, {"momentum_in": -1.0}, {"delicate_even": 0.1}])
def test_an_unknown_doubt_blocks(params):
    """No takers, and none taken for granted: there is no map."""
    table = doors(NEW_HIGH)
    table["perp_bars"]["taker_buy"] = NAN
    result = run(table, fuel_takers=None, **params)
    assert (told(result), gates(result)) == ([], ["UNKNOWN"])
    assert result.metrics["blocked"] > 0
    assert story(table, fuel_takers=0.5, **params)[0] == (374, 1, "door turned")


def test_downward_momentum_may_end_it():
    """B6. As soon as longs below weigh more than was borne."""
    result = run(doors(NEW_HIGH), momentum_out=-0.0004)
    (bought, *_), (sold, _, why) = told(result)
    assert (bought, sold, why) == (374, 375, "pulled down")
    assert -0.01 < at(result, sold, "momentum") < -0.0004


def crowd(accounts, top):
    """Rows of ratios every 5 minutes that go from 1 to these in seven hours."""
    out = rows(LONG_SHORT_RATIO, 85)
    out["ts_event"] = out["ts_known"] = START + np.arange(85) * 5 * MINUTE
    share = np.linspace(0.0, 1.0, 85)
    out["accounts"], out["top_positions"] = accounts**share, top**share
    return {"long_short_ratio": out}


@pytest.mark.parametrize(
    ("who", "ratios", "say", "bought"),
    [
        ("the crowd sells, the top buys", crowd(0.8, 1.2), "confirm", True),
        ("the crowd buys, the top sells", crowd(1.2, 0.8), "veto", False),
        ("the crowd buys, the top sells", crowd(1.2, 0.8), "nothing", True),
        ("all buy", crowd(1.2, 1.2), "veto", True),
        ("all buy", crowd(1.2, 1.2), "confirm", False),
        ("nobody knows", {}, "veto", True),
        ("nobody knows", {}, "confirm", False),
    ],
)
def test_retail_has_a_say(who, ratios, say, bought):
    """B15. Shorts that come in should be retail; without a word from anybody a veto is none, and a confirmation is blocked."""
    result = run(doors(NEW_HIGH) | ratios, retail=say)
    assert (told(result)[:1] == [(374, 1, "door turned")]) == bought, who
    assert gates(result) == ([] if bought else ["RETAIL" if ratios else "UNKNOWN"])


def fight(**values):
    """A record of the fight with some of its numbers set: part_field=value."""
    f = initial(Fight)[0]
    for name, value in values.items():
        part, _, field = name.partition("_")
        f[part][field] = value
    return f


def test_prints_speak_before_the_crowd():
    assert [retail_sells(fight(retail_confirmed=x, crowd_against=1.0)) for x in (1.0, 0.0, NAN)] == [1.0, -1.0, -1.0]
    assert missing(retail_sells(fight()))


@pytest.mark.parametrize(("side", "down", "ratio", "answer"), [(1.0, 4.0, 0.5, 1.0), (1.0, 4.1, 0.5, 0.0), (-1.0, 4.0, 2.0, 1.0)])
def test_fuel_ahead_against_fuel_behind(side, down, ratio, answer):
    assert has_fuel(fight(fuel_up=2.0, fuel_down=down), side, ratio) == answer
    assert missing(has_fuel(fight(), side, ratio))


def test_a_delicate_state_may_be_asked_to_be_fierce():
    f = fight(initiative_state=Battle.DELICATE, intensity_loaded=0.004)
    assert [is_delicate(f, fierce) for fierce in (0.0, 0.004, 0.005)] == [1.0, 1.0, 0.0]
    assert is_delicate(fight(initiative_state=Battle.SHORTS_INIT, intensity_loaded=0.004), 0.0) == 0.0
    assert missing(is_delicate(fight(), 0.0))


def test_what_a_word_counts():
    """Rows: nothing, veto, confirm; columns: for this side, neither, against it, unknown; either side."""
    for side in (1.0, -1.0):
        answers = [[helped(side, side * word, say) for word in (1.0, 0.0, -1.0, NAN)] for say in Say]
        assert str(answers) == str([[1.0] * 4, [1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, NAN]])


# ---------------------------------------------------------------- constructed markets


@cache
def five_doors(**params):
    """(result, truth) of a market with six games."""
    market, truth = constructed_market("five_doors", 3)
    return bt.run(market, "door_game", **(ALONE | params)), truth


def trade_in(result, game):
    """(reason in, reason out) of the trades that began in a game, from its third door on, until eight hours after it."""
    start = next(ns(leg["start"]) for leg in game["legs"] if leg["role"] == "door 3")
    trades = result.trades
    inside = trades[(trades["entry_ts"].astype("i8") >= start) & (trades["entry_ts"].astype("i8") < ns(game["end"]) + 480 * MINUTE)]
    return list(zip(inside["entry_reason"], inside["exit_reason"], strict=True))


def test_each_planted_game_is_played_once():
    """Both endings. What the shorts win never reaches the fourth door."""
    result, truth = five_doors()
    found = [(game["ending"], trade_in(result, game)) for game in truth]
    assert len(result.trades) == 6
    assert all(len(trades) == 1 for _, trades in found)
    assert {trades[0][1] for ending, trades in found if ending == "new_high"} == {"fourth door"}
    assert {trades[0][1] for ending, trades in found if ending == "shorts_win"} <= {"below door", "spot sells"}


def test_at_the_low_of_a_planted_door_more_waits_below_than_above():
    """D13 word for word, as much fuel above as below, holds at none of the six: a drop leaves its shorts behind and nears the longs."""
    result, _ = five_doors()
    orders, trace = result.orders, result.tables["trace"]
    moments = np.searchsorted(trace["ts"], orders["ts"][orders["reason"] == "door turned"].astype("i8"), side="right") - 1
    ratio = trace["fuel_up"][moments] / trace["fuel_down"][moments]
    assert ((ratio > 0.25) & (ratio < 1.0)).all()
    assert set(five_doors(fuel_ratio=1.0)[0].trades["entry_ts"]).isdisjoint(result.trades["entry_ts"])
    assert len(five_doors(fuel_ratio=0.25, momentum_in=-0.003)[0].trades) == 6


@pytest.mark.parametrize(("say", "kept"), [("veto", lambda force: not force < 0.0), ("confirm", lambda force: force > 0.0)])
def test_the_main_force_chooses_the_games(say, kept):
    """B13. By the takers of the spot bars, once a week of them is known."""
    result, _ = five_doors()
    trace, entries = result.tables["trace"], result.trades["entry_ts"].astype("i8").to_numpy()
    forces = trace["force"][np.searchsorted(trace["ts"], entries) - 1]
    asked, _ = five_doors(force=say)
    assert set(np.sign(forces[~np.isnan(forces)])) > {0.0}
    assert [ts in set(asked.trades["entry_ts"].astype("i8")) for ts in entries] == [bool(kept(force)) for force in forces]


@pytest.mark.parametrize("kind", ["cascade", "squeeze", "fuel_sweep"])
def test_what_is_no_game_is_not_played(kind):
    """Drops and rises with divergences, without an anchor and two doors before them."""
    market, _ = constructed_market(kind, 3)
    assert bt.run(market, "door_game", **(ALONE | {"require_oi": "off"})).metrics["orders"] == 0


def test_swept_shorts_are_wiped_out_and_swept_longs():
    """B9, B18. The side that came in has the initiative until its levels were swept; the feed says who was forced out."""
    market, truth = constructed_market("fuel_sweep", 3)
    trace = bt.run(market, "door_game", **ALONE).tables["trace"]
    ends = [np.searchsorted(trace["ts"], ns(leg["end"])) - 1 for game in truth for leg in game["legs"] if leg["role"] != "rest"]
    assert [Battle(int(trace["battle"][row])).name for row in ends] == ["SHORTS_INIT", "SHORTS_WIPED", "LONGS_INIT", "LONGS_WIPED"]
    assert (trace["wiped"][ends] >= 0.7).tolist() == [False, True, False, True]
    assert trace["shorts_forced"][ends[1] + 120] > 0.9  # the rise is confirmed by then


def test_the_nearest_cluster_is_where_the_planted_positions_are_liquidated():
    market, truth = constructed_market("fuel_sweep", 3)
    trace = bt.run(market, "door_game", **(ALONE | {"fuel_cluster": 0.08})).tables["trace"]
    for game, column in zip(truth, ("cluster_up", "cluster_down"), strict=True):
        row = np.searchsorted(trace["ts"], ns(game["legs"][0]["end"]) + 10 * MINUTE)
        low, high = game["liquidation_prices"]["50"]
        assert low * 0.9995 < trace[column][row] < high * 1.0005


# ---------------------------------------------------------------- literal, honest, on real data

LITERAL = FIXED | {
    "premium_median_min": 5.0, "premium_trend": 0.5, "require_oi": "off", "leg_k": 4.0, "anchor_bp": 150.0, "anchor_max_min": 180.0,
    "retrace_lo": 0.35, "retrace_hi": 1.5, "fuel_ratio": 1.0, "momentum_in": 0.0,
}  # fmt: skip
CHECKS = ["prefix invariance", "future shuffle", "plain against compiled", "one lane against many", "determinism"]


def test_it_is_honest():
    market, _ = constructed_market("five_doors", 3)
    findings = honesty.check(market, "door_game", cuts=3, plain_seconds=2.0, short=True, **ALONE)
    assert [(each.check, each.difference) for each in findings] == [(check, "") for check in CHECKS]


@pytest.mark.real_data
def test_doors_on_real_data(real_data, tmp_path):
    """27 months of 5 minutes: the literal document sees 77 anchors and 14 third doors, and trades once; the defaults trade some eight
    times a month."""
    from backtester.sources.recipe import import_recipe

    import_recipe("btc_5m", real_data, tmp_path / "btc_5m")
    market = bt.load(tmp_path / "btc_5m")
    result = bt.run(market, "door_game", **LITERAL)
    trace = result.tables["trace"]
    anchors = np.unique(trace["anchor"][~np.isnan(trace["anchor"])])
    thirds = (trace["doors"][1:] == 3) & (trace["doors"][:-1] == 2)
    assert (len(anchors), int(thirds.sum()), result.metrics["trades"]) == (77, 14, 1)
    assert 5 * 27 < bt.run(market, "door_game").metrics["trades"] < 12 * 27
