"""`backtester run` on a year of minutes, from the shell to written files: the whole process, and where its time goes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from backtester.market.write import write_dataset
from benchmarks.year import INSTRUMENTS, tables

ROOT = Path(__file__).resolve().parents[1]
TIMES = 7
HEADER = {
    "name": "year",
    "instruments": [asdict(instrument) for instrument in INSTRUMENTS],
    "streams": {"spot_bars": {"interval": "1m"}, "perp_bars": {"interval": "1m"}, "open_interest": {}, "funding": {}, "liquidations": {}},
}
PROGRAM = """
import time; begin = time.perf_counter()
import json, sys
from backtester import cli, launch, job, api, result
from backtester.report import terminal
spent = {"imports": time.perf_counter() - begin}
def timed(owner, name, label):
    inner = getattr(owner, name)
    def call(*given, **named):
        start = time.perf_counter()
        try:
            return inner(*given, **named)
        finally:
            spent[label] = spent.get(label, 0.0) + time.perf_counter() - start
    setattr(owner, name, call)
timed(api, "load", "data"); timed(api, "bind", "binding"); timed(api, "run_recorded", "loop"); timed(api, "tables", "tables")
timed(result.Result, "report", "page"); timed(result.Result, "write", "files and page"); timed(job, "show_run", "summary")
assert cli.main(sys.argv[1:]) == 0
total = time.perf_counter() - begin
spent["files"] = spent.pop("files and page") - spent.get("page", 0.0)
spent["config"] = total - sum(spent.values())
print(json.dumps(spent), file=sys.stderr)
"""


def main() -> None:
    """Print medians of warm runs with and without the page, and of the first run ever."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "year"
        names = [instrument.name for instrument in INSTRUMENTS]
        write_dataset(data, HEADER, {(stream, names[i]): table for (stream, i), table in tables().items()})
        environment = os.environ | {"BACKTESTER_CACHE": f"{folder}/cache", "PYTHONPATH": str(ROOT)}
        for strategy in ("divergence", "door"):
            command = ["run", f"strategy={strategy}", f"data.path={data}"]
            first = wall(command, environment, folder)
            print(f"{strategy}: the first run ever, compilation included: {first:.2f} s")
            for report in ("default", "none"):
                spent = [wall([*command, f"report={report}"], environment, folder) for _ in range(TIMES)]
                print(f"{strategy}, warm, report={report}: {np.median(spent):.2f} s from shell to files (best {min(spent):.2f})")
                phases = [split([*command, f"report={report}"], environment, folder) for _ in range(TIMES)]
                print("  " + ", ".join(f"{key} {1e3 * np.median([p.get(key, 0.0) for p in phases]):.0f} ms" for key in phases[0]))


def wall(command: list[str], environment: dict, folder: str) -> float:
    """Seconds of one process."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "backtester", *command], cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - begin


def split(command: list[str], environment: dict, folder: str) -> dict[str, float]:
    """Seconds per phase of one process, the interpreter's own start apart."""
    program = [sys.executable, "-c", PROGRAM, *command]
    done = subprocess.run(program, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stderr.splitlines()[-1])


if __name__ == "__main__":
    main()
