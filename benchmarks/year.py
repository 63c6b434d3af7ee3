"""A synthetic year of five streams, 1,357,415 events: two minute series, open interest, funding, liquidations."""

from pathlib import Path

import numpy as np

from backtester.market.brackets import read_brackets
from backtester.market.merge import build
from backtester.market.schema import Instrument, Market
from backtester.records import BAR, FUNDING, LIQUIDATION, OPEN_INTEREST, rows

ROOT = Path(__file__).parents[1]
MINUTE = 60_000_000_000                 # ns
START = 1_704_067_200_000_000_000       # 2024-01-01, ns
MINUTES = 525_600
LIQUIDATIONS = 200_000
INSTRUMENTS = (
    Instrument("BTC-SPOT", "spot", tick=0.01, lot=1e-5, taker_bp=5.0, maker_bp=2.0),
    Instrument("BTC-PERP", "perp", tick=0.1, lot=1e-3, taker_bp=5.0, maker_bp=2.0),
)


def tables(seed: int = 7) -> dict:
    """Records per (stream, instrument index)."""
    rng = np.random.default_rng(seed)
    price = 92_000.0 * np.exp(np.cumsum(rng.normal(0.0, 6e-4, MINUTES)))
    price *= np.exp(-np.linspace(0.0, np.log(price[-1] / 92_000.0), MINUTES))  # back where it began
    noise = rng.normal(0.0, 1e-4, MINUTES)
    premium = np.convolve(noise, 0.99 ** np.arange(600))[:MINUTES]             # a memory of about an hour and a half
    spread = np.abs(rng.normal(0.0, 4e-4, MINUTES))
    return {
        ("brackets", 1): brackets(),
        ("spot_bars", 0): bars(price, spread, rng.gamma(2.0, 10.0, MINUTES)),
        ("perp_bars", 1): bars(price * (1.0 + premium), spread, rng.gamma(2.0, 40.0, MINUTES)),
        ("open_interest", 1): points(OPEN_INTEREST, 5, 330, qty=1e5 * np.exp(np.cumsum(rng.normal(0.0, 1e-3, MINUTES // 5)))),
        ("funding", 1): points(FUNDING, 480, 5, rate=rng.normal(1e-4, 1e-4, MINUTES // 480), interval_h=8.0),
        ("liquidations", 1): liquidations(rng, price),
    }


def brackets() -> np.ndarray:
    """The newest table of margin brackets that the checkout has, in force from the start."""
    out = read_brackets(ROOT / "data" / "brackets" / "binance_btcusdt.yaml")[0][-1:]
    out["ts_event"] = out["ts_known"] = START
    return out


def bars(close, spread, volume, start: int = START) -> np.ndarray:
    """Minute bars along a path of closes, from `start` (ns) on."""
    out = rows(BAR, len(close))
    out["ts_event"] = start + MINUTE * np.arange(len(close))
    out["ts_close"] = out["ts_event"] + MINUTE
    out["ts_known"] = out["ts_close"] + MINUTE // 120
    out["open"], out["close"] = np.concatenate([close[:1], close[:-1]]), close
    out["high"] = np.maximum(out["open"], close) * (1.0 + spread)
    out["low"] = np.minimum(out["open"], close) * (1.0 - spread)
    out["volume"], out["quote_volume"], out["taker_buy"] = volume, volume * close, volume * 0.5
    return out


def points(dtype, every: int, lag_s: int, **values) -> np.ndarray:
    """Records every so many minutes, known `lag_s` seconds later."""
    out = rows(dtype, MINUTES // every)
    out["ts_event"] = START + MINUTE * every * np.arange(1, len(out) + 1)
    out["ts_known"] = out["ts_event"] + lag_s * 1_000_000_000
    for name, value in values.items():
        out[name] = value
    return out


def liquidations(rng, price) -> np.ndarray:
    """Forced orders at random moments."""
    out = rows(LIQUIDATION, LIQUIDATIONS)
    out["ts_event"] = np.sort(START + (rng.random(LIQUIDATIONS) * MINUTES * MINUTE).astype(np.int64))
    out["ts_known"] = out["ts_event"] + 1_500_000_000
    out["side"], out["qty"] = rng.choice([-1.0, 1.0], LIQUIDATIONS), rng.gamma(1.0, 0.5, LIQUIDATIONS)
    out["price"] = price[np.minimum((out["ts_event"] - START) // MINUTE, MINUTES - 1)]
    return out


def market() -> Market:
    """The year as one event stream."""
    return build("year", INSTRUMENTS, tables())
