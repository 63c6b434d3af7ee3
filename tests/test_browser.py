"""The page of a run in a real browser: what it holds, what it shows, what a user does with it."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from browser import browsing, opened, settle
from run_folder import FILLS, MINUTE, ORDERS, T0, TRADES, write_run, write_table

from backtester.market.merge import build
from backtester.market.schema import Instrument
from backtester.records import BAR, FUNDING, LIQUIDATION, OPEN_INTEREST, rows
from backtester.report.page import write_run_page
from backtester.report.view import view_of_run

MINUTES = 6_000
SPIKE = 3_456  # the minute at which spot stands far above the perp
HOSTILE = "<img src=x onerror=alert(1)>'\"&</script><script>alert(2)</script>"


def bars_of(close, rng):
    out = rows(BAR, MINUTES)
    out["ts_event"] = T0 + np.arange(MINUTES) * MINUTE
    out["ts_close"] = out["ts_event"] + MINUTE
    out["ts_known"] = out["ts_close"] + 500_000_000
    out["close"] = np.round(close, 2)
    out["open"] = np.concatenate((out["close"][:1], out["close"][:-1]))
    out["high"] = np.round(np.maximum(out["open"], out["close"]) + rng.exponential(5.0, MINUTES), 2)
    out["low"] = np.round(np.minimum(out["open"], out["close"]) - rng.exponential(5.0, MINUTES), 2)
    out["volume"], out["quote_volume"], out["taker_buy"] = 2.0, np.nan, np.round(rng.uniform(0, 2, MINUTES), 3)
    return out


def points_of(dtype, every, **values):
    out = rows(dtype, MINUTES // every)
    out["ts_event"] = out["ts_known"] = T0 + np.arange(len(out)) * every * MINUTE
    for name, column in values.items():
        out[name] = column(len(out))
    return out


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(7)
    perp = bars_of(95_000.0 + np.cumsum(rng.normal(0, 20, MINUTES)), rng)
    spot = bars_of(perp["close"] * (1 + rng.normal(2, 1, MINUTES) / 1e4), rng)
    spot["close"][SPIKE] = spot["high"][SPIKE] = np.round(perp["close"][SPIKE] * 1.02, 2)
    tables = {
        ("spot_bars", 0): spot, ("perp_bars", 1): perp,
        ("funding", 1): points_of(FUNDING, 480, rate=lambda n: np.round(rng.normal(1e-4, 1e-4, n), 8), interval_h=lambda n: 8.0),
        ("open_interest", 1): points_of(OPEN_INTEREST, 5, qty=lambda n: np.round(80_000 + np.cumsum(rng.normal(0, 50, n)), 3)),
        ("liquidations", 1): points_of(LIQUIDATION, 7, side=lambda n: rng.choice([-1.0, 1.0], n), qty=lambda n: 1.0, price=lambda n: 9e4),
    }
    return build("drawn", (Instrument("BTC-SPOT", "spot"), Instrument("BTC-PERP", "perp")), tables)


def trades_of(market):
    """Forty round trips of an hour, one long, one short, the first one with a hostile reason."""
    close, entry = market.tables["perp_bars", 1]["close"], np.arange(40) * 140 + 60
    ts, side, leaves = T0 + entry * MINUTE, np.where(np.arange(40) % 2, "short", "long"), entry + 60
    pnl = np.round(np.sin(np.arange(40)) * 100, 2)
    reasons = [HOSTILE] + ["door"] * 39
    trades = {
        "instrument": ["BTC-PERP"] * 40, "side": side.tolist(), "entry_ts": ts.tolist(), "exit_ts": (ts + 60 * MINUTE).tolist(),
        "qty": [1.5] * 40, "entry_price": close[entry - 1].tolist(), "exit_price": close[leaves - 1].tolist(), "pnl": pnl.tolist(),
        "fees": [1.25] * 40, "funding": [0.5] * 40, "entry_reason": reasons, "exit_reason": ["stop", "goal"] * 20,
    }
    sign = np.where(side == "long", 1.5, -1.5)
    fills = {
        "ts": np.stack((ts, ts + 60 * MINUTE), 1).ravel().tolist(), "order": list(range(80)), "instrument": ["BTC-PERP"] * 80,
        "qty": np.stack((sign, -sign), 1).ravel().tolist(), "price": np.stack((close[entry - 1], close[leaves - 1]), 1).ravel().tolist(),
        "fee": [0.6] * 80, "slippage": [0.1] * 80, "liquidity": ["taker"] * 80,
        "reason": [word for pair in zip(reasons, trades["exit_reason"], strict=True) for word in pair],
    }
    assert set(trades) == set(TRADES)
    assert set(fills) == set(FILLS)
    return trades, fills


def trace_of(market):
    """A support level, a game of two doors, labels that change every six hours."""
    at, close = np.arange(MINUTES), market.tables["perp_bars", 1]["close"]
    doors = np.where((at >= 1_000) & (at < 1_200), 1, np.where((at >= 1_200) & (at < 1_500), 2, 0))
    return {
        "ts": (T0 + (at + 1) * MINUTE).tolist(), "support": [94_000.0] * MINUTES,
        "anchor": np.where(doors > 0, close[999], np.nan).tolist(), "drawing": doors.tolist(),
        "label": (at // 360 % 3).tolist(), "turn": np.sin(at / 50.0).tolist(),
    }


@pytest.fixture(scope="module")
def folder(market, tmp_path_factory):
    trades, fills = trades_of(market)
    equity = np.round(1_000 + np.cumsum(np.random.default_rng(3).normal(0, 1, MINUTES)), 2)
    words = {"label": {"0": "weak", "1": "shorts in", "2": "longs in"}}
    config = {"strategy": {"name": HOSTILE, "support": HOSTILE}}
    told = {"name": HOSTILE, "trace": words, "config": config, "orders": ORDERS}
    run = write_run(tmp_path_factory.mktemp("browser") / "run", equity.tolist(), start=1, fills=fills, trades=trades, **told)
    write_table(run / "trace.parquet", trace_of(market))
    write_run_page(run / "report.html", view_of_run(run, market))
    return run


@pytest.fixture(scope="module")
def browser():
    with browsing() as found:
        yield found


@pytest.fixture(scope="module")
def kept(browser, folder):
    return opened(browser, folder / "report.html", accept_downloads=True)


@pytest.fixture
def page(kept):
    """The page as it was when it was opened; nothing that a test does may make it complain, or ask for anything."""
    kept.set_viewport_size({"width": 1_200, "height": 900})
    kept.locator("#side").select_option("")
    kept.locator("#filter").fill("")
    kept.evaluate("document.activeElement.blur(); scrollTo(0, 0); showAll(); chosen = -1; sortBy('number', false)")
    settle(kept)
    yield kept
    assert (kept.complaints, [url for url in kept.asked if not url.startswith(("file:", "blob:"))]) == ([], [])


def values(page, series, part="values"):
    got = page.evaluate(f"[...SERIES['{series}'].{part}].map((value) => Number.isNaN(value) ? null : value)")
    return np.array([np.nan if value is None else value for value in got])


def view(page):
    settle(page)
    return page.evaluate("[...VIEW]")


def show(page, first, last):
    """Show the minutes from `first` to `last`."""
    page.evaluate(f"show({T0 / 1e9 + first * 60}, {T0 / 1e9 + last * 60})")
    settle(page)


def numbers_of_trades(page):
    return [int(text) for text in page.locator("#trades tbody tr td:first-child").all_inner_texts()]


# ------------------------------------------------------------------ what it holds


def test_every_value_is_the_markets_own(page, market):
    perp, spot = market.tables["perp_bars", 1], market.tables["spot_bars", 0]
    for part, field in (("values", "close"), ("open", "open"), ("high", "high"), ("low", "low")):
        assert np.array_equal(values(page, "perp", part), perp[field]), field
    assert np.array_equal(values(page, "spot"), spot["close"])
    assert np.array_equal(values(page, "oi"), market.tables["open_interest", 1]["qty"])
    assert page.evaluate("[SERIES.perp.time(0), SERIES.perp.end]") == [(T0 + MINUTE) / 1e9, (T0 + MINUTES * MINUTE) / 1e9]
    assert np.array_equal(np.rint(values(page, "funding") * 1e4), np.rint(market.tables["funding", 1]["rate"] * 1e8))


def test_every_sample_of_the_runs_files_is_there(page, folder):
    import pyarrow.parquet as pq

    equity, trace = (pq.read_table(folder / f"{name}.parquet") for name in ("equity", "trace"))
    assert np.array_equal(values(page, "equity"), equity["equity"].to_numpy())
    assert np.array_equal(values(page, "level_anchor"), trace["anchor"].to_numpy(), equal_nan=True)
    assert np.abs(values(page, "trace_turn") - trace["turn"].to_numpy()).max() < 1e-3


@pytest.mark.parametrize(("first", "last"), [(0, MINUTES), (2_000, 5_000), (SPIKE - 720, SPIKE + 720), (SPIKE - 30, SPIKE + 30)])
def test_a_spike_is_seen_at_every_zoom(page, market, first, last):
    show(page, first, last)
    told = page.evaluate(
        f"""(() => {{
        const panel = PANELS.find((each) => each.told.id === "premium"), u = panel.plot, at = frame(u), series = SERIES.premium;
        const x = at.x({(T0 + (SPIKE + 1) * MINUTE) / 1e9}), y = at.y(series.values[{SPIKE}]);
        const around = u.ctx.getImageData(Math.round(x) - 3, Math.round(y) - 1, 7, 4).data;
        const tone = colour("premium").match(/\\d+/g).map(Number);
        let seen = 0;
        for (let i = 0; i < around.length; i += 4) seen += around[i + 3] > 60 && Math.abs(around[i] - tone[0]) < 40;
        return [series.extent(...VIEW, width())[1], seen, y];
        }})()"""
    )
    spot, perp = market.tables["spot_bars", 0]["close"][SPIKE], market.tables["perp_bars", 1]["close"][SPIKE]
    assert told[0] == pytest.approx((spot - perp) / perp * 1e4, abs=1e-3)
    assert told[1] > 0
    assert told[2] >= 0


OUT_OF_SIGHT = "PANELS.filter((panel) => panel.plot && !panel.box.hidden && panel.away).map((panel) => panel.told.id)"


def seen(page):
    """Wait until the page knows that none of its panels is out of sight: what is out of sight is not drawn."""
    for _ in range(200):
        if not page.evaluate(OUT_OF_SIGHT):
            return
        page.wait_for_timeout(25)
    raise AssertionError(page.evaluate(OUT_OF_SIGHT))


def test_all_panels_share_one_axis(page):
    page.set_viewport_size({"width": 1_200, "height": page.evaluate("document.documentElement.scrollHeight")})
    seen(page)
    show(page, 1_000, 2_000)
    axes = "[u.scales.x.min, u.scales.x.max, u.bbox.left, u.bbox.width]"
    told = page.evaluate(f"PANELS.filter((panel) => panel.plot).map(({{ plot: u }}) => {axes})")
    assert len(told) == 9
    assert len({tuple(each) for each in told}) == 1
    shown = page.evaluate("PANELS.filter((p) => p.plot).map((p) => [p.told.id, p.plot.scales.y.min, p.plot.scales.y.max])")
    assert all(low < high for _, low, high in shown)


def test_no_panel_is_blank(page):
    page.set_viewport_size({"width": 1_200, "height": page.evaluate("document.documentElement.scrollHeight")})
    settle(page)
    drawn = page.evaluate(
        """PANELS.filter((p) => p.plot).map((p) => {
        const at = frame(p.plot), data = p.plot.ctx.getImageData(at.left, at.top, at.width, at.height).data, tones = new Set();
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) tones.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
        return tones.size;
        })"""
    )
    assert min(drawn) > 1


# ------------------------------------------------------------------ what a user does


def test_the_wheel_zooms_after_a_click_and_scrolls_before(page):
    box = page.locator("[data-panel=price] .u-over").bounding_box()
    whole = view(page)
    page.mouse.move(box["x"] + 400, box["y"] + 100)
    page.mouse.wheel(0, -200)
    assert view(page) == whole
    page.mouse.click(box["x"] + 400, box["y"] + 100)
    box = page.locator("[data-panel=price] .u-over").bounding_box()
    under = page.evaluate("PANELS[0].plot.posToVal(400, 'x')")
    for _ in range(5):
        page.mouse.wheel(0, -200)
    start, end = view(page)
    assert (end - start) < 0.5 * (whole[1] - whole[0])
    assert start < under < end
    assert page.evaluate("PANELS[0].plot.posToVal(400, 'x')") == pytest.approx(under, abs=60)


def test_dragging_and_keys_move_what_is_shown(page):
    whole = view(page)
    show(page, 2_000, 3_000)
    start, end = view(page)
    page.locator("[data-panel=equity]").scroll_into_view_if_needed()
    box = page.locator("[data-panel=equity] .u-over").bounding_box()
    page.mouse.move(box["x"] + 500, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 50, steps=4)
    page.mouse.up()
    moved = view(page)[0] - start
    assert moved == pytest.approx(200 / box["width"] * (end - start), rel=0.02)
    page.keyboard.press("ArrowLeft")
    assert view(page)[0] == pytest.approx(start + moved - 0.2 * (end - start), rel=1e-9)
    page.keyboard.press("+")
    assert np.diff(view(page))[0] == pytest.approx(0.7 * (end - start))
    page.keyboard.press("0")
    assert view(page) == whole


def test_two_fingers_zoom(browser, folder):
    page = opened(browser, folder / "report.html", has_touch=True)
    box, before = page.locator("[data-panel=price] .u-over").bounding_box(), view(page)
    touch = page.context.new_cdp_session(page)
    y = box["y"] + 80
    for kind, left, right in (("touchStart", 400, 500), ("touchMove", 350, 550), ("touchMove", 300, 600), ("touchEnd", None, None)):
        fingers = [{"x": box["x"] + x, "y": y, "id": i} for i, x in enumerate((left, right)) if x]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    assert np.diff(view(page))[0] < 0.6 * np.diff(before)[0]
    page.context.close()


def test_a_row_leads_to_its_trade_and_keys_to_the_next(page):
    page.locator("#trades tbody tr").nth(3).click()
    trade = page.evaluate("TRADES[3]")
    start, end = view(page)
    assert start * 1e3 < trade["entry_ts"] < trade["exit_ts"] < end * 1e3
    assert "trade 4 of 40: short, door to goal" in page.locator("#where").inner_text()
    page.keyboard.press("n")
    assert "trade 5 of 40" in page.locator("#where").inner_text()
    page.keyboard.press("p")
    page.keyboard.press("p")
    assert "trade 3 of 40" in page.locator("#where").inner_text()
    assert page.locator("#trades tr.chosen td").first.inner_text() == "3"


def test_the_reason_is_in_the_tooltip(page):
    page.locator("#trades tbody tr").nth(1).click()
    page.locator("[data-panel=price]").scroll_into_view_if_needed()
    page.wait_for_timeout(200)  # the panel comes back into sight
    settle(page)
    place = "u.valToPos(TRADES[1].entry_ts / 1e3, 'x'), u.valToPos(TRADES[1].entry_price, 'y')"
    x, y = page.evaluate(f"((u) => [{place}])(PANELS[0].plot)")
    box = page.locator("[data-panel=price] .u-over").bounding_box()
    page.mouse.move(box["x"] + x, box["y"] + y)
    told = page.locator("#tip").inner_text()
    assert "short entry: 1.5 BTC-PERP" in told
    assert "UTC, door" in told
    assert "+84.15 after fees 1.25, funding 0.50, held 1 h 00 min" in told


def test_doors_are_zones_and_labels_a_strip(page):
    zones = page.evaluate("PANELS[0].told.zones")
    assert [(number, start) for number, start, *_ in zones] == [(1, (T0 + 1_001 * MINUTE) // 10**6), (2, (T0 + 1_201 * MINUTE) // 10**6)]
    strip = page.evaluate("PANELS[0].told.strips[0]")
    assert (strip["label"], strip["words"], strip["tones"], len(strip["start"])) == (
        "label", ["weak", "shorts in", "longs in"], ["faint", "short", "long"], math.ceil(MINUTES / 360),
    )
    assert page.evaluate("PANELS[0].told.series") == ["spot", "perp", "level_support", "level_anchor"]


def test_crowded_marks_are_counted_and_told_apart_where_there_is_room(page):
    page.set_viewport_size({"width": 400, "height": 900})
    settle(page)
    assert page.evaluate("PANELS[0].crowded")
    show(page, 0, 600)
    assert not page.evaluate("PANELS[0].crowded")
    assert page.evaluate("PANELS[0].marks.length") == 8


def test_another_panel_is_shown_where_it_is_asked_for(page):
    assert page.locator("[data-panel=trace_turn]").is_hidden()
    page.locator("#more summary").click()
    page.get_by_label("Seen: turn").check()
    settle(page)
    assert page.locator("[data-panel=trace_turn] canvas").is_visible()


def test_the_theme_turns_and_the_charts_with_it(page):
    tones = []
    for _ in range(2):
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        tones.append((paper, page.evaluate("colour('perp')")))
        page.keyboard.press("t")
        settle(page)
    assert len(set(tones)) == 2
    assert tones[0] == (page.evaluate("getComputedStyle(document.body).backgroundColor"), page.evaluate("colour('perp')"))


def test_a_dark_system_gets_a_dark_page(browser, folder):
    page = opened(browser, folder / "report.html", color_scheme="dark")
    red = int(page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"))
    page.context.close()
    assert red < 60


def test_trades_are_sorted_and_filtered(page):
    profit = page.locator("#trades th[data-by=pnl] button")
    by_profit = sorted(range(1, 41), key=lambda n: -round(math.sin(n - 1) * 100, 2))
    profit.click()
    assert numbers_of_trades(page) == by_profit
    profit.click()
    assert numbers_of_trades(page) == by_profit[::-1]
    page.locator("#side").select_option("short")
    page.locator("#filter").fill("goal loss")
    assert sorted(numbers_of_trades(page)) == [n for n in range(1, 41) if n % 2 == 0 and math.sin(n - 1) < 0]
    page.locator("#filter").fill("2025-01-02")
    assert sorted(numbers_of_trades(page)) == [n for n in range(2, 41, 2) if (n - 1) * 140 + 120 >= 1440 and (n - 1) * 140 + 60 < 2880]


def test_what_is_listed_can_be_saved(page, tmp_path):
    page.locator("#side").select_option("long")
    with page.expect_download() as waiting:
        page.locator("#csv").click()
    waiting.value.save_as(tmp_path / "trades.csv")
    with Path(tmp_path / "trades.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [int(row["number"]) for row in table] == list(range(1, 41, 2))
    assert (table[0]["entry_reason"], table[0]["entry_ts"], table[1]["pnl"]) == (HOSTILE, "2025-01-01T01:00:00.000Z", "90.93")


def test_a_panel_out_of_sight_catches_up_when_it_is_scrolled_to(page):
    show(page, 1_000, 1_500)
    drawn = "((panel) => [panel.plot.scales.x.min, panel.plot.scales.x.max])(PANELS.find((each) => each.told.id === 'drawdown'))"
    assert page.evaluate(drawn) != view(page)
    page.locator("[data-panel=drawdown]").scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    settle(page)
    assert page.evaluate(drawn) == view(page)


def test_what_is_hostile_is_text(page):
    assert HOSTILE in page.locator("h1").inner_text()
    assert HOSTILE in page.locator("#trades tbody tr").first.inner_text()
    assert page.locator("img").count() == 0
    assert page.locator("script:not([type])").count() == 1


def test_a_reload_shows_the_same(page):
    show(page, 1_000, 1_200)
    before = view(page)
    page.wait_for_url(f"**#v={round(before[0])},{round(before[1])}")
    page.reload()
    page.wait_for_selector('html[data-ready="1"]')
    assert view(page) == pytest.approx(before, abs=1)


@pytest.mark.parametrize("wide", [360, 1_200])
def test_nothing_sticks_out(page, wide):
    page.set_viewport_size({"width": wide, "height": 800})
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= wide
