"""Binding: new code is never missed, old code is never compiled again, and a mistake names its file and line."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from scripted import FREE, INSTRUMENTS, PERP, SPOT, Run, Scripted, build, priced, run_recorded, terms_of, venue_of

from backtester import api
from backtester.engine.bind import bind
from backtester.engine.find import demand_roles, find_strategy
from backtester.engine.params import coerce, params_of
from backtester.errors import UserError
from backtester.records import ROLES

ROOT = Path(__file__).resolve().parents[1]
HELPER = "def level():\n    return {level}\n"
STRATEGY = '''
from helper import level
from backtester.orders import market
class Idea:
    class Params:
        qty: float = 1.0
    class State:
        n: int
    def on_bar(ctx, s, p):
        s.n += 1
        if s.n == level():
            market(ctx.perp, p.qty, 0)
'''
PROGRAM = '''
import sys
sys.path.insert(0, {tests!r})
from scripted import FREE, PERP, SPOT, priced, build, INSTRUMENTS, terms_of, venue_of, params_of, run_recorded
from backtester.engine.bind import bind
from backtester.engine.find import find_strategy
path = [100.0] * 6
market = build("tiny", INSTRUMENTS, {{("perp_bars", PERP): priced(path, path), ("spot_bars", SPOT): priced(path, path)}})
bound = bind(find_strategy({file!r}))
tile, log = run_recorded(bound, market, params_of(bound.cls, {{}}), terms_of(venue_of(FREE), market))
compiled = sum(bound.kernel.advance.stats.cache_misses.values()) + sum(bound.kernel.begin.stats.cache_misses.values())
print(bound.key, [int(ts) // 10**9 % 3600 for ts in log.journal["ts"][log.journal["what"] == 3]], compiled)
'''


def run_file(file, cache):
    """key, seconds of the fills, functions compiled: from a process of its own."""
    program = PROGRAM.format(tests=str(ROOT / "tests"), file=str(file))
    env = os.environ | {"PYTHONPATH": str(ROOT), "BACKTESTER_CACHE": str(cache)}
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    key, rest = done.stdout.split(" ", 1)
    fills, compiled = rest.rsplit(" ", 1)
    return key, fills, int(compiled)


def test_an_edited_helper_runs_and_an_unedited_one_compiles_nothing(tmp_path):
    file, helper = tmp_path / "idea.py", tmp_path / "helper.py"
    file.write_text(STRATEGY)
    helper.write_text(HELPER.format(level=1))
    first = run_file(file, tmp_path / "cache")
    assert first[1:] == ("[60]", 2)
    assert run_file(file, tmp_path / "cache") == (first[0], "[60]", 0)
    helper.write_text("# a comment\n" + HELPER.format(level=1))
    assert run_file(file, tmp_path / "cache") == (first[0], "[60]", 0)
    helper.write_text(HELPER.format(level=2))  # the same size, very likely within the same second
    second = run_file(file, tmp_path / "cache")
    assert second[0] != first[0]
    assert second[1:] == ("[120]", 2)


MISTAKES = [
    ("x = ctx.spot.bar.clse", "ctx.spot.bar has no field 'clse' (it has ts_event, ts_known, ts_close, open, high, low, close"),
    ("s.n = undefined_name", "the name 'undefined_name' is not defined"),
    ("s.m += 1", "s has no field 'm' (it has n)"),
    ("x = p.suport", "p has no field 'suport' (it has support)"),
    ("ctx.account.cash = 1e9", "ctx.account.cash belongs to the engine"),
    ("ctx.perp.bar.close = 1.0", "ctx.perp.bar.close belongs to the market"),
    ("ctx.seen.high = 1.0", "ctx.seen.high belongs to the market hooks"),
    ("a = ctx.account; a.cash = 1e9", "a.cash belongs to the engine"),
    ("x = deeper(ctx.perp.bar)", "bar has no field 'hgih'"),
    ("a: object = ctx.account; a.cash += 1.0", "a.cash belongs to the engine"),
    ("ts, spot, perp, account, seen = ctx; account.cash += 1.0", "ctx is a record: copy it field by field"),
    ("a = ctx.account if ctx.ts > 0 else ctx.account; a.cash += 1.0", "ctx.account is a record: use its fields"),
    ("ctx[3].cash += 1.0", "a hook writes fields of its own records, and of nothing else"),
    ("account_of(ctx).cash += 1.0", "a hook writes fields of its own records, and of nothing else"),
    ("f = give; f(ctx)", "ctx is a record: use its fields"),
    ("give(ctx)", "c.account.cash belongs to the engine"),
    ("give(*(ctx,))", "ctx is a record: use its fields"),
    ("compiled(ctx)", "c.account.cash belongs to the engine"),
    ("for q in (ctx.perp.position,): q.qty += 1.0", "ctx.perp.position is a record: use its fields"),
    ("for ctx.account.cash in range(5): pass", "ctx.account.cash belongs to the engine"),
    ("r = ctx.seen.ring; r[0] = 1.0", "r[0] belongs to the market hooks"),
    ("x = (p, 1)", "p is a record: use its fields"),
    ("LEVELS[0] = 1.0", "LEVELS belongs to the module"),
    ("x = [1.0, 2.0]", "hooks use numbers and the fields of their records"),
    ("x = {1: 2.0}", "hooks use numbers and the fields of their records"),
]


@pytest.mark.parametrize(("line", "message"), MISTAKES)
def test_a_mistake_is_reported_with_file_line_and_the_names_that_exist(tmp_path, line, message):
    file = tmp_path / "wrong.py"
    file.write_text(textwrap.dedent(f"""\
        import numba
        import numpy as np
        from backtester.fields import vec
        LEVELS = np.zeros(3)
        class Wrong:
            class Params:
                support: float = 1.0
            class Seen:
                high: float
                ring: vec(4)
            class State:
                n: int
            def on_bar(ctx, s, p):
                {line}
        def deeper(bar):
            return bar.hgih
        def account_of(c):
            return c.account
        def give(c):
            c.account.cash += 1.0
        compiled = numba.njit(give)
        """))
    with pytest.raises(UserError) as error:
        bind(find_strategy(file))
    at = {"x = deeper(ctx.perp.bar)": 16, "give(ctx)": 20, "compiled(ctx)": 20}.get(line, 14)
    assert str(error.value).startswith(f"{file}:{at}: in ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class A:\n    def on_bars(ctx, s, p): pass\n", "A.on_bars is no hook (there are see_start"),
        ("class A:\n    def on_bar(ctx, s): pass\n", "A.on_bar takes 2 arguments, the loop calls it with 3"),
        ("class A:\n    class Params:\n        x: str = 'a'\n    def on_bar(c, s, p): pass\n", "A.Params.x: <class 'str'> is no"),
        ("import backtester.orders as o\nclass A:\n    def on_bar(ctx, s, p): o.market(ctx.perp, 1.0, 0)\n", "import the function itself"),
        ("seen = {}\nclass A:\n    def on_bar(ctx, s, p):\n        x = seen\n", "reads the global 'seen', a dict"),
        ("x = 1\n", "has one class with hooks"),
        ("def broken(:\n", "cannot be imported: SyntaxError"),
    ],
)
def test_a_strategy_that_cannot_be_bound_says_why(tmp_path, text, message):
    file = tmp_path / "wrong.py"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        bind(find_strategy(file))
    assert message in str(error.value)


def test_a_hook_of_an_asset_that_is_not_there_is_left_out_where_it_is_optional(tmp_path):
    file = tmp_path / "with_ether.py"
    file.write_text("class A:\n    optional = ('eth',)\n    def see_eth_spot(bar, seen, p): pass\n    def on_bar(ctx, s, p): pass\n")
    demand_roles(find_strategy(file), build("tiny", INSTRUMENTS, {("perp_bars", PERP): priced([1.0], [1.0])}))
    assert set(bind(find_strategy(file)).kernel.HOOKS) == {"on_bar"}
    assert set(bind(find_strategy(file), (*ROLES, "eth_spot", "eth_perp")).kernel.HOOKS) == {"on_bar", "see_eth_spot"}


def test_what_numba_cannot_compile_names_the_strategys_own_line(tmp_path):
    file = tmp_path / "wrong.py"
    file.write_text("class A:\n    class State:\n        n: int\n    def on_bar(ctx, s, p):\n        s.n = round(1.0, 2, 3)\n")
    path = [100.0] * 3
    market = build("tiny", INSTRUMENTS, {("perp_bars", PERP): priced(path, path), ("spot_bars", SPOT): priced(path, path)})
    bound = bind(find_strategy(file))
    with pytest.raises(UserError, match=r"wrong\.py:5: this cannot be compiled"):
        run_recorded(bound, market, params_of(bound.cls, {}), terms_of(venue_of(FREE), market))


def test_an_unknown_strategy_lists_the_known_ones():
    with pytest.raises(UserError, match=r"no strategy 'dore'.*buy_and_hold.*divergence"):
        find_strategy("dore")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("qty", 1.0, "no such parameter"),
        ("qty1", "much", "give a number"),
        ("qty1", None, "cannot be switched off"),
        ("qty1", float("nan"), "give a number"),
        ("at1", 1.5, "give a whole number"),
        ("to_target", 1, "give true or false"),
    ],
)
def test_a_parameter_that_cannot_be_right_is_named(name, value, message):
    with pytest.raises(UserError, match=f"strategy.{name}.*{message}"):
        coerce(Scripted, name, value)


def test_limits_and_choices_are_checked():
    divergence, hold = find_strategy("divergence"), find_strategy("buy_and_hold")
    with pytest.raises(UserError, match=r"strategy\.bars: 0 is outside 1"):
        coerce(divergence, "bars", 0)
    with pytest.raises(UserError, match=r"strategy\.role: 'future': is none of spot, perp"):
        coerce(hold, "role", "future")
    assert coerce(hold, "role", "perp") == PERP


def test_nothing_in_the_loop_counts_references(tmp_path, monkeypatch):
    """`_nrt` is not documented by numba: were it ignored, the compiled loop would count references on every event."""
    monkeypatch.setenv("BACKTESTER_CACHE", str(tmp_path))  # compiled here, so that its code can be read
    path = [100.0] * 3
    run = Run({("perp_bars", PERP): priced(path, path), ("spot_bars", SPOT): priced(path, path)})
    (code,) = run.bound.kernel.advance.inspect_llvm().values()
    assert "define" in code
    assert "NRT_incref" not in code
    assert "NRT_decref" not in code


def test_a_choice_that_is_another_name_for_a_code_is_part_of_the_key(tmp_path):
    text = "from enum import IntEnum\nclass R(IntEnum):\n    A = 1\n    C = 2\n    X = {x}\n"
    text += "class Idea:\n    class State:\n        n: int\n    def on_bar(ctx, s, p):\n        s.n = R.X + 0\n"
    keys = []
    for number in (1, 2):
        file = tmp_path / f"idea{number}.py"
        file.write_text(text.format(x=number))
        keys.append(bind(find_strategy(file)).key)
    assert keys[0] != keys[1]


HOOK = "    def on_bar(ctx, s, p): pass\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class A:\n    on_bar = lambda ctx, s, p: None\n", "write the hook as a plain `def on_bar"),
        ("class A:\n    on_bar = 5\n", "write the hook as a plain `def on_bar"),
        ("class A:\n    @classmethod\n    def on_bar(cls, s, p): pass\n", "write the hook as a plain `def on_bar"),
        ("class A:\n    class Params:\n        x: float = 'abc'\n" + HOOK, "Params.x: its default 'abc' is no float"),
        ("class I:\n    x: float\nclass A:\n    class Params:\n        i: I\n" + HOOK, "a parameter is one number or one choice"),
        ("from __future__ import annotations\nclass A:\n    class Params:\n        x: float = 1.0\n" + HOOK, "leave out `from"),
    ],
)
def test_a_strategy_whose_parts_are_of_the_wrong_kind_says_so(tmp_path, text, message):
    file = tmp_path / "wrong.py"
    file.write_text(text)

    def all_of_it():
        cls = find_strategy(file)
        bind(cls)
        params_of(cls, {})

    with pytest.raises(UserError) as error:
        all_of_it()
    assert message in str(error.value)


def test_a_base_class_in_the_same_file_is_no_second_strategy(tmp_path):
    file = tmp_path / "idea.py"
    file.write_text("class Base:\n    def on_bar(ctx, s, p): pass\nclass Idea(Base):\n    class Params:\n        x: float = 1.0\n")
    assert find_strategy(file).__name__ == "Idea"


def test_a_strategy_whose_hooks_would_never_be_called_is_refused():
    path = [100.0] * 3
    market = build("tiny", INSTRUMENTS, {("perp_bars", PERP): priced(path, path)})
    with pytest.raises(UserError, match=r"Divergence\.on_pair needs spot bars, and data set 'tiny' has none"):
        api.run(market, "divergence", venue=FREE)
