"""Reading a strategy's source before it is compiled: wrong names, forbidden writes, and which parameters the market hooks read.

numba reports an unknown field as a bare KeyError without a place; here it has the file, the line and
the names that exist. A record may be used in three ways only, so that none escapes: a field is read or
written (`a.b`, `a.b[i]`), it gets a second name (`x = a.b`), it is passed on to a plain function, which
is then walked as well.
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
    """A record or an array as the source may use it: a record's fields (None: a number), whose it is, whether it may be written."""

    fields: dict
    owner: str
    writable: bool = False
    array: bool = False


def shape_of(dtype: np.dtype, owner: str, writable: bool = False) -> Shape:
    """The shape of a record dtype."""
    def of(inner):
        if inner.subdtype:
            return Shape({}, owner, writable, array=True)
        return shape_of(inner, owner, writable) if inner.names else None

    return Shape({name: of(dtype.fields[name][0]) for name in dtype.names if name != "_"}, owner, writable)


@dataclass
class Scan:
    """One walk over a hook and what it calls."""

    reads: set = field(default_factory=set)     # parameters read
    walked: set = field(default_factory=set)    # functions walked, with the shapes of their arguments
    trusted: tuple = ("backtester.orders",)     # modules whose functions may write where a strategy may not

    def function(self, fn, arguments: dict) -> None:
        """Walk `fn` with `arguments` (name -> Shape or None)."""
        key = (fn, tuple((n, id(s)) for n, s in arguments.items()))
        if key in self.walked or fn.__module__ in self.trusted:
            return
        self.walked.add(key)
        try:
            lines, first = inspect.getsourcelines(fn)
            tree = ast.parse(textwrap.dedent("".join(lines)))
        except (OSError, SyntaxError) as error:
            raise UserError(f"{fn.__qualname__}: its source cannot be read ({error}); define it in a file") from None
        if not isinstance(tree.body[0], ast.FunctionDef):
            raise UserError(f"{fn.__code__.co_filename}:{first}: write {fn.__qualname__} as a plain `def`")
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
        """The shape of an expression, None where it is no record and no array. Checks the names on the way."""
        if isinstance(node, ast.Name):
            return self.shapes.get(node.id)
        if not isinstance(node, ast.Attribute):
            return None
        owner = self.shape(node.value)
        if owner is None:
            return None
        if node.attr not in owner.fields:
            raise self.error(node, f"{ast.unparse(node.value)} has no field {node.attr!r} (it has {', '.join(owner.fields)})")
        if owner.owner == "params":
            self.scan.reads.add(node.attr)
        return owner.fields[node.attr]

    def escapes(self, node) -> UserError:
        """A record somewhere where it could be written, or read, unseen."""
        name = ast.unparse(node)
        ways = f"use its fields ({name}.…), name it (x = {name}), or pass it to a plain function of yours"
        return self.error(node, f"{name} is a record: {ways}")

    def visit_Name(self, node):
        if not (node.id in self.locals or node.id in self.fn.__globals__ or hasattr(builtins, node.id)):
            raise self.error(node, f"the name {node.id!r} is not defined")
        if self.shapes.get(node.id):
            raise self.escapes(node)

    def visit_Attribute(self, node):
        if self.shape(node) is not None:
            raise self.escapes(node)
        if self.shape(node.value) is None:
            self.visit(node.value)

    def visit_Subscript(self, node):
        owner = self.shape(node.value)
        if owner is None or not owner.array:
            self.visit(node.value)
        self.visit(node.slice)

    def visit_Assign(self, node):
        self.assign(node, node.targets, node.value)

    def visit_AnnAssign(self, node):
        if node.value is not None:
            self.assign(node, [node.target], node.value)

    def assign(self, node, targets, value) -> None:
        """A second name for a record, or a number into a name or a field."""
        shape = self.shape(value)
        if shape is None:
            self.visit(value)
        for target in targets:
            if shape and not isinstance(target, ast.Name):
                raise self.error(node, f"{ast.unparse(value)} is a record: copy it field by field")
            self.store(node, target)
            if isinstance(target, ast.Name):
                self.shapes[target.id] = shape

    def visit_AugAssign(self, node):
        self.visit(node.value)
        self.store(node, node.target)

    def visit_For(self, node):
        self.visit(node.iter)
        self.store(node, node.target)
        self.visit_body([*node.body, *node.orelse])

    def visit_Global(self, node):
        raise self.outside(node, node.names[0])

    def outside(self, node, name: str) -> UserError:
        """A write that would outlive the run, and that compiled code, to which globals are constants, would not make."""
        return self.error(node, f"{name} belongs to the module, not to this run: keep what a hook remembers in Seen or State")

    def store(self, node, target) -> None:
        """A write: only into records that are the writer's own."""
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self.store(node, part)
            return
        if isinstance(target, ast.Name):
            if target.id not in self.locals:
                raise self.outside(node, target.id)
            return
        self.check_owner(node, target)
        inner = target.value if isinstance(target, ast.Subscript) else target
        if isinstance(target, ast.Subscript):
            self.visit(target.slice)
        elif self.shape(inner) is not None:
            raise self.error(node, f"{ast.unparse(inner)} is a record: copy it field by field")

    def check_owner(self, node, target) -> None:
        """Whose record a field or an array's place belongs to."""
        holder = self.shape(target.value)
        if holder is None:
            root = target
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            if isinstance(root, ast.Name) and root.id not in self.locals:
                raise self.outside(node, root.id)
            raise self.error(node, f"{ast.unparse(target)}: a hook writes fields of its own records, and of nothing else")
        if not holder.writable:
            rule = "a hook writes only its own records and asks with the order verbs"
            raise self.error(node, f"{ast.unparse(target)} belongs to {holder.owner}: {rule}")
        self.shape(target)

    def makes(self, node):
        """Lists, dicts, sets and texts are made in memory, which a loop without allocation has not."""
        raise self.error(node, f"{ast.unparse(node)}: hooks use numbers and the fields of their records, an array is a vec(n) of Seen")

    visit_List = visit_Dict = visit_Set = visit_JoinedStr = makes  # noqa: N815 - the visitor's own names
    visit_ListComp = visit_DictComp = visit_SetComp = visit_GeneratorExp = makes  # noqa: N815

    def check_module(self, node) -> None:
        """Functions of ours are called by their own name, so that they are compiled, and followed, as helpers."""
        owner = self.fn.__globals__.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if isinstance(owner, types.ModuleType) and isinstance(getattr(owner, node.attr, None), types.FunctionType):
            raise self.error(node, f"import the function itself: from {owner.__name__} import {node.attr}")

    def visit_Call(self, node):
        if isinstance(node.func, ast.Attribute):
            self.check_module(node.func)
        callee = self.fn.__globals__.get(node.func.id) if isinstance(node.func, ast.Name) and node.func.id not in self.locals else None
        callee = getattr(callee, "py_func", callee)
        plain = isinstance(callee, types.FunctionType)
        names = list(inspect.signature(callee).parameters) if plain else []
        passed = dict(zip(names, node.args, strict=False)) | {k.arg: k.value for k in node.keywords}
        for argument in [*node.args, *(k.value for k in node.keywords)]:
            if self.shape(argument) is None or not plain:
                self.visit(argument)
        self.visit(node.func)
        if plain:
            self.scan.function(callee, {name: self.shape(value) for name, value in passed.items()})
