"""Public pages as prepared bytes, in a thin WSGI layer around Django.

A page is made by Django once and then answered from memory, to everybody alike, until the memory is emptied: after an
act on this host (notices.stamp), after any other commit in the database (asked for twice a second), at midnight, and
when a scheduled notice comes out. Nothing is kept unless its view says so: `prepared`.
"""

import dataclasses
import datetime
import functools
import gzip
import hashlib
import logging
import os
import re
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.utils import timezone
from django.utils.http import http_date, quote_etag

from . import stamp
from .models import Edition

log = logging.getLogger(__name__)

MAY_BE_KEPT = "X-Accel-Expires"  # for this layer, and for nginx; no other header decides
ASK_AGAIN = 0.5  # seconds until the database is asked again
OLDEST = 1.0  # seconds after which nobody is answered before it has been asked
SETTLED = 2.0  # seconds: Last-Modified cannot tell apart what changed within one
LARGEST, MEMORY = 1_000_000, 16_000_000  # bytes of one page, of all
TEXT = re.compile(r"text/|application/(json|xml|jsonl|atom\+xml)|image/svg")
ETAG = re.compile(r'"[^"]*"')
CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")
LAYER = "portal.snapshots"
# Made anew for each answer, or of this layer's own making.
NOT_KEPT = {"x-request-id", "content-length", "etag", "vary", MAY_BE_KEPT.lower()}
OF_THE_BODY = {"content-length", "content-type", "content-encoding", "content-language", "content-disposition"}


def prepared(*known: str):
    """A view whose answer is the same for everybody, and changes only by commits and at midnight.

    `known` are the parameters it takes; an address with any other is made each time, so that nobody fills the memory
    with them. A view that answers something less than usual says `X-Accel-Expires: 0` itself.
    """

    def decorated(view):
        @functools.wraps(view)
        def marked(request, *arguments, **named):
            ours = request.method in ("GET", "HEAD") and set(request.GET) <= {*known, "view"}
            if ours and LAYER in request.META:  # which answers conditions itself, from the whole page
                for name in CONDITIONS:
                    request.META.pop(name, None)
            response = view(request, *arguments, **named)
            if ours and response.status_code == 200:
                response.headers.setdefault(MAY_BE_KEPT, "1")
            return response

        return marked

    return decorated


def remembered(request, make: Callable[[], "Part"], *known: str) -> "Part":
    """What `make()` gives, kept with the prepared pages as long as they hold, and nowhere else: for a page that differs
    only in a token, or tells what somebody looks for. An address with other parameters has it made each time."""
    memory, key = request.META.get(LAYER), (request.method, *Snapshots.key(request.META))
    if not memory or not memory.until or not set(request.GET) <= {*known, "view"}:
        return make()
    part = memory.pages.get(key) or make()
    return memory.add(key, part) if part.holds and key not in memory.pages else part


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """What is remembered: the page, and what else its view needs to finish it."""

    content: bytes
    about: tuple = ()
    holds: bool = True

    @property
    def size(self) -> int:
        return len(self.content) + 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """A page as it is sent, plain or packed: `headers` with the body, `unchanged` with 304."""

    etag: str
    body: bytes
    headers: list[tuple[str, str]]
    unchanged: list[tuple[str, str]]


def _form(etag: str, body: bytes, headers: list[tuple[str, str]]) -> Form:
    headers = [*headers, ("ETag", etag), ("Vary", "Accept-Encoding"), ("Content-Length", str(len(body)))]
    return Form(etag, body, headers, [each for each in headers if each[0].lower() not in OF_THE_BODY])


class Page:
    """One page in both forms. `made` is when, in seconds since 1970."""

    def __init__(self, headers: list[tuple[str, str]], content: bytes, made: float):
        said = {name.lower(): value for name, value in headers}
        kept = [each for each in headers if each[0].lower() not in NOT_KEPT]
        etag = said.get("etag", "")
        if not ETAG.fullmatch(etag):
            etag = quote_etag(hashlib.sha256(content).hexdigest())
        self.made = made
        # A view's own date is when its text was published, which is not when its page last changed.
        self.modified = "" if "last-modified" in said else http_date(made)
        self.plain = self.packed = _form(etag, content, kept)
        if TEXT.match(said.get("content-type", "")):
            packed = gzip.compress(content, 6, mtime=0)
            if len(packed) < len(content):
                self.packed = _form(f'{etag[:-1]}-gzip"', packed, [*kept, ("Content-Encoding", "gzip")])

    @property
    def size(self) -> int:
        return len(self.plain.body) + len(self.packed.body) + 4000

    def answer(self, environ, start_response, now: float, until: float):
        """What this request gets: the page, 304, or the head alone."""
        form = self.packed if takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")) else self.plain
        dated = self.modified if now - self.made >= SETTLED else ""
        known = self._known(environ, form, dated)
        # First: nginx 1.22 wants it before Cache-Control.
        headers = [(MAY_BE_KEPT, _keep_until(now, until)), *(known.unchanged if known else form.headers)]
        if dated:
            headers.append(("Last-Modified", dated))
        start_response("304 Not Modified" if known else "200 OK", headers)
        return [] if known or environ["REQUEST_METHOD"] == "HEAD" else [form.body]

    def _known(self, environ, form: Form, dated: str) -> Form | None:
        """The form that the reader has already."""
        asked = environ.get("HTTP_IF_NONE_MATCH")
        if asked is None:
            return form if dated and environ.get("HTTP_IF_MODIFIED_SINCE") == dated else None
        if asked == form.etag or asked.strip() == "*":
            return form
        tags = ETAG.findall(asked)  # weak ones count as well
        return next((each for each in (form, self.plain, self.packed) if each.etag in tags), None)


@functools.lru_cache(500)
def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding prefers gzip to nothing (RFC 9110, 12.5.3)."""
    weights = {}
    for part in accepted.lower().split(","):
        name, _, rest = part.partition(";")
        try:
            weights[name.strip()] = float(rest.partition("=")[2] or 1) if "q" in rest or not rest.strip() else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    gzip_weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip_weight > 0 and gzip_weight >= weights.get("identity", 0.0)


class Memory:
    """Pages that hold from `since` until `until`, while the stamp is this one. Emptied means replaced by another: what
    was begun before goes into the old one and is never shown."""

    def __init__(self, seen: tuple | None, since: float, until: float):
        self.seen, self.since, self.until = seen, since, until
        self.pages: dict[tuple, Page | Part] = {}
        self.size, self.adding = 0, threading.Lock()

    def add(self, key: tuple, page: Page | Part) -> Page | Part:
        """Keep one more; the oldest go when there are too many."""
        with self.adding:
            self.pages[key] = page
            self.size += page.size
            while self.size > MEMORY:
                self.size -= self.pages.pop(next(iter(self.pages))).size
        return page


class Commits:
    """Asks the database, on a connection of its own, what it shows: another value after each commit of anybody."""

    QUESTIONS = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT pg_current_snapshot()::text"}

    def __init__(self):
        self.inherited = None
        self._begin()

    def _begin(self) -> None:
        self.connection, self.process = connections[DEFAULT_DB_ALIAS].copy(), os.getpid()
        self.connection.inc_thread_sharing()

    def shown(self) -> object:
        """The value, None while the database does not answer."""
        if self.process != os.getpid():  # two processes on one connection read each other's answers, and wait for ever
            self.inherited = self.connection  # its owner's to close
            self._begin()
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(self.QUESTIONS[self.connection.vendor])
                return cursor.fetchone()
        except Error:
            log.warning("the database does not say whether anything changed")
            self.close()
            return None

    def close(self) -> None:
        self.connection.close()


def _until(now: datetime.datetime) -> float:
    """When public pages change by themselves: at midnight, or before that with a scheduled notice."""
    tomorrow = timezone.localdate(now) + datetime.timedelta(days=1)
    midnight = datetime.datetime.combine(tomorrow, datetime.time(), tzinfo=timezone.get_default_timezone())
    scheduled = Edition.objects.filter(public_from__gt=now, public_from__lt=midnight)
    first = scheduled.order_by("public_from").values_list("public_from", flat=True).first()
    return (first or midnight).timestamp()


class Snapshots:
    """Around the WSGI application: public pages from memory, all else from Django."""

    def __init__(self, application: Callable):
        self.application = application
        self.stamp = str(settings.STAMP_PATH)
        self.renewing = threading.Lock()
        self.memory = Memory(None, 0, 0)
        self.commits, self.shown, self.asked_at = None, None, -OLDEST

    def __call__(self, environ, start_response):
        method = environ["REQUEST_METHOD"]
        if method == "POST":
            environ[LAYER] = self._current()  # for `remembered`
        if method not in ("GET", "HEAD") or "HTTP_IF_MATCH" in environ or "HTTP_IF_UNMODIFIED_SINCE" in environ:
            return self.application(environ, start_response)
        memory, key = self._current(), self.key(environ)
        page = memory.pages.get(key)
        if page:
            return page.answer(environ, start_response, time.time(), memory.until)
        return self._make(memory, key, environ, start_response)

    @staticmethod
    def key(environ) -> tuple:
        """All that a public page depends on. Host and scheme are as they were sent: Django has judged them, or nothing
        would have been kept under them."""
        get = environ.get
        sent = get("HTTP_HOST"), get("HTTP_X_FORWARDED_PROTO"), get("wsgi.url_scheme")
        return *sent, get("SCRIPT_NAME"), get("PATH_INFO"), get("QUERY_STRING")

    def _make(self, memory: Memory, key: tuple, environ, start_response):
        """Django's answer, kept when it may be."""
        asked = {name: environ[name] for name in CONDITIONS if name in environ}
        environ[LAYER] = memory
        said = []
        body = self.application(environ, lambda *arguments: said.append(arguments))
        status, headers = said[-1][:2]
        if not _may_be_kept(status, headers):
            start_response(status, [each for each in headers if each[0] != MAY_BE_KEPT], *said[-1][2:])
            return body
        content, made = b"".join(body), time.time()
        getattr(body, "close", lambda: None)()
        page = Page(headers, content, made)
        if len(content) <= LARGEST and memory.until:
            memory.add(key, page)
        return page.answer(environ | asked, start_response, made, memory.until)

    # --- Whether what is kept still holds -----------------------------------------------------------------------

    def _current(self) -> Memory:
        """The memory that holds now."""
        if time.monotonic() - self.asked_at > ASK_AGAIN:
            self._ask()
        memory = self.memory
        if memory.seen == stamp.read(self.stamp) and memory.since <= time.time() < memory.until:
            return memory
        return self._begin_anew()

    def _ask(self) -> None:
        """Empty the memory when anything was committed since the last time. One thread asks; the others go on with
        what it said last, if that is not too old. While the database is away, what is kept holds."""
        if not self.renewing.acquire(blocking=time.monotonic() - self.asked_at > OLDEST):
            return
        try:
            if time.monotonic() - self.asked_at > ASK_AGAIN:
                self.commits = self.commits or Commits()
                shown, away = self.commits.shown(), self.shown is None
                if shown and (away or shown != self.shown):
                    self.memory = Memory(None, 0, 0)
                self.shown, self.asked_at = shown, time.monotonic()
        finally:
            self.renewing.release()

    def _begin_anew(self) -> Memory:
        with self.renewing:
            seen, now = stamp.read(self.stamp), timezone.now()
            try:
                self.memory = Memory(seen, now.timestamp(), _until(now))
            except Error:  # Django says so to the reader
                return Memory(None, 0, 0)
            return self.memory

    def close(self) -> None:
        """Give the connection back."""
        if self.commits:
            self.commits.close()


def _keep_until(now: float, until: float) -> str:
    """For nginx: to the end of this second. Told "1", it keeps a page for up to two: it counts in whole ones."""
    return f"@{int(now)}" if int(now) < int(until) else "0"


def _may_be_kept(status: str, headers: list[tuple[str, str]]) -> bool:
    said = {name.lower(): value for name, value in headers}
    if not status.startswith("200 ") or said.get(MAY_BE_KEPT.lower()) != "1":
        return False
    return "set-cookie" not in said and "vary" not in said
