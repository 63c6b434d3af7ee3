"""What a run gives back: its tables as pandas has them, and the same from the files it leaves."""

import numpy as np
import pandas as pd
import pytest
from examples import dip_buyer
from tables import sample_market

import backtester as bt

TABLES = ("equity", "orders", "fills", "trades", "ledger")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return bt.run(sample_market(5), dip_buyer(tmp_path_factory.mktemp("docs")), stop_bp=20.0, target_bp=20.0)


def test_orders_have_the_types_of_their_columns(result):
    orders = result.orders
    kinds = {name: str(dtype) for name, dtype in orders.dtypes.items()}
    moment = "datetime64[ns, UTC]"
    assert {name: kinds[name] for name in ("ts", "until", "ts_done", "reduce_only", "post_only", "id", "parent", "price")} == {
        "ts": moment, "until": moment, "ts_done": moment, "reduce_only": "bool", "post_only": "bool", "id": "int64", "parent": "int64",
        "price": "float64",
    }
    assert list(orders["reduce_only"]) == list(orders["parent"] >= 0)
    assert orders["until"].isna().all()
    assert orders["ts_done"].isna().sum() == (orders["status"] == "waiting").sum()
    assert (orders["limit"].isna() == (orders["kind"] == "stop")).all()
    assert (orders["trigger"].isna() == (orders["kind"] == "limit")).all()


def test_moments_are_true_to_the_nanosecond(result):
    """What filled on a bar's path carries the last nanosecond of the bar."""
    orders, fills = result.orders.set_index("id"), result.fills
    inside = fills[fills["ts"].dt.nanosecond == 999]
    assert len(inside) > 5
    ends = inside["ts"] + pd.Timedelta("1ns")
    assert (ends == ends.dt.floor("min")).all()
    ended = orders.loc[inside["order"], "ts_done"]
    np.testing.assert_array_equal(ended.to_numpy(), inside["ts"].to_numpy())


@pytest.mark.parametrize("table", TABLES)
def test_the_files_hold_the_same(result, table, tmp_path):
    result.write(tmp_path / "run", page=False)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "run" / f"{table}.parquet"), result.frame(table))
