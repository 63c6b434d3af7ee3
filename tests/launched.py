"""Sweeps that a test starts as a process of their own, to stop them in the middle."""

import os
import subprocess
import sys
import time
from pathlib import Path

from backtester import launch

ROOT = Path(__file__).resolve().parents[1]
PERIOD = ["data.end=2025-04-12", "report=none"]
MANY = ["strategy=divergence", "strategy.bars=range(5,45,2)", "strategy.premium_delta_bp=range(1,9,0.25)", "strategy.qty=0.3", *PERIOD]
COMMAND = "import sys; from backtester.cli import main; sys.exit(main(sys.argv[1:]))"


def undisturbed(folder):
    """The bytes of the table that MANY leave when nobody stops them."""
    launch.launch([*MANY, f"hydra.sweep.dir={folder}"], True)
    return (folder / "sweep.parquet").read_bytes()


def started(*arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment
    )


def when_some(process, folder, tiles):
    """Wait until a sweep has finished some tiles."""
    deadline = time.monotonic() + 120
    while len(list((folder / "tiles").glob("[0-9]*.npy"))) < tiles and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
