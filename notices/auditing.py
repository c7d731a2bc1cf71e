"""Do the database, its editions and the publication log agree? Everything is read anew, in pieces, both ways.

Each difference is a sentence that begins with its place. The log is taken line by line with what belongs to each
line; then the rows that should have a line and have none. Memory does not grow with the length of the log.
"""

import datetime
import hashlib
import importlib
import json
from collections.abc import Iterable, Iterator
from itertools import islice

from django.conf import settings
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils import timezone

from . import transparency
from .models import Checkpoint, Confirmation, Edition, LogAudit, LogEntry, LogHead, PublicityNotice, Redaction, TreeNode
from .models.log import ACTS, PUBLISHING, previous_key

append_only = importlib.import_module("notices.migrations.0002_append_only")

BATCH = 250  # lines at a time: their editions are in memory together
KEPT = 20  # differences that are stored with the audit


def record(differences: Iterable[str], *, at: datetime.datetime | None = None) -> LogAudit:
    """Take all differences and keep how many there were and the first of them: readiness and admin look there."""
    differences = iter(differences)
    first = list(islice(differences, KEPT))
    count = len(first) + sum(1 for _ in differences)
    return LogAudit.objects.create(audited_at=at or timezone.now(), count=count, differences=first)


def differences() -> Iterator[str]:
    """Every difference between database, editions and log."""
    yield from _guards()
    yield from _lengths()
    newest = LogEntry.objects.order_by("-sequence").first()
    tree, keys, latest = _Tree(), _Keys(), ""
    for start in range(0, newest.sequence + 1 if newest else 0, BATCH):
        end = min(start + BATCH, newest.sequence + 1)
        rows = {row.sequence: row for row in LogEntry.objects.filter(sequence__gte=start, sequence__lt=end)}
        entries: dict[int, dict] = {}
        for sequence in range(start, end):
            yield from _line(sequence, rows.get(sequence), entries)
            at = entries.get(sequence, {}).get("at", latest)
            if at < latest:
                yield f"日志序号 {sequence}：时间 {at} 早于前一条的 {latest}。"
            latest = at
        yield from tree.check(start, end, rows)
        yield from keys.check(start, end, entries, tree)
        yield from _editions(start, end, entries)
        for act, rows_of in OTHER_ACTS.items():
            yield from _acts(act, rows_of, entries)
        tree.prune(end)
    yield from keys.last()
    yield from _without_a_line()
    yield from _not_the_newest()


def _guards() -> Iterator[str]:
    for name in append_only.missing(connection):
        yield f"数据库：禁止改动和删除的触发器 {name} 不在了。请查明原因，再运行 migrate notices 0001 和 migrate 重建。"


def _lengths() -> Iterator[str]:
    """What the head says, what there is and what is signed, in one statement so that no publication comes between."""
    newest = LogEntry.objects.order_by("-sequence").values("sequence")[:1]
    lengths = LogHead.objects.annotate(last=Subquery(newest), signed=Checkpoint.objects.size())
    size, last, signed = lengths.values_list("size", "last", "signed").first() or (0, None, None)
    if size != (0 if last is None else last + 1):
        yield f"日志长度：记着 {size} 条，最后一条的序号是 {last}。"
    if (signed or 0) > size:
        yield f"检查点：最新的有 {signed} 条，日志只有 {size} 条。"
    elif settings.LOG_SIGNER == "inline" and (signed or 0) < size:
        yield f"检查点：最新的只有 {signed or 0} 条，日志有 {size} 条。"


# ---- the log in itself


def _line(sequence: int, row: LogEntry | None, entries: dict[int, dict]) -> Iterator[str]:
    """What is wrong with one line and the columns that repeat it; what it says goes into `entries`."""
    if row is None:
        yield f"日志序号 {sequence}：没有这一条。"
        return
    try:
        entry = entries[sequence] = transparency.read_entry(row.line.encode())
    except transparency.BadEntry as error:
        yield f"日志序号 {sequence}：{error}。"
        return
    columns = {
        "sequence": row.sequence,
        "at": transparency.stamp(row.at),
        "act": row.act,
        "reference": row.reference or None,
        "edition": row.edition,
        "digest": row.digest or None,
    }
    for name, value in columns.items():
        if entry.get(name) != value:
            yield f"日志序号 {sequence}：原文的 {name} 是 {entry.get(name)}，数据库的列是 {value}。"
    if entry["act"] not in ACTS:
        yield f"日志序号 {sequence}：不认识的事项 {entry['act']}。"


class _Tree:
    """The tree as the lines make it; of what is behind it keeps only the complete subtrees."""

    def __init__(self):
        self.nodes: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def check(self, start: int, end: int, rows: dict[int, LogEntry]) -> Iterator[str]:
        """Compare the hashes of these lines with the stored ones. A line that does not fit is named once, not in
        every hash above it: from there on the stored hash of the line counts."""
        stored = _stored_nodes(start, end)
        for sequence in range(start, end):
            leaf = transparency.leaf_hash(rows[sequence].line.encode()) if sequence in rows else None
            kept = stored.get((0, sequence))
            if leaf and kept and leaf != kept:
                yield f"日志序号 {sequence}：原文与它的散列不符，被改动过。"
            complete = transparency.appended(sequence, kept or leaf or b"", self.node)
            self.nodes |= complete
            for (level, index), digest in complete.items():
                if stored.get((level, index)) != digest:
                    yield f"日志散列 {level}/{index}：与重新计算的不同，或没有存。"

    def prune(self, size: int) -> None:
        self.nodes = {place: self.nodes[place] for place in transparency.nodes_read(transparency.root, size)}


def _stored_nodes(start: int, end: int) -> dict[tuple[int, int], bytes]:
    """The stored hashes of the subtrees that these lines complete."""
    levels = range(end.bit_length())
    wanted = Q()
    for level in levels:
        wanted |= Q(level=level, index__gte=start >> level, index__lt=end >> level)
    rows = TreeNode.objects.filter(wanted).values_list("level", "index", "hash")
    return {(level, index): bytes(digest) for level, index, digest in rows}


class _Keys:
    """The checkpoints, and which key signs them: each `key` line hands over from the old one to the new one."""

    def __init__(self):
        self.current = transparency.VerifierKey.parse(settings.LOG_VERIFIER_KEY)
        self.final, self.history_fits = self.current, True
        for row in LogEntry.objects.filter(act="key").order_by("sequence")[:1]:
            self.current = previous_key(json.loads(row.line)) or self.current

    def check(self, start: int, end: int, entries: dict[int, dict], tree: _Tree) -> Iterator[str]:
        """Check what was signed over these lines."""
        checkpoints = {row.size: row for row in Checkpoint.objects.filter(size__gt=start, size__lte=end)}
        for sequence in range(start, end):
            if entries.get(sequence, {}).get("act") == "key":
                yield from self.hand_over(entries[sequence])
            if sequence + 1 in checkpoints:
                yield from self.signed(checkpoints[sequence + 1], tree)

    def hand_over(self, entry: dict) -> Iterator[str]:
        before = self.current
        try:
            [self.current] = transparency.keys_at(1, [entry], [before])
        except transparency.DoesNotFit as error:
            yield f"日志{error}。"
        if self.current == before:
            yield f"日志序号 {entry['sequence']}：更换密钥的声明不是由当时的密钥签名的。"

    def signed(self, checkpoint: Checkpoint, tree: _Tree) -> Iterator[str]:
        """A wrong root is named once: every later one is wrong as well."""
        try:
            said = checkpoint.verified([self.current])
        except transparency.BadNote as error:
            yield f"检查点（{checkpoint.size} 条）：{error}。"
            return
        if said.size != checkpoint.size or said.at != checkpoint.signed_at:
            yield f"检查点（{checkpoint.size} 条）：条数或时间与签名的 {said.short} 不同。"
        elif self.history_fits and said.root != transparency.root(said.size, tree.node):
            self.history_fits = False
            yield f"检查点（{checkpoint.size} 条）：日志前 {checkpoint.size} 条与签名时不同，其中有改动。"

    def last(self) -> Iterator[str]:
        if self.current != self.final:
            yield f"核验公钥：LOG_VERIFIER_KEY 不是日志现在的公钥 {self.current}。"


# ---- from the lines to the rows


def _editions(start: int, end: int, entries: dict[int, dict]) -> Iterator[str]:
    rows = (
        Edition.objects.filter(sequence__gte=start, sequence__lt=end)
        .select_related("notice", "redaction")
        .prefetch_related("files")
    )
    editions = {row.sequence: row for row in rows}
    for sequence, entry in entries.items():
        edition = editions.pop(sequence, None)
        if entry["act"] in PUBLISHING and edition:
            yield from _edition(edition, entry)
        elif entry["act"] in PUBLISHING:
            yield f"日志序号 {sequence}：{entry.get('reference')} 第 {entry.get('edition')} 版不在数据库里。"
        elif edition:
            yield f"{_place(edition)}：它的日志记录不是发布，而是“{ACTS.get(entry['act'], entry['act'])}”。"


def _edition(edition: Edition, entry: dict) -> Iterator[str]:
    """An edition against its line, then its columns against its document."""
    said = {
        "编号": (entry.get("reference"), edition.notice.reference),
        "版本": (entry.get("edition"), edition.number),
        "SHA-256": (entry.get("digest"), edition.digest),
        "事项": (entry["act"], edition.act),
        "发布时间": (entry["at"], transparency.stamp(edition.published_at)),
        "公开时间": (entry.get("public_from") or entry["at"], transparency.stamp(edition.public_from)),
        "发布方式": (entry.get("via", Edition.Via.REVIEW), edition.via),
        "说明": (entry.get("reason", ""), edition.reason or edition.emergency_reason),
    }
    for name, (logged, stored) in said.items():
        if logged != stored:
            yield f"{_place(edition)}：日志写的{name}是“{logged}”，数据库里是“{stored}”。"
    yield from _document(edition)


def _document(edition: Edition) -> Iterator[str]:
    content, redaction = bytes(edition.document), getattr(edition, "redaction", None)
    redacted = bool(redaction and redaction.redacted_at)
    if redacted != (not content):
        yield f"{_place(edition)}：" + ("已办理遮盖，内容却还在。" if redacted else "内容被清空，却没有办理遮盖。")
    elif content and hashlib.sha256(content).hexdigest() != edition.digest:
        yield f"{_place(edition)}：内容的 SHA-256 与登记的不同，内容被改动过。"
    elif content:
        yield from _columns(edition, content)


def _columns(edition: Edition, content: bytes) -> Iterator[str]:
    try:
        document = json.loads(content)
        window = document["window"]
        said = {
            "标题": (document["title"], edition.title),
            "编号": (document["reference"], edition.notice.reference),
            "版本": (document["edition"], edition.number),
            "公示开始": (window["opens_on"], edition.opens_on.isoformat()),
            "公示结束": (window["closes_on"], edition.closes_on.isoformat()),
            "更正说明": (document["reason"], edition.reason),
            "附件": (
                [(each["name"], each["size"], each["sha256"]) for each in document["attachments"]],
                [(each.name, each.size, each.sha256) for each in edition.files.all()],
            ),
        }
    except (ValueError, TypeError, LookupError, RecursionError):
        yield f"{_place(edition)}：内容不是公示文件。"
        return
    for name, (published, stored) in said.items():
        if published != stored:
            yield f"{_place(edition)}：公开的{name}是“{published}”，数据库的列是“{stored}”。"


def _place(edition: Edition) -> str:
    return f"{edition.notice.reference} 第 {edition.number} 版（日志序号 {edition.sequence}）"


def _acts(act: str, rows_of, entries: dict[int, dict]) -> Iterator[str]:
    """The lines of one act against the rows that should say the same at the same time and for the same reason."""
    said = {sequence: entry for sequence, entry in entries.items() if entry["act"] == act}
    rows = rows_of({entry.get("reference") for entry in said.values()}) if said else {}
    for sequence, entry in said.items():
        at, reason = rows.get((entry.get("reference"), entry.get("edition")), (None, ""))
        place = f"日志序号 {sequence}：{entry.get('reference')} 的“{ACTS[act]}”"
        if at is None:
            yield f"{place}没有记在数据库里。"
        elif transparency.stamp(at) != entry["at"] or reason != entry.get("reason", ""):
            yield f"{place}在数据库里是另一个时间或另一个原因。"


def _withdrawals(references) -> dict:
    rows = PublicityNotice.objects.filter(reference__in=references, withdrawn_at__isnull=False)
    return {(row.reference, None): (row.withdrawn_at, row.withdrawal_reason) for row in rows}


def _redactions(references) -> dict:
    rows = Redaction.objects.filter(edition__notice__reference__in=references, redacted_at__isnull=False)
    values = rows.values_list("edition__notice__reference", "edition__number", "redacted_at", "ground")
    return {(reference, number): (at, ground) for reference, number, at, ground in values}


def _confirmations(references) -> dict:
    rows = Confirmation.objects.filter(edition__notice__reference__in=references)
    values = rows.values_list("edition__notice__reference", "edition__number", "confirmed_at")
    return {(reference, number): (at, "") for reference, number, at in values}


OTHER_ACTS = {"withdraw": _withdrawals, "redact": _redactions, "confirm": _confirmations}


# ---- from the rows to the lines


def _without_a_line() -> Iterator[str]:
    """Rows that say something public was done, and no line says so."""

    def unlogged(rows, **line):
        return rows.filter(~Exists(LogEntry.objects.filter(**line)))

    of_edition = {"reference": OuterRef("edition__notice__reference"), "edition": OuterRef("edition__number")}
    editions = unlogged(Edition.objects.select_related("notice"), sequence=OuterRef("sequence"))
    for edition in editions.defer("document").iterator():
        yield f"{_place(edition)}：日志里没有它的记录。"
    redactions = Redaction.objects.filter(redacted_at__isnull=False)
    for rows, act in ((redactions, "redact"), (Confirmation.objects.all(), "confirm")):
        for row in unlogged(rows.select_related("edition__notice"), act=act, **of_edition).iterator():
            yield f"{_place(row.edition)}：日志里没有它的“{ACTS[act]}”。"
    withdrawn = PublicityNotice.objects.filter(withdrawn_at__isnull=False)
    for notice in unlogged(withdrawn, act="withdraw", reference=OuterRef("reference")).iterator():
        yield f"{notice.reference}：数据库里已撤回，日志里没有。"
    numbered = PublicityNotice.objects.filter(Q(reference__isnull=False) | Q(published_at__isnull=False))
    for notice in numbered.filter(editions__isnull=True).iterator():
        yield f"{notice.reference}：有公示编号，却没有任何版本。"


def _not_the_newest() -> Iterator[str]:
    """Notices that show another edition than the newest one under a checkpoint."""
    signed = Edition.objects.filter(notice=OuterRef("pk"), sequence__lt=Checkpoint.objects.size())
    newest = PublicityNotice.objects.annotate(newest=Subquery(signed.order_by("-number").values("pk")[:1]))
    other = Q(edition__lt=F("newest")) | Q(edition__gt=F("newest"))
    one_of_them = Q(edition__isnull=True, newest__isnull=False) | Q(edition__isnull=False, newest__isnull=True)
    for notice in newest.filter(other | one_of_them).select_related("edition").iterator():
        shown = f"第 {notice.edition.number} 版" if notice.edition else "没有版本"
        yield f"{notice.reference}：公开的是{shown}，不是已签名的最新版本。"
