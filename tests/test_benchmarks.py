"""The frame of the benchmarks: what it calls reached, and that cases take turns."""

import pytest

from tests.benchmarks import frame
from tests.benchmarks.__main__ import NO_BENCHMARKS, names


@pytest.mark.parametrize(
    ("value", "bar", "holds"),
    [(2.0, "≤ 2", True), (2.01, "≤ 2", False), (500, "≥ 500", True), (1, "≥ 500", False), (7, "", None)],
)
def test_bars(value, bar, holds):
    assert frame.Figure("x", value, bar).holds is holds


def test_cases_take_turns():
    calls = []
    times = frame.interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == list("ababab")  # once each before it counts
    assert {name: len(each) for name, each in times.items()} == {"a": 2, "b": 2}


def test_p95_is_the_time_that_95_of_100_stay_below():
    assert frame.below(95, [float(each) for each in range(1, 101)]) == 95
    assert frame.p95([3.0]) == 3


def test_benchmarks_are_found_by_name():
    assert "search" in names()
    assert not NO_BENCHMARKS & set(names())
