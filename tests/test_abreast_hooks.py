"""Random hooks for lanes abreast compute what they compute lane by lane, to the byte; `python -m benchmarks.proof hooks` has more."""

import pytest
from hooks_abreast import compare, compare_many

SEEDS = 12

# What a random hook seldom holds in so small a form.
SMALL = {
    "a place of the shared array that is known": "    s.a = ctx.seen.ring[1] + ctx.seen.ring[-1]\n",
    "a shared number among numbers of the lane": "    s.a = 1.0 if ctx.seen.k in (s.i, 2) else s.b\n",
    "a chain that ends before a call": "    if s.a < p.x < bump(s.leg):\n        s.j = 1\n",
    "a name that is another record for some lanes": (
        "    one = s.leg\n    if s.a > 0.0:\n        one = s.other\n    if s.b > 0.0:\n        one.u += 1.0\n"
    ),
    "a place far outside that nobody asks for": "    if ctx.seen.k < 1:\n        s.a = pick(ctx.seen, ctx.seen.k * 10**12)\n",
    "calls in the sides of conditions": "    s.a = 1.0 if s.on and bump(s.leg) > 0.0 or bump(s.other) > 1.0 else s.b or bump(s.leg)\n",
    "what is held is asked for": "    target(ctx.perp, 1.0, 1)\n    s.b += 1.0\n",
}
HELPERS = """\
def bump(leg):
    leg.n += 1
    leg.u = -leg.u
    return leg.u

def pick(seen, n):
    return seen.ring[n]

"""


def test_random_hooks_are_the_same_lane_by_lane():
    counts, wrong = compare_many(range(SEEDS))
    assert wrong == {}
    assert counts["equal"] == counts["hooks"] == SEEDS
    assert counts["never abreast"] < SEEDS / 4
    assert counts["in vectors"] > SEEDS / 2
    assert counts["idle instants"] > 5 * SEEDS
    assert 0 < counts["lane-instants that escaped"] < counts["lane-instants"] / 2
    assert counts["finite"] > counts["values"] / 2


@pytest.mark.parametrize("words", SMALL)
def test_small_hooks_are_the_same_lane_by_lane(words):
    assert compare(5, f"{HELPERS}def on_bar(ctx, s, p):\n{SMALL[words]}").wrong == []
