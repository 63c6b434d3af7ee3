"""The command line: what reaches the engine, and what a mistake is answered with. The engine is a stand-in here."""

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from backtester import cli, job, launch
from backtester.cli import main
from backtester.engine.venue import Venue

IDEA = '''
from enum import IntEnum

class Unit(IntEnum):
    BP = 0
    RELATIVE = 1

class Idea:
    """Buy when it is quiet."""
    class Params:
        calm: float | None = None
        unit: Unit = Unit.BP
    def on_bar(ctx, s, p):
        pass
'''


class Written:
    def write(self, folder, page):
        Path(folder, "metrics.json").write_text("{}")


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """An empty working directory, and an engine that only notes what it was asked."""
    noted = []

    def note(verb):
        def call(market, strategy, grid=None, **asked):
            asked.pop("overrides")
            asked = {key: value for key, value in asked.items() if key not in ("progress", "threads", "folder", "part")}
            asked |= {"grid": grid} if grid else {}
            noted.append((verb, market, strategy, asked))
            return Written()

        return call

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(job.api, "load", lambda path, start, end, *_, **__: (path, start, end))
    monkeypatch.setattr(job.api, "run", note("run"))
    monkeypatch.setattr(job.api, "sweep_grid", note("sweep"))
    for show in ("show_run", "show_sweep"):
        monkeypatch.setattr(job, show, lambda *_: None)
    monkeypatch.setattr(cli, "show_side_by_side", lambda runs, folder: noted.append(("compare", [run.name for run in runs], folder.name)))
    return noted


def left(folder):
    """Everything below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_run_hands_the_config_to_the_engine(calls, tmp_path):
    overrides = ["strategy=divergence", "strategy.bars=12", "data.start=2024-01-01", "venue.cash=5000", "seed=3", "hydra.run.dir=out/a"]
    assert main(["run", *overrides]) == 0
    [(verb, market, strategy, asked)] = calls
    assert (verb, market, strategy) == ("run", ("data/sample", "2024-01-01", None), "divergence")
    assert asked.pop("venue") == asdict(Venue(cash=5000))  # the defaults of conf/venue are the engine's
    assert asked == {"seed": 3, "bars": 12, "premium_delta_bp": 1.5, "qty": 1.0}
    assert left(tmp_path) == ["out", "out/a", "out/a/metrics.json"]


def test_a_value_sweep_is_one_call_and_its_files_stand_in_the_sweep_folder(calls, tmp_path):
    swept = ["strategy.bars=10,20", "strategy.premium_delta_bp=range(1,3)"]
    assert main(["run", "strategy=divergence", "-m", *swept, "hydra.sweep.dir=out"]) == 0
    [(verb, _, strategy, asked)] = calls
    assert (verb, strategy) == ("sweep", "divergence")
    assert asked["grid"] == (["bars", "premium_delta_bp"], [[10, 10, 20, 20], [1, 2, 1, 2]])
    assert {"bars", "premium_delta_bp"}.isdisjoint(asked)
    assert asked["qty"] == 1.0
    assert left(tmp_path) == ["out", "out/metrics.json"]


def test_group_sweeps_are_a_folder_each(calls, tmp_path):
    assert main(["run", "-m", "strategy=divergence,buy_and_hold", "strategy.qty=2", "hydra.sweep.dir=out"]) == 0
    *ran, compared = calls
    assert [(verb, strategy, asked["qty"]) for verb, _, strategy, asked in ran] == [("run", "divergence", 2), ("run", "buy_and_hold", 2)]
    assert compared == ("compare", ["strategy=divergence", "strategy=buy_and_hold"], "out")
    assert [name for name in left(tmp_path) if name.endswith("metrics.json")] == [
        "out/strategy=buy_and_hold/metrics.json",
        "out/strategy=divergence/metrics.json",
    ]


def test_a_strategy_from_anywhere(calls, tmp_path):
    file = tmp_path / "my idea.py"
    file.write_text(IDEA)
    assert main(["run", f"strategy.file='{file}'", "strategy.calm=2", "hydra.run.dir=out"]) == 0
    [(_, _, strategy, asked)] = calls
    assert strategy == str(file)
    assert {name: asked[name] for name in ("calm", "unit")} == {"calm": 2, "unit": "bp"}


NONE_SUCH = "there is no conf/strategy/"
MISTAKES = {
    "unknown key": (
        ["strategy=divergence", "strategy.bar=3"],
        "strategy.bar: no such key, did you mean bars?; strategy has name, bars, premium_delta_bp, qty",
    ),
    "unknown top key": (["sed=3"], "sed: no such key, did you mean seed?; the config has data, strategy, venue, report, seed"),
    "unknown key in a sweep": (["-m", "strategy=divergence", "strategy.bar=3,4"], "strategy.bar: no such key, did you mean bars?"),
    "unknown key in the last job": (
        ["-m", "strategy=divergence,buy_and_hold", "strategy.bars=3"],
        "strategy.bars: no such key; strategy has name, role, qty",
    ),
    "key below a value": (["venue.cash.usd=3"], "venue.cash.usd: no such key; venue.cash is a value and holds no keys"),
    "unknown option": (["strategy=divergense"], f"strategy=divergense: {NONE_SUCH}divergense.yaml, did you mean divergence?; conf/"),
    "unknown experiment": (["experiment=nope"], "experiment=nope: there is no conf/experiment/nope.yaml; conf/experiment has "),
    "unknown option in a sweep": (["-m", "strategy=divergence,nope"], f"strategy=nope: {NONE_SUCH}nope.yaml; conf/strategy has "),
    "option that is a number": (["strategy=1"], f"strategy=1: {NONE_SUCH}1.yaml; conf/strategy has "),
    "no override": (["venue"], "venue: no override ("),
    "open bracket": (["venue.cash=[1"], "venue.cash=[1: no override ("),
    "no key": (["=1"], "=1: no override (it names no key)"),
    "sweep without -m": (["strategy.qty=1,2"], "strategy.qty=1,2: several values are a sweep; write `backtester run -m strategy.qty=1,2`"),
    "interval": (["-m", "venue.cash=interval(1,2)"], "venue.cash=interval(1,2): an interval has no values to count"),
    "reference to nothing": (["venue.cash=${nope}"], "Interpolation key 'nope' not found"),
    "deleted part": (["~data"], "data.path: missing in the config"),
    "folder that is a file": (["hydra.run.dir=taken"], "taken: File exists"),
    "unknown flag": (["--fast"], "unknown argument --fast; see `backtester --help`"),
    "file and name": (["strategy=divergence", "strategy.file=idea.py"], "strategy.file=idea.py: takes the place of strategy=..."),
    "unknown key of a file": (
        ["strategy.file=idea.py", "strategy.clam=1"],
        "strategy.clam: no such key, did you mean calm?; strategy has name, file, calm, unit",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_message_and_leaves_nothing(arguments, message, calls, tmp_path, capsys):
    (tmp_path / "taken").touch()
    (tmp_path / "idea.py").write_text(IDEA)
    before = left(tmp_path)
    assert main(["run", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"backtester: {message}")
    assert err.count("\n") == 1
    assert [name for name in left(tmp_path) if "__pycache__" not in name] == before
    assert calls == []


@pytest.mark.parametrize("arguments", [["run"], ["run", "-m", "strategy=divergence,buy_and_hold"]])
def test_an_error_of_the_engine_leaves_no_folder(arguments, calls, tmp_path, monkeypatch, capsys):
    def refuse(*_, **__):
        raise launch.UserError("data.start 2030-01-01 lies behind the data's end")

    monkeypatch.setattr(job.api, "load", refuse)
    assert main(arguments) == 2
    assert capsys.readouterr().err == "backtester: data.start 2030-01-01 lies behind the data's end\n"
    assert left(tmp_path) == []


def test_ctrl_c_is_one_line_and_leaves_no_folder(calls, tmp_path, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(job.api, "run", interrupt)
    assert main(["run"]) == 130
    assert capsys.readouterr().err == "\nbacktester: interrupted; unfinished results are not written\n"
    assert left(tmp_path) == []


def test_a_bug_is_no_user_error(calls, monkeypatch):
    def crash(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(job.api, "run", crash)
    with pytest.raises(ZeroDivisionError):
        main(["run"])


@pytest.mark.parametrize("path", sorted((launch.CONF / "experiment").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_experiment_runs_by_the_command_in_its_head(path, calls):
    command = next(line for line in path.read_text().splitlines() if not line.startswith("# @"))
    assert command.startswith("# backtester run ")
    assert main(command.removeprefix("# backtester ").split()) == 0
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND; see `backtester --help`"),
        (["rum"], "argument COMMAND: invalid choice: 'rum'"),
        (["compare"], "the following arguments are required: DIR; see `backtester compare --help`"),
        (["data", "show", "a", "b"], "unknown argument b; see `backtester --help`"),
        (["data", "show", "no_such_set"], "no data set at "),
    ],
)
def test_wrong_arguments(arguments, message, calls, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"backtester: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["", "run", "compare", "data", "data import", "data show", "data sample", "report", "check"])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as done:
        main([*command.split(), "--help"])
    assert done.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {f'backtester {command}'.strip()} ")


def test_cfg_prints_the_config_and_runs_nothing(calls, tmp_path, capsys):
    assert main(["run", "--cfg", "job", "strategy=divergence", "strategy.bars=7"]) == 0
    assert "  bars: 7\n" in capsys.readouterr().out
    assert (calls, left(tmp_path)) == ([], [])


HELP = """
import runpy, sys
sys.argv = ["backtester", "run", "--help"]
try:
    runpy.run_module("backtester", run_name="__main__")
except SystemExit:
    print("heavy:", sorted({"hydra", "numba", "pandas", "rich", "jinja2", "vectorbt"} & set(sys.modules)))
"""


def test_the_module_is_the_same_program_and_its_help_imports_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    assert done.stdout.startswith("usage: ")
    assert done.stdout.endswith("heavy: []\n")
