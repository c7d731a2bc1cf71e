"""Several machines on one: two gunicorns behind deploy/nginx.conf, with PostgreSQL, Redis and an object storage."""

import contextlib
import subprocess
import threading
import time

from tests import bucket

from .citizens import Citizen, Crowd, Readers, multipart, said
from .judging import judge
from .processes import free_port, until
from .world import World

CARELESS = "tests.faults.careless:{}"


class Host:
    """One web host: a port, and files of its own, which no other host sees."""

    def __init__(self, world: World, name: str):
        self.world, self.port = world, free_port()
        self.own = {
            "STAMP_PATH": str(world.folder / f"stamp-{name}"),
            "SEARCH_PATH": f"{world.folder}/search-{name}.db",
        }
        self.start()

    def start(self, application: str = "tests.faults.warm:application") -> None:
        behind = self.world.port if hasattr(self.world, "port") else None
        self.process = self.world.web(application, workers=1, port=self.port, **self.own)
        self.world.port = behind or self.port

    def kill(self) -> None:
        self.process.kill()
        self.world.processes.remove(self.process)

    def restart(self, *application: str) -> None:
        self.kill()
        self.start(*application)


class Redis:
    """redis-server, with nothing kept on a disk."""

    def __init__(self, world: World):
        self.world, self.port = world, free_port()
        self.start()

    def start(self) -> None:
        command = [
            "redis-server",
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--save",
            "",
            "--dir",
            self.world.folder,
        ]
        self.popen = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()


@contextlib.contextmanager
def province():
    """(world, its two hosts, Redis)."""
    with bucket.running() as files:
        world = World("postgresql")
        redis = Redis(world)
        shared = {"KEYRING_URL": world.postgres.create("keyring"), "CACHE_URL": f"redis://127.0.0.1:{redis.port}/0"}
        world.environment |= shared | {"STORAGE_URL": files.url, "TRUSTED_PROXIES": "127.0.0.1"}
        try:
            with world:
                hosts = [Host(world, name) for name in "ab"]
                world.front(*(host.port for host in hosts))
                yield world, hosts, redis
        finally:
            redis.kill()


def killed_under_load(province: tuple, posts: int, clients: int) -> dict:
    """Everybody posts and reads through nginx; one host and Redis are killed, and start again a little later."""
    world, hosts, redis = province
    crowd = Crowd(world, posts, clients).start()
    with Readers(world) as readers:
        until(lambda: len(crowd.receipts) >= posts // 4 or not crowd.busy, "receipts", 600)
        hosts[0].kill()
        redis.kill()
        before = len(crowd.receipts)
        until(lambda: len(crowd.receipts) >= posts // 2 or not crowd.busy, "receipts", 600)
        taken = len(crowd.receipts) - before
        redis.start()
        hosts[0].start()
        crowd.join()
    return {"taken while one was away": taken, **readers.told(), **judged(world, crowd)}


def dying_before_the_answer(province: tuple, posts: int, first: int, *others: str, without: str = "") -> dict:
    """The first host dies after every third commit, before it answers; the second runs `others`, the portal itself if
    there are none; nginx does `without` a line of its configuration."""
    world, hosts, _ = province
    hosts[0].restart(CARELESS.format(*(others or ("keeps_tokens",))))
    hosts[1].restart(*(CARELESS.format(other) for other in others))
    world.front(*(host.port for host in hosts), without=without)
    crowd = Crowd(world, posts, 4, first=first).start()
    crowd.join()
    return judged(world, crowd)


def judged(world: World, crowd: Crowd) -> dict:
    world.inside("drain")
    return judge(crowd.receipts, world.inside("ledger"), world.mailhost, 0) | crowd.seen()


def shown_within(world: World, hosts: list[Host], rounds: int) -> dict:
    """Seconds from an act on the first host until each shows it, and nginx in front of both; one figure a round."""
    doors = {"same host": hosts[0].port, "other host": hosts[1].port, "nginx": world.port}
    found = {name: [] for name in doors}
    for reference in world.inside("publish", rounds)["references"]:
        watchers = {name: Watcher(port, f"/notices/{reference}/") for name, port in doors.items()}
        at = world.inside("withdraw_one", reference, **hosts[0].own)["at"]
        for name, watcher in watchers.items():
            found[name].append(round(watcher.saw() - at, 2))
    return found


class Watcher:
    """Looks at a notice page until it says that the notice is withdrawn."""

    def __init__(self, port: int, path: str):
        self.citizen, self.path, self.seen_at = Citizen(port, ""), path, None
        assert "责任单位写错" not in self.citizen.fetch("GET", path)[2]
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        for _ in range(6000):
            if "责任单位写错" in self.citizen.fetch("GET", self.path)[2]:
                self.seen_at = time.time()
                return
            time.sleep(0.01)

    def saw(self) -> float:
        self.thread.join()
        return self.seen_at or float("inf")


def first_asked(world: World, hosts: list[Host], first_number: int) -> int | None:
    """Objections in haste from one address, at each host in turn: which of them is asked the question first."""
    for number in range(first_number, first_number + 3):
        stretch, asked = time.time() // 300, None
        for serial in range(1, 30):
            if post(world, hosts[serial % 2].port, number)[0] == 422:
                asked = serial
                break
        if time.time() // 300 == stretch:  # a new stretch of five minutes begins to count anew
            return asked
    raise TimeoutError("never within one stretch")


def post(world: World, port: int, number: int) -> tuple:
    """One objection at once: (status, headers, page)."""
    citizen = Citizen(port, world.reference, number)
    body, kind = multipart(said(1) | {"token": citizen.open(time.monotonic() + 60)}, {})
    return citizen.fetch("POST", citizen.form, body, {"Content-Type": kind})
