"""Margin brackets: a YAML file of dated versions becomes the BRACKET records of one instrument."""

import hashlib
from itertools import pairwise
from math import inf, nan
from pathlib import Path

import numpy as np
import yaml

from backtester.errors import UserError
from backtester.market.schema import Header
from backtester.market.times import instant, iso
from backtester.records import BRACKET, TIERS, rows

KEYS = ("name", "source", "instrument", "versions")
VERSION_KEYS = ("valid_from", "basis", "liquidation_fee", "tiers")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # 2 ms a file where PyYAML has its C parts, else 22


def load_brackets(header: Header, folder: Path, root: Path, start: int, end: int) -> tuple[dict, dict]:
    """The brackets in force from `start` until before `end` (ns) of the instruments that name some.

    Returns tables by (stream, instrument index), as `merge` takes them, and per instrument what a manifest says of them: the
    file, its sha256, and since when and on what grounds each version holds. Raises UserError, which names the file and the key.
    """
    tables, told = {}, {}
    for index, instrument in enumerate(header.instruments):
        if instrument.name in header.brackets:
            path = bracket_path(header.brackets[instrument.name], folder, root)
            table, grounds, sha256 = read_brackets(path)
            inside = in_force(table["ts_event"], start, end)
            tables["brackets", index] = table[inside]
            told[instrument.name] = {
                "file": str(path.relative_to(root) if path.is_relative_to(root) else path),
                "sha256": sha256,
                "versions": [
                    {"valid_from": iso(ts), "basis": basis} for ts, basis in zip(table["ts_event"][inside], grounds[inside], strict=True)
                ],
            }
    return tables, told


def bracket_path(name: str, folder: Path, root: Path) -> Path:
    """The file that `brackets: name` means: a path from the data set's folder where it ends in .yaml, else one of data/brackets."""
    known = root / "data" / "brackets"
    path = (folder / name).resolve() if name.endswith(".yaml") else known / f"{name}.yaml"
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in known.glob("*.yaml")))
        raise UserError(f"{folder / 'dataset.yaml'}: brackets: {name}: no file {path}: name one of {names}, or a path that ends in .yaml")
    return path


def in_force(valid_from: np.ndarray, start: int, end: int) -> slice:
    """The versions, ascending by `valid_from` (ns), that hold at some moment of [start, end)."""
    first = max(int(np.searchsorted(valid_from, start, side="right")) - 1, 0)
    return slice(first, int(np.searchsorted(valid_from, end)))


def read_brackets(path: Path) -> tuple[np.ndarray, list[str], str]:
    """All versions of a file (BRACKET records), the grounds of each, and the file's sha256."""
    content = path.read_bytes()
    try:
        raw = yaml.load(content, LOADER)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: is no YAML: {error}") from None
    if not isinstance(raw, dict) or set(raw) != set(KEYS) or not isinstance(raw["versions"], list) or not raw["versions"]:
        raise UserError(f"{path}: brackets have the keys {', '.join(KEYS)} (versions is a list of at least one)")
    table = rows(BRACKET, len(raw["versions"]))
    for number, item in enumerate(raw["versions"]):
        write_version(table[number], item, f"{path}: versions[{number}]")
    late = np.flatnonzero(np.diff(table["ts_event"]) <= 0)
    if len(late):
        raise UserError(f"{path}: versions[{late[0] + 1}]: valid_from is not later than that of the version before: put the oldest first")
    return table, [item["basis"] for item in raw["versions"]], hashlib.sha256(content).hexdigest()


def write_version(out, item, where: str) -> None:
    """One entry of `versions` as the BRACKET record `out`: known from the moment on from which it holds."""
    if not isinstance(item, dict) or set(item) != set(VERSION_KEYS):
        raise UserError(f"{where}: a version has the keys {', '.join(VERSION_KEYS)}")
    if not isinstance(item["basis"], str) or not item["basis"].strip():
        raise UserError(f"{where}: basis is {item['basis']!r}: say where the table is from, and what of it is assumed")
    if not is_number(item["liquidation_fee"]) or not 0 <= item["liquidation_fee"] < 1:
        raise UserError(f"{where}: liquidation_fee is {item['liquidation_fee']!r}: write a fraction of the notional such as 0.0125")
    tiers = read_tiers(item["tiers"], where)
    out.ts_event = out.ts_known = instant(item["valid_from"], f"{where}: valid_from")
    out.liquidation_fee, out.tiers = item["liquidation_fee"], len(tiers)
    unused = [nan] * (TIERS - len(tiers))
    for field, column in zip(("cap", "rate", "leverage"), zip(*tiers, strict=True), strict=True):
        out[field] = [*column, *unused]
    out.amount = [*amounts(tiers), *unused]


def read_tiers(tiers, where: str) -> list:
    """[largest notional, maintenance rate, largest leverage] per tier, checked."""
    if not isinstance(tiers, list) or not 1 <= len(tiers) <= TIERS:
        raise UserError(f"{where}: tiers is a list of 1 to {TIERS} tiers")
    below = (0.0, 0.0, inf)
    for number, tier in enumerate(tiers):
        place = f"{where}: tiers[{number}]: {tier!r}"
        if not isinstance(tier, list) or len(tier) != 3 or not all(map(is_number, tier)):
            raise UserError(f"{place}: a tier is [largest notional, maintenance as a fraction, largest leverage]")
        cap, rate, leverage = tier
        if not below[0] < cap or (cap == inf and number + 1 < len(tiers)):
            raise UserError(f"{place}: the largest notional must grow from tier to tier (the last may be .inf)")
        if not below[1] < rate < 1:
            raise UserError(f"{place}: the maintenance rate must grow from tier to tier, and stay below 1")
        if not 1 <= leverage <= below[2] or rate * leverage >= 1:
            raise UserError(f"{place}: the largest leverage may not grow, is 1 or more, and leaves maintenance below initial margin")
        below = cap, rate, leverage
    return tiers


def is_number(value) -> bool:
    """Whether YAML gave a number, .inf and .nan included."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def amounts(tiers: list) -> list[float]:
    """What each tier subtracts from rate * notional (quote), so that the margin has no steps where tiers meet."""
    out = [0.0]
    for (cap, rate, _), (_, above, _) in pairwise(tiers):
        out.append(out[-1] + cap * (above - rate))
    return out
