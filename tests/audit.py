"""What must hold in every run, event by event, from accounts kept anew beside the loop's: `audit` walks a run and checks.

Of the loop it reads the journal and the equity rows; positions, wallets, marks and maintenance margins are computed here.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
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
        """Docs/venue.md, section 8: the mark stream, else the index and the basis, else the bar; bars all lie on one grid."""
        own, index = (list_[-1] if list_ and list_[-1].ts_close == bar.ts_close else None for list_ in (self.marks, self.indices))
        prices = (bar.open, bar.high, bar.low, bar.close)
        if own is not None:
            prices = joined(self.marks)
        elif index is not None and self.basis is not None:
            prices = tuple(price + self.basis for price in joined(self.indices))
        if index is not None:
            self.basis = bar.close - index.close
        self.marks, self.indices, self.path, self.price = [], [], prices, prices[3]


def joined(bars):
    return bars[0].open, max(bar.high for bar in bars), min(bar.low for bar in bars), bars[-1].close


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


class Audit:
    """One run beside its accounts."""

    def __init__(self, script):
        self.script, self.counts = script, Counter()
        self.bound, self.market, self.params, self.terms = prepared(*script)
        n = len(self.market.instruments)
        self.marks, self.positions = [Mark() for _ in range(n)], [Position() for _ in range(n)]
        self.wallets, self.tiers, self.orders, self.ended = defaultdict(float), {}, {}, set()
        self.pairs, self.tied, self.fills_of_pairs = {}, set(), Counter()
        self.isolated, self.scale = script.venue["margin"] == "isolated", script.venue["cash"]
        self.due, self.cash = {}, 0.0

    # ------------------------------------------------------------------------ the walk

    def run(self):
        """Counts of what was checked. Raises AssertionError for what does not hold."""
        events, fresh, seen = self.market.streams.events, False, 0
        looks = watch(self.bound, self.market, self.params, self.terms, range(len(events) + 1))
        for at, (_, log) in enumerate(looks):
            new, seen = log.journal[seen:], len(log.journal)
            if at == 0:
                self.book(new, None, None)
                continue
            event = int(events[at - 1])
            kind, i, row = (event >> KIND_SHIFT) & BYTE, (event >> INSTRUMENT_SHIFT) & BYTE, event & ROW
            bar = self.take_record(kind, i, row)
            before = {j: (position.qty, position.entry) for j, position in enumerate(self.positions)}
            self.book(new, i, bar)
            if bar is not None:
                fresh = True
                self.check_bar(i, bar, new, before)
            if (event >> LAST_SHIFT) & 1 and fresh:
                fresh = False
                self.check_equity(log)
        self.counts["runs"] += 1
        self.counts["events"] += len(events)
        return self.counts

    def take_record(self, kind, i, row):
        """What a record shows; returns the bar where it is one that fills orders."""
        streams = self.market.streams
        if kind == KIND["mark_bars"]:
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
            if last == 0 and self.script.actions[number - 1].verb == "oco":
                self.tie(self.script.actions[number - 1])
        if kind not in BAR_KINDS:
            return None
        bar = streams.bars[row]
        if i % 2:
            self.marks[i].take(bar)
        else:
            self.marks[i].price = bar.close
        return bar

    # ------------------------------------------------------------------------ accounts

    def book(self, rows, i, bar):
        """Take new rows of the journal; `bar` of instrument i was the event."""
        given, freed = 0.0, 0.0
        for row in rows:
            if row["what"] == codes.ORDER:
                self.orders[int(row["order"])] = row.copy()
                if row["link"] >= 0 and row["c"] == row["c"]:  # a bracket's target, the last of its three
                    self.pair(int(row["order"]) - 1, int(row["order"]))
            elif row["what"] == codes.END:
                self.ended.add(int(row["order"]))
            elif row["what"] == codes.CASH:
                if row["code"] == codes.LIQUIDATION and row["instrument"] == i:
                    self.check_liquidation(i, bar, row, freed)
                self.take_cash(row, bar)
            elif row["what"] == codes.FILL:
                j = int(row["instrument"])
                if row["code"] == codes.LIQUIDATED:
                    freed += self.maintenance(j, abs(self.positions[j].qty) * self.marks[j].price)
                    self.check_forced(row, i, bar)
                else:
                    given += abs(row["a"])
                    self.check_fill(row, i, bar)
                self.cash += self.earned(j, row["a"], row["b"]) - row["c"]
                self.positions[j].fill(row["a"], row["b"])
        if given:
            most = self.script.venue["participation"]
            assert most is None or given <= most * bar.volume * (1.0 + NEAR)

    def take_cash(self, row, bar):
        """A row of the ledger: its wallet's balance; what a settlement comes to; what no fill and no settlement explains."""
        wallet = int(row["link"])
        self.wallets[wallet] += row["a"]
        assert isclose(row["b"], self.wallets[wallet], rel_tol=NEAR, abs_tol=NEAR * self.scale)
        if row["code"] == codes.FUNDING_PAID:
            j = int(row["instrument"])
            rate, price = self.due.pop((j, int(row["ts"])))
            paid = self.positions[j].qty * rate * (price or bar.open)
            assert isclose(row["a"], -paid, rel_tol=NEAR)
            self.cash -= paid
            self.counts["settlements"] += 1
        elif row["code"] in (codes.DEPOSIT, codes.INSURANCE):
            assert row["a"] > 0.0
            self.cash += row["a"]

    def earned(self, j, qty, price):
        """What a fill pays before its fee, quote: spot its price, a perpetual the profit of what it closes."""
        held = self.positions[j].qty
        if j % 2 == 0:
            return -qty * price
        closed = min(abs(qty), abs(held)) if held * qty < 0.0 else 0.0
        return (closed if held > 0.0 else -closed) * (price - self.positions[j].entry)

    def maintenance(self, i, notional):
        """Maintenance margin, quote."""
        if i % 2 == 0:
            return 0.0
        flat = self.script.venue["maintenance_bp"]
        return notional * flat * 1e-4 if flat is not None else max(0.0, *(notional * rate - amount for rate, amount in self.tiers[i]))

    def profit(self, i, price):
        return self.positions[i].qty * (price - self.positions[i].entry) if self.positions[i].qty else 0.0

    def surplus(self, i, price):
        """Margin balance less maintenance margin with instrument i at `price`, quote: of its own wallet, or of the account."""
        own = self.profit(i, price) - self.maintenance(i, abs(self.positions[i].qty) * price)
        if self.isolated:
            return self.wallets[i] + own
        others = [j for j in range(1, len(self.positions), 2) if j != i and self.positions[j].qty]
        return (
            self.wallets[ACCOUNT]
            + own
            + sum(
                self.profit(j, self.marks[j].price) - self.maintenance(j, abs(self.positions[j].qty) * self.marks[j].price) for j in others
            )
        )

    def worth(self, i):
        """What is held of an instrument, its own wallet included, at its mark; an isolated position is worth nothing at the least."""
        price = self.marks[i].price
        if i % 2 == 0:
            return self.positions[i].qty * price
        return max(self.wallets[i] + self.profit(i, price), 0.0) if self.isolated else self.profit(i, price)

    def small(self):
        """What is rounding in a margin, quote."""
        return NEAR * (self.scale + sum(abs(each.qty) * self.marks[j].price for j, each in enumerate(self.positions)))

    # ------------------------------------------------------------------------ what must hold

    def check_equity(self, log):
        """Cash is the sum of all amounts, and what the fills and settlements come to; equity adds what is held, at its mark."""
        row, small = log.equity[-1], self.small()
        assert isclose(row["cash"], sum(self.wallets.values()), rel_tol=NEAR, abs_tol=small)
        assert isclose(row["cash"], self.cash, rel_tol=NEAR, abs_tol=small)
        assert isclose(row["equity"], self.wallets[ACCOUNT] + sum(map(self.worth, range(len(self.positions)))), rel_tol=NEAR, abs_tol=small)
        for i, position in enumerate(self.positions):
            assert isclose(log.held[-1, i], position.qty, rel_tol=NEAR, abs_tol=NEAR * abs(position.qty) + 1e-12)
        self.counts["samples"] += 1

    def check_bar(self, i, bar, rows, before):
        """No position below its liquidation price survives a bar; one that the bar did not change never stood there inside it."""
        late = (rows["what"] == codes.CASH) & (rows["code"] == codes.FUNDING_PAID) & (rows["ts"] >= bar.ts_close)
        if i % 2 == 0 or self.positions[i].qty == 0.0 or late.any():  # paid after the path
            return
        assert self.surplus(i, self.marks[i].price) > -self.small(), "a position survived the close"
        self.counts["bars survived"] += 1
        if before[i][0] == 0.0:
            self.counts["entry bars survived"] += 1
        if not ((rows["what"] == codes.CASH) | (rows["what"] == codes.FILL)).any():
            worst = self.marks[i].path[2 if self.positions[i].qty > 0.0 else 1]
            assert self.surplus(i, worst) > -self.small(), "a position survived the extreme"
            self.counts["extremes survived"] += 1

    def check_liquidation(self, i, bar, row, freed):
        """A position is liquidated only where its mark reaches the price; `freed` is the margin of what was closed before it."""
        worst = self.marks[i].path[2 if self.positions[i].qty > 0.0 else 1]
        assert self.surplus(i, worst) - freed <= self.small(), "liquidated without reason"
        if self.script.venue["liquidation"] == "bankruptcy":
            wallet = self.wallets[i if self.isolated else ACCOUNT]
            assert isclose(row["a"], -wallet, rel_tol=NEAR, abs_tol=self.small())
        self.counts["liquidations"] += 1

    def check_forced(self, row, i, bar):
        """What the venue closes by itself: at the mark, at the bankruptcy price (outside any range), or at the market."""
        j, best = int(row["instrument"]), best_of(row)
        if row["reason"] == codes.BANKRUPT or j != i:
            assert isclose(best, self.marks[j].price, rel_tol=NEAR)
            self.counts["closed at the mark"] += 1
        elif self.script.venue["liquidation"] == "mark_slip":
            _, high, low, _ = self.marks[i].path
            assert isclose(row["c"], abs(row["a"]) * row["b"] * self.script.venue["liquidation_fee_bp"] * 1e-4, rel_tol=NEAR)
            assert min(low, bar.low) * (1.0 - NEAR) <= best <= max(high, bar.high) * (1.0 + NEAR)
            self.counts["liquidated at the market"] += 1
        else:
            self.counts["liquidated at the bankruptcy price"] += 1

    def check_fill(self, row, i, bar):
        """A fill of an order: its best price, its moment, what it reduces, its other half."""
        order, best, qty = self.orders[int(row["order"])], best_of(row), row["a"]
        assert row["instrument"] == i
        assert row["ts"] in (bar.ts_event, bar.ts_close - 1)
        maker = row["code"] == codes.MAKER
        rate = self.script.venue["maker_bp" if maker else "taker_bp"] * 1e-4
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
        held = self.positions[i].qty
        if order["f"] % 2 == 1:
            assert held * qty < 0.0
            assert abs(qty) <= abs(held) * (1.0 + NEAR)
            self.counts["reduce-only fills"] += 1
        if int(row["order"]) in self.pairs:
            assert self.fills_of_pairs[self.pairs[int(row["order"])]] == 0
            self.fills_of_pairs[int(row["order"])] += 1
            self.counts["fills of a pair"] += 1

    def check_moment(self, order, bar):
        """Nothing fills in a bar that opened before its decision and the latency, or (next_open) the publication's lag before it."""
        venue = self.script.venue
        earliest = order["ts"] + venue["latency_ms"] * 1e6 if venue["fills"] == "strict" else order["ts"] - (bar.ts_known - bar.ts_close)
        assert bar.ts_event >= earliest
        self.counts[venue["fills"].replace("_", " ") + " fills"] += 1

    # ------------------------------------------------------------------------ one cancels the other

    def tie(self, action):
        """Two orders that both wait now are a pair; no claim is made of orders that are tied twice."""
        both = [number for number in (action.a, action.b) if number in self.orders and number not in self.ended]
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


def best_of(row):
    """The price of a fill without its slippage."""
    return row["b"] - (row["d"] / abs(row["a"]) if row["a"] > 0.0 else -row["d"] / abs(row["a"]))


def audit(script) -> Counter:
    """Walk a run of a drawn script and check all of it."""
    return Audit(script).run()
