"""Checkpoints (c2sp.org/tlog-checkpoint), their short lines, and the change of a log's key.

A checkpoint is a signed note: origin, number of entries, base64 root hash, extension lines. The log's key bears
the name of its origin. Times are UTC.
"""

import dataclasses
import datetime
import re

from .entries import BadEntry, moment, stamp
from .merkle import HASH_LENGTH
from .notes import BadNote, Keys, UnknownKey, VerifierKey, decode, encode, open_note, sign_note, split_note

SHORT_LENGTH = 16  # base64 characters of the root in a short line: 96 bits
TIME = "time "  # begins the extension line with the time of the checkpoint


class BadCheckpoint(BadNote):
    """A signed note that is not a checkpoint, or text that is not a short line."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What a log says of itself: its first `size` entries have this root.

    `at` is when it was signed; `extensions` are further lines, opaque here.
    """

    origin: str
    size: int
    root: bytes
    at: datetime.datetime | None = None
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text to be signed."""
        time = [TIME + stamp(self.at)] if self.at else []
        return "\n".join([self.origin, str(self.size), encode(self.root), *time, *self.extensions]) + "\n"

    @property
    def short(self) -> str:
        """The line for footers, mails and receipts: `size:first characters of the root`."""
        return f"{self.size}:{encode(self.root)[:SHORT_LENGTH]}"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint that the text of a note states. Raises BadCheckpoint."""
        lines = text.split("\n")[:-1]
        if len(lines) < 3 or not all(lines) or not re.fullmatch("0|[1-9][0-9]{0,15}", lines[1]):
            raise BadCheckpoint("不是检查点：应依次为来源、条数和根哈希")
        timed = lines[3:4] and lines[3].startswith(TIME)
        try:
            at = moment(lines[3].removeprefix(TIME)) if timed else None
            root = decode(lines[2])
        except (BadEntry, BadNote) as error:
            raise BadCheckpoint(f"不是检查点：{error}") from error
        if len(root) != HASH_LENGTH:
            raise BadCheckpoint("不是检查点：根哈希不是 32 字节")
        return cls(lines[0], int(lines[1]), root, at, tuple(lines[4 if timed else 3 :]))


@dataclasses.dataclass(frozen=True)
class Mark:
    """What somebody kept of an earlier state: `prefix` is the beginning of the base64 root, `at` may be unknown."""

    size: int
    prefix: str
    at: datetime.datetime | None = None

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "Mark":
        return cls(checkpoint.size, encode(checkpoint.root), checkpoint.at)

    @classmethod
    def parse(cls, short: str) -> "Mark":
        """The mark that a short line states; a longer beginning of the root is welcome. Raises BadCheckpoint."""
        match = re.fullmatch(rf"(0|[1-9][0-9]{{0,15}}):([A-Za-z0-9+/]{{{SHORT_LENGTH},43}}=?)", short)
        if not match:
            raise BadCheckpoint(f"不是检查点短行：{short[:100]!r}")
        return cls(int(match[1]), match[2])

    def fits(self, root: bytes) -> bool:
        """Does that root begin as this mark says?"""
        return encode(root).startswith(self.prefix)


def sign(checkpoint: Checkpoint, *signing_keys: str) -> bytes:
    """The checkpoint as a note signed under its origin's name, by several keys while one replaces the other.

    Raises BadNote when the origin cannot be a key name or the result would not read back as the same checkpoint,
    BadEntry when `at` has no time zone.
    """
    if Checkpoint.parse(checkpoint.text) != checkpoint:
        raise BadCheckpoint("检查点的内容不能写成规定的格式")
    return sign_note(checkpoint.text, checkpoint.origin, *signing_keys)


def parse(signed: bytes) -> Checkpoint:
    """The checkpoint in a note, NOT verified. Raises BadNote."""
    return Checkpoint.parse(split_note(signed)[0])


def verified(signed: bytes, keys: Keys) -> Checkpoint:
    """The checkpoint in a note that one of the keys has signed, for a log of the key's own name.

    Raises BadSignature, UnknownKey or BadCheckpoint.
    """
    text, signers = open_note(signed, keys)
    checkpoint = Checkpoint.parse(text)
    if checkpoint.origin not in {key.name for key in signers}:
        raise UnknownKey(f"签名的密钥不属于日志 {checkpoint.origin}")
    return checkpoint


def short_fits(short: str, checkpoint: Checkpoint) -> bool:
    """Is `short` a short line of that checkpoint? Raises BadCheckpoint when it is no short line at all."""
    mark = Mark.parse(short)
    return mark.size == checkpoint.size and mark.fits(checkpoint.root)


def make_rotation(new_key: str, at: datetime.datetime, signing_key: str) -> str:
    """The statement by which a log's old key names the new one: a note, to be logged as `detail.statement`.

    Its entry has the act "key"; checkpoints that cover it must be signed by the new key. `new_key` is a verifier key
    of the same name, `signing_key` the old one, `at` an aware time. Raises BadNote.
    """
    key = VerifierKey.parse(new_key)
    return sign_note(f"{key.name}\nkey\n{key}\n{TIME}{stamp(at)}\n", key.name, signing_key).decode()


def verify_rotation(statement: str, keys: Keys) -> tuple[VerifierKey, list[VerifierKey]]:
    """The new key that a statement names, and the known keys that signed it. Raises BadNote and its kinds."""
    text, signers = open_note(statement.encode(), keys)
    name, kind, key, time = (*text.split("\n")[:-1], "", "", "", "")[:4]
    new = VerifierKey.parse(key)
    if text != f"{name}\nkey\n{new}\n{time}\n" or not time.startswith(TIME):
        raise BadNote(f"不是更换密钥的声明：{kind!r}")
    if {name} != {new.name, *(signer.name for signer in signers)}:
        raise BadNote("新旧密钥的名称不一致")
    return new, signers
