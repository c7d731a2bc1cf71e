"""Health: alive while the process answers, ready while the database does."""

import pytest
from django.db import OperationalError

from portal import health

pytestmark = pytest.mark.django_db


def test_live_and_ready(client):
    for path in ("/health/live", "/health/ready"):
        response = client.get(path)
        assert (response.status_code, response.content) == (200, b"ok\n")
        assert "no-store" in response["Cache-Control"]


def test_a_database_that_is_away_makes_not_ready_but_alive(client, monkeypatch):
    def away(connection):
        raise OperationalError("away")

    monkeypatch.setattr(health, "MigrationExecutor", away)
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/live").status_code == 200


def test_missing_migrations_make_not_ready(client, monkeypatch):
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: [("0002", False)])
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert b"1 migrations" in response.content
