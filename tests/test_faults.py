"""The faults of `python -m benchmarks.faults`, which is too slow for a test, can still be planted."""

import pytest

from benchmarks.faults import FAULTS, ROOT, TESTS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.file)
def test_the_line_of_a_fault_stands_in_the_engine_once(fault):
    text = (ROOT / "backtester" / "engine" / fault.file).read_text()
    assert text.count(fault.line) == 1


def test_the_tests_that_should_find_them_exist():
    assert [name for name in TESTS if not (ROOT / "tests" / f"{name}.py").is_file()] == []
