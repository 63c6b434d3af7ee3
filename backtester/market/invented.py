"""What every invented market has in common: its tables, a header that says so, the truth, and how it is written, once."""

import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from backtester.errors import UserError
from backtester.market import feeds
from backtester.market.assets import Asset
from backtester.market.paths import MINUTE, Knots, Paths
from backtester.market.schema import LAG_MS
from backtester.market.times import iso
from backtester.records import BAR, STREAMS

LOG = logging.getLogger(__name__)

SYNTHETIC = "SYNTHETIC"  # the first word of the provenance, by which an invented market is told from a real one


class Made(NamedTuple):
    """An invented market."""

    tables: dict       # (stream, instrument name): records
    header: dict       # dataset.yaml
    truth: list[dict]  # what is planted, in the order of time


def records(rng, k: Knots, p: Paths) -> dict:
    """Both bars, open interest, funding and liquidations of one asset, by (stream, instrument name)."""
    spot, perp = feeds.both_bars(rng, k, p)
    return {
        ("spot_bars", p.asset.spot): spot,
        ("perp_bars", p.asset.perp): perp,
        ("open_interest", p.asset.perp): feeds.open_interest(p),
        ("funding", p.asset.perp): feeds.funding(spot, perp),
        ("liquidations", p.asset.perp): feeds.liquidations(rng, k, p),
    }


def stories(k: Knots) -> list[dict]:
    """What a script planted, in the order of time: an entry an episode, with its legs."""
    def moment(n: int) -> str:
        return iso(k.start + k.minute[n] * MINUTE)

    def leg_truth(n: int) -> dict:
        leg = k.legs[n]
        return {
            "role": leg.role, "label": leg.label, "start": moment(n), "end": moment(n + 1),
            "from_price": round(float(np.exp(k.price[n])), 1), "to_price": round(float(np.exp(k.price[n + 1])), 1),
            "move_bp": round(leg.move_bp, 2), "premium_bp": round(leg.premium_bp, 2), "oi_pct": round(leg.oi_pct, 3),
            "spot_flow": leg.spot_flow, "perp_flow": leg.perp_flow,
            "long_liquidations": round(leg.liquidated[0]), "short_liquidations": round(leg.liquidated[1]),
        }

    entries = []
    for episode, first in k.planted:
        legs = [leg_truth(first + n) for n in range(len(episode.legs))]
        entries.append({"kind": episode.kind, "start": legs[0]["start"], "end": legs[-1]["end"], **episode.facts, "legs": legs})
    return entries


def provenance(origin: str) -> list[str]:
    """What dataset.yaml says about where an invented market is from: the same words, the same bytes."""
    return [f"{SYNTHETIC}: invented by {origin}; none of its prices was ever traded", "planted episodes: truth.json"]


def header(name: str, assets: Sequence[Asset], streams: Sequence[str], origin: str, tags: Sequence[str] = ()) -> dict:
    """dataset.yaml of an invented market; nobody shall take it for a real one. `origin` says where it is from, in few words."""
    bars = {stream: {"interval": "1m", "lag_ms": LAG_MS[stream]} for stream in streams if STREAMS[stream] is BAR}
    others = {stream: {"lag_ms": LAG_MS[stream]} if stream in LAG_MS else {} for stream in streams if stream not in bars}
    return {
        "name": name,
        "instruments": [entry for asset in assets for entry in asset.instruments()],
        "streams": bars | others,
        **({"tags": list(tags)} if tags else {}),
        "provenance": provenance(origin),
        "licence": "generated; as free as the code that made it",
    }


def ensure(folder: str | Path, origin: str, make: Callable[[], Made]) -> Path:
    """Write what `make` invents, with its truth.json, to `folder`, unless the market of that origin is there; another one is replaced.

    Raises UserError where the folder holds anything but an invented market.
    """
    folder = Path(folder)
    if not is_current(folder, origin):
        from backtester.market.write import write_dataset  # brings pyarrow, which a market that is there does without

        LOG.info("generating a market in %s, invented by %s", folder, origin)
        made = make()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            new = Path(scratch, "new")
            write_dataset(new, made.header, made.tables)
            new.joinpath("truth.json").write_text(json.dumps(made.truth, indent=1) + "\n", encoding="utf-8")
            put(new, folder, origin, Path(scratch, "old"))
    return folder


def put(new: Path, folder: Path, origin: str, old: Path) -> None:
    """Move `new` to `folder`, and what is outdated there to `old`; another process may have been quicker."""
    if is_current(folder, origin):
        return
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if not is_current(folder, origin):
            raise


def is_current(folder: Path, origin: str) -> bool:
    """Whether the folder holds the invented market of this origin; False also where there is nothing yet."""
    if not folder.exists() or not any(folder.iterdir()):
        return False
    described = folder / "dataset.yaml"
    held = yaml.safe_load(described.read_text()) if described.exists() else {}
    told = (held or {}).get("provenance") or [""]
    if not str(told[0]).startswith(SYNTHETIC):
        raise UserError(f"{folder}: not a synthetic sample (its dataset.yaml does not say so); name another folder or remove it")
    return told == provenance(origin) and (folder / "check.json").is_file()  # older ones were never checked
