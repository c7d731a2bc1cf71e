"""The publication log: one line for each public act, append-only, under signed checkpoints.

What is hashed and signed is in notices.transparency; here it is kept. A notice is public only once its line
is under a checkpoint.
"""

import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models, transaction

from notices import transparency

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
        known = {name: facts[name] for name in ("reference", "edition", "digest") if name in facts}
        stored = self.create(sequence=head.size, at=at, act=act, line=line.decode(), **known)
        TreeNode.objects.add(head.size, line)
        LogHead.objects.filter(pk=1).update(size=head.size + 1)
        if settings.LOG_SIGNER == "inline":
            Checkpoint.objects.sign(settings.LOG_SIGNING_KEY, now=at)
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

    @transaction.atomic
    def sign(self, signing_key: str, *, now: datetime.datetime) -> "Checkpoint":
        """A checkpoint over everything logged so far, at the signer's own clock.

        Raises NotAllowed when the last line is more than TOLERANCE off that clock, or when the log no longer
        begins with what was signed before: a rollback is never signed over.
        """
        size = LogHead.objects.get(pk=1).size
        last, newest = LogEntry.objects.get(sequence=size - 1), self.newest()
        if abs(now - last.at) > TOLERANCE:
            raise NotAllowed(f"公示日志最后一条的时间与签名时钟相差超过 {TOLERANCE.seconds} 秒，拒绝签名。")
        if newest and newest.size >= size:
            return newest
        if newest and TreeNode.objects.root(newest.size) != newest.read().root:
            raise NotAllowed("公示日志与上一个签名检查点不一致，拒绝签名。请停止发布并核对备份。")
        checkpoint = transparency.Checkpoint(origin(), size, TreeNode.objects.root(size), now)
        return self.create(size=size, note=transparency.sign(checkpoint, signing_key).decode(), signed_at=now)


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
