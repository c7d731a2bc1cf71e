"""Objections as fast as fifty clients can post them, on both databases, every guard and fsync on.

Beside them, in turns: a Django view that validates the same form and stores nothing, and raw durable INSERTs of rows of
that size at the same concurrency. The clients are one process on the same machine and take as little of it as they can:
forms were opened and posts written before, and one thread serves all connections.
"""

import concurrent.futures
import functools
import selectors
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from tests.faults.citizens import multipart, said
from tests.faults.processes import ROOT, children
from tests.faults.world import DATABASES, World

from .frame import Figure, below, spent

CLIENTS = 50
OPENED = "from notices.models import PublicityNotice as N; from objections.forms import new_token; "
OPENED += "from django.utils import timezone; n = N.objects.get(); "
OPENED += "print(*(new_token(n, timezone.now()) for _ in range({count})), sep='\\n')"


def figures(small: bool) -> Iterator[Figure]:
    rounds, posts = (2, 200) if small else (5, 1500)
    found = {database: measured(database, rounds, posts) for database in DATABASES}
    for database, (stored, validated, raw) in found.items():
        yield Figure(f"objections a second, {database}", stored.rate)
        yield Figure("the same view storing nothing, validating the same form", validated.rate)
        yield Figure("raw durable INSERTs a second", raw.rate)
        yield Figure("objections ÷ the smaller of both", stored.rate / min(validated.rate, raw.rate), "≥ 0.5")
        yield Figure("p99 of a post, ms", stored.slowest * 1000)
        yield Figure("processor time of a post, workers and server, ms", stored.work * 1000)
        yield Figure("of one that stores nothing", validated.work * 1000)
    few, many = (found[database][0] for database in DATABASES)
    yield Figure("SQLite ÷ PostgreSQL, objections a second", few.rate / many.rate, "≥ 1.5")
    yield Figure("SQLite ÷ PostgreSQL, p99", few.slowest / many.slowest, "≤ 3")


class Burst:
    """Medians of several: how many a second, the time that 99 of 100 stay below, and what one is to the processor, both
    in seconds."""

    def __init__(self, runs: list[tuple[float, list[float], float]]):
        self.rate = statistics.median(len(times) / took for took, times, _ in runs)
        self.slowest = statistics.median(below(99, times) for _, times, _ in runs)
        self.work = statistics.median(work / len(times) for _, times, work in runs)


def measured(database: str, rounds: int, posts: int) -> list[Burst]:
    """Objections, the bare view, the raw INSERTs."""
    with World(database) as world:
        tokens = opened(world, rounds * posts + CLIENTS)
        stores, validates = (started(world, name) for name in ("portal.wsgi", "tests.benchmarks.formal"))
        cases = [
            lambda: Objecting(world, stores, tokens),
            lambda: Objecting(world, validates, tokens[:1] * len(tokens)),
            lambda: Inserting(world),
        ]
        runs = [[burst(case(), range(CLIENTS)) for case in cases]]
        for begin in range(CLIENTS, CLIENTS + rounds * posts, posts):
            runs.append([burst(case(), range(begin, begin + posts)) for case in cases])
        stored = len(world.inside("ledger")["objections"])
        if stored != len(tokens):
            raise ValueError(f"{stored} of {len(tokens)} objections are there")
        return [Burst(list(each)) for each in zip(*runs[1:], strict=True)]


def started(world: World, module: str) -> tuple[int, int]:
    """A gunicorn with that application: its port and its process."""
    web = world.web(f"{module}:application")
    return world.port, web.popen.pid


def opened(world: World, count: int) -> list[str]:
    """The tokens of so many forms."""
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", OPENED.format(count=count)]
    told = subprocess.run(command, cwd=ROOT, env=world.environment, capture_output=True, text=True, check=True).stdout
    time.sleep(4)  # nobody sends within three seconds
    return told.split()


def burst(work, numbers: range) -> tuple[float, list[float], float]:
    """Seconds that all took, and each, and that the processor worked for all."""
    act = work.ready(numbers)
    begin, worked = time.perf_counter(), spent(*work.pids)
    times = act()
    return time.perf_counter() - begin, times, spent(*work.pids) - worked


class Objecting:
    """Posts the form; each client has an address and a connection of its own."""

    def __init__(self, world: World, server: tuple[int, int], tokens: list[str]):
        databases = [world.postgres.pid] if world.postgres else []
        self.path, self.tokens = f"/notices/{world.reference}/object/", tokens
        self.port, gunicorn = server
        self.pids = [pid for parent in (gunicorn, *databases) for pid in children(parent)]

    def ready(self, numbers: range) -> Callable[[], list[float]]:
        return functools.partial(self._post, [self._written(serial) for serial in numbers])

    def _written(self, serial: int) -> bytes:
        body, kind = multipart(said(serial) | {"token": self.tokens[serial]}, {})
        head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
        return f"{head}\r\n\r\n".encode() + body

    def _post(self, posts: list[bytes]) -> list[float]:
        """The seconds of each."""
        waiting, times, clients = iter(posts), [], selectors.DefaultSelector()
        for number in range(min(CLIENTS, len(posts))):
            client = socket.create_connection(("127.0.0.1", self.port), 60, (f"127.0.1.{number + 1}", 0))
            clients.register(client, selectors.EVENT_READ, _sent(client, next(waiting)))
        while clients.get_map():
            for key, _ in clients.select():
                answer = key.fileobj.recv(1 << 16)
                if not (answer.startswith(b"HTTP/1.1 303") and answer.endswith(b"\r\n\r\n")):
                    raise ValueError(f"a post was answered {answer[:200]}")
                times.append(time.perf_counter() - key.data)
                following = next(waiting, None)
                if following:
                    clients.modify(key.fileobj, selectors.EVENT_READ, _sent(key.fileobj, following))
                else:
                    clients.unregister(key.fileobj)
                    key.fileobj.close()
        return times


def _sent(client: socket.socket, post: bytes) -> float:
    """When."""
    begun = time.perf_counter()
    client.sendall(post)
    return begun


class Inserting:
    """One row of an objection's size and one commit each, on a connection of its own."""

    ROW = "x" * 2500  # bytes: an objection with its event and two mails
    pids = ()

    def __init__(self, world: World):
        self.world = world
        connection = self._connection()
        connection.cursor().execute("CREATE TABLE IF NOT EXISTS raw (id INTEGER, said TEXT)")
        connection.commit()
        connection.close()

    def _connection(self):
        if self.world.postgres:
            import psycopg2

            return psycopg2.connect(self.world.postgres.url)
        connection = sqlite3.connect(self.world.folder / "raw.sqlite3", timeout=20, check_same_thread=False)
        connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
        return connection

    def ready(self, numbers: range) -> Callable[[], list[float]]:
        return functools.partial(self._insert, numbers)

    def _insert(self, numbers: range) -> list[float]:
        """The seconds of each; a thread and a connection for every client."""
        waiting, times, lock = iter(numbers), [], threading.Lock()
        sql = "INSERT INTO raw VALUES (%s, %s)" if self.world.postgres else "INSERT INTO raw VALUES (?, ?)"

        def live() -> None:
            connection = self._connection()
            while True:
                with lock:
                    serial = next(waiting, None)
                if serial is None:
                    return connection.close()
                begin = time.perf_counter()
                connection.cursor().execute(sql, (serial, self.ROW))
                connection.commit()
                times.append(time.perf_counter() - begin)

        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            for client in [pool.submit(live) for _ in range(CLIENTS)]:
                client.result()
        return times
