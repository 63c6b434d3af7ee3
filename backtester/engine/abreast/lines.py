"""The lines of a region: names for values, masks and selections, fields of records, escapes and forks.

No name gets a second value, so what is computed once is never computed again.
"""

import math
from enum import Enum

import numpy as np

from backtester.engine.abreast.values import Columns, Escape, Fork, Shared, Struct, Value


class Lines:
    """What is written before the loop over lanes, and in it."""

    def __init__(self, helpers: dict, most: int, decisions: tuple = ()):
        self.helpers = helpers                          # plain function -> compiled, for calls on what is shared
        self.most, self.forks = most, 0                 # shared conditions in a row that get loops of their own
        self.decisions = decisions                      # which way they went
        self.decided: dict[str, bool] = {}              # the same by condition
        self.forking = False                            # a shared condition is worth a fork here
        self.before: list[str] = []                     # lines before the loop
        self.lines: list[str] = []                      # lines of the loop
        self.named: dict[str, str] = {}                 # expression -> its name
        self.globals: dict[str, object] = {}            # of the new code
        self.columns: dict[str, tuple[str, np.dtype]] = {}  # column -> (path, dtype)
        self.now: dict[str, str] = {}                   # column -> the name of its present value
        self.stored: set[str] = set()
        self.zeros: set[str] = set()                    # paths of columns that are zero in every lane
        self.escaped: str | None = None                 # the mask of the lanes that escaped
        self.places: list[str] = []                     # file:line and reason of the escapes
        self.inside: list = []                          # functions that are being written out
        self.count = 0

    # ------------------------------------------------------------ names

    def new(self, word: str) -> str:
        """A name that nothing has."""
        self.count += 1
        return f"_{self.count}_{word}"

    def put(self, word: str, value: Value) -> Value:
        """A name for a value, in the loop or before it."""
        if value.known is not None or value.src.isidentifier():
            return value
        if value.src not in self.named:
            self.named[value.src] = self.new(word)
            (self.lines if value.lane else self.before).append(f"{self.named[value.src]} = {value.src}")
        return Value(self.named[value.src], value.lane, value.truth)

    def constant(self, value) -> Value:
        """A number that is known now."""
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, bool | np.bool_):
            return Value(repr(bool(value)), truth=True, known=bool(value))
        if isinstance(value, int | np.integer):
            return Value(f"({int(value)!r})" if value < 0 else repr(int(value)), known=int(value))
        if isinstance(value, float | np.floating) and math.isfinite(value):
            return Value(f"({float(value)!r})", known=float(value))
        if isinstance(value, float | np.floating):
            name = "NAN" if math.isnan(value) else "INFINITE" if value > 0 else "MINUS_INFINITE"
            self.globals[name] = float(value)
            return Value(name)
        raise Escape(f"{value!r} is no number")

    # ------------------------------------------------------------ conditions

    def truth(self, value: Value) -> Value:
        """A value as a condition."""
        if value.known is not None:
            return self.constant(bool(value.known))
        return value if value.truth else Value(f"({value.src} != 0)", value.lane, True)

    def inverse(self, c: Value) -> Value:
        """Where the condition does not hold."""
        return self.put("n", Value(f"(not {c.src})", c.lane, True))

    def both(self, mask: Value | None, more: Value) -> Value:
        """The lanes of the mask where a condition holds as well."""
        return self.put("m", more if mask is None else Value(f"({mask.src} & {more.src})", mask.lane or more.lane, True))

    def either(self, a: Value, b: Value) -> Value:
        """Where one of two conditions holds."""
        return self.put("m", Value(f"({a.src} | {b.src})", a.lane or b.lane, True))

    def select(self, mask: Value | None, new: Value, old: Value | None) -> Value:
        """The new value where the mask holds, the old one elsewhere."""
        if mask is None or old is None:
            return new
        return Value(f"select({mask.src}, {new.src}, {old.src})", mask.lane or new.lane or old.lane, new.truth and old.truth)

    def settled(self, c: Value) -> Value:
        """A shared condition, decided where it was before or where a fork is worth it."""
        if c.src in self.decided:
            return self.constant(self.decided[c.src])
        if not self.forking or self.forks >= self.most or c.lane or c.known is not None:
            return c
        return self.constant(self.decide(c))

    def decide(self, c: Value) -> bool:
        """Which way this fork goes; the first one that is not decided yet ends the attempt."""
        self.forks += 1
        if self.forks > len(self.decisions):
            raise Fork(c.src)
        self.decided[c.src] = self.decisions[self.forks - 1]
        return self.decided[c.src]

    def escape(self, mask: Value | None, reason: Escape | None = None) -> None:
        """The lanes of the mask run one by one."""
        left = self.constant(True) if mask is None else mask
        self.escaped = left.src if self.escaped is None else self.either(Value(self.escaped, True, True), left).src
        if reason and not reason.told and str(reason) not in self.places:
            self.places.append(str(reason))

    # ------------------------------------------------------------ records

    def part(self, owner, name: str):
        """A field of a record: a Value, or a record."""
        if isinstance(owner, Struct):
            if name not in owner.parts:
                raise Escape(f"{name} belongs to the venue")
            return owner.parts[name]
        inner = owner.dtype[name]
        return self.column(f"{owner.path}.{name}", inner) if isinstance(owner, Columns) else self.shared(f"{owner.src}.{name}", inner)

    def column(self, path: str, dtype: np.dtype):
        """A lane's own field."""
        if dtype.names or dtype.subdtype:
            return Columns(path, dtype)
        if path in self.zeros:
            return self.constant(0.0)
        name = column_name(path)
        self.columns.setdefault(name, (path, dtype))
        return Value(self.now.setdefault(name, name), lane=True)

    def shared(self, src: str, dtype: np.dtype):
        """A field that is the same for all lanes."""
        if dtype.names or dtype.subdtype:
            return Shared(src, dtype)
        return self.put(src.rsplit(".", maxsplit=1)[-1].split("[", maxsplit=1)[0], Value(src))

    def place_in(self, owner, index: Value):
        """An element of an array."""
        base, shape = owner.dtype.subdtype
        if index.lane or len(shape) != 1:
            raise Escape("a place in an array that differs from lane to lane")
        if index.known is not None and -shape[0] <= index.known < shape[0]:  # type: ignore[operator]
            element, at = self.column if isinstance(owner, Columns) else self.shared, index.known % shape[0]
            return element(f"{owner.path if isinstance(owner, Columns) else owner.src}[{at}]", base)
        if isinstance(owner, Columns) or index.known is not None:
            raise Escape("a place in an array of a lane's own, or outside of it")
        found = self.put("at", Value(f"at({owner.src}, {index.src})"))
        return Shared(found.src, base) if base.names else found

    def store(self, owner, name: str, value: Value, mask: Value | None) -> None:
        """A lane's field gets a value."""
        if not isinstance(owner, Columns) or owner.dtype[name].names or owner.dtype[name].subdtype:
            raise Escape(f"{name} is written")
        old, column = self.part(owner, name), column_name(f"{owner.path}.{name}")
        cast = float if owner.dtype[name].kind == "f" else int
        given = f"{cast.__name__}64({value.src})" if value.known is None else repr(cast(value.known))  # type: ignore[call-overload]
        self.now[column] = self.new(column)
        self.lines.append(f"{self.now[column]} = {self.select(mask, Value(given, True), old).src}")
        self.stored.add(column)


def column_name(path: str) -> str:
    """lane.position[1].qty is the column position_1_qty."""
    return path.split(".", 1)[1].replace("_", "__").replace(".", "_").replace("[", "_").replace("]", "")
