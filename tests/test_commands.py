"""The commands from end to end: what a run, a sweep and a comparison leave behind, and that a row runs again alone."""

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtester.cli import main
from backtester.report.sweep_view import view_of_sweep

KEYS = {
    "initial_equity", "final_equity", "total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "exposure",
    "turnover", "win_rate", "profit_factor", "trades", "orders", "fills", "liquidations", "fees", "slippage", "funding", "events", "bars",
    "blocked", "refused", "no_room", "entry_bar_share",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_a_run_leaves_its_files_and_the_ledger_adds_up(here, capsys):
    period = ["data.start=2025-04-02", "data.end=2025-04-12"]
    assert main(["run", "strategy=divergence", "strategy.premium_delta_bp=3", *period, "hydra.run.dir=one"]) == 0
    assert f"report  {here}/one/report.html" in capsys.readouterr().out.replace("\n", "")
    found = {path.name for path in (here / "one").iterdir()}
    tables = {f"{name}.parquet" for name in ("equity", "orders", "fills", "trades", "ledger", "trace")}
    assert found == tables | {"metrics.json", "manifest.json", "report.html"}
    assert set(metrics(here / "one")) >= KEYS
    equity, ledger = (pd.read_parquet(here / "one" / f"{name}.parquet") for name in ("equity", "ledger"))
    assert list(equity.columns) == ["ts", "equity", "cash", "position_BTC-SPOT", "position_BTC-PERP", "drawdown"]
    assert list(ledger.columns) == ["ts", "instrument", "wallet", "kind", "amount", "balance"]
    assert str(equity["ts"].dtype) == "datetime64[ns, UTC]"
    assert equity["ts"].iloc[0] == pd.Timestamp("2025-04-02 00:01", tz="UTC")
    assert equity["ts"].iloc[-1] == pd.Timestamp("2025-04-12", tz="UTC")
    booked = ledger["amount"].cumsum().to_numpy()[np.searchsorted(ledger["ts"], equity["ts"]) - 1]
    np.testing.assert_array_equal(booked, equity["cash"])
    manifest = json.loads((here / "one" / "manifest.json").read_text())
    assert manifest["config"]["data"]["start"] == "2025-04-02"
    assert manifest["config"]["strategy"]["premium_delta_bp"] == 3
    assert len(manifest["data"]["files"]) > 5
    assert [each["what"] for each in manifest["sensitivity"]] == [
        "venue.fills=strict", "venue.path=ohlc", "venue.path=olhc", "venue.path=nearest",
    ]


def test_the_same_run_leaves_the_same_bytes(here):
    for folder in ("one", "two"):
        assert main(["run", "strategy=divergence", "data.end=2025-04-05", f"hydra.run.dir={folder}", "report=none"]) == 0
    for path in (here / "one").iterdir():
        if path.name != "manifest.json":  # which spells the folder, as the command line did
            assert path.read_bytes() == (here / "two" / path.name).read_bytes(), path.name


def test_any_row_of_a_sweep_runs_again_alone(here):
    axes = ["strategy.bars=10,30", "strategy.premium_delta_bp=range(1.0,4.0,0.5)", "strategy.qty=0.2,0.3"]
    assert main(["run", "-m", "strategy=divergence", *axes, "data.end=2025-04-12", "hydra.sweep.dir=many"]) == 0
    table, view = pd.read_parquet(here / "many" / "sweep.parquet"), view_of_sweep(here / "many")
    assert len(table) == 24
    assert table["final_equity"].nunique() > 15
    for row in (0, 7, 23):
        command = shlex.split(view.command(row))[1:]
        assert main([*command, f"hydra.run.dir=row{row}", "report=none"]) == 0
        alone = metrics(here / f"row{row}")
        same = [key for key in KEYS & set(table.columns) if key not in ("bars", "events")]
        expected = {key: np.nan if alone[key] is None else alone[key] for key in same}  # JSON has no NaN
        np.testing.assert_equal({key: table[key][row] for key in same}, expected)


def test_groups_of_strategies_are_compared(here, capsys):
    assert main(["run", "-m", "strategy=buy_and_hold,divergence", "data.end=2025-04-05", "hydra.sweep.dir=side"]) == 0
    assert "configured differently" in capsys.readouterr().out
    runs = sorted(path.name for path in (here / "side").iterdir() if path.is_dir())
    assert runs == ["strategy=buy_and_hold", "strategy=divergence"]
    assert main(["compare", *(f"side/{run}" for run in runs), "--to", "again"]) == 0
    assert Path("again/report.html").read_text() == Path("side/report.html").read_text()


def test_bankruptcy_is_a_result_and_says_so(here, capsys):
    assert main(["run", "strategy=buy_and_hold", "strategy.role=perp", "venue.cash=2500", "venue.leverage=60", "hydra.run.dir=gone"]) == 0
    assert "bankrupt" in capsys.readouterr().out
    assert metrics(here / "gone")["ended"] == "bankrupt"
    assert metrics(here / "gone")["final_equity"] == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["strategy.qty=much", "strategy=divergence"], "strategy.qty: 'much': give a number"),
        (["strategy=divergence", "strategy.bars=0"], "strategy.bars: 0 is outside 1"),
        (["data.start=2031-01-01"], "no rows between 2031-01-01 and its end"),
        (["venue.fills=same_bar"], "venue.fills: 'same_bar' is none of next_open, strict"),
        (["data.path=nowhere"], "no data set at"),
    ],
)
def test_a_mistake_is_one_message_and_leaves_nothing(here, capfd, arguments, message):
    assert main(["run", *arguments]) == 2
    error = capfd.readouterr().err
    assert error.startswith("backtester: ")
    assert message in error
    assert "Traceback" not in error
    assert list(here.iterdir()) == []
