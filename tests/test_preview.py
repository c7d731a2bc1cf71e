"""The preview of a working copy: what the public will read, kept nowhere, for nobody else."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.make import DAY, make_draft, make_member, make_organisation, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client):
    client.force_login(make_member("zhang", "editor"))
    return client


def preview(notice) -> str:
    return reverse("admin:notices_publicitynotice_preview", args=[notice.pk])


def body(answer) -> str:
    """The text of the notice and the strip of counted days; the link to the edition comes with the edition."""
    page = re.sub(r"\s+", " ", answer.content.decode())
    page = re.sub(r'<a href="[^"]*">按原文顺序阅读</a>', "", page)
    return (
        re.search(r'<div class="sheet".*?<div class="signature">.*?</div>', page)[0]
        + re.search(r'<section class="counting".*?</section>', page)[0]
    )


def test_it_is_word_for_word_what_the_public_reads_once_it_is_published(editor):
    draft = make_draft(timezone.localdate() + 3 * DAY)
    before = body(editor.get(preview(draft)))
    draft.submit(by=make_user("zhang"))
    draft.publish(by=make_user("li"), confirmed=True)
    draft.refresh_from_db()
    assert body(editor.get(f"/notices/{draft.reference}/")) == before


def test_it_is_marked_and_kept_nowhere(editor):
    draft = make_draft()
    answer = editor.get(preview(draft))
    assert "<title>预览：" in answer.content.decode()
    assert "预览，尚未发布" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert "X-Accel-Expires" not in answer
    assert "ETag" not in answer
    draft.sections.filter(kind="problem").update(body="刚刚改过的一句。")  # no act, so nothing is emptied
    assert "刚刚改过的一句。" in editor.get(preview(draft)).content.decode()


def test_of_a_foreign_draft_there_is_none(editor, client):
    foreign = make_draft(organisation=make_organisation("980300", "赤岭市生态环境局"), tasks=[])
    assert editor.get(preview(foreign)).status_code == 404
    client.logout()
    assert client.get(preview(foreign)).status_code == 302
