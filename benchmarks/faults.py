"""Faults planted in the engine, one at a time, in a copy of the checkout: which tests find them? `python -m benchmarks.faults`.

Ends with code 1 where a fault is not found, or where a test fails without any.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".*", "outputs", "multirun", "__pycache__")
TESTS = ("test_engine", "test_venue", "test_properties", "test_vectorbt_scripts", "test_crashes")


class Fault(NamedTuple):
    """One line of the engine, and what stands in its place."""

    name: str
    file: str
    line: str
    planted: str


FAULTS = (
    Fault(
        "a fill at the open of the decision's own bar", "accept.py",
        "return clock.ts + terms.latency if terms.strict == 1 else clock.ts - quote.lag", "return np.int64(0)",
    ),
    Fault("funding with the wrong sign", "money.py", "paid = position.qty * price * rate", "paid = -position.qty * price * rate"),
    Fault("liquidation on the last price, not on the mark", "marks.py", "copy(quote.path, mark, 0.0)", "copy(quote.path, bar, 0.0)"),
)


def left_out(folder: str, names: list[str]) -> set[str]:
    """What no test needs: caches, results, data sets (of data/ only the margin brackets are)."""
    out = LEFT_OUT(folder, names)
    return out | (set(names) - {"brackets"} if Path(folder) == ROOT / "data" else set())


def plant(checkout: Path, fault: Fault) -> None:
    """Edit the one line. Ends the program where it does not stand there exactly once."""
    path = checkout / "backtester" / "engine" / fault.file
    text = path.read_text(encoding="utf-8")
    if text.count(fault.line) != 1:
        sys.exit(f"{fault.file} has {text.count(fault.line)} times {fault.line!r}: name the line anew for {fault.name!r}")
    path.write_text(text.replace(fault.line, fault.planted), encoding="utf-8")


def run_tests(checkout: Path, cache: Path | None) -> tuple[list[str], str]:
    """The names of the tests that fail in a checkout, and pytest's last line."""
    raw = os.environ.get("BACKTESTER_REAL_DATA", str(ROOT.parent / "shared" / "data" / "market"))
    env = os.environ | {"PYTHONPATH": str(checkout), "BACKTESTER_REAL_DATA": raw} | ({"BACKTESTER_CACHE": str(cache)} if cache else {})
    files = [f"tests/{name}.py" for name in TESTS]
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()]
    return [match[1] for line in lines if (match := re.match(r"(?:FAILED|ERROR) (\S+)", line))], lines[-1]


def main() -> None:
    """Print what each fault made fail."""
    unfound = []
    failed, last = run_tests(ROOT, None)
    print(f"without a fault: {last}", flush=True)
    if failed:
        sys.exit("\n".join(["these fail without any fault:", *failed]))
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            checkout = Path(folder) / "checkout"
            shutil.copytree(ROOT, checkout, ignore=left_out)
            plant(checkout, fault)
            failed, last = run_tests(checkout, Path(folder) / "cache")
        print(f"\n{fault.name} ({fault.file}): {last}")
        print("\n".join(f"  {name}" for name in failed) or "  no test failed", flush=True)
        unfound += [] if failed else [fault.name]
    if unfound:
        sys.exit(f"not found: {', '.join(unfound)}")


if __name__ == "__main__":
    main()
