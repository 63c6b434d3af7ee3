"""The grid: what a user writes as a sweep, and the combinations that it stands for."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from backtester.errors import UserError
from backtester.sweeps.grid import expand
from backtester.sweeps.plugin import split


def jobs(*overrides):
    return list(split(OverridesParser.create().parse_overrides(list(overrides))))


def test_the_last_name_varies_fastest():
    names, columns = expand({"support": "90000,92000", "bars": "range(10,13)"})
    assert names == ["support", "bars"]
    assert list(zip(*columns, strict=True)) == [(90000, 10), (90000, 11), (90000, 12), (92000, 10), (92000, 11), (92000, 12)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("90_000,null,92_000.5", [90000, None, 92000.5]),
        ("range(0.5,2,0.5)", [0.5, 1.0, 1.5]),
        ("choice(bp,relative)", ["bp", "relative"]),
        ("'bp','relative'", ["bp", "relative"]),
        ("true,false", [True, False]),
        ("sort(3,1,2)", [1, 2, 3]),
        ("7", [7]),
    ],
)
def test_values_as_hydra_writes_them(text, values):
    assert expand({"x": text}) == (["x"], [values])


def test_ten_thousand_combinations():
    names, columns = expand({"a": "range(100)", "b": "range(0,10,0.1)"})
    assert names == ["a", "b"]
    assert [len(set(column)) for column in columns] == [100, 100]
    assert len(set(zip(*columns, strict=True))) == 10_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("interval(0,1)", "x=interval(0,1): an interval has no values to count"),
        ("range(3,1)", "x=range(3,1): names no value"),
        ("[1,2],[3,4]", "x=[1,2],[3,4]: only numbers, words and null"),
        ("range(1", "sweep of x: "),
    ],
)
def test_what_cannot_be_counted_is_named(text, message):
    with pytest.raises(UserError) as error:
        expand({"x": text})
    assert str(error.value).startswith(message)


def test_value_sweeps_are_one_job_and_carry_their_first_value():
    assert jobs("strategy=door", "strategy.support=90000,null", "strategy.unit='a','b'") == [
        [
            "strategy=door",
            "strategy.support=90000",
            "++sweep.support='90000,null'",
            "strategy.unit='a'",
            r"++sweep.unit='\'a\',\'b\''",
            "hydra.sweep.subdir='.'",
        ]
    ]


def test_group_sweeps_and_what_lanes_share_are_a_job_each():
    found = jobs("strategy=door,spot_led", "data.end=2024,2025", "strategy.support=1,2", "venue.latency_ms=0,250")
    lanes = ["strategy.support=1", "++sweep.support='1,2'", "venue.latency_ms=0", "++sweep.venue.latency_ms='0,250'"]
    assert found == [
        [f"strategy={name}", f"data.end={end}", *lanes, f"hydra.sweep.subdir='strategy={name},data.end={end}'"]
        for name in ("door", "spot_led")
        for end in (2024, 2025)
    ]


def test_a_search_takes_an_interval_and_begins_at_its_start():
    [job] = jobs("strategy.support=interval(90000,92000)")
    assert job[:2] == ["strategy.support=90000.0", "++sweep.support='interval(90000,92000)'"]


def test_the_order_of_a_shuffled_sweep_is_as_it_is_written():
    assert expand({"x": "shuffle(3,1,2)"}) == (["x"], [[3, 1, 2]])


def test_constraints_see_what_is_not_swept():
    assert expand({"fast": "1,2,3"}, "strategy.slow > strategy.fast", {"slow": 3}) == (["fast"], [[1, 2]])
    with pytest.raises(UserError, match="holds for none of 3 combinations"):
        expand({"fast": "1,2,3"}, "slow < 1", {"slow": 3})


@pytest.mark.parametrize("override", ["strategy.name=a,b", "strategy.file=a.py,b.py", "data.end=interval(0,1)"])
def test_what_cannot_be_swept_is_refused(override):
    with pytest.raises(UserError, match=override.split("=", maxsplit=1)[0]):
        jobs(override)
