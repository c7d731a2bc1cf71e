"""An editor cannot publish own work by any way in, and each try is in the trail."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from notices.admin.publicity import PublicityNoticeAdmin
from notices.models import NotAllowed, TrailEntry
from tests.filling import filled
from tests.make import make_draft, make_member, make_office, make_organisation, make_task, make_user

pytestmark = pytest.mark.django_db
LIST = "/admin/notices/publicitynotice/"


@pytest.fixture
def editor(client):
    user = make_member("zhang", "editor")
    client.force_login(user)
    return user


@pytest.fixture
def draft(editor):
    return make_draft()


def tries() -> list[str]:
    """What stands in the trail since the login."""
    return list(TrailEntry.objects.exclude(action="login").order_by("id").values_list("action", flat=True))


def form_of(client, notice) -> dict:
    """The form of the notice as the page shows it."""
    return filled(client, f"{LIST}{notice.pk}/change/")


def press(client, notice, verb, **said):
    return client.post(f"{LIST}{notice.pk}/verb/{verb}/", said).status_code


def is_public(notice) -> bool:
    notice.refresh_from_db()
    return bool(notice.edition_id or notice.published_at or notice.editions.exists())


@pytest.mark.parametrize(
    "verb", ["publish", "publish_in_emergency", "send_back", "confirm_edition", "withdraw", "redact"]
)
def test_the_buttons_of_a_reviewer_are_refused(client, draft, verb):
    assert press(client, draft, "submit") == 302
    assert press(client, draft, verb, confirmed="on", emergency_reason="急", reason="x", number=1) == 403
    assert not is_public(draft)
    assert tries() == ["changed", "refused"]


def test_with_both_roles_the_verb_itself_refuses(client, draft, editor):
    make_member("zhang", "reviewer")
    client.force_login(editor)
    press(client, draft, "submit")
    assert press(client, draft, "publish", confirmed="on") == 422
    assert not is_public(draft)
    line = TrailEntry.objects.first()
    assert (line.action, line.by, line.target) == ("refused", editor, draft.trail_name)
    client.force_login(make_member("li", "reviewer"))
    assert press(client, draft, "publish", confirmed="on") == 302  # the control: somebody else may
    assert is_public(draft)


def test_who_only_helped_to_edit_does_not_publish_either(client, draft):
    helper = make_member("wu", "editor", "reviewer")
    client.force_login(helper)
    assert client.post(f"{LIST}{draft.pk}/change/", form_of(client, draft)).status_code == 302
    press(client, draft, "submit")
    assert press(client, draft, "publish", confirmed="on") == 422
    assert not is_public(draft)
    assert tries() == ["changed", "changed", "refused"]


def test_crafted_fields_of_the_form_and_of_inlines_do_nothing(client, draft, editor):
    data = form_of(client, draft) | {
        "published_at_0": "2025-01-01",
        "published_at": "2025-01-01",
        "published_by": editor.pk,
        "drafted_by": make_user("li").pk,
        "submitted_by": make_user("li").pk,
        "edition": 1,
        "reference": "2025-0001",
        "editions-TOTAL_FORMS": 1,
        "editions-0-number": 1,
        "editions-0-published_by": make_user("li").pk,
        "editions-0-digest": "0" * 64,
    }
    client.post(f"{LIST}{draft.pk}/change/", data)
    assert not is_public(draft)
    assert (draft.drafted_by, draft.submitted_by, draft.reference) == (editor, None, None)
    assert tries() == ["changed"]


@pytest.mark.parametrize(
    "crafted",
    [
        {"action": "publish", "index": 0},
        {"action": "publish_selected", "_confirmed": "1", "confirmed": "on"},
        {"action": "delete_selected", "post": "yes"},
        {"_save": "保存", "form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-published_by": 1},
    ],
)
def test_a_list_takes_no_posts(client, draft, crafted):
    crafted |= {"_selected_action": draft.pk, "form-0-id": draft.pk}
    assert client.post(LIST, crafted).status_code == 403
    assert not is_public(draft)
    assert tries() == ["refused"]


def test_many_at_once_leave_out_the_own_ones_and_refuse_them_one_by_one(client, draft, editor):
    make_member("zhang", "reviewer")
    other = make_draft(tasks=[], title="别人起草的", drafted_by=make_user("wang"))
    for notice, by in ((draft, editor), (other, make_user("wang"))):
        notice.submit(by=by)
    client.force_login(editor)
    chosen = {"action": "publish_selected", "_selected_action": [draft.pk, other.pk]}
    asked = client.post(LIST, chosen)
    assert [each.row for each in asked.context["fitting"]] == [other]
    assert [each.row for each in asked.context["left_out"]] == [draft]
    seen = {f"seen-{each.pk}": PublicityNoticeAdmin.seen(None, each) for each in (draft, other)}
    crafted = client.post(LIST, chosen | seen | {"_confirmed": "1", "confirmed": "on"})
    assert "起草人不能发布自己的公示" in crafted.content.decode()
    assert not is_public(draft)
    assert is_public(other)  # the control: what somebody else drafted is published by the same press
    assert sorted(tries()) == ["changed", "refused"]


def test_a_new_notice_cannot_come_in_published(client, editor):
    task = make_task()
    data = {"organisation": task.organisation_id, "stage": "self_acceptance", "title": "新公示", "tasks": [task.pk]}
    for prefix in ("sections", "editions", "displays"):
        data |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    data |= {"published_at": "2025-01-01", "published_by": editor.pk, "edition": 1, "submitted_at": "2025-01-01"}
    assert client.post(f"{LIST}add/", data).status_code == 302
    notice = task.notices.get()
    assert not is_public(notice)
    assert (notice.drafted_by, notice.submitted_at) == (editor, None)
    assert tries() == ["added"]


def test_an_import_by_command_needs_two_people(tmp_path, draft, editor):
    make_member("zhang", "reviewer")
    file = tmp_path / "notice.txt"
    file.write_text("关于第一轮中央生态环境保护督察第二项整改任务的整改情况公示\n")
    with pytest.raises((CommandError, SystemExit)):
        call_command(
            "import_notice",
            str(file),
            "--organisation",
            "990300",
            "--publish",
            "--as",
            "zhang",
            "--approved-by",
            "zhang",
        )
    assert not is_public(draft)


def test_the_verb_and_the_database_refuse_whoever_calls_them(draft, editor):
    draft.submit(by=editor)
    with pytest.raises(NotAllowed):
        draft.publish(confirmed=True, by=editor)
    assert not is_public(draft)


def test_bulk_deletion_and_changes_are_in_the_trail_row_by_row(client, admin_client):
    offices = [make_office(make_organisation(), name=name) for name in ("甲", "乙")]
    data = {"action": "delete_selected", "_selected_action": [each.pk for each in offices], "post": "yes"}
    assert admin_client.post(reverse("admin:notices_receivingoffice_changelist"), data).status_code == 302
    deleted = TrailEntry.objects.filter(action="deleted").order_by("id").values_list("target", flat=True)
    assert sorted(deleted) == sorted(each.name for each in offices)
