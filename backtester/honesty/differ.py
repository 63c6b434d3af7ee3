"""Two looks side by side: the first row in which they differ, as text."""

import numpy as np

from backtester.honesty.looks import Columns, Look
from backtester.market.times import iso

MOMENTS = ("ts", "ts_event", "entry_ts")  # the column that dates a row
TIMES = ("ts_known", "ts_close", "ts_done", "exit_ts")
KEPT = ("state", "seen", "lane")          # one row of many fields: only those that differ are shown
MOST = 12                                 # of them


def difference(one: Look, other: Look, names: tuple[str, str], moment: int) -> str:
    """Empty where both looks hold the same bytes (a NaN is a NaN); else the first row that does not, in both versions.

    `names` says whose looks they are; `moment` (ns) dates what has no time of its own.
    """
    for table in dict.fromkeys([*one, *other]):
        a, b = one.get(table, {}), other.get(table, {})
        row = first_row(a, b)
        if row is not None:
            columns = differing(a, b, row) if table in KEPT else [name for name in a or b if name not in MOMENTS]
            head = f"{table} row {row}, {iso(moment_of(a, b, row) or moment)}"
            width = max(map(len, names))
            return "\n".join([head, *(f"  {name:<{width}}  {shown(side, columns, row)}" for name, side in zip(names, (a, b), strict=True))])
    return ""


def first_row(a: Columns, b: Columns) -> int | None:
    """The first row in which two tables differ; None where they are the same."""
    lengths = [len(next(iter(side.values()), ())) for side in (a, b)]
    shared = min(lengths)
    wrong = np.zeros(shared, bool)
    for name in a.keys() & b.keys():
        wrong |= unequal(a[name][:shared], b[name][:shared])
    if wrong.any():
        return int(wrong.argmax())
    return shared if lengths[0] != lengths[1] else None


def unequal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which rows of two columns (n, ...) differ."""
    return (bits(a) != bits(b)).reshape(len(a), int(np.prod(a.shape[1:]))).any(axis=1)


def bits(values: np.ndarray) -> np.ndarray:
    """Values as they compare: numbers by their bits, every NaN the same; words as they are."""
    if values.dtype.kind != "f":
        return values
    return np.where(np.isnan(values), np.nan, values).astype("f8").view("i8")


def differing(a: Columns, b: Columns, row: int) -> list[str]:
    """The columns that differ in one row; of an array its first element that does, as name[4]."""
    out = []
    for name in a:
        wrong = np.flatnonzero(np.ravel(bits(a[name][[row]]) != bits(b[name][[row]])))
        if len(wrong):
            out.append(f"{name}[{wrong[0]}]" if a[name].ndim > 1 else name)
    return out


def moment_of(a: Columns, b: Columns, row: int) -> int:
    """When a row happened, ns; 0 where no column says so."""
    for side in (a, b):
        for name in MOMENTS:
            if name in side and row < len(side[name]):
                return int(side[name][row])
    return 0


def shown(side: Columns, columns: list[str], row: int) -> str:
    """One version of a row."""
    if not side or row >= len(next(iter(side.values()))):
        return "no such row"
    more = f" and {len(columns) - MOST} more" if len(columns) > MOST else ""
    return ", ".join(f"{name}={value_of(side, name, row)}" for name in columns[:MOST]) + more


def value_of(side: Columns, name: str, row: int):
    """One value, to its last digit; a time in UTC."""
    column, _, element = name.partition("[")
    value = np.ravel(side[column][row])[int(element.rstrip("]")) if element else 0]
    if column in TIMES:
        return f"{np.datetime64(int(value), 'ns')}Z"
    return value.item() if isinstance(value, np.generic) else value
