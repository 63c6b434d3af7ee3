"""Two engines, one specification: the compiled loop and the reference give the same tables for thousands of random scripts.

BACKTESTER_SCRIPTS says how many (300 where it is unset), BACKTESTER_FIRST_SCRIPT the first seed (0).
"""

import os
from collections import Counter
from functools import cache
from math import inf, nan
from types import SimpleNamespace

import numpy as np
import pytest
from reference import actor
from reference.differ import differences
from reference.engine import simulate
from reference.orders import KIND_NAMES, Action
from reference.scripts import ROLES, Script, script

from backtester.engine.bind import bind
from backtester.engine.params import params_of
from backtester.engine.run import run_recorded
from backtester.engine.venue import terms_of, venue_of
from backtester.fields import initial
from backtester.market.merge import build
from backtester.records import EXOGENOUS, row_type
from backtester.results.tables import tables

SCRIPTS = 300
EVERY = {  # what a default run must have seen
    "fills": {f"{kind} gtc" for kind in KIND_NAMES} | {"market ioc", "market fok", "limit ioc", "limit fok"},
    "status": {"waiting", "filled", "refused", "cancelled", "expired", "dropped"},
    "liquidity": {"taker", "maker", "liquidation"},
    "refusal": {
        "the quantity is no number", "the price is no number", "the data have no such instrument", "below the lot",
        "no room for another waiting order", "would take", "nothing to reduce", "a spot account cannot go short",
        "below the minimum notional", "not enough cash", "above the bracket's notional", "initial margin",
    },
    "exits": {*KIND_NAMES, "liquidation"},
    "ledger": {"deposit", "spot_trade", "realised", "fee", "funding", "liquidation", "liquidation_fee", "insurance", "transfer"},
}


def reference(one: Script) -> dict:
    """The tables of a script by the reference."""
    return simulate(one.tables, one.instruments, one.venue, one.actions)


def market_of(one: Script):
    """The market of a script, its actions among the exogenous records."""
    return build(f"script {one.seed}", one.instruments, one.tables | {("exogenous", 0): actor.carry(one.actions)}, actor.TAGS)


@cache
def bound_to(roles: tuple[str, ...]):
    """The actor in the loop, once for all scripts."""
    return bind(actor.Actor, roles)


def compiled(one: Script) -> dict:
    """The tables of a script by the compiled loop. All that this test knows of it stands here."""
    market = market_of(one)
    bound = bound_to(market.roles)
    _, log = run_recorded(bound, market, params_of(actor.Actor, {}), terms_of(venue_of(one.venue), market))
    return tables(log, market, {reason.value: reason.name.lower() for reason in actor.Reason})


def count(seen: dict[str, Counter], tables: dict) -> None:
    """Add what a run has seen."""
    orders, fills = tables["orders"], tables["fills"]
    seen["fills"].update(f"{orders['kind'][n]} {orders['tif'][n]}" for n in fills["order"] if n >= 0)
    seen["status"].update(orders["status"])
    seen["refusal"].update(filter(None, orders["refusal"]))
    seen["liquidity"].update(fills["liquidity"])
    seen["ledger"].update(tables["ledger"]["kind"])
    seen["exits"].update(tables["trades"]["exit_kind"])


def test_the_loop_equals_the_reference(capsys):
    first = int(os.environ.get("BACKTESTER_FIRST_SCRIPT", "0"))
    many = int(os.environ.get("BACKTESTER_SCRIPTS", str(SCRIPTS)))
    seen, wrong = {name: Counter() for name in EVERY}, []
    for seed in range(first, first + many):
        one = script(seed)
        ours = reference(one)
        count(seen, ours)
        wrong += [f"script {seed}: {text}" for text in differences(ours, compiled(one))]
    with capsys.disabled():
        print()
        for name, counts in seen.items():
            print(f"  {name}: " + ", ".join(f"{word} {n:,}" for word, n in counts.most_common()))
    assert not wrong, f"{len(wrong)} tables differ; the first:\n" + "\n".join(wrong[:5])
    if many >= SCRIPTS:
        assert {name: words - set(seen[name]) for name, words in EVERY.items()} == {name: set() for name in EVERY}


# ---------------------------------------------------------------------------- the scripts, the actor, the comparison


@pytest.mark.parametrize("seed", range(20))
def test_a_script_is_a_market_and_the_same_one_again(seed):
    one, two = script(seed), script(seed)
    assert differences(reference(one), reference(two)) == []
    market = market_of(one)
    assert market.roles == ROLES
    assert 5 <= len(one.actions) <= 90
    assert [action.ts for action in one.actions] == sorted(action.ts for action in one.actions)


@pytest.mark.parametrize("seed", range(40))
def test_what_the_reference_books_adds_up(seed):
    """Amounts are the last balances of all wallets; fills are the positions; a filled order has fills of its quantity."""
    one = script(seed)
    tables = reference(one)
    cash = one.venue["cash"]
    last = {name: column[-1] for name, column in tables["equity"].items()}
    balances = dict(zip(tables["ledger"]["wallet"], tables["ledger"]["balance"], strict=True))
    assert sum(tables["ledger"]["amount"]) == pytest.approx(sum(balances.values()), abs=1e-9 * cash)
    fills = list(zip(*(tables["fills"][name] for name in ("order", "instrument", "qty")), strict=True))
    for instrument in (each.name for each in one.instruments if each.name):
        held = sum(qty for _, name, qty in fills if name == instrument)
        assert held == pytest.approx(last[f"position_{instrument}"], abs=1e-6)
    for number, status, qty, filled in zip(*(tables["orders"][name] for name in ("id", "status", "qty", "filled")), strict=True):
        assert sum(size for order, _, size in fills if order == number) == pytest.approx(filled, abs=1e-9 * cash)
        assert status != "filled" or filled == pytest.approx(qty)


def test_the_actor_asks_for_what_the_actions_say(monkeypatch):
    """Its records, played through its own hooks in plain Python, come out as the same verbs with the same arguments."""
    wanted = {
        "market": ("qty", "reason"), "target": ("qty", "reason"),
        "market_order": ("qty", "reason", "tif", "until", "reduce_only"),
        "limit": ("qty", "price", "reason", "tif", "until", "reduce_only", "post_only"),
        "stop": ("qty", "trigger", "reason", "until", "reduce_only"), "take_profit": ("qty", "trigger", "reason", "until", "reduce_only"),
        "stop_limit": ("qty", "trigger", "price", "reason", "until", "reduce_only"),
        "trailing_stop": ("qty", "distance", "reason", "until", "reduce_only"),
        "bracket": ("qty", "stop", "target", "reason", "price"), "oco": ("a", "b"), "cancel": ("order",), "cancel_all": (),
        "amend": ("order", "qty", "level"),
    }
    asked = []
    for verb in wanted:
        monkeypatch.setattr(actor, verb, lambda tradable, *given, verb=verb: asked.append((tradable, verb, *given)))
    actions = [action for seed in range(20) for action in script(seed).actions]
    actions += [Action(0, False, "limit", 1, qty=-inf, price=nan), Action(0, True, "amend", 3, qty=inf, level=nan, order=7)]
    state, ctx = initial(actor.Actor.State)[0], SimpleNamespace(spot=0, perp=1, eth_spot=2, eth_perp=3)
    for action in actions:
        for x in actor.carry([action]).view(row_type(EXOGENOUS)):
            actor.Actor.on_exogenous(ctx, x, state, None)
        assert action.late == (len(asked) == 0)
        actor.Actor.on_bar(ctx, state, None)
        codes = {"reason": actor.REASONS.index(action.reason) + 1, "tif": actor.TIFS.index(action.tif)}
        given = [codes.get(name, getattr(action, name)) for name in wanted[action.verb]]
        tradable, verb, *values = asked.pop()
        assert (tradable, verb) == (action.instrument, action.verb)
        assert repr([float(x) for x in values]) == repr([float(x) for x in given])  # as text, so that NaN equals NaN
        assert not asked


def test_the_actor_keeps_four_late_actions_in_their_order(monkeypatch):
    asked = []
    monkeypatch.setattr(actor, "market", lambda tradable, qty, reason: asked.append((tradable, qty, reason)))
    actions = [Action(0, True, "market", n % 4, qty=n + 0.5, reason="second") for n in range(4)]
    state, ctx = initial(actor.Actor.State)[0], SimpleNamespace(spot=0, perp=1, eth_spot=2, eth_perp=3)
    for x in actor.carry(actions).view(row_type(EXOGENOUS)):
        actor.Actor.on_exogenous(ctx, x, state, None)
    for _ in range(2):
        actor.Actor.on_bar(ctx, state, None)
    assert asked == [(0, 0.5, 2), (1, 1.5, 2), (2, 2.5, 2), (3, 3.5, 2)]


def arrays(tables: dict) -> dict:
    """The same tables as the compiled loop gives them."""
    return {name: {column: np.array(values) for column, values in table.items()} for name, table in tables.items()}


def eventful() -> dict:
    """The tables of the first script that has rows enough in each."""
    runs = map(reference, map(script, range(100)))
    return next(tables for tables in runs if len(tables["fills"]["ts"]) > 3 and len(tables["trades"]["pnl"]) > 1)


def test_the_comparison_finds_the_first_row_that_differs():
    ours = eventful()
    assert differences(ours, arrays(ours)) == []
    theirs = arrays(ours)
    theirs["fills"]["price"][2] *= 1 + 1e-8
    theirs["trades"] = {name: column[:-1] for name, column in theirs["trades"].items()}
    theirs["orders"]["status"] = np.where(theirs["orders"]["id"] == 1, "lost", theirs["orders"]["status"])
    del theirs["equity"]["drawdown"]
    found = differences(ours, theirs)
    assert [text.split(":")[0] for text in found] == ["orders, row 1", "fills, row 2", "equity", "trades"]
    assert "status='lost'" in found[0]
    assert "price" in found[1].splitlines()[0]
    assert "drawdown" in found[2]
    assert "only in ours" in found[3]


def test_the_comparison_forgives_rounding_and_rows_that_move_nothing():
    ours = eventful()
    theirs = arrays(ours)
    theirs["fills"]["price"] *= 1 + 1e-10
    empty = {"ts": 0, "instrument": "", "wallet": "account", "kind": "fee", "amount": 0.0, "balance": 1.0}
    theirs["ledger"] = {name: np.append(column, empty[name]) for name, column in theirs["ledger"].items()}
    assert differences(ours, theirs) == []
    theirs["ledger"]["balance"][1] *= 1 + 1e-8
    assert len(differences(ours, theirs)) == 1
