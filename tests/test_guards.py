"""The tests notice when a guard is gone; all guards are where the list says. `python -m tests.guards` tries them all."""

import pytest

from .guards import GUARDS, ROOT, is_noticed

FEW = ("length", "token of figures")


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_is_where_the_list_says(guard):
    assert guard.before in (ROOT / guard.file).read_text()
    assert all((ROOT / place).exists() for place in guard.tests.split())


@pytest.mark.parametrize("guard", [guard for guard in GUARDS if guard.name in FEW], ids=lambda guard: guard.name)
def test_a_guard_that_is_gone_is_noticed(guard):
    assert is_noticed(guard)


def test_nothing_is_noticed_where_nothing_is_gone():
    assert not is_noticed(None, "tests/test_encodings.py")
