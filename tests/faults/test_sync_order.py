"""File, folder and database log are synced before the first byte of the answer; a portal that does not is seen."""

import shutil

import pytest
from django.db import connection

from .syncing import STEPS, order

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="no strace on this machine")


def test_everything_is_on_the_disk_before_the_answer():
    assert order(connection.vendor) == STEPS


def test_a_database_that_does_not_sync_is_seen():
    if connection.vendor == "sqlite":
        assert order("sqlite", FAULTS_LOSSY_SQLITE="1") == ["file", "folder", "answer"]
    else:
        assert order("sqlite", application="tests.faults.careless:syncs_nothing") == ["database", "answer"]
