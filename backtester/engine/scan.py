"""Reading a strategy's source before it is compiled: wrong names, forbidden writes, and which parameters the market hooks read.

numba reports an unknown field as a bare KeyError without a place; here it has the file, the line and
the names that exist. Shapes follow records through aliases and into plain helper functions.
"""

import ast
import builtins
import inspect
import linecache
import textwrap
import types
from dataclasses import dataclass, field

import numpy as np

from backtester.errors import UserError


@dataclass(frozen=True)
class Shape:
    """A record as the source may use it: its fields (None: a number or an array), whose it is, whether it may be written."""

    fields: dict
    owner: str
    writable: bool = False


def shape_of(dtype: np.dtype, owner: str, writable: bool = False) -> Shape:
    """The shape of a record dtype."""
    inner = {name: dtype.fields[name][0] for name in dtype.names}
    return Shape({n: shape_of(d, owner, writable) if d.names else None for n, d in inner.items() if n != "_"}, owner, writable)


@dataclass
class Scan:
    """One walk over a hook and what it calls."""

    reads: set = field(default_factory=set)     # parameters read
    walked: set = field(default_factory=set)    # functions walked, with the owners of their arguments
    trusted: tuple = ("backtester.orders",)     # modules whose functions may write where a strategy may not

    def function(self, fn, arguments: dict) -> None:
        """Walk `fn` with `arguments` (name -> Shape or None)."""
        key = (fn, tuple((n, id(s)) for n, s in arguments.items()))
        if key in self.walked or fn.__module__ in self.trusted:
            return
        self.walked.add(key)
        lines, first = inspect.getsourcelines(fn)
        tree = ast.parse(textwrap.dedent("".join(lines)))
        Walk(self, fn, first, arguments).visit_body(tree.body[0].body)


class Walk(ast.NodeVisitor):
    """One function's body, statement by statement, so that aliases are known where they are used."""

    def __init__(self, scan: Scan, fn, first: int, shapes: dict):
        self.scan, self.fn, self.first, self.shapes = scan, fn, first, dict(shapes)
        self.locals = set(fn.__code__.co_varnames + fn.__code__.co_cellvars + fn.__code__.co_freevars)

    def visit_body(self, body) -> None:
        for statement in body:
            self.visit(statement)

    def error(self, node, what: str) -> UserError:
        file, line = self.fn.__code__.co_filename, self.first + node.lineno - 1
        return UserError(f"{file}:{line}: in {self.fn.__qualname__}: {linecache.getline(file, line).strip()}\n{what}")

    def shape(self, node):
        """The shape of an expression, None where it is no record."""
        if isinstance(node, ast.Name):
            return self.shapes.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.shape(node.value)
            return owner.fields.get(node.attr) if owner else None
        return None

    def visit_Name(self, node):
        known = node.id in self.locals or node.id in self.fn.__globals__ or hasattr(builtins, node.id)
        if not known:
            raise self.error(node, f"the name {node.id!r} is not defined")
        shape = self.shapes.get(node.id)
        if shape and shape.owner == "params":
            raise self.error(node, f"{node.id} may only be read as {node.id}.<parameter> or passed on to a plain function")

    def visit_Attribute(self, node):
        owner = self.shape(node.value)
        if owner is None:
            self.visit(node.value)
            return
        if node.attr not in owner.fields:
            raise self.error(node, f"{ast.unparse(node.value)} has no field {node.attr!r} (it has {', '.join(owner.fields)})")
        if owner.owner == "params":
            self.scan.reads.add(node.attr)
        if not isinstance(node.value, ast.Name):
            self.visit(node.value)

    def visit_Assign(self, node):
        self.visit(node.value) if self.shape(node.value) is None else None
        for target in node.targets:
            self.store(node, target)
            if isinstance(target, ast.Name):
                self.shapes[target.id] = self.shape(node.value)

    def visit_AugAssign(self, node):
        self.visit(node.value)
        self.store(node, node.target)

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self.visit(node.value)
        self.store(node, node.target)

    def store(self, node, target) -> None:
        """A write: only into records that are the writer's own."""
        inner = target.value if isinstance(target, ast.Subscript) else target
        if isinstance(target, ast.Tuple):
            for part in target.elts:
                self.store(node, part)
        elif isinstance(inner, ast.Attribute):
            self.visit(inner)
            owner = self.shape(inner.value)
            if owner and not owner.writable:
                rule = "a hook writes only its own records and asks with the order verbs"
                raise self.error(node, f"{ast.unparse(inner)} belongs to {owner.owner}: {rule}")
            if owner and owner.fields[inner.attr] is not None:
                raise self.error(node, f"{ast.unparse(inner)} is a record: copy it field by field")

    def visit_Call(self, node):
        callee = self.fn.__globals__.get(node.func.id) if isinstance(node.func, ast.Name) else None
        plain = isinstance(callee, types.FunctionType)
        names = list(inspect.signature(callee).parameters) if plain else []
        passed = dict(zip(names, node.args, strict=False)) | {k.arg: k.value for k in node.keywords}
        for argument in [*node.args, *(k.value for k in node.keywords)]:
            if self.shape(argument) is None or not plain:
                self.visit(argument)
        self.visit(node.func)
        if plain:
            self.scan.function(callee, {name: self.shape(value) for name, value in passed.items()})
