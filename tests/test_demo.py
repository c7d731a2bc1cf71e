"""The demonstration: everything there is to see, on whatever day it is made; a second start changes nothing."""

import datetime
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from notices.documents.statements import body_text, find_window
from notices.models import (
    ConfirmationMail,
    Edition,
    Outage,
    PublicityNotice,
    ReceivingOffice,
    RectificationTask,
    Stage,
    State,
    Subscriber,
)
from objections.models import Objection, OutgoingMail, Status
from portal import demo
from portal.demo import serving, staff

ROOT = Path(__file__).resolve().parent.parent
NOW = "2026-11-23T10:00+08:00"
TODAYS = [
    NOW,
    "2026-02-20T15:00+08:00",  # Spring Festival
    "2026-10-10T08:01+08:00",  # a working Saturday, before the morning's publication
    "2026-12-31T23:55+08:00",  # the next days have no published calendar
    "2027-01-02T00:05+08:00",  # a holiday weekend of a year without a calendar
    "2028-02-29T12:00+08:00",
]

pytestmark = pytest.mark.django_db


@pytest.fixture
def make(settings, tmp_path, monkeypatch, capsys):
    """Runs the command without serving; returns what it printed."""
    settings.STATIC_ROOT = tmp_path / "static"
    monkeypatch.setenv("DEMO_PASSWORD", "heron-lake-42")

    def run() -> str:
        call_command("demo", "--no-serve")
        return capsys.readouterr().out

    return run


@pytest.fixture
def filled(db, request):
    """The data, made at the time that the test is about."""
    with time_machine.travel(request.param, tick=False):
        demo.fill("heron-lake-42")
        yield


on_any_day = pytest.mark.parametrize("filled", TODAYS, indirect=True)


@pytest.fixture
def printed(make):
    with time_machine.travel(NOW, tick=False):
        yield make()


@on_any_day
def test_every_state_stage_and_status_is_there(filled):
    notices = PublicityNotice.objects.select_related("edition")
    assert {notice.state() for notice in notices} == set(State) - {State.SCHEDULED}
    assert {task.stage() for task in RectificationTask.objects.all()} == set(Stage)
    assert {objection.status for objection in Objection.objects.all()} == set(Status)
    assert notices.open(timezone.localdate()).count() == 8


@on_any_day
def test_nothing_lies_in_the_future_and_references_follow_the_time(filled):
    assert not list(_times_after(timezone.now()))
    published = PublicityNotice.objects.public().order_by("published_at")
    references = [tuple(int(part) for part in notice.reference.split("-")) for notice in published]
    assert references == sorted(references)


def _times_after(now: datetime.datetime):
    for model in apps.get_models():
        names = [field.name for field in model._meta.fields if field.name.endswith("_at") and field.name != "due_at"]
        for row in model._base_manager.values(*names) if names else []:
            yield from ((model.__name__, name, at) for name, at in row.items() if at and at > now)


@on_any_day
def test_the_printed_window_agrees_with_the_fields(filled):
    for edition in Edition.objects.all():
        document = edition.read()
        window = find_window(body_text(document)).window
        assert (window.opens_on, window.closes_on) == (edition.opens_on, edition.closes_on)
        if document.window.unit == "working":
            assert document.window.working_days >= document.window.length


def test_the_special_cases_can_be_looked_at(printed):
    today = timezone.localdate()
    editions = Edition.objects.all()
    current = [notice.edition.read() for notice in PublicityNotice.objects.public()]
    assert editions.filter(closes_on=today).exists()
    assert editions.filter(opens_on=today).exists()
    assert editions.filter(via=Edition.Via.EMERGENCY).count() == 1
    assert [len(document.tasks) for document in current if len(document.tasks) > 1] == [3]
    assert [document.signatories for document in current if len(document.signatories) > 1] == [
        ("中共青澜市委", "青澜市人民政府")
    ]
    assert sum(notice.is_archive for notice in PublicityNotice.objects.public()) == 1
    assert RectificationTask.objects.filter(kind="petition").count() >= 4
    drafts = PublicityNotice.objects.filter(edition=None)
    assert drafts.filter(submitted_at__isnull=False).count() == 1
    assert drafts.exclude(return_reason="").count() == 1
    assert any(objection.is_late for objection in Objection.objects.all())


def test_the_second_edition_puts_something_right(printed):
    second = Edition.objects.get(number=2)
    first = second.notice.editions.get(number=1)
    assert "78套" in body_text(first.read())
    assert "78套" not in body_text(second.read())
    assert second.closes_on > first.closes_on
    assert "应为“87套”" in second.reason


def test_long_notices_pair_every_measure_with_its_progress(printed):
    pairings = [
        block for edition in Edition.objects.all() for block in edition.read().blocks() if hasattr(block, "rows")
    ]
    assert len(pairings) == Edition.objects.count()
    assert all(promised and done for pairing in pairings for promised, done in pairing.rows)
    assert max(len(pairing.rows) for pairing in pairings) == 6


def test_a_second_start_changes_nothing(make):
    with time_machine.travel(NOW, tick=False):
        first = make()
    ReceivingOffice.objects.filter(phone="0000-2180316").update(phone="0000-2180000")
    before = _everything()
    with time_machine.travel("2026-11-25T10:00+08:00", tick=False):
        second = make()
    assert _everything() == before
    assert _password(first) == _password(second)
    assert _codes(first) == _codes(second)


def test_a_database_in_use_is_left_alone(make):
    from .make import make_notice

    notice = make_notice()
    make()
    assert list(PublicityNotice.objects.all()) == [notice]
    assert not get_user_model().objects.filter(username="bianji").exists()


def _everything() -> dict:
    return {model: list(model._base_manager.order_by("pk").values()) for model in apps.get_models()}


def _password(printed: str) -> str:
    return re.search(r"密码都是 (\S+) ", printed)[1]


def _codes(printed: str) -> list[str]:
    return re.findall(r"(?:[0-9A-Z]{4}-){6}[0-9A-Z]{4}", printed)


def test_the_printed_logins_work(printed, client):
    for login in ("bianji", "shenhe", "yiyi", "admin"):
        assert f"  {login}" in printed
        answer = client.post(reverse("admin:login"), {"username": login, "password": _password(printed)})
        assert answer.status_code == 302, login
        assert client.get(reverse("admin:index")).status_code == 200


def test_each_role_may_do_its_own_work_and_no_more(printed):
    may = {user.username: user.get_all_permissions() for user in get_user_model().objects.filter(is_superuser=False)}
    assert {"notices.add_publicitynotice", "notices.change_noticesection"} <= may["bianji"]
    assert "notices.publish_publicitynotice" in may["shenhe"]
    assert "objections.handle_objection" in may["yiyi"]
    assert [name for name in may if "notices.publish_publicitynotice" in may[name]] == ["shenhe"]
    assert [name for name in may if "objections.handle_objection" in may[name]] == ["yiyi"]


def test_the_printed_receipt_codes_find_their_objections(printed):
    found = [Objection.objects.by_code(code) for code in _codes(printed)]
    assert {objection.pk for objection in found} == set(Objection.objects.values_list("pk", flat=True))


def test_mails_are_sent_where_the_office_has_acted_and_wait_where_not(printed):
    waiting = OutgoingMail.objects.filter(sent_at=None, refused_at=None)
    assert {mail.objection.status for mail in waiting} == {Status.RECEIVED}
    assert OutgoingMail.objects.undeliverable().get().due_at > timezone.now()
    assert not OutgoingMail.objects.exclude(sent_at=None).exclude(token="").exists()


def test_a_subscriber_is_told_of_what_comes_next_and_an_outage_stands_in_open_windows(printed):
    assert Subscriber.objects.get().subscriptions.confirmed().count() == 1
    assert not ConfirmationMail.objects.unsent().exists()
    assert Outage.objects.get().concerned(timezone.now()).exists()


def test_everybody_finds_something_on_their_start_page(printed, client):
    for user in get_user_model().objects.filter(
        username__in=set(staff.PEOPLE) - {"shenji"}
    ):  # who audits has no duties
        client.force_login(user)
        assert "没有等您办理的事项" not in client.get("/admin/").content.decode(), user


def test_every_public_page_answers(printed, client):
    paths = ["/", "/rounds/", "/objections/track/"]
    paths += [f"/notices/?state={state}" for state in ("", "open", "upcoming", "closed", "withdrawn")]
    for edition in Edition.objects.select_related("notice"):
        page = f"/notices/{edition.notice.reference}"
        paths += [f"{page}/", f"{page}.txt", f"{page}.json", f"{page}/history/", f"{page}/object/"]
        paths += [f"{page}/editions/{edition.number}/", f"{page}/editions/{edition.number}.json"]
    tasks = RectificationTask.objects.filter(notices__edition__isnull=False).distinct()
    paths += [f"/tasks/{task.pk}/" for task in tasks]
    paths += [f"/rounds/{slug}/" for slug in tasks.values_list("round__slug", flat=True).distinct()]
    assert {path: status for path in paths if (status := client.get(path).status_code) != 200} == {}


# --- The command as a process, in an empty clone ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    place = tmp_path_factory.mktemp("clone")
    shutil.copy(ROOT / "manage.py", place)
    for name in ("portal", "notices", "objections", "templates", "static"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    return place


@pytest.fixture
def start(clone):
    """Starts the command in the clone on a port of its own; whatever still runs afterwards is ended."""
    started = []

    def run(*arguments: str) -> subprocess.Popen:
        clean = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "EMAIL_URL": "dummymail://"}
        with (clone / "printed").open("w") as printed:
            command = [sys.executable, "manage.py", "demo", *arguments]
            started.append(subprocess.Popen(command, cwd=clone, env=clean, stdout=printed, stderr=subprocess.STDOUT))
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((serving.HOST, 0))
        return probe.getsockname()[1]


def _get(port: int, path: str) -> http.client.HTTPResponse | None:
    connection = http.client.HTTPConnection(serving.HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.body = answer.read().decode()
        return answer
    except OSError:
        return None


def _wait_until_ready(process: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        answer = _get(port, "/health/ready")
        if answer and answer.status == 200:
            return
        time.sleep(0.05)
    pytest.fail("the demonstration did not become ready")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_for(clone: Path, text: str) -> str:
    deadline = time.monotonic() + 5
    while text not in (printed := (clone / "printed").read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return printed


def test_the_command_serves_until_it_is_told_to_stop(clone, start):
    port = _free_port()
    process = start("--port", str(port))
    _wait_until_ready(process, port)
    printed = _wait_for(clone, "就绪")
    assert "就绪" in printed
    assert f"http://127.0.0.1:{port}/admin/" in printed
    page = _get(port, "/notices/?state=open")
    assert page.status == 200
    assert "第三项" in page.body
    stylesheet = re.search(r'href="(/static/[^"]+\.css)"', page.body)[1]
    assert _get(port, stylesheet).status == 200

    children = _children(process.pid)
    assert len(children) == 2
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert not [child for child in children if Path(f"/proc/{child}").exists()]
    assert serving.is_free(port)


def test_when_a_child_dies_the_command_says_so_and_stops(clone, start):
    port = _free_port()
    process = start(f"--port={port}")
    _wait_until_ready(process, port)
    mailer = max(_children(process.pid), key=lambda pid: "send_mail" in Path(f"/proc/{pid}/cmdline").read_text())
    os.kill(mailer, signal.SIGKILL)
    assert process.wait(10) == 1
    assert "邮件发送进程意外退出" in (clone / "printed").read_text()
    assert serving.is_free(port)


def test_a_port_in_use_is_refused_in_one_sentence(clone, start):
    with socket.create_server((serving.HOST, 0)) as server:
        port = server.getsockname()[1]
        assert start("--port", str(port)).wait(20) == 1
    assert (clone / "printed").read_text() == f"端口 {port} 已被占用，请换一个端口，例如：demo --port {port + 1}。\n"


def test_the_password_is_made_once_and_kept(clone, start):
    def run() -> str:
        assert start("--no-serve").wait(30) == 0
        return (clone / "printed").read_text()

    first, second = run(), run()
    assert _password(first) == _password(second)
    assert _codes(first) == _codes(second)
    kept = clone / "var" / "demo.env"
    assert f"DEMO_PASSWORD={_password(first)}" in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0
