"""What handlers do beside the steps of a case: assign, note, reopen, give a lost code anew; and who gets the case at all."""

import pytest
from django.core import mail as outbox
from django.urls import reverse
from django.utils import timezone

from notices import mail
from notices.models import NotAllowed
from objections import outcomes, receipts
from objections.models import Note, Objection, OutgoingMail, Status
from tests.make import (
    DAY,
    make_notice,
    make_objection,
    make_office,
    make_organisation,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db

HANDLE = "objections.handle_objection"
HANDLER = ("objections.view_objection", HANDLE)


def press(client, row, verb, **said):
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_verb"
    return client.post(reverse(name, args=[row.pk, verb]), said, follow=True)


def change_page(objection) -> str:
    return reverse("admin:objections_objection_change", args=[objection.pk])


def track(client, token):
    return client.post("/objections/track/", {"code": receipts.code_for(token)}).content.decode()


@pytest.fixture
def wu(client):
    user = make_user("wu", *HANDLER)
    client.force_login(user)
    return user


def done(objection: Objection, finding: str = "partly") -> Objection:
    by = make_user("wu")
    objection.accept(by=by)
    objection.verify(by=by, finding=finding)
    objection.answer(by=by, reply="第一次答复")
    objection.finish(by=by)
    return objection


# --- Assign -----------------------------------------------------------------------------------------------------


def test_a_case_is_assigned_and_assigned_again(client, wu):
    objection, zhao = make_objection(), make_user("zhao", HANDLE)
    press(client, objection, "assign", to=zhao.pk)
    objection.refresh_from_db()
    assert (objection.assigned_to, objection.assigned_by) == (zhao, wu)
    press(client, objection, "assign", to=wu.pk)
    objection.refresh_from_db()
    assert objection.assigned_to == wu
    assert [event.text for event in objection.events.filter(kind="assigned")] == ["zhao", "wu"]


def test_only_who_may_handle_can_be_given_a_case(client, wu):
    objection, outsider = make_objection(), make_user("outsider")
    page = client.get(change_page(objection)).content.decode()
    assert f'value="{wu.pk}"' in page
    assert f'value="{outsider.pk}"' not in page
    assert "请选择承办人" in press(client, objection, "assign", to=outsider.pk).content.decode()
    with pytest.raises(NotAllowed, match="没有办理异议的权限"):
        objection.assign(by=wu, to=outsider)
    assert not objection.assigned_to


def test_a_done_case_is_assigned_to_nobody(wu):
    with pytest.raises(NotAllowed, match="已经办结"):
        done(make_objection()).assign(by=wu, to=wu)


# --- Notes ------------------------------------------------------------------------------------------------------


def test_a_note_is_for_colleagues_alone(client, wu):
    objection = make_objection(token="mine")
    press(client, objection, "note", text="已电话联系水务局")
    objection.assign(by=wu, to=wu)
    assert "已电话联系水务局" in client.get(change_page(objection)).content.decode()
    page = track(client, "mine")
    assert "已电话联系水务局" not in page
    assert "指派" not in page
    assert [note.by for note in objection.notes.all()] == [wu]


def test_the_page_shows_what_there_is_and_no_empty_line(client, wu):
    objection = make_objection(make_notice())
    told = {"field-hold_reason": "家属来电", "notes-group": "已回电", "field-held_by": "wu"}
    text = client.get(change_page(objection)).content.decode()
    assert not [each for each in told if each in text]
    assert "field-content" in text
    objection.hold(by=wu, reason="家属来电")
    objection.note(by=wu, text="已回电")
    text = client.get(change_page(objection)).content.decode()
    assert not [each for each, said in told.items() if each not in text or said not in text]


def test_an_empty_note_is_refused(client, wu):
    objection = make_objection()
    assert "请填写备注内容" in press(client, objection, "note", text=" ").content.decode()
    assert not Note.objects.exists()


def test_a_note_is_ciphertext_in_the_database(wu):
    from django.db import connection

    make_objection().note(by=wu, text="秘密备注")
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM objections_note")
        assert "秘密备注" not in cursor.fetchone()[0]


# --- Reopen -----------------------------------------------------------------------------------------------------


def test_a_reopened_case_starts_anew_and_its_past_stays(client, wu):
    objection = done(make_objection(token="mine"))
    Objection.objects.update(decide_by="2020-01-01", reply_by="2020-01-01")
    press(client, objection, "reopen", reason="异议人补充了照片")
    objection.refresh_from_db()
    assert objection.status == Status.ACCEPTED
    assert (objection.finding, objection.reply) == ("", "")
    assert objection.reply_by == timezone.localdate() + 60 * DAY
    texts = {event.kind: event.text for event in objection.events.all()}
    assert (texts["verified"], texts["replied"], texts["reopened"]) == ("部分属实", "第一次答复", "异议人补充了照片")
    page = track(client, "mine")
    assert "重新办理" in page
    assert "第一次答复" in page
    assert "异议人补充了照片" not in page


def test_a_case_that_was_declined_comes_back_undecided(wu):
    objection = make_objection()
    objection.decline(by=wu, reason="与公示无关")
    objection.answer(by=wu, reply="答复")
    objection.finish(by=wu)
    objection.reopen(by=wu, reason="决定有误")
    assert (objection.status, objection.decline_reason) == (Status.RECEIVED, "")
    assert objection.events.get(kind="declined").text == "与公示无关"


@pytest.mark.parametrize("reason", ["", "  "])
def test_reopening_needs_a_reason(wu, reason):
    objection = done(make_objection())
    with pytest.raises(NotAllowed, match="请写明重新办理的原因"):
        objection.reopen(by=wu, reason=reason)
    assert objection.status == Status.DONE


def test_only_a_done_case_is_reopened(wu):
    with pytest.raises(NotAllowed, match="只有已办结"):
        make_objection().reopen(by=wu, reason="原因")


def test_a_button_of_a_page_that_no_longer_holds_is_refused(client, wu):
    objection = make_objection()
    seen = client.get(change_page(objection)).context["seen"]
    objection.decline(by=make_user("zhao"), reason="与公示无关")
    assert "内容有变化" in press(client, objection, "note", text="备注", seen=seen).content.decode()
    assert not Note.objects.exists()


# --- A lost code ------------------------------------------------------------------------------------------------


def test_a_new_code_works_the_old_one_no_longer(client, wu):
    objection = make_objection(token="mine")
    response = press(client, objection, "reissue_code", checked="回拨登记的电话，复述了内容")
    code = response.context["code"]
    assert code in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert Objection.objects.by_code(code) == objection
    assert Objection.objects.by_code(receipts.code_for("mine")) is None
    assert "没有找到" in track(client, "mine")
    assert objection.events.get(kind="reissued").text == "回拨登记的电话，复述了内容"
    for page in (change_page(objection), reverse("admin:index")):
        assert code not in client.get(page).content.decode()


def test_no_code_without_a_check(client, wu):
    objection = make_objection(token="mine")
    assert "请写明怎样核实" in press(client, objection, "reissue_code", checked=" ").content.decode()
    assert Objection.objects.by_code(receipts.code_for("mine")) == objection


def test_a_second_new_code_ends_the_first(wu):
    objection = make_objection()
    first, second = (objection.reissue_code(by=wu, checked="回拨") for _ in range(2))
    assert Objection.objects.by_code(first) is None
    assert Objection.objects.by_code(second) == objection


def test_a_receipt_that_still_waits_carries_the_new_code(wu):
    objection = make_objection(token="mine")
    code = objection.reissue_code(by=wu, checked="回拨")
    mail.send_due()
    (body,) = [each.body for each in outbox.outbox if each.to == ["wang@citizen.example"]]
    assert code in body


def test_the_tally_can_still_be_proved_after_a_new_code(wu):
    notice = make_notice()
    mine, other = make_objection(notice, "mine"), make_objection(notice, "other")
    outcomes.tally(notice, timezone.now())
    before = outcomes.counted_proof(other)
    mine.reissue_code(by=wu, checked="回拨")
    assert outcomes.counted_proof(other) == before
    assert outcomes.counted_proof(mine)["root"] == before["root"]


def test_the_form_sent_again_after_a_new_code_is_still_the_same_objection(wu):
    notice = make_notice()
    make_objection(notice, "mine").reissue_code(by=wu, checked="回拨")
    with pytest.raises(Exception, match="YY"):
        make_objection(notice, "mine")
    assert Objection.objects.count() == 1


# --- Who may ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("assign", {"to": 1}),
        ("note", {"text": "备注"}),
        ("reopen", {"reason": "原因"}),
        ("forward", {"reason": "原因"}),
        ("reissue_code", {"checked": "回拨"}),
    ],
)
def test_who_may_only_read_has_none_of_these_buttons(client, verb, said):
    objection = done(make_objection())
    events = objection.events.count()
    client.force_login(make_user("reader", "objections.view_objection"))
    assert "/verb/" not in client.get(change_page(objection)).content.decode()
    assert press(client, objection, verb, **said).status_code == 403
    assert (objection.events.count(), objection.notes.count()) == (events, 0)
    client.logout()
    assert "/login/" in press(client, objection, verb, **said).redirect_chain[0][0]


# --- Where it goes ----------------------------------------------------------------------------------------------


@pytest.fixture
def above():
    province = make_organisation("990000", "沧澜省生态环境厅")
    make_office(province, name="督察处", mailboxes="ducha@canglan.example\nxinfang@canglan.example")
    city = make_organisation(parent=province)
    make_office(city)
    return province


def recipients() -> list[str]:
    return [each.recipient for each in OutgoingMail.objects.filter(kind="office")]


def notice_about(units: str):
    return make_notice(tasks=[make_task(responsible_units=units)])


@pytest.mark.parametrize("units", ["临溪区人民政府、青澜市生态环境局", "青澜市生态环境局"])
def test_an_office_does_not_judge_its_own_case(above, units):
    objection = make_objection(notice_about(units))
    assert objection.routed_to == above
    assert recipients() == ["ducha@canglan.example", "xinfang@canglan.example"]
    assert objection.events.get(kind="routed").text == "沧澜省生态环境厅"


@pytest.mark.parametrize("units", ["", "临溪区人民政府"])
def test_any_other_case_goes_to_the_office(above, units):
    objection = make_objection(notice_about(units))
    assert objection.routed_to is None
    assert recipients() == ["office@qinglan.example"]
    assert not objection.events.filter(kind="routed").exists()


def test_the_name_of_the_office_counts_too(above):
    city = make_organisation()
    office = make_office(city, name="整改工作专班", phone="0000-1")
    notice = make_notice(receiving_office=office, tasks=[make_task(responsible_units="整改工作专班")])
    assert make_objection(notice).routed_to == above


def test_an_organisation_that_is_responsible_too_is_passed_over(above):
    country = make_organisation("980000", "上级督察机构")
    make_office(country, name="督察局", mailboxes="ju@country.example")
    above.parent = country
    above.save()
    assert make_objection(notice_about("青澜市生态环境局、沧澜省生态环境厅")).routed_to == country


def test_without_anyone_above_it_is_not_lost():
    objection = make_objection(notice_about("青澜市生态环境局"))
    assert objection.routed_to is None
    assert recipients() == ["office@qinglan.example"]


def test_a_case_about_the_office_is_forwarded_by_hand(client, above):
    objection, wu = make_objection(), make_user("wu", *HANDLER)
    objection.assign(by=wu, to=wu)
    client.force_login(wu)
    assert press(client, objection, "forward", reason="异议说的就是我们").status_code == 200
    objection.refresh_from_db()
    assert (objection.routed_to, objection.assigned_to) == (above, None)
    assert recipients() == ["office@qinglan.example", "ducha@canglan.example", "xinfang@canglan.example"]
    event = objection.events.public().get(kind="routed")
    assert (event.by, event.text) == (wu, "沧澜省生态环境厅")
    assert "异议说的就是我们" in objection.notes.get().text
    body = OutgoingMail.objects.filter(kind="office").last().compose().body
    assert "由上级单位办理" in body
    assert "王小明" not in body


def test_it_is_forwarded_once_with_a_reason_while_it_is_open_and_somebody_is_above(above):
    wu, objection = make_user("wu"), make_objection()
    with pytest.raises(NotAllowed, match="请写明转送的原因"):
        objection.forward(by=wu, reason=" ")
    objection.forward(by=wu, reason="原因")
    with pytest.raises(NotAllowed, match="已经转送上级单位"):
        objection.forward(by=wu, reason="原因")
    finished = done(make_objection(make_notice(tasks=[], title="另一份"), token="2"))
    with pytest.raises(NotAllowed, match="已经办结"):
        finished.forward(by=wu, reason="原因")
    assert len(recipients()) == 4
    above.receiving_offices.update(mailboxes="")
    with pytest.raises(NotAllowed, match="请先登记上级单位"):
        finished.forward(by=wu, reason="原因")
