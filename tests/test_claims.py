"""docs/claims.md, held to the code: every claim has its row, and what the row names exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from backtester.records import BAR, STREAMS
from benchmarks.claims import CLAIMS
from benchmarks.planted import ROOT

FEATURES = ROOT / "backtester" / "features"
NUMBERS = [
    *(f"B{n}" for n in range(1, 19)), *(f"A{n}" for n in range(1, 22)),
    *(f"C{n}" for n in range(1, 7)), *(f"C7{x}" for x in "abcdefg"), "C8",
]  # fmt: skip
COLUMNS = ("measured", "traded", "held", "needs")


def rows_of(text: str) -> list[tuple[str, dict[str, str]]]:
    """[(number, {column: cell})] of all tables."""
    lines = [[cell.strip() for cell in line.strip("|\n ").split(" | ")] for line in text.splitlines() if re.match(r"\| [ABC]\d", line)]
    return [(number, dict(zip(COLUMNS, cells, strict=False))) for number, _, *cells in lines]


TEXT = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
ROWS = rows_of(TEXT)


# ---------------------------------------------------------------- what exists


@cache
def names_in(path: Path) -> dict[str, ast.AST]:
    """The functions, classes, classes of classes (with a dot) and constants of a file; empty where there is none."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else ():
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}": part for part in node.body if isinstance(part, ast.ClassDef)}
        elif isinstance(node, ast.Assign):
            found |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    return found


@cache
def features() -> dict[str, ast.AST]:
    """The names of all features."""
    return {name: node for path in sorted(FEATURES.glob("*.py")) for name, node in names_in(path).items()}


def fields_of(node: ast.AST | None) -> set[str]:
    """The fields and members of a class, with those of the features that it builds on."""
    if not isinstance(node, ast.ClassDef):
        return set()
    out = {field for base in node.bases for field in fields_of(features().get(ast.unparse(base)))}
    for part in node.body:
        targets = [part.target] if isinstance(part, ast.AnnAssign) else part.targets if isinstance(part, ast.Assign) else []
        out |= {target.id for target in targets if isinstance(target, ast.Name)}
    return out


def has(names: dict[str, ast.AST], name: str) -> bool:
    """Whether a name, or a class's field, is there."""
    of, _, field = name.partition(".")
    return field in fields_of(names.get(of)) if field else of in names


def grouped(cell: str, begins) -> list[tuple[str, list[str]]]:
    """[(file or strategy, the names after it)] of the words in code spans."""
    out: list[tuple[str, list[str]]] = []
    for word in re.findall(r"`([^`]+)`", cell):
        if begins(word) or not out:
            out.append((word, []))
        else:
            out[-1][1].append(word)
    return out


def unknown_files(cell: str, folder: Path) -> list[str]:
    """The files, functions, classes and fields that a cell names and that are not there."""
    wrong = []
    for file, names in grouped(cell, lambda word: word.endswith(".py")):
        there = names_in(folder / file if (folder / file).is_file() else ROOT / "backtester" / file)
        wrong += [f"{file} {name}".strip() for name in names or [""] if not (has(there, name) if name else there)]
    return wrong


def strategy_of(name: str) -> dict[str, ast.AST]:
    """The classes of a strategy's module, those inside the strategy's own without its name; empty where there is none."""
    module = names_in(ROOT / "strategies" / f"{name}.py")
    return {key.rpartition(".")[2]: node for key, node in module.items()}


def unknown_params(cell: str) -> list[str]:
    """The strategies, parameters (or `Trace` columns, `Reason`s) and experiments that a cell names and that are not there."""
    wrong = []
    for name, params in grouped(cell, lambda word: "=" in word or (ROOT / "strategies" / f"{word}.py").is_file()):
        if name.startswith("experiment="):
            wrong += [] if (ROOT / "conf" / "experiment" / f"{name.removeprefix('experiment=')}.yaml").is_file() else [name]
            continue
        there = strategy_of(name)
        wrong += [] if there else [name]
        wrong += [f"{name} {param}" for param in params if not has(there, param if "." in param else f"Params.{param}")]
    return wrong


def unknown_data(cell: str) -> list[str]:
    """The streams and columns of bars that a cell names and that are not there."""
    return [word for word in re.findall(r"`([^`]+)`", cell) if word not in {*STREAMS, *BAR.names}]


def unknown(cells: dict[str, str]) -> list[str]:
    """All that a row names and that is not there."""
    named = unknown_files(cells["measured"], FEATURES) + unknown_params(cells["traded"])
    return named + unknown_files(cells["held"], ROOT / "tests") + unknown_data(cells["needs"])


def held_by(cells: dict[str, str]) -> set[str]:
    """The tests that hold a claim, as the faults name them."""
    found = grouped(cells["held"], lambda word: word.endswith(".py"))
    return {f"{file.removesuffix('.py')}::{name}" for file, names in found for name in names}


# ---------------------------------------------------------------- the table


def test_every_claim_has_one_row():
    assert [number for number, _ in ROWS] == NUMBERS
    assert {len(cells) for _, cells in ROWS} == {len(COLUMNS)}


@pytest.mark.parametrize(("number", "cells"), ROWS, ids=[number for number, _ in ROWS])
def test_what_a_row_names_exists(number, cells):
    assert unknown(cells) == []


@pytest.mark.parametrize(("number", "cells"), ROWS, ids=[number for number, _ in ROWS])
def test_a_claim_that_tests_hold_has_been_broken(number, cells):
    """Every row with tests has its faults, each of which makes some of those tests fail; a row without has none."""
    broken = [set(fault.tests) for fault in CLAIMS.get(number, ())]
    assert bool(broken) == bool(held_by(cells))
    assert [tests - held_by(cells) for tests in broken if not tests or tests - held_by(cells)] == []


def test_a_row_is_measured_or_says_that_nothing_is_there():
    silent = [number for number, cells in ROWS if "`" not in cells["measured"]]
    assert [number for number in silent if "below" not in dict(ROWS)[number]["measured"]] == []


def test_links_lead_somewhere():
    assert [link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if not (ROOT / "docs" / link).exists()] == []


@pytest.mark.parametrize(
    ("column", "cell", "wrong"),
    [
        ("measured", "`flow.py` `Flow.cvd` `spot_share`, `market/stress.py` `gap`", []),
        ("measured", "`flows.py` `Flow`", ["flows.py Flow"]),
        ("measured", "`flow.py` `Flows` `Flow.cdv` `spot_shares`", ["flow.py Flows", "flow.py Flow.cdv", "flow.py spot_shares"]),
        ("measured", "`nowhere.py`", ["nowhere.py"]),
        ("traded", "`door` `turn` `Reason.STOP`, `experiment=macro_gap`", []),
        ("traded", "`door` `turns` `Reason.STOPPED`", ["door turns", "door Reason.STOPPED"]),
        ("traded", "`doors` `turn`", ["doors", "doors turn"]),
        ("traded", "`experiment=macro_gaps`", ["experiment=macro_gaps"]),
        ("held", "`test_claims.py` `test_links_lead_somewhere`", []),
        ("held", "`test_claims.py` `test_links`, `test_claim.py` `test_links`", ["test_claims.py test_links", "test_claim.py test_links"]),
        ("needs", "`funding`, `taker_buys`", ["taker_buys"]),
    ],
)
def test_a_wrong_name_is_noticed(column, cell, wrong):
    assert unknown({"measured": "", "traded": "", "held": "", "needs": "", column: cell}) == wrong
