"""A key for each objection, kept apart from the database: with the key everything said about that objection is gone,
from every backup of the database too.

The keyring is a database of its own (KEYRING_URL) with one table: the name of a key, and the key itself encrypted with
FIELD_ENCRYPTION_KEYS, "" once it is destroyed. Of its backups only the newest may be kept. It is asked seldom: keys are
made ahead, as many again as a process has used so far, and opened keys are remembered.
"""

import collections
import contextlib
import os
import secrets
import threading
from collections.abc import Iterable, Iterator

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import DatabaseError
from django.db.utils import DEFAULT_DB_ALIAS, ConnectionHandler

from notices.encryption import cipher as site_cipher

LARGEST_BATCH = 64  # keys made at once
REMEMBERED = 4096  # opened keys
ASKED_AT_ONCE = 500
TABLE = "objections_datakey"


class Unavailable(Exception):
    """The keyring does not answer: nothing can be sealed or read just now."""


class Lost(Exception):
    """The key is not in the keyring, or FIELD_ENCRYPTION_KEYS no longer opens it."""


class Destroyed(Exception):
    """The key was destroyed when its time was over."""


@contextlib.contextmanager
def _asking():
    """A cursor on a connection that lives for one question: the database's own transactions have no part in it."""
    connection = ConnectionHandler({DEFAULT_DB_ALIAS: dict(settings.KEYRING)})[DEFAULT_DB_ALIAS]
    try:
        with connection.cursor() as cursor:
            yield cursor
    except DatabaseError as error:
        raise Unavailable(f"keyring: {type(error).__name__}") from error
    finally:
        connection.close()


def make_table() -> None:
    with _asking() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (name varchar(16) PRIMARY KEY, wrapped text NOT NULL)")


def compact() -> None:
    """Rewrite the table, so that no page has a destroyed key any more."""
    with _asking() as cursor:
        cursor.execute("VACUUM" if cursor.db.vendor == "sqlite" else f"VACUUM FULL {TABLE}")


def batches(size: int) -> Iterator[list[tuple[str, str]]]:
    """(name, wrapped) of every key that is not destroyed, by name."""
    last = ""
    while True:
        with _asking() as cursor:
            cursor.execute(f"SELECT name, wrapped FROM {TABLE} WHERE name > %s ORDER BY name LIMIT %s", [last, size])  # noqa: S608
            rows = cursor.fetchall()
        if not rows:
            return
        yield [(name, wrapped) for name, wrapped in rows if wrapped]
        last = rows[-1][0]


def replace(renewed: list[tuple[str, str, str]]) -> int:
    """Store (new, name, old): the key of that name wrapped anew, where it is still wrapped as before. How many."""
    with _asking() as cursor:
        cursor.execute("BEGIN")
        count = 0
        for each in renewed:
            cursor.execute(f"UPDATE {TABLE} SET wrapped = %s WHERE name = %s AND wrapped = %s", each)  # noqa: S608
            count += cursor.rowcount
        cursor.execute("COMMIT")
    return count


class Keyring:
    """What one process holds of the keyring: some keys nobody uses yet, and those it has opened."""

    def __init__(self):
        self.forget()

    def forget(self) -> None:
        """Start afresh: a forked process must not use the keys its parent holds ready."""
        self._lock, self._unused, self._batch = threading.Lock(), [], 1
        self._opened: collections.OrderedDict[str, Fernet | None] = collections.OrderedDict()

    def take(self) -> str:
        """The name of a key that nothing was sealed with; it is in the keyring for good. Raises Unavailable."""
        with self._lock:
            if not self._unused:
                self._unused = self._make(self._batch)
                self._batch = min(2 * self._batch, LARGEST_BATCH)
            name, cipher = self._unused.pop()
            self._remember(name, cipher)
        return name

    def seal(self, text: str, name: str) -> str:
        """`text` as ciphertext that names its key. Raises Lost, Destroyed, Unavailable."""
        return f"{name}:{self.cipher(name).encrypt(text.encode()).decode()}"

    def read(self, sealed: str) -> str:
        """What was sealed. Raises Lost, Destroyed, Unavailable."""
        name, _, token = sealed.partition(":")
        try:
            return self.cipher(name).decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise Lost(name) from error

    def cipher(self, name: str) -> Fernet:
        """The key of that name. Raises Lost, Destroyed, Unavailable."""
        if name not in self._opened:
            self.open([name])
        cipher = self._opened.get(name, Lost)
        if cipher is Lost:
            raise Lost(name)
        if cipher is None:
            raise Destroyed(name)
        return cipher

    def open(self, names: Iterable[str]) -> None:
        """Fetch many keys at once, for a page that shows many objections. Raises Unavailable."""
        wanted = [name for name in names if name not in self._opened]
        for start in range(0, len(wanted), ASKED_AT_ONCE):
            part = wanted[start : start + ASKED_AT_ONCE]
            with _asking() as cursor:
                places = ", ".join(["%s"] * len(part))
                cursor.execute(f"SELECT name, wrapped FROM {TABLE} WHERE name IN ({places})", part)  # noqa: S608
                found = cursor.fetchall()
            for name, wrapped in found:
                with self._lock, contextlib.suppress(InvalidToken):
                    self._remember(name, _unwrapped(wrapped) if wrapped else None)

    def destroy(self, name: str) -> None:
        """Nothing sealed with this key will ever be read again. Raises Unavailable."""
        with _asking() as cursor:
            cursor.execute(f"UPDATE {TABLE} SET wrapped = '' WHERE name = %s", [name])  # noqa: S608
        with self._lock:
            self._remember(name, None)

    def _make(self, count: int) -> list[tuple[str, Fernet]]:
        keys = {secrets.token_urlsafe(12): Fernet.generate_key() for _ in range(count)}
        wrap = site_cipher()
        rows = [value for name, key in keys.items() for value in (name, wrap.encrypt(key).decode())]
        places = ", ".join(["(%s, %s)"] * count)
        with _asking() as cursor:  # one statement, one commit
            cursor.execute(f"INSERT INTO {TABLE} (name, wrapped) VALUES {places}", rows)  # noqa: S608
        return [(name, Fernet(key)) for name, key in keys.items()]

    def _remember(self, name: str, cipher: Fernet | None) -> None:
        self._opened[name] = cipher
        while len(self._opened) > REMEMBERED:
            self._opened.popitem(last=False)


def _unwrapped(wrapped: str) -> Fernet:
    return Fernet(site_cipher().decrypt(wrapped.encode()))


ring = Keyring()
os.register_at_fork(after_in_child=ring.forget)
