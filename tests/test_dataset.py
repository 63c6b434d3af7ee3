"""A data set on disk: written whole, read back to the byte, pruned by month, refused with the place of the fault."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from tables import HEADER, SECOND, T0, tiny

from backtester.errors import UserError
from backtester.market import dataset
from backtester.market.dataset import Instrument, load
from backtester.market.schema import parse_header
from backtester.market.write import write_dataset

ROOT = Path(__file__).resolve().parents[1]
TURN = T0 + 31 * 86_400 * SECOND  # 2024-02-01, the middle of `tiny`
JANUARY, FEBRUARY = "instrument=BTC-SPOT/month=2024-01/part.parquet", "instrument=BTC-SPOT/month=2024-02/part.parquet"


@pytest.fixture
def folder(tmp_path):
    write_dataset(tmp_path / "tiny", HEADER, tiny())
    return tmp_path / "tiny"


def tree(folder):
    """Relative path -> bytes of every file."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rewrite(path, change):
    """Put change(table) in the place of a Parquet file."""
    pq.write_table(change(pq.ParquetFile(path).read()), path)


# ---------------------------------------------------------------------------- there and back


def test_what_is_written_is_read_back_to_the_byte(folder):
    market, tables = load(folder), tiny()
    assert market.streams.bars[1:].tobytes() == tables["spot_bars", "BTC-SPOT"].tobytes() + tables["perp_bars", "BTC-PERP"].tobytes()
    for stream in ("funding", "open_interest", "liquidations"):
        assert getattr(market.streams, stream)[1:].tobytes() == tables[stream, "BTC-PERP"].tobytes()
    assert market.instruments == (Instrument("BTC-SPOT", "spot", tick=0.01, lot=0.00001), Instrument("BTC-PERP", "perp"))
    assert (market.name, market.start, market.end) == ("tiny", TURN - 3600 * SECOND, TURN + 3600 * SECOND)


def test_a_file_a_month_and_its_hash_in_the_source(folder):
    source = load(folder).source
    assert sorted(source["files"]) == [
        "dataset.yaml",
        "funding/instrument=BTC-PERP/month=2024-02/part.parquet",
        "liquidations/instrument=BTC-PERP/month=2024-01/part.parquet",
        "liquidations/instrument=BTC-PERP/month=2024-02/part.parquet",
        "open_interest/instrument=BTC-PERP/month=2024-01/part.parquet",
        "open_interest/instrument=BTC-PERP/month=2024-02/part.parquet",
        "perp_bars/instrument=BTC-PERP/month=2024-01/part.parquet",
        "perp_bars/instrument=BTC-PERP/month=2024-02/part.parquet",
        "spot_bars/instrument=BTC-SPOT/month=2024-01/part.parquet",
        "spot_bars/instrument=BTC-SPOT/month=2024-02/part.parquet",
    ]
    assert source["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in tree(folder).items() if name != "check.json"}
    assert (source["name"], source["path"]) == ("tiny", str(folder))
    assert source["streams"]["open_interest/BTC-PERP"] == ["2024-01-31T23:00:00Z", "2024-02-01T00:00:00Z"]
    json.dumps(source)


def test_equal_input_gives_equal_bytes_and_leaves_nothing_beside(folder, tmp_path):
    before = tree(folder)
    write_dataset(folder, HEADER, tiny())
    assert tree(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_columns_are_times_and_float64(folder):
    schema = pq.ParquetFile(folder / "liquidations/instrument=BTC-PERP/month=2024-01/part.parquet").schema_arrow
    assert {field.name: str(field.type) for field in schema} == {
        "ts_event": "timestamp[ns, tz=UTC]", "ts_known": "timestamp[ns, tz=UTC]", "side": "double", "qty": "double", "price": "double",
    }


@pytest.mark.parametrize(("start", "end"), [
    (None, "2024-02-01"),
    ("2024-02-01", None),
    ("2024-01-31T23:30:00Z", "2024-02-01T00:10:00+00:00"),
    ("2024-02-01T00:00:00+01:00", "2024-02-01"),  # an offset counts
])
def test_a_period_equals_the_rows_inside_it(folder, start, end):
    low, high = (dataset.bounds(start, end)[n] or (0, 2**62)[n] for n in (0, 1))
    inside = {key: table[(table["ts_event"] >= low) & (table["ts_event"] < high)] for key, table in tiny().items()}
    streams = load(folder, start, end).streams
    assert streams.bars[1:].tobytes() == inside["spot_bars", "BTC-SPOT"].tobytes() + inside["perp_bars", "BTC-PERP"].tobytes()
    assert streams.liquidations[1:].tobytes() == inside["liquidations", "BTC-PERP"].tobytes()
    assert len(streams.events) == sum(map(len, inside.values()))


@pytest.mark.parametrize(("other", "period"), [("2024-02", {"end": "2024-02-01"}), ("2024-01", {"start": "2024-02-01"})])
def test_months_outside_the_period_are_not_opened(folder, other, period):
    for path in folder.rglob(f"month={other}/part.parquet"):
        path.write_bytes(b"not Parquet")
    assert load(folder, **period).counts["spot_bars/BTC-SPOT"] == 60
    with pytest.raises(UserError, match=rf"month={other}/part\.parquet: cannot be read as Parquet"):
        load(folder)


def test_an_empty_cell_is_nan(folder):
    def without_volume(table):
        values = pa.array([None, *table["volume"].to_pylist()[1:]], pa.float64())
        return table.set_column(table.schema.get_field_index("volume"), "volume", values)

    rewrite(folder / "spot_bars" / JANUARY, without_volume)
    assert np.isnan(load(folder, accept="all").streams.bars["volume"][:4]).tolist() == [True, True, False, False]


def test_loading_imports_neither_pandas_nor_pyarrow_dataset(folder):
    text = f"""
import sys
from backtester.market.dataset import load
load({str(folder)!r})
print({{"pandas", "pyarrow.dataset"}} & set(sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True).stdout == "set()\n"


# ---------------------------------------------------------------------------- names


def test_a_name_is_looked_up_in_conf_and_brings_its_period(folder, tmp_path, monkeypatch):
    config = tmp_path / "conf" / "data" / "mine.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("name: mine\npath: tiny\nstart: null\nend: 2024-02-01\n")
    monkeypatch.setattr(dataset, "ROOT", tmp_path)
    assert load("mine").counts["spot_bars/BTC-SPOT"] == 60
    assert load("mine", end="2024-02-01T00:30").counts["spot_bars/BTC-SPOT"] == 90
    assert load("mine").source["path"] == "tiny"
    config.write_text("name: mine\n")
    with pytest.raises(UserError, match=r"mine\.yaml: path is missing: name the data set's folder"):
        load("mine")
    with pytest.raises(UserError, match=r"no data set at .*other \(no dataset.yaml\): build it first, or name one of mine"):
        load("other")


def test_the_sample_is_generated_where_it_is_absent(tmp_path, monkeypatch):
    synthetic = pytest.importorskip("backtester.market.synthetic")
    config = tmp_path / "conf" / "data" / "sample.yaml"
    config.parent.mkdir(parents=True)
    config.write_text((ROOT / "conf" / "data" / "sample.yaml").read_text())
    monkeypatch.setattr(dataset, "ROOT", tmp_path)
    made = []
    monkeypatch.setattr(synthetic, "ensure_sample", lambda folder: (made.append(folder), write_dataset(folder, HEADER, tiny())))
    assert load("sample").name == load(tmp_path / "data" / "sample").name == "tiny"
    assert made == [tmp_path / "data" / "sample"] * 2  # every load looks whether it is there and current


@pytest.mark.parametrize("path", sorted((ROOT / "conf" / "data").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_data_configs_point_into_data(path):
    config = yaml.safe_load(path.read_text())
    assert list(config) == ["name", "path", "start", "end", "accept", "roles"]
    assert config["name"] == path.stem
    whole = config["path"].removeprefix("data/")
    assert whole == path.stem or (path.with_stem(whole).is_file() and config["start"] and config["end"])  # or it is a part of another one


# ---------------------------------------------------------------------------- several assets


def test_instruments_stand_asset_by_asset_spot_before_perp_and_unbound_roles_are_filled():
    named = [("A", "sol_perp"), ("B", "perp"), ("C", "eth_perp"), ("D", "eth_spot")]
    made = parse_header(HEADER | {"instruments": [{"name": name, "role": role} for name, role in named]}, "dataset.yaml").instruments
    assert [(each.name, each.role, each.asset, each.kind) for each in made] == [
        ("", "spot", "", "spot"),
        ("B", "perp", "", "perp"),
        ("", "sol_spot", "sol", "spot"),
        ("A", "sol_perp", "sol", "perp"),
        ("D", "eth_spot", "eth", "spot"),
        ("C", "eth_perp", "eth", "perp"),
    ]


def test_there_is_room_for_128_assets():
    named = [HEADER["instruments"][0], *({"name": f"C{n}", "role": f"c{n}_spot"} for n in range(127))]
    assert len(parse_header(HEADER | {"instruments": named}, "dataset.yaml").instruments) == 256


def test_a_second_asset_is_read_back_in_its_place(tmp_path):
    eth = {"name": "ETH-PERP", "role": "eth_perp", "lot": 0.001, "min_notional": 20, "maker_bp": 2}
    tables = tiny() | {("perp_bars", "ETH-PERP"): tiny()["perp_bars", "BTC-PERP"], ("funding", "ETH-PERP"): tiny()["funding", "BTC-PERP"]}
    write_dataset(tmp_path / "two", HEADER | {"instruments": [eth, *HEADER["instruments"]]}, tables)
    market = load(tmp_path / "two")
    assert [each.name for each in market.instruments] == ["BTC-SPOT", "BTC-PERP", "", "ETH-PERP"]
    assert market.instruments[3] == Instrument("ETH-PERP", "eth_perp", lot=0.001, min_notional=20.0, maker_bp=2.0)
    assert market.tables["perp_bars", 3].tobytes() == market.tables["perp_bars", 1].tobytes()
    assert market.counts["funding/ETH-PERP"] == 1


# ---------------------------------------------------------------------------- refusals


def header(**change):
    return HEADER | change


SPOT, PERP = HEADER["instruments"]
BAD_HEADERS = {
    "no list": (["tiny"], "name is missing or no str"),
    "no streams": (header(streams=None), "streams is missing or no dict"),
    "unknown role": (header(instruments=[SPOT | {"role": "margin"}]), "BTC-SPOT: unknown role 'margin' (roles are spot, perp; of a "),
    "role twice": (header(instruments=[SPOT, PERP | {"role": "spot"}]), "role spot is bound twice, to BTC-SPOT and to BTC-PERP: keep one"),
    "name twice": (header(instruments=[SPOT, PERP | {"name": "BTC-SPOT"}]), "two instruments are named BTC-SPOT: give each its own name"),
    "unknown key": (header(instruments=[SPOT | {"fee": 1}]), "may have tick, lot, min_notional, taker_bp, maker_bp, brackets"),
    "no word": (header(instruments=[SPOT, PERP | {"role": "_perp"}]), "BTC-PERP: unknown role '_perp' (roles are spot, perp; of a "),
    "two words": (header(instruments=[SPOT, PERP | {"role": "old_eth_perp"}]), "BTC-PERP: unknown role 'old_eth_perp'"),
    "no text for a role": (header(instruments=[SPOT | {"role": None}]), "BTC-SPOT: unknown role None"),
    "no first asset": (header(instruments=[PERP | {"role": "eth_perp"}]), "no instrument has the role spot or perp: the roles of "),
    "too many assets": (
        header(instruments=[SPOT, *({"name": f"C{n}", "role": f"c{n}_spot"} for n in range(128))]),
        "129 assets: an event has room for 128",
    ),
    "brackets of a spot": (header(instruments=[SPOT | {"brackets": "b"}]), "brackets belong to a perp, and BTC-SPOT has the role spot"),
    "brackets of no name": (header(instruments=[PERP | {"brackets": 5}]), "BTC-PERP: brackets is 5: name a file of data/brackets"),
    "brackets as a stream": (header(streams={"brackets": {}}), "streams: brackets come from the file that an instrument names"),
    "no folder's name": (header(instruments=[SPOT | {"name": "BTC/USDT"}]), "'BTC/USDT' is no name for a folder"),
    "text for a number": (header(instruments=[SPOT | {"lot": "1e-5"}]), "lot is '1e-5': write a number such as 0.001, or null"),
    "unknown stream": (header(streams={"candles": {}}), "unknown stream 'candles'"),
    "no interval": (header(streams={"mark_bars": {}}), "streams: mark_bars: bars need their interval, such as 5m"),
    "no such interval": (header(streams={"mark_bars": {"interval": "5min"}}), "'5min' is no interval: write 30s, 5m, 1h or 1d"),
    "no such lag": (header(streams={"funding": {"lag_ms": "5s"}}), "lag_ms: '5s' is no number of milliseconds: write 500"),
    "no such key": (header(streams={"funding": {"lag": 5}}), "may have interval and lag_ms; what is made of trades"),
}


@pytest.mark.parametrize(("raw", "message"), BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_a_bad_header_names_the_file_and_the_key(raw, message):
    with pytest.raises(UserError) as refused:
        parse_header(raw, "data/tiny/dataset.yaml")
    assert str(refused.value).startswith("data/tiny/dataset.yaml: ")
    assert message in str(refused.value)


def drop_close(table):
    return table.drop_columns(["close"])


def as_float32(table):
    return table.set_column(2, "open", table["open"].cast(pa.float32()))


def reverse(table):
    return table.take(list(range(len(table)))[::-1])


def forget_time(table):
    return table.set_column(0, "ts_event", pa.nulls(len(table), pa.timestamp("ns", "UTC")))


BAD_FILES = {
    "missing column": (drop_close, r"month=2024-01/part\.parquet: no column close \(it has ts_event, ts_known, open, high, low, volume, "),
    "wrong type": (as_float32, r"month=2024-01/part\.parquet: column open is float; right is double"),
    "unsorted": (reverse, r"tiny: spot_bars/BTC-SPOT, row 1 \(2024-01-31T23:58:00Z\): ts_event is earlier than in the row before"),
    "no time": (forget_time, r"month=2024-01/part\.parquet: column ts_event has 60 empty rows: every record needs its time"),
}


@pytest.mark.parametrize(("change", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_named(folder, change, message):
    rewrite(folder / "spot_bars" / JANUARY, change)
    with pytest.raises(UserError, match=message):
        load(folder)


MISPLACED = {
    f"spot_candles/{JANUARY}": "unknown stream 'spot_candles'",
    f"mark_bars/{JANUARY}": "stream mark_bars is not in dataset.yaml: declare it under streams",
    "spot_bars/instrument=ETH/month=2024-01/part.parquet": r"instrument 'ETH' is not in dataset.yaml \(it has BTC-SPOT, BTC-PERP\)",
    "spot_bars/instrument=BTC-SPOT/month=13/part.parquet": "'13' is no month: right is month=2024-01",
}


@pytest.mark.parametrize(("place", "message"), MISPLACED.items())
def test_a_file_without_a_place_in_the_header_is_refused(folder, place, message):
    (folder / place).parent.mkdir(parents=True)
    (folder / "spot_bars" / JANUARY).rename(folder / place)
    with pytest.raises(UserError, match=message):
        load(folder)


@pytest.mark.parametrize(("start", "end", "message"), [
    ("2025-01-01", None, "tiny: no rows between 2025-01-01 and its end: it has 2024-01 to 2024-02"),
    (None, "2024-01-31", "tiny: no rows between its start and 2024-01-31: it has 2024-01 to 2024-02"),
    ("2024-02-02", "2024-02-01", "data.end 2024-02-01 must be later than data.start 2024-02-02"),
    ("yesterday", None, "data.start: 'yesterday' is no time: write 2024-01-31 or 2024-01-31T08:00:00Z (UTC)"),
])
def test_an_empty_period_is_refused(folder, start, end, message):
    with pytest.raises(UserError) as refused:
        load(folder, start, end)
    assert str(refused.value) == message


def test_dataset_yaml_that_is_no_yaml_is_named(folder):
    (folder / "dataset.yaml").write_text("name: [")
    with pytest.raises(UserError, match=r"tiny/dataset\.yaml: is no YAML"):
        load(folder)


# ---------------------------------------------------------------------------- writing


def test_tables_that_could_not_be_loaded_are_not_written_and_the_old_data_set_stays(folder, tmp_path):
    before = tree(folder)
    for key, change, message in [
        (("spot_bars", "BTC-SPOT"), lambda table: table["high"].fill(np.nan), "one of them is NaN"),
        (("spot_bars", "BTC-SPOT"), lambda table: np.add(table["ts_close"], 1, out=table["ts_close"]), "ts_close is not its ts_event"),
    ]:
        tables = tiny()
        change(tables[key])
        with pytest.raises(UserError, match=message):
            write_dataset(folder, HEADER, tables)
    for key, message in [(("mark_bars", "BTC-PERP"), "mark_bars is not in the header"), (("funding", "ETH"), "'ETH' is not in the header")]:
        with pytest.raises(UserError, match=message):
            write_dataset(folder, HEADER, tiny() | {key: tiny()["funding", "BTC-PERP"]})
    assert tree(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_write_that_breaks_off_leaves_the_old_data_set(folder, tmp_path, monkeypatch):
    before = tree(folder)

    def full_disk(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr("backtester.market.write.pq.write_table", full_disk)
    with pytest.raises(OSError, match="no space left"):
        write_dataset(folder, HEADER, tiny())
    assert tree(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_data_set_that_cannot_be_moved_into_place_leaves_the_old_one(folder, tmp_path, monkeypatch):
    before, rename = tree(folder), Path.rename

    def refuse(path, target):
        if path.name == "new":
            raise OSError("not permitted")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="not permitted"):
        write_dataset(folder, HEADER, tiny())
    assert tree(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to_her.txt").write_text("…")
    with pytest.raises(UserError, match=r"letters: exists and is no data set \(no dataset.yaml\): choose another folder"):
        write_dataset(tmp_path / "letters", HEADER, tiny())
    assert tree(tmp_path) == {"letters/to_her.txt": "…".encode()}


def test_a_file_in_the_folder_of_another_month_is_refused(folder):
    (folder / "spot_bars" / "instrument=BTC-SPOT" / "month=2024-01").rename(folder / "spot_bars" / "instrument=BTC-SPOT" / "month=2023-12")
    with pytest.raises(UserError, match="its rows are of 2024-01; right are rows of 2023-12 alone"):
        load(folder)


# ---------------------------------------------------------------------------- faults


ZERO = r"tiny: liquidations/BTC-PERP, row 0 \(2024-01-31T23:59:59Z\): zero: qty is 0, .*to run all the same: 'data.accept=\[zero\]'"


def with_zeros():
    tables = tiny()
    tables["liquidations", "BTC-PERP"]["qty"][0] = 0
    return tables


@pytest.mark.parametrize("told", [True, False], ids=["written down", "found now"])
def test_data_with_a_fault_are_refused_unless_it_is_accepted_and_then_the_source_says_so(tmp_path, told):
    write_dataset(tmp_path / "tiny", HEADER, with_zeros())
    if not told:
        (tmp_path / "tiny" / "check.json").unlink()
    with pytest.raises(UserError, match=ZERO):
        load(tmp_path / "tiny")
    for accept in (["zero"], "all"):
        (said,) = load(tmp_path / "tiny", accept=accept).source["accepted"]
        assert said.startswith("FALLBACK data.accept=zero: liquidations/BTC-PERP, row 0 (2024-01-31T23:59:59Z): zero: qty is 0")
    assert load(tmp_path / "tiny", start="2024-02-01").source["accepted"] == []  # the fault is before it


def test_a_file_that_was_changed_after_its_check_is_refused(folder):
    rewrite(folder / "spot_bars" / JANUARY, lambda table: table.slice(0, 59))
    with pytest.raises(UserError, match=r"spot_bars/.*month=2024-01/part.parquet is not the file that was checked: check it again"):
        load(folder)
    assert load(folder, start="2024-02-01").source["accepted"] == []
    (said,) = load(folder, accept=["changed"]).source["accepted"]
    assert said.startswith("FALLBACK data.accept=changed: spot_bars/")


def test_a_damaged_page_of_a_file_is_one_message(folder):
    path = folder / "spot_bars" / JANUARY
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 40 + content[44:])
    with pytest.raises(UserError, match=r"month=2024-01/part\.parquet: is damaged: "):
        load(folder)


def test_a_check_that_does_not_exist_cannot_be_accepted(folder):
    with pytest.raises(UserError, match=r"data.accept: there is no check hole \(there are all, gap, halt, "):
        load(folder, accept=["hole"])


def test_a_damaged_check_is_named(folder):
    (folder / "check.json").write_text("{")
    with pytest.raises(UserError, match=r"check\.json: is damaged: write it again with backtester data check"):
        load(folder)


# ---------------------------------------------------------------------------- roles


@pytest.fixture
def two_spots(tmp_path):
    """Binance's spot and perpetual, and the spot of another exchange, 5 bp higher."""
    tables = tiny()
    coinbase = tables["spot_bars", "BTC-SPOT"].copy()
    for field in ("open", "high", "low", "close"):
        coinbase[field] *= 1.0005
    coinbase["quote_volume"] = np.nan
    other = {"name": "COINBASE-BTC-USD", "role": "coinbase_spot"}
    tables["spot_bars", other["name"]] = coinbase
    write_dataset(tmp_path / "two", HEADER | {"instruments": [*HEADER["instruments"], other]}, tables)
    return tmp_path / "two"


def test_a_role_is_bound_to_any_instrument_and_the_others_are_left_out(two_spots):
    assert [each.role for each in load(two_spots).instruments] == ["spot", "perp", "coinbase_spot", "coinbase_perp"]
    bound = load(two_spots, roles={"spot": "COINBASE-BTC-USD", "perp": "BTC-PERP"})
    assert [(each.name, each.role) for each in bound.instruments] == [("COINBASE-BTC-USD", "spot"), ("BTC-PERP", "perp")]
    assert sorted(bound.counts) == ["funding/BTC-PERP", "liquidations/BTC-PERP", "open_interest/BTC-PERP", "perp_bars/BTC-PERP",
                                    "spot_bars/COINBASE-BTC-USD"]
    assert bound.source["roles"] == {"spot": "COINBASE-BTC-USD", "perp": "BTC-PERP"}
    assert not any("BTC-SPOT" in name for name in bound.source["files"])
    confirmed = load(two_spots, roles={"spot": "BTC-SPOT", "perp": "BTC-PERP", "confirm_spot": "COINBASE-BTC-USD"})
    assert [each.role for each in confirmed.instruments] == ["spot", "perp", "confirm_spot", "confirm_perp"]
    assert confirmed.tables["spot_bars", 2]["close"][0] == 100.05


@pytest.mark.parametrize(("roles", "message"), [
    ({"spot": "KRAKEN"}, r"two: data.roles: spot: no instrument 'KRAKEN' \(it has BTC-SPOT, BTC-PERP, COINBASE-BTC-USD\); fetch it"),
    ({"margin": "BTC-SPOT"}, "two: data.roles: 'margin' is no role: spot, perp"),
    (["BTC-SPOT"], "two: data.roles: .*: write role: instrument, such as"),
    ({"perp": "BTC-SPOT"}, "belongs to a spot, and BTC-SPOT has the role perp"),
    ({"confirm_spot": "BTC-SPOT"}, "no instrument has the role spot or perp"),
])
def test_a_role_that_cannot_be_bound_is_refused(two_spots, roles, message):
    with pytest.raises(UserError, match=message):
        load(two_spots, roles=roles)
