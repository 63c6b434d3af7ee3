"""The metrics of a run, against pandas on the equity curve that it wrote."""

import math

import numpy as np
import pandas as pd
import pytest
from examples import dip_buyer
from tables import sample_market

import backtester as bt
from backtester.results.metrics import growth, profit_factor

DAY, HOUR = pd.Timedelta("1D"), pd.Timedelta("1h")


@pytest.fixture(scope="module", params=[60, 10])
def result(request):
    return bt.run(sample_market(request.param), "divergence", premium_delta_bp=2.0, qty=0.3)


def test_ratios_equal_pandas_on_the_sampled_curve(result):
    step = DAY if result.metrics["sampling"] == "daily" else HOUR
    start = pd.Timestamp(result.market.start, tz="UTC")
    curve = pd.concat([pd.Series([result.metrics["initial_equity"]], [start]), result.equity])
    grid = pd.date_range(start.ceil(step), curve.index[-1], freq=step)
    returns = curve.asof(grid).pct_change().dropna()
    a_year = pd.Timedelta("365D") / step
    assert result.metrics["volatility"] == pytest.approx(returns.std(ddof=1) * math.sqrt(a_year), rel=1e-9)
    assert result.metrics["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(a_year), rel=1e-9)
    below = math.sqrt((returns.clip(upper=0) ** 2).mean())
    assert result.metrics["sortino"] == pytest.approx(returns.mean() / below * math.sqrt(a_year), rel=1e-9)


def test_sixty_days_are_sampled_daily_and_less_hourly(result):
    days = (result.market.end - result.market.start) / DAY.value
    assert result.metrics["sampling"] == ("daily" if days >= 60 else "hourly")


def test_return_drawdown_and_exposure_equal_the_curve(result):
    table, metrics = result.equity_table, result.metrics
    assert metrics["final_equity"] == table["equity"].iloc[-1]
    assert metrics["total_return"] == table["equity"].iloc[-1] / metrics["initial_equity"] - 1
    peak = table["equity"].cummax().clip(lower=metrics["initial_equity"])
    np.testing.assert_array_equal(table["drawdown"], 1 - table["equity"] / peak)
    assert metrics["max_drawdown"] == table["drawdown"].max()
    assert metrics["exposure"] == (table["position_BTC-PERP"] != 0).mean()
    years = (result.market.end - result.market.start) / (365 * DAY.value)
    assert metrics["cagr"] == pytest.approx((1 + metrics["total_return"]) ** (1 / years) - 1, rel=1e-12)
    assert metrics["calmar"] == pytest.approx(metrics["cagr"] / metrics["max_drawdown"], rel=1e-12)


def test_costs_and_trades_equal_the_tables(result):
    metrics, fills, trades, ledger = result.metrics, result.fills, result.trades, result.ledger
    assert (metrics["fills"], metrics["trades"], metrics["orders"]) == (len(fills), len(trades), len(result.orders))
    assert metrics["trades"] > 5
    assert metrics["fees"] == pytest.approx(fills["fee"].sum(), rel=1e-12)
    assert metrics["fees"] == pytest.approx(-ledger.query("kind == 'fee'")["amount"].sum(), rel=1e-12)
    assert metrics["funding"] == pytest.approx(-ledger.query("kind == 'funding'")["amount"].sum(), rel=1e-12)
    assert metrics["slippage"] == pytest.approx(fills["slippage"].sum(), rel=1e-12)
    assert metrics["turnover"] == pytest.approx((fills["qty"].abs() * fills["price"]).sum() / metrics["initial_equity"], rel=1e-12)
    won = trades["pnl"] > 0
    assert metrics["win_rate"] == won.mean()
    assert metrics["profit_factor"] == pytest.approx(trades["pnl"][won].sum() / -trades["pnl"][~won].sum(), rel=1e-9)


def test_trades_and_the_open_position_explain_the_whole_gain(result):
    last, entry = result.equity_table.iloc[-1], result.fills.iloc[-1]
    perp = result.market.streams.bars[int(np.flatnonzero(result.market.streams.bars["ts_close"] == result.market.end)[-1])]
    since = result.ledger[result.ledger["ts"] >= entry["ts"]]
    fee = entry["fee"] * abs(last["position_BTC-PERP"]) / abs(entry["qty"])
    paid = since.query("kind == 'funding'")["amount"].sum() - fee
    still_open = last["position_BTC-PERP"] * (perp["close"] - entry["price"]) + paid
    gain = last["equity"] - result.metrics["initial_equity"]
    assert result.trades["pnl"].sum() + still_open == pytest.approx(gain, rel=1e-9)


def test_what_the_winners_owe_to_their_entry_bars(tmp_path):
    """Where the low always comes first, a bid and its target often fill in one bar."""
    result = bt.run(sample_market(5), dip_buyer(tmp_path), venue={"path": "olhc"}, dip_bp=10.0, stop_bp=8.0, target_bp=8.0)
    trades = result.trades
    won = trades[trades["pnl"] > 0]
    quick = won[won["entry_ts"].dt.floor("min") == won["exit_ts"].dt.floor("min")]
    assert 0 < len(quick) < len(won)
    assert result.metrics["entry_bar_share"] == pytest.approx(quick["pnl"].sum() / won["pnl"].sum(), rel=1e-9)
    assert math.isnan(bt.run(sample_market(5), "buy_and_hold").metrics["entry_bar_share"])


def test_refused_orders_are_counted():
    result = bt.run(sample_market(5), "divergence", venue={"cash": 5_000.0}, premium_delta_bp=2.0, qty=0.3)
    assert result.metrics["refused"] == (result.orders["status"] == "refused").sum() > 5
    assert set(result.orders["refusal"]) == {"initial margin"}
    assert result.metrics["no_room"] == 0


@pytest.mark.parametrize(("total", "years", "expected"), [(0.1, 1, 0.1), (0.21, 2, 0.1), (-1.0, 1, -1.0), (-1.5, 1, -1.0)])
def test_growth(total, years, expected):
    assert growth(total, years) == pytest.approx(expected, rel=1e-12)


def test_growth_without_a_finite_value_is_nan():
    assert math.isnan(growth(1e6, 1e-6))


def test_profit_factor_without_losses_or_trades():
    assert (profit_factor(3.0, 2.0), profit_factor(3.0, 0.0)) == (1.5, math.inf)
    assert math.isnan(profit_factor(0.0, 0.0))
