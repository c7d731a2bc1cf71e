"""Objections that say the same, or come in a flood, are marked for the handler; none is dropped, each is answered."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from objections.models import Objection
from objections.models.objection import likeness
from objections.models.queue import FLOOD
from tests.make import make_notice, make_objection, make_user

pytestmark = pytest.mark.django_db


def marks(field: str) -> list[bool]:
    return list(Objection.objects.marked().order_by("id").values_list(field, flat=True))


def test_the_same_text_counts_whatever_its_blanks_width_and_punctuation():
    assert likeness("垃圾没有清运。ABC 12") == likeness("垃圾 没有清运！ａｂｃ１２\n")
    assert likeness("垃圾没有清运") != likeness("垃圾已经清运")
    assert "垃圾" not in likeness("垃圾")


def test_who_says_the_same_of_the_same_notice_is_marked_and_kept():
    notice, other = make_notice(), make_notice(tasks=[], title="另一份")
    first = make_objection(notice, "1", content="垃圾没有清运。")
    second = make_objection(notice, "2", content="垃圾 没有清运！", name="李大爷")
    make_objection(notice, "3", content="别的事情")
    make_objection(other, "4", content="垃圾没有清运。")
    assert marks("is_doubled") == [True, True, False, False]
    assert [list(each.alike()) for each in (first, second)] == [[second], [first]]
    assert Objection.objects.pending().count() == 4


def test_a_flood_is_marked_from_its_twentieth_on():
    notice = make_notice()
    for number in range(FLOOD + 1):
        make_objection(notice, str(number), content=f"第{number}件", email="")
    make_objection(make_notice(tasks=[], title="另一份"), "x")
    assert marks("is_one_of_many") == [False] * (FLOOD - 1) + [True, True, False]
    assert [each.pk for each in Objection.objects.one_of_many()] == [
        each.pk for each in Objection.objects.marked().filter(is_one_of_many=True)
    ]
    Objection.objects.filter(pk=notice.objections.order_by("id")[0].pk).update(
        received_at=timezone.now() - datetime.timedelta(hours=2)
    )
    assert sum(marks("is_one_of_many")) == 1


def test_the_handler_sees_the_marks_and_the_way_to_the_others(client):
    notice = make_notice()
    first, second = (make_objection(notice, token) for token in ("1", "2"))
    alone = make_objection(notice, "3", content="别的事情")
    client.force_login(make_user("wu", "objections.view_objection", "objections.handle_objection"))
    listed = reverse("admin:objections_objection_changelist")
    assert client.get(listed).content.decode().count("· 可能重复") == 2
    page = client.get(listed, {"queue": "is_doubled"})
    assert {each.pk for each in page.context["cl"].result_list} == {first.pk, second.pk}
    change = reverse("admin:objections_objection_change", args=[first.pk])
    assert second.number in client.get(change).content.decode()
    assert alone.number not in client.get(change).content.decode()
