"""The stories planted in the sample market, as legs: what each does to price, premium, open interest and flow."""

from dataclasses import dataclass, replace

import numpy as np

PREMIUM_BP = 4.6         # spot over perp in a quiet market; the funding formula turns it into about 4 % a year
MINUTES = 60 * 1440      # length of the market
GRID = 5                 # minutes; every leg begins and ends where open interest is reported
QUIET_MIN = 8 * 60       # minutes, the shortest quiet stretch between two episodes
WOBBLE_BP = 70.0         # spread of the price at which an ordinary episode begins

# direction of price, premium and open interest in a leg, and its taker flow (taker buys minus sells, over volume)
LABELS = {  #          price premium  oi   spot    perp
    "SHORTS_IN":       (-1, +1, +1, -0.01, -0.15),
    "LONGS_IN":        (+1, -1, +1, -0.01, +0.15),
    "SPOT_DRIVEN":     (+1, 0, 0, +0.12, +0.03),
    "SPOT_SELLS":      (-1, -1, 0, -0.15, -0.03),
    "SPOT_BUYS":       (+1, +1, 0, +0.15, +0.03),
    "LONGS_FLUSHED":   (-1, +1, -1, -0.02, -0.20),
    "SHORTS_SQUEEZED": (+1, -1, -1, -0.02, +0.20),
}
# what a forced leg liquidates: (longs, shorts) of one dollar of liquidations
FORCED = {"LONGS_FLUSHED": (0.9, 0.1), "SHORTS_SQUEEZED": (0.1, 0.9)}


@dataclass(frozen=True)
class Leg:
    """A stretch of the market; its changes are reached at its end."""

    label: str
    minutes: int                              # a multiple of GRID
    move_bp: float                            # log price
    premium_bp: float = 0.0                   # premium
    oi_pct: float = 0.0                       # log open interest, percent
    spot_flow: float = -0.015                 # taker buys minus sells over volume: slightly negative, as in real data
    perp_flow: float = -0.005
    activity: float = 1.0                     # volume, 1 in a quiet market
    noise: float = 1.0                        # deviations of price and open interest from the straight line, 1 in a quiet market
    drift: float = 1.0                        # the same of the premium
    liquidated: tuple[float, float] = (0, 0)  # longs, shorts; quote notional, beside the everyday prints
    role: str = ""                            # its place in the episode


@dataclass(frozen=True)
class Episode:
    kind: str            # divergence, door, spot_led, leverage
    legs: tuple[Leg, ...]
    facts: dict          # what truth says about the whole
    level: float = 0.0   # perp price at its start, quote; 0: where the price is


def grid(minutes: float) -> int:
    return int(minutes // GRID) * GRID


def labelled(label: str, minutes: float, size_bp: float, premium_bp: float, oi_pct: float, usd: float = 0.0, role: str = "") -> Leg:
    """A leg of that label's directions, of the given magnitudes."""
    price, premium, oi, spot_flow, perp_flow = LABELS[label]
    longs, shorts = FORCED.get(label, (0, 0))
    return Leg(label, grid(minutes), price * size_bp, premium * premium_bp, oi * oi_pct, spot_flow, perp_flow,
               activity=2.5, noise=0.6, drift=0.4, liquidated=(longs * usd, shorts * usd), role=role)


def divergence(rng, label: str, downwards: bool) -> Episode:
    """One leg on its own; `downwards` turns a SPOT_DRIVEN leg around."""
    leg = labelled(label, minutes=rng.uniform(45, 120), size_bp=rng.uniform(110, 190), premium_bp=rng.uniform(4.5, 7.5),
                   oi_pct=rng.uniform(1.3, 2.7), usd=rng.uniform(50e6, 110e6))
    if label == "SPOT_DRIVEN" and downwards:
        leg = replace(leg, move_bp=-leg.move_bp, spot_flow=-leg.spot_flow, perp_flow=-leg.perp_flow)
    return Episode("divergence", (leg,), {"label": label})


def door(rng, ending: str) -> Episode:
    """A spot-driven impulse, three doors, and either the new high or the shorts' victory."""
    def leg(role, label, size_bp, usd=0.0):
        return labelled(label, rng.uniform(75, 135), size_bp, rng.uniform(4.5, 6.0), rng.uniform(1.3, 2.0), usd, role)

    impulse = rng.uniform(170, 230)
    drop = impulse * rng.uniform(0.6, 0.75)
    rise = drop * rng.uniform(0.75, 0.95)
    again = rise * rng.uniform(1.05, 1.3)
    legs = [leg("anchor", "SPOT_DRIVEN", impulse), leg("door 1", "SHORTS_IN", drop), leg("door 2", "LONGS_IN", rise),
            leg("door 3", "SHORTS_IN", again)]
    if ending == "new_high":
        legs.append(leg("door 4", "SHORTS_SQUEEZED", drop - rise + again + rng.uniform(40, 80), usd=rng.uniform(40e6, 80e6)))
    else:
        legs += [leg("bounce", "SPOT_DRIVEN", again * rng.uniform(0.5, 0.6)), leg("door 4", "SPOT_SELLS", again * rng.uniform(1.4, 1.7))]
    return Episode("door", tuple(legs), {"ending": ending})


def spot_led(rng, support: float) -> Episode:
    """Shorts are cleared, then spot buyers carry the price up while open interest falls."""
    shorts = rng.uniform(195e6, 235e6)
    flush = Leg("SHORT_FLUSH", grid(rng.uniform(180, 240)), rng.uniform(80, 110), oi_pct=-rng.uniform(1.4, 1.9), spot_flow=0.05,
                perp_flow=0.10, activity=3.0, noise=0.5, drift=0.2, liquidated=(0.3 * shorts, shorts), role="flush")
    climb = Leg("SPOT_BULL", grid(rng.uniform(2.1, 2.6) * 1440), rng.uniform(430, 540), oi_pct=-rng.uniform(2.0, 2.6), spot_flow=0.04,
                perp_flow=0.0, activity=1.5, noise=0.4, drift=0.1, liquidated=(15e6, 45e6), role="climb")
    return Episode("spot_led", (flush, climb), {"support": support})


def leverage(rng) -> Episode:
    """The counter-example: leveraged longs push the perp over spot, and end in a cascade."""
    climb = Leg("LEVERAGE_BULL", grid(rng.uniform(36, 42) * 60), rng.uniform(330, 430), premium_bp=-rng.uniform(11.6, 12.6),
                oi_pct=rng.uniform(6.0, 8.0), spot_flow=-0.02, perp_flow=0.07, activity=1.7, noise=0.7, drift=0.4, role="climb")
    return Episode("leverage", (climb, labelled("LONGS_FLUSHED", 110, 190, 8.0, 3.0, 130e6, role="flush")), {})


# Prices at which episodes begin, by their place in the programme; linear between the lines.
BACKBONE = ((0, 95_500), (7, 92_550), (8, 97_000), (19, 98_500), (20, 100_500), (31, 100_600), (32, 104_500), (42, 101_000),
            (43, 102_500), (48, 102_500))
RALLIES = ((7, spot_led, (92_000,)), (19, leverage, ()), (31, spot_led, (100_000,)), (42, leverage, ()))


def programme(rng) -> list[Episode]:
    """Every episode in its order: ten doors and 35 single legs shuffled, the four rallies at their places."""
    ordinary = [divergence(rng, label, i % 2 == 1) for label in LABELS for i in range(5)]
    ordinary += [door(rng, ending) for ending in ("new_high", "shorts_win") for _ in range(5)]
    episodes = [ordinary[i] for i in rng.permutation(len(ordinary))]
    wobble_bp = rng.uniform(-WOBBLE_BP, WOBBLE_BP, len(episodes) + len(RALLIES))
    for place, rally, given in RALLIES:
        episodes.insert(place, rally(rng, *given))
        wobble_bp[place] = 0.0
    places, prices = np.array(BACKBONE).T
    levels = np.interp(np.arange(len(episodes)), places, prices) * np.exp(wobble_bp / 1e4)
    return [replace(episode, level=float(level)) for episode, level in zip(episodes, levels, strict=True)]


def quiet_minutes(rng, episodes: list[Episode]) -> np.ndarray:
    """Lengths of the quiet stretches: one before each episode, one after the last, minutes."""
    free = MINUTES - sum(leg.minutes for episode in episodes for leg in episode.legs) - QUIET_MIN * (len(episodes) + 1)
    shares = rng.dirichlet(np.full(len(episodes), 4.0)) * free * len(episodes) / (len(episodes) + 1)
    lengths = QUIET_MIN + (shares // GRID).astype(int) * GRID
    return np.append(lengths, free + QUIET_MIN * (len(episodes) + 1) - lengths.sum())
