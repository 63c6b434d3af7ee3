"""Entries and exits: what each fill closed, and what it opened or added to."""

from dataclasses import dataclass

import numpy as np

from backtester.report.words import price, when


@dataclass(frozen=True)
class Mark:
    """An entry or an exit at its price."""

    ts: int  # ns
    value: float
    side: str  # "long" or "short"
    kind: str  # "entry", "exit" or "liquidation"
    title: str
    instrument: str


def marks(fills: dict[str, np.ndarray]) -> list[Mark]:
    """Entries, exits and liquidations: what each fill closed, and what it opened or added to."""
    found = []
    for instrument in dict.fromkeys(fills["instrument"].tolist()):
        mine = fills["instrument"] == instrument
        qty = fills["qty"][mine]
        after = np.cumsum(qty)
        after[np.abs(after) < 1e-9 * np.abs(qty).max()] = 0.0
        before = np.concatenate(([0.0], after[:-1]))
        told = (fills[name][mine].tolist() for name in ("ts", "price", "reason", "liquidity"))
        rows = zip(*told, qty.tolist(), before.tolist(), after.tolist(), strict=True)
        for ts, at, reason, liquidity, bought, had, has in rows:
            words = f"{abs(bought):.6g} {instrument} at {price(at)}, {when(ts)} UTC, {reason}"
            if had * bought < 0:
                kind = "liquidation" if liquidity == "liquidation" else "exit"
                found.append(Mark(ts, at, _side(had), kind, f"{_side(had)} {kind}: {words}", instrument))
            if has * bought > 0:
                found.append(Mark(ts, at, _side(has), "entry", f"{_side(has)} entry: {words}", instrument))
    return found


def _side(qty: float) -> str:
    return "long" if qty > 0 else "short"
