"""What the README shows, runs: its strategy, its Python, its commands."""

import re
import shlex
from pathlib import Path

import pytest
from tables import sample_market

import backtester as bt
from backtester import api, launch
from backtester.cli import parsed

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
STRATEGY, PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)
COMMANDS = [line.strip() for line in README.splitlines() if line.startswith("    backtester ")]


def test_the_strategy_of_the_readme_trades(tmp_path):
    file = tmp_path / "premium_reversal.py"
    file.write_text(STRATEGY)
    result = bt.run(sample_market(20), file, enter_bp=7)
    assert result.name == "premium_reversal"
    assert result.metrics["trades"] > 3
    assert set(result.trades["entry_reason"]) == {"cheap"}


def test_the_python_of_the_readme_runs(monkeypatch, capsys):
    monkeypatch.setattr(api, "load", lambda name: sample_market(20))
    exec(compile(PYTHON, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "premium_delta_bp" in printed
    assert "total_return" in printed


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_readme_are_understood(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "premium_reversal.py").write_text(STRATEGY)
    arguments = parsed(shlex.split(command)[1:])
    if hasattr(arguments, "multirun"):
        launch.accepted(arguments.overrides, arguments.multirun)


@pytest.mark.parametrize("file", ["README.md", "docs/strategies.md", "docs/data.md"])
def test_links_lead_somewhere(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / file).parent.joinpath(target).exists(), target
