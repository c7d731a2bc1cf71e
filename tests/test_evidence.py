"""Evidence: files kept with a task, chosen for a notice, frozen with its edition and served as they were hashed."""

import hashlib
import io
import json
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from notices import sweeping
from notices.documents.tasks import find_tasks
from notices.models import Evidence, NotAllowed, ProgressReport, PublishedFile
from tests import make
from tests.hostile import ALLOWED, GPS, PDF, REFUSED, picture
from tests.test_scanner import scanner  # noqa: F401 – a fixture

pytestmark = pytest.mark.django_db(transaction=True)  # bytes go when the transaction is done


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


def stored(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def publish(notice):
    notice.submit(by=make.make_user("zhang"))
    return notice.publish(confirmed=True, by=make.make_user("li"))


def notice_with(*files, **fields):
    """A notice that publishes these (name, content), beside item 1 of its progress; draft when `draft`."""
    notice = make.make_draft(**fields)
    task = notice.tasks.get()
    report = ProgressReport.objects.create(task=task, ordinal=1, text="已清运垃圾三百吨。")
    notice.evidence.add(*(make.make_evidence(task, *each, report=report) for each in files))
    publish(notice)
    return notice


def correct(notice, *evidence):
    notice.begin_correction(by=make.make_user("zhang"), reason="更换附件")
    notice.evidence.set(evidence)
    return publish(notice)


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_what_is_served_is_what_the_edition_says(client, media, name):
    notice = notice_with((name, ALLOWED[name]))
    (said,) = json.loads(bytes(notice.edition.document))["attachments"]
    file = PublishedFile.objects.get()
    answer = client.get(file.url)
    assert said == {"name": name, "size": len(answer.content), "sha256": hashlib.sha256(answer.content).hexdigest()}
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"]
    (path,) = stored(media)
    assert name not in str(path)
    for url in (f"/notices/{notice.reference}/", f"/notices/{notice.reference}/editions/1/"):
        assert f'href="{file.url}"' in client.get(url).content.decode()


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_an_objection_may_not_bring_evidence_may_not_either(media, name):
    with pytest.raises(ValidationError) as refused:
        make.make_evidence(make.make_task(), name, REFUSED[name])
    assert list(refused.value.message_dict) == ["file"]
    assert stored(media) == []


def test_a_picture_is_shown_beside_its_item_small_and_without_what_the_camera_wrote(client):
    notice = notice_with(("河道.jpg", picture(size=(4000, 1000), place=GPS)))
    page = client.get(f"/notices/{notice.reference}/").content.decode()
    file = PublishedFile.objects.get()
    assert page.index('id="progress-1"') < page.index(f'<img src="{file.url}"') < page.index('id="measures-2"')
    with Image.open(io.BytesIO(client.get(file.url).content)) as shown:
        assert (shown.size, dict(shown.getexif())) == ((1920, 480), {})


NAMED = "（一）第二项。巡查二十次。\n（二）第一项。清运垃圾三百吨。"


@pytest.mark.parametrize(
    ("progress", "item"),
    [
        (NAMED, 2),
        (NAMED.replace("第一项", "第一项问题一"), None),
        (NAMED.replace("第二项", "第一项"), None),  # both are headed by the task
        ("（一）加强巡查。巡查二十次。\n（二）清理河道。已 清运。共三百吨。", 2),  # what the report says
        ("（一）加强巡查。已清运。\n（二）清理河道。已清运。", None),
        ("全部完成。", None),
    ],
)
def test_with_several_tasks_a_file_stands_beside_the_item_of_its_task_or_at_the_end(client, progress, item):
    notice = make.make_draft(tasks=[make.make_task(1), make.make_task(2)])
    notice.sections.filter(kind="progress").update(body=progress)
    task = notice.tasks.get(number=1)
    report = ProgressReport.objects.create(task=task, ordinal=1, text="已清运。")
    notice.evidence.add(make.make_evidence(task, "河道.jpg", picture(), report=report))
    publish(notice)
    page = client.get(f"/notices/{notice.reference}/").content.decode()
    assert PublishedFile.objects.get().item == item
    assert page.count("<img") == (1 if item else 0)
    assert page.index('<section class="section" id="attachments"') < page.rindex("河道.jpg")
    assert not item or page.index('id="progress-2"') < page.index("<img")


@pytest.mark.parametrize(
    ("said", "named"),
    [("X2SD202109080018", True), ("第一轮中央生态环境保护督察X2SD202109080018", True), ("X2SD202109080019", False)],
)
def test_a_petition_item_is_named_by_its_case_number(said, named):
    task = make.make_task(None, kind="petition", case_number="X2SD202109080018")
    assert [task.is_named(each) for each in find_tasks(said)] == [named]


def test_a_later_edition_changes_nothing_of_an_earlier_one(client):
    notice = notice_with(("一.pdf", PDF))
    first = PublishedFile.objects.get()
    second = correct(notice, make.make_evidence(notice.tasks.get(), "二.txt", "更正后".encode()))
    Evidence.objects.get(name="一.pdf").delete()
    assert client.get(first.url).content == PDF
    assert [file.name for file in second.files.all()] == ["二.txt"]
    assert client.get(first.url.replace("editions/1/", "editions/2/")).status_code == 404


def test_only_files_of_a_public_edition_under_their_own_name(client):
    notice = make.make_draft()
    evidence = make.make_evidence(notice.tasks.get())
    notice.evidence.add(evidence)
    assert client.get(evidence.url).status_code == 302  # to the login
    publish(notice)
    file = PublishedFile.objects.get()
    assert client.get(file.url).status_code == 200
    for url in (file.url + "x", file.url.replace("attachments/1/", "attachments/2/")):
        assert client.get(url).status_code == 404
    unchosen = make.make_evidence(notice.tasks.get(), "没有选用.txt")
    assert unchosen.name not in client.get(f"/notices/{notice.reference}/").content.decode()


def test_a_redaction_takes_the_files_away_unless_another_edition_publishes_them(client, media):
    notice = notice_with(("私.pdf", PDF), ("共.txt", b"2025"))
    kept = Evidence.objects.get(name="共.txt")
    correct(notice, kept)
    first = notice.editions.get(number=1)
    urls = [file.url for file in first.files.all()]
    first.propose_redaction(by=make.make_user("zhang"), ground="个人信息保护法")
    first.redaction.carry_out(by=make.make_user("li"))
    assert [client.get(url).status_code for url in urls] == [410, 410]
    assert [file.name for file in PublishedFile.objects.all()] == ["共.txt"]
    assert list(Evidence.objects.all()) == [kept]
    assert len(stored(media)) == 1
    assert client.get(PublishedFile.objects.get().url).content == b"2025"


def test_a_file_that_was_tampered_with_is_neither_published_nor_served(client, media):
    notice = notice_with(("一.txt", b"2025"))
    (path,) = stored(media)
    path.write_bytes(b"2026")
    answer = client.get(PublishedFile.objects.get().url)
    assert answer.status_code == 503
    assert b"2026" not in answer.content[:4]
    notice.begin_correction(by=make.make_user("zhang"), reason="更正")
    with pytest.raises(NotAllowed, match="读不出来"):
        publish(notice)


def test_evidence_that_no_edition_names_goes_with_its_row(media):
    make.make_evidence(make.make_task()).delete()
    assert stored(media) == []


# --- Admin ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def clerk(client):
    client.force_login(make.make_user("chen", is_superuser=True))
    return client


def post_file(client, task, name: str, content: bytes):
    page = client.get(reverse("admin:notices_rectificationtask_change", args=[task.pk]))
    fields = {
        f"{formset.prefix}-{name}": value
        for formset in (each.formset for each in page.context["inline_admin_formsets"])
        for name, value in (
            ("TOTAL_FORMS", formset.total_form_count()),
            ("INITIAL_FORMS", formset.initial_form_count()),
        )
    }
    form = page.context["adminform"].form
    fields |= {name: form[name].value() for name in form.fields if form[name].value() is not None}
    return client.post(page.request["PATH_INFO"], fields | {"evidence-2-0-file": SimpleUploadedFile(name, content)})


def test_a_clerk_uploads_looks_chooses_and_previews(clerk):
    notice = make.make_draft(drafted_by=make.make_user("chen"))
    task = notice.tasks.get()
    assert post_file(clerk, task, "河道.pdf", PDF).status_code == 302
    evidence = Evidence.objects.get()
    assert clerk.get(evidence.url).content == PDF
    page = clerk.get(reverse("admin:notices_publicitynotice_change", args=[notice.pk])).content.decode()
    assert 'type="checkbox" name="evidence"' in page
    notice.evidence.add(evidence)
    preview = clerk.get(reverse("admin:notices_publicitynotice_preview", args=[notice.pk])).content.decode()
    assert f'href="{evidence.url}"' in preview


def test_a_refused_file_has_its_reason_beside_it(clerk):
    answer = post_file(clerk, make.make_task(), "河道.pdf", b"MZ\x90\x00")
    assert answer.status_code == 200
    assert "内容不是 PDF，与文件名不符。" in answer.content.decode()
    assert not Evidence.objects.exists()


def test_a_reviewer_publishes_only_the_files_that_the_page_showed(clerk):
    notice = make.make_draft(drafted_by=make.make_user("zhang"))
    notice.submit(by=make.make_user("zhang"))
    page = clerk.get(reverse("admin:notices_publicitynotice_change", args=[notice.pk]))
    notice.evidence.add(make.make_evidence(notice.tasks.get()))
    url = reverse("admin:notices_publicitynotice_verb", args=[notice.pk, "publish"])
    assert clerk.post(url, {"seen": page.context["seen"], "confirmed": "on"}).status_code == 422
    assert not notice.editions.exists()


# --- Scanned, and swept --------------------------------------------------------------------------------------------


def test_the_scanner_decides_about_evidence(clerk, scanner, media):  # noqa: F811
    task = make.make_task()
    for content, said in ((b"%VIRUS\n", "病毒扫描发现问题，不能接收。"), (b"%LIMIT\n", "病毒扫描暂时不可用")):
        answer = post_file(clerk, task, "河道.pdf", PDF[:9] + content + PDF[9:])
        assert said in answer.content.decode()
    assert not Evidence.objects.exists()
    assert stored(media) == []
    assert post_file(clerk, task, "河道.pdf", PDF).status_code == 302


def test_files_that_no_row_names_go_after_a_day(media):
    notice_with(("一.txt", b"2025"))
    Evidence.objects.get().delete()  # its edition still has it
    kept, now = [*stored(media)], timezone.now()
    default_storage.save("evidence/ab/abandoned", ContentFile(b"2026"))
    default_storage.save("displays/abandoned.jpg", ContentFile(b"2026"))
    assert sweeping.orphans(now) == []
    assert sweeping.remove_orphans(now + 2 * make.DAY) == 2
    assert stored(media) == kept
