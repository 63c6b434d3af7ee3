"""Runs on real data against a calculation in plain pandas that shares no code with the engine."""

import numpy as np
import pandas as pd
import pytest

import backtester as bt
from backtester.sources.recipe import import_recipe

pytestmark = pytest.mark.real_data
FEE, SLIP, CASH = 5e-4, 1e-4, 100_000.0


@pytest.fixture(scope="module")
def market(real_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "btc_5m"
    import_recipe("btc_5m", real_data, folder)
    return bt.load(folder)


@pytest.fixture(scope="module")
def raw(real_data):
    """Spot and perp bars indexed by open time, and funding by settlement, 2023-01 to 2025-03."""
    names = ("btcusdt_spot_5m", "btcusdt_perp_5m")
    frames = [pd.read_parquet(real_data / f"{name}.parquet").set_index("ts").sort_index() for name in names]
    rates = pd.read_parquet(real_data / "btcusdt_funding_8h.parquet").set_index("ts").sort_index()["funding_rate"]
    inside = slice(pd.Timestamp("2023-01-01", tz="UTC"), pd.Timestamp("2025-03-31 23:59:59", tz="UTC"))
    rates.index = rates.index.floor("min")
    return frames[0].loc[inside], frames[1].loc[inside], rates.loc[inside]


def expected(perp, rates, fills):
    """Fees, funding and final equity of signed fills at the opens of `perp` (quantities indexed by open time)."""
    price = perp["open"].loc[fills.index] * (1 + SLIP * np.sign(fills))
    fees = (fills.abs() * price * FEE).sum()
    position = fills.reindex(perp.index).fillna(0.0).cumsum()
    # at each settlement the position before any fill stamped with it, at the last close known: that of the bar before
    before = perp.index.searchsorted(rates.index) - 1
    rates, before = rates[before >= 0], before[before >= 0]
    funding = (position.iloc[before].to_numpy() * perp["close"].iloc[before].to_numpy() * rates.to_numpy()).sum()
    cash = CASH - (fills * price).sum() - fees - funding
    return fees, funding, cash + position.iloc[-1] * perp["close"].iloc[-1]


def agree(result, fees, funding, equity):
    assert result.metrics["fees"] == pytest.approx(fees, rel=1e-9)
    assert result.metrics["funding"] == pytest.approx(funding, rel=1e-9)
    assert result.metrics["final_equity"] == pytest.approx(equity, rel=1e-9)


def test_holding_the_perpetual(market, raw):
    _, perp, rates = raw
    result = bt.run(market, "buy_and_hold", role="perp", qty=1.0)
    agree(result, *expected(perp, rates, pd.Series([1.0], [perp.index[0]])))
    assert result.metrics["fills"] == 1


def test_divergence(market, raw):
    spot, perp, rates = raw
    bars, delta = 30, 3.0
    pair = pd.concat({"spot": spot["close"], "perp": perp["close"]}, axis=1, join="inner")
    premium = (pair["spot"] - pair["perp"]) / pair["perp"] * 1e4
    rose, moved = premium.diff(bars), pair["perp"].diff(bars)
    wish = pd.Series(np.select([(moved < 0) & (rose > delta), (moved > 0) & (rose < -delta)], [1.0, -1.0], np.nan), pair.index)
    target = wish.reindex(perp.index).ffill().fillna(0.0)  # decided at the close of that bar
    fills = target.diff().fillna(target).shift(1).dropna()  # at the open of the next
    fills = fills[fills != 0.0]
    result = bt.run(market, "divergence", venue={"cash": 1e6}, bars=bars, premium_delta_bp=delta, qty=1.0)
    ours = result.fills.set_index("ts")["qty"]
    assert list(ours.index) == list(fills.index)
    assert list(ours) == list(fills)
    assert len(fills) > 500
    fees, funding, equity = expected(perp, rates, fills)
    agree(result, fees, funding, equity - CASH + 1e6)
