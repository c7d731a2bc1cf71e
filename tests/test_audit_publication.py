"""Database, editions and log compared both ways: nothing to say of an honest history, every tampering named."""

import datetime
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from notices import auditing, signing, transparency
from notices.models import (
    Checkpoint,
    Confirmation,
    Edition,
    LogAudit,
    LogEntry,
    LogHead,
    NotAllowed,
    PublicityNotice,
    Redaction,
    TreeNode,
)
from tests.make import DAY, make_draft, make_notice, make_user, withdraw
from tests.test_append_only import without_guards

pytestmark = pytest.mark.django_db


def reviewed(notice: PublicityNotice) -> None:
    if not notice.submitted_at:
        notice.submit(by=make_user("zhang"))
    notice.publish(confirmed=True, by=make_user("li"))


def history() -> PublicityNotice:
    """Every kind of public act once: sequence 0 to 8."""
    notice = make_notice()
    notice.begin_correction(by=make_user("zhang"), reason="更正联系电话")
    reviewed(notice)
    notice.extend(by=make_user("zhang"), closes_on=notice.closes_on + 10 * DAY, reason="延期以便查阅")
    reviewed(notice)
    notice.compensate(by=make_user("zhang"), days=2, reason="网站停机两天")
    reviewed(notice)
    notice.propose_redaction(by=make_user("zhang"), number=1, ground="依据某法第一条")
    notice.redact(by=make_user("li"), number=1)
    urgent = make_draft(title="紧急的", tasks=[])
    urgent.publish_in_emergency(by=make_user("zhang"), emergency_reason="汛期抢险", confirmed=True)
    urgent.confirm_edition(by=make_user("wu"))
    scheduled = make_draft(title="定时的", tasks=[], opens_on=timezone.localdate() + DAY)
    scheduled.submit(by=make_user("zhang"))
    scheduled.publish(confirmed=True, by=make_user("li"), public_from=timezone.now() + datetime.timedelta(seconds=60))
    withdraw(urgent)
    return notice


def found() -> list[str]:
    return list(auditing.differences())


def audit() -> str:
    out = io.StringIO()
    call_command("audit_publication", stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("batch", [1, 2, 3, 250])
def test_an_honest_history_has_no_difference(monkeypatch, batch):
    monkeypatch.setattr(auditing, "BATCH", batch)
    history()
    assert LogEntry.objects.count() == 9
    assert found() == []
    assert "一致" in audit()


def test_an_empty_portal_has_none_either():
    assert found() == []
    make_draft()
    assert found() == []


def test_what_waits_for_the_external_signer_is_no_difference(settings, tmp_path):
    settings.LOG_SIGNER = "external"
    make_notice()
    assert found() == []
    signing.sign_on(settings.LOG_SIGNING_KEY, signing.Memory(tmp_path / "checkpoint"))
    assert found() == []


def update(model, changes, **where):
    """A tampering: these rows with other columns."""
    return lambda: model.objects.filter(**where).update(**changes)


def rewrite_line(sequence: int, **changes) -> None:
    row = LogEntry.objects.get(sequence=sequence)
    line = transparency.entry_line(json.loads(row.line) | changes)
    LogEntry.objects.filter(sequence=sequence).update(line=line.decode())


def rewrite_document(**changes) -> None:
    """An edition changed in all its places but the log."""
    edition = Edition.objects.get(sequence=3)
    document = json.loads(bytes(edition.document)) | changes
    content = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    Edition.objects.filter(sequence=3).update(document=content)


def rewrite_consistently() -> None:
    """Line and stored hashes: only the signatures know better."""
    rewrite_line(0, reason="改写")
    lines = [line.encode() for line in LogEntry.objects.values_list("line", flat=True)]
    for (level, index), digest in transparency.nodes_of(lines).items():
        TreeNode.objects.filter(level=level, index=index).update(hash=digest)


def sign_with_another_key() -> None:
    newest = Checkpoint.objects.newest()
    note = transparency.sign(newest.read(), transparency.make_signing_key()).decode()
    Checkpoint.objects.filter(size=newest.size).update(note=note)


def delete(model, **where):
    return lambda: model.objects.filter(**where).delete()


def forget_reference() -> None:
    PublicityNotice.objects.filter(title="紧急的").update(reference="2026-9999")


def lose_edition() -> None:
    PublicityNotice.objects.filter(edition__sequence=7).update(edition=None)
    Edition.objects.filter(sequence=7).delete()


TAMPERINGS = {
    "the bytes of an edition": (lambda: rewrite_document(title="改过"), "第 4 版（日志序号 3）：内容的 SHA-256"),
    "bytes erased without a redaction": (update(Edition, {"document": b""}, sequence=3), "却没有办理遮盖"),
    "bytes of a redacted edition": (update(Edition, {"document": b"{}"}, sequence=0), "内容却还在"),
    "digest": (update(Edition, {"digest": "0" * 64}, sequence=3), "日志写的SHA-256"),
    "title": (update(Edition, {"title": "改过"}, sequence=3), "数据库的列是“改过”"),
    "start": (update(Edition, {"opens_on": "2026-01-01"}, sequence=3), "公开的公示开始"),
    "end": (update(Edition, {"closes_on": "2099-01-01"}, sequence=3), "公开的公示结束"),
    "reason": (update(Edition, {"reason": "改过"}, sequence=3), "公开的更正说明"),
    "time of publication": (update(Edition, {"published_at": "2026-01-01T00:00Z"}, sequence=3), "日志写的发布时间"),
    "time of release": (update(Edition, {"public_from": "2026-01-01T00:00Z"}, sequence=7), "日志写的公开时间"),
    "way of publication": (update(Edition, {"via": "command"}, sequence=3), "日志写的发布方式"),
    "act": (update(Edition, {"act": "correct"}, sequence=3), "日志写的事项是“outage”"),
    "number": (update(Edition, {"number": 9}, sequence=3), "日志写的版本"),
    "reference": (forget_reference, "日志写的编号"),
    "edition gone": (lose_edition, "第 1 版不在数据库里"),
    "edition without a line": (update(Edition, {"sequence": 99}, sequence=3), "（日志序号 99）：日志里没有它的记录"),
    "edition at another line": (update(Edition, {"sequence": 8}, sequence=7), "它的日志记录不是发布，而是“撤回”"),
    "line": (lambda: rewrite_line(3, reason="改过"), "日志序号 3：原文与它的散列不符"),
    "line gone": (delete(LogEntry, sequence=5), "日志序号 5：没有这一条"),
    "last line gone": (delete(LogEntry, sequence=8), "日志长度：记着 9 条，最后一条的序号是 7"),
    "not a line": (update(LogEntry, {"line": "{}"}, sequence=3), "日志序号 3：时间格式不对"),
    "column of a line": (update(LogEntry, {"reference": "2020-0001"}, sequence=3), "日志序号 3：原文的 reference 是"),
    "order of time": (lambda: rewrite_line(3, at="2020-01-01T00:00:00.000000Z"), "日志序号 3：时间 2020"),
    "unknown act": (lambda: rewrite_line(8, act="forget"), "日志序号 8：不认识的事项 forget"),
    "hash": (update(TreeNode, {"hash": bytes(32)}, level=1, index=1), "日志散列 1/1"),
    "hash gone": (delete(TreeNode, level=0, index=4), "日志散列 0/4"),
    "length": (update(LogHead, {"size": 7}), "日志长度：记着 7 条"),
    "consistent rewriting": (rewrite_consistently, "检查点（1 条）：日志前 1 条与签名时不同"),
    "foreign signature": (sign_with_another_key, "检查点（9 条）：没有任何一个已知公钥的签名"),
    "size of a checkpoint": (update(Checkpoint, {"size": 99}, size=9), "检查点：最新的有 99 条，日志只有 9 条"),
    "time of a checkpoint": (update(Checkpoint, {"signed_at": "2026-01-01T00:00Z"}, size=9), "条数或时间与签名的"),
    "checkpoint gone": (delete(Checkpoint, size=9), "检查点：最新的只有 8 条，日志有 9 条"),
    "withdrawal undone": (update(PublicityNotice, {"withdrawn_at": None, "withdrawn_by": None}), "的“撤回”没有记在"),
    "reason of a withdrawal": (update(PublicityNotice, {"withdrawal_reason": "改过"}, title="紧急的"), "另一个原因"),
    "confirmation gone": (delete(Confirmation), "的“第二人确认”没有记在"),
    "time of a confirmation": (update(Confirmation, {"confirmed_at": "2026-01-01T00:00Z"}), "另一个时间"),
    "ground of a redaction": (update(Redaction, {"ground": "改过"}), "的“遮盖”在数据库里是另一个时间"),
    "withdrawal without a line": (lambda: rewrite_line(8, act="tally"), "数据库里已撤回，日志里没有"),
    "redaction without a line": (update(LogEntry, {"edition": 7}, act="redact"), "日志里没有它的“遮盖”"),
    "confirmation without a line": (update(LogEntry, {"edition": 7}, act="confirm"), "日志里没有它的“第二人确认”"),
    "another edition shown": (
        lambda: PublicityNotice.objects.filter(title="紧急的").update(edition=None),
        "公开的是没有版本，不是已签名的最新版本",
    ),
    "an older edition shown": (
        lambda: PublicityNotice.objects.filter(edition__sequence=3).update(edition=Edition.objects.get(sequence=2)),
        "公开的是第 3 版，不是已签名的最新版本",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_each_tampering_is_named_with_its_place(name):
    tamper, says = TAMPERINGS[name]
    history()
    assert found() == []  # the control
    with without_guards():
        if name == "withdrawal without a line":
            LogEntry.objects.filter(sequence=8).update(act="tally")
        tamper()
    differences = found()
    assert any(says in difference for difference in differences), differences
    assert len(differences) <= 6, differences  # one tampering is not a hundred differences


def test_a_number_without_any_edition_is_found():
    year = timezone.localdate().year
    draft = make_draft()
    PublicityNotice.objects.filter(pk=draft.pk).update(
        reference=f"{year}-0007", published_at=timezone.now(), published_by=make_user("li")
    )
    assert found() == [f"{year}-0007：有公示编号，却没有任何版本。"]


# ---- keys


@pytest.fixture
def rotated(settings, tmp_path) -> signing.Memory:
    """A history whose key was changed in the middle."""
    history()
    settings.LOG_SIGNER = "external"
    memory, new = signing.Memory(tmp_path / "checkpoint"), transparency.make_signing_key()
    signing.rotate(settings.LOG_SIGNING_KEY, new, memory)
    make_notice(title="换密钥以后", tasks=[])
    signing.sign_on(new, memory)
    settings.LOG_SIGNING_KEY, settings.LOG_VERIFIER_KEY = new, transparency.verifier_key("testserver", new)
    return memory


def test_a_change_of_key_is_accepted(rotated):
    assert found() == []


def test_the_old_key_is_no_longer_the_log_s(rotated, settings):
    settings.LOG_VERIFIER_KEY = transparency.verifier_key("testserver", transparency.make_signing_key())
    assert [line.split("：")[0] for line in found()] == ["核验公钥"]


def test_a_statement_by_a_stranger_changes_no_key(settings):
    make_notice()
    stranger, new = transparency.make_signing_key(), transparency.make_signing_key()
    statement = transparency.make_rotation(transparency.verifier_key("testserver", new), timezone.now(), stranger)
    with pytest.raises(NotAllowed, match="签名密钥"):
        LogEntry.objects.append(
            "key", at=timezone.now(), detail={"statement": statement, "previous": settings.LOG_VERIFIER_KEY + "x"}
        )
    settings.LOG_SIGNER = "external"
    LogEntry.objects.append("key", at=timezone.now(), detail={"statement": statement})
    Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=timezone.now())
    assert found() == ["日志序号 1：更换密钥的声明不是由当时的密钥签名的。"]


def test_a_site_that_moved_fits(settings):
    make_notice()
    settings.SITE_URL = "https://elsewhere.example"
    settings.LOG_VERIFIER_KEY = transparency.verifier_key("elsewhere.example", settings.LOG_SIGNING_KEY)
    make_notice(title="搬家以后", tasks=[])
    assert found() == []


# ---- the command, readiness, the start page


@pytest.fixture
def tampered():
    make_notice()
    with without_guards():
        Edition.objects.update(title="改过")


def test_differences_are_printed_and_kept(tampered):
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 处不符"):
        call_command("audit_publication", stdout=out)
    kept = LogAudit.objects.newest()
    assert out.getvalue().splitlines() == kept.differences
    assert (kept.count, abs(timezone.now() - kept.audited_at) < DAY) == (1, True)


def test_all_are_counted_and_the_first_are_kept():
    kept = auditing.record(f"第 {number} 处" for number in range(1000))
    assert kept.count == 1000
    assert kept.differences == [f"第 {number} 处" for number in range(auditing.KEPT)]


def test_readiness_reads_the_stored_result_only(client, tampered, monkeypatch, django_assert_max_num_queries):
    assert client.get("/health/ready").status_code == 200
    with pytest.raises(CommandError):
        audit()
    monkeypatch.setattr(auditing, "differences", None)
    with django_assert_max_num_queries(4):
        response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.content.decode().startswith("log: 1 differences found at ")
    assert client.get("/health/live").status_code == 200


def test_a_later_audit_without_differences_is_the_all_clear(client, tampered):
    with pytest.raises(CommandError):
        audit()
    with without_guards():
        Edition.objects.update(title=Edition.objects.get().read().title)
    audit()
    assert client.get("/health/ready").status_code == 200


def start_page(client) -> str:
    client.force_login(make_user("admin", is_superuser=True))
    return client.get(reverse("admin:index")).content.decode()


def test_the_start_page_of_the_admin_warns(client, tampered, settings):
    assert "处不符" not in start_page(client)
    with pytest.raises(CommandError):
        audit()
    page = start_page(client)
    assert "发现 1 处不符" in page
    assert LogAudit.objects.newest().differences[0].split("：")[0] in page


def test_the_start_page_tells_when_the_signer_is_away(client, settings):
    settings.LOG_SIGNER = "external"
    make_notice()
    assert "等待签名" not in start_page(client)
    with without_guards():
        LogEntry.objects.update(at=timezone.now() - datetime.timedelta(seconds=130))
    assert "1 条公示日志等待签名已超过 120 秒" in start_page(client)
