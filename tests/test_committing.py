"""Commits for several at once: each is told what came of its own work, and nobody before it is stored."""

import os
import threading

import pytest
from django import db
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone, translation

from notices import committing
from notices.committing import Line, committed
from notices.models import Counter
from objections.models import AlreadyReceived, Objection
from tests.faults.processes import until
from tests.make import make_notice, make_objection

pytestmark = pytest.mark.django_db(transaction=True)


def count(key: str):
    """Work that stores a row and returns its key."""
    return lambda: Counter.objects.create(key=key, hits=1, expires_at=timezone.now()).key


def stored() -> set[str]:
    return set(Counter.objects.values_list("key", flat=True))


def together(line: Line, *works) -> list:
    """What came of works that were handed in before anybody had a turn: results and exceptions, in their order."""
    found = [None] * len(works)

    def hand_in(place: int) -> None:
        try:
            found[place] = line.commit(works[place])
        except Exception as error:
            found[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=hand_in, args=(place,)) for place in range(len(works))]
    line.is_committing = True
    for place, thread in enumerate(threads, 1):
        thread.start()
        until(lambda place=place: len(line.waiting) == place, "nobody came")
    line.let_go()
    for thread in threads:
        thread.join()
    return found


def watch_commits(monkeypatch, instead=None) -> list:
    """A list that grows with each commit; `instead` is done in its place."""
    commits, commit = [], BaseDatabaseWrapper._commit

    def watched(self):
        commits.append(self)
        return (instead or commit)(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", watched)
    return commits


def fail(self):
    self.connection.rollback()
    raise db.OperationalError("disk full")


class Hasty(Line):
    """The control: tells them before the commit."""

    def _taken(self):
        pieces = super()._taken()
        for piece in pieces:
            piece.settle = lambda failure, piece=piece: setattr(piece, "settled", True)
        return pieces


def test_who_waits_together_is_committed_together(monkeypatch):
    commits = watch_commits(monkeypatch)
    assert together(Line(), count("a"), count("b"), count("c")) == ["a", "b", "c"]
    assert len(commits) == 1
    assert stored() == {"a", "b", "c"}


def test_what_fails_fails_alone():
    Counter.objects.create(key="b", hits=1, expires_at=timezone.now())
    first, second, third = together(Line(), count("a"), count("b"), count("c"))
    assert (first, third) == ("a", "c")
    assert isinstance(second, db.IntegrityError)
    assert stored() == {"a", "b", "c"}


@pytest.mark.parametrize(("line", "told"), [(Line, False), (Hasty, True)], ids=["line", "control"])
def test_nobody_is_told_of_what_is_not_committed(monkeypatch, line, told):
    watch_commits(monkeypatch, fail)
    found = together(line(), count("a"), count("b"))
    monkeypatch.undo()
    assert [not isinstance(each, db.Error) for each in found] == [told, told]
    assert stored() == set()


def test_nobody_is_told_when_the_work_of_another_ended_the_transaction():
    def end_it():
        connection.connection.rollback()
        raise db.OperationalError("disk full")

    found = together(Line(), count("a"), end_it, count("c"))
    assert all(isinstance(each, db.Error) for each in found), found
    assert stored() == set()


def test_without_the_lock_all_who_wait_are_told_so(monkeypatch):
    def locked(self, autocommit, **options):
        raise db.OperationalError("database is locked")

    monkeypatch.setattr(BaseDatabaseWrapper, "set_autocommit", locked)
    line = Line()
    assert [str(each) for each in together(line, count("a"), count("b"))] == ["database is locked"] * 2
    monkeypatch.undo()
    assert line.commit(count("c")) == "c"


def test_each_speaks_its_own_language():
    def ask(language):
        with translation.override(language):
            piece = committing.Piece(translation.get_language)
        piece.do()
        return piece.outcome()

    assert [ask("en"), ask("zh-hans")] == ["en", "zh-hans"]


def test_inside_of_a_transaction_it_is_part_of_that():
    with transaction.atomic():
        assert committed(count("a")) == "a"
        transaction.set_rollback(True)
    assert stored() == set()


def test_a_forked_process_waits_for_nobody_of_its_parent(monkeypatch):
    monkeypatch.setattr(committing.line, "is_committing", True)
    child = os.fork()
    if not child:
        os._exit(committing.line.is_committing)
    assert os.waitpid(child, 0)[1] == 0


def test_where_the_file_of_turns_cannot_be_made_it_goes_on_without(monkeypatch):
    refused = []

    def refuse(*arguments):
        refused.append(arguments)
        raise OSError

    monkeypatch.setattr(committing.os.path, "isfile", lambda name: True)
    monkeypatch.setattr(committing.os, "open", refuse)
    assert Line().commit(count("a")) == "a"
    assert len(refused) == 1


def test_one_form_sent_twice_at_once_is_one_objection():
    notice = make_notice()
    first, again, _ = together(
        Line(), *(lambda token=token: make_objection(notice, token=token) for token in ("one", "one", "two"))
    )
    assert isinstance(first, Objection)
    assert isinstance(again, AlreadyReceived)
    assert again.objection == first
    assert Objection.objects.count() == 2
