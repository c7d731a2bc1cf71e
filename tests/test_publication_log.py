"""The publication log: one line for each public act, always under a signed checkpoint that anyone can check."""

import datetime
import json
import threading

import pytest
import time_machine
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from notices import transparency
from notices.models import (
    Checkpoint,
    Edition,
    LogEntry,
    LogHead,
    NotAllowed,
    PublicityNotice,
    ReferenceYear,
    TreeNode,
)
from tests.make import DAY, make_draft, make_office, make_user, withdraw
from tests.test_append_only import without_guards

pytestmark = pytest.mark.django_db

SECOND = datetime.timedelta(seconds=1)
STAFF = {"canary-drafter": "贾起草", "canary-reviewer": "甄审核", "canary-third": "卜第三"}


def staff(username: str):
    return make_user(username, first_name=STAFF[username], last_name="某", email=f"{username}@staff.example")


def drafter():
    return staff("canary-drafter")


def reviewer():
    return staff("canary-reviewer")


def third():
    return staff("canary-third")


def submitted(**fields) -> PublicityNotice:
    draft = make_draft(drafted_by=drafter(), **fields)
    draft.submit(by=drafter())
    return draft


def published(**fields) -> PublicityNotice:
    notice = submitted(**fields)
    notice.publish(confirmed=True, by=reviewer())
    return notice


def correct(notice: PublicityNotice, reason: str = "更正联系电话") -> None:
    notice.begin_correction(by=drafter(), reason=reason)
    notice.submit(by=drafter())
    notice.publish(confirmed=True, by=reviewer())


def lines() -> list[bytes]:
    return [line.encode() for line in LogEntry.objects.values_list("line", flat=True)]


def said() -> list[dict]:
    """What the lines of the log say, in order."""
    return [json.loads(line) for line in lines()]


def audited() -> transparency.Checkpoint:
    """The newest checkpoint, after the whole log has been found to fit it and every edition."""
    editions = {each.digest: bytes(each.document) for each in Edition.objects.exclude(document=b"")}
    signed = Checkpoint.objects.newest().note.encode()
    return transparency.audit(lines(), signed, [settings.LOG_VERIFIER_KEY], editions=editions)


# ---- every act writes one line


def publish_first():
    return published()


def publish_correction():
    notice = published()
    yield notice
    correct(notice)


def publish_extension():
    notice = published()
    yield notice
    notice.extend(by=drafter(), closes_on=notice.closes_on + 5 * DAY, reason="延期以便查阅")
    notice.publish(confirmed=True, by=reviewer())


def publish_compensation():
    notice = published()
    yield notice
    notice.compensate(by=drafter(), days=2, reason="网站停机两天")
    notice.publish(confirmed=True, by=reviewer())


def withdraw_it():
    notice = published()
    yield notice
    notice.propose_withdrawal(by=drafter(), reason="责任单位写错")
    notice.withdraw(by=reviewer())


def redact_it():
    notice = published()
    correct(notice)
    yield notice
    notice.propose_redaction(by=drafter(), number=1, ground="依据某法第一条")
    notice.redact(by=reviewer(), number=1)


def confirm_it():
    notice = make_draft(drafted_by=drafter())
    notice.publish_in_emergency(by=drafter(), emergency_reason="汛期抢险", confirmed=True)
    yield notice
    notice.confirm_edition(by=third())


def publish_it():
    draft = submitted()
    yield draft
    draft.publish(confirmed=True, by=reviewer())


def publish_in_emergency():
    draft = make_draft(drafted_by=drafter())
    yield draft
    draft.publish_in_emergency(by=drafter(), emergency_reason="汛期抢险", confirmed=True)


def publish_by_command():
    draft = make_draft(drafted_by=drafter())
    yield draft
    draft.publish(confirmed=True, by=drafter(), via="command")


def schedule_it():
    draft = submitted()
    yield draft
    draft.publish(confirmed=True, by=reviewer(), public_from=timezone.now() + datetime.timedelta(seconds=90))


ACTS = [
    (publish_it, {"act": "publish", "edition": 1}),
    (publish_in_emergency, {"act": "publish", "edition": 1, "reason": "汛期抢险", "via": "emergency"}),
    (publish_by_command, {"act": "publish", "edition": 1, "via": "command"}),
    (schedule_it, {"act": "publish", "edition": 1, "public_from": "…"}),
    (publish_correction, {"act": "correct", "edition": 2, "reason": "更正联系电话"}),
    (publish_extension, {"act": "extend", "edition": 2, "reason": "延期以便查阅"}),
    (publish_compensation, {"act": "outage", "edition": 2, "reason": "网站停机两天"}),
    (withdraw_it, {"act": "withdraw", "reason": "责任单位写错"}),
    (redact_it, {"act": "redact", "edition": 1, "reason": "依据某法第一条"}),
    (confirm_it, {"act": "confirm", "edition": 1}),
]
WITHOUT_DIGEST = ("withdraw", "confirm")  # they are about a notice or an edition, not about new bytes


@pytest.mark.parametrize(("act", "expected"), ACTS, ids=lambda value: getattr(value, "__name__", ""))
def test_an_act_writes_one_line_that_says_what_was_done_and_nothing_of_persons(act, expected):
    steps = act()
    notice = next(steps)
    before = LogEntry.objects.count()
    assert next(steps, None) is None
    notice.refresh_from_db()
    entry, line = LogEntry.objects.last(), said()[-1]
    assert LogEntry.objects.count() == before + 1

    expected = {"sequence": before, "at": transparency.stamp(entry.at), "reference": notice.reference} | expected
    if expected["act"] not in WITHOUT_DIGEST:
        expected["digest"] = notice.editions.get(number=expected["edition"]).digest
    if "public_from" in expected:
        expected["public_from"] = transparency.stamp(notice.edition.public_from)
    assert line == expected  # nothing else stands there
    assert (entry.sequence, entry.act, entry.reference) == (line["sequence"], line["act"], line["reference"])
    assert (entry.edition, entry.digest) == (line.get("edition"), line.get("digest", ""))
    assert line["act"] in log_entry_labels()

    for word in [*STAFF, *STAFF.values(), "staff.example", make_office().phone, "office@qinglan.example"]:
        assert word not in entry.line


def log_entry_labels() -> set[str]:
    return {entry.act for entry in LogEntry.objects.all() if entry.label != entry.act}


@pytest.mark.parametrize("act", [act for act, _ in ACTS], ids=lambda act: act.__name__)
def test_the_checkpoint_after_an_act_is_signed_by_the_log_and_covers_it(act):
    steps = act()
    next(steps)
    next(steps, None)
    newest = Checkpoint.objects.newest()
    checkpoint = transparency.verified(newest.note.encode(), [settings.LOG_VERIFIER_KEY])
    assert checkpoint.size == newest.size == LogEntry.objects.count() == LogHead.objects.get().size
    assert checkpoint.origin == "testserver"
    nodes = transparency.nodes_of(lines())
    assert checkpoint.root == transparency.root(checkpoint.size, lambda level, index: nodes[level, index])
    stranger = transparency.verifier_key("testserver", transparency.make_signing_key())
    with pytest.raises(transparency.BadNote):  # the control: another log's key does not open it
        transparency.verified(newest.note.encode(), [stranger])


def all_acts() -> PublicityNotice:
    """A log with every kind of act in it: eleven lines about three notices."""
    notice = published()
    correct(notice)
    notice.extend(by=drafter(), closes_on=notice.closes_on + 5 * DAY, reason="延期以便查阅")
    notice.publish(confirmed=True, by=reviewer())
    notice.compensate(by=drafter(), days=2, reason="网站停机两天")
    notice.publish(confirmed=True, by=reviewer())
    notice.propose_redaction(by=drafter(), number=1, ground="依据某法第一条")
    notice.redact(by=reviewer(), number=1)
    other = make_draft(drafted_by=drafter(), title="紧急的", tasks=[])
    other.publish_in_emergency(by=drafter(), emergency_reason="汛期抢险", confirmed=True)
    other.confirm_edition(by=third())
    withdraw(other)
    published(title="第三份", tasks=[])
    return notice


def test_the_log_can_be_audited_over_all_lines_and_editions():
    all_acts()
    checkpoint = audited()
    assert checkpoint.size == len(lines()) == 9
    assert [line["act"] for line in said()] == [
        *("publish", "correct", "extend", "outage", "redact"),
        *("publish", "confirm", "withdraw", "publish"),
    ]
    forged = lines()
    forged[3] = forged[3].replace("网站停机两天".encode(), "网站停机三天".encode())
    with pytest.raises(transparency.DoesNotFit):  # the control
        transparency.audit(forged, Checkpoint.objects.newest().note.encode(), [settings.LOG_VERIFIER_KEY])


def test_every_earlier_checkpoint_still_fits():
    all_acts()
    held = [each.note.encode() for each in Checkpoint.objects.all()]
    assert len(held) == 9
    signed = Checkpoint.objects.newest().note.encode()
    assert transparency.audit(lines(), signed, [settings.LOG_VERIFIER_KEY], held=held).size == 9


# ---- what fails leaves nothing


def test_a_publication_that_fails_leaves_no_line_no_checkpoint_and_no_gap(monkeypatch):
    first = published()
    draft = submitted(title="第二份", tasks=[])
    counts = [model.objects.count() for model in (LogEntry, Checkpoint, TreeNode, Edition)]

    def fail(self):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("notices.models.publicity.NoticeQuerySet.promote", fail)  # the last step of publishing
        with pytest.raises(RuntimeError):
            draft.publish(confirmed=True, by=reviewer())
    assert [model.objects.count() for model in (LogEntry, Checkpoint, TreeNode, Edition)] == counts
    assert LogHead.objects.get().size == 1
    draft.refresh_from_db()
    assert (draft.reference, draft.edition) == (None, None)

    draft.publish(confirmed=True, by=reviewer())
    assert draft.reference == f"{timezone.localdate().year}-0002"
    assert first.reference.endswith("-0001")
    assert audited().size == 2


@pytest.mark.parametrize("act", ["withdraw", "confirm_edition", "redact"])
def test_a_refused_act_leaves_no_line(act):
    notice = published()
    arguments = {"number": 1} if act == "redact" else {}
    with pytest.raises(NotAllowed):
        getattr(notice, act)(by=third(), **arguments)
    assert LogEntry.objects.count() == LogHead.objects.get().size == 1


def test_a_transaction_that_is_rolled_back_takes_its_line_along():
    def publish_and_fail():
        with transaction.atomic():
            published()
            assert LogEntry.objects.count() == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        publish_and_fail()
    assert not LogEntry.objects.exists()
    assert not Checkpoint.objects.exists()
    assert not ReferenceYear.objects.exists()
    assert published().reference.endswith("-0001")
    assert said()[0]["sequence"] == 0


# ---- clocks


@pytest.mark.parametrize(("back", "refused"), [(0, False), (1, False), (120, False), (121, True), (86_400, True)])
def test_a_clock_that_steps_back_is_evened_out_or_refused(back, refused):
    noon = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)
    with time_machine.travel(noon, tick=False):
        published()
        draft = submitted(title="第二份", tasks=[], opens_on=timezone.localdate() + DAY)
    with time_machine.travel(noon - back * SECOND, tick=False):
        if refused:
            with pytest.raises(NotAllowed, match="校准服务器时钟"):
                draft.publish(confirmed=True, by=reviewer())
            assert LogEntry.objects.count() == 1
        else:
            draft.publish(confirmed=True, by=reviewer())
            assert LogEntry.objects.last().at == noon
            assert draft.edition.published_at == noon
            assert draft.edition.public_from == noon
            assert audited().size == 2


# ---- the signer


@pytest.mark.parametrize("off", [-86_400, -121, 121, 86_400])
def test_the_signer_refuses_a_time_that_is_off(settings, off):
    settings.LOG_SIGNER = "external"
    published()
    last = LogEntry.objects.last().at
    with pytest.raises(NotAllowed, match="拒绝签名"):
        Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=last + off * SECOND)
    assert not Checkpoint.objects.exists()


@pytest.mark.parametrize("off", [-120, 0, 120])
def test_the_control_a_time_within_the_tolerance_is_signed(settings, off):
    settings.LOG_SIGNER = "external"
    published()
    now = LogEntry.objects.last().at + off * SECOND
    signed = Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=now)
    assert (signed.size, signed.read().at) == (1, now.astimezone(datetime.UTC))


def test_signing_again_what_is_signed_adds_nothing_however_late(settings):
    published()
    newest = Checkpoint.objects.newest()
    again = Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=timezone.now() + DAY)
    assert again == newest
    assert Checkpoint.objects.count() == 1


def roll_back(size: int) -> None:
    """The log as an older backup would leave it, the checkpoints as they are."""
    with without_guards():
        for model, rows in ((LogEntry, {"sequence__gte": size}), (TreeNode, {"level": 0, "index__gte": size})):
            model.objects.filter(**rows).delete()
        TreeNode.objects.filter(level=1, index__gte=size // 2).delete()
        TreeNode.objects.filter(level=2, index__gte=size // 4).delete()
    LogHead.objects.update(size=size)


def three_lines() -> None:
    published()
    published(title="第二份", tasks=[])
    published(title="第三份", tasks=[])


def test_the_signer_refuses_a_log_that_has_become_shorter(settings):
    three_lines()
    roll_back(2)
    with pytest.raises(NotAllowed, match="拒绝签名"):
        Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=timezone.now())
    assert Checkpoint.objects.newest().size == 3


@pytest.mark.parametrize("more", [1, 2, 3])
def test_lines_in_the_place_of_lost_ones_are_never_signed(settings, more):
    """Neither below the length that was signed before, nor up to it, nor beyond it."""
    three_lines()
    roll_back(1)
    settings.LOG_SIGNER = "external"
    for number in range(more):
        LogEntry.objects.append("withdraw", at=timezone.now(), reference="2026-0001", reason=f"第{number}条")
    with pytest.raises(NotAllowed, match="拒绝签名"):
        Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=timezone.now())
    assert Checkpoint.objects.newest().size == 3


def test_after_a_rollback_no_notice_is_published_until_the_lines_are_back():
    three_lines()
    roll_back(2)
    draft = submitted(title="第四份", tasks=[])
    with pytest.raises(NotAllowed, match="请停止发布并核对备份"):
        draft.publish(confirmed=True, by=reviewer())
    draft.refresh_from_db()
    assert (draft.reference, LogEntry.objects.count()) == (None, 2)


def test_the_signer_refuses_a_log_whose_beginning_was_rewritten(settings):
    settings.LOG_SIGNER = "external"
    three_lines()
    Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=timezone.now())
    LogEntry.objects.append("withdraw", at=timezone.now(), reference="2026-0001", reason="第四行")
    rewritten = TreeNode.objects.filter(level=0, index=2)
    honest = bytes(rewritten.get().hash)
    with without_guards():
        rewritten.update(hash=transparency.leaf_hash(b"{}"))
    with pytest.raises(NotAllowed, match="不一致"):
        Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=timezone.now())
    with without_guards():
        rewritten.update(hash=honest)
    assert Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=timezone.now()).size == 4  # the control


# ---- at the same time


@pytest.mark.django_db(transaction=True)
def test_simultaneous_acts_leave_the_log_without_gap_and_in_order_of_time():
    drafts = [submitted(title=f"公示{number}", tasks=[]) for number in range(4)]
    withdrawn = [published(title=f"撤回{number}", tasks=[]) for number in range(2)]
    for notice in withdrawn:
        notice.propose_withdrawal(by=drafter(), reason="责任单位写错")
    by, faults = reviewer(), []
    barrier = threading.Barrier(6)

    def run(act, **arguments):
        try:
            barrier.wait()
            act(by=by, **arguments)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[draft.publish], kwargs={"confirmed": True}) for draft in drafts]
    threads += [threading.Thread(target=run, args=[notice.withdraw]) for notice in withdrawn]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert [line["sequence"] for line in said()] == list(range(8))
    assert LogHead.objects.get().size == Checkpoint.objects.newest().size == 8
    year = timezone.localdate().year
    given = sorted(PublicityNotice.objects.values_list("reference", flat=True))
    assert given == [f"{year}-{number:04d}" for number in range(1, 7)]
    assert audited().size == 8
