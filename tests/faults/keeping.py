"""A backup and a change of keys while citizens post: nothing that was acknowledged before is missing or unreadable after."""

import subprocess
import sys
import time

import psycopg2
from cryptography.fernet import Fernet

from .citizens import Crowd
from .judging import judge
from .processes import ROOT, until
from .world import World

SAID_OF_KEYS = "备份不含任何密钥"
WHOLE = ("lost", "duplicates", "altered", "incomplete", "log")  # what of a judgement must be empty


def manage(world: World, *arguments: str, **environment: str) -> tuple[int, str, float]:
    """A management command of that world: how it ended, what it said, how many seconds it took."""
    started = time.monotonic()
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, env=world.environment | environment, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr, time.monotonic() - started


def elsewhere(world: World) -> dict[str, str]:
    """The settings of a new machine: an empty database of the same kind, no files, no keyring; the keys are known."""
    place = world.folder / "elsewhere"
    place.mkdir()
    url = f"sqlite:///{place}/portal.sqlite3"
    if world.postgres:
        connection = psycopg2.connect(world.postgres.url)
        connection.autocommit = True
        connection.cursor().execute("CREATE DATABASE elsewhere")
        connection.close()
        url = world.postgres.url.removesuffix("/postgres") + "/elsewhere"
    ring, media = f"sqlite:///{place}/keyring.sqlite3", str(place / "media")
    return {"DATABASE_URL": url, "KEYRING_URL": ring, "MEDIA_ROOT": media, "STAMP_PATH": str(place / "stamp")}


def backup(database: str, stored: int, posts: int, clients: int = 8) -> dict:
    """A backup with `stored` objections in it, taken while `posts` more arrive, and put back on another machine."""
    with World(database) as world:
        world.inside("fill", stored)
        world.web()
        crowd = Crowd(world, posts, clients).start()
        until(lambda: len(crowd.receipts) >= posts // 4, "receipts")
        shown = list(crowd.receipts)
        code, said, taking = manage(world, "backup", f"{world.folder}/kept", "--keyring", f"{world.folder}/keys")
        during = len(crowd.receipts) - len(shown)
        (kept,) = (world.folder / "kept").iterdir()
        held = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file())
        new = elsewhere(world)
        foreign = {"FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode()}
        refused = manage(world, "restore", str(kept), **new, **foreign)[1]
        crowd.join()
        ring = f"{world.folder}/keys/keyring.sqlite3"
        back, told, restoring = manage(world, "restore", str(kept), "--keyring", ring, **new)
        findings = judge(shown, world.inside("ledger", **new), world.mailhost, 0) if not back else {}
    return {
        "acknowledged before": stored + len(shown),
        "acknowledged meanwhile": during,
        "stored afterwards": findings.get("stored"),
        "backup (s)": round(taking, 1),
        "restore and checks (s)": round(restoring, 1),
        "megabytes": round(held / 1e6, 1),
        "says that it holds no key": not code and SAID_OF_KEYS in said,
        "restore asks for the keys first": "请先设置备份时使用的 FIELD_ENCRYPTION_KEYS" in refused,
        "restore said": told.strip().splitlines()[-2:],
        **{name: findings.get(name, ["not restored"]) for name in WHOLE},
    }


def rotate(database: str, stored: int, posts: int, clients: int = 8, knows_the_new_key: bool = True) -> dict:
    """A new site key, everything encrypted anew with it while `posts` arrive, as many again after it; then the old key is
    gone. The control: a website that was not told of the new key goes on making keys under the old one."""
    with World(database) as world:
        world.inside("fill", stored)
        old, new = world.environment["FIELD_ENCRYPTION_KEYS"], Fernet.generate_key().decode()
        both = {"FIELD_ENCRYPTION_KEYS": f"{new},{old}"}
        web = world.web(workers=1, **(both if knows_the_new_key else {}))
        crowd = Crowd(world, posts, clients).start()
        until(lambda: len(crowd.receipts) >= posts // 4, "receipts")
        before = len(crowd.receipts)
        code, said, took = manage(world, "rotate_keys", **both)
        during = len(crowd.receipts) - before
        crowd.join()
        later = Crowd(world, posts, clients)
        later.serials = iter(range(posts + 1, 2 * posts + 1))
        later.start().join()
        web.end()
        shown = crowd.receipts + later.receipts
        findings = judge(shown, world.inside("ledger", FIELD_ENCRYPTION_KEYS=new), world.mailhost, 0)
    return {
        "acknowledged": stored + len(shown),
        "of these meanwhile": during,
        "rotate_keys (s)": round(took, 1),
        "rotate_keys said": said.strip().splitlines()[-1:],
        "ended with": code,
        **{name: findings[name] for name in WHOLE},
    }


def careless(database: str) -> str:
    """The control: a backup that takes the files before the database, and what `restore` says of it."""
    with World(database) as world:
        world.inside("fill", 5)
        world.inside("files_first", world.folder / "kept")
        (kept,) = (world.folder / "kept").iterdir()
        return manage(
            world, "restore", str(kept), **elsewhere(world) | {"KEYRING_URL": world.environment["KEYRING_URL"]}
        )[1]
