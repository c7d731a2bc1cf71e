"""The case file of a task 一案一档: one ZIP with all that was published about it, what it was accepted on, what came of
the objections in numbers, and the log with which anyone can check it offline. Nothing in it tells of an objector.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone

from notices.attachments import clean_name
from notices.documents.rendering import to_text
from notices.log_views import proof_of
from notices.models import Checkpoint, Edition, LogEntry, PublicityNotice, PublishedFile, RectificationTask, Unavailable

from . import statements

INDEX = "目录.html"
LOG = "公示日志"


class Part(NamedTuple):
    """One file of the case: where it lies in the ZIP, and its bytes."""

    path: str
    content: bytes
    is_edition: bool = False

    def listed(self) -> dict:
        """What the index says of it."""
        digest = hashlib.sha256(self.content).hexdigest()
        return {"path": self.path, "size": len(self.content), "sha256": digest, "is_edition": self.is_edition}


def write(task: RectificationTask, stream, now=None) -> None:
    """Write the ZIP as of `now` to a binary stream; files that cannot be read are named in its index."""
    now = timezone.localtime(now)
    checkpoint, missing = Checkpoint.objects.newest(), []
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(path: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(path, now.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)

        listed = []
        for part in parts(task, checkpoint, missing):
            put(part.path, part.content)
            listed.append(part.listed())
        context = {"task": task, "now": now, "listed": listed, "missing": missing, "checkpoint": checkpoint, "log": LOG}
        put(INDEX, render_to_string("objections/case_file.html", context | facts(task, now)).encode())


def facts(task: RectificationTask, now) -> dict:
    """What the index says of the task: its course, and in numbers what became of the objections to each notice."""
    return {
        "stage": task.stage(now.date()),
        "acceptances": task.acceptances.order_by("accepted_on"),
        "closures": task.closures.signed().order_by("closed_at"),
        "outcomes": [_outcome(notice, now) for notice in notices_of(task)],
    }


def _outcome(notice: PublicityNotice, now) -> dict:
    return {
        "notice": notice,
        "state": notice.state(now.date()),
        "editions": notice.editions.visible().select_related("redaction").order_by("number"),
        "numbers": statements.in_numbers(notice, now),
    }


def notices_of(task: RectificationTask) -> list[PublicityNotice]:
    """The public notices about the task, in the order of their publication."""
    return list(task.shown().select_related("edition__receiving_office").order_by("published_at"))


def parts(task: RectificationTask, checkpoint: Checkpoint | None, missing: list[str]) -> Iterator[Part]:
    """Everything but the index; the names of files that cannot be read are added to `missing`."""
    signed = Edition.objects.visible().filter(sequence__lt=checkpoint.size if checkpoint else 0)
    readable = signed.filter(notice__in=notices_of(task), redaction__redacted_at__isnull=True)
    for edition in readable.select_related("notice").order_by("sequence"):
        yield from _edition(edition, checkpoint, missing)
    published = PublishedFile.objects.filter(edition__tasks=task).values("file")
    own = enumerate(task.evidence.exclude(file__in=published), 1)
    yield from _files("未公布的佐证材料", own, missing)
    yield from _log(checkpoint)


def _edition(edition: Edition, checkpoint: Checkpoint, missing: list[str]) -> Iterator[Part]:
    reference = edition.notice.reference
    folder = f"公示/{reference}/第{edition.number}版"
    yield Part(f"{folder}/{reference}-{edition.number}.json", bytes(edition.document), is_edition=True)
    yield Part(f"{folder}/{reference}-{edition.number}.txt", to_text(edition.read()).encode())
    proof = json.dumps(proof_of(edition, checkpoint), ensure_ascii=False, indent=1)
    yield Part(f"{folder}/日志收录证明.json", proof.encode())
    yield from _files(f"{folder}/附件", ((file.number, file) for file in edition.files.all()), missing)


def _files(folder: str, numbered, missing: list[str]) -> Iterator[Part]:
    for number, file in numbered:
        path = f"{folder}/{number:02}-{clean_name(file.name)}"
        try:
            yield Part(path, file.read())
        except Unavailable:
            missing.append(path)


def _log(checkpoint: Checkpoint | None) -> Iterator[Part]:
    """The whole signed log and the program that checks it; its key has to come from elsewhere to prove anything."""
    if not checkpoint:
        return
    lines = LogEntry.objects.filter(sequence__lt=checkpoint.size).order_by("sequence").values_list("line", flat=True)
    yield Part(f"{LOG}/entries.jsonl", "".join(f"{line}\n" for line in lines).encode())
    yield Part(f"{LOG}/checkpoint.txt", checkpoint.note.encode())
    yield Part(f"{LOG}/log.key", f"{settings.LOG_VERIFIER_KEY}\n".encode())
    with open(finders.find("portal/verify.py"), "rb") as program:
        yield Part(f"{LOG}/verify.py", program.read())
