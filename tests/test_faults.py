"""The faults of benchmarks/faults.py and benchmarks/claims.py, which are too slow for a test, can still be planted."""

import ast

import pytest

from benchmarks.claims import CLAIMS
from benchmarks.faults import FAULTS as IN_THE_ENGINE
from benchmarks.planted import ROOT

FAULTS = [*IN_THE_ENGINE, *(fault for each in CLAIMS.values() for fault in each)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_line_of_a_fault_stands_in_its_file_once(fault):
    text = (ROOT / fault.file).read_text(encoding="utf-8")
    assert text.count(fault.line) == 1
    ast.parse(text.replace(fault.line, fault.planted))


def test_the_tests_that_should_find_them_exist():
    wanted = {test.partition("::")[::2] for fault in FAULTS for test in fault.tests}
    there = {file: (ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8") for file, _ in wanted}
    assert [f"{file}::{name}" for file, name in sorted(wanted) if name and f"\ndef {name}(" not in there[file]] == []
