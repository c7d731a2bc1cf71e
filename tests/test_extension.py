"""A window is only ever extended: by a reviewed edition with a public reason that leaves the old end visible."""

import pytest
from django.urls import reverse

from notices.models import NotAllowed, PublicityNotice
from tests.filling import filled
from tests.make import DAY, make_notice, make_user

pytestmark = pytest.mark.django_db

SENTENCE = "公示期为{a.year}年{a.month}月{a.day}日至{b.year}年{b.month}月{b.day}日。"


@pytest.fixture
def notice():
    return make_notice()


def test_an_extension_is_published_by_another_person(client, notice):
    end = notice.closes_on
    notice.extend(by=make_user("zhang"), closes_on=end + 5 * DAY, reason="系统停机一天")
    assert notice.edition.closes_on == end  # the public reads the old end until it is reviewed
    with pytest.raises(NotAllowed, match="起草人不能发布"):
        notice.publish(confirmed=True, by=make_user("zhang"))
    notice.publish(confirmed=True, by=make_user("li"))
    assert notice.edition.closes_on == end + 5 * DAY
    assert notice.edition.reason == "系统停机一天"
    assert notice.editions.get(number=1).closes_on == end
    page = client.get(f"/notices/{notice.reference}/").content.decode()
    assert f"原定{end.year}年{end.month}月{end.day}日结束" in page


def test_why_a_window_is_longer_than_the_rule_is_said(client, notice):
    address, said = f"/notices/{notice.reference}/", "公示期比规定的长"
    assert said not in client.get(address).content.decode()
    notice.extend(by=make_user("zhang"), closes_on=notice.closes_on + 21 * DAY, reason="系统停机一天")
    notice.publish(confirmed=True, by=make_user("li"))
    assert said in client.get(address).content.decode()


def test_the_sentence_that_states_the_window_follows(notice):
    opens_on, end = notice.opens_on, notice.closes_on
    section = notice.sections.get(kind="acceptance")
    section.body += "\n" + SENTENCE.format(a=opens_on, b=end)
    section.save()
    notice.extend(by=make_user("zhang"), closes_on=end + 5 * DAY, reason="系统停机一天")
    notice.publish(confirmed=True, by=make_user("li"))
    text = "\n".join(notice.edition.read().section("acceptance").paragraphs)
    assert SENTENCE.format(a=opens_on, b=end + 5 * DAY) in text
    assert SENTENCE.format(a=opens_on, b=end) not in text
    assert "2025年4月15日" in text  # other dates stay


@pytest.mark.parametrize("days", [0, -1, -30])
def test_a_window_is_never_shortened(notice, days):
    with pytest.raises(NotAllowed, match="晚于"):
        notice.extend(by=make_user("zhang"), closes_on=notice.closes_on + days * DAY, reason="缩短")
    assert notice.edition.number == 1


@pytest.mark.parametrize(("field", "days"), [("closes_on", -1), ("opens_on", 1), ("opens_on", -1)])
def test_a_correction_can_neither_shorten_nor_move_the_window(notice, field, days):
    notice.begin_correction(by=make_user("zhang"), reason="更正")
    PublicityNotice.objects.filter(pk=notice.pk).update(**{field: getattr(notice, field) + days * DAY})
    notice.refresh_from_db()
    notice.submit(by=make_user("zhang"))
    with pytest.raises(NotAllowed, match="公示"):
        notice.publish(confirmed=True, by=make_user("li"))
    assert notice.editions.count() == 1


def test_an_extension_needs_a_public_reason(notice):
    with pytest.raises(NotAllowed, match="原因"):
        notice.extend(by=make_user("zhang"), closes_on=notice.closes_on + DAY, reason=" ")


def test_whoever_worked_on_the_draft_does_not_publish_it(notice):
    notice.begin_correction(by=make_user("zhang"), reason="更正")
    notice.editors.add(make_user("wu"))
    notice.submit(by=make_user("zhang"))
    with pytest.raises(NotAllowed, match="起草人不能发布"):
        notice.publish(confirmed=True, by=make_user("wu"))
    notice.publish(confirmed=True, by=make_user("li"))  # the control: a third person does
    assert not notice.editors.exists()


def test_saving_the_form_makes_an_editor(client, notice):
    notice.begin_correction(by=make_user("zhang"), reason="更正")
    wu = make_user("wu", "notices.change_publicitynotice", "notices.view_publicitynotice")
    client.force_login(wu)
    page = reverse("admin:notices_publicitynotice_change", args=[notice.pk])
    assert client.post(page, filled(client, page, title="改过的标题")).status_code == 302
    notice.refresh_from_db()
    assert notice.title == "改过的标题"
    assert list(notice.editors.all()) == [wu]


def test_a_date_that_is_none_is_refused_by_the_button(client, notice):
    client.force_login(make_user("zhang", "notices.change_publicitynotice", "notices.view_publicitynotice"))
    url = reverse("admin:notices_publicitynotice_verb", args=[notice.pk, "extend"])
    page = client.post(url, {"closes_on": "2026-02-30", "reason": "延期"}, follow=True).content.decode()
    assert "新的结束日期" in page
    notice.refresh_from_db()
    assert not notice.drafted_at
