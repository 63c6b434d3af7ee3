"""Raw files as exchanges and vendors write them: header or none, any unit of time, zipped; what is damaged or unsafe is refused."""

import gzip
import hashlib
import io
import zipfile

import pandas as pd
import pytest
import yaml

from backtester.errors import UserError
from backtester.market.dataset import load
from backtester.sources import raw as raw_module
from backtester.sources.layouts import LAYOUTS
from backtester.sources.recipe import import_recipe
from backtester.sources.source import read_source

START_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
KLINES = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
BARS = {"stream": "spot_bars", "instrument": "BTC-SPOT", "interval": "1m", "layout": "binance.klines"}


def kline(minute, unit=1, close=100.5):
    """One row of the archive's klines; times in `unit` of a ms."""
    first = (START_MS + 60_000 * minute) * unit
    return f"{first},100,101,99.5,{close},3,{first + 60_000 * unit - 1},301,12,2,201,0"


def text(*lines):
    return "".join(f"{line}\n" for line in lines)


def zipped(name, content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def give(tmp_path):
    """give(files, *sources) imports them; file contents are text or bytes."""

    def imported(files, *sources, start="2025-01-01", end="2025-01-01T00:10"):
        folder = tmp_path / "raw"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        bars = [] if any(source["stream"].endswith("t_bars") for source in sources) else [BARS | {"file": "bars.csv"}]
        if bars:
            (folder / "bars.csv").write_text(text(kline(0)))
        recipe = {
            "name": "made", "start": start, "end": end, "licence": "made up", "provenance": "a test",
            "instruments": [{"name": "BTC-SPOT", "role": "spot"}, {"name": "BTC-PERP", "role": "perp"}], "sources": [*bars, *sources],
        }
        (tmp_path / "made.yaml").write_text(yaml.safe_dump(recipe))
        return import_recipe(tmp_path / "made.yaml", folder, tmp_path / "made")

    return imported


def records(summary, stream, *fields):
    """The records of a stream as rows of seconds since the start and numbers."""
    table = next(table for (name, _), table in load(summary.folder, accept="all").tables.items() if name == stream)
    seconds = [((table[field] - START_MS * 10**6) / 1e9).tolist() for field in ("ts_event", "ts_known")]
    return list(zip(*seconds, *(table[field].tolist() for field in fields), strict=True))


EXPECTED = [(0.0, 60.5, 100.0, 101.0, 99.5, 100.5, 3.0, 301.0, 2.0), (60.0, 120.5, 100.0, 101.0, 99.5, 100.5, 3.0, 301.0, 2.0)]
SAME_BARS = {
    "no header, ms": ("a.csv", text(kline(0), kline(1))),
    "no header, us": ("a.csv", text(kline(0, 1000), kline(1, 1000))),
    "header": ("a.csv", text(KLINES, kline(0), kline(1))),
    "zip": ("a.zip", zipped("BTCUSDT-1m-2025-01-01.csv", text(kline(0), kline(1)))),
    "gzip": ("a.csv.gz", gzip.compress(text(KLINES, kline(0), kline(1)).encode())),
    "semicolons, Windows ends, a mark of its encoding": (
        "a.csv", "\ufeff" + text(KLINES, kline(0), kline(1)).replace(",", ";").replace("\n", "\r\n"),
    ),
}


@pytest.mark.parametrize(("name", "content"), SAME_BARS.values(), ids=SAME_BARS)
def test_klines_of_any_age_are_the_same_bars(give, name, content):
    summary = give({name: content}, BARS | {"file": name})
    assert records(summary, "spot_bars", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy") == EXPECTED
    assert summary.streams[0].notes == []


def test_days_and_a_month_become_one_stream_each_row_once(give):
    files = {
        "BTC-1m-2025-01.csv": text(kline(1, 1000), kline(2, 1000)),
        "BTC-1m-2025-01-01.zip": zipped("a.csv", text(kline(2, 1000), kline(3, 1000))),
        "BTC-1m-2024-12-31.csv": text(kline(-1), kline(0)),  # in ms, as until 2024
    }
    summary = give(files, BARS | {"file": "BTC-1m-*"})
    assert [row[0] for row in records(summary, "spot_bars")] == [0.0, 60.0, 120.0, 180.0]
    (bars,) = summary.streams
    assert (bars.rows_in, bars.outside, bars.rows_out, bars.repaired) == (6, 1, 4, {"duplicates": 1})
    assert sorted(bars.files) == sorted(files)


def test_a_file_whose_times_change_their_unit_is_read_and_said(give):
    summary = give({"a.csv": text(kline(0), kline(1, 1000))}, BARS | {"file": "a.csv"})
    assert [row[0] for row in records(summary, "spot_bars")] == [0.0, 60.0]
    (note,) = summary.streams[0].notes
    assert note.endswith("a.csv, line 2: column open_time changes its unit: ms and us are each read as what they are")


METRICS = ",".join(LAYOUTS["binance.metrics"].headers[0])


def test_metrics_feed_two_streams_known_five_and_a_half_minutes_later(give):
    first = "2025-01-01 00:00:00,BTCUSDT,80424.5,29e8,1.1,1.2,1.3,0.5"
    rows = text(METRICS, first, first, "2025-01-01 00:05:00,BTCUSDT,,,,,,", "2025-01-01 00:09:00,BTCUSDT,7,8,,,1.4,")
    entry = {"file": "m.csv", "instrument": "BTC-PERP", "layout": "binance.metrics"}
    summary = give({"m.csv": rows}, entry | {"stream": "open_interest"}, entry | {"stream": "long_short_ratio"})
    assert records(summary, "open_interest", "qty") == [(0.0, 330.0, 80424.5), (540.0, 870.0, 7.0)]
    ratios = records(summary, "long_short_ratio", "accounts", "top_accounts", "top_positions", "taker_volume")
    assert ratios[0] == (0.0, 330.0, 1.3, 1.1, 1.2, 0.5)
    assert [(each.dropped, each.repaired) for each in summary.streams[1:]] == [(1, {"duplicates": 1}), (0, {"duplicates": 1})]


def test_funding_stamps_lose_their_milliseconds(give):
    rows = text("calc_time,funding_interval_hours,last_funding_rate", f"{START_MS + 2},8,0.0001")
    summary = give({"f.csv": rows}, {"file": "f.csv", "stream": "funding", "instrument": "BTC-PERP", "layout": "binance.funding"})
    assert records(summary, "funding", "rate", "interval_h") == [(0.0, 5.0, 0.0001, 8.0)]


def test_the_maker_who_bought_met_a_seller(give):
    spot = text(f"7,100,2,1,1,{START_MS},True,True", f"8,101,3,2,2,{START_MS + 5},False,True", f"7,100,2,1,1,{START_MS},True,True")
    summary = give({"t.csv": spot}, {"file": "t.csv", "stream": "trades", "instrument": "BTC-SPOT", "layout": "binance.agg_trades"})
    assert records(summary, "trades", "side", "qty", "price") == [(0.0, 0.1, -1.0, 2.0, 100.0), (0.005, 0.105, 1.0, 3.0, 101.0)]
    assert summary.streams[-1].repaired == {"sort": 1, "duplicates": 1}


def test_coin_margined_liquidations_are_contracts_of_100_usd_and_written_twice(give):
    row = f"{START_MS},SELL,LIMIT,IOC,5,100,50,FILLED,5,5"
    entry = {"file": "l.csv", "stream": "liquidations", "instrument": "BTC-PERP", "layout": "binance.liquidations"}
    summary = give({"l.csv": text(",".join(LAYOUTS["binance.liquidations"].headers[0]), row, row)}, entry)
    assert records(summary, "liquidations", "side", "qty", "price") == [(0.0, 1.5, 1.0, 10.0, 50.0)]


def test_tardis_brings_the_time_of_arrival(give):
    us = START_MS * 1000
    rows = text("exchange,symbol,timestamp,local_timestamp,id,side,price,amount", f"binance-futures,BTCUSDT,{us},{us + 250_000},,buy,100,2")
    entry = {"file": "l.csv.gz", "stream": "liquidations", "instrument": "BTC-PERP", "layout": "tardis.liquidations"}
    summary = give({"l.csv.gz": gzip.compress(rows.encode())}, entry)
    assert records(summary, "liquidations", "side", "qty", "price") == [(0.0, 0.25, -1.0, 2.0, 100.0)]


def test_coinglass_sums_are_known_after_their_interval_at_the_last_close(give):
    bars = BARS | {"stream": "perp_bars", "instrument": "BTC-PERP", "file": "p.csv"}
    rows = text("time,aggregated_long_liquidation_usd,aggregated_short_liquidation_usd", f"{START_MS},1005,402")
    entry = {"file": "g.csv", "stream": "liquidations", "instrument": "BTC-PERP", "layout": "coinglass.liquidations", "interval": "5m"}
    summary = give({"p.csv": text(*(kline(n) for n in range(5))), "g.csv": rows}, BARS | {"file": "p.csv"}, bars, entry)
    assert records(summary, "liquidations", "side", "qty", "price") == [(300.0, 360.0, 1.0, 10.0, 100.5), (300.0, 360.0, -1.0, 4.0, 100.5)]


def test_a_mapping_of_a_few_lines_reads_any_csv(give):
    rows = text("2024-12-31T19:00:00-05:00;7;long", "2024-12-31T19:05:00-05:00;8;short")
    entry = {
        "file": "x.csv", "stream": "liquidations", "instrument": "BTC-PERP", "header": ["when", "usd", "who"],
        "columns": {"ts_event": "when", "side": {"column": "who", "words": {"long": 1, "short": -1}}, "price": 2,
                    "qty": {"column": "usd", "times": 0.5, "over": "price"}},
    }
    summary = give({"x.csv": rows}, entry)
    assert records(summary, "liquidations", "side", "qty") == [(0.0, 1.5, 1.0, 1.75), (300.0, 301.5, -1.0, 2.0)]
    assert summary.streams[-1].notes[0].endswith("x.csv, line 1: column when has the offset -05:00: read as UTC, 2025-01-01T00:00:00Z")


def test_labels_at_the_close_are_shifted_where_the_recipe_says_so(give):
    summary = give({"a.csv": text(kline(1), kline(2))}, BARS | {"file": "a.csv", "shift": "-1m"})
    assert [row[0] for row in records(summary, "spot_bars")] == [0.0, 60.0]


def test_local_times_need_their_zone(give):
    entry = {"file": "o.csv", "stream": "open_interest", "instrument": "BTC-PERP", "columns": {"ts_event": "t", "qty": "q"}}
    files = {"o.csv": text("t,q", "2024-12-31 19:00:00,5")}
    with pytest.raises(UserError, match=r"o\.csv, line 2: column t is '2024-12-31 19:00:00', a time without an offset: give zone: UTC"):
        give(files, entry)
    assert records(give(files, entry | {"zone": "America/New_York"}), "open_interest", "qty") == [(0.0, 330.0, 5.0)]


def test_one_symbol_of_several_is_read_when_it_is_named(give):
    rows = text(METRICS, "2025-01-01 00:00:00,BTCUSDT,8,9,1,1,1,1", "2025-01-01 00:00:00,ETHUSDT,7,9,1,1,1,1")
    entry = {"file": "m.csv", "stream": "open_interest", "instrument": "BTC-PERP", "layout": "binance.metrics"}
    with pytest.raises(UserError, match=r"m\.csv, line 3: symbol changes from BTCUSDT to ETHUSDT: say which with only: \{symbol: BTC"):
        give({"m.csv": rows}, entry)
    assert records(give({"m.csv": rows}, entry | {"only": {"symbol": "ETHUSDT"}}), "open_interest", "qty") == [(0.0, 330.0, 7.0)]


# ---------------------------------------------------------------------------- repairs


REPAIRED = {
    "sort": ([kline(1), kline(0)], r"a\.csv, line 3 .*: ts_event is earlier than in the row before: .*repair: \[sort\]", 2),
    "duplicates": ([kline(0), kline(0)], r"a\.csv, line 3 .*: ts_event stands twice, also at .*line 2: keep one of the two", 1),
    "last": ([kline(0), kline(0, close=99.9)], r"a\.csv, line 3 .*ts_event stands twice.*repair: \[last\]", 1),
    "drop": ([kline(0), kline(1, close=-1)], r"a\.csv, line 3 .*: open or close lies outside low … high: no such bar can be, or allow", 1),
}


@pytest.mark.parametrize("rule", REPAIRED)
def test_a_repair_is_made_where_it_is_allowed_and_written_down(give, rule):
    lines, message, left = REPAIRED[rule]
    files = {"a.csv": text(KLINES, *lines)}
    with pytest.raises(UserError, match=message):
        give(files, BARS | {"file": "a.csv", "repair": []})
    summary = give(files, BARS | {"file": "a.csv", "repair": [rule]})
    assert (summary.streams[0].rows_out, summary.streams[0].repaired) == (left, {rule: 1})
    header = yaml.safe_load((summary.folder / "dataset.yaml").read_text())
    assert header["provenance"][1]["repaired"] == {rule: 1}


def test_the_last_of_two_that_differ_is_kept(give):
    summary = give({"a.csv": text(kline(0), kline(0, close=99.9))}, BARS | {"file": "a.csv", "repair": ["last"]})
    assert records(summary, "spot_bars", "close") == [(0.0, 60.5, 99.9)]


# ---------------------------------------------------------------------------- what is refused


def bomb():
    return zipped("a.csv", b"0" * (80 << 20))


def members(*names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, text(kline(0)))
    return out.getvalue()


GOOD = zipped("a.csv", text(*(kline(n) for n in range(10))))
UNSAFE = {
    "climbs": (members("../../a.csv"), r"a\.zip: its member '\.\./\.\./a\.csv' climbs out of the folder"),
    "absolute": (members("/etc/a.csv"), r"its member '/etc/a\.csv' climbs out"),
    "a drive": (members("C:a.csv"), r"its member 'C:a\.csv' climbs out"),
    "two": (members("a.csv", "b.csv"), r"a\.zip: holds 'a\.csv', 'b\.csv'; right is one CSV alone"),
    "no CSV": (members("a.exe"), r"holds 'a\.exe'; right is one CSV alone"),
    "bomb": (bomb(), "bytes unpack to more than .*: no market data do"),
    "cut off": (GOOD[:-40], r"a\.zip: is damaged or no archive that can be read"),
    "a flipped byte": (GOOD[:60] + bytes([GOOD[60] ^ 8]) + GOOD[61:], r"a\.zip: is damaged or no archive"),
    "a gzip that is cut off": (gzip.compress(text(kline(0)).encode())[:-9], r"a\.zip: is damaged or no archive"),
    "no rows": (zipped("a.csv", text(KLINES)), r"a\.zip: has no rows"),
}


@pytest.mark.parametrize(("content", "message"), UNSAFE.values(), ids=UNSAFE)
def test_an_archive_that_is_unsafe_or_damaged_is_refused(give, tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        give({"a.zip": content}, BARS | {"file": "a.zip"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made.yaml", "raw"]


def test_a_small_limit_is_kept_while_reading(give, monkeypatch):
    monkeypatch.setattr(raw_module, "MOST", 10)
    with pytest.raises(UserError, match="unpack to more than"):
        give({"a.zip": GOOD}, BARS | {"file": "a.zip"})


def test_a_checksum_beside_a_file_must_fit(give):
    fits = {"a.zip": GOOD, "a.zip.CHECKSUM": f"{hashlib.sha256(GOOD).hexdigest()}  a.zip\n"}
    assert give(fits, BARS | {"file": "a.*"}).streams[0].rows_out == 10
    with pytest.raises(UserError, match=r"a\.zip: does not fit a\.zip\.CHECKSUM beside it: the file is damaged or was replaced"):
        give(fits | {"a.zip.CHECKSUM": "0" * 64}, BARS | {"file": "a.zip"})


BROKEN = {
    "a row is short": (text(kline(0), kline(1)[:22]), r"a\.csv: cannot be read as CSV: .*Row #2: Expected 12 columns, got 4"),
    "text for a price": (text(kline(0), kline(1).replace("100.5", "n/k")), r"a\.csv, line 2: column close is 'n/k': right is a number"),
    "text for a time": (
        text(kline(0), "soon" + kline(1)[13:]), r"a\.csv, line 2: column open_time is 'soon': right is a number, as in the rows above",
    ),
    "no time": (text(kline(0), kline(1)[13:]), r"a\.csv, line 2: column open_time is None: right is a time: every row needs one"),
    "another century": (
        text(kline(0), "9" * 13 + kline(1)[13:]), "column open_time is '9999999999999': right is a time between 2009 and 2100",
    ),
    "a column is missing": (text(KLINES.replace("close,", "shut,"), kline(0)), r"a\.csv: no column close \(it has open_time, open, high"),
    "another number of columns": (text("1,2,3"), r"a\.csv, line 1: 3 columns without a header: right are 12"),
    "a name stands twice": (text(KLINES.replace("low", "high"), kline(0)), r"a\.csv, line 1: a column's name stands twice"),
    "no text": (b"\xff\xfe\x00\x01\n\x00,\n", r"a\.csv: no column open_time"),
    "no price": (text(kline(0).replace("101", "-101")), r"a\.csv, line 1 .*: open or close lies outside low … high"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_table_is_refused_with_its_line(give, tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        give({"a.csv": content}, BARS | {"file": "a.csv"})
    assert not (tmp_path / "made").exists()


def test_a_last_line_without_an_end_is_said(give):
    (note,) = give({"a.csv": kline(0)}, BARS | {"file": "a.csv"}).streams[0].notes
    assert note.endswith("a.csv: the last line has no end: the file may be cut off")


BAD_ENTRIES = {
    "a layout of something else": ({"layout": "binance.metrics"}, "binance.metrics feeds open_interest, long_short_ratio, not spot_bars"),
    "no such layout": ({"layout": "binance.candles"}, r"layout 'binance.candles' is unknown \(there are binance.klines, binance.funding"),
    "both": ({"columns": {}}, "either columns or a layout"),
    "no such zone": ({"zone": "Mars"}, "zone: 'Mars' is no time zone"),
    "no such repair": ({"repair": ["guess"]}, r"repair: \['guess'\]: a list of sort, duplicates, last, drop"),
    "no such shift": ({"shift": "soon"}, "shift: 'soon' is no interval"),
    "no words": ({"only": ["BTC"]}, r"only: \['BTC'\]: write a column and its word"),
    "outside": ({"file": "../a.csv"}, r"\.\./a\.csv: lies outside the folder of the raw files"),
    "meets none": ({"file": "b*.csv"}, r"b\*\.csv: no such file"),
    "a number for a file": ({"file": 5}, "file: 5: write a name, or a list of names"),
}


@pytest.mark.parametrize(("change", "message"), BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_an_entry_that_cannot_be_right_is_refused(give, change, message):
    with pytest.raises(UserError, match=message):
        give({"a.csv": text(kline(0))}, BARS | {"file": "a.csv"} | change)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_makes_the_records_of_its_streams(name):
    for stream in LAYOUTS[name].streams:
        interval = {"interval": "5m"} if stream.endswith("bars") or name.startswith("coinglass") else {}
        source = read_source({"file": "a", "stream": stream, "instrument": "X", "layout": name} | interval, name)
        used = [how for columns in source.records for how in columns.values()]
        parts = [each.get(key) for each in used if isinstance(each, dict) for key in ("column", "over")]
        columns = {each for each in used + parts if isinstance(each, str)} - {"price"} | ({"price"} & set(source.headers[0]))
        assert all(columns <= set(header) for header in source.headers)


# ---------------------------------------------------------------------------- the archive's own files


ARCHIVE = {
    "aggTrades/futures-APEUSDT-aggTrades-2024-10-18.zip": ("trades", "binance.agg_trades", None, 45_342),
    "aggTrades/spot-PEPEUSDT-aggTrades-2024-10-27.zip": ("trades", "binance.agg_trades", None, 57_229),
    "markPriceKlines/BTCUSDT-5m-2025-10-29.zip": ("mark_bars", "binance.klines", "5m", 288),
    "markPriceKlines/BTCUSDT-5m-2025-12-16.zip": ("mark_bars", "binance.klines", "5m", 288),
    "metrics/BTCUSDT-metrics-2023-11-14.head.csv": ("open_interest", "binance.metrics", "5m", 24),
    "spot_klines/BTCUSDT-1m-2023-03-24.zip": ("spot_bars", "binance.klines", "1m", 1_360),
    "spot_klines/BTCUSDT-5m-2025-06.us.head.csv": ("spot_bars", "binance.klines", "5m", 288),
    "spot_klines/spot-klines-BTCUSDT-1h-2024-10-28.zip": ("spot_bars", "binance.klines", "1h", 24),
    "um_klines/futures-um-klines-BTCUSDT-1h-2024-10-28.zip": ("perp_bars", "binance.klines", "1h", 24),
}


@pytest.mark.real_data
@pytest.mark.parametrize("file", ARCHIVE)
def test_every_file_of_the_archive_is_read_to_the_last_row(file, real_data, give):
    stream, layout, interval, count = ARCHIVE[file]
    path = real_data.parent / "binance_vision" / file
    if not path.is_file():
        pytest.skip(f"no archive files at {path.parent}")
    raw = raw_module.read_raw(path, LAYOUTS[layout].headers)
    source = {"file": path.name, "stream": stream, "instrument": "BTC-SPOT" if stream == "spot_bars" else "BTC-PERP", "layout": layout}
    bars = [] if stream == "spot_bars" else [{"file": "always.csv", **BARS, "interval": "1d"}]
    always = text("1704067200000,1,1,1,1,1,1,1,1,1,1,1")
    summary = give({path.name: path.read_bytes(), "always.csv": always}, *bars, source | ({"interval": interval} if interval else {}),
                   start="2023-01-01", end="2026-01-01")
    assert (len(raw.table), summary.streams[-1].rows_out, summary.streams[-1].dropped) == (count, count, 0)
    assert summary.streams[-1].repaired == {}
    if stream == "spot_bars" and interval == "1m":
        frame = pd.read_csv(path, header=None)
        assert frame[4].sum() == load(summary.folder).tables["spot_bars", 0]["close"].sum()
