"""By when an objection is decided on and answered: dates by the office's own terms, and a queue in their order."""

import datetime

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notices.models import CalendarDay
from objections import receipts
from objections.models import HandlingTerms, Objection, Status
from tests.make import DAY, make_notice, make_objection, make_office, make_user

pytestmark = pytest.mark.django_db

HANDLER = ("objections.view_objection", "objections.handle_objection")
TODAY = datetime.date(2025, 9, 25)  # a Thursday; 28 September is a working Sunday, 1 to 8 October are off
NOON = datetime.datetime(2025, 9, 25, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))


@pytest.fixture(autouse=True)
def on_the_day():
    with time_machine.travel(NOON, tick=False):
        yield


def moved_to(objection: Objection, status: str) -> Objection:
    """The objection, worked on until it has that status."""
    steps = {
        "received": [],
        "accepted": [("accept", {})],
        "declined": [("decline", {"reason": "与公示无关"})],
        "verified": [("accept", {}), ("verify", {"finding": "partly"})],
        "replied": [("accept", {}), ("verify", {"finding": "partly"}), ("answer", {"reply": "答复"})],
    }
    steps["done"] = [*steps["replied"], ("finish", {})]
    steps["withdrawn"] = [*steps["verified"], ("withdraw", {})]
    for verb, said in steps[status]:
        getattr(objection, verb)(by=make_user("wu"), **said)
    return objection


def test_the_defaults_are_15_and_60_days_after_the_day_of_receipt():
    objection = make_objection()
    assert (objection.decide_by, objection.reply_by) == (datetime.date(2025, 10, 10), datetime.date(2025, 11, 24))


@pytest.mark.parametrize(
    ("unit", "decide_by", "reply_by"),
    [
        ("calendar", datetime.date(2025, 9, 28), datetime.date(2025, 9, 30)),
        ("working", datetime.date(2025, 9, 29), datetime.date(2025, 10, 9)),
    ],
)
def test_an_office_has_terms_of_its_own_in_its_own_unit(unit, decide_by, reply_by):
    HandlingTerms.objects.create(office=make_office(), decide_within=3, reply_within=5, unit=unit)
    objection = make_objection()
    assert (objection.decide_by, objection.reply_by) == (decide_by, reply_by)


def test_working_days_follow_the_corrected_calendar():
    HandlingTerms.objects.create(office=make_office(), decide_within=1, reply_within=2, unit="working")
    notice = make_notice()
    CalendarDay.objects.create(date=TODAY + DAY, working=False, name="台风", source="通知")
    assert make_objection(notice).decide_by == datetime.date(2025, 9, 28)


def test_changed_terms_leave_the_dates_of_what_has_come():
    objection = make_objection()
    HandlingTerms.objects.create(office=make_office(), decide_within=1, reply_within=2)
    objection.refresh_from_db()
    assert objection.decide_by == TODAY + 15 * DAY


@pytest.mark.parametrize("status", Status.values)
def test_adjective_and_property_agree(status):
    objection = moved_to(make_objection(), status)
    for offset in (-1, 0, 3, 4):
        check_agreement(objection, status, offset)


def check_agreement(objection, status, offset):
    Objection.objects.update(decide_by=TODAY + offset * DAY, reply_by=TODAY + offset * DAY)
    objection.refresh_from_db()
    rows = Objection.objects.all()
    assert objection.is_overdue(TODAY) == rows.overdue(TODAY).exists()
    assert objection.is_due_within(3, TODAY) == rows.due_within(3, TODAY).exists()
    assert rows.by_due_date().get().next_due == objection.due_on
    assert [each for each in Status.values if rows.with_status(each).exists()] == [objection.status] == [status]
    waits = status in ("received", "accepted", "verified")
    assert objection.is_overdue(TODAY) == (waits and offset < 0)
    assert objection.is_due_within(3, TODAY) == (waits and 0 <= offset <= 3)


@pytest.mark.parametrize(("status", "date"), [("received", "decide_by"), ("accepted", "reply_by")])
def test_first_the_decision_is_due_then_the_reply(status, date):
    objection = moved_to(make_objection(), status)
    assert objection.due_on == getattr(objection, date)


def test_the_queue_has_the_most_urgent_first_and_what_waits_for_nothing_last(client):
    notice = make_notice()
    done, later, overdue, soon = (make_objection(notice, token) for token in ("done", "later", "overdue", "soon"))
    moved_to(done, "done")
    for objection, days in ((later, 9), (overdue, -2), (soon, 1)):
        Objection.objects.filter(pk=objection.pk).update(decide_by=TODAY + days * DAY)
    client.force_login(make_user("wu", *HANDLER))
    response = client.get(reverse("admin:objections_objection_changelist"))
    assert list(response.context["cl"].result_list) == [overdue, soon, later, done]
    page = response.content.decode()
    assert "已逾期 2 天" in page
    assert "9 天" in page


def test_the_filters_of_the_queue(client):
    notice = make_notice()
    rows = {status: moved_to(make_objection(notice, status), status) for status in Status.values}
    late, mine = make_objection(notice, "late"), rows["accepted"]
    Objection.objects.filter(pk=late.pk).update(decide_by=TODAY - DAY)
    handler = make_user("wu", *HANDLER)
    mine.assign(by=handler, to=handler)
    client.force_login(handler)

    def shown(value):
        url = reverse("admin:objections_objection_changelist")
        return set(client.get(url, {"queue": value}).context["cl"].result_list)

    assert shown("received") == {rows["received"], late}
    assert shown("accepted") == {rows["accepted"]}
    assert shown("verified") == {rows["verified"]}
    assert shown("overdue") == {late}
    assert shown("mine") == {mine}
    assert shown("pending") == set(rows.values()) - {rows["declined"], rows["withdrawn"], rows["done"]} | {late}
    assert shown("withdrawn") == {rows["withdrawn"]}
    assert len(shown("nonsense")) == 8


def test_the_queue_asks_the_same_number_of_queries_for_many(client):
    notice = make_notice()
    make_objection(notice, "one")
    client.force_login(make_user("wu", *HANDLER))
    url = reverse("admin:objections_objection_changelist")
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for number in range(5):
        make_objection(notice, str(number))
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert len(many) == len(few)


def test_the_tracking_page_shows_the_date_that_is_due(client):
    objection = make_objection(token="mine")
    code = {"code": receipts.code_for("mine")}
    assert "2025年10月10日" in client.post("/objections/track/", code).content.decode()
    objection.accept(by=make_user("wu"))
    page = client.post("/objections/track/", code).content.decode()
    assert "2025年11月24日" in page
    assert "2025年10月10日" not in page


# --- What nobody has noticed ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received_on", "unnoticed"),
    [
        (datetime.date(2025, 9, 25), False),
        (datetime.date(2025, 9, 24), False),  # the working day after it has only begun
        (datetime.date(2025, 9, 23), True),
    ],
)
def test_one_working_day_must_have_passed(received_on, unnoticed):
    objection = make_objection()
    Objection.objects.update(received_on=received_on)
    objection.refresh_from_db()
    assert objection.is_unnoticed(TODAY) == unnoticed
    assert Objection.objects.unnoticed(TODAY).exists() == unnoticed


def test_a_holiday_is_no_working_day():
    objection = make_objection()
    Objection.objects.update(received_on=datetime.date(2025, 9, 30))
    objection.refresh_from_db()
    for day, unnoticed in ((datetime.date(2025, 10, 9), False), (datetime.date(2025, 10, 10), True)):
        assert objection.is_unnoticed(day) == Objection.objects.unnoticed(day).exists() == unnoticed


@pytest.mark.parametrize("how", ["delivered", "seen", "accepted"])
def test_delivered_opened_or_acted_on_is_noticed(how):
    objection = make_objection()
    later = TODAY + 10 * DAY
    assert objection.is_unnoticed(later)
    match how:
        case "delivered":
            objection.events.create(kind="delivered", at=NOON)
        case "seen":
            objection.see(by=make_user("wu"))
        case "accepted":
            objection.accept(by=make_user("wu"))
    objection.refresh_from_db()
    assert not objection.is_unnoticed(later)
    assert not Objection.objects.unnoticed(later).exists()


def test_opening_the_page_counts_only_for_who_may_handle(client):
    objection = make_objection()
    page = reverse("admin:objections_objection_change", args=[objection.pk])
    client.force_login(make_user("reader", "objections.view_objection"))
    client.get(page)
    objection.refresh_from_db()
    assert not objection.seen_at
    wu = make_user("wu", *HANDLER)
    client.force_login(wu)
    client.get(page)
    objection.refresh_from_db()
    assert objection.seen_by == wu


def test_the_queue_marks_what_nobody_noticed(client):
    make_objection()
    Objection.objects.update(received_on=TODAY - 9 * DAY)
    client.force_login(make_user("wu", *HANDLER))
    url = reverse("admin:objections_objection_changelist")
    assert "已收到，待受理 · 未送达也未查看" in client.get(url).content.decode()
    assert len(client.get(url, {"queue": "unnoticed"}).context["cl"].result_list) == 1


@pytest.mark.parametrize(("days", "sentences"), [(0, []), (4, ["没有人查看"]), (30, ["没有人查看", "已过办理期限"])])
def test_the_start_page_of_the_handler_warns_of_what_nobody_saw_and_what_is_late(client, days, sentences):
    make_objection()
    for name, permissions, expected in (("wu", HANDLER, sentences), ("reader", HANDLER[:1], [])):
        client.force_login(make_user(name, *permissions))
        with time_machine.travel(NOON + days * DAY, tick=False):
            client.force_login(make_user(name))
            page = client.get(reverse("admin:index")).content.decode()
        assert [each for each in ("没有人查看", "已过办理期限") if each in page] == expected
