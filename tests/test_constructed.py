"""Constructed markets: the same bytes for a seed, valid records, written whole, and asked for by name."""

import json

import numpy as np
import pytest
import yaml
from measured import FUNDING, LIQUIDATIONS, OI, PERP, SPOT, ns
from tables import constructed_market, market_of

from backtester.checkout import ROOT
from backtester.cli import main
from backtester.errors import UserError
from backtester.market import dataset
from backtester.market.constructed.faults import REFUSED, refused
from backtester.market.constructed.kinds import KINDS, construct, ensure_kind, read_request, takes
from backtester.market.constructed.told import calm
from backtester.market.dataset import load
from backtester.market.invented import Made
from backtester.market.paths import MINUTE
from backtester.market.schema import LAG_MS

SOUND = [kind for kind in KINDS if kind != "faults"]
MOVED = {"macro_gap"}  # whose bars do not all open where the one before closed


@pytest.fixture(scope="module")
def made():
    """Every kind, once."""
    return {kind: construct(kind, 3) for kind in KINDS}


def bytes_of(made):
    return [(key, table.tobytes()) for key, table in made.tables.items()], made.header, made.truth


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes(made, kind):
    assert bytes_of(construct(kind, 3)) == bytes_of(made[kind])
    assert construct(kind, 4).tables[PERP].tobytes() != made[kind].tables[PERP].tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_truth_is_sorted_and_inside_the_market(made, kind):
    bars, truth = made[kind].tables[PERP], made[kind].truth
    starts = [ns(entry["start"]) for entry in truth]
    assert starts == sorted(starts)
    assert len(truth) >= 1
    assert all({"kind", "start", "end"} <= set(entry) for entry in truth)
    assert all(bars["ts_event"][0] <= ns(entry["start"]) <= ns(entry["end"]) <= bars["ts_close"][-1] for entry in truth)


@pytest.mark.parametrize("kind", SOUND)
def test_every_bar_is_valid(made, kind):
    ticks = {each["name"]: each["tick"] for each in made[kind].header["instruments"]}
    for (stream, name), bars in made[kind].tables.items():
        if stream not in ("spot_bars", "perp_bars"):
            continue
        vwap = bars["quote_volume"] / bars["volume"]
        off = bars["open"][1:] != bars["close"][:-1]
        assert off.sum() == (2 if kind in MOVED else 0)
        assert (np.diff(bars["ts_event"]) == MINUTE).all()
        assert (bars["ts_close"] == bars["ts_event"] + MINUTE).all()
        assert (bars["ts_known"] == bars["ts_close"] + 500_000_000).all()
        assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all()
        assert (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
        assert ((bars["low"] - ticks[name] <= vwap) & (vwap <= bars["high"] + ticks[name])).all()
        assert ((bars["taker_buy"] >= 0) & (bars["taker_buy"] <= bars["volume"]) & (bars["volume"] > 0)).all()
        for field in ("open", "high", "low", "close"):
            assert np.abs(bars[field] / ticks[name] - np.round(bars[field] / ticks[name])).max() < 1e-4


@pytest.mark.parametrize("kind", SOUND)
def test_other_records_are_valid(made, kind):
    tables = made[kind].tables
    for (stream, _), table in tables.items():
        if stream in ("open_interest", "funding", "liquidations"):
            assert (table["ts_known"] - table["ts_event"] == LAG_MS[stream] * 10**6).all()
    assert (np.diff(tables[OI]["ts_event"]) == 5 * MINUTE).all()
    assert tables[OI]["ts_event"][0] % (5 * MINUTE) == 0
    assert tables[OI]["qty"].min() > 10_000
    assert (np.diff(tables[FUNDING]["ts_event"]) == tables[FUNDING]["interval_h"][1:] * 60 * MINUTE).all()
    assert (np.diff(tables[LIQUIDATIONS]["ts_event"]) >= 0).all()
    prints = tables[LIQUIDATIONS]
    bar = tables[PERP][(prints["ts_event"] - tables[PERP]["ts_event"][0]) // MINUTE]
    assert ((bar["low"] - 0.11 <= prints["price"]) & (prints["price"] <= bar["high"] + 0.11)).all()
    assert prints["qty"].min() >= 0.001


@pytest.mark.parametrize("kind", KINDS)
def test_it_loads_as_it_was_made(made, kind, tmp_path):
    folder = ensure_kind(kind, tmp_path / kind, 3)
    market = load(folder, accept="all" if kind == "faults" else ())
    assert json.loads((folder / "truth.json").read_text()) == made[kind].truth
    assert [path.name for path in tmp_path.iterdir()] == [kind]
    assert {key: len(table) for key, table in market.tables.items() if key[0] != "brackets"} == {
        (stream, [each.name for each in market.instruments].index(name)): len(table) for (stream, name), table in made[kind].tables.items()
    }
    assert (market.name, market.start) == (kind, int(made[kind].tables[SPOT]["ts_event"][0]))
    told = yaml.safe_load((folder / "dataset.yaml").read_text())["provenance"][0]
    assert told.startswith(f"SYNTHETIC: invented by backtester.market.constructed, version 1, kind {kind}, seed 3")


# ---------------------------------------------------------------------------- faults


@pytest.mark.parametrize("name", REFUSED)
def test_a_reader_refuses_what_cannot_be_right(made, name):
    tables, why = {fault: (tables, why) for fault, tables, why in refused(3)}[name]
    with pytest.raises(UserError, match=why):
        market_of(Made(tables, made["null"].header, []))


def test_raw_rows_without_a_fault_load(made):
    tables = calm(np.random.default_rng(3), 2, 95_000.0)
    assert market_of(Made(tables, made["null"].header, [])).counts["perp_bars/BTC-PERP"] == 2 * 1440


# ---------------------------------------------------------------------------- by name


def test_a_market_that_is_there_stays_and_another_seed_replaces_it(tmp_path):
    folder = ensure_kind("null", tmp_path / "null", 1, days=1)
    first = (folder / "dataset.yaml").stat().st_ino
    assert (ensure_kind("null", folder, 1, days=1) / "dataset.yaml").stat().st_ino == first
    assert (ensure_kind("null", folder, 2, days=1) / "dataset.yaml").stat().st_ino != first
    assert [path.name for path in tmp_path.iterdir()] == ["null"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "dataset.yaml").write_text("name: btc\nprovenance: [exchange archive]\n")
    with pytest.raises(UserError, match="not a synthetic sample"):
        ensure_kind("null", tmp_path / "mine")


def test_the_command_writes_a_folder_that_data_accepts(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["data", "sample", "kind=null", "seed=5", "days=2", "folder=two_days"]) == 0
    assert capsys.readouterr().out == "two_days\n"
    assert main(["data", "show", "two_days"]) == 0
    assert capsys.readouterr().out.startswith("null: 2025-04-01T00:00:00Z to 2025-04-03T00:00:00Z\n")
    assert "kind null, seed 5, days 2;" in (tmp_path / "two_days" / "dataset.yaml").read_text()


def test_a_kind_is_generated_where_its_folder_is_absent(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "brackets").symlink_to(ROOT / "data" / "brackets")
    assert load("data/support").name == load(tmp_path / "data" / "support").name == "support"
    assert (tmp_path / "data" / "support" / "truth.json").is_file()
    with pytest.raises(UserError, match="no data set at"):
        load("data/no_such_kind")


@pytest.mark.parametrize(("words", "message"), {
    ("kind=five_door",): "kind: there is no constructed market 'five_door'; there are five_doors, cascade, squeeze, spot_impulse, ",
    ("seed=3",): "kind is missing; there are five_doors, ",
    ("kind=null", "hours=3"): "hours: no such key of kind null; there are kind, seed, folder, days",
    ("kind=eth", "days=3"): "days: no such key of kind eth; there are kind, seed, folder",
    ("kind=null", "days"): "days: no key=value; write for example kind=five_doors seed=3",
    ("kind=null", "days=many"): "days: 'many': give a whole number",
    ("kind=null", "seed=-1"): "seed: '-1': give a whole number",
    ("kind=null", "days=0"): "days: 0 is no length of a market: 1 to 3650",
    ("kind=weekends", "tz=Mars"): "tz: 'Mars' is no calendar of weekends: there are Asia/Shanghai, UTC, CME",
}.items())
def test_wrong_words_are_answered_with_what_exists(words, message, capsys, tmp_path):
    assert main(["data", "sample", *words, *([f"folder={tmp_path}/new"] if "kind" in words[0] else [])]) == 2
    assert capsys.readouterr().err.startswith(f"backtester: {message}")
    assert list(tmp_path.iterdir()) == []


def test_what_a_kind_takes_is_read_by_the_type_of_its_default():
    assert {kind: takes(kind) for kind in KINDS if takes(kind)} == {"weekends": {"tz": "Asia/Shanghai"}, "null": {"days": 14}}
    asked = read_request(["kind=null", "days=30"])
    assert (asked.kind, asked.seed, asked.folder, asked.given) == ("null", 7, None, {"days": 30})


def test_every_kind_has_its_row_in_the_manual():
    text = (ROOT / "docs" / "data.md").read_text()
    assert [kind for kind in KINDS if f"| `{kind}` |" not in text] == []


def test_a_market_of_two_assets_stands_asset_by_asset():
    market, _ = constructed_market("eth", 3)
    assert [(each.name, each.role) for each in market.instruments] == [
        ("BTC-SPOT", "spot"), ("BTC-PERP", "perp"), ("ETH-SPOT", "eth_spot"), ("ETH-PERP", "eth_perp"),
    ]
    assert {index for stream, index in market.tables if stream == "brackets"} == {1, 3}
