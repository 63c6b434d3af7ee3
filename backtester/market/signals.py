"""Signals of other programs as records: positions in a Series or a file, entries and exits, a vectorbt portfolio.

They become the exogenous stream of a market, each known when its bar is, so that nothing is held before it could have been decided.
"""

from pathlib import Path

import numpy as np

from backtester.errors import UserError
from backtester.market.dataset import load
from backtester.market.merge import build
from backtester.market.schema import Market
from backtester.records import EXOGENOUS, rows

TAG = "signals"
STAMPS = ("open", "close", "known")  # what the times of signals are: of the bar that decided, or the moment itself
WHAT = "a Series of positions, a DataFrame with `target` or `entries` and `exits`, a vectorbt.Portfolio, or a .parquet or .csv file"


def with_signals(data, signals, *, stamp: str = "open") -> Market:
    """The market with `signals` as its exogenous stream, for `run(…, "signals")`; other exogenous rows are left out.

    signals: positions as a Series on times (UTC where they name no zone), or what else WHAT lists; entries and exits become 1, 0
    and, with `short_entries` and `short_exits`, -1. stamp: a time is the `open` of the bar that decided (as exchanges and pandas
    label bars), its `close`, or the moment at which the signal is `known`. Raises UserError for what cannot be right.
    """
    market = data if isinstance(data, Market) else load(data)
    if stamp not in STAMPS:
        raise UserError(f"stamp: {stamp!r} is none of {', '.join(STAMPS)}")
    ts, held = positions_of(signals)
    known = ts if stamp == "known" else known_at(market, ts, stamp)
    table = rows(EXOGENOUS, len(ts))
    table["ts_event"], table["ts_known"], table["weight"] = ts, known, held
    tables = {key: each for key, each in market.tables.items() if key[0] != "exogenous"}
    carrier = next(n for n, each in enumerate(market.instruments) if each.name)
    return build(market.name, market.instruments, tables | {("exogenous", carrier): table}, (TAG,), market.source)


def known_at(market: Market, ts: np.ndarray, stamp: str) -> np.ndarray:
    """When the bars that open (or close) at these moments are known, ns. Raises UserError for a moment without a bar."""
    bars = np.concatenate([table for (stream, _), table in market.tables.items() if stream in ("spot_bars", "perp_bars")])
    moments = bars["ts_event" if stamp == "open" else "ts_close"]
    order = np.lexsort((bars["ts_known"], moments))
    moments, known = moments[order], bars["ts_known"][order]
    last = np.searchsorted(moments, ts, "right") - 1  # of several bars the one that is known last
    lost = np.flatnonzero((last < 0) | (moments[np.maximum(last, 0)] != ts))
    if len(lost):
        when = ts[lost[0]].astype("M8[ns]")
        told = f"(stamp is {stamp}; may be {', '.join(STAMPS)})"
        raise UserError(f"signals: row {lost[0]}: {market.name} has no bar that {stamp}s at {when} {told}")
    return known[last]


def positions_of(signals) -> tuple[np.ndarray, np.ndarray]:
    """Moments (ns) at which the position changes, rising, and the position from then on."""
    import pandas as pd

    if isinstance(signals, str | Path):
        signals = read(Path(signals))
    if hasattr(signals, "orders") and hasattr(signals, "assets"):  # a vectorbt.Portfolio, known by its methods: no import of it
        signals = signals.assets()
    if isinstance(signals, pd.DataFrame):
        signals = signals.iloc[:, 0] if signals.shape[1] == 1 else target_of(signals)
    if not isinstance(signals, pd.Series) or not isinstance(signals.index, pd.DatetimeIndex):
        raise UserError(f"signals: {type(signals).__name__} is none: give {WHAT}, on times")
    index = signals.index.tz_localize("UTC") if signals.index.tz is None else signals.index.tz_convert("UTC")
    ts, held = index.as_unit("ns").asi8, signals.to_numpy(dtype=float)
    if len(wrong := np.flatnonzero(np.diff(ts) <= 0)):
        raise UserError(f"signals: row {wrong[0] + 1}: {index[wrong[0] + 1]} does not come after the row before it")
    if len(wrong := np.flatnonzero(~np.isfinite(held))):
        raise UserError(f"signals: row {wrong[0]}: the position is {held[wrong[0]]}: write a number, 0 for none")
    changes = np.flatnonzero(np.diff(held, prepend=0.0))
    return ts[changes], held[changes]


def read(path: Path):
    """A file of signals: its first column, or the one named ts, is the time."""
    import pandas as pd

    if path.suffix not in {".parquet", ".csv"} or not path.is_file():
        raise UserError(f"{path}: {'no such file' if path.suffix in {'.parquet', '.csv'} else 'signals come as .parquet or .csv'}")
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    if not isinstance(table.index, pd.DatetimeIndex):
        name = "ts" if "ts" in table else table.columns[0]
        try:
            table = table.set_index(pd.to_datetime(table[name], utc=True)).drop(columns=name)
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}: column {name}: {error}") from None
    return table


def target_of(table):
    """The position that a table's columns ask for, a Series: `target`, or entries and exits."""
    import pandas as pd

    if "target" in table:
        return table["target"]
    if not {"entries", "exits"} <= set(table):
        raise UserError(f"signals: columns {', '.join(map(str, table.columns))}: there is no target, and no entries and exits")
    flags = {name: table[name].to_numpy(dtype=bool) if name in table else np.zeros(len(table), bool) for name in FLAGS}
    held, position = np.zeros(len(table)), 0.0
    for row in range(len(table)):
        position = after(position, *(bool(flags[name][row]) for name in FLAGS))
        held[row] = position
    return pd.Series(held, table.index)


FLAGS = ("entries", "exits", "short_entries", "short_exits")


def after(position: float, enters: bool, leaves: bool, shorts: bool, covers: bool) -> float:
    """The position after one row's flags: contradictions (enter and leave, long and short) change nothing; an entry may turn it."""
    if enters and shorts:
        return position
    if enters and not leaves:
        return 1.0
    if shorts and not covers:
        return -1.0
    if (leaves and not enters and position > 0) or (covers and not shorts and position < 0):
        return 0.0
    return position
