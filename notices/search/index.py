"""The index: one SQLite file with a contentless FTS5 table. It knows nothing of the portal's database.

A notice's row number is that of its first line in the log, so the order of rows is the order of publication and the
newest hits come first without sorting. The table stores no text: to take a notice out, its text is given again. A text
that is gone by then stays hidden, and the file is made anew without it (see following.rebuild).
"""

import contextlib
import dataclasses
import datetime
import fcntl
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from . import asking, words

log = logging.getLogger(__name__)

VERSION = 2  # of what is stored: an index of another version is made anew
CAP = 1000  # hits are counted up to here
NEVER = "9999"
PATIENCE = 0.5  # seconds to wait for another process that writes

SCHEMA = """
CREATE VIRTUAL TABLE text USING fts5(tokens, content='', columnsize=0, tokenize="ascii tokenchars '|.^='");
CREATE TABLE notice (row INTEGER PRIMARY KEY, pk INTEGER UNIQUE, edition INTEGER, facets TEXT, public_from TEXT);
CREATE INDEX notice_hidden ON notice (public_from);  -- what is not public yet
CREATE TABLE facet (token TEXT PRIMARY KEY, count INTEGER) WITHOUT ROWID;  -- the values that filters can have
CREATE TABLE followed (size INTEGER, seal TEXT, born INTEGER, erase INTEGER);
INSERT INTO followed VALUES (0, '', -1, 0);
"""

Part = str | list[int]  # of the hits: an expression, or rows that are known, newest first


class Unavailable(Exception):
    """The index cannot be read or written now."""


class Busy(Unavailable):
    """Another process is writing."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A notice as it is indexed: its row, which edition, what filters know of it, from when it is public (UTC)."""

    row: int
    pk: int
    edition: int
    facets: tuple[str, ...]
    public_from: str


@dataclasses.dataclass(frozen=True)
class Page:
    """Hits in order, as primary keys; the places of the pages beside this one, None at the ends."""

    pks: list[int]
    number: int = 1
    previous: asking.Place | None = None
    next: asking.Place | None = None


@contextlib.contextmanager
def opened(path: Path) -> Iterator["Index"]:
    """The index at `path`, made where there is none. Raises Unavailable; a damaged file is thrown away before that."""
    try:
        with contextlib.closing(_connected(path)) as connection:
            yield Index(connection)
    except sqlite3.Error as error:
        if (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            log.error("search index is damaged and will be made anew: %s", error)
            discard(path)
        raise Unavailable(str(error)) from error
    except OSError as error:
        raise Unavailable(str(error)) from error


def _connected(path: Path) -> sqlite3.Connection:
    with locked(path, fcntl.LOCK_SH):
        connection = _connection(path)
        if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return connection
        connection.close()
    with locked(path, fcntl.LOCK_EX):
        return _made(path)


def _connection(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    # NORMAL: a power cut may take the last lines back, never damage the file; the log is followed again from there.
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
    return connection


def _made(path: Path) -> sqlite3.Connection:
    """The file as it should be: of this version, if need be empty. The lock is held."""
    connection = _connection(path)
    if connection.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
        connection.close()
        _unlink(path)
        connection = _connection(path)
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
    return connection


@contextlib.contextmanager
def locked(path: Path, how: int) -> Iterator[None]:
    """A lock beside the file: nobody opens it while it is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{path}.lock", "a") as lock:
        fcntl.flock(lock, how)
        yield


def discard(path: Path) -> None:
    """Throw the file away; the next one to open it begins with an empty one."""
    with locked(path, fcntl.LOCK_EX):
        _unlink(path)


def replace(path: Path, fresh: Path) -> None:
    """Put the file `fresh`, which nobody has open, in the place of `path`."""
    with locked(path, fcntl.LOCK_EX):
        _unlink(path)
        fresh.rename(path)


def _unlink(path: Path) -> None:
    for end in ("-wal", "-shm", ""):
        Path(f"{path}{end}").unlink(missing_ok=True)


class Index:
    """An open index."""

    def __init__(self, connection: sqlite3.Connection):
        self.connection = connection

    def one(self, sql: str, *values):
        """The first row, None without one."""
        return self.connection.execute(sql, values).fetchone()

    # --- what it holds ---------------------------------------------------------------------------------------

    def followed(self) -> tuple[int, str]:
        """How many lines of the log are in, and the digest of the last of them."""
        return self.one("SELECT size, seal FROM followed")

    def must_erase(self) -> bool:
        """Whether a text that was erased by law may still be in the file."""
        return bool(self.one("SELECT erase FROM followed")[0])

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """One state of the index for all that is asked inside."""
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction; nobody else writes until it ends, and nothing of it stays when it fails. Raises Busy."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise Busy(str(error)) from error
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def begin(self, size: int) -> None:
        """Note how long the log was when the first line came in."""
        self.connection.execute("UPDATE followed SET born = ? WHERE born < 0", (size,))

    def born(self) -> int:
        """How long the log was when the first line came in."""
        return self.one("SELECT born FROM followed")[0]

    def mark(self, size: int, seal: str, *, erase: bool = False) -> None:
        self.connection.execute("UPDATE followed SET size = ?, seal = ?, erase = max(erase, ?)", (size, seal, erase))

    def entry(self, pk: int) -> Entry | None:
        """What is stored of a notice."""
        row = self.one("SELECT row, pk, edition, facets, public_from FROM notice WHERE pk = ?", pk)
        return row and Entry(*row[:3], tuple(row[3].split()), row[4])

    def add(self, entry: Entry, title: str, text: str) -> None:
        self._write(entry, title, text)
        columns = (entry.row, entry.pk, entry.edition, " ".join(entry.facets), entry.public_from)
        self.connection.execute("INSERT INTO notice VALUES (?, ?, ?, ?, ?)", columns)

    def remove(self, entry: Entry, title: str, text: str) -> None:
        """Take a notice out; `title` and `text` are those with which it came in."""
        self._write(entry, title, text, -1)
        self.connection.execute("DELETE FROM notice WHERE row = ?", (entry.row,))

    def hide(self, entry: Entry) -> None:
        """Let a notice be found no more, though its tokens are still there."""
        self.connection.execute("UPDATE notice SET public_from = ? WHERE row = ?", (NEVER, entry.row))

    def _write(self, entry: Entry, title: str, text: str, count: int = 1) -> None:
        columns, places = ("rowid, tokens", "?, ?") if count > 0 else ("text, rowid, tokens", "'delete', ?, ?")
        stored = (entry.row, words.tokens(title, text, entry.facets))
        self.connection.execute(f"INSERT INTO text ({columns}) VALUES ({places})", stored)  # noqa: S608
        more = "INSERT INTO facet VALUES (?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count"
        self.connection.executemany(more, [(facet, count) for facet in entry.facets])

    def empty(self) -> None:
        """Forget everything."""
        self.connection.execute("INSERT INTO text (text) VALUES ('delete-all')")
        self.connection.execute("DELETE FROM notice")
        self.connection.execute("DELETE FROM facet")
        self.connection.execute("UPDATE followed SET size = 0, seal = '', born = -1, erase = 0")

    def compact(self) -> None:
        """Bring what was written bit by bit into one piece."""
        self.connection.execute("INSERT INTO text (text) VALUES ('optimize')")

    # --- what is asked ---------------------------------------------------------------------------------------

    def values(self, prefix: str, hidden: str = "") -> list[str]:
        """The values of the filter with this prefix that public notices have."""
        found = self.connection.execute(
            "SELECT token FROM facet WHERE token BETWEEN ? AND ? AND count > 0", (prefix, prefix + "~")
        )
        tokens = [token for (token,) in found]
        return [token[2:] for token in tokens if not hidden or self.count(asking.token(token), hidden)]

    def days(self, today: datetime.date) -> asking.Days:
        """The days ahead on which windows close or open."""
        ahead = "SELECT token FROM facet WHERE token >= ? AND token < ? AND count > 0 ORDER BY token"

        def since(prefix: str, date: datetime.date) -> tuple[str, ...]:
            found = self.connection.execute(ahead, (asking.day(prefix, date), prefix + "~"))
            return tuple(token for (token,) in found)

        return asking.Days(
            closing=since(asking.CLOSES, today), opening=since(asking.OPENS, today + datetime.timedelta(days=1))
        )

    def hidden(self, now: datetime.datetime) -> str:
        """A condition that leaves out what is not public at `now`, "" when everything is."""
        moment = now.astimezone(datetime.UTC).isoformat()
        rows = self.connection.execute("SELECT row FROM notice WHERE public_from > ?", (moment,)).fetchall()
        return f" AND rowid NOT IN ({','.join(str(row) for (row,) in rows)})" if rows else ""

    def count(self, expression: str, hidden: str = "") -> int:
        """How many notices fit; CAP + 1 stands for all above CAP."""
        limited = f"SELECT rowid FROM text WHERE text MATCH ?{hidden} LIMIT {CAP + 1}"  # noqa: S608
        return self.one(f"SELECT count(*) FROM ({limited})", expression)[0]  # noqa: S608

    def newest(self, expression: str, hidden: str = "") -> list[int]:
        """The rows of the newest notices that fit, newest first: CAP + 1 at most."""
        return self._rows(expression, None, False, CAP + 1, hidden)

    def facets(self, rows: list[int]) -> dict[int, str]:
        """What filters know of these notices, as tokens with blanks between them."""
        found = self.connection.execute(f"SELECT row, facets FROM notice WHERE row IN ({','.join(map(str, rows))})")  # noqa: S608
        return dict(found.fetchall())

    def page(self, strata: list[tuple[str, Part]], place: asking.Place | None, size: int, hidden: str = "") -> Page:
        """The hits at a place of the list, the first ones without; a page before that has not enough is the first."""
        backward = bool(place and place.backward)
        rows = self._walk(strata, place, size + 1, hidden)
        if place and (not rows or (backward and len(rows) <= size)):
            place, backward, rows = None, False, self._walk(strata, None, size + 1, hidden)
        number = place.page if place else 1
        more, rows = len(rows) > size, rows[:size]
        if backward:
            rows.reverse()
        before = asking.Place(*rows[0], max(number - 1, 1), backward=True) if rows and place else None
        after = asking.Place(*rows[-1], number + 1) if rows and (more or backward) else None
        return Page(self._pks([row for _, row in rows]), number, before, after)

    def _pks(self, rows: list[int]) -> list[int]:
        found = self.connection.execute(f"SELECT row, pk FROM notice WHERE row IN ({','.join(map(str, rows))})")  # noqa: S608
        pks = dict(found.fetchall())
        return [pks[row] for row in rows]

    def _walk(self, strata, place: asking.Place | None, wanted: int, hidden: str) -> list[tuple[str, int]]:
        """Up to `wanted` hits from a place on, in the direction of the place: (key of the stratum, row)."""
        backward, rows = bool(place and place.backward), []
        for key, part in reversed(strata) if backward else strata:
            if place and (key > place.key if backward else key < place.key):
                continue
            bound = place.row if place and key == place.key else None
            rows += [(key, row) for row in self._rows(part, bound, backward, wanted - len(rows), hidden)]
            if len(rows) >= wanted:
                break
        return rows

    def _rows(self, part: Part, bound: int | None, backward: bool, limit: int, hidden: str) -> list[int]:
        if isinstance(part, list):
            beyond = [row for row in part if bound is None or (row > bound if backward else row < bound)]
            return (beyond[::-1] if backward else beyond)[:limit]
        order, beyond = ("ASC", ">") if backward else ("DESC", "<")
        at = f" AND rowid {beyond} {bound:d}" if bound is not None else ""
        sql = f"SELECT rowid FROM text WHERE text MATCH ?{at}{hidden} ORDER BY rowid {order} LIMIT ?"  # noqa: S608
        return [row for (row,) in self.connection.execute(sql, (part, limit))]
