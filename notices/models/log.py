"""The publication log: one line for each public act, append-only, under signed checkpoints.

What is hashed and signed is in notices.transparency; here it is kept. A notice is public only once its line
is under a checkpoint.
"""

import dataclasses
import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from notices import stamp, transparency

from .constraints import NotAllowed

# How far a clock may be off before nothing is logged or signed any more.
TOLERANCE = datetime.timedelta(seconds=120)


# What the log records, in words.
ACTS = {
    "publish": "发布",
    "correct": "更正",
    "extend": "延期",
    "outage": "停机补偿",
    "withdraw": "撤回",
    "redact": "遮盖",
    "confirm": "第二人确认",
    "tally": "异议计数",
    "recovery": "恢复",
    "key": "更换密钥",
}
PUBLISHING = ("publish", "correct", "extend", "outage")  # the acts that bring out an edition


class LogHead(models.Model):
    """The one row that writers queue at: `size` is the number of lines."""

    size = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = verbose_name_plural = "日志长度"

    def __str__(self) -> str:
        return str(self.size)


class LogEntryManager(models.Manager):
    @transaction.atomic
    def append(self, act: str, *, at: datetime.datetime, **facts) -> "LogEntry":
        """Add one line and, where the portal signs itself, a checkpoint over it: O(log n) in the log's length.

        `facts` are reference, edition, digest, reason and what else the act says, no personal data. `at` must not
        lie before the last line: raises NotAllowed when the clock has stepped back by more than TOLERANCE; a
        smaller step is evened out.
        """
        head, _ = LogHead.objects.select_for_update().get_or_create(pk=1)
        at = self._not_before_the_last(head.size, at)
        entry = {"sequence": head.size, "at": transparency.stamp(at), "act": act, **facts}
        line = transparency.entry_line({key: value for key, value in entry.items() if value != ""})
        stored = self.replay(line)
        if settings.LOG_SIGNER == "inline":
            Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=at)
        transaction.on_commit(stamp.touch)
        return stored

    def replay(self, line: bytes) -> "LogEntry":
        """Add the next line verbatim, unsigned; whoever calls this holds the LogHead."""
        entry = transparency.read_entry(line)
        sequence, at = entry["sequence"], transparency.moment(entry["at"])
        known = {name: entry[name] for name in ("reference", "edition", "digest") if name in entry}
        stored = self.create(sequence=sequence, at=at, act=entry["act"], line=line.decode(), **known)
        TreeNode.objects.add(sequence, line)
        LogHead.objects.filter(pk=1).update(size=sequence + 1)
        return stored

    def _not_before_the_last(self, size: int, at: datetime.datetime) -> datetime.datetime:
        last = self.filter(sequence=size - 1).values_list("at", flat=True).first()
        if last and at < last - TOLERANCE:
            raise NotAllowed("系统时间早于公示日志的最后一条，不能办理。请校准服务器时钟后再试。")
        return max(at, last) if last else at


class LogEntry(models.Model):
    """One public act. `line` is what is hashed; the other columns repeat it so that it can be found."""

    sequence = models.PositiveBigIntegerField("序号", primary_key=True)
    at = models.DateTimeField("时间")
    act = models.CharField("事项", max_length=12)
    reference = models.CharField("公示编号", max_length=12, blank=True, db_index=True)  # the acts on one notice
    edition = models.PositiveSmallIntegerField("版本", null=True, blank=True)
    digest = models.CharField("SHA-256", max_length=64, blank=True)
    line = models.TextField("原文")

    objects = LogEntryManager()

    class Meta:
        verbose_name = verbose_name_plural = "公示日志"
        ordering = ("sequence",)

    def __str__(self) -> str:
        return f"{self.sequence} {self.act} {self.reference}".rstrip()

    @property
    def label(self) -> str:
        """The act in words."""
        return ACTS.get(self.act, self.act)


class TreeNodeManager(models.Manager):
    def add(self, size: int, line: bytes) -> None:
        """Keep the subtree hashes that become complete when `line` is added to a log of `size` lines."""
        leaf = transparency.leaf_hash(line)
        complete = transparency.appended(size, leaf, self.reader(transparency.appended, size, leaf))
        self.bulk_create(TreeNode(level=level, index=index, hash=digest) for (level, index), digest in complete.items())

    def reader(self, function, *arguments):
        """`node(level, index)` for exactly what `function(*arguments, node)` will read, in one query."""
        wanted = models.Q()
        for level, index in transparency.nodes_read(function, *arguments):
            wanted |= models.Q(level=level, index=index)
        rows = self.filter(wanted).values_list("level", "index", "hash") if wanted else ()
        known = {(level, index): bytes(digest) for level, index, digest in rows}
        return lambda level, index: known[level, index]

    def root(self, size: int) -> bytes:
        """The root over the first `size` lines."""
        return transparency.root(size, self.reader(transparency.root, size))

    def inclusion_proof(self, sequence: int, size: int) -> list[bytes]:
        """What shows that line `sequence` is among the first `size`."""
        read = self.reader(transparency.inclusion_proof, sequence, size)
        return transparency.inclusion_proof(sequence, size, read)

    def root_with(self, start: int, lines: list[bytes]) -> bytes:
        """The root over the first `start` lines as they are stored and these `lines` after them, hashed from their text."""
        stored, fresh = self.reader(transparency.root, start), {}

        def node(level: int, index: int) -> bytes:
            return fresh[level, index] if (level, index) in fresh else stored(level, index)

        for sequence, line in enumerate(lines, start):
            fresh |= transparency.appended(sequence, transparency.leaf_hash(line), node)
        return transparency.root(start + len(lines), node)

    def continues(self, earlier: transparency.Checkpoint, size: int, root: bytes) -> bool:
        """Are the lines of an `earlier` checkpoint still the first of the `size` lines that have this root?"""
        read = self.reader(transparency.consistency_proof, earlier.size, size)
        proof = transparency.consistency_proof(earlier.size, size, read)
        return transparency.verify_consistency(earlier.size, size, proof, earlier.root, root)


class TreeNode(models.Model):
    """The hash of one complete subtree of the log: what makes a root or a proof cost O(log n)."""

    level = models.PositiveSmallIntegerField()
    index = models.PositiveBigIntegerField()
    hash = models.BinaryField()

    objects = TreeNodeManager()

    class Meta:
        verbose_name = verbose_name_plural = "日志散列"
        constraints = [models.UniqueConstraint(fields=("level", "index"), name="notices_treenode_once")]

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


def origin() -> str:
    """The log's name: the host of the site."""
    return urlsplit(settings.SITE_URL).netloc


class CheckpointManager(models.Manager):
    def newest(self) -> "Checkpoint | None":
        """The checkpoint that covers most."""
        return self.order_by("-size").first()

    def size(self):
        """How many lines are under a checkpoint, as an expression for a query; NULL while there is none."""
        return models.Subquery(self.order_by("-size").values("size")[:1])

    def waiting(self) -> int:
        """How many lines are not under a checkpoint yet; less than 0 when the log is shorter than what was signed."""
        newest = self.newest()
        return (LogHead.objects.values_list("size", flat=True).first() or 0) - (newest.size if newest else 0)

    @transaction.atomic
    def sign(self, signing_key: str, *, now: datetime.datetime, memory=None, late: bool = False) -> "Checkpoint | None":
        """A checkpoint over everything logged so far, at the signer's own clock; None while nothing is logged.

        What is signed is hashed from the lines themselves. `memory` is what the signer keeps outside the database
        (see notices.signing); `late` lets it sign lines that had to wait for longer than TOLERANCE.
        Raises NotAllowed when the log no longer begins with what was signed before – a rollback is never signed
        over –, when a line is dated too early or too late, or when the key is not the log's.
        """
        head, _ = LogHead.objects.select_for_update().get_or_create(pk=1)
        size, newest = head.size, self.newest()
        lines = self._unsigned(newest, size)
        root = self._continued(newest, memory and memory.read(), size, lines)
        entries = _entries(size - len(lines), lines)
        _check_key(entries, newest, signing_key)
        if not lines:
            if memory and newest:
                memory.write(newest.note.encode())
            return newest
        _check_times(entries, newest, now, late)
        note = transparency.sign(transparency.Checkpoint(origin(), size, root, now), signing_key)
        if memory:
            memory.write(note)
        transaction.on_commit(stamp.touch)
        return self.create(size=size, note=note.decode(), signed_at=now)

    def _unsigned(self, newest: "Checkpoint | None", size: int) -> list[bytes]:
        """The lines that no checkpoint covers yet."""
        start = newest.size if newest else 0
        if start > size:
            raise NotAllowed(SHORTER.format(size=size, signed=newest))
        lines = LogEntry.objects.filter(sequence__gte=start, sequence__lt=size).values_list("line", flat=True)
        if len(lines) != size - start:
            raise NotAllowed("公示日志缺少记录，拒绝签名。请停止发布并核对备份。")
        return [line.encode() for line in lines]

    def _continued(self, newest, remembered: transparency.Checkpoint | None, size: int, lines: list[bytes]) -> bytes:
        """The root over the whole log. Raises NotAllowed unless it continues what was signed and what is remembered."""
        if remembered and remembered.size > size:
            raise NotAllowed(SHORTER.format(size=size, signed=remembered.short) + RECOVER)
        try:
            root = TreeNode.objects.root_with(size - len(lines), lines)
            if newest and not TreeNode.objects.continues(newest.read(), size, root):
                raise NotAllowed("公示日志与上一个签名检查点不一致，拒绝签名。请停止发布并核对备份。")
            if remembered and not TreeNode.objects.continues(remembered, size, root):
                raise NotAllowed(f"公示日志与签名进程记住的检查点 {remembered.short} 不一致，拒绝签名。" + RECOVER)
        except KeyError as error:
            raise NotAllowed("公示日志的散列缺失，拒绝签名。请停止发布并核对备份。") from error
        return root


SHORTER = "公示日志只有 {size} 条，已经签名的检查点是 {signed}：数据库被回退过，拒绝签名。请停止发布并核对备份。"
RECOVER = "确认是从备份恢复后，用 sign_log --recover 处理。"


def _entries(start: int, lines: list[bytes]) -> list[dict]:
    """What the lines say. Raises NotAllowed for one that is not in order: the database is not trusted."""
    entries = []
    for sequence, line in enumerate(lines, start):
        try:
            entries.append(transparency.read_entry(line))
        except transparency.BadEntry as error:
            raise NotAllowed(f"公示日志序号 {sequence} 的记录不合格式，拒绝签名：{error}。") from error
        if entries[-1]["sequence"] != sequence:
            raise NotAllowed(f"公示日志序号 {sequence} 的记录写着另一个序号，拒绝签名。")
    return entries


def _check_times(entries: list[dict], newest: "Checkpoint | None", now: datetime.datetime, late: bool) -> None:
    """Raises NotAllowed for a line dated before what was signed last, before its predecessor, or off the clock."""
    last = LogEntry.objects.filter(sequence=entries[0]["sequence"] - 1).values_list("at", flat=True).first()
    latest = transparency.stamp(max(last, newest.signed_at - TOLERANCE)) if newest and last else ""
    for entry in entries:
        if entry["at"] < latest:
            raise NotAllowed(f"公示日志序号 {entry['sequence']} 的时间早于它之前的记录或检查点，拒绝签名。")
        latest = entry["at"]
    if entries[-1]["at"] > transparency.stamp(now + TOLERANCE):
        raise NotAllowed(f"公示日志最后一条的时间比签名时钟快 {TOLERANCE.seconds} 秒以上，拒绝签名。请校准时钟。")
    if not late and entries[0]["at"] < transparency.stamp(now - TOLERANCE):
        raise NotAllowed(
            f"公示日志序号 {entries[0]['sequence']} 的记录等待签名已超过 {TOLERANCE.seconds} 秒，拒绝签名。"
            "核对时钟和这些记录后，用 sign_log --late 补签。"
        )


def _check_key(entries: list[dict], newest: "Checkpoint | None", signing_key: str) -> None:
    """Raises NotAllowed unless the key signed the newest checkpoint, or a statement logged since then names it."""
    own = transparency.VerifierKey.parse(transparency.verifier_key(origin(), signing_key))
    try:
        before = next(filter(None, map(previous_key, entries)), own)
        if newest:
            newest.verified([before])
        fits = own in transparency.keys_at(len(entries), entries, [before])
    except (transparency.BadNote, transparency.DoesNotFit):
        fits = False
    if not fits:
        raise NotAllowed("签名密钥不是公示日志现在的密钥，拒绝签名。更换密钥请用 sign_log --rotate。")


def previous_key(entry: dict) -> transparency.VerifierKey | None:
    """The key that a `key` line replaces; None for other lines. Raises BadNote."""
    detail = entry.get("detail")
    text = detail.get("previous") if entry["act"] == "key" and isinstance(detail, dict) else None
    return transparency.VerifierKey.parse(text) if isinstance(text, str) else None


class Checkpoint(models.Model):
    """A signed statement of how long the log is and what its root is."""

    size = models.PositiveBigIntegerField("条数", unique=True)
    note = models.TextField("检查点")
    signed_at = models.DateTimeField("签名时间")

    objects = CheckpointManager()

    class Meta:
        verbose_name = verbose_name_plural = "检查点"
        ordering = ("size",)

    def __str__(self) -> str:
        return self.read().short

    def read(self) -> transparency.Checkpoint:
        """The checkpoint that the note states."""
        return transparency.parse(self.note.encode())

    def verified(self, keys) -> transparency.Checkpoint:
        """The same, signed by one of the keys. Raises BadNote.

        A site that moved to another address keeps its key, so the key's name is not compared.
        """
        named = [dataclasses.replace(key, name=self.read().origin) for key in keys]
        return transparency.verified(self.note.encode(), named)


class LogAuditManager(models.Manager):
    def newest(self) -> "LogAudit | None":
        return self.order_by("-audited_at").first()


class LogAudit(models.Model):
    """What one comparison of database, editions and log came to (see notices.auditing)."""

    audited_at = models.DateTimeField("核对时间")
    count = models.PositiveIntegerField("不符")
    differences = models.JSONField("前几处", default=list)

    objects = LogAuditManager()

    class Meta:
        verbose_name = verbose_name_plural = "日志核对"
        ordering = ("-audited_at",)

    def __str__(self) -> str:
        return f"{timezone.localtime(self.audited_at):%Y-%m-%d %H:%M} {self.count} 处不符"
