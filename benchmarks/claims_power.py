"""How often claims are called where nothing is true, and where one is by construction: `python -m benchmarks.claims_power [PART ...]`.

Parts: null, random walks whose premium, open interest, takers and liquidations know nothing of them; legs, markets in which the price
rises by so much after every drop in which shorts come in (B3); weekends, quiet ones after which Monday jumps (B7). `null 50` makes 50
markets. Thresholds around the defaults are left out, so the plateau keeps nothing from being called: the rates are upper bounds.
"""

import sys
from collections import Counter
from dataclasses import replace

import numpy as np

from backtester.claims import ALL, Claim, Measured, Verdict, measure_claims
from backtester.market.constructed import weekends as weeks
from backtester.market.constructed.kinds import construct
from backtester.market.constructed.told import Drawn
from backtester.market.episodes import Episode, Leg, labelled
from backtester.market.invented import header, records, stories
from backtester.market.merge import build
from backtester.market.paths import on_clock, paths, unpinned
from backtester.market.schema import Market, parse_header

DAYS = 180
NULLS, MARKETS = 200, 20
CALLED = (Verdict.SUPPORTED, Verdict.CONTRADICTED)
PLAIN = tuple(replace(claim, measures=tuple(replace(m, near=()) for m in claim.measures)) for claim in ALL)
RISES_BP = (0.0, 50.0, 100.0, 200.0)  # after a planted drop, in a day


def market_of(tables: dict, head: dict) -> Market:
    """An invented market in memory."""
    told = parse_header(head, "dataset.yaml")
    place = {each.name: i for i, each in enumerate(told.instruments)}
    return build(told.name, told.instruments, {(stream, place[name]): table for (stream, name), table in tables.items()}, told.tags)


def drawn_market(drawn: Drawn) -> Market:
    """The market of a draw."""
    return market_of(drawn.tables, header("planted", drawn.assets, list(dict.fromkeys(s for s, _ in drawn.tables)), "planted", drawn.tags))


def random_walk(seed: int) -> Market:
    """Half a year in which nothing is true."""
    made = construct("null", seed, days=DAYS)
    return market_of(made.tables, made.header)


def null(markets: int = NULLS) -> None:
    """The share of claims that random walks are called to support or contradict."""
    called, tested, wrong, first, rejected = Counter(), 0, 0, 0, 0
    for seed in range(markets):
        found = measure_claims(random_walk(seed), PLAIN)
        names = [f"{each.claim.number} {each.verdict}" for each in found.judged if each.verdict in CALLED]
        tested += sum(any(finding.compared for finding in each.findings) for each in found.judged)
        rows = [row for each in found.judged for finding in each.findings for row in finding.compared]
        first += sum(row.p < 0.05 for row in rows)
        rejected += len(rows)
        called.update(names)
        wrong += bool(names)
        told = f"{seed + 1} markets: {sum(called.values())} of {tested} claims called ({share(sum(called.values()), tested)}), in {wrong}"
        print(f"{told} markets at least one; single comparisons below 0.05: {share(first, rejected)}", flush=True)
    print(", ".join(f"{name} {n}" for name, n in called.most_common()))


def share(part: int, whole: int) -> str:
    return f"{100.0 * part / max(whole, 1):.2f} %"


def planted_drops(seed: int, rise_bp: float, drops: int = 100) -> Drawn:
    """Drops in which shorts come in, in half a year of a random walk; each is followed by a day that rises by so much."""
    rng = np.random.default_rng(seed)
    episodes = []
    for k in range(drops):
        size, premium = rng.uniform(130, 190), rng.uniform(5.0, 7.0)
        drop = labelled("SHORTS_IN", rng.uniform(60, 110), size, premium, rng.uniform(1.3, 2.0))
        after = Leg("AFTER", 1440, rise_bp, premium_bp=-premium, oi_pct=-1.6)
        episodes.append(Episode("drop", (drop, after), {}, 95_000.0 if k == 0 else 0.0))
    quiet = [int(q) // 5 * 5 for q in rng.uniform(600, 1200, drops + 1)]
    k = on_clock(episodes, quiet)
    return Drawn(records(rng, k, paths(rng, k, unpinned)), stories(k))


def verdicts(found: Measured, number: str) -> str:
    """What a claim was called."""
    return str(next(each.verdict for each in found.judged if each.claim.number == number))


def only(number: str) -> tuple[Claim, ...]:
    return tuple(claim for claim in PLAIN if claim.number == number)


def legs(markets: int = MARKETS) -> None:
    """B3 with rises of several sizes planted after every drop."""
    for rise in RISES_BP:
        rows = Counter(verdicts(measure_claims(drawn_market(planted_drops(seed, rise)), PLAIN), "B3") for seed in range(markets))
        print(f"B3, {rise:g} bp in the day after 100 drops: {dict(rows)} of {markets} markets", flush=True)


def weekends(markets: int = MARKETS) -> None:
    """B7 on half years of weekends, quiet ones before Mondays that jump."""
    rows = Counter(
        verdicts(measure_claims(drawn_market(weeks.weekends(np.random.default_rng(seed))), only("B7")), "B7") for seed in range(markets)
    )
    print(f"B7, 26 weekends of which the quiet ones are followed by a jump: {dict(rows)} of {markets} markets", flush=True)


PARTS = {"null": null, "legs": legs, "weekends": weekends}


def main() -> None:
    """Measure the parts that the command line names, or all."""
    words = sys.argv[1:] or list(PARTS)
    for k, word in enumerate(words):
        if word in PARTS:
            more = words[k + 1 : k + 2]
            PARTS[word](*(int(n) for n in more if n.isdecimal()))
        elif not word.isdecimal():
            sys.exit(f"no part {word} (parts are {', '.join(PARTS)})")


if __name__ == "__main__":
    main()
