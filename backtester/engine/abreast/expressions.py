"""Expressions for lanes abreast: what plain Python computes, written so that nothing depends on who comes there."""

import ast
import builtins
import math
import types

from backtester import orders
from backtester.engine.abreast.lines import Lines
from backtester.engine.abreast.values import Escape, Frame, Shared, Value, has, is_record, place_of, plain_function, tree_of
from backtester.engine.accept import is_nothing
from backtester.engine.measure import deepen

OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}
VERBS = {each for each in vars(orders).values() if isinstance(each, types.FunctionType)} - {orders.held, orders.blocked}
ESCAPES = VERBS | {plain_function(deepen)}  # what asks the venue, and what is too rare to be computed for all
SAME_IN_VECTORS = {abs, min, max, float, int, math.sqrt, math.floor, math.ceil, math.isnan}


class Expressions(Lines):
    """Numbers and calls of one region."""

    def write_out(self, fn, given: list, named: dict, mask: Value | None) -> list[Value] | None:
        """A call in its caller's place; returns what it gives."""
        raise NotImplementedError  # with statements

    def record(self, node, frame: Frame):
        """The record that an expression names, or None."""
        if isinstance(node, ast.Name):
            found = frame.names.get(node.id)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            owner = self.record(node.value, frame)
            if owner is None:
                return None
            if isinstance(node, ast.Subscript) and has([node.slice], ast.Call):
                raise Escape("an index that calls something")
            field = isinstance(node, ast.Attribute)
            found = self.part(owner, node.attr) if field else self.place_in(owner, self.number(node.slice, frame, None))
        else:
            return None
        return found if is_record(found) else None

    def number(self, node, frame: Frame, mask: Value | None) -> Value:
        """The value of an expression, for the lanes of the mask."""
        way = getattr(self, f"of_{type(node).__name__.lower()}", None)
        if way is None:
            raise Escape(f"{ast.unparse(node)} is not converted")
        found = way(node, frame, mask)
        if is_record(found):
            raise Escape(f"the record {ast.unparse(node)} as a value")
        return found

    def of_constant(self, node, frame, mask):
        return self.constant(node.value)

    def of_name(self, node, frame, mask):
        if node.id in frame.names:
            return frame.names[node.id]
        if node.id in frame.fn.__code__.co_varnames:
            raise Escape(f"{node.id} may have no value")
        return self.constant(self.outer(node, frame))

    def outer(self, node, frame):
        """A global, a builtin, or a part of one."""
        if isinstance(node, ast.Attribute):
            return getattr(self.outer(node.value, frame), node.attr)
        if not isinstance(node, ast.Name) or node.id in frame.names or node.id in frame.fn.__code__.co_varnames:
            raise Escape(ast.unparse(node))
        return frame.fn.__globals__[node.id] if node.id in frame.fn.__globals__ else getattr(builtins, node.id)

    def of_attribute(self, node, frame, mask):
        owner = self.record(node.value, frame)
        return self.part(owner, node.attr) if owner is not None else self.constant(self.outer(node, frame))

    def of_subscript(self, node, frame, mask):
        owner = self.record(node.value, frame)
        if owner is None:
            raise Escape(ast.unparse(node))
        return self.place_in(owner, self.number(node.slice, frame, mask))

    def of_binop(self, node, frame, mask):
        a, b = self.number(node.left, frame, mask), self.number(node.right, frame, mask)
        if (a.lane or b.lane) and isinstance(node.op, ast.Pow):
            raise Escape("a power")
        if b.known == 0.0 and (isinstance(node.op, ast.FloorDiv | ast.Mod) or (isinstance(node.op, ast.Div) and a.known == 0.0)):
            raise Escape("a division by nothing")  # of which a compiler makes another NaN than the processor
        if isinstance(a.known, float) and isinstance(b.known, float) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
            return self.constant(eval(f"{a.src} {OPERATORS[type(node.op)]} {b.src}", {"__builtins__": {}}))
        return Value(f"({a.src} {OPERATORS[type(node.op)]} {b.src})", a.lane or b.lane)

    def of_unaryop(self, node, frame, mask):
        if isinstance(node.op, ast.Not):
            a = self.truth(self.number(asked(node.operand) if isinstance(node.operand, ast.BoolOp) else node.operand, frame, mask))
            return self.constant(not a.known) if a.known is not None else Value(f"(not {a.src})", a.lane, True)
        if not isinstance(node.op, ast.USub):
            raise Escape(ast.unparse(node))
        a = self.number(node.operand, frame, mask)
        return Value(f"(-{a.src})", a.lane, known=None if a.known is None else -a.known)

    def of_compare(self, node, frame, mask):
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn) and isinstance(node.comparators[0], ast.Tuple):
            a = self.put("v", self.number(node.left, frame, mask))
            others = [self.number(b, frame, mask) for b in node.comparators[0].elts]
            found = " | ".join(f"({a.src} == {b.src})" for b in others) or "False"
            return Value(
                f"({found})" if isinstance(node.ops[0], ast.In) else f"(not ({found}))", a.lane or any(b.lane for b in others), True
            )
        if any(type(op) not in OPERATORS for op in node.ops):
            raise Escape(ast.unparse(node))
        a, so_far, inner = self.put("v", self.number(node.left, frame, mask)), None, mask
        for op, each in zip(node.ops, node.comparators, strict=True):
            if so_far is not None and has([each], ast.Call):
                inner = self.both(mask, self.put("c", so_far))
            b = self.put("v", self.number(each, frame, inner))
            side = Value(f"({a.src} {OPERATORS[type(op)]} {b.src})", a.lane or b.lane, True)
            if len(node.ops) == 1 and a.known is not None and b.known is not None:
                return self.constant(eval(side.src, {"__builtins__": {}}))
            so_far = side if so_far is None else Value(f"({so_far.src} & {side.src})", so_far.lane or side.lane, True)
            a = b
        return so_far

    def of_boolop(self, node, frame, mask):
        """All sides are computed; one that calls something, for the lanes alone that come so far."""
        so_far, stops = None, isinstance(node.op, ast.Or)
        for each in node.values:
            inner = mask
            if so_far is not None and has([each], ast.Call):
                goes_on = self.put("c", self.truth(so_far))
                inner = self.both(mask, self.inverse(goes_on) if stops else goes_on)
            side = self.put("c", self.number(each, frame, inner))
            side = self.settled(side) if side.truth else side
            so_far = side if so_far is None else self.joined(so_far, side, stops)
            if so_far.known is not None and bool(so_far.known) == stops:
                break
        return so_far

    def joined(self, a: Value, b: Value, is_or: bool) -> Value:
        """`a or b`, `a and b`."""
        if a.known is not None:
            return b if bool(a.known) != is_or else a
        if not (a.truth and b.truth):
            return self.put("c", self.select(self.truth(a), a, b) if is_or else self.select(self.truth(a), b, a))
        if b.known is not None:
            return a if b.known != is_or else b
        return self.put("c", Value(f"({a.src} {'|' if is_or else '&'} {b.src})", a.lane or b.lane, True))

    def of_ifexp(self, node, frame, mask):
        c = self.condition(node.test, frame, mask)
        if c.known is not None:
            return self.number(node.body if c.known else node.orelse, frame, mask)
        a = self.number(node.body, frame, self.both(mask, c) if has([node.body], ast.Call) else mask)
        b = self.number(node.orelse, frame, self.both(mask, self.inverse(c)) if has([node.orelse], ast.Call) else mask)
        return self.select(c, a, b)

    def condition(self, node, frame, mask) -> Value:
        """An expression that is asked for its truth alone."""
        return self.settled(self.put("c", self.truth(self.number(asked(node), frame, mask))))

    # ------------------------------------------------------------ calls

    def of_call(self, node, frame, mask):
        gives = self.call(node, frame, mask)
        if gives is None or len(gives) != 1:
            raise Escape(f"{ast.unparse(node.func)} gives no number")
        return gives[0]

    def call(self, node, frame, mask) -> list[Value] | None:
        """What a call returns."""
        if isinstance(node.func, ast.Name) and node.func.id == "len" and (owner := self.record(node.args[0], frame)):
            return [self.constant(owner.dtype.shape[0])]
        callee = plain_function(self.outer(node.func, frame))
        if any(isinstance(each, ast.Starred) for each in node.args) or any(each.arg is None for each in node.keywords):
            raise Escape("a call with a star")
        if is_plain_target(callee, node) and self.record(node.args[0], frame):
            reason = Escape("another position is asked for")
            reason.place = place_of(frame, node)
            return self.target(self.record(node.args[0], frame), self.number(node.args[1], frame, mask), mask, reason)
        if callee in ESCAPES:
            raise Escape(f"{callee.__name__} is called")
        given = [self.record(each, frame) or self.number(each, frame, mask) for each in node.args]
        named = {each.arg: self.record(each.value, frame) or self.number(each.value, frame, mask) for each in node.keywords}
        if callee is bool:
            return [self.truth(given[0])]  # type: ignore[arg-type]
        shared = all(isinstance(each, Shared) or (isinstance(each, Value) and not each.lane) for each in [*given, *named.values()])
        if isinstance(callee, types.FunctionType) and not (shared and callee in self.helpers and gives_number(callee, mask)):
            return self.write_out(callee, given, named, mask)
        if not shared and (callee not in SAME_IN_VECTORS or named):
            raise Escape(f"{ast.unparse(node.func)} of a value that differs from lane to lane")
        words = [each.src for each in given] + [f"{key}={each.src}" for key, each in named.items()]
        src = f"{self.name_of(callee)}({', '.join(words)})"
        if callee in self.helpers and mask is not None and not mask.lane:  # as a branch: it may count on its condition
            src = f"({src} if {mask.src} else 0)"
        return [self.put("v", Value(src, not shared, callee is math.isnan))]

    def name_of(self, callee) -> str:
        """The name under which the new code calls a function."""
        if callee in self.helpers:
            name, called = f"{callee.__name__}_{list(self.helpers).index(callee)}", self.helpers[callee]
        else:
            name, called = f"{callee.__module__}_{callee.__name__}".replace(".", "_"), callee
        self.globals[name] = called
        return name

    def target(self, tradable, qty: Value, mask, reason: Escape) -> None:
        """A strategy that stands by its position asks for it again and again; lanes escape where it is another one."""
        held = self.write_out(orders.held, [tradable], {}, mask)
        ask = Value(f"({qty.src} - {held[0].src})", True)  # type: ignore[index]
        nothing = self.write_out(plain_function(is_nothing), [ask, self.part(tradable, "position")], {}, mask)
        self.escape(self.both(mask, self.inverse(nothing[0])), reason)  # type: ignore[index]


def asked(node):
    """An expression whose truth alone is asked for; of `and` and `or`, that of the sides."""
    if isinstance(node, ast.BoolOp):
        return ast.copy_location(ast.BoolOp(node.op, [asked(each) for each in node.values]), node)
    if isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        return node
    return ast.copy_location(ast.Call(ast.Name("bool", ast.Load()), [node], []), node)


def is_plain_target(callee, call: ast.Call) -> bool:
    """Whether a call asks for a position that costs nothing to compute, so that it pays to see whether it is held already."""
    return callee is orders.target and len(call.args) == 3 and not has([call.args[1]], (ast.Call, ast.Div))


def gives_number(fn, mask: Value | None) -> bool:
    """Whether a helper that sees nothing but what is shared is called once, before the loop over lanes: where it gives a number.

    Not one that some lanes alone want and that counts on it, with a loop, which might not end, or a place in an array.
    """
    body = tree_of(fn).body
    returns = [each for node in body for each in ast.walk(node) if isinstance(each, ast.Return)]
    numbers = bool(returns) and all(each.value is not None and not isinstance(each.value, ast.Tuple) for each in returns)
    return numbers and (mask is None or not mask.lane or not relies(fn, ()))


def relies(fn, inside: tuple) -> bool:
    """Whether a function has a loop or a place in an array, itself or in what it calls."""
    if fn in inside or has(tree_of(fn).body, (ast.For, ast.While, ast.Subscript)):
        return True
    calls = [each.func for node in tree_of(fn).body for each in ast.walk(node) if isinstance(each, ast.Call)]
    called = [plain_function(fn.__globals__.get(each.id)) for each in calls if isinstance(each, ast.Name)]
    return any(relies(each, (*inside, fn)) for each in called if isinstance(each, types.FunctionType))
