"""What a worker's memory grows by while every hostile file there is comes in, and posts of over a hundred megabytes."""

import concurrent.futures
import http.client
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from objections import throttle
from objections.models import Objection
from tests.benchmarks.pages import unit_environment
from tests.faults.processes import answers, children, free_port, until
from tests.hostile import ALLOWED, NAMES, PNG, POLYGLOTS, REFUSED
from tests.make import make_notice
from tests.test_attachments import BOUNDARY, multipart
from tests.test_objection_form import GOOD, url
from tests.test_workers import database_url

pytestmark = pytest.mark.django_db(transaction=True)
MEGABYTE = 1024 * 1024
BAR = 100 * MEGABYTE
TOGETHER = 4  # as many as the worker has threads
LARGE = b"\xff\xd8" + b"\0" * (24 * MEGABYTE)  # five of them are a post that is still read to its end
TAKEN = POLYGLOTS | dict.fromkeys(NAMES, PNG)


class Worker:
    """One gunicorn worker as the unit file starts it, with another application in a control; ends with the block."""

    def __init__(self, application: str):
        self.port, self.application = free_port(), application

    def __enter__(self):
        own = {"DJANGO_SETTINGS_MODULE": "portal.settings", "DATABASE_URL": database_url(), "DEBUG": "1"}
        own |= {"SITE_URL": "http://127.0.0.1:8000", "EMAIL_URL": "memorymail://"} | unit_environment()
        command = [sys.executable, "-m", "gunicorn", self.application, "--threads", str(TOGETHER)]
        command += ["--worker-class", "gthread", "--no-control-socket", "--bind", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, cwd=django_settings.BASE_DIR, env=os.environ | own)
        until(lambda: answers(self.port), "gunicorn does not answer")
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait()

    def about(self, name: str) -> int:
        """Bytes that the kernel tells of the worker: VmRSS now, VmHWM at most since `forget`."""
        (pid,) = children(self.process.pid)
        return int(re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) * 1024

    def forget(self) -> None:
        (pid,) = children(self.process.pid)
        Path(f"/proc/{pid}/clear_refs").write_text("5")

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def open(self, path: str) -> str:
        """The token of a form."""
        return re.search(r'name="token" value="([^"]+)"', self.ask("GET", path)[1])[1]


def grown(worker: Worker, path: str, posts: list) -> tuple[int, list[int]]:
    """By how much the worker was ever larger than before these posts, several at a time; what they were answered."""
    posts = [list(ALLOWED.items())[:5], *posts]  # the first is one as they should be, so that all is loaded
    forms = [worker.open(path) for _ in posts]
    time.sleep(throttle.HASTE.total_seconds())  # nobody is asked whether it is a person
    said = [multipart(GOOD | {"token": token}, chosen) for token, chosen in zip(forms, posts, strict=True)]
    assert worker.ask("POST", path, said.pop(0))[0] == 303
    worker.forget()
    before = worker.about("VmRSS")
    with concurrent.futures.ThreadPoolExecutor(TOGETHER) as people:
        told = [status for status, _ in people.map(lambda body: worker.ask("POST", path, body), said)]
    return worker.about("VmHWM") - before, told


def test_no_hostile_file_and_no_large_post_makes_a_worker_grow():
    path, before = url(make_notice()), Objection.objects.count()
    posts = [[file] for file in (REFUSED | TAKEN).items()] + [[("大.jpg", LARGE)] * 5]
    assert len(posts) > 150
    with Worker("tests.faults.warm:application") as worker:
        rise, told = grown(worker, path, posts)
    assert told == [422] * len(REFUSED) + [303] * len(TAKEN) + [422]
    assert Objection.objects.count() - before == len(TAKEN) + 1
    assert rise <= BAR, f"{rise / MEGABYTE:.0f} MB"


def test_a_portal_that_takes_a_post_into_its_memory_does():
    path = url(make_notice())
    with Worker("tests.faults.careless:takes_into_memory") as worker:
        rise, told = grown(worker, path, [[("大.jpg", LARGE)] * 5])
    assert told == [422]
    assert rise > BAR, f"{rise / MEGABYTE:.0f} MB"
