"""The year in figures: counted from facts, of what the reader sees, as a page and as a workbook; objections as files."""

import csv
import datetime
import io

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone

from notices.models import TrailEntry
from objections import yearly
from objections.models import Objection
from tests.make import (
    DAY,
    make_member,
    make_notice,
    make_objection,
    make_office,
    make_organisation,
    make_task,
    make_user,
)
from tests.test_exports import DANGEROUS

pytestmark = pytest.mark.django_db
LISTED = "admin:objections_objection_export_"


def figures(table: yearly.Table) -> dict[str, tuple]:
    return dict(table.rows)


def cells(response) -> list[list]:
    return [
        [cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(response.content)).active.iter_rows()
    ]


@pytest.fixture
def cases():
    """Ten objections, nine of them answered after one to nine days; one came late, one was found true."""
    notice = make_notice()
    found = [make_objection(notice, f"{n:040}") for n in range(10)]
    handler = make_user("wu")
    for days, each in enumerate(found[1:], 1):
        at = each.received_at + DAY * days
        each.accept(by=handler, at=at)
        each.verify(by=handler, finding="substantiated" if days == 1 else "unsubstantiated", at=at)
        each.answer(by=handler, reply="已清运。", at=at)
    Objection.objects.filter(pk=found[0].pk).update(received_on=notice.closes_on + DAY)
    return found


def test_counts_follow_from_the_facts(cases):
    boss, year = make_user("boss", is_superuser=True), timezone.localdate().year
    by_month, channels, outcomes, times, organisations = yearly.tables(boss, cases[0].received_on.year)
    assert figures(by_month)[yearly.WHOLE] == (1, 1, 10)
    assert figures(channels)["网上"] == (10, 9, 1)
    assert (figures(outcomes)["属实"], figures(outcomes)["尚无结论"]) == ((1,), (1,))
    assert figures(times)["收到至答复"] == (9, 5, 9, 9)
    assert figures(organisations)["青澜市生态环境局"] == (1, 10, 1, 1, 5, 9)
    assert figures(yearly.tables(boss, year - 7)[0])[yearly.WHOLE] == (0, 0, 0)


def test_months_are_those_of_shanghai(cases):
    new_year = datetime.datetime(2026, 1, 1, 0, 30, tzinfo=timezone.get_default_timezone())  # 2025 by UTC
    notice = cases[0].notice
    type(notice).objects.filter(pk=notice.pk).update(published_at=new_year)
    boss = make_user("boss", is_superuser=True)
    assert figures(yearly.tables(boss, 2026)[0])["1月"][0] == 1
    assert figures(yearly.tables(boss, 2025)[0])[yearly.WHOLE][0] == 0


def test_a_supervisor_counts_what_is_below_and_others_their_own(client, cases):
    above = make_organisation("990000", "沧澜省生态环境厅")
    own = cases[0].notice.organisation
    type(own).objects.filter(pk=own.pk).update(parent=above)
    elsewhere = make_office(make_organisation("990400", "云岭市生态环境局"))
    other = make_notice(organisation=elsewhere.organisation, receiving_office=elsewhere, tasks=[make_task(9)])
    make_objection(other, "f" * 40)
    for member, counted in (
        (make_member("du", "supervisor", organisation=above), 10),
        (make_member("wu", "handler"), 10),
    ):
        client.force_login(member)
        page = client.get(reverse("admin:objections_yearly")).content.decode()
        assert "云岭市" not in page
        assert f'<td class="bars__count">{counted}</td>' in page


def test_the_workbook_holds_the_page_and_the_trail_tells(client, cases):
    own = cases[0].notice.organisation
    type(own).objects.filter(pk=own.pk).update(name="=HYPERLINK(1)")
    client.force_login(make_member("wu", "handler"))
    response = client.get(reverse("admin:objections_yearly_file"), {"year": "garbage"})
    book = openpyxl.load_workbook(io.BytesIO(response.content))
    assert book.sheetnames == ["按月份", "异议来源", "核查结果", "办理用时（天）", "按单位"]
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} == {"s"}
    assert book["按单位"]["A2"].value == "=HYPERLINK(1)"
    assert TrailEntry.objects.filter(action="exported", username="wu", detail__list="年度统计").exists()


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_an_export_holds_nobody_and_no_formula(client, cases, form):
    notice = cases[0].notice
    type(notice).objects.filter(pk=notice.pk).update(title=DANGEROUS[7])
    client.force_login(make_member("du", "supervisor"))
    response = client.get(reverse(LISTED + form), {"queue": "pending"})
    plain = response.content.decode("utf-8-sig") if form == "csv" else ""
    rows = list(csv.reader(io.StringIO(plain, newline=""))) if form == "csv" else cells(response)
    assert len(rows) == 11
    assert rows[1][2] == ("'" if form == "csv" else "") + DANGEROUS[7]
    assert not {"姓名或单位名称", "电话", "异议内容"} & set(rows[0])
    assert not any("王小明" in str(cell) for row in rows for cell in row)
    assert client.post(reverse(LISTED + "personal")).status_code == 403


def test_with_personal_data_every_objection_stands_in_the_trail(client, cases):
    named = make_objection(cases[0].notice, "e" * 40, name="=1+1", content="@SUM(A1)")
    client.force_login(make_member("wu", "handler"))
    assert client.get(reverse(LISTED + "personal")).status_code == 405
    response = client.post(reverse(LISTED + "personal") + "?queue=received")
    rows = {row[0]: row for row in cells(response)[1:]}
    assert set(rows) == {cases[0].number, named.number}
    assert (rows[named.number][11], rows[named.number][-1]) == ("=1+1", "@SUM(A1)")
    book = openpyxl.load_workbook(io.BytesIO(response.content)).active
    assert {cell.data_type for row in book.iter_rows() for cell in row if cell.value} == {"s"}
    viewed = TrailEntry.objects.filter(action="viewed_personal_data", detail__exported=True)
    assert {entry.object_id for entry in viewed} == {str(cases[0].pk), str(named.pk)}


def test_an_export_with_personal_data_that_is_too_large_is_refused_and_nothing_is_traced(client, cases, monkeypatch):
    monkeypatch.setattr("objections.admin.exporting.MOST", 3)
    client.force_login(make_member("wu", "handler"))
    page = client.post(reverse(LISTED + "personal"), follow=True).content.decode()
    assert "超过 3 行，没有导出" in page
    assert not TrailEntry.objects.filter(action="viewed_personal_data").exists()
