"""Error pages: the site's own voice, what to do next, and no question to the database, which may be what failed."""

import logging
import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, QueryDict
from django.shortcuts import render

log = logging.getLogger(__name__)

STATUSES = (400, 403, 404, 405, 410, 413, 422, 429, 500, 503)
PATIENCE = "120"  # seconds until a browser may ask again


def error_page(request, status: int) -> HttpResponse:
    """The page of one of STATUSES."""
    try:
        _ = request.GET
    except TooManyFieldsSent:
        request.GET = QueryDict()  # or the page of the error would fail on the same address
    return render(request, f"{status}.html", {"checkpoint": None, "status": status}, status=status)


class SayWhatHappened:
    """Middleware: an error that says nothing itself – a method not allowed, too many requests – gets its page."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if response.status_code not in STATUSES or response.streaming or response.content or request.method == "HEAD":
            return response
        page = error_page(request, response.status_code)
        response.content = page.content
        response["Content-Type"] = page["Content-Type"]
        return response


def bad_request(request, exception=None):
    return error_page(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def forbidden(request, exception=None, reason=""):
    return error_page(request, 403)


def not_found(request, exception=None):
    return error_page(request, 404)


def server_error(request):
    """500, or 503 while the database does not answer; a plain file when even the page of the error fails."""
    status = 503 if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)) else 500
    try:
        response = error_page(request, status)
    except Exception:
        log.exception("the error page itself")
        response = HttpResponse((settings.BASE_DIR / "templates/unavailable.html").read_bytes(), status=status)
    if status == 503:
        response["Retry-After"] = PATIENCE
    return response
