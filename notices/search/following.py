"""The index kept up with the publication log, line by line; made anew where it is lost or of another log.

Whoever is asked first brings the index up to date: a request takes in a few lines, the worker all of them. Several
processes may do so at once: each batch is one transaction that begins where the last one ended.
"""

import contextlib
import datetime
import fcntl
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet

from notices.documents.notice import NotADocument, NoticeDocument
from notices.documents.rendering import to_text
from notices.models import Checkpoint, Edition, LogEntry, PublicityNotice

from . import asking
from .index import Busy, Entry, Index, discard, locked, log, opened, replace

IN_A_REQUEST = 50  # lines of the log
IN_THE_WORKER = 100, 10  # lines in one transaction, which others wait for; transactions in one go


def path() -> Path:
    return Path(settings.SEARCH_PATH)


@contextlib.contextmanager
def ready() -> Iterator[tuple[Index, bool]]:
    """For a request: the index, and whether it is up to date. Raises Unavailable."""
    with opened(path()) as index:
        try:
            current = follow(index, IN_A_REQUEST)
        except Busy:
            current = False
        yield index, current


def follow(index: Index, limit: int) -> bool:
    """Take in up to `limit` more lines of the log; whether the index is up to date then. Raises Busy.

    An index that has followed another log – the database was restored, or is another one – begins anew.
    """
    if _unread(index, 1) == []:
        return True
    with index.writing():
        lines = _unread(index, limit + 1)
        if lines is None:
            log.warning("search index followed another log and is made anew")
            index.empty()
            lines = _unread(index, limit + 1)
        if lines:
            _take_in(index, lines[:limit])
    return len(lines) <= limit


def _unread(index: Index, limit: int) -> list[LogEntry] | None:
    """The next lines that are under a checkpoint; None when the last line that is in is not a line of this log."""
    size, seal = index.followed()
    signed = LogEntry.objects.filter(sequence__gte=max(size - 1, 0), sequence__lt=Checkpoint.objects.size())
    lines = list(signed.order_by("sequence")[: limit + 1])
    if size and (not lines or _seal(lines[0].line) != seal):
        return None
    return lines[1:] if size else lines[:limit]


def _seal(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _take_in(index: Index, lines: list[LogEntry]) -> None:
    """Bring the notices that these lines are about to what they are now, and note that the lines are in.

    What was erased before the index began, it never held; what was erased since then may still be in the file.
    """
    index.begin(Checkpoint.objects.newest().size)
    notices = PublicityNotice.objects.filter(reference__in={line.reference for line in lines}, edition__isnull=False)
    notices = notices.select_related("edition", "organisation").prefetch_related("edition__tasks")
    rows = _rows(notices)
    renewed = [_renew(index, notice, _entry(notice, rows[notice.pk])) for notice in notices]
    erased = any(line.act == "redact" and line.sequence >= index.born() for line in lines)
    index.mark(lines[-1].sequence + 1, _seal(lines[-1].line), erase=erased or not all(renewed))


def _rows(notices: QuerySet) -> dict[int, int]:
    """Notice → its row: one more than the line of its first edition."""
    first = Edition.objects.filter(notice__in=[notice.pk for notice in notices], number=1)
    return {notice: sequence + 1 for notice, sequence in first.values_list("notice", "sequence")}


def _renew(index: Index, notice: PublicityNotice, entry: Entry) -> bool:
    """Store what the public reads of a notice now. False where what was stored before cannot be taken out."""
    stored = index.entry(notice.pk)
    if stored == entry and not notice.edition.is_redacted:
        return True
    if stored:
        before = notice.edition if stored.edition == entry.edition else Edition.objects.get(pk=stored.edition)
        if before.is_redacted:
            index.hide(stored)
            return False
        index.remove(stored, *read(before))
    if not notice.edition.is_redacted:
        index.add(entry, *read(notice.edition))
    return True


def read(edition: Edition) -> tuple[str, str]:
    """Title and text of an edition as they are searched, first its number. A damaged one, which the audit reports,
    is known by its title alone: it takes no other notice out of the list."""
    try:
        return _said(bytes(edition.document))
    except NotADocument:
        log.exception("edition %s cannot be read", edition.pk)
        return edition.title, edition.title


@functools.lru_cache(256)
def _said(content: bytes) -> tuple[str, str]:
    """The same of a document; what many look for is found in the same notices."""
    document = NoticeDocument.from_bytes(content)
    return document.title, f"{document.reference}\n{to_text(document)}"


def _entry(notice: PublicityNotice, row: int) -> Entry:
    edition = notice.edition
    public_from = edition.public_from.astimezone(datetime.UTC).isoformat()
    return Entry(row, notice.pk, edition.pk, tuple(_facets(notice, edition)), public_from)


def _facets(notice: PublicityNotice, edition: Edition) -> Iterable[str]:
    """What filters know of a notice."""
    tasks = edition.tasks.all()
    yield asking.EVERY
    if notice.withdrawn_at:
        yield asking.WITHDRAWN
    else:
        yield asking.day(asking.OPENS, edition.opens_on)
        yield asking.day(asking.CLOSES, edition.closes_on)
    yield f"{asking.FILTERS['organisation']}{notice.organisation_id}"
    yield from (asking.FILTERS["district"] + district for district in asking.districts(notice.organisation.code))
    yield from sorted({f"{asking.FILTERS['round']}{task.round_id}" for task in tasks})
    yield from sorted({asking.FILTERS["kind"] + task.kind for task in tasks})
    yield asking.FILTERS["year"] + notice.reference[:4]


# --- The worker ------------------------------------------------------------------------------------------------------


def keep_up(now: datetime.datetime | None = None) -> bool:
    """Some lines at a time: what is new, and the index anew where a text has to be erased from it.

    Whether nothing is left to do. Raises Unavailable.
    """
    with opened(path()) as index:
        if not _follow_on(index):
            return False
        whole = not index.must_erase()
    try:
        return whole or rebuild_a_part()
    except BlockingIOError:  # another worker is at it
        return False


def _follow_on(index: Index) -> bool:
    lines, times = IN_THE_WORKER
    return any(follow(index, lines) for _ in range(times))


def fresh() -> Path:
    """Where the new index grows beside the old one."""
    return path().with_name(path().name + ".new")


def begin_anew() -> None:
    """Leave nothing of an earlier attempt."""
    discard(fresh())


def rebuild_a_part() -> bool:
    """Make the index anew beside the old one, which goes on answering, some lines at a time; whether it is in its
    place now. What was interrupted goes on where it ended. Raises BlockingIOError when another process is at it."""
    with locked(path().with_name(path().name + ".rebuild"), fcntl.LOCK_EX | fcntl.LOCK_NB):
        with opened(fresh()) as index:
            finished, obsolete = _follow_on(index), index.must_erase()
        if obsolete:
            discard(fresh())
        elif finished:
            replace(path(), fresh())
        return finished and not obsolete
