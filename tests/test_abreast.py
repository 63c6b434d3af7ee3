"""Lanes abreast are the lanes that run one by one: the same bytes, whatever the strategy, the venue, the script or the code of a hook."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import test_reference
from abreast import differences
from hook_cases import HookCases
from reference.actor import Actor
from reference.scripts import script
from tables import sample_market

from backtester.engine.abreast.bind import bind_abreast, is_compiled
from backtester.engine.bind import bind
from backtester.engine.find import find_strategy
from backtester.engine.params import params_of
from backtester.engine.run import CHUNK, compile_abreast, in_order, new_tile, no_log, run_tile, through
from backtester.engine.venue import terms_of, venue_of
from backtester.honesty.ways import ways_of
from backtester.market.dataset import ROOT
from backtester.orders import market
from backtester.sweeps.lanes import Lanes, params_table, sweep_lanes, tiles_of, wide_for

STRATEGIES = {  # axes: some that market hooks read, so that blocks have empty places, some that they do not
    "divergence": {"bars": [5, 30], "premium_delta_bp": [0.5, 1.0, 2.0, 3.0], "qty": [0.5, 5.0]},
    "door": {"premium_delta_bp": [0.5, 1.0, 1.5], "support": [None, 92_000.0], "leg_min_bp": [30.0, 40.0], "turn": [0.2, 0.5, 0.8]},
}
VENUES = [{}, {"cash": 2_000.0, "leverage": 50.0, "maintenance_bp": 40.0, "taker_bp": 20.0}, {"margin": "isolated", "fills": "strict"}]
SCRIPTS = 60


def grid(bound, axes: dict) -> np.ndarray:
    """Params of all combinations."""
    mesh = np.meshgrid(*(np.arange(len(values)) for values in axes.values()), indexing="ij")
    columns = [[values[n] for n in index.reshape(-1)] for values, index in zip(axes.values(), mesh, strict=True)]
    return params_table(bound.cls, {}, list(axes), columns)


@pytest.mark.parametrize("name", STRATEGIES)
def test_abreast_is_one_by_one(name):
    market = sample_market(20)
    bound = bind(find_strategy(name))
    params = np.tile(grid(bound, STRATEGIES[name]), len(VENUES))
    terms = np.repeat(np.stack([terms_of(venue_of(venue), market) for venue in VENUES]), len(params) // len(VENUES), 0)
    assert differences(bound, market, params, terms) == []
    tally = run_tile(bound, market, params, terms, bind_abreast(bound)).lanes["tally"]
    assert tally["fills"].min() == 0 or len(set(tally["fills"].tolist())) > 5
    assert name != "divergence" or (tally["ended"].any() and tally["liquidations"].any())


def test_what_a_hook_may_say():
    market = sample_market(0.1)
    bound = bind(HookCases)
    params = np.repeat(params_of(HookCases, {}), 21)
    params["x"], params["n"] = np.arange(21) * 0.4, 1 + np.arange(21) % 5
    params["x"][-1] = np.nan
    terms = np.repeat(terms_of(venue_of({}), market)[None], len(params), 0)
    assert bind_abreast(bound).whole == ()
    assert differences(bound, market, params, terms) == []
    state = run_tile(bound, market, params, terms, bind_abreast(bound)).minds["state"]
    for name in ("leg_price", "ring_3", "ema_26", "bits", "square", "turn"):
        assert len(np.unique(state[name])) > 1, name
    assert state["late"].max() > state["late"].min() > 0.0, "both guards opened"


def test_chunks_change_nothing():
    market = sample_market(5)
    bound = bind(find_strategy("divergence"))
    params = grid(bound, STRATEGIES["divergence"])
    terms = np.repeat(terms_of(venue_of({}), market)[None], len(params), 0)
    whole = run_tile(bound, market, params, terms, bind_abreast(bound))
    parts = new_tile(bound, market, params, terms, wide=bind_abreast(bound))
    for _ in through(bound, market, parts, no_log(bound), range(97, CHUNK, 97)):
        pass
    parts = in_order(parts)
    assert [each.lanes["account"].tobytes() for each in (whole, parts)] == [whole.lanes["account"].tobytes()] * 2
    assert whole.minds.tobytes() == parts.minds.tobytes()
    assert whole.samples.tobytes() == parts.samples.tobytes()


def test_a_sweep_abreast_is_the_sweep(monkeypatch, caplog):
    """Tiles hold whole groups; neither the way, nor the threads, nor how the work is cut changes a byte."""
    market = sample_market(20)
    bound = bind(find_strategy("divergence"))
    params = grid(bound, {"bars": [5, 7, 11, 30], "premium_delta_bp": [0.5 + 0.1 * n for n in range(23)], "qty": [0.5, 1.0, 5.0]})
    lanes = Lanes(bound, market, params, terms_of(venue_of({}), market)[None], np.zeros(len(params), int))
    assert wide_for(lanes, len(lanes.params)) is None, "too little work to compile for"
    alone = sweep_lanes(lanes)
    monkeypatch.setattr("backtester.sweeps.lanes.READY", 0)
    monkeypatch.setattr("backtester.sweeps.lanes.is_compiled", lambda bound: False)
    assert wide_for(lanes, len(lanes.params)) is None, "too little work to compile for, enough to run so where that was done"
    monkeypatch.undo()
    monkeypatch.setattr("backtester.sweeps.lanes.READY", 0)
    monkeypatch.setattr("backtester.sweeps.lanes.WORTH", 0)
    assert wide_for(lanes, len(lanes.params)) is not None
    compile_abreast(bound, market, params, lanes.terms, bind_abreast(bound))
    assert is_compiled(bound)
    monkeypatch.setattr("backtester.sweeps.lanes.WORTH", 1 << 62)
    assert wide_for(lanes, len(lanes.params)) is not None
    assert sweep_lanes(lanes).tobytes() == alone.tobytes()
    assert sweep_lanes(lanes, threads=1).tobytes() == alone.tobytes()
    monkeypatch.setattr("backtester.engine.abreast.bind.write", lambda *given: 1 / 0)
    assert wide_for(replace(lanes, bound=bind(find_strategy("divergence"))), len(params)) is None
    assert "divergence: its lanes run one by one" in caplog.text.lower()
    few = replace(lanes, params=params[: 3 * 23 * 4 : 23])
    assert len(few.params) < 4 * 4
    assert wide_for(few, len(few.params)) is None, "hardly any two lanes see the same"
    shards = [sweep_lanes(lanes, part=(n, 3)) for n in range(3)]
    assert np.sum([shard["fills"] for shard in shards], 0).tolist() == alone["fills"].tolist()


def test_tiles_hold_whole_groups_and_every_combination_once():
    params = np.zeros(1000, [("shared", "i8"), ("own", "i8")])
    params["shared"], params["own"] = np.arange(1000) % 13, np.arange(1000)
    lanes = Lanes(SimpleNamespace(grouped_by=("shared",)), None, params, np.zeros(0), np.zeros(1000, int))
    assert {len(rows) > 64 for rows in tiles_of(lanes, 1)} == {True}
    for workers in (0, 1, 2, 16):
        tiles = tiles_of(lanes, workers)
        assert sorted(np.concatenate(tiles).tolist()) == list(range(1000))
        assert max(map(len, tiles)) <= (1024 if workers else 128)
        assert len(tiles) >= (13 if workers == 0 else min(8, 2 * workers))
        assert sum(len(set(params["shared"][rows].tolist())) for rows in tiles) <= 13 * -(-77 // max(map(len, tiles))) + len(tiles)


def test_what_lanes_leave_their_block_for_is_told():
    door, coin = ("\n".join(ways_of(bind(find_strategy(name)))) for name in ("door", "random_entry"))
    lines = (ROOT / "strategies" / "door.py").read_text().splitlines()
    places = [int(number) for number in re.findall(r"strategies/door.py:(\d+): ", door)]
    assert len(places) >= 3
    assert all("target(" in lines[number - 1] for number in places)
    assert "math.log of a value that differs from lane to lane" in coin
    assert "Large sweeps run its lanes abreast" in door


def test_a_strategy_that_is_never_flat_runs_abreast():
    """It orders wherever a block is idle, which is for an instant: that is no reason to run it one by one."""
    assert bind_abreast(bind(NeverFlat)).whole == ()


class NeverFlat:
    """Buys where nothing is held or pending, sells where the price falls."""

    class Params:
        size: float = 0.1

    def on_bar(ctx, s, p):
        if ctx.perp.position.qty == 0.0 and ctx.perp.position.pending == 0.0:
            market(ctx.perp, p.size, 1)
        elif ctx.perp.bar.close < 90_000.0:
            market(ctx.perp, -ctx.perp.position.qty, 1)


def test_nothing_is_divided_by_nothing_in_an_idle_block():
    """The compiler's NaN of 0 / 0 has another sign than the processor's: lanes leave for it."""
    assert [place for place in bind_abreast(bind(Share)).escapes if "a division by nothing" in place]


class Share:
    """What share of what it wants is held."""

    class State:
        share: float

    def on_bar(ctx, s, p):
        s.share = ctx.perp.position.qty / (ctx.perp.position.qty + ctx.perp.position.pending)


def test_what_is_done_is_not_compiled_for(monkeypatch):
    """A sweep whose combinations stand in the store already asks for no code; one of which some are missing does."""
    market, bound = sample_market(1), bind(find_strategy("divergence"))
    params = grid(bound, {"premium_delta_bp": [0.5 + 0.1 * n for n in range(8)]})
    lanes = Lanes(bound, market, params, terms_of(venue_of({}), market)[None], np.zeros(len(params), int))
    rows, asked = sweep_lanes(lanes), []
    for limit in ("READY", "WORTH"):
        monkeypatch.setattr(f"backtester.sweeps.lanes.{limit}", 1)
    monkeypatch.setattr("backtester.sweeps.lanes.bind_abreast", lambda bound: asked.append(bound) or 1 / 0)
    done = SimpleNamespace(read=lambda: (rows.copy(), np.ones(len(params), bool)), write=None)
    assert sweep_lanes(lanes, done).tobytes() == rows.tobytes()
    assert asked == []
    begun = SimpleNamespace(read=lambda: (rows.copy(), np.arange(len(params)) > 2), write=lambda *told: None)
    assert sweep_lanes(lanes, begun).tobytes() == rows.tobytes()
    assert asked == [bound]


def test_scripts_of_every_verb():
    """Orders of all kinds on four instruments, with settlements, brackets and liquidations: four venues abreast."""
    wrong = {seed: found for seed in range(SCRIPTS) if (found := differ_in_script(seed))}
    assert wrong == {}


def differ_in_script(seed: int) -> list[str]:
    """What differs where a script is followed in four venues, abreast and one by one."""
    one = script(seed)
    market = test_reference.market_of(one)
    bound = test_reference.bound_to(market.roles)
    halved = max(1.0, one.venue.get("leverage", 5.0) / 2.0)
    venues = [one.venue, one.venue | {"taker_bp": 9.0}, one.venue | {"leverage": halved}, one.venue | {"cash": 2.0 * one.venue["cash"]}]
    terms = np.stack([terms_of(venue_of(venue), market) for venue in venues])
    return differences(bound, market, np.repeat(params_of(Actor, {}), len(venues)), terms)


def test_what_is_written_computes_in_vectors():
    """The loops of a plain strategy hold packed arithmetic and no call; a silent fall back to single numbers would be seen here."""
    market = sample_market(3)
    bound = bind(find_strategy("door"))
    params = np.repeat(params_of(bound.cls, {}), 40)
    tile = new_tile(bound, market, params, np.repeat(terms_of(venue_of({}), market)[None], 40, 0), wide=bind_abreast(bound))
    end = tile.kernel.ABREAST["end"]
    text = assembly(tile.kernel, end, (tile.blocks[0], tile.groups[0], tile.world, market.streams.bars, 1))
    source = Path(end.py_func.__code__.co_filename).read_text().split("def stake")[0]
    loops = source.split("\n    else:\n")[1].count("for k in range(t.used)")  # those of blocks that are not idle
    assert loops > 2
    assert len(re.findall(r"\bv?mulpd\b", text)) >= 3 * loops  # two positions and the floor of the drawdown in each loop


def assembly(kernel, fn, arguments: tuple) -> str:
    """A written function as it is compiled for blocks."""
    from backtester.engine.abreast.bind import vectors

    kinds = tuple(kernel.advance.typeof_pyval(each) for each in arguments)
    with vectors():
        fn.compile(kinds)
    return fn.inspect_asm(fn.signatures[-1])
