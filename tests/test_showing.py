"""Where a notice was shown and when the site was away: entered with proof, checked, kept without what a camera wrote."""

import datetime
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from PIL import Image

from notices.models import Display, Outage
from tests.hostile import GPS, PDF, picture
from tests.make import DAY, make_draft, make_notice, make_user

ADD = "/admin/notices/display/add/"
HOUR = datetime.timedelta(hours=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def photo(name: str = "李四家门口.jpg", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content or picture(size=(64, 48), place=GPS))


def record(client, **changes):
    known = {"notice": make_notice().pk, "kind": "notice_board", "place": "柳树镇政府公告栏"}
    known |= {"shown_from": timezone.localdate(), "shown_to": ""} | changes
    return client.post(ADD, known)


def test_a_display_is_recorded_with_its_photo_without_place_and_name(admin_client, admin_user, media):
    assert record(admin_client, photo=photo()).status_code == 302
    display = Display.objects.get()
    assert display.created_by == admin_user
    (kept,) = [path for path in media.rglob("*") if path.is_file()]
    assert "李四" not in kept.name
    assert not dict(Image.open(kept).getexif())
    shown = admin_client.get(f"/admin/notices/display/{display.pk}/photo/")
    assert (shown["Content-Type"], shown.content) == ("image/jpeg", kept.read_bytes())
    assert dict(Image.open(ContentFile(photo().read())).getexif())  # the control


def test_a_public_notice_leads_to_the_form_for_it(admin_client):
    notice, draft = make_notice(), make_draft(tasks=[])
    pages = [admin_client.get(f"/admin/notices/publicitynotice/{each.pk}/change/") for each in (notice, draft)]
    address = f"{ADD}?notice={notice.pk}"
    assert [ADD in page.content.decode() for page in pages] == [True, False]
    assert f'href="{address}"' in pages[0].content.decode()
    assert f'<option value="{notice.pk}" selected' in admin_client.get(address).content.decode()


def test_only_who_may_see_displays_sees_the_photo(admin_client, client):
    record(admin_client, photo=photo())
    url = f"/admin/notices/display/{Display.objects.get().pk}/photo/"
    client.logout()
    assert client.get(url).status_code == 302
    client.force_login(make_user("reader"))
    assert client.get(url).status_code == 404
    assert client.get("/admin/notices/display/9999/photo/").status_code == 404


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"photo": photo("照片.jpg", PDF)}, "内容不是 JPEG 图片"),
        ({"photo": photo("说明.pdf", PDF)}, "照片只接收 JPEG 和 PNG"),
        ({"photo": photo("照片.jpg", picture(size=(64, 48))[:-40])}, "不完整或已损坏"),
        ({"shown_to": timezone.localdate() - DAY}, "结束日期不能早于开始日期"),
        ({"shown_from": timezone.localdate() + DAY}, "日期不能晚于今天"),
        ({"place": "", "photo": photo()}, "照片没有保存，请重新选择"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_kept(admin_client, media, changes, message):
    response = record(admin_client, **changes)
    assert response.status_code == 200
    assert message in response.content.decode()
    assert not Display.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_without_its_scanner_no_photo_is_taken(admin_client, media, settings, tmp_path):
    settings.CLAMD_URL = f"unix://{tmp_path / 'nobody'}"
    response = record(admin_client, photo=photo())
    assert "病毒扫描暂时不可用" in response.content.decode()
    assert not Display.objects.exists()


def test_the_photo_goes_with_its_row(admin_client, media, django_capture_on_commit_callbacks):
    record(admin_client, photo=photo())
    with django_capture_on_commit_callbacks(execute=True):
        Display.objects.get().delete()
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_an_outage_is_entered_by_somebody_and_what_was_measured_stands(admin_client, admin_user):
    now = timezone.localtime()
    known = {
        "begun_at": f"{now - DAY:%Y-%m-%dT08:00}",
        "ended_at": "",
        "note": "停电",
    }
    assert admin_client.post("/admin/notices/outage/add/", known).status_code == 302
    assert Outage.objects.get().entered_by == admin_user
    ahead = known | {"begun_at": f"{now + DAY:%Y-%m-%dT08:00}"}
    assert "时间不能晚于现在" in admin_client.post("/admin/notices/outage/add/", ahead).content.decode()
    measured = Outage.objects.create(begun_at=now - 2 * HOUR, ended_at=now, source="measured")
    assert admin_client.post(f"/admin/notices/outage/{measured.pk}/change/", known).status_code == 403
    assert admin_client.post(f"/admin/notices/outage/{measured.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("half", [{"source": "measured"}, {"entered_by": None}, {"ended_at": timezone.now() - 9 * DAY}])
def test_the_database_refuses_what_cannot_be(half):
    Outage.objects.create(begun_at=timezone.now() - DAY, entered_by=make_user("wu"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Outage.objects.update(**half)


def test_times_without_service_are_counted_once_and_within_the_window():
    start = timezone.now() - 10 * DAY
    for begun, ended in ((-5, -1), (-1, 2), (1, 3), (3, 4), (6, 7), (20, None), (40, 41)):
        ended_at = None if ended is None else start + ended * HOUR
        Outage.objects.create(begun_at=start + begun * HOUR, ended_at=ended_at, source="measured")
    found = Outage.objects.within(start, start + 24 * HOUR)
    assert [((a - start) / HOUR, (b - start) / HOUR) for a, b in found] == [(0, 4), (6, 7), (20, 24)]
