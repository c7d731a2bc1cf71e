"""The signer of its own: what it remembers outside the database, how it signs on, changes its key and recovers.

Only the command sign_log calls this. It trusts the database no further than it can compute: whoever rolls the
database back or rewrites it meets what the signer remembers.
"""

import contextlib
import datetime
from collections.abc import Iterable
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from . import durable, transparency
from .models import Checkpoint, Edition, LogEntry, LogHead, NotAllowed, PublicityNotice, ReferenceYear, TreeNode
from .models.log import PUBLISHING, origin


class Memory:
    """The last checkpoint that this signer made, in a file of its own."""

    def __init__(self, path: str | Path):
        self.path = Path(path)

    @property
    def note(self) -> str:
        """The checkpoint as it was signed; "" before the first."""
        return self.path.read_text() if self.path.exists() else ""

    def read(self) -> transparency.Checkpoint | None:
        """What is remembered; None before the first checkpoint. Raises NotAllowed for a damaged file."""
        try:
            return transparency.parse(self.note.encode()) if self.path.exists() else None
        except (OSError, ValueError) as error:
            raise NotAllowed(f"签名进程的记忆文件 {self.path} 读不了，拒绝签名：{error}") from error

    def write(self, note: bytes) -> None:
        """Replace what is remembered, durably: after a power cut it is either the old note or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(self.path, note)


def is_due(memory: Memory) -> bool:
    """Is there something to sign, or has the database lost something?"""
    newest, remembered = Checkpoint.objects.newest(), memory.read()
    return Checkpoint.objects.waiting() != 0 or bool(remembered and (not newest or newest.size != remembered.size))


def sign_on(
    signing_key: str, memory: Memory, *, late: bool = False, now: datetime.datetime | None = None
) -> Checkpoint | None:
    """Sign what waits and let the public read it. Raises NotAllowed as Checkpoint.objects.sign does.

    Two transactions: a publisher holds the notice and waits for the log, so nobody may hold the log and wait for
    the notice. What a crash between them leaves behind comes out with the next start.
    """
    before = Checkpoint.objects.newest()
    signed = Checkpoint.objects.sign(signing_key, now=now or timezone.now(), memory=memory, late=late)
    _promote(before.size if before and signed != before else 0)
    return signed


def _promote(start: int) -> None:
    """Bring out the editions whose lines are `start` or later."""
    signed = Edition.objects.filter(sequence__gte=start).values("notice")
    PublicityNotice.objects.filter(pk__in=signed).promote()


def rotate(old: str, new: str, memory: Memory, *, now: datetime.datetime | None = None) -> Checkpoint:
    """Let the old key name the new one in the log; what is signed from then on is signed by the new key."""
    now = now or timezone.now()
    if old == new:
        raise NotAllowed("新旧签名密钥相同，没有可更换的。")
    sign_on(old, memory, now=now)
    statement = transparency.make_rotation(transparency.verifier_key(origin(), new), now, old)
    previous = transparency.verifier_key(origin(), old)
    LogEntry.objects.append("key", at=now, detail={"statement": statement, "previous": previous})
    return sign_on(new, memory, now=now)


def _lost(memory: Memory) -> tuple[transparency.Checkpoint, int]:
    """What the signer remembers, and how many lines the database has. Raises NotAllowed when nothing was lost."""
    remembered = memory.read()
    if not remembered:
        raise NotAllowed("签名进程还没有签过任何检查点，没有可恢复的。")
    head, _ = LogHead.objects.select_for_update().get_or_create(pk=1)
    with contextlib.suppress(KeyError):
        if head.size >= remembered.size and TreeNode.objects.root(remembered.size) == remembered.root:
            raise NotAllowed(f"公示日志与签名进程记住的检查点 {remembered.short} 一致，不需要恢复。")
    return remembered, head.size


@transaction.atomic
def replay(memory: Memory, export: Iterable[bytes]) -> list[LogEntry]:
    """Append the lines that the database lost, verbatim, from lines that someone kept; returns them.

    Raises NotAllowed, and changes nothing, unless together they are exactly what the signer remembers. What else
    waits is for `sign_on`.
    """
    remembered, size = _lost(memory)
    kept = dict(_numbered(export))
    wanted = range(size, remembered.size)
    if lacking := [sequence for sequence in wanted if sequence not in kept]:
        raise NotAllowed(f"导出的日志缺少序号 {lacking[0]} 的记录，没有补录任何内容。")
    lines = [kept[sequence] for sequence in wanted]
    if not lines or TreeNode.objects.root_with(size, lines) != remembered.root:
        raise NotAllowed(
            f"补上这些记录后，公示日志仍与签名进程记住的检查点 {remembered.short} 不符，没有补录任何内容。"
            "找不回完整的记录时，用 sign_log --recover 而不带 --replay。"
        )
    restored = [LogEntry.objects.replay(line) for line in lines]
    Checkpoint.objects.get_or_create(
        size=remembered.size, defaults={"note": memory.note, "signed_at": remembered.at or timezone.now()}
    )
    for entry in restored:
        if entry.reference:
            ReferenceYear.take_note(entry.reference)
    return restored


def _numbered(export: Iterable[bytes]) -> Iterable[tuple[int, bytes]]:
    for number, line in enumerate(export, 1):
        try:
            yield transparency.read_entry(line)["sequence"], line
        except transparency.BadEntry as error:
            raise NotAllowed(f"导出的日志第 {number} 行不是日志记录，没有补录任何内容：{error}。") from error


def without_bytes(entries: Iterable[LogEntry]) -> list[LogEntry]:
    """Those that publish an edition which the database does not have."""
    publishing = [entry for entry in entries if entry.act in PUBLISHING]
    stored = set(
        Edition.objects.filter(sequence__in=[entry.pk for entry in publishing]).values_list("sequence", flat=True)
    )
    return [entry for entry in publishing if entry.pk not in stored]


def recover(signing_key: str, memory: Memory, *, now: datetime.datetime | None = None) -> Checkpoint:
    """Say in the log that lines were lost, citing the last known checkpoint, and go on from what is there.

    As many reference numbers as there may have been on the lost lines are left out: a number that was public once
    is not given again.
    """
    now = now or timezone.now()
    with transaction.atomic():
        remembered, _ = _lost(memory)
        before = Checkpoint.objects.newest()
        start = before.size if before else 0
        _skip_references(remembered.size - start, {before.signed_at if before else now, remembered.at or now})
        LogEntry.objects.append(
            "recovery",
            at=now,
            reason=f"数据库从备份恢复，此前已签名到 {remembered.short}，其后的记录没有全部找回。",
            detail={"checkpoint": memory.note},
        )
        signed = Checkpoint.objects.sign(signing_key, now=now, late=True)
    memory.write(signed.note.encode())
    _promote(start)
    return signed


def _skip_references(count: int, times: set[datetime.datetime]) -> None:
    for year in {timezone.localdate(at).year for at in times}:
        ReferenceYear.skip(year, count)
