"""Accounts kept anew beside a run, event by event, for what must hold in every run (test_properties).

Of the loop it reads the journal and the equity rows; positions, wallets, marks and maintenance margins are computed here. All bars
of one instant cover the same minute: they are one group, and what they did is checked when the last of them has come.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise, product
from math import isclose

from acting import prepared

from backtester.engine import codes
from backtester.engine.run import watch
from backtester.records import BYTE, INSTRUMENT_SHIFT, KIND, KIND_SHIFT, LAST_SHIFT, ROW

ACCOUNT = -1
RECORDS_OF_AN_ACTION = 14  # that carry it, see reference.actor
NEAR = 1e-9  # relative; of money: to cash and notional
BAR_KINDS = (KIND["spot_bars"], KIND["perp_bars"])


@dataclass
class Mark:
    """What is known of an instrument's price."""

    price: float = 0.0
    basis: float | None = None
    marks: list = field(default_factory=list)  # since its last bar
    indices: list = field(default_factory=list)
    path: tuple = ()  # open, high, low, close of the mark's bar

    def take(self, bar):
        """Docs/venue.md, section 8: the mark stream, else the index and the basis, else the bar."""
        own, index = joined(self.marks, bar), joined(self.indices, bar)
        prices = (bar.open, bar.high, bar.low, bar.close)
        if own is not None:
            prices = own
        elif index is not None and self.basis is not None:
            prices = tuple(price + self.basis for price in index)
        if index is not None:
            self.basis = bar.close - index[3]
        self.marks, self.indices, self.path, self.price = [], [], prices, prices[3]


def joined(found, bar):
    """Open, high, low, close of those inside the bar, None where the last of them does not close with it."""
    inside = [each for each in found if each.ts_event >= bar.ts_event]
    if not inside or inside[-1].ts_close != bar.ts_close:
        return None
    return inside[0].open, max(each.high for each in inside), min(each.low for each in inside), inside[-1].close


@dataclass
class Position:
    qty: float = 0.0
    entry: float = 0.0

    def fill(self, qty, price):
        """Average cost: a fill closes first, then opens; a rest below 1e-9 of it is nothing."""
        after = self.qty + qty
        if abs(after) <= NEAR * abs(qty):
            self.qty = self.entry = 0.0
            return
        if self.qty * qty >= 0.0:
            self.entry = (self.entry * abs(self.qty) + price * abs(qty)) / abs(after)
        elif self.qty * after < 0.0:
            self.entry = price
        self.qty = after


class Walk:
    """One run beside its accounts; what must hold, and which orders are tied, says a class of test_properties."""

    def __init__(self, script):
        self.venue, self.actions, self.counts = script.venue, script.actions, Counter()
        self.bound, self.market, self.params, self.terms = prepared(*script)
        n = len(self.market.instruments)
        self.marks, self.positions = [Mark() for _ in range(n)], [Position() for _ in range(n)]
        self.wallets, self.tiers, self.due, self.cash = defaultdict(float), {}, {}, 0.0
        self.isolated, self.scale = self.venue["margin"] == "isolated", self.venue["cash"]
        self.orders, self.ends, self.entries, self.pairs = {}, {}, {}, {}
        self.bars, self.begun, self.moves = {}, None, 0  # of this instant; the positions where its path began; rows on the path

    # ------------------------------------------------------------------------ the walk

    def run(self):
        """Counts of what was checked. Raises AssertionError for what does not hold."""
        events, seen = self.market.streams.events, 0
        looks = watch(self.bound, self.market, self.params, self.terms, range(len(events) + 1))
        for at, (_, log) in enumerate(looks):
            new, seen = log.journal[seen:], len(log.journal)
            event = int(events[at - 1]) if at else 0
            if at:
                self.take_record((event >> KIND_SHIFT) & BYTE, (event >> INSTRUMENT_SHIFT) & BYTE, event & ROW)
            if self.bars and (event >> LAST_SHIFT) & 1:
                self.end_instant(new, log)
            else:
                self.book(new)
        self.counts["runs"] += 1
        self.counts["events"] += len(events)
        return self.counts

    def take_record(self, kind, i, row):
        """What a record shows."""
        streams = self.market.streams
        if kind in BAR_KINDS:
            self.bars[i] = streams.bars[row]
        elif kind == KIND["mark_bars"]:
            self.marks[i].marks.append(streams.bars[row])
            self.marks[i].price = streams.bars[row].close
        elif kind == KIND["index_bars"]:
            self.marks[i].indices.append(streams.bars[row])
        elif kind == KIND["brackets"]:
            x = streams.brackets[row]
            self.tiers[i] = [(float(x.rate[n]), float(x.amount[n])) for n in range(x.tiers)]
        elif kind == KIND["funding"]:
            x = streams.funding[row]
            self.due[i, int(x.ts_event)] = x.rate, self.marks[i].price
        elif kind == KIND["exogenous"]:
            number, last = divmod(row, RECORDS_OF_AN_ACTION)
            if last == 0 and self.actions[number - 1].verb == "oco":
                self.tie(self.actions[number - 1])

    def end_instant(self, rows, log):
        """The bars of the instant are processed, then the account is marked."""
        assert len({(bar.ts_event, bar.ts_close) for bar in self.bars.values()}) == 1
        for i, bar in self.bars.items():
            self.marks[i].take(bar)
        before, self.begun, self.moves = self.held(), None, 0
        self.book(rows)
        self.check_bars(rows, before)
        self.check_equity(log)
        self.bars = {}

    # ------------------------------------------------------------------------ accounts

    def book(self, rows):
        """Take new rows of the journal."""
        given, filled = Counter(), []
        for row in rows:
            number, i = int(row["order"]), int(row["instrument"])
            if row["what"] == codes.ORDER:
                self.take_order(number, row.copy())
            elif row["what"] == codes.END:
                self.ends[number] = row["code"]
            elif row["what"] == codes.CASH:
                self.begin_path(row["ts"])
                if row["code"] == codes.LIQUIDATION:
                    self.check_liquidation(i, row)
                self.take_cash(i, row)
            elif row["what"] == codes.FILL:
                self.begin_path(row["ts"])
                if row["code"] == codes.LIQUIDATED:
                    self.check_forced(i, row)
                else:
                    self.check_fill(i, row)
                    given[i] += abs(row["a"])
                    filled.append((number, self.pairs.get(number), self.pairs.get(number) in self.ends))
                self.cash += self.earned(i, row["a"], row["b"]) - row["c"]
                self.positions[i].fill(row["a"], row["b"])
        for each in filled:
            self.check_halves(*each)
        most = self.venue["participation"]
        assert most is None or all(size <= most * self.bars[i].volume * (1.0 + NEAR) for i, size in given.items())

    def begin_path(self, ts):
        """A row that moves something at `ts`: the first one on the path finds the positions with which it began."""
        if self.bars and ts >= self.close() - 1:
            self.begun = self.begun or self.held()
            self.moves += 1

    def close(self):
        return next(iter(self.bars.values())).ts_close

    def held(self):
        return [position.qty for position in self.positions]

    def take_order(self, number, row):
        """An order was asked; the last two of a bracket name their entry, and the target is the one with a price."""
        self.orders[number] = row
        if row["link"] >= 0:
            self.entries[number] = int(row["link"])
            if row["c"] == row["c"]:
                self.pair(number - 1, number)

    def take_cash(self, i, row):
        """A row of the ledger: its wallet's balance; what a settlement comes to; what no fill and no settlement explains."""
        wallet = int(row["link"])
        self.wallets[wallet] += row["a"]
        assert isclose(row["b"], self.wallets[wallet], rel_tol=NEAR, abs_tol=NEAR * self.scale)
        if row["code"] == codes.FUNDING_PAID:
            rate, price = self.due.pop((i, int(row["ts"])))
            paid = self.positions[i].qty * rate * (price or self.bars[i].open)
            assert isclose(row["a"], -paid, rel_tol=NEAR)
            self.cash -= paid
            self.counts["settlements"] += 1
        elif row["code"] in (codes.DEPOSIT, codes.INSURANCE):
            assert row["a"] > 0.0 or i < 0  # below zero: what a lane that has ended had left
            self.counts["ended with cash left"] += int(row["a"] < 0.0)
            self.cash += row["a"]

    def earned(self, i, qty, price):
        """What a fill pays before its fee, quote: spot its price, a perpetual the profit of what it closes."""
        held = self.positions[i].qty
        if i % 2 == 0:
            return -qty * price
        closed = min(abs(qty), abs(held)) if held * qty < 0.0 else 0.0
        return (closed if held > 0.0 else -closed) * (price - self.positions[i].entry)

    def maintenance(self, i, notional):
        """Maintenance margin, quote."""
        flat = self.venue["maintenance_bp"]
        return notional * flat * 1e-4 if flat is not None else max(0.0, *(notional * rate - amount for rate, amount in self.tiers[i]))

    def profit(self, i, price):
        return self.positions[i].qty * (price - self.positions[i].entry) if self.positions[i].qty else 0.0

    def worth(self, i):
        """What is held of an instrument, its own wallet included, at its mark; with something in it nothing at the least."""
        price = self.marks[i].price
        if i % 2 == 0:
            return self.positions[i].qty * price
        worth = self.profit(i, price) + self.wallets.get(i, 0.0)
        return max(worth, 0.0) if self.wallets.get(i, 0.0) > 0.0 else worth

    def small(self):
        """What is rounding in a margin, quote."""
        return NEAR * (self.scale + sum(abs(each.qty) * self.marks[j].price for j, each in enumerate(self.positions)))

    # ------------------------------------------------------------------------ margins along the path

    def stakes(self):
        """Perpetuals that stand or fall together: each that is held under isolated margin, all of them under cross margin."""
        held = [i for i in range(1, len(self.positions), 2) if self.positions[i].qty]
        return [[i] for i in held] if self.isolated else [held] if held else []

    def places(self, i):
        """(mark, price) at the open, the high, the low and the close; of an instrument without a bar now at its last mark."""
        if i not in self.bars:
            return ((self.marks[i].price,) * 2,) * 4
        bar = self.bars[i]
        return tuple(zip(self.marks[i].path, (bar.open, bar.high, bar.low, bar.close), strict=True))

    def corners(self, i):
        """The places at the corners of the path: one way, or both where nobody held a position when the path began."""
        first, high, low, last = self.places(i)
        if i not in self.bars:
            return [(last,) * 4]
        bar, qty, path = self.bars[i], (self.begun or self.held())[i], self.venue["path"]
        if path == "nearest":
            up = (bar.high - bar.open <= bar.open - bar.low,)
        elif path == "adverse":
            up = (qty < 0.0,) if qty else (True, False)
        else:
            up = (path == "ohlc",)
        return [(first, high, low, last) if each else (first, low, high, last) for each in up]

    def ways(self, stake):
        """For each way of a stake's instruments what `corners` gives, by corner and instrument."""
        return [list(zip(*way, strict=True)) for way in product(*(self.corners(i) for i in stake))]

    def surplus(self, stake, place):
        """Margin balance less maintenance margin (quote) where the instruments of a stake stand; concave between two corners."""
        out = self.wallets[stake[0] if self.isolated else ACCOUNT]
        for i, (mark, _) in zip(stake, place, strict=True):
            out += self.profit(i, mark) - self.maintenance(i, abs(self.positions[i].qty) * mark)
        return out

    def failure(self, stake):
        """Where the margin of a stake first fails on the path: (mark, price) by instrument; None where there are several ways."""
        ways = self.ways(stake)
        if len(ways) > 1:
            return None
        for a, b in pairwise(ways[0]):
            if self.surplus(stake, b) <= 0.0 or self.surplus(stake, a) <= 0.0:
                low, high = 0.0, float(self.surplus(stake, a) > 0.0)
                for _ in range(60):
                    middle = 0.5 * (low + high)
                    low, high = (low, middle) if self.surplus(stake, between(a, b, middle)) <= 0.0 else (middle, high)
                return dict(zip(stake, between(a, b, high), strict=True))
        return dict(zip(stake, ways[0][3], strict=True))

    def reach(self, i, ts):
        """Least and greatest (mark, price) of an instrument at the time of a row: at the open, or anywhere on the path."""
        first, high, low, _ = self.places(i)
        return (first, first) if i in self.bars and ts == self.bars[i].ts_event else (low, high)


def between(a, b, f):
    """Where instruments stand at fraction f of the part from place a to place b."""
    return [tuple(x + f * (y - x) for x, y in zip(*each, strict=True)) for each in zip(a, b, strict=True)]
