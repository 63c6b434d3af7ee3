"""Sweeps in shards: workers of every launcher that is installed fill one folder, and one of them is lost."""

import os
import signal
from contextlib import chdir, suppress
from pathlib import Path

import pytest
from launched import MANY, PERIOD, started, undisturbed, when_some

from backtester import launch
from backtester.errors import UserError
from backtester.sweeps.plugin import GridSweeper


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return undisturbed(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def workers_of(pid, mark):
    """The processes below one that work for it: their command lines have the mark."""
    found = []
    with suppress(OSError):  # one that ends meanwhile
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_bytes()
            found += [int(child)] * (mark in words) + workers_of(child, mark)
    return found


ALONE = ["hydra.launcher.ray.init.address=local", "+hydra.launcher.ray.init.num_cpus=2", "+hydra.launcher.ray.init.include_dashboard=false"]
LAUNCHERS = {  # launcher: its overrides, what marks a worker, and what is said when one is killed (Ray runs its work again by itself)
    "joblib": (["hydra.launcher.n_jobs=2"], b"popen_loky", "a worker was lost or failed (TerminatedWorkerError: "),
    "submitit_local": ([], b"submitit.core._submit", "a worker was lost or failed (UncompletedJobError: "),
    "ray": (ALONE, b"ray::_run_job", ""),
}


def demand_launcher(name):
    plugin = f"hydra_plugins.hydra_{name.partition('_')[0]}_launcher"
    pytest.importorskip(plugin, reason=f"hydra/launcher={name} is not installed: see the extras `cluster` and `ray`")


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_shards_give_the_same_bytes_though_a_worker_is_killed(here, whole, launcher):
    demand_launcher(launcher)
    more, mark, said = LAUNCHERS[launcher]
    process = started("run", "-m", *MANY, f"hydra/launcher={launcher}", *more, "shards=2", "threads=1", "hydra.sweep.dir=cut")
    when_some(process, here / "cut", 2)
    workers = workers_of(process.pid, mark)
    assert workers, process.communicate()[1]
    os.kill(workers[0], signal.SIGKILL)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert said in error
    assert (here / "cut" / "sweep.parquet").read_bytes() == whole
    assert not (here / "cut" / "tiles").exists()


def test_ctrl_c_on_shards_says_how_to_go_on(here, whole):
    demand_launcher("joblib")
    asked = ["run", "-m", *MANY, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "shards=2", "threads=1", "hydra.sweep.dir=cut"]
    process = started(*asked)
    when_some(process, here / "cut", 2)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130, error
    assert f"what is finished is kept: the same command with hydra.sweep.dir={here / 'cut'} goes on" in error
    launch.launch([*MANY, "hydra.sweep.dir=cut"], True)
    assert (here / "cut" / "sweep.parquet").read_bytes() == whole


def test_a_worker_in_another_working_directory_fills_the_same_folder(here, monkeypatch):
    elsewhere, launched = here / "elsewhere", GridSweeper.launch_shards
    elsewhere.mkdir()

    def launched_elsewhere(sweeper, jobs, folder):
        with chdir(elsewhere):
            launched(sweeper, jobs, folder)

    asked = ["strategy=buy_and_hold", "strategy.qty=1,2", *PERIOD]
    launch.launch([*asked, "hydra.sweep.dir=one"], True)
    monkeypatch.setattr(GridSweeper, "launch_shards", launched_elsewhere)
    launch.launch([*asked, "shards=2", "hydra.sweep.dir=cut"], True)
    assert (here / "cut" / "sweep.parquet").read_bytes() == (here / "one" / "sweep.parquet").read_bytes()
    assert [path for path in elsewhere.rglob("*") if path.is_file()] == []


def test_shards_that_cannot_begin_are_no_sweep(here):
    with pytest.raises(UserError, match=r"hydra/launcher: no shard has begun \(no data set at .*data/absent"):
        launch.launch(["strategy=buy_and_hold", "strategy.qty=1,2", "data.path=data/absent", "shards=2", "hydra.sweep.dir=cut"], True)
    assert not (here / "cut").exists()
