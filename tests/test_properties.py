"""What must hold in every run, whatever is asked in whatever market: an `Audit` walks it beside its own accounts and checks each event.

In each of the drawn runs:

- at every sample equity is the sum of the ledger plus the positions at their marks, for every wallet and instrument; and the ledger
  comes to what the fills, their fees and the settlements of funding come to;
- the best price of a fill (without slippage) lies inside its bar: at the open, or between low and high. Excepted are, both
  at the order's own price and to its cost, a maker's fill at an open beyond that price, and a reduce-only limit whose price the path
  had passed before there was a position to reduce; and liquidations at the bankruptcy price;
- nothing fills in a bar that opened before its decision plus the latency (strict), or its decision less the lag (next open);
- nothing survives the bars of a moment, those of its entry included, with less margin than its maintenance, a position alone or all
  perpetuals of a crossed account together, and where their path has changed nothing, nothing did at any corner of it; nothing else
  is liquidated, and nowhere else than where the margin first fails; of a crossed account that is bankrupt the greatest notional bears
  the loss, afterwards its wallet is empty;
- under cross margin a perpetual grows at an open only where the margin balance at the marks' opens carries it, its fee included;
- a reduce-only order never increases or turns a position; of two orders tied to each other one fills at the most;
- a bracket's halves fill only after its entry, the first fill of either ends what is left of the entry, and only a whole fill of one
  ends the other;
- a bar gives no more than its participation.
"""

from collections import Counter
from math import isclose

from audit import ACCOUNT, NEAR, Walk
from drawn import ANY, SHARED
from hypothesis import HealthCheck, given, settings
from hypothesis.internal.constants_ast import Constants

from backtester.engine import codes

CLOSE = 1e-7  # relative, of a price where a margin is nothing
EXAMPLES = 500
MET = {  # what that many runs must have met, and how often at least
    "samples": 5000, "taker fills at the open": 300, "taker fills on the path": 50, "maker fills at the open": 20,
    "maker fills on the path": 50, "next open fills": 200, "strict fills": 200, "bars survived": 1000, "entry bars survived": 100,
    "extremes survived": 500, "liquidated at the bankruptcy price": 10, "liquidated at the market": 10, "reduce-only fills": 50,
    "settlements": 100, "pairs": 100, "fills of a pair": 50, "entries ended by a half": 20, "halves filled in part": 20,
    "accounts' bars survived": 1000, "entry accounts' bars survived": 50, "accounts' extremes survived": 1000, "accounts liquidated": 10,
    "initial margins": 500, "liquidated where the margin first fails": 30,
}


class Audit(Walk):
    """One run, and what must hold of each of its events."""

    def __init__(self, script):
        super().__init__(script)
        self.falling, self.closed, self.place = [], 0.0, None  # being liquidated; the greatest notional closed at its mark; where
        self.tied, self.fills, self.fills_of_pairs = set(), Counter(), Counter()

    def check_equity(self, log):
        """Cash is the sum of all amounts, and what the fills and settlements come to; equity adds what is held, at its mark."""
        row, small = log.equity[-1], self.small()
        assert isclose(row["cash"], sum(self.wallets.values()), rel_tol=NEAR, abs_tol=small)
        assert isclose(row["cash"], self.cash, rel_tol=NEAR, abs_tol=small)
        assert isclose(row["equity"], self.wallets[ACCOUNT] + sum(map(self.worth, range(len(self.positions)))), rel_tol=NEAR, abs_tol=small)
        for i, position in enumerate(self.positions):
            assert isclose(log.held[-1, i], position.qty, rel_tol=NEAR, abs_tol=NEAR * abs(position.qty) + 1e-12)
        self.counts["samples"] += 1

    def check_bars(self, rows, before):
        """Nothing below its liquidation price survives the bars; what their path did not change never stood there on it."""
        moved = rows["ts"][(rows["what"] == codes.CASH) | (rows["what"] == codes.FILL)]
        if (moved >= self.close()).any():  # paid after the path
            return
        for stake in self.stakes():
            if len(stake) == 1 and stake[0] not in self.bars:
                continue
            who, ways = "bars" if len(stake) == 1 else "accounts' bars", self.ways(stake)
            assert self.surplus(stake, ways[0][3]) > -self.small(), f"{who}: the margin failed at the close"
            self.counts[f"{who} survived"] += 1
            self.counts[f"entry {who} survived"] += any(before[i] == 0.0 for i in stake)
            if not (moved == self.close() - 1).any():
                assert min(self.surplus(stake, corner) for corner in ways[0]) > -self.small(), f"{who}: the margin failed on the path"
                self.counts["extremes survived" if len(stake) == 1 else "accounts' extremes survived"] += 1

    def check_liquidation(self, i, row):
        """Only where the margin fails somewhere on the path is anything liquidated; bankruptcy takes the whole wallet."""
        if not self.falling:
            self.falling, self.closed = next(stake for stake in self.stakes() if i in stake).copy(), 0.0
            assert len(self.falling) > 1 or i in self.bars
            at_open = row["ts"] < self.close() - 1
            corners = [corner for way in self.ways(self.falling) for corner in way[: 1 if at_open else 4]]
            assert min(self.surplus(self.falling, corner) for corner in corners) <= self.small(), "liquidated without reason"
            self.place = self.failure(self.falling) if self.moves == 1 else None  # nothing had moved on the path
            self.counts["liquidations"] += 1
            self.counts["accounts liquidated"] += len(self.falling) > 1
        if self.venue["liquidation"] == "mark_slip":
            assert i == self.falling[0]
        elif len(self.falling) == 1:
            assert isclose(row["a"], -self.wallets[i if self.isolated else ACCOUNT], rel_tol=NEAR, abs_tol=self.small())

    def check_forced(self, i, row):
        """What the venue closes by itself: at the mark, at the bankruptcy price (outside any range), or at the market."""
        best, size = best_of(row), abs(row["a"])
        if row["reason"] == codes.BANKRUPT:
            assert isclose(best, self.marks[i].price, rel_tol=NEAR)
            self.counts["closed at the mark"] += 1
            return
        least, greatest = self.reach(i, row["ts"]) if self.place is None else (self.place[i],) * 2
        self.counts["liquidated where the margin first fails"] += int(self.place is not None)
        close = NEAR if self.place is None else CLOSE
        self.falling.remove(i)
        if self.venue["liquidation"] == "mark_slip":
            worse = min if row["a"] < 0.0 else max
            assert worse(least) * (1.0 - close) <= best <= worse(greatest) * (1.0 + close)
            assert isclose(row["c"], size * row["b"] * self.venue["liquidation_fee_bp"] * 1e-4, rel_tol=NEAR)
            self.counts["liquidated at the market"] += 1
        elif self.falling:
            assert least[0] * (1.0 - close) <= best <= greatest[0] * (1.0 + close)
            assert row["c"] == row["d"] == 0.0
            self.closed = max(self.closed, size * best)
            self.counts["closed at the mark"] += 1
        else:
            assert size * greatest[0] >= self.closed * (1.0 - close), "another one had the greatest notional"
            self.counts["liquidated at the bankruptcy price"] += 1
        if not self.falling:
            left = self.wallets[i if self.isolated else ACCOUNT]
            gone = self.isolated or self.venue["liquidation"] == "bankruptcy"
            assert abs(left) <= self.small() if gone else left >= -self.small()

    def check_fill(self, i, row):
        """A fill of an order: its best price, its moment, what it reduces, its other half."""
        number, best, qty = int(row["order"]), best_of(row), row["a"]
        order, bar = self.orders[number], self.bars[i]
        assert order["instrument"] == i
        assert number not in self.ends
        assert row["ts"] in (bar.ts_event, bar.ts_close - 1)
        maker = row["code"] == codes.MAKER
        rate = self.venue["maker_bp" if maker else "taker_bp"] * 1e-4
        assert isclose(row["c"], abs(qty) * row["b"] * rate, rel_tol=NEAR, abs_tol=1e-12)
        if row["ts"] == bar.ts_close - 1:
            inside = bar.low * (1.0 - NEAR) <= best <= bar.high * (1.0 + NEAR)
            passed = maker and order["f"] % 2 == 1 and (best - (bar.high if qty > 0.0 else bar.low)) * qty > 0.0
            assert inside or passed  # a reduce-only limit that the price had passed before there was something to reduce
            self.counts["reduce-only limits beyond the bar"] += int(passed)
        elif maker:  # in the book before a gap: at its own price, worse than the whole bar offers at the open
            assert (best - bar.open) * qty > 0.0
        else:
            assert isclose(best, bar.open, rel_tol=NEAR)
        self.counts[f"{'maker' if maker else 'taker'} fills {'at the open' if row['ts'] == bar.ts_event else 'on the path'}"] += 1
        self.check_moment(order, bar)
        self.check_margin(i, row)
        held = self.positions[i].qty
        if order["f"] % 2 == 1:
            assert held * qty < 0.0
            assert abs(qty) <= abs(held) * (1.0 + NEAR)
            self.counts["reduce-only fills"] += 1
        self.check_pair(number)

    def check_margin(self, i, row):
        """At an open, under cross margin, a perpetual grows where the margin balance carries it and the fill's fee."""
        held, qty, price = self.positions[i].qty, row["a"], row["b"]
        if self.isolated or i % 2 == 0 or abs(held + qty) <= abs(held) + NEAR * abs(qty) or row["ts"] != self.bars[i].ts_event:
            return
        marks = {j: self.reach(j, row["ts"])[0][0] for j in range(1, len(self.positions), 2)}
        needed = abs(held + qty) * price + sum(abs(self.positions[j].qty) * mark for j, mark in marks.items() if j != i)
        before = self.wallets[ACCOUNT] - self.earned(i, qty, price) + sum(self.profit(j, mark) for j, mark in marks.items())
        assert needed / self.venue["leverage"] <= before + self.small()  # the fee has been paid
        self.counts["initial margins"] += 1

    def check_moment(self, order, bar):
        """Nothing fills in a bar that opened before its decision and the latency, or (next_open) the publication's lag before it."""
        venue = self.venue
        earliest = order["ts"] + venue["latency_ms"] * 1e6 if venue["fills"] == "strict" else order["ts"] - (bar.ts_known - bar.ts_close)
        assert bar.ts_event >= earliest
        self.counts[venue["fills"].replace("_", " ") + " fills"] += 1

    def tie(self, action):
        """Two orders that both wait now are a pair; no claim is made of orders that are tied twice."""
        both = [number for number in (action.a, action.b) if number in self.orders and number not in self.ends]
        if len(both) == 2 and all(self.orders[number]["instrument"] == action.instrument for number in both) and action.a != action.b:
            self.pair(*both)

    def pair(self, a, b):
        for number in (a, b):
            if number in self.tied and number in self.pairs:
                del self.pairs[self.pairs.pop(number)]
        if not {a, b} & self.tied:
            self.pairs |= {a: b, b: a}
            self.counts["pairs"] += 1
        self.tied |= {a, b}

    def check_pair(self, number):
        """Of two tied orders one fills; a bracket's halves live once their entry has filled, and one fills after a part of the other."""
        self.fills[number] += 1
        if number in self.entries:
            assert self.fills[self.entries[number]] > 0
        if number in self.pairs:
            other = self.pairs[number]
            assert self.fills_of_pairs[other] == 0 or (number in self.entries and self.ends.get(other) != codes.FILLED)
            self.fills_of_pairs[number] += 1
            self.counts["fills of a pair"] += 1

    def check_halves(self, number, other, was_over):
        """After the bars in which an order filled: what is left of a bracket's entry has ended, and so has its partner."""
        if number in self.entries:
            assert self.entries[number] in self.ends
            self.counts["entries ended by a half"] += int(self.ends[self.entries[number]] != codes.FILLED)
        if other is None:
            return
        if number not in self.entries or self.ends.get(number) == codes.FILLED:
            assert other in self.ends
        elif number not in self.ends and not was_over:
            assert other not in self.ends, "a part of one half ended the other"
            self.counts["halves filled in part"] += 1


def best_of(row):
    """The price of a fill without its slippage."""
    return row["b"] - (row["d"] / abs(row["a"]) if row["a"] > 0.0 else -row["d"] / abs(row["a"]))


def audit_many(examples: int, **options) -> Counter:
    """Counts of what was checked in so many drawn runs, and in half as many of two perpetuals on one margin."""
    total: Counter = Counter()
    for scripts, size in ((ANY, examples), (SHARED, examples // 2)):

        @settings(max_examples=size, deadline=None, suppress_health_check=list(HealthCheck), **options)
        @given(scripts)
        def one(script):
            total.update(Audit(script).run())

        one()
    return total


def test_what_must_hold_in_every_run(monkeypatch):
    # What is drawn must not depend on which numbers stand in the code: hypothesis mixes them in.
    monkeypatch.setattr("hypothesis.internal.conjecture.providers._get_local_constants", Constants)
    counts = audit_many(EXAMPLES, derandomize=True)
    assert counts["runs"] >= EXAMPLES
    assert {name: counts[name] for name, least in MET.items() if counts[name] < least} == {}
