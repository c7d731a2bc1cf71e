"""Attachments: what is allowed is kept byte for byte and private; whatever else comes is refused with the text kept."""

import hashlib
import os
import re
import stat
import tempfile
import time
import tracemalloc
from pathlib import Path

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, OperationalError, connection
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from notices import attachments
from notices.models.inserting import Ready
from objections import uploads, vault
from objections.models import Attachment, Objection, content_digest
from tests.hostile import ALLOWED, FAMILIES, GPS, HTML, JPEG, NAMES, PDF, PNG, POLYGLOTS, REFUSED, picture
from tests.make import DAY, make_notice, make_objection, make_user
from tests.test_objection_form import GOOD, at_minute_to_midnight, shown, token_of, track, url

pytestmark = pytest.mark.django_db
BOUNDARY = "----boundary"


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


def files(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def multipart(fields: dict, chosen, field: str = "attachments") -> bytes:
    """A post as a browser, or something that is none, might write it: names go out as they are."""
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    for name, content in chosen:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        parts.append(f'name="{field}"; filename="{quoted}"\r\nContent-Type: image/png\r\n\r\n'.encode() + content)
    start = f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode()
    return b"".join(start + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def send(client, notice, *chosen, token=None, field="attachments", **changes):
    fields = GOOD | changes | {"token": token or token_of(client.get(url(notice)))}
    body = multipart(fields, chosen, field)
    return client.post(url(notice), body, content_type=f"multipart/form-data; boundary={BOUNDARY}")


def assert_refused(response, media, status: int = 422):
    assert response.status_code == status
    page = response.content.decode()
    assert GOOD["content"] in page
    assert "请重新选择" in page
    assert "attachments" in response.context["form"].errors
    assert not Objection.objects.exists()
    assert files(media) == []


# --- What is allowed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALLOWED)
def test_every_allowed_kind_is_kept_byte_for_byte_under_a_random_name(client, media, name):
    assert send(client, make_notice(), (name, ALLOWED[name])).status_code == 303
    row = Attachment.objects.get()
    assert (row.read(), row.name, row.size) == (ALLOWED[name], name, len(ALLOWED[name]))
    assert row.sha256 == hashlib.sha256(ALLOWED[name]).hexdigest()
    (path,) = files(media)
    assert re.fullmatch(r"objections/([0-9a-f]{2})/\1[0-9a-f]{30}", str(path.relative_to(media)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ALLOWED[name] not in path.read_bytes()  # a key of its own, in the database


def test_the_name_and_the_key_are_ciphertext_in_the_database(client):
    send(client, make_notice(), ("王小明的照片.png", PNG))
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, key, stored_as, sha256 FROM objections_attachment")
        (row,) = cursor.fetchall()
    assert not {"王小明的照片.png", Attachment.objects.get().key} & set(row)


def test_the_limits_are_told_before_choosing(client):
    page = client.get(url(make_notice())).content.decode()
    for told in ("PDF、JPEG、PNG、docx、xlsx、txt", "10 MB", "最多 5 个", "20 MB", 'type="file"', "multiple"):
        assert told in page


def test_several_files_are_one_objection_and_shown_on_receipt_and_tracking(client, media):
    response = send(client, make_notice(), ("一.png", PNG), ("二.pdf", PDF))
    receipt = client.get(response["Location"])
    tracking = track(client, shown(receipt, "receipt-code"))
    for page in (receipt.content.decode(), tracking.content.decode()):
        for name, content in (("一.png", PNG), ("二.pdf", PDF)):
            assert name in page
            assert hashlib.sha256(content).hexdigest() in page
    assert len(files(media)) == 2
    said = {name: GOOD[name] for name in ("kind", "name", "phone", "email", "concerns", "content")} | {
        "anonymous": False
    }
    checked = [attachments.check(SimpleUploadedFile("a.png", PNG)), attachments.check(SimpleUploadedFile("b.pdf", PDF))]
    assert Objection.objects.get().content_digest == content_digest(said, checked) != content_digest(said)


def test_nothing_of_it_has_an_address_of_its_own(client, media):
    send(client, make_notice(), ("照片.png", PNG))
    (path,) = files(media)
    for address in (
        f"/media/objections/{path.parent.name}/{path.name}",
        f"/static/{path.name}",
        f"/objections/{path.name}",
    ):
        assert client.get(address).status_code == 404


# --- What is refused -------------------------------------------------------------------------------------------------


def test_there_are_enough_hostile_files_of_enough_families():
    families = [*FAMILIES.values(), POLYGLOTS, NAMES]
    assert len(families) >= 15
    assert sum(map(len, families)) == len(REFUSED) + len(POLYGLOTS) + len(NAMES) >= 150  # no name stands twice


def test_every_hostile_file_is_refused_beside_its_field_and_the_text_is_kept(client, media):
    notice = make_notice()
    token = token_of(client.get(url(notice)))
    for name, content in REFUSED.items():
        response = send(client, notice, (name, content), token=token)
        assert_refused(response, media)
        assert f"“{attachments.clean_name(name)}”：" in "".join(response.context["form"].errors["attachments"]), name


@pytest.mark.parametrize("name", POLYGLOTS)
def test_a_polyglot_is_kept_and_only_ever_saved(client, admin_client, name):
    assert send(client, make_notice(), (name, POLYGLOTS[name])).status_code == 303
    for address in downloads():
        response = admin_client.get(address)
        assert response["Content-Disposition"].startswith("attachment;")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response["Content-Security-Policy"]
        assert "no-store" in response["Cache-Control"]
        assert "html" not in response["Content-Type"]
        if "original" not in address and response["Content-Type"].startswith("image/"):
            assert HTML not in response.content  # encoded anew, nothing but the picture is left


@pytest.mark.parametrize(("name", "kept"), NAMES.items())
def test_names_are_cleaned_and_only_shown(client, media, name, kept):
    assert send(client, make_notice(), (name, PNG)).status_code == 303
    assert Attachment.objects.get().name == kept
    (path,) = files(media)
    assert path.parent.parent == media / "objections"


@pytest.mark.parametrize("unnamed", [True, False], ids=["guarded", "control"])
def test_while_a_file_is_looked_at_it_has_no_name_that_would_outlast_a_killed_process(
    client, media, tmp_path, monkeypatch, unnamed
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if not unnamed:
        monkeypatch.setattr(uploads.tempfile, "TemporaryFile", tempfile.NamedTemporaryFile)
    seen, check = [], attachments.check
    monkeypatch.setattr(attachments, "check", lambda file: seen.append(list(tmp_path.glob("tmp*"))) or check(file))
    assert send(client, make_notice(), ("照片.png", PNG)).status_code == 303
    assert [bool(each) for each in seen] == [not unnamed]


@pytest.mark.parametrize("folder", ["../../etc/", "C:\\\\temp\\\\", "/", "..\\\\../"])
def test_no_folder_stays_in_a_name_wherever_the_file_came_from(folder):
    assert attachments.clean_name(f"{folder}照片.png") == "照片.png"  # of a form, Django takes folders away as well


def test_a_name_that_turns_its_reading_direction_does_not_hide_what_it_is(client, media):
    assert_refused(send(client, make_notice(), ("photo\u202egnp.exe", PNG)), media)


def test_too_many_too_large_and_too_large_in_all(client, media):
    notice = make_notice()
    padded = JPEG + b"\0" * (10 * 1024 * 1024 - len(JPEG))
    response = send(client, notice, *[("照片.png", PNG)] * 6)
    assert "最多 5 个附件，您选择了 6 个" in response.content.decode()
    assert_refused(response, media)
    response = send(client, notice, ("大.jpg", padded + b"\0" * 600_000))
    assert "有 10.6 MB，超过 10 MB" in response.content.decode()
    assert_refused(response, media)
    response = send(client, notice, ("一.jpg", padded), ("二.jpg", padded), ("三.png", PNG))
    assert "超过 20 MB" in response.content.decode()
    assert_refused(response, media)
    assert (
        send(client, notice, ("一.jpg", padded), ("二.jpg", padded)).status_code == 303
    )  # the limit itself is allowed


def test_a_post_over_the_hard_limit_is_told_the_limit(client, media):
    notice = make_notice()
    for chosen, content in (
        ([("a.png", b"\0" * (129 * 1024 * 1024))], ""),
        ([("a.png", PNG)] * 101, ""),
        ([], "长" * 10**6),
    ):
        response = send(client, notice, *chosen, **({"content": content} if content else {}))
        assert response.status_code == 413
        assert "128 MB" in response.content.decode()
    assert not Objection.objects.exists()
    assert files(media) == []


def test_a_slow_upload_over_midnight_is_timely(client, monkeypatch):
    notice = make_notice()
    closing = at_minute_to_midnight(notice.edition.closes_on)
    with time_machine.travel(closing, tick=False) as clock:
        token = token_of(client.get(url(notice)))
        complete = uploads.BoundedUploadHandler.file_complete
        monkeypatch.setattr(
            uploads.BoundedUploadHandler,
            "file_complete",
            lambda self, size: (clock.shift(300), complete(self, size))[1],
        )
        assert send(client, notice, ("一.png", PNG), token=token).status_code == 303
    assert Objection.objects.get().received_at == closing


def test_files_in_another_field_are_not_dropped_in_silence(client, media):
    assert_refused(send(client, make_notice(), ("照片.png", PNG), field="photos"), media)


def test_another_mistake_tells_that_the_files_must_be_chosen_again(client, media):
    response = send(client, make_notice(), ("照片.png", PNG), name="")
    assert_refused(response, media)
    page = response.content.decode()
    assert re.search(r'id="error_\d_id_attachments"><strong>您填写的文字都还在；附件没有保存，请重新选择。', page)


def test_the_worst_files_cost_little_time_and_memory():
    worst = ["bomb.docx", "crowd.docx", "liar.docx", "giant.docx", "huge.png", "segments.jpg", "chunks.png"]
    for name in worst:
        upload = SimpleUploadedFile(name, REFUSED[name])
        tracemalloc.start()
        began = time.process_time()
        with pytest.raises(attachments.Refused):
            attachments.check(upload)
        took, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert took < 3, name
        assert peak < 3 * attachments.MAX_FILE, name


# --- On the disk before the commit, and nothing left behind --------------------------------------------------------


def watch(monkeypatch) -> list[str]:
    """What reached the disk, in order: "file", "folder", and the "commit" of the database."""
    seen, fsync, commit = [], os.fsync, connection.commit

    def watched_fsync(descriptor):
        seen.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(connection, "commit", lambda: (seen.append("commit"), commit()))
    return seen


def is_safe(seen: list[str]) -> bool:
    """Each file, after it its folder, and only then the one commit."""
    return bool(re.fullmatch(r"(?:(?:folder )*file folder )+commit", " ".join(seen)))


@pytest.mark.django_db(transaction=True)
def test_files_and_folders_are_on_the_disk_before_the_commit(client, monkeypatch):
    notice = make_notice()
    token = token_of(client.get(url(notice)))
    seen = watch(monkeypatch)
    assert send(client, notice, ("一.png", PNG), ("二.pdf", PDF), token=token).status_code == 303
    assert seen.count("file") == 2
    assert is_safe(seen), seen


@pytest.mark.django_db(transaction=True)
def test_the_control_without_the_folder_is_noticed(client, monkeypatch):
    notice = make_notice()
    token = token_of(client.get(url(notice)))
    seen = watch(monkeypatch)
    monkeypatch.setattr(vault.durable, "sync", lambda folder: None)
    assert send(client, notice, ("一.png", PNG), token=token).status_code == 303
    assert not is_safe(seen), seen


def test_a_failed_transaction_leaves_no_file(client, media, monkeypatch):
    notice = make_notice()
    token = token_of(client.get(url(notice)))

    def away(*arguments, **options):
        assert len(files(media)) == 2
        raise DatabaseError("disk full")

    monkeypatch.setattr(Ready, "insert", away)
    assert send(client, notice, ("一.png", PNG), ("二.pdf", PDF), token=token).status_code == 503
    assert files(media) == []
    assert not Attachment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_commit_that_was_stored_and_not_answered_keeps_its_files(client, media, monkeypatch):
    notice = make_notice()
    token = token_of(client.get(url(notice)))
    commit = connection.commit

    def lost():
        commit()
        raise OperationalError("the connection went away")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "commit", lost)
        assert send(client, notice, ("一.png", PNG), token=token).status_code == 503
    assert Attachment.objects.get().read() == PNG


def test_a_full_disk_is_said_and_keeps_the_text(client, media, monkeypatch):
    notice = make_notice()
    token = token_of(client.get(url(notice)))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert_refused(send(client, notice, ("一.png", PNG), token=token), media, status=503)


def test_the_same_post_again_stores_nothing_new_and_other_files_ask(client, media):
    notice = make_notice()
    token = token_of(client.get(url(notice)))
    for _ in range(2):
        assert send(client, notice, ("一.png", PNG), token=token).status_code == 303
        assert (len(files(media)), Attachment.objects.count(), Objection.objects.count()) == (1, 1, 1)
    for chosen in ([("一.pdf", PDF)], [], [("一.png", PNG), ("二.png", PNG)]):
        response = send(client, notice, *chosen, token=token)
        assert response.status_code == 422
        assert Objection.objects.get().number in response.content.decode()
    assert (len(files(media)), Attachment.objects.count()) == (1, 1)


def test_orphans_are_found_after_a_day_and_what_has_a_row_is_kept(client, media):
    send(client, make_notice(), ("一.png", PNG))
    (kept,) = files(media)
    name = vault.write(ContentFile(PNG, "orphan"), Attachment.objects.get().key)
    now = timezone.now()
    assert Attachment.objects.orphans(now) == []
    assert Attachment.objects.orphans(now + 2 * DAY) == [name]
    assert Attachment.objects.remove_orphans(now + 2 * DAY) == 1
    assert files(media) == [kept]


# --- Staff -----------------------------------------------------------------------------------------------------------


def downloads() -> list[str]:
    """The download links on the objection's admin page, of all attachments."""
    route = "admin:objections_objection_attachment"
    rows = Attachment.objects.all()
    plain = [reverse(route, args=[row.objection_id, row.pk]) for row in rows]
    return plain + [f"{address}?original=1" for address in plain]


def test_the_place_is_gone_from_the_staff_copy_and_kept_in_the_original(client, admin_client):
    original = picture(size=(640, 480), place=GPS)
    send(client, make_notice(), ("现场.jpg", original))
    copy, untouched = (admin_client.get(address) for address in downloads())
    assert untouched.content == original
    assert dict(Image.open(ContentFile(original)).getexif().get_ifd(0x8825)) == GPS
    shown_picture = Image.open(ContentFile(copy.content))
    assert not dict(shown_picture.getexif())
    assert (shown_picture.format, shown_picture.size) == ("JPEG", (640, 480))
    assert b"CameraMaker" in original
    assert b"CameraMaker" not in copy.content
    assert "filename*=utf-8''" in copy["Content-Disposition"]


def test_a_turned_picture_is_upright_without_its_exif(client, admin_client):
    exif = Image.Exif()
    exif[0x0112] = 6
    for form in ("JPEG", "PNG"):
        content = ContentFile(b"")
        Image.new("RGB", (60, 20), "red").save(content, form, exif=exif, comment=b"secret")
        send(client, make_notice(tasks=[]), (f"turned.{form.lower()}", content.file.getvalue()))
    for address in downloads()[:2]:
        copy = Image.open(ContentFile(admin_client.get(address).content))
        assert copy.size == (20, 60)
        assert not dict(copy.getexif())
        assert "comment" not in copy.info


def test_a_picture_that_cannot_be_copied_is_explained_and_the_original_offered(client, admin_client):
    broken = PNG[:41] + b"\xff" * 20 + PNG[61:]
    send(client, make_notice(), ("坏.png", broken))
    plain, original = downloads()
    page = admin_client.get(plain, follow=True)
    assert page.redirect_chain
    assert "做不出去除拍摄信息的副本" in page.content.decode()
    assert admin_client.get(original).content == broken


def test_the_admin_page_lists_the_files(client, admin_client):
    send(client, make_notice(), ("现场.jpg", JPEG), ("说明.pdf", PDF))
    row = Attachment.objects.first()
    page = admin_client.get(reverse("admin:objections_objection_change", args=[row.objection_id])).content.decode()
    for told in (*downloads()[:3], "现场.jpg", "说明.pdf", row.sha256):
        assert told in page


def test_only_who_may_see_the_objection_gets_the_file(client, media):
    send(client, make_notice(), ("现场.jpg", JPEG))
    other = make_objection(notice=make_notice(tasks=[]), token="other")
    plain, original = downloads()
    assert client.get(plain).status_code == 302  # to the login
    client.force_login(make_user("wang", is_active=True))
    assert {client.get(address).status_code for address in (plain, original)} == {404}
    client.force_login(make_user("chen", "objections.view_objection"))
    assert {client.get(address).status_code for address in (plain, original)} == {403}
    client.force_login(make_user("liu", "objections.view_objection", "objections.view_personal_data"))
    assert client.get(plain).status_code == client.get(original).status_code == 200
    assert client.post(plain).status_code == 405
    row = Attachment.objects.get()
    assert client.get(reverse("admin:objections_objection_attachment", args=[other.pk, row.pk])).status_code == 404
    assert client.get(reverse("admin:objections_objection_attachment", args=[row.objection_id, 999])).status_code == 404


def test_a_missing_or_damaged_file_is_explained(client, admin_client, media):
    send(client, make_notice(), ("说明.pdf", PDF))
    (path,) = files(media)
    stored = path.read_bytes()
    for damage in (stored[:-9], stored + stored, b"garbage\n", None):
        path.write_bytes(damage) if damage else path.unlink()
        assert "读不出来" in admin_client.get(downloads()[0], follow=True).content.decode()
