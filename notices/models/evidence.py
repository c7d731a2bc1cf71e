"""Files that show what was done: kept with a task's reports, chosen for a notice, frozen with its edition."""

import hashlib
import re
import secrets

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from notices import attachments, clamd, pictures
from notices.documents.notice import Attachment, Item
from notices.documents.tasks import find_tasks

from .rectification import ProgressReport, RectificationTask

PICTURES = ("jpeg", "png")
MAX_WIDTH = 1920  # pixels of a picture's longer side: enough to see, small enough for a telephone


class Unavailable(Exception):
    """The file is gone from the storage, or is not the one that was stored."""


def random_name(instance: "File", filename: str) -> str:
    """Where a file lies under MEDIA_ROOT: its own name is not part of it."""
    name = secrets.token_hex(16)
    return f"evidence/{name[:2]}/{name}"


class File(models.Model):
    """One stored file: what it is called, what it is, and the SHA-256 that its bytes must have."""

    file = models.FileField(
        "文件",
        upload_to=random_name,
        help_text="PDF、JPEG、PNG、docx、xlsx 或 txt，不超过 10 MB。文件名会公开，请写明内容，例如“清运后的河道.jpg”。"
        "图片会去除拍摄位置等信息并缩小，请先确认画面里没有车牌、人脸等个人信息。",
    )
    name = models.CharField("文件名", max_length=attachments.MAX_NAME, editable=False)
    kind = models.CharField("类型", max_length=4, choices=attachments.KINDS, editable=False)
    size = models.PositiveIntegerField("字节数", editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def is_picture(self) -> bool:
        return self.kind in PICTURES

    def read(self) -> bytes:
        """The bytes, checked against their digest. Raises Unavailable."""
        try:
            with default_storage.open(self.file.name) as stored:
                content = stored.read()
        except OSError as error:
            raise Unavailable(self.file.name) from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise Unavailable(self.file.name)
        return content

    def as_printed(self) -> Attachment:
        """The file as a notice document names it."""
        return Attachment(name=self.name, size=self.size, sha256=self.sha256)


class Evidence(File):
    """A file that shows what was done about a task. It is added and taken away, never replaced.

    `item` is the item of a notice's progress that it stands beside: PublicityNotice.files says it.
    """

    item = None

    task = models.ForeignKey(RectificationTask, models.CASCADE, verbose_name="任务", related_name="evidence")
    report = models.ForeignKey(
        ProgressReport,
        models.SET_NULL,
        verbose_name="对应的工作开展情况",
        null=True,
        blank=True,
        related_name="evidence",
        help_text="公示后显示在这一条旁边；说的是整个任务时不选，列在公示末尾。一份公示包含几项任务的，显示在这项任务的整改情况旁边。",
    )
    created_at = models.DateTimeField("上传时间", default=timezone.now, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "佐证材料"
        ordering = ("task_id", models.F("report__ordinal").asc(nulls_last=True), "id")

    @property
    def url(self) -> str:
        """Where staff find it."""
        return reverse("admin:notices_rectificationtask_evidence", args=[self.task_id, self.pk])

    def beside(self, items: tuple[Item, ...], alone: bool) -> int | None:
        """The number of the item of a progress that this file stands beside, None where it stands at the end.

        It is that of its report where the notice is about its task `alone`. Of several tasks it is the one item that is
        headed by its task, else the one that says what its report says.
        """
        if not self.report:
            return None
        if alone:
            return self.report.ordinal
        headed = [each.ordinal for each in items if any(map(self.task.is_named, find_tasks(each.heading)))]
        said = re.sub(r"\s", "", self.report.text)
        saying = [each.ordinal for each in items if said and said in re.sub(r"\s", "", each.text)]
        return next((found[0] for found in (headed, saying) if len(found) == 1), None)

    def clean(self) -> None:
        """A chosen file is checked; of a picture only a copy is kept, without what the camera wrote beside it."""
        if self.report_id and self.report.task_id != self.task_id:
            raise ValidationError({"report": "对应的工作开展情况属于另一个任务，请重新选择。"})
        if self.file and not self.file._committed:
            try:
                self._take(self.file.file)
            except attachments.Refused as refusal:
                raise ValidationError({"file": f"{refusal}。"}) from None
            except pictures.Unreadable:
                raise ValidationError({"file": "图片打不开，请重新导出或重新拍照后再选择。"}) from None

    def _take(self, upload) -> None:
        checked = attachments.check(upload)
        clamd.check(upload)
        if checked.kind in PICTURES:
            upload.seek(0)
            upload = ContentFile(pictures.bare_copy(upload.read(), checked.kind, MAX_WIDTH), checked.name)
            self.file = upload
        self.name, self.kind, self.size = checked.name, checked.kind, upload.size
        self.sha256 = attachments.sha256(upload)

    def delete(self, *arguments, **options):
        """Take the row away, and its bytes where no edition names them."""
        deleted = super().delete(*arguments, **options)
        forget([self.file.name])
        return deleted


class PublishedFile(File):
    """A file as an edition published it: frozen, whatever becomes of the evidence."""

    edition = models.ForeignKey("notices.Edition", models.PROTECT, verbose_name="版本", related_name="files")
    number = models.PositiveSmallIntegerField("顺序")
    item = models.PositiveSmallIntegerField("对应条目", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "随版本公布的文件"
        ordering = ("edition", "number")
        constraints = [models.UniqueConstraint(fields=("edition", "number"), name="notices_publishedfile_number_once")]

    @property
    def url(self) -> str:
        """Where the public finds it."""
        notice = self.edition.notice
        return reverse("notices:file", args=[notice.reference, self.edition.number, self.number, self.name])

    @classmethod
    def freeze(cls, edition, files: list[Evidence]) -> None:
        """Publish these files, as PublicityNotice.files gives them, with `edition`."""
        facts = ("item", "file", "name", "kind", "size", "sha256")
        cls.objects.bulk_create(
            cls(edition=edition, number=number, **{fact: getattr(each, fact) for fact in facts})
            for number, each in enumerate(files, 1)
        )


def erase(edition) -> None:
    """Take away the files of a redacted edition, and the evidence that no other edition publishes."""
    rows = PublishedFile.objects.filter(edition=edition)
    names = set(rows.values_list("file", flat=True))
    rows.delete()
    names -= set(PublishedFile.objects.filter(file__in=names).values_list("file", flat=True))
    Evidence.objects.filter(file__in=names).delete()
    forget(names)


def forget(names) -> None:
    """Once this transaction is done, remove the bytes that no row names any more."""

    def remove() -> None:
        for name in names:
            if not any(model.objects.filter(file=name).exists() for model in (Evidence, PublishedFile)):
                default_storage.delete(name)

    transaction.on_commit(remove)
