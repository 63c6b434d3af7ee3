"""The proof of the venue at full size, with counts: `python -m benchmarks.proof`, or some parts of it by name.

The checks are those of the tests, which make fewer of them. Real data are read from data/, the crashes' raw files from
BACKTESTER_REAL_DATA (else ../shared/data/market beside the checkout); parts without data are left out, and say so.
"""

import os
import sys
import time
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import backtester as bt
from backtester.errors import UserError
from backtester.market.dataset import ROOT

RUNS, SCRIPTS, POSITIONS = 20_000, 1000, 100_000
HOOKS, TOGETHER = 2000, 50   # random hooks, and those that one process compiles
MARKETS, CUTS_EACH = 50, 20  # a thousand cuts of each strategy on each data set, and two comparisons a cut
STRATEGIES = (*sorted(path.stem for path in (ROOT / "strategies").glob("[a-z]*.py")), str(ROOT / "tests" / "every_verb.py"))
RAW = Path(os.environ.get("BACKTESTER_REAL_DATA", ROOT.parent / "shared" / "data" / "market"))


def told(title: str, start: float, counts) -> None:
    """One line of what was counted."""
    words = ", ".join(f"{name} {n:,}" if isinstance(n, int) else f"{name} {n:.1e}" for name, n in counts.items())
    print(f"{title}: {words} ({time.monotonic() - start:.0f} s)", flush=True)


def properties() -> None:
    """What must hold in every run, in drawn runs."""
    from test_properties import audit_many

    start = time.monotonic()
    told("properties", start, audit_many(RUNS, database=None))


def vectorbt() -> None:
    """Random scripts of market orders, equal to vectorbt's equity."""
    from test_vectorbt_scripts import PERP, SPOT, compare

    for name, role in (("perpetual, long and short", PERP), ("spot, with refusals", SPOT)):
        start = time.monotonic()
        told(f"vectorbt, {name}", start, compare(SCRIPTS, role, seed=5))


def liquidation_prices() -> None:
    """The margin balance at the liquidation price, over the real brackets."""
    from test_liquidation_price import check_cross, check_isolated

    start = time.monotonic()
    tiers, _ = check_isolated(POSITIONS)
    told("liquidation prices", start, {"isolated": POSITIONS, "tiers": len(tiers), "cross": check_cross(POSITIONS)})


def cuts() -> None:
    """Prefix invariance and future shuffle of every strategy, on random and on real data."""
    from cuts import WINDOW_DAYS, cut_many, random_market, windows

    for strategy in STRATEGIES:
        for name, days in {"random": 0, **WINDOW_DAYS}.items():
            start, title = time.monotonic(), f"cuts, {Path(strategy).stem} on {name}"
            try:
                markets = windows(bt.load(name), MARKETS, days) if days else (random_market(seed) for seed in range(MARKETS))
                counts = cut_many(strategy, markets, CUTS_EACH)
            except UserError as missing:
                print(f"{title}: left out: {missing}")
                continue
            told(title, start, Counter({word: counts[word] for word in ("markets", "cuts", "events", "fills")}))


def crashes() -> None:
    """Isolated longs in five crashes of two data sets: closed at the bankruptcy price, or (the last two columns) sold at the market."""
    from test_crashes import CRASHES, LEVERAGES, Raw, compare

    if not RAW.is_dir():
        print(f"crashes: left out: no raw files at {RAW}")
        return
    head = (
        "data",
        "opened",
        "leverage",
        "liquidated in",
        "at mark",
        "mark low",
        "bankrupt at",
        "loss",
        "% of margin",
        "or sold at",
        "insured",
    )
    print(" ".join(f"{word:>16}" for word in head))
    for name, midnights in CRASHES.items():
        raw = Raw.read(RAW, name)
        for midnight in midnights:
            for leverage in LEVERAGES:
                want, got = compare(raw, ROOT / "data" / name, name, midnight, leverage)
                row: list = [name, midnight, f"{leverage}x"]
                if want is None:
                    row += ["held"]
                else:
                    numbers = (want.price, want.low, want.bankruptcy, got["loss"], 100.0 * got["loss"] / want.margin)
                    row += [
                        f"{want.bar:%m-%d %H:%M}",
                        *(f"{x:,.2f}" for x in numbers),
                        f"{got['sold at']:,.2f}",
                        f"{got['insurance']:,.2f}",
                    ]
                print(" ".join(f"{word:>16}" for word in row), flush=True)


def hooks() -> None:
    """Random hooks, converted for lanes abreast, beside the same hooks lane by lane; in processes, for what is compiled stays in memory."""
    from hooks_abreast import compare_many

    start, counts = time.monotonic(), Counter()
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), max_tasks_per_child=1) as pool:
        for some, wrong in pool.map(compare_many, [range(n, n + TOGETHER) for n in range(0, HOOKS, TOGETHER)]):
            counts += some
            for seed, names in wrong.items():
                print(f"hook {seed} is wrong: {'; '.join(names)}", flush=True)
    told("hooks", start, counts)


PARTS = {each.__name__: each for each in (properties, vectorbt, liquidation_prices, cuts, crashes, hooks)}


def main() -> None:
    """Run the parts that the command line names, or all."""
    names = sys.argv[1:] or list(PARTS)
    if unknown := set(names) - set(PARTS):
        sys.exit(f"no part {', '.join(sorted(unknown))} (parts are {', '.join(PARTS)})")
    sys.path.insert(0, str(ROOT / "tests"))
    warnings.simplefilter("ignore")  # vectorbt's own, about its dependencies
    for name in names:
        PARTS[name]()


if __name__ == "__main__":
    main()
