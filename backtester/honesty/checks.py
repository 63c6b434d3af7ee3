"""The checks themselves: what is tried, and what it means that it holds."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backtester import api
from backtester.engine import jit
from backtester.engine.bind import bind
from backtester.engine.params import params_of
from backtester.engine.venue import terms_of
from backtester.errors import UserError
from backtester.honesty.apart import file_of, run_apart
from backtester.honesty.differ import difference
from backtester.honesty.lanes import lanes_and_singles
from backtester.honesty.looks import Subject, leaves, looks
from backtester.honesty.markets import cut_at, garbled_after, known_at, random_moments
from backtester.market.schema import Market
from backtester.market.times import iso

Step = Callable[[int, int], None]  # done, of how many
Outcome = tuple[str, str]          # what was tried; the difference, empty where there is none


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    holds: bool
    tried: str       # in words: how many cuts, events, lanes
    seconds: float
    difference: str  # the first differing row of the first differing table, in both versions; empty where the check holds


def check(
    data: Market | str | Path, strategy, cuts: int = 20, seed: int = 0, *, venue: dict | None = None,
    rebuild: Callable[[int], Market] | None = None, plain_seconds: float = 5.0, progress: Callable[[str, int, int], None] | None = None,
    **params,
) -> list[Finding]:
    """Try `strategy` (a name, a file or a class) with its `params` on `data`; one finding a check.

    `cuts` random moments are drawn by `seed`. `rebuild(moment)` builds the market from what had arrived by `moment` (ns UTC): with
    it the pipeline that made `data` is checked too. Plain Python, which is slow, runs for `plain_seconds`. `progress(check, done, of)`
    is told how far it is. Raises UserError for a strategy, a parameter or data that cannot be right.
    """
    if jit.plain():
        raise UserError("NUMBA_DISABLE_JIT is set: unset it, for compiled code is compared with plain Python")
    if cuts < 1:
        raise UserError(f"cuts: must be 1 or more, is {cuts}")
    market, cls, terms, _ = api.prepare(data, strategy, venue)
    file_of(cls)  # refuses what a fresh process could not import
    subject = Subject(bind(cls, market.roles), market, params_of(cls, params), terms_of(terms, market))
    next(looks(subject, market, [1]))  # compiles
    moments = random_moments(market, cuts, seed)
    checks = {
        "prefix invariance": partial(at_moments, subject, moments, partial(cut_at, market), "the market cut there"),
        "future shuffle": partial(at_moments, subject, moments, partial(garbled_after, market, seed=seed), "another future"),
        "plain against compiled": partial(plain_and_compiled, subject, plain_seconds),
        "one lane against many": partial(one_and_many, subject, seed),
        "determinism": partial(again_and_apart, subject),
    }
    if rebuild:
        checks["rebuilt data"] = partial(rebuilt_data, market, moments, rebuild)
    return [finding(name, call, progress) for name, call in checks.items()]


def finding(name: str, call: Callable[[Step], Outcome], progress: Callable[[str, int, int], None] | None) -> Finding:
    """Run one check and time it."""
    start = time.monotonic()
    tried, different = call(partial(progress, name) if progress else lambda done, of: None)
    return Finding(name, not different, tried, time.monotonic() - start, different)


def at_moments(subject: Subject, moments: list, other: Callable[[int], Market], name: str, step: Step) -> Outcome:
    """At each of (moment in ns, events known by then) the run stands as it does in the market that is `other` after that moment."""
    whole = looks(subject, subject.market, [events for _, events in moments])
    for done, ((moment, events), (_, look)) in enumerate(zip(moments, whole, strict=True)):
        step(done, len(moments))
        _, same = next(looks(subject, other(moment), [events]))
        if different := difference(look, same, ("the whole market", name), moment):
            return f"{done + 1} cuts", f"known until {iso(moment)}, after {events:,} events: {different}"
    return f"{len(moments)} cuts, {sum(events for _, events in moments):,} events", ""


def plain_and_compiled(subject: Subject, seconds: float, step: Step) -> Outcome:
    """Plain Python and compiled code do the same."""
    step(0, 1)
    plain = run_apart(subject, plain=True, seconds=seconds)
    tried = f"{plain.events:,} events in plain Python"
    if plain.error:
        return tried, f"plain Python stops where compiled code runs on: {plain.error}"
    _, look = next(looks(subject, subject.market, [plain.events]))
    return tried, difference(look, plain.look, ("compiled", "plain Python"), subject.market.end)


def one_and_many(subject: Subject, seed: int, step: Step) -> Outcome:
    """A lane among others ends as it does alone."""
    lanes = 0
    for lane, among, alone in lanes_and_singles(subject, seed, step):
        lanes += 1
        if different := difference({"lane": among}, {"lane": alone}, (f"lane {lane}", "alone"), subject.market.end):
            return f"{lanes} lanes", different
    return f"{lanes} lanes, {lanes * len(subject.market.streams.events):,} events", ""


def again_and_apart(subject: Subject, step: Step) -> Outcome:
    """The same run gives the same bytes: twice in this process, and in a fresh one."""
    events, end = len(subject.market.streams.events), subject.market.end
    _, first = next(looks(subject, subject.market, [events]))
    step(1, 3)
    _, second = next(looks(subject, subject.market, [events]))
    tried = f"3 runs of {events:,} events"
    if different := difference(first, second, ("first run", "second run"), end):
        return tried, different
    step(2, 3)
    fresh = run_apart(subject)
    return tried, fresh.error or difference(first, fresh.look, ("this process", "a fresh process"), end)


def rebuilt_data(market: Market, moments: list, rebuild: Callable[[int], Market], step: Step) -> Outcome:
    """What the data set says was known by a moment is what its pipeline makes of all that had arrived by then."""
    for done, (moment, _) in enumerate(moments):
        step(done, len(moments))
        one, other = ({f"{stream} of instrument {i}": leaves(table) for (stream, i), table in known_at(each, moment).items()}
                      for each in (market, rebuild(moment)))
        if different := difference(one, other, ("the data set", "rebuilt"), moment):
            return f"{done + 1} cuts", f"known until {iso(moment)}: {different}"
    return f"{len(moments)} cuts", ""
