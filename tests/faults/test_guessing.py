"""No guessed code hits, and the time of the answer does not tell how near a guess came."""

import pytest
from django.db import connection

from .guessing import gap
from .world import World

PAIRS = [("right shape", "right shape again"), ("right shape", "near miss"), ("stored", "not stored")]


@pytest.fixture(scope="module")
def world():
    with World(connection.vendor) as world:
        yield world


def test_no_guess_hits_and_no_answer_tells_by_its_time(world):
    found = world.inside("guessing", 500, 150)
    assert (found["guesses"], found["hits"]) == (500, 0)
    for one, other in PAIRS:
        assert gap(found, one, other) <= 2, (one, other, found)


def test_a_planted_code_is_found():
    with World(connection.vendor) as world:
        assert world.inside("guessing", 50, 5, "planted")["hits"] == 1


def test_a_look_up_that_dawdles_is_seen():
    with World(connection.vendor) as world:
        assert gap(world.inside("guessing", 5, 60, "slow"), "right shape", "near miss") > 2
