"""The claims of document B, on doors and spot-futures divergence (May 2025), as moments and what should follow them."""

import numpy as np

from backtester.claims.claim import DOWN, UP, Claim, Like, Measure
from backtester.claims.outcomes import CONTRACTS, FORCED, NEW_HIGH, RETURN, VOLATILITY, column
from backtester.claims.watch_doors import WatchDoors
from backtester.claims.watched import HOUR, Watched, begins, everywhere
from backtester.features.initiative import Battle
from backtester.features.labels import Label
from backtester.features.weekend import Time

DROPS = (Label.SHORTS_IN, Label.LONGS_FLUSHED)     # price down, premium up, by what open interest did
RISES = (Label.LONGS_IN, Label.SHORTS_SQUEEZED)    # price up, premium down
DELTAS = {"knob": "premium_delta_bp", "near": (0.5, 0.75, 1.5, 2.0)}  # around 1.0, in usual moves of an hour
TAKERS = "perp_bars.taker_buy"
SPOT_TAKERS = "spot_bars.taker_buy"
OI = "open_interest"
OF_LEG = column("change of open interest in the leg", "%", lambda t: 100.0 * t.done_oi)
SPOT_FORCE = column("spot takers' purchases", "sd", lambda t: t.force_z)


def legs(t: Watched) -> np.ndarray:
    """Where a leg was confirmed."""
    return begins(t.turned == 1)


def called(t: Watched, *labels: Label) -> np.ndarray:
    """Where a leg was confirmed that has one of these labels."""
    return legs(t) & np.isin(t.done, labels)


def game_begins(t: Watched, _: float) -> np.ndarray:
    """Where a new anchor stands."""
    before = np.concatenate([[np.nan], t.anchor[:-1]])
    return np.isfinite(t.anchor) & (t.anchor != before)


def third_door(t: Watched, _: float) -> np.ndarray:
    """Where shorts begin to come in while a third door, or a later drop of the same game, is drawn."""
    return begins((t.drawing >= 3) & (t.drawing % 2 == 1) & (t.label == Label.SHORTS_IN))


def door_closed(t: Watched, _: float) -> np.ndarray:
    """Where a further door was completed."""
    return legs(t) & (t.doors > np.concatenate([[0.0], t.doors[:-1]]))


def weekend_over(t: Watched) -> np.ndarray:
    """The first close of Shanghai's Monday."""
    return begins(t.time == Time.MONDAY)


def at_its_hour(t: Watched) -> np.ndarray:
    """All days at the hour at which Shanghai's weekend ends, 16:00 UTC."""
    return t.ts % (24 * HOUR) == 16 * HOUR


def measure(about, event, outcome, expect, hours, **more) -> Measure:
    """One of this document's, seen by its watch."""
    return Measure(about, WatchDoors, event, outcome, expect, hours, **more)


CLAIMS = (
    Claim("B1", "micro-level BTC spot-futures divergence", (
        measure("after legs in which price and premium went different ways: return against the leg, beside all legs",
                lambda t, _: called(t, *DROPS, *RISES, Label.DIV_UNCONF), RETURN, UP, (4, 24), among=legs, side=lambda t: -t.done_way,
                needs=(OI,), **DELTAS),
    ), ("divergence_leg",)),
    Claim("B2", "After the price rose to 106,000, the first 'door' appeared", (
        measure("after an impulse that spot drove: the price drops", game_begins, RETURN, DOWN, (4, 8), knob="anchor_bp",
                near=(60.0, 100.0, 150.0), needs=(OI,)),
    ), ("door_game",)),
    Claim("B3", "price dropping and spot premium continuously rising, indicating that retail short sellers are massively entering", (
        measure("drops with a rising premium: whether open interest rose, beside all drops",
                lambda t, _: called(t, *DROPS, Label.DIV_UNCONF), OF_LEG, UP, (0,), among=lambda t: legs(t) & (t.done_way < 0), needs=(OI,),
                **DELTAS),
        measure("after drops in which shorts came in: they face liquidation, so the price rises",
                lambda t, _: called(t, Label.SHORTS_IN), RETURN, UP, (4, 24), needs=(OI,), **DELTAS),
    ), ("door_game", "divergence_leg")),
    Claim("B4", "a large number of short-term high-leverage liquidation orders above the price", (
        measure("shorts that would be liquidated within 2 % above are many, for a quarter (takers of the perp taken as even)",
                lambda t, at: t.above_rank >= at, RETURN, UP, (4, 24), at=0.8, near=(0.6, 0.7, 0.9), needs=(OI,)),
        measure("more would be liquidated above than below, by who opened the contracts",
                lambda t, at: t.imbalance >= at, RETURN, UP, (4, 24), at=0.15, near=(0.1, 0.2, 0.3), needs=(OI, TAKERS)),
    ), ("door_game",), against="A5"),
    Claim("B5", "the price rose again, but the spot premium was declining … retail long traders … liquidation orders below the price", (
        measure("rises with a falling premium: whether open interest rose, beside all rises",
                lambda t, _: called(t, *RISES, Label.DIV_UNCONF), OF_LEG, UP, (0,), among=lambda t: legs(t) & (t.done_way > 0), needs=(OI,),
                **DELTAS),
        measure("after rises in which longs came in: they face liquidation, so the price falls",
                lambda t, _: called(t, Label.LONGS_IN), RETURN, DOWN, (4, 24), needs=(OI,), **DELTAS),
    ), ("door_game", "divergence_leg")),
    Claim("B6", "the price now has downward liquidation momentum again", (
        measure("liquidations pull down", lambda t, at: t.momentum <= at, RETURN, DOWN, (4, 24), at=-0.001, near=(0.0, -0.0005, -0.002),
                needs=(OI, TAKERS)),
    ), ("door_game",)),
    Claim("B7", "Why will BTC be so volatile on Monday morning? … low volatility throughout the entire weekend", (
        measure("twelve hours after a quiet weekend, beside those after any weekend",
                lambda t, _: weekend_over(t) & (t.compressed == 1), VOLATILITY, UP, (12,),
                among=lambda t: weekend_over(t) & np.isfinite(t.compressed), knob="quiet_q", near=(0.2, 0.4, 0.5), like=Like.HOUR),
        measure("twelve hours after any weekend, beside the same hours of all days", lambda t, _: weekend_over(t), VOLATILITY, UP, (12,),
                among=at_its_hour, like=Like.HOUR),
    ), ("weekend_monday",)),
    Claim("B8", "institutional position adjustment or spot buying … the spot premium remained essentially unchanged", (
        measure("rises without a divergence: whether spot's takers bought, beside all rises",
                lambda t, _: called(t, Label.SPOT_DRIVEN), SPOT_FORCE, UP, (0,), among=lambda t: legs(t) & (t.done_way > 0),
                knob="premium_eps_bp", near=(0.25, 0.4, 0.75), needs=(OI, SPOT_TAKERS)),
    ), ("door_game",)),
    Claim("B9", "short sellers first took the initiative, then were completely wiped out", (
        measure("after shorts took the initiative: the price rises into them", lambda t, _: begins(t.battle == Battle.SHORTS_INIT),
                RETURN, UP, (24,), needs=(OI,), **DELTAS),
    ), ("door_game",)),
    Claim("B10", "long traders taking the initiative, currently in a rather delicate state", (
        measure("both sides loaded alike", lambda t, _: t.battle == Battle.DELICATE, VOLATILITY, UP, (24,), needs=(OI, TAKERS),
                knob="delicate_even", near=(0.05, 0.15, 0.2)),
    ), ("door_game",)),
    Claim("B11", "whether the spot premium can rise again during the price drop, completing a third 'door' … a new high again!", (
        measure("a third door with a rising premium: a new high follows", third_door, NEW_HIGH, UP, (48,), like=Like.DISTANCE,
                needs=(OI,), **DELTAS),
        measure("a third door with a rising premium: the price rises", third_door, RETURN, UP, (24,), needs=(OI,), **DELTAS),
    ), ("door_game",)),
    Claim("B12", "If the premium starts to decline with the price drop … the short sellers might ultimately win", (
        measure("a drop in which the premium falls, as soon as it is seen",
                lambda t, _: begins((t.way < 0) & (t.label == Label.SPOT_SELLS)), RETURN, DOWN, (4, 24), needs=(OI,), **DELTAS),
    ), ("door_game",)),
    Claim("B13", "which side the spot main force tends to help", (
        measure("spot's takers buy or sell more than usual in an hour: return on their side",
                lambda t, at: np.abs(t.force_z) >= at, RETURN, UP, (4, 24), at=1.0, near=(0.5, 1.5, 2.0),
                among=lambda t: np.isfinite(t.force_z), side=lambda t: np.sign(t.force_z), needs=(SPOT_TAKERS,)),
    ), ("door_game",)),
    Claim("B14", "the fierce battle between long and short futures", (
        measure("both sides have much to lose near the price, for a quarter (takers of the perp taken as even)",
                lambda t, at: t.weaker_rank >= at, VOLATILITY, UP, (4, 24), at=0.8, near=(0.6, 0.7, 0.9), needs=(OI,)),
    ), ("door_game",)),
    Claim("B15", "retail", (
        measure("many accounts went one way and the top traders the other: return against the many", lambda t, _: np.abs(t.crowd) == 1,
                RETURN, UP, (24,), among=lambda t: np.isfinite(t.crowd), side=lambda t: -t.crowd, needs=("long_short_ratio",)),
    ), ("door_game",)),
    Claim("B16", "short-term high-leverage", (
        measure("after legs in which a crowd came in: whether the contracts are gone within a day",
                lambda t, _: called(t, Label.SHORTS_IN, Label.LONGS_IN), CONTRACTS, DOWN, (24,), knob="oi_min", near=(0.0005, 0.002, 0.005),
                needs=(OI,)),
    ), ("door_game",)),
    Claim("B17", "in this back-and-forth 'door' game", (
        measure("after a door: return against it, beside all legs", door_closed, RETURN, UP, (4, 8), among=legs,
                side=lambda t: -t.done_way, knob="retrace_lo", near=(0.15, 0.35, 0.5), needs=(OI,)),
    ), ("door_game",)),
    Claim("B18", "potentially facing further liquidation", (
        measure("after drops in which shorts came in: whose positions are liquidated", lambda t, _: called(t, Label.SHORTS_IN), FORCED, UP,
                (24,), among=everywhere, needs=(OI, "liquidations"), **DELTAS),
    ), ("door_game",)),
)
