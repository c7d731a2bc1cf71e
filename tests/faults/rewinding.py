"""PostgreSQL back at a point in time, as DEPLOY.md says: a base backup, archived logs, and the moment before the mistake."""

import subprocess
import time

import psycopg2

from .keeping import manage
from .processes import PATIENCE, Postgres, until
from .world import World


class Rewound(Postgres):
    """A server on a copy of a base backup, which reads the archive up to a moment."""

    def __init__(self, world: World, name: str, base: str, archive: str, moment: str, action: str):
        self.moment, self.base, self.archive, self.action = moment, base, archive, action
        super().__init__(world.folder / name)

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        if program != "initdb":
            return super()._run(program, *arguments, check=check)
        shell(self.owner, "cp", "-a", self.base, self.data)
        shell(self.owner, "touch", f"{self.data}/recovery.signal")
        lines = [f"restore_command = 'cp {self.archive}/%f %p'", f"recovery_target_time = '{self.moment}'"]
        lines += [f"recovery_target_action = '{self.action}'"] if self.action else []
        text = "\n".join([*lines, ""])
        subprocess.run([*self.owner, "tee", "-a", f"{self.data}/postgresql.auto.conf"], input=text, text=True, check=True, stdout=subprocess.DEVNULL, cwd="/")  # fmt: skip


def shell(owner: list[str], *command: str) -> None:
    subprocess.run([*owner, *command], check=True, cwd="/", stdout=subprocess.DEVNULL)


def asked(url: str, *statements: str):
    """The answer to the last of these statements, each a transaction of its own."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def campaign(before: int = 3, after: int = 2, action: str = "promote") -> dict:
    """Objections before the base backup, after it, and after the moment to which the server goes back."""
    with World("postgresql") as world:
        server, archive, base = world.postgres, str(world.folder / "archive"), str(world.folder / "postgres" / "base")
        shell(
            [], "install", "-d", "-m", "755", "-o", "postgres" if server.owner else str(world.folder.owner()), archive
        )
        command = f"test ! -f {archive}/%f && cp %p {archive}/%f"
        asked(server.url, "ALTER SYSTEM SET archive_mode = on", f"ALTER SYSTEM SET archive_command = '{command}'")
        server.end()
        server.start()
        world.inside("fill", before)
        server._run("pg_basebackup", "-p", str(server.port), "-h", "127.0.0.1", "-U", "portal", "-D", base, "-X", "none", "-c", "fast")  # fmt: skip
        world.inside("fill", 1, before)
        moment = asked(server.url, "SELECT clock_timestamp()::text")
        world.inside("fill", after, before + 1)
        wal = asked(server.url, "SELECT pg_walfile_name(pg_switch_wal())")
        until(lambda: (world.folder / "archive" / wal).exists(), "archived", PATIENCE)
        server.kill()
        started = time.monotonic()
        rewound = Rewound(world, "rewound", base, archive, moment, action)
        world.postgres = rewound
        try:
            until(lambda: not asked(rewound.url, "SELECT pg_is_in_recovery()"), "recovery", 30)
        except TimeoutError:
            return {"writable": False}
        took, there = time.monotonic() - started, {"DATABASE_URL": rewound.url}
        ledger = world.inside("ledger", **there)
        posted = manage(world, "audit_publication", **there)
        return {
            "writable": True,
            "seconds": round(took, 1),
            "objections": len(ledger["objections"]),
            "wanted": before + 1,
            "whole": all(each["whole"] for each in ledger["objections"]),
            "log": ledger["log"],
            "audit ended with": posted[0],
        }
