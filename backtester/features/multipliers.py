"""How much of the usual risk a situation deserves: a product of factors, each of one claim, within bounds.

    by label       SPOT_BULL 1, MIXED 0.5, LEVERAGE_BULL and SHORT_COVER 0.25   C4 "spot is more reliable than leveraged"
    by cleanness   1.25 where clean >= 0.6                                      A5 "the market has become more clean"
    by heat        0.5 + 0.5 heat / peak, until spot has taken over             A13 "heat may fade"
    by ether       1.5 where it confirms                                        A17 "Ethereum follow with volume"
    by stability   0.5 where the calm is an illusion                            C7f
    by macro       0.5 in a window                                              A14

SHORT_COVER's factor is a modelling choice: nobody buys there. Without a label there is no product. Another factor whose
input is unknown stays 1 and lowers `coverage`: a stream that a market lacks should be seen, not stop all trading.
"""

from backtester.features.answers import YES, known
from backtester.features.basic import NAN, missing
from backtester.features.regime import Regime


class Multipliers:
    """The product and its factors, for traces."""

    product: float = NAN       # within lowest .. highest; NaN without a label
    coverage: float = 0.0      # share of the six inputs that is known, 0 .. 1
    by_label: float = NAN
    by_clean: float = 1.0
    by_heat: float = 1.0
    by_ether: float = 1.0
    by_stability: float = 1.0
    by_macro: float = 1.0
    lowest: float = 0.0        # bounds of the product
    highest: float = 2.0       # the factors alone reach 1.875
    mixed: float = 0.5
    leveraged: float = 0.25    # LEVERAGE_BULL and SHORT_COVER
    clean: float = 0.6         # from which score on the market is clean, 0 .. 1
    clean_factor: float = 1.25
    ether_factor: float = 1.5
    fragile_factor: float = 0.5


def start_multipliers(f, lowest, highest):
    """Set the bounds of the product."""
    f.lowest = lowest
    f.highest = highest


def multiply(f, label, clean, heat_left, relay, ether, fragile, macro):
    """Take in the situation: label, clean score, heat over its peak, three answers, the macro gate's size."""
    f.by_label = factor_of(f, label)
    f.by_clean = f.clean_factor if clean >= f.clean else 1.0
    f.by_heat = 1.0 if missing(heat_left) or relay == YES else 0.5 + 0.5 * heat_left
    f.by_ether = f.ether_factor if ether == YES else 1.0
    f.by_stability = f.fragile_factor if fragile == YES else 1.0
    f.by_macro = 1.0 if missing(macro) else macro
    product = f.by_label * f.by_clean * f.by_heat * f.by_ether * f.by_stability * f.by_macro
    f.product = NAN if missing(product) else min(max(product, f.lowest), f.highest)
    f.coverage = (known(f.by_label) + known(clean) + known(heat_left) + known(ether) + known(fragile) + known(macro)) / 6.0


def factor_of(f, label):
    """The factor of a label; NaN for an unknown one."""
    if label == Regime.SPOT_BULL:
        return 1.0
    if label == Regime.MIXED:
        return f.mixed
    return f.leveraged if label in (Regime.LEVERAGE_BULL, Regime.SHORT_COVER) else NAN
