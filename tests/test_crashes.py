"""Five crashes of two real data sets: isolated longs are liquidated in the very bar in which plain pandas says so.

The expectation shares no code with the engine: bars and funding from the raw files, the tier of the margin brackets found by
going from tier to tier until the notional at the liquidation price lies in it.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml
from scripted import PERP, Scripted

import backtester as bt
from backtester.sources.recipe import import_recipe

pytestmark = pytest.mark.real_data
ROOT = Path(__file__).resolve().parents[1]
CRASHES = {  # data set: the midnights at which a long is opened
    "btc_1h": ("2020-03-12", "2021-05-19", "2021-12-04", "2022-11-08", "2024-08-04"),
    "btc_5m": ("2023-08-17", "2024-01-03", "2024-03-05", "2024-04-13", "2024-08-04"),
}
FILES = {"btc_1h": ("btcusdt_perp_1h", "btcusdt_mark_1h"), "btc_5m": ("btcusdt_perp_5m", "btcusdt_perp_5m")}  # of trades, of the mark
LEVERAGES = (5, 10, 20, 50)
DAYS, QTY, CASH, TAKER, SLIP, FEE = 3, 5.0, 200_000.0, 5e-4, 1e-4, 0.0125
UTC = "UTC"


@dataclass(frozen=True)
class Ending:
    """How a long ended: where it was liquidated."""

    bar: pd.Timestamp  # its open
    price: float  # quote, the liquidation price
    bankruptcy: float  # quote
    wallet: float  # quote, what was left of the margin, all of which is lost
    margin: float  # quote, at the entry
    low: float  # quote, of the mark in that bar


@dataclass(frozen=True)
class Raw:
    """The raw files of a data set, by open time, and margin brackets."""

    perp: pd.DataFrame
    mark: pd.DataFrame
    rates: pd.Series  # by settlement
    versions: list

    @classmethod
    def read(cls, folder, name):
        frames = [pd.read_parquet(folder / f"{file}.parquet").set_index("ts").sort_index() for file in FILES[name]]
        rates = pd.read_parquet(folder / "btcusdt_funding_8h.parquet").set_index("ts").sort_index()["funding_rate"]
        rates.index = rates.index.floor("min")
        return cls(*frames, rates, yaml.safe_load((ROOT / "data" / "brackets" / "binance_btcusdt.yaml").read_text())["versions"])

    def tiers(self, moment):
        """[cap, rate, leverage] of the version in force."""
        return [v["tiers"] for v in self.versions if pd.Timestamp(v["valid_from"]).tz_localize(None) <= moment.tz_localize(None)][-1]


def liquidation_price(tiers, entry, wallet):
    """Of a long, from tier to tier: wallet + qty (price - entry) = qty price rate - amount."""
    amount, below = 0.0, None
    for cap, rate, _ in tiers:
        if below is not None:
            amount += below[0] * (rate - below[1])
        price = (QTY * entry - wallet - amount) / (QTY * (1.0 - rate))
        if QTY * price <= cap:
            return price
        below = (cap, rate)
    return price


def expected(raw: Raw, midnight: str, leverage: int) -> Ending | None:
    """The first bar whose mark's low is at or below the liquidation price, which funding moves; None where there is none."""
    start = pd.Timestamp(midnight, tz=UTC)
    inside = slice(start, start + pd.Timedelta(days=DAYS) - pd.Timedelta("1ns"))
    entry = raw.perp["open"].loc[start] * (1.0 + SLIP)
    margin = wallet = QTY * entry / leverage
    for bar, mark in raw.mark.loc[inside].iterrows():
        if bar > start and bar in raw.rates.index:  # paid on the last close, that of the bar before
            wallet -= QTY * raw.mark["close"].loc[:bar].iloc[-2] * raw.rates.loc[bar]
        price = liquidation_price(raw.tiers(bar), entry, wallet)
        if mark["low"] <= price:
            return Ending(bar, price, entry - wallet / QTY, wallet, margin, mark["low"])
    return None


def run(folder, midnight: str, leverage: int, liquidation: str):
    """A long of QTY from midnight on, isolated."""
    end = pd.Timestamp(midnight) + pd.Timedelta(days=DAYS)
    venue = {
        "cash": CASH,
        "margin": "isolated",
        "leverage": leverage,
        "liquidation": liquidation,
        "taker_bp": TAKER * 1e4,
        "slippage_bp": SLIP * 1e4,
    }
    return bt.run(bt.load(folder, midnight, f"{end:%Y-%m-%d}"), Scripted, venue=venue, at1=0, role1=PERP, qty1=QTY)


def bar_of(fills, minutes: int):
    """The open of the bar in which the last fill, a liquidation, happened."""
    return fills["ts"].iloc[-1].floor(f"{minutes}min")


def compare(raw: Raw, folder, name: str, midnight: str, leverage: int) -> tuple[Ending | None, dict]:
    """The expected ending and what the engine made of it. Raises AssertionError where they differ."""
    want, minutes = expected(raw, midnight, leverage), 60 if name == "btc_1h" else 5
    broken, sold = (run(folder, midnight, leverage, liquidation) for liquidation in ("bankruptcy", "mark_slip"))
    if want is None:
        assert broken.metrics["liquidations"] == sold.metrics["liquidations"] == 0
        return want, {}
    for result in (broken, sold):
        assert result.metrics["liquidations"] == 1
        assert bar_of(result.fills, minutes) == want.bar
    fill, ledger = broken.fills.iloc[-1], broken.ledger.set_index("kind")["amount"]
    assert fill["price"] == pytest.approx(want.bankruptcy, rel=1e-9)
    assert ledger["liquidation"] == pytest.approx(-want.wallet, rel=1e-9)
    loss = want.margin * (1.0 + leverage * TAKER)  # the margin, a part of it by funding, and the fee of the entry
    assert broken.trades["pnl"].tolist() == [pytest.approx(-loss, rel=1e-9)]
    assert broken.metrics["final_equity"] == pytest.approx(CASH - loss, rel=1e-9)
    best = sold.fills.iloc[-1]["price"] / (1.0 - SLIP)
    if name == "btc_5m" and sold.fills["ts"].iloc[-1] != want.bar:  # the mark is the price, met on the path: sold where it was reached
        assert best == pytest.approx(want.price, rel=1e-9)
    assert best <= want.price * (1.0 + 1e-9)
    after = sold.ledger[sold.ledger["ts"] == sold.fills["ts"].iloc[-1]].set_index("kind")["amount"]
    assert after["liquidation_fee"] == pytest.approx(-QTY * sold.fills.iloc[-1]["price"] * FEE, rel=1e-9)
    return want, {"loss": loss, "sold at": sold.fills.iloc[-1]["price"], "insurance": after.get("insurance", 0.0)}


@pytest.fixture(scope="module", params=CRASHES)
def crashes(request, real_data, tmp_path_factory):
    """(name, raw files, folder of the imported data set)"""
    folder = tmp_path_factory.mktemp("data") / request.param
    import_recipe(request.param, real_data, folder)
    return request.param, Raw.read(real_data, request.param), folder


def test_a_long_is_liquidated_where_pandas_says_so(crashes):
    name, raw, folder = crashes
    endings = {
        (midnight, leverage): compare(raw, folder, name, midnight, leverage)[0] for midnight in CRASHES[name] for leverage in LEVERAGES
    }
    assert len(endings) == 20
    assert all(endings[midnight, 50] for midnight in CRASHES[name])  # all of these are crashes
    bars = [[endings[midnight, leverage].bar for leverage in LEVERAGES[::-1] if endings[midnight, leverage]] for midnight in CRASHES[name]]
    assert bars == [sorted(each) for each in bars]  # the higher the leverage, the sooner
    assert any(len(set(each)) > 2 for each in bars)
    assert None in endings.values()
