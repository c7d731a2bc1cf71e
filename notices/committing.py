"""One commit for all who wait: on SQLite one transaction writes at a time, and each commit waits for the disk.

Whoever has the turn commits for everybody who has come by then. The work of each runs in a savepoint of one transaction,
on the connection of the thread whose turn it is; nobody is answered before all of it is on the disk. PostgreSQL does as
much by itself.
"""

import collections
import contextlib
import contextvars
import fcntl
import os
import threading
from collections.abc import Callable

from django.db import OperationalError, connection, transaction


def committed(work: Callable):
    """What `work()` returns, once that is committed. Raises what it raises, of which nothing is stored then, or what
    kept the commit from succeeding. Inside of a transaction it is part of that one."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            return work()
    return line.commit(work)


class Piece:
    """Work that somebody waits for, and what came of it."""

    def __init__(self, work: Callable):
        self.work, self.context = work, contextvars.copy_context()  # its own language, whoever does it
        self.result, self.error, self.settled = None, None, False

    def do(self) -> None:
        try:
            with transaction.atomic():
                self.result = self.context.run(self.work)
        except Exception as error:
            self.error = error

    def settle(self, failure: BaseException | None) -> None:
        self.error, self.settled = self.error or failure, True

    def outcome(self):
        if self.error:
            raise self.error
        return self.result


class Line:
    """Those of one process who wait for a commit."""

    def __init__(self):
        self.forget()

    def forget(self) -> None:
        """Start afresh: in a forked process nobody of its parent waits."""
        self.change, self.waiting, self.is_committing = threading.Condition(), collections.deque(), False

    def commit(self, work: Callable):
        piece = Piece(work)
        with self.change:
            self.waiting.append(piece)
            self.change.wait_for(lambda: piece.settled or not self.is_committing)
            self.is_committing = self.is_committing or not piece.settled
        if not piece.settled:
            try:
                self._commit_for_all()
            finally:
                self.let_go()
        return piece.outcome()

    def let_go(self) -> None:
        """Whose work is done goes, and one of those who came meanwhile commits for them."""
        with self.change:
            self.is_committing = False
            self.change.notify_all()

    def _commit_for_all(self) -> None:
        pieces, failure = [], None
        try:
            with _turn_of_this_process(), transaction.atomic():
                pieces = self._taken()  # not before the lock is there: who came while it was waited for comes along
                for piece in pieces:
                    piece.do()
                if transaction.get_rollback():  # an error took the work of the others with it
                    raise OperationalError("the transaction was rolled back")
        except BaseException as error:
            failure = error
        for piece in pieces or self._taken():
            piece.settle(failure)

    def _taken(self) -> list[Piece]:
        return [self.waiting.popleft() for _ in range(len(self.waiting))]


@contextlib.contextmanager
def _turn_of_this_process():
    """One process of this host after the other, each woken at once: SQLite lets them ask again, after ever longer waits.

    A courtesy. What counts is the lock of the database, so nobody stops for a file that cannot be opened.
    """
    name = str(connection.settings_dict["NAME"])
    try:
        file = os.open(f"{name}-turn", os.O_WRONLY | os.O_CREAT, 0o660) if os.path.isfile(name) else None
    except OSError:
        file = None
    if file is None:
        yield
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


line = Line()
os.register_at_fork(after_in_child=line.forget)
