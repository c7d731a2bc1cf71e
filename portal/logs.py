"""Logs as JSON lines: what happened, where, and in which request. Never what somebody typed.

Messages of exceptions and paths of addresses may hold personal data, so neither is logged: of an exception its type and
where it was raised, of a request the pattern of its address.
"""

import contextvars
import datetime
import json
import logging
import secrets
import time
import traceback

log = logging.getLogger("portal.requests")
current = contextvars.ContextVar("request_id", default="")


class RequestLog:
    """Middleware: gives each request an id (also in the header `X-Request-ID`) and logs one line when it is answered."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        started, request_id = time.monotonic(), secrets.token_hex(8)
        held = current.set(request_id)
        try:
            response = self.get_response(request)
            response.headers["X-Request-ID"] = request_id
            log.info("request", extra={"facts": _facts(request, response, time.monotonic() - started)})
        finally:
            current.reset(held)
        return response


def _facts(request, response, seconds: float) -> dict:
    return {
        "method": request.method if request.method in METHODS else "other",
        "route": _route(request),
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
    }


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _route(request) -> str:
    """The pattern that the address fits, "" for an address that fits none."""
    match = getattr(request, "resolver_match", None)
    return match.route if match else ""


class JsonLines(logging.Formatter):
    """One JSON object a line, times in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.datetime.fromtimestamp(record.created, tz=datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.message(record),
            "request": current.get(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["raised"] = [f"{frame.filename}:{frame.lineno}" for frame in _frames(record.exc_info[2])]
        return json.dumps({name: value for name, value in line.items() if value != ""}, ensure_ascii=False)

    def message(self, record: logging.LogRecord) -> str:
        """Django's own lines about a request end with its path: of those only what happened."""
        if record.name.startswith("django.") and hasattr(record, "status_code"):
            return f"{record.status_code} {_route(record.request)}" if hasattr(record, "request") else "request"
        if record.name.startswith("django.security"):
            return record.name
        return record.getMessage()


def _frames(trace) -> list[traceback.FrameSummary]:
    return traceback.extract_tb(trace)[-12:]
