"""Fetching: what arrives is what was published, whatever the server does on the way, and nothing is fetched twice."""

import hashlib
import threading
from datetime import date, timedelta

import pytest
import yaml
from archive_server import Archive, zipped

from backtester.cli import main
from backtester.market.dataset import load
from backtester.sources import fetch as fetch_module
from backtester.sources.archive import USUAL, File, plan
from backtester.sources.download import Downloads, Outcome
from backtester.sources.layouts import LAYOUTS

MS = 86_400_000  # a day
FIRST = date(2025, 5, 16)


def stamp(day):
    return (day - date(1970, 1, 1)).days * MS


def klines(day, unit=1, price=100.0):
    """A day of hours; times in `unit` of a ms."""
    for hour in range(24):
        first = (stamp(day) + 3_600_000 * hour) * unit
        yield f"{first},{price},{price + 3},{price - 1},{price + hour / 10},2,{first + 3_600_000 * unit - 1},{2 * price},5,1,{price},0"


def metrics(day):
    yield ",".join(LAYOUTS["binance.metrics"].headers[0])
    for n in range(288):
        yield f"{day} {n // 12:02d}:{n % 12 * 5:02d}:00,BTCUSDT,{80 + n / 1000},8000,1.1,1.2,1.3,0.9"


def published(days):
    """The files of some days; a whole month of spot; funding as a month."""
    files = {}
    for day in days:
        for market, kind, unit in (
            ("spot", "klines", 1000), ("futures/um", "klines", 1), ("futures/um", "markPriceKlines", 1),
            ("futures/um", "indexPriceKlines", 1), ("futures/um", "premiumIndexKlines", 1),
        ):
            price = 0.0004 if kind.startswith("premium") else 100.05 if market == "spot" else 100.0
            name = f"BTCUSDT-1h-{day}"
            lines = [*([] if market == "spot" else [",".join(LAYOUTS["binance.klines"].headers[0])]), *klines(day, unit, price)]
            files[f"data/{market}/daily/{kind}/BTCUSDT/1h/{name}.zip"] = zipped(f"{name}.csv", still(lines) if price < 1 else lines)
        files[f"data/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-{day}.zip"] = zipped("m.csv", metrics(day))
    rates = ["calc_time,funding_interval_hours,last_funding_rate"]
    rates += [f"{stamp(date(2025, 5, 1)) + 8 * 3_600_000 * n + 2},8,0.0001" for n in range(93)]
    files["data/futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2025-05.zip"] = zipped("f.csv", rates)
    return files


def still(lines):
    """Premiums that stay where they are."""
    cells = [line.split(",") for line in lines[1:]]
    return [lines[0], *(",".join([each[0], *["4e-4"] * 4, *each[5:]]) for each in cells)]


DAYS = [FIRST + timedelta(days=n) for n in range(5)]
FILES = published(DAYS)
KIND = "data/futures/um/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-05-1"
COMMAND = ["data", "fetch", "binance", "BTCUSDT", "--from", "2025-05-16", "--to", "2025-05-21", "--interval", "1h"]


@pytest.fixture
def archive():
    with Archive(FILES) as server:
        yield server


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A checkout of its own, with our settings but for the waits."""
    (tmp_path / "conf" / "fetch").mkdir(parents=True)
    (tmp_path / "conf" / "fetch" / "binance.yaml").write_text("base: http://127.0.0.1:9\njobs: 4\nper_second: 500\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "brackets").symlink_to(fetch_module.ROOT / "data" / "brackets")
    for module in ("sources.fetch", "sources.recipe", "market.write", "market.dataset"):
        monkeypatch.setattr(f"backtester.{module}.ROOT", tmp_path)
    monkeypatch.setattr("backtester.sources.download.BACK_OFF", 0.01)
    return tmp_path


def run(archive, *more):
    return main([*COMMAND, "--base", archive.base, *more])


# ---------------------------------------------------------------------------- which files


def test_whole_months_come_as_months_the_rest_as_days_and_what_has_one_kind_alone_as_that():
    days = [f"data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2025-05-{n}.zip" for n in (30, 31)]
    month = "data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2025-06.zip"
    found = plan("spot_bars", "BTCUSDT", "1m", date(2025, 5, 30), date(2025, 7, 2))
    assert [file.path for file in found] == [*days, month, "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2025-07-01.zip"]
    assert found[2].instead[::29] == tuple(f"data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2025-06-{n}.zip" for n in ("01", "30"))
    rates = "data/futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2025-0{}.zip"
    assert plan("funding", "BTCUSDT", "1m", date(2025, 5, 30), date(2025, 6, 2)) == [File(rates.format(5)), File(rates.format(6))]
    metric = "data/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2025-05-01.zip"
    assert plan("open_interest", "BTCUSDT", "1m", date(2025, 5, 1), date(2025, 6, 1))[0] == File(metric)


# ---------------------------------------------------------------------------- what arrives


def test_a_fetch_is_a_data_set_of_eight_streams(here, archive, capsys):
    assert run(archive) == 0
    market = load(here / "data" / "binance_btcusdt")
    assert market.counts == {
        "brackets/BTCUSDT-PERP": 1, "funding/BTCUSDT-PERP": 15, "open_interest/BTCUSDT-PERP": 1440, "long_short_ratio/BTCUSDT-PERP": 1440,
        "spot_bars/BTCUSDT-SPOT": 120, **{f"{kind}_bars/BTCUSDT-PERP": 120 for kind in ("premium_index", "index", "mark", "perp")},
    }
    assert (market.start, market.end) == (stamp(FIRST) * 10**6, stamp(date(2025, 5, 21)) * 10**6)
    assert "; 0." in capsys.readouterr().err
    header = yaml.safe_load((here / "data" / "binance_btcusdt" / "dataset.yaml").read_text())
    told = next(each for each in header["provenance"] if each.get("stream") == "spot_bars")
    assert told["files"] == {f"binance/{path}"[8:]: hashlib.sha256(FILES[path]).hexdigest() for path in FILES if "spot/daily" in path}


def test_a_second_call_asks_for_nothing_and_gives_the_same_bytes(here, archive):
    assert run(archive) == 0
    before = {path: path.read_bytes() for path in (here / "data" / "binance_btcusdt").rglob("*") if path.is_file()}
    asked = archive.asked.copy()
    assert run(archive) == 0
    assert archive.asked == asked
    assert {path: path.read_bytes() for path in before} == before


def test_a_server_in_trouble_is_asked_again_and_dropped_files_go_on_where_they_broke_off(here, archive, monkeypatch):
    monkeypatch.setattr("backtester.sources.download.CHUNK", 64)
    archive.faults = {
        f"{KIND}6.zip": ["drop", "drop"], f"{KIND}7.zip": [429, 503], f"{KIND}8.zip.CHECKSUM": [503, "drop"], f"{KIND}9.zip": ["wrong"],
    }
    assert run(archive) == 0
    assert archive.asked[f"{KIND}6.zip"] == 3
    assert archive.sent[f"{KIND}6.zip"] < len(FILES[f"{KIND}6.zip"]) + 2 * 64  # what had arrived was not sent again
    assert archive.asked[f"{KIND}7.zip"] == 3
    assert archive.asked[f"{KIND}9.zip"] == 2  # the wrong one was thrown away
    assert load(here / "data" / "binance_btcusdt").counts["perp_bars/BTCUSDT-PERP"] == 120


def test_what_fails_is_named_what_arrived_stays_and_a_second_call_completes_it(here, archive, capsys):
    archive.faults = {f"{KIND}6.zip": ["wrong", "wrong"], f"{KIND}7.zip": [503] * 9}
    assert run(archive) == 2
    told = capsys.readouterr().err
    assert f"failed: {KIND}6.zip its checksum is " in told
    assert f"failed: {KIND}7.zip answered 503; tried 5 times" in told
    assert f"2 of 31 files failed, {KIND}6.zip: its checksum is" in told
    assert not (here / "data" / "binance_btcusdt").exists()
    assert [path.name for path in (here / "data" / "raw").rglob("*.part")] == []
    asked, archive.faults = archive.asked.copy(), {}
    assert run(archive) == 0
    assert {path for path in archive.asked if archive.asked[path] > asked[path]} == {
        f"{KIND}{n}.zip{end}" for n in (6, 7) for end in ("", ".CHECKSUM")
    }
    assert load(here / "data" / "binance_btcusdt").counts["perp_bars/BTCUSDT-PERP"] == 120


def test_days_that_are_not_published_are_gaps_that_are_said(here, archive, capsys):
    for path in [f"{KIND}7.zip", f"{KIND}7.zip.CHECKSUM"]:
        del archive.files[path]
    assert run(archive) == 0
    told = capsys.readouterr()
    assert f"not published: {KIND}7.zip" in told.err
    assert "perp_bars/BTCUSDT-PERP 96 rows, 0 dropped, 24 missing" in told.out


def test_a_month_that_is_not_published_comes_as_days(here, archive):
    month = [date(2025, 4, 1) + timedelta(days=n) for n in range(30)]
    archive.files |= {path: content for path, content in Archive(published(month)).files.items() if "/klines/" in path}
    command = ["data", "fetch", "binance", "BTCUSDT", "--from", "2025-04-01", "--to", "2025-05-01", "--interval", "1h"]
    assert main([*command, "--base", archive.base, "--streams", "spot_bars,perp_bars", "--name", "april"]) == 0
    assert load(here / "data" / "april").counts == {
        "brackets/BTCUSDT-PERP": 1, "spot_bars/BTCUSDT-SPOT": 720, "perp_bars/BTCUSDT-PERP": 720,
    }
    assert archive.asked["data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-04.zip.CHECKSUM"] == 1


def test_a_file_that_was_damaged_on_disk_is_fetched_again(here, archive):
    assert run(archive) == 0
    path = here / "data" / "raw" / "binance" / f"{KIND}6.zip"
    path.write_bytes(path.read_bytes()[:-1])
    assert run(archive) == 0
    assert archive.asked[f"{KIND}6.zip"] == 2
    assert path.read_bytes() == FILES[f"{KIND}6.zip"]


def test_nothing_at_all_is_one_message(here, archive, capsys):
    assert main([*COMMAND[:3], "NOSUCH", *COMMAND[4:], "--base", archive.base]) == 2
    assert "NOSUCH: nothing arrived: is it a symbol of the exchange" in capsys.readouterr().err
    assert not (here / "data" / "binance_nosuch").exists()


def test_a_server_that_is_not_there_is_one_message(here, capsys):
    assert main([*COMMAND, "--streams", "funding"]) == 2
    assert "1 of 1 files failed, data/futures/um/monthly/fundingRate" in capsys.readouterr().err


def test_an_interruption_ends_the_waiting_and_keeps_what_is_whole(tmp_path, archive):
    archive.faults = {f"{KIND}6.zip.CHECKSUM": ["busy"]}
    downloads = Downloads(archive.base, tmp_path, per_second=1000)
    done = []

    def stop(arrival):
        done.append(arrival)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        downloads.fetch([f"{KIND}6.zip", "data/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2025-05-16.zip"], stop)
    assert [each.outcome for each in done] == [Outcome.FETCHED]
    assert downloads.stopped.is_set()
    assert threading.active_count() < 20


WRONG = {
    "no day": (["--from", "soon"], "--from: 'soon' is no day: write 2025-05-16 (UTC)"),
    "an empty period": (["--to", "2025-05-16"], "--to 2025-05-16 must be later than --from 2025-05-16"),
    "ahead": (["--to", "2999-01-01"], "--to 2999-01-01 lies ahead: the newest day that can be whole is "),
    "no such stream": (["--streams", "candles"], f"--streams: the archive has no 'candles' (it has {', '.join(USUAL)}"),
    "no such interval": (["--interval", "5min"], "--interval: '5min' is no interval"),
    "no name": (["--name", "../x"], "--name: '../x' is no name for a folder"),
    "no symbol": (["--base", "ftp://x"], "base: 'ftp://x': an address begins with http:// or https://"),
}


@pytest.mark.parametrize(("more", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_request_is_one_message(here, capsys, more, message):
    assert main([*COMMAND, *more]) == 2
    assert message in capsys.readouterr().err
    assert not (here / "data" / "raw").exists()


def test_a_symbol_cannot_lead_out_of_the_folder(here, capsys):
    assert main([*COMMAND[:3], "../../X", *COMMAND[4:]]) == 2
    assert "'../../X' is no symbol: letters and digits" in capsys.readouterr().err


def test_a_folder_that_holds_something_else_is_left_alone(here, archive, capsys):
    (here / "data" / "binance_btcusdt").mkdir()
    (here / "data" / "binance_btcusdt" / "letter.txt").write_text("…")
    assert run(archive) == 2
    assert "exists and is no data set" in capsys.readouterr().err
