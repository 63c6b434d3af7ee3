"""How far parameters reach: which fields of Seen a statement of a hook reads and writes, and on which parameters each field depends.

Hooks are walked with what is known of their names: a record of Seen, the parameters, what all groups see alike, or a number and
the parameters that it depends on. What stands behind a condition depends on it; what follows a return or a break behind one does
too. The walk is repeated until no field depends on more. What it does not understand is told by `Unclear`.
"""

import ast
import builtins
import inspect
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from backtester.engine.abreast.values import plain_function, tree_of


class Unclear(Exception):
    """What a hook does cannot be followed."""


@dataclass(frozen=True)
class Record:
    """A record of Seen, or an array of it, by its path from there."""

    path: str
    dtype: np.dtype


@dataclass(frozen=True)
class Outside:
    """What stands outside of Seen, by name, such as a bar; `parts`: its fields where they are something else."""

    name: str
    parts: tuple = ()


PARAMS, ALIKE = Outside("the parameters"), Outside("what all groups see alike")
NOTHING: frozenset = frozenset()
LEAVE = (ast.Return, ast.Break, ast.Continue)


@dataclass
class Call:
    """A function that is being walked."""

    fn: types.FunctionType
    names: dict                         # local name -> Record, Outside, or the parameters that a number depends on
    control: frozenset = NOTHING        # the parameters that decide whether what comes next is done
    result: frozenset = NOTHING


@dataclass
class Effects:
    """What code does to Seen, by the paths of its fields."""

    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)


class Reach:
    """A walk over hooks; helpers: plain function -> compiled, those that may be followed."""

    def __init__(self, helpers: dict):
        self.helpers = helpers
        self.depends: dict[str, frozenset] = {}     # field -> parameters
        self.effects = Effects()
        self.inside: list = []

    # ------------------------------------------------------------ functions

    def walk(self, fn, given: list, named: dict, control: frozenset = NOTHING) -> frozenset:
        """A call; returns the parameters that what it gives depends on."""
        if fn in self.inside:
            raise Unclear(f"{fn.__name__} calls itself")
        call = Call(fn, self.bound(fn, given, named), control)
        self.inside.append(fn)
        self.block(call, tree_of(fn).body)
        self.inside.pop()
        return call.result

    def bound(self, fn, given: list, named: dict) -> dict:
        """The names of a call's arguments."""
        parameters = inspect.signature(fn).parameters
        if len(given) + len(named) > len(parameters) or any(each.kind != each.POSITIONAL_OR_KEYWORD for each in parameters.values()):
            raise Unclear(f"{fn.__name__} takes any number of arguments")
        return dict.fromkeys(parameters, NOTHING) | dict(zip(parameters, given, strict=False)) | named

    def block(self, call: Call, statements) -> None:
        for node in statements:
            self.statement(call, node)

    @contextmanager
    def watched(self) -> Iterator[Effects]:
        """What is read and written inside."""
        before, self.effects = self.effects, Effects()
        yield self.effects
        before.reads |= self.effects.reads
        before.writes |= self.effects.writes
        self.effects = before

    # ------------------------------------------------------------ statements

    def statement(self, call: Call, node) -> None:
        way = getattr(self, f"do_{type(node).__name__.lower()}", None)
        if way is None:
            raise Unclear(f"{type(node).__name__} is not followed")
        way(call, node)

    def do_pass(self, call: Call, node) -> None:
        """Nothing."""

    def do_expr(self, call: Call, node) -> None:
        self.number(call, node.value)

    def do_return(self, call: Call, node) -> None:
        if node.value is not None:
            call.result |= self.number(call, node.value) | call.control

    def do_assign(self, call: Call, node) -> None:
        found = self.value(call, node.value)
        for target in node.targets:
            self.store(call, target, found)

    def do_augassign(self, call: Call, node) -> None:
        self.store(call, node.target, self.number(call, node.value) | self.number(call, node.target))

    def do_if(self, call: Call, node) -> None:
        self.behind_condition(call, self.number(call, node.test), [*node.body, *node.orelse])

    def do_while(self, call: Call, node) -> None:
        self.repeat(call, lambda: self.number(call, node.test), [*node.body, *node.orelse])

    def do_for(self, call: Call, node) -> None:
        def turn() -> frozenset:
            rounds = self.number(call, node.iter)
            self.store(call, node.target, rounds)
            return rounds

        self.repeat(call, turn, [*node.body, *node.orelse])

    def repeat(self, call: Call, turn, body: list) -> None:
        """A loop, walked until nothing depends on more."""
        before = None
        while before != (before := (dict(call.names), call.control, dict(self.depends))):
            condition, control = turn(), call.control
            call.control |= condition
            turn()  # whether it comes to the next one depends on this one
            call.control = control
            self.behind_condition(call, condition, body)

    def do_break(self, call: Call, node) -> None:
        """What follows in this function depends on what led here: see `behind_condition`."""

    do_continue = do_break

    def behind_condition(self, call: Call, condition: frozenset, body: list) -> None:
        """Code that a condition decides on; where it may leave, what follows depends on all that led there."""
        before = call.control
        call.control |= condition
        self.block(call, body)
        if not any(isinstance(inner, LEAVE) for each in body for inner in ast.walk(each)):
            call.control = before

    def store(self, call: Call, target, found) -> None:
        """Something into a name, a field or a place."""
        if isinstance(target, ast.Tuple):
            for part in target.elts:
                self.store(call, part, self.plain(found))
        elif isinstance(target, ast.Name):
            self.rename(call, target.id, found)
        else:
            place = target.value if isinstance(target, ast.Subscript) else target
            index = self.number(call, target.slice) if isinstance(target, ast.Subscript) else NOTHING
            owner = self.value(call, place.value if isinstance(place, ast.Attribute) else place)
            if isinstance(owner, Record):
                self.write(owner, place, self.plain(found) | index | call.control)
            elif owner == PARAMS:
                raise Unclear(f"{ast.unparse(target)} is written")

    def write(self, owner: Record, place, on: frozenset) -> None:
        path = owner.path if owner.dtype.subdtype else f"{owner.path}.{place.attr}"
        self.effects.writes.add(path)
        self.depends[path] = self.depends.get(path, NOTHING) | on

    def rename(self, call: Call, name: str, found) -> None:
        """A local name; one of a record stays its name."""
        before = call.names.get(name, NOTHING)
        if isinstance(found, Record) or isinstance(before, Record):
            if before not in (found, NOTHING):
                raise Unclear(f"{name} names two records")
            call.names[name] = found
        elif isinstance(found, Outside) and before in (found, NOTHING) and not call.control:
            call.names[name] = found
        else:
            call.names[name] = self.plain(before) | self.plain(found) | call.control

    # ------------------------------------------------------------ expressions

    def plain(self, found) -> frozenset:
        """What a number depends on."""
        if isinstance(found, Record) or found == PARAMS:
            raise Unclear("a record is used as a number")
        return NOTHING if isinstance(found, Outside) else found

    def number(self, call: Call, node) -> frozenset:
        return self.plain(self.value(call, node))

    def value(self, call: Call, node):
        """What an expression stands for."""
        if isinstance(node, ast.Name):
            return call.names.get(node.id, ALIKE if node.id not in call.fn.__code__.co_varnames else NOTHING)
        if isinstance(node, ast.Attribute):
            return self.part(self.value(call, node.value), node.attr)
        if isinstance(node, ast.Subscript):
            return self.place(self.value(call, node.value), self.number(call, node.slice))
        if isinstance(node, ast.Call):
            return self.called(call, node)
        if isinstance(node, ast.BoolOp | ast.IfExp | ast.Compare | ast.BinOp | ast.UnaryOp | ast.Tuple | ast.Constant):
            return self.computed(call, node)
        raise Unclear(f"{ast.unparse(node)} is not followed")

    def computed(self, call: Call, node) -> frozenset:
        """What the parts of an expression depend on together. Of a condition, each decides whether the next one is computed."""
        found, before = NOTHING, call.control
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.expr):
                found |= self.number(call, inner)
                call.control |= found if isinstance(node, ast.BoolOp | ast.IfExp | ast.Compare) else NOTHING
        call.control = before
        return found

    def part(self, owner, name: str):
        """A field of a record."""
        if isinstance(owner, Record):
            inner, path = owner.dtype[name], f"{owner.path}.{name}"
            return Record(path, inner) if inner.names or inner.subdtype else self.read(path)
        if owner == PARAMS:
            return frozenset((name,))
        return dict(owner.parts).get(name, ALIKE) if isinstance(owner, Outside) else owner

    def place(self, owner, index: frozenset):
        """A place in an array."""
        if isinstance(owner, Record) and owner.dtype.subdtype:
            return self.read(owner.path) | index
        if owner == ALIKE:
            return index or ALIKE
        raise Unclear("a place in what is no array")

    def read(self, path: str) -> frozenset:
        self.effects.reads.add(path)
        return self.depends.get(path, NOTHING)

    def called(self, call: Call, node) -> frozenset:
        """A call: one of ours is followed, another may have numbers alone."""
        fn = callee(call, node)
        if fn is None:
            raise Unclear(f"{ast.unparse(node.func)} is called, which could be anything")
        if fn in self.helpers:
            return self.walk(fn, *self.arguments(call, node), call.control)
        return frozenset().union(*(self.number(call, each) for each in [*node.args, *(each.value for each in node.keywords)]))

    def arguments(self, call: Call, node) -> tuple[list, dict]:
        """What a call hands over, by place and by name."""
        if any(isinstance(each, ast.Starred) for each in node.args) or any(each.arg is None for each in node.keywords):
            raise Unclear(f"{ast.unparse(node)} hands over any number of arguments")
        return [self.value(call, each) for each in node.args], {each.arg: self.value(call, each.value) for each in node.keywords}


def callee(call: Call, node):
    """The plain function that a call names, itself or as a function of a module; None where it is neither."""
    known, name = call.fn.__globals__, node.func
    if isinstance(name, ast.Name) and name.id not in call.names and name.id not in call.fn.__code__.co_varnames:
        return plain_function(known.get(name.id, getattr(builtins, name.id, None)))
    if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name) and isinstance(known.get(name.value.id), types.ModuleType):
        return getattr(known[name.value.id], name.attr)
    return None
