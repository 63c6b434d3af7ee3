"""The log of a run as named columns: codes become words, times stay int64 ns UTC."""

import numpy as np

from backtester.engine import state

TIMES = ("ts", "ts_done", "entry_ts", "exit_ts")
VENUE_REASON = {state.BANKRUPT: "bankrupt"}


def words(codes: np.ndarray, names) -> np.ndarray:
    """Codes as text: `names` is a sequence or a mapping; a code without a name is its number."""
    known = dict(enumerate(names)) if not isinstance(names, dict) else names
    return np.array([known.get(int(code), str(int(code))) for code in codes], dtype=object)


def tables(log: state.Log, market, reasons: dict[int, str]) -> dict[str, dict[str, np.ndarray]]:
    """Table name -> column name -> array, in the order of the files of a run."""
    names = {i: instrument.name for i, instrument in enumerate(market.instruments)} | {-1: ""}
    why = reasons | VENUE_REASON
    out = {
        "equity": equity_table(log, market),
        "orders": orders_table(log, names, why, market.start),
        "fills": fills_table(log, names, why),
        "trades": trades_table(log, names, why),
        "ledger": ledger_table(log, names),
    }
    traced = [name for name in log.trace.dtype.names or () if name != "_"]
    if traced:
        out["trace"] = {"ts": log.equity["ts"]} | {name: log.trace[name] for name in traced}
    return {table: {name: one_nan(values) for name, values in columns.items()} for table, columns in out.items()}


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


def orders_table(log, names, why, start: int) -> dict:
    rows = log.orders
    return {
        "id": np.arange(len(rows)),
        "ts": np.maximum(rows["ts"], start),  # what is asked at the start was asked when the first bar opened
        "instrument": words(rows["instrument"], names),
        "kind": np.full(len(rows), "market", dtype=object),
        "qty": rows["qty"],
        "reason": words(rows["reason"], why),
        "status": words(rows["status"], state.STATUS),
        "refusal": words(rows["refusal"], state.REFUSAL),
        "ts_done": rows["ts_done"],
        "price": np.where(rows["status"] == state.FILLED, rows["price"], np.nan),
    }


def fills_table(log, names, why) -> dict:
    rows = log.fills
    return {
        "ts": rows["ts"],
        "order": rows["order"],
        "instrument": words(rows["instrument"], names),
        "qty": rows["qty"],
        "price": rows["price"],
        "fee": rows["fee"],
        "slippage": rows["slippage"],
        "liquidity": np.full(len(rows), "taker", dtype=object),
        "reason": words(rows["reason"], why),
    }


def trades_table(log, names, why) -> dict:
    rows = log.trades
    numbers = ("qty", "entry_price", "exit_price", "pnl", "fees", "funding")
    return {
        "instrument": words(rows["instrument"], names),
        "side": np.where(rows["side"] > 0.0, "long", "short").astype(object),
        "entry_ts": rows["entry_ts"],
        "exit_ts": rows["exit_ts"],
        **{name: rows[name] for name in numbers},
        "entry_reason": words(rows["entry_reason"], why),
        "exit_reason": words(rows["exit_reason"], why),
    }


def ledger_table(log, names) -> dict:
    rows = log.ledger
    return {
        "ts": rows["ts"],
        "instrument": words(rows["instrument"], names),
        "kind": words(rows["kind"], state.KINDS),
        "amount": rows["amount"],
        "balance": rows["balance"],
    }
