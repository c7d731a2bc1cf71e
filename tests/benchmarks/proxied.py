"""A notice page behind deploy/nginx.conf, from its proxy cache, against the same bytes as a static file of that nginx."""

import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .frame import Figure
from .pages import TICK, Server, children, site


def configuration(folder: Path, port: int, portal: int) -> str:
    """The deployed configuration without TLS, whose cost is the same for both; the upstream on a port."""
    told = (Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf").read_text()
    told = re.sub(r"server \{\n    listen 80;.*?\n\}\n", "", told, flags=re.DOTALL)
    told = re.sub(r" *(listen \[::\]|ssl_).*\n", "", told)
    told = told.replace("listen 443 ssl http2", f"listen 127.0.0.1:{port} default_server")
    told = re.sub(r"server unix:\S+", f"server 127.0.0.1:{portal}", told)
    told = told.replace("/srv/portal/var/static/", f"{folder}/static/").replace("/var/cache/nginx", str(folder))
    user = "user root;" if os.geteuid() == 0 else ""
    return f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; default_type text/html; keepalive_requests 1000000; {told} }}"


def spent(nginx: subprocess.Popen) -> float:
    """Seconds of processor time of its worker so far."""
    worker = children(nginx.pid).read_text().split()[0]
    fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def load(nginx: subprocess.Popen, address: str, requests: int) -> tuple[float, float]:
    """(requests a second, processor seconds of nginx a request)."""
    before = spent(nginx)
    command = ["ab", "-q", "-k", "-c", "8", "-n", str(requests), address]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(re.search(r"Requests per second:\s+([\d.]+)", told)[1]), (spent(nginx) - before) / requests


def figures(small: bool) -> Iterator[Figure]:
    binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not binary or not shutil.which("ab"):
        raise SystemExit("nginx or ab is missing: apt-get install nginx apache2-utils")
    with tempfile.TemporaryDirectory() as made, site() as own, Server("portal.wsgi:application", **own) as portal:
        folder, port = Path(made), portal.port + 1
        reference = re.search(r"/notices/(\d{4}-\d+)/", portal.get("/").content.decode())[1]
        (folder / "static").mkdir()
        (folder / "static" / "notice.html").write_bytes(portal.get(f"/notices/{reference}/").content)
        (folder / "nginx.conf").write_text(configuration(folder, port, portal.port))
        nginx = subprocess.Popen([binary, "-c", str(folder / "nginx.conf")])
        try:
            time.sleep(2)
            yield from compared(nginx, f"http://127.0.0.1:{port}", reference, 2000 if small else 20_000)
        finally:
            nginx.terminate()
            nginx.wait()


def compared(nginx: subprocess.Popen, site: str, reference: str, requests: int) -> Iterator[Figure]:
    paths = {"static": "/static/notice.html", "kept": f"/notices/{reference}/"}
    found = {name: [] for name in paths}
    for _ in range(7):
        for name, path in paths.items():
            found[name].append(load(nginx, site + path, requests))
    rate, cost = ({name: statistics.median(each[at] for each in runs) for name, runs in found.items()} for at in (0, 1))
    yield Figure(
        "notice from the proxy cache ÷ static file: requests a second", rate["kept"] / rate["static"], "≥ 0.85"
    )
    yield Figure("the same by processor time of nginx", cost["static"] / cost["kept"])
    yield Figure("notice from the proxy cache, requests a second", rate["kept"])
