"""The embedded sample: a seeded synthetic market with planted episodes, and the truth about them beside it."""

from pathlib import Path

import numpy as np

from backtester.market import invented
from backtester.market.assets import BTC
from backtester.market.episodes import programme
from backtester.market.invented import Made
from backtester.market.paths import knots, paths

VERSION = 2  # of the generator: raised whenever the same seed gives other bytes
SEED = 7
STREAMS = ("spot_bars", "perp_bars", "open_interest", "funding", "liquidations")


def origin(seed: int) -> str:
    """Where the sample is from, in few words."""
    return f"backtester.market.synthetic, version {VERSION}, seed {seed}"


def header(seed: int) -> dict:
    """dataset.yaml of the sample."""
    return invented.header("sample", [BTC], STREAMS, origin(seed))


def sample(seed: int = SEED) -> Made:
    """Sixty days of minutes: tables by (stream, instrument name), the data set's header, and the planted episodes."""
    rng = np.random.default_rng(seed)
    k = knots(rng, programme(rng))
    return Made(invented.records(rng, k, paths(rng, k)), header(seed), invented.stories(k))


def ensure_sample(folder: str | Path, seed: int = SEED) -> Path:
    """Write the sample and its truth.json to `folder` unless they are there; that of another version or seed is replaced.

    Raises UserError where the folder holds anything else.
    """
    return invented.ensure(folder, origin(seed), lambda: sample(seed))
