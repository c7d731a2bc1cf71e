"""Subscribers are told: what the publication log holds since the last time becomes one mail to each whom it concerns.

A digest, its mails and how far it got in the log are one transaction; what is cut short is done again from the same
line, and of two workers one makes it.
"""

import dataclasses
import datetime
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils import timezone

from .models import Checkpoint, Digest, DigestMail, Edition, LogEntry, PublicityNotice, Subscriber, Subscription
from .models.subscribing import lines_to_tell
from .search import asking, following, words

APART = datetime.timedelta(hours=1)
LINES = 500  # of the log in one digest
ROWS = 500  # mails in one statement
PACE = datetime.timedelta(seconds=0.1)  # from mail to mail, so that a receipt never waits behind a whole digest


@dataclasses.dataclass
class News:
    """What is told of one notice: its lines, and what subscriptions can ask of it."""

    organisation: int
    rounds: set[int]
    texts: list[str]
    lines: list[int]

    def has(self, typed: str) -> bool:
        """Whether a search for these words would find it: in what it says now, or what it said before."""
        runs = [run for term in asking.terms(typed) for run in term.runs]
        return any(all(words.stands_in(run, text) for run in runs) for text in self.texts)


def queue_hourly(now: datetime.datetime) -> int:
    """The duty of the worker: queue_due, an hour after the last digest, however many workers there are."""
    last = Digest.objects.newest()
    return queue_due(now) if last and last.created_at <= now - APART else 0


def queue_due(now: datetime.datetime | None = None) -> int:
    """Queue the mails of everything that became public since the last digest. Returns how many."""
    now, last = now or timezone.now(), Digest.objects.newest()
    newest = Checkpoint.objects.newest()
    if not last or not newest:
        return 0
    size = min(newest.size, last.size + LINES)
    news = _news(list(lines_to_tell(last, size, now)), now)
    if size == last.size and not news:
        return 0
    try:
        with transaction.atomic():
            return _tell(news, Digest(number=last.number + 1, size=size, created_at=max(now, last.created_at)))
    except IntegrityError:
        if Digest.objects.newest().number == last.number:
            raise
        return 0  # another worker made this digest


def _tell(news: list[News], digest: Digest) -> int:
    digest.save(force_insert=True)
    lines = _wanted(news)
    subscribers = Subscriber.objects.filter(pk__in=lines).iterator(chunk_size=ROWS)
    at = digest.created_at
    mails = [
        DigestMail.objects.addressed(
            each.email,
            at,
            due_at=at + number * PACE,
            subscriber=each,
            digest=digest,
            lines=sorted(lines[each.pk]),
        )
        for number, each in enumerate(subscribers)
    ]
    DigestMail.objects.bulk_create(mails, batch_size=ROWS)
    return len(mails)


def _wanted(news: list[News]) -> dict[int, set[int]]:
    """Subscriber → the lines that any of its subscriptions asks for. Each topic is looked for once."""
    lines: dict[int, set[int]] = {}
    topics: dict[tuple, list[int]] = {}
    asked = Subscription.objects.confirmed().values_list("organisation", "round", "words", "subscriber")
    for *topic, subscriber in asked if news else ():
        topics.setdefault(tuple(topic), []).append(subscriber)
    for topic, subscribers in topics.items():
        found = _found(news, *topic)
        for subscriber in subscribers if found else ():
            lines.setdefault(subscriber, set()).update(found)
    return lines


def _found(news: list[News], organisation: int | None, round: int | None, typed: str) -> list[int]:
    """The lines about notices to which all that is set applies."""
    return [
        line
        for each in news
        if organisation in (None, each.organisation) and (round is None or round in each.rounds)
        if not typed or each.has(typed)
        for line in each.lines
    ]


def _news(entries: Iterable[LogEntry], now: datetime.datetime) -> list[News]:
    """The same lines by notice; those of notices that are not public are not told."""
    lines: dict[str, list[LogEntry]] = {}
    for entry in entries:
        lines.setdefault(entry.reference, []).append(entry)
    notices = PublicityNotice.objects.public(now).filter(reference__in=lines)
    return [_of(notice, lines[notice.reference]) for notice in notices]


def _of(notice: PublicityNotice, entries: list[LogEntry]) -> News:
    """A correction concerns also those whom only the edition before concerned."""
    first = min((entry.edition for entry in entries if entry.edition), default=None)
    since = notice.edition_id if first is None else None
    editions = Edition.objects.visible().filter(notice=notice)
    editions = editions.filter(pk=since) if since else editions.filter(number__gte=first - 1)
    rounds = set(editions.values_list("tasks__round", flat=True))
    texts = [following.read(edition)[1] for edition in editions if not edition.is_redacted]
    return News(notice.organisation_id, rounds, texts, [entry.sequence for entry in entries])
