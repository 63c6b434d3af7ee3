"""What happens to a position that its margin does not carry (docs/venue.md, section 9)."""

from collections.abc import Iterable

from reference.accounts import Lane, book, leave, pay, perpetuals, unrealised
from reference.market import Instrument, Tier
from reference.orders import finish


def liquidation_price(side: int, q: float, entry: float, wallet: float, tiers: Iterable[Tier]) -> float:
    """The greatest (long) or least (short) line over the tiers."""
    lines = [(wallet + tier.amount - side * q * entry) / (q * (tier.rate - side)) for tier in tiers]
    return max(lines) if side > 0 else min(lines)


def maintenance(here: Instrument) -> float:
    """Maintenance margin of a position at its mark, quote."""
    if not here.position.qty:
        return 0.0
    notional = abs(here.position.qty) * here.mark
    return max(notional * tier.rate - tier.amount for tier in here.brackets.tiers)


def level(lane: Lane, here: Instrument) -> float | None:
    """The liquidation price of the position, None without one."""
    p = here.position
    if not here.perp or p.qty == 0.0:
        return None
    wallet = p.margin
    if not lane.terms.isolated:
        wallet = lane.cash + sum(unrealised(each) - maintenance(each) for each in perpetuals(lane) if each is not here)
    return liquidation_price(1 if p.qty > 0.0 else -1, abs(p.qty), p.entry, wallet, here.brackets.tiers)


def beyond(here: Instrument, mark: float, price: float | None) -> bool:
    """Whether the mark is at or beyond the liquidation price."""
    return price is not None and (mark <= price if here.position.qty > 0.0 else mark >= price)


def liquidate(lane: Lane, here: Instrument, ts: int, mark: float, price: float) -> None:
    """The position (isolated) or all perpetuals (cross), where the bar's path stands at `mark` and `price`."""
    isolated = lane.terms.isolated
    hit = [here] if isolated else perpetuals(lane)
    for each in hit:
        for order in list(each.waiting):
            if order.status == "waiting":
                finish(order, "cancelled", ts, lane)
    for other in hit:
        if other is not here and other.position.qty:
            close(lane, other, ts, other.mark, unrealised(other), 0.0, 0.0, insured=False)
    p = here.position
    side, q = (1 if p.qty > 0.0 else -1), abs(p.qty)
    wallet = p.margin if isolated else lane.cash
    if lane.terms.bankruptcy:
        close(lane, here, ts, p.entry - side * wallet / q, -wallet, 0.0, 0.0, insured=False)
        return
    best = min(mark, price) if side > 0 else max(mark, price)
    at = best * (1.0 - side * lane.terms.slip)
    rate = here.brackets.fee if lane.terms.liquidation_fee is None else lane.terms.liquidation_fee
    close(lane, here, ts, at, side * q * (at - p.entry), rate * q * at, q * abs(at - best), insured=True)
    if isolated and p.margin > 0.0:
        freed = p.margin
        pay(lane, ts, here, True, "transfer", -freed)
        pay(lane, ts, here, False, "transfer", freed)


def close(lane: Lane, here: Instrument, ts: int, price: float, gain: float, fee: float, slippage: float, insured: bool) -> None:
    """The venue closes a position: rows of the margin wallet under isolated margin, else of the account."""
    p, isolated = here.position, lane.terms.isolated
    q = abs(p.qty)
    lane.fills.append((ts, -1, here.name, -p.qty, price, fee, slippage, "liquidation", "liquidation"))
    pay(lane, ts, here, isolated, "liquidation", gain)
    if fee:
        pay(lane, ts, here, isolated, "liquidation_fee", -fee)
    short = -(p.margin if isolated else lane.cash)
    if short > 0.0 and insured:
        pay(lane, ts, here, isolated, "insurance", short)
        gain += short
    leave(p, q, price, gain, fee, True, lane, ts, here, "liquidation")
    p.qty = p.entry = 0.0


def end(lane: Lane, ts: int) -> None:
    """A lane without equity: closed at the marks, the rest covered, its orders dropped."""
    for here in lane.instruments:
        qty = here.position.qty
        if qty:
            lane.fills.append((ts, -1, here.name, -qty, here.mark, 0.0, 0.0, "liquidation", "bankrupt"))
            book(lane, ts, here, -qty, here.mark, 0.0, "bankrupt")
    if lane.cash < 0.0:
        pay(lane, ts, None, False, "insurance", -lane.cash)
    for here in lane.instruments:
        for order in list(here.waiting):
            order.children = []  # dropped like the others, not cancelled
            finish(order, "dropped", ts, lane)
    lane.ended = True
