"""The pages and the terminal's tables: what stands on them, and that they reach for nothing."""

import json
import re
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT
from page_blocks import doc_of, marks_of, panels_of, series_of, words_of
from run_folder import CONFIG, FILLS, METRICS, MINUTE, ORDERS, T0, TRADES, write_run, write_table
from tables import bars

from backtester import report
from backtester.engine.params import params_of
from backtester.errors import UserError
from backtester.features.fuel import LEVERAGE, MIX
from backtester.fields import initial
from backtester.market.merge import build
from backtester.market.schema import Instrument
from backtester.records import BAR, OPEN_INTEREST, rows
from backtester.report import terminal
from backtester.report.axis import thin, ticks, time_ticks
from backtester.report.dots import plotted, reaches
from backtester.report.fuel_map import FuelWatch
from backtester.report.heat import heat_map
from backtester.report.marks import marks
from backtester.report.notebook import notebook_html
from backtester.report.page import write_run_page
from backtester.report.picture import draw_picture
from backtester.report.story import months
from backtester.report.svg import Line, Panel, draw
from backtester.report.sweep_page import write_sweep_page
from backtester.report.sweep_view import view_of_sweep
from backtester.report.view import costs_of, view_of_run
from backtester.results.catalogue import METRICS as METRICS_KNOWN
from backtester.results.compare import compare
from backtester.results.explained import explained

HOSTILE = "<script>alert('x')</script>"
PRICES = {
    "spot": (T0 + MINUTE * np.arange(4), np.array([101.0, 102.0, 103.0, 104.0])),
    "perp": (T0 + MINUTE * np.arange(4), np.array([100.0, 102.0, 103.0, 150.0])),
}


def day(text: str) -> int:
    return int(np.datetime64(text, "ns").astype("i8"))


def page_of(folder, **more) -> str:
    return write_run_page(folder / "report.html", replace(view_of_run(folder), **more)).read_text()


def sweep_folder(folder, **more):
    folder.mkdir()
    table = {
        "combination": [0, 1, 2, 3], "support": [90_000.0, 90_000.0, None, None], "bars": [10, 20, 10, 20], "qty": [1.0] * 4,
        "total_return": [0.1, -0.1, 0.3, 0.2], "sharpe": [1.0, -1.0, 3.0, None], "max_drawdown": [0.1, 0.4, 0.2, 0.3],
    }
    write_table(folder / "sweep.parquet", table)
    config = {
        "data": {"name": "tiny", "path": "data/tiny"}, "strategy": {"name": "door", "support": 90_000.0, "bars": 10, "qty": 1.0},
        "venue": {"fills": "strict"}, "sweep": {"support": [90_000.0, None], "bars": [10, 20]},
    }
    (folder / "manifest.json").write_text(json.dumps({"strategy": {"name": "door"}, "config": config} | more))
    return folder


# ------------------------------------------------------------------ scales and lines


def test_thinning_keeps_every_spike_and_both_ends():
    values = np.zeros(100_000)
    values[[31_234, 77_777]] = 9.0, -9.0
    ts, kept = thin(np.arange(100_000) * MINUTE, values)
    assert len(kept) <= 2 * 1_200 + 2
    assert (kept.max(), kept.min()) == (9.0, -9.0)
    assert (ts[kept == 9.0] // MINUTE).tolist() == [31_234]
    assert (ts[0], ts[-1]) == (0, 99_999 * MINUTE)
    assert np.all(np.diff(ts) > 0)


def test_ticks_are_round():
    assert ticks(-0.8, 0.8, 3) == [-0.5, 0.0, 0.5]
    assert ticks(91_000.0, 106_500.0, 6) == [92_000.0, 94_000.0, 96_000.0, 98_000.0, 100_000.0, 102_000.0, 104_000.0, 106_000.0]
    assert [label for _, label in time_ticks(day("2025-01-01T22:00"), day("2025-01-02T01:00"), 4)] == ["22:00", "23:00", "2 Jan", "01:00"]
    assert [label for _, label in time_ticks(day("2024-11-15"), day("2025-05-02"), 6)] == ["Dec", "2025", "Feb", "Mar", "Apr", "May"]


def test_a_gap_breaks_the_line():
    line = Line("x", np.arange(5), np.array([1.0, 2.0, np.nan, 2.0, 1.0]), "perp")
    path = re.search(r'class="line perp" d="([^"]*)"', draw(Panel("p", "", [line], 100, str), 0, 4, labelled=True)).group(1)
    assert path.count("M") == 2


def test_entries_exits_and_liquidations_are_told_apart():
    qty = [2.0, -3.0, -1.0, 2.0]  # long 2; flip to short 1; add to it; liquidated
    liquidity = ["taker", "taker", "maker", "liquidation"]
    words = {"reason": ["in", "flip", "add", "liquidation"], "liquidity": liquidity, "instrument": ["P"] * 4}
    fills = {"ts": np.arange(1, 5), "qty": np.array(qty), "price": np.arange(4) + 100.0}
    found = marks(fills | {name: np.array(column, dtype=object) for name, column in words.items()})
    assert [(m.ts, m.side, m.kind) for m in found] == [
        (1, "long", "entry"), (2, "long", "exit"), (2, "short", "entry"), (3, "short", "entry"), (4, "short", "liquidation"),
    ]
    assert found[-1].title == "short liquidation: 2 P at 103.00, 1970-01-01 00:00 UTC, liquidation"


# ------------------------------------------------------------------ the run's page


def test_the_run_page_says_what_happened(tmp_path):
    hold = {"role": "spot", "total_return": 0.02, "max_drawdown": 0.0}
    page = page_of(write_run(tmp_path / "run"), prices=PRICES, hold=(PRICES["spot"][0], PRICES["spot"][1] * 9), hold_metrics=hold)
    assert (
        "door on tiny, 2025-01-01 to 2025-01-01, returned +10.00 % against +2.00 % for buying and holding the spot from the same start: "
        "max drawdown 5.00 %, 1 trade, 3.00 paid in fees, 0.50 received in funding."
    ) in page
    assert "Research, not advice" in page
    assert panels_of(page) == ["Price", "Premium of spot over perp", "Position", "Equity", "Drawdown"]
    assert marks_of(page) == [("entry", "long"), ("exit", "long")]
    assert doc_of(page)["trades"]["pnl"] == [97.5]
    assert doc_of(page)["trades"]["exit_reason"] == {"words": ["stop"], "code": [0]}
    assert doc_of(page)["orders"] == [[(T0 + 2 * MINUTE) // 10**6, (T0 + 3 * MINUTE) // 10**6, 150.0, "stop", "BTC-PERP"]]


def test_the_run_page_names_costs_assumptions_and_fallbacks(tmp_path):
    page = page_of(write_run(tmp_path / "run"))
    text = words_of(page)
    split = "fees 3.00 0.30 slippage 1.00 0.10 funding \N{MINUS SIGN}0.50 \N{MINUS SIGN}0.05 liquidation 0.00 0.00 together 3.50 0.35"
    assert split in text
    assert "<li>taker fee 5 bp</li>" in page
    assert '<li class="fallback">BTC-PERP: FALLBACK no funding data</li>' in page
    assert "strategy.support 92000.0" in text
    assert "perp_bars/BTC-PERP 2025-01-01 00:00 2025-01-01 00:03" in text


def test_the_run_page_counts_orders_and_fills(tmp_path):
    liquidity = {"liquidity": ["maker", "liquidation"], "price": [100.0, 50.0]}
    page = page_of(write_run(tmp_path / "run", fills=FILLS | liquidity), prices=PRICES)
    orders, fills = ([words_of(row) for row in re.findall(rf'<tr class="{kind}">.*?</tr>', page)] for kind in ("order", "fill"))
    assert orders == ["filled 2", "refused initial margin 1"]
    assert fills == ["maker 1 200 1.00 0.50", "liquidation 1 100 2.00 0.50"]
    assert marks_of(page) == [("entry", "long"), ("liquidation", "long")]
    assert "fees 1.00 0.10 slippage 0.50 0.05 funding \N{MINUS SIGN}0.50 \N{MINUS SIGN}0.05 liquidation 2.50 0.25" in words_of(page)


def test_a_run_without_orders_says_so(tmp_path):
    none = [{name: values[:0] for name, values in table.items()} for table in (FILLS, TRADES, ORDERS)]
    page = page_of(write_run(tmp_path / "run", fills=none[0], trades=none[1], orders=none[2]))
    assert "No order was asked." in page
    assert "Nothing was filled." in page
    assert marks_of(page) == []


def test_margin_wallets_are_drawn_where_there_are_any(tmp_path):
    ts, wallets, balances = [T0, T0 + MINUTE, T0 + MINUTE, T0 + MINUTE], ["account", "account", "P", "P"], [1_000.0, 900.0, -5.0, 100.0]
    ledger = {"ts": ts, "wallet": wallets, "balance": balances}
    view = view_of_run(write_run(tmp_path / "run", ledger=ledger))
    assert {name: [column.tolist() for column in wallet] for name, wallet in view.wallets.items()} == {"P": [[T0 + MINUTE], [100.0]]}
    page = write_run_page(tmp_path / "report.html", view).read_text()
    assert panels_of(page) == ["Position", "Equity", "Drawdown", "Margin wallets"]
    assert [column.tolist() for column in series_of(page, "wallet_0")] == [[(T0 + MINUTE) / 1e9], [100.0]]


def test_a_view_of_several_assets_has_the_prices_of_the_first(tmp_path):
    roles = ("spot", "perp", "eth_spot", "eth_perp")
    instruments = tuple(Instrument(role.upper(), role) if role != "eth_spot" else Instrument("", role) for role in roles)
    tables = {("spot_bars", 0): bars([0], price=5.0), ("perp_bars", 1): bars([0], price=7.0), ("perp_bars", 3): bars([0], price=9.0)}
    view = view_of_run(write_run(tmp_path / "run"), build("two", instruments, tables))
    assert view.elsewhere == ("ETH_PERP",)
    assert {role: price.tolist() for role, (_, price) in view.prices.items()} == {"perp": [7.0], "spot": [5.0]}


def test_each_asset_has_its_price_and_its_own_marks(tmp_path):
    roles = ("spot", "perp", "eth_spot", "eth_perp")
    instruments = tuple(Instrument("BTC-PERP" if role == "perp" else role.upper(), role) for role in roles)
    tables = {(f"{role.rpartition('_')[2]}_bars", n): bars([0, 60], price=5.0 + n) for n, role in enumerate(roles)}
    page = write_run_page(tmp_path / "report.html", view_of_run(write_run(tmp_path / "run"), build("two", instruments, tables))).read_text()
    shown = {panel["id"]: (panel["instruments"], panel["series"]) for panel in doc_of(page)["panels"] if "instruments" in panel}
    assert shown == {"price": (["SPOT", "BTC-PERP"], ["spot", "perp"]), "ethprice": (["ETH_SPOT", "ETH_PERP"], ["eth_spot", "eth_perp"])}
    assert [mark[5] for mark in doc_of(page)["marks"]] == ["BTC-PERP", "BTC-PERP"]
    assert series_of(page, "eth_perp")[1].tolist() == [8.0, 8.0]


TRIED = {"final_equity": 1_150.0, "total_return": 0.15, "trades": 2, "liquidations": 1, "no_room": 0}
SAME = {name: METRICS[name] for name in TRIED}


def test_how_the_result_moves_is_the_same_on_page_and_terminal(tmp_path, capsys):
    sensitivity = [
        {"what": "venue.fills=next_open"} | TRIED,
        {"what": "venue.path=olhc"} | TRIED | {"total_return": 0.08, "final_equity": 1_080.0},
        {"what": "venue.path=ohlc"} | SAME,
        {"what": "venue.path=nearest"} | TRIED | {"no_room": 3},
    ]
    folder = write_run(tmp_path / "run", sensitivity=sensitivity, config={"venue": CONFIG["venue"] | {"path": "adverse"}})
    page, view = page_of(folder), view_of_run(folder)
    expected = [
        "this run: strict, adverse +10.00 1 0",
        "venue.fills=next_open +15.00 +5.00 2 1",
        "venue.path=olhc +8.00 \N{MINUS SIGN}2.00 2 1",
        "venue.path=ohlc +10.00 +0.00 1 0",
        "venue.path=nearest: lacked room n/a n/a n/a n/a",
    ]
    assert [words_of(row) for row in re.findall(r'<tr class="move">.*?</tr>', page)] == expected
    terminal.show_run(view.metrics, None, view.manifest, folder)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert [line.replace("\N{MINUS SIGN}", "-") for line in expected] == [line for line in lines if line.startswith(("this run", "venue."))]
    assert "changes nothing" not in page


def test_paths_that_change_nothing_are_one_line(tmp_path, capsys):
    sensitivity = [{"what": "venue.fills=next_open"} | TRIED, {"what": "venue.path=ohlc"} | SAME, {"what": "venue.path=olhc"} | SAME]
    folder = write_run(tmp_path / "run", sensitivity=sensitivity)
    page = page_of(folder)
    assert "The path inside a bar changes nothing." in page
    assert page.count('<tr class="move">') == 2
    terminal.show_run(view_of_run(folder).metrics, None, view_of_run(folder).manifest, folder)
    shown = capsys.readouterr().out
    assert "The path inside a bar changes nothing." in shown
    assert "venue.path=o" not in shown


@pytest.mark.parametrize("differs", ["final_equity", "trades", "liquidations", "no_room"])
def test_a_path_that_changes_anything_is_shown(differs, tmp_path):
    sensitivity = [{"what": "venue.path=ohlc"} | SAME | {differs: SAME[differs] + 1}, {"what": "venue.path=olhc"} | SAME]
    page = page_of(write_run(tmp_path / "run", sensitivity=sensitivity))
    assert (page.count('<tr class="move">'), "changes nothing" in page) == (3, False)


@pytest.mark.parametrize(
    ("share", "told", "warned"),
    [(0.25, "25.00 % of the winners&#39; profit came from trades that ended in the bar in which they began: it rests on", True),
     (0.2, "20.00 % of the winners&#39; profit came from trades that ended in the bar in which they began.", False), (None, "", False)],
)
def test_profit_from_entry_bars_is_named_and_much_of_it_is_a_warning(share, told, warned, tmp_path, capsys):
    folder = write_run(tmp_path / "run", metrics={"entry_bar_share": share})
    page = page_of(folder)
    assert told in page
    assert ("of the winners" in page, '<p class="small caution">' in page) == (share is not None, warned)
    terminal.show_run(view_of_run(folder).metrics, None, view_of_run(folder).manifest, folder)
    assert ("of the winners" in capsys.readouterr().out) == warned


def test_buying_and_holding_pays_what_the_strategy_pays():
    market = SimpleNamespace(instruments=[Instrument("", "spot", taker_bp=9.0), Instrument("P", "perp", taker_bp=5.0)])
    given = ({"slippage_bp": 1.0, "spread_bp": 4.0}, {"taker_bp": 2.0, "slippage_bp": 1.0})
    assert [costs_of({"config": {"venue": venue}}, market) for venue in given] == [(5e-4, 3e-4), (2e-4, 1e-4)]


def test_a_page_is_self_contained(tmp_path):
    page = page_of(write_run(tmp_path / "run"), prices=PRICES)
    style, script = (re.search(rf"<{kind}>(.*)</{kind}>", page, re.DOTALL).group(1) for kind in ("style", "script"))
    hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in (style, script)]
    assert f"content=\"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'\"" in page
    assert "://" not in page
    assert "The MIT License" in script
    shown = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<(link|img|iframe)|\s(style|src|href|on\w+)=", shown)
    assert re.findall(r"<script[^>]*type=\"([^\"]*)\"", shown).count("text/plain") == len(re.findall(r"<script", shown)) - 1
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "equity.parquet", "fills.parquet", "ledger.parquet", "manifest.json", "metrics.json", "orders.parquet", "report.html",
        "trades.parquet",
    ]


def test_hostile_names_are_text(tmp_path):
    fills, trades = FILLS | {"reason": [HOSTILE] * 2}, TRADES | {"exit_reason": [HOSTILE], "instrument": [HOSTILE]}
    config = {"strategy": {"name": HOSTILE, HOSTILE: HOSTILE}}
    page = page_of(write_run(tmp_path / "run", name=HOSTILE, config=config, fills=fills, trades=trades), prices=PRICES)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert doc_of(page)["trades"]["exit_reason"]["words"] == [HOSTILE]


def test_a_spike_of_equity_is_on_the_page(tmp_path):
    equity = np.full(20_000, 1_000.0)
    equity[12_345] = 5_000.0
    page = page_of(write_run(tmp_path / "run", equity))
    moments, values = series_of(page, "equity")
    assert np.array_equal(values, equity)
    assert np.array_equal(moments, (T0 + MINUTE * np.arange(20_000)) / 1e9)
    told = {each["id"]: each for each in doc_of(page)["series"]}
    assert (told["equity"]["bucket"], told["equity"]["exact"]) == (40, True)


def test_every_metric_is_explained_where_somebody_points_at_it(tmp_path):
    assert [key for key in METRICS_KNOWN if not explained(key)] == []
    page = page_of(write_run(tmp_path / "run"))
    assert f'<th class="word" title="{explained("sharpe")}">Sharpe ratio</th>' in page


def test_returns_by_month_compound_to_the_year(tmp_path):
    ts = np.array([day("2024-11-30"), day("2024-12-15"), day("2024-12-31"), day("2025-01-31"), day("2025-03-31")])
    table = months(ts, np.array([110.0, 120.0, 99.0, 198.0, 99.0]), 100.0)
    assert [(row["year"], round(row["whole"], 9)) for row in table] == [(2024, -0.01), (2025, 0.0)]
    told = [[None if gain is None else round(gain, 9) for gain in row["months"]] for row in table]
    assert told == [[None] * 10 + [0.1, -0.1], [1.0, None, -0.5, *[None] * 9]]


def test_a_run_without_trades_has_a_page(tmp_path):
    none = [{name: values[:0] for name, values in table.items()} for table in (FILLS, TRADES)]
    page = page_of(write_run(tmp_path / "run", fills=none[0], trades=none[1]))
    assert "No trade was closed." in page
    assert 'id="trades"' not in page


def test_a_page_does_not_wait_for_pandas(tmp_path):
    folder = write_run(tmp_path / "run")
    source = f"import sys; from backtester import report; report.write({str(folder)!r}); sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", source], cwd=ROOT, check=False).returncode == 0


def test_a_run_outlives_its_data(tmp_path):
    page = report.write(write_run(tmp_path / "run")).read_text()
    assert "The market's prices are not drawn" in page
    with pytest.raises(UserError, match="no run, sweep, walk-forward or comparison"):
        report.write(tmp_path)


def test_a_run_of_another_version_is_named(tmp_path):
    folder = write_run(tmp_path / "run", ledger={"ts": [T0], "balance": [1.0]})
    with pytest.raises(UserError, match=r"run/ledger.parquet: has no column wallet: another version wrote it, run it again"):
        report.write(folder)


# ------------------------------------------------------------------ comparison and sweep


def test_the_comparison_page_marks_the_best_and_the_differences(tmp_path):
    better = {"sharpe": 2.5, "max_drawdown": 0.01}
    runs = [write_run(tmp_path / "a"), write_run(tmp_path / "b", name="<b>", start=1, metrics=better, config={"seed": 7})]
    page = report.write_comparison(tmp_path / "both", runs).read_text()
    assert re.findall(r'<td class="best"[^>]*>([^<]*)', page) == ["1.00", "2.50"]
    assert "2025-01-01 00:01 to 2025-01-01 00:02 UTC" in page
    assert panels_of(page) == ["Return from the common start", "Drawdown", "In the market"]
    assert series_of(page, "equity_0")[1].tolist() == [1_050.0, 1_100.0]
    assert "<b> returned +10.00 %" in page.replace("&lt;", "<").replace("&gt;", ">")
    assert re.search(r'<th class="word">seed</th><td class="faint">not a key</td><td>7</td>', page)
    assert "&lt;b&gt;" in page
    assert "://" not in page
    assert report.write(tmp_path / "both").read_text() == page


def test_the_sweep_page_ranks_and_warns(tmp_path):
    page = write_sweep_page(tmp_path / "report.html", view_of_sweep(sweep_folder(tmp_path / "sweep")), rows=3).read_text()
    assert "The best of 4 combinations is luck until shown otherwise." in page
    assert re.findall(r'<tr class="combination"><td class="faint">(\d)</td><td>(.*?)</td><td>(.*?)</td>', page) == [
        ("2", "off", "10"), ("0", "90,000", "10"), ("1", "90,000", "20"),
    ]
    command = "backtester run data.path=data/tiny strategy=door strategy.qty=1.0 venue.fills=strict strategy.support=null strategy.bars=10"
    assert f"<code>{command}</code>" in page
    assert len(re.findall(r'<rect class="h\d"', page)) == 3  # the fourth combination has no Sharpe ratio
    assert "://" not in page


def test_a_command_repeats_what_the_user_wrote_and_not_the_sweep(tmp_path):
    wrote = ["data=tiny", "strategy=door", "strategy.bars=10", "+sweep.bars='10,20'", "hydra.sweep.subdir='.'", "venue.cash=5 000"]
    view = view_of_sweep(sweep_folder(tmp_path / "sweep", overrides=wrote), objective="max_drawdown")
    assert view.ranked().tolist() == [0, 2, 3, 1]
    assert view.command(1) == "backtester run data=tiny strategy=door 'venue.cash=5 000' strategy.support=90000.0 strategy.bars=20"


def test_the_heat_map_shows_medians_from_worst_to_best():
    x, y = np.array([1, 1, 1, 2]), np.array(["a", "a", "b", "b"], dtype=object)
    drawn = heat_map(("x", x), ("y", y), np.array([1.0, 3.0, 9.0, 0.0]), -1, "{:.1f}".format)
    assert re.findall(r'<rect class="(h\d)"[^>]*><title>([^<]*)', drawn) == [
        ("h6", "x 1, y a: 2.0"), ("h0", "x 1, y b: 9.0"), ("h8", "x 2, y b: 0.0"),
    ]


# ------------------------------------------------------------------ the terminal


def test_the_terminal_shows_a_run_beside_buy_and_hold(tmp_path, capsys):
    view = view_of_run(write_run(tmp_path / "run", name="[red]door"))
    terminal.show_run(view.metrics, {"role": "spot", "total_return": -0.02}, view.manifest, tmp_path / "run")
    shown = capsys.readouterr().out
    lines = [line.split() for line in shown.splitlines()]
    assert shown.startswith("[red]door on tiny, 2025-01-01 to 2025-01-01 UTC")
    assert ["total", "return", "%", "+10.00", "-2.00"] in lines
    assert ["fees", "quote", "3.00"] in lines
    assert "- BTC-PERP: FALLBACK no funding data" in shown
    assert "\x1b" not in shown


def test_the_terminal_shows_comparison_and_sweep(tmp_path, capsys):
    terminal.show_compare(compare([write_run(tmp_path / "a"), write_run(tmp_path / "b", metrics={"sharpe": 0.5}, config={"seed": 7})]))
    terminal.show_sweep(view_of_sweep(sweep_folder(tmp_path / "sweep")).table, "sharpe", rows=2)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["Sharpe", "ratio", "1.50", "*", "0.50"] in lines
    assert ["off", "10", "3.00", "+30.00", "20.00"] in lines
    assert ["90,000", "10", "1.00", "+10.00", "10.00"] in lines


def test_the_fuel_map_has_each_leverage_at_its_level():
    """A thousand contracts, all opened by buyers at 100,000: longs wait below for each leverage, makers' shorts above."""
    seen, p = initial(FuelWatch.Seen)[0], params_of(FuelWatch, {"first": T0, "step": 10 * MINUTE})[0]
    FuelWatch.see_start(seen, p)
    bar, row = rows(BAR, 1)[0], rows(OPEN_INTEREST, 1)[0]
    for n, qty in enumerate((50_000.0, 51_000.0)):
        bar.ts_event, bar.ts_close, bar.volume, bar.taker_buy, bar.quote_volume = T0, T0 + MINUTE, 1.0, 1.0, 100_000.0
        bar.open = bar.high = bar.low = bar.close = 100_000.0
        FuelWatch.see_perp(bar, seen, p)
        row.ts_event, row.qty = T0 + n * 10 * MINUTE, qty
        FuelWatch.see_open_interest(row, seen, p)
    here, expected = int(np.floor(np.log(1e5) * 2_000)), np.zeros(60)
    for leverage, share in zip(LEVERAGE, MIX, strict=True):
        for level, opened in ((1e5 * (1 - 1 / leverage) / 0.996, 600.0), (1e5 * (1 + 1 / leverage) / 1.004, 150.0)):
            place = (int(np.floor(np.log(level) * 2_000)) - here) // 4 + 30
            if 0 <= place < 60:
                expected[place] += opened * share
    assert (expected > 0).sum() > 8
    assert (seen.column, seen.price[1]) == (1, 100_000.0)
    np.testing.assert_allclose(seen.level[1], expected, rtol=1e-6)


# ------------------------------------------------------------------ at home in Python


def test_the_terminal_draws_the_equity(tmp_path, capsys):
    equity = np.concatenate((np.linspace(1_000, 1_200, 400), np.linspace(1_200, 900, 400)))
    folder = write_run(tmp_path / "run", equity.tolist())
    view = view_of_run(folder)
    terminal.show_run(view.metrics, None, view.manifest, folder)
    lines = capsys.readouterr().out.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("equity, quote"))
    assert lines[at] == "equity, quote; 900.00 at the end"
    drawn = lines[at + 1 : at + 9]
    assert (drawn[0].split()[-1], drawn[7].split()[-1]) == ("1,200.00", "900.00")
    highest = [index for index, sign in enumerate(drawn[0][:72]) if sign > "\N{BRAILLE PATTERN BLANK}"]
    assert (min(highest), max(highest)) == (29, 40)  # the eighth above 1,162, at samples 325 to 450 of 800
    assert lines[at + 9].split() == ["2025-01-01", "2025-01-01"]


def test_dots_show_every_spike_and_hold_what_is_missing():
    values = np.full(5_000, 1.0)
    values[777] = 9.0
    drawn = plotted(np.arange(5_000) * MINUTE, values)
    assert sum(sign > "\N{BRAILLE PATTERN BLANK}" for sign in drawn[1][:72]) == 1
    sparse = reaches(np.array([0, 10, 99]), np.array([1.0, 2.0, 5.0]), 10)
    assert sparse.tolist() == [[1.0, 1.0], *[[2.0, 2.0]] * 8, [5.0, 5.0]]
    assert plotted(np.array([0, 1]), np.array([3.0, 3.0]))[1].split()[-1] == "3.00"
    assert plotted(np.array([0]), np.array([3.0])) == []


@pytest.mark.parametrize(("suffix", "starts"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_any_panel_becomes_a_picture(suffix, starts, tmp_path):
    view = replace(view_of_run(write_run(tmp_path / "run")), prices=PRICES)
    paths = [draw_picture(view, tmp_path / f"{n}.{suffix}", ("price", "premium", "equity")) for n in range(2)]
    assert paths[0].read_bytes().startswith(starts)
    if suffix == "svg":
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert "Premium of spot over perp, bp" in paths[0].read_text()


def test_what_is_no_picture_is_told(tmp_path):
    view = view_of_run(write_run(tmp_path / "run"))
    with pytest.raises(UserError, match="no panel price: this run has position, equity, drawdown"):
        draw_picture(view, tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a.gif: a picture is one of .png, .svg, .pdf"):
        draw_picture(view, tmp_path / "a.gif", ("equity",))


def test_a_notebook_shows_a_run(tmp_path):
    shown = notebook_html(view_of_run(write_run(tmp_path / "run", name=HOSTILE)))
    assert "returned +10.00 %" in shown
    assert "<th>Sharpe ratio</th><td>1.50 </td>" in shown
    assert re.search(r'class="line strategy" d="M[^"]+"', shown)
    assert "<script" not in shown
