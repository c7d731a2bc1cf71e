"""The database is locked, killed, or full; a disk is full; the mail server is silent: what do people see and keep?"""

import concurrent.futures
import contextlib
import sqlite3
import threading
import time

import psycopg2

from .citizens import Citizen, Crowd, multipart, said
from .judging import guilty, judge
from .processes import until
from .world import World


def post_once(
    world: World, serial: int = 1, files: dict | None = None, port: int | None = None, more: str = ""
) -> tuple[int, float, dict, str]:
    """One post, `more` text in it: status, seconds, headers, page."""
    citizen = Citizen(port or world.port, world.reference)
    fields = said(serial) | {"token": citizen.open(time.monotonic() + 60)}
    fields["content"] += more
    body, kind = multipart(fields, files or {})
    started = time.monotonic()
    status, headers, page = citizen.fetch("POST", citizen.form, body, {"Content-Type": kind})
    return status, time.monotonic() - started, headers, page


@contextlib.contextmanager
def locked(world: World, seconds: float):
    """Somebody else holds the database's writing for so long."""
    if world.postgres:
        connection = psycopg2.connect(world.postgres.url)
        connection.cursor().execute("LOCK TABLE objections_objection IN EXCLUSIVE MODE")
    else:
        path = world.environment["DATABASE_URL"].removeprefix("sqlite:///")
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("BEGIN IMMEDIATE")
    release = threading.Timer(seconds, lambda: (connection.rollback(), connection.close()))
    release.start()
    yield
    release.join()


def lock(world: World, seconds: float, careless: int | None = None) -> dict:
    """A post while the database is locked, a page read meanwhile, and a post afterwards; at the same time a post at the
    port of a `careless` portal."""
    with locked(world, seconds), concurrent.futures.ThreadPoolExecutor() as others:
        reading = others.submit(Citizen(world.port, "").fetch, "GET", "/notices/")
        control = others.submit(post_once, world, 3, port=careless) if careless else None
        status, took, headers, page = post_once(world)
    after = time.monotonic()
    while post_once(world, 2)[0] != 303 and time.monotonic() < after + 30:
        time.sleep(0.2)
    return {
        "status": status,
        "seconds": round(took, 1),
        "retry after": headers["Retry-After"],
        "text kept": said(1)["content"] in page,
        "reading": reading.result()[0],
        **({"text kept by the control": said(3)["content"] in control.result()[3]} if control else {}),
        "recovered after (s)": round(time.monotonic() - after, 1),
    }


def disk_full(limit: int = 400_000) -> dict:
    """No file may grow over `limit` bytes (RLIMIT_FSIZE): first the temporary folder is full, then the vault, whose
    files are a third longer, then the database log; last there is room again."""
    with World("sqlite") as world:
        web = world.web(prefix=("prlimit", f"--fsize={limit}"))
        tries = {"temporary folder": {"大.txt": b"x" * 2 * limit}, "vault": {"中.txt": b"x" * (limit - 50_000)}}
        found = {name: _refusal(post_once(world, 1, files)) for name, files in tries.items()}
        stored = 0
        while (answer := post_once(world, stored + 2))[0] == 303 and stored < 500:
            stored += 1
        found["database"] = _refusal(answer)
        found["reading"] = Citizen(world.port, "").fetch("GET", "/notices/")[0]
        web.end()
        kept = len(world.inside("ledger")["objections"])
        world.web()
        found |= {"acknowledged": stored, "stored": kept, "afterwards": post_once(world, 1000)[0]}
        return found


def _refusal(answer: tuple) -> str:
    status, _, headers, page = answer
    kept = "青澜河东岸的垃圾并没有清运。" in page
    return f"{status}, Retry-After {headers['Retry-After']}, text {'kept' if kept else 'lost'}"


def postgres_killed(posts: int, clients: int = 10, away: float = 3.0, how: str = "kill") -> dict:
    """PostgreSQL killed under load, or stopped "fast" or "immediate", and started again: nothing acknowledged is lost,
    and it recovers by itself."""
    with World("postgresql") as world:
        world.web()
        crowd = Crowd(world, posts, clients).start()
        while len(crowd.receipts) < posts // 3:
            time.sleep(0.1)
        world.postgres.kill() if how == "kill" else world.postgres.stop(how)
        time.sleep(away)
        before, started = len(crowd.receipts), time.monotonic()
        world.postgres.start()
        while len(crowd.receipts) == before and time.monotonic() < started + 120:
            time.sleep(0.05)
        recovered = time.monotonic() - started
        crowd.join()
        world.inside("drain")
        findings = judge(crowd.receipts, world.inside("ledger"), world.mailhost, 0)
        return {"recovered after (s)": round(recovered, 1), **findings, **crowd.seen()}


def taken_back(posts: int = 5) -> dict:
    """The control: a portal that takes any PostgreSQL, one that answers before its log is on the disk, killed at once."""
    lossy = ("synchronous_commit=off", "wal_writer_delay=10s")
    with World("postgresql", *lossy, FAULTS_LOSSY_POSTGRESQL="1") as world:
        world.web()
        world.postgres.stop_writing_ahead()
        statuses = [post_once(world, serial)[0] for serial in range(1, posts + 1)]
        world.postgres.kill()
        world.postgres.start()
        kept = len(world.inside("ledger")["objections"])
        return {"acknowledged": statuses.count(303), "lost": statuses.count(303) - kept}


def postgres_disk_full(megabytes: int = 150) -> dict:
    """Something else fills PostgreSQL's disk, people go on posting, and there is room again."""
    with World("postgresql", disk=megabytes) as world:
        world.web()
        careless = world.web("tests.faults.careless:says_sorry", workers=1)
        control, world.port = world.port, world.ports[0]
        ballast = world.folder / "postgres" / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(4096)) == 4096:
                continue
        stored = 0
        while (answer := post_once(world, stored + 1, more="长" * 3000))[0] == 303 and stored < 500:
            stored += 1
        found = {"database": _refusal(answer)}
        found["reading"] = Citizen(world.port, "").fetch("GET", "/notices/")[0]
        found["control"] = _refusal(post_once(world, 600, more="长" * 3000, port=control))
        ballast.unlink()
        since = time.monotonic()
        while post_once(world, 601)[0] != 303 and time.monotonic() < since + 60:
            time.sleep(0.2)
        found["recovered after (s)"] = round(time.monotonic() - since, 1)
        careless.end()
        return found | {"acknowledged": stored + 1, "stored": len(world.inside("ledger")["objections"])}


def refused(option: str) -> tuple[int | None, str]:
    """How gunicorn ends on a PostgreSQL with that option, and what it says; None when it runs."""
    with World("postgresql") as world:
        world.postgres.end()
        world.postgres.options = (option,)
        world.postgres.start()
        with contextlib.suppress(TimeoutError):
            web = world.web(workers=1)
            return web.popen.poll(), web.log.read_text()
    return None, ""


def hanging_for_one(posts: int, timeout: int = 2) -> dict:
    """The mail server answers nothing about one recipient: everybody else has their mail soon."""
    with World("sqlite", FAULTS_EMAIL_TIMEOUT=str(timeout)) as world:
        world.web()
        world.mailhost.hangs_for = "citizen1@citizens.example"
        statuses = [post_once(world, serial)[0] for serial in range(1, posts + 1)]
        started = time.monotonic()
        world.worker()
        until(lambda: len(world.mailhost.count()) == 2 * posts - 1, "mails to the others", 120)
        took = time.monotonic() - started
        return {
            "accepted": statuses.count(303),
            "all others' mail out after (s)": round(took, 1),
            "timeout (s)": timeout,
        }


def mailed_at_once(posts: int) -> float:
    """The control: how long somebody waits, in seconds, at a portal that mails before it answers."""
    with World("sqlite", FAULTS_EMAIL_TIMEOUT="2") as world:
        world.web("tests.faults.careless:mails_at_once", workers=1)
        world.mailhost.delay = 600
        return max(post_once(world, serial)[1] for serial in range(1, posts + 1))


def silent_mailhost(posts: int) -> dict:
    """The mail server takes connections and says nothing, then is slow, then well: posts never wait for it."""
    with World("sqlite", FAULTS_EMAIL_TIMEOUT="2") as world:
        world.web()
        world.mailhost.delay = 600
        world.worker()
        waits = [post_once(world, serial)[:2] for serial in range(1, posts + 1)]
        silent = len(world.mailhost.taken)
        world.mailhost.delay = 0.5
        settled = world.settle(120)
        return {
            "accepted": sum(status == 303 for status, _ in waits),
            "slowest post (s)": round(max(took for _, took in waits), 1),
            "mails while silent": silent,
            "all mail out after (s)": settled and round(settled),
            "mails": len(world.mailhost.count()),
        }


def is_sound(findings: dict) -> bool:
    """Nothing that was judged speaks against the portal."""
    judged = (
        "lost",
        "duplicates",
        "altered",
        "incomplete",
        "mails waiting",
        "log",
        "thanked falsely",
        "text lost",
        "other",
    )
    return not guilty({name: findings[name] for name in judged})
