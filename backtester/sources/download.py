"""Files from a server to a folder: in parallel, politely, verified by their checksums, going on where an earlier call stopped."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from backtester.errors import UserError

TRIES = 5                                 # at one file
BACK_OFF = 0.5                            # s before the second try; doubled before each further one
WAIT = (10.0, 60.0)                       # s, for a connection and for its next bytes
AGAIN = (429, 500, 502, 503, 504)         # answers after which a server may be asked once more
CHUNK = 1 << 18                           # bytes
HEADERS = {"User-Agent": "backtester (research; a few files at a time)", "Accept-Encoding": "identity"}


class Outcome(Enum):
    """What became of a file."""

    KEPT = "was there"
    FETCHED = "fetched"
    ABSENT = "not published"
    FAILED = "failed"


class Arrival(NamedTuple):
    """One file after its download."""

    path: str
    outcome: Outcome
    why: str = ""   # it failed
    size: int = 0   # bytes fetched


class Downloads:
    """A server's files under `base`, in a folder that has the same paths below it."""

    def __init__(self, base: str, folder: Path, jobs: int = 4, per_second: float = 10.0):
        if not base.startswith(("http://", "https://")):
            raise UserError(f"base: {base!r}: an address begins with http:// or https://")
        self.base, self.folder, self.jobs = base.rstrip("/"), Path(folder), jobs
        self.local, self.stopped, self.turn = threading.local(), threading.Event(), threading.Lock()
        self.spacing, self.next = 1.0 / per_second, 0.0

    def fetch(self, paths: Iterable[str], progress: Callable[[Arrival], None] = lambda arrival: None) -> list[Arrival]:
        """Every path once; finished files stay whatever happens. Ctrl-C ends it after the bytes under way."""
        out = []
        with ThreadPoolExecutor(self.jobs) as pool:
            waiting = [pool.submit(self.file, path) for path in dict.fromkeys(paths)]
            try:
                for done in as_completed(waiting):
                    out.append(done.result())
                    progress(out[-1])
            except BaseException:
                self.stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return sorted(out)

    def file(self, path: str) -> Arrival:
        """One file and the checksum beside it."""
        target = self.folder / path
        beside = target.with_name(f"{target.name}.CHECKSUM")
        if target.is_file() and beside.is_file() and not unlike(beside, target):
            return Arrival(path, Outcome.KEPT)
        part, said = (target.with_name(f"{target.name}.{end}") for end in ("part", "CHECKSUM.part"))
        why = ""
        for _ in range(2):  # a file may be replaced between its checksum and itself
            try:
                said.unlink(missing_ok=True)
                size = self.obtain(f"{path}.CHECKSUM", said)
                size = None if size is None else self.obtain(path, part)
            except OSError as error:  # those of requests are OSErrors
                said.unlink(missing_ok=True)
                return Arrival(path, Outcome.FAILED, " ".join(str(error).split())[:200])
            if size is None:
                return Arrival(path, Outcome.ABSENT)
            why = finish(said, part, target, beside)
            if not why:
                return Arrival(path, Outcome.FETCHED, size=size)
        return Arrival(path, Outcome.FAILED, why)

    def obtain(self, path: str, part: Path) -> int | None:
        """Fetch a file, going on behind the bytes that `part` has; its size, None where there is none.

        Tries again after dropped connections and the answers AGAIN. The waits are our own, so that Ctrl-C ends them.
        """
        from requests import HTTPError, RequestException

        part.parent.mkdir(parents=True, exist_ok=True)
        why = ""
        for number in range(TRIES):
            begin = part.stat().st_size if part.is_file() else 0
            wait = BACK_OFF * 2**number
            try:
                with self.ask(path, {"Range": f"bytes={begin}-"} if begin else {}) as answer:
                    if answer.status_code == 404:
                        return None
                    if answer.status_code in (200, 206):
                        self.write(answer, part, append=answer.status_code == 206)
                    if answer.status_code in (200, 206, 416):  # 416: nothing is behind the bytes that are there
                        return part.stat().st_size
                    if answer.status_code not in AGAIN:
                        answer.raise_for_status()
                    why, wait = f"answered {answer.status_code}", asked_to_wait(answer, wait)
            except HTTPError:
                raise
            except RequestException as error:
                why = f"{type(error).__name__}: {error}"
            self.stopped.wait(wait)
        raise OSError(f"{why}; tried {TRIES} times")

    def write(self, answer, part: Path, append: bool) -> None:
        """The body of an answer behind, or in the place of, what is there."""
        with part.open("ab" if append else "wb") as file:
            for chunk in answer.iter_content(CHUNK):
                if self.stopped.is_set():
                    raise OSError("interrupted")
                file.write(chunk)

    def ask(self, path: str, headers: dict | None = None):
        """One request, in its turn."""
        import requests

        if not hasattr(self.local, "session"):
            self.local.session = requests.Session()
            self.local.session.headers.update(HEADERS)
        with self.turn:
            self.next = max(time.monotonic(), self.next) + self.spacing
            wait = self.next - self.spacing - time.monotonic()
        self.stopped.wait(max(0.0, wait))
        if self.stopped.is_set():
            raise OSError("interrupted")
        return self.local.session.get(f"{self.base}/{path}", headers=headers, timeout=WAIT, stream=True)


def finish(said: Path, part: Path, target: Path, beside: Path) -> str:
    """Put a file whose checksum fits in its place, remove another one; what was wrong, empty where nothing was."""
    if why := unlike(said, part):
        part.unlink()
        said.unlink()
        return why
    part.replace(target)
    said.replace(beside)
    return ""


def unlike(said: Path, file: Path) -> str:
    """How a file differs from its published checksum (`sha256  name`); empty where it does not."""
    with file.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    words = said.read_text(encoding="ascii", errors="replace").split() or ["nothing"]
    return "" if words[0].lower() == sha256 else f"its checksum is {sha256[:12]}…, published is {words[0][:12]}…"


def asked_to_wait(answer, wait: float) -> float:
    """Seconds before the next try: what the server asks for (two minutes at most), else `wait`."""
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), 120.0) if asked.isdecimal() else wait
