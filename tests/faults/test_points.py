"""Killed at a named place and done again: nothing is lost, doubled or damaged, and the log still verifies."""

import pytest
from django.db import connection

from .points import POINTS
from .world import World

HITS = 2


@pytest.fixture(scope="module")
def world():
    with World(connection.vendor) as world:
        yield world


@pytest.fixture(scope="module")
def found(world):
    return world.inside("points", HITS)


@pytest.mark.parametrize("point", POINTS)
def test_dying_there_loses_and_doubles_nothing(found, point):
    assert found[point].pop("deaths") == HITS
    assert not any(found[point].values()), found[point]


def test_afterwards_the_log_verifies_and_each_mail_came_at_most_once_more(found, world):
    assert world.inside("ledger")["log"] == []
    taken = world.mailhost.count()
    assert taken
    assert max(taken.values()) <= 2
    assert sum(taken.values()) - len(taken) <= 2 * HITS  # after SMTP 250, and while marking


def test_without_unique_tokens_a_death_after_the_commit_doubles():
    with World(connection.vendor) as world:
        assert world.inside("points", 1, "after the commit", "careless")["after the commit"]["duplicates"]


def test_without_one_transaction_a_death_in_the_log_is_seen():
    with World(connection.vendor) as world:
        world.inside("points", 1, "in the log,publication committed")
        assert world.inside("ledger")["log"] == []
        world.inside("points", 1, "before signing", "careless")
        assert world.inside("ledger")["log"] != []
