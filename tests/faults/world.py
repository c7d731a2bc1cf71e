"""A portal of the driver's own: scratch folder, database, mail server, keys; seeded with one open notice."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from portal import keys
from tests.front import NGINX, configuration

from .mailhost import Mailhost
from .processes import ROOT, Postgres, Process, answers, free_port, until

DATABASES = ("sqlite", "postgresql")


class World:
    """`with World("sqlite") as world`: everything it started is ended, everything it wrote is removed."""

    def __init__(self, database: str, *options: str, disk: int = 0, **environment: str):
        self.folder = Path(tempfile.mkdtemp(prefix="portal-faults-"))
        self.folder.chmod(0o755)
        self.database, self.processes, self.ports = database, [], []
        self.postgres = Postgres(self.folder / "postgres", *options, disk=disk) if database == "postgresql" else None
        self.mailhost = Mailhost()
        self.environment = (
            {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
            | keys.generate()
            | {
                "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
                "DATABASE_URL": self.postgres.url if self.postgres else f"sqlite:///{self.folder}/portal.sqlite3",
                "KEYRING_URL": f"sqlite:///{self.folder}/keyring.sqlite3",
                "MEDIA_ROOT": str(self.folder / "media"),
                "SEARCH_PATH": str(self.folder / "search.db"),
                "STAMP_PATH": str(self.folder / "stamp"),
                "EMAIL_URL": f"smtp://127.0.0.1:{self.mailhost.port}",
                "SITE_URL": "http://127.0.0.1:8000",
                "ALLOWED_HOSTS": "127.0.0.1,testserver",
                "TMPDIR": str(self.folder),
            }
            | environment
        )

    def __enter__(self):
        try:
            self.reference = self.inside("seed")["reference"]
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *error):
        self.end()

    def end(self) -> None:
        for process in reversed(self.processes):
            process.end()
        self.mailhost.end()
        if self.postgres:
            self.postgres.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def inside(self, act: str, *arguments, patience: float = 3600, **environment: str) -> dict:
        """What `inside.py` answers to one act, in a process with this world's settings."""
        command = [sys.executable, "-m", "tests.faults.inside", act, *map(str, arguments)]
        environment = self.environment | environment
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=patience)
        if done.returncode:
            raise RuntimeError(f"{act}: {done.stderr[-3000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def start(self, name: str, *command: str, prefix: tuple = (), **environment: str) -> Process:
        full = [*prefix, sys.executable, "-m", *command]
        process = Process(full, self.environment | environment, self.folder, name)
        self.processes.append(process)
        return process

    def web(
        self,
        application: str = "tests.faults.warm:application",
        workers: int = 2,
        prefix: tuple = (),
        port: int | None = None,
        **environment,
    ):
        """gunicorn as demo and the example deployment run it; preloaded, so that a killed worker is soon replaced."""
        self.port = port = port or free_port()
        self.ports.append(port)
        options = ["--workers", str(workers), "--threads", "4", "--worker-class", "gthread", "--preload"]
        options += ["--no-control-socket", "--log-level", "warning", "--bind", f"127.0.0.1:{port}"]
        process = self.start("web", "gunicorn", application, *options, prefix=prefix, **environment)
        until(lambda: process.popen.poll() is not None or answers(port), "gunicorn does not answer")
        return process

    def front(self, *ports: int, without: str = "") -> Process:
        """nginx as it is deployed, `without` a line of it in a control, in front of the web hosts at these ports; from
        now on everybody comes that way."""
        self.port = free_port()
        place = self.folder / f"nginx-{self.port}.conf"
        told = configuration(self.folder, self.port, *(f"127.0.0.1:{port}" for port in ports))
        assert without in told
        place.write_text(told.replace(without, "") if without else told)
        nginx = Process([NGINX, "-c", str(place)], self.environment, self.folder, "nginx")
        self.processes.append(nginx)
        until(lambda: answers(self.port), "nginx does not answer")
        return nginx

    def worker(self) -> Process:
        """`manage.py send_mail` in a child that is started again when it dies, as systemd does."""
        return self.start("worker", "tests.faults.inside", "worker")

    def settle(self, patience: float) -> float | None:
        """Seconds until every mail is out; None when that took longer than `patience`."""
        started = time.monotonic()
        try:
            until(
                lambda: not self.inside("waiting")["waiting"], "mails", patience, pause=5
            )  # to ask takes a second of processor time
        except TimeoutError:
            return None
        return time.monotonic() - started
