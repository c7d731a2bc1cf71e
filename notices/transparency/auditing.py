"""Does a saved log fit its checkpoint, what was kept of it before, and the saved editions?

What this cannot see, and nobody can: entries that were changed before anything was kept of them, when the log's own
key signed the changed log. Only a checkpoint kept elsewhere, be it a short line in a mail, shows such a fork.
"""

import datetime
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from .checkpoints import Checkpoint, Mark, parse, verified, verify_rotation
from .entries import BadEntry, read_entry, stamp
from .merkle import Known, first_change, known_from_nodes, nodes_of, root
from .notes import BadNote, Keys, UnknownKey, VerifierKey

CLOCK_SKEW = datetime.timedelta(seconds=120)  # how far the clocks of portal and signer may differ


class DoesNotFit(Exception):
    """The log, a checkpoint or an edition does not fit; the message says which entry and why.

    `sequence` is the first entry that does not fit, where that can be told. Otherwise `within` are the entries
    among which there is a change, as far as it can be narrowed down; both are None when no entry is to blame.
    """

    def __init__(self, reason: str, sequence: int | None = None, within: range | None = None):
        if within is not None and len(within) == 1:
            sequence, within = within[0], None
        self.reason, self.sequence, self.within = reason, sequence, within
        super().__init__(reason, sequence, within)

    def __str__(self) -> str:
        if self.sequence is not None:
            return f"序号 {self.sequence} 的记录不符：{self.reason}"
        if self.within:
            among = f"序号 {self.within[0]} 至 {self.within[-1]} 的记录"
            return f"{among}中有改动或缺失，无法断定是哪一条：{self.reason}"
        return self.reason


def audit(
    lines: Iterable[bytes],
    signed: bytes,
    keys: Keys,
    *,
    editions: Mapping[str, bytes] | None = None,
    held: Iterable[bytes | str] = (),
    known: Known | None = None,
) -> Checkpoint:
    """The checkpoint, after everything has been found to fit.

    lines: all entries of the log in order, without newlines; signed: the checkpoint that covers exactly these;
    keys: verifier keys, of which rotations in the log make others; editions: bytes of saved editions by any name,
    best by the digest they should have; held: older checkpoints or short lines; known: hashes kept of parts of
    the tree (`known_from_nodes`, `known_from_proof`), which need not be trusted and only help to name the entry.
    Raises DoesNotFit, and BadNote for a verifier key that is none.
    """
    lines = list(lines)
    keys = [VerifierKey.parse(str(key)) for key in keys]
    entries = read_entries(lines)
    checkpoint = _checkpoint(signed, entries, keys, "检查点")
    marks = sorted((_mark(kept, entries, keys, checkpoint.origin) for kept in held), key=lambda mark: mark.size)
    published = Published(entries)
    for name, content in (editions or {}).items():
        published.entry_of(name, content)
    _Tree(lines, known or _nothing).check(checkpoint, marks)
    _check_times(entries, checkpoint, marks)
    return checkpoint


def read_entries(lines: Iterable[bytes]) -> list[dict]:
    """The entries of a whole log. Raises DoesNotFit at the first that is not canonical, out of place or too early."""
    entries, latest = [], ""
    for sequence, line in enumerate(lines):
        try:
            entry = read_entry(line)
        except BadEntry as error:
            raise DoesNotFit(str(error), sequence) from error
        if entry["sequence"] != sequence:
            raise DoesNotFit(f"这里写的序号是 {entry['sequence']}，有记录缺失、多出或换了位置", sequence)
        if entry["at"] < latest:
            raise DoesNotFit(f"时间 {entry['at']} 早于前一条的 {latest}", sequence)
        entries.append(entry)
        latest = entry["at"]
    return entries


def keys_at(size: int, entries: Sequence[dict], keys: Keys) -> list[VerifierKey]:
    """The keys that may sign a checkpoint over the first `size` entries.

    Each rotation that one of them has signed puts the new key in its signer's place; a statement by unknown keys
    adds nothing. Raises DoesNotFit for a statement that is wrong, BadNote for a key that is none.
    """
    trusted = [VerifierKey.parse(str(key)) for key in keys]
    for entry in entries[:size]:
        statement = _statement(entry)
        if statement is None:
            continue
        try:
            new, signers = verify_rotation(statement, trusted)
        except UnknownKey:
            continue
        except BadNote as error:
            raise DoesNotFit(f"更换密钥的声明：{error}", entry["sequence"]) from error
        trusted = [key for key in trusted if key not in signers and key != new] + [new]
    return trusted


class Published:
    """What the entries say of editions, to look up saved ones."""

    def __init__(self, entries: Iterable[dict]):
        self.by_digest: dict[str, dict] = {}
        self.by_identity: dict[tuple, dict] = {}
        for entry in entries:
            for digest in filter(None, (entry.get("digest"), entry.get("salted_digest"))):
                self.by_digest.setdefault(digest, entry)
                self.by_identity.setdefault((entry.get("reference"), entry.get("edition")), entry)

    def entry_of(self, name: str, content: bytes) -> dict:
        """The first entry under which these bytes were published: their SHA-256 is its `digest` or `salted_digest`.

        Raises DoesNotFit when there is none. The entry that bears the name, if that is a digest, or else the bytes'
        reference and edition, is then the one that does not fit.
        """
        digest = hashlib.sha256(content).hexdigest()
        if digest in self.by_digest:
            return self.by_digest[digest]
        mistaken = self.by_digest.get(name) or self.by_identity.get(_identity(content))
        if mistaken is None:
            raise DoesNotFit(f"日志里没有文件“{name}”的指纹（SHA-256：{digest}）")
        raise DoesNotFit(f"记录的指纹与文件“{name}”的指纹（SHA-256：{digest}）不同", mistaken["sequence"])


class _Tree:
    """The tree that the lines make, and what is known of how it should be."""

    def __init__(self, lines: Sequence[bytes], known: Known):
        nodes = nodes_of(lines)
        self.size, self.known = len(lines), known
        self.node = lambda level, index: nodes[level, index]
        self.computed = known_from_nodes(self.node)

    def check(self, checkpoint: Checkpoint, marks: Sequence[Mark]) -> None:
        """Raises DoesNotFit unless the lines are those of the checkpoint and begin as every mark says."""
        fitting = self.check_marks(marks)
        self.check_size(checkpoint, marks, fitting)
        self.check_root(Mark.of(checkpoint), fitting, "与检查点的根哈希不符")
        if self.size > checkpoint.size:
            raise DoesNotFit(f"检查点只有 {checkpoint.size} 条，日志却有 {self.size} 条", checkpoint.size)

    def check_marks(self, marks: Sequence[Mark]) -> int:
        """How many of the first entries fit a mark; marks are sorted by size. Raises DoesNotFit."""
        fitting = 0
        for mark in marks:
            if mark.size <= self.size:
                self.check_root(mark, fitting, "与您保存的旧检查点不符，历史被改写过")
                fitting = mark.size
        return fitting

    def check_size(self, checkpoint: Checkpoint, marks: Sequence[Mark], fitting: int) -> None:
        """Raises DoesNotFit when entries are missing from the log or from the checkpoint."""
        if marks and marks[-1].size > checkpoint.size:
            reason = f"您保存的旧检查点有 {marks[-1].size} 条，现在的检查点只有 {checkpoint.size} 条"
            raise DoesNotFit(reason, checkpoint.size)
        if self.size < checkpoint.size:
            reason = f"检查点有 {checkpoint.size} 条，日志只有 {self.size} 条"
            raise DoesNotFit(reason, within=self.changed(Mark.of(checkpoint), fitting))

    def check_root(self, mark: Mark, fitting: int, reason: str) -> None:
        """Raises DoesNotFit unless the first entries have the root of the mark."""
        if not mark.fits(root(mark.size, self.node)):
            raise DoesNotFit(reason, within=self.changed(mark, fitting))

    def changed(self, mark: Mark, fitting: int) -> range:
        """Where the first change before the mark lies, as narrow as it can be said; the first `fitting` entries fit."""
        expected = self.known(0, mark.size) or b""
        if not mark.fits(expected):
            return range(fitting, mark.size)
        changed = first_change(mark.size, expected, self.computed, self.known)
        return range(max(changed.start, fitting), changed.stop)


def _checkpoint(signed: bytes, entries: Sequence[dict], keys: Keys, what: str) -> Checkpoint:
    """The checkpoint, verified with the keys that hold at its size. Raises DoesNotFit."""
    try:
        return verified(signed, keys_at(parse(signed).size, entries, keys))
    except BadNote as error:
        raise DoesNotFit(f"{what}：{error}") from error


def _mark(kept: bytes | str, entries: Sequence[dict], keys: Keys, origin: str) -> Mark:
    """What a short line or an older checkpoint says. Raises DoesNotFit."""
    content = kept.encode() if isinstance(kept, str) else kept
    if b"\n" in content.strip():
        older = _checkpoint(content, entries, keys, "旧检查点")
        if older.origin != origin:
            raise DoesNotFit(f"旧检查点属于另一个日志：{older.origin}")
        return Mark.of(older)
    try:
        return Mark.parse(content.decode("ascii", "replace").strip())
    except BadNote as error:
        raise DoesNotFit(f"旧检查点：{error}") from error


def _check_times(entries: Sequence[dict], checkpoint: Checkpoint, marks: Sequence[Mark]) -> None:
    """Raises DoesNotFit for an entry dated before a checkpoint that did not have it yet, or after one that has it."""
    latest = checkpoint.at and stamp(checkpoint.at + CLOCK_SKEW)
    earliest = {mark.size: stamp(mark.at - CLOCK_SKEW) for mark in marks if mark.at}
    floor = ""
    for entry in entries:
        floor = max(floor, earliest.get(entry["sequence"], ""))
        if entry["at"] < floor:
            reason = f"时间 {entry['at']} 被倒填：您保存的旧检查点更晚签发，当时还没有这一条"
            raise DoesNotFit(reason, entry["sequence"])
        if latest and entry["at"] > latest:
            raise DoesNotFit(f"时间 {entry['at']} 晚于检查点的签发时间", entry["sequence"])


def _statement(entry: dict) -> str | None:
    """The statement of a rotation that the entry carries, if any."""
    detail = entry.get("detail")
    statement = detail.get("statement") if isinstance(detail, dict) else None
    return statement if entry["act"] == "key" and isinstance(statement, str) else None


def _identity(content: bytes) -> tuple[str, int] | None:
    """Reference and edition that a saved edition states of itself."""
    try:
        document = json.loads(content)
        return str(document["reference"]), int(document["edition"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _nothing(start: int, end: int) -> None:
    """Nothing is known of any part of the tree."""
