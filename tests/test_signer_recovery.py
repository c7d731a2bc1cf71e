"""A signer that lost its memory goes on only from what somebody vouches for."""
# ruff: noqa: F811

import json

import pytest
import time_machine
from django.utils import timezone

from notices import transparency
from notices.models import (
    Checkpoint,
    LogEntry,
    LogHead,
    PublicityNotice,
)
from tests.test_settings import PUBLIC, SECRETS, elsewhere, start  # noqa: F401 – a fixture
from tests.test_sign_log import SECOND, audited, lines, lose, memory, publish, refused, run  # noqa: F401 – a fixture

pytestmark = pytest.mark.django_db


# ---- recovery


@pytest.fixture
def export(tmp_path):
    """All lines of three publications, saved before the database lost two of them."""
    publish()
    run("--once")
    publish(2)
    run("--once")
    file = tmp_path / "entries"
    file.write_bytes(b"".join(line + b"\n" for line in lines()))
    lose(1)
    return file


def test_lost_lines_are_replayed_verbatim(export, memory, settings, client):
    printed = run("--recover", "--replay", str(export))
    assert "已补回 2 条记录" in printed
    year = timezone.localdate().year
    assert f"序号 1：{year}-0002 第 1 版的内容不在数据库里" in printed
    assert f"序号 2：{year}-0003 第 1 版的内容不在数据库里" in printed
    assert b"".join(line + b"\n" for line in lines()) == export.read_bytes()
    assert Checkpoint.objects.newest().note == memory.note
    [row] = LogEntry.objects.filter(sequence=2)
    assert (row.reference, row.edition, len(row.digest)) == (f"{year}-0003", 1, 64)
    assert publish()[0].reference == f"{year}-0004"  # a number that was public is not given again
    run("--once")
    assert audited(settings.LOG_VERIFIER_KEY, held=[memory.note.encode()]).size == 4
    assert client.get("/log/entries").content.startswith(export.read_bytes())


def test_a_part_of_the_log_is_enough_if_it_is_the_lost_part(export):
    export.write_bytes(b"\n".join(export.read_bytes().splitlines()[1:]))
    run("--recover", "--replay", str(export))
    assert Checkpoint.objects.newest().size == 3


def test_lines_after_what_is_remembered_are_left_out(export):
    more = {"sequence": 3, "at": transparency.stamp(timezone.now()), "act": "withdraw"}
    export.write_bytes(export.read_bytes() + transparency.entry_line(more))
    run("--recover", "--replay", str(export))
    assert LogEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda content: b"", "缺少序号 1"),
        (lambda content: content.rsplit(b"\n", 2)[0], "缺少序号 2"),
        (lambda content: content.replace("青澜".encode(), b"") + b"{}", "不是日志记录"),
        (lambda content: content.replace(b'"edition":1', b'"edition":2'), "仍与签名进程记住的检查点"),
    ],
)
def test_a_bad_export_changes_nothing(export, change, says):
    export.write_bytes(change(export.read_bytes()))
    assert says in refused("--recover", "--replay", str(export))
    assert LogEntry.objects.count() == LogHead.objects.get().size == 1
    assert "读不了" in refused("--recover", "--replay", str(export) + "x")


def test_over_new_lines_nothing_is_replayed(export):
    publish()
    assert "仍与签名进程记住的检查点" in refused("--recover", "--replay", str(export))


def test_without_the_lines_the_log_says_that_they_are_lost(export, memory, settings):
    remembered = memory.note
    printed = run("--recover")
    entry = json.loads(LogEntry.objects.last().line)
    assert (entry["act"], entry["detail"]) == ("recovery", {"checkpoint": remembered})
    assert memory.read().short in printed
    assert audited(settings.LOG_VERIFIER_KEY).size == 2
    assert publish()[0].reference.endswith("-0004")  # the two lost lines may have taken 0002 and 0003
    run("--once")
    with pytest.raises(transparency.DoesNotFit):
        audited(settings.LOG_VERIFIER_KEY, held=[remembered])  # who kept the old checkpoint sees the loss


def test_the_log_goes_on_also_when_something_was_published_after_the_restore(export, settings):
    publish(3)
    with time_machine.travel(timezone.now() + 200 * SECOND):
        run("--recover")
    assert LogEntry.objects.last().act == "recovery"
    assert audited(settings.LOG_VERIFIER_KEY).size == 5
    assert not PublicityNotice.objects.filter(edition=None).exists()


@pytest.mark.parametrize("arguments", [("--recover",), ("--recover", "--replay", "file")])
def test_where_nothing_was_lost_nothing_is_recovered(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    assert "没有可恢复的" in refused(*arguments)
    publish()
    run("--once")
    assert "不需要恢复" in refused(*arguments)
    publish()
    assert "不需要恢复" in refused(*arguments)
    assert LogEntry.objects.count() == 2
