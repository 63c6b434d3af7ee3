"""Labels of single legs (G1 to G4): doors, and the moves that look alike and are not, each beside its counterpart."""

from dataclasses import replace

import numpy as np

from backtester.market.constructed.told import STILL, Drawn, shuffled, told
from backtester.market.episodes import Episode, Leg, door, labelled

TOP = 106_000.0    # quote, where the first impulse ends
LEVEL = 100_000.0  # quote, where the first of the other legs begins
TURN_BP = 90.0     # by which the price goes the other way before a leg, so that its beginning is beyond doubt
APART_H = 50.0     # hours between games: a game that shorts won is over after two days
WEAK_BP = 1.4      # a premium change between epsilon and delta of a divergence
UNDONE = {         # what a leg is called that takes back price, premium and open interest of another
    "SHORTS_IN": "SHORTS_SQUEEZED", "LONGS_IN": "LONGS_FLUSHED", "LONGS_FLUSHED": "LONGS_IN", "SHORTS_SQUEEZED": "SHORTS_IN",
    "SPOT_BUYS": "SPOT_SELLS", "SPOT_DRIVEN": "SPOT_DRIVEN", "WEAK": "WEAK",
}


def five_doors(rng) -> Drawn:
    """An impulse to 106,000 and its doors, six times: three end with a new high, three with the shorts' victory."""
    games = [after_turn(door(rng, ending)) for ending in shuffled(rng, ("new_high", "shorts_win") * 3)]
    rise_bp = sum(leg.move_bp for leg in games[0].legs[:2])
    drawn = told(rng, [replace(games[0], level=TOP / np.exp(rise_bp / 1e4)), *games[1:]], between_h=APART_H)
    for entry in drawn.truth:
        legs = {leg["role"]: leg for leg in entry["legs"]}
        entry |= {"anchor": legs["anchor"]["to_price"], "doors": 4, "armed_between": [legs["door 3"]["start"], legs["door 3"]["end"]]}
    return drawn


def after_turn(episode: Episode) -> Episode:
    """The episode, its legs straighter than the sample's, after a move of spot against its first leg."""
    move_bp = -TURN_BP * float(np.sign(episode.legs[0].move_bp))
    turn = replace(labelled("SPOT_DRIVEN", 60, TURN_BP, 0.0, 0.0), role="turn")
    if move_bp < 0:
        turn = mirrored(turn)
    return replace(episode, legs=tuple(replace(leg, noise=STILL.noise, drift=STILL.drift) for leg in (turn, *episode.legs)))


def mirrored(leg: Leg) -> Leg:
    """A leg of spot alone, the other way."""
    return replace(leg, move_bp=-leg.move_bp, premium_bp=-leg.premium_bp, spot_flow=-leg.spot_flow, perp_flow=-leg.perp_flow)


def cascade(rng) -> Drawn:
    """Longs are flushed out of a falling market, four times, and four drops with the same premium in which shorts come in."""
    return twins(rng, "cascade", "LONGS_FLUSHED", "SHORTS_IN")


def squeeze(rng) -> Drawn:
    """Shorts are squeezed out of a rising market, four times, and four rises with the same premium in which longs come in."""
    return twins(rng, "squeeze", "SHORTS_SQUEEZED", "LONGS_IN")


def twins(rng, kind: str, forced: str, control: str) -> Drawn:
    """Pairs of legs of equal price, premium and length: one loses contracts, the other gains them."""
    episodes = []
    for pair in range(4):
        shape = {"minutes": rng.uniform(60, 110), "size_bp": rng.uniform(130, 190), "premium_bp": rng.uniform(5.0, 7.0)}
        usd = float(rng.uniform(90e6, 140e6))
        lost = there_and_back(kind, forced, pair, oi_pct=rng.uniform(2.7, 3.3), usd=usd, **shape)
        gained = there_and_back("control", control, pair, oi_pct=rng.uniform(1.8, 2.4), usd=usd, **shape)
        episodes += shuffled(rng, [lost, gained])
    return begun(rng, episodes)


def spot_impulse(rng) -> Drawn:
    """Rises of 170 bp and more: spot's own, with the premium unchanged, and others in which it moves a little or much."""
    episodes = []
    for number in range(4):
        shape = {"minutes": rng.uniform(75, 150), "size_bp": rng.uniform(170, 230), "usd": float(rng.uniform(40e6, 80e6))}
        weak_bp = WEAK_BP if number % 2 else -WEAK_BP
        episodes += [
            there_and_back("impulse", "SPOT_DRIVEN", number, premium_bp=0.0, oi_pct=0.0, **shape),
            there_and_back("control", "WEAK", number, premium_bp=weak_bp, oi_pct=0.0, **shape),
            *(there_and_back("control", label, number, premium_bp=rng.uniform(5.0, 7.0), oi_pct=rng.uniform(1.3, 2.0), **shape)
              for label in ("LONGS_IN", "SPOT_BUYS")),
        ]
    return begun(rng, shuffled(rng, episodes))


def there_and_back(kind: str, label: str, number: int, **shape) -> Episode:
    """A turn, the leg, and the leg that undoes it; `number` says which episodes belong together."""
    there, back = one(label, **shape), one(UNDONE[label], **shape)
    if np.sign(back.move_bp) == np.sign(there.move_bp):
        back = mirrored(back)
    legs = (replace(there, role="leg"), replace(back, role="undo"))
    return after_turn(Episode(kind, legs, {"label": label, "number": number}))


def one(label: str, premium_bp: float, **shape) -> Leg:
    """A leg of that label; a weak one is spot's own, but for its premium."""
    if label != "WEAK":
        return labelled(label, premium_bp=premium_bp, **shape)
    return replace(labelled("SPOT_DRIVEN", premium_bp=0.0, **shape), label=label, premium_bp=premium_bp)


def begun(rng, episodes: list[Episode]) -> Drawn:
    """The market of these episodes; each begins where the one before ended, so that no way back is a leg of its own."""
    return told(rng, [replace(episodes[0], level=LEVEL), *episodes[1:]])
