"""Behind deploy/nginx.conf: slow clients hold connections, a flood pours in, and citizens read and post in between."""

import contextlib
import itertools
import math
import secrets
import socket
import threading
import time

from objections import receipts

from .citizens import Citizen, Crowd, Readers, multipart, said
from .judging import judge
from .world import World

ADDRESSES = 4  # of the flood
POSTS_A_SECOND = 5  # that nginx lets through from each
LIMIT = "limit_req zone=portal_posts burst=100;"


class Crawler(threading.Thread):
    """Sends a request, a byte a second, from an address of its own, until it is cut off."""

    def __init__(self, world: World, number: int, done: threading.Event):
        super().__init__(daemon=True)
        self.address = (f"127.0.{20 + number // 250}.{1 + number % 250}", 0)
        self.done, self.port, self.lasted = done, world.port, 0.0
        path = f"/notices/{world.reference}/object/"
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        whole = f"{head}Content-Length: 100000\r\n\r\n".encode()
        self.begins = b"" if number % 2 else whole  # every other one is slow with its headers already

    def run(self) -> None:
        started = time.monotonic()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5, self.address) as line:
            line.sendall(self.begins or b"GET / HTTP/1.1\r\nX-Slow: ")
            line.settimeout(1)
            while not self.done.is_set():
                line.sendall(b"a")
                with contextlib.suppress(TimeoutError):
                    if not line.recv(1000):
                        break
        self.lasted = time.monotonic() - started

    @staticmethod
    def told(everyone: list) -> dict:
        return {"longest held (s)": round(max(each.lasted for each in everyone))}


class Flood(threading.Thread):
    """Spams and guesses as fast as it is answered, from one of a few addresses."""

    def __init__(self, world: World, number: int, done: threading.Event):
        super().__init__(daemon=True)
        self.citizen, self.done, self.sent = Citizen(world.port, world.reference, 700 + number % ADDRESSES), done, 0

    def run(self) -> None:
        token = self.citizen.open(time.monotonic() + 30)
        for serial in itertools.count(900_000):
            if self.done.is_set():
                return
            spam = said(serial) | {"token": token, "homepage": "https://spam.example"}
            guess = {"code": receipts.code_for(secrets.token_hex(8))}
            path, fields = (self.citizen.form, spam) if serial % 2 else ("/objections/track/", guess)
            body, kind = multipart(fields, {})
            self.citizen.fetch("POST", path, body, {"Content-Type": kind})
            self.sent += 1

    @staticmethod
    def told(everyone: list) -> dict:
        return {"posts of the flood": sum(each.sent for each in everyone)}


@contextlib.contextmanager
def site(database: str, without: str = ""):
    """A portal behind nginx, which does `without` a line of its configuration in a control."""
    with World(database, TRUSTED_PROXIES="127.0.0.1") as world:
        world.web()
        world.front(world.port, without=without)
        yield world


@contextlib.contextmanager
def troubled(world: World, trouble: type, count: int):
    """`count` of those who make trouble are at it."""
    done = threading.Event()
    everyone = [trouble(world, number, done) for number in range(count)]
    [each.start() for each in everyone]
    time.sleep(2)
    try:
        yield everyone
    finally:
        done.set()
        [each.join(10) for each in everyone]


def crowded(
    world: World, posts: int, clients: int, trouble: type, count: int, *, pace: float = 3.1, first: int = 1
) -> dict:
    """What became of `posts` objections of `clients` citizens meanwhile, and how long they and readers waited."""
    started = time.monotonic()
    with troubled(world, trouble, count) as everyone, Readers(world) as readers:
        crowd = Crowd(world, posts, clients, pace, first).start()
        crowd.join()
        seconds = time.monotonic() - started
    world.inside("drain")
    found = judge(crowd.receipts, world.inside("ledger"), world.mailhost, 0) | crowd.seen() | readers.told()
    took = sorted(itertools.chain(*(each.took for each in crowd.citizens + readers.people)))
    found |= {
        "95 of 100 answers within (s)": round(took[math.ceil(0.95 * len(took)) - 1], 2),
        "seconds": round(seconds),
    }
    return found | trouble.told(everyone)


def held_up(world: World, port: int, count: int) -> bool:
    """Whether nobody is answered at that port within three seconds while so many crawl there."""
    world.port, front = port, world.port
    try:
        with troubled(world, Crawler, count), socket.create_connection(("127.0.0.1", port), 3) as line:
            line.sendall(b"GET /objections/track/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return not line.recv(1)
    except TimeoutError:
        return True
    finally:
        world.port = front
