"""The Atom feed: every public notice whole, with the checkpoint that covers it, and nothing that is not public."""

import datetime
import xml.etree.ElementTree as ET

import pytest
from django.utils import timezone

from notices.models import Checkpoint
from tests.make import make_draft, make_notice, make_user, withdraw

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


def entries(client) -> list:
    response = client.get("/feeds/notices.atom")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("application/atom+xml")
    return ET.fromstring(response.content).findall(f"{ATOM}entry")


def test_an_entry_holds_the_whole_text_and_the_checkpoint_line(client):
    notice = make_notice()
    (entry,) = entries(client)
    text = entry.find(f"{ATOM}content").text
    assert "青澜河两岸堆放垃圾。" in text
    assert str(Checkpoint.objects.newest()) in text
    assert entry.find(f"{ATOM}link").get("href") == f"http://testserver/notices/{notice.reference}/"


def test_a_draft_and_a_scheduled_notice_are_not_in_it(client):
    make_draft(tasks=[], title="草稿")
    later = make_draft(timezone.localdate() + datetime.timedelta(days=7), tasks=[], title="定时的")
    later.submit(by=make_user("zhang"))
    later.publish(by=make_user("li"), confirmed=True, public_from=timezone.now() + datetime.timedelta(days=1))
    assert entries(client) == []


def test_a_correction_updates_the_entry_and_keeps_its_id(client):
    notice = make_notice()
    (before,) = entries(client)
    notice.begin_correction(by=make_user("zhang"), reason="更正")
    notice.sections.filter(kind="problem").update(body="青澜河东岸堆放垃圾。")
    notice.submit(by=make_user("zhang"))
    notice.publish(by=make_user("li"), confirmed=True)
    (after,) = entries(client)
    assert after.find(f"{ATOM}id").text == before.find(f"{ATOM}id").text
    assert "东岸" in after.find(f"{ATOM}content").text
    assert after.find(f"{ATOM}updated").text >= before.find(f"{ATOM}updated").text


def test_a_withdrawn_notice_says_so_and_a_redacted_one_is_gone(client):
    notice = withdraw(make_notice(), "落款单位有误")
    (entry,) = entries(client)
    assert "撤回原因：落款单位有误" in entry.find(f"{ATOM}content").text
    notice.propose_redaction(by=make_user("zhang"), number=1, ground="依据某法")
    notice.redact(by=make_user("li"), number=1)
    assert entries(client) == []


def test_an_empty_site_has_an_empty_feed(client):
    assert entries(client) == []
