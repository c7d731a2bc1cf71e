"""Migrations forward and back keep every row and every guard; a migration that forgets the guards is seen by the audit."""

import pytest
from django.db import connection

from .world import World


@pytest.fixture(scope="module")
def world():
    with World(connection.vendor) as world:
        yield world


def test_rows_and_guards_stand_after_migrations_forward_and_back(world):
    found = world.inside("moving", 300)
    assert (found["changed"], found["guards down"]) == ([], [])
    assert min(count for name, count in found["rows"].items() if name != "Redaction") > 300
    assert len(found["seconds"]) == 7


def test_on_sqlite_a_migration_that_forgets_them_fails_or_is_seen(world):
    found = world.inside("moving")
    seen = "".join(found["guards down"])
    if connection.vendor == "sqlite":
        assert found["failed"]
        assert "notices_logentry_no_update" in seen
        assert "LogEntry" in found["guards down"]
    else:
        assert (found["failed"], seen) == (False, "")  # there a table is altered where it stands
