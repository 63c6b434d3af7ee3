"""Market hooks for the groups of a tile that are not its first: what depends on parameters in which a group agrees with the first
one is copied from there, the rest is computed.

A hook is written anew, statement by statement, into a function that also takes the first group's record, in which the whole hook
has run already, and `differs`, a bit for each parameter in which the two groups differ. Where a statement writes fields that depend
on different parameters and is a call or a condition, its own statements are taken one by one. Three rules keep the values right:
- a statement is skipped only where everything that it writes depends on parameters that agree, whichever path led there;
- of what it writes, everything that anything else reads is copied in its place;
- what would have to copy an array, shares a field with another statement of the hook, or gives a local name a number, is never skipped.
A hook that cannot be followed is computed whole, as are then all others of the strategy.
"""

import ast
import types
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from backtester.engine import jit
from backtester.engine.abreast.reach import ALIKE, PARAMS, Call, Outside, Reach, Record, Unclear, callee
from backtester.engine.abreast.values import tree_of
from backtester.engine.bind import Bound

BITS = 63           # of `differs`
MINE, FIRST, DIFFERS = "_mine", "_first", "_differs"    # further arguments: seen of this group and of the first, and in what they differ
AGAIN = "again_"    # what the names of these functions begin with


@dataclass(eq=False)
class Step:
    """A statement of a hook, or of what it calls."""

    node: ast.stmt
    reads: set[str]
    writes: set[str] = field(default_factory=set)   # empty where it is done in any case
    always: bool = False                            # it may not be skipped
    fn: types.FunctionType | None = None            # what it calls, where that is written anew
    inner: "list[Step]" = field(default_factory=list)  # of that function, or behind an if
    other: "list[Step]" = field(default_factory=list)  # behind its else
    copies: list[str] = field(default_factory=list) # what it writes and others read
    on: frozenset = frozenset()                     # the parameters that it depends on


def steps_in(steps: list[Step]) -> list[Step]:
    """The steps, and those inside of them."""
    return [found for step in steps for found in [step, *steps_in(step.inner), *steps_in(step.other)]]


def bit_of(parameter: str, grouped_by: tuple[str, ...]) -> int:
    """The bit of `differs` that belongs to a parameter; the last one is shared by those that are too many."""
    return 1 << min(grouped_by.index(parameter), BITS - 1)


def differences(params: np.ndarray, grouped_by: tuple[str, ...]) -> np.ndarray:
    """`differs` of each group against the first one: int64, (groups,)."""
    out = np.zeros(len(params), np.int64)
    for name in grouped_by:
        column = np.ascontiguousarray(params[name]).view("i8")
        out |= np.where(column != column[0], bit_of(name, grouped_by), 0)
    return out


def write_again(bound: Bound) -> tuple[dict, str]:
    """Functions by the name of their hook, and their source; none where a hook cannot be followed."""
    hooks = {name: fn for name, fn in bound.hooks.items() if name.startswith("see_")}
    reach, before, seen = Reach(bound.helpers), None, Record("seen", bound.group["seen"])
    try:
        while before != (before := dict(reach.depends)):
            for fn in hooks.values():
                reach.walk(fn, arguments_of(fn, seen), {})
        outlines = {name: outline(reach, fn, arguments_of(fn, seen), {}) for name, fn in hooks.items() if name != "see_start"}
        with reach.watched() as by_lanes:
            for name, fn in bound.hooks.items():
                if name.startswith("on_"):
                    reach.walk(fn, [Outside("ctx", (("seen", seen),)), *[ALIKE] * (fn.__code__.co_argcount - 1)], {})
    except Unclear:
        return {}, ""
    settle(reach, seen.dtype, outlines, by_lanes.reads)
    writer = Writer(bound)
    return {name: writer.write(f"{AGAIN}{name}", hooks[name], steps) for name, steps in outlines.items()}, "\n\n".join(writer.sources)


def arguments_of(fn, seen: Record) -> list:
    """What a market hook is called with: records of the market, Seen, Params."""
    return [*[ALIKE] * (fn.__code__.co_argcount - 2), seen, PARAMS]


# ---------------------------------------------------------------- taking hooks apart


def outline(reach: Reach, fn, given: list, named: dict) -> list[Step]:
    """The steps of a function."""
    if any(name.startswith((MINE, FIRST, DIFFERS, AGAIN)) for name in fn.__code__.co_varnames + fn.__code__.co_names):
        raise Unclear(f"{fn.__name__} has names of its own that are needed here")
    return steps_of(reach, Call(fn, reach.bound(fn, given, named)), tree_of(fn).body)


def steps_of(reach: Reach, call: Call, statements) -> list[Step]:
    """The steps of some statements."""
    return [step_of(reach, call, node) for node in statements]


def step_of(reach: Reach, call: Call, node) -> Step:
    """One statement, or those that it is made of where they depend on different parameters, and write no field twice."""
    before = Call(call.fn, dict(call.names))
    with reach.watched() as found:
        reach.statement(call, node)
    returns = any(isinstance(inner, ast.Return) for inner in ast.walk(node))
    if found.writes and (returns or len({reach.depends[path] for path in found.writes}) > 1):
        parts = parts_of(reach, before, node)
        if parts and (returns or not writes_twice(parts)):
            return parts
        if returns:
            raise Unclear(f"{ast.unparse(node)} cannot be taken apart")
    return Step(node, found.reads, found.writes, names_needed(call.fn, node))


def parts_of(reach: Reach, call: Call, node) -> Step | None:
    """A condition or a call with the steps behind it; None where a statement has no parts."""
    if isinstance(node, ast.If):
        with reach.watched() as asked:
            reach.number(call, node.test)
        step = Step(node, asked.reads, inner=steps_of(reach, call, node.body), other=steps_of(reach, call, node.orelse))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and (fn := callee(call, node.value)) in reach.helpers:
        with reach.watched() as asked:
            given, named = reach.arguments(call, node.value)
        step = Step(node, asked.reads, fn=fn, inner=outline(reach, fn, given, named))
    else:
        return None
    return None if asked.writes else step


def names_needed(fn, node) -> bool:
    """Whether a statement gives a local name what another one may want."""
    given = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
    wanted, inside = loads_of(tree_of(fn)), loads_of(node)
    return any(wanted[name] > inside[name] for name in given)


def loads_of(node) -> Counter:
    """How often each name is asked for."""
    return Counter(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load))


def writes_twice(step: Step) -> bool:
    """Whether a field is written by more than one of the steps inside."""
    return max(Counter(path for inner in steps_in([step]) for path in inner.writes).values()) > 1


# ---------------------------------------------------------------- what is skipped, and what is copied


def settle(reach: Reach, seen: np.dtype, outlines: dict[str, list[Step]], by_lanes: set[str]) -> None:
    """Find what each step has to copy where it is skipped, and which may not be."""
    readers = Counter(path for steps in outlines.values() for step in steps_in(steps) for path in step.reads) + Counter(by_lanes)
    for steps in outlines.values():
        writers = Counter(path for step in steps_in(steps) for path in step.writes)
        for step in steps_in(steps):
            step.copies = sorted(path for path in step.writes if readers[path] > (path in step.reads))
            shared = any(writers[path] > 1 for path in step.writes)
            step.always = step.always or shared or any(dtype_at(seen, path).subdtype for path in step.copies)
            step.on = frozenset().union(*(reach.depends[path] for path in step.writes))


def dtype_at(seen: np.dtype, path: str) -> np.dtype:
    """The dtype of a field of Seen by its path."""
    for name in path.split(".")[1:]:
        seen = seen[name]
    return seen


# ---------------------------------------------------------------- writing


class Writer:
    """The functions of a strategy's market hooks, and those that they call."""

    def __init__(self, bound: Bound):
        self.bound = bound
        self.sources: list[str] = []

    def write(self, name: str, fn, steps: list[Step], inner: bool = False):
        """A function, compiled where it is first run."""
        names = dict(fn.__globals__ if jit.plain() else self.bound.helpers[fn].py_func.__globals__)
        own = [] if inner else [f"    {MINE} = {fn.__code__.co_varnames[fn.__code__.co_argcount - 2]}"]
        arguments = [*([MINE] if inner else []), FIRST, DIFFERS, *fn.__code__.co_varnames[: fn.__code__.co_argcount]]
        lines = [f"def {name}({', '.join(arguments)}):", *own, *self.lines(steps, 1, names), "    return", ""]
        source = "\n".join(lines)
        self.sources.append(source)
        exec(compile(source, f"<{self.bound.name}: {name}>", "exec"), names)
        names[name].__defaults__ = fn.__defaults__
        return names[name] if jit.plain() else jit.fresh(names[name])

    def lines(self, steps: list[Step], indent: int, names: dict) -> list[str]:
        """The lines of some steps; `names`: the globals of their function."""
        pad = "    " * indent
        return [pad + line for step in steps for line in self.lines_of(step, names)] or [f"{pad}pass"]

    def lines_of(self, step: Step, names: dict) -> list[str]:
        """The lines of a step."""
        done = ast.unparse(step.node).splitlines()
        if step.fn:
            name = f"{AGAIN}{len(self.sources)}_{step.fn.__name__}"
            names[name] = self.write(name, step.fn, step.inner, True)
            call = step.node.value
            given = [MINE, FIRST, DIFFERS, *(ast.unparse(each) for each in [*call.args, *call.keywords])]
            return [f"{name}({', '.join(given)})"]
        if step.inner:
            no = self.lines(step.other, 1, names) if step.other else ["    pass"]
            return [f"if {ast.unparse(step.node.test)}:", *self.lines(step.inner, 1, names), "else:", *no]
        if step.always or not step.writes:
            return done
        copies = [f"{MINE}{path[4:]} = {FIRST}{path[4:]}" for path in step.copies] or ["pass"]
        bits = 0
        for parameter in step.on:
            bits |= bit_of(parameter, self.bound.grouped_by)
        if not bits:
            return copies
        return [f"if {DIFFERS} & {bits} != 0:", *(f"    {line}" for line in done), "else:", *(f"    {line}" for line in copies)]
