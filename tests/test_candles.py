"""Candles of other exchanges: page by page into days, each day once, into a data set of their own or beside another exchange's."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest

from backtester.errors import UserError
from backtester.market.dataset import load
from backtester.sources.candles import candles, fetch_candles
from backtester.sources.fetch import read_request

START = 1_747_353_600_000  # 2025-05-16
MINUTE = 60_000


class Exchange:
    """Minutes at 100 and a little, but for a hole; at most `page` at once, and never more than asked for."""

    def __init__(self, level=100.0, page=300, hole=(0, 0)):
        self.level, self.page, self.hole, self.asked = level, page, hole, []

    def fetch_ohlcv(self, symbol, timeframe, since, limit):
        self.asked.append(((since - START) // MINUTE, limit))
        stamps = [since + MINUTE * n for n in range(min(limit, self.page))]
        return [self.row(stamp) for stamp in stamps if not self.hole[0] <= (stamp - START) // MINUTE < self.hole[1]]

    def row(self, stamp):
        price = self.level + (stamp // MINUTE % 7) / 100
        return [stamp, price, price + 0.1, price - 0.1, price, 2.5]


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    for module in ("sources.candles", "market.write", "market.dataset"):
        monkeypatch.setattr(f"backtester.{module}.ROOT", tmp_path)
    return tmp_path


def asked(here, symbol, name=None, interval="1m", end="2025-05-18"):
    return read_request(symbol, "2025-05-16", end, interval, None, name, here / "raw")


def test_a_day_is_asked_page_by_page_and_a_long_hole_is_passed():
    exchange = Exchange(hole=(310, 1000))
    rows = candles(exchange, "BTC/USD", "1m", read_request("X", "2025-05-16", "2025-05-17", "1m", None, None, None).start)
    assert [(row[0] - START) // MINUTE for row in rows] == [*range(310), *range(1000, 1440)]
    assert exchange.asked == [(0, 300), (300, 300), (310, 300), (610, 300), (910, 300), (1210, 230)]


def test_days_stay_and_are_not_asked_for_again(here):
    first = Exchange()
    summary = fetch_candles("coinbase", asked(here, "BTC/USD"), client=first)
    assert (summary.folder.name, summary.streams[0].rows_out, len(first.asked)) == ("coinbase_btc_usd_spot", 2880, 10)
    second = Exchange()
    fetch_candles("coinbase", asked(here, "BTC/USD", end="2025-05-19"), client=second)
    assert len(second.asked) == 5
    market = load(here / "data" / "coinbase_btc_usd_spot")
    assert [(each.name, each.role) for each in market.instruments[:1]] == [("COINBASE-BTC-USD-SPOT", "spot")]
    assert market.counts == {"spot_bars/COINBASE-BTC-USD-SPOT": 3 * 1440}


def test_the_spot_of_one_exchange_stands_beside_the_perpetual_of_another(here):
    fetch_candles("okx", asked(here, "BTC/USDT:USDT", "premium"), client=Exchange(100.0))
    fetch_candles("coinbase", asked(here, "BTC/USD", "premium"), client=Exchange(100.05))
    market = load(here / "data" / "premium")
    assert [(each.name, each.role) for each in market.instruments] == [("COINBASE-BTC-USD-SPOT", "spot"), ("OKX-BTC-USDT-PERP", "perp")]
    spot, perp = market.tables["spot_bars", 0], market.tables["perp_bars", 1]
    assert round(float(1e4 * np.log(spot["close"] / perp["close"]).mean()), 2) == 5.0
    fetch_candles("kraken", asked(here, "BTC/USD", "premium"), client=Exchange(100.1))
    assert [each.role for each in load(here / "data" / "premium").instruments] == ["spot", "perp", "kraken_spot", "kraken_perp"]


def test_another_interval_does_not_join(here):
    fetch_candles("okx", asked(here, "BTC/USDT:USDT", "premium"), client=Exchange())
    before = sorted(path.name for path in (here / "data" / "premium").rglob("*"))

    class Hours(Exchange):
        def fetch_ohlcv(self, symbol, timeframe, since, limit):
            return [self.row(since + 60 * MINUTE * n) for n in range(limit)]

    with pytest.raises(UserError, match="premium: its perp_bars are of 1m, those to be added of 1h: fetch the same interval"):
        fetch_candles("bybit", asked(here, "BTC/USDT:USDT", "premium", "1h"), client=Hours())
    assert sorted(path.name for path in (here / "data" / "premium").rglob("*")) == before


def test_an_exchange_without_candles_is_one_message(here):
    with pytest.raises(UserError, match="okx has no candles of BTC/USDT between 2025-05-16 and 2025-05-18"):
        fetch_candles("okx", asked(here, "BTC/USDT"), client=Exchange(hole=(0, 9999)))
    assert list((here / "data").iterdir()) == []


def test_an_exchange_that_does_not_exist_is_one_message(here):
    pytest.importorskip("ccxt", reason="ccxt is not installed: pip install 'backtester[ccxt]'")
    with pytest.raises(UserError, match="nowhere: no exchange that ccxt knows"):
        fetch_candles("nowhere", asked(here, "BTC/USD"))


# ---------------------------------------------------------------------------- ccxt itself, against a local server


SWAP = {
    "instType": "SWAP", "instId": "BTC-USDT-SWAP", "uly": "BTC-USDT", "instFamily": "BTC-USDT", "settleCcy": "USDT", "ctVal": "0.01",
    "ctMult": "1", "ctValCcy": "BTC", "ctType": "linear", "tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "state": "live",
    "lever": "100", "baseCcy": "", "quoteCcy": "", "alias": "", "listTime": "1573557408000", "expTime": "", "category": "1",
}


class Okx(BaseHTTPRequestHandler):
    """The two endpoints of OKX that candles need; every third answer is a 503."""

    count = 0

    def do_GET(self):
        Okx.count += 1
        address = urlparse(self.path)
        query = {key: value[0] for key, value in parse_qs(address.query).items()}
        if address.path.endswith("/public/instruments"):
            data = [SWAP] if query["instType"] == "SWAP" else []
        elif Okx.count % 3 == 0:
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        else:
            data = self.candles(query)
        body = json.dumps({"code": "0", "msg": "", "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def candles(self, query):
        """Rows strictly between `before` and `after`, the newest first, as the exchange has them."""
        first, after = int(query["before"]) + 1, int(query.get("after", "9" * 13))
        stamps = range(-(-first // MINUTE) * MINUTE, min(after, first + MINUTE * int(query["limit"])), MINUTE)
        return [[str(stamp), "100", "101", "99", "100.5", "7", "0.07", "7.035", "1"] for stamp in reversed(stamps)]

    def log_message(self, *_):
        pass


def test_ccxt_itself_fetches_from_a_server_that_fails_now_and_then(here):
    pytest.importorskip("ccxt", reason="ccxt is not installed: pip install 'backtester[ccxt]'")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Okx)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        summary = fetch_candles("okx", asked(here, "BTC/USDT:USDT"), base=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    assert summary.streams[0].rows_out == 2880
    assert summary.streams[0].missing == 0
