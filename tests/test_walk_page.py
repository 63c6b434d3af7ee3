"""The page of a walk-forward: what can be believed stands first, each test stands beside what was promised; and what is believed."""

import re

import numpy as np
import pytest

from backtester.report.inside_outside import inside_outside
from backtester.report.walk_page import write_walk_page
from backtester.report.walk_view import WalkView
from backtester.sweeps.forward import sampled, truth_of_tests

HOUR, DAY = 3_600_000_000_000, 86_400_000_000_000
TRUTH = {
    "tests": 2, "gained": 1, "total_return": -0.01, "hold_return": 0.03, "samples": 100, "sharpe": -0.5, "low": -3.0, "high": 2.0,
    "believable": False, "sentence": "Not to be <believed>: -0.50.",
}


def view(truth=TRUTH):
    table = {
        "fold": np.arange(2),
        "test_start": np.array(["2025-04-07T00:00:00Z", "2025-04-10T12:00:00Z"], dtype=object),
        "test_end": np.array(["2025-04-10T12:00:00Z", "2025-04-14T00:00:00Z"], dtype=object),
        "bars": np.array([10, 30]),
        "mode": np.array(["<b>", "y"], dtype=object),
        "inside_sharpe": np.array([4.0, 2.5]),
        "hold_return": np.array([0.01, 0.02]),
        "total_return": np.array([0.02, -0.0294]),
        "max_drawdown": np.array([0.01, 0.04]),
        "sharpe": np.array([1.25, np.nan]),
        "trades": np.array([3, 4]),
    }
    curve = {"ts": np.arange(160) * HOUR, "equity": np.linspace(100, 99, 160), "hold": np.linspace(100, 103, 160)}
    manifest = {"walk_forward": {"objective": "sharpe", "folds": 2, "swept": ["bars", "mode"], "truth": truth}}
    return WalkView("<x>", table, curve, manifest)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_walk_page(tmp_path_factory.mktemp("page") / "report.html", view()).read_text()


def test_what_can_be_believed_stands_first_and_nothing_is_asked_for(page):
    lead = page.index("Not to be &lt;believed&gt;: \u22120.50.")
    assert lead < page.index("All tests, one after another") < page.index("What was chosen for each test")
    assert "default-src 'none'" in page
    for word in ("<script", "http:", "https:", "<x>", "<b>10"):
        assert word not in page, word


def test_each_test_stands_beside_what_was_promised(page):
    body = page[page.index("<tbody>") :]
    assert [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)] == [
        ["2025-04-07", "2025-04-10", "10", "&lt;b&gt;", "4.00", "1.25", "+2.00", "1.00", "3", "+1.00"],
        ["2025-04-10", "2025-04-14", "30", "y", "2.50", "n/a", "\u22122.94", "4.00", "4", "+2.00"],
    ]
    tiles = dict(re.findall(r'<div class="name">(.*?)</div><div class="value">(.*?)<span', page))
    assert tiles["different choices"] == "2 of 2"
    assert (tiles["median Sharpe ratio where it was chosen"], tiles["median Sharpe ratio of the tests"]) == ("3.25", "1.25")


def test_rings_and_dots(page):
    drawing = page[page.index('<svg class="heat walk"') :].partition("</svg>")[0]
    assert re.findall(r'<circle class="(\w+)".*?<title>(.*?)</title>', drawing) == [
        ("inside", "7 Apr, chosen with 4.00"), ("outside", "7 Apr, test 1.25"), ("inside", "10 Apr, chosen with 2.50"),
    ]
    assert drawing.count('class="stem"') == 1
    assert inside_outside(np.full(3, np.nan), np.full(3, np.nan), ["a", "b", "c"], "x", str) == ""


def test_a_folder_without_known_numbers_has_a_page(tmp_path):
    nothing = TRUTH | {"sharpe": None, "low": None, "high": None}  # as JSON keeps what is not a number
    assert "n/a" in write_walk_page(tmp_path / "report.html", view(nothing)).read_text()


# ---------------------------------------------------------------- what is believed

START = 100 * DAY


def walked(drift, noise=0.004, days=200, seed=3):
    rng = np.random.default_rng(seed)
    ts = START + np.arange(1, 24 * days + 1) * HOUR
    equity = 1_000.0 * np.cumprod(1 + rng.normal(drift / 24, noise / np.sqrt(24), len(ts)))
    return {"ts": ts, "equity": equity, "hold": np.full(len(ts), 1_100.0)}


def test_returns_are_sampled_at_midnights_and_hourly_below_sixty_days():
    curve = walked(0.001, days=70)
    found, step = sampled(curve["ts"], curve["equity"], 1_000.0, START, START + 70 * DAY)
    at = {int(ts): value for ts, value in zip(curve["ts"], curve["equity"], strict=True)} | {START: 1_000.0}
    expected = [at[START + (n + 1) * DAY] / at[START + n * DAY] - 1 for n in range(70)]
    assert step == DAY
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    found, step = sampled(curve["ts"], curve["equity"], 1_000.0, START, START + 50 * DAY)
    assert (step, len(found)) == (HOUR, 50 * 24)


def test_an_edge_is_believed_and_luck_is_not():
    told = truth_of_tests(walked(0.002), 1_000.0, START, START + 200 * DAY, [0.1, 0.1, -0.1])
    assert told["believable"]
    assert told["low"] > 0.0
    returns = sampled(*(walked(0.002)[name] for name in ("ts", "equity")), 1_000.0, START, START + 200 * DAY)[0]
    assert told["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(365), rel=1e-12)
    assert re.search(r"buying and holding \+10\.00 %; that is believable on these data: .* 2 of 3 tests gained\.$", told["sentence"])
    believed = [truth_of_tests(walked(0.0, seed=seed), 1_000.0, START, START + 200 * DAY, [0.1])["believable"] for seed in range(30)]
    assert sum(believed) <= 3  # 2.5 % of them are expected

    few = {name: values[:40] for name, values in walked(0.002).items()}
    for curve, days, returns, doubt in (
        (few, 2, [0.1], "48 returns are too few"), (walked(-0.002), 200, [-0.1, 0.1], "there is no gain; 1 of 2 tests gained"),
    ):
        told = truth_of_tests(curve, 1_000.0, START, START + days * DAY, returns)
        assert not told["believable"]
        assert doubt in told["sentence"]
