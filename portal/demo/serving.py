"""The demonstration's two processes, web server and mail worker: started together, stopped together."""

import collections.abc
import http.client
import signal
import socket
import subprocess
import sys
import threading

from django.conf import settings
from gunicorn.config import KNOWN_SETTINGS

HOST = "127.0.0.1"
PATIENCE = 4  # seconds a child has to stop


def is_free(port: int) -> bool:
    """Whether a server could listen on that port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def serve(port: int, say: collections.abc.Callable) -> int:
    """Run both processes until a signal ends them (0) or one of them dies (1)."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    children = {}
    try:
        for name, command in commands(port).items():
            children[name] = subprocess.Popen([sys.executable, *command], cwd=settings.BASE_DIR)  # noqa: S603
        return _watch(children, port, stop, say)
    finally:
        _end(children.values())


def commands(port: int) -> dict[str, list[str]]:
    """Name → arguments of Python."""
    server = ["-m", "gunicorn", "portal.wsgi", "--bind", f"{HOST}:{port}", "--log-level", "warning"]
    server += ["--worker-class", "gthread", "--workers", "2", "--threads", "4", "--graceful-timeout", "2"]
    if any("--no-control-socket" in (known.cli or ()) for known in KNOWN_SETTINGS):
        server.append("--no-control-socket")
    return {"网站": server, "邮件发送进程": ["manage.py", "send_mail"]}


def _watch(children: dict, port: int, stop: threading.Event, say: collections.abc.Callable) -> int:
    ready = False
    while not stop.wait(0.1):
        for name, child in children.items():
            if child.poll() is not None:
                say(f"{name}意外退出（退出码 {child.returncode}），演示停止。")
                return 1
        if not ready and _answers(port):
            ready = True
            say(f"就绪：http://{HOST}:{port}/ （按 Ctrl+C 停止）")
    return 0


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(children: collections.abc.Collection[subprocess.Popen]) -> None:
    """Ask each child to stop, and make it stop when it does not."""
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
