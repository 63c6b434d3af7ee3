"""Margin: what a position needs, where it is liquidated, and what the venue refuses to fill."""

from backtester.engine.codes import ABOVE_BRACKET, BELOW_NOTIONAL, NO_CASH, NO_MARGIN, NO_REFUSAL, NO_SHORT
from backtester.engine.jit import jit, piece

DUST = 1e-9  # a rest below this share of a fill is rounding, not a position
NAN = float("nan")


@jit
def maintenance(terms, bracket, notional):
    """The maintenance margin (quote) of a position of this notional: the tiers' lines are convex, so the greatest holds."""
    if terms.maintenance == terms.maintenance:
        return notional * terms.maintenance
    most = 0.0
    for n in range(bracket.tiers):
        most = max(most, notional * bracket.rate[n] - bracket.amount[n])
    return most


@jit
def maintenance_rate(terms, bracket, notional):
    """How fast that margin grows with the notional (fraction): the rate of the line that holds."""
    if terms.maintenance == terms.maintenance:
        return terms.maintenance
    most, rate = 0.0, 0.0
    for n in range(bracket.tiers):
        if notional * bracket.rate[n] - bracket.amount[n] >= most:
            most, rate = notional * bracket.rate[n] - bracket.amount[n], bracket.rate[n]
    return rate


@jit
def liquidation_price(side, size, entry, wallet, terms, bracket):
    """The mark at which `wallet` and the profit of the position are its maintenance margin."""
    if terms.maintenance == terms.maintenance:
        return (wallet - side * size * entry) / (size * (terms.maintenance - side))
    found = NAN
    for n in range(bracket.tiers):
        end = (wallet + bracket.amount[n] - side * size * entry) / (size * (bracket.rate[n] - side))
        if n > 0 and not (end - found) * side > 0.0:  # the lines are convex: behind the one that holds, prices fall back
            break
        found = end
    return found


@jit
def backing(lane, i, quotes):
    """What stands behind the position of instrument i (quote): its own wallet, or the account with its other perpetuals."""
    if lane.terms[i].isolated == 1:
        return lane.position[i].margin
    out = lane.account.cash
    for j in range(len(lane.position)):
        other, mark = lane.position[j], lane.way[j].mark
        if j != i and lane.terms[j].perp == 1 and other.qty != 0.0:
            out += other.qty * (mark - other.entry) - maintenance(lane.terms[j], quotes[j].bracket, abs(other.qty) * mark)
    return out


@piece
def is_crossed(lane):
    """Whether several perpetuals share one margin, so that each other's marks decide."""
    return lane.account.perps > 1 and lane.terms[0].isolated == 0


@jit
def surplus(lane, quotes):
    """What the margin balance of a crossed account has above the maintenance margin of all its perpetuals, quote."""
    out = balance(lane)
    for j in range(len(lane.position)):
        position = lane.position[j]
        if lane.terms[j].perp == 1 and position.qty != 0.0:
            out -= maintenance(lane.terms[j], quotes[j].bracket, abs(position.qty) * lane.way[j].mark)
    return out


@jit
def refresh(lane, quotes):
    """Compute the liquidation prices anew: a position, a wallet, a bracket or another mark has changed."""
    for i in range(len(lane.position)):
        position = lane.position[i]
        position.end = NAN
        if position.qty != 0.0 and lane.terms[i].perp == 1:
            side, size = 1.0 if position.qty > 0.0 else -1.0, abs(position.qty)
            position.end = liquidation_price(side, size, position.entry, backing(lane, i, quotes), lane.terms[i], quotes[i].bracket)
            widen(quotes[i], position)


@piece
def widen(quote, position):
    """Let the bounds inside which nobody is liquidated know of this position."""
    if position.qty > 0.0:
        if position.end > quote.longs_end:
            quote.longs_end = position.end
    elif position.qty < 0.0 and position.end < quote.shorts_end:
        quote.shorts_end = position.end


@jit
def balance(lane):
    """The margin balance under cross margin (quote): cash and the unrealised profit of all perpetuals at their marks."""
    out = lane.account.cash
    for j in range(len(lane.position)):
        if lane.terms[j].perp == 1:
            out += lane.position[j].qty * (lane.way[j].mark - lane.position[j].entry)
    return out


@jit
def needed(lane, skip):
    """The initial margin (quote) of all perpetuals at their marks, except instrument `skip`."""
    out = 0.0
    for j in range(len(lane.position)):
        if j != skip and lane.terms[j].perp == 1:
            out += abs(lane.position[j].qty) * lane.way[j].mark / lane.terms[j].leverage
    return out


@jit
def largest(terms, bracket):
    """The largest notional (quote) that the tiers allow at the venue's leverage."""
    if terms.maintenance == terms.maintenance:
        return float("inf")
    most = 0.0
    for n in range(bracket.tiers):
        if bracket.leverage[n] >= terms.leverage:
            most = max(most, bracket.cap[n])
    return most


@jit
def refusal_of(lane, i, qty, price, rate, whole, quotes):
    """Why the venue would not fill `qty` at `price`; NO_REFUSAL where it would.

    `rate` is the fee (fraction), `whole` what is left of an order of which nothing has filled yet (base; NaN: some has).
    """
    terms, before = lane.terms[i], lane.position[i].qty
    after = before + qty
    if terms.perp == 0 and after < -DUST * abs(qty):
        return NO_SHORT
    if before * qty >= 0.0 and abs(whole) * price < terms.min_notional:
        return BELOW_NOTIONAL
    if terms.perp == 0:
        return refusal_of_purchase(lane, qty * price * (1.0 + terms.taker)) if qty > 0.0 else NO_REFUSAL
    turned = before * after < 0.0 and abs(after) > DUST * abs(qty)
    if abs(after) <= abs(before) and not turned:
        return NO_REFUSAL
    if abs(after) * price > largest(terms, quotes[i].bracket):
        return ABOVE_BRACKET
    fee = abs(qty) * price * rate
    if terms.isolated == 0:
        short = abs(after) * price / terms.leverage + fee + needed(lane, i) > balance(lane)
    else:
        short = cost_isolated(lane.position[i], qty, price, terms) + fee > lane.account.cash
    return NO_MARGIN if short else NO_REFUSAL


@piece
def refusal_of_purchase(lane, cost):
    """Why the account cannot pay `cost` (quote) for spot."""
    if cost > lane.account.cash:
        return NO_CASH
    tied = lane.terms[0].isolated == 0 and lane.account.perps > 0
    return NO_CASH if tied and cost > balance(lane) - needed(lane, -1) else NO_REFUSAL


@piece
def cost_isolated(position, qty, price, terms):
    """The margin (quote) that a fill moves into the position's wallet, less what it sets free by turning the position."""
    if position.qty * qty >= 0.0:
        return abs(qty) * price / terms.leverage
    free = max(position.margin + position.qty * (price - position.entry), 0.0)
    return (abs(qty) - abs(position.qty)) * price / terms.leverage - free
