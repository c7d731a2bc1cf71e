"""The worker as a process: two of them share one queue, and one that is told to stop does so after the mail in hand."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings as django_settings
from django.db import connection

from objections.models import OutgoingMail
from tests.make import make_notice, make_objection
from tests.test_mail import server  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)

MAILS = 30


def database_url() -> str:
    """The test's own database, as another process is told of it."""
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{known['NAME']}"
    login = f"{known['USER']}:{known['PASSWORD']}@" if known["PASSWORD"] else f"{known['USER']}@"
    return f"postgres://{login}{known['HOST']}:{known['PORT']}/{known['NAME']}"


@pytest.fixture
def start(server, settings):  # noqa: F811
    """Starts a worker on this database and mail server; whatever is left of it is killed."""
    started = []

    def worker() -> subprocess.Popen:
        own = {"DJANGO_SETTINGS_MODULE": "portal.settings", "DATABASE_URL": database_url()}
        own["EMAIL_URL"] = f"smtp://127.0.0.1:{settings.EMAIL_PORT}"
        command = [sys.executable, "manage.py", "send_mail"]
        started.append(subprocess.Popen(command, cwd=django_settings.BASE_DIR, env=os.environ | own))
        return started[-1]

    yield worker
    for process in started:
        process.kill()
        process.wait()


def make_queue(server) -> None:  # noqa: F811
    """Thirty mails, and a server that takes its time over each."""
    notice = make_notice()
    for number in range(MAILS):
        make_objection(notice, token=str(number), email="")
    take = server.handle_DATA

    async def slowly(*arguments):
        await asyncio.sleep(0.05)
        return await take(*arguments)

    server.handle_DATA = slowly


def wait_for(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def subjects(server) -> list[str]:  # noqa: F811
    return [line for each in server.taken for line in each.content.decode().splitlines() if "Message-ID" in line]


def test_two_workers_send_each_mail_once(server, start):  # noqa: F811
    make_queue(server)
    workers = [start(), start()]
    wait_for(lambda: not OutgoingMail.objects.unsent().exists())
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    assert len(subjects(server)) == len(set(subjects(server))) == MAILS


def test_a_worker_stops_cleanly_in_the_middle_of_the_queue(server, start):  # noqa: F811
    make_queue(server)
    worker = start()
    wait_for(lambda: len(server.taken) >= 3)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(5) == 0
    out = OutgoingMail.objects.exclude(sent_at=None).count()
    assert 3 <= len(server.taken) == out < MAILS  # what was handed over is known to be
    assert not OutgoingMail.objects.exclude(leased_until=None).exists()  # and nothing is held
