"""What a mail to an office says: number, summary and link; text and files only where the office has it so; never who."""

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from objections.models import OutgoingMail
from objections.models.outgoing import MOST_ATTACHED
from tests.hostile import GPS, picture
from tests.make import make_files, make_notice, make_objection, make_office, make_organisation, make_task

pytestmark = pytest.mark.django_db

WHO = ("王小明", "0000-7654321", "wang@citizen.example")


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def in_full(office, full: bool = True):
    office.mails_in_full = full
    office.save()


def mail_to_office():
    return OutgoingMail.objects.get(kind="office").compose()


def test_by_default_neither_text_nor_file_leaves_the_portal():
    objection = make_objection(files=make_files(("照片.jpg", picture(size=(64, 48), place=GPS))))
    message = mail_to_office()
    assert objection.number in message.body
    assert "附件" not in message.body
    assert message.attachments == []
    for private in (*WHO, objection.content):
        assert private not in message.body


def test_an_office_that_has_it_so_gets_text_and_files_without_place_and_never_who():
    notice = make_notice()
    in_full(notice.edition.receiving_office)
    objection = make_objection(
        notice, files=make_files(("照片.jpg", picture(size=(64, 48), place=GPS)), ("说明.txt", "情况".encode()))
    )
    message = mail_to_office()
    assert objection.content in message.body
    assert "附件2个" in message.body
    (name, shown, kind), (_, text, _) = message.attachments
    assert (name, kind) == ("照片.jpg", "image/jpeg")
    assert not dict(Image.open(ContentFile(shown)).getexif())
    assert text in ("情况", "情况".encode())
    assert not any(private in message.body for private in WHO)


def test_what_is_too_large_for_a_mail_is_left_out_and_named():
    notice = make_notice()
    in_full(notice.edition.receiving_office)
    large = b"x" * (MOST_ATTACHED - 10)
    make_objection(notice, files=make_files(("一.txt", large), ("二.txt", b"y" * 100), ("三.txt", b"z")))
    message = mail_to_office()
    assert [name for name, *_ in message.attachments] == ["一.txt", "三.txt"]
    assert "另有1个附件没有随邮件发送" in message.body


def test_a_file_that_is_gone_stops_no_mail():
    notice = make_notice()
    in_full(notice.edition.receiving_office)
    objection = make_objection(notice, files=make_files(("一.txt", b"x")))
    objection.attachments.update(stored_as="0" * 32)
    assert "另有1个附件" in mail_to_office().body


def test_the_receipt_repeats_nothing():
    notice = make_notice()
    in_full(notice.edition.receiving_office)
    objection = make_objection(notice)
    assert objection.content not in OutgoingMail.objects.get(kind="receipt").compose().body


@pytest.mark.parametrize("full", [True, False])
def test_of_a_forwarded_case_the_office_that_gets_it_decides(full):
    province = make_organisation("990000", "沧澜省生态环境厅")
    in_full(make_office(province, mailboxes="ducha@canglan.example"), full)
    make_organisation(parent=province)
    notice = make_notice(tasks=[make_task(responsible_units="青澜市生态环境局")])
    in_full(notice.edition.receiving_office, not full)
    objection = make_objection(notice)
    assert mail_to_office().to == ["ducha@canglan.example"]
    assert (objection.content in mail_to_office().body) is full
