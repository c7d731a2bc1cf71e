"""Two people at the same form: the second save overwrites nothing, shows the difference, keeps what was typed."""

import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from notices.admin import conflicts
from notices.models import InspectionRound, PublicityNotice, TrailEntry
from tests.filling import filled
from tests.make import make_draft, make_member, make_office, make_round, make_task, make_user

pytestmark = pytest.mark.django_db


def page_of(row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def person(name: str) -> Client:
    client = Client()
    client.force_login(make_user(name, is_superuser=True, last_name=name.upper()))
    return client


@pytest.fixture
def zhang():
    return person("zhang")


@pytest.fixture
def li():
    return person("li")


@pytest.fixture
def task():
    task = make_task(objective="清理河道。")
    for ordinal, text in ((1, "清运两岸垃圾。"), (2, "每周巡查一次。")):
        task.measures.create(ordinal=ordinal, text=text)
    return task


def saved(client, row, sent):
    return client.post(page_of(row), sent)


def choices(answer) -> dict:
    """label → (mine, theirs, chosen) of a page that shows a conflict."""
    found = answer.context["conflict"].differences
    return {each.label: (each.mine, each.theirs, each.chosen) for each in found}


def again(answer, sent: dict, **taken) -> dict:
    """What is sent next from the page that shows the conflict, with other choices where `taken` says so."""
    chosen = {f"take:{each.name}": each.chosen for each in answer.context["conflict"].differences if each.chosen}
    told = {f"take:{name.replace('__', '-')}": which for name, which in taken.items()}
    return dict(answer.wsgi_request.POST.lists()) | {"_shown": answer.context["shown"]} | chosen | told


def test_the_second_save_shows_the_difference_and_keeps_what_was_typed(zhang, li, task):
    first, second = filled(zhang, page_of(task)), filled(li, page_of(task))
    assert saved(zhang, task, first | {"problem": "张写的问题。"}).status_code == 302
    answer = saved(li, task, second | {"problem": "李写的问题。", "objective": "李写的目标。"})
    assert answer.status_code == 409
    task.refresh_from_db()
    assert (task.problem, task.objective) == ("张写的问题。", "清理河道。")
    assert choices(answer) == {"反馈问题": ("李写的问题。", "张写的问题。", "mine")}
    page = answer.content.decode()
    assert "ZHANG（zhang）" in page
    assert "李写的目标。</textarea>" in page
    assert TrailEntry.objects.first().action == "refused"
    assert saved(li, task, again(answer, second)).status_code == 302
    task.refresh_from_db()
    assert (task.problem, task.objective) == ("李写的问题。", "李写的目标。")


def test_the_control_without_the_comparison_the_second_save_overwrites(zhang, li, task, monkeypatch):
    first, second = filled(zhang, page_of(task)), filled(li, page_of(task))
    monkeypatch.setattr(conflicts, "meet", lambda *given: None)
    saved(zhang, task, first | {"problem": "张写的问题。"})
    assert saved(li, task, second).status_code == 302
    task.refresh_from_db()
    assert task.problem == "河道两岸堆放垃圾。"


def test_theirs_is_kept_where_it_is_chosen_and_where_i_changed_nothing(zhang, li, task):
    first, second = filled(zhang, page_of(task)), filled(li, page_of(task))
    saved(zhang, task, first | {"problem": "张写的问题。", "objective": "张写的目标。"})
    answer = saved(li, task, second | {"problem": "李写的问题。"})
    assert {label: each[2] for label, each in choices(answer).items()} == {"反馈问题": "mine", "整改目标": "theirs"}
    assert saved(li, task, again(answer, second, problem="theirs")).status_code == 302
    task.refresh_from_db()
    assert (task.problem, task.objective) == ("张写的问题。", "张写的目标。")


def test_a_third_save_in_between_is_shown_again(zhang, li, task):
    sent = filled(li, page_of(task), problem="李写的问题。")
    saved(zhang, task, filled(zhang, page_of(task), problem="张写的问题。"))
    answer = saved(li, task, sent)
    saved(zhang, task, filled(zhang, page_of(task), problem="张又改了。"))
    answer = saved(li, task, again(answer, sent))
    assert answer.status_code == 409
    assert choices(answer)["反馈问题"][1] == "张又改了。"


def test_rows_that_were_changed_added_and_deleted(zhang, li, task):
    first, second = filled(zhang, page_of(task)), filled(li, page_of(task))
    one, two = task.measures.all()
    first |= {"measures-0-text": "张改的措施。", "measures-1-DELETE": "on"}
    number = int(first["measures-TOTAL_FORMS"][0])
    first |= {f"measures-{number}-ordinal": "3", f"measures-{number}-text": "张加的措施。"}
    first["measures-TOTAL_FORMS"] = [str(number + 1)]
    assert saved(zhang, task, first).status_code == 302
    answer = saved(li, task, second | {"measures-1-text": "李改的措施。"})
    found = choices(answer)
    assert found[f"整改措施“{one}” · 内容".replace(str(one), "张改的措施。")] == (
        "清运两岸垃圾。",
        "张改的措施。",
        "theirs",
    )
    assert found["整改措施“张加的措施。”"][:2] == ("", "3\n张加的措施。")
    assert found["整改措施"] == ("2\n李改的措施。", "已经删除", "mine")
    assert saved(li, task, again(answer, second)).status_code == 302
    assert [each.text for each in task.measures.all()] == ["张改的措施。", "李改的措施。", "张加的措施。"]
    assert not task.measures.filter(pk=two.pk).exists()


def test_a_row_that_somebody_deleted_stays_away_when_that_is_chosen(zhang, li, task):
    second = filled(li, page_of(task), measures__1__text="李改的措施。")
    task.measures.get(ordinal=2).delete()
    answer = saved(li, task, second)
    name = next(each.name for each in answer.context["conflict"].differences)
    assert saved(li, task, again(answer, second) | {f"take:{name}": "theirs"}).status_code == 302
    assert [each.text for each in task.measures.all()] == ["清运两岸垃圾。"]


def test_what_i_delete_is_asked_when_somebody_changed_it(zhang, li, task):
    second = filled(li, page_of(task), measures__0__DELETE="on")
    task.measures.filter(ordinal=1).update(text="张改的措施。")
    answer = saved(li, task, second)
    assert next(iter(choices(answer).values()))[0] == "删除这一条"
    assert saved(li, task, again(answer, second, measures__0="theirs")).status_code == 302
    assert task.measures.count() == 2


def test_text_typed_into_a_notice_that_was_submitted_meanwhile_is_not_lost_in_silence(zhang, li):
    draft = make_draft()
    sent = filled(li, page_of(draft), title="李改的标题", sections__0__body="李改的内容")
    draft.submit(by=make_user("zhang"))
    answer = saved(li, draft, sent)
    assert answer.status_code == 409
    assert "李改的标题" in answer.content.decode()
    assert "李改的内容" in answer.content.decode()
    assert PublicityNotice.objects.get().title != "李改的标题"


def test_a_post_without_what_the_page_showed_overwrites_nothing(zhang, task):
    sent = filled(zhang, page_of(task))
    del sent["_shown"]
    assert saved(zhang, task, sent).status_code == 302  # it changes nothing
    assert saved(zhang, task, sent | {"problem": "手写的请求"}).status_code == 409
    other = make_task(2)
    stolen = filled(zhang, page_of(other))["_shown"]
    assert saved(zhang, task, sent | {"problem": "手写的请求", "_shown": stolen}).status_code == 409


@pytest.mark.parametrize("broken", [{"measures-TOTAL_FORMS": "x"}, {"_shown": "x" * 99}])
def test_a_broken_post_is_answered(zhang, task, broken):
    assert saved(zhang, task, filled(zhang, page_of(task)) | broken).status_code in (200, 302, 409)


def test_every_admin_page_of_the_portal_is_guarded(zhang, li):
    """Each kind of row, by one text that both change."""
    office = make_office()
    rows = [(make_round(), "name"), (make_draft(), "title"), (office.organisation, "name"), (office, "name")]
    rows += [(make_member("wu", "editor", email="wu@office.example"), "last_name")]
    for row, field in rows:
        sent = [filled(each, page_of(row)) for each in (zhang, li)]
        assert saved(zhang, row, sent[0] | {field: "甲改的"}).status_code == 302, row
        assert saved(li, row, sent[1] | {field: "乙改的"}).status_code == 409, row
        row.refresh_from_db()
        assert getattr(row, field) == "甲改的"


@pytest.mark.django_db(transaction=True)
def test_of_saves_at_the_same_time_one_wins_and_no_other_is_lost():
    round_ = make_round()
    people = [person(name) for name in "abcd"]
    sent = [filled(each, page_of(round_), name=f"轮次{number}") for number, each in enumerate(people)]
    barrier, answers = threading.Barrier(len(people)), {}

    def save(number: int):
        try:
            barrier.wait()
            answers[number] = saved(people[number], round_, sent[number]).status_code
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=[number]) for number in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers.values()) == [302, 409, 409, 409]
    winner = next(number for number, status in answers.items() if status == 302)
    assert InspectionRound.objects.get().name == f"轮次{winner}"
