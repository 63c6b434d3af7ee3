"""Groups of a tile: what is copied from the first one, and what is computed, is what the whole hook computes for each of them."""

import itertools

import numba
import numpy as np
import pytest
from again_cases import AgainCases
from tables import sample_market

from backtester.engine.abreast.again import differences, write_again
from backtester.engine.abreast.bind import bind_abreast
from backtester.engine.abreast.reach import ALIKE, PARAMS, Reach, Record
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


def returns_from_a_loop(bar, seen, p):
    for _ in range(p.n):
        seen.x += 1.0
        if seen.x > bar.close:
            return


def calls_what_a_parameter_chooses(bar, seen, p):
    seen.x = (up if p.n > 3 else down)(bar.close)


def calls_a_method(bar, seen, p):
    seen.x = p.y.conjugate()


def has_a_name_that_is_taken(bar, seen, p):
    _differs = 0
    seen.x = p.y + bar.close if _differs == 0 else 0.0
    down(seen.x)


def calls_itself(bar, seen, p):
    seen.x = deep(bar.close * p.y)


def up(x):
    return x + 1.0


def down(x):
    return x - 1.0


def deep(x):
    return deep(x - 1.0) if x > 1.0 else x


UNCLEAR = (returns_from_a_loop, calls_what_a_parameter_chooses, calls_a_method, has_a_name_that_is_taken, calls_itself)


@pytest.mark.parametrize("hook", UNCLEAR, ids=lambda hook: hook.__name__)
def test_a_hook_that_cannot_be_followed_is_computed_whole(plain, hook):
    """Every group then runs all of every hook."""
    own = {"Params": Numbers, "Seen": Number, "State": Number, "see_spot": hook, "on_bar": remember}
    assert write_again(bind(type("Followed", (), own))) == ({}, "")


def test_what_can_be_followed_is(plain):
    """The frame of the hooks above is none of the reasons."""
    own = {"Params": Numbers, "Seen": Number, "State": Number, "see_spot": adds, "on_bar": remember}
    assert set(write_again(bind(type("Followed", (), own)))[0]) == {"see_spot"}


def test_nested_conditions_are_followed_at_once(plain):
    """Each condition is walked once, however deep it stands."""
    walked = []
    bound = bind(type("Followed", (), {"Params": Numbers, "Seen": Number, "State": Number, "see_spot": nested, "on_bar": remember}))
    reach = Reach(bound.helpers)
    number = reach.number
    reach.number = lambda call, node: walked.append(node) or number(call, node)
    reach.walk(nested, [ALIKE, Record("seen", bound.group["seen"]), PARAMS], {})
    assert len(walked) < 60


class Numbers:
    n: int = 3
    y: float = 2.0


class Number:
    x: float


def adds(bar, seen, p):
    seen.x += bar.close * p.y


def nested(bar, seen, p):
    x = bar.close
    seen.x = 0.0 if x > p.y else 1.0 if x > 2.0 else 2.0 if x > 3.0 else 3.0 if x > 4.0 else 4.0 if x > 5.0 else 5.0 if x > 6.0 else 6.0


def remember(ctx, s, p):
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
