"""What the two posts claim, measured on a market of one's own. A claim of one's own is a file:

    from backtester.claims import RETURN, UP, Claim, Measure, WatchRally

    CLAIM = Claim("X1", "Cheap funding is a gift", (
        Measure("funding below zero", WatchRally, lambda t, at: t.annual < at, RETURN, UP, (24, 72), at=0.0, needs=("funding",)),
    ))
"""

from backtester.claims.claim import DOWN, NO_DIFFERENCE, UP, Claim, Like, Measure, Verdict
from backtester.claims.measured import ALL, Measured, measure_claims
from backtester.claims.outcomes import CONTRACTS, FALL, FORCED, NEW_HIGH, RETURN, RISE, VOLATILITY, Outcome, column
from backtester.claims.watch_doors import WatchDoors
from backtester.claims.watch_rally import WatchRally
from backtester.claims.watched import Watched, begins, everywhere

__all__ = [
    "ALL", "CONTRACTS", "DOWN", "FALL", "FORCED", "NEW_HIGH", "NO_DIFFERENCE", "RETURN", "RISE", "UP", "VOLATILITY",
    "Claim", "Like", "Measure", "Measured", "Outcome", "Verdict", "WatchDoors", "WatchRally", "Watched", "begins", "column", "everywhere",
    "measure_claims",
]
