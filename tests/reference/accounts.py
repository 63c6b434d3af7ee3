"""Money: positions, wallets, the ledger, and whether the margin is there (docs/venue.md, sections 7 and 8)."""

from dataclasses import dataclass, field

from reference.market import Instrument, Settlement

ACCOUNT = "account"
LEAST = 1e-9  # a rest of less than this part of the fill counts as nothing


@dataclass(slots=True)
class Trade:
    """A round trip that is still open."""

    side: int
    entry_ts: int
    reason: str
    qty: float = 0.0          # base, the largest
    entered: float = 0.0      # base
    paid: float = 0.0         # quote, of the entries
    left: float = 0.0         # base
    received: float = 0.0     # quote, of the exits
    gain: float = 0.0         # quote, realised, with insurance
    fees: float = 0.0         # quote
    funding: float = 0.0      # quote, paid


@dataclass(slots=True)
class Position:
    qty: float = 0.0     # base, negative: short
    entry: float = 0.0   # quote, average
    margin: float = 0.0  # quote, the margin wallet
    trade: Trade | None = None


@dataclass(slots=True)
class Lane:
    """One account on its way through the market."""

    terms: object
    instruments: list[Instrument]
    cash: float              # quote, the account wallet
    peak: float              # quote, of equity
    ended: bool = False
    orders: list = field(default_factory=list)
    fills: list = field(default_factory=list)
    ledger: list = field(default_factory=list)
    equity: list = field(default_factory=list)
    trades: list = field(default_factory=list)


def pay(lane: Lane, ts: int, here: Instrument | None, margin: bool, kind: str, amount: float) -> None:
    """One row of the ledger: into the margin wallet of the instrument, or into the account."""
    if margin:
        here.position.margin += amount
        row = (here.name, kind, amount, here.position.margin)
    else:
        lane.cash += amount
        row = (ACCOUNT, kind, amount, lane.cash)
    lane.ledger.append((ts, here.name if here else "", *row))


def unrealised(here: Instrument) -> float:
    return here.position.qty * (here.mark - here.position.entry) if here.position.qty else 0.0


def perpetuals(lane: Lane) -> list[Instrument]:
    return [here for here in lane.instruments if here.perp]


def split(before: float, qty: float) -> tuple[float, float, float]:
    """Sizes that a fill closes and opens, and the position after it."""
    size, after = abs(qty), before + qty
    if abs(after) < LEAST * size:
        return abs(before), 0.0, 0.0
    closed = min(abs(before), size) if before * qty < 0.0 else 0.0
    return closed, size - closed, after


def book(lane: Lane, ts: int, here: Instrument, qty: float, price: float, fee: float, cause: tuple) -> None:
    """Section 8: a fill closes what is there on the other side, then opens what is left. `cause`: its reason and its kind."""
    p, isolated = here.position, here.perp and lane.terms.isolated
    closed, opened, after = split(p.qty, qty)
    share = opened / abs(qty)
    if not here.perp:
        pay(lane, ts, here, False, "spot_trade", -qty * price)
    gain = closed * (price - p.entry) * (1 if p.qty > 0.0 else -1)
    if closed and here.perp:
        freed = 0.0
        if isolated:
            freed = p.margin if opened or after == 0.0 else p.margin * closed / abs(p.qty)
            pay(lane, ts, here, True, "transfer", -freed)
            pay(lane, ts, here, False, "transfer", freed)
        pay(lane, ts, here, False, "realised", gain)
        if isolated and freed + gain < 0.0:
            pay(lane, ts, here, False, "insurance", -(freed + gain))
            gain = -freed
    pay(lane, ts, here, False, "fee", -fee)
    if opened and isolated:
        pay(lane, ts, here, False, "transfer", -opened * price / lane.terms.leverage)
        pay(lane, ts, here, True, "transfer", opened * price / lane.terms.leverage)
    if closed:
        leave(p, closed, price, gain, fee * (1.0 - share), opened > 0.0 or after == 0.0, lane, ts, here, cause)
    if opened:
        enter(p, opened, price, fee * share, qty, after, ts, cause[0])
    p.qty = after
    if after == 0.0:
        p.entry = 0.0


def enter(p: Position, opened: float, price: float, fee: float, qty: float, after: float, ts: int, reason: str) -> None:
    """A position grows: its entry price is the average."""
    if p.trade is None:
        p.trade, p.entry = Trade(1 if qty > 0.0 else -1, ts, reason), price
    else:
        p.entry = (abs(p.qty) * p.entry + opened * price) / abs(after)
    trade = p.trade
    trade.entered, trade.paid, trade.fees = trade.entered + opened, trade.paid + opened * price, trade.fees + fee
    trade.qty = max(trade.qty, abs(after))


def leave(p, closed: float, price: float, gain: float, fee: float, over: bool, lane: Lane, ts: int, here: Instrument, cause: tuple) -> None:
    """A position shrinks; at its end the round trip is written down."""
    trade = p.trade
    trade.left, trade.received, trade.gain, trade.fees = (
        trade.left + closed, trade.received + closed * price, trade.gain + gain, trade.fees + fee
    )
    if over:
        lane.trades.append((
            here.name, "long" if trade.side > 0 else "short", trade.entry_ts, ts, trade.qty, trade.paid / trade.entered,
            trade.received / trade.left, trade.gain - trade.fees - trade.funding, trade.fees, trade.funding, trade.reason, *cause,
        ))
        p.trade = None


def settle(lane: Lane, here: Instrument, settlement: Settlement, nothing_known: float) -> None:
    """Funding on the position held now; `nothing_known` is the price where there was no mark."""
    p = here.position
    if p.qty:
        paid = p.qty * (nothing_known if settlement.mark is None else settlement.mark) * settlement.rate
        pay(lane, settlement.ts, here, lane.terms.isolated, "funding", -paid)
        p.trade.funding += paid


def margin_balance(lane: Lane) -> float:
    return lane.cash + sum(unrealised(here) for here in perpetuals(lane))


def initial_margin(lane: Lane, here: Instrument) -> float:
    """Of what is held of a perpetual, cross margin."""
    return abs(here.position.qty) * here.mark / lane.terms.leverage if here.position.qty else 0.0


def cannot_pay(lane: Lane, here: Instrument, size: float, price: float) -> bool:
    """A spot purchase: the account's cash, under cross margin also the free margin."""
    cost = size * price * (1.0 + here.taker)
    free = margin_balance(lane) - sum(initial_margin(lane, each) for each in perpetuals(lane))
    return cost > lane.cash or (not lane.terms.isolated and cost > free)


def above_cap(lane: Lane, here: Instrument, after: float, price: float) -> bool:
    """More than the greatest cap of the tiers that allow the venue's leverage."""
    allowed = [tier.cap for tier in here.brackets.tiers if tier.leverage >= lane.terms.leverage]
    return abs(after) * price > max(allowed, default=0.0)


def lacks_margin(lane: Lane, here: Instrument, qty: float, price: float, fee: float) -> bool:
    """Whether the initial margin of a fill that makes the position grow is not there."""
    p, leverage = here.position, lane.terms.leverage
    closed, opened, after = split(p.qty, qty)
    if not lane.terms.isolated:
        others = sum(initial_margin(lane, each) for each in perpetuals(lane) if each is not here)
        return abs(after) * price / leverage + fee + others > margin_balance(lane)
    gain = closed * (price - p.entry) * (1 if p.qty > 0.0 else -1)
    freed = max(p.margin + gain, 0.0) if closed else 0.0  # a fill that closes and grows has closed all
    return opened * price / leverage + fee > lane.cash + freed
