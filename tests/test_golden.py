"""The strategy `divergence` on a year of minutes, against the C loop that other backtesters were measured by."""

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scripted import INSTRUMENTS

import backtester as bt
from backtester.market.merge import build
from backtester.records import BAR, rows

MINUTE = 60 * 10**9
PEERS = Path(__file__).resolve().parents[2] / "shared" / "peers"
REC = np.dtype([("i", "i8"), ("size", "f8"), ("price", "f8"), ("fee", "f8"), ("side", "i1")], align=True)
OUT = np.dtype([("equity", "f8"), ("maxdd", "f8"), ("fills", "i8"), ("sum", "f8"), ("sumsq", "f8")])
FINAL = 9_407_128.579647448


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """The peers' year of minutes: spot closes and bars of the perpetual."""
    if not (PEERS / "gen_data.py").is_file():
        pytest.skip(f"no peers at {PEERS}: the generator of their data is not there")
    import pyarrow.parquet as pq

    file = tmp_path_factory.mktemp("peers") / "year.parquet"
    subprocess.run([sys.executable, PEERS / "gen_data.py", file], check=True, capture_output=True)
    table = pq.ParquetFile(file).read()
    return {name: table[name].to_numpy() for name in table.column_names}


@pytest.fixture(scope="module")
def in_c(year, tmp_path_factory):
    """(equity at every close, fills) of the C loop."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler: install cc to compare with the C loop")
    library = tmp_path_factory.mktemp("c") / "floor.so"
    subprocess.run(["cc", "-O3", "-ffp-contract=off", "-shared", "-fPIC", "-o", library, PEERS / "floor.c", "-lm", "-lpthread"], check=True)
    n = len(year["close"])
    equity, premium, fills, out = np.zeros(n), np.zeros(n), np.zeros(n, REC), np.zeros(1, OUT)
    inputs = [np.ascontiguousarray(year[name]) for name in ("spot_close", "open", "close")]
    number = ctypes.c_double
    ctypes.CDLL(str(library)).run_full(
        *(ctypes.c_void_p(a.ctypes.data) for a in inputs), ctypes.c_int64(n), ctypes.c_int(30), number(10.0), number(1e7), number(1.0),
        number(5e-4), number(1e-4), *(ctypes.c_void_p(a.ctypes.data) for a in (equity, fills, premium, out)),
    )
    return equity, fills[: out["fills"][0]]


@pytest.fixture(scope="module")
def result(year):
    ts = year["ts"].astype("M8[ns]").astype("i8")

    def bars(open_, high, low, close):
        out = rows(BAR, len(ts))
        out["ts_event"], out["ts_close"], out["ts_known"] = ts, ts + MINUTE, ts + MINUTE + MINUTE // 120
        out["open"], out["high"], out["low"], out["close"], out["volume"] = open_, high, low, close, year["volume"]
        out["quote_volume"] = out["taker_buy"] = np.nan
        return out

    spot, perp = year["spot_close"], [year[name] for name in ("open", "high", "low", "close")]
    market = build("peers", INSTRUMENTS, {("spot_bars", 0): bars(spot, spot, spot, spot), ("perp_bars", 1): bars(*perp)})
    venue = {"cash": 1e7, "taker_bp": 5.0, "slippage_bp": 1.0, "missing_funding": "free", "maintenance_bp": 40.0}
    return bt.run(market, "divergence", venue=venue, bars=30, premium_delta_bp=10.0, qty=1.0)


def test_the_number_of_fills_and_the_final_equity(result):
    assert result.metrics["fills"] == 4399
    assert result.metrics["final_equity"] == pytest.approx(FINAL, rel=1e-9)


def test_every_fill_and_every_close_equal_the_c_loop(result, in_c, year):
    equity, fills = in_c
    ours = result.tables["fills"]
    ts = year["ts"].astype("M8[ns]").astype("i8")
    np.testing.assert_array_equal(ours["ts"], ts[fills["i"]])
    np.testing.assert_array_equal(ours["qty"], np.where(fills["side"] == 0, fills["size"], -fills["size"]))
    np.testing.assert_array_equal(ours["price"], fills["price"])
    np.testing.assert_array_equal(ours["fee"], fills["fee"])
    np.testing.assert_allclose(result.tables["equity"]["equity"], equity, rtol=1e-12)
