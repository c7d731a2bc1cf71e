"""The linter speaks before a notice is published: errors stop, warnings ask."""

import datetime

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from notices.models import (
    Edition,
    LogEntry,
    NotAllowed,
    NoticeSection,
    PublicityNotice,
)
from tests.make import DAY, make_draft, make_organisation, make_user
from tests.test_acts import EDIT, NOON, VIEW, change_url, fresh, li, page, submitted, zhang

pytestmark = pytest.mark.django_db


def with_section(draft, body: str) -> PublicityNotice:
    NoticeSection.objects.create(notice=draft, ordinal=9, kind="other", heading="五、其他", body=body)
    return draft


ERRORS = [
    ({"signatories": ""}, "没有落款单位"),
    ({"title": "关于XXX整改任务的公示"}, "模板占位内容"),
    ({"closes_on": timezone.localdate() + 60 * DAY, "signed_on": timezone.localdate() + DAY}, "晚于公示起始日期"),
]
SHORT = {"closes_on": timezone.localdate() + DAY}


@pytest.mark.parametrize("via", ["review", "emergency", "command"])
@pytest.mark.parametrize(("fields", "message"), ERRORS)
def test_an_error_stops_every_way_of_publishing(fields, message, via):
    draft = submitted(**fields)
    with pytest.raises(NotAllowed, match=message):
        draft.publish(by=li(), via=via, emergency_reason="汛期抢险", confirmed=True)
    assert not Edition.objects.exists()
    assert not LogEntry.objects.exists()


def test_a_window_shorter_than_the_rule_is_never_published():
    draft = submitted()
    rule_end = draft.closes_on
    PublicityNotice.objects.filter(pk=draft.pk).update(closes_on=rule_end - DAY)
    with pytest.raises(NotAllowed, match="公示期只有"):
        fresh(draft).publish(by=li(), confirmed=True)
    PublicityNotice.objects.filter(pk=draft.pk).update(closes_on=rule_end)
    assert fresh(draft).publish(by=li(), confirmed=True).closes_on == rule_end  # the control


def test_warnings_must_be_confirmed_and_are_kept_with_the_edition():
    draft = with_section(make_draft(), "市委督查室多次督查整改，中央环保督查组给予肯定。")
    draft.submit(by=zhang())
    warnings = [finding.text for finding in draft.findings()]
    assert any("督察" in text for text in warnings)
    with pytest.raises(NotAllowed, match=r"已核对提示.*督察"):
        draft.publish(by=li())
    assert not LogEntry.objects.exists()
    edition = draft.publish(by=li(), confirmed=True)
    assert len(Edition.objects.get(pk=edition.pk).warnings) == len(warnings)
    for text, kept in zip(warnings, edition.warnings, strict=True):
        assert kept.endswith(f"：{text}")


def test_a_draft_without_findings_needs_no_confirmation():
    with time_machine.travel(NOON, tick=False):
        clean = submitted(opens_on=datetime.date(2026, 3, 10), title="没有提示的公示", tasks=[])
        with_section(clean, "如有异议，请在公示期内书面反映。")
        assert clean.findings() == []
        assert clean.publish(by=li()).warnings == []


def test_an_end_that_cannot_be_counted_yet_is_confirmed_like_a_warning():
    start = datetime.date(2035, 3, 12)
    draft = submitted(opens_on=start, closes_on=start + 20 * DAY)
    make_organisation().publicity_rules.update(unit="working", length=10)
    with pytest.raises(NotAllowed, match="还没有公布或录入"):
        draft.publish(by=li())
    assert any("2035年" in warning for warning in draft.publish(by=li(), confirmed=True).warnings)


def test_the_findings_stand_on_the_admin_page_until_the_draft_is_published(client):
    draft = with_section(make_draft(signatories=""), "中央环保督查组给予肯定。")
    client.force_login(make_user("zhang", VIEW, EDIT))
    html = page(client, change_url(draft))
    assert 'class="finding finding--error"' in html
    assert 'class="finding finding--warning"' in html
    for finding in draft.findings():
        assert finding.place in html
    assert "没有落款单位" in html
    PublicityNotice.objects.filter(pk=draft.pk).update(signatories="青澜市生态环境局")
    assert "没有落款单位" not in page(client, change_url(draft))
    draft = fresh(draft)
    draft.submit(by=zhang())
    draft.publish(by=li(), confirmed=True)
    assert 'class="finding' not in page(client, change_url(draft))


def test_a_typing_error_in_a_year_locks_nobody_out_of_the_draft(client):
    draft = make_draft(closes_on=datetime.date(2090, 1, 1))
    client.force_login(make_user("zhang", VIEW, EDIT))
    assert "天数过长" in page(client, change_url(draft))
    assert draft.title in page(client, reverse("admin:notices_publicitynotice_preview", args=[draft.pk]))
    draft.submit(by=zhang())
    with pytest.raises(NotAllowed, match="天数过长"):
        draft.publish(by=li(), confirmed=True)
