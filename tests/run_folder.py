"""A run's folder written by hand: what the files hold is seen here, not taken from the code that writes them."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MINUTE = 60_000_000_000  # ns
T0 = int(np.datetime64("2025-01-01", "ns").astype("i8"))
TIMES = {"ts", "ts_done", "entry_ts", "exit_ts"}
METRICS = {
    "initial_equity": 1_000.0, "final_equity": 1_100.0, "total_return": 0.1, "sharpe": 1.5, "max_drawdown": 0.05, "trades": 1,
    "liquidations": 0, "no_room": 0, "win_rate": 1.0, "fees": 3.0, "slippage": 1.0, "funding": -0.5, "profit_factor": None,
    "sampling": "hourly", "ended": "end of data",
}
FILLS = {
    "ts": [T0 + MINUTE, T0 + 3 * MINUTE], "order": [0, 1], "instrument": ["BTC-PERP"] * 2, "qty": [2.0, -2.0], "price": [100.0, 150.0],
    "fee": [1.0, 2.0], "slippage": [0.5, 0.5], "liquidity": ["taker"] * 2, "reason": ["door", "stop"],
}
ORDERS = {
    "id": [0, 1, 2], "ts": [T0, T0 + 2 * MINUTE, T0 + 2 * MINUTE], "ts_done": [T0 + MINUTE, T0 + 3 * MINUTE, None],
    "instrument": ["BTC-PERP"] * 3, "kind": ["market", "stop", "limit"],
    "limit": [np.nan, np.nan, 90.0], "trigger": [np.nan, 150.0, np.nan],
    "status": ["filled", "filled", "refused"], "refusal": ["", "", "initial margin"],
}
LEDGER = {"ts": [T0, T0 + MINUTE], "wallet": ["account"] * 2, "balance": [1_000.0, 999.0]}
TRADES = {
    "instrument": ["BTC-PERP"], "side": ["long"], "entry_ts": [T0 + MINUTE], "exit_ts": [T0 + 3 * MINUTE], "qty": [2.0],
    "entry_price": [100.0], "exit_price": [150.0], "pnl": [97.5], "fees": [3.0], "funding": [-0.5],
    "entry_reason": ["door"], "exit_reason": ["stop"],
}
CONFIG = {
    "data": {"path": "data/tiny", "start": None},
    "strategy": {"name": "door", "support": 92_000.0},
    "venue": {"fills": "strict", "latency_ms": 250, "missing_funding": "free"},
}


def write_table(path, columns):
    """Columns to Parquet, those of times as UTC timestamps."""
    arrays = {name: pa.array(v, pa.timestamp("ns", "UTC")) if name in TIMES else pa.array(v) for name, v in columns.items()}
    pq.write_table(pa.table(arrays), path)


EQUITY = (1_000.0, 1_050.0, 1_100.0)


def write_run(folder, equity=EQUITY, start=0, every=1, name="door", metrics=None, config=None, fills=FILLS, trades=TRADES, **more):
    """A finished run: one equity sample every `every` minutes from the minute `start` on; `more`: orders, ledger, a manifest's keys."""
    folder.mkdir(parents=True)
    ts = [T0 + (start + i * every) * MINUTE for i in range(len(equity))]
    held = [2.0 if T0 + MINUTE <= moment < T0 + 3 * MINUTE else 0.0 for moment in ts]
    drawdown = 1 - np.array(equity) / np.maximum.accumulate(equity)
    write_table(folder / "equity.parquet", {"ts": ts, "equity": equity, "cash": equity, "position_BTC-PERP": held, "drawdown": drawdown})
    write_table(folder / "fills.parquet", fills)
    write_table(folder / "trades.parquet", trades)
    write_table(folder / "orders.parquet", more.pop("orders", ORDERS))
    write_table(folder / "ledger.parquet", more.pop("ledger", LEDGER))
    (folder / "metrics.json").write_text(json.dumps(METRICS | (metrics or {})))
    streams = {"perp_bars/BTC-PERP": ["2025-01-01T00:00:00Z", "2025-01-01T00:03:00Z"]}
    manifest = {
        "strategy": {"name": name},
        "data": {"name": "tiny", "path": "data/tiny", "files": {}, "streams": streams},
        "config": CONFIG | (config or {}),
        "assumptions": ["taker fee 5 bp", "BTC-PERP: FALLBACK no funding data"],
    } | more
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
