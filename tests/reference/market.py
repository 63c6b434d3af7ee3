"""The market: records in the order in which they become known, and what is known of each instrument (sections 1 and 8)."""

from dataclasses import dataclass, field
from typing import NamedTuple

ORDER = {name: n for n, name in enumerate((
    "brackets", "exogenous", "funding", "open_interest", "long_short_ratio", "liquidations", "depth", "trades", "premium_index_bars",
    "index_bars", "mark_bars", "spot_bars", "perp_bars",
))}
ACTION = ORDER["exogenous"]


class Bar(NamedTuple):
    opened: int    # ns
    known: int     # ns
    closed: int    # ns
    open: float    # quote
    high: float    # quote
    low: float     # quote
    close: float   # quote
    volume: float  # base


class Tier(NamedTuple):
    cap: float       # quote, largest notional
    rate: float      # maintenance, fraction
    amount: float    # quote, subtracted
    leverage: float  # largest


class Brackets(NamedTuple):
    fee: float  # of a liquidation, fraction of notional
    tiers: tuple


class Settlement(NamedTuple):
    ts: int
    rate: float         # fraction of notional
    mark: float | None  # quote, the last one known when the settlement became known


@dataclass(slots=True)
class Joined:
    """The known bars of a mark or index stream that no bar of the instrument has taken yet (section 8)."""

    bars: list = field(default_factory=list)

    def take(self, over: Bar) -> tuple | None:
        """Those inside a bar as one: open, high, low, close; None where the last of them does not close with it."""
        inside = [bar for bar in self.bars if over.opened <= bar.opened and bar.closed <= over.closed]
        self.bars = [bar for bar in self.bars if bar.closed > over.closed]
        if not inside or inside[-1].closed != over.closed:
            return None
        return inside[0].open, max(bar.high for bar in inside), min(bar.low for bar in inside), inside[-1].close


@dataclass(slots=True)
class Instrument:
    """One instrument: what the data set says of it, what the market has shown, and what the lane has there."""

    index: int
    name: str
    perp: bool
    tick: float | None
    lot: float | None
    min_notional: float | None
    taker: float          # fraction of notional
    maker: float          # fraction of notional
    has_bars: bool
    own_tiers: bool       # venue.maintenance_bp replaces the brackets
    position: object      # accounts.Position
    brackets: Brackets | None
    lag: int = 0                 # ns, from the close of the last bar to the moment it was known
    closed: int = -1             # ns, close of the last bar
    mark: float | None = None    # quote, the last one known; while its bar is processed, the one where the path stands
    price: float | None = None   # quote, where the path stands; None outside its own bar
    basis: float | None = None   # quote, close less the index's close
    marks: Joined = field(default_factory=Joined)
    indices: Joined = field(default_factory=Joined)
    settlements: list = field(default_factory=list)  # that wait for their bar
    waiting: list = field(default_factory=list)      # orders, by number
    volume: float = 0.0          # base, of the present bar
    room: float | None = None    # base that the present bar still gives; None: no bound


def mark_path(here: Instrument, bar: Bar) -> tuple:
    """The mark's open, high, low, close for a perp bar: its own stream, the index plus the basis, the bar itself."""
    own, index = here.marks.take(bar), here.indices.take(bar)
    basis = here.basis
    if index is not None:
        here.basis = bar.close - index[3]
    if own is not None:
        return own
    if index is not None and basis is not None:
        return tuple(price + basis for price in index)
    return bar[3:7]


def events(tables: dict, actions: list) -> list[tuple]:
    """(ts_known, place in its instant, instrument, number, record) of everything that the venue looks at, in order."""
    out = []
    for (stream, instrument), table in tables.items():
        if stream in READ:
            for record in READ[stream](table):
                out.append((record[0], ORDER[stream], instrument, len(out), record[1]))
    for action in actions:
        if not action.late:
            out.append((action.ts, ACTION, 0, len(out), action))
    return sorted(out)


def columns(table, *names: str):
    """Rows of these fields as Python's own numbers."""
    return zip(*(table[name].tolist() for name in names), strict=True)


def read_bars(table) -> list:
    rows = columns(table, "ts_event", "ts_known", "ts_close", "open", "high", "low", "close", "volume")
    return [(row[1], Bar(*row)) for row in rows]


def read_funding(table) -> list:
    return [(known, (ts, rate)) for known, ts, rate in columns(table, "ts_known", "ts_event", "rate")]


def read_brackets(table) -> list:
    out = []
    for known, fee, used, *tiers in columns(table, "ts_known", "liquidation_fee", "tiers", "cap", "rate", "amount", "leverage"):
        out.append((known, Brackets(fee, tuple(Tier(*tier) for tier in list(zip(*tiers, strict=True))[:used]))))
    return out


READ = {
    "brackets": read_brackets, "funding": read_funding, "index_bars": read_bars, "mark_bars": read_bars, "spot_bars": read_bars,
    "perp_bars": read_bars,
}
