"""Honesty: the shipped strategies hold every check, each planted cheat is caught by the check that is there for it."""

import textwrap
from functools import partial

import numpy as np
import pytest
from tables import T0, sample_market

from backtester import honesty
from backtester.cli import main
from backtester.engine.bind import bind
from backtester.engine.find import find_strategy
from backtester.engine.params import params_of
from backtester.engine.venue import terms_of, venue_of
from backtester.errors import UserError
from backtester.honesty import checks, differ
from backtester.honesty.lanes import COPIES, lane_params
from backtester.honesty.looks import Subject
from backtester.honesty.markets import built, cut_at, garbled_after, known_moments, random_moments
from backtester.market.times import iso
from backtester.market.write import write_dataset

CHECKS = ["prefix invariance", "future shuffle", "plain against compiled", "one lane against many", "determinism"]
LINES = {"see": "pass", "do": "pass", "top": "", "end": ""}


def check(strategy, days=3, **options):
    """The checks that failed on some days of the sample, with their difference."""
    findings = honesty.check(sample_market(days), strategy, **{"cuts": 2, "plain_seconds": 0.4} | options)
    assert [each.check for each in findings][:5] == CHECKS
    assert all(bool(each.difference) != each.holds for each in findings)
    return {each.check: each.difference for each in findings if not each.holds}


def planted(folder, **lines):
    """A strategy file whose hooks hold the given lines."""
    lines = LINES | lines
    file = folder / "planted.py"
    file.write_text(textwrap.dedent("""\
        import random
        import numpy as np
        from backtester.fields import vec
        from backtester.orders import target
        {top}
        class Planted:
            class Params:
                qty: float = 0.1
                slow: int = 8
            class Seen:
                n: int
                ring: vec(4)
                last: float
            class State:
                n: int
            def see_perp(bar, seen, p):
                {see}
            def on_bar(ctx, s, p):
                {do}
        {end}
        """).format(**lines))
    return file


@pytest.mark.parametrize("name", ["buy_and_hold", "divergence", "door", "spot_led"])
def test_the_shipped_strategies_are_honest(name):
    findings = honesty.check(sample_market(10), name, cuts=3, plain_seconds=0.5)
    assert [(each.check, each.difference) for each in findings] == [(check, "") for check in CHECKS]
    events = len(sample_market(10).streams.events)
    assert findings[0].tried.startswith("3 cuts, ")
    assert int(findings[2].tried.partition(" ")[0].replace(",", "")) >= 500
    assert findings[3].tried == f"16 lanes, {16 * events:,} events"
    assert findings[4].tried == f"3 runs of {events:,} events"


# ---------------------------------------------------------------------------- state outside the records

COUNT = "def count(a={}): a[0] += 1"
REFUSED = {
    "global array": ({"top": "SUM = np.zeros(1)", "do": "SUM[0] += 1.0"}, 19),
    "aliased global array": ({"top": "SUM = np.zeros(1)", "do": "a = SUM; a[0] += 1.0"}, 19),
    "global array handed on": ({"top": "SUM = np.zeros(1)", "do": "count(SUM)", "end": COUNT.format("None")}, 20),
    "default array": ({"do": "count()", "end": COUNT.format("np.zeros(1)")}, 20),
    "default list": ({"do": "count()", "end": COUNT.format("[0]")}, 20),
    "global list": ({"top": "HEARD = []", "do": "HEARD.append(1.0)"}, 18),
    "function attribute": ({"do": "count.n += 1", "end": COUNT.format("None")}, 19),
    "class attribute": ({"do": "Planted.n = 1"}, 19),
    "global statement": ({"top": "N = 0", "do": "bump()", "end": "def bump():\n    global N\n    N += 1"}, 21),
}


@pytest.mark.parametrize(("lines", "line"), REFUSED.values(), ids=REFUSED)
def test_what_would_outlive_a_run_is_refused_before_it_is_compiled(lines, line, tmp_path):
    with pytest.raises(UserError, match=rf"planted\.py:{line}: "):
        bind(find_strategy(planted(tmp_path, **lines)))


def test_a_loop_over_the_engines_own_field_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"ctx\.account\.cash belongs to the engine"):
        bind(find_strategy(planted(tmp_path, do="\n        for ctx.account.cash in (1e9,): s.n += 1")))


GROWING = {  # compiled, the 71st power of two is 0
    "do": "target(ctx.perp, p.qty * (grown() > 0), 0)",
    "end": "def grown():\n    k = 1\n    for _ in range(70):\n        k *= 2\n    return k",
}


def test_a_whole_number_that_outgrows_compiled_code_is_caught(tmp_path):
    failed = check(planted(tmp_path, **GROWING))
    assert list(failed) == ["plain against compiled"]
    head, compiled, plain = failed["plain against compiled"].splitlines()
    assert head == "orders row 0, 2025-04-01T00:01:00Z"
    assert compiled.split() == ["compiled", "no", "such", "row"]
    assert plain.startswith("  plain Python  id=0, instrument=BTC-PERP, kind=market, asked=0.1, qty=0.1, ")


def test_reading_past_an_array_is_caught(tmp_path):
    see = "seen.n += 1; seen.ring[seen.n % 4] = bar.close; seen.last = seen.ring[seen.n % 4 + 1]"
    failed = check(planted(tmp_path, see=see))
    assert failed["plain against compiled"].startswith("plain Python stops where compiled code runs on: IndexError: index 4 is out of ")
    assert failed["plain against compiled"].endswith("planted.py:17)")


# ---------------------------------------------------------------------------- chance


def test_chance_is_caught_by_every_check(tmp_path):
    failed = check(planted(tmp_path, do="target(ctx.perp, p.qty * (random.random() > 0.9), 0)"))
    assert list(failed) == CHECKS
    assert failed["determinism"].splitlines()[0].startswith("orders row ")
    assert "first run " in failed["determinism"]


def test_a_number_that_depends_on_the_process_is_caught_by_a_fresh_one(tmp_path):
    top = "import sys; SIZE = 1.0 + ('pytest' in sys.modules)"
    failed = check(planted(tmp_path, top=top, do="target(ctx.perp, p.qty * SIZE, 0)"))
    assert list(failed) == ["plain against compiled", "determinism"]
    assert "a fresh process " in failed["determinism"]


# ---------------------------------------------------------------------------- the future


def touched(market, moment):
    """The market with one close, an hour before the moment, a cent higher."""
    tables = {key: table.copy() for key, table in market.tables.items()}
    bars = tables["perp_bars", 1]
    bars["close"][np.searchsorted(bars["ts_known"], moment) - 60] += 0.01
    return built(market, tables)


@pytest.mark.parametrize("other", [cut_at, partial(garbled_after, seed=0)], ids=["cut", "garbled"])
def test_one_cent_before_the_cut_is_found(other):
    market = sample_market(3)
    cls, terms = find_strategy("divergence"), terms_of(venue_of({}), market)
    subject = Subject(bind(cls), market, params_of(cls, {}), terms)
    [(moment, events)] = moments = random_moments(market, 1, seed=0)
    tried, told = checks.at_moments(subject, moments, lambda moment: other(touched(market, moment), moment), "other", lambda *_: None)
    assert tried == "1 cuts"
    known, one, two = told.splitlines()
    row = iso(moment - moment % (60 * 10**9) - 3600 * 10**9)
    assert known.startswith(f"known until {iso(moment)}, after {events:,} events: trace row ")
    assert known.endswith(f", {row}")
    assert one.split("premium_bp=")[1] != two.split("premium_bp=")[1]


def test_a_cut_knows_nothing_later_and_keeps_the_period():
    market = sample_market(3)
    for moment, events in random_moments(market, 5, seed=1):
        cut = cut_at(market, moment)
        assert known_moments(cut).max() == moment
        assert len(cut.streams.events) == events
        assert known_moments(market)[events] > moment
        assert (cut.start, cut.end) == (market.start, market.end)


def test_cuts_wait_until_every_traded_instrument_has_a_bar():
    market = sample_market(3)
    spot = market.tables["spot_bars", 0]
    late = built(market, market.tables | {("spot_bars", 0): spot[-10:]})
    assert min(moment for moment, _ in random_moments(late, 50, seed=0)) >= spot["ts_known"][-10]


def test_a_garbled_future_keeps_the_past_the_times_and_valid_bars():
    market = sample_market(3)
    [(moment, _)] = random_moments(market, 1, seed=2)
    other = garbled_after(market, moment, seed=0)
    for key, table in market.tables.items():
        if key[0] == "brackets":  # the venue's own rules
            assert other.tables[key].tobytes() == table.tobytes()
            continue
        garbled, past = other.tables[key], table["ts_known"] <= moment
        assert garbled[past].tobytes() == table[past].tobytes()
        for name in table.dtype.names:
            same = garbled[name][~past] == table[name][~past]
            kept = name.startswith("ts_") or name == "interval_h"
            assert same.all() if kept else same.mean() < 0.7, (key, name)  # half of all liquidations are of one side
        if "low" in table.dtype.names:
            for inner in (garbled["open"], garbled["close"]):
                assert ((garbled["low"] <= inner) & (inner <= garbled["high"])).all()


# ---------------------------------------------------------------------------- a pipeline that makes the data


def pipeline(level, lag):
    """A data set's pipeline: rebuild(moment) makes the market of all bars and contracts that had arrived by then.

    Open interest arrives `lag` ns after its stamp and is stored as a multiple of `level` of what had arrived.
    """
    arrived = dict(sample_market(3).tables)
    arrived["open_interest", 1] = arrived["open_interest", 1].copy()
    arrived["open_interest", 1]["ts_known"] += lag

    def rebuild(moment):
        tables = {key: table[table["ts_known"] <= moment].copy() for key, table in arrived.items()}
        contracts = tables["open_interest", 1]
        contracts["qty"] /= level(contracts["qty"]) if len(contracts) else 1.0
        return built(sample_market(3), {key: table for key, table in tables.items() if len(table)})

    return rebuild


def rebuilt(market, rebuild):
    """What the check of the pipeline tells at three moments."""
    tried, told = checks.rebuilt_data(market, random_moments(market, 3, seed=0), rebuild, lambda *_: None)
    assert tried == ("1 cuts" if told else "3 cuts")
    return told


FOREVER = 1 << 62  # ns


def test_a_pipeline_that_normalises_over_the_whole_frame_is_caught():
    honest, cheat = pipeline(lambda qty: qty[0], 0), pipeline(np.mean, 0)
    assert rebuilt(honest(FOREVER), honest) == ""
    *others, last = honesty.check(cheat(FOREVER), "buy_and_hold", cuts=1, plain_seconds=0.1, rebuild=cheat)
    assert [each.holds for each in others] == [True] * 5  # what the strategy does with the data is honest
    assert last.check == "rebuilt data"
    known, one, two = last.difference.splitlines()
    assert known.endswith("Z: open_interest of instrument 1 row 0, 2025-04-01T00:00:00Z")
    assert one.split("qty=")[1] != two.split("qty=")[1]


def test_records_that_claim_to_be_known_before_they_arrived_are_caught():
    late = pipeline(lambda qty: 1.0, 3600 * 10**9)
    assert rebuilt(late(FOREVER), late) == ""
    _, one, two = rebuilt(sample_market(3), late).splitlines()
    assert one == "  the data set  ts_known=2025-04-01T00:05:30.000000000Z, qty=90000.0"
    assert two == "  rebuilt       ts_known=2025-04-01T01:05:30.000000000Z, qty=90000.0"


# ---------------------------------------------------------------------------- the parts


def test_differences_are_told_to_the_row():
    one = {"fills": {"ts": np.array([T0, T0]), "qty": np.array([1.0, np.nan])}, "seen": {"ring": np.zeros((1, 3)), "n": np.array([1])}}
    other = {"fills": {"ts": np.array([T0, T0]), "qty": np.array([1.0, -np.nan])}, "seen": {"ring": np.zeros((1, 3)), "n": np.array([1])}}
    names = ("a", "bb")
    assert differ.difference(one, other, names, T0) == ""
    other["seen"]["ring"][0, 2] = -0.0
    assert differ.difference(one, other, names, T0) == "seen row 0, 2024-01-01T00:00:00Z\n  a   ring[2]=0.0\n  bb  ring[2]=-0.0"
    other["fills"] = {name: values[:1] for name, values in other["fills"].items()}
    assert differ.difference(one, other, names, 0) == "fills row 1, 2024-01-01T00:00:00Z\n  a   qty=nan\n  bb  no such row"


def test_lanes_vary_numbers_within_their_limits():
    cls = find_strategy("divergence")
    params = lane_params(cls, params_of(cls, {"bars": 1024}), seed=0)
    assert (params[:COPIES] == params[0]).all()
    assert len(np.unique(params)) > 8
    assert params["bars"].min() < 1024 == params["bars"].max()
    assert (params["premium_delta_bp"] > 0.0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"cuts": 0}, "cuts: must be 1 or more, is 0"), ({"quantity": 1.0}, "strategy.quantity: BuyAndHold has no such parameter")],
)
def test_a_mistake_is_named(options, message):
    with pytest.raises(UserError, match=message):
        check("buy_and_hold", **options)


def test_a_class_inside_a_function_cannot_run_apart():
    class Local:
        def on_bar(ctx, s, p):
            pass

    with pytest.raises(UserError, match=r"Local: a fresh process cannot import it: write the class into a file"):
        check(Local)


# ---------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A day of the sample as a data set's folder."""
    market, folder = sample_market(1), tmp_path_factory.mktemp("data") / "day"
    header = {
        "name": "day",
        "instruments": [{"name": each.name, "role": each.role, "taker_bp": 5} for each in market.instruments],
        "streams": {stream: {"interval": "1m"} if stream.endswith("bars") else {} for stream, _ in market.tables if stream != "brackets"},
    }
    header["instruments"][1]["brackets"] = "binance_btcusdt"
    tables = {(stream, market.instruments[i].name): table for (stream, i), table in market.tables.items() if stream != "brackets"}
    write_dataset(folder, header, tables)
    return str(folder)


def test_the_command_says_what_it_tried(data, capsys):
    assert main(["check", "buy_and_hold", "--data", data, "--cuts", "2", "strategy.role=perp", "qty=0.5", "venue.cash=5e5"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"buy_and_hold on {data}"[:60])
    assert [check for check in CHECKS if check in out] == CHECKS
    assert "2 cuts, " in out
    assert "All 5 checks hold." in out


def test_the_command_fails_where_a_check_does(data, tmp_path, capsys):
    assert main(["check", str(planted(tmp_path, **GROWING)), "--cuts=1", "--data", data]) == 1
    out = capsys.readouterr().out
    assert "1 of 5 checks failed." in out
    assert "plain against compiled: orders row 0, 2025-04-01T00:01:00Z" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "the following arguments are required: STRATEGY"),
        (["check", "doo"], "no strategy 'doo'"),
        (["check", "door", "--data", "nowhere"], "no data set at"),
        (["check", "door", "--cuts", "many"], "argument --cuts: invalid int value: 'many'"),
        (["check", "door", "support"], "support: no override; write key=value"),
        (["check", "door", "support=1,2"], "support=1,2: several values are a sweep; a check takes one"),
        (["check", "door", "suport=1"], "strategy.suport: Door has no such parameter"),
        (["check", "door", "venue.cash=-1"], "venue.cash: must be above 0, is -1"),
        (["check", "door", "--quick"], "unknown argument --quick"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_message(arguments, message, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"backtester: {message}")
