"""Ethereum's confirmation (G10): bitcoin breaks out four times, and ether follows with volume, with a break, with both or neither."""

from dataclasses import replace

from backtester.market.assets import BTC, ETH
from backtester.market.constructed.told import STILL, Drawn, quiet_between, shuffled
from backtester.market.episodes import Episode, Leg
from backtester.market.invented import records, stories
from backtester.market.paths import on_clock, paths

BTC_LEVEL, ETH_LEVEL = 100_000.0, 3_500.0  # quote
STEP = 1.03           # by which bitcoin stands higher before each further break-out, and twice which ether after a break
NOISE = 0.15          # so quiet that a break is one
HISTORY_H = 22 * 24   # before the first, for windows of twenty days
BUSY = 3.5            # activity where ether trades with volume


def eth(rng) -> Drawn:
    """Break-outs of bitcoin; ether confirms only where it breaks its high of seven days and trades half as much again, twelve hours on."""
    cases = shuffled(rng, [(volume, breaks) for volume in (True, False) for breaks in (True, False)])
    bitcoin = [lead(n) for n in range(len(cases))]
    quiet = quiet_between(rng, bitcoin, HISTORY_H, 8 * 24)
    level, ether = ETH_LEVEL, []
    for volume, breaks in cases:
        ether.append(follow(level, volume, breaks))
        level = level * STEP**2 if breaks else level
    scripts = [on_clock(episodes, quiet, asset, calm=replace(STILL, noise=NOISE)) for episodes, asset in ((bitcoin, BTC), (ether, ETH))]
    both = [records(rng, k, paths(rng, k)) for k in scripts]
    truth = [told | {"btc_legs": led["legs"]} for led, told in zip(*(stories(k) for k in scripts), strict=True)]
    return Drawn(both[0] | both[1], truth, (BTC, ETH))


def lead(n: int) -> Episode:
    """Bitcoin breaks out within six hours, and stays there for the rest of two days."""
    up = Leg("BREAK", 360, 450.0, spot_flow=0.05, activity=2.0, noise=NOISE, role="btc break")
    return Episode("btc", (up, Leg("QUIET", 42 * 60, 0.0, noise=NOISE, role="after")), {}, BTC_LEVEL * STEP**n)


def follow(level: float, volume: bool, breaks: bool) -> Episode:
    """Ether waits twelve hours, moves in six, and is as busy for thirty as it will be; without a break it steps back first."""
    activity = BUSY if volume else 1.0
    legs = (
        Leg("WAIT", 720, 0.0 if breaks else -250.0, activity=activity, noise=NOISE, role="wait"),
        Leg("BREAK" if breaks else "RANGE", 360, 650.0 if breaks else 0.0, activity=activity, noise=NOISE, role="move"),
        Leg("AFTER", 720, 0.0, activity=activity, noise=NOISE, role="after"),
        Leg("QUIET", 1080, 0.0, noise=NOISE, role="quiet"),
    )
    return Episode("eth", legs, {"volume": volume, "breaks": breaks, "confirmed": volume and breaks}, level)
