"""D22, heat: how much of the news is still in the air.

    heat(t) = sum of weight * 2 ^ -((t - ts_known) / half_life)

Claims A3 ("political fluctuations push prices higher"), A13 and C5 ("the heat may fade"). Events are rows of the
exogenous stream with the feature's tag, counted from when they were known. A row without a half-life gets the
parameter's, 72 hours. Heat is unknown until the first row: a market without the stream never knows it.

Each half-life has one decaying sum, brought to date when asked. There is room for 16 half-lives; a further one counts
at the nearest of them.

`peak` is the heat from which `left` counts (A13, C1: heat over heat0): the highest since heat rose from less than an
eighth of the peak before, so that old news do not overshadow new ones.

Without a file of events a proxy made of prices alone is possible: each hour whose return is beyond `sigmas` of them
adds |z| / sigmas, less the share of it that liquidations explain, ramp(liquidated / traded, 0, 2 %) say; `proxy` then
says so, and what a shock weighs is a modelling choice. A shock that nobody can explain, or a row without a weight,
leaves heat unknown for four half-lives.
"""

import math

from backtester.features.basic import HOUR, LN2, NAN, missing
from backtester.fields import vec

SLOTS = 16       # different half-lives
ANY = -1         # every tag counts
FADED = 0.125    # of the peak; below it the next event begins anew
FORGOTTEN = 4.0  # half-lives


class Heat:
    """The sum as it stood when it was last asked for."""

    value: float = NAN          # 1, in units of weight
    left: float = NAN           # value / peak
    peak: float = NAN
    ts: int = 0                 # when the last event was known, ns; 0: none yet
    proxy: bool = False         # made of prices, not of events
    tag: int = -1               # code of the events that count
    half_life_h: float = 72.0   # hours, of a row that has none
    sigmas: float = 3.0         # of an hourly return that is a shock
    blind_until: int = 0        # ns; something of unknown weight is still in the air
    used: int = 0               # slots
    half_life: vec(16)          # hours
    sum: vec(16)                # as of `at`
    at: vec(16, kind="i8")      # ns


def start_heat(f, tag, half_life_h, sigmas):
    """Set whose rows count (a tag's code, -1 for all), the half-life of those without one, and what a shock is."""
    f.tag = tag
    f.half_life_h = half_life_h
    f.sigmas = sigmas


def see_event(f, x):
    """Take in one row of the exogenous stream."""
    if f.tag not in (ANY, x.tag):
        return
    half_life_h = x.half_life_h if x.half_life_h > 0.0 else f.half_life_h
    if missing(x.weight):
        go_blind(f, x.ts_known, half_life_h)
    else:
        add_heat(f, x.ts_known, x.weight, half_life_h)


def see_shock(f, ts, z, explained):
    """Take in a full hour's return in sigmas, and the share of it (0 .. 1) that liquidations explain."""
    if missing(z):
        return
    f.proxy = True
    if abs(z) > f.sigmas and missing(explained):
        go_blind(f, ts, f.half_life_h)
    elif abs(z) > f.sigmas:
        add_heat(f, ts, (1.0 - explained) * abs(z) / f.sigmas, f.half_life_h)
    cool(f, ts)


def go_blind(f, ts, half_life_h):
    """Something of unknown weight happened: heat is unknown until it must have faded."""
    f.blind_until = max(f.blind_until, ts + int(FORGOTTEN * half_life_h * HOUR))
    cool(f, ts)


def add_heat(f, ts, weight, half_life_h):
    """Something happened."""
    before = total(f, ts)
    k = slot_of(f, half_life_h)
    f.sum[k] = decayed(f, k, ts) + weight
    f.at[k] = ts
    f.ts = ts
    after = total(f, ts)
    if weight > 0.0 and (missing(f.peak) or before < FADED * f.peak or after > f.peak):
        f.peak = after
    cool(f, ts)


def cool(f, ts):
    """Bring the heat to date, `ts` in ns; it stays unknown while nothing has been known yet."""
    f.value = NAN
    f.left = NAN
    if (f.ts > 0 or f.proxy) and ts >= f.blind_until:
        f.value = total(f, ts)
        f.left = f.value / f.peak if f.peak > 0.0 else NAN


def total(f, ts):
    """All sums at `ts`."""
    heat = 0.0
    for k in range(f.used):
        heat += decayed(f, k, ts)
    return heat


def decayed(f, k, ts):
    """What is left of one sum at `ts`."""
    return f.sum[k] * math.exp(-LN2 * ((ts - f.at[k]) / HOUR) / f.half_life[k]) if f.sum[k] != 0.0 else 0.0


def slot_of(f, half_life_h):
    """The slot of a half-life, a free one, or the nearest."""
    nearest = 0
    for k in range(f.used):
        if abs(f.half_life[k] - half_life_h) < abs(f.half_life[nearest] - half_life_h):
            nearest = k
    if f.used < SLOTS and (f.used == 0 or f.half_life[nearest] != half_life_h):
        nearest = f.used
        f.used += 1
        f.half_life[nearest] = half_life_h
    return nearest
