"""Groups of a tile: what is copied from the first one, and what is computed, is what the whole hook computes for each of them."""

import itertools

import numba
import numpy as np
import pytest
from again_cases import AgainCases
from tables import sample_market

from backtester.engine.abreast.again import differences, write_again
from backtester.engine.abreast.bind import bind_abreast
from backtester.engine.bind import bind
from backtester.engine.find import find_strategy
from backtester.engine.params import params_of
from backtester.engine.run import new_tile, run_tile
from backtester.engine.venue import terms_of, venue_of
from backtester.records import BAR, rows

CHOICES = {"a": [1.0, 3.0], "b": [2.0, -1.0], "n": [3, 5], "sharp": [False, True], "level": [10.0, np.nan]}
COLD = {"ring", "_"}  # what lanes cannot read is left as it was


def bars(rng) -> tuple:
    """A bar of spot and one of the perpetual, above and below the level."""
    both = rows(BAR, 2)
    for bar in both:
        bar.close = float(rng.integers(1, 20))
        bar.high, bar.low = bar.close + float(rng.integers(0, 3)), bar.close - float(rng.integers(0, 3))
    return both[0], both[1]


def told(record: np.void) -> dict:
    """The numbers of a record, without its arrays, by their paths."""
    out = {}
    for name in set(record.dtype.names) - COLD:
        value = record[name]
        inner = told(value) if value.dtype.names else {"": value.tobytes()}
        out |= {f"{name}.{path}": number for path, number in inner.items()}
    return out


@pytest.fixture
def plain(monkeypatch):
    """Everything runs as plain Python."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)


@pytest.mark.parametrize("varied", [names for n in (1, 2, 5) for names in itertools.combinations(CHOICES, n)])
def test_what_is_copied_is_what_is_computed(plain, varied):
    """Groups that differ in some parameters: the rewritten hooks leave in each what the hooks themselves do."""
    bound = bind(AgainCases)
    again, source = write_again(bound)
    assert ".ring = _first" not in source, "an array is dear to copy"
    assert set(again) == {"see_spot", "see_perp", "see_pair"}
    combinations = list(itertools.product(*(CHOICES[name] for name in varied)))
    params = np.repeat(params_of(AgainCases, {}), len(combinations))
    for name, column in zip(varied, zip(*combinations, strict=True), strict=True):
        params[name] = column
    market = sample_market(1)
    terms = np.repeat(terms_of(venue_of({}), market)[None], len(params), 0)
    whole, parts = (new_tile(bound, market, params, terms).groups for _ in range(2))
    assert len(whole) == len(combinations)
    rng, hooks = np.random.default_rng(len(varied)), bound.hooks
    for groups in (whole, parts):
        for group in groups:
            hooks["see_start"](group.seen, group.params)
    for _ in range(40):
        spot, perp = bars(rng)
        for name, x in (("see_spot", (spot,)), ("see_perp", (perp,)), ("see_pair", (spot, perp))):
            for group in (*whole, parts[0]):
                hooks[name](*x, group.seen, group.params)
            for group in parts[1:]:
                again[name](parts[0].seen, group.differs, *x, group.seen, group.params)
            for one, other in zip(whole, parts, strict=True):
                assert told(one["seen"]) == told(other["seen"]), name


def test_what_a_parameter_does_not_reach_is_not_computed():
    """The premium, the legs and their inputs stay out of a sweep of `premium_delta_bp`; the label and the doors do not."""
    bound = bind(find_strategy("door"))
    _, source = write_again(bound)
    bit = int(differences_of(bound, "premium_delta_bp"))
    computed = [line.strip() for line in computed_where(source, bit)]
    assert not [line for line in computed if line.startswith(("see_premium(", "see_premium_moves(", "see_legs(", "age_contracts("))]
    for line in ("see_doors(seen.doors, seen.divergence.legs, seen.divergence.done)", "f.delta_bp = in_bp("):
        assert any(each.startswith(line) for each in computed), line
    assert any(line.strip().startswith("see_legs(") for line in computed_where(source, int(differences_of(bound, "leg_k"))))


def differences_of(bound, name: str) -> np.int64:
    """The bit of a parameter."""
    params = np.repeat(params_of(bound.cls, {}), 2)
    params[name][1] += 1
    return differences(params, bound.grouped_by)[1]


def computed_where(source: str, bit: int) -> list[str]:
    """The lines that stand behind a test of `_differs` for this bit, or behind none."""
    out, skipped = [], None
    for line in source.splitlines():
        indent = len(line) - len(line.lstrip())
        if skipped is not None and indent > skipped:
            continue
        skipped = None
        if "if _differs &" in line and not int(line.split("&")[1].split()[0]) & bit:
            skipped = indent
        elif "_first." not in line:
            out.append(line)
    return out


def test_a_hook_that_cannot_be_followed_is_computed_whole(plain):
    """A hook that leaves a loop by a return: every group runs all of it."""

    bound = bind(Loops)
    assert write_again(bound) == ({}, "")


class Loops:
    """A hook that returns out of a loop."""

    class Params:
        n: int = 3

    class Seen:
        x: float

    class State:
        x: float

    def see_spot(bar, seen, p):
        for _ in range(p.n):
            seen.x += 1.0
            if seen.x > bar.close:
                return

    def on_bar(ctx, s, p):
        s.x = ctx.seen.x


def test_groups_of_every_parameter_are_the_lanes_one_by_one():
    """Each parameter that `door`'s market hooks read, two values of it in one tile, abreast and one by one: same bytes."""
    market = sample_market(20)
    bound = bind(find_strategy("door"))
    rng = np.random.default_rng(3)
    for name in bound.grouped_by:
        params = np.repeat(params_of(bound.cls, {}), 24)
        params["support"] = rng.uniform(80_000.0, 100_000.0, 24)
        number = params[name].dtype.kind == "f"
        params[name][12:] = params[name][0] * 1.3 if number else 1 - np.minimum(params[name][0], 1)
        terms = np.repeat(terms_of(venue_of({}), market)[None], 24, 0)
        one, other = run_tile(bound, market, params, terms), run_tile(bound, market, params, terms, bind_abreast(bound))
        assert [t.lanes["account"].tobytes() for t in (one, other)] == [one.lanes["account"].tobytes()] * 2, name
        assert one.minds.tobytes() == other.minds.tobytes(), name
        assert one.samples.tobytes() == other.samples.tobytes(), name
