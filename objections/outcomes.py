"""What objections mean for a notice and its task: the public tally after the close, and the gate before closure."""

import datetime
import hashlib
import secrets

from django.db import transaction
from django.db.models import Count, F, Max, Q
from django.utils import timezone

from notices import transparency
from notices.models import Closure, LogEntry, NotAllowed, PublicityNotice, RectificationTask

from .models import Objection, Tally


def close_task(task: RectificationTask, *, by, closed_on: datetime.date, filing: str = "", at=None) -> Closure:
    """Strike a task off the list, unless an objection to one of its notices is still open. Raises NotAllowed."""
    with transaction.atomic():
        waiting = Objection.objects.pending().filter(notice__tasks=task).count()
        if waiting:
            raise NotAllowed(f"还有 {waiting} 条异议没有办结，办结后才能销号。")
        return task.close(by=by, closed_on=closed_on, filing=filing, at=at)


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
    late = sum(objection.is_late for objection in notice.objections.filter(received_at__lte=now))
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
