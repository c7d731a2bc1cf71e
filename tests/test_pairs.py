"""The page of a task: measures beside their progress, in an order that one types; numbers may change places."""

import pytest
from django.urls import reverse

from tests.filling import filled
from tests.make import make_draft, make_task, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(admin_client):
    task = make_task()
    for ordinal, text in enumerate(("清运垃圾。", "每周巡查。", "公开电话。"), 1):
        task.measures.create(ordinal=ordinal, text=text)
    task.reports.create(ordinal=1, measure=task.measures.get(ordinal=1), text="已清运。")
    return task


def page_of(row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def texts(rows) -> list[str]:
    return [each.text for each in rows.all()]


def test_each_measure_has_a_box_for_its_progress_and_so_has_a_new_one(admin_client, task):
    shown = next(
        each for each in admin_client.get(page_of(task)).context["inline_admin_formsets"] if hasattr(each, "pairs")
    )
    pairs = shown.pairs
    assert [len(each.reports) for each in pairs.rows] == [1, 1, 1, 1]
    assert [each.measure.original and each.measure.original.ordinal for each in pairs.rows] == [1, 2, 3, None]
    assert len(pairs.whole) == 1
    sent = filled(admin_client, page_of(task), reports__1__text="已巡查。", measures__3__text="新措施。")
    sent |= {"reports-3-text": "新措施的进展。", "reports-4-text": "总的情况。"}
    assert admin_client.post(page_of(task), sent).status_code == 302
    found = [(each.measure and each.measure.text, each.text) for each in task.reports.all()]
    assert found == [
        ("清运垃圾。", "已清运。"),
        ("每周巡查。", "已巡查。"),
        ("新措施。", "新措施的进展。"),
        (None, "总的情况。"),
    ]
    assert [each.ordinal for each in task.measures.all()] == [1, 2, 3, 4]


def test_an_untouched_page_saves_nothing_new(admin_client, task):
    assert admin_client.post(page_of(task), filled(admin_client, page_of(task))).status_code == 302
    assert (task.measures.count(), task.reports.count()) == (3, 1)


@pytest.mark.parametrize(
    ("numbers", "order"),
    [
        (("3", "1", "2"), [1, 2, 0]),
        (("2", "1", "3"), [1, 0, 2]),
        (("", "2", "3"), [1, 2, 0]),
        (("30", "20", "10"), [2, 1, 0]),
    ],
)
def test_numbers_change_places(admin_client, task, numbers, order):
    before = texts(task.measures)
    typed = {f"measures-{place}-ordinal": number for place, number in enumerate(numbers)}
    assert admin_client.post(page_of(task), filled(admin_client, page_of(task)) | typed).status_code == 302
    assert texts(task.measures) == [before[place] for place in order]


def test_two_of_one_number_are_told_beside_the_field(admin_client, task):
    answer = admin_client.post(page_of(task), filled(admin_client, page_of(task), measures__1__ordinal="1"))
    assert answer.content.decode().count("同一任务里两条措施的顺序相同，请改其中一条。") == 2
    assert [each.ordinal for each in task.measures.all()] == [1, 2, 3]


def test_the_number_of_a_row_that_is_deleted_is_free_in_the_same_save(admin_client, task):
    sent = filled(admin_client, page_of(task), measures__1__DELETE="on", measures__0__ordinal="2")
    assert admin_client.post(page_of(task), sent).status_code == 302
    assert texts(task.measures) == ["清运垃圾。", "公开电话。"]


@pytest.mark.parametrize("number", ["-1", "1000", "x"])
def test_a_number_out_of_bounds_is_refused(admin_client, task, number):
    answer = admin_client.post(page_of(task), filled(admin_client, page_of(task), measures__1__ordinal=number))
    assert answer.status_code == 200
    assert texts(task.measures)[1] == "每周巡查。"


def test_progress_beside_a_measure_that_was_not_typed_is_asked(admin_client, task):
    answer = admin_client.post(page_of(task), filled(admin_client, page_of(task), reports__3__text="孤零零的进展。"))
    assert "左边的措施还没有填写" in answer.content.decode()
    assert "孤零零的进展。</textarea>" in answer.content.decode()
    assert task.reports.count() == 1


def test_sections_of_a_notice_change_places_too(admin_client):
    draft = make_draft(drafted_by=make_user("zhang"))
    headings = [each.heading for each in draft.sections.all()]
    sent = filled(admin_client, page_of(draft), sections__0__ordinal="2", sections__1__ordinal="1")
    assert admin_client.post(page_of(draft), sent).status_code == 302
    assert [each.heading for each in draft.sections.all()] == [headings[1], headings[0], *headings[2:]]
