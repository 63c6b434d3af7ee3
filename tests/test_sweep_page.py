"""The page of a sweep: what can be believed stands first, and the pictures show the rows that there are."""

import re

import numpy as np
import pytest

from backtester.report.parallel import parallel
from backtester.report.scatter import scatter
from backtester.report.sweep_page import write_sweep_page
from backtester.report.sweep_view import SweepView

HOURS = np.arange(50) * 3_600_000_000_000
TRUTH = {
    "best": 5, "trials": 12, "sharpe": 2.0, "luck": 1.25, "deflated_sharpe": 0.5, "believable": False, "sentence": "Not to be <believed>.",
    "overfitting": {"probability": 0.61, "loss": 0.42, "partitions": 100, "ways": 12_870},
    "plateau": {"centre": 7, "neighbours": 1.0, "kept": 0.5, "slopes": {"a": [[1.0, 0.5], [None, 2.0]]}},
    "few": [{"combination": 5, "sharpe": 2.0, "low": -0.5, "high": 4.0}, {"combination": 7, "sharpe": 1.0, "low": None, "high": None}],
}


def view(truth=TRUTH):
    table = {
        "combination": np.arange(12),
        "a": np.repeat([1.0, 2.0, np.nan], 4),
        "unit": np.array(["bp", "x"] * 6, dtype=object),
        "venue.taker_bp": np.tile([0.0, 0.0, 5.0, 5.0], 3),
        "sharpe": np.array([0.5, np.nan, 1.0, 0.0, 0.1, 2.0, 0.2, 1.0, 0.3, 0.4, 0.5, 0.6]),
        "total_return": np.linspace(-0.1, 0.1, 12),
        "sharpe_first": np.linspace(-1, 2, 12),
        "sharpe_second": np.linspace(1, -1, 12),
    }
    curves = {"ts": HOURS, "c5": np.linspace(100, 110, 50), "c7": np.linspace(100, 105, 50)}
    manifest = {"overrides": ["strategy=x", "++sweep.a='1,2'", "strategy.a=1", "venue.taker_bp=0"], "truth": truth}
    return SweepView("x", table, ["a", "unit", "venue.taker_bp"], "sharpe", manifest, curves if truth else {})


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_sweep_page(tmp_path_factory.mktemp("page") / "report.html", view(), 3).read_text()


def test_what_can_be_believed_stands_first(page):
    lead = page.index("Not to be &lt;believed&gt;.")
    assert lead < page.index("The best 3 by")
    told = re.sub(r"<[^>]+>", " ", page)
    for words in ("Deflated Sharpe Ratio 0.50", "1.25", "61 %", "42 %", "50 %", "\u22120.50 to 4.00"):
        assert words in re.sub(r"\s+", " ", told), words


def test_any_two_parameters_have_a_heat_map_over_all_and_at_the_best(page):
    assert re.findall(r"<summary><b>Sharpe ratio over (\S+) and (\S+)</b>", page) == [
        ("a", "unit"), ("a", "venue.taker_bp"), ("unit", "venue.taker_bp"),
    ]
    assert page.count('aria-label="heat map"') == 6
    assert "a 2, unit x: 1.50" in page      # the median of 2.0 and 1.0
    assert "a 2, unit x: 2.00" in page      # at the best combination's fee


def test_the_pictures_of_the_few(page):
    assert "combination 5" in page
    assert "combination 7, the plateau&#39;s centre" in page
    assert page.count('class="point"') == 12


def test_a_row_runs_again_by_its_command(page):
    assert "backtester run strategy=x strategy.a=2.0 strategy.unit=x venue.taker_bp=0.0" in page


def test_without_the_truth_luck_is_told_in_general(tmp_path):
    page = write_sweep_page(tmp_path / "report.html", view({}), 3).read_text()
    assert "The best of 12 combinations is luck until shown otherwise" in page
    assert "First half" not in page


def test_parallel_coordinates_draw_the_best_on_top():
    values = np.linspace(0, 1, 1_000)
    drawing = parallel({"a": np.arange(1_000.0)}, "Sharpe ratio", values, np.argsort(-values), "{:.2f}".format)
    lines = re.findall(r'<polyline class="(\w+)".*?combination (\d+)', drawing)
    assert lines[-1] == ("best", "999")
    assert [style for style, _ in lines].count("best") == 10
    assert len(lines) <= 410


def test_a_scatter_needs_two_points():
    assert scatter(np.array([1.0, np.nan]), np.array([1.0, 2.0]), 0, ("a", "b")) == ""
    assert scatter(np.array([1.0, -1.0]), np.array([1.0, 2.0]), 1, ("a", "b")).count("<circle") == 3
