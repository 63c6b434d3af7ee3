"""The null market (G15): a random walk whose premium and open interest know nothing of it; no rule earns its costs here."""

from backtester.errors import UserError
from backtester.market.assets import BTC
from backtester.market.constructed.told import Drawn, calm
from backtester.market.paths import unpinned
from backtester.market.times import iso

LEVEL = 95_000.0
MOST_DAYS = 3_650


def null(rng, days=14) -> Drawn:
    """`days` of a random walk with an independent premium: whatever trades on it loses its costs, and nothing else."""
    if not 1 <= days <= MOST_DAYS:
        raise UserError(f"days: {days} is no length of a market: 1 to {MOST_DAYS}")
    tables = calm(rng, days, LEVEL, unpinned)
    bars = tables["perp_bars", BTC.perp]
    return Drawn(tables, [{"kind": "null", "start": iso(bars["ts_event"][0]), "end": iso(bars["ts_close"][-1]), "edge": 0.0}])
