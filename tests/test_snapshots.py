"""Public pages from memory: nobody sees an old one after an act, past a boundary, or in a form not asked for."""

import contextlib
import datetime
import gzip
import os
import re
import subprocess
import sys
import time

import pytest
import time_machine
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from notices import list_views, snapshots, stamp
from notices.models import Organisation
from objections import outcomes
from objections.forms import new_token, read_token
from tests.faults.citizens import multipart, said
from tests.filling import filled
from tests.make import make_draft, make_notice, make_objection, make_task, withdraw
from tests.test_acts import GROUND, correct, emergency, li, zhang
from tests.test_workers import database_url

DAY = datetime.timedelta(days=1)
MICROSECOND = datetime.timedelta(microseconds=1)


class Layer(snapshots.Snapshots):
    """The layer around Django, and how often Django was asked."""

    def __init__(self):
        super().__init__(self.counted)
        self.django, self.made = WSGIHandler(), 0

    def counted(self, environ, start_response):
        self.made += 1
        return self.django(environ, start_response)

    def ask(self, path, method="GET", **headers):
        """(status, headers by their lower-case names, body) of one request."""
        environ, said = RequestFactory().generic(method, path, **headers).environ, []
        body = self(environ, lambda *arguments: said.append(arguments))
        content = b"".join(body)
        getattr(body, "close", lambda: None)()
        return int(said[-1][0][:3]), {name.lower(): value for name, value in said[-1][1]}, content

    def text(self, path) -> str:
        return self.ask(path)[2].decode()


@pytest.fixture
def layer(transactional_db, settings, tmp_path):
    """A layer with a stamp of its own that does not ask the database: only the stamp and the clock empty it."""
    settings.STAMP_PATH = str(tmp_path / "stamp")
    made = Layer()
    made.asked_at = time.monotonic() + 1e6
    yield made
    made.close()


def past_notice():
    """A notice whose window is over, published while it was open."""
    with time_machine.travel(timezone.now() - 40 * DAY):
        return make_notice()


def superseded():
    """A notice whose first edition is to be erased."""
    notice = make_notice()
    correct(notice)
    notice.refresh_from_db()
    notice.propose_redaction(by=zhang(), number=1, ground=GROUND)
    return notice


def extend(notice):
    notice.extend(by=zhang(), closes_on=notice.closes_on + 9 * DAY, reason="补充公示")
    notice.publish(confirmed=True, by=li())


# What is there before; the act; a page, and what it says only after the act.
ACTS = {
    "publish": (
        make_notice,
        lambda notice: make_notice(title="又一份公示", tasks=[make_task(2)]),
        "/notices/",
        "又一份公示",
    ),
    "correct": (make_notice, correct, "/notices/{}/", "青澜河东岸"),
    "extend": (make_notice, extend, "/notices/{}/", "现延至"),
    "withdraw": (make_notice, withdraw, "/notices/{}/", "责任单位写错"),
    "redact": (superseded, lambda notice: notice.redact(by=li(), number=1), "/notices/{}/editions/1/", GROUND),
    "confirm": (emergency, lambda notice: notice.confirm_edition(by=li()), "/log/", "第二人确认"),
    "tally": (past_notice, lambda notice: outcomes.write_tallies(), "/log/entries", '"act":"tally"'),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("stamped", [True, False], ids=["stamp", "control"])
def test_an_act_shows_in_the_next_request(layer, monkeypatch, act, stamped):
    make, change, path, shown = ACTS[act]
    notice = make()
    path = path.format(notice.reference)
    if not stamped:
        monkeypatch.setattr(stamp, "read", lambda path: None)
    assert shown not in layer.text(path)
    assert shown not in layer.text(path)
    assert layer.made == 1
    change(notice)
    assert (shown in layer.text(path)) is stamped


@pytest.mark.parametrize(("stamped", "status"), [(True, 422), (False, 303)], ids=["stamp", "control"])
def test_a_post_meets_the_notice_as_it_stands(layer, monkeypatch, stamped, status):
    notice = make_notice()
    path = f"/notices/{notice.reference}/object/"

    def post(number: int) -> int:
        fields, kind = multipart(said(number) | {"token": new_token(notice, timezone.now())}, {})
        return layer.ask(path, "POST", data=fields, content_type=kind)[0]

    if not stamped:
        monkeypatch.setattr(stamp, "read", lambda path: None)
    assert post(1) == 303
    withdraw(notice)
    assert post(2) == status


def test_what_is_no_act_shows_as_soon_as_the_database_is_asked(layer):
    notice = past_notice()
    path = f"/notices/{notice.reference}/"
    layer.asked_at = -9.0
    assert 'data-count="received">0条' in layer.text(path)
    make_objection(notice)
    Organisation.objects.update(name="改了名的单位")
    assert "改了名的单位" not in layer.text(path)  # the control: asked less than half a second ago
    layer.asked_at -= 1
    text = layer.text(path)
    assert 'data-count="received">1条' in text
    assert "改了名的单位" in text


def test_while_nothing_changes_asking_empties_nothing(layer):
    make_notice()
    made_though_unchanged = []
    for _ in range(30):
        shown, made = layer.shown, layer.made
        layer.asked_at = -9.0
        layer.ask("/")
        if layer.shown == shown:  # PostgreSQL tells of commits in its other databases as well, those of other tests
            made_though_unchanged.append(layer.made - made)
    assert made_though_unchanged
    assert not any(made_though_unchanged)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
def test_a_forked_process_asks_on_a_connection_of_its_own(transactional_db, monkeypatch, guarded):
    """Two on one connection to PostgreSQL read each other's answers, and then wait for ever."""
    if not guarded:
        monkeypatch.setattr(snapshots.os, "getpid", lambda: 1)
    with contextlib.closing(snapshots.Commits()) as commits:
        assert commits.shown()
        inherited = commits.connection
        child, own = os.fork(), None
        if not child:
            try:
                own = bool(commits.shown()) and commits.connection is not inherited
            finally:
                os._exit({True: 1, False: 2, None: 3}[own])
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (1 if guarded else 2)
        assert commits.connection is inherited
        assert commits.shown()


def test_what_staff_change_in_admin_shows_in_the_next_request(layer, admin_client):
    organisation = make_notice().organisation
    path = f"/admin/notices/organisation/{organisation.pk}/change/"
    assert organisation.name in layer.text("/sitemap/")
    answer = admin_client.post(path, filled(admin_client, path, name="改了名的单位"))
    assert answer.status_code == 302, answer.context["errors"]
    assert "改了名的单位" in layer.text("/sitemap/")


def midnight(days: int) -> datetime.datetime:
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) + days * DAY


def test_no_page_outlives_a_boundary_wherever_the_clock_jumps(layer):
    today = midnight(0)
    with time_machine.travel(today - DAY / 2, tick=False) as clock:
        opens_on = today.date()
        notice = make_notice(opens_on, opens_on + 3 * DAY)
        path = f"/notices/{notice.reference}/"
        for days in (0, 3, 4, 3, 90, 0, 4, 1):  # also backwards, as a clock does that was wrong
            for moment in (today + days * DAY - MICROSECOND, today + days * DAY):
                clock.move_to(moment)
                open_now = opens_on <= moment.date() <= notice.closes_on
                assert ('data-state="open"' in layer.text(path)) is open_now, moment


def test_a_scheduled_notice_comes_out_at_its_moment(layer):
    noon = midnight(1) + DAY / 2
    with time_machine.travel(noon - DAY / 2, tick=False) as clock:
        draft = make_draft(noon.date() + DAY, title="定时发布的公示")
        draft.submit(by=zhang())
        draft.publish(confirmed=True, by=li(), public_from=noon)
        for moment, shown in ((noon - MICROSECOND, False), (noon, True), (noon - MICROSECOND, False)):
            clock.move_to(moment)
            assert ("定时发布的公示" in layer.text("/")) is shown, moment


# --- The forms of an answer -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("", False),
        ("gzip", True),
        ("br, gzip;q=0.8", True),
        ("GZIP ; Q=0.5", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*", True),
        ("*;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("identity;q=0.5, gzip", True),
        ("x-gzip", True),
        ("gzip;q=a lot", False),
        ("gzipped", False),
    ],
)
def test_a_page_is_packed_for_whom_that_suits(layer, accepted, packed):
    notice = make_notice()
    for _ in range(2):  # made, and kept
        status, headers, body = layer.ask(f"/notices/{notice.reference}/", headers={"accept-encoding": accepted})
        assert (status, headers.get("content-encoding") == "gzip") == (200, packed)
        assert int(headers["content-length"]) == len(body)
        assert headers["vary"] == "Accept-Encoding"
        assert notice.title in (gzip.decompress(body) if packed else body).decode()


@pytest.mark.parametrize("template", ["{0}", "W/{0}", '"other", {0}', "{1}", 'W/{1} , "x"', "*", " * "])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_who_has_the_page_already_gets_304(layer, template, encoding):
    make_notice()
    tags = [layer.ask("/", headers={"accept-encoding": each})[1]["etag"] for each in ("", "gzip")]
    assert tags[0] != tags[1]
    asked = {"if-none-match": template.format(*tags), "accept-encoding": encoding}
    status, headers, body = layer.ask("/", headers=asked)
    assert (status, body) == (304, b"")
    assert headers["etag"] in tags
    assert not {"content-type", "content-length", "content-encoding"} & set(headers)
    assert {"cache-control", "vary", "content-security-policy"} <= set(headers)


@pytest.mark.parametrize("asked", ["", '"other"', 'W/"other", "another"', "unquoted", '"', "W/", "**"])
def test_who_has_another_page_gets_this_one(layer, asked):
    make_notice()
    for _ in range(2):
        assert layer.ask("/", headers={"if-none-match": asked})[0] == 200


@given(accepted=st.text(st.characters(codec="latin-1"), max_size=60), asked=st.text('W/"*, ab-gzip;q=01.', max_size=60))
def test_headers_of_any_kind_get_an_answer(accepted, asked):
    page = snapshots.Page([("Content-Type", "text/html"), ("ETag", '"ab"')], b"page" * 200, 0.0)
    said = []
    environ = {"REQUEST_METHOD": "GET", "HTTP_ACCEPT_ENCODING": accepted, "HTTP_IF_NONE_MATCH": asked}
    body = b"".join(page.answer(environ, lambda *arguments: said.append(arguments), 1.0, 99.0))
    headers = dict(said[0][1])
    assert said[0][0] in ("200 OK", "304 Not Modified")
    if said[0][0].startswith("304"):
        assert body == b""
        assert asked.strip() == "*" or '"ab"' in asked or '"ab-gzip"' in asked
    else:
        packed = headers.get("Content-Encoding") == "gzip"
        assert (gzip.decompress(body) if packed else body) == b"page" * 200
        assert not packed or "gzip" in accepted.lower() or "*" in accepted


def test_last_modified_waits_until_nothing_can_change_within_its_second(layer):
    with time_machine.travel(midnight(0) + DAY / 2, tick=False) as clock:
        make_notice()
        assert "last-modified" not in layer.ask("/")[1]
        clock.shift(2)
        dated = layer.ask("/")[1]["last-modified"]
        assert layer.ask("/", headers={"if-modified-since": dated})[0] == 304
        assert layer.ask("/", headers={"if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT"})[0] == 200
        withdraw(make_notice(tasks=[make_task(2)]))
        clock.shift(2)
        assert layer.ask("/", headers={"if-modified-since": dated})[0] == 200


def test_a_proxy_may_keep_a_page_to_the_end_of_the_second_but_not_past_a_boundary(layer):
    """nginx counts in whole seconds: what it is told to keep until @59 ends at 00, what it is told "1" may live for two."""
    with time_machine.travel(midnight(1) - datetime.timedelta(seconds=10), tick=False) as clock:
        make_notice()
        assert layer.ask("/")[1]["x-accel-expires"] == f"@{midnight(1).timestamp() - 10:.0f}"
        clock.shift(9.9)
        assert layer.ask("/")[1]["x-accel-expires"] == f"@{midnight(1).timestamp() - 1:.0f}"
        assert layer.made == 1
        layer.memory.until -= 0.05  # a scheduled notice comes out within this second
        assert layer.ask("/")[1]["x-accel-expires"] == "0"


@pytest.mark.parametrize("kept", [False, True])
def test_head_and_range_are_answered_from_the_same_page(layer, kept):
    make_notice()
    if kept:
        layer.ask("/")
    status, headers, body = layer.ask("/", "HEAD")
    full = layer.ask("/")
    assert (status, body) == (200, b"")
    assert {**full[1], **headers} == full[1]
    assert layer.ask("/", headers={"range": "bytes=0-9"})[::2] == (200, full[2])
    assert layer.made == 1


# --- Several processes ------------------------------------------------------------------------------------------------


READER = """
import sys
from portal.wsgi import application
from django.test import RequestFactory
for line in sys.stdin:
    environ = RequestFactory().get(line.strip()).environ
    print(b"".join(application(environ, lambda *said: None)).hex(), flush=True)
"""


def test_two_processes_show_an_act_of_a_third_in_the_next_request(layer, settings):
    notice = make_notice()
    own = {"DJANGO_SETTINGS_MODULE": "portal.settings", "DATABASE_URL": database_url(), "DEBUG": "1"}
    own["STAMP_PATH"] = settings.STAMP_PATH
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": settings.BASE_DIR}
    command = [sys.executable, "-c", READER]
    readers = [subprocess.Popen(command, env=os.environ | own, **pipes) for _ in range(2)]

    def read(reader) -> str:
        print(f"/notices/{notice.reference}/", file=reader.stdin, flush=True)
        return bytes.fromhex(reader.stdout.readline()).decode()

    try:
        assert all(notice.title in read(reader) for reader in readers)
        assert not any("责任单位写错" in read(reader) for reader in readers)
        withdraw(notice)
        assert all("责任单位写错" in read(reader) for reader in readers)
    finally:
        for reader in readers:
            reader.communicate(timeout=20)


# ---- forms: the same for everybody but for their token


def token_of(page: str) -> str:
    return re.search(r'name="token" value="([^"]+)"', page)[1]


def test_the_form_is_made_once_and_each_has_a_token_of_its_own(layer, django_assert_num_queries):
    path = f"/notices/{make_notice().reference}/object/"
    first = layer.text(path)
    with django_assert_num_queries(0):
        second = layer.text(path)
    assert token_of(first) != token_of(second)
    assert first.replace(token_of(first), "") == second.replace(token_of(second), "")
    assert "no-store" in layer.ask(path)[1]["cache-control"]


@pytest.mark.parametrize("act", [withdraw, correct, extend], ids=lambda act: act.__name__)
def test_after_an_act_the_form_is_another(layer, act):
    notice = make_notice()
    path = f"/notices/{notice.reference}/object/"
    before = layer.text(path)
    act(notice)
    after = layer.text(path)
    if act is withdraw:
        assert 'name="token"' not in after
        return
    notice.refresh_from_db()
    assert read_token(token_of(before), notice)[0] != read_token(token_of(after), notice)[0] == notice.edition_id


def test_a_form_remembered_yesterday_is_not_shown_after_the_close(layer):
    notice = make_notice()
    path = f"/notices/{notice.reference}/object/"
    assert 'name="token"' in layer.text(path)
    with time_machine.travel(datetime.datetime.combine(notice.closes_on, datetime.time()) + 2 * DAY):
        assert 'name="token"' not in layer.text(path)


def test_what_many_look_for_is_made_once_and_kept_nowhere_else(layer, monkeypatch):
    notice, asked = make_notice(), []
    found = list_views._found
    monkeypatch.setattr(list_views, "_found", lambda *arguments: asked.append(1) or found(*arguments))
    for _ in range(2):
        status, headers, body = layer.ask("/notices/?q=河道")
        assert status == 200
        assert "x-accel-expires" not in headers
        assert notice.reference in body.decode()
    assert len(asked) == 1
    layer.ask("/notices/?q=河道&utm=1")
    withdraw(notice)
    layer.ask("/notices/?q=河道")
    assert len(asked) == 3
