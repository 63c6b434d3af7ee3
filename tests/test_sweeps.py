"""Sweeps: venue values are lanes, constraints, tiles that survive, and the same bytes whatever happened in between."""

import numpy as np
import pytest
from tables import sample_market

import backtester as bt
from backtester import api
from backtester.errors import UserError
from backtester.sweeps.where import holds

DIVERGENCE = {"premium_delta_bp": 2.0, "qty": 0.3}


def test_every_value_of_the_venue_is_a_lane_with_the_numbers_of_its_own_run():
    venues = {
        "taker_bp": [0.0, 20.0], "slippage_bp": [0.0, 5.0], "leverage": [2.0, 50.0], "margin": ["cross", "isolated"],
        "fills": ["next_open", "strict"], "cash": [20_000.0, 100_000.0],
    }
    market = sample_market(20)
    table = bt.sweep(market, "divergence", venue=venues, **DIVERGENCE)
    assert len(table) == 64
    assert table["final_equity"].nunique() > 40
    for row in (0, 21, 42, 63):
        venue = {key: table[f"venue.{key}"][row] for key in venues}
        alone = bt.run(market, "divergence", venue=venue, **DIVERGENCE).metrics
        alone.pop("bars")  # a parameter of the same name has that column
        np.testing.assert_equal({key: table[key][row] for key in alone}, alone)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("slow > fast", [False, True, True, False]),
        ("strategy.slow > 2 * strategy.fast", [False, False, True, False]),
        ("1 < fast <= 2 and not venue.leverage == 3", [False, True, False, True]),
        ("fast != slow or side == 'long'", [False, True, True, True]),
        ("stop < 5", [False, True, True, False]),
        ("slow - fast == -1", [False, False, False, True]),
    ],
)
def test_constraints_between_parameters(where, expected):
    columns = {"fast": [1, 2, 1, 2], "slow": [1, 3, 3, 1], "side": ["no", "no", "no", "long"], "stop": [None, 1, 2, 9]}
    columns |= {"venue.leverage": 4.0}
    assert holds(where, columns).tolist() == expected


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("slow >", "where: 'slow >': cannot be read"),
        ("quick > 1", "there is no parameter quick (there are fast)"),
        ("__import__('os').system('true')", "is not understood"),
        ("fast + 1", "is a number, not a comparison"),
        ("fast > 'long'", "a word is compared with a number"),
    ],
)
def test_a_constraint_that_says_nothing_is_named(where, message):
    with pytest.raises(UserError, match="where: ") as error:
        holds(where, {"fast": [1, 2]})
    assert message in str(error.value)


def test_a_constraint_cuts_the_grid_and_one_that_leaves_nothing_is_refused():
    market = sample_market(5)
    table = bt.sweep(market, "moving_average_cross", fast_h=[5, 10, 20], slow_h=[10, 20], where="slow_h > fast_h")
    assert list(zip(table["fast_h"], table["slow_h"], strict=True)) == [(5, 10), (5, 20), (10, 20)]
    with pytest.raises(UserError, match="holds for none of 4 combinations"):
        bt.sweep(market, "moving_average_cross", fast_h=[50, 60], slow_h=[10, 20], where="slow_h > fast_h")


# ---------------------------------------------------------------- what survives

BARS, DELTAS = range(5, 25), [0.5 + 0.25 * n for n in range(10)]
GRID = (["bars", "premium_delta_bp"], [[bars for bars in BARS for _ in DELTAS], [delta for _ in BARS for delta in DELTAS]])


class StopError(Exception):
    """Somebody stops a sweep."""


def stop_after(tiles):
    def progress(done, total):
        if done >= 32 * tiles:
            raise StopError

    return progress


def written(folder, progress=None, threads=2, width=None, monkeypatch=None, grid=GRID, **more):
    if width:
        monkeypatch.setattr("backtester.sweeps.lanes.NARROW", width)
        monkeypatch.setattr("backtester.sweeps.lanes.WIDE", width)
    swept = api.sweep_grid(sample_market(5), "divergence", grid, folder=folder, progress=progress, threads=threads, qty=0.3, **more)
    swept.write(folder, 0)
    return (folder / "sweep.parquet").read_bytes()


def test_an_interrupted_sweep_goes_on_and_leaves_the_same_bytes(tmp_path, monkeypatch):
    whole = written(tmp_path / "whole")
    with pytest.raises(StopError):
        written(tmp_path / "cut", stop_after(3))
    tiles = list((tmp_path / "cut" / "tiles").glob("*.npy"))
    assert 3 <= len(tiles) < 7
    tiles[0].write_bytes(tiles[0].read_bytes()[:100])  # as after a loss of power
    seen = []
    assert written(tmp_path / "cut", lambda done, total: seen.append(done), 1, 7, monkeypatch) == whole
    assert seen[-1] == 200
    assert len(seen) < 200 // 7  # what was there is not run again
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == ["manifest.json", "sweep.parquet"]


def test_a_finished_sweep_is_not_run_again(tmp_path):
    whole = written(tmp_path)
    assert written(tmp_path, stop_after(0)) == whole


@pytest.mark.parametrize(
    "other",
    [{"venue": {"taker_bp": 1.0}}, {"grid": (GRID[0], [GRID[1][0], [d + 0.1 for d in GRID[1][1]]])}, {"grid": (["bars"], [[5, 6]])}],
    ids=["venue", "values", "shape"],
)
def test_another_sweep_is_refused(tmp_path, other):
    with pytest.raises(StopError):
        written(tmp_path, stop_after(1))
    with pytest.raises(UserError, match="holds another run or sweep of 200 combinations"):
        written(tmp_path, **other)
    written(tmp_path)
    with pytest.raises(UserError, match="holds another run or sweep"):
        written(tmp_path, **other)


def test_parts_of_a_sweep_fill_one_folder(tmp_path):
    whole = written(tmp_path / "whole")
    for n in range(3):
        api.sweep_grid(sample_market(5), "divergence", GRID, folder=tmp_path / "parts", part=(n, 3), qty=0.3)
    assert written(tmp_path / "parts", stop_after(8)) == whole  # nothing is left to run
