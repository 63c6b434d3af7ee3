"""From a market to the table and the page: a small watch in the loop, what it lacks, what is written, and what is escaped."""

import re
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from tables import SECOND, market_of, sample_market

from backtester.claims import FALL, RETURN, UP, Claim, Measure, Verdict, measure_claims
from backtester.claims.collect import opens, watched
from backtester.claims.command import run_claims
from backtester.claims.earned import Earned
from backtester.claims.needs import has, lacking
from backtester.claims.page import page
from backtester.claims.table import columns, show
from backtester.market.constructed.kinds import construct
from backtester.records import BAR

HOUR = 3_600 * SECOND
DAYS = 20
UGLY = "<script>alert('x')</script> & \"co\""


class Small:
    """The premium, and how much it must be to be dear."""

    hourly = True

    class Params:
        dear_bp: float = 4.0

    class Seen:
        premium: float = float("nan")
        dear: float = float("nan")

    class Trace:
        sigma: float
        premium: float
        dear: float

    def see_pair(spot, perp, seen, p):
        seen.premium = (spot.close / perp.close - 1.0) * 1e4
        seen.dear = 1.0 if seen.premium > p.dear_bp else 0.0

    def trace(ctx, s, p, row):
        row.sigma = 1.0
        row.premium = ctx.seen.premium
        row.dear = ctx.seen.dear


DEAR = Measure("spot is dear", Small, lambda t, _: t.dear == 1, RETURN, UP, (1, 4), knob="dear_bp", near=(3.0, 5.0))
DEEP = Measure("spot is <dear>", Small, lambda t, at: t.premium > at, FALL, UP, (2,), at=4.0, near=(3.0, 5.0))
NEEDY = replace(DEAR, needs=("long_short_ratio", "exogenous.macro", "eth_spot_bars.volume"))
CLAIMS = (
    Claim("B1", UGLY, (DEAR, DEEP), ("moving_average_cross",), against="C1"),
    Claim("A1", "needs what is not there", (NEEDY,)),
    Claim("C1", "the opposite", (replace(DEEP, expect=-1),)),
)


@pytest.fixture(scope="module")
def market():
    return sample_market(DAYS)


@pytest.fixture(scope="module")
def measured(market):
    return measure_claims(market, CLAIMS)


def test_rows_of_a_watch_are_full_hours_and_meet_the_next_open(market):
    t = watched(market, Small)
    perp, spot = market.tables["perp_bars", 1], market.tables["spot_bars", 0]
    assert len(t) == DAYS * 24
    assert set(t.ts % HOUR) == {0}
    closed = np.searchsorted(perp["ts_close"], t.ts)
    assert t.premium == pytest.approx(1e4 * (spot["close"][closed] / perp["close"][closed] - 1.0))
    after = RETURN.of(t, 4)[:-5]
    first, last = closed[:-5] + 1, closed[:-5] + 241
    assert after == pytest.approx(1e4 * np.log(perp["open"][last] / perp["open"][first]))


def test_a_row_knows_nothing_of_what_comes_later(market):
    """A market that ends earlier has the same rows until then."""
    t, cut = watched(market, Small), watched(sample_market(DAYS // 2), Small)
    assert all(np.array_equal(cut.columns[name], t.columns[name][: len(cut)], equal_nan=True) for name in t.columns)


def test_a_parameter_makes_other_rows(market):
    assert watched(market, Small, dear_bp=3.0).dear.sum() > watched(market, Small).dear.sum() > 0.0


def test_a_missing_bar_is_bridged_for_an_hour_and_no_longer():
    bars = np.zeros(4, BAR)
    bars["ts_event"] = np.array([0, 1, 4, 30]) * 300 * SECOND
    bars["open"], bars["close"] = [1.0, 2.0, 3.0, 4.0], [1.5, 2.5, 3.5, 4.5]
    path = np.exp(opens(bars, 300 * SECOND))
    assert list(path[:17]) == pytest.approx([1.0, 2.0, 2.5, 2.5, 3.0, *[3.5] * 12])
    assert np.isnan(path[17:30]).all()
    assert path[30] == pytest.approx(4.0)


def test_what_a_market_has(market):
    there = ("spot_bars", "perp_bars.taker_buy", "open_interest", "liquidations", "funding")
    missing = ("long_short_ratio", "trades", "exogenous.macro", "eth_spot_bars", "eth_spot_bars.volume", "mark_bars")
    assert [need for need in there if not has(market, need)] == []
    assert lacking(market, (*there, *missing)) == missing
    assert has(market_of(construct("macro_gap", 1)), "exogenous.macro")
    silent = {key: table.copy() if key == ("perp_bars", 1) else table for key, table in market.tables.items()}
    silent["perp_bars", 1]["taker_buy"] = np.nan
    assert lacking(replace(market, tables=silent), there) == ("perp_bars.taker_buy",)


def test_each_claim_gets_its_word(measured):
    assert measured.judged[1].verdict == Verdict.NOT_TESTABLE
    assert measured.judged[1].why == "needs long_short_ratio, exogenous.macro, eth_spot_bars.volume"
    assert [len(each.findings) for each in measured.judged] == [3, 0, 1]
    assert measured.comparisons == 2 * sum(bool(finding.compared) for each in measured.judged for finding in each.findings)
    near = measured.judged[0].findings[0].study.near
    t = watched(measured.market, Small, dear_bp=3.0)
    assert near[0] == pytest.approx(measure_claims(measured.market, (replace(CLAIMS[0], measures=(
        replace(DEAR, event=lambda _, at: t.dear == 1, near=()),)),)).judged[0].findings[0].study.controls.value)  # fmt: skip


def test_a_row_a_comparison(measured):
    table = columns(measured)
    assert len({len(values) for values in table.values()}) == 1
    assert len(table["claim"]) == measured.comparisons + 1
    row = {name: values[0] for name, values in table.items()}
    found = measured.judged[0].findings[0]
    assert (row["claim"], row["quote"], row["hours"], row["against"]) == ("B1", UGLY, 1, "any time")
    assert (row["effect"], row["low"], row["cases"]) == (found.compared[0].effect, found.compared[0].low, found.study.cases)
    assert list(table["verdict"][table["claim"] == "A1"]) == ["not testable here"]


def test_the_page_is_whole_offline_and_escaped(measured):
    earned = (Earned("buy_and_hold", (), 0.1, 0.05, 1, 2.0, 3.0), Earned("door", ("B1",), refused="<needs> more"))
    text = page(measured, earned)
    assert "<script" not in text
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;co&#34;" in text
    assert "spot is &lt;dear&gt;" in text
    assert "&lt;needs&gt; more" in text
    assert re.findall(r"(?:src|href)=\"(?!#)", text) == []
    assert "default-src 'none'; style-src 'sha256-" in text
    assert [f'id="{number}"' in text for number in ("B1", "A1", "C1")] == [True] * 3
    assert text.count("<svg") == 2 * 3  # effects and course of each measure that was compared
    assert text.count("<details") == text.count("</details>") == 3
    assert text.index("Document B") < text.index("Document A") < text.index("The comments")
    assert "Where the documents contradict each other" in text


def test_the_terminal_shows_every_claim(measured, capsys):
    show(measured, (Earned("buy_and_hold", (), 0.1, 0.05, 1, 2.0, 3.0), Earned("door[x]", ("B1",), 0.0, 0.0, 0)))
    printed = capsys.readouterr().out
    words = ("B1", "A1", "C1", "not testable here", "door[x]", "+10.00", "3 claims:", "Research, not advice")
    assert [word for word in words if word not in printed] == []


def test_the_command_leaves_a_folder(tmp_path, capsys, monkeypatch):
    """On a folder of data, with claims of a file; nothing half-written is left beside it."""
    from backtester.claims import command

    file = tmp_path / "mine.py"
    file.write_text("import test_claims_measured_page as here\n\nCLAIMS = here.CLAIMS\n")
    monkeypatch.setattr(command, "load", lambda name: sample_market(DAYS))
    folder = run_claims("sample", str(file), tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["claims.parquet", "manifest.json", "report.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.py", "out"]
    table = pq.read_table(folder / "claims.parquet")
    assert table.column("claim").to_pylist()[0] == "B1"
    assert "buy_and_hold" in capsys.readouterr().out


def test_a_data_set_that_is_not_there(capsys, tmp_path):
    from backtester.cli import main

    assert main(["claims", "nowhere", "--to", str(tmp_path / "out")]) == 2
    assert "no data set at" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_documents_watches_know_nothing_of_what_comes_later(plain):
    """Both, in plain Python, on six hours and on the first four of them."""
    assert plain(
        "import sys; sys.path.insert(0, 'tests')\n"
        "from tables import market_of, START, SECOND, sample\n"
        "import numpy as np\n"
        "from backtester.claims import WatchDoors, WatchRally\n"
        "from backtester.claims.collect import watched\n"
        "one, other = (market_of(sample(), START + hours * 3600 * SECOND) for hours in (6, 4))\n"
        "for watch in (WatchDoors, WatchRally):\n"
        "    t, cut = watched(one, watch), watched(other, watch)\n"
        "    print(len(cut) > 3, all(np.array_equal(cut.columns[n], t.columns[n][:len(cut)], equal_nan=True) for n in t.columns))\n"
    ) == "True True\nTrue True\n"
