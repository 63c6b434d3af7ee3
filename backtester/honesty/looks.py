"""A look at a run: all that one lane has written down and remembers after some number of events."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from backtester.engine.bind import Bound
from backtester.engine.find import reasons_of
from backtester.engine.run import watch
from backtester.market.schema import Market
from backtester.results.tables import tables

Columns = dict[str, np.ndarray]
Look = dict[str, Columns]  # table -> column -> values, one a row


@dataclass(frozen=True)
class Subject:
    """What is checked: a strategy with its parameters, in a market, under a venue's terms."""

    bound: Bound
    market: Market
    params: np.ndarray  # Bound.params, (1,)
    terms: np.ndarray   # TERMS, (instruments,)


def looks(subject: Subject, market: Market, stops: Iterable[int]) -> Iterator[tuple[int, Look]]:
    """Run the subject in `market`; (events, look) after each number of events in `stops`, which ascend. A look lasts until the next."""
    for tile, log in watch(subject.bound, market, subject.params, subject.terms, stops):
        yield int(tile.world["clock"]["events"]), look_of(subject, market, tile, log)


def look_of(subject: Subject, market: Market, tile, log) -> Look:
    """The tables that a run leaves, causes first: what it saw, what it did, what that came to, what it remembers."""
    out: Look = tables(log, market, reasons_of(subject.bound.cls))
    out["equity"] = out.pop("equity")
    out |= {"state": leaves(tile.minds["state"]), "seen": leaves(tile.groups["seen"])}
    return {"trace": out.pop("trace"), **out} if "trace" in out else out


def leaves(records: np.ndarray, prefix: str = "") -> Columns:
    """The plain columns of nested records (n,), under dotted names."""
    out: Columns = {}
    for name in records.dtype.names or ():
        inner = records[name]
        out |= leaves(inner, f"{prefix}{name}.") if inner.dtype.names else {f"{prefix}{name}": inner}
    return {name: values for name, values in out.items() if name.rpartition(".")[2] != "_"}  # what stands where a record has no field
