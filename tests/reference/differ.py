"""Two versions of a run's tables: where do they first differ?"""

from math import isclose, isnan

TABLES = ("orders", "fills", "ledger", "equity", "trades")
MONEY = {"amount", "fee", "slippage", "pnl", "fees", "funding"}  # quote, compared to 1e-12 of the deposit
TOTALS = {"balance", "equity", "cash"}                           # quote, sums of many: to 1e-9 of the deposit
NO_NUMBER = ("the quantity is no number", "the price is no number")
UNSAID = {"qty", "limit", "trigger", "distance"}                 # of an order whose numbers were none


def differences(ours: dict, theirs: dict) -> list[str]:
    """A line for each table that differs, with its first differing row in both versions. Tables: {name: {column: values}}."""
    cash = float(ours["ledger"]["amount"][0])
    return [text for name in TABLES for text in table_difference(name, ours[name], theirs[name], cash)]


def table_difference(name: str, ours: dict, theirs: dict, cash: float) -> list[str]:
    if set(ours) != set(theirs):
        return [f"{name}: columns differ: {sorted(set(ours) ^ set(theirs))}"]
    one, two = (plain_rows(name, table, list(ours), cash) for table in (ours, theirs))
    for n, (a, b) in enumerate(zip(one, two, strict=False)):
        wrong = [column for column in a if not same(column, a, b, cash)]
        if wrong:
            return [f"{name}, row {n}: {', '.join(wrong)}\n    ours:   {show(a)}\n    theirs: {show(b)}"]
    if len(one) == len(two):
        return []
    longer = max(one, two, key=len)
    whose = "ours" if longer is one else "theirs"
    n = min(len(one), len(two))
    return [f"{name}: {len(one)} rows of ours, {len(two)} of theirs; row {n}, only in {whose}: {show(longer[n])}"]


def plain_rows(name: str, table: dict, columns: list[str], cash: float) -> list[dict]:
    """Rows in Python's own values; a ledger's rows that move nothing say nothing."""
    lists = [values.tolist() if hasattr(values, "tolist") else values for values in (table[column] for column in columns)]
    out = [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]
    return [row for row in out if abs(row["amount"]) > 1e-12 * cash] if name == "ledger" else out


def same(column: str, a: dict, b: dict, cash: float) -> bool:
    """Texts and whole numbers exactly, other numbers to 1e-9."""
    if column in UNSAID and a.get("refusal") in NO_NUMBER:
        return True
    x, y = a[column], b[column]
    if not isinstance(x, float) or not isinstance(y, float):
        return x == y
    near = 1e-9 * cash if column in TOTALS else max(1e-9, 1e-12 * cash) if column in MONEY else 1e-9
    return (isnan(x) and isnan(y)) or isclose(x, y, rel_tol=1e-9, abs_tol=near)


def show(row: dict) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in row.items())
