"""The audit trail: what one line says, that nobody changes it, that only old lines go, and who may read it."""

import json
from unittest.mock import Mock

import pytest
import time_machine
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from notices.admin.scoped import StaffAdmin
from notices.models import CalendarDay, TrailEntry
from notices.models.trail import KEPT, SETTLED
from tests.filling import filled
from tests.make import DAY, make_member, make_organisation, make_task, make_user

pytestmark = pytest.mark.django_db
Action = TrailEntry.Action


def record(action=Action.CHANGED, **facts) -> TrailEntry:
    return TrailEntry.objects.record(action, **facts)


def printed(capsys, *options) -> list[dict]:
    call_command("audit_log", *options)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_says_who_did_what_to_what_and_from_where(capsys):
    wu, bureau = make_user("wu"), make_organisation()
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.7")
    line = record(by=wu, target=bureau, organisation=bureau, request=request, fields=["name"])
    (told,) = printed(capsys)
    assert told == {
        "at": timezone.localtime(line.at).isoformat(),
        "id": line.pk,
        "username": "wu",
        "action": "changed",
        "type": "organisation",
        "object_id": str(bureau.pk),
        "target": bureau.name,
        "organisation": bureau.code,
        "address": "192.0.2.7",
        "detail": {"fields": ["name"]},
    }


def test_a_failed_login_has_the_name_that_was_tried_however_long():
    line = record(Action.LOGIN_FAILED, username="nobody\0" + "x" * 500)
    assert line.by is None
    assert line.username.startswith("nobodyx")
    assert len(line.username) == 150


def test_lines_are_printed_by_day_and_by_action(capsys):
    today = timezone.localdate()
    for back in range(4):
        record(at=timezone.now() - back * DAY, day=back)
    record(Action.LOGIN, at=timezone.now() - DAY, day="login")
    span = ("--from", str(today - 2 * DAY), "--to", str(today - DAY))
    assert [line["detail"]["day"] for line in printed(capsys, *span)] == [1, 2, "login"]
    assert [line["detail"]["day"] for line in printed(capsys, *span, "--action", "login")] == ["login"]


def test_new_lines_are_told_once_those_that_may_still_be_overtaken_later(capsys, tmp_path):
    told, settled = tmp_path / "told", timezone.now() - SETTLED - DAY / 24
    first, second = (record(at=settled, day=number).pk for number in (1, 2))
    fresh = record(day=3)
    assert [line["id"] for line in printed(capsys, "--new", str(told))] == [first, second]
    assert printed(capsys, "--new", str(told)) == []
    with time_machine.travel(fresh.at + 2 * SETTLED):
        assert [line["id"] for line in printed(capsys, "--new", str(told))] == [fresh.pk]


def test_what_could_not_be_printed_is_printed_the_next_time(capsys, tmp_path, monkeypatch):
    told, line = tmp_path / "told", record(at=timezone.now() - DAY)
    with monkeypatch.context() as broken:
        broken.setattr(TrailEntry, "as_line", Mock(side_effect=BrokenPipeError))
        with pytest.raises(BrokenPipeError):
            call_command("audit_log", "--new", str(told))
    assert [each["id"] for each in printed(capsys, "--new", str(told))] == [line.pk]


def test_a_file_that_holds_no_number_is_explained(tmp_path):
    (tmp_path / "told").write_text("第三条")
    with pytest.raises(CommandError, match="只有一个数字"):
        call_command("audit_log", "--new", str(tmp_path / "told"))


def test_only_lines_older_than_half_a_year_are_deleted_and_the_database_insists(capsys):
    now = timezone.now()
    young, old = record(at=now - KEPT + DAY), record(at=now - KEPT - DAY)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        young.delete()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        TrailEntry.objects.filter(pk=old.pk).update(username="else")  # old enough to go, never to be changed
    call_command("audit_log", "--forget")
    assert "已删除 1 条" in capsys.readouterr().out
    assert list(TrailEntry.objects.all()) == [young]


def test_the_trail_is_read_and_searched_by_those_who_may_and_changed_by_nobody(client):
    line = record(by=make_user("wu"), target=make_organisation())
    page = reverse("admin:notices_trailentry_changelist")
    client.force_login(make_user("outsider"))
    assert client.get(page).status_code == 403
    client.force_login(make_user("auditor", "notices.view_trailentry"))
    assert "青澜市生态环境局" in client.get(page, {"q": "wu"}).content.decode()
    assert "0 条" in client.get(page, {"q": "zhao"}).content.decode()
    for name in ("change", "delete"):
        url = reverse(f"admin:notices_trailentry_{name}", args=[line.pk])
        assert client.post(url, {"username": "else"}).status_code == 403
    client.force_login(make_user("root", is_superuser=True))
    assert client.post(reverse("admin:notices_trailentry_add"), {}).status_code == 403


def test_every_admin_writes_into_the_trail_and_keeps_to_the_scope():
    assert {each for each in admin.site._registry.values() if not isinstance(each, StaffAdmin)} == set()


def test_what_is_added_changed_and_deleted_in_admin_is_in_the_trail_with_fields_and_without_values(client):
    client.force_login(make_user("root", is_superuser=True))
    listed, data = (
        "/admin/notices/calendarday/",
        {"date": "2031-01-01", "name": "元旦", "source": "国办", "working": ""},
    )
    assert client.post(f"{listed}add/", data).status_code == 302
    day = CalendarDay.objects.get(date="2031-01-01")
    client.post(f"{listed}{day.pk}/change/", filled(client, f"{listed}{day.pk}/change/", name="新年"))
    client.post(f"{listed}{day.pk}/delete/", {"post": "yes"})
    lines = list(TrailEntry.objects.exclude(action="login").order_by("id"))
    assert [(line.action, line.object_id) for line in lines] == [
        (act, str(day.pk)) for act in ("added", "changed", "deleted")
    ]
    assert lines[1].address == "127.0.0.1"
    assert "新年" not in str([line.detail for line in lines])
    assert lines[1].detail["message"][0]["changed"]["fields"]


def test_what_is_refused_stays_in_the_trail_whatever_was_rolled_back(client):
    client.force_login(make_user("wu", "notices.view_calendarday"))
    assert client.post("/admin/notices/calendarday/add/", {"date": "2031-01-01"}).status_code == 403
    line = TrailEntry.objects.get(action="refused")
    assert (line.username, line.detail) == ("wu", {"path": "/admin/notices/calendarday/add/"})


def test_an_own_new_password_is_in_the_trail_and_not_what_it_is(client):
    user = make_user("wu")
    user.set_password("old-password-of-wu")
    user.save()
    client.force_login(user)
    new = {
        "old_password": "old-password-of-wu",
        "new_password1": "清运-垃圾-三百吨-已经完成",
        "new_password2": "清运-垃圾-三百吨-已经完成",
    }
    assert client.post("/admin/password_change/", new).status_code == 302
    line = TrailEntry.objects.get(action="changed")
    assert (line.target, line.detail) == ("wu", {"message": "密码"})


def test_an_auditor_takes_the_trail_along_and_that_stands_in_it(client):
    client.force_login(make_member("lu", "auditor"))
    page = client.get("/admin/notices/trailentry/export.csv").content.decode("utf-8-sig")
    assert '"lu","登录"' in page.splitlines()[1]
    assert TrailEntry.objects.latest("id").action == TrailEntry.Action.EXPORTED


def test_what_is_refused_under_an_odd_address_is_written_down_too(client):
    client.force_login(make_member("wu", "editor"))
    page = reverse("admin:notices_rectificationtask_verb", args=[make_task(organisation=make_organisation()).pk, "x"])
    assert client.post(page.replace("/x/", "/%00/")).status_code == 403
    assert TrailEntry.objects.latest("id").detail == {"path": page.replace("/x/", "//")}
