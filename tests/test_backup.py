"""A backup taken while the site runs, and put back: everything is there, nothing is a key."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from notices import stamp
from objections.models import Attachment
from portal import backups
from tests.hostile import PNG
from tests.make import make_notice, make_objection
from tests.test_attachments import send

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[1]


def run(command: list[str], **environment) -> subprocess.CompletedProcess:
    """The command in a process of its own, with the tests' keys."""
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def stored(client):
    """A published notice, an objection with a file."""
    notice = make_notice()
    assert send(client, notice, ("现场.png", PNG)).status_code == 303
    return notice


@pytest.fixture
def empty(tmp_path):
    """The settings of a new machine: an empty database of the same kind, an empty folder for files."""
    environment = {"MEDIA_ROOT": str(tmp_path / "media"), "EMAIL_URL": "memorymail://"}
    if connection.vendor == "sqlite":
        yield environment | {"DATABASE_URL": f"sqlite:///{tmp_path / 'restored.sqlite3'}"}
        return
    name, access = "restored_portal", connection.settings_dict
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    url = "postgres://{USER}@{HOST}:{PORT}".format(**access)
    yield environment | {"DATABASE_URL": f"{url}/{name}"}
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")


def taken(folder: Path) -> Path:
    said = StringIO()
    call_command("backup", str(folder), stdout=said)
    assert "备份不含任何密钥" in said.getvalue()
    return next(each for each in folder.iterdir() if each.is_dir())


def test_everything_comes_back_and_running_processes_are_told(stored, empty, tmp_path):
    before = (tmp_path / "stamp").exists()
    done = run(["restore", str(taken(tmp_path / "backups"))], STAMP_PATH=str(tmp_path / "stamp"), **empty)
    assert done.returncode == 0, done.stderr
    assert not before
    assert stamp.read(str(tmp_path / "stamp"))
    assert "1 条异议、1 个附件" in done.stdout
    shown = run(["verify_log"], **empty)
    assert shown.returncode == 0, shown.stderr


def test_no_key_is_in_a_backup(stored, tmp_path):
    backup = taken(tmp_path / "backups")
    secrets = [settings.SECRET_KEY, settings.LOG_SIGNING_KEY, *settings.FIELD_ENCRYPTION_KEYS]
    held = b"".join(path.read_bytes() for path in backup.rglob("*") if path.is_file())
    assert settings.LOG_VERIFIER_KEY.split("+")[0].encode() in held  # what is looked for would be found
    assert not [secret for secret in secrets if secret.encode() in held]


@pytest.mark.parametrize("name", ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS"])
def test_restore_asks_for_the_keys_first(stored, empty, tmp_path, name):
    from portal import keys

    done = run(["restore", str(taken(tmp_path / "backups"))], **empty, **{name: keys.generate()[name]})
    assert done.returncode == 1
    assert f"请先设置备份时使用的 {name}" in done.stderr
    assert not Path(empty["MEDIA_ROOT"]).exists()


def test_the_keyring_is_kept_elsewhere_in_one_copy_and_put_back(stored, empty, tmp_path):
    lost = empty | {"KEYRING_URL": f"sqlite:///{tmp_path / 'lost.sqlite3'}"}
    call_command("backup", str(tmp_path / "backups"), "--keyring", str(tmp_path / "keys"), stdout=StringIO())
    (backup,), (copy,) = (tmp_path / "backups").iterdir(), (tmp_path / "keys").iterdir()
    refused = run(["restore", str(backup)], **lost)
    assert refused.returncode == 1
    assert "钥匙圈" in refused.stderr
    done = run(["restore", str(backup), "--keyring", str(copy)], **lost)
    assert done.returncode == 0, done.stderr


def test_a_damaged_file_is_named_and_nothing_is_written(stored, empty, tmp_path):
    backup = taken(tmp_path / "backups")
    file = next(path for path in (backup / "media").rglob("*") if path.is_file())
    file.write_bytes(file.read_bytes()[:-1])
    done = run(["restore", str(backup)], **empty)
    assert done.returncode == 1
    assert f"{file.relative_to(backup).as_posix()} 缺失或已损坏" in done.stderr
    assert not Path(empty["MEDIA_ROOT"]).exists()


def test_restore_overwrites_nothing(stored, empty, tmp_path):
    backup = taken(tmp_path / "backups")
    assert run(["restore", str(backup)], **empty).returncode == 0
    assert "目标数据库不是空的" in run(["restore", str(backup)], **empty).stderr


def test_a_log_without_the_checkpoint_of_the_backup_is_noticed(stored, empty, tmp_path):
    backup = taken(tmp_path / "backups")
    manifest = json.loads((backup / backups.MANIFEST).read_text())
    manifest["checkpoint"] = manifest["checkpoint"].replace("—", "- ")
    (backup / backups.MANIFEST).write_text(json.dumps(manifest))
    done = run(["restore", str(backup)], **empty)
    assert done.returncode == 1
    assert "没有备份时记下的检查点" in done.stderr


def test_an_attachment_whose_file_is_gone_is_named(stored, empty, tmp_path):
    for path in Path(settings.MEDIA_ROOT).rglob(Attachment.objects.get().stored_as):
        path.unlink()
    done = run(["restore", str(taken(tmp_path / "backups"))], **empty)
    assert done.returncode == 1
    assert f"附件 {Attachment.objects.get().pk}：文件缺失" in done.stderr


def test_the_newest_backups_stay(stored, tmp_path):
    for day in (1, 2, 3):
        (tmp_path / f"2026010{day}-000000").mkdir()
        (tmp_path / f"2026010{day}-000000" / backups.MANIFEST).write_text("{}")
    (tmp_path / "20250101-000000.partial").mkdir()
    assert backups.forget(tmp_path, 2) == ["20260101-000000"]
    assert backups.forget(tmp_path, 0) == []


def test_two_backups_in_one_second_do_not_mix(stored, tmp_path, settings):
    from django.utils import timezone

    at = timezone.now()
    backups.take(tmp_path, at=at)
    with pytest.raises(backups.Refused, match="已经存在"):
        backups.take(tmp_path, at=at)


def test_a_folder_that_is_no_backup(tmp_path):
    with pytest.raises(CommandError, match="不是完整的备份"):
        call_command("restore", str(tmp_path))


def test_what_comes_in_during_the_backup_does_not_spoil_it(stored, empty, tmp_path, monkeypatch):
    """An objection after the snapshot: its file may be in the copy, its row is not."""
    dump = backups._dump

    def dump_then_receive(database, stem):
        name = dump(database, stem)
        make_objection(stored, token="later", content="备份之后")
        return name

    monkeypatch.setattr(backups, "_dump", dump_then_receive)
    done = run(["restore", str(taken(tmp_path / "backups"))], **empty)
    assert done.returncode == 0, done.stderr
    assert "1 条异议" in done.stdout
