"""What must hold in every run, whatever is asked in whatever market: `audit` keeps accounts beside the loop's and checks each event.

In each of the drawn runs:

- at every sample equity is the sum of the ledger plus the positions at their marks, for every wallet and instrument; and the ledger
  comes to what the fills, their fees and the settlements of funding come to;
- the best price of a fill (without slippage) lies inside its bar: at the open, or between low and high. Excepted are, both
  at the order's own price and to its cost, a maker's fill at an open beyond that price, and a reduce-only limit whose price the path
  had passed before there was a position to reduce; and liquidations at the bankruptcy price;
- nothing fills in a bar that opened before its decision plus the latency (strict), or its decision less the lag (next open);
- no perpetual survives a bar, that of its entry included, with less margin than its maintenance; nothing else is liquidated;
- a reduce-only order never increases or turns a position; of two orders tied to each other one fills at the most;
- a bar gives no more than its participation.
"""

from collections import Counter

from audit import audit
from drawn import SCRIPTS
from hypothesis import HealthCheck, given, settings

EXAMPLES = 500
MET = {  # what that many runs must have met, and how often at least
    "samples": 5000, "taker fills at the open": 300, "taker fills on the path": 50, "maker fills at the open": 20,
    "maker fills on the path": 50, "next open fills": 200, "strict fills": 200, "bars survived": 1000, "entry bars survived": 100,
    "extremes survived": 500, "liquidated at the bankruptcy price": 10, "liquidated at the market": 10, "reduce-only fills": 50,
    "settlements": 100, "pairs": 100, "fills of a pair": 50,
}


def audit_many(examples: int, **options) -> Counter:
    """Counts of what was checked in so many drawn runs."""
    total: Counter = Counter()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), **options)
    @given(SCRIPTS)
    def one(script):
        total.update(audit(script))

    one()
    return total


def test_what_must_hold_in_every_run():
    counts = audit_many(EXAMPLES, derandomize=True)
    assert counts["runs"] >= EXAMPLES
    assert {name: counts[name] for name, least in MET.items() if counts[name] < least} == {}
