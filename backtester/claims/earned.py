"""What the strategies that trade the claims earn on the same market, after fees, slippage and funding, beside holding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from backtester import api
from backtester.claims.claim import Claim
from backtester.errors import UserError
from backtester.market.schema import Market

HOLD = "buy_and_hold"


@dataclass(frozen=True)
class Earned:
    """One strategy with its defaults. Fractions and quote; `refused` says what it lacks."""

    strategy: str
    claims: tuple[str, ...]      # numbers of those that it trades
    total_return: float = 0.0
    max_drawdown: float = 0.0
    trades: int = 0
    fees: float = 0.0
    funding: float = 0.0         # paid
    refused: str = ""


def earn(market: Market, claims: Sequence[Claim], progress: Callable[[str, int, int], None] = lambda *_: None) -> tuple[Earned, ...]:
    """Every strategy that a claim names, once; buying and holding the perpetual first."""
    names = list(dict.fromkeys(name for claim in claims for name in claim.strategies))
    out = []
    for k, name in enumerate([HOLD, *names]):
        progress(f"trading, {name}", k, len(names) + 1)
        out.append(run_one(market, name, tuple(claim.number for claim in claims if name in claim.strategies)))
    return tuple(out)


def run_one(market: Market, name: str, numbers: tuple[str, ...]) -> Earned:
    """One run without a log: a sweep of one combination."""
    params: dict[str, Any] = {"role": "perp"} if name == HOLD else {}
    try:
        row = api.sweep(market, name, **params).iloc[0]
    except UserError as error:
        return Earned(name, numbers, refused=str(error).splitlines()[0])
    total, drawdown, fees, funding = (float(row[key]) for key in ("total_return", "max_drawdown", "fees", "funding"))
    return Earned(name, numbers, total, drawdown, int(row["trades"]), fees, funding)
