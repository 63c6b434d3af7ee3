"""Spot bull: events ignite, shorts are cleared, spot carries on. Buy that, and nothing that merely looks like it."""

from enum import IntEnum

from backtester.features.answers import NO, YES, asked, below, both, either, granted, opposite
from backtester.features.basic import HOUR, NAN, closes_an_hour, missing
from backtester.features.carried import Carried, CarriedParams, is_carried, weigh_rally
from backtester.features.ceiling import Top
from backtester.features.chase import Verdict, chases
from backtester.features.flow import buying
from backtester.features.flush import see_forced
from backtester.features.funding import see_funding_rate
from backtester.features.news import see_news
from backtester.features.phases import Phase
from backtester.features.plan import Plan, PlanParams, look_before_buying, plan_long, start_plan
from backtester.features.regime import Regime
from backtester.features.retail import see_retail_trade
from backtester.features.scene import (
    Scene,
    SceneParams,
    Use,
    is_ruined,
    is_supported,
    look_at_contracts,
    look_at_eth,
    look_at_pair,
    look_at_perp,
    look_at_spot,
    start_scene,
)
from backtester.features.shakeout import Exit, watch_stops
from backtester.features.stratification import Layer
from backtester.orders import Tif, amend, blocked, cancel, cancel_all, held, limit, market, market_order, stop, target, trailing_stop


class Reason(IntEnum):
    """Why an order was sent."""

    SPOT_BULL = 1
    PUSHED_HIGHER = 2
    HARD_STOP = 3          # touched
    SOFT_STOP = 4          # closed beyond
    CEILING = 5            # a part of the profit
    TRAILED = 6            # the rest, after a fall from its best price
    BAD_NEWS = 7           # a single statement ruined everything
    LEVERAGE_MANIACS = 8
    SUPPORT_BROKEN = 9
    NOBODY_TOOK_OVER = 10  # the heat is going, and spot does not step in
    SPOT_LEFT = 11         # its takers stopped buying
    MAX_HOLD = 12          # nobody knows how long it can last


class SpotBull:
    """Not a leverage bull but a spot bull: events ignite, shorts are cleared, and genuine buying on spot carries the price up,
    steadily, while open interest falls and funding stays healthy. Buy that above support, more where Ethereum follows and the
    market is clean, less before the Fed speaks, and never chase the highs. Don't be scared out: a wick is nothing, a close
    beyond the soft stop is something, and a hard stop rests at the venue. A part is sold at the ceiling; the rest trails, for who
    knows where the ceiling is. Leave when the heat fades and nobody takes over, when support breaks, when leverage maniacs come,
    at bad news, when spot's buyers leave, and when the time is up.
    """

    optional = ("eth",)  # without it nothing confirms

    class Params(SceneParams, CarriedParams, PlanParams):
        """Beside what the features ask for; conf/strategy/spot_bull.yaml has all of them in the order of the story."""

        push_share: float = 0.5               # of the first purchase
        gap_trail: float | None = 0.5         # of the trailing distance, where more than the heat is priced in
        ceiling_share: float | None = 0.5     # of the position, sold at the ceiling
        max_hold_h: float | None = 96.0       # hours; longest holding
        leave_flow: float | None = 0.0        # net purchases of spot's takers in a day below which they have left

    class Limits:
        support_rolling_h = (1.0, 255.0)

    class Seen(Scene):
        """What document A looks at."""

    class State:
        carried: Carried
        plan: Plan
        spent: bool = False     # this opening of the gates was used
        entered: int = 0        # ns
        room: float = NAN       # to the hard stop, quote
        pushed: bool = False    # more was bought
        guard: int = -1         # number of the hard stop
        goal: int = -1          # of the order at the ceiling
        trail: int = -1         # of the trailing stop
        tight: bool = False     # which was drawn closer

    class Trace:
        score: float
        label: Regime
        funding: float
        oi_day: float
        buying: float
        lead: float
        flushed_usd: float
        phase: Phase
        heat: float
        gap: float
        gold: float
        liquidity: float
        support: float
        chase: Verdict
        multiplier: float
        soft_stop: float

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

    def see_trade(x, seen, p):
        see_retail_trade(seen.guards.retail, x)

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
        start_plan(s.plan, p)

    def on_bar(ctx, s, p):
        if held(ctx.perp) > 0.0 and ctx.perp.bar.ts_known == ctx.ts:
            watch_stops(s.plan.stops, ctx.perp.bar)
            if s.plan.stops.exit == Exit.SOFT:
                target(ctx.perp, 0.0, Reason.SOFT_STOP)

    def on_pair(ctx, s, p):
        if closes_an_hour(ctx.perp.bar.ts_close):
            weigh_rally(s.carried, ctx.seen.rally, p)
            look_before_buying(s.plan, ctx.spot.bar.close, ctx.seen)
            if held(ctx.perp) <= 0.0:
                consider(ctx, s, p)
            elif not leave(ctx, s, p):
                carry_on(ctx, s, p)

    def trace(ctx, s, p, row):
        rally = ctx.seen.rally
        row.score = s.carried.score.value
        row.label = s.carried.label
        row.funding = rally.funding.annual
        row.oi_day = rally.contracts.change_day
        row.buying = buying(rally.flow, p.takers)
        row.lead = rally.lead.share
        row.flushed_usd = rally.flush.notional
        row.phase = ctx.seen.phases.phase
        row.heat = ctx.seen.news.value
        row.gap = ctx.seen.news.gap
        row.gold = ctx.seen.news.gold.correlation
        row.liquidity = ctx.seen.news.liquidity.change
        row.support = ctx.seen.support.level
        row.chase = s.plan.chase.verdict
        row.multiplier = s.plan.multipliers.product
        row.soft_stop = s.plan.stops.soft


def consider(ctx, s, p):
    """Buy once, at the first hour at which the whole story is there and nothing speaks against it."""
    answer = both(claims(ctx, s, p), opposite(objections(ctx.seen, s, p)))
    if missing(answer):
        blocked(ctx)
    elif answer == NO:
        s.spent = False
    elif not s.spent:
        enter(ctx, s, p)


def claims(ctx, s, p):
    """What the post claims of a rise that is worth buying: all of it (an answer)."""
    seen = ctx.seen
    answer = granted(p.clear_h, seen.phases.permitted)                          # events ignited, shorts were cleared, spot continued
    answer = both(answer, is_carried(s.carried, seen.rally.flow.rise, p))       # "spot market funds are the true drivers"
    answer = both(answer, is_supported(seen, ctx.spot.bar.close, p))            # "can Bitcoin hold above $92,000 and push higher?"
    answer = both(answer, granted(p.lead, opposite(below(seen.rally.lead.share, p.lead))))  # "genuine buying in the spot market"
    if p.ether == Use.GATE:
        answer = both(answer, seen.ether.confirmed)                             # "will Ethereum follow with increased volume?"
    if p.netflow_tag >= 0:
        answer = both(answer, seen.news.netflow.confirm)                        # "based on on-chain data"
    return answer


def objections(seen, s, p):
    """What speaks against it: any of it (an answer)."""
    answer = either(chases(s.plan.chase), asked(p.veto_sigmas, seen.guards.veto.veto))
    return either(answer, either(seen.news.votes.undecided, is_ruined(seen, p)))


def enter(ctx, s, p):
    """Buy as much as is prudent. The hard stop rests at the venue, and so does the sale of a part at the ceiling."""
    plan_long(s.plan, ctx.account.equity, ctx.spot.bar, ctx.perp.bar, ctx.seen, s.carried.label, p)
    qty = s.plan.sizing.qty
    if missing(qty):
        blocked(ctx)
    elif qty > 0.0:
        cancel_all(ctx.perp)
        market_order(ctx.perp, qty, Reason.SPOT_BULL, tif=Tif.IOC)
        s.guard = stop(ctx.perp, -qty, s.plan.stops.hard, Reason.HARD_STOP, reduce_only=True)
        s.goal = -1
        if ctx.seen.ceiling.price > ctx.perp.bar.close and p.ceiling_share > 0.0:
            s.goal = limit(ctx.perp, -p.ceiling_share * qty, ctx.seen.ceiling.price, Reason.CEILING, reduce_only=True)
        s.room = ctx.perp.bar.close - s.plan.stops.hard
        s.trail = -1
        s.tight = False
        s.pushed = False
        s.entered = ctx.ts
        s.spent = True


def leave(ctx, s, p):
    """Whether the story is over; the gravest reason first."""
    seen = ctx.seen
    if is_ruined(seen, p) == YES:
        target(ctx.perp, 0.0, Reason.BAD_NEWS)
    elif asked(p.veto_sigmas, seen.guards.veto.veto) == YES:
        target(ctx.perp, 0.0, Reason.LEVERAGE_MANIACS)
    elif seen.support.broken:
        target(ctx.perp, 0.0, Reason.SUPPORT_BROKEN)
    elif seen.news.handover.leave == YES:
        target(ctx.perp, 0.0, Reason.NOBODY_TOOK_OVER)
    elif buying(seen.rally.flow, p.takers) < p.leave_flow:
        target(ctx.perp, 0.0, Reason.SPOT_LEFT)
    elif ctx.ts - s.entered >= p.max_hold_h * HOUR:
        target(ctx.perp, 0.0, Reason.MAX_HOLD)
    else:
        return False
    return True


def carry_on(ctx, s, p):
    """The story goes on: buy more where it pushes higher; sell a part at the ceiling, and let the rest trail."""
    if p.push == Use.SIZE and ctx.seen.support.push and not s.pushed and objections(ctx.seen, s, p) == NO:
        more = p.push_share * held(ctx.perp)
        s.pushed = True
        market(ctx.perp, more, Reason.PUSHED_HIGHER)
        amend(ctx.perp, s.guard, -more - held(ctx.perp), NAN)
    elif s.trail < 0:
        look_up(ctx, s, p)
    elif ctx.seen.news.gap < 0.0 and not s.tight and p.gap_trail > 0.0:
        s.tight = True
        amend(ctx.perp, s.trail, NAN, p.gap_trail * s.room)


def look_up(ctx, s, p):
    """At the ceiling a part goes, unless it is gone already; from there on, or once the heat is gone, the rest trails."""
    part = 0.0
    if s.goal >= 0 and ctx.perp.position.resting == 1:
        s.goal = -1
    elif ctx.seen.ceiling.top in (Top.FUNDING, Top.CONTRACTS) and p.ceiling_share > 0.0:
        part = p.ceiling_share * held(ctx.perp)
        market(ctx.perp, -part, Reason.CEILING)
    elif ctx.seen.news.handover.trails != YES:
        return
    cancel(ctx.perp, s.goal)
    s.trail = trailing_stop(ctx.perp, part - held(ctx.perp), s.room, Reason.TRAILED, reduce_only=True)
