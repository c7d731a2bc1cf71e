"""What every answer says to browsers, whatever the address, whoever asks, whether it went well or not."""

import json
import subprocess
import sys

import pytest
from django.test import Client

from portal.encodings import OnlyUtf8
from portal.headers import SAID

from . import make, observatory
from .faults.routes import existing, routes, row_of
from .test_settings import PUBLIC, ROOT

pytestmark = pytest.mark.django_db
NAMES = [
    "SECURE_SSL_REDIRECT",
    "SECURE_HSTS_SECONDS",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    "SECURE_HSTS_PRELOAD",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE",
    "SESSION_COOKIE_NAME",
    "CSRF_COOKIE_NAME",
]
EVERYWHERE = SAID | {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}


@pytest.fixture(scope="module")
def public_settings() -> dict:
    """What the portal's settings make of a public site behind HTTPS."""
    asked = f"import json\nfrom portal import settings\nprint(json.dumps({{name: getattr(settings, name) for name in {NAMES}}}))"
    command = [sys.executable, "-c", asked]
    return json.loads(subprocess.check_output(command, cwd=ROOT, env=PUBLIC, text=True).splitlines()[-1])


@pytest.fixture
def https(settings, public_settings):
    for name, value in public_settings.items():
        setattr(settings, name, value)


@pytest.fixture
def addresses() -> list[str]:
    """One of every route, with values that lead to something, and what leads to nothing."""
    notice = make.make_notice()
    objection = make.make_objection(notice, files=make.make_files(("a.txt", b"text")))
    known = existing(notice, objection)
    found = [route.filled(known | row_of(route)) for route in routes()]
    return [*found, "/nothing/", "/static/portal/portal.css", "/notices/?q=%00", "/admin/nothing/"]


@pytest.mark.parametrize("person", ["visitor", "superuser"])
def test_every_answer_has_every_header(person, https, addresses, client):
    client.raise_request_exception = False
    if person == "superuser":
        client.force_login(make.make_user("han", is_superuser=True))
    wrong = []
    for address in addresses:
        for response in (client.get(address, secure=True), client.put(address, secure=True)):
            wrong += [f"{response.status_code} {address}: {name}" for name in missing(response)]
    assert not wrong


def missing(response) -> list[str]:
    """The headers that are not as they must be."""
    found = [name for name, value in EVERYWHERE.items() if response.get(name) != value]
    csp = response.get("Content-Security-Policy", "'unsafe-")
    kind = response.get("Content-Type", "").replace('"', "")
    saved = "Content-Disposition" in response  # a text that somebody sent may be in any encoding
    if response.status_code == 200 and (
        not kind or (kind.startswith("text/") and "charset=utf-8" not in kind and not saved)
    ):
        found.append("Content-Type")
    return found + (["Content-Security-Policy"] if "'unsafe-" in csp or "default-src 'none'" not in csp else [])


@pytest.mark.parametrize("name", list(EVERYWHERE))
def test_a_header_that_is_gone_is_noticed(name, https, client):
    response = client.get("/help/", secure=True)
    assert not missing(response)
    del response[name]
    assert missing(response) == [name]


def test_what_is_refused_before_django_has_them_too():
    said = {}
    refused = OnlyUtf8(None)({"CONTENT_TYPE": "text/plain; charset=x"}, lambda status, headers: said.update(headers))
    assert refused
    assert SAID.items() <= said.items()
    assert said["X-Content-Type-Options"] == "nosniff"


def points(client, address: str) -> int:
    response = client.get(address, secure=True)
    return observatory.score(response.headers, response.cookies, response.content.decode())


@pytest.mark.parametrize(
    "address", ["/", "/en/", "/notices/", "/objections/track/", "/help/", "/nothing/", "/api/v1/log"]
)
def test_public_pages_get_130_points(address, https, client):
    assert points(client, address) >= 130


def test_admin_gets_110_points(https):
    client = Client()
    assert points(client, "/admin/login/") >= 110
    client.force_login(make.make_user("han", is_superuser=True))
    assert points(client, "/admin/") >= 110


@pytest.mark.parametrize(
    ("header", "value", "most"),
    [
        ("Content-Security-Policy", "default-src *", 105),
        ("Content-Security-Policy", "default-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'", 120),
        ("Cross-Origin-Resource-Policy", "", 120),
        ("Referrer-Policy", "unsafe-url", 120),
        ("Strict-Transport-Security", "", 80),
        ("Access-Control-Allow-Credentials", "true", 50),
    ],
)
def test_the_score_tells_a_worse_answer(header, value, most, https, client):
    response = client.get("/help/", secure=True)
    response[header] = value
    assert observatory.score(response.headers, response.cookies, response.content.decode()) <= most


def test_plain_http_is_led_to_https_on_the_same_host(https, client):
    response = client.get("/notices/?q=x")
    assert (response.status_code, response["Location"]) == (301, "https://testserver/notices/?q=x")
