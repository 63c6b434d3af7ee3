"""What the documents show, runs: their strategies, their Python, their commands."""

import re
import shlex

import pytest
from examples import ROOT, blocks, dip_buyer
from tables import sample_market

import backtester as bt
from backtester import api, launch, orders
from backtester.cli import parsed

STRATEGY, PYTHON = blocks("README.md")
WITH_COMMANDS = ("README.md", "docs/strategies.md", "docs/data.md", "docs/sweeps.md")
SHOWN = [line for file in WITH_COMMANDS for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
COMMANDS = [line.strip() for line in SHOWN if line.startswith("    backtester ")]


def test_the_strategy_of_the_readme_trades(tmp_path):
    file = tmp_path / "premium_reversal.py"
    file.write_text(STRATEGY)
    result = bt.run(sample_market(20), file, enter_bp=7)
    assert result.name == "premium_reversal"
    assert result.metrics["trades"] > 3
    assert set(result.trades["entry_reason"]) == {"cheap"}


def test_the_strategy_of_the_manual_trades_by_brackets(tmp_path):
    result = bt.run(sample_market(20), dip_buyer(tmp_path))
    asked = result.orders
    assert result.metrics["trades"] > 10
    assert set(result.fills["liquidity"]) == {"maker", "taker"}  # bids and targets rest, stops take
    ended = {(kind, status) for kind, status in zip(asked["kind"], asked["status"], strict=True) if status == "filled"}
    assert ended == {("limit", "filled"), ("stop", "filled")}
    bids = asked[asked["parent"] < 0]["id"]
    assert list(asked["parent"]) == [parent for bid in bids for parent in (-1, bid, bid)]  # n, n + 1 and n + 2


def test_the_verbs_of_the_manual_are_those_there_are():
    text = (ROOT / "docs/strategies.md").read_text(encoding="utf-8")
    table = text[text.index("| verb |") : text.index("`qty` is in base")]
    told = set(re.findall(r"`(\w+)\(", table))
    inner = {"ask_order", "ask_change", "last", "tie"}
    assert told == {name for name, value in vars(orders).items() if callable(value) and name.islower()} - inner


def test_the_python_of_the_readme_runs(monkeypatch, capsys):
    monkeypatch.setattr(api, "load", lambda name: sample_market(20))
    exec(compile(PYTHON, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "premium_delta_bp" in printed
    assert "total_return" in printed


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_documents_are_understood(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "premium_reversal.py").write_text(STRATEGY)
    dip_buyer(tmp_path)
    arguments = parsed(shlex.split(command)[1:])
    if hasattr(arguments, "multirun"):
        launch.accepted(arguments.overrides, arguments.multirun)


@pytest.mark.parametrize("file", ["README.md", "docs/strategies.md", "docs/data.md", "docs/venue.md"])
def test_links_lead_somewhere(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / file).parent.joinpath(target).exists(), target
