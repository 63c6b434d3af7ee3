"""The claims of the comments below document A, as moments and what should follow them."""

import numpy as np

from backtester.claims.claim import DOWN, NO_DIFFERENCE, UP, Claim, Like
from backtester.claims.document_a import DAYS, OI, RALLY, SCORES, ceiling, either_bull, measure, spot_bull
from backtester.claims.outcomes import FALL, RETURN, VOLATILITY, column
from backtester.claims.watched import Watched

OLD_H = 12  # hours that a spot bull has lasted, to be called old
STILL = column("spot still carries it", "%", lambda t: np.where(t.label > 0, 100.0 * spot_bull(t), np.nan))
IN_LAYERS = column("liquidity in layers", "%", lambda t: 100.0 * t.spread_high)
HEAT, MACRO = "exogenous.geopolitics", "exogenous.macro"


def age(mask: np.ndarray) -> np.ndarray:
    """How many rows a mask has been true, this one included."""
    count = np.arange(1, len(mask) + 1)
    return count - np.maximum.accumulate(np.where(mask, 0, count))


def about_four(t: Watched, width: float) -> np.ndarray:
    """Funding within `width` of 4 % a year."""
    return np.abs(t.annual - 0.04) <= width


CLAIMS = (
    Claim("C1", "once the geopolitical heat cools down, it will depend on who steps in to take over", (
        measure("the heat has halved and spot has not taken over, beside all such hours", lambda t, _: t.relay == 0, RETURN, DOWN, (24,),
                among=lambda t: (t.left < 0.5) & np.isfinite(t.relay), needs=(HEAT, *RALLY)),
    ), ("spot_bull",)),
    Claim("C2", "is there really no leverage maniacs causing chaos this time?", (
        measure("open interest far above its month and rising, funding hot", lambda t, _: t.veto == 1, FALL, UP, (72,),
                among=lambda t: np.isfinite(t.veto), needs=(OI, "funding"), knob="veto_sigmas", near=(1.0, 1.5, 2.5)),
    ), ("spot_bull",)),
    Claim("C3", "how long this hype can last is really uncertain", (
        measure("a spot bull of twelve hours and more lasts six hours longer as often as a younger one",
                lambda t, at: age(spot_bull(t)) >= at, STILL, NO_DIFFERENCE, (6,), at=OLD_H, near=(6, 9, 18), among=spot_bull, needs=RALLY),
    ), ("spot_bull",)),
    Claim("C4", "Spot trading is much more reliable than leveraged trading", (
        measure("rises that spot carries beside leveraged ones: the volatility after them", spot_bull, VOLATILITY, DOWN, DAYS,
                among=either_bull, needs=RALLY, like=Like.HOUR, **SCORES),
    ), ("spot_bull",)),
    Claim("C5", "what if the geopolitical heat fades away?", (
        measure("less than a quarter of the heat is left", lambda t, at: t.left < at, RETURN, DOWN, (72,), at=0.25, near=(0.15, 0.35, 0.5),
                among=lambda t: np.isfinite(t.left), needs=(HEAT,)),
    ), ("spot_bull",)),
    Claim("C6", "a single statement from the Federal Reserve could ruin everything", (
        measure("after a bad surprise", lambda t, _: t.bad == 1, FALL, UP, (24,), among=lambda t: np.isfinite(t.bad), needs=(MACRO,)),
    ), ("spot_bull",)),
    Claim("C7a", "this hypothesis holds within a 95% confidence interval", (
        measure("the price rises after hours of a spot bull, more than after others", spot_bull, RETURN, UP, DAYS, needs=RALLY, **SCORES),
    ), ("spot_bull",)),
    Claim("C7b", "Based on on-chain data and the trend of open interest in futures contracts", (
        measure("coins leave the exchanges and open interest does not rise", lambda t, _: t.netflow == 1, RETURN, UP, DAYS,
                among=lambda t: np.isfinite(t.netflow), needs=("exogenous.netflow", OI)),
    ), ("spot_bull",)),
    Claim("C7c", "the funding rate of 4% itself suggests that the market has not fully priced in the geopolitical premium", (
        measure("funding of 2 to 6 % a year: what is not priced in yet comes", about_four, RETURN, UP, (72,), at=0.02,
                near=(0.01, 0.015, 0.03), among=lambda t: np.isfinite(t.annual), needs=("funding",)),
    ), ("spot_bull",)),
    Claim("C7d", "Once macroeconomic expectations reverse, liquidity will become stratified", (
        measure("after a bad surprise: whether trading dries up in layers", lambda t, _: t.bad == 1, IN_LAYERS, UP, (0,),
                among=lambda t: np.isfinite(t.bad), needs=(MACRO, "eth_spot_bars.quote_volume", "spot_bars.quote_volume")),
    ), ("spot_bull",)),
    Claim("C7e", "first look at the voting data of governance proposals", (
        measure("while a vote is undecided", lambda t, _: t.undecided == 1, VOLATILITY, UP, (24,), among=lambda t: np.isfinite(t.undecided),
                needs=("exogenous.votes",)),
    ), ("spot_bull",)),
    Claim("C7f", "not be fooled by the short-term illusion of 'stability.'", (
        measure("a calm market that loads up, beside all calm ones", lambda t, _: t.fragile == 1, VOLATILITY, UP, DAYS,
                among=lambda t: (t.quiet <= 0.2) & np.isfinite(t.fragile), needs=(OI,)),
    ), ("spot_bull",)),
    Claim("C7g", "The fragility of this pattern has been proven in every crisis.", (
        measure("after hours of a spot bull the price falls deeper than usual", spot_bull, FALL, UP, (168,), needs=RALLY, **SCORES),
    ), (), against="A9"),
    Claim("C8", "it all depends on the Federal Reserve's stance. This ceiling is really hard to predict.", (
        measure("where the ceiling is reached, the price goes on as at any other time", ceiling, RETURN, NO_DIFFERENCE, (72,),
                needs=(OI, "funding")),
    ), ("spot_bull",), against="A21"),
)
