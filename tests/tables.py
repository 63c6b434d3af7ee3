"""Small tables for tests: a handful of records around a moment, in seconds from it."""

import functools

import numpy as np

from backtester.checkout import ROOT
from backtester.market.brackets import load_brackets
from backtester.market.constructed.kinds import construct
from backtester.market.merge import build
from backtester.market.paths import START
from backtester.market.schema import Instrument, parse_header
from backtester.market.synthetic import sample
from backtester.records import BAR, BYTE, INSTRUMENT_SHIFT, KIND_SHIFT, LAST_SHIFT, ROW, STREAMS, rows

SECOND = 10**9
T0 = int(np.datetime64("2024-01-01", "ns").astype("i8"))
SPOT_AND_PERP = (Instrument("BTC-SPOT", "spot"), Instrument("BTC-PERP", "perp"))
HEADER = {
    "name": "tiny",
    "instruments": [{"name": "BTC-SPOT", "role": "spot", "tick": 0.01, "lot": 0.00001}, {"name": "BTC-PERP", "role": "perp"}],
    "streams": {
        "spot_bars": {"interval": "1m", "lag_ms": 500},
        "perp_bars": {"interval": "5m", "lag_ms": 500},
        "funding": {"lag_ms": 5000},
        "open_interest": {"interval": "1h", "lag_ms": 3_600_000},
        "liquidations": {},
    },
}


def bars(opens, interval=60, lag=0.5, price=100.0):
    """Bars that open at `opens` (s), all at one price, without quote volume."""
    out = rows(BAR, len(opens))
    out["ts_event"] = T0 + np.array(opens, "i8") * SECOND
    out["ts_close"] = out["ts_event"] + interval * SECOND
    out["ts_known"] = out["ts_close"] + int(lag * SECOND)
    for field in ("open", "high", "low", "close"):
        out[field] = price
    out["volume"] = 1.0
    out["quote_volume"] = out["taker_buy"] = np.nan
    return out


def points(stream, moments, lag=0.0, **values):
    """Records of a stream without bars at `moments` (s)."""
    out = rows(STREAMS[stream], len(moments))
    out["ts_event"] = T0 + np.array([int(moment * SECOND) for moment in moments], "i8")
    out["ts_known"] = out["ts_event"] + int(lag * SECOND)
    for field, value in values.items():
        out[field] = value
    return out


def unpack(events):
    """Events as (kind, instrument, row, last of its instant)."""
    names = list(STREAMS)
    return [
        (names[event >> KIND_SHIFT & BYTE], event >> INSTRUMENT_SHIFT & BYTE, event & ROW, event >> LAST_SHIFT == 1)
        for event in events.tolist()
    ]


def tiny():
    """Two hours around the turn of a month: minutes of spot, 5 minutes of perp, and what else HEADER names."""
    turn = 31 * 24 * 3600  # s, February begins
    seconds = [turn - 3600 + 60 * n for n in range(120)]
    spot = bars(seconds)
    spot["close"] += np.arange(120) / 100
    spot["high"] = spot["close"]
    spot["quote_volume"][:60] = 100.25
    return {
        ("spot_bars", "BTC-SPOT"): spot,
        ("perp_bars", "BTC-PERP"): bars(seconds[::5], interval=300),
        ("funding", "BTC-PERP"): points("funding", [turn], lag=5, rate=1e-4, interval_h=8),
        ("open_interest", "BTC-PERP"): points("open_interest", [turn - 3600, turn], lag=3600, qty=[7.0, 8.0]),
        ("liquidations", "BTC-PERP"): points("liquidations", [turn - 1, turn + 0.5], lag=1.5, side=[1, -1], qty=2, price=99),
    }


def market_of(made, end=None):
    """The market of invented tables with their margin brackets; `end` (ns) cuts it off."""
    header = parse_header(made.header, "invented")
    known = {each.name: n for n, each in enumerate(header.instruments)}
    start = int(min(table["ts_event"][0] for (stream, _), table in made.tables.items() if stream.endswith("bars")))
    last = int(max(table["ts_event"][-1] for table in made.tables.values())) + 1 if end is None else end
    cut = {(stream, known[name]): table[table["ts_event"] < last] for (stream, name), table in made.tables.items()}
    brackets, _ = load_brackets(header, ROOT, ROOT, start, last)
    return build(made.header["name"], header.instruments, cut | brackets, header.tags)


@functools.cache
def sample_market(days):
    """The first days of the sample, generated in memory."""
    return market_of(sample(), START + days * 24 * 3600 * SECOND)


@functools.cache
def constructed_market(kind, seed, **given):
    """(market, truth) of a constructed market, generated in memory."""
    made = construct(kind, seed, **given)
    return market_of(made), made.truth
