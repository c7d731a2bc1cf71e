"""After the close the log says how many objections a notice received, and each objector can check theirs is among them."""

import datetime
import hashlib

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.utils import timezone

from notices import transparency
from notices.models import LogEntry, NotAllowed, PublicityNotice, RectificationTask, Stage
from objections import outcomes, receipts
from objections.keyring import ring
from objections.models import Objection
from tests.make import DAY, make_notice, make_objection, make_user

pytestmark = pytest.mark.django_db


def after_close(notice) -> datetime.datetime:
    day = notice.edition.closes_on + DAY
    return datetime.datetime.combine(day, datetime.time(0, 1), tzinfo=timezone.get_default_timezone())


def tallies() -> list[dict]:
    return [transparency.read_entry(entry.line.encode()) for entry in LogEntry.objects.filter(act="tally")]


def test_one_tally_after_the_close_and_none_before():
    notice = make_notice()
    make_objection(notice, "one")
    make_objection(notice, "two")
    assert outcomes.write_tallies(after_close(notice) - datetime.timedelta(minutes=2)) == 0
    assert outcomes.write_tallies(after_close(notice)) == 1
    assert outcomes.write_tallies(after_close(notice)) == 0
    (entry,) = tallies()
    assert entry["reference"] == notice.reference
    assert (entry["detail"]["received"], entry["detail"]["late"]) == (2, 0)


def test_zero_is_said_as_zero():
    notice = make_notice()
    outcomes.write_tallies(after_close(notice))
    assert tallies()[0]["detail"]["received"] == 0


def test_a_late_objection_gives_a_supplementary_tally():
    notice = make_notice()
    make_objection(notice, "one")
    outcomes.write_tallies(after_close(notice))
    later = after_close(notice) + DAY
    with time_machine.travel(later, tick=False):
        make_objection(notice, "late")
    assert outcomes.write_tallies(later) == 1
    assert [(entry["detail"]["received"], entry["detail"]["late"]) for entry in tallies()] == [(1, 0), (2, 1)]


def test_an_archive_notice_and_a_withdrawn_one_are_not_tallied():
    make_notice(datetime.date(2025, 4, 30))
    assert PublicityNotice.objects.closed(timezone.localdate()).count() == 1
    assert outcomes.write_tallies() == 0


def test_the_tally_holds_no_personal_data_and_no_code():
    notice = make_notice()
    make_objection(notice, "one")
    outcomes.write_tallies(after_close(notice))
    line = LogEntry.objects.get(act="tally").line
    for secret in ("王小明", "wang@", receipts.code_for("one"), Objection.objects.get().code_digest):
        assert secret not in line


def test_the_objector_can_prove_theirs_was_counted():
    notice = make_notice()
    mine = make_objection(notice, "mine")
    for number in range(5):
        make_objection(notice, str(number))
    assert outcomes.counted_proof(mine) is None
    outcomes.write_tallies(after_close(notice))
    proof = outcomes.counted_proof(mine)
    logged = tallies()[0]["detail"]
    assert (proof["root"], proof["size"], proof["salt"]) == (logged["root"], 6, logged["salt"])
    own = hashlib.sha256(f"{logged['salt']}:{receipts.digest(receipts.code_for('mine'))}".encode()).digest()
    arguments = (proof["index"], proof["size"], [bytes.fromhex(part) for part in proof["proof"]])
    root = bytes.fromhex(logged["root"])
    assert transparency.verify_inclusion(transparency.leaf_hash(own), *arguments, root)
    other = hashlib.sha256(f"{logged['salt']}:{receipts.digest(receipts.code_for('other'))}".encode()).digest()
    assert not transparency.verify_inclusion(transparency.leaf_hash(other), *arguments, root)


def test_an_objection_that_came_after_the_tally_is_not_in_it():
    notice = make_notice()
    outcomes.write_tallies(after_close(notice))
    with time_machine.travel(after_close(notice) + DAY, tick=False):
        late = make_objection(notice, "late")
    assert outcomes.counted_proof(late) is None


def test_the_worker_writes_it():
    notice = make_notice()
    with time_machine.travel(after_close(notice), tick=False):
        call_command("send_mail", "--once")
    assert len(tallies()) == 1


def closable(notice) -> RectificationTask:
    return notice.tasks.get()


def test_an_open_objection_keeps_the_task_from_closure():
    today = timezone.localdate()
    notice = make_notice(today - 20 * DAY, today - 5 * DAY)
    task = closable(notice)
    objection = make_objection(notice)
    with pytest.raises(NotAllowed, match="1 条异议没有办结"):
        outcomes.propose_closure(task, by=make_user("zhang"), closed_on=today)
    objection.decline(by=make_user("wu"), reason="与公示无关")
    outcomes.propose_closure(task, by=make_user("zhang"), closed_on=today)
    outcomes.close_task(task, by=make_user("li"))
    assert task.stage() == Stage.CLOSED


def test_a_running_window_keeps_the_task_from_closure():
    task = closable(make_notice())
    with pytest.raises(NotAllowed, match="公示中"):
        outcomes.propose_closure(task, by=make_user("zhang"), closed_on=timezone.localdate())


def test_the_button_of_admin_has_the_gate_too(client):
    today = timezone.localdate()
    notice = make_notice(today - 20 * DAY, today - 5 * DAY)
    make_objection(notice)
    task = closable(notice)
    names = ("notices.view_rectificationtask", "notices.close_rectificationtask")
    client.force_login(make_user("supervisor", *names))
    url = f"/admin/notices/rectificationtask/{task.pk}/verb"
    assert "没有办结" in client.post(f"{url}/propose_closure/", {"closed_on": today}, follow=True).content.decode()
    assert task.stage() == Stage.PUBLICITY_ENDED
    Objection.objects.get().decline(by=make_user("wu"), reason="与公示无关")
    client.post(f"{url}/propose_closure/", {"closed_on": today})
    assert "由另一人确认" in client.post(f"{url}/close/", follow=True).content.decode()
    assert RectificationTask.objects.get(pk=task.pk).stage() == Stage.PUBLICITY_ENDED
    client.force_login(make_user("chief", *names))
    client.post(f"{url}/close/")
    assert RectificationTask.objects.get(pk=task.pk).stage() == Stage.CLOSED
    client.post(f"/admin/notices/rectificationtask/{task.pk}/verb/reopen/", {"reason": "回头看发现反弹"})
    assert RectificationTask.objects.get(pk=task.pk).stage() == Stage.REOPENED


def test_the_tracking_page_shows_the_proof_once_there_is_a_tally(client):
    notice = make_notice()
    make_objection(notice, "mine")
    code = receipts.code_for("mine")
    assert "已计入公示日志" not in client.post("/objections/track/", {"code": code}).content.decode()
    outcomes.write_tallies(after_close(notice))
    page = client.post("/objections/track/", {"code": code}).content.decode()
    assert tallies()[0]["detail"]["root"] in page


def test_a_personal_field_that_cannot_be_decrypted_stops_no_tally(settings):
    notice = make_notice()
    make_objection(notice)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    ring.forget()
    assert outcomes.write_tallies(after_close(notice)) == 1
