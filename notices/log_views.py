"""The publication log as anyone can fetch it: what it is, its lines, its checkpoint, and proofs."""

import base64

from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from .models import Checkpoint, Edition, LogEntry, PublicityNotice, TreeNode
from .snapshots import prepared

PER_PAGE = 1000  # lines in one answer
LATEST = 50  # acts on the page for people
TEXT = "text/plain; charset=utf-8"


@prepared()
@require_safe
def log(request):
    """The page for people: what the log is, its newest acts, and how to check it."""
    checkpoint = Checkpoint.objects.newest()
    entries = list(_signed(checkpoint).order_by("-sequence")[:LATEST])
    named = PublicityNotice.objects.public().filter(reference__in={entry.reference for entry in entries})
    context = {
        "checkpoint": checkpoint,
        "entries": entries,
        "public": set(named.values_list("reference", flat=True)),  # what is scheduled has no page yet
        "verifier_key": settings.LOG_VERIFIER_KEY,
    }
    return render(request, "notices/log.html", context)


def _signed(checkpoint: Checkpoint | None):
    """The lines under the checkpoint: what is not signed yet is not shown."""
    return LogEntry.objects.filter(sequence__lt=checkpoint.size if checkpoint else 0)


@prepared()
@require_safe
def checkpoint(request):
    """The newest checkpoint, as it was signed; 404 while nothing has been published."""
    newest = Checkpoint.objects.newest()
    if not newest:
        raise Http404("no checkpoint yet")
    return HttpResponse(newest.note, content_type=TEXT)


@prepared("start")
@require_safe
def entries(request):
    """The signed lines from `?start=` on, at most PER_PAGE, one JSON object a line."""
    start = request.GET.get("start", "0")
    if not start.isdecimal() or len(start) > 15:
        return HttpResponse("start 应为不小于 0 的整数\n", status=400, content_type=TEXT)
    lines = _signed(Checkpoint.objects.newest()).filter(sequence__gte=int(start)).values_list("line", flat=True)
    text = "".join(f"{line}\n" for line in lines[:PER_PAGE])
    return HttpResponse(text, content_type="application/jsonl; charset=utf-8")


@prepared()
@require_safe
def proof(request, reference, number):
    """What shows, without the rest of the log, that an edition's line is under the newest checkpoint."""
    found = get_object_or_404(
        Edition.objects.visible().select_related("notice"), notice__reference=reference, number=number
    )
    return JsonResponse(proof_of(found, Checkpoint.objects.newest()), json_dumps_params={"ensure_ascii": False})


def proof_of(edition: Edition, checkpoint: Checkpoint) -> dict:
    """The edition's line, its place, and the hashes that lead from it to the root of `checkpoint`, which covers it."""
    hashes = TreeNode.objects.inclusion_proof(edition.sequence, checkpoint.size)
    return {
        "entry": LogEntry.objects.get(sequence=edition.sequence).line,
        "sequence": edition.sequence,
        "size": checkpoint.size,
        "proof": [base64.b64encode(digest).decode() for digest in hashes],
        "checkpoint": checkpoint.note,
    }
