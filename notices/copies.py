"""Copies of an edition to keep: text, JSON, PDF, Word, a poster. Each says what became of the edition, and changes its ETag with that."""

import dataclasses
import functools
import hashlib

from django.conf import settings
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from .answers import conditional
from .documents import printing, writing
from .documents.rendering import to_text
from .models import Edition
from .snapshots import prepared
from .views import edition_url, redacted, visible_edition

CONTENT_TYPES = {
    "txt": "text/plain; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def copy(make):
    """A view of one edition, the current one unless a number is given: what `make(edition)` answers.

    `make` returns the kind of file, what its ETag is made of, and a function without arguments that gives its bytes,
    which is called only when the reader does not have them yet.
    """

    @require_safe
    @functools.wraps(make)
    def view(request, reference, number=None):
        edition = visible_edition(reference, number)
        if edition.is_redacted:
            return redacted(request, edition)
        return _answer(request, edition, *make(edition))

    return view


def _answer(request, edition: Edition, kind: str, tag: str, content) -> HttpResponse:
    """The copy, or 304 where the reader has it already."""
    response = conditional(request, CONTENT_TYPES[kind], tag, content)
    response["Digest-SHA256"] = edition.digest
    response["Last-Modified"] = http_date(edition.published_at.timestamp())
    return response


@prepared()
@copy
def text(edition: Edition):
    """Plain text, in the printed order."""
    content = to_text(edition.read(), edition.marks()).encode()
    return "txt", hashlib.sha256(content).hexdigest(), lambda: content


@prepared()
@copy
def json(edition: Edition):
    """Byte for byte as hashed."""
    return "json", edition.digest, lambda: bytes(edition.document)


@copy
def pdf(edition: Edition):
    """A sheet of paper in the form of an official notice."""
    sheet = printing.notice_sheet(edition.read(), imprint(edition))
    return "pdf", sheet.fingerprint, sheet.pdf


@copy
def docx(edition: Edition):
    """A Word file to go on working with."""
    said = imprint(edition)
    tag = hashlib.sha256(f"{writing.FORM} {edition.digest} {said}".encode()).hexdigest()
    return "docx", tag, lambda: writing.to_docx(edition.read(), said)


@require_safe
def poster(request, reference):
    """One page for the notice board, `?size=a3` for the larger one; its code opens the notice as it then stands."""
    edition = visible_edition(reference)
    if edition.is_redacted:
        return redacted(request, edition)
    paper = request.GET.get("size", "a4")
    if paper not in printing.PAPERS:
        raise Http404("no such paper")
    here = dataclasses.replace(imprint(edition), url=settings.SITE_URL + reverse("notices:notice", args=[reference]))
    sheet = printing.poster_sheet(edition.read(), here, paper)
    return _answer(request, edition, "pdf", sheet.fingerprint, sheet.pdf)


def imprint(edition: Edition) -> printing.Imprint:
    """What a copy of this edition says of itself."""
    return printing.Imprint(
        url=edition_url(edition),
        code=edition.short_code,
        publisher=edition.notice.organisation.name,
        published_at=edition.published_at,
        marks=edition.marks(),
    )
