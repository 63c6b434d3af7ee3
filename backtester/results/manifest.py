"""What it takes to run a result again to the same bytes."""

import platform
from pathlib import Path

import numba
import numpy as np
import pyarrow as pa

import backtester
from backtester.market.schema import TRADED

ROOT = Path(__file__).resolve().parents[2]


def manifest_of(bound, market, config: dict, overrides=()) -> dict:
    """The manifest of a run or a sweep; `config` has the keys data, strategy, venue, seed; `overrides` is how a command line spelled it."""
    return {
        "strategy": {"name": config["strategy"]["name"], "class": bound.name, "fingerprint": bound.key},
        "data": market.source | {"counts": market.counts},
        "config": config,
        "overrides": list(overrides),
        "assumptions": assumptions(market, config["venue"]),
        "code": {"version": backtester.__version__, "commit": commit()},
        "packages": {"python": platform.python_version(), "numpy": np.__version__, "numba": numba.__version__, "pyarrow": pa.__version__},
    }


def assumptions(market, venue: dict) -> list[str]:
    """What the result takes for granted, one sentence each; every fallback in force is named."""
    fills = {
        "next_open": "a market order fills at its instrument's next open, which is older than the decision by the bar's publication lag",
        "strict": f"a market order fills at the first bar that opens {venue['latency_ms']:g} ms or more after the decision",
    }
    out = [fills[venue["fills"]], f"every market order pays {venue['slippage_bp']:g} bp of slippage"]
    for instrument in market.instruments:
        if instrument.name:
            source = "the data set" if venue["taker_bp"] is None else "venue.taker_bp"
            bp = instrument.taker_bp if venue["taker_bp"] is None else venue["taker_bp"]
            out.append(f"{instrument.name}: taker fee {bp:g} bp ({source})")
    for instrument in market.instruments:
        if instrument.role == "perp" and instrument.name:
            marked = market.counts.get(f"mark_bars/{instrument.name}")
            out.append(f"{instrument.name}: valued at {'its mark price' if marked else 'its last close, there is no mark stream'}")
            if not market.counts.get(f"funding/{instrument.name}"):
                out.append(f"{instrument.name}: FALLBACK venue.missing_funding=free: no funding data, held free of charge")
    out.append("no liquidation before bankruptcy: an account whose equity is gone is closed at the mark and ends")
    if len({int(table["ts_close"][0] - table["ts_event"][0]) for (stream, _), table in market.tables.items() if stream in TRADED}) > 1:
        out.append("bars of different lengths: a fill at a long bar's open is booked when that bar is known; closes in between lack it")
    out.append("not modelled: market impact, queues, auto-deleveraging")
    return out


def commit() -> str | None:
    """The commit that is checked out, None outside a checkout."""
    head = ROOT / ".git" / "HEAD"
    if not head.is_file():
        return None
    text = head.read_text().strip()
    ref = ROOT / ".git" / text.removeprefix("ref: ")
    return text if not text.startswith("ref: ") else (ref.read_text().strip() if ref.is_file() else None)
