"""Series in a page: exact integers, their differences in byte planes, deflated, in base64; the page's script takes them apart again.

A series is digits / 10**digits: the same double that the Parquet file holds wherever its values have at most eight decimals
(prices, open interest, rates). What has more is rounded, and the page's own digits say to what.
"""

import zlib
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

SECOND = 1_000_000_000  # ns
MOST_DIGITS = 8         # decimals of an exact series
LARGEST = 2**31 - 1     # of an integer in a page
BUCKETS = 512           # of the overview: what is drawn before the rest has been taken apart
FULL = 1.5              # a series on a grid has at most so many places a value; else its times are written down

Blocks = dict[str, str]  # the name of a block in the page -> its text


@dataclass(frozen=True)
class Series:
    """One series of a page: values (n,) at ts (n,), int64 ns rising; NaN where there is none."""

    id: str
    label: str
    unit: str
    style: str                  # a colour of the style sheet, without its --
    ts: np.ndarray
    values: np.ndarray
    digits: int | None = None   # decimals; None: as many as it has, at most MOST_DIGITS
    shape: str = "line"         # line, step, area, bars, candle
    level: bool = False         # a level beside a price: its axis does not follow it far
    ohlc: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None  # open, high, low of a candle; values are its closes


def encode(series: list[Series]) -> tuple[list[dict[str, Any]], Blocks]:
    """What the page says of each series, and the blocks that hold their numbers; `overview` is one of them."""
    described, overviews = [], []
    blocks: Blocks = {}
    with ThreadPoolExecutor() as pool:  # compression leaves Python free for the next one
        encoded = list(pool.map(one, series))
    for told, own, overview in encoded:
        described.append(told)
        blocks |= own
        overviews.append(overview)
    return described, blocks | {"overview": pack(np.concatenate([np.zeros(0, "i8"), *overviews]))}


def one(series: Series) -> tuple[dict[str, Any], Blocks, np.ndarray]:
    """One series: what the page says of it, its blocks, and its overview (lowest and highest of each bucket, in digits)."""
    step, place, count = grid(series.ts)
    digits, exact = decimals(series)
    known = filled(series.values, place, count)
    missing = runs(np.isnan(known))
    ints = whole(known, digits)
    told = {name: getattr(series, name) for name in ("id", "label", "unit", "style", "shape", "level")}
    told |= {"n": count, "t0": int(series.ts[0]) / SECOND if count else 0, "dt": step / SECOND, "digits": digits, "exact": exact}
    told |= {"gaps": len(missing) // 2}
    blocks = {series.id: pack(ints)}
    low = high = ints
    if not step:
        blocks[f"{series.id}.times"] = pack((series.ts - series.ts[:1].repeat(count)) // SECOND)
    if len(missing):
        blocks[f"{series.id}.gaps"] = pack(missing)
    if series.ohlc:
        first, top, bottom = (whole(filled(values, place, count), digits) for values in series.ohlc)
        high, low = np.maximum(top, np.maximum(first, ints)), np.minimum(bottom, np.minimum(first, ints))
        before = np.concatenate((first[:1], ints[:-1]))
        parts = {"open": first - before, "high": high - np.maximum(first, ints), "low": np.minimum(first, ints) - low}
        blocks |= {f"{series.id}.{name}": pack(values, plain=True) for name, values in parts.items()}
    each = max(1, -(-count // BUCKETS))
    told["bucket"] = each
    starts = np.arange(0, count, each)
    overview = np.stack((np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)), 1).ravel() if count else ints
    return told, blocks, overview


def grid(ts: np.ndarray) -> tuple[int, np.ndarray, int]:
    """The step of a series on a grid (ns; 0: its times are not on one), the place of each moment, and how many places there are."""
    if len(ts) > 1:
        step = int(np.diff(ts).min())
        if step > 0 and not np.any((ts - ts[0]) % step):
            count = int((ts[-1] - ts[0]) // step) + 1
            if count <= FULL * len(ts) + 2:
                return step, (ts - ts[0]) // step, count
    return 0, np.arange(len(ts)), len(ts)


def filled(values: np.ndarray, place: np.ndarray, count: int) -> np.ndarray:
    """The values on their grid, NaN where it has none."""
    if len(values) == count:
        return np.asarray(values, float)
    out = np.full(count, np.nan)
    out[place] = values
    return out


def decimals(series: Series) -> tuple[int, bool]:
    """How many decimals are kept, and whether they are all that the values have."""
    every = np.concatenate([series.values, *(series.ohlc or ())]).astype(float)
    every = every[np.isfinite(every)]
    most = float(np.abs(every).max()) if len(every) else 0.0
    fits = max((d for d in range(MOST_DIGITS + 1) if most * 10**d < LARGEST), default=0)
    if most >= LARGEST:  # quantities of pennies: in thousands, millions
        fits = -int(np.ceil(np.log10(most / LARGEST)))
    wanted = MOST_DIGITS if series.digits is None else series.digits
    few = every[:: max(1, len(every) // 1_000)]
    for digits in range(min(fits, wanted) + 1):
        if is_exact(few, digits) and is_exact(every, digits):
            return digits, True
    return min(fits, wanted), False


def is_exact(values: np.ndarray, digits: int) -> bool:
    """Whether integers over 10**digits are these very doubles."""
    return bool(np.all(np.rint(values * 10.0**digits) / 10.0**digits == values))


def whole(values: np.ndarray, digits: int) -> np.ndarray:
    """The values as integers over 10**digits; one that is missing repeats the one before it."""
    known = np.isfinite(values)
    if not known.all():
        last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
        values = np.where(last < 0, 0.0, np.where(known, values, 0.0)[last])
    return np.rint(values * 10.0**digits).astype("i8")


def runs(flags: np.ndarray) -> np.ndarray:
    """First place and length of each stretch of true flags, one after the other."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype("i1")))
    return np.stack((edges[::2], edges[1::2] - edges[::2]), 1).ravel().astype("i8")


def pack(ints: np.ndarray, plain: bool = False) -> str:
    """Integers that fit 32 bits as a block: their differences (plain: themselves), small ones first, byte by byte."""
    steps = (ints if plain else np.diff(ints, prepend=0)).astype(np.int32)  # what runs over comes back where it is summed up
    folded = ((steps << 1) ^ (steps >> 31)).view(np.uint32)
    planes = np.ascontiguousarray(folded.astype("<u4").view(np.uint8).reshape(-1, 4).T)
    return deflate(planes.tobytes())


def deflate(raw: bytes) -> str:
    """Bytes as a block. Runs alone are looked for: half the time of the usual search, and as small where planes are noise or nought."""
    press = zlib.compressobj(1, zlib.DEFLATED, -15, 9, zlib.Z_RLE)
    return b64encode(press.compress(raw) + press.flush()).decode()
