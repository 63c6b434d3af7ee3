"""The border of a strategy's parameters: whatever a user gives becomes a number of the right kind, or an error that names it."""

import math
import types
import typing

import numpy as np

from backtester.errors import UserError
from backtester.fields import annotations, initial, is_enum, scalar


def params_of(cls: type, given: dict) -> np.ndarray:
    """One Params record (as an array of length 1): the class's defaults, then what is given by name."""
    row = initial(getattr(cls, "Params", None))
    for name, value in given.items():
        row[name] = coerce(cls, name, value)
    return row


def coerce(cls: type, name: str, value):
    """The number that stands for `value` of parameter `name`. Raises UserError naming both."""
    declared = annotations(getattr(cls, "Params", None))
    if name not in declared:
        raise UserError(f"strategy.{name}: {cls.__name__} has no such parameter (it has {', '.join(declared) or 'none'})")
    kind = scalar(declared[name])
    where = f"strategy.{name}: {value!r}"
    if value is None:
        if not optional(declared[name]):
            raise UserError(f"{where}: this parameter cannot be switched off, give {article(kind)}")
        return math.nan
    number = choice(kind, where, value) if is_enum(kind) else plain_number(kind, where, value)
    check_limits(cls, name, number)
    return number


def optional(annotation) -> bool:
    """Whether None is allowed: `float | None`."""
    union = isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union
    return union and type(None) in typing.get_args(annotation)


def choice(kind, where: str, value) -> int:
    """The code of a named choice."""
    for member in kind:
        if value is member or (isinstance(value, str) and value.lower() == member.name.lower()):
            return int(member)
    raise UserError(f"{where}: is none of {', '.join(m.name.lower() for m in kind)}")


def plain_number(kind, where: str, value):
    """A float, an int or a bool, checked."""
    if kind is bool and isinstance(value, bool | np.bool_):
        return int(value)
    if isinstance(value, bool | np.bool_ | str) or not isinstance(value, int | float | np.integer | np.floating) or math.isnan(value):
        raise UserError(f"{where}: give {article(kind)}")
    if kind is int and value != int(value):
        raise UserError(f"{where}: give {article(kind)}")
    if kind is bool:
        raise UserError(f"{where}: give {article(kind)}")
    return int(value) if kind is int else float(value)


def article(kind) -> str:
    """What a parameter's kind is called in a message."""
    if is_enum(kind):
        return f"one of {', '.join(m.name.lower() for m in kind)}"
    return {int: "a whole number", bool: "true or false"}.get(kind, "a number")


def check_limits(cls: type, name: str, value) -> None:
    """The strategy's own `class Limits: name = (lowest, highest)`."""
    limits = getattr(getattr(cls, "Limits", None), name, None)
    if limits and not limits[0] <= value <= limits[1]:
        raise UserError(f"strategy.{name}: {value} is outside {limits[0]} … {limits[1]}")


def defaults_of(cls: type) -> dict:
    """Parameter name -> default as a configuration spells it (choices by their lower-case name)."""
    declared = annotations(getattr(cls, "Params", None))
    return {name: spelled(scalar(kind), getattr(cls.Params, name, 0)) for name, kind in declared.items()}


def spelled(kind, value):
    """A parameter's value as a configuration writes it."""
    return kind(value).name.lower() if is_enum(kind) else value
