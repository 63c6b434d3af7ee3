"""The whole scene of document A: the rise, the news around it, what speaks against it, its phases, support, Ethereum, the ceiling.

A market like any other, looked at in the order of the post: "geopolitical events ignited sentiment, institutions cleared shorts,
spot market funds continued the rally" (phases.py), "can Bitcoin hold above 92,000" (support.py), "will Ethereum follow" (eth.py),
"where is the ceiling" (ceiling.py). A strategy's Seen may be a Scene, its Params have SceneParams among them: `class Seen(Scene)`,
`class Params(SceneParams)`. Everything is judged at full hours. Ethereum is optional: what needs it stays unknown without its bars.
"""

from enum import IntEnum

from backtester.features.answers import NO, YES, asked, both
from backtester.features.basic import closes_an_hour, log_price, off
from backtester.features.breakout import Breakout, see_breakout
from backtester.features.ceiling import Ceiling, see_ceiling, see_ceiling_flush, see_ceiling_levels
from backtester.features.eth import Follower, see_follower, start_follower
from backtester.features.guards import Guards, GuardsParams, judge_guards, see_guards_perp, see_guards_spot, start_guards
from backtester.features.news import News, NewsParams, age_news, start_news
from backtester.features.phases import Phases, see_phases, start_phases
from backtester.features.rally import (
    Rally,
    RallyParams,
    see_rally_contracts,
    see_rally_pair,
    see_rally_perp,
    see_rally_spot,
    start_rally,
)
from backtester.features.stratification import Layer, see_layer
from backtester.features.support import Support, see_support, start_rolling_support, start_support

IGNITES = 3.0  # sigmas of an hour's return


class Use(IntEnum):
    """What a sign is good for."""

    OFF = 0
    SIZE = 1  # the position is larger where it is there
    GATE = 2  # nothing is bought before


class SceneParams(RallyParams, NewsParams, GuardsParams):
    """What is read of a strategy's Params, that of the parts included."""

    clear_h: float | None = None            # hours from ignition to flush; None: the phases are not asked
    support: float | None = None            # quote, of spot; bought only while it holds
    support_rolling_h: float | None = None  # hours of a breakout whose level is the support, at most 255
    support_tolerance: float = 0.0025       # fraction below support that is no break
    support_closes: int = 3                 # hourly closes in a row below that are one
    push: Use = Use.OFF                     # a push to new highs above support; size: more is bought then, once
    ether_volume: float = 1.5               # times its usual volume of a day, where Ethereum breaks out
    ether_lag_h: float = 48.0               # hours after bitcoin's break
    stratified: bool = False                # bad news are ruin only where liquidity has gone in layers


class Scene:
    """What anyone can see."""

    rally: Rally
    news: News
    guards: Guards
    phases: Phases
    support: Support
    leader: Breakout   # bitcoin's
    ether: Follower
    ceiling: Ceiling


def start_scene(f, p):
    """Set the limits of the parts."""
    start_rally(f.rally, p)
    start_news(f.news, p)
    start_guards(f.guards, p)
    if not off(p.clear_h):
        start_phases(f.phases, IGNITES, p.clear_h)
    start_follower(f.ether, p.ether_volume, p.ether_lag_h)
    if off(p.support) and not off(p.support_rolling_h):
        start_rolling_support(f.support, int(p.support_rolling_h), p.support_tolerance, p.support_closes)
    else:
        start_support(f.support, p.support, p.support_tolerance, p.support_closes)


def look_at_contracts(f, x):
    """Take in one row of open interest."""
    see_rally_contracts(f.rally, x)
    see_ceiling_levels(f.ceiling, f.rally.fuel)


def look_at_spot(f, bar):
    """Take in one bar of spot."""
    see_rally_spot(f.rally, bar)
    see_guards_spot(f.guards, bar, f.rally.volatility.sigma)
    see_support(f.support, bar)
    made = f.guards.ranges.now
    if made.full:
        see_breakout(f.leader, bar.ts_close, made.close, made.high)


def look_at_perp(f, bar):
    """Take in one bar of the perp."""
    see_rally_perp(f.rally, bar)
    see_guards_perp(f.guards, bar)


def look_at_eth(f, made, layer, bar):
    """Take in one bar of Ethereum, of spot or of the perp; `made` is that layer's hour among the guards."""
    if layer == Layer.ETH_SPOT:
        see_follower(f.ether, bar, f.leader.ts)
    see_layer(f.guards.layers, made, layer, bar)


def look_at_pair(f, spot, perp):
    """Take in two bars that close together, and judge a full hour."""
    see_rally_pair(f.rally, spot, perp)
    if closes_an_hour(perp.ts_close):
        judge_scene(f, perp)


def judge_scene(f, perp):
    """An hour is over."""
    rally = f.rally
    age_news(f.news, perp.ts_close, log_price(perp), rally.relay.on, rally.contracts.change_day, rally.funding.annual)
    judge_guards(f.guards, perp.ts_close, rally)
    see_phases(f.phases, perp.ts_close, f.guards.ranges.z, f.news.heat.ts, rally.flush.flushed, rally.relay)
    see_ceiling_flush(f.ceiling, rally.flush.flushed, rally.contracts)
    see_ceiling(f.ceiling, perp.close, rally.funding.annual, rally.contracts.qty)


def is_supported(f, price, p):
    """A15, A16: whether a price of spot stands above a support that holds, and has just pushed higher where that is a gate."""
    if off(p.support) and off(p.support_rolling_h):
        return YES
    pushed = f.support.push or p.push != Use.GATE
    return YES if f.support.holds and price > f.support.level and pushed else NO


def is_ruined(f, p):
    """A14, C6, C7d: whether "a single statement from the Federal Reserve could ruin everything" has come true (an answer)."""
    if p.macro_tag < 0:
        return NO
    bad = asked(p.bad_news, f.news.macro.negative)
    return both(bad, f.guards.layers.spread.high) if p.stratified else bad
