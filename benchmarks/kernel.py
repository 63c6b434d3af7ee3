"""The loop against its twin in C: the same events and semantics, interleaved in one process, results equal to the bit."""

import ctypes
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from backtester.engine import state
from backtester.engine.bind import Bound, bind
from backtester.engine.params import params_of
from backtester.engine.run import run_tile, start_sampling
from backtester.engine.venue import terms_of, venue_of
from backtester.records import rows
from benchmarks.support import Support
from benchmarks.year import market as year

HERE = Path(__file__).parent
FLOATS = ("max_drawdown", "fees", "slippage", "funding", "traded", "profit", "loss")
COUNTS = ("in_market", "orders", "refused", "fills", "trades", "wins", "liquidations")
OUT = np.dtype([(n, "f8") for n in ("equity", "cash", *FLOATS)] + [(n, "i8") for n in (*COUNTS, "marks", "ended")])
ROUNDS = 9


def twin(market, terms: np.ndarray, params: np.ndarray):
    """A function that runs every row of `params` in C and returns their OUT records and samples of equity (lanes, moments)."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "twin.so"
        options = ["-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC"]
        subprocess.run(["cc", *options, "-o", library, HERE / "twin.c", "-lm"], check=True)
        code = ctypes.CDLL(str(library))
    streams = market.streams
    inputs = (streams.bars, streams.funding, streams.open_interest, streams.liquidations, streams.brackets, terms, params)
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in inputs]
    events, number = streams.events, ctypes.c_int64

    clock = rows(state.CLOCK, 1)[0]
    moments = start_sampling(clock, market)

    def run() -> tuple[np.ndarray, np.ndarray]:
        out, samples = np.zeros(len(params), OUT), np.zeros((len(params), moments))
        when = (number(market.start), number(clock.step))
        first, last, beside = (ctypes.c_void_p(a.ctypes.data) for a in (events, out, samples))
        code.sweep(first, number(len(events)), *pointers, *when, last, beside, number(moments), number(len(params)))
        return out, samples

    return run


def some_params(bound: Bound, lanes: int) -> np.ndarray:
    """Lanes that all decide differently."""
    rng = np.random.default_rng(0)
    params = np.repeat(params_of(bound.cls, {}), lanes)
    params["support"] = rng.uniform(75_000.0, 105_000.0, lanes)
    params["premium_delta_bp"] = rng.uniform(2.0, 8.0, lanes)
    return params


def check_equal(tile, reference: np.ndarray, samples: np.ndarray) -> None:
    """Every measure of every lane, to the last bit."""
    for name in OUT.names:
        if name not in ("marks", "ended"):
            part = tile.lanes["account"] if name in ("equity", "cash", "orders") else tile.lanes["tally"]
            np.testing.assert_array_equal(part[name], reference[name], err_msg=name)
    np.testing.assert_array_equal(tile.samples, samples)


def main() -> None:
    """Print nanoseconds per event and lane, and the ratio to C."""
    market, bound = year(), bind(Support)
    terms, total = terms_of(venue_of({}), market), len(market.streams.events)
    widths = (1, 16, 32, 64)
    params = some_params(bound, max(widths))
    reference = twin(market, terms, params[:16])
    for lanes in widths:
        tile = run_tile(bound, market, params[:lanes], np.repeat(terms[None], lanes, 0))
        check_equal(tile, *twin(market, terms, params[:lanes])())
    print(f"{total:,} events, {tile.lanes['tally']['fills'].mean():.0f} fills a lane; every measure of every lane equal to C")
    best: dict = {}
    for _ in range(ROUNDS):
        for key in ("C", *widths):
            begin = time.perf_counter()
            if key == "C":
                reference()
            else:
                run_tile(bound, market, params[:key], np.repeat(terms[None], key, 0))
            spent = (time.perf_counter() - begin) / (16 if key == "C" else key)
            best.setdefault(key, []).append(spent)
    for key, spent in best.items():
        ratio = np.median(np.array(spent) / np.array(best["C"]))
        label = "C, one run at a time" if key == "C" else f"loop, {key} lane{'s' if key > 1 else ''}"
        print(f"{label:22s} {min(spent) / total * 1e9:6.2f} ns per event and lane (best of {ROUNDS}), {ratio:5.2f} of C (median of pairs)")


if __name__ == "__main__":
    main()
