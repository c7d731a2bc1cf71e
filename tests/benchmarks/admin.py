"""The admin's lists at 100,000 notices, objections, mails and lines of the trail, against stock Django over the same
tables with the same columns, filters and reach of its search.

Stock is a plain ModelAdmin in a plain AdminSite with all the models, drawn by Django's own templates: 100 rows a page,
everything counted. Ours shows 50; what it costs Django to show as few is measured beside it. Ours pays for its four
other filters, and both for the same functions behind the columns. No middleware on either side.

Needs an empty database of its own, which is made and thrown away (DATABASE_URL says on which server).
"""

import contextlib
import datetime
import functools
import hashlib
import statistics
import time
from collections.abc import Iterator

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.http import QueryDict
from django.test import RequestFactory, override_settings
from django.test.utils import setup_databases, teardown_databases
from django.urls import resolve, reverse
from django.utils import timezone

from notices.admin import searching
from notices.documents.notice import NoticeDocument, Section, Window
from notices.models import (
    Edition,
    InspectionRound,
    NoticeSection,
    Organisation,
    PublicityNotice,
    ReceivingOffice,
    RectificationTask,
    TrailEntry,
)
from notices.search import asking, following, index
from objections.keyring import ring
from objections.models import Objection, OutgoingMail
from objections.sealing import ERASED
from tests.invented import Writer

from .frame import Figure, interleaved

DAY, LENGTH, BATCH, OFFICES = datetime.timedelta(days=1), 600, 2000, 40
FREE = 1000  # the first lines of the log are for what is published besides
PENDING = 500  # objections that still wait; the rest is done and erased


def fill(total: int) -> None:
    """So many notices, objections, mails and lines of the trail; a twentieth as many tasks."""
    drafter, publisher = (User.objects.create(username=name, is_staff=True) for name in ("zhang", "li"))
    offices = [_office(number) for number in range(OFFICES)]
    made = InspectionRound.objects.create(slug="round", name="第一轮督察")
    RectificationTask.objects.bulk_create(
        RectificationTask(
            organisation=offices[n % OFFICES].organisation, round=made, number=n % 30_000, problem="河道堆放垃圾。"
        )
        for n in range(1, max(total // 20, min(total, 300)) + 1)
    )
    writer, now = Writer(7), timezone.now()
    with contextlib.ExitStack() as stack:
        searched = stack.enter_context(index.opened(following.path()))
        for start in range(0, total, BATCH):
            numbers = range(start, min(start + BATCH, total))
            with searched.writing():
                _notices(numbers, total, offices, (drafter, publisher), now, writer, searched)
            _objections(numbers, total, publisher, now)
    connection.cursor().execute("ANALYZE")


def _office(number: int) -> ReceivingOffice:
    organisation = Organisation.objects.create(code=f"99{number:04}", name=f"青澜市第{number}生态环境局")
    return ReceivingOffice.objects.create(organisation=organisation, name=organisation.name, phone="0000-1234567")


def _notices(numbers, total, offices, people, now, writer, searched) -> None:
    texts = [writer.notice(LENGTH) for _ in numbers]
    dates = [now - DAY * 3000 * (total - number) / total for number in numbers]
    rows = [
        _notice(number, offices[number % OFFICES], title, at, people[1])
        for number, (title, _), at in zip(numbers, texts, dates, strict=True)
    ]
    PublicityNotice.objects.bulk_create(rows)
    Edition.objects.bulk_create(
        _edition(row, people, _document(row, *said)) for row, said in zip(rows, texts, strict=True)
    )
    pks = [row.pk for row in rows]
    PublicityNotice.objects.filter(pk__in=pks).update(edition_id=F("pk"))
    NoticeSection.objects.bulk_create(
        NoticeSection(notice_id=pk, ordinal=1, kind="other", heading="情况", body=text)
        for pk, (_, text) in zip(pks, texts, strict=True)
    )
    for row, (title, text) in zip(rows, texts, strict=True):
        own = f"{asking.FILTERS['organisation']}{row.organisation_id}", f"{asking.FILTERS['year']}{row.opens_on.year}"
        days = asking.day(asking.OPENS, row.opens_on), asking.day(asking.CLOSES, row.closes_on)
        facets = (asking.EVERY, *days, *own)
        searched.add(index.Entry(row.pk + FREE, row.pk, row.pk, facets, "2018"), title, text)
    if numbers[-1] == total - 1:  # what is being worked on
        last = pks[-200:]
        PublicityNotice.objects.filter(pk__in=last).update(drafted_at=now, drafted_by=people[0])
        PublicityNotice.objects.filter(pk__in=last[:100]).update(submitted_at=now, submitted_by=people[0])


def _notice(number: int, office: ReceivingOffice, title: str, at, by) -> PublicityNotice:
    opens = timezone.localdate(at)
    return PublicityNotice(
        pk=number + 1,
        organisation=office.organisation,
        reference=f"{opens.year}-{number:06}",
        title=title[:200],
        receiving_office=office,
        opens_on=opens,
        closes_on=opens + 14 * DAY,
        published_at=at,
        published_by=by,
    )


def _document(row: PublicityNotice, title: str, text: str) -> bytes:
    section = Section(kind="other", heading="情况", paragraphs=tuple(text.splitlines()))
    window = Window(opens_on=row.opens_on, closes_on=row.closes_on, length=15, unit="calendar")
    return NoticeDocument(title=title, sections=(section,), window=window).to_bytes()


def _edition(row: PublicityNotice, people, document: bytes) -> Edition:
    same = ("receiving_office", "title", "opens_on", "closes_on", "published_at", "published_by")
    return Edition(
        pk=row.pk,
        notice_id=row.pk,
        number=1,
        document=document,
        digest=hashlib.sha256(row.title.encode()).hexdigest(),
        sequence=row.pk - 1 + FREE,
        public_from=row.published_at,
        act="publish",
        drafted_at=row.published_at,
        drafted_by=people[0],
        via="review",
        **{name: getattr(row, name) for name in same},
    )


def _objections(numbers, total, by, now) -> None:
    rows = [
        _objection(number, number >= total - PENDING, now - DAY * 3000 * (total - number) / total, by)
        for number in numbers
    ]
    Objection.objects.bulk_create(rows)
    OutgoingMail.objects.bulk_create(_mail(row, None if row.pk > total - 50 else row.received_at) for row in rows)
    TrailEntry.objects.bulk_create(_line(row, by) for row in rows)


def _objection(number: int, waits: bool, at, by) -> Objection:
    day, done = timezone.localdate(at), {}
    if not waits:
        done = {f"{fact}_at": at + DAY for fact in ("accepted", "verified", "replied", "done", "purged")}
        done |= {f"{fact}_by": by for fact in ("accepted", "verified", "replied", "done")}
        done |= {"reply": ERASED, "finding": "unsubstantiated"}
    return Objection(
        pk=number + 1,
        notice_id=number + 1,
        edition_id=number + 1,
        data_key=ring.take() if waits else f"k{number}",
        name="王小明" if waits else "",
        content="垃圾并没有清运。" if waits else ERASED,
        opened_at=at,
        received_at=at,
        received_on=day,
        decide_by=day + 15 * DAY,
        reply_by=day + 60 * DAY,
        token_digest=f"{number:064}",
        code_digest=f"c{number:063}",
        content_digest=f"{number:064}",
        likeness=f"{number:064}",
        **done,
    )


def _line(row: Objection, by) -> TrailEntry:
    who = {"by": by, "username": by.username, "address": "10.0.0.1"}
    return TrailEntry(at=row.received_at, action="changed", object_id=str(row.pk), target=f"YY-{row.pk}", **who)


def _mail(row: Objection, sent_at) -> OutgoingMail:
    return OutgoingMail(
        objection=row,
        kind="office",
        recipient=ERASED,
        message_id=f"<{row.pk}@x>",
        created_at=row.received_at,
        due_at=row.received_at,
        attempts=1,
        sent_at=sent_at,
    )


class Stock(admin.ModelAdmin):
    """What Django gives by itself, with the same columns and filters; its search reads the same text."""

    list_filter = ("organisation", "stage")
    search_fields = ("title", "reference", "sections__body")
    engine = "stock"


TEMPLATES = [*settings.TEMPLATES, settings.TEMPLATES[0] | {"NAME": Stock.engine, "DIRS": []}]


def opened(model_admin: admin.ModelAdmin, user: User, **query):
    """A list as its page is answered."""
    url = reverse(f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_changelist")
    request = RequestFactory().get(url, query)
    request.user, request.alive, request.resolver_match = user, True, resolve(url)  # no session
    response = model_admin.changelist_view(request)
    assert response.status_code == 200, response
    response.using = getattr(model_admin, "engine", None)
    return response.render().content


def stock(model_admin: admin.ModelAdmin, **options) -> Stock:
    """The same list as Django makes it: what it shows is worked out by the same functions."""
    site = admin.AdminSite()
    for model in admin.site._registry:
        site.register(model)
    plain = type("Stock", (Stock,), options)(model_admin.model, site)
    plain.list_display = [
        name if hasattr(model_admin.model, name) else getattr(model_admin, name) for name in model_admin.list_display
    ]
    plain.list_select_related = model_admin.list_select_related
    return plain


def slowest_filter(model_admin: admin.ModelAdmin, user: User, clock) -> tuple[str, float]:
    """Of all choices of all its filters the one that takes longest: (its query, seconds)."""
    taken = {}
    request = RequestFactory().get("/")
    request.user = user
    shown = model_admin.get_changelist_instance(request)
    for choice in (choice for each in shown.filter_specs for choice in each.choices(shown)):
        query = QueryDict(choice["query_string"].removeprefix("?")).dict()
        case = functools.partial(opened, model_admin, user, **query)
        taken[choice["query_string"]] = min(interleaved({"it": case}, 4, clock)["it"])
    return max(taken.items(), key=lambda each: each[1])


def found(model_admin: admin.ModelAdmin, user: User, typed: str) -> list[int]:
    """The keys of the first page of what a search finds."""
    request = RequestFactory().get("/")
    request.user = user
    rows, _ = model_admin.get_search_results(request, model_admin.model.objects.all(), typed)
    return list(rows.values_list("pk", flat=True)[: model_admin.list_per_page])


def rare_name() -> str:
    """The proper name that stands in the fewest notices."""
    hits = ((len(searching.published(asking.terms(name))), name) for name in Writer(7).names)
    return min(each for each in hits if each[0])[1]


def figures(small: bool) -> Iterator[Figure]:
    total = 10_000 if small else 100_000
    made = setup_databases(0, False)
    try:
        index.discard(following.path())
        fill(total)
        with override_settings(TEMPLATES=TEMPLATES):
            yield from measured(total, 2 if small else 5)
    finally:
        teardown_databases(made, 0)


def measured(total: int, rounds: int) -> Iterator[Figure]:
    boss = User.objects.create(username="boss", is_staff=True, is_active=True, is_superuser=True)
    own = admin.site.get_model_admin(PublicityNotice)
    plain = stock(own)
    clock = time.thread_time if connection.vendor == "sqlite" else time.perf_counter  # SQLite works in this thread
    rare = rare_name()
    deepest = {"ours": total // own.list_per_page, "stock": total // plain.list_per_page}
    queries = {
        "first page": {},
        "first page, as many rows": {},
        "deepest page": deepest,
        "one organisation": {"organisation__id__exact": 3},
        "search": {"q": rare},
    }
    bars = {"first page": "≥ 2", "deepest page": "≥ 2"}
    for name, query in queries.items():
        beside = stock(own, list_per_page=own.list_per_page) if name.endswith("as many rows") else plain
        asked = {each: {"p": query[each]} if query is deepest else query for each in deepest}
        cases = {
            "ours": functools.partial(opened, own, boss, **asked["ours"]),
            "stock": functools.partial(opened, beside, boss, **asked["stock"]),
        }
        times = {each: statistics.median(taken) for each, taken in interleaved(cases, rounds, clock).items()}
        yield Figure(f"notices, {name}: ms", times["ours"] * 1000)
        yield Figure(f"notices, {name}: stock, ms", times["stock"] * 1000)
        yield Figure(f"notices, {name}: stock ÷ ours", times["stock"] / times["ours"], bars.get(name, ""))
    asked = {each: functools.partial(found, listed, boss, rare) for each, listed in (("ours", own), ("stock", plain))}
    times = {each: statistics.median(taken) for each, taken in interleaved(asked, rounds, clock).items()}
    yield Figure("notices, search without the page: ms", times["ours"] * 1000)
    yield Figure("notices, icontains without the page: ms", times["stock"] * 1000)
    yield Figure("notices, icontains ÷ search", times["stock"] / times["ours"], "≥ 50")
    yield from _other_lists(boss, total, rounds, clock)


def _other_lists(boss, total: int, rounds: int, clock) -> Iterator[Figure]:
    for model, deep in {
        PublicityNotice: total,
        Objection: total,
        OutgoingMail: total,
        TrailEntry: total,
        RectificationTask: total // 20,
    }.items():
        listed = admin.site.get_model_admin(model)
        cases = {
            "first": functools.partial(opened, listed, boss),
            "deepest": functools.partial(opened, listed, boss, p=deep // listed.list_per_page),
        }
        for name, taken in interleaved(cases, rounds, clock).items():
            yield Figure(f"{model._meta.model_name}, {name} page: ms", statistics.median(taken) * 1000)
        query, taken = slowest_filter(listed, boss, clock)
        yield Figure(f"{model._meta.model_name}, slowest filter {query}: ms", taken * 1000)
