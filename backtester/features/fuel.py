"""D7, the fuel: positions near the price that would be closed by force, from open interest and who its takers were.

Claims B4 ("liquidation orders above the price"), B5 ("below the price"), B16 ("short-term high-leverage"). A row of open
interest with d more contracts opened d longs and d shorts at V, the average price of the perp's bars since the row before, of
which takers bought the share a:

    longs  = d * (a * h_taker + (1 - a) * h_maker)      leveraged part, base
    shorts = d * ((1 - a) * h_taker + a * h_maker)
    level  = V * (1 - 1/L) / (1 - m) of a long, V * (1 + 1/L) / (1 + m) of a short, for each leverage L of MIX
    up     = quote notional of the shorts within `dist` above the price; down: of the longs within `dist` below
    cluster_up   = the nearest level above that holds at least `cluster` of the shorts within `dist`; cluster_down: of the longs below

A bar takes the shorts up to its high and the longs down to its low. Where open interest fell by more than was taken, all
levels shrink by the rest's share; all fade, those of L >= 50 by half in `half_life_h`, the others in three times that.

Model, not measurement: h_taker, h_maker, MIX (`tilt` leans it), the half-lives. `dist` is a log distance, a level is a bucket
of 5 bp (see levels). The bars of a row are those known since the row before, some minutes later than its contracts. A bar
without quote volume counts with the mean of high, low and close. `coverage` is the share of new contracts whose takers were
known (fading slowly): the others are not placed, and below 0.6 nothing is published, unless a share of purchases is assumed
for them (assume_takers; at 0.5 both sides are loaded alike and the imbalance says nothing). The map starts empty at
`since`: wait some half-lives. The published numbers are read at rows of open interest; a bar only takes.
"""

import math

from backtester.features.basic import HOUR, LN2, NAN, missing, off
from backtester.features.levels import (
    HUGE,
    NOWHERE,
    STEP,
    Levels,
    add_long,
    add_short,
    bucket_of,
    fade,
    longs_at,
    nearest_long,
    nearest_short,
    recentre,
    shorts_at,
    start_levels,
    take_longs,
    take_shorts,
)
from backtester.features.open_interest import STALE
from backtester.fields import vec

LEVERAGE = (125.0, 100.0, 75.0, 50.0, 25.0, 20.0, 10.0, 5.0)
MIX = (0.02, 0.08, 0.05, 0.20, 0.15, 0.20, 0.20, 0.10)  # share of the leveraged positions
FAST = 4              # of them fade fast: L >= 50
SLOWER = 3.0          # half-lives of the others
GROW = math.exp(STEP)  # from bucket to bucket, quote
SHRINK = math.exp(-STEP)
ENOUGH = 0.6          # coverage


class Fuel:
    """What stands near the price, and the map behind it."""

    up: float = NAN          # shorts to be bought back above, quote
    down: float = NAN        # longs to be sold below, quote
    up_share: float = NAN    # of the notional of all contracts
    down_share: float = NAN  # of the notional of all contracts
    imbalance: float = NAN   # (up - down) / (up + down), -1 .. 1
    cluster_up: float = NAN    # nearest cluster of shorts above, the middle of its bucket, quote; NaN: unknown, or there is none
    cluster_down: float = NAN  # nearest cluster of longs below, quote
    coverage: float = NAN    # 0 .. 1
    price: float = NAN       # at which this was read, quote
    notional: float = NAN    # of all contracts, quote
    taken_short: float = 0.0 # by the last bar, quote
    taken_long: float = 0.0  # by the last bar, quote
    dist: float = 0.02       # log price
    cluster: float = 0.05    # of a side's fuel within `dist`; what a bucket of a cluster holds at least
    h_taker: float = 0.60    # leveraged share of what takers open
    h_maker: float = 0.15    # the same of makers
    rate: vec(2)             # fading per ns, by speed
    weight: vec(8)           # of each leverage
    above: vec(8)            # a short's level over its entry, log price
    below: vec(8)            # a long's
    levels: Levels
    close: float = NAN       # of the last bar that traded, quote
    volume: float = 0.0      # since the last row, base
    paid: float = 0.0        # since the last row, quote
    bought: float = 0.0      # by takers since the last row, base
    taken: float = 0.0       # liquidated since the last row, base
    created: float = 0.0     # new contracts, fading, base
    known: float = 0.0       # those of them whose takers were known
    assumed: float = NAN     # takers' share of purchases where it is unknown; NaN: those contracts are not placed
    qty: float = NAN         # contracts at the last row, base
    ts: int = 0              # of the last row, ns
    since: int = 0           # of the first row, ns


def start_fuel(f, dist, h_taker, h_maker, half_life_h, tilt, maintenance):
    """Set how far fuel is looked for, the leveraged shares, the fading, and the mix: weights times (L / 20) to the power `tilt`."""
    f.dist = dist
    f.h_taker = h_taker
    f.h_maker = h_maker
    f.rate[0] = LN2 / (half_life_h * HOUR)
    f.rate[1] = f.rate[0] / SLOWER
    total = 0.0
    for k in range(len(LEVERAGE)):
        f.weight[k] = MIX[k] * math.exp(tilt * math.log(LEVERAGE[k] / 20.0))
        f.above[k] = math.log((1.0 + 1.0 / LEVERAGE[k]) / (1.0 + maintenance))
        f.below[k] = math.log((1.0 - 1.0 / LEVERAGE[k]) / (1.0 - maintenance))
        total += f.weight[k]
    for k in range(len(LEVERAGE)):
        f.weight[k] /= total
    start_levels(f.levels)


def assume_takers(f, bought):
    """Where takers are unknown, place new contracts as if they had bought this share (0 .. 1)."""
    f.assumed = bought


def see_fuel_bar(f, bar):
    """Take in one bar of the perp: what its range liquidates, and at which price its takers dealt."""
    f.taken_short = 0.0
    f.taken_long = 0.0
    if not (bar.volume > 0.0 and bar.low > 0.0 and bar.close > 0.0 and bar.high < HUGE):
        return
    paid = bar.quote_volume
    f.paid += bar.volume * (bar.high + bar.low + bar.close) / 3.0 if missing(paid) else paid
    f.volume += bar.volume
    f.bought += bar.taker_buy
    f.close = bar.close
    shorts = take_shorts(f.levels, bar.high)
    longs = take_longs(f.levels, bar.low)
    f.taken += shorts + longs
    f.taken_short = shorts * bar.close
    f.taken_long = longs * bar.close


def see_fuel_contracts(f, x):
    """Take in one row of open interest. Where nothing traded since the last one, its change waits for the next."""
    if not x.qty > 0.0 or not f.volume > 0.0:
        return
    if missing(f.qty):
        f.since = x.ts_event
    else:
        change = x.qty - f.qty
        pass_time(f, float(max(0, x.ts_event - f.ts)), change)
        recentre(f.levels, bucket_of(math.log(f.close)))
        if change > 0.0:
            place(f, change)
    f.qty = x.qty
    f.ts = x.ts_event
    f.volume = 0.0
    f.paid = 0.0
    f.bought = 0.0
    f.taken = 0.0
    read_fuel(f, f.close)


def pass_time(f, ns, change):
    """`ns` have passed and open interest changed: the map fades, and what was given up meanwhile leaves it."""
    keep = max(0.0, 1.0 - max(0.0, -change - f.taken) / f.qty) if change < 0.0 else 1.0
    slow = math.exp(-f.rate[1] * ns)
    fade(f.levels, 0, math.exp(-f.rate[0] * ns), keep)
    fade(f.levels, 1, slow, keep)
    f.created *= slow
    f.known *= slow


def place(f, change):
    """New contracts: their leveraged longs and shorts get their levels."""
    bought = f.bought / f.volume
    f.created += change
    if 0.0 <= bought <= 1.0:
        f.known += change
    else:
        bought = f.assumed
    if not (0.0 <= bought <= 1.0 and f.paid > 0.0):
        return
    entry = math.log(f.paid / f.volume)
    longs = change * (bought * f.h_taker + (1.0 - bought) * f.h_maker)
    shorts = change * ((1.0 - bought) * f.h_taker + bought * f.h_maker)
    for k in range(len(LEVERAGE)):
        speed = 0 if k < FAST else 1
        add_short(f.levels, speed, entry + f.above[k], shorts * f.weight[k])
        add_long(f.levels, speed, entry + f.below[k], longs * f.weight[k])


def read_fuel(f, price):
    """Sum up what stands within `dist` of a price (quote), which is the last one or near it."""
    silence(f)
    f.coverage = f.known / f.created if f.created > 0.0 else NAN
    enough = f.coverage >= ENOUGH or (f.created > 0.0 and not off(f.assumed))
    if not (enough and price > 0.0):
        return
    here = bucket_of(math.log(price))
    above = math.exp((here + 1.5) * STEP)
    below = math.exp((here - 0.5) * STEP)
    up = 0.0
    down = 0.0
    shorts = 0.0
    longs = 0.0
    n = int(f.dist / STEP + 0.5)
    for k in range(1, n + 1):
        a = shorts_at(f.levels, here + k)
        b = longs_at(f.levels, here - k)
        shorts += a
        longs += b
        up += a * above
        down += b * below
        above *= GROW
        below *= SHRINK
    f.cluster_up = middle_of(nearest_short(f.levels, here, n, f.cluster * shorts)) if shorts > 0.0 else NAN
    f.cluster_down = middle_of(nearest_long(f.levels, here, n, f.cluster * longs)) if longs > 0.0 else NAN
    f.up = up
    f.down = down
    f.price = price
    f.notional = f.qty * price
    f.up_share = up / f.notional
    f.down_share = down / f.notional
    f.imbalance = (up - down) / (up + down) if up + down > 0.0 else NAN


def middle_of(b):
    """The price in the middle of a bucket, quote; NaN where there is none."""
    return NAN if b == NOWHERE else math.exp((b + 0.5) * STEP)


def silence(f):
    """Nothing is known of what stands near."""
    f.up = NAN
    f.down = NAN
    f.up_share = NAN
    f.down_share = NAN
    f.imbalance = NAN
    f.cluster_up = NAN
    f.cluster_down = NAN
    f.price = NAN
    f.notional = NAN


def age_fuel(f, ts):
    """At `ts` (ns), forget what was read at a row that is too old to speak for now."""
    if ts - f.ts > STALE:
        silence(f)
