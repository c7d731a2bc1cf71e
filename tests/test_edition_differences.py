"""What changed between any two editions of a notice, as everybody may read it."""

import datetime
import re

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from notices.models import (
    NotAllowed,
    Redaction,
)
from tests.make import make_draft, make_notice, make_objection, make_task, make_user, withdraw
from tests.test_acts import correct, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def thrice():
    """A notice with three editions: 两岸, 东岸, 西岸."""
    notice = make_notice()
    correct(notice, "更正地点", body="青澜河东岸堆放垃圾。")
    correct(notice, "再更正地点", body="青澜河西岸堆放垃圾。")
    return notice


def compared(client, notice, query: str) -> tuple[set[str], set[str]]:
    """What the history page shows as removed and as added."""
    html = page(client, f"/notices/{notice.reference}/history/{query}")
    return tuple(
        set(re.findall(rf'<{tag}><span class="visually-hidden">{word}：</span>(.*?)</{tag}>', html))
        for tag, word in (("del", "删去"), ("ins", "新增"))
    )


@pytest.mark.parametrize(
    ("query", "removed", "added"),
    [
        ("?from=1&to=2", "两", "东"),
        ("?from=2&to=3", "东", "西"),
        ("?from=1&to=3", "两", "西"),
        ("?from=3&to=1", "西", "两"),
        ("", "东", "西"),  # the newest two
    ],
)
def test_the_history_compares_any_two_editions(client, thrice, query, removed, added):
    assert compared(client, thrice, query) == ({removed}, {added})


def test_an_edition_does_not_differ_from_itself(client, thrice):
    assert compared(client, thrice, "?from=2&to=2") == (set(), set())
    assert "没有不同" in page(client, f"/notices/{thrice.reference}/history/?from=2&to=2")


@pytest.mark.parametrize(
    "query",
    [
        *("?from=1", "?to=2", "?from=&to=", "?from=0&to=1", "?from=1&to=99", "?from=-1&to=2", "?from=1.0&to=2"),
        *("?from=abc&to=<script>", "?from=1%00&to=2", "?from=1&to=２", "?from=" + "9" * 500 + "&to=1"),
        *("?from=%ff%fe&to=1", "?from=1' OR 1=1--&to=2", "?from[]=1&to[]=2"),
    ],
)
def test_junk_in_the_comparison_is_harmless(client, thrice, query):
    assert compared(client, thrice, query) == ({"东"}, {"西"})
    assert "<script>" not in page(client, f"/notices/{thrice.reference}/history/{query}").replace("<script src", "")


def test_a_notice_with_one_edition_has_nothing_to_compare(client):
    notice = make_notice()
    html = page(client, f"/notices/{notice.reference}/history/?from=1&to=1")
    assert "版本对照" not in html
    assert "第1版" in html


def test_old_editions_say_what_came_after_them(client, thrice):
    old = page(client, f"/notices/{thrice.reference}/editions/1/")
    assert "这是旧版本，已由第3版替代" in old
    assert "再更正地点" in old
    assert "青澜河两岸" in old
    assert "这是旧版本" not in page(client, f"/notices/{thrice.reference}/editions/3/")


def test_an_objection_names_the_edition_that_was_seen(thrice):
    objection = make_objection(thrice)
    assert objection.edition.number == 3


def test_a_correction_can_be_given_up_and_leaves_what_is_public(client):
    notice = make_notice()
    before = notice.document()
    notice.begin_correction(by=make_user("zhang"), reason="更正")
    notice.sections.filter(kind="problem").update(body="改到一半的内容")
    notice.tasks.add(make_task(88))
    type(notice).objects.filter(pk=notice.pk).update(title="改到一半的标题", signatories="别的单位")
    notice.refresh_from_db()
    assert notice.document() != before  # the control
    url = reverse("admin:notices_publicitynotice_verb", args=[notice.pk, "abandon"])
    client.force_login(make_user("reader", "notices.view_publicitynotice"))
    assert client.post(url).status_code == 403
    client.force_login(make_user("wu", "notices.view_publicitynotice", "notices.change_publicitynotice"))
    assert client.post(url).status_code == 302
    notice.refresh_from_db()
    assert not notice.drafted_at
    assert notice.document() == before
    notice.begin_correction(by=make_user("zhang"), reason="再次更正")  # and the way is free again
    with pytest.raises(NotAllowed):
        make_draft(tasks=[], title="没有发布过").abandon(by=make_user("zhang"))


def test_a_withdrawn_notice_can_be_redacted_whole(client):
    notice = make_notice()
    with pytest.raises(NotAllowed, match="现行版本"):
        notice.propose_redaction(by=make_user("zhang"), number=1, ground="依据某法")
    withdraw(notice)
    task = notice.edition.tasks.get()
    notice.propose_redaction(by=make_user("zhang"), number=1, ground="依据某法第三条")
    notice.redact(by=make_user("li"), number=1)
    for end in ("/", ".txt", ".json", "/editions/1/", "/editions/1.json"):
        response = client.get(f"/notices/{notice.reference}{end}")
        assert response.status_code == 410, end
        assert "依据某法第三条" in response.content.decode()
    for url in (
        "/",
        "/notices/",
        "/log/",
        f"/notices/{notice.reference}/history/",
        f"/notices/{notice.reference}/object/",
    ):
        assert client.get(url).status_code == 200, url
    assert client.get(f"/tasks/{task.pk}/").status_code == 404


def test_a_redaction_that_was_carried_out_stays_on_record():
    notice = withdraw(make_notice())
    notice.propose_redaction(by=make_user("zhang"), number=1, ground="依据某法")
    proposed = Redaction.objects.filter(edition__notice=notice)
    assert proposed.update(ground="依据某法第三条") == 1  # the control: what is only proposed may be changed
    notice.redact(by=make_user("li"), number=1)
    for change in (lambda: proposed.update(ground="别的依据"), lambda: proposed.delete()):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_the_secrecy_review_is_kept_with_the_edition():
    draft = make_draft()
    draft.review_secrecy(by=make_user("wu"))
    draft.submit(by=make_user("zhang"))
    edition = draft.publish(by=make_user("li"), confirmed=True)
    assert edition.secrecy_reviewed_by == make_user("wu")
    assert edition.secrecy_reviewed_at
    assert not draft.secrecy_reviewed_at


def test_the_log_page_links_no_notice_that_is_not_public_yet(client):
    tomorrow = timezone.now() + datetime.timedelta(days=1)
    draft = make_draft(timezone.localdate() + datetime.timedelta(days=7))
    draft.submit(by=make_user("zhang"))
    draft.publish(by=make_user("li"), confirmed=True, public_from=tomorrow)
    page = client.get("/log/").content.decode()
    assert draft.reference in page
    assert f'href="/notices/{draft.reference}/"' not in page
