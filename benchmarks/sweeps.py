"""Sweeps: how fast, in how much memory, what a kill costs, and how often a winner without an edge is believed.

    python -m benchmarks.sweeps door        10,000 combinations of the door over a year with all streams
    python -m benchmarks.sweeps cross       10,000 combinations of two averages over 200,000 bars
    python -m benchmarks.sweeps peers       the 400 combinations that other backtesters were measured by
    python -m benchmarks.sweeps tiny        from the shell to the result of 10,000 combinations of two days
    python -m benchmarks.sweeps threads     two threads against one
    python -m benchmarks.sweeps memory      peak memory against combinations and bars
    python -m benchmarks.sweeps kills       kill -9 at random moments, 20 times, then resume
    python -m benchmarks.sweeps believed    20 markets without an edge, 20 with one: how often the winner is believed

Wall seconds depend on what else the machine does; processor seconds much less: both are printed.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
SWEEP = [sys.executable, "-c", "import sys; from backtester.cli import main; sys.exit(main(sys.argv[1:]))", "run", "-m"]
MINUTE = 60_000_000_000  # ns


def grid_of(**axes: list) -> tuple[list[str], list[list]]:
    """All combinations of some axes."""
    mesh = np.meshgrid(*axes.values(), indexing="ij")
    return list(axes), [values.reshape(-1).tolist() for values in mesh]


def bars_only(bars: int, seed: int = 1, spot: bool = True):
    """A perpetual's random walk of minutes; its spot beside it where `spot`."""
    from backtester.market.merge import build
    from benchmarks import year

    rng = np.random.default_rng(seed)
    price = 92_000.0 * np.exp(np.cumsum(rng.normal(0.0, 6e-4, bars)))
    spread, volume = np.abs(rng.normal(0.0, 4e-4, bars)), rng.gamma(2.0, 10.0, bars)
    tables = {("brackets", 1): year.brackets()}
    tables |= {(f"{kind}_bars", i): year.bars(price, spread, volume) for i, kind in enumerate(("spot", "perp")) if spot or i}
    return build("walk", year.INSTRUMENTS, tables)


FREE = {"missing_funding": "free"}


def compile_first(market, strategy: str, venue: dict) -> None:
    """Compile what runs lanes abreast, or read it from the cache, by running two of them."""
    from backtester.engine.abreast.bind import bind_abreast
    from backtester.engine.bind import bind
    from backtester.engine.find import find_strategy
    from backtester.engine.params import params_of
    from backtester.engine.run import run_tile
    from backtester.engine.venue import terms_of, venue_of

    bound = bind(find_strategy(strategy), market.roles)
    two = np.repeat(params_of(bound.cls, {}), 2)
    run_tile(bound, market, two, np.repeat(terms_of(venue_of(venue), market)[None], 2, 0), bind_abreast(bound))


def timed(name: str, market, strategy: str, grid, threads: int | None = None, venue: dict | None = None, truth=True, **fixed) -> dict:
    """Run a sweep, and tell what it took; `truth`: with what can be believed of it."""
    from backtester import api

    compile_first(market, strategy, FREE | (venue or {}))
    begin, spent = time.perf_counter(), time.process_time()
    swept = api.sweep_grid(market, strategy, grid, venue=FREE | (venue or {}), threads=threads, truth=truth, **fixed)
    wall, cpu = time.perf_counter() - begin, time.process_time() - spent
    count, bars = len(grid[1][0]), sum(n for stream, n in market.counts.items() if stream.startswith("perp_bars"))
    out = {
        "what": name, "combinations": count, "bars": bars, "events": len(market.streams.events), "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2), "threads": threads or os.cpu_count(), "combinations_x_bars_per_cpu_s": f"{count * bars / cpu / 1e6:.1f} M",
        "ns_per_event_and_lane": round(cpu / count / len(market.streams.events) * 1e9, 2),
        "fills": int(swept.columns["fills"].sum()),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "believable": (swept.manifest.get("truth") or {}).get("believable"),
    }
    print(json.dumps(out), flush=True)
    return out


def door(count: int = 10_000, threads: int | None = None) -> None:
    """Support levels and premium deltas of the door."""
    from benchmarks import year

    side = int(count**0.5)
    grid = grid_of(support=np.linspace(80_000, 104_000, side), premium_delta_bp=np.linspace(0.5, 6.0, side))
    timed("door, a year of minutes, all streams", year.market(), "door", grid, threads)


def cross(count: int = 10_000, threads: int | None = None) -> None:
    """Two averages over 200,000 bars."""
    side = int(count**0.5)
    grid = grid_of(fast_h=np.arange(1, side + 1), slow_h=np.arange(side + 1, 2 * side + 1))
    timed("moving_average_cross, 200,000 minutes", bars_only(200_000, spot=False), "moving_average_cross", grid, threads)


def tiny() -> None:
    """The whole command, in a fresh process each time."""
    axes = ["strategy.bars=range(5,105)", "strategy.premium_delta_bp=range(0.5,10.5,0.1)"]
    few = ["data.end=2025-04-03", "strategy=divergence"]
    with tempfile.TemporaryDirectory() as folder:
        for n in range(4):
            begin, spent = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([*SWEEP, *few, *axes, f"hydra.sweep.dir={folder}/{n}"], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
            now = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
            print(json.dumps({"what": "10,000 combinations of two days, the whole command", "wall_s": round(time.perf_counter() - begin, 2),
                              "cpu_s": round(cpu, 2), "peak_mb": round(now.ru_maxrss / 1024)}), flush=True)


def alone(*words: str) -> None:
    """One measurement in a process of its own, for its peak memory."""
    subprocess.run([sys.executable, "-m", "benchmarks.sweeps", *words], check=True, cwd=ROOT)


def threads() -> None:
    """Two threads against one."""
    for n in ("1", "2"):
        alone("door", "1000", n)


def memory() -> None:
    """Peak memory against combinations and bars."""
    for count in ("10", "1000", "10000", "100000"):
        alone("walk", count, "5000")
    for bars in ("525600", "2102400"):
        alone("walk", "64", bars)


def walk(count: int, bars: int) -> None:
    """Combinations of the divergence over a random walk."""
    side = max(2, int(count**0.5))
    grid = grid_of(bars=np.arange(5, 5 + side), premium_delta_bp=np.linspace(0.5, 6.0, count // side))
    timed(f"divergence, {bars:,} minutes", bars_only(bars), "divergence", grid, qty=0.1)


def peers() -> None:
    """The 400 combinations that other backtesters were measured by, and the same in C, all lanes of a window in lockstep."""
    import ctypes

    import pyarrow.parquet as pq

    from backtester.market.merge import build
    from benchmarks import year

    home = ROOT.parent / "shared" / "peers"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, home / "gen_data.py", f"{folder}/year.parquet"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["cc", "-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC", "-pthread", "-o", f"{folder}/lanes.so",
                        home / "lanes.c", "-lm"], check=True)
        table, code = pq.ParquetFile(f"{folder}/year.parquet").read(), ctypes.CDLL(f"{folder}/lanes.so")
    data = {name: table[name].to_numpy() for name in table.column_names}
    spot = year.bars(data["spot_close"], np.zeros(len(data["close"])), data["volume"])
    perp = year.bars(data["close"], np.zeros(len(data["close"])), data["volume"])
    for name in ("open", "high", "low"):
        perp[name] = data[name]
    tables = {("brackets", 1): year.brackets(), ("spot_bars", 0): spot, ("perp_bars", 1): perp}
    windows, deltas = list(range(10, 210, 10)), [2.0 + 0.5 * k for k in range(20)]
    grid = grid_of(bars=windows, premium_delta_bp=deltas)
    venue = {"cash": 1e7, "taker_bp": 5.0, "slippage_bp": 1.0}
    timed("400 combinations of the peers", build("peers", year.INSTRUMENTS, tables), "divergence", grid, venue=venue, truth=False, qty=1.0)
    out = np.zeros(400, [("equity", "f8"), ("maxdd", "f8"), ("fills", "i8"), ("sum", "f8"), ("sumsq", "f8")])
    premium = (data["spot_close"] - data["close"]) / data["close"] * 1e4
    inputs = [np.ascontiguousarray(each) for each in (premium, data["open"], data["close"], np.array(windows, "i4"), np.array(deltas), out)]
    first, second, third, some, levels, told = (ctypes.c_void_p(each.ctypes.data) for each in inputs)
    number, whole = ctypes.c_double, ctypes.c_int
    begin = time.process_time()
    costs = (number(1e7), number(1.0), number(5e-4), number(1e-4))
    code.sweep_lanes(first, second, third, ctypes.c_int64(len(premium)), some, 20, levels, 20, whole(1), *costs, told)
    spent = time.process_time() - begin
    print(json.dumps({"what": "the same in C, one thread", "cpu_s": round(spent, 3), "fills": int(inputs[-1]["fills"].sum())}))


def kills(times: int = 20) -> None:
    """kill -9 at random moments, then the same command again: rows lost, rows doubled, bytes that differ."""
    import pandas as pd

    axes = ["strategy.bars=range(5,45)", "strategy.premium_delta_bp=range(1,9,0.25)"]
    asked = ["strategy=divergence", *axes, "report=none", "data.end=2025-04-11"]
    rng, lost, doubled, differing, before = random.Random(0), 0, 0, 0, []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*SWEEP, *asked, f"hydra.sweep.dir={folder}/whole"], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        whole = (Path(folder) / "whole" / "sweep.parquet").read_bytes()
        for n in range(times):
            target = Path(folder) / str(n)
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT}
            process = subprocess.Popen([*SWEEP, *asked, f"hydra.sweep.dir={target}"], **quiet)
            some = rng.randrange(1, 40)  # of 40 tiles
            while process.poll() is None and len(list(target.glob("tiles/[0-9]*.npy"))) < some:
                time.sleep(0.002)
            process.kill()
            process.wait()
            before.append("finished" if (target / "sweep.parquet").exists() else len(list(target.glob("tiles/[0-9]*.npy"))))
            subprocess.run([*SWEEP, *asked, f"hydra.sweep.dir={target}"], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
            rows = pd.read_parquet(target / "sweep.parquet")["combination"]
            lost, doubled = lost + 1_280 - rows.nunique(), doubled + len(rows) - rows.nunique()
            differing += (target / "sweep.parquet").read_bytes() != whole
    print(json.dumps({"kills": times, "tiles_there": before, "rows_lost": lost, "rows_doubled": doubled, "files_that_differ": differing}))


def trending(seed: int, strength: float, days: int = 365):
    """Hours of a random walk whose returns have a slow drift of some strength, 0: none."""
    from backtester.market.merge import build
    from benchmarks import year

    rng = np.random.default_rng(seed)
    n, step = days * 24, 3_600_000_000_000
    drift = np.zeros(n)
    shocks = rng.normal(0.0, 1.0, n)
    for at in range(1, n):
        drift[at] = 0.99 * drift[at - 1] + 0.141 * shocks[at]  # lasts about four days, deviation 1
    price = 50_000.0 * np.exp(np.cumsum(0.006 * (rng.normal(0.0, 1.0, n) + strength * drift)))
    bars = year.bars(price, np.zeros(n), np.ones(n))
    bars["ts_event"] = year.START + step * np.arange(n)
    bars["ts_close"] = bars["ts_event"] + step
    bars["ts_known"] = bars["ts_close"] + 500_000_000
    tables = {("brackets", 1): year.brackets(), ("spot_bars", 0): bars, ("perp_bars", 1): bars.copy()}
    return build("trending", year.INSTRUMENTS, tables)


def believed(markets: int = 20) -> None:
    """How often the summary calls the winner believable."""
    from backtester import api

    grid = grid_of(fast_h=[3, 6, 9, 12, 18, 24], slow_h=[30, 48, 72, 96, 120, 168])
    for name, strength in (("no edge", 0.0), ("a weak trend", 0.05), ("a trend", 0.12)):
        told = []
        for seed in range(markets):
            swept = api.sweep_grid(trending(seed, strength), "moving_average_cross", grid, venue=FREE | {"slippage_bp": 1.0}, truth=True)
            told.append(swept.manifest["truth"])
        sure, cross = [each["deflated_sharpe"] for each in told], [each["overfitting"] for each in told]
        print(json.dumps({
            "markets": name, "of": markets, "believable": sum(each["believable"] for each in told),
            "best_sharpe": [round(each["sharpe"], 2) for each in told], "deflated": [round(x, 2) for x in sure],
            "overfitting": [round(x["probability"], 2) for x in cross], "loss": [round(x["loss"], 2) for x in cross],
            "kept": [round(each["plateau"]["kept"], 2) for each in told],
        }), flush=True)


if __name__ == "__main__":
    what, *numbers = sys.argv[1:] or ["door"]
    {each.__name__: each for each in (door, cross, peers, tiny, threads, memory, walk, kills, believed)}[what](*map(int, numbers))
