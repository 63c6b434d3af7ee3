"""Runs side by side: alignment, the best of a row, and what was configured differently; buy-and-hold beside them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from run_folder import CONFIG, write_run
from tables import SPOT_AND_PERP, bars

from backtester.errors import UserError
from backtester.market.merge import build
from backtester.records import PERP, SPOT
from backtester.results.benchmark import buy_and_hold, hold_market, outcome
from backtester.results.catalogue import best, figure
from backtester.results.compare import compare


def minutes(index):
    return [f"{moment:%H:%M}" for moment in index]


def test_different_periods_align_on_the_union_inside_the_common_one(tmp_path):
    slow = write_run(tmp_path / "slow", (100.0, 110.0, 99.0, 120.0), start=0, every=2)  # 00:00 02 04 06
    late = write_run(tmp_path / "late", (50.0, 40.0, 60.0, 66.0, 70.0), start=3)  # 00:03 to 00:07
    both = compare([slow, late])
    assert minutes(both.equity.index) == ["00:03", "00:04", "00:05", "00:06"]
    assert both.equity.to_numpy().tolist() == [[110.0, 50.0], [99.0, 40.0], [99.0, 60.0], [120.0, 66.0]]
    assert both.returns.round(4).to_numpy().tolist() == [[0.0, 0.0], [-0.1, -0.2], [-0.1, 0.2], [0.0909, 0.32]]
    assert both.drawdowns.round(4).to_numpy().tolist() == [[0.0, 0.0], [0.1, 0.2], [0.1, 0.0], [0.0, 0.0]]
    assert "2025-01-01 00:03 to 2025-01-01 00:06 UTC" in both.alignment
    assert both.names == ["door · slow", "door · late"]


def test_equal_periods_say_so(tmp_path):
    both = compare([write_run(tmp_path / "a"), write_run(tmp_path / "b", name="other")])
    assert both.alignment == "All runs cover the same period, 2025-01-01 00:00 to 2025-01-01 00:02 UTC."
    assert both.names == ["door", "other"]


def test_runs_without_a_common_moment_still_show_their_metrics(tmp_path):
    both = compare([write_run(tmp_path / "a"), write_run(tmp_path / "b", start=10)])
    assert len(both.equity) == len(both.returns) == len(both.drawdowns) == 0
    assert "share no moment" in both.alignment
    assert both.metrics.loc["total_return"].tolist() == [0.1, 0.1]


def test_results_and_folders_mix(tmp_path):
    index = pd.date_range("2025-01-01", periods=3, freq="min", tz="UTC")
    result = SimpleNamespace(name="idea", metrics={"sharpe": 2.0}, equity=pd.Series([1.0, 2.0, 3.0], index), manifest={"config": CONFIG})
    both = compare([write_run(tmp_path / "a"), result])
    assert both.equity["idea"].tolist() == [1.0, 2.0, 3.0]
    assert both.metrics.loc["sharpe"].tolist() == [1.5, 2.0]
    assert both.best("sharpe") == {"idea"}
    assert np.isnan(both.metrics.loc["fees", "idea"])


def test_only_differing_keys_are_shown(tmp_path):
    same = {"strategy": {"name": "door", "support": 92_000}, "venue": CONFIG["venue"] | {"latency_ms": 500}}
    both = compare([write_run(tmp_path / "a"), write_run(tmp_path / "b", config=same)])
    assert both.config_differences.to_dict("index") == {"venue.latency_ms": {"door · a": 250, "door · b": 500}}


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("sharpe", [1.0, 3.0, 2.0], {1}),
        ("max_drawdown", [0.2, 0.1, 0.1], {1, 2}),
        ("funding", [5.0, -1.0], {1}),
        ("sharpe", [1.0, float("nan"), None], set()),
        ("sharpe", [1.0, 1.0], set()),
        ("exposure", [0.1, 0.9], set()),
        ("ended", ["end of data", "bankrupt"], set()),
    ],
)
def test_the_best_of_a_row(key, values, expected):
    assert best(key, values) == expected


def test_figures_are_in_their_unit():
    given = {"total_return": 0.0321, "max_drawdown": 0.2, "trades": 12_345, "final_equity": 1234.5, "sharpe": None, "ended": "bankrupt"}
    assert [figure(key, value) for key, value in given.items()] == ["+3.21", "20.00", "12,345", "1,234.50", "n/a", "bankrupt"]


def test_a_folder_that_is_no_run_is_named_with_what_it_lacks(tmp_path):
    run = write_run(tmp_path / "a")
    half = write_run(tmp_path / "half")
    (half / "metrics.json").unlink()
    (half / "equity.parquet").unlink()
    with pytest.raises(UserError, match=r"half: not a finished run, it has no metrics.json, no equity.parquet"):
        compare([run, half])
    with pytest.raises(UserError, match=r"nowhere: no such folder"):
        compare([run, tmp_path / "nowhere"])
    with pytest.raises(UserError, match="at least two runs, got 1"):
        compare([run])


def test_buy_and_hold_spends_all_cash_at_the_first_open():
    equity = buy_and_hold(100.0, np.array([100.0, 202.0]), cash=10_000.0, fee=0.001, slippage=0.01)
    qty = 10_000.0 / (101.0 * 1.001)
    assert equity.tolist() == [qty * 100.0, qty * 202.0]
    assert outcome(np.array([90.0, 120.0, 60.0]), 100.0) == {
        "initial_equity": 100.0, "final_equity": 60.0, "total_return": -0.4, "max_drawdown": 0.5,
    }


@pytest.mark.parametrize(("streams", "role", "last"), [(("spot_bars", "perp_bars"), "spot", 20.0), (("perp_bars",), "perp", 40.0)])
def test_what_is_held_is_the_spot_else_the_perp(streams, role, last):
    tables = {}
    for stream in streams:
        table = bars([0, 60], price=1.0)
        table["close"] = table["high"] = (1.0, 2.0 if stream == "spot_bars" else 4.0)
        tables[stream, SPOT if stream == "spot_bars" else PERP] = table
    held, ts, equity = hold_market(build("two", SPOT_AND_PERP, tables), cash=10.0, fee=0.0, slippage=0.0)
    assert (held, equity.tolist(), ts.tolist()) == (role, [10.0, last], table["ts_close"].tolist())
