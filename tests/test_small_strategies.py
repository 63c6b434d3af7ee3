"""The small strategies on markets drawn by hand: each way in, each way out, and what keeps them out."""

import math
from functools import cache

import numpy as np
import pytest
from drive import MINUTE, START, bars, draw
from measured import ns
from moments import causal, same_compiled
from tables import constructed_market
from test_features import record

import backtester as bt
from backtester import honesty
from backtester.checkout import ROOT
from backtester.features.basic import NAN
from backtester.features.moving_average import Kind, MovingAverage, see_average, start_average
from backtester.market.merge import build
from backtester.market.schema import Instrument
from backtester.records import BAR, row_type
from strategies.random_entry import RandomEntry
from strategies.random_entry import draw as draw_number

HOUR = 60 * MINUTE
ROLES = ("spot", "perp", "eth_spot", "eth_perp")
FREE = {"missing_funding": "free", "maintenance_bp": 40.0, "slippage_bp": 0.0}


def market_of(tables):
    """A market of {stream: table}, of two assets where one of the streams is called eth_..."""
    roles = ROLES if any(name.startswith("eth_") for name in tables) else ROLES[:2]
    places = {"spot_bars": 0, "perp_bars": 1, "open_interest": 1, "eth_spot_bars": 2}
    instruments = tuple(Instrument(role.upper(), role, taker_bp=0.0) for role in roles)
    return build("drawn", instruments, {(name.removeprefix("eth_"), places[name]): table for name, table in tables.items()})


def run(strategy, tables, venue=None, **params):
    """A run without fees, slippage or funding."""
    return bt.run(market_of(tables), strategy, venue=FREE | (venue or {}), **params)


def told(result, step=HOUR):
    """[(when, in steps from the start, side, reason)] of the fills."""
    fills = result.tables["fills"]
    when = (fills["ts"] - START) // step
    return [(int(at), int(np.sign(qty)), why) for at, qty, why in zip(when, fills["qty"], fills["reason"], strict=True)]


def story(strategy, tables, step=HOUR, venue=None, **params):
    return told(run(strategy, tables, venue, **params), step)


def fills_of(result):
    return list(zip(*(result.tables["fills"][name].tolist() for name in ("qty", "price", "reason")), strict=True))


def resting(result):
    """[(kind, quantity, trigger, status)] of all orders that waited for a price."""
    orders = result.orders[result.orders["kind"] != "market"]
    return list(zip(*(orders[name] for name in ("kind", "qty", "trigger", "status")), strict=True))


def hours(close, **columns):
    """Hourly bars."""
    return bars(close, 60, **columns)


# ---------------------------------------------------------------- divergence_leg

BP = {"premium_unit": "bp", "premium_delta_bp": 2.0, "premium_eps_bp": 0.8}


def legs(drop=6.0, contracts_after=1.01e5, after=((360, 105_900.0, 4.0, 1.02e5), (700, 105_900.0, 4.0, 1.02e5))):
    """A rise of spot to 106,000, then a drop to 105,000 from minute 150 to 220 with so much premium and so many contracts."""
    return draw([
        (0, 104_000.0, 4.0, 1.00e5), (60, 104_000.0, 4.0, 1.00e5), (150, 106_000.0, 4.0, 1.00e5),
        (220, 105_000.0, 4.0 + drop, contracts_after), (290, 105_000.0, 4.0 + drop, contracts_after), *after,
    ])  # fmt: skip


def leg_story(table, **params):
    return story("divergence_leg", table, MINUTE, **(BP | params))


def test_a_drop_with_shorts_in_is_bought_and_a_rise_with_longs_in_is_sold():
    """The premium's median of 15 minutes has risen by 2 bp 31 minutes into the drop, and fallen by 2 bp at minute 327."""
    assert leg_story(legs(), hold_min=60.0) == [
        (181, 1, "shorts in"), (241, -1, "time"), (328, -1, "longs in"), (388, 1, "time"),
    ]  # fmt: skip


def test_the_other_mode_goes_with_the_leg():
    assert leg_story(legs(), hold_min=60.0, mode="follow", stop_turns=9.0) == [
        (181, -1, "shorts in"), (241, 1, "time"), (328, 1, "longs in"), (388, -1, "time"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("why", "drop", "after", "params", "entries"),
    [
        ("the premium stands still", 0.0, 1.01e5, {}, []),
        ("it moved less than asked", 6.0, 1.01e5, {"premium_delta_bp": 7.0}, []),
        ("longs were forced out", 6.0, 0.98e5, {}, []),
        ("and that is asked for", 6.0, 0.98e5, {"labels": "forced"}, ["longs flushed"]),
        ("the document as it stands asks no open interest", 6.0, 0.98e5, {"require_oi": "off"}, ["shorts in"]),
        ("open interest stood still", 6.0, 1.00e5, {}, []),
        ("which soft takes for a rise", 6.0, 1.00e5, {"require_oi": "soft"}, ["shorts in"]),
        ("spot sells", -6.0, 1.01e5, {}, []),
        ("and that is asked for", -6.0, 1.01e5, {"labels": "spot"}, ["spot sells"]),
        ("shorts come in, forced ones are asked for", 6.0, 1.01e5, {"labels": "forced"}, []),
        ("shorts come in, spot is asked for", 6.0, 1.01e5, {"labels": "spot"}, []),
    ],
)
def test_labels_that_are_traded(why, drop, after, params, entries):
    table = legs(drop, after, after=())
    assert [reason for *_, reason in leg_story(table, hold_min=9e9, stop_turns=9.0, **params)] == entries, why


def test_a_leg_is_traded_once_and_the_next_one_anew():
    """Held for ten minutes only, while the drop goes on; then the rise to 105,900 is another leg."""
    entries = [entry for entry in leg_story(legs(), hold_min=10.0) if entry[2] != "time"]
    assert entries == [(181, 1, "shorts in"), (328, -1, "longs in")]


def test_a_confirmed_leg_is_traded_where_it_is_confirmed():
    """The drop ended at minute 290 and is confirmed when the price has risen by 0.4 %."""
    assert leg_story(legs(), hold_min=60.0, leg="confirmed") == [(323, 1, "shorts in"), (383, -1, "time")]


def test_a_leg_that_was_confirmed_while_another_was_held_is_not_traded_late():
    """The rise that longs paid for is confirmed at minute 385, the drop before it is held until 423."""
    table = legs(after=((360, 105_900.0, 4.0, 1.03e5), (400, 105_200.0, 4.0, 1.03e5), (700, 105_200.0, 4.0, 1.03e5)))
    assert leg_story(table, hold_min=100.0, leg="confirmed", stop_turns=9.0) == [(323, 1, "shorts in"), (423, -1, "time")]
    assert leg_story(table, hold_min=20.0, leg="confirmed")[2][2] == "longs in"


def test_held_until_the_label_changes():
    """The rise to 105,900 is another story from 0.6 turns on, minute 310, before it is a divergence."""
    fills = leg_story(legs(), hold_min=None, stop_turns=9.0)
    assert fills == [(181, 1, "shorts in"), (310, -1, "label changed"), (328, -1, "longs in")]


def test_the_stop_of_a_leg_rests_at_the_venue_and_costs_the_risk():
    """Half a turn of 40 bp below the price of the decision, on the path of a bar: 0.5 % of 100,000 is lost."""
    result = run("divergence_leg", legs(), hold_min=None, stop_turns=0.5, **BP)
    (qty, price, _), (sold, level, why) = fills_of(result)[:2]
    assert (why, sold) == ("stop", -qty)
    assert qty * (price - level) == pytest.approx(500.0)
    assert level == pytest.approx(price * (1.0 - 0.5 * 40e-4))
    assert resting(result)[0] == ("stop", -qty, level, "filled")


def test_without_open_interest_a_leg_has_no_label():
    table = legs()
    del table["open_interest"]
    result = run("divergence_leg", table, **BP)
    assert (told(result), result.metrics["blocked"] > 50) == ([], True)


@pytest.mark.parametrize(("params", "labels", "count"), [
    ({}, {"SHORTS_IN", "LONGS_IN"}, 8),
    ({"labels": "forced"}, {"LONGS_FLUSHED", "SHORTS_SQUEEZED"}, 8),
    ({"require_oi": "off"}, {"SHORTS_IN", "LONGS_IN", "LONGS_FLUSHED", "SHORTS_SQUEEZED"}, 16),
])  # fmt: skip
def test_planted_twins_are_told_apart_by_open_interest_alone(params, labels, count):
    """Four drops into which shorts come in and four that flush longs, each taken back; the document cannot tell them apart."""
    market, truth = constructed_market("cascade", 4)
    result = bt.run(market, "divergence_leg", hold_min=30.0, **(BP | params))
    entered = result.fills[~result.fills["reason"].isin(["time", "stop"])]["ts"]
    planted = [(ns(leg["start"]), leg["label"]) for entry in truth for leg in entry["legs"]]
    met = [max((start, label) for start, label in planted if start < ts.value)[1] for ts in entered]
    assert (len(met), set(met)) == (count, labels)


# ---------------------------------------------------------------- support_hold

HELD = [92_300.0] * 15  # won back in hour 1, held from hour 13 on: bought at the open of hour 13


def test_bought_when_the_level_has_held_for_twelve_hours():
    assert story("support_hold", {"perp_bars": hours([91_900.0, *HELD])}) == [(14, 1, "holds")]
    assert story("support_hold", {"perp_bars": hours([*HELD[:13], 91_900.0, 91_900.0])}) == [(13, 1, "holds")]
    assert story("support_hold", {"perp_bars": hours([*HELD[:12], 91_900.0, 91_900.0])}) == []  # holds, but below it
    assert story("support_hold", {"perp_bars": hours([91_900.0] * 20)}) == []


@pytest.mark.parametrize(
    ("closes", "low", "fills"),
    [
        ([92_100.0, 92_200.0], 91_500.0, []),
        ([91_700.0, 91_700.0, 92_100.0], None, []),
        ([91_800.0, 91_800.0, 91_800.0, 91_800.0], None, []),
        ([91_700.0, 91_700.0, 91_700.0, 91_700.0], None, [(18, "broken")]),
        ([91_000.0, 91_000.0], None, [(16, "broken")]),
        ([92_100.0, 92_200.0], 90_500.0, [(15, "stop"), (16, "holds")]),
    ],
    ids=["wick", "two closes", "within the tolerance", "three closes", "one deep close", "a wick as deep as the stop"],
)
def test_what_breaks_a_level(closes, low, fills):
    """A15. The stop stands 1.5 % below the level, at 90,620; a level that was not closed below is bought again."""
    table = hours([*HELD, *closes])
    if low:
        table["low"][15] = low
    result = run("support_hold", {"perp_bars": table})
    assert [(at, why) for at, _, why in told(result)[1:]] == fills
    if low == 90_500.0:
        assert fills_of(result)[1][1] == 92_000.0 * 0.985


def test_more_on_each_push_and_each_purchase_by_what_it_may_lose():
    """A16. Closes above all before it, twice; the third push is one too many, an equal close is none."""
    closes = [93_000.0, 93_000.0, 92_500.0, 93_500.0, 94_000.0, 90_000.0]
    closes = [*HELD, *closes, 90_000.0]
    result = run("support_hold", {"perp_bars": hours(closes)})
    assert told(result) == [(13, 1, "holds"), (16, 1, "push"), (19, 1, "push"), (20, -1, "stop")]
    late = hours(closes)
    late["ts_known"] += 10**9
    for table in ({"perp_bars": bars(np.repeat(closes, 12), 5)}, {"perp_bars": hours(closes), "spot_bars": late}):
        assert story("support_hold", table) == told(result)  # once an hour, whatever the bars
    stop = 92_000.0 * 0.985
    first, *adds = [qty * (price - stop) / 1e5 for qty, price, _ in fills_of(result)[:-1]]
    assert first == pytest.approx(0.005)
    assert adds == pytest.approx([0.0025, 0.0025], rel=0.05)
    bought = sum(qty for qty, _, _ in fills_of(result)[:-1])
    assert fills_of(result)[-1][:2] == (pytest.approx(-bought), stop)


def test_no_push_is_bought_where_none_is_asked_for():
    assert story("support_hold", {"perp_bars": hours([*HELD, 93_000.0, 94_000.0, 95_000.0])}, adds=0) == [(13, 1, "holds")]


ROLLS = [100.0, 99.0] * 12 + [101.0] * 20 + [103.0] * 20 + [101.0] * 6


def test_a_rolling_level_is_the_last_high_broken_and_the_stop_follows_it():
    """100 is broken in hour 25 and held 12 hours later; 101 is in hour 45: the stop moves from 98.5 to 99.485."""
    asked = {"level": "rolling", "lookback_h": 24, "adds": 0}
    result = run("support_hold", {"perp_bars": hours(ROLLS)}, **asked)
    assert told(result) == [(37, 1, "holds")]
    assert resting(result) == [("stop", -result.fills["qty"][0], pytest.approx(99.485), "waiting")]
    assert result.metrics["blocked"] == 24
    assert resting(run("support_hold", {"perp_bars": hours(ROLLS[:44])}, **asked))[0][2] == pytest.approx(98.5)
    table = hours([*ROLLS, 101.0])
    table["low"][-1] = 99.4
    stopped = run("support_hold", {"perp_bars": table}, **asked)
    assert fills_of(stopped)[-1] == (-result.fills["qty"][0], pytest.approx(99.485), "stop")
    assert story("support_hold", {"perp_bars": hours([*ROLLS, 100.5, 100.5, 100.5, 100.5])}, **asked)[-1] == (73, -1, "broken")


def test_planted_breaks_end_it_and_planted_holds_do_not():
    """Of six cases around 92,000 two break it; each is left at the open after the close that breaks it."""
    market, truth = constructed_market("support", 3)
    result = bt.run(market, "support_hold")
    broken = result.fills[result.fills["reason"] == "broken"]["ts"]
    assert [ts.value for ts in broken] == [ns(entry["broken_at"]) for entry in truth if entry["broken_at"]]
    assert set(result.fills["reason"]) == {"holds", "push", "broken"}


# ---------------------------------------------------------------- weekend_monday

WEEKEND, WEEK = 64, 168  # hours: the first of Shanghai begins on Friday 3 January, 16:00 UTC, and every week one
AMPLITUDES = (20e-4, 21e-4, 22e-4, 5e-4)  # of the weekends; the last one is quiet
END = WEEKEND + 3 * WEEK + 48             # hours: of the last one
HIGH, LOW = 100_050.0, 99_950.0           # quote, its range
ABOVE, BELOW = HIGH * 1.0005, LOW * 0.9995
FEW = {"weekends": 4, "weekends_min": 2}
UP, DOWN = np.linspace(100_040.0, 102_000.0, 20), np.linspace(99_960.0, 98_000.0, 20)


def weeks(after, amplitudes=AMPLITUDES, bought=0.5):
    """Four weeks of hours around 100,000, to and fro, by so much on each weekend; then Monday. Spot takers buy so much in the last hour."""
    swing = np.full(END, 3e-4)
    for k, amplitude in enumerate(amplitudes):
        swing[WEEKEND + k * WEEK : WEEKEND + k * WEEK + 48] = amplitude
    close = np.concatenate([100_000.0 * (1.0 + swing * (-1.0) ** np.arange(END)), after])
    taken = 0.5 + 0.01 * (-1.0) ** np.arange(len(close))
    taken[END - 1] = bought
    return {"perp_bars": hours(close), "spot_bars": hours(close, taker_buy=taken)}


def monday(table, **params):
    """[(hours after the weekend, side, reason)]."""
    return [(at - END, side, why) for at, side, why in story("weekend_monday", table, **(FEW | params))]


def test_the_side_that_breaks_first_is_taken_until_monday_is_over():
    """B7. Up by 103 an hour: above 100,100.025 in the second one, sold when the twelve hours are over."""
    result = run("weekend_monday", weeks(UP), **FEW)
    assert [(at - END, side, why) for at, side, why in told(result)] == [(1, 1, "broke up"), (12, -1, "monday over")]
    assert fills_of(result)[0][1] == pytest.approx(ABOVE)
    middle = pytest.approx((ABOVE + BELOW) / 2)
    assert [(kind, trigger, status) for kind, _, trigger, status in resting(result)] == [
        ("stop", pytest.approx(ABOVE), "filled"), ("stop", middle, "cancelled"),
        ("stop", pytest.approx(BELOW), "cancelled"), ("stop", middle, "cancelled"),
    ]  # fmt: skip
    assert monday(weeks(DOWN)) == [(1, -1, "broke down"), (12, 1, "monday over")]


def test_a_break_that_comes_back_is_stopped_in_the_bar_in_which_it_broke():
    """The protective stop rests from the beginning: half the range below the entry, 0.5 % of 100,000."""
    table = weeks([100_000.0] * 20)
    table["perp_bars"]["high"][END + 2] = 100_200.0
    result = run("weekend_monday", table, {"path": "ohlc"}, leverage=4.9, stop_ranges=1.0, **FEW)
    assert [(at - END, side, why) for at, side, why in told(result)] == [(2, 1, "broke up"), (12, -1, "monday over")]
    table["perp_bars"]["low"][END + 2] = 99_800.0
    result = run("weekend_monday", table, {"path": "ohlc"}, leverage=4.9, stop_ranges=1.0, **FEW)
    assert [(at - END, side, why) for at, side, why in told(result)] == [(2, 1, "broke up"), (2, -1, "stop")]
    (qty, bought, _), (sold, level, _) = fills_of(result)
    assert (sold, bought - level) == (-qty, pytest.approx(ABOVE - BELOW))
    assert qty * (bought - level) == pytest.approx(500.0)


def test_what_did_not_break_is_not_traded_and_nothing_stays():
    """A slow trader's cancel comes late; his entries have expired by then."""
    for fills, entry in (("next_open", "cancelled"), ("strict", "expired")):
        result = run("weekend_monday", weeks([100_000.0] * 20), {"fills": fills}, **FEW)
        assert told(result) == []
        assert [status for *_, status in resting(result)] == [entry, "cancelled", entry, "cancelled"]


def test_only_after_a_quiet_weekend():
    """D16. Quieter than those before; or after each one that was seen, where that is asked for."""
    loud = weeks(UP, (*AMPLITUDES[:3], 23e-4))
    assert monday(loud) == []
    assert monday(loud, quiet_only=False)[-2:] == [(3, 1, "broke up"), (12, -1, "monday over")]
    result = run("weekend_monday", weeks(UP), weekends=4, weekends_min=4)
    assert (told(result), result.metrics["blocked"]) == ([], 4)  # too few to compare with


@pytest.mark.parametrize(("bought", "up", "down"), [(0.9, ["broke up"], []), (0.1, [], ["broke down"]), (0.505, [], [])])
def test_the_main_force_chooses_the_side(bought, up, down):
    """B13, D14. Where it helps neither side there is no trade."""
    ways = [[why for _, _, why in monday(weeks(path, bought=bought), sides="force")][:1] for path in (UP, DOWN)]
    assert ways == [up, down]


def test_a_force_that_is_not_known_blocks():
    table = weeks(UP)
    table["spot_bars"]["taker_buy"] = NAN
    result = run("weekend_monday", table, sides="force", **FEW)
    assert (told(result), result.metrics["blocked"]) == ([], 4)
    assert monday(table) == [(1, 1, "broke up"), (12, -1, "monday over")]


@pytest.mark.parametrize(("zone", "hour"), [("shanghai", 0), ("utc", 8), ("cme", 7)])
def test_orders_are_sent_when_the_weekend_of_the_zone_is_over(zone, hour):
    result = run("weekend_monday", weeks([100_000.0] * 30), zone=zone, quiet_only=False, **FEW)
    sent = result.orders["ts"].iloc[-1].value - START
    assert sent == (END + hour) * HOUR + 500_000_000


@pytest.mark.parametrize(("zone", "soonest", "latest"), [("shanghai", 0, 4), ("utc", 8, 12)])
def test_planted_weekends_are_traded_on_their_mondays(zone, soonest, latest):
    """All five quiet weekends of Shanghai that can be judged, each once; by the weekends of UTC the jump has begun hours before."""
    market, truth = constructed_market("weekends", 4)
    fills = bt.run(market, "weekend_monday", zone=zone).fills
    mondays = [(ns(entry["end"]), ns(entry["monday_end"])) for entry in truth if entry["compressed"] and entry["judged"]]
    entered = [ts.value for ts, why in zip(fills["ts"], fills["reason"], strict=True) if why.startswith("broke")]
    after = [[(ts - start) / HOUR for ts in entered if start <= ts < end] for start, end in mondays]
    assert [len(each) for each in after] == [1] * 5
    assert all(soonest <= each[0] < latest for each in after)


# ---------------------------------------------------------------- eth_follow

BREAK, FOLLOWS = 432, 444  # hours: bitcoin breaks out, ether follows or not
DAY = 24                   # hours


def two(breaks=True, busy=True, after=102_000.0):
    """Eighteen quiet days; then bitcoin stands 2 % higher, for two days at least, and ether 3 %, twelve hours later.
    Busy: from bitcoin's break on ether has 3.5 times its volume, for thirty hours.
    """
    hour = np.arange(BREAK + 140)
    swing = 1.0 + 5e-4 * (-1.0) ** hour
    bitcoin = np.where(hour < BREAK, 100_000.0, np.where(hour < BREAK + 2 * DAY, 102_000.0, after)) * swing
    ether = np.where((hour < FOLLOWS) | (not breaks), 3_500.0, 3_605.0) * swing
    volume = np.where((hour >= BREAK) & (hour < BREAK + 30) & busy, 3.5, 1.0)
    btc = hours(bitcoin)
    return {"spot_bars": btc, "perp_bars": btc.copy(), "eth_spot_bars": hours(ether, volume=volume, quote_volume=volume * ether)}


def follows(table, **params):
    """[(hours after bitcoin's break, side, reason)]."""
    return [(at - BREAK, side, why) for at, side, why in story("eth_follow", table, **params)]


@pytest.mark.parametrize(("breaks", "busy"), [(True, True), (True, False), (False, True), (False, False)])
def test_the_rest_is_bought_only_where_ether_breaks_out_with_volume(breaks, busy):
    """A17. Else bitcoin is left when 48 hours have passed."""
    confirmed = [(1, 1, "broke out"), (13, 1, "confirmed"), (97, -1, "max hold")]
    failed = [(1, 1, "broke out"), (49, -1, "not confirmed")]
    assert follows(two(breaks, busy)) == (confirmed if breaks and busy else failed)


def test_without_an_early_part_it_waits_for_ether():
    assert follows(two(), early=0.0) == [(13, 1, "confirmed"), (109, -1, "max hold")]
    assert follows(two(busy=False), early=0.0) == []


def test_both_parts_lose_the_risk_at_the_stop():
    """A daily volatility below the break, at the venue; what is bought at confirmation has the same stop."""
    result = run("eth_follow", two(after=95_000.0), leverage=4.0)
    (first, bought, _), (rest, later, _), (sold, _, why) = fills_of(result)
    stop = resting(result)[0][2]
    assert (why, sold) == ("stop", pytest.approx(-first - rest))
    assert [first * (bought - stop), rest * (later - stop)] == pytest.approx([250.0, 250.0], rel=0.2)


def test_spot_may_be_bought_instead():
    result = run("eth_follow", two(), role="spot")
    assert set(result.fills["instrument"]) == {"SPOT"}
    assert told(result) == told(run("eth_follow", two()))


@pytest.mark.parametrize(("unit", "entries", "hours_blocked"), [("base", 1, 0), ("quote", 0, 36)])
def test_a_volume_that_is_not_known_blocks_what_it_should_confirm(unit, entries, hours_blocked):
    """From ether's break, the thirteenth hour, until bitcoin's is two days old."""
    table = two()
    table["eth_spot_bars"]["quote_volume"] = NAN
    result = run("eth_follow", table, early=0.0, eth_volume_of=unit)
    assert (result.metrics["trades"], result.metrics["blocked"]) == (entries, hours_blocked)


def test_the_early_part_is_bought_at_the_break_or_not_at_all():
    """Ether breaks out with bitcoin, its volume unknown: in doubt for 48 hours. Bitcoin's next break, at hour 21, is 28 hours old then."""
    table, rise = two(), np.repeat([1.0, 1.02], [BREAK + 20, 120])
    table["spot_bars"], table["perp_bars"] = (hours(table[stream]["close"] * rise) for stream in ("spot_bars", "perp_bars"))
    ether = table["eth_spot_bars"]["close"] * np.where((np.arange(BREAK + 140) >= BREAK) & (np.arange(BREAK + 140) < FOLLOWS), 1.03, 1.0)
    table["eth_spot_bars"] = hours(ether, quote_volume=NAN)
    result = run("eth_follow", table, eth_volume_of="quote")
    assert (told(result), result.metrics["blocked"]) == ([], 48)


def test_a_climb_is_one_story():
    """Bitcoin makes new highs while it is held: none of them is bought after the stop, though ether has confirmed."""
    table = two()
    hour = np.arange(len(table["spot_bars"]))
    climb = np.interp(hour, [BREAK, BREAK + 20, BREAK + 21], [102_000.0, 104_000.0, 100_000.0])
    close = np.where(hour < BREAK, 100_000.0, climb) * (1.0 + 5e-4 * (-1.0) ** hour)
    table["spot_bars"], table["perp_bars"] = hours(close), hours(close)
    assert follows(table) == [(1, 1, "broke out"), (13, 1, "confirmed"), (21, -1, "stop")]


def test_the_planted_confirmation_alone_is_bought_in_full():
    """Bitcoin breaks out four times; ether has volume, a break, both, neither."""
    market, truth = constructed_market("eth", 3)
    fills = bt.run(market, "eth_follow", eth_volume_of="quote").fills
    confirmed = [ts.value for ts in fills[fills["reason"] == "confirmed"]["ts"]]
    spans = [(ns(entry["start"]), ns(entry["end"])) for entry in truth]
    assert [sum(start <= ts < end for ts in confirmed) for start, end in spans] == [int(entry["confirmed"]) for entry in truth]
    assert len(confirmed) == 1


# ---------------------------------------------------------------- moving_average_cross


def averages(kind, n, table):
    f = record(MovingAverage)
    start_average(f, kind, n)
    out = []
    for bar in table.view(row_type(BAR)):
        see_average(f, bar)
        out.append(float(f.value))
    return out


@pytest.mark.parametrize("n", [1, 7, 48])
def test_averages_against_their_definition(n):
    close = 100.0 * np.exp(np.random.default_rng(n).normal(0, 0.01, 400).cumsum())
    simple = [NAN] * (n - 1) + [float(np.mean(close[i - n + 1 : i + 1])) for i in range(n - 1, 400)]
    assert averages(Kind.SIMPLE, n, hours(close)) == pytest.approx(simple, rel=1e-12, nan_ok=True)
    exponential, average = [], 0.0
    for i, x in enumerate(close):
        average += (x - average) * max(2 / (n + 1), 1 / (i + 1))
        exponential.append(average if i + 1 >= n else NAN)
    assert averages(Kind.EXPONENTIAL, n, hours(close)) == pytest.approx(exponential, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("kind", Kind)
def test_an_average_reads_hours_and_starts_over_after_a_gap(kind):
    close = np.arange(1.0, 25.0)
    assert averages(kind, 4, bars(np.repeat(close, 12), 5))[11::12] == pytest.approx(averages(kind, 4, hours(close)), nan_ok=True)
    gap = averages(kind, 4, np.delete(hours(close), 10))
    assert gap[10:] == pytest.approx(averages(kind, 4, hours(close[11:])), nan_ok=True)
    assert [i for i, x in enumerate(gap) if math.isnan(x)] == [0, 1, 2, 10, 11, 12]
    halt = hours(close)
    halt["volume"][10] = 0.0
    assert [i for i, x in enumerate(averages(kind, 4, halt)) if math.isnan(x)] == [0, 1, 2, 10, 11, 12, 13]


class Both:
    simple: MovingAverage
    exponential: MovingAverage


def start_both(f):
    start_average(f.simple, Kind.SIMPLE, 5)
    start_average(f.exponential, Kind.EXPONENTIAL, 9)


def see_both(f, x):
    see_average(f.simple, x.perp)
    see_average(f.exponential, x.perp)


def test_averages_are_causal_and_the_same_compiled():
    same_compiled((Both, start_both, see_both), 400)
    causal((Both, start_both, see_both), 400)


HILL = np.concatenate([np.linspace(100.0, 120.0, 40), np.linspace(120.0, 90.0, 60), np.linspace(90.0, 110.0, 40)])
CROSS = {"kind": "simple", "fast_h": 4, "slow_h": 12}


@pytest.mark.parametrize(
    ("stances", "after"),
    [
        ({}, [1, -1, 1]),
        ({"below": "flat"}, [1, 0, 1]),
        ({"above": "flat"}, [0, -1, 0]),
        ({"above": "short", "below": "long"}, [-1, 1, -1]),
    ],
)
def test_the_stance_changes_where_the_averages_cross(stances, after):
    """Known at the close of hour 12; the fast one is below from that of hour 46 to that of hour 106."""
    result = run("moving_average_cross", {"perp_bars": hours(HILL)}, **CROSS, **stances)
    position = result.equity_table["position_PERP"].to_numpy()
    assert np.flatnonzero(np.diff(np.sign(position))).tolist() == ([11] if after[0] else []) + [45, 105]
    assert [int(np.sign(position[hour])) for hour in (20, 60, 120)] == after
    assert len(result.fills) == (3 if after[0] else 2)  # the size stays
    assert max(abs(position[12:40] * HILL[12])) == pytest.approx(50_000.0 * abs(after[0]), rel=0.01)
    assert result.metrics["blocked"] == 11


def test_averages_in_the_wrong_order_block_every_hour():
    result = run("moving_average_cross", {"perp_bars": hours(HILL)}, fast_h=12, slow_h=12)
    assert (told(result), result.metrics["blocked"]) == ([], 140)


# ---------------------------------------------------------------- random_entry


def numbers(seed, count):
    """The first random numbers of a seed."""
    state, params = record(RandomEntry.State), record(RandomEntry.Params)
    params["seed"] = seed
    RandomEntry.on_start(None, state, params)
    return [float(draw_number(state)) for _ in range(count)]


def test_random_numbers_are_those_of_the_generator():
    """By whole numbers without bounds; four steps part neighbouring seeds."""
    x, expected = 7, []
    for n in range(1004):
        x = x ^ (x >> 13) if n < 4 else x
        x = (1103515245 * x + 12345) % 2**31
        expected.append(x / 2**31)
    assert numbers(7, 1000) == expected[4:]


def test_random_numbers_are_even_and_seeds_know_nothing_of_each_other():
    drawn = np.array([numbers(seed, 200) for seed in range(200)])
    assert np.histogram(drawn, 10, (0, 1))[0] == pytest.approx(np.full(10, 4000), rel=0.06)
    assert abs(np.corrcoef(drawn[:-1, 0], drawn[1:, 0])[0, 1]) < 0.2
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1]) < 0.2


@cache
def still():
    """Sixty days of five minutes at one price."""
    return {"perp_bars": bars(np.full(60 * 288, 100.0), 5)}


def test_holdings_and_waits_have_the_means_that_were_asked_for():
    trades = run("random_entry", still(), hold_min=120.0, wait_min=60.0, seed=3).trades
    held = (trades["exit_ts"] - trades["entry_ts"]).dt.total_seconds() / 60
    wait = (trades["entry_ts"].iloc[1:].to_numpy() - trades["exit_ts"].iloc[:-1].to_numpy()) / np.timedelta64(1, "m")
    assert len(trades) == pytest.approx(60 * 1440 / 185, rel=0.15)
    assert held.mean() == pytest.approx(120.0 + 2.5, rel=0.15)  # and half a bar
    assert wait.mean() == pytest.approx(60.0 + 2.5, rel=0.15)
    assert held.std() == pytest.approx(held.mean(), rel=0.2)
    assert (trades["side"] == "long").mean() == pytest.approx(0.5, abs=0.1)
    assert set((trades["qty"] * trades["entry_price"]).round(6)) == {50_000.0}


@pytest.mark.parametrize(("chance", "sides"), [(0.0, {"short"}), (1.0, {"long"})])
def test_the_coin_may_be_loaded(chance, sides):
    assert set(run("random_entry", still(), long_share=chance).trades["side"]) == sides


def test_luck_earns_nothing_and_pays_the_costs():
    """G15. A hundred seeds on a random walk: what is lost is what was paid, give or take three standard errors."""
    market, _ = constructed_market("null", 3, days=14)
    table = bt.sweep(market, "random_entry", seed=list(range(100)), hold_min=60.0, wait_min=60.0)
    gained = table["final_equity"] - 100_000.0
    paid = table["fees"] + table["slippage"] + table["funding"]
    assert len(set(gained)) == 100
    assert abs((gained + paid).mean()) < 3.0 * gained.std() / 10.0
    assert gained.mean() < -0.8 * paid.mean()


# ---------------------------------------------------------------- all of them


def test_the_manual_has_a_row_for_every_strategy():
    text = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
    missing = [path.stem for path in (ROOT / "strategies").glob("[a-z]*.py") if f"\n| `{path.stem}` |" not in text]
    assert missing == []


DRAWN = {
    "divergence_leg": (legs, {"premium_unit": "bp", "hold_min": 30.0}),
    "support_hold": (lambda: {"perp_bars": hours([*HELD, 93_000.0, 93_100.0, 91_000.0, *HELD])}, {}),
    "weekend_monday": (lambda: weeks(UP, bought=0.9), FEW | {"sides": "force", "force_z": 0.0}),
    "eth_follow": (two, {}),
    "moving_average_cross": (lambda: {"perp_bars": hours(HILL)}, CROSS),
    "random_entry": (lambda: {"perp_bars": bars(HILL, 5)}, {"hold_min": 30.0, "wait_min": 10.0}),
}
"""Strategy -> a market on which it trades, and with which parameters."""


@pytest.mark.parametrize("name", DRAWN)
def test_all_are_honest_and_the_same_plain_and_compiled(name):
    tables, params = DRAWN[name]
    market = market_of(tables())
    assert bt.run(market, name, venue=FREE, **params).metrics["fills"] > 1
    findings = honesty.check(market, name, cuts=6, plain_seconds=60.0, venue=FREE, **params)
    assert [(each.check, each.difference) for each in findings if not each.holds] == []
    assert findings[2].tried == f"{len(market.streams.events):,} events in plain Python"
