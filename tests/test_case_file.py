"""The case file of a task: whole, safe to unpack, checkable offline, silent about who objected."""

import hashlib
import html
import io
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from django.urls import reverse
from django.utils import timezone

from notices.models import TrailEntry
from objections import casefile
from tests import make
from tests.hostile import PDF
from tests.make import DAY

pytestmark = pytest.mark.django_db
CANARIES = {"name": "金丝雀甲", "phone": "0000-5550199", "email": "canary@citizen.example", "content": "金丝雀内容"}


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture
def task():
    """A closed notice with two editions, a published and an unpublished file, and an objection that was upheld."""
    today = timezone.localdate()
    notice = make.make_draft(today - 9 * DAY, today + DAY)
    task = notice.tasks.get()
    task.acceptances.create(accepted_on=today - 10 * DAY, conclusion="达到销号标准")
    notice.evidence.add(make.make_evidence(task, "清运台账.pdf", PDF))
    make.make_evidence(task, "..没有公布.txt")
    notice.submit(by=make.make_user("zhang"))
    notice.publish(confirmed=True, by=make.make_user("li"), archive=True)
    notice.begin_correction(by=make.make_user("zhang"), reason="更正电话")
    notice.submit(by=make.make_user("zhang"))
    notice.publish(confirmed=True, by=make.make_user("li"))
    objection = make.make_objection(notice, **CANARIES)
    handler = make.make_user("wu")
    objection.accept(by=handler)
    objection.verify(by=handler, finding="partly")
    return task


def case_of(task) -> zipfile.ZipFile:
    stream = io.BytesIO()
    casefile.write(task, stream)
    return zipfile.ZipFile(stream)


def test_everything_public_is_there_byte_for_byte(task):
    case, notice = case_of(task), task.notices.get()
    for edition in notice.editions.all():
        folder = f"公示/{notice.reference}/第{edition.number}版"
        content = case.read(f"{folder}/{notice.reference}-{edition.number}.json")
        assert hashlib.sha256(content).hexdigest() == edition.digest
        assert case.read(f"{folder}/附件/01-清运台账.pdf") == PDF
    assert [name for name in case.namelist() if name.startswith("未公布")] == ["未公布的佐证材料/01-没有公布.txt"]
    index = case.read(casefile.INDEX).decode()
    for said in ("达到销号标准", "收到异议 1 条", "部分属实 1 条", notice.reference):
        assert said in index


def test_the_index_lists_every_file_with_its_digest(task):
    case = case_of(task)
    index = case.read(casefile.INDEX).decode()
    listed = dict(re.findall(r'<tr><td><a href="[^"]+">([^<]+)</a></td><td>\d+</td><td><code>(\w{64})</code>', index))
    assert set(listed) == set(case.namelist()) - {casefile.INDEX}
    for name, digest in listed.items():
        assert hashlib.sha256(case.read(name)).hexdigest() == digest


def test_no_name_leads_out_of_the_folder_or_stands_twice(task):
    names = case_of(task).namelist()
    assert len(set(names)) == len(names)
    for name in names:
        path = PurePosixPath(name)
        assert not path.is_absolute()
        assert not {"..", "."} & set(path.parts)
        assert not re.search(r'[\\<>:"|?*\x00-\x1f]', name)


def verify(folder: Path) -> subprocess.CompletedProcess:
    """The command that the index gives, where it says to run it."""
    command = html.unescape(re.search(r"<pre>(.*?)</pre>", (folder / casefile.INDEX).read_text("utf-8"))[1])
    _, *arguments = shlex.split(command)
    run = [sys.executable, "-I", *arguments]
    return subprocess.run(run, cwd=folder / casefile.LOG, capture_output=True, text=True, check=False)


def test_the_command_in_the_index_verifies_it_offline_and_finds_a_change(task, tmp_path):
    case_of(task).extractall(tmp_path)
    good = verify(tmp_path)
    assert good.returncode == 0, good.stdout + good.stderr
    edition = next(tmp_path.glob("公示/*/第1版/*-1.json"))
    edition.write_bytes(edition.read_bytes().replace("清运".encode(), "清理".encode(), 1))
    assert verify(tmp_path).returncode == 1


def test_nothing_tells_of_the_objector(task):
    case = case_of(task)
    objection = task.notices.get().objections.get()
    secrets = [*CANARIES.values(), objection.number, objection.code_digest]
    for name in case.namelist():
        content = case.read(name)
        assert not [secret for secret in secrets if secret.encode() in content or secret in name], name


def test_a_file_that_cannot_be_read_is_named_and_stops_nothing(task, media):
    for path in media.rglob("*"):
        if path.is_file() and path.read_bytes() == PDF:
            path.unlink()
    case = case_of(task)
    assert not [name for name in case.namelist() if "台账" in name]
    assert "第1版/附件/01-清运台账.pdf" in case.read(casefile.INDEX).decode()


def test_a_task_without_notices_has_a_case_file_too():
    index = case_of(make.make_task()).read(casefile.INDEX).decode()
    assert "这项任务没有公示" in index


EXPORT, VIEW = "notices.export_case_file", "notices.view_rectificationtask"


@pytest.mark.parametrize(("permissions", "status"), [((EXPORT, VIEW), 200), ((VIEW,), 403), ((EXPORT,), 403)])
def test_only_who_may_export_gets_it_and_the_trail_says_who(client, task, permissions, status):
    user = make.make_user("chen", *permissions)
    client.force_login(user)
    url = reverse("admin:notices_rectificationtask_case_file", args=[task.pk])
    answer = client.get(url)
    assert answer.status_code == status
    assert TrailEntry.objects.filter(action="exported", by=user).exists() == (status == 200)
    if status == 200:
        assert zipfile.ZipFile(io.BytesIO(answer.getvalue())).testzip() is None
    if VIEW in permissions:
        page = client.get(reverse("admin:notices_rectificationtask_change", args=[task.pk])).content.decode()
        assert (url in page) == (status == 200)


def test_a_number_in_other_digits_is_no_error(admin_client, task):
    page = reverse("admin:notices_rectificationtask_change", args=[task.pk])
    other = page.replace(f"/{task.pk}/", "/" + str(task.pk).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")) + "/")
    assert other != page
    assert [admin_client.get(url).status_code for url in (page, other)] == [200, 200]
