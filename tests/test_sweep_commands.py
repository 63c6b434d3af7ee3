"""Sweeps from the command line: kept when they are killed, searched, walked forward; each row runs again."""

import json
import signal

import numpy as np
import pandas as pd
import pytest
from launched import MANY, PERIOD, started, undisturbed, when_some

from backtester import launch
from backtester.errors import UserError
from backtester.report import write as write_again
from backtester.results.metrics import MEASURES
from backtester.row import run_row
from backtester.sweeps.search import Search, search, search_of
from backtester.sweeps.splits import walk
from backtester.walk_forward import walk_forward


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return undisturbed(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("tiles", [1, 12])
def test_a_killed_sweep_loses_and_doubles_nothing(here, whole, tiles):
    process = started("run", "-m", *MANY, "hydra.sweep.dir=cut")
    when_some(process, here / "cut", tiles)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (here / "cut" / "sweep.parquet").exists()
    launch.launch([*MANY, "hydra.sweep.dir=cut"], True)
    assert (here / "cut" / "sweep.parquet").read_bytes() == whole
    assert not (here / "cut" / "tiles").exists()


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(here, whole):
    process = started("run", "-m", *MANY, "hydra.sweep.dir=cut")
    when_some(process, here / "cut", 3)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130, error
    assert "what is finished is kept: the same command with hydra.sweep.dir=cut goes on" in error
    assert "Traceback" not in error
    launch.launch([*MANY, "hydra.sweep.dir=cut"], True)
    assert (here / "cut" / "sweep.parquet").read_bytes() == whole


def test_a_named_sweep_and_a_row_of_it_by_its_number(here):
    launch.launch(["sweep=cross", "data.end=2025-04-20", "hydra.run.dir=cross"], False)
    table = pd.read_parquet(here / "cross" / "sweep.parquet")
    assert len(table) == 284
    assert (table["slow_h"] > table["fast_h"]).all()
    assert set(table["venue.taker_bp"]) == {2.0, 5.0}
    for number in (0, 201):
        result = run_row(here / "cross", number)
        assert result.metrics["final_equity"] == table["final_equity"][number]
        assert result.manifest["config"]["venue"]["taker_bp"] == table["venue.taker_bp"][number]
        assert len(result.fills) == table["fills"][number]
    with pytest.raises(UserError, match="no combination 284, they have the numbers 0 to 283"):
        run_row(here / "cross", 284)


def test_a_row_that_comes_out_otherwise_is_refused(here):
    launch.launch(["strategy=buy_and_hold", "strategy.qty=1,2", "hydra.sweep.dir=many", *PERIOD], True)
    manifest = json.loads((here / "many" / "manifest.json").read_text())
    manifest["config"]["venue"]["cash"] = 50_000.0
    (here / "many" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=r"combination 1: initial_equity is 50000.0 and was 100000.0: the strategy or the engine"):
        run_row(here / "many", 1)


SEARCH = ["strategy=divergence", "strategy.bars=interval(5,45)", "strategy.premium_delta_bp=interval(1,8)", "strategy.qty=0.2,0.3", *PERIOD]


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "random"])
def test_a_search_tries_what_its_sampler_asks_and_goes_on(here, sampler):
    optuna = pytest.importorskip("optuna", reason="the extra `search` is not installed")
    asked = [*SEARCH, f"search={sampler}", "where=strategy.bars > 7", "hydra.sweep.dir=found"]
    launch.launch([*asked, "search.trials=70"], True)
    table = pd.read_parquet(here / "found" / "sweep.parquet")
    assert len(table) == 70
    assert table["bars"].between(8, 45).all()
    assert set(table["qty"]) <= {0.2, 0.3}
    journal = here / "found" / "optuna.log"
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal)))
    study = optuna.load_study(study_name="search", storage=storage)
    assert study.best_value == table["sharpe"].max()
    row = int(table["sharpe"].idxmax())
    assert run_row(here / "found", row).metrics["sharpe"] == study.best_value
    with open(journal, "ab") as file:
        file.write(b'{"op_code": 4, "worker_id": "kil')  # what a killed search leaves of its last line
    launch.launch([*asked, "search.trials=90"], True)
    more = pd.read_parquet(here / "found" / "sweep.parquet")
    assert len(more) == 90
    assert not more.duplicated(["bars", "premium_delta_bp", "qty"]).any()
    pd.testing.assert_frame_equal(more[:70], table)
    study = optuna.load_study(study_name="search", storage=optuna.storages.JournalStorage(storage._backend))
    assert study.best_value == more["sharpe"].max()
    with pytest.raises(UserError, match="holds another search"):
        launch.launch([*asked, "search.trials=90", "venue.taker_bp=1"], True)


def test_cmaes_comes_nearer_than_chance(tmp_path):
    optuna = pytest.importorskip("optuna", reason="the extra `search` is not installed")
    distributions = {name: optuna.distributions.FloatDistribution(-5.0, 5.0) for name in "abcd"}

    def run(grid):
        measures = np.zeros(len(grid[1][0]), MEASURES)
        measures["sharpe"] = -np.sum([(np.array(column) - 1.5) ** 2 for column in grid[1]], axis=0)
        return measures

    grid, measures = search(Search("cmaes", 640, ["sharpe"], 1), distributions, tmp_path, "key", run)
    assert len(measures) == len(grid[1][0]) == 640
    away = np.random.default_rng(1).uniform(-6.5, 3.5, (100, 640, 4))
    by_chance = (away**2).sum(2).min(1)
    assert -measures["sharpe"].max() < 0.05 < by_chance.min()


def test_two_objectives_have_a_front(here):
    optuna = pytest.importorskip("optuna", reason="the extra `search` is not installed")
    launch.launch([*SEARCH, "search=nsga2", "search.trials=64", "hydra.sweep.dir=front"], True)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(here / "front" / "optuna.log")))
    study = optuna.load_study(study_name="search", storage=storage)
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert len(study.best_trials) >= 1


def test_a_glob_is_a_job_each_and_a_shuffled_list_one_sweep(here):
    with pytest.raises(UserError, match="5 jobs: sweep values of one strategy on one data set"):
        launch.one_config(["data=glob(crisis_*)", "strategy=divergence"])
    config = launch.one_config(["strategy=glob(diverg*,exclude=*_leg)", "strategy.bars=shuffle(range(5,9))"])
    assert config["strategy"]["name"] == "divergence"
    assert config["sweep"] == {"bars": "shuffle(range(5,9))"}


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("backtester.sweeps.search.find_spec", lambda name: None if name == "cmaes" else name)
    search_of({"sampler": "tpe", "trials": 1, "objective": "sharpe"}, 0)
    with pytest.raises(UserError, match=r"cmaes needs cmaes: pip install 'backtester\[search\]'"):
        search_of({"sampler": "cmaes", "trials": 1, "objective": "sharpe"}, 0)
    assert launch.no_option("hydra/launcher", "ray", ["basic"]) == "hydra/launcher=ray: is not installed: pip install 'backtester[ray]'"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["search=tpe", "search.objective=fills"], "search.objective: 'fills' is no metric with a better direction"),
        (["search=tpe", "search.trials=0"], "search.trials: 0: give a whole number above 0"),
        (["search=cmaes", "search.objective=sharpe,max_drawdown"], "cmaes knows one objective"),
        (["search=cmaes", "strategy.bars=interval(5,9)", "strategy.qty=0.1,0.2"], "cmaes needs two parameters or more with interval"),
        (["search=tpe", "strategy.bars=interval(5,9)", "shards=2"], "shards: a search is one job"),
        (["strategy.bars=5,9", "shards=0"], "shards: 0: give a whole number above 0"),
        (["shards=2"], "shards: there is nothing to cut"),
        (["strategy.bars=5,9", "threads=-1"], "threads: -1: give a whole number above 0"),
        (["strategy.bars=interval(5,9)"], "an interval has no values to count"),
        (["strategy.bars=5,9", "where=strategy.bars > 100"], "where: 'strategy.bars > 100': holds for none of 2 combinations"),
        (["strategy.bars=5,9", "venue.leverage=2,-1"], "venue.leverage: must be above 0, is -1"),
    ],
)
def test_a_sweep_that_cannot_be_right_is_named(here, overrides, message):
    with pytest.raises(UserError) as error:
        launch.launch(["strategy=divergence", *overrides, *PERIOD], True)
    assert message in str(error.value)
    assert list(here.rglob("*.parquet")) == []


# ---------------------------------------------------------------- walk-forward

HOUR = 3_600_000_000_000


def hours(*splits):
    return [tuple(moment // HOUR for moment in split) for split in splits]


def test_rolling_and_anchored_splits_with_an_embargo():
    assert hours(*walk(0, 50 * HOUR, 3, train=2, embargo=HOUR)) == [(0, 19, 20, 30), (10, 29, 30, 40), (20, 39, 40, 50)]
    assert hours(*walk(0, 50 * HOUR, 3, train=2, anchored=True)) == [(0, 20, 20, 30), (0, 30, 30, 40), (0, 40, 40, 50)]
    with pytest.raises(UserError, match="leaves nothing of 20 h of training"):
        walk(0, 50 * HOUR, 3, train=2, embargo=20 * HOUR)


def test_walk_forward_chooses_on_what_lies_before_each_test(here):
    asked = ["strategy=divergence", "strategy.bars=10,30", "strategy.premium_delta_bp=2,4", "strategy.qty=0.3", "data.end=2025-04-16"]
    walk_forward(asked, here / "walk", folds=3, train=2, embargo_h=6)
    table, equity = pd.read_parquet(here / "walk" / "walk_forward.parquet"), pd.read_parquet(here / "walk" / "equity.parquet")
    assert list(table["test_start"]) == ["2025-04-07T00:00:00Z", "2025-04-10T00:00:00Z", "2025-04-13T00:00:00Z"]
    assert list(table["train_end"]) == ["2025-04-06T18:00:00Z", "2025-04-09T18:00:00Z", "2025-04-12T18:00:00Z"]
    second = table.iloc[1]
    inside = [f"data.start={second['train_start']}", f"data.end={second['train_end']}", "hydra.sweep.dir=inside", "report=none"]
    launch.launch([text for text in asked if "data." not in text] + inside, True)
    swept = pd.read_parquet(here / "inside" / "sweep.parquet")
    best = swept.loc[swept["sharpe"].idxmax()]
    assert (best["bars"], best["premium_delta_bp"]) == (second["bars"], second["premium_delta_bp"])
    assert best["sharpe"] == second["inside_sharpe"]
    assert equity["equity"].iloc[-1] / 100_000 == pytest.approx(np.prod(1 + table["total_return"]), rel=1e-12)
    assert equity["ts"].is_monotonic_increasing
    assert equity["hold"].iloc[-1] / 100_000 == pytest.approx(np.prod(1 + table["hold_return"]), rel=1e-12)
    told = json.loads((here / "walk" / "manifest.json").read_text())["walk_forward"]
    assert (told["swept"], told["truth"]["tests"]) == (["bars", "premium_delta_bp"], 3)
    page = (here / "walk" / "report.html").read_bytes()
    assert write_again(here / "walk").read_bytes() == page


def test_walk_forward_needs_a_grid(here):
    with pytest.raises(UserError, match="nothing is swept"):
        walk_forward(["strategy=divergence", *PERIOD], here / "walk")
    with pytest.raises(UserError, match="search: walk-forward tries all combinations of a grid"):
        walk_forward(["strategy=divergence", "strategy.bars=interval(5,9)", "search=tpe", *PERIOD], here / "walk")
    assert not (here / "walk").exists()
