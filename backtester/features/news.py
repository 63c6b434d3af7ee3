"""What comes from outside the market, and what it leaves: events, the calendar, votes, the chain, and who takes over from them.

"Geopolitical events ignited market sentiment" (A3), "macro factors and global liquidity remain constraints" (A14), "first look at
the voting data" (C7e), "on-chain data" (C7b), "once the heat cools down, it will depend on who steps in" (C1), "not fully priced
in" (C7c). All of it comes as exogenous rows, told apart by the codes of their tags; a tag of -1 is asked by nobody. Without a row of its
tag a part stays unknown. That liquidity which shrinks over 30 days halves the size, as a near announcement does, is a modelling choice;
gold's correlation (A3, "a hedge") is shown and decides nothing.

`weight` times the events' weights is the heat. At 0.0 there is no heat, whatever the rows say: known to be zero, never a peak,
nothing to hand over, nothing that ignites. That is the counterfactual of C5, "what if the geopolitical heat fades away?".
`p` is a strategy's Params, among them NewsParams.
"""

from backtester.features.basic import NAN
from backtester.features.governance import Governance, see_governance, start_governance
from backtester.features.handover import Handover, see_handover
from backtester.features.heat import Heat, cool, see_event, start_heat
from backtester.features.macro import Macro, age_macro, see_macro, start_macro
from backtester.features.netflow import Netflow, confirm_netflow, see_netflow, start_netflow
from backtester.features.outside import Outside, see_outside, see_price_of_day, start_outside
from backtester.features.priced_in import ANCHOR, priced_in_gap

SHOCK = 3.0      # sigmas; no shock is asked of a heat that is made of events
HALF = 0.5       # size near an announced event, and while liquidity shrinks
MEMORY_H = 72.0  # hours in which a bad surprise counts


class NewsParams:
    """What is read of a strategy's Params. The tags are codes: places in the data set's own list, from 0."""

    heat_weight: float = 1.0         # of events in the heat; 0: as if nothing ever happened
    heat_tag: int = 0                # the events' tag
    heat_half_life_h: float = 72.0   # hours; of events that have none
    kappa: float = 0.05              # fraction of funding a year that a unit of heat is worth
    macro_tag: int = -1              # the calendar's tag; -1: none
    bad_news: float | None = -1.0    # standard deviations; largest surprise that is bad news
    votes_tag: int = -1              # the votes' tag; nothing is bought while one is undecided; -1: none
    netflow_tag: int = -1            # the exchanges' netflow, which must confirm; -1: none
    liquidity_tag: int = -1          # a measure of the world's liquidity; while it shrinks over 30 days the size is halved; -1: none
    gold_tag: int = -1               # gold's price, whose correlation is shown; -1: none


class News:
    """The rows so far, and what they are worth now."""

    heat: Heat
    handover: Handover
    macro: Macro
    votes: Governance
    netflow: Netflow
    liquidity: Outside
    gold: Outside
    size: float = NAN     # of the macro gate, with liquidity; 0.5 or 1
    weight: float = 1.0   # of the events; 0: there is no heat
    value: float = NAN    # heat now, events times weight
    kappa: float = 0.05   # fraction of funding a year, per unit of heat
    gap: float = NAN      # what funding leaves unpaid of it, fraction a year


def start_news(f, p):
    """Set tags, half-life and limits."""
    start_heat(f.heat, p.heat_tag, p.heat_half_life_h, SHOCK)
    start_macro(f.macro, p.macro_tag, HALF, p.bad_news, MEMORY_H)
    start_governance(f.votes, p.votes_tag)
    start_netflow(f.netflow, p.netflow_tag, 1, 0.0)
    start_outside(f.liquidity, p.liquidity_tag)
    start_outside(f.gold, p.gold_tag)
    f.weight = p.heat_weight
    f.kappa = p.kappa


def see_news(f, x):
    """Take in one exogenous row."""
    if f.weight > 0.0:
        see_event(f.heat, x)
    see_macro(f.macro, x)
    see_governance(f.votes, x)
    see_netflow(f.netflow, x)
    see_outside(f.liquidity, x)
    see_outside(f.gold, x)


def age_news(f, ts, price, relay, change_day, annual):
    """What all of it is worth at `ts` (ns), with the log price, the relay's answer, the day's change of contracts, and funding a year."""
    cool(f.heat, ts)
    f.value = f.weight * f.heat.value if f.weight > 0.0 else 0.0
    f.gap = priced_in_gap(annual, f.value, ANCHOR, f.kappa)
    see_handover(f.handover, f.heat.left, relay)
    age_macro(f.macro, ts)
    confirm_netflow(f.netflow, ts, change_day)
    see_price_of_day(f.liquidity, ts, price)
    see_price_of_day(f.gold, ts, price)
    f.size = HALF if f.liquidity.change < 0.0 else f.macro.size
