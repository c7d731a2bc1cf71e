"""The frame of the benchmarks: what it calls reached, and that cases take turns."""

import datetime
import itertools
import json
import xml.etree.ElementTree as ElementTree

import pytest

from notices.search import words
from tests.benchmarks import frame, plot, reference, wagtail
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


def test_no_question_to_wagtail_comes_twice_and_every_notice_answers_it():
    asked = list(itertools.islice(wagtail.questions(), 5000))
    assert len(set(asked)) == 5000
    text = reference.text(datetime.date(2026, 3, 2))
    for question in asked[::500]:
        assert all(words.stands_in(run, text) for word in question.split("+") for run in words.runs(word))


def test_the_curves_are_drawn_from_what_was_found(tmp_path, monkeypatch):
    monkeypatch.setattr(plot, "VAR", tmp_path)
    found = [
        (f"{page} among {size} notices: p95, ms", size / 900) for page in ("form", "list") for size in (1000, 10_000)
    ]
    kept = [{"name": name, "value": value} for name, value in [*found, ("form: p95 among 10000 ÷ 1000", 10)]]
    (tmp_path / "growth.json").write_text(json.dumps(kept))
    plot.draw(tmp_path / "curves.svg")
    drawn = ElementTree.parse(tmp_path / "curves.svg").getroot()
    lines = [each.get("points") for each in drawn.iter("{http://www.w3.org/2000/svg}polyline")]
    labels = [each for each in drawn.iter("{http://www.w3.org/2000/svg}text") if " ms" in each.text.partition(",")[2]]
    heights = sorted(float(each.get("y")) for each in labels)
    assert heights[1] - heights[0] >= plot.LINE  # though both curves end at the same point
    assert len(lines) == 2
    assert all(len(points.split()) == 2 for points in lines)
