"""The constructed markets by name: drawing one, writing one, and reading what a user asks for."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backtester.errors import UserError
from backtester.market import invented
from backtester.market.constructed import eth, faults, fuel, funding, legs, macro, null, regimes, support, weekends
from backtester.market.constructed.told import Drawn
from backtester.market.invented import Made

VERSION = 1  # of the generators: raised whenever the same seed gives other bytes
SEED = 7

KINDS: dict[str, Callable[..., Drawn]] = {
    "five_doors": legs.five_doors,
    "cascade": legs.cascade,
    "squeeze": legs.squeeze,
    "spot_impulse": legs.spot_impulse,
    "fuel_sweep": fuel.fuel_sweep,
    "weekends": weekends.weekends,
    "regimes": regimes.regimes,
    "funding_intervals": funding.funding_intervals,
    "support": support.support,
    "eth": eth.eth,
    "macro_gap": macro.macro_gap,
    "faults": faults.faults,
    "null": null.null,
}


class Request(NamedTuple):
    """What a user asked for."""

    kind: str
    seed: int
    folder: Path | None  # None: the kind's own under data/
    given: dict          # what the kind takes besides


def construct(kind: str, seed: int = SEED, **given) -> Made:
    """A constructed market in memory: tables by (stream, instrument name), the header, the truth.

    `given` is what the kind takes, see `takes`. Raises UserError for a kind or a key that does not exist.
    """
    known_keys(kind, given)
    drawn = KINDS[kind](np.random.default_rng(seed), **given)
    streams = list(dict.fromkeys(stream for stream, _ in drawn.tables))
    head = invented.header(kind, drawn.assets, streams, origin(kind, seed, given), drawn.tags)
    return Made(drawn.tables, head, drawn.truth)


def ensure_kind(kind: str, folder: str | Path, seed: int = SEED, **given) -> Path:
    """Write a constructed market and its truth.json to `folder`, unless it is there; another invented one is replaced.

    Raises UserError as `construct` does, and where the folder holds anything but an invented market.
    """
    known_keys(kind, given)
    return invented.ensure(folder, origin(kind, seed, given), lambda: construct(kind, seed, **given))


def origin(kind: str, seed: int, given: dict) -> str:
    """Where a market is from, in few words."""
    chosen = "".join(f", {key} {value}" for key, value in (takes(kind) | given).items())
    return f"backtester.market.constructed, version {VERSION}, kind {kind}, seed {seed}{chosen}"


def takes(kind: str) -> dict:
    """The keys that a kind takes, with their defaults."""
    parameters = list(inspect.signature(KINDS[kind]).parameters.values())[1:]  # the first one is the generator of random numbers
    return {each.name: each.default for each in parameters}


def known_keys(kind: str, given: dict) -> None:
    """Raises UserError, which lists what exists."""
    if kind not in KINDS:
        raise UserError(f"kind: there is no constructed market {kind!r}; there are {', '.join(KINDS)}")
    for key in given:
        if key not in takes(kind):
            raise UserError(f"{key}: no such key of kind {kind}; there are {', '.join(['kind', 'seed', 'folder', *takes(kind)])}")


def read_request(overrides: Sequence[str]) -> Request:
    """What key=value words ask for. Raises UserError for what is no such word, and for a kind or a key that does not exist."""
    given = {}
    for text in overrides:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise UserError(f"{text}: no key=value; write for example kind=five_doors seed=3")
        given[key] = value
    if "kind" not in given:
        raise UserError(f"kind is missing; there are {', '.join(KINDS)}")
    kind, folder, seed = given.pop("kind"), given.pop("folder", None), whole("seed", given.pop("seed", str(SEED)))
    known_keys(kind, given)
    typed = {key: whole(key, value) if isinstance(takes(kind)[key], int) else value for key, value in given.items()}
    return Request(kind, seed, Path(folder).expanduser() if folder else None, typed)


def whole(key: str, text: str) -> int:
    """A whole number from zero on. Raises UserError, which names the key."""
    if not text.isdecimal():
        raise UserError(f"{key}: {text!r}: give a whole number")
    return int(text)
