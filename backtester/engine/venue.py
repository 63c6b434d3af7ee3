"""The venue's terms, from the configuration to records: costs, delay, margin, and what happens where data are silent."""

import math
from dataclasses import asdict, dataclass, fields

import numpy as np

from backtester.engine.state import TERMS
from backtester.errors import UserError
from backtester.records import rows

MS = 1_000_000  # ns
BP = 1e-4
CHOICES = {  # the first one is the default
    "fills": ("next_open", "strict"),
    "path": ("adverse", "ohlc", "olhc", "nearest"),
    "margin": ("cross", "isolated"),
    "liquidation": ("bankruptcy", "mark_slip"),
    "missing_funding": ("error", "free"),
}
MAY_BE_NONE = ("taker_bp", "maker_bp", "participation", "maintenance_bp", "liquidation_fee_bp")
ABOVE_ZERO = ("cash", "leverage", "participation", "maintenance_bp")
BOUNDS = {"slippage_bp": 5_000.0, "spread_bp": 5_000.0, "impact_bp": 5_000.0, "latency_ms": 1e9, "liquidation_fee_bp": 5_000.0}


@dataclass(frozen=True)
class Venue:
    """The keys of `conf/venue`, with their defaults; docs/venue.md tells what they do."""

    cash: float = 100_000.0                  # deposit, quote
    taker_bp: float | None = None            # basis points of notional; None: each instrument's own, from the data set
    maker_bp: float | None = None            # the same for orders that rested
    slippage_bp: float = 1.0                 # basis points of price, against every order that takes
    spread_bp: float = 0.0                   # from bid to ask; a taker pays half of it
    impact_bp: float = 0.0                   # at a size equal to the bar's volume; grows with the square root of the size
    participation: float | None = None       # largest share of a bar's volume; None: no bound
    latency_ms: float = 250.0                # from decision to venue; counts where fills are strict
    leverage: float = 5.0                    # notional of a perpetual / its initial margin
    margin: str = "cross"                    # cross: the account stands behind all perpetuals; isolated: each has its own margin
    maintenance_bp: float | None = None      # of notional, for all perpetuals; None: the data set's margin brackets
    liquidation: str = "bankruptcy"          # all margin is lost; mark_slip: closed at the market, with a fee
    liquidation_fee_bp: float | None = None  # of notional, under mark_slip; None: the brackets'
    fills: str = "next_open"                 # the field's convention; strict: nothing older than decision + latency
    path: str = "adverse"                    # the way of the price inside a bar
    missing_funding: str = "error"           # a perpetual without funding data: error, or held free of charge


def venue_of(options: dict | None) -> Venue:
    """A Venue from configuration values. Raises UserError naming the key."""
    names = [f.name for f in fields(Venue)]
    for name in options or {}:
        if name not in names:
            raise UserError(f"venue.{name}: no such key (there are {', '.join(names)})")
    venue = Venue(**(options or {}))
    for name, value in asdict(venue).items():
        check_value(name, value)
    if venue.maintenance_bp is not None and venue.maintenance_bp * BP * venue.leverage >= 1.0:
        most = f"{1.0 / (venue.leverage * BP):g}, the initial margin at venue.leverage={venue.leverage:g}"
        raise UserError(f"venue.maintenance_bp: must be below {most}, is {venue.maintenance_bp:g}")
    return venue


def check_value(name: str, value) -> None:
    """Raises UserError for a value that the key cannot have."""
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise UserError(f"venue.{name}: {value!r} is none of {', '.join(CHOICES[name])}")
        return
    if value is None and name in MAY_BE_NONE:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UserError(f"venue.{name}: {value!r} is no number")
    if name in ABOVE_ZERO and value <= 0:
        raise UserError(f"venue.{name}: must be above 0, is {value}")
    if name in BOUNDS and not 0 <= value <= BOUNDS[name]:
        raise UserError(f"venue.{name}: must be between 0 and {BOUNDS[name]:g}, is {value:g}")
    if name == "participation" and value > 1:
        raise UserError(f"venue.participation: must be at most 1 (all of a bar's volume), is {value:g}")


def terms_of(venue: Venue, market) -> np.ndarray:
    """TERMS of every instrument of `market`. Raises UserError for a fee, brackets or funding that neither side names."""
    out = rows(TERMS, len(market.instruments))
    for i, instrument in enumerate(market.instruments):
        perp = i % 2 == 1
        row = out[i]
        row["taker"] = fee_of(venue, market, instrument, "taker_bp") * BP
        row["maker"] = fee_of(venue, market, instrument, "maker_bp") * BP
        row["slippage"] = (venue.slippage_bp + venue.spread_bp / 2.0) * BP
        row["impact"] = venue.impact_bp * BP
        row["participation"] = math.inf if venue.participation is None else venue.participation
        row["latency"] = int(venue.latency_ms * MS)
        row["strict"] = venue.fills == "strict"
        row["leverage"] = venue.leverage
        row["isolated"] = venue.margin == "isolated"
        row["maintenance"] = math.nan if venue.maintenance_bp is None else venue.maintenance_bp * BP
        row["mark_slip"] = venue.liquidation == "mark_slip"
        row["liquidation_fee"] = math.nan if venue.liquidation_fee_bp is None else venue.liquidation_fee_bp * BP
        row["path"] = CHOICES["path"].index(venue.path)
        row["perp"] = perp
        row["tick"], row["lot"], row["min_notional"] = instrument.tick or 0.0, instrument.lot or 0.0, instrument.min_notional or 0.0
        row["deposit"] = venue.cash
        if perp and instrument.name:
            check_perp(venue, market, i)
    return out


def fee_of(venue: Venue, market, instrument, name: str) -> float:
    """A fee in basis points: the venue's, else the instrument's own; a maker's is the taker's where only that is named."""
    for holder, key in ((venue, name), (instrument, name), (venue, "taker_bp"), (instrument, "taker_bp")):
        if getattr(holder, key) is not None:
            return getattr(holder, key)
    if instrument.name:
        right = "set venue.taker_bp (basis points of notional)"
        raise UserError(f"venue.taker_bp: data set {market.name!r} names no fee for {instrument.name}; {right}")
    return 0.0


def check_perp(venue: Venue, market, i: int) -> None:
    """Raises UserError where a perpetual lacks funding or margin brackets and the venue names nothing in their place."""
    name, table = market.instruments[i].name, market.tables.get(("brackets", i))
    if not market.counts.get(f"funding/{name}") and venue.missing_funding == "error":
        right = "import it, or set venue.missing_funding=free to hold it free of charge"
        raise UserError(f"data set {market.name!r} has no funding of {name}; {right}")
    if venue.maintenance_bp is None:
        if table is None or table["ts_event"][0] > market.start:
            right = "name `brackets` in its dataset.yaml, or set venue.maintenance_bp (basis points of notional, such as 50)"
            raise UserError(f"data set {market.name!r} has no margin brackets of {name} from its start on; {right}")
        if venue.leverage > (most := table["leverage"][:, 0].min()):
            raise UserError(f"venue.leverage: {venue.leverage:g} is more than the margin brackets of {name} allow ({most:g})")
    elif venue.liquidation == "mark_slip" and venue.liquidation_fee_bp is None and table is None:
        raise UserError(f"venue.liquidation_fee_bp: data set {market.name!r} names no liquidation fee of {name}; set it (such as 125)")
