"""Margin brackets: dated tables from a YAML file, in force from when they are known, refused with the place of the fault."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from tables import HEADER, T0, tiny, unpack

from backtester.errors import UserError
from backtester.market import dataset
from backtester.market.brackets import in_force, read_brackets
from backtester.market.dataset import load
from backtester.market.write import write_dataset

ROOT = Path(__file__).resolve().parents[1]
PERP, INF = 1, float("inf")
FILE = {
    "name": "made_up",
    "source": "this test",
    "instrument": "BTC-PERP",
    "versions": [
        {"valid_from": "2024-01-01", "basis": "assumed", "liquidation_fee": 0.0125, "tiers": [[50_000, 0.004, 125], [250_000, 0.005, 100]]},
        {"valid_from": "2024-01-31T12:00:00Z", "basis": "known", "liquidation_fee": 0.02, "tiers": [[1e6, 0.01, 50], [INF, 0.5, 1]]},
        {"valid_from": "2024-02-01T00:30:00Z", "basis": "seen", "liquidation_fee": 0, "tiers": [[1e6, 0.02, 25]]},
    ],
}


def written(path, raw=FILE):
    """The path of a file of brackets."""
    path.write_text(yaml.safe_dump(raw))
    return path


def market_of(folder, brackets, **period):
    """`tiny` (2024-01-31 23:00 to 2024-02-01 01:00) with brackets at its perp, written to `folder` and loaded."""
    spot, perp = HEADER["instruments"]
    write_dataset(folder, HEADER | {"instruments": [spot, perp | {"brackets": brackets}]}, tiny())
    return load(folder, **period)


# ---------------------------------------------------------------------------- from the file to records


def test_a_version_becomes_a_record(tmp_path):
    table, grounds, sha256 = read_brackets(written(tmp_path / "b.yaml"))
    first, second, third = table
    assert (first.ts_event, first.ts_known, first.liquidation_fee, first.tiers) == (T0, T0, 0.0125, 2)
    assert [first[field][:2].tolist() for field in ("cap", "rate", "amount", "leverage")] == [
        [50_000, 250_000], [0.004, 0.005], [0, pytest.approx(50)], [125, 100],
    ]
    assert all(np.isnan(each[field][each.tiers:]).all() for each in table for field in ("cap", "rate", "amount", "leverage"))
    assert (second.cap[1], second.amount[1], second.tiers) == (np.inf, 490_000, 2)
    assert (third.cap[0], third.amount[0], third.tiers, third.liquidation_fee) == (1e6, 0, 1, 0)
    assert grounds == ["assumed", "known", "seen"]
    assert sha256 == hashlib.sha256((tmp_path / "b.yaml").read_bytes()).hexdigest()


@pytest.mark.parametrize(("start", "end", "expected"), [
    (15, 16, [10]),          # the last one before the start is in force there
    (20, 25, [20]),          # from its own moment on
    (15, 30, [10, 20]),      # the end is left out
    (15, 31, [10, 20, 30]),
    (40, 50, [30]),
    (0, 15, [10]),           # nothing is in force before the first
    (0, 5, []),
])
def test_the_versions_of_a_period(start, end, expected):
    versions = np.array([10, 20, 30])
    assert versions[in_force(versions, start, end)].tolist() == expected


# ---------------------------------------------------------------------------- in a market


def test_a_market_knows_the_brackets_in_force_and_those_that_begin_inside_it(tmp_path):
    market = market_of(tmp_path / "tiny", "../b.yaml" if written(tmp_path / "b.yaml") else "")
    events = unpack(market.streams.events)
    assert events[0] == ("brackets", PERP, 1, True)  # of noon, the day before
    place = events.index(("brackets", PERP, 2, True))
    known = [int(getattr(market.streams, {"spot_bars": "bars"}.get(kind, kind))["ts_known"][row]) for kind, _, row, _ in (
        events[place - 1], events[place], events[place + 1])]
    assert known == sorted(known)
    assert known[1] == int(np.datetime64("2024-02-01T00:30", "ns").astype("i8"))
    assert market.streams.brackets["tiers"].tolist() == [0, 2, 1]
    assert market.counts["brackets/BTC-PERP"] == 2
    assert market.tables["brackets", PERP]["rate"][0][:2].tolist() == [0.01, 0.5]
    assert market.source["brackets"] == {"BTC-PERP": {
        "file": str(tmp_path / "b.yaml"),
        "sha256": hashlib.sha256((tmp_path / "b.yaml").read_bytes()).hexdigest(),
        "versions": [{"valid_from": "2024-01-31T12:00:00Z", "basis": "known"}, {"valid_from": "2024-02-01T00:30:00Z", "basis": "seen"}],
    }}


def test_a_period_has_its_own_brackets(tmp_path):
    written(tmp_path / "b.yaml")
    for period, expected in [({"end": "2024-02-01T00:30"}, ["known"]), ({"start": "2024-02-01T00:30"}, ["seen"])]:
        told = market_of(tmp_path / "tiny", "../b.yaml", **period).source["brackets"]
        assert [each["basis"] for each in told["BTC-PERP"]["versions"]] == expected


def test_a_market_before_the_first_version_has_no_brackets(tmp_path):
    written(tmp_path / "b.yaml", FILE | {"versions": [FILE["versions"][2] | {"valid_from": "2025-01-01"}]})
    market = market_of(tmp_path / "tiny", "../b.yaml")
    assert (market.source["brackets"]["BTC-PERP"]["versions"], len(market.streams.brackets)) == ([], 1)
    assert "brackets/BTC-PERP" not in market.counts


def test_a_name_is_a_file_of_data_brackets_and_the_manifest_gets_its_path_from_the_checkout(tmp_path):
    told = market_of(tmp_path / "tiny", "binance_btcusdt").source["brackets"]["BTC-PERP"]
    assert (told["file"], [each["valid_from"] for each in told["versions"]]) == (
        "data/brackets/binance_btcusdt.yaml", ["2023-07-01T00:00:00Z"],
    )


def test_without_the_key_there_are_none(tmp_path):
    write_dataset(tmp_path / "tiny", HEADER, tiny())
    assert load(tmp_path / "tiny").source["brackets"] == {}


# ---------------------------------------------------------------------------- the files of this repository


# What the exchange itself subtracted in the last tier, where a copy of its table says so (quote).
LAST_AMOUNTS = {
    "binance_btcusdt": {"2023-07": 103_046_300, "2024-07": 421_481_450, "2025-07": 421_482_000, "2026-01": 421_482_000},
    "binance_ethusdt": {"2023-07": 52_971_025, "2024-07": 280_506_450, "2025-07": 280_507_000},
}


@pytest.mark.parametrize("name", LAST_AMOUNTS)
def test_the_amounts_that_follow_from_the_tiers_are_those_of_the_exchange(name):
    table, _, _ = read_brackets(ROOT / "data" / "brackets" / f"{name}.yaml")
    found = {str(each["ts_event"].astype("M8[ns]").astype("M8[M]")): each["amount"][each["tiers"] - 1] for each in table}
    assert {month: found[month] for month in LAST_AMOUNTS[name]} == pytest.approx(LAST_AMOUNTS[name], abs=1e-3)


@pytest.mark.parametrize("path", sorted((ROOT / "data" / "brackets").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_version_of_the_files_says_what_is_assumed(path):
    raw = yaml.safe_load(path.read_text())
    table, grounds, _ = read_brackets(path)
    assert raw["name"] == path.stem
    assert str(raw["versions"][0]["valid_from"]) in raw["instrument"]  # they reach back to the listing
    assert len(table) == len(raw["versions"])
    assert all("ssumed" in each for each in grounds)


# ---------------------------------------------------------------------------- refusals


def versions(**change):
    """FILE whose second version is another."""
    first, second, third = FILE["versions"]
    return FILE | {"versions": [first, second | change, third]}


def tiers(*rows):
    return versions(tiers=[list(row) for row in rows])


BAD_FILES = {
    "no mapping": ([1], "brackets have the keys name, source, instrument, versions"),
    "no source": ({key: FILE[key] for key in FILE if key != "source"}, "brackets have the keys name, source, instrument, versions"),
    "no version": (FILE | {"versions": []}, "brackets have the keys name, source, instrument, versions (versions is a list of at "),
    "unknown key": (versions(fee=1), "versions[1]: a version has the keys valid_from, basis, liquidation_fee, tiers"),
    "no grounds": (versions(basis=" "), "versions[1]: basis is ' ': say where the table is from, and what of it is assumed"),
    "fee in percent": (versions(liquidation_fee=1.25), "versions[1]: liquidation_fee is 1.25: write a fraction of the notional such as"),
    "fee as text": (versions(liquidation_fee="1 %"), "versions[1]: liquidation_fee is '1 %': write a fraction"),
    "fee is NaN": (versions(liquidation_fee=float("nan")), "versions[1]: liquidation_fee is nan: write a fraction"),
    "no time": (versions(valid_from="soon"), "versions[1]: valid_from: 'soon' is no time: write 2024-01-31"),
    "newest first": (versions(valid_from="2023-01-01"), "versions[1]: valid_from is not later than that of the version before"),
    "twice": (versions(valid_from="2024-01-01"), "versions[1]: valid_from is not later than that of the version before"),
    "no tiers": (versions(tiers=[]), "versions[1]: tiers is a list of 1 to 16 tiers"),
    "17 tiers": (tiers(*([n + 1, (n + 1) / 100, 1] for n in range(17))), "versions[1]: tiers is a list of 1 to 16 tiers"),
    "two numbers": (tiers([1000, 0.01]), "versions[1]: tiers[0]: [1000, 0.01]: a tier is [largest notional, maintenance as a fraction, "),
    "text": (tiers([1000, "1%", 50]), "versions[1]: tiers[0]: [1000, '1%', 50]: a tier is [largest notional, "),
    "caps fall": (tiers([1000, 0.01, 50], [1000, 0.02, 25]), "versions[1]: tiers[1]: [1000, 0.02, 25]: the largest notional must grow"),
    "no cap in between": (tiers([INF, 0.01, 50], [1000, 0.02, 25]), "versions[1]: tiers[0]: [inf, 0.01, 50]: the largest notional must"),
    "rates fall": (tiers([1000, 0.02, 25], [2000, 0.01, 25]), "versions[1]: tiers[1]: [2000, 0.01, 25]: the maintenance rate must grow"),
    "rate in percent": (tiers([1000, 2.5, 1]), "versions[1]: tiers[0]: [1000, 2.5, 1]: the maintenance rate must grow"),
    "leverage grows": (tiers([1000, 0.01, 20], [2000, 0.02, 25]), "versions[1]: tiers[1]: [2000, 0.02, 25]: the largest leverage may not"),
    "liquidated at once": (tiers([1000, 0.01, 100]), "versions[1]: tiers[0]: [1000, 0.01, 100]: the largest leverage may not grow, is 1"),
    "leverage below 1": (tiers([1000, 0.01, 0.5]), "versions[1]: tiers[0]: [1000, 0.01, 0.5]: the largest leverage may not grow, is 1 or"),
}


@pytest.mark.parametrize(("raw", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_names_itself_and_the_key(tmp_path, raw, message):
    path = written(tmp_path / "b.yaml", raw)
    with pytest.raises(UserError) as refused:
        read_brackets(path)
    assert str(refused.value).startswith(f"{path}: {message}")


def test_a_file_that_is_no_yaml_is_named(tmp_path):
    (tmp_path / "b.yaml").write_text("versions: [")
    with pytest.raises(UserError, match=r"b\.yaml: is no YAML"):
        read_brackets(tmp_path / "b.yaml")


@pytest.mark.parametrize(("name", "place"), [("binance_bnbusdt", "binance_bnbusdt.yaml"), ("../gone.yaml", "gone.yaml")])
def test_a_data_set_with_brackets_that_are_not_there_is_neither_written_nor_loaded(tmp_path, name, place):
    message = rf"tiny/dataset\.yaml: brackets: {name}: no file .*{place}: name one of binance_btcusdt, binance_ethusdt, or a path that ends"
    with pytest.raises(UserError, match=message):
        market_of(tmp_path / "tiny", name)
    assert list(tmp_path.iterdir()) == []
    write_dataset(tmp_path / "tiny", HEADER, tiny())
    described = tmp_path / "tiny" / "dataset.yaml"
    header = yaml.safe_load(described.read_text())
    header["instruments"][PERP]["brackets"] = name
    described.write_text(yaml.safe_dump(header))
    with pytest.raises(UserError, match=message):
        load(tmp_path / "tiny")


def test_a_checkout_elsewhere_has_brackets_of_its_own(tmp_path, monkeypatch):
    (tmp_path / "data" / "brackets").mkdir(parents=True)
    written(tmp_path / "data" / "brackets" / "binance_btcusdt.yaml")
    market_of(tmp_path / "data" / "tiny", "binance_btcusdt")
    monkeypatch.setattr(dataset, "ROOT", tmp_path)
    told = load(tmp_path / "data" / "tiny").source["brackets"]["BTC-PERP"]
    assert (told["file"], [each["basis"] for each in told["versions"]]) == ("data/brackets/binance_btcusdt.yaml", ["known", "seen"])
