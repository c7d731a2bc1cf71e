"""What is done to a notice before and after it is public: each act takes two people and says so in public."""

import datetime

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from notices.models import (
    Confirmation,
    Edition,
    LogEntry,
    NotAllowed,
    PublicityNotice,
    State,
)
from tests.make import DAY, make_draft, make_notice, make_organisation, make_user, withdraw

pytestmark = pytest.mark.django_db

HOUR, MICROSECOND = datetime.timedelta(hours=1), datetime.timedelta(microseconds=1)
NOON = datetime.datetime(2026, 3, 10, 12, 0, tzinfo=timezone.get_default_timezone())
CANARY = "举报人金丝雀"
GROUND = "依据某法第三十二条"


def zhang():
    return make_user("zhang")


def li():
    return make_user("li")


def submitted(**fields) -> PublicityNotice:
    draft = make_draft(**fields)
    draft.submit(by=zhang())
    return draft


def emergency(**fields) -> PublicityNotice:
    draft = make_draft(**fields)
    draft.publish_in_emergency(by=zhang(), emergency_reason="汛期抢险", confirmed=True)
    return draft


def correct(notice, reason: str = "更正事实", **fields) -> None:
    """A correction by zhang, published by li; `fields` are those of the section 反馈问题."""
    notice.begin_correction(by=zhang(), reason=reason)
    notice.sections.filter(kind="problem").update(**(fields or {"body": "青澜河东岸堆放垃圾。"}))
    notice.submit(by=zhang())
    notice.publish(confirmed=True, by=li())


def page(client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status, url
    return response.content.decode()


def fresh(notice) -> PublicityNotice:
    return PublicityNotice.objects.get(pk=notice.pk)


def leaked() -> PublicityNotice:
    """A notice whose first edition names an informant, corrected since."""
    draft = make_draft(title=f"关于{CANARY}所反映问题的整改情况公示")
    draft.sections.filter(kind="problem").update(body=f"{CANARY}反映河道堆放垃圾。")
    draft.submit(by=zhang())
    draft.publish(confirmed=True, by=li())
    PublicityNotice.objects.filter(pk=draft.pk).update(title="关于群众反映问题的整改情况公示")
    correct(fresh(draft), "删去个人信息")
    return fresh(draft)


# ---- withdrawal


def test_a_withdrawal_is_proposed_by_one_and_confirmed_by_another(client):
    notice = make_notice()
    url = f"/notices/{notice.reference}/"
    notice.propose_withdrawal(by=zhang(), reason="责任单位写错")
    with pytest.raises(NotAllowed, match="不能自己确认"):
        notice.withdraw(by=zhang())
    assert fresh(notice).state() == State.OPEN
    assert "责任单位写错" not in page(client, url)  # a proposal is not public
    notice.withdraw(by=li())
    html = page(client, url)
    assert 'data-state="withdrawn"' in html
    assert "责任单位写错" in html
    assert "青澜河两岸堆放垃圾" in html  # the text stays readable
    assert fresh(notice).withdrawn_by == li()


def test_the_database_refuses_a_withdrawal_by_one_person():
    notice = make_notice()
    notice.propose_withdrawal(by=zhang(), reason="责任单位写错")
    rows = PublicityNotice.objects.filter(pk=notice.pk)
    with pytest.raises(IntegrityError, match="withdrawn_by_two"), transaction.atomic():
        rows.update(withdrawn_at=timezone.now(), withdrawn_by=zhang())
    assert rows.update(withdrawn_at=timezone.now(), withdrawn_by=li()) == 1  # the control


def test_the_database_refuses_a_withdrawal_nobody_proposed():
    rows = PublicityNotice.objects.filter(pk=make_notice().pk)
    with pytest.raises(IntegrityError, match="withdrawn_by_two"), transaction.atomic():
        rows.update(withdrawn_at=timezone.now(), withdrawn_by=li())
    proposal = {"withdrawal_proposed_at": timezone.now(), "withdrawal_proposed_by": zhang(), "withdrawal_reason": "错"}
    assert rows.update(withdrawn_at=timezone.now(), withdrawn_by=li(), **proposal) == 1  # the control


def test_a_withdrawal_that_was_turned_down_leaves_the_notice_as_it_was():
    notice = make_notice()
    notice.propose_withdrawal(by=zhang(), reason="责任单位写错")
    notice.keep(by=li())
    assert (notice.withdrawal_proposed_at, notice.withdrawal_proposed_by, notice.withdrawal_reason) == (None, None, "")
    with pytest.raises(NotAllowed, match="没有待确认的撤回"):
        notice.withdraw(by=li())
    with pytest.raises(NotAllowed, match="没有待确认的撤回"):
        notice.keep(by=li())
    assert LogEntry.objects.count() == 1
    withdraw(notice)  # the control: it can be proposed again
    with pytest.raises(NotAllowed, match="没有待确认的撤回"):
        notice.keep(by=li())  # what is withdrawn stays withdrawn
    assert fresh(notice).withdrawn_at


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_withdrawal_without_a_reason_is_not_proposed(reason):
    notice = make_notice()
    with pytest.raises(NotAllowed, match="撤回原因"):
        notice.propose_withdrawal(by=zhang(), reason=reason)
    assert not fresh(notice).withdrawal_proposed_at


@pytest.mark.parametrize("make", [make_draft, lambda: withdraw(make_notice())], ids=["draft", "withdrawn"])
def test_what_is_not_public_or_already_withdrawn_is_not_withdrawn(make):
    notice = make()
    with pytest.raises(NotAllowed, match="尚未撤回"):
        notice.propose_withdrawal(by=zhang(), reason="责任单位写错")


def test_a_withdrawal_stops_the_correction_under_way():
    notice = make_notice()
    notice.begin_correction(by=zhang(), reason="更正")
    notice.submit(by=zhang())
    withdraw(notice)
    with pytest.raises(NotAllowed, match="已经撤回"):
        notice.publish(confirmed=True, by=li())
    assert notice.editions.count() == 1


# ---- published by one person: shown until a second confirms


UNCONFIRMED = "尚未经第二人确认"


def by_emergency() -> PublicityNotice:
    return emergency()


def by_command_line() -> PublicityNotice:
    draft = make_draft()
    draft.publish(by=zhang(), via="command", confirmed=True)
    return draft


@pytest.mark.parametrize("publish", [by_emergency, by_command_line], ids=lambda function: function.__name__)
def test_what_one_person_published_says_so_until_a_second_confirms(client, publish):
    notice = publish()
    urls = [f"/notices/{notice.reference}/", f"/notices/{notice.reference}/history/"]
    assert all(UNCONFIRMED in page(client, url) for url in urls)
    for person in (notice.edition.drafted_by, notice.edition.published_by):
        with pytest.raises(NotAllowed, match="不能确认自己发布的版本"):
            notice.confirm_edition(by=person)
    assert all(UNCONFIRMED in page(client, url) for url in urls)
    fresh(notice).confirm_edition(by=make_user("wu"))
    assert not any(UNCONFIRMED in page(client, url) for url in urls)
    assert "经第二人确认" in page(client, urls[1])  # that there was one stays visible
    with pytest.raises(NotAllowed, match="已经确认过"):
        fresh(notice).confirm_edition(by=li())
    assert Confirmation.objects.get().confirmed_by == make_user("wu")


def test_the_reason_of_an_emergency_is_public_and_stays_so(client):
    notice = emergency()
    notice.confirm_edition(by=li())
    for url in (f"/notices/{notice.reference}/", f"/notices/{notice.reference}/history/"):
        assert "汛期抢险" in page(client, url)


def test_an_emergency_published_by_another_than_the_drafter_is_confirmed_by_neither():
    draft = make_draft()
    draft.publish(by=li(), via="emergency", emergency_reason="汛期抢险", confirmed=True)
    for person in (zhang(), li()):
        with pytest.raises(NotAllowed, match="不能确认自己发布的版本"):
            draft.confirm_edition(by=person)
    draft.confirm_edition(by=make_user("wu"))  # the control
    assert not draft.edition.is_unconfirmed


def test_a_reviewed_edition_needs_no_confirmation(client):
    notice = make_notice()
    assert UNCONFIRMED not in page(client, f"/notices/{notice.reference}/")
    with pytest.raises(NotAllowed, match="不需要确认"):
        notice.confirm_edition(by=make_user("wu"))
    assert LogEntry.objects.count() == 1


def test_an_edition_is_confirmed_once_even_from_a_stale_page():
    notice = emergency()
    stale = Edition.objects.get(pk=notice.edition_id)
    assert stale.is_unconfirmed
    notice.confirm_edition(by=li())
    with pytest.raises(NotAllowed):
        stale.confirm(by=make_user("wu"))
    assert LogEntry.objects.filter(act="confirm").count() == 1


def test_the_database_refuses_an_emergency_without_a_reason():
    edition = emergency().edition
    fields = {field.attname: getattr(edition, field.attname) for field in Edition._meta.fields if not field.primary_key}
    copy = Edition(**fields | {"number": 2, "sequence": 1000, "reason": "更正"})
    copy.emergency_reason = ""
    with pytest.raises(IntegrityError, match="four_eyes"), transaction.atomic():
        copy.save()
    copy.emergency_reason = "汛期抢险"
    copy.save()  # the control
    assert copy.pk


# ---- compensation for an outage


@pytest.mark.parametrize(("unit", "days"), [("working", 1), ("working", 3), ("calendar", 3)])
def test_a_compensation_adds_days_of_the_rule_and_is_published_by_another(client, unit, days):
    start = datetime.date(2026, 3, 9)  # a Monday, no holiday near
    make_organisation().publicity_rules.create(length=5, unit=unit)
    with time_machine.travel(NOON - DAY, tick=False):
        notice = make_notice(opens_on=start, closes_on=datetime.date(2026, 3, 13))  # a Friday
        notice.compensate(by=zhang(), days=days, reason="机房停电")
        with pytest.raises(NotAllowed, match="起草人不能发布"):
            notice.publish(confirmed=True, by=zhang())
        assert notice.edition.closes_on == datetime.date(2026, 3, 13)
        notice.publish(confirmed=True, by=li())
        weekend = 2 if unit == "working" else 0
        assert notice.edition.closes_on == datetime.date(2026, 3, 13) + (days + weekend) * DAY
        html = page(client, f"/notices/{notice.reference}/history/")
    assert "机房停电" in html
    assert "3月13日" in html  # the old end stays visible
    assert LogEntry.objects.last().act == "outage"


@pytest.mark.parametrize("days", [0, -1, 1098, 10**9])
def test_a_compensation_out_of_all_measure_is_refused(days):
    notice = make_notice()
    with pytest.raises(NotAllowed, match="补偿的天数"):
        notice.compensate(by=zhang(), days=days, reason="机房停电")
    assert not fresh(notice).drafted_at


def test_an_extension_out_of_all_measure_is_refused():
    notice = make_notice()
    with pytest.raises(NotAllowed, match="公示期过长"):
        notice.extend(by=zhang(), closes_on=datetime.date(2999, 1, 1), reason="延期")
    assert not fresh(notice).drafted_at
    notice.extend(by=zhang(), closes_on=notice.closes_on + 400 * DAY, reason="延期")  # the control
    assert fresh(notice).submitted_at


# ---- the buttons

EDIT, PUBLISH, VIEW = (f"notices.{verb}_publicitynotice" for verb in ("change", "publish", "view"))


def proposed() -> PublicityNotice:
    notice = make_notice()
    notice.propose_withdrawal(by=zhang(), reason="责任单位写错")
    return notice


def proposed_redaction() -> PublicityNotice:
    notice = leaked()
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    return notice


# verb, on what, by whom, with which permission, what is typed, what is then true
BUTTONS = [
    ("submit", make_draft, "zhang", EDIT, {}, lambda notice: notice.submitted_by == zhang()),
    ("send_back", submitted, "li", PUBLISH, {"reason": "缺数量"}, lambda notice: notice.return_reason == "缺数量"),
    (
        "publish",
        submitted,
        "li",
        PUBLISH,
        {"confirmed": "on"},
        lambda notice: notice.edition and notice.edition.published_by == li(),
    ),
    (
        "publish_in_emergency",
        make_draft,
        "zhang",
        PUBLISH,
        {"emergency_reason": "汛期抢险", "confirmed": "on"},
        lambda notice: notice.edition and notice.edition.emergency_reason == "汛期抢险",
    ),
    (
        "begin_correction",
        make_notice,
        "zhang",
        EDIT,
        {"reason": "更正电话"},
        lambda notice: notice.is_editable and notice.change_reason == "更正电话",
    ),
    (
        "extend",
        make_notice,
        "zhang",
        EDIT,
        {"closes_on": (timezone.localdate() + 60 * DAY).isoformat(), "reason": "延期"},
        lambda notice: notice.submitted_at and notice.closes_on == timezone.localdate() + 60 * DAY,
    ),
    (
        "compensate",
        make_notice,
        "zhang",
        EDIT,
        {"days": 2, "reason": "机房停电"},
        lambda notice: notice.submitted_at and notice.change_act == "outage",
    ),
    (
        "propose_withdrawal",
        make_notice,
        "zhang",
        EDIT,
        {"reason": "责任单位写错"},
        lambda notice: notice.withdrawal_proposed_by == zhang(),
    ),
    ("withdraw", proposed, "li", PUBLISH, {}, lambda notice: notice.withdrawn_by == li()),
    ("keep", proposed, "li", PUBLISH, {}, lambda notice: not notice.withdrawal_proposed_at),
    ("confirm_edition", emergency, "li", PUBLISH, {}, lambda notice: not notice.edition.is_unconfirmed),
    (
        "propose_redaction",
        leaked,
        "zhang",
        EDIT,
        {"number": 1, "ground": GROUND},
        lambda notice: hasattr(notice.editions.get(number=1), "redaction"),
    ),
    (
        "redact",
        proposed_redaction,
        "li",
        PUBLISH,
        {"number": 1},
        lambda notice: notice.editions.get(number=1).is_redacted,
    ),
]


def press_url(notice, verb: str) -> str:
    return reverse("admin:notices_publicitynotice_verb", args=[notice.pk, verb])


def change_url(notice) -> str:
    return reverse("admin:notices_publicitynotice_change", args=[notice.pk])


@pytest.mark.parametrize(
    ("verb", "make", "person", "permission", "typed", "done"), BUTTONS, ids=[button[0] for button in BUTTONS]
)
def test_a_button_works_with_its_permission_and_answers_403_without_it(
    client, verb, make, person, permission, typed, done
):
    notice = make()
    lines = LogEntry.objects.count()
    other = PUBLISH if permission == EDIT else EDIT
    user = make_user(person, VIEW, other)
    client.force_login(user)
    assert press_url(notice, verb) not in page(client, change_url(notice))  # not offered
    assert client.post(press_url(notice, verb), typed).status_code == 403
    assert LogEntry.objects.count() == lines
    assert not done(fresh(notice))

    client.force_login(make_user(person, permission))
    assert press_url(notice, verb) in page(client, change_url(notice))
    html = client.post(press_url(notice, verb), typed, follow=True).content.decode()
    assert "已办理" in html
    assert done(fresh(notice))
    if verb != "propose_redaction":  # there may be more editions to redact
        assert press_url(notice, verb) not in page(client, change_url(notice))  # done is done


def test_every_button_of_an_act_is_tried():
    from notices.admin.publicity import PublicityNoticeAdmin

    elsewhere = {"review_secrecy", "abandon"}  # tried in test_secrecy_review.py and below
    assert set(PublicityNoticeAdmin.verbs) - elsewhere == {button[0] for button in BUTTONS}


def test_a_button_takes_no_other_method_and_no_other_name(client):
    notice = make_notice()
    client.force_login(make_user("zhang", VIEW, EDIT, PUBLISH))
    assert client.get(press_url(notice, "withdraw")).status_code == 405
    for name in ("delete", "save", "refresh_from_db", "restate_window"):
        assert client.post(press_url(notice, name)).status_code == 403
    assert client.post(reverse("admin:notices_publicitynotice_verb", args=[99999, "submit"])).status_code == 404


def test_buttons_are_for_staff_that_logged_in(client):
    notice = proposed()
    assert client.post(press_url(notice, "withdraw")).status_code == 302
    stranger = make_user("citizen", PUBLISH, is_active=True)
    type(stranger).objects.filter(pk=stranger.pk).update(is_staff=False)
    client.force_login(stranger)
    assert client.post(press_url(notice, "withdraw")).status_code == 302
    assert not fresh(notice).withdrawn_at


@pytest.mark.parametrize(
    ("verb", "make", "person", "typed", "message"),
    [
        ("publish", submitted, "zhang", {"confirmed": "on"}, "起草人不能发布自己的公示"),
        ("publish_in_emergency", make_draft, "zhang", {"confirmed": "on"}, "紧急发布要写明原因"),
        ("withdraw", proposed, "zhang", {}, "不能自己确认"),
        ("confirm_edition", emergency, "zhang", {}, "不能确认自己发布的版本"),
        ("redact", proposed_redaction, "zhang", {"number": 1}, "不能自己确认"),
        ("redact", proposed_redaction, "li", {"number": "一"}, "版本："),
        ("propose_redaction", leaked, "zhang", {"number": 2, "ground": GROUND}, "现行版本不能遮盖"),
        ("propose_withdrawal", make_notice, "zhang", {"reason": " "}, "请写明撤回原因"),
        ("compensate", make_notice, "zhang", {"days": "1098", "reason": "停电"}, "补偿的天数过多"),
        ("extend", make_notice, "zhang", {"closes_on": "2999-01-01", "reason": "延期"}, "公示期过长"),
    ],
)
def test_a_button_says_why_it_refuses_and_changes_nothing(client, verb, make, person, typed, message):
    notice = make()
    before, lines = PublicityNotice.objects.filter(pk=notice.pk).values().get(), LogEntry.objects.count()
    client.force_login(make_user(person, VIEW, EDIT, PUBLISH))
    html = client.post(press_url(notice, verb), typed, follow=True).content.decode()
    assert message in html
    assert "已办理" not in html
    assert (PublicityNotice.objects.filter(pk=notice.pk).values().get(), LogEntry.objects.count()) == (before, lines)


@pytest.mark.parametrize("verb", [button[0] for button in BUTTONS if button[0] != "submit"])
def test_a_button_pressed_on_an_empty_draft_says_why_it_refuses(client, verb):
    bare = {"opens_on": None, "closes_on": None, "signed_on": None, "receiving_office": None, "signatories": ""}
    draft = make_draft(tasks=[])
    PublicityNotice.objects.filter(pk=draft.pk).update(**bare)
    draft.sections.all().delete()
    typed = next(button[4] for button in BUTTONS if button[0] == verb)
    client.force_login(make_user("li", VIEW, EDIT, PUBLISH))
    html = client.post(press_url(draft, verb), typed, follow=True).content.decode()
    assert 'class="error"' in html
    assert "已办理" not in html


def test_the_button_schedules_in_local_time(client):
    draft = submitted(opens_on=timezone.localdate() + 3 * DAY)
    client.force_login(make_user("li", VIEW, PUBLISH))
    typed = (timezone.localdate() + 2 * DAY).isoformat() + "T09:30"
    client.post(press_url(draft, "publish"), {"confirmed": "on", "public_from": typed})
    shown = timezone.localtime(fresh(draft).edition.public_from)
    assert shown.strftime("%Y-%m-%dT%H:%M") == typed
    assert State.SCHEDULED.label in page(client, reverse("admin:notices_publicitynotice_changelist"))
