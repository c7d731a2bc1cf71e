"""STORAGE_URL: every file lies in the bucket and none on the disk; a bucket that is away is said like a full disk."""

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from notices.models import Display, Unavailable
from objections import vault
from objections.models import Attachment, Objection
from portal.settings import bucket as storage
from tests import bucket as stand_in
from tests import make
from tests.hostile import PDF, PNG
from tests.test_attachments import assert_refused, media, send  # noqa: F401 – a fixture
from tests.test_objection_form import token_of, url
from tests.test_showing import photo, record

pytestmark = pytest.mark.django_db
DAY = make.DAY


@pytest.fixture(autouse=True)
def bucket(settings):
    with stand_in.running() as server:
        settings.STORAGE_URL = server.url
        settings.STORAGES = settings.STORAGES | {"default": storage(server.url)}
        yield server


def on_disk(media) -> list:  # noqa: F811
    return [path for path in media.rglob("*") if path.is_file()]


def test_an_attachment_lies_in_the_bucket_as_ciphertext(client, bucket, media):  # noqa: F811
    large = PDF[:9] + b"%" + b"0" * 9_000_000 + b"\n" + PDF[9:]
    assert send(client, make.make_notice(), ("一.png", PNG), ("二.pdf", large)).status_code == 303
    first, second = Attachment.objects.all()
    assert set(bucket.objects) == {vault.place_of(first.stored_as), vault.place_of(second.stored_as)}
    assert not any(PNG in content or b"%PDF" in content for content, _ in bucket.objects.values())
    assert (first.read(), second.read()) == (PNG, large)
    assert on_disk(media) == []


def test_evidence_and_photos_lie_there_too(client, admin_client, bucket, media):  # noqa: F811
    evidence = make.make_evidence(make.make_task(2), content=b"2025")
    assert bucket.objects[evidence.file.name][0] == evidence.read() == b"2025"
    record(admin_client, photo=photo())
    display = Display.objects.get()
    shown = admin_client.get(f"/admin/notices/display/{display.pk}/photo/")
    assert shown.content == bucket.objects[display.photo.name][0]
    assert on_disk(media) == []
    evidence.delete()
    default_storage.delete(evidence.file.name)
    assert evidence.file.name not in bucket.objects


def test_a_bucket_that_is_away_is_said_and_keeps_the_text(client, bucket, media):  # noqa: F811
    notice = make.make_notice()
    token = token_of(client.get(url(notice)))
    bucket.away = True
    assert_refused(send(client, notice, ("一.png", PNG), token=token), media, status=503)
    assert send(client, notice, token=token).status_code == 303  # without files it needs no bucket
    bucket.away = False
    assert send(client, make.make_notice(tasks=[]), ("一.png", PNG)).status_code == 303
    assert (Objection.objects.count(), len(bucket.objects)) == (2, 1)


def test_what_cannot_be_read_or_erased_says_so(client, bucket):
    send(client, make.make_notice(), ("一.png", PNG))
    attachment, evidence = Attachment.objects.get(), make.make_evidence(make.make_task(2))
    bucket.away = True
    with pytest.raises(vault.Unavailable):
        attachment.read()
    with pytest.raises(vault.Unavailable):
        vault.erase(attachment.stored_as)
    with pytest.raises(Unavailable):
        evidence.read()
    bucket.away = False
    vault.erase(attachment.stored_as)
    vault.erase(attachment.stored_as)  # what is gone is gone
    with pytest.raises(vault.Unavailable):
        attachment.read()


def test_a_wrong_key_is_a_bucket_that_is_away(bucket, settings):
    settings.STORAGES = settings.STORAGES | {"default": storage(bucket.url.replace("portal:", "stranger:"))}
    with pytest.raises(vault.Unavailable):
        vault.write(ContentFile(PNG, "x"), Fernet.generate_key().decode())


def test_orphans_are_found_after_a_day_and_nothing_else_is_touched(client, bucket):
    send(client, make.make_notice(), ("一.png", PNG))
    evidence, kept = make.make_evidence(make.make_task(2)), Attachment.objects.get()
    name, now = vault.write(ContentFile(PNG, "orphan"), kept.key), timezone.now()
    assert Attachment.objects.orphans(now) == []
    assert Attachment.objects.orphans(now + 2 * DAY) == [name]
    assert Attachment.objects.remove_orphans(now + 2 * DAY) == 1
    assert set(bucket.objects) == {vault.place_of(kept.stored_as), evidence.file.name}


def test_the_address_says_everything():
    options = storage("s3://key:se%2Fcret%3A@oss.example:9000/files?region=cn-east-1")["OPTIONS"]
    assert options == {
        "access_key": "key",
        "secret_key": "se/cret:",
        "bucket_name": "files",
        "endpoint_url": "https://oss.example:9000",
        "region_name": "cn-east-1",
    }


@pytest.mark.parametrize("wrong", ["s3://host/bucket", "s3://k:s@host", "s3://k:s@host/a/b", "https://k:s@h/b", "x"])
def test_an_address_that_says_too_little_is_refused(wrong):
    with pytest.raises(ImproperlyConfigured, match="STORAGE_URL"):
        storage(wrong)
