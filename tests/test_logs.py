"""Log lines name the request and never what somebody typed."""

import io
import json
import logging

import pytest
from django.test import Client

from portal.logs import JsonLines, RequestLog
from tests.make import make_notice

TYPED = "13800000000"  # looked for alone: a log may write what is not ASCII in another way
CANARY = f"王小明{TYPED}"
pytestmark = pytest.mark.django_db


@pytest.fixture
def lines():
    """Everything that is logged while a test runs, as the JSON of a public site."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    names = [logging.getLogger(name) for name in ("", "django", "portal.requests")]
    levels = [each.level for each in names]
    for each in names:
        each.setLevel(logging.INFO)
    for each in names[:2]:  # the requests' own lines go up to the root
        each.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for each, level in zip(names, levels, strict=True):
        each.removeHandler(handler)
        each.setLevel(level)


def test_a_request_is_one_line_with_its_id(client, lines):
    response = client.get("/help/?q=secret")
    (line,) = [line for line in lines() if line["logger"] == "portal.requests"]
    assert line["request"] == response["X-Request-ID"]
    assert {name: line[name] for name in ("method", "route", "status")} == {
        "method": "GET",
        "route": "help/",
        "status": 200,
    }
    assert client.get("/help/")["X-Request-ID"] != response["X-Request-ID"]


@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("get", f"/{CANARY}/", {}),
        ("get", "/notices/", {"q": CANARY}),
        ("post", "/objections/track/", {"code": CANARY}),
        ("post", "/admin/login/", {"username": CANARY, "password": CANARY}),
        ("get", f"/notices/{CANARY}/", {}),
    ],
)
def test_nothing_typed_is_logged(client, lines, method, path, data):
    getattr(client, method)(path, data)
    assert any("status" in line for line in lines())
    assert TYPED not in json.dumps(lines())


def test_an_objection_that_fails_leaves_none_of_it_in_the_log(lines, monkeypatch):
    def fail(*args, **options):
        raise ValueError(CANARY)

    notice = make_notice()
    monkeypatch.setattr("notices.models.PublicityNotice.state", fail)
    response = Client(raise_request_exception=False).get(f"/notices/{notice.reference}/object/")
    assert response.status_code == 500
    errors = [line for line in lines() if line.get("exception") == "ValueError"]
    assert errors
    assert any("test_logs.py" in place for place in errors[0]["raised"])
    assert TYPED not in json.dumps(lines())
    assert CANARY in logging.Formatter().formatException(_raised())  # the control: Django's own formatter shows it


def _raised():
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        return type(error), error, error.__traceback__


def test_the_id_ends_with_its_request(client, lines):
    client.get("/help/")
    logging.getLogger("portal").info("afterwards")
    assert "request" not in lines()[-1]


def test_an_odd_method_is_not_copied(lines, rf):
    from django.http import HttpResponse

    RequestLog(lambda request: HttpResponse())(rf.generic("X" * 5000, "/"))
    assert lines()[-1]["method"] == "other"
