"""What document A and its comments look at, written down close by close: the rally, as a strategy that never trades."""

from backtester.features.basic import NAN, closes_an_hour
from backtester.features.carried import Carried, CarriedParams, weigh_rally
from backtester.features.ceiling import Top
from backtester.features.chase import Chase, Verdict, see_chase, start_chase
from backtester.features.flow import spot_share
from backtester.features.flush import see_forced
from backtester.features.funding import see_funding_rate
from backtester.features.news import see_news
from backtester.features.phases import Phase
from backtester.features.regime import Regime
from backtester.features.scene import (
    Scene,
    SceneParams,
    look_at_contracts,
    look_at_eth,
    look_at_pair,
    look_at_perp,
    look_at_spot,
    start_scene,
)
from backtester.features.stratification import Layer


class WatchRally:
    """All of document A's scene, judged at full hours as the features are."""

    hourly = True
    optional = ("eth",)  # without it nothing confirms
    tags = {"heat_tag": "geopolitics", "macro_tag": "macro", "votes_tag": "votes", "netflow_tag": "netflow"}  # words of exogenous rows

    class Params(SceneParams, CarriedParams):
        clear_h: float | None = 24.0             # hours from ignition to flush
        support_rolling_h: float | None = 168.0  # hours of a breakout whose level is the support

    class Limits:
        support_rolling_h = (1.0, 255.0)

    class Seen(Scene):
        """What document A looks at."""

    class State:
        carried: Carried
        chase: Chase

    class Trace:
        sigma: float         # volatility of spot per root minute
        rise: float          # log return of 24 h
        efficiency: float    # of its path, 0 .. 1
        buying: float        # spot takers' net purchases of 24 h, share of volume
        excess: float        # the same above its month's median
        share: float         # spot's part of both takers' nets, 0 .. 1
        oi_day: float        # change of open interest in 24 h, fraction
        contracts: float     # base
        annual: float        # funding, fraction a year
        gap: float           # what it leaves unpaid of the news, fraction a year
        flushed: float       # 1 yes, 0 no
        clean: float         # 0 .. 1
        loaded: float        # rank of the fuel of both sides, 0 .. 1
        up_share: float      # shorts above, share of all contracts
        phase: Phase
        relay: float         # spot has taken over: 1 yes, 0 no
        label: Regime
        score: float         # 0 .. 1
        heat: float
        left: float          # of its peak
        bad: float           # the last macro surprise was: 1 yes, 0 no
        near: float          # something of the calendar is near: 1 yes, 0 no
        undecided: float     # a vote: 1 yes, 0 no
        netflow: float       # the chain confirms: 1 yes, 0 no
        spread_high: float   # liquidity has gone in layers: 1 yes, 0 no
        support: float       # quote; NaN: no breakout yet
        holds: bool
        broken: bool
        push: bool
        ether: float         # confirms: 1 yes, 0 no

        chase: Verdict
        z: float             # return of an hour in volatilities
        veto: float          # leverage maniacs: 1 yes, 0 no
        fragile: float       # 1 yes, 0 no
        quiet: float         # rank of a day's volatility, 0 .. 1
        top: Top

    def see_start(seen, p):
        start_scene(seen, p)

    def see_exogenous(x, seen, p):
        see_news(seen.news, x)

    def see_funding(x, seen, p):
        see_funding_rate(seen.rally.funding, x)

    def see_open_interest(x, seen, p):
        look_at_contracts(seen, x)

    def see_liquidation(x, seen, p):
        see_forced(seen.rally.flush, x)

    def see_spot(bar, seen, p):
        look_at_spot(seen, bar)

    def see_perp(bar, seen, p):
        look_at_perp(seen, bar)

    def see_eth_spot(bar, seen, p):
        look_at_eth(seen, seen.guards.layers.eth_spot, Layer.ETH_SPOT, bar)

    def see_eth_perp(bar, seen, p):
        look_at_eth(seen, seen.guards.layers.eth_perp, Layer.ETH_PERP, bar)

    def see_pair(spot, perp, seen, p):
        look_at_pair(seen, spot, perp)

    def on_start(ctx, s, p):
        start_chase(s.chase, NAN, 3.0, p.funding_hot, 2.0)  # no anchor: nothing is far from it

    def on_pair(ctx, s, p):
        if closes_an_hour(ctx.perp.bar.ts_close):
            weigh_rally(s.carried, ctx.seen.rally, p)
            see_chase(s.chase, ctx.spot.bar.close, NAN, ctx.seen.guards.ranges, ctx.seen.rally.funding.annual)

    def trace(ctx, s, p, row):
        trace_rally(ctx.seen.rally, row)
        trace_news(ctx.seen.news, row)
        trace_scene(ctx.seen, row)
        row.label = s.carried.label
        row.score = s.carried.score.value
        row.chase = s.chase.verdict

def trace_rally(rally, row):
    """Who carries it."""
    row.sigma = rally.volatility.sigma
    row.rise = rally.flow.rise
    row.efficiency = rally.flow.efficiency
    row.buying = rally.flow.cvd
    row.excess = rally.flow.excess
    row.share = spot_share(rally.flow, rally.perp_flow)
    row.oi_day = rally.contracts.change_day
    row.contracts = rally.contracts.qty
    row.annual = rally.funding.annual
    row.flushed = rally.flush.flushed
    row.clean = rally.clean.clean
    row.loaded = rally.clean.rank
    row.up_share = rally.fuel.up_share
    row.relay = rally.relay.on

def trace_news(news, row):
    """What comes from outside."""
    row.heat = news.value
    row.left = news.heat.left
    row.gap = news.gap
    row.bad = news.macro.negative
    row.near = news.macro.window
    row.undecided = news.votes.undecided
    row.netflow = news.netflow.confirm

def trace_scene(seen, row):
    """Support, Ethereum, the guards, the ceiling."""
    row.phase = seen.phases.phase
    row.support = seen.support.level
    row.holds = seen.support.holds
    row.broken = seen.support.broken
    row.push = seen.support.push
    row.ether = seen.ether.confirmed
    row.z = seen.guards.ranges.z
    row.veto = seen.guards.veto.veto
    row.fragile = seen.guards.stability.fragile
    row.quiet = seen.guards.stability.rank
    row.spread_high = seen.guards.layers.spread.high
    row.top = seen.ceiling.top
