"""Faults planted one at a time in a copy of the checkout, and the tests that fail because of them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".*", "outputs", "multirun", "__pycache__")


class Fault(NamedTuple):
    """One passage of a file, what stands in its place, and who should notice."""

    name: str
    file: str                # from the checkout's root
    line: str                # stands there exactly once
    planted: str
    tests: tuple[str, ...]   # "test_file", or "test_file::test_name"


def left_out(folder: str, names: list[str]) -> set[str]:
    """What no test needs: caches, results, data sets (of data/ only the margin brackets are)."""
    out = LEFT_OUT(folder, names)
    return out | (set(names) - {"brackets"} if Path(folder) == ROOT / "data" else set())


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the checkout, gone afterwards with what its tests compiled."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / "checkout"
        shutil.copytree(ROOT, checkout, ignore=left_out)
        yield checkout


@contextmanager
def planted(checkout: Path, fault: Fault) -> Iterator[None]:
    """The checkout with the fault, without it afterwards. Ends the program where its line does not stand there exactly once."""
    path = checkout / fault.file
    text = path.read_text(encoding="utf-8")
    if text.count(fault.line) != 1:
        sys.exit(f"{fault.file} has {text.count(fault.line)} times {fault.line!r}: name the line anew for {fault.name!r}")
    path.write_text(text.replace(fault.line, fault.planted), encoding="utf-8")
    yield
    path.write_text(text, encoding="utf-8")


def run_tests(checkout: Path, tests: tuple[str, ...], **environment: str) -> tuple[list[str], str]:
    """Run tests in a checkout: the ids of those that fail, and pytest's last line."""
    raw = os.environ.get("BACKTESTER_REAL_DATA", str(ROOT.parent / "shared" / "data" / "market"))
    env = os.environ | {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1", "BACKTESTER_REAL_DATA": raw} | environment
    if checkout != ROOT:
        env["BACKTESTER_CACHE"] = str(checkout.parent / "cache")
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", *map(test_id, tests)]
    done = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()]
    return [match[1] for line in lines if (match := re.match(r"(?:FAILED|ERROR) (\S+)", line))], lines[-1]


def test_id(test: str) -> str:
    """The name by which pytest knows a test, or a file of them."""
    file, _, name = test.partition("::")
    return f"tests/{file}.py::{name}" if name else f"tests/{file}.py"
