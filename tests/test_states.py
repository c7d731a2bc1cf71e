"""States are derived: of one notice by a method, of many by a query, and the two agree on every day."""

import datetime

import pytest
from django.utils import timezone

from notices.models import PublicityNotice, RectificationTask, Stage, State
from tests.make import DAY, close, make_draft, make_notice, make_round, make_task, make_user, withdraw

TODAY = datetime.date(2025, 5, 6)


def at(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(10), tzinfo=timezone.get_default_timezone())


@pytest.mark.django_db
@pytest.mark.parametrize("offset", [-15, -1, 0, 5, 9, 10, 30])
def test_a_notice_and_the_query_agree_on_its_state(offset):
    today = timezone.localdate() + offset * DAY
    published, withdrawn = make_notice(), make_notice(tasks=[], title="另一份公示")
    withdraw(withdrawn)
    make_draft(tasks=[], title="草稿")
    for notice in (published, withdrawn):
        for state in (State.UPCOMING, State.OPEN, State.CLOSED, State.WITHDRAWN):
            found = PublicityNotice.objects.in_state(state, today).filter(pk=notice.pk).exists()
            assert found == (notice.state(today) == state), state


@pytest.mark.django_db
def test_a_draft_is_never_public():
    draft = make_draft()
    assert draft.state() == State.DRAFT
    assert not PublicityNotice.objects.public().exists()


def rectifying(task):
    pass


def self_accepted(task):
    task.acceptances.create(accepted_on=TODAY - 30 * DAY, conclusion="达到销号标准", created_at=at(TODAY - 29 * DAY))


def publish(task, opens_on, closes_on):
    draft = make_draft(opens_on, closes_on, tasks=[task], title=f"公示{opens_on}")
    draft.submit(by=make_user("zhang"), at=at(opens_on - DAY))
    draft.publish(confirmed=True, by=make_user("li"), at=at(opens_on - DAY))
    return draft


def announced(task):
    self_accepted(task)
    publish(task, TODAY + DAY, TODAY + 10 * DAY)


def in_publicity(task):
    publish(task, TODAY - DAY, TODAY + DAY)


def publicity_ended(task):
    publish(task, TODAY - 20 * DAY, TODAY - 10 * DAY)


def closed(task):
    publicity_ended(task)
    close(task, TODAY - 5 * DAY, at=at(TODAY - 5 * DAY))


def closure_proposed(task):
    publicity_ended(task)
    task.propose_closure(by=make_user("zhang"), closed_on=TODAY, at=at(TODAY))


def reopened(task):
    closed(task)
    task.reopen(by=make_user("li"), reason="回头看发现反弹", at=at(TODAY - 2 * DAY))


def accepted_again(task):
    reopened(task)
    task.acceptances.create(accepted_on=TODAY, conclusion="达到销号标准", created_at=at(TODAY))


def withdrawn_notice(task):
    withdraw(publish(task, TODAY - DAY, TODAY + DAY), at=at(TODAY))


STORIES = [
    (rectifying, Stage.RECTIFYING),
    (self_accepted, Stage.SELF_ACCEPTED),
    (announced, Stage.SELF_ACCEPTED),
    (in_publicity, Stage.IN_PUBLICITY),
    (publicity_ended, Stage.PUBLICITY_ENDED),
    (closed, Stage.CLOSED),
    (closure_proposed, Stage.PUBLICITY_ENDED),
    (reopened, Stage.REOPENED),
    (accepted_again, Stage.SELF_ACCEPTED),
    (withdrawn_notice, Stage.RECTIFYING),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("story", "stage"), STORIES, ids=lambda value: getattr(value, "__name__", value))
def test_a_task_and_the_query_agree_on_its_stage(story, stage):
    make_task(2)
    task = make_task(1)
    story(task)
    task = RectificationTask.objects.get(pk=task.pk)
    assert task.stage(TODAY) == stage
    assert RectificationTask.objects.staged(TODAY).get(pk=task.pk).derived_stage == stage


@pytest.mark.django_db
def test_overdue_is_past_the_deadline_and_not_closed():
    late = make_task(1, deadline_on=TODAY - DAY)
    due_today = make_task(2, deadline_on=TODAY)
    done = make_task(3, deadline_on=TODAY - DAY, round=make_round())
    closed(done)
    assert [task.is_overdue(TODAY) for task in (late, due_today, done)] == [True, False, False]
