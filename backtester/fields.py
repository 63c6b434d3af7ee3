"""From a class of annotated fields to a record: its dtype, its initial row, its words.

    class Params:
        support: float | None = 92_000.0   # None switches a rule off, and is NaN in the record
        unit: Unit = Unit.BP               # an IntEnum is its code in the record, its name outside
    class Seen:
        premium: Premium                   # another such class: a nested record
        ring: vec(288)                     # an array
"""

import types
import typing
from enum import IntEnum

import numpy as np

from backtester.errors import UserError
from backtester.records import row_type


class vec:  # noqa: N801 - reads as a type in an annotation
    """An array field of a Seen or feature record: `vec(288)`, `vec(2, 1024)`, `vec(8, kind="i8")`."""

    def __init__(self, *shape: int, kind: str = "f8"):
        self.shape, self.kind = shape, kind

    def __repr__(self):
        return f"vec{self.shape}:{self.kind}"


SCALARS = {float: "f8", int: "i8", bool: "i8"}
NOTHING = np.dtype([("_", "i8")])


def annotations(cls) -> dict:
    """Field name -> annotated type, base classes first."""
    if cls is None:
        return {}
    return {name: kind for base in reversed(cls.__mro__) for name, kind in vars(base).get("__annotations__", {}).items()}


def scalar(kind):
    """The plain type of an annotation, without its `| None`."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        inner = [a for a in typing.get_args(kind) if a is not type(None)]
        return inner[0] if len(inner) == 1 else kind
    return kind


def is_enum(kind) -> bool:
    """Whether an annotation is a set of named choices."""
    return isinstance(kind, type) and issubclass(kind, IntEnum)


def dtype_of(cls) -> np.dtype:
    """The record dtype of a class of annotated fields. Raises UserError for a type that no record can hold."""
    out = []
    for name, annotation in annotations(cls).items():
        kind = scalar(annotation)
        if isinstance(kind, str):
            raise UserError(f"{cls.__qualname__}.{name}: its type is the text {kind!r}: leave out `from __future__ import annotations`")
        if isinstance(kind, vec):
            out.append((name, kind.kind, kind.shape))
        elif kind in SCALARS:
            out.append((name, SCALARS[kind]))
        elif is_enum(kind):
            out.append((name, "i8"))
        elif isinstance(kind, type) and annotations(kind):
            out.append((name, row_type(dtype_of(kind))))
        else:
            right = "float, int, bool, an IntEnum, vec(n) or a class of such fields"
            raise UserError(f"{cls.__qualname__}.{name}: {annotation!r} is no field type ({right})")
    return np.dtype(out or NOTHING)


def fill_initial(row, cls) -> None:
    """Write the class's defaults into a record; a field without one stays zero."""
    for name, annotation in annotations(cls).items():
        kind = scalar(annotation)
        if isinstance(kind, type) and kind not in SCALARS and not is_enum(kind):
            fill_initial(row[name], kind)
        elif hasattr(cls, name):
            value = getattr(cls, name)
            try:
                row[name] = np.nan if value is None else value
            except (TypeError, ValueError):
                raise UserError(f"{cls.__qualname__}.{name}: its default {value!r} is no {getattr(kind, '__name__', kind)}") from None


def initial(cls) -> np.ndarray:
    """One record of the class, as an array of length 1, with its defaults in place."""
    out = np.zeros(1, row_type(dtype_of(cls)))
    fill_initial(out[0], cls)
    return out
