"""Markets larger than memory, read from disk while they are run: seconds and peak memory.

`python -m benchmarks.stored [MILLIONS [YEARS]]` (100 and 10 where it is not said) writes that many trades of a perpetual, of which
bars are made on the way, and as many years of minutes of two assets, into a folder that is deleted at the end. The run of
a small part of each is compared, byte for byte, with the run from memory.
"""

import json
import subprocess
import sys
import tempfile
import time
from enum import IntEnum
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from backtester.market.read import TIME, stored_columns
from backtester.market.write import to_arrow, write_part
from backtester.orders import target
from backtester.records import TRADE_PRINT, rows
from benchmarks.year import MINUTE, bars

START = 1_735_689_600_000_000_000      # 2025-01-01, ns
MONTH = 31 * 86_400 * 1_000_000_000    # ns
GROUP = 1_000_000                      # trades written at a time
HEADER = {
    "name": "prints",
    "instruments": [
        {"name": "BTC-PERP", "role": "perp", "tick": 0.1, "lot": 0.001, "taker_bp": 5.0, "maker_bp": 2.0, "min_notional": 5.0},
    ],
    "streams": {"trades": {}, "perp_bars": {"from": "trades", "interval": "1m"}},
}
FEES = {"taker_bp": 5.0, "maker_bp": 2.0, "min_notional": 5.0}
ASSETS = {
    "name": "minutes",
    "instruments": [
        {"name": "BTC", "role": "spot", "tick": 0.01, "lot": 1e-5, **FEES},
        {"name": "BTCP", "role": "perp", "tick": 0.1, "lot": 1e-3, **FEES},
        {"name": "ETH", "role": "eth_spot", "tick": 0.01, "lot": 1e-4, **FEES},
        {"name": "ETHP", "role": "eth_perp", "tick": 0.01, "lot": 1e-3, **FEES},
    ],
    "streams": {"spot_bars": {"interval": "1m"}, "perp_bars": {"interval": "1m"}},
}
VENUE = {"missing_funding": "free", "maintenance_bp": 50.0}
PROGRAM = """
import json, resource, sys, time
import backtester as bt
from benchmarks.stored import Tape
folder, end, stored, venue = sys.argv[1], sys.argv[2] or None, sys.argv[3] == "stored", json.loads(sys.argv[4])
begin = time.monotonic()
data = bt.load(folder, end=end, stored=stored)
opened = time.monotonic() - begin
result = bt.run(data, Tape if sys.argv[5] == "Tape" else sys.argv[5], venue=venue)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
tables = {name: {key: str(column.tolist()) for key, column in table.items()} for name, table in result.tables.items() if end}
print(json.dumps({
    "events": result.metrics["events"], "bars": result.metrics["bars"], "fills": result.metrics["fills"], "opened": opened,
    "seconds": time.monotonic() - begin, "peak": peak,
    "result": __import__("hashlib").sha256(json.dumps([str(result.metrics), tables]).encode()).hexdigest(),
}))
"""


class Reason(IntEnum):
    WITH_TAKERS = 1


class Tape:
    """Follow the takers: long the perpetual while they buy on balance, short while they sell. It hears every trade."""

    class Params:
        decay: float = 1e-4  # share of the balance that a trade lets fade
        qty: float = 0.1     # base
        enough: float = 5.0  # base; balance at which one takes part

    class Seen:
        balance: float = 0.0  # base

    def see_trade(x, seen, p):
        seen.balance += x.side * x.qty - p.decay * seen.balance

    def on_bar(ctx, s, p):
        if abs(ctx.seen.balance) > p.enough:
            target(ctx.perp, p.qty if ctx.seen.balance > 0.0 else -p.qty, Reason.WITH_TAKERS)


def write_trades(folder: Path, millions: int) -> float:
    """A month of trades along a walk; returns the size of its file, MB."""
    part = folder / "trades" / "instrument=BTC-PERP" / "month=2025-01"
    part.mkdir(parents=True)
    (folder / "dataset.yaml").write_text(yaml.safe_dump(HEADER), encoding="utf-8")
    columns = stored_columns("trades")
    encoding = {name: "DELTA_BINARY_PACKED" if kind == TIME else "BYTE_STREAM_SPLIT" for name, kind in columns.items()}
    rng, price, step = np.random.default_rng(1), 95_000.0, MONTH // (millions * GROUP)
    schema = pa.schema(list(columns.items()))
    with pq.ParquetWriter(part / "part.parquet", schema, compression="zstd", use_dictionary=False, column_encoding=encoding) as writer:
        for million in range(millions):
            out = rows(TRADE_PRINT, GROUP)
            out["ts_event"] = START + (million * GROUP + np.arange(GROUP)) * step
            out["ts_known"] = out["ts_event"] + 100_000_000
            walk = price + np.cumsum(rng.choice([-0.1, 0.0, 0.1], GROUP, p=[0.1, 0.8, 0.1]) * 10.0)
            out["price"], price = np.round(walk, 1), float(walk[-1])
            out["side"], out["qty"] = rng.choice([-1.0, 1.0], GROUP), rng.integers(1, 500, GROUP) * 1e-3
            writer.write_table(pa.table({name: to_arrow(out[name], kind) for name, kind in columns.items()}))
    return (part / "part.parquet").stat().st_size / 1e6


def write_minutes(folder: Path, years: int) -> float:
    """Years of minutes of spot and perpetual of two assets along walks, a file a month; returns the size of all files, MB."""
    folder.mkdir()
    (folder / "dataset.yaml").write_text(yaml.safe_dump(ASSETS), encoding="utf-8")
    rng, price = np.random.default_rng(2), 30_000.0
    for month in np.arange(np.datetime64("2015-01", "M"), np.datetime64(f"{2015 + years}-01", "M")):
        first, after = (int(moment.astype("M8[ns]").astype("i8")) for moment in (month, month + 1))
        n = (after - first) // MINUTE
        close = price * np.exp(np.cumsum(rng.normal(0.0, 3e-4, n)))
        price = float(close[-1])
        for name, factor in {"BTC": 1.0, "BTCP": 1.001, "ETH": 0.05, "ETHP": 0.0501}.items():
            stream = "perp_bars" if name.endswith("P") else "spot_bars"
            table = bars(factor * close, np.abs(rng.normal(0.0, 2e-4, n)), rng.gamma(2.0, 10.0, n), first)
            part = folder / stream / f"instrument={name}" / f"month={month}"
            part.mkdir(parents=True)
            write_part(part / "part.parquet", stream, table)
    return sum(file.stat().st_size for file in folder.rglob("*.parquet")) / 1e6


def run(folder: Path, end: str, how: str, strategy: str) -> dict:
    """One run in a process of its own."""
    program = [sys.executable, "-c", PROGRAM, str(folder), end, how, json.dumps(VENUE), strategy]
    done = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(folder: Path, first: str, strategy: str) -> None:
    """Print that a part, until `first`, is the same from memory, and how fast and in how much memory the whole is."""
    whole, pieces = (run(folder, first, how, strategy) for how in ("memory", "stored"))
    same = "the same bytes" if whole["result"] == pieces["result"] else "NOT THE SAME"
    print(f"the first {pieces['events']:,} events: {same} from memory ({whole['peak']:.0f} MB) and from disk ({pieces['peak']:.0f} MB)")
    found = run(folder, "", "stored", strategy)
    speed = found["events"] / found["seconds"] / 1e6
    print(f"{found['events']:,} events, {found['bars']:,} bars, {found['fills']:,} fills: {found['seconds']:.0f} s, of it "
          f"{found['opened']:.0f} s to hash and count; {speed:.1f} M events a second, peak memory {found['peak']:.0f} MB", flush=True)


def main() -> None:
    """Print what was streamed, how fast and in how much memory."""
    millions, years = (int(given) for given in (*sys.argv[1:3], *("100", "10")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as scratch:
        folder, begin = Path(scratch) / "prints", time.monotonic()
        size = write_trades(folder, millions)
        print(f"{millions} million trades: {size:,.0f} MB (written in {time.monotonic() - begin:.0f} s)", flush=True)
        measure(folder, str(np.datetime64(START + MONTH // millions, "ns").astype("M8[m]")), "Tape")
    with tempfile.TemporaryDirectory() as scratch:
        folder, begin = Path(scratch) / "minutes", time.monotonic()
        size = write_minutes(folder, years)
        print(f"{years} years of minutes of two assets: {size:,.0f} MB (written in {time.monotonic() - begin:.0f} s)", flush=True)
        measure(folder, "2015-04-01", "moving_average_cross")


if __name__ == "__main__":
    main()
