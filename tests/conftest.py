"""What all tests share: the browser, and the promise that nothing is skipped where everything is required."""

import importlib
import os
import shutil
from pathlib import Path

import pytest
from django.db.backends.sqlite3.base import DatabaseWrapper

REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# Playwright runs an event loop in the test's own thread; the ORM calls around it are not part of it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def reference_file() -> Path:
    """The real notice that the portal is measured against; it is not part of the project."""
    path = Path(__file__).resolve().parents[2] / "shared" / "notices" / "zibo-2025-round1-item1.txt"
    if not path.exists():
        pytest.skip("the reference notice is not here")
    return path


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine")
    quiet = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": [*quiet, "--disable-sync", "--no-first-run"],
    }


def pytest_sessionfinish(session):
    """Where everything is required, a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if REQUIRE_ALL and reporter and reporter.stats.get("skipped") and session.exitstatus == 0:
        session.exitstatus = 1


def _let_tests_empty_append_only_tables():
    """Transactional tests end with a flush; on SQLite that deletes rows, which the guards refuse as they should."""
    guards = importlib.import_module("notices.migrations.0002_append_only")
    operations = DatabaseWrapper.ops_class
    flush = operations.sql_flush

    def sql_flush(self, *arguments, **options):
        statements = flush(self, *arguments, **options)
        return [*guards.dropping("sqlite"), *statements, *guards.creating("sqlite")] if statements else []

    operations.sql_flush = sql_flush


_let_tests_empty_append_only_tables()
