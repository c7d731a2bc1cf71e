"""Hostile requests to every route, drawn from a seed; among them those that make plain Django answer 500."""

import contextlib
import dataclasses
import html
import io
import random
import re
import sys
import time
import traceback
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import urlencode

from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import got_request_exception, request_finished, request_started
from django.db import close_old_connections, transaction

from notices.models import Display, Outage
from notices.snapshots import Snapshots
from portal import roles
from portal.encodings import OnlyUtf8
from tests import make

from .routes import Route, existing, routes, row_of

SLOWEST = 5  # how many of the slowest answers are told
TOKEN = "a" * 32  # cookie and header of the same CSRF secret

NASTY = [
    *("", " ", "abc", "-1", "0", "1", "2147483648", "9223372036854775808", "9" * 25, "9" * 5000, "1e309", "NaN", "Infinity"),
    *("٣", "²", "1_000", "0x1f", "1.5", "+1", "true", "null", "None", "on", "__all__", "self", "{}", "[]", "[" * 2000),
    *("9999-12-31", "0000-00-00", "0001-01-01", "2025-13-45", "9999/0/13", "10000-01-01", "24:61:61", "9999-12-31T23:59:59Z"),
    *("\0", "a\0b", "\ud800", "\udfff\ud800", "\ufffe", "\u202e倒", "\u2028", "é" * 300, "😀" * 200, "督" * 5000, "A" * 70_000),
    *("\r\nBcc: a@b.example", "a@b.example\nBcc: c@d.example", "\r\n\r\n<script>alert(1)</script>", "<img src=x onerror=alert(1)>"),
    *("' OR 1=1--", "%' ESCAPE '", "\\", "%_%", '"', "\"\"\"", "*:*", "NEAR(", "(" * 500, "a " * 3000, "^", "-", "AND OR NOT"),
    *("../../../../etc/passwd", "..\\..\\x", "//evil.example/", "https://evil.example/", "javascript:alert(1)", "file:///etc/passwd"),
    *("{{ 7*7 }}", "{% debug %}", "%s%n", "${jndi:ldap://x}", "%00", "%ff%fe", "%ed%a0%80", "=cmd()", "1,2,3", "1|2", "a=b&c=d"),
]  # fmt: skip
PARAMETERS = [
    "q",
    "page",
    "p",
    "o",
    "e",
    "all",
    "state",
    "year",
    "sort",
    "kind",
    "organisation",
    "district",
    "round",
    "view",
    "_popup",
    "_to_field",
    "_changelist_filters",
    "_facets",
    "next",
    "pk",
    "id",
    "format",
    "queue",
    "delivery",
    "count_changed",
    "from",
    "to",
    "size",
    "start",
    "limit",
    "after",
    "code",
    "token",
    "app_label",
    "model_name",
    "field_name",
    "term",
    "cursor",
    "since",
    "until",
    "offset",
    "order",
    "reference",
    "number",
]
LOOKUPS = [
    "exact",
    "in",
    "isnull",
    "gte",
    "lt",
    "year",
    "month",
    "day",
    "range",
    "date",
    "regex",
    "icontains",
    "id",
    "pk",
    "contains_by",
    "0",
    "__",
]
TYPES = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "b" * 300,
    "multipart/form-data; boundary=\u00e9",
    "multipart/form-data; boundary=x; charset=utf-7",
    "application/x-www-form-urlencoded; charset=idna",
    "application/json",
    "text/xml; charset=no-such",
    "",
    ";;;",
)
HEADERS = [
    "HTTP_HOST",
    "HTTP_COOKIE",
    "HTTP_REFERER",
    "HTTP_ORIGIN",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_RANGE",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_MATCH",
    "HTTP_AUTHORIZATION",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_REQUEST_ID",
    "HTTP_USER_AGENT",
    "HTTP_X_HTTP_METHOD_OVERRIDE",
    "HTTP_TRANSFER_ENCODING",
    "CONTENT_LENGTH",
    "REMOTE_ADDR",
]
VALUES = [
    "bytes=0-,-1",
    'W/"',
    "*",
    "Sun, 99 Foo 9999 99:99:99 GMT",
    "a=b; =; sessionid=\xff; receipt=x",
    "csrftoken=\x01",
    "Bearer \xff",
    "zh;q=nan",
    "unknown, ::1",
]
METHODS = ["GET"] * 5 + ["POST"] * 5 + ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "FOO"]
DEEP = b"[" * 100_000


def seeded(client) -> tuple:
    """(notice, objection, sessions of a superuser and of somebody with every role): rows behind most routes."""
    user = make.make_user("han", is_superuser=True)
    notice = make.make_notice(tasks=[make.make_task(11)])  # a world has a notice of its own
    make.make_draft(tasks=[make.make_task(12)])
    shown = {"kind": "notice_board", "place": "公告栏", "shown_from": notice.opens_on, "created_by": user}
    Display.objects.create(notice=notice, **shown)
    Outage.objects.create(begun_at=notice.edition.published_at, source="measured")
    make.make_evidence(notice.tasks.first())
    objection = make.make_objection(notice, files=make.make_files(("a.txt", b"text")))
    sessions = []
    for somebody in (user, make.make_member("song", *roles.ROLES)):
        client.force_login(somebody)
        sessions.append(client.cookies["sessionid"].value)
    return notice, objection, sessions


class Forms(HTMLParser):
    """The fields of all forms of a page, with what stands in them."""

    def __init__(self):
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        if tag in ("input", "textarea", "select", "button") and said.get("name"):
            self.fields.setdefault(said["name"], said.get("value") or "1")


@dataclasses.dataclass
class Found:
    """What a campaign found: `defects` are answers from 500 on, each with what was raised and where."""

    statuses: Counter
    defects: list[str]
    seconds: list[float]
    slowest: list[tuple[float, str]]

    @property
    def p99(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]

    def told(self) -> dict:
        return {
            "inputs": len(self.seconds),
            "answers": {str(status): count for status, count in sorted(self.statuses.items())},
            "p99 in seconds": round(self.p99, 3),
            "slowest": [f"{seconds:.2f} s {what}" for seconds, what in self.slowest],
            "defects": self.defects,
        }


def campaign(count: int, notice, objection, sessions: list[str], seed: int = 8, application=None) -> Found:
    """`count` hostile requests, each route as often as any other; `sessions` are cookies of staff, a superuser first."""
    return Campaign(
        random.Random(seed), notice, objection, sessions, application or OnlyUtf8(Snapshots(WSGIHandler()))
    ).run(count)


@contextlib.contextmanager
def one_connection():
    """The connection to the database, and what is not committed yet, outlives each answer."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


class Campaign:
    def __init__(self, chance: random.Random, notice, objection, sessions: list[str], application):
        self.chance, self.sessions, self.application = chance, sessions, application
        self.values, self.routes, self.raised = existing(notice, objection), routes(), []
        self.fields: dict[Route, dict[str, str]] = {}

    def run(self, count: int) -> Found:
        found = Found(Counter(), [], [], [])
        got_request_exception.connect(self._note)
        try:
            with one_connection():
                for number in range(count):
                    self._try(self.routes[number % len(self.routes)], found)
        finally:
            got_request_exception.disconnect(self._note)
        found.slowest = sorted(found.slowest, reverse=True)[:SLOWEST]
        return found

    def _note(self, sender, **_):
        """What was raised, where, and from which line of the portal."""
        kind, error, trace = sys.exc_info()
        frames = list(traceback.extract_tb(trace))
        ours = [each for each in frames if "site-packages" not in each.filename]
        at = " < ".join(f"{each.filename.rpartition('/')[2]}:{each.lineno}" for each in [frames[-1], *ours[-1:]])
        self.raised.append(f"{kind.__name__} {str(error)[:80]!r} at {at}")

    def _try(self, route: Route, found: Found) -> None:
        if route not in self.fields:
            self.fields[route] = self._known_fields(route)
        environ = self.drawn(route)
        shown = f"{environ['REQUEST_METHOD']} {route.address} {environ['PATH_INFO'][:60]!r} ?{environ['QUERY_STRING'][:120]}"
        self.raised.clear()
        started = time.perf_counter()
        status = self.answer(environ)[0]
        seconds = time.perf_counter() - started
        found.statuses[status] += 1
        found.seconds.append(seconds)
        found.slowest.append((seconds, shown))
        if status >= 500:
            found.defects.append(f"{status} {shown} {environ.get('CONTENT_TYPE', '')[:60]} {self.raised}")

    def answer(self, environ: dict) -> tuple[int, bytes]:
        """Status and body; whatever the request changed is undone."""
        answered = []
        with transaction.atomic():
            response = self.application(environ, lambda status, headers, *_: answered.append(status))
            body = b"".join(response)
            getattr(response, "close", int)()
            transaction.set_rollback(True)
        return int(answered[0][:3]), body

    def _known_fields(self, route: Route) -> dict[str, str]:
        """The fields of the forms on a page, as they stand there."""
        address = route.filled(self.values | row_of(route))
        status, body = self.answer(self.environ("GET", address.encode(), session=self.sessions[0]))
        forms = Forms()
        if status == 200 and b"<form" in body:
            forms.feed(html.unescape(body.decode()))
        return forms.fields

    # --- drawing ---------------------------------------------------------------------------------------------------

    def drawn(self, route: Route) -> dict:
        one = self.chance.choice
        values = self.values | row_of(route)
        if route.names and self.chance.random() < 0.3:
            values[one(route.names)] = one(NASTY)
        method = one(METHODS)
        query = urlencode_bytes(self._parameters(route)) if self.chance.random() < 0.7 else b""
        if self.chance.random() < 0.1:
            query = one([encoded(one(NASTY)), b"a=&" * 1500])
        environ = self.environ(method, encoded(route.filled(values)), query, one([*self.sessions * 2, ""]))
        if method in ("POST", "PUT", "PATCH"):
            self._fill(environ, route)
        while self.chance.random() < 0.25:
            name = one(HEADERS)
            environ[name] = (
                encoded(one(NASTY + VALUES * 5)).decode("latin-1").replace("\r", "").replace("\n", "")[:8000]
            )
        if not re.fullmatch(r"[\d.]+|::1", environ["REMOTE_ADDR"]):
            environ["REMOTE_ADDR"] = ""
        return environ

    def _parameters(self, route: Route) -> list[tuple[str, str]]:
        names = list(PARAMETERS) + list(self.fields.get(route, {}))
        if route.model:
            fields = [field.name for field in route.model._meta.get_fields()]
            names += [f"{name}__{self.chance.choice(LOOKUPS)}" for name in fields] * 3
        return [(self.chance.choice(names), self.chance.choice(NASTY)) for _ in range(self.chance.randint(1, 4))]

    def _fill(self, environ: dict, route: Route) -> None:
        fields = dict(self.fields.get(route, {}))
        for _ in range(self.chance.randint(0, 3)):
            fields[self.chance.choice([*fields, *PARAMETERS])] = self.chance.choice(NASTY)
        kind = self.chance.choice(TYPES[:2] * 6 + TYPES)
        body = self._body(kind, fields)
        length = str(len(body)) if self.chance.random() < 0.9 else self.chance.choice(["abc", "-1", "9" * 12, "0", ""])
        environ |= {"CONTENT_TYPE": kind, "CONTENT_LENGTH": length, "wsgi.input": io.BytesIO(body)}

    def _body(self, kind: str, fields: dict[str, str]) -> bytes:
        drawn = self.chance.random()
        if "json" in kind or drawn < 0.03:
            return DEEP
        if drawn < 0.06:
            return b"&".join(b"a=%d" % number for number in range(1500))
        if kind.startswith("multipart"):
            parts = [
                b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
                % (encoded(name), self.chance.choice([b""] * 6 + FILES), encoded(text))
                for name, text in fields.items()
            ]
            body = b"".join(parts) + b"--x--\r\n"
            return body[: self.chance.randrange(len(body))] if drawn < 0.2 else body
        return urlencode_bytes(list(fields.items()))

    def environ(self, method: str, path: bytes, query: bytes = b"", session: str = "") -> dict:
        cookie = f"csrftoken={TOKEN}" + (f"; sessionid={session}" if session else "")
        return {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SCRIPT_NAME": "",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "testserver",
            "HTTP_COOKIE": cookie,
            "HTTP_X_CSRFTOKEN": TOKEN,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "wsgi.version": (1, 0),
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }


FILES = [
    b'; filename="a.txt"',
    b'; filename="../../x.png"',
    b'; filename="\xff\x00.jpg"',
    b"; filename*=utf-8''%ff%fe.pdf",
    b"; filename*=idna''x",
    b'; filename=""\r\nContent-Transfer-Encoding: base64',
    b'; filename="a.docx"\r\nContent-Type: text/plain; charset=undefined',
    b'\r\nContent-Transfer-Encoding: base64',
    b'\r\nX: ' + b"y" * 5000,
]  # fmt: skip


def encoded(text: str) -> bytes:
    """As a careless client sends it: lone surrogates and all."""
    return text.encode("utf-8", "surrogatepass")


def urlencode_bytes(pairs: list[tuple[str, str]]) -> bytes:
    return urlencode([(encoded(name), encoded(text)) for name, text in pairs]).encode()
