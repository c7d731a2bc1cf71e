"""What the portal holds about one objection, for the objector: a ZIP file of JSON and the files as they came."""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO

from django.utils import timezone

from notices.encryption import Unreadable

from .models import Event, Objection, OutgoingMail

IN_MEMORY = 4 * 1024 * 1024  # bytes; a larger archive lies in a temporary file
TO_THE_OBJECTOR = (OutgoingMail.Kind.RECEIPT, OutgoingMail.Kind.REPLY)
SAID_TO_THE_OBJECTOR = (Event.Kind.DECLINED, Event.Kind.VERIFIED, Event.Kind.REPLIED, Event.Kind.WITHDRAWN)
READ_ME = """本文件包含本网站保存的、与异议 {number} 有关的您的全部信息，不含受理部门的内部备注。

said.json        您提交的内容。它的 SHA-256 值就是回执上的“内容摘要”：
                 {digest}
supplement-N.json  您第 N 次补充的内容，SHA-256 值见 objection.json。
objection.json   收到时间、办理经过、答复、发给您的邮件等。
files/           您提交的附件，一个字节也没有改动；SHA-256 值见 objection.json。

计算 SHA-256：
  Linux    sha256sum said.json
  macOS    shasum -a 256 said.json
  Windows  certutil -hashfile said.json SHA256
请先解压，不要打开后另存：另存可能改动文件。
"""


def archive(objection: Objection) -> IO[bytes]:
    """The ZIP file, at its start. Raises vault.Unavailable when an attachment cannot be read."""
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 – the response closes it
    with zipfile.ZipFile(file, "w") as package:
        for name, content in _contents(objection):
            package.writestr(name, content)
    file.seek(0)
    return file


def _contents(objection: Objection) -> Iterator[tuple[str, bytes]]:
    read_me = READ_ME.format(number=objection.number, digest=objection.content_digest)
    yield "说明.txt", read_me.encode("utf-8-sig")  # Notepad tells by the mark that it is UTF-8
    yield "said.json", objection.said()
    for number, supplement in enumerate(objection.supplements.all(), 1):
        yield f"supplement-{number}.json", supplement.said()
    yield "objection.json", json.dumps(about(objection), ensure_ascii=False, indent=2, default=_written).encode()
    for number, attachment in enumerate(objection.attachments.order_by("id"), 1):
        if isinstance(attachment.key, Unreadable):  # erased, and the file with it
            continue
        yield f"files/{number}-{attachment.name}", attachment.read()


def about(objection: Objection) -> dict:
    """What is held beside the words themselves: facts, story, answer, files, mails. No note among colleagues."""
    facts = ("channel", "privacy_version", "opened_at", "received_at", "received_on", "postmarked_on", "decide_by")
    facts += ("reply_by", "withdrawn_at", "erasure_asked_at", "decline_reason", "finding", "reply", "content_digest")
    files = objection.attachments.order_by("id")
    mails = objection.mails.filter(kind__in=TO_THE_OBJECTOR).order_by("id")
    return {
        "number": objection.number,
        "status": objection.status.label,
        "notice": objection.notice.reference,
        "edition": {"number": objection.edition.number, "sha256": objection.edition.digest},
        "receipt_code_sha256": objection.reissued_digest or objection.code_digest,
        **{name: getattr(objection, name) for name in facts},
        "events": [_line(each) for each in objection.events.public()],
        "supplements": [{"at": each.at, "sha256": each.content_digest} for each in objection.supplements.all()],
        "files": [{"name": each.name, "size": each.size, "sha256": each.sha256} for each in files],
        "mails": [{"kind": each.get_kind_display(), "to": each.recipient, "sent_at": each.sent_at} for each in mails],
    }


def _line(event: Event) -> dict:
    said = event.text if event.kind in SAID_TO_THE_OBJECTOR else ""
    return {"at": event.at, "what": event.get_kind_display(), "text": said}


def _written(value) -> str:
    """Dates and times as ISO 8601, in the portal's own time zone."""
    return (timezone.localtime(value) if hasattr(value, "hour") else value).isoformat()
