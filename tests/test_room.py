"""Orders without room: an error of a run that names the first, a warning of a sweep, and tables that miss their numbers."""

import numpy as np
import pytest
from scripted import Scripted
from tables import sample_market

import backtester as bt
from backtester.engine import codes
from backtester.engine.log import JOURNAL
from backtester.errors import UserError
from backtester.report import terminal
from backtester.report.sweep_page import write_sweep_page
from backtester.report.sweep_view import SweepView, swept_of
from backtester.results.room import demand_room
from backtester.results.tables import orders_table

SLOW = {"fills": "strict", "latency_ms": 3_600_000}  # an order of each minute is under way for an hour: a fifth finds no room


def test_the_first_order_without_room_is_named():
    with pytest.raises(UserError) as error:
        bt.run(sample_market(1), Scripted, venue=SLOW, at1=1, until1=9, qty1=0.25)
    assert str(error.value).startswith(
        "Scripted: order 4 (market, +0.25 BTC-PERP, 2025-04-01T00:05:00Z, 'first') found no room (5 found none in all); "
        "at most 4 market orders and 32 others wait at an instrument, and one hook call asks for 16, cancels and amendments included: "
    )


def test_rows_of_a_sweep_without_room_are_counted(capsys, tmp_path):
    table = bt.sweep(sample_market(1), Scripted, venue=SLOW, at1=1, until1=[2, 5, 6], qty1=0.25)
    assert table["no_room"].tolist() == [0, 1, 2]
    columns = {name: table[name].to_numpy() for name in table}
    terminal.show_sweep(columns, "sharpe")
    told = "2 of 3 combinations asked for orders that found no room, the first is 1; at most 4 market orders and 32 others"
    assert told in " ".join(capsys.readouterr().out.split())
    view = SweepView("scripted", columns, swept_of(columns), "sharpe", {})
    assert f'<p class="caution">{told}' in write_sweep_page(tmp_path / "report.html", view).read_text()
    assert view.swept == ["until1"]


def test_room_for_all_says_nothing(capsys):
    table = bt.sweep(sample_market(1), Scripted, at1=1, until1=[2, 5], qty1=0.25)
    terminal.show_sweep({name: table[name].to_numpy() for name in table}, "sharpe")
    assert "no room" not in capsys.readouterr().out


def test_an_order_whose_number_no_row_tells_of_shifts_no_other():
    """A hook asked for three too many: of these only the last is told."""
    journal = np.zeros(4, JOURNAL)
    journal["what"] = codes.ORDER, codes.ORDER, codes.END, codes.AMENDED
    journal["order"] = 15, 18, 18, 15
    journal["code"][2], journal["link"][2], journal["ts"] = codes.REFUSED, codes.NO_ROOM, 60
    journal["a"], journal["b"] = 1.0, (2.0, 3.0, 0.0, 7.0)
    orders = orders_table(journal, {0: "P"}, {0: "why"})
    rows = list(zip(*(orders[name].tolist() for name in ("id", "status", "qty", "limit")), strict=True))
    assert rows == [(15, "waiting", 1.0, 7.0), (18, "refused", 3.0, 0.0)]
    with pytest.raises(UserError, match=r"order 18 \(market, \+1 P, 1970-01-01T00:00:00Z, 'why'\) found no room \(3 found none in all\)"):
        demand_room("idea", orders, {"no_room": 3})


def test_a_change_without_room_is_an_error_too():
    orders = {"refusal": np.array([""], dtype=object)}
    with pytest.raises(UserError, match="idea: a cancel or an amendment found no room; at most 4"):
        demand_room("idea", orders, {"no_room": 1})
    assert demand_room("idea", orders, {"no_room": 0}) is None
