"""The journal of a run as named columns: codes become words, times stay int64 ns UTC."""

import numpy as np

from backtester.engine import codes
from backtester.engine.log import Log
from backtester.fields import annotations, is_enum, scalar

TIMES = ("ts", "ts_done", "until", "entry_ts", "exit_ts")
VENUE_REASON = {int(codes.BANKRUPT): "bankrupt", int(codes.LIQUIDATION_REASON): "liquidation"}


def words(codes: np.ndarray, names) -> np.ndarray:
    """Codes as text: `names` is a sequence or a mapping; a code without a name is its number."""
    known = dict(enumerate(names)) if not isinstance(names, dict) else names
    return np.array([known.get(int(code), str(int(code))) for code in codes], dtype=object)


def tables(log: Log, market, reasons: dict[int, str]) -> dict[str, dict[str, np.ndarray]]:
    """Table name -> column name -> array, in the order of the files of a run."""
    names = {i: instrument.name for i, instrument in enumerate(market.instruments)} | {-1: ""}
    why = reasons | VENUE_REASON
    out = {
        "equity": equity_table(log, market),
        "orders": orders_table(log.journal, names, why),
        "fills": fills_table(log.journal, names, why),
        "trades": trades_table(log.journal, names, why),
        "ledger": ledger_table(log.journal, names),
    }
    traced = [name for name in log.trace.dtype.names or () if name != "_"]
    if traced:
        out["trace"] = {"ts": log.equity["ts"]} | {name: log.trace[name] for name in traced}
    return {table: {name: one_nan(values) for name, values in columns.items()} for table, columns in out.items()}


def trace_words(cls: type) -> dict[str, dict[str, str]]:
    """What the codes in trace.parquet mean: column -> code -> word, of every traced choice and flag."""
    found = {}
    for name, annotation in annotations(getattr(cls, "Trace", None)).items():
        kind = scalar(annotation)
        if is_enum(kind):
            found[name] = {str(member.value): member.name.lower().replace("_", " ") for member in kind}
        elif kind is bool:
            found[name] = {"0": "no", "1": "yes"}
    return found


def one_nan(values: np.ndarray) -> np.ndarray:
    """The same numbers with every NaN spelled alike: its sign and payload differ between plain and compiled code."""
    if values.dtype.kind != "f":
        return values
    values = np.array(values)  # a field of records becomes a column
    unknown = np.isnan(values)
    if unknown.any():
        values[unknown] = np.nan
    return values


def equity_table(log, market) -> dict:
    held = {f"position_{ins.name}": log.held[:, i] for i, ins in enumerate(market.instruments) if ins.name}
    return {"ts": log.equity["ts"], "equity": log.equity["equity"], "cash": log.equity["cash"], **held, "drawdown": log.equity["drawdown"]}


def orders_table(journal, names, why) -> dict:
    """The life of every order, from the rows that tell of it."""
    rows = journal[journal["what"] == codes.ORDER]
    rows = rows[np.argsort(rows["order"], kind="stable")]
    trailing = rows["code"] == codes.ORDER_KIND.index("trailing stop")
    status, refusal, ts_done = ends(journal, rows)
    filled, price = filled_so_far(journal, rows)
    qty, limit, trigger = amended(journal, rows)
    return {
        "id": rows["order"],
        "ts": rows["ts"],
        "instrument": words(rows["instrument"], names),
        "kind": words(rows["code"], codes.ORDER_KIND),
        "asked": rows["a"],
        "qty": qty,
        "limit": limit,
        "trigger": np.where(trailing, np.nan, trigger),
        "distance": np.where(trailing, trigger, np.nan),
        "tif": words(rows["e"], codes.TIF),
        "until": rows["since"],
        "reduce_only": rows["f"] % 2 == 1,
        "post_only": rows["f"] >= 2,
        "parent": rows["link"],
        "reason": words(rows["reason"], why),
        "status": words(status, codes.STATUS),
        "refusal": words(refusal, codes.REFUSAL),
        "filled": filled,
        "price": price,
        "ts_done": ts_done,
    }


def ends(journal, rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Status, refusal and end (ns; 0: it waits) of every order."""
    status, refusal, ts_done = (np.zeros(len(rows), np.int64) for _ in range(3))
    found = journal[journal["what"] == codes.END]
    at = places(rows, found)
    status[at], refusal[at], ts_done[at] = found["code"], found["link"], found["ts"]
    return status, refusal, ts_done


def filled_so_far(journal, rows) -> tuple[np.ndarray, np.ndarray]:
    """The quantity that has filled of every order (base), and its average price (quote; NaN: none has)."""
    found = journal[(journal["what"] == codes.FILL) & (journal["order"] >= 0)]
    at = places(rows, found)
    filled, paid, price = np.zeros(len(rows)), np.zeros(len(rows)), np.full(len(rows), np.nan)
    np.add.at(filled, at, found["a"])
    np.add.at(paid, at, found["a"] * found["b"])
    price[at] = found["b"]  # of a single fill to the last digit
    several = np.bincount(at, minlength=len(rows)) > 1
    price[several] = paid[several] / filled[several]
    return filled, price


def amended(journal, rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quantity, limit and trigger (or distance) of every order, after its amendments."""
    qty, limit, trigger = np.array(rows["b"]), np.array(rows["c"]), np.array(rows["d"])
    found = journal[journal["what"] == codes.AMENDED]
    at, is_trigger = places(rows, found), found["link"] == 1
    for column, values, told in ((qty, found["a"], True), (limit, found["b"], ~is_trigger), (trigger, found["b"], is_trigger)):
        given = told & ~np.isnan(values)
        column[at[given]] = values[given]  # of several the last one stays
    return qty, limit, trigger


def places(rows, found) -> np.ndarray:
    """Where in `rows`, one an order by rising number, stand the orders that `found` tells of.

    A number may be missing: of what a hook asks beyond its room only the last is told.
    """
    return np.searchsorted(rows["order"], found["order"])


def fills_table(journal, names, why) -> dict:
    rows = journal[journal["what"] == codes.FILL]
    return {
        "ts": rows["ts"],
        "order": rows["order"],
        "instrument": words(rows["instrument"], names),
        **{name: rows[field] for name, field in zip(("qty", "price", "fee", "slippage"), "abcd", strict=True)},
        "liquidity": words(rows["code"], codes.LIQUIDITY),
        "reason": words(rows["reason"], why),
    }


def trades_table(journal, names, why) -> dict:
    rows = journal[journal["what"] == codes.TRADE]
    return {
        "instrument": words(rows["instrument"], names),
        "side": np.where(rows["a"] > 0.0, "long", "short").astype(object),
        "entry_ts": rows["since"],
        "exit_ts": rows["ts"],
        "qty": np.abs(rows["a"]),
        **{name: rows[field] for name, field in zip(("entry_price", "exit_price", "pnl", "fees", "funding"), "bcdef", strict=True)},
        "entry_reason": words(rows["code"], why),
        "exit_reason": words(rows["reason"], why),
        "exit_kind": exit_kinds(journal, rows, why),
    }


def exit_kinds(journal, trades, why) -> np.ndarray:
    """The kind of the order whose fill ended each round trip; the venue's own reason where there was no order."""
    asked = journal[journal["what"] == codes.ORDER]
    asked = asked[np.argsort(asked["order"], kind="stable")]
    out = words(trades["reason"], why)
    own = trades["order"] >= 0
    out[own] = words(asked["code"][places(asked, trades[own])], codes.ORDER_KIND)
    return out


def ledger_table(journal, names) -> dict:
    rows = journal[journal["what"] == codes.CASH]
    return {
        "ts": rows["ts"],
        "instrument": words(rows["instrument"], names),
        "wallet": words(rows["link"], names | {int(codes.ACCOUNT_WALLET): "account"}),
        "kind": words(rows["code"], codes.LEDGER),
        "amount": rows["a"],
        "balance": rows["b"],
    }
