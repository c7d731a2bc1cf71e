"""A backup is a folder: the database at one instant, the files its rows name, and a manifest. It never holds a key.

The database is taken first and the files after it. A file is on the disk before the row that names it is committed,
so every row of the snapshot finds its file in the copy, whatever comes in meanwhile.
"""

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from notices import durable, stamp
from notices.models import Checkpoint
from objections.keyring import Destroyed, Lost, Unavailable, ring
from objections.models import Objection

MANIFEST = "manifest.json"
FORMAT = 1
SECRETS = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS")
PIECE = 1024 * 1024


class Refused(Exception):
    """The backup cannot be taken or restored. The sentence says what to do."""


# --- Taking ----------------------------------------------------------------------------------------------------------


def take(folder: Path, *, keyring: Path | None = None, at: datetime.datetime | None = None) -> Path:
    """Write a backup below `folder` and return its path, once everything is on the disk. The site goes on meanwhile.

    `keyring` is a folder elsewhere whose one copy of the keyring is replaced: of keys only the newest copy may exist,
    or what was erased could be read from an old backup.

    Until it is whole the folder's name ends with `.partial`: what an interrupted run leaves is no backup.
    """
    at = at or timezone.now()
    target = folder / f"{timezone.localtime(at):%Y%m%d-%H%M%S}"
    partial = target.with_name(f"{target.name}.partial")
    if target.exists() or partial.exists():
        raise Refused(f"{target} 已经存在，请稍后再试或换一个目录。")
    partial.mkdir(parents=True, mode=0o700)
    checkpoint = Checkpoint.objects.newest()  # before the snapshot, which therefore holds at least this much
    newest = Objection.objects.order_by("-pk").values_list("data_key", flat=True).first()
    database = _dump(connection.settings_dict, partial / "database")
    if Path(settings.MEDIA_ROOT).is_dir():
        shutil.copytree(settings.MEDIA_ROOT, partial / "media", copy_function=_copied)
    manifest = {
        "format": FORMAT,
        "taken_at": at.isoformat(),
        "site": settings.SITE_URL,
        "vendor": connection.vendor,
        "database": database,
        "checkpoint": checkpoint.note if checkpoint else "",
        "keys": fingerprints(),
        "newest_key": newest,
        "files": dict(_digests(partial)),
    }
    if keyring:
        _keep_keyring(keyring)
    (partial / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True))
    _sync(partial)
    partial.rename(target)
    durable.sync(folder)
    return target


def _keep_keyring(folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        copy = Path(scratch) / _dump(settings.KEYRING, Path(scratch) / "keyring")
        durable.sync(copy)
        copy.replace(folder / copy.name)
    durable.sync(folder)


def forget(folder: Path, keep: int) -> list[str]:
    """Remove all but the newest `keep` complete backups; returns the names of those removed."""
    complete = sorted(each.parent for each in folder.glob(f"*/{MANIFEST}") if not each.parent.name.endswith(".partial"))
    old = complete[:-keep] if keep else []
    for each in old:
        shutil.rmtree(each)
    return [each.name for each in old]


def fingerprints() -> dict[str, list[str]]:
    """What tells whether the same secrets are set, and nothing about them: each is random and long."""
    values = {name: getattr(settings, name) for name in SECRETS}
    lists = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    return {
        name: [hashlib.sha256(f"{name}:{each}".encode()).hexdigest()[:16] for each in value]
        for name, value in lists.items()
    }


def _dump(database: dict, stem: Path) -> str:
    """A database (its entry in the settings) as it is at one instant, in a file; returns the file's name."""
    if _is_sqlite(database):
        target = stem.with_suffix(".sqlite3")
        with contextlib.closing(_opened(database["NAME"])) as source, contextlib.closing(_opened(target)) as copy:
            source.backup(copy)  # all pages in one read transaction; in WAL nobody waits for it
        return target.name
    target = stem.with_suffix(".dump")
    _postgresql(database, "pg_dump", "--format=custom", "--no-owner", f"--file={target}")
    return target.name


def _load(database: dict, dump: Path) -> None:
    if _is_sqlite(database):
        with contextlib.closing(_opened(dump)) as source, contextlib.closing(_opened(database["NAME"])) as target:
            source.backup(target)
    else:
        name = database["NAME"]
        _postgresql(database, "pg_restore", "--no-owner", "--single-transaction", f"--dbname={name}", str(dump))


def _is_sqlite(database: dict) -> bool:
    return database["ENGINE"].endswith("sqlite3")


def _opened(path: str | Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=60)


def _postgresql(database: dict, program: str, *arguments: str) -> None:
    named = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    access = {variable: str(database[name]) for variable, name in named.items() if database.get(name)}
    path = shutil.which(program)
    if not path:
        raise Refused(f"没有找到 {program}：请安装与数据库同版本的 postgresql-client。")
    done = subprocess.run([path, *arguments], env=os.environ | access, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise Refused(f"{program} 失败：{done.stderr.strip()[-500:]}")


def _copied(source: str, target: str) -> str:
    try:
        return shutil.copy2(source, target)
    except FileNotFoundError:  # deleted meanwhile, and its row with it
        return target


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            yield path.relative_to(folder).as_posix(), digest(path)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        durable.sync(path)


# --- Restoring -------------------------------------------------------------------------------------------------------


def read(backup: Path) -> dict:
    """The manifest of a backup whose every file is as it was written. Raises Refused, naming the first that is not."""
    try:
        manifest = json.loads((backup / MANIFEST).read_text())
        files = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused(f"{backup} 不是完整的备份：缺少 {MANIFEST} 或无法读取。") from None
    if manifest.get("format") != FORMAT:
        raise Refused(f"备份的格式是 {manifest.get('format')}，本程序只认识 {FORMAT}。")
    for name, expected in files.items():
        path = backup / name
        if not path.is_file() or digest(path) != expected:
            raise Refused(f"备份中的 {name} 缺失或已损坏。")
    return manifest


def missing_keys(manifest: dict) -> list[str]:
    """The names of the secrets without which what the backup holds could not be read or verified here."""
    present = fingerprints()
    return [name for name, wanted in manifest["keys"].items() if set(wanted) - set(present.get(name, ()))]


def restore(backup: Path, *, keyring: Path | None = None) -> dict:
    """Put a backup into the empty database and the empty MEDIA_ROOT that the settings name; returns its manifest.

    `keyring` is the copy of the keyring to put into the empty KEYRING_URL, where the keyring itself is gone.
    Raises Refused before anything is written when a file is damaged, a key is missing, or something is there already.
    """
    manifest = read(backup)
    if missing := missing_keys(manifest):
        raise Refused(
            f"请先设置备份时使用的 {'、'.join(missing)}：备份不含任何密钥，没有它们，个人信息和附件无法读出。"
        )
    if manifest["vendor"] != connection.vendor:
        raise Refused(
            f"备份来自 {manifest['vendor']}，现在的 DATABASE_URL 是 {connection.vendor}，请改用同一种数据库。"
        )
    if connection.introspection.table_names():
        raise Refused("目标数据库不是空的：请把 DATABASE_URL 指向一个新的空数据库。")
    media = Path(settings.MEDIA_ROOT)
    if media.is_dir() and any(media.iterdir()):
        raise Refused(f"{media} 不是空的：请把 MEDIA_ROOT 指向一个新的空目录。")
    _check_keyring(manifest["newest_key"], keyring)
    if (backup / "media").is_dir():
        shutil.copytree(backup / "media", media, dirs_exist_ok=True)
        _sync(media)
    connection.close()
    _load(connection.settings_dict, backup / manifest["database"])
    stamp.touch()  # what a running process remembers is of another database
    return manifest


def _check_keyring(newest: str | None, copy: Path | None) -> None:
    """The keyring, or the copy put in its place, knows the key of the newest objection, or that it was destroyed."""
    if not newest:
        return
    try:
        with contextlib.suppress(Destroyed):
            ring.cipher(newest)
    except (Lost, Unavailable):
        if not copy:
            raise Refused(
                "KEYRING_URL 的钥匙圈里没有这份备份的钥匙：请恢复钥匙圈，或用 --keyring 指出 backup --keyring 另存的那一份。"
            ) from None
        _load(settings.KEYRING, copy)
        ring.forget()
        _check_keyring(newest, None)
