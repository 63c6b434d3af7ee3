"""Regimes (G7): rallies of forty hours that look alike on the price alone, and who carries them."""

from backtester.market.constructed.told import Drawn, shuffled, told
from backtester.market.episodes import Episode, Leg
from backtester.market.times import instant, iso

HOURS = 40          # of a regime
WINDOW = 24         # hours over which a regime is judged
DAYS = HOURS / 24
LEVEL = 95_000.0    # quote
FORCED_USD = 240e6  # shorts liquidated in a day, where they are

REGIMES = {
    "SPOT_BULL": Leg("SPOT_BULL", HOURS * 60, 170 * DAYS, oi_pct=-3.8 * DAYS, spot_flow=0.045, perp_flow=0.005, activity=1.5,
                     noise=0.2, drift=0.1, liquidated=(0.2 * FORCED_USD * DAYS, FORCED_USD * DAYS)),
    "LEVERAGE_BULL": Leg("LEVERAGE_BULL", HOURS * 60, 150 * DAYS, premium_bp=-12.0, oi_pct=4.0 * DAYS, spot_flow=-0.02,
                         perp_flow=0.07, activity=1.7, noise=0.2, drift=0.2),
    "SHORT_COVER": Leg("SHORT_COVER", HOURS * 60, 170 * DAYS, premium_bp=-3.0, oi_pct=-3.8 * DAYS, spot_flow=-0.035,
                       perp_flow=0.08, activity=1.7, noise=0.2, drift=0.2, liquidated=(0.2 * FORCED_USD * DAYS, FORCED_USD * DAYS)),
    "MIXED": Leg("MIXED", HOURS * 60, 60 * DAYS, oi_pct=1.3 * DAYS, spot_flow=0.005, perp_flow=0.0, noise=0.2, drift=0.2),
}


def regimes(rng) -> Drawn:
    """Spot bull, leverage bull, short cover and mixed, twice each; a regime can be told from a day after its start on."""
    episodes = [Episode("regime", (leg,), {"regime": name}, LEVEL) for name, leg in REGIMES.items()]
    drawn = told(rng, shuffled(rng, episodes * 2), between_h=30.0)
    for entry in drawn.truth:
        entry["judged_from"] = iso(instant(entry["start"], "truth") + WINDOW * 3600 * 10**9)
    return drawn
