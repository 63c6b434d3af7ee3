"""The house's own rules: configs agree with the strategies, files stay readable, the lock names no address."""

import ast
from pathlib import Path

import pytest
import yaml

from backtester.engine.find import find_strategy
from backtester.engine.params import defaults_of
from backtester.fields import annotations, scalar

ROOT = Path(__file__).resolve().parents[1]
STRATEGIES = sorted(path for path in (ROOT / "strategies").glob("*.py") if not path.name.startswith("_"))


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: path.stem)
def test_config_agrees_with_strategy(path):
    config = yaml.safe_load((ROOT / "conf" / "strategy" / f"{path.stem}.yaml").read_text())
    assert config == {"name": path.stem} | defaults_of(find_strategy(path.stem))


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: path.stem)
def test_defaults_have_the_type_of_their_field(path):
    """An int where a float is meant compiles another kernel."""
    params = find_strategy(path.stem).Params
    kinds = {name: (scalar(kind), type(None)) for name, kind in annotations(params).items()}
    assert {name: value for name, allowed in kinds.items() if type(value := getattr(params, name)) not in allowed} == {}


def test_every_strategy_config_has_its_strategy():
    assert [p.stem for p in sorted((ROOT / "conf" / "strategy").glob("*.yaml"))] == [p.stem for p in STRATEGIES]


def code_files():
    return sorted(path for folder in ("backtester", "strategies") for path in (ROOT / folder).rglob("*.py"))


def test_no_file_is_longer_than_300_lines():
    assert [f"{path.relative_to(ROOT)}: {n}" for path in code_files() if (n := len(path.read_text().splitlines())) > 300] == []


def test_every_module_says_what_it_is_for():
    files = [path for path in code_files() if path.name != "__init__.py"]
    assert [str(path.relative_to(ROOT)) for path in files if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_every_config_value_has_a_comment():
    """A comment on the value's line, or on a line of its own directly above it."""
    bare = []
    for path in sorted((ROOT / "conf").rglob("*.yaml")):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            value = line.partition(":")[2]
            is_value = value.strip() and not line.lstrip().startswith(("#", "-"))
            if is_value and "#" not in value and not lines[number - 1].lstrip().startswith("#"):
                bare.append(f"{path.relative_to(ROOT)}:{number + 1}: {line}")
    assert bare == []


def test_the_lock_pins_hashes_and_names_no_address():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert len(packages) > 50
    assert [line for line in packages if "==" not in line or not line.endswith("\\")] == []
    assert [line for line in lines if "://" in line or line.lstrip().startswith(("--index", "--extra-index", "--find-links"))] == []
