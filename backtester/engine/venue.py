"""The venue's terms: fees, slippage, latency, leverage and the fill model, from the configuration to records."""

from dataclasses import asdict, dataclass, fields

import numpy as np

from backtester.engine.state import TERMS
from backtester.errors import UserError
from backtester.records import rows

MS = 1_000_000  # ns
FILLS = ("next_open", "strict")
MISSING_FUNDING = ("error", "free")


@dataclass(frozen=True)
class Venue:
    """The keys of `conf/venue`, with their defaults."""

    cash: float = 100_000.0           # deposit, quote
    taker_bp: float | None = None     # basis points of notional; None: each instrument's own, from the data set
    maker_bp: float | None = None     # the same for resting orders
    slippage_bp: float = 1.0          # basis points of price, against every market order
    latency_ms: float = 250.0         # from decision to venue; counts where fills are strict
    leverage: float = 5.0             # largest notional of a perpetual / equity
    fills: str = "next_open"          # next_open: the field's convention; strict: nothing older than decision + latency
    missing_funding: str = "error"    # a perpetual without funding data: error, or held free of charge


def venue_of(options: dict | None) -> Venue:
    """A Venue from configuration values. Raises UserError naming the key."""
    names = [f.name for f in fields(Venue)]
    for name in options or {}:
        if name not in names:
            raise UserError(f"venue.{name}: no such key (there are {', '.join(names)})")
    venue = Venue(**(options or {}))
    for name, choices in (("fills", FILLS), ("missing_funding", MISSING_FUNDING)):
        if getattr(venue, name) not in choices:
            raise UserError(f"venue.{name}: {getattr(venue, name)!r} is none of {', '.join(choices)}")
    for name, value in asdict(venue).items():
        if name in ("fills", "missing_funding") or (value is None and name in ("taker_bp", "maker_bp")):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise UserError(f"venue.{name}: {value!r} is no number")
    for name in ("cash", "leverage"):
        if getattr(venue, name) <= 0:
            raise UserError(f"venue.{name}: must be above 0, is {getattr(venue, name)}")
    for name, most in (("slippage_bp", 5_000.0), ("latency_ms", 1e9)):
        if not 0 <= getattr(venue, name) <= most:
            raise UserError(f"venue.{name}: must be between 0 and {most:g}, is {getattr(venue, name):g}")
    return venue


def terms_of(venue: Venue, market) -> np.ndarray:
    """TERMS of every instrument of `market`. Raises UserError for a fee that neither side names, or funding that is missing."""
    out = rows(TERMS, len(market.instruments))
    for i, instrument in enumerate(market.instruments):
        bp = instrument.taker_bp if venue.taker_bp is None else venue.taker_bp
        if bp is None and instrument.name:
            right = "set venue.taker_bp (basis points of notional)"
            raise UserError(f"venue.taker_bp: data set {market.name!r} names no fee for {instrument.name}; {right}")
        perp = instrument.role == "perp"
        unpaid = perp and instrument.name and not market.counts.get(f"funding/{instrument.name}")
        if unpaid and venue.missing_funding == "error":
            right = "import it, or set venue.missing_funding=free to hold it free of charge"
            raise UserError(f"data set {market.name!r} has no funding of {instrument.name}; {right}")
        out[i]["taker"] = 0.0 if bp is None else bp * 1e-4
        out[i]["slippage"] = venue.slippage_bp * 1e-4
        out[i]["latency"] = int(venue.latency_ms * MS)
        out[i]["strict"] = venue.fills == "strict"
        out[i]["leverage"] = venue.leverage
        out[i]["perp"] = perp
        out[i]["deposit"] = venue.cash
    return out
