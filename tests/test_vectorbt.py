"""An independent check of the accounting: vectorbt replays our fills and must arrive at our equity."""

import numpy as np
import pytest
from tables import sample_market

import backtester as bt
from backtester.market.merge import build

pytestmark = pytest.mark.filterwarnings("ignore")  # vectorbt's own, about its dependencies


@pytest.fixture(scope="module")
def replay():
    """(our equity, vectorbt's) at every close, of a strategy that flips many times, without funding, which vectorbt does not know."""
    import pandas as pd
    import vectorbt as vbt

    whole = sample_market(20)
    market = build("no funding", whole.instruments, {key: table for key, table in whole.tables.items() if key[0] != "funding"})
    result = bt.run(market, "divergence", venue={"missing_funding": "free", "cash": 1e6}, premium_delta_bp=1.5)
    perp = market.tables["perp_bars", 1]
    at = pd.to_datetime(perp["ts_event"])
    fills = result.fills.set_index("ts")
    place = at.get_indexer(fills.index.tz_localize(None))
    size, price, fee = np.zeros(len(at)), perp["open"].copy(), np.zeros(len(at))
    size[place], price[place], fee[place] = fills["qty"], fills["price"], fills["fee"]
    portfolio = vbt.Portfolio.from_orders(
        pd.Series(perp["close"], at), size=np.where(size == 0.0, np.nan, size), price=price, fixed_fees=fee, fees=0.0, slippage=0.0,
        init_cash=1e6, allow_partial=False, raise_reject=True, freq="1min",
    )
    return result, portfolio


def test_the_equity_of_our_fills_is_vectorbts(replay):
    result, portfolio = replay
    assert result.metrics["fills"] > 50
    np.testing.assert_allclose(result.equity.to_numpy(), portfolio.value().to_numpy(), rtol=1e-12)


def test_fees_and_trades_agree(replay):
    result, portfolio = replay
    assert portfolio.orders.count() == result.metrics["fills"]
    assert portfolio.orders.fees.sum() == pytest.approx(result.metrics["fees"], rel=1e-12)
    closed = portfolio.trades.closed
    assert closed.count() == result.metrics["trades"]
    np.testing.assert_allclose(closed.pnl.values, result.trades["pnl"], rtol=1e-9)
