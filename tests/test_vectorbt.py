"""Our runs in vectorbt, built from their fills: its curve and its trades are ours, whatever the venue did beside fills; and vectorbt's
own strategies in our venue."""

import numpy as np
import pandas as pd
import pytest
from examples import blocks, dip_buyer
from tables import sample_market

import backtester as bt
from backtester import api
from backtester.errors import UserError
from backtester.market.merge import build
from backtester.market.signals import known_at, positions_of, with_signals
from backtester.results.portfolio import check
from benchmarks.support import Support

pytestmark = pytest.mark.filterwarnings("ignore")  # vectorbt's own, about its dependencies
DAYS = 6
VENUES = {
    "cross": {"leverage": 5.0, "cash": 1e5},
    "isolated, liquidated": {"leverage": 50.0, "margin": "isolated", "cash": 1e4},
    "isolated, liquidated at the market": {"leverage": 50.0, "margin": "isolated", "liquidation": "mark_slip", "cash": 1e4},
    "cross, liquidated": {"leverage": 50.0, "cash": 1e4},
    "rebates": {"leverage": 5.0, "maker_bp": -1.0, "taker_bp": -0.5, "cash": 1e5},
}


def swings(market, share, every=7, seed=5):
    """Positions that turn around at random bars of the perpetual, as shares of equity."""
    rng, opens = np.random.default_rng(seed), market.tables["perp_bars", 1]["ts_event"][60::every]
    held = np.where(rng.random(len(opens)) < 0.03, rng.choice([-share, 0.0, share], len(opens)), np.nan)
    return pd.Series(held, pd.to_datetime(opens, utc=True)).ffill().fillna(0.0)


@pytest.fixture(scope="module")
def market():
    return sample_market(DAYS)


@pytest.fixture(scope="module", params=list(VENUES))
def run(request, market):
    share = 40.0 if "liquidated" in request.param else 3.0
    return request.param, bt.run(with_signals(market, swings(market, share)), "signals", size="share", venue=VENUES[request.param])


def test_the_curve_is_ours(run):
    name, result = run
    portfolio = result.to_vectorbt()
    ours = result.equity.to_numpy()
    apart = np.abs(portfolio.value().to_numpy() - ours) / np.maximum(np.abs(ours), ours[0])
    assert apart.max() < 1e-12
    assert result.metrics["funding"] != 0.0
    assert (result.metrics["liquidations"] > 0) == ("liquidated" in name)
    assert portfolio.total_return() == pytest.approx(result.metrics["total_return"], rel=1e-9, abs=1e-12)
    assert -portfolio.max_drawdown() == pytest.approx(result.metrics["max_drawdown"], rel=1e-9)


def test_its_trades_are_ours(run):
    _, result = run
    closed = result.to_vectorbt().trades.closed
    assert closed.count() == result.metrics["trades"] > 0
    np.testing.assert_allclose(closed.pnl.values, result.trades["pnl"], rtol=1e-9)
    assert closed.win_rate() == pytest.approx(result.metrics["win_rate"], rel=1e-12)
    assert closed.profit_factor() == pytest.approx(result.metrics["profit_factor"], rel=1e-9)
    records = closed.records_readable
    assert (records["Direction"].str.lower() == result.trades["side"]).all()


def test_fees_stay_fees(run):
    _, result = run
    portfolio = result.to_vectorbt()
    assert portfolio.orders.count() == result.metrics["fills"]
    assert portfolio.orders.fees.sum() == pytest.approx(result.metrics["fees"], rel=1e-12)


@pytest.mark.parametrize("run", ["cross"], indirect=True)
def test_its_statistics_and_pictures_work(run):
    _, result = run
    portfolio = result.to_vectorbt()
    stats = portfolio.stats()
    assert stats["Total Fees Paid"] == pytest.approx(result.metrics["fees"], rel=1e-9)
    assert stats["Total Closed Trades"] == result.metrics["trades"]
    assert stats["Win Rate [%]"] == pytest.approx(100 * result.metrics["win_rate"])
    assert stats["End Value"] == pytest.approx(result.metrics["final_equity"], abs=1e-6)
    assert len(portfolio.plot().data) > 3


def test_several_fills_in_a_bar(market, tmp_path):
    result = bt.run(market, dip_buyer(tmp_path), stop_bp=5.0, target_bp=5.0)
    portfolio = result.to_vectorbt()
    rows = portfolio.orders.records["idx"]
    assert rows.duplicated().sum() > 5
    np.testing.assert_allclose(portfolio.value().to_numpy(), result.equity.to_numpy(), rtol=1e-12)
    np.testing.assert_allclose(portfolio.trades.closed.pnl.values, result.trades["pnl"], rtol=1e-9)


def test_two_instruments_share_one_cash(market):
    """Spot is bought, the perpetual sold against it, and both pay from one cash; the perpetual pays funding."""
    result = bt.run(market, Support, support=1e9, premium_delta_bp=2.0, qty=0.5, venue={"cash": 1e6})
    assert set(result.fills["instrument"]) == {"BTC-SPOT", "BTC-PERP"}
    assert result.metrics["funding"] != 0.0
    portfolio = result.to_vectorbt()
    np.testing.assert_allclose(portfolio.value().to_numpy(), result.equity.to_numpy(), rtol=1e-12)
    assert portfolio.wrapper.columns.tolist() == ["BTC-SPOT", "BTC-PERP"]
    assert portfolio.trades.count() == len(result.trades) + 2 * int(result.equity_table["position_BTC-SPOT"].iloc[-1] != 0.0)


def test_what_was_never_traded_is_flat(market):
    flat = pd.Series([0.0], pd.to_datetime(market.tables["perp_bars", 1]["ts_event"][:1], utc=True))
    portfolio = bt.run(with_signals(market, flat), "signals").to_vectorbt()
    assert portfolio.trades.count() == 0
    assert set(portfolio.value()) == {100_000.0}


def test_marks_that_are_no_closes(market):
    """A mark stream that lies apart from the perpetual's own price values the position in both."""
    marks = market.tables["perp_bars", 1].copy()
    for name in ("open", "high", "low", "close"):
        marks[name] = np.round(marks[name] * 1.001, 1)
    marked = build("marked", market.instruments, dict(market.tables) | {("mark_bars", 1): marks[: len(marks) // 2]}, market.tags)
    result = bt.run(with_signals(marked, swings(market, 3.0)), "signals", size="share", venue={"cash": 1e5})
    np.testing.assert_allclose(result.to_vectorbt().value().to_numpy(), result.equity.to_numpy(), rtol=1e-12)


def test_a_portfolio_that_is_not_the_run_is_refused():
    check(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-10]))
    with pytest.raises(UserError, match=r"row 1 of the equity: 2\.00, and 3\.00 in vectorbt"):
        check(np.array([1.0, 3.0]), np.array([1.0, 2.0]))


# ------------------------------------------------------------------ the other way


def test_vectorbts_entries_and_exits_run_in_our_venue(market):
    """Without costs, funding and margin in the way, a vectorbt portfolio that fills at the next open is ours."""
    import vectorbt as vbt

    free = build("free", market.instruments, {key: table for key, table in market.tables.items() if key[0] != "funding"})
    perp = free.tables["perp_bars", 1]
    close = pd.Series(perp["close"], pd.to_datetime(perp["ts_event"], utc=True))
    fast, slow = close.rolling(60).mean(), close.rolling(240).mean()
    entries, exits = (fast > slow) & (fast.shift() <= slow.shift()), (fast < slow) & (fast.shift() >= slow.shift())
    theirs = vbt.Portfolio.from_signals(
        close, entries.shift(fill_value=False), exits.shift(fill_value=False), price=pd.Series(perp["open"], close.index), size=1.0,
        init_cash=1e6, freq="1min",
    )
    venue = {"cash": 1e6, "taker_bp": 0.0, "slippage_bp": 0.0, "missing_funding": "free"}
    ours = bt.run(with_signals(free, pd.DataFrame({"entries": entries, "exits": exits})), "signals", venue=venue)
    assert ours.metrics["fills"] > 10
    np.testing.assert_allclose(ours.equity.to_numpy(), theirs.value().to_numpy(), rtol=1e-12)
    # and the portfolio itself, whose positions are known a bar later: by the same bars
    again = bt.run(with_signals(free, theirs), "signals", venue=venue)
    assert again.metrics["fills"] == ours.metrics["fills"]
    assert list(again.fills["qty"]) == list(ours.fills["qty"])
    assert (again.fills["ts"] - ours.fills["ts"] == pd.Timedelta("1min")).all()


def test_a_signal_is_filled_at_the_open_after_it_is_known(market):
    perp = market.tables["perp_bars", 1]
    at = pd.to_datetime(perp["ts_event"][[100, 200]], utc=True)
    result = bt.run(with_signals(market, pd.Series([2.0, -1.0], at)), "signals", scale=0.5)
    assert [(ts.value, qty, reason) for ts, qty, reason in zip(*(result.fills[name] for name in ("ts", "qty", "reason")), strict=True)] == [
        (perp["ts_event"][101], 1.0, "long"), (perp["ts_event"][201], -1.5, "short"),
    ]
    ends = pd.to_datetime(perp["ts_close"][[100, 200]], utc=True)
    assert bt.run(with_signals(market, pd.Series([2.0, -1.0], ends), stamp="close"), "signals", scale=0.5).fills.equals(result.fills)
    known = pd.to_datetime(perp["ts_known"][[100, 200]] + 1, utc=True)  # a nanosecond too late for the bar
    late = bt.run(with_signals(market, pd.Series([2.0, -1.0], known), stamp="known"), "signals", scale=0.5)
    assert [ts.value for ts in late.fills["ts"]] == perp["ts_event"][[102, 202]].tolist()


def test_entries_and_exits_are_positions():
    index = pd.date_range("2025-01-01", periods=8, freq="min")
    table = pd.DataFrame(
        {
            "entries": [0, 1, 0, 1, 0, 1, 1, 0], "exits": [0, 0, 0, 1, 1, 0, 0, 1],
            "short_entries": [0, 0, 1, 0, 0, 0, 1, 0], "short_exits": [1, 0, 0, 0, 1, 0, 0, 0],
        },
        index,
    ).astype(bool)
    ts, held = positions_of(table)
    changes = [(pd.Timestamp(moment).minute, to) for moment, to in zip(ts, held, strict=True)]
    assert changes == [(1, 1.0), (2, -1.0), (4, 0.0), (5, 1.0), (7, 0.0)]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_signals_come_from_a_file(suffix, market, tmp_path):
    table = pd.DataFrame({"ts": pd.to_datetime(market.tables["perp_bars", 1]["ts_event"][[10, 20]], utc=True), "target": [1.0, 0.0]})
    path = tmp_path / f"signals.{suffix}"
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path)
    rows = with_signals(market, path).tables["exogenous", 0]
    assert rows["weight"].tolist() == [1.0, 0.0]
    assert rows["ts_known"].tolist() == market.tables["perp_bars", 1]["ts_known"][[10, 20]].tolist()


@pytest.mark.parametrize(
    ("signals", "told"),
    [
        (pd.Series([1.0], pd.to_datetime(["2025-04-01T00:00:30"])), r"row 0: .* has no bar that opens at 2025-04-01T00:00:30"),
        (pd.Series([1.0, 2.0], pd.to_datetime(["2025-04-02", "2025-04-01"])), "row 1: 2025-04-01 00:00:00.* does not come after"),
        (pd.Series([np.nan], pd.to_datetime(["2025-04-01"])), "row 0: the position is nan: write a number"),
        (pd.Series([1.0]), "Series is none: give a Series of positions"),
        (pd.DataFrame({"buy": [1], "sell": [0]}, pd.to_datetime(["2025-04-01"])), "columns buy, sell: there is no target"),
        ("nowhere.csv", "nowhere.csv: no such file"),
        ("signals.xls", "signals come as .parquet or .csv"),
    ],
)
def test_what_is_no_signal_is_told(signals, told, market):
    with pytest.raises(UserError, match=told):
        with_signals(market, signals)


def test_of_several_bars_that_open_together_the_last_known_counts(market):
    spot = market.tables["spot_bars", 0].copy()
    spot["ts_known"] += 5
    both = build("late", market.instruments, dict(market.tables) | {("spot_bars", 0): spot}, market.tags)
    opens = spot["ts_event"][:3]
    assert known_at(both, opens, "open").tolist() == spot["ts_known"][:3].tolist()


def test_the_python_of_the_document_runs(market, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(api, "load", lambda name: market)
    monkeypatch.chdir(tmp_path)
    for n, source in enumerate(blocks("docs/report.md")):
        exec(compile(source, f"docs/report.md, block {n}", "exec"), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["equity.png", "report.html"]
    assert len(capsys.readouterr().out.split()) == 4
