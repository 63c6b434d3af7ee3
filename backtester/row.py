"""One combination of a finished sweep, by its number, as a run of its own with all its records."""

from pathlib import Path
from typing import Any

from backtester import api
from backtester.errors import UserError
from backtester.report.sweep_view import SweepView, view_of_sweep
from backtester.result import Result
from backtester.results.metrics import MEASURED
from backtester.sweeps.lanes import VENUE


def run_row(folder: Path, number: int) -> Result:
    """Run a combination of the sweep in a folder again. UserError where data or code have changed, so that its numbers differ."""
    view = view_of_sweep(folder)
    count = len(view.table["combination"])
    if not 0 <= number < count:
        raise UserError(f"{folder}: there is no combination {number}, they have the numbers 0 to {count - 1}")
    config = view.manifest["config"]
    given = {name: plain(view, name, number) for name in view.table}
    params = {name: given.get(name, value) for name, value in config["strategy"].items() if name not in ("name", "file")}
    venue = config["venue"] | {name.removeprefix(VENUE): value for name, value in given.items() if name.startswith(VENUE)}
    data = config["data"]
    if not data["path"]:
        raise UserError(f"{folder}: its manifest.json names no data.path, its market did not come from a data set")
    market = api.load(data["path"], data["start"], data["end"], accept="all", roles=data.get("roles"))
    if market.source["files"] != view.manifest["data"]["files"]:
        raise UserError(f"{data['path']}: not the data of the sweep {folder}: its files have changed since")
    which, command = config["strategy"].get("file") or config["strategy"]["name"], view.command(number).split()[2:]
    result = api.run(market, which, venue=venue, seed=config["seed"], overrides=command, **params)
    demand_same(folder, number, result, given, params)
    return result


def plain(view: SweepView, name: str, row: int) -> Any:
    """A value of a column as a configuration has it: what is switched off is None."""
    value = view.table[name][row : row + 1].tolist()[0]
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - NaN


def demand_same(folder: Path, number: int, result: Result, given: dict, params: dict) -> None:
    """UserError, which names the first metric that is not to the last bit what the sweep has."""
    for name in MEASURED:
        if name in given and name not in params:
            found = result.metrics[name]
            found = None if isinstance(found, float) and found != found else found  # noqa: PLR0124 - NaN
            if found != given[name]:
                told = f"{name} is {found!r} and was {given[name]!r}"
                raise UserError(f"{folder}: combination {number}: {told}: the strategy or the engine has changed since the sweep")
