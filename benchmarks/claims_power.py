"""How often claims are called where nothing is true, and where one is by construction: `python -m benchmarks.claims_power [PART ...]`.

Parts: null, random walks whose premium, open interest, takers and liquidations know nothing of them; legs, markets in which the price
rises by so much in the day after every drop in which shorts come in (B3). `null 50 100` makes 50 markets, from seed 100 on. Thresholds
around the defaults are left out, so the plateau keeps nothing from being called: the rates are upper bounds.
"""

import sys
from collections import Counter
from dataclasses import replace
from itertools import takewhile

import numpy as np

from backtester.claims import ALL, RETURN, Measured, Verdict, measure_claims
from backtester.market.assets import BTC
from backtester.market.constructed.kinds import construct
from backtester.market.episodes import Episode, Leg, labelled
from backtester.market.invented import header, records
from backtester.market.merge import build
from backtester.market.paths import on_clock, paths, unpinned
from backtester.market.schema import Market, parse_header

DAYS = 120
NULLS, MARKETS = 200, 20
DROPS = 100
CALLED = (Verdict.SUPPORTED, Verdict.CONTRADICTED)
PLAIN = tuple(replace(claim, measures=tuple(replace(m, near=()) for m in claim.measures)) for claim in ALL)
RISES_BP = (0.0, 50.0, 100.0, 200.0)  # after a planted drop, in a day


def market_of(tables: dict, head: dict) -> Market:
    """An invented market in memory, its bars of five minutes."""
    told = parse_header(head, "dataset.yaml")
    place = {each.name: i for i, each in enumerate(told.instruments)}
    coarse = {(stream, place[name]): coarser(table) if stream.endswith("_bars") else table for (stream, name), table in tables.items()}
    return build(told.name, told.instruments, coarse, told.tags)


def random_walk(seed: int) -> Market:
    """A third of a year in which nothing is true."""
    made = construct("null", seed, days=DAYS)
    return market_of(made.tables, made.header)


def coarser(bars: np.ndarray) -> np.ndarray:
    """Bars of five minutes from bars of one; each is known when its last minute is."""
    five = bars[: len(bars) // 5 * 5].reshape(-1, 5)
    out = five[:, -1].copy()
    for name in ("ts_event", "open"):
        out[name] = five[:, 0][name]
    out["high"], out["low"] = five["high"].max(axis=1), five["low"].min(axis=1)
    for name in ("volume", "quote_volume", "taker_buy"):
        out[name] = five[name].sum(axis=1)
    return out


def null(markets: int = NULLS, first: int = 0) -> None:
    """The share of claims that random walks are called to support or contradict, and of single comparisons of returns below 0.05."""
    called, tested, wrong, below, compared = Counter(), 0, 0, 0, 0
    for done, seed in enumerate(range(first, first + markets), 1):
        found = measure_claims(random_walk(seed), PLAIN)
        names = [f"{each.claim.number} {each.verdict}" for each in found.judged if each.verdict in CALLED]
        tested += sum(any(finding.compared for finding in each.findings) for each in found.judged)
        studied = [finding for each in found.judged for finding in each.findings if finding.study.measure.outcome is RETURN]
        levels = [row.p for finding in studied for row in finding.compared]
        below, compared = below + sum(p < 0.05 for p in levels), compared + len(levels)
        called.update(names)
        wrong += bool(names)
        told = f"{done} markets: {sum(called.values())} of {tested} claims called ({share(sum(called.values()), tested)}), in {wrong}"
        print(f"{told} markets at least one; single comparisons of returns below 0.05: {share(below, compared)}; {names}", flush=True)
    print(", ".join(f"{name} {n}" for name, n in called.most_common()))


def share(part: int, whole: int) -> str:
    return f"{100.0 * part / max(whole, 1):.2f} %"


def planted_drops(seed: int, rise_bp: float) -> Market:
    """Drops in which shorts come in, on a random walk; each is followed by a day that rises by so much, then half a day later by a rise of
    spot that takes the drop back, so that the market as a whole goes nowhere else."""
    rng = np.random.default_rng(seed)
    episodes = []
    for k in range(DROPS):
        size, premium = rng.uniform(130, 190), rng.uniform(5.0, 7.0)
        drop = labelled("SHORTS_IN", rng.uniform(60, 110), size, premium, rng.uniform(1.3, 2.0))
        after = Leg("AFTER", 1440, rise_bp, premium_bp=-premium, oi_pct=-1.6)
        back = labelled("SPOT_DRIVEN", rng.uniform(60, 110), size, 0.0, 0.0)
        episodes.append(Episode("drop", (drop, after, Leg("QUIET", 720, 0.0), back), {}, 95_000.0 if k == 0 else 0.0))
    k = on_clock(episodes, [int(q) // 5 * 5 for q in rng.uniform(600, 1200, DROPS + 1)])
    tables = records(rng, k, paths(rng, k, unpinned))
    return market_of(tables, header("planted", (BTC,), list(dict.fromkeys(stream for stream, _ in tables)), "planted"))


def is_found(found: Measured, number: str) -> bool:
    """Whether the returns after a claim's events are called, in the direction that it expects."""
    findings = next(each.findings for each in found.judged if each.claim.number == number)
    return any(each.study.measure.outcome is RETURN and each.sign == each.study.measure.expect for each in findings)


def legs(markets: int = MARKETS) -> None:
    """B3 with rises of several sizes planted after every drop: its second measure, for that open interest rises in them is planted, too."""
    for rise in RISES_BP:
        hits = sum(is_found(measure_claims(planted_drops(seed, rise), PLAIN), "B3") for seed in range(markets))
        print(f"B3, {rise:g} bp in the day after {DROPS} drops: the rise is called in {hits} of {markets} markets", flush=True)


PARTS = {"null": null, "legs": legs}


def main() -> None:
    """Measure the parts that the command line names, or all."""
    words = sys.argv[1:] or list(PARTS)
    for k, word in enumerate(words):
        if word in PARTS:
            more = takewhile(str.isdecimal, words[k + 1 :])
            PARTS[word](*map(int, more))
        elif not word.isdecimal():
            sys.exit(f"no part {word} (parts are {', '.join(PARTS)})")


if __name__ == "__main__":
    main()
