"""Files as answers: to save, never to run in the browser."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from .attachments import MEDIA_TYPES


def as_download(content: bytes, name: str, kind: str) -> HttpResponse:
    """An answer that no browser shows or runs as a page: to save, or a picture within a page of this site."""
    return HttpResponse(
        content,
        content_type=MEDIA_TYPES[kind],
        headers={
            "Content-Disposition": content_disposition_header(True, name),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )
