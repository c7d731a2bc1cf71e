"""A notice page behind deploy/nginx.conf, from its proxy cache, against the same bytes as a static file of that nginx."""

import gzip
import http.client
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.front import NGINX, configuration

from .frame import Figure, spent
from .pages import Server, children, site


def load(nginx: subprocess.Popen, address: str, headers: dict, requests: int) -> tuple[float, float]:
    """(requests a second, processor seconds of nginx a request)."""
    said = [option for name, value in headers.items() for option in ("-H", f"{name}: {value}")]
    worker = int(children(nginx.pid).read_text().split()[0])
    before = spent(worker)
    command = ["ab", "-q", "-k", "-c", "8", "-n", str(requests), *said, address]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if int(re.search(r"Failed requests:\s+(\d+)", told)[1]):
        raise ValueError(told)
    return float(re.search(r"Requests per second:\s+([\d.]+)", told)[1]), (spent(worker) - before) / requests


def figures(small: bool) -> Iterator[Figure]:
    if not NGINX or not shutil.which("ab"):
        raise SystemExit("nginx or ab is missing: apt-get install nginx apache2-utils")
    with tempfile.TemporaryDirectory() as made, site() as own, Server("portal.wsgi:application", **own) as portal:
        folder, port = Path(made), portal.port + 1
        reference = re.search(r"/notices/(\d{4}-\d+)/", portal.get("/").content.decode())[1]
        page = portal.get(f"/notices/{reference}/").content
        (folder / "static").mkdir()
        (folder / "static" / "notice.html").write_bytes(page)
        (folder / "static" / "notice.html.gz").write_bytes(gzip.compress(page, 6))
        (folder / "nginx.conf").write_text(configuration(folder, port, f"127.0.0.1:{portal.port}"))
        nginx = subprocess.Popen([NGINX, "-c", str(folder / "nginx.conf")])
        try:
            time.sleep(2)
            door = http.client.HTTPConnection("127.0.0.1", port)
            yield from compared(nginx, door, reference, 2000 if small else 20_000)
        finally:
            nginx.terminate()
            nginx.wait()


def compared(
    nginx: subprocess.Popen, door: http.client.HTTPConnection, reference: str, requests: int
) -> Iterator[Figure]:
    """Plain, packed and unchanged: each pair takes turns, seven times."""
    paths = {"static": "/static/notice.html", "kept": f"/notices/{reference}/"}
    for form in ("plain", "gzip", "304"):
        found = {name: [] for name in paths}
        for _ in range(7):
            for name, path in paths.items():
                headers = {"gzip": {"Accept-Encoding": "gzip"}, "304": {"If-None-Match": etag(door, path)}}.get(
                    form, {}
                )
                found[name].append(load(nginx, f"http://127.0.0.1:{door.port}{path}", headers, requests))
        rate, cost = (
            {name: statistics.median(each[at] for each in runs) for name, runs in found.items()} for at in (0, 1)
        )
        yield Figure(
            f"notice from the proxy cache ÷ static file, {form}: requests a second",
            rate["kept"] / rate["static"],
            "≥ 0.85",
        )
        yield Figure("the same by processor time of nginx", cost["static"] / cost["kept"])
        yield Figure("notice from the proxy cache, requests a second", rate["kept"])


def etag(door: http.client.HTTPConnection, path: str) -> str:
    door.request("GET", path)
    answer = door.getresponse()
    answer.read()
    return answer.headers["ETag"]
