"""From a bureau's file to a draft in admin: what was read beside its source, corrected in place, saved once."""

import html
import io
import re
import zipfile
from pathlib import Path

import docx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from notices.documents import reading
from notices.models import Edition, InspectionRound, Organisation, PublicityNotice, RectificationTask
from tests.make import make_office, make_organisation, make_user

pytestmark = pytest.mark.django_db

URL = "/admin/notices/publicitynotice/intake/"
EDITOR = ("notices.add_publicitynotice", "notices.change_publicitynotice", "notices.add_rectificationtask")
TEXT = (Path(__file__).parent / "notices" / "other-headings.txt").read_bytes()


@pytest.fixture
def bureau(client) -> Organisation:
    client.force_login(make_user("lin", *EDITOR))
    return make_organisation()


def upload(client, organisation, content: bytes = TEXT, name: str = "公示.txt"):
    return client.post(URL, {"organisation": organisation.pk, "file": SimpleUploadedFile(name, content)})


def fields(answer) -> dict:
    """What a browser would send back from the correction page."""
    page, said = answer.content.decode(), {}
    form = page[page.index('class="desk__form"') :]
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and not re.search(r'type="(checkbox|submit)"', tag):
            said[name[1]] = html.unescape(value[1]) if value else ""
    for name, body in re.findall(r'<textarea name="([^"]*)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        said[name] = html.unescape(body)
    for name, options in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        said[name] = re.search(r'value="([^"]*)" selected', options)[1]
    return said


def registered(bureau, content: bytes = TEXT, name: str = "公示.txt") -> None:
    """The office that the file names stands in the ledger."""
    office = reading.read_bytes(name, content).document.office
    make_office(bureau, name=office.name or bureau.name, phone=office.phone, email=office.email, address=office.address)


def test_what_was_read_stands_beside_its_source_and_nothing_is_stored(client, bureau):
    registered(bureau)
    answer = upload(client, bureau)
    page, read = answer.content.decode(), reading.read_bytes("公示.txt", TEXT)
    assert answer.status_code == 200
    assert answer["Cache-Control"].count("no-store")
    for line in read.lines:
        assert html.escape(line.text) in page
    for origin in read.origins:
        assert f'来自 <a href="#{origin.place}">' in page
    assert fields(answer)["title"] == read.document.title
    assert not PublicityNotice.objects.exists()
    assert not RectificationTask.objects.exists()


def as_word() -> bytes:
    file, word = io.BytesIO(), docx.Document()
    for line in TEXT.decode().splitlines():
        word.add_paragraph(line)
    word.save(file)
    return file.getvalue()


@pytest.mark.parametrize("form", ["txt", "docx", "html"])
def test_a_file_becomes_the_same_draft_as_on_the_command_line(client, bureau, form):
    paragraphs = "".join(f"<p>{line}</p>" for line in TEXT.decode().splitlines())
    content = {"txt": TEXT, "docx": as_word(), "html": f"<html><body>{paragraphs}</body></html>".encode()}[form]
    registered(bureau)
    read = reading.read_bytes(f"公示.{form}", content).document
    answer = client.post(URL, fields(upload(client, bureau, content, f"公示.{form}")) | {"_save": "1"})
    notice = PublicityNotice.objects.get()
    assert answer.url == f"/admin/notices/publicitynotice/{notice.pk}/change/"
    assert [(each.kind, each.heading) for each in notice.sections.all()] == [
        (each.kind, each.heading) for each in read.sections
    ]
    assert (notice.title, notice.basis, notice.signed_on) == (read.title, read.basis, read.signed_on)
    assert (notice.opens_on, notice.closes_on) == (read.window.opens_on, read.window.closes_on)
    assert notice.drafted_by.username == "lin"
    assert notice.tasks.count() == len(read.tasks)
    assert not Edition.objects.exists()


def test_corrections_count_and_sections_follow_their_numbers(client, bureau):
    registered(bureau)
    said = fields(upload(client, bureau))
    last = int(said["sections-INITIAL_FORMS"])
    said |= {"title": "关于更正后标题的公示", "sections-0-DELETE": "on", f"sections-{last}-heading": "新增部分"}
    said |= {f"sections-{last}-body": "（一）新增的一条。", f"sections-{last}-ORDER": "0", "_save": "1"}
    client.post(URL, said)
    notice = PublicityNotice.objects.get()
    assert notice.title == "关于更正后标题的公示"
    headings = [section.heading for section in notice.sections.all()]
    assert headings[0] == "新增部分"
    assert said["sections-0-heading"] not in headings


def test_an_error_keeps_the_source_and_everything_typed_and_a_check_stores_nothing(client, bureau):
    registered(bureau)
    said = fields(upload(client, bureau)) | {"title": "", "basis": "改过的依据", "opens_on": "2026-02-30"}
    answer = client.post(URL, said | {"_save": "1"})
    assert answer.status_code == 422
    again = fields(answer)
    assert again["basis"] == "改过的依据"
    assert again["opens_on"] == "2026-02-30"
    assert again["source"] == said["source"]
    assert "文件原文" in answer.content.decode()
    mended = again | {"title": "改正的标题", "opens_on": "", "closes_on": ""}
    checked = client.post(URL, mended | {"_check": "1"})
    assert checked.status_code == 200
    assert "finding--error" in checked.content.decode()  # the linter: no window
    assert not PublicityNotice.objects.exists()
    assert client.post(URL, mended | {"_save": "1"}).status_code == 302
    assert PublicityNotice.objects.get().title == "改正的标题"


def test_saved_twice_is_stored_once(client, bureau):
    registered(bureau)
    said = fields(upload(client, bureau)) | {"_save": "1"}
    first, second = client.post(URL, said), client.post(URL, said)
    assert first.url == second.url
    assert PublicityNotice.objects.count() == 1


def test_an_unknown_office_is_named_and_made_only_by_those_who_may(client, bureau):
    answer = upload(client, bureau)
    assert "没有登记" in answer.content.decode()
    said = fields(answer) | {"create": "on", "mailbox": "office@qinglan.example", "_save": "1"}
    assert client.post(URL, said).status_code == 422
    assert not bureau.receiving_offices.exists()
    make_user("lin", "notices.add_receivingoffice")
    assert client.post(URL, said).status_code == 302
    assert bureau.receiving_offices.get().mailboxes == "office@qinglan.example"


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", b"0" * 120_000_000)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "空的"),
        (b"%PDF-1.7 x", "PDF"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 600, "旧版"),
        (b"PK\x03\x04" + b"x" * 99, "损坏"),
        (bomb, "过大"),
        (b"x" * (10 * 1024 * 1024 + 1), "上限"),
        (("督察整改公示。" * 20_000).encode(), "上限"),
        (b"\0" * 100, "不是文本"),
        ("今天天气很好。".encode(), "没有找到"),
    ],
)
def test_a_file_that_cannot_be_read_gets_a_sentence(client, bureau, content, said):
    answer = upload(client, bureau, content() if callable(content) else content)
    assert answer.status_code == 422
    assert said in answer.content.decode()


def test_what_the_page_kept_cannot_be_forged(client, bureau):
    registered(bureau)
    answer = client.post(URL, fields(upload(client, bureau)) | {"source": "forged", "_save": "1"})
    assert answer.url == URL
    assert not PublicityNotice.objects.exists()


def test_only_who_may_draft_comes_in(client):
    client.force_login(make_user("outsider", "notices.view_publicitynotice"))
    assert client.get(URL).status_code == 403
    assert not InspectionRound.objects.exists()
