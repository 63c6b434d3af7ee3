"""A page read back in Python: its document, its series, the words that it shows."""

import json
import re
import zlib
from base64 import b64decode

import numpy as np


def doc_of(page: str) -> dict:
    """The document that the page's script draws."""
    return json.loads(re.search(r'<script type="application/json" id="doc">(.*?)</script>', page, re.DOTALL).group(1))


def ints_of(page: str, name: str, plain: bool = False) -> np.ndarray:
    """The integers of a block, int64."""
    text = re.search(rf'<script type="text/plain" id="block-{re.escape(name)}">([^<]*)<', page).group(1)
    planes = np.frombuffer(zlib.decompress(b64decode(text), -15), np.uint8).reshape(4, -1)
    folded = np.ascontiguousarray(planes.T).view("<u4").ravel().astype("i8")
    steps = (folded >> 1) ^ -(folded & 1)
    if plain:
        return steps
    return (np.cumsum(steps) + 2**31) % 2**32 - 2**31


def series_of(page: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Moments (s) and values of a series, NaN where it has none."""
    told = next(each for each in doc_of(page)["series"] if each["id"] == name)
    values = ints_of(page, name) / 10.0 ** told["digits"]
    if told["gaps"]:
        for start, length in ints_of(page, f"{name}.gaps").reshape(-1, 2):
            values[start : start + length] = np.nan
    moments = told["t0"] + (np.arange(len(values)) * told["dt"] if told["dt"] else ints_of(page, f"{name}.times"))
    return moments, values


def panels_of(page: str) -> list[str]:
    """The titles of the panels."""
    return [panel["title"] for panel in doc_of(page)["panels"]]


def marks_of(page: str) -> list[tuple[str, str]]:
    """Kind and side of every mark."""
    return [(kind, side) for _, _, side, kind, _, _ in doc_of(page)["marks"]]


def words_of(page: str) -> str:
    """What a page says, without its tags, its style and its script."""
    shown = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", shown).split())
