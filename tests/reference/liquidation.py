"""What happens to a position that its margin does not carry (docs/venue.md, section 9)."""

from collections.abc import Iterable
from itertools import product

from reference.accounts import Lane, book, leave, margin_balance, pay, perpetuals, unrealised
from reference.market import Instrument, Tier
from reference.orders import finish

LIQUIDATED, BANKRUPT = ("liquidation", "liquidation"), ("bankrupt", "bankrupt")  # reason and kind of the venue's own fills


def liquidation_price(side: int, q: float, entry: float, wallet: float, tiers: Iterable[Tier]) -> float:
    """The greatest (long) or least (short) line over the tiers."""
    lines = [(wallet + tier.amount - side * q * entry) / (q * (tier.rate - side)) for tier in tiers]
    return max(lines) if side > 0 else min(lines)


def level(lane: Lane, here: Instrument) -> float | None:
    """The liquidation price of a position that stands alone, None without one."""
    p = here.position
    if not here.perp or p.qty == 0.0:
        return None
    wallet = p.margin if lane.terms.isolated else lane.cash
    return liquidation_price(1 if p.qty > 0.0 else -1, abs(p.qty), p.entry, wallet, here.brackets.tiers)


def beyond(here: Instrument, mark: float, price: float | None) -> bool:
    """Whether the mark is at or beyond the liquidation price."""
    return price is not None and (mark <= price if here.position.qty > 0.0 else mark >= price)


def joint(lane: Lane) -> list[Instrument]:
    """The perpetuals that stand or fall together: those held under cross margin, where they are several."""
    held = [] if lane.terms.isolated else [here for here in perpetuals(lane) if here.position.qty]
    return held if len(held) > 1 else []


def maintenance(here: Instrument, tier: Tier, mark: float) -> float:
    """Maintenance margin at a mark by one tier, quote; the greatest of all tiers is the right one."""
    return abs(here.position.qty) * mark * tier.rate - tier.amount


def is_due(lane: Lane, here: Instrument) -> bool:
    """Step 2.3: whether the position, or the account, is liquidated at the marks' opens."""
    held = joint(lane)
    if not held:
        return beyond(here, here.mark, level(lane, here))
    least = sum(max(maintenance(each, tier, each.mark) for tier in each.brackets.tiers) for each in held)
    return here.perp and margin_balance(lane) <= least


def joint_fraction(lane: Lane, ways: list[tuple[Instrument, float, float]], f: float) -> float | None:
    """The first fraction from `f` on at which the margin balance is no more than the maintenance margin.

    `ways`: each perpetual held, its mark at the part's beginning and at its end. With one tier chosen for each perpetual the difference
    is a straight line; the true one is the least of these lines at every place, so it is zero first where the first of them is.
    """
    found = []
    for tiers in product(*(here.brackets.tiers for here, _, _ in ways)):
        a, b = (
            lane.cash + sum(
                way[0].position.qty * (way[end] - way[0].position.entry) - maintenance(way[0], tier, way[end])
                for way, tier in zip(ways, tiers, strict=True)
            )
            for end in (1, 2)
        )
        if a + f * (b - a) <= 0.0:
            return f
        if b <= 0.0:
            found.append(max(a / (a - b), f))
    return min(found, default=None)


def liquidate(lane: Lane, here: Instrument, ts: int) -> None:
    """The position (isolated) or all perpetuals (cross), where the path stands."""
    hit = [here] if lane.terms.isolated else perpetuals(lane)
    for each in hit:
        for order in list(each.waiting):
            if order.status == "waiting":
                finish(order, "cancelled", ts, lane)
    held = [each for each in hit if each.position.qty]
    if lane.terms.bankruptcy:
        bankrupt(lane, held, ts)
    else:
        slip(lane, held, ts)


def bankrupt(lane: Lane, held: list[Instrument], ts: int) -> None:
    """All but the one of the greatest notional at their marks, that one where the wallet is worth nothing."""
    last = max(held, key=lambda each: abs(each.position.qty) * each.mark)  # the first of several as great
    for each in held:
        if each is not last:
            close(lane, each, ts, each.mark, unrealised(each))
    p = last.position
    wallet = p.margin if lane.terms.isolated else lane.cash
    close(lane, last, ts, p.entry - wallet / p.qty, -wallet)


def slip(lane: Lane, held: list[Instrument], ts: int) -> None:
    """Each at the worse of mark and price, with slippage and the fee; what the wallet then lacks is covered, what it has returns."""
    last = held[-1]
    for each in held:
        p = each.position
        side, q = (1 if p.qty > 0.0 else -1), abs(p.qty)
        price = each.mark if each.price is None else each.price
        best = min(each.mark, price) if side > 0 else max(each.mark, price)
        at = best * (1.0 - side * lane.terms.slip)
        rate = each.brackets.fee if lane.terms.liquidation_fee is None else lane.terms.liquidation_fee
        close(lane, each, ts, at, p.qty * (at - p.entry), rate * q * at, q * abs(at - best), insured=each is last)
    freed = last.position.margin  # nothing under cross margin
    if freed > 0.0:
        pay(lane, ts, last, True, "transfer", -freed)
        pay(lane, ts, last, False, "transfer", freed)


def close(
    lane: Lane, here: Instrument, ts: int, price: float, gain: float, fee: float = 0.0, slippage: float = 0.0, insured: bool = False,
) -> None:
    """The venue closes a position: rows of the margin wallet under isolated margin, else of the account."""
    p, isolated = here.position, lane.terms.isolated
    lane.fills.append((ts, -1, here.name, -p.qty, price, fee, slippage, "liquidation", "liquidation"))
    pay(lane, ts, here, isolated, "liquidation", gain)
    if fee:
        pay(lane, ts, here, isolated, "liquidation_fee", -fee)
    short = -(p.margin if isolated else lane.cash)
    if short > 0.0 and insured:
        pay(lane, ts, here, isolated, "insurance", short)
        gain += short
    leave(p, abs(p.qty), price, gain, fee, True, lane, ts, here, LIQUIDATED)
    p.qty = p.entry = 0.0


def end(lane: Lane, ts: int) -> None:
    """A lane without equity: closed at the marks, the rest covered, its orders dropped."""
    for here in lane.instruments:
        qty = here.position.qty
        if qty:
            lane.fills.append((ts, -1, here.name, -qty, here.mark, 0.0, 0.0, "liquidation", "bankrupt"))
            book(lane, ts, here, -qty, here.mark, 0.0, BANKRUPT)
    if lane.cash < 0.0:
        pay(lane, ts, None, False, "insurance", -lane.cash)
    for here in lane.instruments:
        for order in list(here.waiting):
            order.children = []  # dropped like the others, not cancelled
            finish(order, "dropped", ts, lane)
    lane.ended = True
