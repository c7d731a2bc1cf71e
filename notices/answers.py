"""Answers that a reader keeps: an ETag on each, and 304 for those who have it already."""

import hashlib

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag


def kept(request, content_type: str, content: bytes) -> HttpResponse:
    """The content under an ETag of its own bytes."""
    return conditional(request, content_type, hashlib.sha256(content).hexdigest(), lambda: content)


def conditional(request, content_type: str, tag: str, make) -> HttpResponse:
    """What `make()` gives in bytes, under the ETag `tag`; it is not called for a reader who has that already."""
    etag = quote_etag(tag)
    response = get_conditional_response(request, etag=etag) or HttpResponse(make(), content_type=content_type)
    response["ETag"] = etag
    return response
