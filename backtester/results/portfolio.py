"""The bridge to vectorbt: a Portfolio built from our fills, with what the venue booked beside them.

vectorbt knows orders, and cash that orders move. Funding and the venue's insurance move cash without an order: here they are part of
the cash flow, so that value, returns and drawdowns hold them, and of the profit of the position that they belong to, so that trades do.
Fees stay fees. Trades are positions, from flat to flat or to the other side, as ours are. A liquidation is a fill at its price.
"""

from functools import cache

import numpy as np

from backtester.errors import UserError
from backtester.results.benchmark import role_bars

BESIDE = ("funding", "insurance")  # kinds of the ledger's rows that no fill books
NEAR = 1e-9                        # relative; how far vectorbt's curve may lie from ours before it is an error


def portfolio(tables: dict, market, cash: float):
    """A vectorbt.Portfolio of a run's tables, a column an instrument that was traded (the first where none was), all from one cash."""
    import pandas as pd
    from vectorbt.base.array_wrapper import ArrayWrapper
    from vectorbt.portfolio.enums import log_dt

    ts, fills = tables["equity"]["ts"], tables["fills"]
    bound = [n for n, each in enumerate(market.instruments) if each.name and len(role_bars(market, n))]
    traded = [n for n in bound if np.any(fills["instrument"] == market.instruments[n].name)] or bound[:1]
    names = [market.instruments[n].name for n in traded]
    index = pd.DatetimeIndex(ts, tz="UTC", name="ts")
    several: dict = {"group_by": np.zeros(len(names), int)} if len(names) > 1 else {}
    wrapper = ArrayWrapper(index, names, len(names), freq=pd.Timedelta(int(np.diff(ts).min())) if len(ts) > 1 else None, **several)
    close = np.stack([valued_at(market, n, ts) for n in traded], axis=1)
    beside = np.stack([flow_beside(tables["ledger"], name, ts) for name in names], axis=1)
    beside[:, 0] += flow_beside(tables["ledger"], "", ts)  # of no instrument: what insurance made up when the account was ruined
    given = {"order_records": orders_of(fills, names, ts), "log_records": np.empty(0, log_dt), "init_cash": np.array([cash])}
    own = {"beside": beside, "booked": booked(tables, names)}
    close = close if len(names) > 1 else close[:, 0]
    found = funded()(wrapper, close, cash_sharing=len(names) > 1, trades_type="positions", **given, **own)
    check(found.value().to_numpy().ravel(), tables["equity"]["equity"])
    return found


def orders_of(fills: dict, names: list[str], ts: np.ndarray) -> np.ndarray:
    """vectorbt's order records: each fill in the row of the first close after it, in the order in which they came."""
    from vectorbt.portfolio.enums import OrderSide, order_dt

    found = []
    for column, name in enumerate(names):
        mine = np.flatnonzero(fills["instrument"] == name)
        rows = np.zeros(len(mine), order_dt)
        qty = fills["qty"][mine]
        rows["id"], rows["col"], rows["idx"] = np.arange(len(mine)), column, row_of(ts, fills["ts"][mine])
        rows["size"], rows["price"], rows["fees"] = np.abs(qty), fills["price"][mine], fills["fee"][mine]
        rows["side"] = np.where(qty > 0, OrderSide.Buy, OrderSide.Sell)
        found.append(rows)
    return np.concatenate(found)


def row_of(ts: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """The first row of the equity after each moment: what happens at a close belongs to the bar that opens there."""
    return np.minimum(np.searchsorted(ts, moments, "right"), len(ts) - 1)


def flow_beside(ledger: dict, name: str, ts: np.ndarray) -> np.ndarray:
    """Cash that an instrument's rows of BESIDE moved, by row of the equity."""
    mine = np.flatnonzero((ledger["instrument"] == name) & np.isin(ledger["kind"], BESIDE))
    return np.bincount(row_of(ts, ledger["ts"][mine]), ledger["amount"][mine], minlength=len(ts))


def booked(tables: dict, names: list[str]) -> list[np.ndarray]:
    """Per instrument the cash that BESIDE moved in each round trip, the one that is still open last: after its entry, up to its exit."""
    found, ledger, trades = [], tables["ledger"], tables["trades"]
    for name in names:
        mine = trades["instrument"] == name
        rows = np.flatnonzero((ledger["instrument"] == name) & np.isin(ledger["kind"], BESIDE))
        exits = np.sort(trades["exit_ts"][mine])
        found.append(np.bincount(np.searchsorted(exits, ledger["ts"][rows], "left"), ledger["amount"][rows], minlength=len(exits) + 1))
    return found


def valued_at(market, index: int, ts: np.ndarray) -> np.ndarray:
    """What an instrument is valued at in each row of the equity, by the venue's rule: its mark, else index and basis, else its close."""
    bars = role_bars(market, index)
    price = bars["close"].copy()
    if market.instruments[index].kind == "perp":
        marked, mark = known_with(market, "mark_bars", index, bars)
        indexed, level = known_with(market, "index_bars", index, bars)
        basis = filled_on(np.where(indexed, bars["close"] - level, np.nan))
        before = np.concatenate(([np.nan], basis[:-1]))
        price = np.where(indexed & ~np.isnan(before), level + before, price)
        price = np.where(marked, mark, price)
    place = np.searchsorted(bars["ts_close"], ts, "right") - 1
    return np.where(place >= 0, price[np.maximum(place, 0)], bars["open"][0])


def known_with(market, stream: str, index: int, bars: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether a stream has a bar that ends with each bar and is known no later, and its close."""
    others = market.tables.get((stream, index), bars[:0])
    if not len(others):
        return np.zeros(len(bars), bool), np.full(len(bars), np.nan)
    at = np.minimum(np.searchsorted(others["ts_close"], bars["ts_close"]), len(others) - 1)
    known = (others["ts_close"][at] == bars["ts_close"]) & (others["ts_known"][at] <= bars["ts_known"])
    return known, np.where(known, others["close"][at], np.nan)


def filled_on(values: np.ndarray) -> np.ndarray:
    """Each value that is missing repeats the last one before it."""
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(last >= 0, values[np.maximum(last, 0)], np.nan)


def check(theirs: np.ndarray, ours: np.ndarray) -> None:
    """Raises UserError where vectorbt arrives at another curve than the run."""
    apart = np.abs(theirs - ours) / np.maximum(np.abs(ours), np.abs(ours[0]))
    if len(apart) and apart.max() > NEAR:
        row = int(apart.argmax())
        raise UserError(f"row {row} of the equity: {ours[row]:,.2f}, and {theirs[row]:,.2f} in vectorbt, which cannot stand for this run")


@cache
def funded() -> type:
    """The Portfolio class with cash flows beside its orders; made where it is first used, for vectorbt takes two seconds to import."""
    import vectorbt as vbt

    class FundedPortfolio(vbt.Portfolio):
        """A Portfolio whose cash also moves by `beside` (rows, columns), which is booked to positions as `booked` says."""

        def __init__(self, *args, beside, booked, **kwargs):
            super().__init__(*args, **kwargs)
            self._beside, self._booked = beside, booked
            self.update_config(beside=beside, booked=booked)

        def indexing_func(self, pd_indexing_func, **kwargs):
            """Some of the columns, with what belongs to them."""
            columns = self.wrapper.indexing_func_meta(pd_indexing_func, column_only_select=True, **kwargs)[3]
            found = super().indexing_func(pd_indexing_func, **kwargs)
            return found.replace(beside=self._beside[:, columns], booked=[self._booked[column] for column in np.atleast_1d(columns)])

        def cash_flow(self, group_by=None, free=False, wrap_kwargs=None, engine=None):
            """Cash that orders moved, and what the venue booked beside them. That of a group is added up from its columns, here too."""
            flow = super().cash_flow(group_by=group_by, free=free, wrap_kwargs=wrap_kwargs, engine=engine)
            if self.wrapper.grouper.is_grouped(group_by=group_by):
                return flow
            return flow + (self._beside[:, 0] if flow.ndim == 1 else self._beside)

        def total_profit(self, group_by=None, wrap_kwargs=None, engine=None):
            """What the last value is above the first cash; vectorbt itself would add up orders alone."""
            value = self.value(group_by=group_by, engine=engine).to_numpy()[-1]
            profit = value - self.get_init_cash(group_by=group_by)
            return self.wrapper.wrap_reduced(profit, group_by=group_by, **{"name_or_index": "total_profit"} | (wrap_kwargs or {}))

        def get_positions(self, group_by=None, **kwargs):
            """Positions whose profit holds what was booked beside their fills."""
            found = super().get_positions(group_by=group_by, **kwargs)
            records = found.values.copy()
            for column, amounts in enumerate(self._booked):
                mine = np.flatnonzero(records["col"] == column)
                mine = mine[np.argsort(records["id"][mine], kind="stable")]
                records["pnl"][mine] += amounts[: len(mine)]
            records["return"] = records["pnl"] / (records["size"] * records["entry_price"])
            return found.replace(records_arr=records)

    return FundedPortfolio
