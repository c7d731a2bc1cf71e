"""The signer of its own: what it signs, what it remembers, what it refuses, and how it goes on after a restore."""

import datetime
import io
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from notices import durable, signing, transparency
from notices.management.commands import sign_log
from notices.models import (
    Checkpoint,
    Edition,
    LogEntry,
    LogHead,
    NotAllowed,
    PublicityNotice,
    ReferenceYear,
    TreeNode,
    log,
)
from tests.make import make_notice, withdraw
from tests.test_append_only import without_guards
from tests.test_import_notice import NOTICE
from tests.test_settings import PUBLIC, SECRETS, elsewhere, start  # noqa: F401 – a fixture

pytestmark = pytest.mark.django_db

SECOND = datetime.timedelta(seconds=1)
NEXT = transparency.make_signing_key()


@pytest.fixture(autouse=True)
def memory(settings, tmp_path) -> signing.Memory:
    """An external signer with an empty memory."""
    settings.LOG_SIGNER = "external"
    settings.LOG_SIGNER_STATE = str(tmp_path / "signer" / "checkpoint")
    settings.LOG_SIGNING_KEY_NEXT = NEXT
    return signing.Memory(settings.LOG_SIGNER_STATE)


def run(*arguments: str, **options) -> str:
    out = io.StringIO()
    call_command("sign_log", *arguments, stdout=out, **options)
    return out.getvalue()


def refused(*arguments: str, **options) -> str:
    with pytest.raises(CommandError) as refusal:
        run(*arguments, **options)
    return str(refusal.value)


def publish(count: int = 1) -> list[PublicityNotice]:
    before = PublicityNotice.objects.count()
    return [make_notice(title=f"第{before + number}份", tasks=[]) for number in range(count)]


def lines() -> list[bytes]:
    return [line.encode() for line in LogEntry.objects.values_list("line", flat=True)]


def audited(*keys: str, held=()) -> transparency.Checkpoint:
    return transparency.audit(lines(), Checkpoint.objects.newest().note.encode(), keys, held=held)


def lose(size: int) -> None:
    """The database as a backup taken at `size` lines would bring it back."""
    lost = Edition.objects.filter(sequence__gte=size)
    notices = list(lost.values_list("notice", flat=True))
    with without_guards():
        PublicityNotice.objects.filter(pk__in=notices).update(edition=None)
        lost.delete()
        LogEntry.objects.filter(sequence__gte=size).delete()
        Checkpoint.objects.filter(size__gt=size).delete()
        for node in TreeNode.objects.all():
            if (node.index + 1) << node.level > size:
                node.delete()
    PublicityNotice.objects.filter(pk__in=notices).delete()
    LogHead.objects.update(size=size)
    for row in ReferenceYear.objects.all():
        row.last = PublicityNotice.objects.filter(reference__startswith=f"{row.year}-").count()
        row.save()


# ---- signing


def test_what_waits_is_signed_brought_out_and_remembered(client, memory, settings):
    notice = publish()[0]
    assert client.get(f"/notices/{notice.reference}/").status_code == 404
    printed = run("--once")
    newest = Checkpoint.objects.newest()
    assert f"已签名到检查点 {newest}" in printed
    assert settings.LOG_VERIFIER_KEY in printed
    assert client.get(f"/notices/{notice.reference}/").status_code == 200
    assert memory.note == newest.note
    assert audited(settings.LOG_VERIFIER_KEY).size == 1


def test_an_empty_log_is_no_fault_and_signing_twice_adds_nothing():
    assert "还没有记录" in run("--once")
    publish(3)
    run("--once")
    run("--once")
    assert Checkpoint.objects.get().size == 3


def test_a_correction_and_a_withdrawal_come_out_with_their_signature(client):
    [notice] = publish()
    run("--once")
    notice.refresh_from_db()
    withdraw(notice)
    run("--once")
    assert Checkpoint.objects.newest().size == 2
    notice.refresh_from_db()
    assert notice.state() == "withdrawn"


def test_a_portal_that_signs_itself_has_no_use_for_it(settings):
    settings.LOG_SIGNER = "inline"
    assert "不需要 sign_log" in refused("--once")


def test_replay_belongs_to_recover():
    assert "--recover" in refused("--replay", "file")


# ---- what the database cannot make it sign


def forge(line: bytes = b"", **changes) -> None:
    """One more line, as somebody with all rights to the database could put it there."""
    sequence = LogHead.objects.get().size
    entry = {"sequence": sequence, "at": transparency.stamp(timezone.now()), "act": "withdraw"} | changes
    line = line or transparency.entry_line(entry)
    LogEntry.objects.create(sequence=sequence, at=timezone.now(), act="withdraw", line=line.decode())
    TreeNode.objects.add(sequence, line)
    LogHead.objects.update(size=sequence + 1)


def ago(seconds: int) -> str:
    return transparency.stamp(timezone.now() - seconds * SECOND)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"at": ago(3600)}, "时间早于"),
        ({"at": ago(-3600)}, "比签名时钟快"),
        ({"sequence": 7}, "另一个序号"),
        ({"line": b"{}"}, "不合格式"),
    ],
)
def test_a_line_that_is_out_of_order_is_not_signed(changes, says):
    publish()
    run("--once")
    forge(**changes)
    assert says in refused("--once")
    assert "拒绝签名" in refused("--late")
    assert Checkpoint.objects.get().size == 1


def test_the_control_a_line_in_order_is_signed():
    publish()
    run("--once")
    forge()
    run("--once")
    assert Checkpoint.objects.newest().size == 2


def test_a_line_that_is_not_what_its_stored_hash_says_is_not_signed(settings):
    publish(2)
    run("--once")
    forge()
    forged = LogEntry.objects.filter(sequence=2)
    honest = forged.get().line
    with without_guards():
        forged.update(line=honest.replace("withdraw", "publish"))
    assert "不一致" in refused("--once")
    with without_guards():
        forged.update(line=honest)
    run("--once")  # the control
    assert audited(settings.LOG_VERIFIER_KEY).size == 3


def test_a_line_that_is_missing_is_not_signed_over():
    publish(3)
    with without_guards():
        LogEntry.objects.filter(sequence=1).delete()
    assert "缺少记录" in refused("--once")


def test_lines_that_waited_too_long_need_somebody_who_looked(memory):
    publish()
    with time_machine.travel(timezone.now() + 130 * SECOND):
        assert "--late" in refused("--once")
        assert not Checkpoint.objects.exists()
        run("--late")
        assert Checkpoint.objects.get().size == 1
        publish()
        run("--once")


def test_an_early_line_does_not_slip_through_behind_a_fresh_one():
    publish()
    with time_machine.travel(timezone.now() + 130 * SECOND):
        publish()
        assert "序号 0 的记录等待签名" in refused("--once")


def test_only_the_key_of_the_log_signs(settings, monkeypatch):
    publish()
    run("--once")
    publish()
    settings.LOG_SIGNING_KEY = transparency.make_signing_key()
    assert "签名密钥不是公示日志现在的密钥" in refused("--once")
    monkeypatch.setattr(log, "_check_key", lambda *arguments: None)
    run("--once")  # the control


def test_a_site_that_moves_keeps_its_key(settings):
    publish()
    run("--once")
    publish()
    settings.SITE_URL = "https://elsewhere.example"
    run("--once")
    assert Checkpoint.objects.newest().read().origin == "elsewhere.example"


# ---- what it remembers


def test_a_database_that_was_rolled_back_is_refused(memory):
    publish(3)
    run("--once")
    lose(1)
    assert "只有 1 条" in refused("--once")
    assert "--recover" in refused("--once")
    publish(2)  # as long as before, with other lines
    assert "不一致" in refused("--once")
    publish(2)
    assert "不一致" in refused("--once")
    assert not Checkpoint.objects.filter(size__gt=1).exists()
    memory.path.unlink()
    run("--once")  # the control: it is the memory that knows
    assert Checkpoint.objects.newest().size == 5


def test_a_memory_that_was_lost_begins_anew_with_what_its_own_key_signed(memory, settings, monkeypatch):
    publish(2)
    run("--once")
    kept = memory.note
    memory.path.unlink()
    assert "已签名到检查点" in run("--once")
    assert memory.note == kept
    assert not signing.is_due(memory)
    newest = Checkpoint.objects.get()
    with without_guards():
        note = transparency.sign(newest.read(), transparency.make_signing_key()).decode()
        Checkpoint.objects.update(note=note)
    assert "签名密钥不是公示日志现在的密钥" in refused("--once")
    assert memory.note == kept
    monkeypatch.setattr(log, "_check_key", lambda *arguments: None)
    run("--once")  # the control
    assert memory.note == note


def test_what_a_crash_left_unpublished_comes_out_with_the_next_start(settings, monkeypatch):
    publish()
    with monkeypatch.context() as crash:
        crash.setattr(signing, "_promote", lambda start: None)
        run("--once")
    assert not PublicityNotice.objects.get().edition
    run("--once")
    assert PublicityNotice.objects.get().edition.sequence == 0


def test_an_empty_database_is_refused_as_well():
    publish(2)
    run("--once")
    lose(0)
    LogHead.objects.all().delete()
    assert "只有 0 条" in refused("--once")


def test_a_signature_that_never_reached_the_database_is_no_rollback(memory):
    publish(2)
    run("--once")
    with without_guards():
        Checkpoint.objects.all().delete()
    publish()
    run("--once")
    assert Checkpoint.objects.get().size == 3


def test_a_history_rewritten_behind_the_newest_checkpoint_is_refused(memory):
    publish(2)
    run("--once")
    note = Checkpoint.objects.get().note
    lose(0)
    publish(4)
    memory.write(note.encode())
    assert "不一致" in refused("--once")


@pytest.mark.parametrize("content", ["", "not a note", "\xff"])
def test_a_damaged_memory_is_no_permission(memory, content):
    publish()
    memory.path.parent.mkdir()
    memory.path.write_bytes(content.encode("latin-1"))
    assert "读不了" in refused("--once")


def test_the_memory_is_replaced_whole(memory, monkeypatch):
    publish()
    run("--once")
    kept = memory.note

    def power_cut(number):
        raise OSError("power cut")

    monkeypatch.setattr(durable.os, "fsync", power_cut)
    with pytest.raises(OSError, match="power cut"):
        memory.write(b"half a no")
    assert memory.note == kept


def test_what_is_signed_is_remembered_before_anybody_can_see_it(memory, monkeypatch):
    publish()
    seen = []
    monkeypatch.setattr(signing.Memory, "write", lambda self, note: seen.append(Checkpoint.objects.exists()))
    run("--once")
    assert seen == [False]


# ---- at the same time


@pytest.mark.django_db(transaction=True)
def test_publisher_and_signer_do_not_wait_for_each_other(settings, memory):
    """A publisher holds the notice and then wants the log; the signer has the log and then wants the notice."""
    [notice] = publish()
    faults = []

    def sign():
        try:
            signing.sign_on(settings.LOG_SIGNING_KEY, memory)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    signer = threading.Thread(target=sign)
    with transaction.atomic():
        PublicityNotice.objects.select_for_update(of=("self",)).get(pk=notice.pk)
        signer.start()
        time.sleep(0.5)
        LogEntry.objects.append("withdraw", at=timezone.now(), reference=notice.reference, reason="与签名同时")
    signer.join()
    assert not faults
    assert PublicityNotice.objects.get().edition.number == 1


# ---- as a process


class Twice:
    """A stop event that lets the loop run two rounds."""

    def __init__(self):
        self.pauses = []

    def wait(self, pause):
        self.pauses.append(pause)
        return len(self.pauses) > 2

    def set(self):
        pass


def test_a_database_that_is_away_is_asked_again_and_a_refusal_ends_the_process(monkeypatch):
    stop = Twice()
    monkeypatch.setattr(sign_log.threading, "Event", lambda: stop)
    monkeypatch.setattr(sign_log.signal, "signal", lambda *arguments: None)
    monkeypatch.setattr(sign_log, "close_old_connections", lambda: None)  # a test keeps its one connection

    def away(memory):
        raise OperationalError("away")

    monkeypatch.setattr(signing, "is_due", away)
    run()
    assert stop.pauses == [sign_log.PAUSE, sign_log.PROBE, sign_log.PROBE]

    def rolled_back(memory):
        raise NotAllowed("回退")

    monkeypatch.setattr(signing, "is_due", rolled_back)
    stop.pauses.clear()
    assert refused() == "回退"


def test_a_rollback_is_noticed_without_a_new_line(memory):
    publish(2)
    run("--once")
    assert not signing.is_due(memory)
    lose(1)
    assert signing.is_due(memory)


def signer(key: str = "LOG_SIGNING_KEY") -> dict:
    return SECRETS | {"LOG_SIGNER": "external", key: SECRETS["LOG_SIGNING_KEY"]}


def web(**changes) -> dict:
    key = transparency.verifier_key("127.0.0.1:8000", SECRETS["LOG_SIGNING_KEY"])
    return {name: value for name, value in (SECRETS | {"LOG_SIGNER": "external", "LOG_VERIFIER_KEY": key}).items()
            if name != "LOG_SIGNING_KEY"} | changes  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "arguments", "says"),
    [
        (web(LOG_VERIFIER_KEY=""), ("check",), "LOG_VERIFIER_KEY"),
        (web(LOG_VERIFIER_KEY="abc"), ("check",), "不是有效的核验公钥"),
        (web(SITE_URL="http://127.0.0.1:9000"), ("check",), "127.0.0.1:9000"),
        (web(LOG_SIGNING_KEY="abc"), ("check",), "只有 sign_log 命令可以有签名密钥"),
        (web(), ("sign_log",), "LOG_SIGNING_KEY"),
        (signer() | {"LOG_SIGNING_KEY": "abc"}, ("sign_log",), "不是有效的签名密钥"),
    ],
)
def test_half_configured_neither_process_starts(elsewhere, environment, arguments, says):  # noqa: F811
    result = start(elsewhere, environment, *arguments)
    assert result.returncode != 0
    assert result.stderr.startswith("无法启动")
    assert says in result.stderr


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_two_processes_of_which_only_one_has_the_key(elsewhere, tmp_path):  # noqa: F811
    file = tmp_path / "portal.sqlite3"
    database = {"DATABASE_URL": f"sqlite:///{file}"}
    (tmp_path / "notice.txt").write_text(NOTICE.format(number="三"))
    assert start(elsewhere, web() | database, "migrate", "-v0").returncode == 0

    def public() -> list:
        with sqlite3.connect(file) as connection:
            return connection.execute("SELECT edition_id IS NOT NULL FROM notices_publicitynotice").fetchall()

    command = [sys.executable, str(elsewhere / "manage.py"), "sign_log"]
    environment = signer() | database | {"LOG_SIGNER_STATE": str(tmp_path / "own" / "checkpoint")}
    process = subprocess.Popen(command, cwd=elsewhere, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: "核验公钥" in process.stdout.readline())
        importing = ("import_notice", "notice.txt", "--organisation", "990300", "--create", "--publish")
        result = start(elsewhere, web() | database, *importing)
        assert result.returncode == 0, result.stderr
        wait_for(lambda: public() == [(1,)])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert (tmp_path / "own" / "checkpoint").read_text().startswith("127.0.0.1:8000\n1\n")
    verified = start(elsewhere, web() | database, "verify_log")
    assert verified.returncode == 0, verified.stderr
    assert "核验通过" in verified.stdout
