"""Many cuts of many short markets: does a run know anything of what comes after a moment?

Every cut is two comparisons to the byte of all that the run logged and remembers: with the market that ends there (prefix), and
with the market in which everything that became known later is another (shuffle). Short markets, because each cut is a run anew.
"""

import functools
from collections import Counter
from functools import partial

import numpy as np
from tables import SECOND, bars, points

from backtester.engine.bind import bind
from backtester.engine.find import find_strategy
from backtester.engine.params import params_of
from backtester.engine.venue import terms_of, venue_of
from backtester.features.labels import RequireOi
from backtester.honesty.checks import at_moments
from backtester.honesty.looks import Subject, looks
from backtester.honesty.markets import cut_at, garbled_after, random_moments
from backtester.market.merge import build
from backtester.market.schema import Instrument, Market

DAY = 24 * 3600 * SECOND
WINDOW_DAYS = {"btc_1h": 120, "btc_5m": 14, "btc_flow": 14, "btc_eth_1m": 8}
EAGER = {  # parameters under which a strategy trades on a random walk too
    "door": {"doors": 1, "require_oi": RequireOi.OFF, "premium_delta_bp": 0.2, "premium_eps_bp": 0.1, "anchor_bp": 40.0},
    "divergence_leg": {"labels": "spot", "require_oi": "off", "premium_delta_bp": 0.2, "premium_eps_bp": 0.1},
    "door_game": {"doors": 1, "require_oi": "off", "fuel_ratio": None, "momentum_in": None, "force": "nothing", "retail": "nothing"},
    "spot_bull": {"spot_only": False, "min_score": 0.1, "ether": "off", "chase_fast": None, "clean": 0.0},
    "spot_led": {"oi_drop": -1.0, "flow_min": -1.0, "efficiency_min": 0.0, "funding_lo": -9.0, "funding_hi": 9.0, "premium_delta_bp": 50.0},
    "support_hold": {"level": "rolling", "lookback_h": 24},
    "weekend_monday": {"quiet_only": False, "weekends_min": 1},
}
VENUES = (  # the cuts of a market are made under one of them
    {},
    {"fills": "strict", "path": "ohlc"},
    {"margin": "isolated", "leverage": 20.0, "impact_bp": 10.0, "participation": 0.1},
    {"liquidation": "mark_slip", "liquidation_fee_bp": 125.0, "leverage": 50.0, "path": "nearest"},
)
INSTRUMENTS = (Instrument("S", "spot", 0.01, 1e-5, 5.0), Instrument("P", "perp", 0.1, 1e-3, 100.0))


@functools.cache
def bound(strategy, roles):
    """A strategy (a name or a file) in the loop."""
    return bind(find_strategy(strategy), roles)


def random_market(seed: int, days: int = 10) -> Market:
    """Five-minute bars of spot and perp along a walk whose premium wanders, and the other records that strategies ask for."""
    rng, n = np.random.default_rng(seed), days * 288
    price = 50_000.0 * np.exp(np.cumsum(rng.normal(0.0, 2e-3 * np.exp(rng.normal(0.0, 0.7)), n)))
    premium = np.convolve(rng.normal(0.0, 2e-4, n), 0.95 ** np.arange(100))[:n]
    moments = 300.0 * np.sort(rng.choice(n, 400, replace=False))
    contracts = 9e4 * np.exp(np.cumsum(rng.normal(0.0, 3e-3, n)))
    tables = {
        ("spot_bars", 0): drawn_bars(rng, price),
        ("perp_bars", 1): drawn_bars(rng, price * (1.0 + premium)),
        ("mark_bars", 1): drawn_bars(rng, price * (1.0 + 0.5 * premium)),
        ("index_bars", 1): drawn_bars(rng, price),
        ("funding", 1): points("funding", 28_800.0 * np.arange(3 * days), lag=5, rate=rng.normal(1e-4, 3e-4, 3 * days), interval_h=8),
        ("open_interest", 1): points("open_interest", 300.0 * np.arange(n), lag=330, qty=contracts),
        ("liquidations", 1): points(
            "liquidations", moments, lag=1.5, side=rng.choice([-1.0, 1.0], 400), qty=rng.gamma(1.0, 2.0, 400), price=5e4
        ),
    }
    return build(f"random {seed}", INSTRUMENTS, tables)


def drawn_bars(rng, close) -> np.ndarray:
    """Bars that open where the one before closed, with wicks and volume."""
    n, out = len(close), bars(300 * np.arange(len(close)), 300)
    out["open"], out["close"] = np.append(close[:1], close[:-1]), close
    out["high"] = np.maximum(out["open"], close) * (1.0 + 1e-3 * rng.random(n))
    out["low"] = np.minimum(out["open"], close) * (1.0 - 1e-3 * rng.random(n))
    out["volume"] = rng.gamma(2.0, 20.0, n)
    out["quote_volume"], out["taker_buy"] = out["volume"] * close, out["volume"] * rng.uniform(0.3, 0.7, n)
    return out


def window(market: Market, seed: int, days: int) -> Market:
    """Some days of a market, from a random moment on, with the margin brackets that are in force then."""
    start = market.start + int(np.random.default_rng(seed).integers(max(1, market.end - market.start - days * DAY)))
    tables = {}
    for (stream, i), table in market.tables.items():
        ts = table["ts_event"]
        first = max(int(np.searchsorted(ts, start, side="right")) - 1, 0) if stream == "brackets" else int(np.searchsorted(ts, start))
        part = table[first : int(np.searchsorted(ts, start + days * DAY))]
        if len(part):
            tables[stream, i] = part
    return build(f"{market.name} {seed}", market.instruments, tables)


def cut(strategy, market: Market, cuts: int, seed: int, **params) -> Counter:
    """Counts of what was compared. Raises AssertionError with the first row that differs."""
    cls, venue = find_strategy(strategy), {"cash": 1e6, "missing_funding": "free"} | VENUES[seed // 2 % len(VENUES)]
    if not any(stream == "brackets" for stream, _ in market.tables):
        venue |= {"maintenance_bp": 50.0}
    if not market.instruments[1].taker_bp and not venue.get("taker_bp"):
        venue |= {"taker_bp": 5.0}
    subject = Subject(bound(strategy, market.roles), market, params_of(cls, params), terms_of(venue_of(venue), market))
    moments = random_moments(market, cuts, seed)
    others = {"the market cut there": partial(cut_at, market), "another future": partial(garbled_after, market, seed=seed)}
    for name, other in others.items():
        _, different = at_moments(subject, moments, other, name, lambda *_: None)
        assert not different, f"{strategy} on {market.name}: {different}"
    _, end = next(looks(subject, market, [moments[-1][1]]))
    counts = Counter({f"{kind} orders": int((end["orders"]["kind"] == kind).sum()) for kind in set(end["orders"]["kind"])})
    return counts + Counter(markets=1, cuts=len(moments), events=2 * sum(n for _, n in moments), fills=len(end["fills"]["ts"]))


def cut_many(strategy, markets, cuts_each: int, seed: int = 0) -> Counter:
    """The same over several markets, with the default parameters and with eager ones by turns."""
    total = Counter()
    for n, market in enumerate(markets):
        total += cut(strategy, market, cuts_each, seed + n, **(EAGER.get(strategy, {}) if n % 2 else {}))
    return total


def windows(market: Market, count: int, days: int, seed: int = 0):
    """Several windows of a market, one after another."""
    return (window(market, seed + n, days) for n in range(count))
