"""What a strategy's compiled code depends on: every hook's bytecode, constants, helpers and global values.

Not the source text: Python may run an older .pyc, and a hash of the text would then file old code under
the new key. A comment or a default keeps the key; a constant, a helper in another file changes it.
"""

import dis
import hashlib
import sysconfig
import types
from enum import Enum
from pathlib import Path

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from backtester.engine.jit import fresh
from backtester.errors import UserError

STDLIB = Path(sysconfig.get_paths()["stdlib"])
PACKAGES = (Path(numba.__file__).parent, Path(np.__file__).parent)
PLAIN_VALUES = (int, float, bool, str, bytes, type(None))


def is_foreign(file: str | None) -> bool:
    """Whether a file belongs to Python, numba or numpy, whose versions stand in the key. Everything else is woven by content."""
    if file is None:
        return True
    path = Path(file)
    pythons = path.is_relative_to(STDLIB) and "site-packages" not in path.parts
    return pythons or any(path.is_relative_to(package) for package in PACKAGES)


def globals_of(code: types.CodeType):
    """Names of the globals that a function reads, nested functions included."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from globals_of(constant)


class Weaver:
    """Compiles hooks together with the plain helpers they call, and hashes all of it."""

    def __init__(self):
        self.hash = hashlib.blake2b(digest_size=12)
        self.woven: dict[types.FunctionType, Dispatcher] = {}

    def put(self, *values) -> None:
        """Add values to the key."""
        for value in values:
            self.hash.update(repr(value).encode() + b"\0")

    def weave(self, fn):
        """The compiled form of a plain function, its helpers compiled too."""
        fn = fn.py_func if isinstance(fn, Dispatcher) else fn
        if fn in self.woven:
            return self.woven[fn]
        self.put_code(fn.__code__)
        self.put(fn.__defaults__)
        if fn.__closure__:
            raise UserError(f"{place(fn)}: {fn.__qualname__} reads variables of an enclosing function; make them parameters")
        names = {"__builtins__": fn.__globals__["__builtins__"], "__name__": fn.__module__, "__file__": fn.__globals__.get("__file__")}
        copy = types.FunctionType(fn.__code__, names, fn.__name__, fn.__defaults__)
        copy.__module__, copy.__qualname__ = fn.__module__, fn.__qualname__
        woven = self.woven[fn] = fresh(copy)
        for name in dict.fromkeys(globals_of(fn.__code__)):
            if name in fn.__globals__:
                self.put(name)
                names[name] = self.value(fn, name, fn.__globals__[name])
        return woven

    def put_code(self, code: types.CodeType) -> None:
        self.put(code.co_name, code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_exceptiontable)
        for constant in code.co_consts:
            self.put_code(constant) if isinstance(constant, types.CodeType) else self.put(type(constant).__name__, constant)

    def value(self, fn, name, value):
        """A global as compiled code may see it; its value is part of the key."""
        if isinstance(value, Dispatcher | types.FunctionType):
            plain = value.py_func if isinstance(value, Dispatcher) else value
            return value if is_foreign(plain.__code__.co_filename) else self.weave(plain)
        if isinstance(value, types.ModuleType):
            if is_foreign(getattr(value, "__file__", None)):
                return value
            right = f"import the function itself: from {value.__name__} import …"
            raise UserError(f"{place(fn)}: {fn.__qualname__} uses the module {name!r}; {right}")
        if isinstance(value, type) and issubclass(value, Enum):
            self.put(value.__qualname__, [(name, member.value) for name, member in value.__members__.items()])
        elif isinstance(value, np.ndarray):
            self.put(value.dtype.descr, value.shape, value.tobytes())
        elif isinstance(value, (*PLAIN_VALUES, tuple, Enum, np.generic)):
            self.put(type(value).__qualname__, value)
        elif not isinstance(value, types.BuiltinFunctionType | type):
            allowed = "only numbers, tuples, enums, arrays and functions can be compiled"
            raise UserError(f"{place(fn)}: {fn.__qualname__} reads the global {name!r}, a {type(value).__name__}: {allowed}")
        return value


def place(fn) -> str:
    """file:line of a function."""
    return f"{fn.__code__.co_filename}:{fn.__code__.co_firstlineno}"
