"""A notice passed on: what search engines and chats read of it, without a third party and without a way in."""

import json
import re

import pytest

from tests.make import make_draft, make_notice, make_user

pytestmark = pytest.mark.django_db


def linked(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)[1])


def test_a_notice_says_what_it_is_in_schema_org_s_words(client):
    notice = make_notice()
    data = linked(client.get(f"/notices/{notice.reference}/").content.decode())
    assert (data["@type"], data["headline"]) == ("Article", notice.edition.title)
    assert data["publisher"]["name"] == "青澜市生态环境局"
    assert data["temporalCoverage"] == f"{notice.edition.opens_on}/{notice.edition.closes_on}"
    assert data["about"]["availableChannel"]["servicePhone"] == "0000-1234567"


def test_hostile_text_stays_inside_its_data(client):
    hostile = '</script><script>alert(1)</script>"&\u2028'
    draft = make_draft(title=f"关于{hostile}的公示", signatories=hostile.replace(" ", ""))
    draft.submit(by=make_user("zhang"))
    draft.publish(confirmed=True, by=make_user("li"))
    html = client.get(f"/notices/{draft.reference}/").content.decode()
    assert "<script>alert" not in html
    assert linked(html)["headline"] == draft.title


def test_a_chat_shows_title_sentence_and_a_picture_of_this_site(client):
    notice = make_notice()
    html = client.get(f"/notices/{notice.reference}/").content.decode()
    shown = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', html))
    assert shown["title"] == notice.edition.title
    assert shown["url"] == f"http://testserver/notices/{notice.reference}/"
    assert shown["image"].startswith("http://testserver/static/portal/share")
    assert "公示期" in shown["description"]


def test_the_address_can_be_passed_on_without_a_script(client):
    notice = make_notice()
    html = client.get(f"/notices/{notice.reference}/").content.decode()
    share = re.search(r'<details class="share">.*?</details>', html, re.DOTALL)[0]
    assert f"http://testserver/notices/{notice.reference}/</code>" in share
    assert "<svg" in share
    assert re.search(r"hidden><button[^>]*data-copy", share)  # what needs a script is shown by the script
