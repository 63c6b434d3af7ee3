"""One rise from every side that document A looks at: who buys it, who leaves, what it costs, what was cleared before.

"This rally is mainly driven not by futures traders speculating, but by genuine buying in the spot market" (A4 - A8): takers of
spot and perp, contracts, funding, the premium of spot, forced positions, and whether spot has taken over. This record keeps the
features in step; each of them says in its own file what it is. `p` is a strategy's Params, among them RallyParams.

A market without a feed of liquidations may have the flush from the fuel map, times `flush_factor`: from the first row of open
interest on at which the map is known. The relay counts the hours in which spot takers bought (RATIO), or in which they bought more
than a month's median of the day's purchases, as a share of volume (EXCESS).
"""

from backtester.features.basic import HOUR, NAN, closes_an_hour, missing, off
from backtester.features.clean import Clean, see_clean
from backtester.features.flow import Flow, Takers, see_flow
from backtester.features.flush import Flush, age_flush, see_consumed, start_flush
from backtester.features.fuel import Fuel, age_fuel, assume_takers, see_fuel_bar, see_fuel_contracts, start_fuel
from backtester.features.funding import Funding
from backtester.features.hours import at_hour, last_hours
from backtester.features.lead_lag import LeadLag, see_lead_lag
from backtester.features.open_interest import OpenInterest, age_contracts, see_contracts
from backtester.features.premium import Premium, see_premium
from backtester.features.premium_moves import PremiumMoves, see_premium_moves
from backtester.features.relay import Relay, see_relay, start_relay
from backtester.features.volatility import Volatility, see_volatility

FIVES = 288.0        # times five minutes in a day
DIST = 0.02          # log price in which fuel counts
H_TAKER = 0.60       # leveraged share of what takers open
H_MAKER = 0.15       # the same of makers
HALF_LIFE_H = 24.0   # hours, of the short-term fuel
MAINTENANCE = 0.004  # maintenance rate of the smallest positions
WINDOW_H = 12        # hours in which the relay is looked for
FLAT = 0.005         # fraction; a smaller rise of open interest is none


class RallyParams:
    """What is read of a strategy's Params."""

    takers: Takers = Takers.EXCESS      # ratio: net purchases of a day; excess: above the median of their month
    flush_usd: float | None = 180e6     # quote; liquidations of a day that are a flush
    flush_short: float = 0.60           # least share of shorts in it
    flush_factor: float | None = 1.0    # liquidations over what the fuel map loses, where there is no feed; None: unknown there
    fuel_takers: float | None = 0.5     # 0 .. 1; purchases assumed where the perp's takers are unknown; None: unknown there
    relay_h: int = 6                    # of the last 12 hours, in which spot must have bought to have taken over
    lead: float | None = None           # 0 .. 1; least share of spot in who moves first; None: not asked, and not followed


class Rally:
    """All that bars, contracts, funding and liquidations say of the rise."""

    flow: Flow                     # takers of spot, and the price's path
    perp_flow: Flow                # takers of the perp
    contracts: OpenInterest
    funding: Funding
    premium: Premium
    moves: PremiumMoves
    volatility: Volatility         # of spot
    fuel: Fuel
    flush: Flush
    clean: Clean
    relay: Relay
    lead: LeadLag                  # where it is asked
    volume_5m: float = NAN         # base of the perp in five minutes, mean of a day
    factor: float = NAN            # forced positions over those that the map says were; NaN: the map is not asked
    takers: Takers = Takers.RATIO  # what the relay counts
    leads: bool = False            # who moves first is asked


def start_rally(f, p):
    """Set the limits of the parts."""
    start_fuel(f.fuel, DIST, H_TAKER, H_MAKER, HALF_LIFE_H, 0.0, MAINTENANCE)
    assume_takers(f.fuel, p.fuel_takers)
    start_flush(f.flush, p.flush_usd, p.flush_short)
    start_relay(f.relay, p.relay_h, WINDOW_H, FLAT)
    f.factor = p.flush_factor
    f.takers = p.takers
    f.leads = not off(p.lead)


def see_rally_contracts(f, x):
    """Take in one row of open interest."""
    see_contracts(f.contracts, x)
    see_fuel_contracts(f.fuel, x)


def see_rally_spot(f, bar):
    """Take in one bar of spot."""
    see_volatility(f.volatility, bar)
    see_flow(f.flow, bar)


def see_rally_perp(f, bar):
    """Take in one bar of the perp: who bought, and who was forced out as far as the map knows."""
    see_flow(f.perp_flow, bar)
    see_fuel_bar(f.fuel, bar)
    if not (off(f.factor) or missing(f.fuel.up)):
        see_consumed(f.flush, bar.ts_close, f.fuel.taken_long, f.fuel.taken_short, f.factor)
    age_flush(f.flush, bar.ts_close)


def see_rally_pair(f, spot, perp):
    """Take in two bars that close together; a full hour is judged here, when all of it is known."""
    see_premium(f.premium, spot, perp)
    see_premium_moves(f.moves, perp.ts_close, f.premium.median)
    age_contracts(f.contracts, perp.ts_close)
    age_fuel(f.fuel, perp.ts_close)
    if f.leads:
        see_lead_lag(f.lead, spot, perp)
    if closes_an_hour(perp.ts_close):
        hour = (perp.ts_close - 1) // HOUR
        see_clean(f.clean, perp.ts_close, f.fuel.up_share + f.fuel.down_share, f.contracts.change_day)
        see_relay(f.relay, perp.ts_close, bought_in(f.flow, hour, f.takers), f.contracts.qty)
        f.volume_5m = last_hours(f.perp_flow.volumes, hour, 24) / FIVES


def bought_in(flow, hour, takers):
    """What spot takers bought on balance in a full hour: base, or under EXCESS the share of volume above the usual one."""
    net = at_hour(flow.nets, hour)
    if takers == Takers.RATIO:
        return net
    volume = at_hour(flow.volumes, hour)
    return net / volume - (flow.cvd - flow.excess) if volume > 0.0 else NAN
