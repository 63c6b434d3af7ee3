"""Prudent size (claim A18): how much may be bought so that the stop costs a share of equity, and no more.

    qty = min(risk * equity / (price - stop), leverage * equity / price)
"""


def prudent_qty(equity, price, stop, risk, leverage):
    """Base to buy at `price` with a protective stop below it; 0 where the stop is no stop or nothing is left."""
    if not (equity > 0.0 and price > stop > 0.0):
        return 0.0
    return min(risk * equity / (price - stop), leverage * equity / price)
