"""The claims of document A, on a rally that spot is said to have led (January 2026), as moments and what should follow them."""

import numpy as np

from backtester.claims.claim import DOWN, UP, Claim, Like, Measure
from backtester.claims.outcomes import FALL, NEW_HIGH, RETURN, VOLATILITY, column
from backtester.claims.watch_doors import WatchDoors
from backtester.claims.watch_rally import WatchRally
from backtester.claims.watched import Watched, begins
from backtester.features.ceiling import Top
from backtester.features.chase import Verdict
from backtester.features.phases import Phase
from backtester.features.regime import Regime

OI = "open_interest"
SPOT_TAKERS = "spot_bars.taker_buy"
RALLY = (OI, "funding", SPOT_TAKERS)
FLUSH = (OI, "liquidations", SPOT_TAKERS)
DAYS = (24, 72)
HEALTHY = 0.1095  # fraction a year, 0.01 % per 8 h
SCORES = {"knob": "min_score", "near": (0.3, 0.4, 0.6)}  # around 0.5
TAKEN_OVER = column("spot has taken over", "%", lambda t: 100.0 * t.relay)


def rises(t: Watched) -> np.ndarray:
    """Hours whose day was a rise."""
    return t.rise > 0.0


def spot_bull(t: Watched, _: float = 0.0) -> np.ndarray:
    """Hours of a rise that spot carries."""
    return t.label == Regime.SPOT_BULL


def leverage_bull(t: Watched) -> np.ndarray:
    """Hours of a leveraged rise; where the perp's takers are unknown, they are not asked."""
    leveraged = (t.rise > 0.0) & (t.oi_day > 0.02) & (t.annual > HEALTHY)
    return leveraged & np.isin(t.label, (Regime.LEVERAGE_BULL, Regime.UNKNOWN))


def either_bull(t: Watched) -> np.ndarray:
    """Hours of one or the other."""
    return spot_bull(t) | leverage_bull(t)


def hotter(t: Watched, _: float) -> np.ndarray:
    """Hours at which an event became known."""
    return t.heat > np.concatenate([[np.inf], t.heat[:-1]])


def another_burst(t: Watched) -> np.ndarray:
    """Where shorts were liquidated in a burst."""
    return t.bursts > np.concatenate([[np.inf], t.bursts[:-1]])


def ceiling(t: Watched, _: float) -> np.ndarray:
    """Where the ceiling is reached, by any of its signs."""
    return begins(t.top > Top.BELOW)


def measure(about, event, outcome, expect, hours, **more) -> Measure:
    """One of this document's, seen by its watch."""
    return Measure(about, WatchRally, event, outcome, expect, hours, **more)


CLAIMS = (
    Claim("A1", "not the kind of leverage-driven, everyone-partying rally; … a 'steady and solid' climb", (
        measure("after days that rose by 1 % on a straight path, beside all such days",
                lambda t, at: (t.rise >= 0.01) & (t.efficiency >= at), FALL, DOWN, DAYS, at=0.4, near=(0.3, 0.35, 0.45, 0.5),
                among=lambda t: t.rise >= 0.01),
    ), ("spot_bull",)),
    Claim("A2", "three forces working together", (
        measure("something ignited, shorts were cleared, spot took over", lambda t, _: t.phase == Phase.RELAY, RETURN, UP, DAYS,
                needs=FLUSH, knob="clear_h", near=(12.0, 36.0, 48.0)),
    ), ("spot_bull",)),
    Claim("A3", "Political fluctuations … can indeed push prices higher", (
        measure("after the news of an event", hotter, RETURN, UP, DAYS, needs=("exogenous.geopolitics",)),
    ), ("spot_bull",)),
    Claim("A4", "approximately $180 million of futures leverage was liquidated across the market, mostly shorts", (
        measure("after a day in which as much was liquidated, mostly shorts", lambda t, _: begins(t.flushed == 1), RETURN, UP, DAYS,
                needs=("liquidations",), knob="flush_usd", near=(100e6, 140e6, 250e6)),
    ), ("spot_bull",)),
    Claim("A5", "The market has become more 'clean'", (
        measure("little fuel near the price, and contracts given up within a day", lambda t, at: t.clean >= at, RETURN, UP, DAYS, at=0.6,
                near=(0.5, 0.7, 0.8), needs=(OI,)),
    ), ("spot_bull",), against="B4"),
    Claim("A6", "the funding rate remains at a healthy level of around 4%", (
        measure("funding between 0 and 10.95 % a year", lambda t, at: (t.annual >= 0.0) & (t.annual <= at + 1e-9), FALL, DOWN, DAYS,
                at=HEALTHY, near=(0.06, 0.08, 0.15), among=lambda t: np.isfinite(t.annual), needs=("funding",)),
    ), ("spot_bull",)),
    Claim("A7", "open interest has significantly decreased", (
        measure("days that rose while open interest fell by 3 %, beside all days that rose", lambda t, at: rises(t) & (t.oi_day <= at),
                RETURN, UP, DAYS, at=-0.03, near=(-0.02, -0.04, -0.05), among=rises, needs=(OI,)),
    ), ("spot_bull",)),
    Claim("A8", "genuine buying in the spot market", (
        measure("spot's takers bought on balance over a day", lambda t, at: t.buying > at, RETURN, UP, DAYS, at=0.0,
                near=(-0.01, 0.01, 0.02), needs=(SPOT_TAKERS,)),
    ), ("spot_bull",)),
    Claim("A9", "more solid and less prone to bubbles", (
        measure("rises that spot carries beside leveraged ones: the fall after them", spot_bull, FALL, DOWN, (72, 168), among=either_bull,
                needs=RALLY, **SCORES),
    ), (), against="C7g"),
    Claim("A10", "events ignited market sentiment, institutions … clear … shorts, and then spot market funds steadily continued", (
        measure("after shorts were cleared: whether spot took over in twelve hours", lambda t, _: begins(t.phase == Phase.CLEAR),
                TAKEN_OVER, UP, (12,), needs=FLUSH),
    ), ("spot_bull",)),
    Claim("A11", "institutions took the opportunity to clear risky leveraged shorts", (
        Measure("bursts of liquidated shorts before which large takers bought, beside all bursts", WatchDoors,
                lambda t, _: another_burst(t) & (t.lit == 1), RETURN, UP, (24,), among=lambda t: another_burst(t) & np.isfinite(t.lit),
                needs=("liquidations", "trades")),
    )),
    Claim("A12", "This isn't a 'leverage bull,' but a 'spot bull.'", (
        measure("rises that spot carries beside leveraged ones: the return after them", spot_bull, RETURN, UP, DAYS, among=either_bull,
                needs=RALLY, **SCORES),
    ), ("spot_bull",)),
    Claim("A13", "the heat from geopolitical factors may fade", (
        measure("less than half of the heat is left", lambda t, at: t.left < at, RETURN, DOWN, (24,), at=0.5, near=(0.25, 0.4, 0.6),
                among=lambda t: np.isfinite(t.left), needs=("exogenous.geopolitics",)),
    ), ("spot_bull",)),
    Claim("A14", "macro factors like Federal Reserve policies and global liquidity remain constraints", (
        measure("an announced event is near", lambda t, _: t.near == 1, VOLATILITY, UP, (12,), among=lambda t: np.isfinite(t.near),
                needs=("exogenous.macro",)),
        measure("after a bad surprise", lambda t, _: begins(t.bad == 1), RETURN, DOWN, (24,), among=lambda t: np.isfinite(t.bad),
                needs=("exogenous.macro",)),
    ), ("spot_bull",)),
    Claim("A15", "Can Bitcoin hold above $92,000", (
        measure("the last level broken has held for twelve hours", lambda t, _: t.holds == 1, RETURN, UP, DAYS,
                among=lambda t: np.isfinite(t.support), knob="support_rolling_h", near=(72.0, 120.0, 240.0)),
    ), ("support_hold", "spot_bull")),
    Claim("A16", "and push higher?", (
        measure("a push above the high since the level was won: another new high", lambda t, _: begins(t.push == 1), NEW_HIGH, UP, (24,),
                like=Like.DISTANCE, knob="support_rolling_h", near=(72.0, 120.0, 240.0)),
        measure("the same: the price rises", lambda t, _: begins(t.push == 1), RETURN, UP, (24,), knob="support_rolling_h",
                near=(72.0, 120.0, 240.0)),
    ), ("support_hold",)),
    Claim("A17", "Will Ethereum follow with increased volume and break through?", (
        measure("ether broke out with volume after bitcoin", lambda t, _: t.ether == 1, RETURN, UP, DAYS,
                among=lambda t: np.isfinite(t.ether), needs=("eth_spot_bars.volume",), knob="ether_volume", near=(1.25, 1.75, 2.0)),
    ), ("eth_follow",)),
    Claim("A18", "Manage your positions prudently", (
        measure("a size by volatility presumes that a wild day is followed by deeper falls", lambda t, at: t.quiet >= at, FALL, UP, (24,),
                at=0.8, near=(0.6, 0.7, 0.9), among=lambda t: np.isfinite(t.quiet), like=Like.HOUR),
    )),
    Claim("A19", "don't be scared out of the market", (
        measure("after an hour that fell by three volatilities, the price comes back", lambda t, at: begins(t.z <= at), RETURN, UP, (24,),
                at=-3.0, near=(-2.0, -2.5, -4.0), among=lambda t: np.isfinite(t.z)),
    ), ("spot_bull",)),
    Claim("A20", "or chase the highs", (
        measure("the price has run away, or funding is hot",
                lambda t, at: (t.z >= at) | (t.chase == Verdict.HOT) | (t.chase == Verdict.STRETCHED), RETURN, DOWN, (24,), at=3.0,
                near=(2.0, 2.5, 4.0), among=lambda t: np.isfinite(t.z), needs=("funding",)),
    ), ("spot_bull",)),
    Claim("A21", "where do you think the ceiling is?", (
        measure("the fuel above is used up, funding is hot, or the contracts are back", ceiling, RETURN, DOWN, (24,),
                needs=(OI, "funding")),
    ), ("spot_bull",), against="C8"),
)
