"""Lists of the admin: as many queries with 300 rows as with 30, first and deep pages; nothing counts to the end."""

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from notices.admin import listing, scoped
from notices.models import TrailEntry
from notices.search import following, index
from tests.benchmarks.admin import fill
from tests.make import (
    DAY,
    make_draft,
    make_member,
    make_notice,
    make_objection,
    make_office,
    make_organisation,
    make_user,
)

pytestmark = pytest.mark.django_db
LISTS = {
    "notices_publicitynotice": ("", "state=closed", "q=公示", "organisation__id__exact=1", "o=1"),
    "notices_rectificationtask": ("", "stage=rectifying", "q=河道", "o=-1"),
    "notices_trailentry": ("", "action__exact=changed", "q=li", "at__year={year}"),
    "objections_objection": ("", "late=no", "queue=pending", "q=公示", "received_on__year={year}"),
    "objections_outgoingmail": ("", "delivery=sent", "delivery=waiting"),
    "auth_user": ("", "q=zhang"),
}
ROWS = (30, 300)


def counted(client, model: str, query: str) -> tuple[int, int]:
    """(queries, rows shown) of a list."""
    url = reverse(f"admin:{model}_changelist") + "?" + query.format(year=timezone.localdate().year)
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(url)
    assert page.status_code == 200, url
    return len(queries), len(page.context["cl"].result_list)


@pytest.fixture
def own_index():
    """Nothing that is searched outlasts the test."""
    yield
    index.discard(following.path())


@pytest.mark.usefixtures("own_index")
def test_a_list_asks_as_often_whatever_it_holds(client, monkeypatch):
    monkeypatch.setattr(scoped.StaffAdmin, "list_per_page", 10)
    found = []
    for rows in ROWS:
        with transaction.atomic():
            index.discard(following.path())
            fill(rows)
            make_user("boss", is_superuser=True)
            client.force_login(make_user("boss"))
            asked = {(model, query): query for model, queries in LISTS.items() for query in queries}
            asked |= {(model, "deep"): f"p={rows // 10}" for model in list(LISTS)[:-1]}
            found.append({key: counted(client, key[0], query) for key, query in asked.items()})
            transaction.set_rollback(True)
    few, many = found
    full = [key for key, (_, shown) in few.items() if shown == 10]  # else the keys of the page need not be asked for
    assert len(full) > 15
    assert {key: many[key][0] for key in full} == {key: few[key][0] for key in full}
    assert all(many[key][0] <= queries + 1 + (not shown) for key, (queries, shown) in few.items())
    assert max(queries for queries, _ in many.values()) <= 20
    assert {shown for (_, kind), (_, shown) in many.items() if kind == "deep"} == {10}


def test_every_list_counts_to_a_bound_and_nothing_else_reads_all_of_it():
    for model, model_admin in admin.site._registry.items():
        if isinstance(model_admin, scoped.StaffAdmin):
            assert model_admin.show_facets == admin.ShowFacets.NEVER, model
            assert not model_admin.date_hierarchy, model
            assert not model_admin.show_full_result_count, model
            assert model_admin.get_changelist(None) is listing.Listing, model


def test_a_count_ends_some_pages_ahead_and_says_so(client, monkeypatch):
    monkeypatch.setattr(scoped.StaffAdmin, "list_per_page", 2)
    monkeypatch.setattr(listing, "AHEAD", 3)
    client.force_login(make_user("boss", is_superuser=True))
    entries = (TrailEntry(at=timezone.now(), action="added", target=f"第{n}行") for n in range(21))
    TrailEntry.objects.bulk_create(entries)
    url = reverse("admin:notices_trailentry_changelist")
    first, deep, last = (client.get(url, {"p": number}) for number in (1, 5, 11))
    assert "6 条以上" in first.content.decode()
    assert "14 条以上" in deep.content.decode()
    assert "条以上" not in last.content.decode()
    assert last.context["cl"].result_count == TrailEntry.objects.count()
    assert [row.target for row in last.context["cl"].result_list][-1] == TrailEntry.objects.earliest("id").target
    assert client.get(url, {"p": 99}).status_code == 302
    assert client.get(url, {"p": "x"}).status_code == 200


def test_what_no_index_knows_is_looked_for_once(client):
    notice = make_notice()
    late, _ = make_objection(notice), make_objection(notice, "2")
    type(late).objects.filter(pk=late.pk).update(received_on=notice.closes_on + DAY)
    client.force_login(make_user("boss", is_superuser=True))
    with CaptureQueriesContext(connection) as queries:
        page = client.get(reverse("admin:objections_objection_changelist"), {"late": "yes"})
    assert list(page.context["cl"].result_list) == [late]
    among_all = [each["sql"] for each in queries if " > (" in each["sql"] and " IN (" not in each["sql"]]
    assert len(among_all) == 1


@pytest.mark.parametrize(
    ("typed", "titles"), [("污水", ["公开的污水公示"]), ("垃圾三百吨", ["起草中", "公开的污水公示"]), ("", None)]
)
def test_a_word_is_found_in_what_is_public_and_in_what_is_being_worked_on(client, typed, titles):
    make_notice(title="公开的污水公示", tasks=[])
    make_draft(title="起草中", tasks=[])
    make_draft(title="别家的污水", organisation=make_organisation("990400", "云岭市生态环境局"), tasks=[])
    client.force_login(make_member("lin", "editor"))
    shown = client.get(reverse("admin:notices_publicitynotice_changelist"), {"q": typed}).context["cl"].result_list
    assert {row.title for row in shown} == set(titles or ["起草中", "公开的污水公示"])


def test_foreign_notices_are_not_found_in_the_index(client):
    office = make_office(make_organisation("990400", "云岭市生态环境局"))
    make_notice(organisation=office.organisation, receiving_office=office, title="别家的污水公示", tasks=[])
    url = reverse("admin:notices_publicitynotice_changelist")
    for member, found in ((make_member("lin", "editor"), 0), (make_user("boss", is_superuser=True), 1)):
        client.force_login(member)
        assert client.get(url, {"q": "污水"}).context["cl"].result_count == found


def test_an_objection_is_found_by_its_number_and_by_its_notice_and_never_by_who_it_is(client):
    objection = make_objection(make_notice(title="清运垃圾的公示"), name="王小明")
    client.force_login(make_member("wu", "handler"))
    url = reverse("admin:objections_objection_changelist")
    asked = {
        objection.number: 1,
        objection.number.lower(): 1,
        objection.notice.reference: 1,
        "清运垃圾": 1,
        "王小明": 0,
        "YY2020-000000": 0,
        "!!": 0,
    }
    assert {typed: client.get(url, {"q": typed}).context["cl"].result_count for typed in asked} == asked
    assert "不能搜索" in client.get(url).content.decode()


def test_the_filter_by_time_goes_by_year_and_month_of_shanghai(client):
    at = timezone.make_aware(timezone.datetime(2026, 1, 1, 0, 30))  # still 2025 by UTC
    entries = [TrailEntry.objects.create(at=each, action="added") for each in (at, at - DAY, at + 40 * DAY)]
    client.force_login(make_user("boss", is_superuser=True))
    url = reverse("admin:notices_trailentry_changelist")

    def listed(**query):
        return set(client.get(url, query).context["cl"].result_list) & set(entries)

    assert listed(at__year=2025) == {entries[1]}
    assert listed(at__year=2026) == {entries[0], entries[2]}
    assert listed(at__year=2026, at__month=1) == {entries[0]}
    assert listed(at__year="x") == listed(at__year=0) == listed(at__month=3) == set(entries)
