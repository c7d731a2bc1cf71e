"""The audit trail: what one line says, that nobody changes it, that only old lines go, and who may read it."""

import json

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from notices.models import TrailEntry
from notices.models.trail import KEPT
from tests.make import DAY, make_organisation, make_user

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
