"""From the sweep that a user writes to the list of combinations: one column of values per swept parameter."""

import itertools
from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, QuotedString, RangeSweep
from hydra.errors import HydraException

from backtester.errors import UserError
from backtester.sweeps.where import holds

Grid = tuple[list[str], list[list]]  # names, and a column of values for each, all of one length


def axis(override: Override) -> list:
    """The values of one parsed sweep, in the order in which they are written: float, int, bool, str or None. Raises UserError."""
    if override.is_interval_sweep():
        right = "write range(start, stop, step) or values with commas, or let a search choose: search=tpe"
        raise UserError(f"{override.input_line}: an interval has no values to count; {right}")
    if isinstance(given := override.value(), ChoiceSweep | RangeSweep):
        given.shuffle = False  # no order changes a result, and the same command must be the same sweep
    values = [value.text if isinstance(value, QuotedString) else value for value in override.sweep_iterator()]
    if not values:
        raise UserError(f"{override.input_line}: names no value; a range ends before its stop")
    if not all(value is None or isinstance(value, float | int | str) for value in values):
        raise UserError(f"{override.input_line}: only numbers, words and null can be swept")
    return values


def parse(name: str, text: str) -> Override:
    """One sweep in Hydra's override grammar. Raises UserError for text that Hydra cannot parse."""
    try:
        return OverridesParser.create().parse_override(f"{name}={text}")
    except HydraException as error:
        raise UserError(f"sweep of {name}: {error}") from error


def expand(sweep: Mapping[str, str], where: str | None = None, fixed: Mapping[str, Any] | None = None) -> Grid:
    """Names and columns of all combinations of {name: values in Hydra's override grammar}; the last name varies fastest.

    {"support": "90000,92000", "bars": "range(10,12)"} -> ["support", "bars"], [[90000, 90000, 92000, 92000], [10, 11, 10, 11]].
    `where` keeps those for which it holds; `fixed` has the parameters that are not swept. A venue's key is `venue.<key>`.
    Raises UserError for text that Hydra cannot parse, and where nothing is left.
    """
    overrides = [parse(name, text) for name, text in sweep.items()]
    axes = [axis(override) if override.is_sweep_override() else [override.value()] for override in overrides]
    columns = [list(column) for column in zip(*itertools.product(*axes), strict=True)]
    return list(sweep), columns if where is None else kept(list(sweep), columns, where, fixed or {})


def kept(names: list[str], columns: list[list], where: str, fixed: Mapping[str, Any]) -> list[list]:
    """The combinations for which a constraint holds. UserError where there is none."""
    left = holds(where, dict(fixed) | dict(zip(names, columns, strict=True)))
    if not left.any():
        raise UserError(f"where: {where!r}: holds for none of {len(left):,} combinations")
    return [[value for value, keep in zip(column, left.tolist(), strict=True) if keep] for column in columns]
