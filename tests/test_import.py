"""Importing by recipe: what goes in comes out, what is missing is said, and nothing is invented."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import yaml

from backtester.checkout import ROOT
from backtester.errors import UserError
from backtester.market.dataset import load
from backtester.market.quality.verdict import kept
from backtester.market.times import iso
from backtester.records import PERP, SPOT
from backtester.sources import real_data as real_data_module
from backtester.sources.real_data import build_real_data
from backtester.sources.recipe import import_recipe
from backtester.sources.summary import Gap, find_gaps

RECIPE = {
    "name": "tiny",
    "start": "2024-01-01",
    "end": "2024-01-01T01:00",
    "instruments": [{"name": "BTC-SPOT", "role": "spot"}, {"name": "BTC-PERP", "role": "perp"}],
    "licence": "made up",
    "provenance": "a test",
    "sources": [
        {
            "file": "spot.parquet", "stream": "spot_bars", "instrument": "BTC-SPOT", "interval": "10m", "lag_ms": 500,
            "columns": {"ts_event": "ts", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v", "taker_buy": "bought"},
        },
        {
            "file": "oi.parquet", "stream": "open_interest", "instrument": "BTC-PERP", "lag_ms": 3_600_000,
            "columns": {"ts_event": "ts", "qty": "oi"},
        },
        {
            "file": "funding.parquet", "stream": "funding", "instrument": "BTC-PERP",
            "columns": {"ts_event": "ts", "rate": "funding_rate", "interval_h": 8},
        },
    ],
}


def utc(*texts):
    return pd.DatetimeIndex(texts, tz="UTC").as_unit("ms")


def spot():
    """Five bars: one outside the hour, one without its close, one without volume; 00:20 and 00:50 do not exist."""
    price = [99.0, 100.0, 101.0, 102.0, 103.0]
    return pd.DataFrame({
        "ts": utc("2023-12-31 23:50", "2024-01-01 00:00", "2024-01-01 00:10", "2024-01-01 00:30", "2024-01-01 00:40"),
        "o": price,
        "h": price,
        "l": price,
        "c": [99.0, 100.0, 101.0, np.nan, 103.0],
        "v": [5.0, 6.0, 0.0, 7.0, 8.0],
        "bought": [1, 2, 0, 3, 4],
    })


@pytest.fixture
def raw(tmp_path):
    """A folder of raw files."""
    folder = tmp_path / "raw"
    folder.mkdir()
    spot().to_parquet(folder / "spot.parquet")
    pd.DataFrame({"ts": utc("2024-01-01 00:00"), "oi": [7.5]}).to_parquet(folder / "oi.parquet")
    pd.DataFrame({"ts": utc("2024-01-01 00:00"), "funding_rate": [1e-4]}).to_parquet(folder / "funding.parquet")
    return folder


def run(raw, **change):
    """The summary of the import of RECIPE with other keys."""
    recipe = raw.parent / "tiny.yaml"
    recipe.write_text(yaml.safe_dump(RECIPE | change))
    return import_recipe(recipe, raw, raw.parent / "tiny")


def tree(folder):
    """Relative path -> bytes of every file."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_row_is_accounted_for(raw):
    bars, oi, funding = run(raw).streams
    assert (bars.rows_in, bars.outside, bars.dropped, bars.rows_out, bars.zero_volume) == (5, 1, 1, 3, 1)
    assert bars.gaps == (Gap("2024-01-01T00:20:00Z", 2), Gap("2024-01-01T00:50:00Z", 1))
    assert bars.missing == 3
    assert [(each.rows_in, each.rows_out, each.gaps) for each in (oi, funding)] == [(1, 1, ()), (1, 1, ())]


def test_gaps_count_from_the_first_moment_of_the_period_to_its_last():
    minute = 60 * 10**9
    stamps = np.array([2, 3, 6]) * minute + [0, 7_000_000, -7_000_000]  # a few ms off, as settlements are
    assert find_gaps(stamps, 0, 10 * minute, minute) == (
        Gap("1970-01-01T00:00:00Z", 2),
        Gap("1970-01-01T00:04:00Z", 2),
        Gap("1970-01-01T00:06:59Z", 3),
    )
    assert find_gaps(np.arange(10) * minute, 0, 10 * minute, minute) == ()


def test_a_period_off_the_clock_of_a_stream_misses_what_that_clock_has_inside_it():
    hour, jitter = 3600 * 10**9, 7_000_000
    stamps = np.array([16, 24, 40]) * hour + [-jitter, jitter, 0]  # settlements, every 8 hours
    assert find_gaps(stamps, 10 * hour, 42 * hour, 8 * hour) == (Gap("1970-01-02T08:00:00Z", 1),)
    assert find_gaps(stamps, 8 * hour, 57 * hour, 8 * hour) == (
        Gap("1970-01-01T07:59:59Z", 1),
        Gap("1970-01-02T08:00:00Z", 1),
        Gap("1970-01-03T00:00:00Z", 2),
    )


def test_the_rows_are_the_files_with_their_lags(raw):
    market = load(run(raw).folder)
    rows = pd.DataFrame(market.streams.bars[1:])
    assert rows[["open", "high", "low", "close", "volume", "taker_buy"]].to_numpy().tolist() == [
        [100, 100, 100, 100, 6, 2],
        [101, 101, 101, 101, 0, 0],
        [103, 103, 103, 103, 8, 4],
    ]
    assert rows["quote_volume"].isna().all()
    times = [[str(pd.Timestamp(ns)) for ns in row] for row in rows[["ts_event", "ts_close", "ts_known"]].to_numpy()[:1]]
    assert times == [["2024-01-01 00:00:00", "2024-01-01 00:10:00", "2024-01-01 00:10:00.500000"]]
    funding, oi = market.streams.funding[1], market.streams.open_interest[1]
    assert (funding.rate, funding.interval_h, funding.ts_known - funding.ts_event) == (1e-4, 8, 5 * 10**9)
    assert (oi.qty, oi.ts_known - oi.ts_event) == (7.5, 3600 * 10**9)


def test_the_data_set_says_where_it_came_from(raw):
    summary, content = run(raw), (raw / "spot.parquet").read_bytes()
    header = yaml.safe_load((summary.folder / "dataset.yaml").read_text())
    assert header["licence"] == "made up"
    assert header["streams"]["spot_bars"] == {"interval": "10m", "lag_ms": 500}
    assert header["streams"]["funding"] == {"lag_ms": 5000}  # what holds where the recipe is silent
    note, bars, *_ = header["provenance"]
    assert note == {"note": "a test"}
    assert bars == {
        "stream": "spot_bars", "instrument": "BTC-SPOT", "files": {"spot.parquet": hashlib.sha256(content).hexdigest()},
        "rows_in": 5, "outside": 1, "dropped": 1, "rows_out": 3, "missing": 3, "zero_volume": 1,
    }
    assert summary.line() == (
        "tiny: spot_bars/BTC-SPOT 3 rows, 1 dropped, 3 missing; open_interest/BTC-PERP 1 rows, 0 dropped, 0 missing; "
        "funding/BTC-PERP 1 rows, 0 dropped, 0 missing"
    )


def test_the_same_files_give_the_same_bytes(raw):
    before = tree(run(raw).folder)
    assert tree(run(raw).folder) == before


def test_an_import_that_fails_leaves_the_old_data_set(raw):
    before = tree(run(raw).folder)
    pd.concat([spot(), spot()]).to_parquet(raw / "spot.parquet")
    with pytest.raises(UserError, match=r"spot\.parquet, row 6 \(2024-01-01T00:00:00Z\): ts_event is earlier than in the row before"):
        run(raw)
    assert tree(raw.parent / "tiny") == before
    assert sorted(path.name for path in raw.parent.iterdir()) == ["raw", "tiny", "tiny.yaml"]


BAD_FILES = {
    "naive time": (
        lambda table: table.assign(ts=table["ts"].dt.tz_localize(None)),
        r"spot\.parquet: column ts is timestamp\[ms\], 0 of it empty: right is a timestamp with its zone",
    ),
    "time as text": (lambda table: table.assign(ts=table["ts"].astype(str)), "column ts is .*string.*: right is a timestamp with its zone"),
    "price as text": (lambda table: table.assign(c="100"), "column c is .*string: right is a number"),
    "off the grid": (
        lambda table: table.assign(ts=table["ts"] + pd.Timedelta(minutes=3)),
        r"spot\.parquet, row 1 \(2024-01-01T00:03:00Z\): a bar opens off the grid of its interval: name the right one",
    ),
    "no column": (lambda table: table.drop(columns="v"), r"spot\.parquet: no column v \(it has ts, o, h, l, c, bought\)"),
    "nothing inside": (
        lambda table: table.assign(ts=table["ts"] + pd.Timedelta(days=9)),
        "none of its 5 rows is whole and inside 2024-01-01T00:00:00Z .. 2024-01-01T01:00:00Z: name another period or file",
    ),
}


@pytest.mark.parametrize(("change", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_not_what_the_recipe_says_is_refused(raw, change, message):
    change(spot()).to_parquet(raw / "spot.parquet")
    with pytest.raises(UserError, match=message):
        run(raw)
    assert not (raw.parent / "tiny").exists()


BARS, *_ = RECIPE["sources"]
BAD_RECIPES = {
    "unknown key": ({"period": 1}, "a recipe has the keys name, start, end, instruments, licence, provenance, sources"),
    "no time": ({"start": "soon"}, "tiny.yaml: start: 'soon' is no time: write 2024-01-31"),
    "no file": ({"sources": [BARS | {"file": "spots.parquet"}]}, "spots.parquet: cannot be read: No such file"),
    "fed twice": ({"sources": [BARS, BARS]}, r"sources\[1\]: spot_bars/BTC-SPOT is fed twice"),
    "unknown stream": ({"sources": [BARS | {"stream": "candles"}]}, r"sources\[0\]: stream 'candles' cannot be imported by recipe"),
    "unknown instrument": ({"sources": [BARS | {"instrument": "ETH"}]}, r"'ETH' is not in the header \(it has BTC-SPOT, BTC-PERP\)"),
    "unknown source key": ({"sources": [BARS | {"lag": 5}]}, r"sources\[0\]: an entry has file, stream, instrument, columns"),
    "no column for a price": ({"sources": [BARS | {"columns": {"ts_event": "ts"}}]}, "spot_bars need ts_event, open, high, low, close, "),
    "number for the time": ({"sources": [BARS | {"columns": BARS["columns"] | {"ts_event": 5}}]}, "ts_event is 5: name a column"),
    "no interval": ({"sources": [{key: BARS[key] for key in BARS if key != "interval"}]}, "bars need their interval, such as 5m"),
    "no such lag": ({"sources": [BARS | {"lag_ms": "1s"}]}, "lag_ms: '1s' is no number of milliseconds: write 500"),
}


@pytest.mark.parametrize(("change", "message"), BAD_RECIPES.values(), ids=BAD_RECIPES)
def test_a_recipe_that_cannot_be_right_is_refused(raw, change, message):
    with pytest.raises(UserError, match=message):
        run(raw, **change)
    assert not (raw.parent / "tiny").exists()


def test_a_recipe_that_does_not_exist_is_answered_with_those_that_do(raw):
    with pytest.raises(UserError, match="no recipe btc_7m: name a YAML file or one of btc_1h, btc_5m, btc_eth_1m, btc_flow"):
        import_recipe("btc_7m", raw, raw.parent / "tiny")


# ---------------------------------------------------------------------------- the real data


def raw_rows(folder, file, start, end):
    """The rows of a raw file inside a period, as pandas reads them."""
    table = pd.read_parquet(folder / file)
    return table[(table["ts"] >= pd.Timestamp(start, tz="UTC")) & (table["ts"] < pd.Timestamp(end, tz="UTC"))]


REAL = {
    "btc_5m": (("2023-01-01", "2025-04-01"), "btcusdt_spot_5m.parquet", {
        "brackets/BTC-PERP": 3,
        "spot_bars/BTC-SPOT": 236_144, "perp_bars/BTC-PERP": 236_448, "funding/BTC-PERP": 2_463, "open_interest/BTC-PERP": 19_704,
    }),
    "btc_flow": (("2023-06-26", "2024-06-26"), "btcusdt_spot_1m_2023-06_2024-06.parquet", {
        "brackets/BTC-PERP": 2,
        "spot_bars/BTC-SPOT": 527_040, "perp_bars/BTC-PERP": 105_408, "funding/BTC-PERP": 1_098, "open_interest/BTC-PERP": 8_784,
    }),
    "btc_1h": (("2019-12-24", "2025-04-01"), "btcusdt_spot_1h.parquet", {
        "brackets/BTC-PERP": 6,
        "spot_bars/BTC-SPOT": 46_168, "perp_bars/BTC-PERP": 46_200, "mark_bars/BTC-PERP": 46_200, "funding/BTC-PERP": 5_775,
        "open_interest/BTC-PERP": 40_816,
    }),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_a_real_data_set_holds_what_its_files_hold(name, real_data, tmp_path):
    period, spot_file, counts = REAL[name]
    import_recipe(name, real_data, tmp_path / name)
    market = load(tmp_path / name)
    assert market.counts == counts
    perp_file = "btcusdt_perp_1h.parquet" if name == "btc_1h" else "btcusdt_perp_5m.parquet"
    for key, file, columns in [
        (("spot_bars", SPOT), spot_file, {"close": "close", "volume": "volume"}),
        (("spot_bars", SPOT), spot_file, {"quote_volume": "quote_volume", "taker_buy": "taker_buy_volume"} if name == "btc_flow" else {}),
        (("perp_bars", PERP), perp_file, {"open": "open", "high": "high", "low": "low"}),
        (("mark_bars", PERP), "btcusdt_mark_1h.parquet", {"open": "open", "high": "high", "low": "low", "close": "close"}),
        (("funding", PERP), "btcusdt_funding_8h.parquet", {"rate": "funding_rate"}),
        (("open_interest", PERP), "btcusdt_oi_1h.parquet", {"qty": "oi"}),
    ]:
        if key not in market.tables:
            continue
        table = market.tables[key]
        expected = raw_rows(real_data, file, *period)
        assert table["ts_event"].tolist() == expected["ts"].dt.as_unit("ns").astype("int64").tolist()
        for field, column in columns.items():
            assert table[field].sum() == expected[column].to_numpy().sum(), f"{file}: {column}"


@pytest.mark.real_data
def test_the_halt_and_the_missing_day_are_reported(real_data, tmp_path):
    bars, *others = import_recipe("btc_5m", real_data, tmp_path / "btc_5m").streams
    assert bars.gaps == (Gap("2023-03-24T12:40:00Z", 16), Gap("2023-12-31T00:00:00Z", 288))
    assert bars.zero_volume == 14
    assert [each.missing for each in others] == [0, 0, 0]


@pytest.mark.real_data
def test_the_halts_of_five_years_and_the_late_start_of_open_interest_are_reported(real_data, tmp_path):
    bars, perp, mark, funding, oi = import_recipe("btc_1h", real_data, tmp_path / "btc_1h").streams
    stamps = raw_rows(real_data, "btcusdt_spot_1h.parquet", "2019-12-24", "2025-04-01")["ts"]
    halts = pd.date_range("2019-12-24", "2025-03-31 23:00", freq="1h", tz="UTC").difference(stamps)
    assert (len(bars.gaps), bars.missing) == (15, len(halts))
    assert [bars.gaps[1], bars.gaps[-1]] == [Gap("2020-02-19T12:00:00Z", 5), Gap("2023-03-24T13:00:00Z", 1)]
    assert (bars.zero_volume, perp.zero_volume, mark.zero_volume) == (2, 0, 0)  # a mark price has no volume that could be zero
    assert [each.gaps for each in (perp, mark, funding)] == [(), (), ()]
    assert oi.gaps == (Gap("2019-12-24T00:00:00Z", 5_384),)


@pytest.mark.real_data
def test_two_assets_stand_on_one_clock_with_the_premium_that_their_files_have(real_data, tmp_path):
    summary = import_recipe("btc_eth_1m", real_data, tmp_path / "btc_eth_1m")
    assert [(each.rows_out, each.gaps, each.zero_volume) for each in summary.streams] == [
        (43_197, (), 0), (43_197, (), 0), (90, (), 0), (720, (), 0),
    ] * 2
    market = load(summary.folder)
    assert [(each.name, each.role) for each in market.instruments] == [
        ("BTC-SPOT", "spot"), ("BTC-PERP", "perp"), ("ETH-SPOT", "eth_spot"), ("ETH-PERP", "eth_perp"),
    ]
    assert {name: [each["valid_from"] for each in told["versions"]] for name, told in market.source["brackets"].items()} == {
        "BTC-PERP": ["2024-07-01T00:00:00Z"], "ETH-PERP": ["2024-07-01T00:00:00Z"],
    }
    premiums = []
    for spot in (0, 2):
        pair = market.tables["spot_bars", spot], market.tables["perp_bars", spot + 1]
        assert (pair[0]["ts_event"] == pair[1]["ts_event"]).all()
        premiums.append(1e4 * np.log(pair[0]["close"] / pair[1]["close"]))
    assert [round(float(value), 2) for each in premiums for value in (each.mean(), each.std(), each.min(), each.max())] == [
        4.61, 0.81, -5.34, 9.35,
        4.31, 0.97, -8.33, 22.25,
    ]


@pytest.mark.real_data
def test_minutes_resampled_are_the_five_minutes_as_given(real_data, tmp_path):
    fine = load(import_recipe("btc_flow", real_data, tmp_path / "btc_flow").folder).tables["spot_bars", SPOT]
    given = load(import_recipe("btc_5m", real_data, tmp_path / "btc_5m").folder).tables["spot_bars", SPOT]
    five = fine.reshape(-1, 5)
    there = np.isin(five["ts_event"][:, 0], given["ts_event"])
    expected = given[np.isin(given["ts_event"], five["ts_event"][:, 0])]
    assert (len(five), len(expected)) == (105_408, 105_120)  # the five-minute file lacks a day
    assert (five["open"][there, 0] == expected["open"]).all()
    assert (five["high"].max(axis=1)[there] == expected["high"]).all()
    assert (five["low"].min(axis=1)[there] == expected["low"]).all()
    assert (five["close"][there, 4] == expected["close"]).all()
    np.testing.assert_allclose(five["volume"].sum(axis=1)[there], expected["volume"], rtol=1e-9)


@pytest.mark.real_data
def test_what_real_files_have_wrong_is_found(real_data, tmp_path):
    """The first contracts of ether are zeros; its perpetual once traded at three times its price."""
    spot, _, _, funding, oi = yaml.safe_load((ROOT / "conf" / "import" / "btc_1h.yaml").read_text())["sources"]
    renamed = [each | {"file": each["file"].replace("btc", "eth")} for each in (spot, spot, funding, oi)]
    renamed[1] |= {"file": "ethusdt_perp_1h.parquet", "stream": "perp_bars", "instrument": "BTC-PERP"}
    recipe = RECIPE | {"start": "2020-01-01", "end": "2021-01-01", "sources": renamed}
    (tmp_path / "eth.yaml").write_text(yaml.safe_dump(recipe))
    _, found = kept(import_recipe(tmp_path / "eth.yaml", real_data, tmp_path / "eth").folder)
    assert [(each.check, each.stream, each.rows, iso(each.start)) for each in found if each.fault] == [
        ("zero", "open_interest", 1, "2020-10-21T09:00:00Z"),
        ("jump", "open_interest", 1, "2020-10-21T10:00:00Z"),
        ("jump", "perp_bars", 1, "2020-03-13T02:00:00Z"),
    ]


@pytest.mark.real_data
def test_real_data_are_built_into_data(real_data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(real_data_module, "ROOT", tmp_path)
    monkeypatch.setenv("BACKTESTER_REAL_DATA", str(real_data))
    build_real_data()
    assert [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()] == [
        "btc_5m", "btc_flow", "btc_1h", "btc_eth_1m",
    ]
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["btc_1h", "btc_5m", "btc_eth_1m", "btc_flow"]


def test_without_a_folder_of_real_data_the_message_says_what_to_set(tmp_path, monkeypatch):
    monkeypatch.setenv("BACKTESTER_REAL_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"no real data at .*nowhere: set BACKTESTER_REAL_DATA to the folder that holds"):
        build_real_data()


@pytest.mark.parametrize("path", sorted((ROOT / "conf" / "import").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_has_the_name_of_its_file_and_a_data_config(path):
    assert yaml.safe_load(path.read_text())["name"] == path.stem
    assert (ROOT / "conf" / "data" / path.name).is_file()
