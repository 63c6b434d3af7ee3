"""A year of five streams from Parquet to the event stream, beside a bare read of the same columns with pyarrow, in one run.

    python -m benchmarks.data
"""

import statistics
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

from backtester.market.dataset import load
from backtester.market.read import stored_columns
from backtester.market.write import write_dataset
from benchmarks.phases import HEADER
from benchmarks.year import INSTRUMENTS, tables

ROUNDS = 11


def bare(folder: Path) -> int:
    """Read the columns of every file with pyarrow as it comes; the rows read."""
    rows = 0
    for path in sorted(folder.glob("*/instrument=*/month=*/part.parquet")):
        rows += len(pq.read_table(path, columns=list(stored_columns(path.parts[-4])), partitioning=None))
    return rows


def seconds(call, *given) -> tuple[float, float]:
    """How long a call takes, and how long all its threads computed."""
    begin = time.perf_counter(), time.process_time()
    call(*given)
    return time.perf_counter() - begin[0], time.process_time() - begin[1]


def main() -> None:
    """Print medians of alternating rounds, with the check of the data asked for and done anew."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, names = Path(scratch) / "year", [instrument.name for instrument in INSTRUMENTS]
        write_dataset(folder, HEADER, {(stream, names[i]): table for (stream, i), table in tables().items() if stream != "brackets"})
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        print(f"{bare(folder):,} rows, {size / 1e6:.1f} MB, {len(load(folder).streams.events):,} events")
        spent = {"bare read": [], "to the event stream": [], "and checked anew": []}
        for _ in range(ROUNDS):
            spent["bare read"].append(seconds(bare, folder))
            spent["to the event stream"].append(seconds(load, folder))
            told = folder.joinpath("check.json").rename(folder / "told")
            spent["and checked anew"].append(seconds(load, folder))
            told.rename(folder / "check.json")
        least = min(wall for wall, _ in spent["bare read"]), min(cpu for _, cpu in spent["bare read"])
        for name, times in spent.items():
            walls, cpus = zip(*times, strict=True)
            wall = f"median {1000 * statistics.median(walls):.0f} ms, best {1000 * min(walls):.0f} ms ({min(walls) / least[0]:.2f})"
            print(f"{name:<20} wall: {wall}; computing: best {1000 * min(cpus):.0f} ms ({min(cpus) / least[1]:.2f})")


if __name__ == "__main__":
    main()
