"""What a data set may have wrong: every trap that real files hold is planted, found by the check that is meant, and repaired."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from tables import SECOND, bars, points

from backtester.cli import main
from backtester.market.dataset import read_header
from backtester.market.quality.finding import CHECKS
from backtester.market.quality.repair import RULES, repair
from backtester.market.quality.stored import examine_stored, read_stored
from backtester.market.quality.verdict import kept
from backtester.market.write import write_dataset

DAY = 1440  # minutes
ROWS = 2 * DAY
HEADER = {
    "name": "made",
    "instruments": [{"name": "BTC-SPOT", "role": "spot"}, {"name": "BTC-PERP", "role": "perp"}],
    "streams": {
        "spot_bars": {"interval": "1m"}, "perp_bars": {"interval": "1m"}, "funding": {"lag_ms": 5000}, "open_interest": {"interval": "5m"},
        "liquidations": {}, "premium_index_bars": {"interval": "1m"}, "long_short_ratio": {"interval": "5m"},
    },
}
SPOT, PERP = ("spot_bars", "BTC-SPOT"), ("perp_bars", "BTC-PERP")
FUNDING, OI, LIQUIDATIONS = (("funding", "BTC-PERP"), ("open_interest", "BTC-PERP"), ("liquidations", "BTC-PERP"))


def walk(premium_bp, seed):
    """Two days of minutes of one random walk, with a premium of its own."""
    rng = np.random.default_rng(7)
    price = 60_000 * np.exp(np.cumsum(rng.normal(0, 6e-4, ROWS + 1)))
    price *= np.exp(1e-4 * (premium_bp + np.random.default_rng(seed).normal(0, 1, ROWS + 1)))
    table = bars(range(0, 60 * ROWS, 60))
    table["open"], table["close"] = price[:-1], price[1:]
    table["high"], table["low"] = np.maximum(price[:-1], price[1:]) * 1.0002, np.minimum(price[:-1], price[1:]) * 0.9998
    table["volume"] = 10.0
    table["quote_volume"], table["taker_buy"] = 10.0 * (table["open"] + table["close"]) / 2, 4.0
    return table


def sound():
    """A data set without a fault."""
    five = range(300, 60 * ROWS, 300)
    return {
        SPOT: walk(4.0, 1),
        PERP: walk(0.0, 2),
        FUNDING: points("funding", range(0, 60 * ROWS, 8 * 3600), lag=5, rate=1e-4, interval_h=8),
        OI: points("open_interest", five, lag=330, qty=80_000.0 + np.arange(len(five))),
        LIQUIDATIONS: points("liquidations", [100, 100, 5000, 9000], lag=1.5, side=[1, 1, -1, 1], qty=2, price=60_000),
        ("long_short_ratio", "BTC-PERP"): points("long_short_ratio", five, lag=330, accounts=1.1, top_accounts=1, top_positions=1,
                                                  taker_volume=0.9),
        ("premium_index_bars", "BTC-PERP"): premium_index(),
    }


def premium_index():
    table = bars(range(0, 60 * ROWS, 60), price=-4e-4)
    table["volume"] = np.nan
    return table


@pytest.fixture
def found(tmp_path):
    """found(change) -> the findings of the sound data set after change(tables), as (check, stream, row, rows, says)."""

    def findings(change):
        tables = sound()
        change(tables)
        write_dataset(tmp_path / "made", HEADER, tables)
        stored = read_stored(tmp_path / "made", read_header(tmp_path / "made")[0])
        out = examine_stored(stored)
        assert kept(tmp_path / "made")[1] == out  # what was written down when it was written
        return [(each.check, each.stream, each.row, each.rows, each.says) for each in out]

    return findings


def test_a_sound_data_set_has_no_findings(found):
    assert found(lambda tables: None) == []


def take(tables, key, keep):
    tables[key] = tables[key][keep]


def fill(tables, key, rows, **values):
    for field, value in values.items():
        tables[key][field][rows] = value


def other_instrument(tables):
    """From row 2000 on the perpetual's file holds ether."""
    for field in ("open", "high", "low", "close"):
        tables[PERP][field][2000:] *= 0.05
    tables[PERP]["quote_volume"][2000:] *= 0.05


def label_by_close(tables, key=PERP, by=60):
    for field in ("ts_event", "ts_close", "ts_known"):
        tables[key][field] += by * SECOND


def be_the_spot(tables):
    tables[PERP] = tables[SPOT].copy()


def halted(tables):
    fill(tables, SPOT, slice(500, 540), volume=0, quote_volume=0, taker_buy=0)


TRAPS = {
    "a perpetual that is the spot": (be_the_spot, [("same", "perp_bars", 0, ROWS, "100 % of the closes equal those of spot_bars")]),
    "the last part is another instrument": (other_instrument, [
        ("jump", "perp_bars", 2000, 1, "close goes from "),
        ("outlier", "perp_bars", 2000, 880, "is -95.0 % from that of spot_bars/BTC-SPOT (880 rows)"),
    ]),
    "labelled by close": (label_by_close, [
        ("lag", "perp_bars", 0, ROWS, "spot_bars/BTC-SPOT after a shift by -1m: correlation 0.95, as they stand 0.02 (labelled by close"),
        ("settlement", "funding", 5, 1, "missing after it"),
    ]),
    "a zone": (lambda tables: label_by_close(tables, by=-4 * 3600), [  # December's rows, then January's
        ("lag", "perp_bars", 0, 240, "after a shift by 4h"), ("lag", "perp_bars", 240, ROWS - 240, "(another zone?)"),
    ]),
    "liquidations that are all zero": (
        lambda tables: fill(tables, LIQUIDATIONS, slice(None), qty=0), [("zero", "liquidations", 0, 4, "qty is 0, which is no number")],
    ),
    "a missing day": (
        lambda tables: take(tables, SPOT, np.r_[0:700, 700 + DAY:ROWS]),
        [("gap", "spot_bars", 700, DAY, "1,440 rows of 1m are missing from 2024-01-01T11:40:00Z on")],
    ),
    "a halt": (halted, [("halt", "spot_bars", 500, 40, "nothing traded in 40 bars: the prices are stale")]),
}


@pytest.mark.parametrize(("change", "expected"), TRAPS.values(), ids=TRAPS)
def test_a_trap_that_real_files_hold_is_found_in_its_row(found, change, expected):
    told = found(change)
    assert [each[:4] for each in told] == [each[:4] for each in expected]
    for said, each in zip(told, expected, strict=True):
        assert each[4] in said[4]


OTHERS = {
    "a unit in the middle": (
        lambda tables: fill(tables, OI, slice(100, 120), qty=5e9),
        [("jump", "open_interest", 100, 1, "qty goes from 80099 to 5e+09 in one row"), ("jump", "open_interest", 120, 1, "from 5e+09 to ")],
    ),
    "rates in percent": (
        lambda tables: fill(tables, FUNDING, slice(None), rate=0.01), [("unit", "funding", 0, 6, "above 1095 % a year: are they in ")],
    ),
    "one wild rate": (lambda tables: fill(tables, FUNDING, 3, rate=0.6), [("unit", "funding", 3, 1, "rate 0.6 an interval")]),
    "premiums in basis points": (
        lambda tables: fill(tables, ("premium_index_bars", "BTC-PERP"), slice(9, 12), high=4.0, close=4.0, open=4.0, low=4.0),
        [("unit", "premium_index_bars", 9, 3, "a premium of 4: right is a fraction")],
    ),
    "a wick that no other price has": (
        lambda tables: fill(tables, PERP, 70, close=70_000, high=70_000, quote_volume=np.nan),
        [("outlier", "perp_bars", 70, 1, "close 70000 is +")],
    ),
    "volume and quote volume swapped": (
        lambda tables: fill(tables, SPOT, slice(None), volume=600_000.0, quote_volume=10.0),
        [("columns", "spot_bars", 0, ROWS, "quote_volume / volume is 1.66667e-05, outside low ")],
    ),
    "more bought than traded": (
        lambda tables: fill(tables, SPOT, slice(7, 9), taker_buy=11), [("columns", "spot_bars", 7, 2, "taker_buy is more than volume")],
    ),
    "open and close swapped": (
        lambda tables: fill(tables, SPOT, slice(None), open=tables[SPOT]["close"].copy(), close=tables[SPOT]["open"].copy()),
        [("columns", "spot_bars", 0, ROWS, "close continues the open of the bar before"), ("lag", "perp_bars", 0, ROWS, "by 1m")],
    ),
    "no taker volume in any row": (
        lambda tables: fill(tables, PERP, slice(None), taker_buy=0), [("zero", "perp_bars", 0, ROWS, "taker_buy is 0 in 2880 rows")],
    ),
    "rows without contracts": (
        lambda tables: fill(tables, OI, slice(4, 6), qty=0),
        [("zero", "open_interest", 4, 2, "qty is 0, which is"), ("jump", "open_interest", 4, 1, ""), ("jump", "open_interest", 6, 1, "")],
    ),
    "doubled contracts": (
        lambda tables: take(tables, OI, np.sort(np.r_[0:575, 9, 10])),
        [("doubled", "open_interest", 10, 1, "1 rows are equal"), ("doubled", "open_interest", 12, 1, "")],
    ),
    "every liquidation twice": (
        lambda tables: take(tables, LIQUIDATIONS, np.repeat(np.arange(4), 2)),
        [("doubled", "liquidations", 1, 3, ""), ("doubled", "liquidations", 5, 1, ""), ("doubled", "liquidations", 7, 1, "")],
    ),
    "settlements missing": (
        lambda tables: take(tables, FUNDING, [0, 1, 4]),
        [("settlement", "funding", 2, 2, "2 settlements of every 8 h are missing"), ("settlement", "funding", 2, 1, "missing after")],
    ),
    "settlements missing at the start": (
        lambda tables: take(tables, FUNDING, slice(3, None)), [("settlement", "funding", 0, 2, "2 settlements of every 8 h are missing")],
    ),
    "a bar that reaches three times its low": (
        lambda tables: fill(tables, SPOT, 9, high=200_000), [("jump", "spot_bars", 9, 1, "close goes from ")],
    ),
    "a price that never changes": (
        lambda tables: fill(tables, PERP, slice(None), open=6e4, high=6e4, low=6e4, close=6e4, quote_volume=6e5),
        [("zero", "perp_bars", 0, ROWS, "the price is 60000 in all rows")],
    ),
}


@pytest.mark.parametrize(("change", "expected"), OTHERS.values(), ids=OTHERS)
def test_other_faults_are_found(found, change, expected):
    told = found(change)
    assert sorted(each[:4] for each in told) == sorted(each[:4] for each in expected)
    for each in expected:
        assert any(said[:4] == each[:4] and each[4] in said[4] for said in told)


def test_many_places_are_counted_and_five_of_them_named(found):
    told = found(lambda tables: fill(tables, PERP, slice(0, 700, 100), taker_buy=11))
    assert [each[2:4] for each in told] == [(0, 1), (100, 1), (200, 1), (300, 1), (400, 1), (500, 2)]
    assert told[-1][4] == "the same in 2 more places"


# ---------------------------------------------------------------------------- repairs


REPAIRS = {
    "another instrument": (other_instrument, ["such rows are left out"], {"perp_bars": 2000}),
    "labelled by close": (label_by_close, ["stamps are shifted by -1m"], {"perp_bars": ROWS}),
    "zeros": (lambda tables: fill(tables, OI, slice(4, 6), qty=0), ["such rows are left out"], {"open_interest": 573}),
    "nothing but zeros": (lambda tables: fill(tables, LIQUIDATIONS, slice(None), qty=0), ["such rows are left out"], {"liquidations": 0}),
    "an empty column": (lambda tables: fill(tables, PERP, slice(None), taker_buy=0), ["taker_buy become unknown"], {"perp_bars": ROWS}),
    "swapped": (OTHERS["open and close swapped"][0], ["open and close are swapped back"], {"spot_bars": ROWS}),
    "doubled": (OTHERS["doubled contracts"][0], ["of equal rows one is kept"], {"open_interest": 575}),
    "eight wicks": (
        lambda tables: fill(tables, PERP, slice(0, 800, 100), close=70_000, high=70_000, quote_volume=np.nan),
        ["such rows are left out"] * 2, {"perp_bars": ROWS - 8},
    ),
}


@pytest.mark.parametrize("name", REPAIRS)
def test_a_repair_leaves_a_data_set_without_that_fault_and_is_recorded(tmp_path, name):
    change, rules, counts = REPAIRS[name]
    tables = sound()
    change(tables)
    folder = tmp_path / "made"
    write_dataset(folder, HEADER, tables)
    done = repair(read_stored(folder, read_header(folder)[0]))
    assert [each.rule for each in done] == rules
    assert [each["rule"] for each in yaml.safe_load((folder / "dataset.yaml").read_text())["repairs"]] == rules
    stored = read_stored(folder, read_header(folder)[0])
    for stream, count in counts.items():
        assert sum(len(table) for (name, _), table in stored.tables.items() if name == stream) == count
    assert [each for each in examine_stored(stored) if each.fault] == []


def test_the_shifted_stamps_are_those_of_the_sound_data_set(tmp_path):
    tables = sound()
    label_by_close(tables)
    write_dataset(tmp_path / "made", HEADER, tables)
    repair(read_stored(tmp_path / "made", read_header(tmp_path / "made")[0]))
    stored = read_stored(tmp_path / "made", read_header(tmp_path / "made")[0])
    assert stored.tables["perp_bars", 1].tobytes() == sound()[PERP].tobytes()


def test_what_no_reader_would_take_is_named_and_repaired(tmp_path, capsys):
    folder = tmp_path / "made"
    write_dataset(folder, HEADER, sound())
    path = folder / "perp_bars/instrument=BTC-PERP/month=2024-01/part.parquet"
    whole = pq.ParquetFile(path).read()
    pq.write_table(whole.take([0, 1, 2, 2, 5, 4, *range(6, ROWS)]), path)
    assert main(["data", "check", str(folder)]) == 1
    told = capsys.readouterr().out
    assert "FAULT refused: ts_event stands twice\n" in told
    assert f"{path}, row 5 (2024-01-01T00:04:00Z)" in told
    assert main(["data", "check", str(folder), "--repair"]) == 0
    told = capsys.readouterr().out
    assert "repaired  perp_bars/BTC-PERP: refused: rows are sorted" in told
    assert pq.ParquetFile(path).read()["ts_event"].to_pylist() == whole["ts_event"].take([0, 1, 2, *range(4, ROWS)]).to_pylist()
    assert main(["data", "check", str(folder)]) == 0


def test_every_repair_has_a_rule_and_every_rule_a_check():
    assert {name for name, meaning in CHECKS.items() if meaning.repair} == set(RULES)


# ---------------------------------------------------------------------------- the commands


def test_check_names_file_and_row_and_draws_the_coverage(tmp_path, capsys):
    tables = sound()
    take(tables, SPOT, np.r_[0:700, 700 + DAY:ROWS])
    fill(tables, LIQUIDATIONS, slice(None), qty=0)
    write_dataset(tmp_path / "made", HEADER, tables)
    assert main(["data", "check", str(tmp_path / "made")]) == 1
    told = capsys.readouterr().out.splitlines()
    spot = next(line for line in told if "spot_bars/BTC-SPOT" in line)
    assert spot.split("│")[1] == "█" * 14 + "▄" + " " * 29 + "▃" + "█" * 15
    assert spot.endswith("│ 50 %")
    assert "FAULT zero: qty is 0, which is no number of this kind: leave such a row out (4 rows)" in told
    assert f"      {tmp_path}/made/liquidations/instrument=BTC-PERP/month=2024-01/part.parquet, row 0 (2024-01-01T00:01:40Z)" in told
    assert told[-1] == "made: 1 faults, 1 notes"


def test_an_import_tells_the_faults_of_what_it_wrote(tmp_path, capsys):
    lines = [f"{1_704_067_200_000 + 60_000 * n},100,101,99,100,{0 if n == 5 else 3},0,300,1,{9 if n == 7 else 1},0,0" for n in range(30)]
    (tmp_path / "bars.csv").write_text("".join(f"{line}\n" for line in lines))
    source = {"file": "bars.csv", "stream": "spot_bars", "instrument": "BTC-SPOT", "interval": "1m", "layout": "binance.klines"}
    recipe = HEADER | {"name": "told", "start": "2024-01-01", "end": "2024-01-02", "licence": "", "provenance": "", "sources": [source]}
    del recipe["streams"]
    (tmp_path / "told.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backtester.sources.recipe.ROOT", tmp_path)
        assert main(["data", "import", str(tmp_path / "told.yaml"), str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "told: spot_bars/BTC-SPOT 30 rows, 0 dropped, 1410 missing",
        "  FAULT spot_bars/BTC-SPOT, row 5 (2024-01-01T00:05:00Z): columns: taker_buy is more than volume: are the columns swapped?",
        "  FAULT spot_bars/BTC-SPOT, row 7 (2024-01-01T00:07:00Z): columns: taker_buy is more than volume: are the columns swapped?",
    ]


def test_show_tells_streams_gaps_and_premiums(tmp_path, capsys):
    tables = sound()
    take(tables, SPOT, np.r_[0:700, 710:ROWS])
    write_dataset(tmp_path / "made", HEADER | {"licence": "made up"}, tables)
    assert main(["data", "show", str(tmp_path / "made")]) == 0
    told = capsys.readouterr().out
    row = next(line for line in told.splitlines() if "spot_bars/BTC-SPOT" in line).replace("│", " ").split()
    assert row[1:-2] == ["2024-01-01T00:00", "2024-01-02T23:59", "1m", "2,870", "1", "10"]
    assert "spot over perp 2024: mean +4.0" in told
    assert "licence: made up" in told


def test_a_data_set_that_cannot_be_read_is_one_message(tmp_path, capsys):
    write_dataset(tmp_path / "made", HEADER, sound())
    (tmp_path / "made/perp_bars/instrument=BTC-PERP/month=2024-01/part.parquet").write_bytes(b"PAR1")
    assert main(["data", "check", str(tmp_path / "made")]) == 2
    assert "part.parquet: cannot be read as Parquet" in capsys.readouterr().err
