"""Every constructed market against what the strategies see in it: precision and recall, kind by kind. `python -m benchmarks.found_kinds`.

Several seeds of each kind, counts added up. Planted is what the truth says; found, what of it is seen where and when it is; called, all
that is seen; right, what of that is planted. Labels and doors are scored as in found.py, with the thresholds of the documents; a regime
hour by hour from a day after its start; a flush by the stretch of hours; a weekend, a confirmation, a broken level and a push one by one.
"""

import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

import backtester as bt
from backtester.features.regime import Regime
from backtester.market.constructed.kinds import construct, ensure_kind
from benchmarks.found import LITERAL, covers, found_legs, line
from strategies.spot_bull import SpotBull

SEEDS = (3, 4, 5, 6)
HOUR = 3_600_000_000_000  # ns
LEGS = ("five_doors", "cascade", "squeeze", "spot_impulse")
STRICT = {"takers": "ratio", "min_score": 0.6, "premium_unit": "bp", "fuel_takers": None, "flush_factor": None}  # document A's numbers

Scores = tuple[int, int, int, int]  # planted, of these found, called, of these right


class RegimeWatch(SpotBull):
    """Document A's strategy with its hour's label and flush in its trace."""

    class Trace:
        label: Regime
        flushed: float

    def trace(ctx, s, p, row):
        row.label = s.carried.label
        row.flushed = ctx.seen.rally.flush.flushed


def ns(text: str) -> int:
    """ISO text to ns."""
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 10**9


@cache
def market_of(kind: str, seed: int):
    """A constructed market, by the way that users take."""
    with tempfile.TemporaryDirectory() as folder:
        return bt.load(ensure_kind(kind, Path(folder) / kind, seed))


@cache
def truth_of(kind: str, seed: int) -> list[dict]:
    """What was planted in it."""
    return construct(kind, seed).truth


def at_hours(kind: str, seed: int, strategy, **params) -> dict[str, np.ndarray]:
    """A strategy's trace at full hours."""
    trace = bt.run(market_of(kind, seed), strategy, **params).tables["trace"]
    full = trace["ts"] % HOUR == 0
    return {name: column[full] for name, column in trace.items()}


def added(scores: list[Scores]) -> Scores:
    """The counts of several markets."""
    planted, found, called, right = (int(sum(column)) for column in zip(*scores, strict=True))
    return planted, found, called, right


# ---------------------------------------------------------------- legs and doors


def labels(kind: str, seed: int) -> dict[str, Scores]:
    """Label -> scores; what the quiet stretches tell by themselves is called, and not right."""
    legs = [leg for entry in truth_of(kind, seed) for leg in entry["legs"]]
    truth = [(ns(leg["start"]), ns(leg["end"]), float(np.sign(leg["move_bp"])), leg["label"]) for leg in legs]
    calls = found_legs(market_of(kind, seed), **LITERAL)
    out = {}
    for label in sorted({leg[3] for leg in truth}):
        mine, theirs = [leg for leg in truth if leg[3] == label], [leg for leg in calls if leg[3] == label]
        found = sum(any(covers(call, leg) for call in theirs) for leg in mine)
        out[label] = (len(mine), found, len(theirs), sum(any(covers(call, leg) for leg in mine) for call in theirs))
    return out


def third_doors(seed: int) -> Scores:
    """The drop that arms the trade, and later ones of the same game."""
    planted = [(*(ns(moment) for moment in entry["armed_between"]), -1.0) for entry in truth_of("five_doors", seed)]
    legs = found_legs(market_of("five_doors", seed), **LITERAL)
    calls = [leg for leg in legs if leg[4] >= 3 and leg[4] % 2 == 1 and leg[3] == "SHORTS_IN"]
    found = sum(any(covers(call, door) for call in calls) for door in planted)
    return len(planted), found, len(calls), sum(any(covers(call, door) for door in planted) for call in calls)


# ---------------------------------------------------------------- regimes and flushes


def regimes(seed: int) -> dict[str, Scores]:
    """Label -> scores of hours; one that is called before its regime can be told, but inside of it, is right."""
    seen, truth, out = at_hours("regimes", seed, RegimeWatch, **STRICT), truth_of("regimes", seed), {}
    for label in (Regime.SPOT_BULL, Regime.LEVERAGE_BULL, Regime.SHORT_COVER):
        spans = [(ns(each["judged_from"]), ns(each["start"]), ns(each["end"])) for each in truth if each["regime"] == label.name]
        due = np.any([(seen["ts"] >= known) & (seen["ts"] <= end) for known, _, end in spans], axis=0)
        inside = np.any([(seen["ts"] > start) & (seen["ts"] <= end) for _, start, end in spans], axis=0)
        called = seen["label"] == label
        out[label.name] = (int(due.sum()), int((due & called).sum()), int(called.sum()), int((inside & called).sum()))
    return out


def flushes(kind: str, seed: int) -> Scores:
    """Stretches of hours at which mostly shorts were liquidated in the last day, 180 million or more: of the planted legs, and as seen."""
    seen = at_hours(kind, seed, RegimeWatch, **STRICT)
    legs = [leg for entry in truth_of(kind, seed) for leg in entry["legs"]]
    longs, shorts = (sum(forced_by(leg, side, seen["ts"]) for leg in legs) for side in ("long", "short"))
    planted = stretches((longs + shorts >= 180e6) & (shorts >= 0.6 * (longs + shorts)), seen["ts"])
    calls = stretches(seen["flushed"] == 1.0, seen["ts"])
    meets = np.array([[first <= end and start <= last for start, end in planted] for first, last in calls])
    meets = meets.reshape(len(calls), len(planted))
    return len(planted), int(meets.any(axis=0).sum()), len(calls), int(meets.any(axis=1).sum())


def forced_by(leg: dict, side: str, hours: np.ndarray) -> np.ndarray:
    """What a leg had liquidated within the 24 hours before each hour, evenly over its time, quote."""
    start, end = ns(leg["start"]), ns(leg["end"])
    inside = np.clip(np.minimum(hours, end) - np.maximum(hours - 24 * HOUR, start), 0, None)
    return leg[f"{side}_liquidations"] * (inside / (end - start))


def stretches(asked: np.ndarray, hours: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) of each run of hours at which something holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], asked.astype(int), [0]])))
    return [(int(hours[first]), int(hours[last - 1])) for first, last in zip(edges[::2], edges[1::2], strict=True)]


# ---------------------------------------------------------------- weekends, ether, levels


def weekends(seed: int) -> Scores:
    """Compressed weekends, of those that can be judged."""
    trace = bt.run(market_of("weekends", seed), "weekend_monday").tables["trace"]
    truth = {ns(each["end"]): each["compressed"] for each in truth_of("weekends", seed) if each["judged"]}
    judged = {end: trace["compressed"][np.searchsorted(trace["ts"], end)] == 1.0 for end in truth}
    both = sum(judged[end] and planted for end, planted in truth.items())
    return sum(truth.values()), both, sum(judged.values()), both


def ether(seed: int) -> Scores:
    """Confirmations within two days of bitcoin's break."""
    seen = at_hours("eth", seed, "eth_follow", eth_volume_of="quote")
    begins = seen["ts"][np.flatnonzero(np.diff(seen["confirmed"] == 1.0, prepend=False) & (seen["confirmed"] == 1.0))]
    spans = [(ns(each["start"]), ns(each["start"]) + 48 * HOUR) for each in truth_of("eth", seed) if each["confirmed"]]
    right = sum(any(start < ts <= end for start, end in spans) for ts in begins)
    return len(spans), sum(any(start < ts <= end for ts in begins) for start, end in spans), len(begins), right


def levels(seed: int) -> dict[str, Scores]:
    """Breaks of the level, and pushes above it, each at its hour."""
    seen, truth = at_hours("support", seed, "support_hold"), truth_of("support", seed)
    begins = {name: {int(ts) for before, after, ts in zip(seen[name], seen[name][1:], seen["ts"][1:], strict=False) if after and not before}
              for name in ("broken", "push")}  # fmt: skip
    spans = [(ns(each["start"]), ns(each["end"])) for each in truth]
    told = {ts for ts in begins["push"] if any(start < ts <= end for start, end in spans)}  # the quiet stretches push, too
    broken = {ns(each["broken_at"]) for each in truth if each["broken_at"]}
    pushes = {ns(moment) for each in truth for moment in each["pushes_at"]}
    return {
        "broken": (len(broken), len(broken & begins["broken"]), len(begins["broken"]), len(broken & begins["broken"])),
        "push": (len(pushes), len(pushes & begins["push"]), len(told), len(pushes & told)),
    }


def main() -> None:
    """Print a line for each kind of thing that is planted."""
    for kind in LEGS:
        print(f"-- {kind}, {len(SEEDS)} markets", flush=True)
        by_seed = [labels(kind, seed) for seed in SEEDS]
        for label in sorted({name for each in by_seed for name in each}):
            print(line(label, added([each[label] for each in by_seed if label in each])), flush=True)
        if kind == "five_doors":
            print(line("third door", added([third_doors(seed) for seed in SEEDS])), flush=True)
    print(f"-- regimes, {len(SEEDS)} markets, hours", flush=True)
    by_seed = [regimes(seed) for seed in SEEDS]
    for label in by_seed[0]:
        print(line(label, added([each[label] for each in by_seed])), flush=True)
    print("-- flushes of shorts, stretches of hours", flush=True)
    for kind in ("regimes", "cascade", "squeeze"):
        print(line(kind, added([flushes(kind, seed) for seed in SEEDS])), flush=True)
    print("-- single moments", flush=True)
    print(line("quiet weekend", added([weekends(seed) for seed in SEEDS])), flush=True)
    print(line("ether confirms", added([ether(seed) for seed in SEEDS])), flush=True)
    by_seed = [levels(seed) for seed in SEEDS]
    for name in by_seed[0]:
        print(line(f"level: {name}", added([each[name] for each in by_seed])), flush=True)


if __name__ == "__main__":
    main()
