"""Progress of a run or a sweep in the terminal, where somebody watches."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A callback that shows how many of `what` are done, their rate since it was first called, and the time left."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    times = (TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    columns = (MofNCompleteColumn(), TextColumn(what), BarColumn(), *times)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="")
        began: list[tuple[float, int]] = []  # when, and how many were done then: those done before do not count

        def show(done: int, total: int) -> None:
            began[:] = began or [(time.perf_counter(), done)]
            spent = time.perf_counter() - began[0][0]
            rate = f"{(done - began[0][1]) / spent:,.0f} a second" if spent > 0.1 else ""
            bar.update(task, completed=done, total=total, rate=rate)

        yield show


@contextmanager
def watching(what: str, count: Callable[[], tuple[int, int]]) -> Iterator[None]:
    """Show how many of `what` other processes have done, as `count` tells it: how many are done, and of how many."""
    with counting(what) as show:
        over = Event()

        def look() -> None:
            while not over.wait(0.5):
                done, total = count()
                if total:
                    show(done, total)

        watcher = Thread(target=look, daemon=True)
        if sys.stderr.isatty():
            watcher.start()
        try:
            yield
        finally:
            over.set()
            if watcher.is_alive():
                watcher.join()
