"""The staff handbook: every field that is filled in is explained, every button is told, each reader finds their own work."""

from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.test import RequestFactory
from django.urls import resolve, reverse

from portal import handbook
from tests.make import make_member, make_user

pytestmark = pytest.mark.django_db
# What says all by its name.
SELF_EXPLANATORY = {
    "单位",
    "所属单位",
    "单位类型",
    "姓氏",
    "名字",
    "地址",
    "公示",
    "方式",
    "类别",
    "级别",
    "类型",
    "第几轮",
    "顺序",
    "小标题",
    "编号写法",
    "日期",
    "天数单位",
    "反馈日期",
    "整改方案印发日期",
    "报告日期",
    "验收日期",
    "验收意见",
    "落款日期",
    "开始日期",
    "开始时间",
    "督察轮次",
    "发布单位",
}


@pytest.fixture
def request_of_all(rf: RequestFactory):
    request = rf.get("/")
    request.user, request.resolver_match = make_user("boss", is_superuser=True), resolve("/admin/handbook/")
    return request


def test_every_field_is_explained_or_explains_itself(request_of_all):
    fields = {
        (chapter.title, field.label): field
        for chapter in handbook.chapters(request_of_all)
        for _, part in chapter.parts
        for field in part
    }
    assert len(fields) > 60
    bare = {key for key, field in fields.items() if not field.help and field.label not in SELF_EXPLANATORY}
    assert not bare
    assert len(SELF_EXPLANATORY) <= 30
    assert {label for _, label in fields} >= SELF_EXPLANATORY


def test_every_button_is_told_and_nothing_that_is_no_button(request_of_all):
    told = {chapter.model: {button.name for button in chapter.buttons} for chapter in handbook.chapters(request_of_all)}
    verbs = {
        model._meta.label_lower: set(verbs)
        for model, model_admin in admin.site._registry.items()
        if (verbs := getattr(model_admin, "verbs", {}))
    }
    assert {model: buttons for model, buttons in told.items() if buttons} == verbs
    written = {model: set(texts) for model, texts in handbook.written().items() if model != "guide"}
    assert written == verbs


def test_each_reader_finds_their_own_work(client):
    pages = {}
    for role in ("editor", "handler", "auditor"):
        client.force_login(make_member(role, role))
        pages[role] = client.get(reverse("admin:handbook")).content.decode()
    assert "从 Word 到公示" in pages["editor"]
    assert "送审" in pages["editor"]
    assert "审核发布</h2>" not in pages["editor"]
    assert "办理异议" in pages["handler"]
    assert "从 Word 到公示" not in pages["handler"]
    assert "查审计记录" in pages["auditor"]
    assert "<h3>填写</h3>" not in pages["auditor"]
    assert reverse("admin:handbook") in client.get(reverse("admin:index")).content.decode()


def test_the_handbook_as_a_file_says_the_same(client, request_of_all):
    from django.utils import timezone

    report = handbook.report(request_of_all, timezone.now())
    headings = {part.heading for part in report.parts}
    assert {"从 Word 到公示", "公示：按钮", "异议：按钮", "整改任务：填写"} <= headings
    client.force_login(request_of_all.user)
    response = client.get(reverse("admin:handbook_file"))
    assert response["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")


def test_pictures_are_there_and_few_and_small():
    kept = {each.name: each for each in Path(finders.find("portal/handbook")).iterdir()}
    assert {each["picture"] for each in handbook.written()["guide"] if "picture" in each} == set(kept)
    assert len(kept) <= 8
    assert max(each.stat().st_size for each in kept.values()) <= 80 * 1024
