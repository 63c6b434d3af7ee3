"""The page of a comparison in a real browser: three readings of the same curves, drawdowns, who was in the market."""

import numpy as np
import pytest
from browser import browsing, opened, settle
from run_folder import MINUTE, T0, write_run

from backtester import report

EQUITY = {
    "first": np.round(1_000 + np.cumsum(np.random.default_rng(1).normal(0, 2, 3_000)), 2),
    "second": np.round(2_000 + np.cumsum(np.random.default_rng(2).normal(0, 4, 3_000)), 2),
}
HOSTILE = "<b onclick=alert(1)>third</b>"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    runs = [write_run(folder / name, equity.tolist(), name=name) for name, equity in EQUITY.items()]
    runs.append(write_run(folder / "third", (EQUITY["first"] * 2).tolist(), name=HOSTILE, start=500))
    with browsing() as browser:
        found = opened(browser, report.write_comparison(folder / "all", runs))
        yield found
        assert (found.complaints, [url for url in found.asked if not url.startswith(("file:", "blob:"))]) == ([], [])


def curve(page, run, kind="equity"):
    return np.array(page.evaluate(f"[...SERIES.{kind}_{run}.values]"))


def test_returns_begin_together_where_the_runs_share_their_first_moment(page):
    page.locator("[data-mode=return]").click()
    first = EQUITY["first"][500:]
    np.testing.assert_allclose(curve(page, 0), 100 * (first / first[0] - 1), rtol=0, atol=1e-9)
    assert [curve(page, run)[0] for run in range(3)] == [0.0, 0.0, 0.0]
    assert page.evaluate("SERIES.equity_0.t0") == (T0 + 500 * MINUTE) / 1e9
    assert "on the union of their moments" in page.locator("header").inner_text()


def test_money_is_what_the_files_hold(page):
    page.locator("[data-mode=money]").click()
    assert np.array_equal(curve(page, 1), EQUITY["second"][500:])
    assert page.locator("[data-panel=curves] figcaption b").inner_text() == "Equity"


def test_relative_to_one_of_them_that_one_is_level(page):
    page.locator("#base").select_option("1")
    assert page.locator("[data-panel=curves] figcaption b").inner_text() == "Relative to second"
    first, second = (EQUITY[name][500:] / EQUITY[name][500] for name in ("first", "second"))
    np.testing.assert_allclose(curve(page, 0), 100 * (first / second - 1), rtol=0, atol=1e-9)
    assert np.abs(curve(page, 1)).max() < 1e-9


def test_drawdowns_are_of_the_shared_period(page):
    first = EQUITY["first"][500:]
    np.testing.assert_allclose(curve(page, 0, "drawdown"), -100 * (1 - first / np.maximum.accumulate(first)), rtol=0, atol=1e-9)
    assert page.evaluate("[SERIES.drawdown_0.t0, SERIES.drawdown_0.dt]") == page.evaluate("[SERIES.equity_0.t0, SERIES.equity_0.dt]")


def test_a_row_tells_when_each_was_in_the_market(page):
    rows = page.evaluate("PANELS.find((panel) => panel.told.rows).told.rows")
    assert [(row["label"], [row["words"][code] for code in row["code"]]) for row in rows] == [
        ("first", ["flat", "long", "flat"]), ("second", ["flat", "long", "flat"]), (HOSTILE, ["flat"]),
    ]


def test_names_are_text_and_nothing_sticks_out(page):
    assert HOSTILE in page.locator("#metrics thead").inner_text()
    assert page.locator("b[onclick]").count() == 0
    for wide in (360, 1_200):
        page.set_viewport_size({"width": wide, "height": 800})
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= wide
