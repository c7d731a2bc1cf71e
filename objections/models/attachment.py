"""What was attached to an objection: the row that names it and holds its key; the file lies in the vault."""

import contextlib
import datetime
import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet
from django.db import models

from notices import attachments, pictures
from objections import vault
from objections.sealing import OfObjection, SealedTextField

ORPHAN_AGE = datetime.timedelta(days=1)


class AttachmentManager(models.Manager):
    def write(self, checked: Sequence[attachments.Checked], at: datetime.datetime) -> list["Attachment"]:
        """Put the files on the disk; the rows are not saved yet. Raises vault.Unavailable and leaves nothing."""
        written = []
        try:
            for each in checked:
                fields = {"name": each.name, "kind": each.kind, "size": each.size, "sha256": each.sha256}
                row = Attachment(**fields, key=Fernet.generate_key().decode(), created_at=at)
                row.stored_as = vault.write(each.upload, row.key)
                written.append(row)
        except BaseException:
            self.take_back(written)
            raise
        return written

    @contextlib.contextmanager
    def written(self, checked: Sequence[attachments.Checked], at: datetime.datetime):
        """The rows to save in the transaction of this block; when it raises, their files are taken away again."""
        rows = self.write(checked, at)
        try:
            yield rows
        except BaseException:
            self.take_back(rows)
            raise

    def take_back(self, written: list["Attachment"]) -> None:
        """Remove the files that no row names. What the database did store, it keeps, whatever it answered."""
        names = {row.stored_as for row in written}
        for name in names and names - set(self.filter(stored_as__in=names).values_list("stored_as", flat=True)):
            vault.remove(name)

    def orphans(self, now: datetime.datetime) -> list[str]:
        """The files older than a day that no row names: left by a process that was killed before its commit."""
        names = set(vault.names((now - ORPHAN_AGE).timestamp()))
        return sorted(names - set(self.values_list("stored_as", flat=True)))

    def remove_orphans(self, now: datetime.datetime) -> int:
        orphans = self.orphans(now)
        for name in orphans:
            vault.remove(name)
        return len(orphans)


class Attachment(OfObjection, models.Model):
    """One file, kept as it came. Its name, as all that may tell who sent it, is ciphertext."""

    objection = models.ForeignKey(
        "objections.Objection", models.CASCADE, verbose_name="异议", related_name="attachments"
    )
    supplement = models.ForeignKey(
        "objections.Supplement",
        models.CASCADE,
        verbose_name="补充材料",
        null=True,
        blank=True,
        related_name="attachments",
    )
    name = SealedTextField("文件名")
    kind = models.CharField("类型", max_length=4, choices=attachments.KINDS)
    size = models.PositiveIntegerField("字节数")
    sha256 = models.CharField("原件的 SHA-256", max_length=64)
    stored_as = models.CharField(max_length=32, unique=True, editable=False)
    key = SealedTextField(editable=False)
    created_at = models.DateTimeField("保存时间")

    objects = AttachmentManager()

    class Meta:
        verbose_name = verbose_name_plural = "附件"
        ordering = ("objection", "id")

    def __str__(self) -> str:
        return f"附件 {self.pk}（{self.get_kind_display()}）"

    @property
    def is_picture(self) -> bool:
        return self.kind in ("jpeg", "png")

    def bare(self) -> bytes:
        """The file as staff see it: a picture without its place. Raises vault.Unavailable and pictures.Unreadable."""
        return pictures.bare_copy(self.read(), self.kind) if self.is_picture else self.read()

    def read(self) -> bytes:
        """The original, checked against its digest. Raises vault.Unavailable."""
        content = vault.read(self.stored_as, self.key)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise vault.Unavailable(self.stored_as)
        return content
