"""Public pages over HTTP against a bare WSGI function that returns the same bytes: gunicorn, two workers of four threads.

Load comes from `ab` (apache2-utils) with keep-alive. The portal and the bare function take turns on the same machine;
what counts is the median of the ratios of neighbouring turns, in requests a second and in processor time a request.
"""

import concurrent.futures
import contextlib
import http.client
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .frame import Figure, spent

ROOT = Path(__file__).resolve().parents[2]
SERVER = [
    "--workers",
    "2",
    "--threads",
    "4",
    "--worker-class",
    "gthread",
    "--no-control-socket",
    "--keep-alive",
    "75",
    "--log-level",
    "warning",
]
PACKED = {"Accept-Encoding": "gzip"}
PAGES = {  # path, headers, the bars by requests and by processor time
    "notice": ("/notices/{0}/", {}, "≥ 0.8", "≥ 0.7"),
    "notice, gzip": ("/notices/{0}/", PACKED, "≥ 0.8", "≥ 0.7"),
    "notice, 304": ("/notices/{0}/", {"If-None-Match": ""}, "≥ 0.8", "≥ 0.7"),
    "list": ("/notices/", {}, "≥ 0.5", ""),
    "home": ("/", {}, "≥ 0.5", ""),
    "feed": ("/feeds/notices.atom", {}, "≥ 0.5", ""),
    "JSON": ("/notices/{0}.json", {}, "≥ 0.5", ""),
}


class Server:
    """gunicorn with a WSGI application that lies in `folder`, run by `python`; ends with the block."""

    def __init__(self, application: str, *, python: str = sys.executable, folder: Path = ROOT, **environment):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        command = [python, "-m", "gunicorn", *SERVER, "--bind", f"127.0.0.1:{self.port}", application]
        self.process = subprocess.Popen(command, cwd=folder, env=os.environ | environment)

    def __enter__(self):
        for _ in range(300):
            with contextlib.suppress(OSError):
                self.get("/")
                return self
            time.sleep(0.1)
        raise TimeoutError("gunicorn does not answer")

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait()

    def get(self, path: str, headers: dict | None = None) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        answer.content = answer.read()
        connection.close()
        return answer

    def workers(self) -> list[int]:
        return [int(pid) for pid in children(self.process.pid).read_text().split()]

    def spent(self) -> float:
        """Seconds of processor time of the workers so far."""
        return spent(*self.workers())

    def resident(self) -> float:
        """MB of the larger worker."""
        told = [Path(f"/proc/{pid}/status").read_text() for pid in self.workers()]
        return max(int(re.search(r"VmRSS:\s+(\d+)", each)[1]) for each in told) / 1024


def unit_environment() -> dict:
    """What the unit file of the web server sets for its process."""
    unit = (ROOT / "deploy" / "systemd" / "portal-web.service").read_text()
    return dict(re.findall(r"^Environment=(\w+)=(\S+)$", unit, re.M))


def children(pid: int) -> Path:
    return Path(f"/proc/{pid}/task/{pid}/children")


def load(server: Server, path: str, headers: dict, requests: int) -> tuple[float, float]:
    """(requests a second, processor seconds a request)."""
    said = [option for name, value in headers.items() for option in ("-H", f"{name}: {value}")]
    before = server.spent()
    command = ["ab", "-q", "-k", "-l", "-c", "8", "-n", str(requests), *said, f"http://127.0.0.1:{server.port}{path}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    failed = int(re.search(r"Failed requests:\s+(\d+)", told)[1])
    if failed:
        raise ValueError(told)
    return float(re.search(r"Requests per second:\s+([\d.]+)", told)[1]), (server.spent() - before) / requests


def load_each(server: Server, path: str, words: Iterator[str], requests: int) -> tuple[float, float]:
    """The same for an address that ends differently each time."""
    before, paths, begin = server.spent(), [path + next(words) for _ in range(requests)], time.perf_counter()

    def ask(own: list[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        for each in own:
            connection.request("GET", each)
            answer = connection.getresponse()
            if answer.read() and answer.status != 200:
                raise ValueError(f"{each}: {answer.status}")
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, (paths[each::8] for each in range(8))))
    return requests / (time.perf_counter() - begin), (server.spent() - before) / requests


def compared(ours: tuple, theirs: tuple, rounds: int, requests: int, load=load) -> tuple[float, float]:
    """How much the first does of what the second does: requests a second, and by processor time. Each is a server, a
    path and headers, or what else `load` takes. Each turn is compared with the one beside it, so that a moment in which
    the machine is slow for others meets both."""
    for each in (ours, theirs):
        load(*each, 20)
    ratios = []
    for _ in range(rounds):
        (rate, cost), (other_rate, other_cost) = (load(*each, requests) for each in (ours, theirs))
        ratios.append((rate / other_rate, other_cost / cost))
    by_rate, by_time = map(statistics.median, zip(*ratios, strict=True))
    return by_rate, by_time


@contextlib.contextmanager
def site(**settings: str) -> Iterator[dict]:
    """The environment of the demonstration's site, made in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        own = {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "SITE_URL": "http://127.0.0.1:8000",
            "ALLOWED_HOSTS": "127.0.0.1",
            "DATABASE_URL": f"sqlite:///{here / 'portal.sqlite3'}",
            "KEYRING_URL": f"sqlite:///{here / 'keyring.sqlite3'}",
            "SEARCH_PATH": str(here / "search.db"),
            "STAMP_PATH": str(here / "stamp"),
            "MEDIA_ROOT": str(here / "media"),
            "ANSWERS": str(here),
        } | settings
        run = {"cwd": ROOT, "env": os.environ | own, "check": True, "stdout": subprocess.DEVNULL}
        for command in ("migrate", "collectstatic --no-input"):
            subprocess.run([sys.executable, "manage.py", *command.split()], **run)
        filled = "from portal import demo; demo.fill('benchmark-password')"
        subprocess.run([sys.executable, "manage.py", "shell", "-c", filled], **run)
        yield own


def figures(small: bool) -> Iterator[Figure]:
    if not shutil.which("ab"):
        raise SystemExit("ab is missing: apt-get install apache2-utils")
    rounds, requests = (3, 1000) if small else (21, 1500)
    with site() as own, Server("portal.wsgi:application", **own) as portal:
        reference = re.search(r"/notices/(\d{4}-\d+)/", portal.get("/").content.decode())[1]
        for name, (path, headers, bar, bar_by_time) in PAGES.items():
            path = path.format(reference)
            answer = portal.get(path, headers)
            if "If-None-Match" in headers:
                headers = {"If-None-Match": answer.headers["ETag"]}
                answer = portal.get(path, headers)
            keep(Path(own["ANSWERS"]), answer)
            with Server("tests.benchmarks.bare:application", **own) as bare:
                by_rate, by_time = compared((portal, path, headers), (bare, path, headers), rounds, requests)
            yield Figure(f"{name} ({len(answer.content)} bytes): requests a second ÷ bare WSGI", by_rate, bar)
            yield Figure(f"{name}: the same by processor time", by_time, bar_by_time)


def keep(folder: Path, answer: http.client.HTTPResponse) -> None:
    """What the bare function is to answer."""
    (folder / "body").write_bytes(answer.content)
    names = ("connection", "date", "server", "transfer-encoding")
    lines = [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in names]
    (folder / "head").write_text("\n".join([f"{answer.status} {answer.reason}", *lines]))
