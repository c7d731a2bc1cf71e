"""What is done to a notice before and after it is public: each act takes two people and says so in public."""

import datetime
import hashlib
import re

import pytest
import time_machine
from django.contrib.admin.models import LogEntry as StaffAct
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from notices import transparency
from notices.models import (
    Checkpoint,
    Confirmation,
    Edition,
    LogEntry,
    NotAllowed,
    NoticeSection,
    PublicityNotice,
    Redaction,
    Stage,
    State,
)
from tests.filling import filled
from tests.make import DAY, make_draft, make_notice, make_objection, make_organisation, make_task, make_user, withdraw

pytestmark = pytest.mark.django_db

HOUR, MICROSECOND = datetime.timedelta(hours=1), datetime.timedelta(microseconds=1)


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


# ---- redaction

CANARY = "举报人金丝雀"
GROUND = "依据某法第三十二条"


def leaked() -> PublicityNotice:
    """A notice whose first edition names an informant, corrected since."""
    draft = make_draft(title=f"关于{CANARY}所反映问题的整改情况公示")
    draft.sections.filter(kind="problem").update(body=f"{CANARY}反映河道堆放垃圾。")
    draft.submit(by=zhang())
    draft.publish(confirmed=True, by=li())
    PublicityNotice.objects.filter(pk=draft.pk).update(title="关于群众反映问题的整改情况公示")
    correct(fresh(draft), "删去个人信息")
    return fresh(draft)


def tables_with(word: str) -> set[str]:
    """Every table of the database in which some cell holds the word."""
    needle, found = word.encode(), set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for value in (value for row in cursor.fetchall() for value in row):
                content = bytes(value) if isinstance(value, memoryview | bytes) else str(value).encode()
                if needle in content:
                    found.add(table)
    return found


def test_a_redaction_takes_two_people():
    notice = leaked()
    with pytest.raises(NotAllowed, match="没有对这个版本的遮盖提议"):
        notice.redact(by=li(), number=1)
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    with pytest.raises(NotAllowed, match="不能自己确认"):
        notice.redact(by=zhang(), number=1)
    assert CANARY in notice.editions.get(number=1).read().title
    notice.redact(by=li(), number=1)  # the control
    assert notice.editions.get(number=1).is_redacted
    with pytest.raises(NotAllowed, match="已经遮盖"):
        fresh(notice).redact(by=li(), number=1)
    assert LogEntry.objects.filter(act="redact").count() == 1


def test_what_was_redacted_is_in_no_table_of_the_database_any_more():
    notice = leaked()
    digest = notice.editions.get(number=1).digest
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    assert tables_with(CANARY) == {"notices_edition"}  # the control
    notice.redact(by=li(), number=1)
    assert tables_with(CANARY) == set()
    assert tables_with(digest) == {"notices_edition", "notices_logentry"}


def test_what_was_redacted_is_gone_from_the_history_of_staff_as_well(client):
    draft = make_draft(title=f"关于{CANARY}所反映问题的整改情况公示", tasks=[])
    draft.sections.filter(kind="problem").update(heading="", body=f"{CANARY}反映河道堆放垃圾。")
    permissions = [VIEW, EDIT, PUBLISH]
    permissions += [f"notices.{verb}_noticesection" for verb in ("view", "change", "add", "delete")]

    def saved(**changes):
        """The form of the notice as zhang saves it, every problem section with a new text."""
        client.force_login(make_user("zhang", *permissions))
        data = filled(client, change_url(draft), **{"sections-0-body": changes.pop("body")}, **changes)
        assert client.post(change_url(draft), data).status_code == 302

    def press(person, verb, **typed):
        client.force_login(make_user(person, *permissions))
        assert "已办理" in client.post(press_url(draft, verb), typed, follow=True).content.decode()

    saved(body=f"{CANARY}反映河道两岸堆放垃圾。")
    press("zhang", "submit")
    press("li", "publish", confirmed="on")
    press("zhang", "begin_correction", reason="删去个人信息")
    saved(title="关于群众反映问题的整改情况公示", body="群众反映河道两岸堆放垃圾。")
    press("zhang", "submit")
    press("li", "publish", confirmed="on")
    press("zhang", "propose_redaction", number=1, ground=GROUND)
    assert tables_with(CANARY) == {"notices_edition", "django_admin_log"}  # the control
    press("li", "redact", number=1)
    assert tables_with(CANARY) == set()
    assert StaffAct.objects.filter(object_id=draft.pk, change_message="审核发布").count() == 2  # who did what stays


def test_what_was_redacted_answers_410_with_digest_and_ground(client):
    notice = leaked()
    digest = notice.editions.get(number=1).digest
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    urls = [f"/notices/{notice.reference}/editions/1/", f"/notices/{notice.reference}/editions/1.json"]
    assert all(CANARY in page(client, url) for url in urls)  # a proposal erases nothing
    notice.redact(by=li(), number=1)
    for url in urls:
        html = page(client, url, 410)
        assert digest in html
        assert GROUND in html
        assert CANARY not in html
    everywhere = [f"/notices/{notice.reference}{end}" for end in ("/", "/history/", ".txt", ".json", "/editions/2/")]
    for url in [
        *everywhere,
        "/",
        "/notices/",
        "/log/",
        "/log/entries",
        f"/notices/{notice.reference}/history/?from=1&to=2",
    ]:
        assert CANARY not in page(client, url)


def test_the_history_marks_what_was_redacted_and_compares_it_with_nothing(client):
    notice = leaked()
    correct(notice, "再更正", body="青澜河西岸堆放垃圾。")
    history = f"/notices/{notice.reference}/history/"
    assert '<option value="1"' in page(client, history)
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    notice.redact(by=li(), number=1)
    html = page(client, f"{history}?from=1&to=2")
    assert f"内容已依法遮盖，依据：{GROUND}" in html
    assert '<option value="1"' not in html
    assert '<option value="2"' in html


def test_after_a_redaction_the_log_still_audits_and_still_proves_the_edition(client, settings):
    notice = leaked()
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    notice.redact(by=li(), number=1)
    lines = [line.encode() for line in LogEntry.objects.values_list("line", flat=True)]
    signed = Checkpoint.objects.newest().note.encode()
    kept = {"2": bytes(notice.edition.document)}
    assert transparency.audit(lines, signed, [settings.LOG_VERIFIER_KEY], editions=kept).size == 3
    assert client.get(f"/notices/{notice.reference}/editions/1/proof.json").json()["sequence"] == 0


def test_the_current_edition_is_corrected_before_it_is_redacted():
    notice = leaked()
    with pytest.raises(NotAllowed, match="请先更正公示"):
        notice.propose_redaction(by=zhang(), number=2, ground=GROUND)
    correct(notice, "再更正")
    notice.propose_redaction(by=zhang(), number=2, ground=GROUND)  # the control
    notice.redact(by=li(), number=2)
    assert [each.is_redacted for each in notice.editions.all()] == [False, True, False]


@pytest.mark.parametrize(("number", "ground"), [(1, " "), (3, GROUND), (0, GROUND), (10**30, GROUND)])
def test_a_redaction_needs_a_ground_and_an_edition(number, ground):
    notice = leaked()
    with pytest.raises(NotAllowed):
        notice.propose_redaction(by=zhang(), number=number, ground=ground)
    with pytest.raises(NotAllowed):
        notice.redact(by=li(), number=number)
    assert not any(each.is_redacted for each in notice.editions.all())


def test_a_redaction_is_proposed_once():
    notice = leaked()
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    with pytest.raises(NotAllowed, match="正在等待确认"):
        notice.propose_redaction(by=li(), number=1, ground="另一条")
    notice.redact(by=li(), number=1)
    assert notice.editions.get(number=1).redaction.ground == GROUND


# ---- scheduled publication

NOON = datetime.datetime(2026, 3, 10, 12, 0, tzinfo=timezone.get_default_timezone())
OPENING = NOON.date() + 2 * DAY
PUBLIC_FROM = datetime.datetime(2026, 3, 12, 9, 30, tzinfo=timezone.get_default_timezone())
SECRET_TITLE = "关于定时公开事项的整改情况公示"


@pytest.fixture
def scheduled():
    """Approved at noon on 10 March 2026, public from 9:30 on the 12th, when its window opens."""
    with time_machine.travel(NOON, tick=False):
        draft = make_draft(opens_on=OPENING, title=SECRET_TITLE)
        draft.submit(by=zhang())
        draft.publish(confirmed=True, by=li(), public_from=PUBLIC_FROM)
    return draft


def urls_of(notice) -> list[str]:
    base = f"/notices/{notice.reference}"
    return [
        *(f"{base}/", f"{base}.txt", f"{base}.json", f"{base}/history/", f"{base}/object/"),
        *(f"{base}/editions/1/", f"{base}/editions/1.json", f"{base}/editions/1/proof.json"),
        *(f"/tasks/{task.pk}/" for task in notice.tasks.all()),
    ]


def test_a_scheduled_notice_is_public_at_its_instant_by_the_clock_alone(client, scheduled):
    urls = urls_of(scheduled)
    assert len(urls) == 9
    for moment in (NOON, PUBLIC_FROM - DAY, PUBLIC_FROM - MICROSECOND):
        with time_machine.travel(moment, tick=False):
            assert {url: client.get(url).status_code for url in urls} == dict.fromkeys(urls, 404)
            assert client.get(f"/notices/{scheduled.reference}.pdf").status_code == 404
    for moment in (PUBLIC_FROM, PUBLIC_FROM + HOUR):
        with time_machine.travel(moment, tick=False):
            assert {url: client.get(url).status_code for url in urls} == dict.fromkeys(urls, 200)
            assert 'data-state="open"' in page(client, urls[0])


@pytest.mark.parametrize(
    "url", ["/", "/notices/", "/notices/?state=upcoming", "/notices/?state=open", "/rounds/central-1/"]
)
def test_pages_of_many_notices_do_not_know_a_scheduled_one_before_its_instant(client, scheduled, url):
    with time_machine.travel(PUBLIC_FROM - MICROSECOND, tick=False):
        html = page(client, url)
        assert SECRET_TITLE not in html
        assert f"/tasks/{scheduled.tasks.get().pk}/" not in html
        assert scheduled.reference not in html
    with time_machine.travel(PUBLIC_FROM, tick=False):
        known = SECRET_TITLE if url != "/rounds/central-1/" else f"/tasks/{scheduled.tasks.get().pk}/"
        assert (known in page(client, url)) == (url != "/notices/?state=upcoming")


@pytest.mark.parametrize("url", ["/notices/", "/notices/?organisation=990300", "/notices/?district=9903&q=整改"])
def test_the_list_does_not_name_who_has_only_a_scheduled_notice(client, scheduled, url):
    name = make_organisation().name
    with time_machine.travel(PUBLIC_FROM - MICROSECOND, tick=False):
        assert name not in page(client, url)
    with time_machine.travel(PUBLIC_FROM, tick=False):
        assert name in page(client, url)


def test_its_line_in_the_log_says_when_but_not_what(client, scheduled):
    with time_machine.travel(NOON, tick=False):
        line = transparency.read_entry(page(client, "/log/entries").strip().encode())
        assert SECRET_TITLE not in page(client, "/log/")
    assert line == {
        "sequence": 0,
        "at": transparency.stamp(NOON),
        "act": "publish",
        "reference": scheduled.reference,
        "edition": 1,
        "digest": scheduled.edition.digest,
        "public_from": transparency.stamp(PUBLIC_FROM),
    }
    document = scheduled.edition.read()
    assert re.fullmatch("[0-9a-f]{32}", document.salt)  # whoever guesses the text cannot check the guess
    assert hashlib.sha256(bytes(scheduled.edition.document)).hexdigest() == line["digest"]


def test_a_scheduled_notice_does_not_move_its_task(scheduled):
    task = scheduled.tasks.get()

    def stage():
        derived = type(task).objects.staged().get(pk=task.pk).derived_stage
        assert derived == task.stage()
        return derived

    with time_machine.travel(PUBLIC_FROM - MICROSECOND, tick=False):
        assert stage() == Stage.RECTIFYING
        assert fresh(scheduled).state() == State.SCHEDULED
    with time_machine.travel(PUBLIC_FROM, tick=False):
        assert stage() == Stage.IN_PUBLICITY
        assert fresh(scheduled).state() == State.OPEN


def test_a_correction_brings_a_scheduled_notice_out_no_earlier(client, scheduled):
    url = f"/notices/{scheduled.reference}/"
    with time_machine.travel(NOON + HOUR, tick=False):
        correct(scheduled, "更正事实")
        assert client.get(url).status_code == 404
        assert client.get(f"/notices/{scheduled.reference}/editions/2.json").status_code == 404
    assert "public_from" in LogEntry.objects.get(act="correct").line
    with time_machine.travel(PUBLIC_FROM, tick=False):
        assert 'data-edition="2"' in page(client, url)
        correct(scheduled, "再更正")
        assert 'data-edition="3"' in page(client, url)  # the control: afterwards a correction is public at once


def test_a_scheduled_notice_can_be_withdrawn_before_anyone_has_seen_it(client, scheduled):
    url = f"/notices/{scheduled.reference}/"
    with time_machine.travel(NOON + HOUR, tick=False):
        withdraw(scheduled)
        assert client.get(url).status_code == 404
    with time_machine.travel(PUBLIC_FROM, tick=False):
        assert 'data-state="withdrawn"' in page(client, url)


@pytest.mark.parametrize(
    ("public_from", "message"),
    [
        (NOON - DAY, "晚于现在"),
        (NOON, "晚于现在"),
        (NOON + MICROSECOND, ""),
        (datetime.datetime(2026, 3, 12, 23, 59, 59, tzinfo=NOON.tzinfo), ""),
        (datetime.datetime(2026, 3, 13, 0, 0, tzinfo=NOON.tzinfo), "不能晚于公示开始当天"),
        (NOON + 30 * DAY, "不能晚于公示开始当天"),
    ],
)
def test_a_schedule_lies_ahead_and_not_after_the_first_day(public_from, message):
    with time_machine.travel(NOON, tick=False):
        draft = submitted(opens_on=OPENING)
        if not message:
            assert draft.publish(confirmed=True, by=li(), public_from=public_from).public_from == public_from
            return
        with pytest.raises(NotAllowed, match=message):
            draft.publish(confirmed=True, by=li(), public_from=public_from)
        assert not LogEntry.objects.exists()


def test_a_correction_is_never_scheduled():
    notice = make_notice(opens_on=timezone.localdate() + 5 * DAY)
    notice.begin_correction(by=zhang(), reason="更正")
    notice.submit(by=zhang())
    with pytest.raises(NotAllowed, match="不能定时"):
        notice.publish(confirmed=True, by=li(), public_from=timezone.now() + DAY)
    assert notice.publish(confirmed=True, by=li()).number == 2  # the control


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
        ("redact", proposed_redaction, "li", {"number": "一"}, "版本:"),
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


# ---- the linter before publication


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


# ---- the difference between any two editions


@pytest.fixture
def thrice():
    """A notice with three editions: 两岸, 东岸, 西岸."""
    notice = make_notice()
    correct(notice, "更正地点", body="青澜河东岸堆放垃圾。")
    correct(notice, "再更正地点", body="青澜河西岸堆放垃圾。")
    return notice


def compared(client, notice, query: str) -> tuple[set[str], set[str]]:
    """What the history page shows as removed and as added."""
    html = page(client, f"/notices/{notice.reference}/history/{query}")
    return tuple(
        set(re.findall(rf'<{tag}><span class="visually-hidden">{word}：</span>(.*?)</{tag}>', html))
        for tag, word in (("del", "删去"), ("ins", "新增"))
    )


@pytest.mark.parametrize(
    ("query", "removed", "added"),
    [
        ("?from=1&to=2", "两", "东"),
        ("?from=2&to=3", "东", "西"),
        ("?from=1&to=3", "两", "西"),
        ("?from=3&to=1", "西", "两"),
        ("", "东", "西"),  # the newest two
    ],
)
def test_the_history_compares_any_two_editions(client, thrice, query, removed, added):
    assert compared(client, thrice, query) == ({removed}, {added})


def test_an_edition_does_not_differ_from_itself(client, thrice):
    assert compared(client, thrice, "?from=2&to=2") == (set(), set())
    assert "没有不同" in page(client, f"/notices/{thrice.reference}/history/?from=2&to=2")


@pytest.mark.parametrize(
    "query",
    [
        *("?from=1", "?to=2", "?from=&to=", "?from=0&to=1", "?from=1&to=99", "?from=-1&to=2", "?from=1.0&to=2"),
        *("?from=abc&to=<script>", "?from=1%00&to=2", "?from=1&to=２", "?from=" + "9" * 500 + "&to=1"),
        *("?from=%ff%fe&to=1", "?from=1' OR 1=1--&to=2", "?from[]=1&to[]=2"),
    ],
)
def test_junk_in_the_comparison_is_harmless(client, thrice, query):
    assert compared(client, thrice, query) == ({"东"}, {"西"})
    assert "<script>" not in page(client, f"/notices/{thrice.reference}/history/{query}").replace("<script src", "")


def test_a_notice_with_one_edition_has_nothing_to_compare(client):
    notice = make_notice()
    html = page(client, f"/notices/{notice.reference}/history/?from=1&to=1")
    assert "版本对照" not in html
    assert "第1版" in html


def test_old_editions_say_what_came_after_them(client, thrice):
    old = page(client, f"/notices/{thrice.reference}/editions/1/")
    assert "这是旧版本，已由第3版替代" in old
    assert "再更正地点" in old
    assert "青澜河两岸" in old
    assert "这是旧版本" not in page(client, f"/notices/{thrice.reference}/editions/3/")


def test_an_objection_names_the_edition_that_was_seen(thrice):
    objection = make_objection(thrice)
    assert objection.edition.number == 3


def test_a_correction_can_be_given_up_and_leaves_what_is_public(client):
    notice = make_notice()
    before = notice.document()
    notice.begin_correction(by=make_user("zhang"), reason="更正")
    notice.sections.filter(kind="problem").update(body="改到一半的内容")
    notice.tasks.add(make_task(88))
    type(notice).objects.filter(pk=notice.pk).update(title="改到一半的标题", signatories="别的单位")
    notice.refresh_from_db()
    assert notice.document() != before  # the control
    url = reverse("admin:notices_publicitynotice_verb", args=[notice.pk, "abandon"])
    client.force_login(make_user("reader", "notices.view_publicitynotice"))
    assert client.post(url).status_code == 403
    client.force_login(make_user("wu", "notices.view_publicitynotice", "notices.change_publicitynotice"))
    assert client.post(url).status_code == 302
    notice.refresh_from_db()
    assert not notice.drafted_at
    assert notice.document() == before
    notice.begin_correction(by=make_user("zhang"), reason="再次更正")  # and the way is free again
    with pytest.raises(NotAllowed):
        make_draft(tasks=[], title="没有发布过").abandon(by=make_user("zhang"))


def test_a_withdrawn_notice_can_be_redacted_whole(client):
    notice = make_notice()
    with pytest.raises(NotAllowed, match="现行版本"):
        notice.propose_redaction(by=make_user("zhang"), number=1, ground="依据某法")
    withdraw(notice)
    task = notice.edition.tasks.get()
    notice.propose_redaction(by=make_user("zhang"), number=1, ground="依据某法第三条")
    notice.redact(by=make_user("li"), number=1)
    for end in ("/", ".txt", ".json", "/editions/1/", "/editions/1.json"):
        response = client.get(f"/notices/{notice.reference}{end}")
        assert response.status_code == 410, end
        assert "依据某法第三条" in response.content.decode()
    for url in (
        "/",
        "/notices/",
        "/log/",
        f"/notices/{notice.reference}/history/",
        f"/notices/{notice.reference}/object/",
    ):
        assert client.get(url).status_code == 200, url
    assert client.get(f"/tasks/{task.pk}/").status_code == 404


def test_a_redaction_that_was_carried_out_stays_on_record():
    notice = withdraw(make_notice())
    notice.propose_redaction(by=make_user("zhang"), number=1, ground="依据某法")
    proposed = Redaction.objects.filter(edition__notice=notice)
    assert proposed.update(ground="依据某法第三条") == 1  # the control: what is only proposed may be changed
    notice.redact(by=make_user("li"), number=1)
    for change in (lambda: proposed.update(ground="别的依据"), lambda: proposed.delete()):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_the_secrecy_review_is_kept_with_the_edition():
    draft = make_draft()
    draft.review_secrecy(by=make_user("wu"))
    draft.submit(by=make_user("zhang"))
    edition = draft.publish(by=make_user("li"), confirmed=True)
    assert edition.secrecy_reviewed_by == make_user("wu")
    assert edition.secrecy_reviewed_at
    assert not draft.secrecy_reviewed_at


def test_the_log_page_links_no_notice_that_is_not_public_yet(client):
    tomorrow = timezone.now() + datetime.timedelta(days=1)
    draft = make_draft(timezone.localdate() + datetime.timedelta(days=7))
    draft.submit(by=make_user("zhang"))
    draft.publish(by=make_user("li"), confirmed=True, public_from=tomorrow)
    page = client.get("/log/").content.decode()
    assert draft.reference in page
    assert f'href="/notices/{draft.reference}/"' not in page
