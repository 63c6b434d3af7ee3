"""The embedded sample: a seeded synthetic market with planted episodes, and the truth about them beside it."""

import json
import logging
import tempfile
from pathlib import Path

import numpy as np
import yaml

from backtester.errors import UserError
from backtester.market import feeds
from backtester.market.episodes import programme
from backtester.market.paths import PERP_TICK, SPOT_TICK, Knots, knots, paths
from backtester.market.schema import LAG_MS

LOG = logging.getLogger(__name__)

VERSION = 2              # of the generator: raised whenever the same seed gives other bytes
SEED = 7
SYNTHETIC = "SYNTHETIC"  # the first word of the provenance, by which a sample is told from a market
SPOT_NAME, PERP_NAME = "BTC-SPOT", "BTC-PERP"
BRACKETS = "binance_btcusdt"


def iso(minute: int) -> str:
    return str(np.datetime64(int(feeds.START + minute * feeds.MINUTE), "ns").astype("M8[s]")) + "Z"


def truth(k: Knots) -> list[dict]:
    """What was planted, in the order of time: an entry an episode, with its legs."""
    def leg_truth(n: int) -> dict:
        leg = k.legs[n]
        return {
            "role": leg.role, "label": leg.label, "start": iso(k.minute[n]), "end": iso(k.minute[n + 1]),
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


def header(seed: int) -> dict:
    """dataset.yaml of the sample; nobody shall take it for a market."""
    bars = {name: {"interval": "1m", "lag_ms": LAG_MS[name]} for name in ("spot_bars", "perp_bars")}
    return {
        "name": "sample",
        "instruments": [
            {"name": SPOT_NAME, "role": "spot", "tick": SPOT_TICK, "lot": feeds.SPOT_LOT, "min_notional": 5.0}
            | {"taker_bp": 10.0, "maker_bp": 10.0},
            {"name": PERP_NAME, "role": "perp", "tick": PERP_TICK, "lot": feeds.PERP_LOT, "min_notional": 100.0}
            | {"taker_bp": 5.0, "maker_bp": 2.0, "brackets": BRACKETS},
        ],
        "streams": bars | {name: {"lag_ms": LAG_MS[name]} for name in ("open_interest", "funding", "liquidations")},
        "provenance": [
            f"{SYNTHETIC}: invented by backtester.market.synthetic, version {VERSION}, seed {seed}; none of its prices was ever traded",
            "planted episodes: truth.json",
        ],
        "licence": "generated; as free as the code that made it",
    }


def sample(seed: int = SEED) -> tuple[dict, dict, list[dict]]:
    """Sixty days of minutes: tables by (stream, instrument name), the data set's header, and the planted episodes."""
    rng = np.random.default_rng(seed)
    k = knots(rng, programme(rng))
    p = paths(rng, k)
    spot, perp = feeds.both_bars(rng, k, p)
    tables = {
        ("spot_bars", SPOT_NAME): spot,
        ("perp_bars", PERP_NAME): perp,
        ("open_interest", PERP_NAME): feeds.open_interest(p),
        ("funding", PERP_NAME): feeds.funding(spot, perp),
        ("liquidations", PERP_NAME): feeds.liquidations(rng, k, p),
    }
    return tables, header(seed), truth(k)


def ensure_sample(folder: str | Path, seed: int = SEED) -> Path:
    """Write the sample and its truth.json to `folder` unless they are there; that of another version or seed is replaced.

    Raises UserError where the folder holds anything else.
    """
    folder, head = Path(folder), header(seed)
    if not is_current(folder, head):
        from backtester.market.write import write_dataset  # brings pyarrow, which a sample that is there does without

        LOG.info("generating the sample market in %s", folder)
        tables, _, episodes = sample(seed)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            new = Path(scratch, "new")
            write_dataset(new, head, tables)
            new.joinpath("truth.json").write_text(json.dumps(episodes, indent=1) + "\n", encoding="utf-8")
            put(new, folder, head, Path(scratch, "old"))
    return folder


def put(new: Path, folder: Path, head: dict, old: Path) -> None:
    """Move `new` to `folder`, and what is outdated there to `old`; another process may have been quicker."""
    if is_current(folder, head):
        return
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if not is_current(folder, head):
            raise


def is_current(folder: Path, head: dict) -> bool:
    """Whether the folder holds the sample of this header; False also where there is nothing yet."""
    if not folder.exists() or not any(folder.iterdir()):
        return False
    described = folder / "dataset.yaml"
    held = yaml.safe_load(described.read_text()) if described.exists() else {}
    provenance = (held or {}).get("provenance") or [""]
    if not str(provenance[0]).startswith(SYNTHETIC):
        raise UserError(f"{folder}: not a synthetic sample (its dataset.yaml does not say so); name another folder or remove it")
    return provenance == head["provenance"]
