"""Constraints between parameters: `where: strategy.slow > strategy.fast` keeps the combinations for which it holds."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backtester.errors import UserError

COMPARISONS: dict[type, Callable] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq, ast.NotEq: operator.ne,
}
SUMS: dict[type, Callable] = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
RIGHT = "compare parameters and numbers, as in strategy.slow > 2 * strategy.fast and venue.leverage <= 10"


def holds(where: str, columns: Mapping[str, np.ndarray | list | Any]) -> np.ndarray:
    """For which combinations a constraint holds, (combinations,).

    `columns` has a value or a column for every parameter, those of the venue under `venue.<key>`. What is switched off (None)
    compares as NaN does: with nothing but `!=`. Nothing but comparisons, and, or, not and arithmetic is understood; UserError
    names what is not.
    """
    try:
        tree = ast.parse(where.strip(), mode="eval")
    except SyntaxError as error:
        raise UserError(f"where: {where!r}: cannot be read ({error.msg}); {RIGHT}") from error
    with np.errstate(all="ignore"):
        found = Constraint(where, columns).value(tree.body)
    count = max([len(column) for column in columns.values() if isinstance(column, list | np.ndarray)], default=1)
    out = np.broadcast_to(found, count)
    if out.dtype != bool:
        raise UserError(f"where: {where!r}: is a number, not a comparison; {RIGHT}")
    return out


class Constraint:
    """A constraint and what its names stand for."""

    def __init__(self, where: str, columns: Mapping[str, Any]) -> None:
        self.where, self.columns = where, columns

    def value(self, node: ast.expr) -> Any:
        """What a part of the expression comes to: a number, a word, or a column of either."""
        match node:
            case ast.Constant(value=int() | float() | str()):
                return node.value
            case ast.Name() | ast.Attribute():
                return self.column(ast.unparse(node))
            case ast.Compare():
                return self.comparison(node)
            case ast.BoolOp():
                join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
                return join.reduce(np.broadcast_arrays(*(self.value(part) for part in node.values)))
            case ast.UnaryOp(op=ast.Not()):
                return np.logical_not(self.value(node.operand))
            case ast.UnaryOp(op=ast.USub()):
                return -self.value(node.operand)
            case ast.BinOp() if type(node.op) in SUMS:
                return SUMS[type(node.op)](self.value(node.left), self.value(node.right))
        raise UserError(f"where: {self.where!r}: {ast.unparse(node)!r} is not understood; {RIGHT}")

    def comparison(self, node: ast.Compare) -> np.ndarray:
        """A chain such as 1 < a <= b."""
        if unknown := [op for op in node.ops if type(op) not in COMPARISONS]:
            raise UserError(f"where: {self.where!r}: {type(unknown[0]).__name__} is no comparison of numbers; {RIGHT}")
        sides = [self.value(side) for side in (node.left, *node.comparators)]
        try:
            pairs = zip(node.ops, sides[:-1], sides[1:], strict=True)
            told = [np.asarray(COMPARISONS[type(op)](left, right), dtype=bool) for op, left, right in pairs]
        except TypeError as error:
            raise UserError(f"where: {self.where!r}: a word is compared with a number; {RIGHT}") from error
        return np.logical_and.reduce(np.broadcast_arrays(*told))

    def column(self, name: str) -> Any:
        """The values of a parameter, `strategy.` in front of its name or not."""
        short = name.removeprefix("strategy.")
        if short not in self.columns:
            raise UserError(f"where: {self.where!r}: there is no parameter {name} (there are {', '.join(self.columns)})")
        found = self.columns[short]
        if isinstance(found, list | np.ndarray):
            words = any(isinstance(value, str) for value in found)
            return np.array([np.nan if value is None else value for value in found], dtype=object if words else float)
        return np.nan if found is None else found
