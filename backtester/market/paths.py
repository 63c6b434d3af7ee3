"""From a script of legs to the paths of an invented market: perp and spot price, open interest, flow and activity.

Every path is a line through the levels at the ends of the legs, plus noise that is pinned to zero there: what a leg
plants is therefore in the data exactly, and what lies between is a random walk.
"""

from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from backtester.market.assets import BTC, Asset
from backtester.market.episodes import GRID, PREMIUM_BP, Episode, Leg, quiet_minutes

START = int(np.datetime64("2025-04-01T00:00", "ns").astype("i8"))
MINUTE = 60 * 10**9      # ns
STEPS = 6                # path points per minute
OI_RETURN = 0.6          # share of its distance from the quiet market's level that open interest covers in a quiet stretch
SETTLE_MIN = 480         # minutes in which the premium change of a longer leg is completed
SIGMA_BP = 5.0           # perp return per minute
SIGMA_SPREAD = 0.25      # log spread of the volatility, and its half-life
SIGMA_HALF_LIFE = 360    # minutes
DRIFT_BP = 0.85          # slow part of the premium: spread and half-life
DRIFT_HALF_LIFE = 90     # minutes
FLICKER_BP = 0.25        # fast part of the premium, independent at each point
OI_STEP = 0.001          # base
OI_SIGMA = 0.0007        # log change of open interest in GRID minutes
CALM = Leg("QUIET", 0, 0.0)


class Knots(NamedTuple):
    """The script on the clock: levels at the ends of its legs, one more than there are legs."""

    legs: tuple[Leg, ...]
    minute: np.ndarray       # int64, from the start of the market
    price: np.ndarray        # log perp price
    premium: np.ndarray      # bp
    oi: np.ndarray           # log base
    planted: list[tuple[Episode, int]]  # an episode and the number of its first leg
    asset: Asset = BTC
    start: int = START       # of the market, ns


class Paths(NamedTuple):
    perp: np.ndarray         # quote, on ticks; STEPS points a minute, and the last
    spot: np.ndarray         # the same
    oi: np.ndarray           # base; every GRID minutes, and the last
    surprise: np.ndarray     # return of the perp per minute over the usual one, signed
    leg: np.ndarray          # number of the leg of each minute
    asset: Asset = BTC
    start: int = START       # of the market, ns


def knots(rng, episodes: list[Episode]) -> Knots:
    """Put the sample's episodes on the clock."""
    return on_clock(episodes, quiet_minutes(rng, episodes))


def on_clock(episodes: list[Episode], quiet, asset: Asset = BTC, start: int = START, calm: Leg = CALM) -> Knots:
    """Episodes on the clock, with quiet stretches that lead from one to the next.

    `quiet` are their lengths in minutes, one before each episode and one after the last (0: none); `calm` is what they are like.
    An episode without a level begins where the price is; the first one needs its own.
    """
    legs: list[Leg] = []
    planted = []
    price, premium, oi = [np.log(episodes[0].level)], [PREMIUM_BP], [np.log(asset.open_interest)]

    def add(leg: Leg) -> None:
        legs.append(leg)
        price.append(price[-1] + leg.move_bp / 1e4)
        premium.append(premium[-1] + leg.premium_bp)
        oi.append(oi[-1] + leg.oi_pct / 100)

    def rest(minutes: int, level: float) -> None:
        move_bp, oi_pct = (np.log(level) - price[-1]) * 1e4, (np.log(asset.open_interest) - oi[-1]) * 100
        if minutes:
            add(replace(calm, minutes=int(minutes), move_bp=move_bp, premium_bp=PREMIUM_BP - premium[-1], oi_pct=oi_pct * OI_RETURN))

    for episode, minutes in zip(episodes, quiet, strict=False):
        rest(minutes, episode.level or np.exp(price[-1]))
        planted.append((episode, len(legs)))
        for leg in episode.legs:
            add(leg)
    rest(quiet[-1], np.exp(price[-1]))
    minute = np.cumsum([0] + [leg.minutes for leg in legs])
    return Knots(tuple(legs), minute, np.array(price), np.array(premium), np.array(oi), planted, asset, start)


def rounded(value: np.ndarray, step: float) -> np.ndarray:
    """The nearest multiples of a tick or lot; the last bits of exp and log, which machines disagree on, vanish here."""
    return np.round(np.round(value / step) * step, 8)


def wander(rng, count: int, spread: float, half_life: float) -> np.ndarray:
    """A mean-reverting walk around zero with that spread, half-life in points; it starts in its stationary state."""
    keep = 0.5 ** (1 / half_life)
    shocks = rng.normal(0, spread * np.sqrt(1 - keep**2), count)
    shocks[0] = rng.normal(0, spread)
    return np.array(list(accumulate(shocks.tolist(), lambda level, shock: keep * level + shock)))


def pinned(walk: np.ndarray, knot: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The walk's distance from its own straight lines between the knots, scaled leg by leg: zero at every knot."""
    distance = walk - np.interp(np.arange(len(walk)), knot, walk[knot])
    return distance * np.append(np.repeat(scale, np.diff(knot)), 0.0)


def unpinned(walk: np.ndarray, knot: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The walk as it is: it leads where it leads."""
    return walk


def premium_path(rng, k: Knots) -> np.ndarray:
    """Spot over perp, bp, at each point: planted changes with soft ends, a slow drift and a fast flicker."""
    knot, minutes = k.minute * STEPS, np.arange(k.minute[-1] + 1)
    point = np.arange(knot[-1])
    leg = np.repeat(np.arange(len(k.legs)), np.diff(knot))
    done = np.minimum((point - knot[leg]) / np.minimum(np.diff(knot), SETTLE_MIN * STEPS)[leg], 1.0)
    planted = k.premium[leg] + np.diff(k.premium)[leg] * done * done * (3 - 2 * done)
    drift = np.interp(np.append(point, knot[-1]) / STEPS, minutes, wander(rng, len(minutes), DRIFT_BP, DRIFT_HALF_LIFE))
    slow = pinned(drift, knot, np.array([leg.drift for leg in k.legs]))
    return np.append(planted, k.premium[-1]) + slow + rng.normal(0, FLICKER_BP, len(slow))


def paths(rng, k: Knots, held=pinned) -> Paths:
    """The paths of a script; `held` says what becomes of the noise of price and open interest at its knots."""
    minutes, knot = int(k.minute[-1]), k.minute * STEPS
    points = np.arange(minutes * STEPS + 1)
    noise = np.array([leg.noise for leg in k.legs])
    sigma = SIGMA_BP / 1e4 * np.exp(wander(rng, minutes, SIGMA_SPREAD, SIGMA_HALF_LIFE))
    shocks = rng.normal(0, 1, minutes * STEPS) * np.repeat(sigma, STEPS) / np.sqrt(STEPS)
    perp = np.interp(points, knot, k.price) + held(np.append(0.0, np.cumsum(shocks)), knot, noise)
    spot = perp + premium_path(rng, k) / 1e4
    steady = np.append(0.0, np.cumsum(rng.normal(0, OI_SIGMA, minutes // GRID)))
    oi = np.interp(points[:: STEPS * GRID], knot, k.oi) + held(steady, k.minute // GRID, noise)
    return Paths(
        perp=rounded(np.exp(perp), k.asset.perp_tick), spot=rounded(np.exp(spot), k.asset.spot_tick), oi=rounded(np.exp(oi), OI_STEP),
        surprise=np.diff(perp[::STEPS]) / (SIGMA_BP / 1e4), leg=np.repeat(np.arange(len(k.legs)), np.diff(k.minute)),
        asset=k.asset, start=k.start,
    )
