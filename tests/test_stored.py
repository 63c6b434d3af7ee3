"""A market that stays on disk: whatever its pieces are, the run is the same to the byte; bars made of trades while they are read."""

import numpy as np
import pytest
from tables import HEADER, SECOND, T0, points, tiny

import backtester as bt
from backtester.errors import UserError
from backtester.market import cursor, dataset, stored
from backtester.market.check import check_tables
from backtester.market.schema import parse_header
from backtester.market.synthetic import ensure_sample
from backtester.market.write import write_dataset, write_part
from backtester.records import BAR, BYTE, INSTRUMENT_SHIFT, KIND_SHIFT, LAST_SHIFT, ROW, STREAMS, rows

TRADES = {
    "name": "prints",
    "instruments": [{"name": "BTC-SPOT", "role": "spot"}, {"name": "BTC-PERP", "role": "perp"}],
    "streams": {"trades": {}},
}


@pytest.fixture(params=[1, 7, 1 << 18])
def batch(request, monkeypatch):
    """Rows that are read at a time."""
    monkeypatch.setattr(cursor, "BATCH", request.param)
    monkeypatch.setattr(stored, "BATCH", request.param)
    return request.param


def told(market):
    """Every event of a market in its pieces: (kind, instrument, its record's bytes, whether it ends an instant)."""
    names = list(STREAMS)
    for piece in market.pieces():
        for event in piece.streams.events.tolist():
            stream = names[event >> KIND_SHIFT & BYTE]
            records = piece.streams.bars if STREAMS[stream] is BAR else getattr(piece.streams, stream)
            yield stream, event >> INSTRUMENT_SHIFT & BYTE, records[event & ROW].tobytes(), event >> LAST_SHIFT & 1


def known(market):
    """For every piece, the open (s) of the bar that each instrument had before it."""
    for piece in market.pieces():
        bars = [(event >> INSTRUMENT_SHIFT & BYTE, piece.streams.bars[event & ROW]) for event in piece.known.tolist()]
        yield {i: int(bar["ts_event"] - T0) // SECOND for i, bar in bars}


def content(column):
    """A column as bytes, words as words."""
    values = np.asarray(column)
    return values.tolist() if values.dtype == object else values.tobytes()


# ---------------------------------------------------------------------------- pieces


def test_the_pieces_are_the_whole(tmp_path, batch):
    write_dataset(tmp_path / "tiny", HEADER, tiny())
    whole, pieces = dataset.load(tmp_path / "tiny"), dataset.load(tmp_path / "tiny", stored=True)
    assert list(told(pieces)) == list(told(whole))
    assert len(list(pieces.pieces())) > 3 or batch > 7
    for name in ("name", "instruments", "start", "end", "counts", "tags", "source", "spans"):
        assert getattr(pieces, name) == getattr(whole, name), name
    assert {key: table.tobytes() for key, table in pieces.tables.items()} == {key: table.tobytes() for key, table in whole.tables.items()}


def test_a_part_of_the_time_too(tmp_path, batch):
    write_dataset(tmp_path / "tiny", HEADER, tiny())
    period = ("2024-01-31T23:30", "2024-02-01T00:10")
    whole, pieces = dataset.load(tmp_path / "tiny", *period), dataset.load(tmp_path / "tiny", *period, stored=True)
    assert list(told(pieces)) == list(told(whole))
    assert (pieces.counts, pieces.source) == (whole.counts, whole.source)


def test_the_last_known_bar_goes_along(tmp_path, monkeypatch):
    monkeypatch.setattr(cursor, "BATCH", 1)
    monkeypatch.setattr(stored, "BATCH", 1)
    write_dataset(tmp_path / "tiny", HEADER, tiny())
    along = list(known(dataset.load(tmp_path / "tiny", stored=True)))
    assert along[0] == {}
    opens = [each.get(0, -1) for each in along]
    assert opens == sorted(opens)
    assert opens[-1] > opens[len(opens) // 2] > 0


@pytest.mark.parametrize("strategy", ["buy_and_hold", "door"])
def test_a_run_from_disk_is_the_run_from_memory(strategy, monkeypatch):
    monkeypatch.setattr(cursor, "BATCH", 3000)
    monkeypatch.setattr(stored, "BATCH", 3000)
    folder = ensure_sample(dataset.ROOT / "data" / "sample")
    whole, pieces = (bt.run(bt.load(folder, stored=on_disk), strategy) for on_disk in (False, True))
    assert len(whole.fills) > 0
    for table in whole.tables:
        for column, values in whole.tables[table].items():
            assert content(pieces.tables[table][column]) == content(values), (table, column)
    assert str(pieces.metrics) == str(whole.metrics)


def test_the_log_grows_with_the_closes(monkeypatch):
    from backtester.engine import run

    market = bt.load("sample")
    whole = bt.run(market, "buy_and_hold")
    small = run.new_log
    monkeypatch.setattr(run, "new_log", lambda bound, journal, closes, n: small(bound, journal, min(closes, 100), n))
    assert bt.run(market, "buy_and_hold").equity.equals(whole.equity)


def test_files_that_overlap_are_refused(tmp_path, batch):
    write_dataset(tmp_path / "tiny", HEADER, tiny())
    path = tmp_path / "tiny" / "spot_bars" / "instrument=BTC-SPOT" / "month=2024-01" / "part.parquet"
    table = tiny()["spot_bars", "BTC-SPOT"]
    table = table[: len(table) // 2]
    write_part(path, "spot_bars", table[[*range(len(table)), len(table) - 1]])
    with pytest.raises(UserError, match="ts_event stands twice"):
        list(dataset.load(tmp_path / "tiny", stored=True, accept=["changed"]).pieces())


# ---------------------------------------------------------------------------- bars made of trades


def prints(seed: int = 0, n: int = 3000) -> np.ndarray:
    """Trades at random moments, some of them together, with pauses longer than a bar."""
    rng = np.random.default_rng(seed)
    steps = np.where(rng.random(n) < 0.3, 0.0, rng.exponential(5.0, n)) + np.where(rng.random(n) < 0.01, 400.0, 0.0)
    side, price = rng.choice([-1.0, 1.0], n), 100.0 + np.cumsum(rng.normal(0.0, 0.1, n))
    return points("trades", np.round(np.cumsum(steps), 3), lag=0.1, side=side, qty=rng.gamma(1.0, 1.0, n), price=price)


def written(folder, **making):
    """The data set of those trades, of the perpetual, with bars made of them."""
    header = TRADES | {"streams": {"trades": {}, "perp_bars": {"from": "trades", **making}}}
    write_dataset(folder, header, {("trades", "BTC-PERP"): prints()})
    return folder


def bar_of(trades, opened, closed) -> tuple:
    """One bar the slow way."""
    price, qty = trades["price"], trades["qty"]
    bought = sum(q for q, side in zip(qty, trades["side"], strict=True) if side > 0)
    return opened, closed, price[0], max(price), min(price), price[-1], sum(qty), sum(qty * price), bought


def timed(trades, seconds):
    """Bars of the clock, flat ones where nobody traded, without the last one."""
    step, out, last = seconds * SECOND, [], None
    first, end = trades["ts_event"][0] // step, trades["ts_event"][-1] // step
    for number in range(first, end):
        inside = trades[trades["ts_event"] // step == number]
        opened, closed = number * step, (number + 1) * step
        out.append(bar_of(inside, opened, closed) if len(inside) else (opened, closed, last, last, last, last, 0.0, 0.0, 0.0))
        last = out[-1][5]
    return out


def sized(trades, size, money):
    """Bars that end with the moment at which they are full, without the one that is not."""
    out, begin, total = [], 0, 0.0
    for n, trade in enumerate(trades[:-1]):
        total += trade["qty"] * trade["price"] if money else trade["qty"]
        if total >= size and trades["ts_event"][n + 1] > trade["ts_event"]:
            inside = trades[begin : n + 1]
            out.append(bar_of(inside, inside["ts_event"][0], trade["ts_event"] + 1))
            begin, total = n + 1, 0.0
    return out


@pytest.mark.parametrize(
    ("making", "expected"),
    [
        ({"interval": "1m"}, lambda trades: timed(trades, 60)),
        ({"volume": 20}, lambda trades: sized(trades, 20.0, False)),
        ({"dollar": 5000.0}, lambda trades: sized(trades, 5000.0, True)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bars_made_of_trades(making, expected, tmp_path, batch):
    market = dataset.load(written(tmp_path / "prints", **making), stored=True)
    made = market.tables["perp_bars", 1]
    fields = ("ts_event", "ts_close", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy")
    want = expected(prints())
    assert len(made) == len(want) > 50
    for field, column in zip(fields, zip(*want, strict=True), strict=True):
        np.testing.assert_allclose(made[field], column, rtol=1e-12 if field.endswith(("volume", "buy")) else 0, err_msg=field)
    assert (made["ts_known"] == made["ts_close"] + 500 * SECOND // 1000).all()
    check_tables("prints", market.instruments, {("perp_bars", 1): made})
    whole = dataset.load(tmp_path / "prints")
    assert whole.tables["perp_bars", 1].tobytes() == made.tobytes()
    assert list(told(market)) == list(told(whole))


def test_bars_of_the_clock_are_counted_before_they_are_made(tmp_path):
    market = dataset.load(written(tmp_path / "prints", interval="1m"), stored=True)
    made = market.tables["perp_bars", 1]
    assert market.counts["perp_bars/BTC-PERP"] == len(made)
    assert (market.start, market.end) == (made["ts_event"][0], made["ts_close"][-1])


def test_bars_of_its_own_are_not_made_again(tmp_path):
    header = TRADES | {"streams": {"trades": {}, "perp_bars": {"interval": "1m", "from": "trades"}}}
    own = rows(BAR, 2)
    own["ts_event"] = T0 + np.arange(2) * 60 * SECOND
    own["ts_close"], own["ts_known"] = own["ts_event"] + 60 * SECOND, own["ts_event"] + 61 * SECOND
    for field in ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy"):
        own[field] = 7.0
    write_dataset(tmp_path / "prints", header, {("trades", "BTC-PERP"): prints(), ("perp_bars", "BTC-PERP"): own})
    assert dataset.load(tmp_path / "prints", stored=True, accept=["columns"]).tables["perp_bars", 1].tobytes() == own.tobytes()


@pytest.mark.parametrize(
    ("stream", "keys", "message"),
    [
        ("perp_bars", {"from": "depth", "interval": "1m"}, "only spot_bars and perp_bars are made, from trades"),
        ("mark_bars", {"from": "trades", "interval": "1m"}, "only spot_bars and perp_bars are made, from trades"),
        ("perp_bars", {"from": "trades"}, "name one of interval, volume, dollar"),
        ("perp_bars", {"from": "trades", "interval": "1m", "volume": 5}, "name one of interval, volume, dollar"),
        ("perp_bars", {"from": "trades", "volume": -5}, "volume: -5 is no quantity: write a number above 0"),
    ],
)
def test_a_making_that_cannot_be(stream, keys, message):
    with pytest.raises(UserError, match=message):
        parse_header(TRADES | {"streams": {"trades": {}, stream: keys}}, "dataset.yaml")
