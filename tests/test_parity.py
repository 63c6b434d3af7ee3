"""One engine, one truth: plain Python, compiled, one lane, many lanes, one thread, two, whole or in chunks give the same bytes."""

import hashlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tables import sample_market

from backtester.engine.bind import bind
from backtester.engine.find import find_strategy
from backtester.engine.params import params_of
from backtester.engine.run import group_lanes, run_recorded, run_tile
from backtester.engine.venue import terms_of, venue_of
from backtester.sweeps.lanes import Lanes, params_table, sweep_lanes

STRATEGIES = {
    "buy_and_hold": {"role": ["spot", "perp"], "qty": [0.5, 0.75, 1.0]},
    "divergence": {"bars": [5, 30], "premium_delta_bp": [0.5, 1.0, 2.0, 3.0]},
    "door": {"premium_delta_bp": [0.5, 1.0, 1.5], "support": [None, 92_000.0], "leg_min_bp": [30.0, 40.0]},
    "spot_led": {"premium_delta_bp": [0.5, 1.0, 2.0], "support": [None, 92_000.0]},
}
"""Strategy -> axes: some that market hooks read, some that they do not."""


def digest(tile, log):
    """All that a recorded run leaves behind, NaN spelled one way."""
    out = hashlib.sha256()
    for table in (*log, tile.lanes, tile.groups):
        out.update(canonical(table))
    return out.hexdigest()


def canonical(table):
    """The bytes of records with every NaN the same."""
    if table.dtype.names is None:
        return np.where(np.isnan(table), np.nan, table).tobytes() if table.dtype.kind == "f" else table.tobytes()
    return b"".join(canonical(np.asarray(table[name])) for name in table.dtype.names)


def record(name, days=3, chunk=1 << 18, **params):
    """A recorded run of a shipped strategy on some days of the sample, without margin for error."""
    market = sample_market(days)
    bound = bind(find_strategy(name))
    return run_recorded(bound, market, params_of(bound.cls, params), terms_of(venue_of({}), market), chunk)


@pytest.mark.parametrize("name", STRATEGIES)
def test_plain_python_gives_the_same_bytes(name, plain):
    source = f"import sys; sys.path.insert(0, 'tests'); from test_parity import *; print(digest(*record({name!r})))"
    assert plain(source).strip() == digest(*record(name))


@pytest.mark.parametrize("name", STRATEGIES)
def test_chunks_give_the_same_bytes(name):
    whole = digest(*record(name))
    assert [digest(*record(name, chunk=chunk)) for chunk in (1, 7, 1000)] == [whole] * 3


@pytest.mark.parametrize("name", STRATEGIES)
def test_many_lanes_give_the_numbers_of_single_runs(name):
    market = sample_market(20)
    bound = bind(find_strategy(name))
    terms = terms_of(venue_of({}), market)
    axes = STRATEGIES[name]
    grid = np.meshgrid(*(np.arange(len(values)) for values in axes.values()), indexing="ij")
    columns = [[values[n] for n in index.reshape(-1)] for values, index in zip(axes.values(), grid, strict=True)]
    params = params_table(bound.cls, {}, list(axes), columns)
    tile = run_tile(bound, market, params, np.repeat(terms[None], len(params), 0))
    for k in range(len(params)):
        alone, _ = run_recorded(bound, market, params[k : k + 1], terms)
        for part in ("account", "tally", "position", "slots"):
            if part == "account":
                alone.lanes[0]["account"]["recorded"] = 0
            assert canonical(np.atleast_1d(tile.lanes[k][part])) == canonical(np.atleast_1d(alone.lanes[0][part])), (k, part)
        np.testing.assert_array_equal(tile.samples[k], alone.samples[0])
    assert len({float(lane["account"]["equity"]) for lane in tile.lanes}) > 1


def test_threads_and_the_order_of_combinations_change_nothing():
    market = sample_market(20)
    bound = bind(find_strategy("divergence"))
    terms = terms_of(venue_of({"cash": 1e7}), market)  # nobody goes bankrupt
    columns = [[b for b in (5, 30, 60) for _ in range(40)], [0.5 + 0.1 * n for _ in range(3) for n in range(40)]]
    params = params_table(bound.cls, {}, ["bars", "premium_delta_bp"], columns)
    lanes = Lanes(bound, market, params, terms[None], np.zeros(len(params), int))
    one = sweep_lanes(lanes, threads=1)
    assert sweep_lanes(lanes, threads=2).tobytes() == one.tobytes()
    assert sweep_lanes(replace(lanes, params=params[::-1]), threads=2).tobytes() == one[::-1].tobytes()
    assert len(set(one["final_equity"].tolist())) > 60


def test_progress_counts_every_combination_once():
    market = sample_market(3)
    bound = bind(find_strategy("divergence"))
    params = params_table(bound.cls, {}, ["premium_delta_bp"], [[0.5 + 0.01 * n for n in range(100)]])
    seen = []
    lanes = Lanes(bound, market, params, terms_of(venue_of({}), market)[None], np.zeros(len(params), int))
    sweep_lanes(lanes, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (100, 100)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_whole_numbers_that_floats_cannot_tell_apart_have_groups_of_their_own():
    params = np.zeros(3, [("n", "i8")])
    params["n"] = 2**53, 2**53 + 1, 2**53
    first, group = group_lanes(SimpleNamespace(grouped_by=("n",)), params)
    assert (first.tolist(), group.tolist()) == ([0, 1], [0, 1, 0])
