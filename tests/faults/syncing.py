"""In which order one objection reaches the disk and its answer the wire, as the kernel saw it (strace).

kill -9 proves nothing about power cuts: there what counts is that file, folder and database log were synced before the
first byte of the answer.
"""

import os
import re
import signal
import time
from pathlib import Path

from .citizens import Citizen, multipart, said
from .processes import Process, until
from .world import World

CALLS = "trace=fsync,fdatasync,sendto,sendmsg,write"
LINE = re.compile(r"^(?:\d+ +)?(\d+\.\d+) (\w+)\(\d+<(.*?)>[,)]")
STEPS = ["file", "folder", "database", "answer"]


def order(database: str, application: str = "tests.faults.warm:application", **environment) -> list[str]:
    """The steps of one accepted objection with a file, in the order in which they happened."""
    with World(database, **environment) as world:
        trace = world.folder / "web.trace"
        strace = ("strace", "-f", "-ttt", "-yy", "-s", "12", "-e", CALLS, "-o", str(trace))
        world.web(application, workers=1, prefix=strace)
        backends = _trace_postgres(world) if world.postgres else None
        citizen = Citizen(world.port, world.reference)
        fields = said(1) | {"token": citizen.open(time.monotonic() + 60)}
        body, kind = multipart(fields, {"说明.txt": b"file"})
        started = time.time()
        answer = citizen.fetch("POST", citizen.form, body, {"Content-Type": kind})
        if not answer or answer[0] != 303:
            raise RuntimeError(f"not accepted: {answer and answer[0]}")
        until(lambda: " sendto(" in trace.read_text(errors="replace") or True, "trace")
        time.sleep(0.5)
        calls = events(trace.read_text(errors="replace"), started)
        if backends:
            calls += events(backends.read_text(errors="replace"), started)
        return first_of_each(sorted(calls), str(world.folder), world.port)


def _trace_postgres(world: World):
    trace = world.folder / "postgres.trace"
    command = ["strace", "-f", "-ttt", "-yy", "-e", "trace=fsync,fdatasync", "-o", str(trace)]
    pid = world.postgres.pid
    process = Process([*command, "-p", str(pid)], dict(os.environ), world.folder, "strace")
    world.processes.append(process)
    until(lambda: "TracerPid:\t0" not in Path(f"/proc/{pid}/status").read_text(), "strace does not attach")
    process.end = lambda: (os.kill(process.popen.pid, signal.SIGINT), process.popen.wait(10))
    return trace


def events(trace: str, since: float) -> list[tuple[float, str, str]]:
    """(when, call, what it was called on) of each line that was traced after `since`."""
    found = (LINE.match(line) for line in trace.splitlines())
    return [(float(each[1]), each[2], each[3]) for each in found if each and float(each[1]) >= since]


def first_of_each(calls: list, folder: str, port: int) -> list[str]:
    """Each of STEPS once, by its last occurrence before the answer's first byte; what did not happen is not there."""
    seen = []
    for _, call, target in calls:
        step = step_of(call, target, folder, port)
        if step == "answer":
            return [*seen, step]
        if step:
            seen = [each for each in seen if each != step] + [step]
    return seen


def step_of(call: str, target: str, folder: str, port: int) -> str | None:
    if call in ("sendto", "sendmsg", "write"):
        return "answer" if f"127.0.0.1:{port}->" in target else None
    if re.search(r"/media/objections/../\w{32}", target):
        return "file"
    if re.search(r"/media/objections/..$", target):
        return "folder"
    return "database" if target.endswith("-wal") or "/pg_wal/" in target else None
