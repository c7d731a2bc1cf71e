"""While a window is being chosen the server counts it; and what the checks say stands beside what it is about."""

import pytest
from django.urls import reverse
from django.utils import timezone

from notices.models import PublicityNotice
from tests.filling import filled
from tests.make import DAY, make_draft, make_member, make_organisation, make_task, make_user

pytestmark = pytest.mark.django_db
COUNTING = "/admin/notices/publicitynotice/counting/"
OPENS = "2025-04-30"  # of the reference notice: ten working days to 2025-05-16


@pytest.fixture
def editor(client):
    client.force_login(make_member("zhang", "editor"))
    return client


def asked(client, **said):
    given = {"organisation": make_organisation().pk, "stage": "self_acceptance", "opens_on": OPENS, "closes_on": ""}
    return client.get(COUNTING, given | said)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, "2025年5月16日"),
        ({"closes_on": "2025-05-15"}, "太早，不能发布"),
        ({"closes_on": "2025-05-19"}, "比规则长"),
        ({"closes_on": "2025-04-01"}, "2025年4月1日 太早，不能发布"),
        ({"opens_on": ""}, "填写公示开始日期后显示"),
        ({"opens_on": "2025-02-30"}, "输入一个有效的日期"),
        ({"opens_on": "2099-12-31", "closes_on": "2100-12-31"}, "2100年1月13日"),
        ({"opens_on": "2020-01-02", "closes_on": "2100-12-31"}, "天数过长"),
        ({"stage": "x" * 30}, "不超过 20 字符"),
    ],
)
def test_the_end_is_counted_by_the_rule(editor, said, told):
    answer = asked(editor, **said)
    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_the_days_stand_in_a_strip_and_holidays_do_not_count(editor):
    page = asked(editor).content.decode()
    assert page.count("day--counts") == 10
    assert page.count("劳动节") == 5


def test_the_rule_of_the_organisation_counts(editor):
    make_organisation().publicity_rules.create(stage="self_acceptance", length=7, unit="calendar")
    assert "2025年5月6日" in asked(editor).content.decode()


@pytest.mark.parametrize("organisation", ["", "x", "0", "99999999999999999999"])
def test_an_organisation_that_is_none_is_not_found(editor, organisation):
    assert asked(editor, organisation=organisation).status_code == 404


def test_a_foreign_organisation_is_not_found_and_a_handler_is_refused(editor, client):
    assert asked(editor, organisation=make_organisation("980300", "赤岭市生态环境局").pk).status_code == 404
    client.force_login(make_member("wu", "handler"))
    assert asked(client).status_code == 403


def test_nothing_is_asked_with_a_post(editor):
    assert editor.post(COUNTING, {}).status_code == 405


# --- Findings beside what they are about


def page_of(notice: PublicityNotice) -> str:
    return reverse("admin:notices_publicitynotice_change", args=[notice.pk])


def test_each_finding_stands_beside_its_field_or_section_and_is_linked_from_the_top(editor):
    draft = make_draft(signatories="", closes_on=None)
    draft.sections.filter(kind="progress").update(body="（一）清理河道。已清运垃圾×××吨。")
    answer = editor.get(page_of(draft))
    placed = {(finding.code, target) for finding, target in answer.context["checks"]}
    assert placed == {
        ("signatory_missing", "id_signatories"),
        ("placeholder", "sections-2"),
        ("measure_without_progress", "sections-1"),
    }
    form = answer.context["adminform"].form
    assert "没有落款单位" in form.fields["signatories"].help_text
    page = answer.content.decode()
    for target in ("id_signatories", "sections-2", "sections-1"):
        assert f'href="#{target}"' in page
        assert f'id="{target}"' in page
    assert page.count("错误</strong>") == 4  # two errors, on top and beside
    assert page.count("提示</strong>") == 2


def test_without_findings_nothing_is_said(editor):
    draft = make_draft()
    page = editor.get(page_of(draft)).content.decode()
    assert ("发布前检查" in page) == bool(draft.findings())


def test_who_reviews_sees_them_on_top_and_beside_the_sections(editor, client):
    draft = make_draft(signatories="")
    draft.submit(by=make_user("zhang"))
    client.force_login(make_member("li", "reviewer"))
    told = {finding.code: target for finding, target in client.get(page_of(draft)).context["checks"]}
    assert told["signatory_missing"] == ""


def test_the_end_is_computed_on_save_without_a_script(editor):
    draft = make_draft(timezone.localdate() + DAY, tasks=[make_task()])
    sent = filled(editor, page_of(draft), opens_on="2025-04-30", closes_on="")
    assert editor.post(page_of(draft), sent).status_code == 302
    draft.refresh_from_db()
    assert str(draft.closes_on) == "2025-05-16"
