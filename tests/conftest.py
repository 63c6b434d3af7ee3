"""What every test file may ask for: the real data's folder, and Python in plain mode."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the raw market files; the test skips where there is none. Mark such a test `real_data`."""
    folder = Path(os.environ.get("BACKTESTER_REAL_DATA", ROOT.parent / "shared" / "data" / "market"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set BACKTESTER_REAL_DATA to the folder that holds them")
    return folder


@pytest.fixture
def plain():
    """plain(source) runs Python text with the compiler switched off (NUMBA_DISABLE_JIT=1); returns what it printed."""

    def run(source: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", source],
            env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With BACKTESTER_NO_SKIP=1 the data are there, so a real-data test that skips has failed."""
    report = yield
    must_run = os.environ.get("BACKTESTER_NO_SKIP") == "1" and item.get_closest_marker("real_data")
    if must_run and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although the real data are there: {report.longrepr[2]}"
    return report
