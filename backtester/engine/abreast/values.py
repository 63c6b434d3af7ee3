"""What the converter knows of an expression: a number that the new code computes, or a record of lanes, of all, of none."""

import ast
import inspect
import textwrap
import types
from dataclasses import dataclass, field
from functools import cache

import numpy as np


class Escape(Exception):
    """What lanes abreast cannot do, and the file and line where it is asked."""

    place: str | None = None
    told = False    # the place was told already, by what was called

    def __str__(self) -> str:
        return f"{self.place}: {self.args[0]}" if self.place else self.args[0]


class Fork(Exception):
    """A shared condition that gets two loops of its own."""


@dataclass(frozen=True)
class Value:
    """A number as the new code writes it."""

    src: str
    lane: bool = False      # it differs from lane to lane
    truth: bool = False     # it is True or False
    known: object = None    # the number itself where it is known now


@dataclass(frozen=True)
class Columns:
    """A record, or an array of records, of which every lane has its own."""

    path: str               # such as lane.position[0]
    dtype: np.dtype


@dataclass(frozen=True)
class Shared:
    """A record or an array that is the same for all lanes."""

    src: str
    dtype: np.dtype


@dataclass(frozen=True)
class Struct:
    """A record of records that exists in the source alone, such as ctx."""

    parts: dict


@dataclass
class Frame:
    """One call of a function that is written out."""

    fn: types.FunctionType
    names: dict = field(default_factory=dict)   # local name -> Value or record
    gives: list | None = None                   # Values of its return
    mask: Value | None = None                   # the lanes that entered
    lost: bool = False                          # all of them escaped


def place_of(frame: Frame, node) -> str:
    """file:line of a node of the function."""
    return f"{frame.fn.__code__.co_filename}:{frame.fn.__code__.co_firstlineno + node.lineno - 1}"


def is_record(found) -> bool:
    """Whether a name stands for a record."""
    return isinstance(found, Columns | Shared | Struct)


def plain_function(fn):
    """The function itself, whether it is compiled or not."""
    return getattr(fn, "py_func", fn)


@cache
def tree_of(fn) -> ast.FunctionDef:
    """The syntax tree of a function."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(fn))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return tree


def has(nodes, kinds) -> bool:
    """Whether statements hold a node of these kinds."""
    return any(isinstance(inner, kinds) for node in nodes for inner in ast.walk(node))
