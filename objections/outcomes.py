"""What objections mean for a notice and its task: the public tally after the close, and the gate before closure."""

import datetime
import hashlib
import secrets

from django.db import transaction
from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, Value, When
from django.db.models.functions import TruncDate
from django.utils import timezone

from notices import transparency
from notices.models import (
    Closure,
    LogEntry,
    NotAllowed,
    PublicityNotice,
    RectificationTask,
    SelfAcceptance,
    Stage,
)

from .models import Objection, Tally
from .models.queue import LATE, PENDING, UPHELD, WITHDRAWN, ObjectionQuerySet

Channel, Finding = Objection.Channel, Objection.Finding


def propose_closure(task: RectificationTask, *, by, closed_on: datetime.date, filing: str = "", at=None) -> Closure:
    """Propose to strike a task off the list, unless what people said of one of its notices speaks against it."""
    with transaction.atomic():
        check_objections(task)
        return task.propose_closure(by=by, closed_on=closed_on, filing=filing, at=at)


def close_task(task: RectificationTask, *, by, at=None) -> Closure:
    """Sign what another person proposed, unless something was said since. Raises NotAllowed."""
    with transaction.atomic():
        check_objections(task)
        return task.close(by=by, at=at)


def check_objections(task: RectificationTask) -> None:
    """Raises NotAllowed while an objection is open, or found true and not answered by a new self-acceptance."""
    waiting = Objection.objects.pending().filter(notice__edition__tasks=task).count()
    if waiting:
        raise NotAllowed(f"还有 {waiting} 条异议没有办结，办结后才能销号。")
    if upheld := upheld_since_acceptance(task):
        numbers = "、".join(objection.number for objection in upheld)
        raise NotAllowed(f"异议 {numbers} 经核查属实或部分属实，任务应继续整改；重新自我验收并登记后才能销号。")


def upheld_since_acceptance(task: RectificationTask | OuterRef) -> ObjectionQuerySet:
    """The objections found true, wholly or in part, that no later self-acceptance answers: made on that day or after
    it, and recorded after the finding. `task` is one, or a reference to one in a query around this."""
    answers = SelfAcceptance.objects.filter(
        task=OuterRef(task) if isinstance(task, OuterRef) else task,
        created_at__gt=OuterRef("verified_at"),
        accepted_on__gte=OuterRef("found_on"),
    )
    found = Objection.objects.impersonal().filter(UPHELD, notice__edition__tasks=task, verified_at__isnull=False)
    return found.annotate(found_on=TruncDate("verified_at")).filter(~Exists(answers)).order_by("id")


def sent_back(tasks):
    """Tasks annotated with their stage, in which an objection found true has put those not closed back to rectification."""
    upheld = Exists(upheld_since_acceptance(OuterRef("pk"))) & ~Q(derived_stage=Stage.CLOSED)
    return tasks.annotate(derived_stage=Case(When(upheld, then=Value(Stage.REOPENED)), default=F("derived_stage")))


def write_tallies(now: datetime.datetime | None = None) -> int:
    """Log how many objections each closed notice received, once after its close and again whenever one comes later.

    Returns how many lines were written.
    """
    now = now or timezone.now()
    notices = due_for_tally(now)
    for notice in notices:
        tally(notice, now)
    return len(notices)


def due_for_tally(now: datetime.datetime) -> list[PublicityNotice]:
    """The closed notices whose newest tally does not count all they received. Archive notices never had a form."""
    closed = PublicityNotice.objects.closed(timezone.localdate(now)).select_related("edition")
    counted = closed.annotate(
        received=Count("objections", filter=Q(objections__received_at__lte=now), distinct=True),
        counted=Max("tallies__received"),
    )
    stale = counted.filter(Q(counted__isnull=True) | Q(received__gt=F("counted")))
    return [notice for notice in stale if not notice.is_archive]


@transaction.atomic
def tally(notice: PublicityNotice, now: datetime.datetime) -> Tally:
    """One tally: the counts, and a Merkle root over the salted receipt hashes, so that each objector can check."""
    salt = secrets.token_hex(16)
    digests = list(notice.objections.filter(received_at__lte=now).values_list("code_digest", flat=True))
    late = notice.objections.filter(received_at__lte=now).late().count()
    leaves = leaves_of(salt, digests)
    root = _root(leaves)
    detail = {"received": len(leaves), "late": late, "salt": salt, "root": root.hex()}
    entry = LogEntry.objects.append("tally", at=now, reference=notice.reference, detail=detail)
    return Tally.objects.create(
        notice=notice, sequence=entry.sequence, tallied_at=entry.at, received=len(leaves), late=late, salt=salt
    )


def leaves_of(salt: str, digests: list[str]) -> list[bytes]:
    """The leaves of a tally's tree: SHA-256 of salt and receipt hash, sorted, so that the order tells nothing."""
    return sorted(hashlib.sha256(f"{salt}:{digest}".encode()).digest() for digest in digests)


def counted_proof(objection: Objection) -> dict | None:
    """What shows an objector that theirs is in the newest tally of its notice; None while it is in none."""
    newest = objection.notice.tallies.order_by("-sequence").first()
    if not newest or objection.received_at > newest.tallied_at:
        return None
    everyone = objection.notice.objections.filter(received_at__lte=newest.tallied_at)
    leaves = leaves_of(newest.salt, list(everyone.values_list("code_digest", flat=True)))
    own = leaves_of(newest.salt, [objection.code_digest])[0]
    nodes = transparency.nodes_of(leaves)
    index = leaves.index(own)
    proof = transparency.inclusion_proof(index, len(leaves), lambda *place: nodes[place])
    return {
        "sequence": newest.sequence,
        "salt": newest.salt,
        "receipt_hash": objection.code_digest,
        "index": index,
        "size": len(leaves),
        "proof": [digest.hex() for digest in proof],
        "root": _root(leaves).hex(),
    }


def _root(leaves: list[bytes]) -> bytes:
    nodes = transparency.nodes_of(leaves)
    return transparency.root(len(leaves), lambda *place: nodes[place])


# --- The public ledger: counts per notice ------------------------------------------------------------------------------

TOTALS = {"received": Q(), "late": LATE, "upheld": UPHELD, "withdrawn": WITHDRAWN, "pending": PENDING}


def counts(notice: PublicityNotice) -> dict[str, int]:
    """How many objections the notice received, how many of them late, upheld, withdrawn, pending. One query."""
    return count(notice, TOTALS)


def count(notice: PublicityNotice, kinds: dict[str, Q]) -> dict[str, int]:
    return notice.objections.dated().aggregate(**{name: Count("pk", filter=kind) for name, kind in kinds.items()})
