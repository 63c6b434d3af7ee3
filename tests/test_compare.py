"""Runs side by side: alignment, the best of a row, and what was configured differently; buy-and-hold beside them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from run_folder import CONFIG, MINUTE, T0, TRADES, write_run
from tables import SPOT_AND_PERP, bars

from backtester.errors import UserError
from backtester.market.merge import build
from backtester.records import PERP, SPOT
from backtester.results.benchmark import buy_and_hold, hold_market, outcome
from backtester.results.catalogue import best, figure
from backtester.results.compare import compare
from backtester.results.differences import differences, sampled
from backtester.results.overlap import STANCES, shared


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
    none = {name: np.zeros(0) for name in ("side", "entry_ts", "exit_ts")}
    tables = {"equity": {"ts": index.asi8, "position_P": np.zeros(3)}, "trades": none}
    told = {"name": "idea", "metrics": {"sharpe": 2.0}, "manifest": {"config": CONFIG}, "tables": tables}
    result = SimpleNamespace(equity=pd.Series([1.0, 2.0, 3.0], index), **told)
    both = compare([write_run(tmp_path / "a"), result])
    assert both.equity["idea"].tolist() == [1.0, 2.0, 3.0]
    assert both.metrics.loc["sharpe"].tolist() == [1.5, 2.0]
    assert both.best("sharpe") == {"idea"}
    assert np.isnan(both.metrics.loc["fees", "idea"])


def test_runs_on_different_data_say_so(tmp_path):
    both = compare([write_run(tmp_path / "a"), write_run(tmp_path / "b", name="other", data={"name": "elsewhere"})])
    assert "different data (door on tiny, other on elsewhere)" in both.alignment


def test_when_each_was_in_the_market_and_whose_trades_met(tmp_path):
    hours = 60 * MINUTE
    mine = {"side": ["long", "long", "short"], "entry_ts": [T0, T0 + 10 * hours, T0 + 20 * hours]}
    its = {"side": ["long", "short"], "entry_ts": [T0 + hours, T0 + 10 * hours]}
    runs = []
    for name, told in (("a", mine), ("b", its)):
        told["exit_ts"] = [ts + 2 * hours for ts in told["entry_ts"]]
        count = len(told["side"])
        trades = {column: told.get(column, values * count) for column, values in TRADES.items()}
        runs.append(write_run(tmp_path / name, (1.0,) * 5, name=name, trades=trades))
    both = compare(runs)
    assert both.overlaps.round(3).to_numpy().tolist() == [[1.0, 0.333], [0.5, 1.0]]
    ts, stance = both.in_market("a")
    assert [(minutes([moment])[0], STANCES[code]) for moment, code in zip(pd.to_datetime(ts), stance, strict=True)] == [
        ("00:00", "flat"), ("00:01", "long"), ("00:03", "flat"),
    ]


def test_trades_that_only_touch_do_not_overlap():
    def trade(start, end):
        return {"side": np.array(["long"], object), "entry_ts": np.array([start]), "exit_ts": np.array([end])}

    others = ((10, 20), (9, 20), (-5, 0), (-5, 1), (2, 3), (-5, 20))
    assert [shared(trade(0, 10), trade(*other)) for other in others] == [0, 1, 0, 1, 1, 1]


def test_shared_trades_are_those_that_brute_force_finds():
    rng = np.random.default_rng(4)

    def trades(count):
        entry, side = rng.integers(0, 1_000, count), rng.choice(np.array(["long", "short"], object), count)
        return {"side": side, "entry_ts": entry, "exit_ts": entry + rng.integers(1, 40, count)}

    one, other = trades(60), trades(50)
    met = [
        any(s == t and a < d and c < b for t, c, d in zip(other["side"], other["entry_ts"], other["exit_ts"], strict=True))
        for s, a, b in zip(one["side"], one["entry_ts"], one["exit_ts"], strict=True)
    ]
    assert 0 < sum(met) < 60
    assert shared(one, other) == np.mean(met)


# ------------------------------------------------------------------ what is shown of a difference


def days(*returns):
    """ns of midnights and equity of runs, (days, runs), from their daily returns."""
    growth = np.cumprod(1 + np.array(returns).T, axis=0)
    equity = 1_000 * np.concatenate((np.ones((1, len(returns))), growth))
    return T0 + np.arange(len(equity)) * 1_440 * MINUTE, equity


def test_a_steady_lead_is_shown_and_a_lucky_one_is_not():
    noise = np.random.default_rng(2).normal(0.0, 0.02, 400)
    other = np.random.default_rng(3).normal(0.0, 0.02, 400)
    ts, equity = days(noise + 0.001, noise, other)
    found = {(each.better, each.worse): each for each in differences(["ahead", "same", "other"], ts, equity)}
    assert found["ahead", "same"].shown
    assert found["ahead", "same"].correlation == pytest.approx(1.0, abs=1e-4)
    assert not any(each.shown for pair, each in found.items() if "other" in pair)
    assert all(each.low <= each.growth <= each.high for each in found.values())


def test_growth_is_annualised_with_365_days_and_told_in_words():
    ts, equity = days([0.0] * 90, [0.001] * 90)
    (only,) = differences(["b", "a"], ts, equity)
    assert only.growth == pytest.approx(1.001**365 - 1, rel=1e-9)
    assert (only.low, only.high) == pytest.approx((only.growth, only.growth))
    assert only.sentence == "a beats b by 44.0 % a year, interval +44.0 … +44.0: shown"
    assert np.isnan(only.correlation)


def test_a_short_period_is_sampled_by_the_hour_and_a_very_short_one_has_no_interval():
    ts = T0 + np.arange(0, 30 * 60) * MINUTE
    samples, step = sampled(ts, np.arange(len(ts))[:, None])
    assert (step, samples[:3, 0].tolist(), len(samples)) == (60 * MINUTE, [0, 60, 120], 30)
    (brief,) = differences(["a", "b"], ts[: 10 * 60], 1_000 + np.stack((ts, -ts), 1)[: 10 * 60] / 1e15)
    assert brief.sentence.endswith(": too short to say more")


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
