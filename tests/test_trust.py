"""What deploy/TRUST.md says is proven, is: each test that it names is there and is run."""

import ast
import re

import pytest

from .test_settings import ROOT

TRUST = (ROOT / "deploy" / "TRUST.md").read_text()
ROWS = re.findall(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TRUST, re.MULTILINE)
NAMED = re.compile(r"`([\w.]+)::(\w+)`")


def missing(module: str, test: str) -> bool:
    place = ROOT / "tests" / f"{module.replace('.', '/')}.py"
    tree = ast.parse(place.read_text()) if place.exists() else ast.Module([], [])
    return test not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("number", "what", "test", "result"), ROWS)
def test_a_requirement_has_its_test_or_says_that_it_does_not_hold(number, what, test, result):
    named = [NAMED.fullmatch(each) for each in test.split(", ")]
    if all(named):
        assert not [found[0] for found in named if missing(*found.groups())]
        assert result == "holds"
    else:
        assert result.startswith("**does not hold**: ")


def test_the_list_is_long_enough_and_numbers_stand_once():
    assert len(ROWS) >= 50
    assert len({number for number, *_ in ROWS}) == len(ROWS)


def test_a_test_that_is_not_there_is_noticed():
    assert missing("test_trust", "test_that_nobody_wrote")
    assert missing("test_nowhere", "test_a_test_that_is_not_there_is_noticed")
