"""The same run in a process of its own: compiled, or in plain Python for as long as it may take."""

import os
import pickle
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from backtester.checkout import ROOT
from backtester.engine import find
from backtester.engine.bind import bind
from backtester.errors import UserError
from backtester.honesty.looks import Look, Subject, looks
from backtester.market.merge import build

STEP = 500  # events between two looks at the clock in plain Python
PROGRAM = "from backtester.honesty.apart import answer; answer()"


class Apart(NamedTuple):
    """What the other process found."""

    events: int
    look: Look
    error: str  # what stopped it; empty where nothing did


def run_apart(subject: Subject, plain: bool = False, seconds: float | None = None) -> Apart:
    """Run the subject in a fresh process, to its end or for about `seconds`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "task").write_bytes(pickle.dumps(task_of(subject, seconds)))
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        env = os.environ | {"NUMBA_DISABLE_JIT": str(int(plain)), "PYTHONPATH": path}
        done = subprocess.run([sys.executable, "-c", PROGRAM, folder], env=env, capture_output=True, text=True, check=False)
        answered = Path(folder, "answer")
        if not answered.is_file():
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            return Apart(0, {}, f"the process ended with code {done.returncode}: {last}")
        return pickle.loads(answered.read_bytes())


def task_of(subject: Subject, seconds: float | None) -> dict[str, Any]:
    """All that the other process needs, as plain values."""
    market, cls = subject.market, subject.bound.cls
    return {
        "file": file_of(cls), "class": cls.__qualname__, "seconds": seconds, "params": subject.params, "terms": subject.terms,
        "market": (market.name, market.instruments, market.tables, market.tags), "period": {"start": market.start, "end": market.end},
    }


def file_of(cls: type) -> str:
    """The file from which another process can have a class. Raises UserError where there is none."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if not file or "<locals>" in cls.__qualname__:
        raise UserError(f"{cls.__qualname__}: a fresh process cannot import it: write the class into a file, outside of any function")
    return str(Path(file).resolve())


def answer() -> None:
    """The other process: do the task in the folder that the command line names, and leave the answer there."""
    folder = Path(sys.argv[1])
    task = pickle.loads((folder / "task").read_bytes())
    market = replace(build(*task["market"]), **task["period"])
    cls: Any = find.load_file(Path(task["file"]))
    for name in task["class"].split("."):
        cls = getattr(cls, name)
    subject = Subject(bind(cls, market.roles), market, task["params"], task["terms"])
    done = Apart(0, {}, "")
    try:
        for events, look in looks(subject, market, stops(len(market.streams.events), task["seconds"])):
            done = Apart(events, look, "")
    except Exception as problem:
        done = done._replace(error=told(problem, task["file"]))
    (folder / "answer").write_bytes(pickle.dumps(done))


def stops(total: int, seconds: float | None) -> Iterator[int]:
    """Numbers of events at which to look: the end, or one after the other for as long as the time lasts."""
    if seconds is None:
        yield total
        return
    until, at = time.monotonic() + seconds, 0
    while at < total and time.monotonic() < until:
        at = min(at + STEP, total)
        yield at


def told(problem: Exception, file: str) -> str:
    """An exception with the line of the strategy's file on which it came up."""
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == file]
    return f"{type(problem).__name__}: {problem}" + (f" ({file}:{lines[-1]})" if lines else "")
