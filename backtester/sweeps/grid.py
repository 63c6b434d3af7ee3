"""From the sweep that a user writes to the list of combinations: one column of values per swept parameter."""

import itertools
from collections.abc import Mapping

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, QuotedString
from hydra.errors import HydraException

from backtester.errors import UserError


def axis(override: Override) -> list:
    """The values of one parsed sweep, in the order in which they are written: float, int, bool, str or None. Raises UserError."""
    if override.is_interval_sweep():
        raise UserError(f"{override.input_line}: an interval has no values to count; write range(start, stop, step), or values with commas")
    values = [value.text if isinstance(value, QuotedString) else value for value in override.sweep_iterator()]
    if not values:
        raise UserError(f"{override.input_line}: names no value; a range ends before its stop")
    if not all(value is None or isinstance(value, float | int | str) for value in values):
        raise UserError(f"{override.input_line}: only numbers, words and null can be swept")
    return values


def expand(sweep: Mapping[str, str]) -> tuple[list[str], list[list]]:
    """Names and columns of all combinations of {name: values in Hydra's override grammar}; the last name varies fastest.

    {"support": "90000,92000", "bars": "range(10,12)"} -> ["support", "bars"], [[90000, 90000, 92000, 92000], [10, 11, 10, 11]].
    Raises UserError for text that Hydra cannot parse.
    """
    parser = OverridesParser.create()
    axes = []
    for name, text in sweep.items():
        try:
            override = parser.parse_override(f"{name}={text}")
        except HydraException as error:
            raise UserError(f"sweep of {name}: {error}") from error
        axes.append(axis(override) if override.is_sweep_override() else [override.value()])
    rows = itertools.product(*axes)
    return list(sweep), [list(column) for column in zip(*rows, strict=True)]
