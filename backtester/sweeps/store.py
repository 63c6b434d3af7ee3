"""Tiles on disk: a sweep that was interrupted goes on where it stopped, and several processes share one sweep."""

import contextlib
import json
import os
import shutil
from pathlib import Path

import numpy as np

from backtester.errors import UserError
from backtester.results.metrics import MEASURES

ROWS = np.dtype([("combination", "i8"), ("measures", MEASURES)])
NAME = "tiles"  # the folder, inside that of the sweep


class Store:
    """The finished tiles of one sweep, a file each, which is there as a whole or not at all."""

    def __init__(self, folder: Path, key: str, count: int) -> None:
        """Open the store of a sweep of `count` combinations that `key` identifies, or begin it. UserError for another's folder."""
        self.folder, self.count = folder / NAME, count
        self.folder.mkdir(parents=True, exist_ok=True)
        told = self.folder / "sweep.json"
        if not told.exists():
            put(told, (json.dumps({"key": key, "combinations": count}) + "\n").encode())
        refuse_another(folder, key, json.loads(told.read_text()))

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """MEASURES of all combinations, (count,), and which of them are there, (count,)."""
        rows, done = np.zeros(self.count, MEASURES), np.zeros(self.count, bool)
        for file in sorted(self.folder.glob("[0-9]*.npy")):
            with contextlib.suppress(ValueError, EOFError, OSError):  # what cannot be read is run again
                tile = np.load(file)
                if tile.dtype == ROWS:
                    rows[tile["combination"]], done[tile["combination"]] = tile["measures"], True
        return rows, done

    def write(self, combinations: np.ndarray, measures: np.ndarray) -> None:
        """Keep a finished tile."""
        tile = np.zeros(len(combinations), ROWS)
        tile["combination"], tile["measures"] = combinations, measures
        path = self.folder / f"{combinations[0]:08d}.npy"
        draft = draft_of(path)
        with open(draft, "wb") as file:
            np.save(file, tile)
        os.replace(draft, path)


def counted(folder: Path) -> tuple[int, int]:
    """How many combinations the tiles below a folder have, and how many they will have."""
    done = total = 0
    for told in folder.rglob(f"{NAME}/sweep.json"):
        with contextlib.suppress(ValueError, OSError):  # what vanishes meanwhile
            total += json.loads(told.read_text())["combinations"]
            done += sum(len(np.load(tile, mmap_mode="r")) for tile in told.parent.glob("[0-9]*.npy"))
    return done, total


def remove(folder: Path) -> None:
    """The table of a sweep is written: its tiles are not needed any more."""
    shutil.rmtree(folder / NAME, ignore_errors=True)


def is_finished(folder: Path, key: str) -> bool:
    """Whether the sweep that `key` identifies is finished in a folder. UserError where another run or sweep is."""
    told = folder / "manifest.json"
    if not told.exists():
        return False
    refuse_another(folder, key, json.loads(told.read_text(encoding="utf-8")))
    return (folder / "sweep.parquet").exists() and not (folder / NAME).exists()


def refuse_another(folder: Path, key: str, found: dict) -> None:
    """UserError where a folder holds something else than the sweep that `key` identifies."""
    if found.get("key") != key:
        of = f" of {found['combinations']:,} combinations" if "combinations" in found else ""
        raise UserError(
            f"{folder}: holds another run or sweep{of}: its parameters, data, strategy or venue differ; "
            "name another folder with hydra.sweep.dir, or remove it"
        )


def interrupted(override: str) -> KeyboardInterrupt:
    """Ctrl-C with what the user wants to know then; `override` names the folder."""
    return KeyboardInterrupt(f"interrupted; what is finished is kept: the same command with {override} goes on")


def put(path: Path, content: bytes) -> None:
    """Write a file that is there as a whole or not at all."""
    draft = draft_of(path)
    draft.write_bytes(content)
    os.replace(draft, path)


def draft_of(path: Path) -> Path:
    """Where a file is written before it is put in place."""
    return path.with_name(f".{path.name}.{os.getpid()}")
