"""Statements for lanes abreast: conditions become masks, assignments selections, calls are written out.

Each way of a statement returns the mask of the lanes that go on: None for all, False for none.
"""

import ast
import inspect
import types

from backtester.engine.abreast.expressions import ESCAPES, Expressions, is_plain_target
from backtester.engine.abreast.values import Escape, Frame, Value, has, is_record, place_of, plain_function, tree_of

LARGE = 40     # nodes of code behind a shared condition that are worth a loop without them
ROUNDS = 32    # of a loop that is written out
LINES = 400    # of one loop over lanes; what would follow escapes


class Converter(Expressions):
    """One region of code for all lanes: functions called one after the other, written out."""

    def write_out(self, fn, given: list, named: dict, mask: Value | None) -> list[Value] | None:
        """A call in its caller's place; returns what it gives."""
        parameters = inspect.signature(fn).parameters
        if fn in self.inside or any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters.values()):
            raise Escape(f"{fn.__name__} calls itself" if fn in self.inside else f"{fn.__name__} takes any number of arguments")
        frame = Frame(fn, mask=mask)
        for name, value in {**dict(zip(parameters, given, strict=False)), **named}.items():
            frame.names[name] = value if is_record(value) else self.put(name, value)
        for name, parameter in parameters.items():
            if name not in frame.names:
                frame.names[name] = self.constant(parameter.default)
        self.inside.append(fn)
        try:
            self.block(tree_of(fn).body, frame, mask)
        finally:
            self.inside.pop()
        if frame.lost:
            reason = Escape(f"{fn.__name__} is called")
            reason.told = True
            raise reason
        return frame.gives

    def block(self, statements, frame: Frame, mask):
        """Statements one after the other. Where they end in an escape whatever happens, nothing of them is computed."""
        if mask is not None and (doom := doom_of(frame.fn, tuple(statements))):
            return self.leave(frame, mask, doom[0], doom[1])
        for statement in statements:
            mask = self.statement(statement, frame, mask)
            if mask is False:
                break
        return mask

    def statement(self, node, frame: Frame, mask):
        """One statement; what cannot be converted is an escape of the lanes that come there."""
        try:
            way = getattr(self, f"do_{type(node).__name__.lower()}", None)
            if way is None or len(self.lines) > LINES:
                raise Escape(f"{type(node).__name__} is not converted" if way is None else "too long")
            return way(node, frame, mask)
        except Escape as reason:
            return self.leave(frame, mask, node, reason)

    def leave(self, frame: Frame, mask, node, reason: Escape) -> bool:
        """The lanes of the mask escape at a statement; where that would be all of them, whoever asked for the region decides."""
        if reason.place is None:
            reason.place = place_of(frame, node)
        if mask is None:
            raise reason
        self.escape(mask, reason)
        frame.lost = frame.lost or mask is frame.mask
        return False

    def do_pass(self, node, frame, mask):
        return mask

    def do_expr(self, node, frame, mask):
        if isinstance(node.value, ast.Call):
            self.call(node.value, frame, mask)
        return mask

    def do_assign(self, node, frame, mask):
        if len(node.targets) > 1:
            raise Escape("several targets")
        self.assign(node.targets[0], node.value, frame, mask)
        return mask

    def do_annassign(self, node, frame, mask):
        if node.value is not None:
            self.assign(node.target, node.value, frame, mask)
        return mask

    def do_augassign(self, node, frame, mask):
        now = ast.parse(ast.unparse(node.target), mode="eval").body
        self.assign(node.target, ast.copy_location(ast.BinOp(now, node.op, node.value), node), frame, mask)
        return mask

    def assign(self, target, value, frame, mask) -> None:
        """One name, one field, or several at once."""
        if not isinstance(target, ast.Tuple):
            self.give(target, self.record(value, frame) or self.number(value, frame, mask), frame, mask)
            return
        gives: list = []
        if isinstance(value, ast.Call):
            gives = self.call(value, frame, mask) or []
        elif isinstance(value, ast.Tuple):
            gives = [self.record(each, frame) or self.put("v", self.number(each, frame, mask)) for each in value.elts]
        if len(gives) != len(target.elts):
            raise Escape("not as many values as names")
        for each, given in zip(target.elts, gives, strict=True):
            self.give(each, given, frame, mask)

    def give(self, target, value, frame, mask) -> None:
        """A name or a field gets a value; a name may get a record."""
        if isinstance(target, ast.Attribute) and not is_record(value):
            self.store(self.record(target.value, frame), target.attr, value, mask)
            return
        if not isinstance(target, ast.Name):
            raise Escape(f"{ast.unparse(target)} is written")
        frame.names[target.id] = value if is_record(value) else self.put(target.id, value)

    def do_return(self, node, frame, mask):
        if node.value is not None:
            nodes = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            gives = [self.number(each, frame, mask) for each in nodes]
            before = frame.gives or [None] * len(gives)
            if len(before) != len(gives):
                raise Escape("returns of several kinds")
            frame.gives = [self.put("r", self.select(mask, new, old)) for new, old in zip(gives, before, strict=True)]
        return False

    def do_if(self, node, frame, mask):
        outer, self.forking = self.forking, is_worth_a_fork(node)
        try:
            c = self.condition(node.test, frame, mask)
        finally:
            self.forking = outer
        if c.known is not None:
            return self.block(node.body if c.known else node.orelse, frame, mask)
        yes, no, before = self.both(mask, c), None, dict(frame.names)
        after = self.block(node.body, frame, yes)
        taken, frame.names = frame.names, before
        if node.orelse or after is not yes:
            no = self.both(mask, self.inverse(c))
        other = self.block(node.orelse, frame, no) if no else no
        if other is False:
            frame.names = taken
        elif after is not False:
            frame.names = self.joint(yes, taken, frame.names)
        if after is False or other is False:
            return other if after is False else after
        return mask if after is yes and other is no else self.either(after, other)

    def joint(self, yes: Value, taken: dict, others: dict) -> dict:
        """What names stand for after the two branches of a condition; a record that one of them gave another name to, for none."""
        names = taken | others
        for name in [name for name in names if taken.get(name, names[name]) != others.get(name, names[name])]:
            a, b = taken[name], others[name]
            if is_record(a) or is_record(b):
                del names[name]
            else:
                names[name] = self.put(name, self.select(yes, a, b))
        return names

    def do_for(self, node, frame, mask):
        """A loop of few rounds whose number is known is written out."""
        if not (isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) and node.iter.func.id == "range"):
            raise Escape("a loop")
        bounds = [self.number(each, frame, mask).known for each in node.iter.args]
        if any(not isinstance(bound, int) for bound in bounds) or node.orelse or has(node.body, (ast.Break, ast.Continue)):
            raise Escape("a loop")
        rounds = range(*bounds)  # type: ignore[arg-type]
        if len(rounds) > ROUNDS:
            raise Escape("a long loop")
        for n in rounds:
            frame.names[node.target.id] = self.constant(n)
            mask = self.block(node.body, frame, mask)
            if mask is False:
                break
        return mask


def doom_of(fn, statements: tuple) -> tuple[ast.AST, Escape] | None:
    """Where, and why, these statements end in an escape whatever happens, by themselves or in a function that they call."""
    for node in statements:
        called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name)
        callee = plain_function(fn.__globals__.get(node.value.func.id)) if called else None
        if callee in ESCAPES and not is_plain_target(callee, node.value):
            return node, Escape(f"{callee.__name__} is called")
        if isinstance(callee, types.FunctionType) and doom_of(callee, tuple(tree_of(callee).body)):
            return node, Escape(f"{callee.__name__} asks the venue")
        if has([node], ast.Return):
            break
    return None


def is_worth_a_fork(node: ast.If) -> bool:
    """Whether much is decided by a condition: a large body, or whether there is anything after it."""
    return has(node.body, ast.Return) or sum(1 for _ in ast.walk(node)) > LARGE
