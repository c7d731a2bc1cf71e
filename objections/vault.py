"""Where attachments lie: under MEDIA_ROOT, or in the bucket of STORAGE_URL, with random names and no address of their
own, each under a key of its own.

A file is a line of Fernet tokens, one for each piece, so that storing it needs little memory. Its key lies with its row
in the database, encrypted like every personal field: changing FIELD_ENCRYPTION_KEYS touches no file, and a file whose
row is gone can be read by nobody, in no backup either.
"""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from notices import durable, stored

FOLDER = "objections"
PIECE = 256 * 1024


class Unavailable(Exception):
    """The file cannot be stored, checked or read just now."""


def place_of(name: str) -> str:
    """Where the file lies in the storage."""
    return f"{FOLDER}/{name[:2]}/{name}"


def path_of(name: str) -> Path:
    """The same on the disk."""
    return Path(settings.MEDIA_ROOT) / place_of(name)


def write(upload, key: str) -> str:
    """Store the upload and return its random name, once it is safe: file and folders are on the disk, or the bucket
    has acknowledged it. Raises Unavailable."""
    name = secrets.token_hex(16)
    put = _into_the_bucket if settings.STORAGE_URL else _onto_the_disk
    try:
        put(name, _encrypted(upload, Fernet(key)))
    except OSError as error:
        remove(name)
        raise Unavailable(str(error)) from error
    return name


def read(name: str, key: str) -> bytes:
    """The bytes as they were uploaded. Raises Unavailable when the file is gone or damaged, or `key` is none: one that
    was erased, or that the keyring has lost."""
    try:
        cipher = Fernet(key)
        with default_storage.open(place_of(name)) as file:
            return b"".join(cipher.decrypt(line.rstrip(b"\n")) for line in file)
    except (OSError, ValueError, InvalidToken) as error:
        raise Unavailable(name) from error


def remove(name: str) -> None:
    """Take the file away, if it can be: what is left behind is an orphan, found later."""
    with contextlib.suppress(OSError):
        default_storage.delete(place_of(name))


def erase(name: str) -> None:
    """Take the file away for good. Raises Unavailable when it stays."""
    try:
        default_storage.delete(place_of(name))
    except OSError as error:
        raise Unavailable(name) from error


def names(before: float) -> Iterator[str]:
    """Every stored file last changed before that time (seconds since 1970)."""
    return (place.rpartition("/")[2] for place in stored.names(FOLDER, before))


def _into_the_bucket(name: str, lines: Iterator[bytes]) -> None:
    with tempfile.TemporaryFile() as file:  # ciphertext: the bucket wants to know how long it is
        file.writelines(lines)
        default_storage.save(place_of(name), File(file))


def _onto_the_disk(name: str, lines: Iterator[bytes]) -> None:
    _make_folder(path_of(name).parent)
    descriptor = os.open(path_of(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    durable.sync(path_of(name).parent)


def _encrypted(upload, cipher: Fernet) -> Iterator[bytes]:
    for piece in upload.chunks(PIECE):
        yield cipher.encrypt(piece) + b"\n"


def _make_folder(folder: Path) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        durable.sync(each.parent)
