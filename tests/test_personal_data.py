"""Personal data are masked in admin, every view is in the trail, and nothing of them is anywhere in plain text."""

import datetime
import io
import logging

import pytest
from django.apps import apps
from django.core import mail as outbox
from django.db import connection, models
from django.urls import reverse
from django.utils import timezone
from django.utils.log import AdminEmailHandler

from notices.encryption import EncryptedTextField
from notices.models import Organisation, TrailEntry
from objections.masking import masked_email, masked_name, masked_phone
from objections.models import Attachment, Objection, OutgoingMail
from tests.make import make_notice, make_objection, make_user
from tests.test_attachments import PDF, send, token_of

pytestmark = pytest.mark.django_db
HANDLER = ("objections.view_objection", "objections.handle_objection", "objections.view_outgoingmail")
REVEAL = "objections.view_personal_data"
PLAIN = ("王小明", "13812341234", "wang@citizen.example")


@pytest.fixture
def objection():
    return make_objection(phone="13812341234")


@pytest.fixture
def wu(client):
    user = make_user("wu", *HANDLER, REVEAL)
    client.force_login(user)
    return user


def page_of(row, name="change") -> str:
    return reverse(f"admin:objections_{row._meta.model_name}_{name}", args=[row.pk])


def reveal(client, row, **options):
    url = reverse(f"admin:objections_{row._meta.model_name}_verb", args=[row.pk, "reveal"])
    return client.post(url, REMOTE_ADDR="192.0.2.7", **options)


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (masked_name, "王小明", "王**"),
        (masked_name, "王", "*"),
        (masked_name, "青澜市某某化工有限公司", "青澜******"),
        (masked_name, "", ""),
        (masked_phone, "13812341234", "138****1234"),
        (masked_phone, "7654321", "*****21"),
        (masked_phone, "110", "***"),
        (masked_phone, "", ""),
        (masked_email, "zhang@example.com", "z***@example.com"),
        (masked_email, "无", "*"),
        (masked_email, "", ""),
    ],
)
def test_what_a_mask_leaves(mask, value, shown):
    assert mask(value) == shown


def test_admin_shows_masks_until_somebody_asks_and_the_trail_says_who(client, wu, objection):
    receipt = objection.mails.get(kind="receipt")
    pages = [page_of(objection), page_of(receipt), reverse("admin:objections_objection_changelist")]
    for page in (client.get(url).content.decode() for url in pages):
        assert not [value for value in PLAIN if value in page]
    assert "138****1234" in client.get(page_of(objection)).content.decode()
    assert "王**" in client.get(pages[2]).content.decode()
    assert not TrailEntry.objects.exclude(action="login").exists()
    for row, told in ((objection, PLAIN), (receipt, PLAIN[2:])):
        answer = reveal(client, row)
        assert not [value for value in told if value not in answer.content.decode()]
        assert "no-store" in answer["Cache-Control"]
    ours, mails = TrailEntry.objects.exclude(action="login").order_by("id")
    assert (ours.by, ours.action, ours.address) == (wu, "viewed_personal_data", "192.0.2.7")
    assert (ours.target, ours.organisation) == (objection.number, objection.notice.organisation)
    assert abs(ours.at - timezone.now()) < datetime.timedelta(minutes=1)
    assert mails.target == str(receipt)
    assert not [value for value in PLAIN if value in client.get(pages[0]).content.decode()]  # the next page is masked


def test_who_may_not_see_has_no_button_and_no_way_around_it(client, objection):
    client.force_login(make_user("zhao", *HANDLER))
    assert "显示联系方式" not in client.get(page_of(objection)).content.decode()
    assert reveal(client, objection).status_code == 403
    client.force_login(make_user("qian", REVEAL))
    assert reveal(client, objection).status_code in (403, 404)
    client.force_login(make_user("wu", *HANDLER, REVEAL))
    assert "显示联系方式" in client.get(page_of(objection)).content.decode()
    assert client.get(reverse("admin:objections_objection_verb", args=[objection.pk, "reveal"])).status_code == 405
    assert not TrailEntry.objects.filter(action="viewed_personal_data").exists()


def test_every_download_of_an_attachment_is_in_the_trail(client, wu, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    send(client, make_notice(), ("王小明的说明.pdf", PDF))
    row = Attachment.objects.get()
    url = reverse("admin:objections_objection_attachment", args=[row.objection_id, row.pk])
    for query in ("", "?original=1"):
        assert client.get(url + query).content == PDF
    lines = TrailEntry.objects.exclude(action="login").order_by("id")
    assert [(line.username, line.object_id, line.detail["original"]) for line in lines] == [
        ("wu", str(row.pk), False),
        ("wu", str(row.pk), True),
    ]
    assert "王小明" not in lines[0].target


def test_a_corrected_address_stands_masked_in_the_story(objection):
    receipt = objection.mails.get(kind="receipt")
    receipt.retry(by=make_user("wu"))
    receipt.correct(by=make_user("wu"), recipient="right@citizen.example")
    assert [event.text for event in objection.events.filter(kind__in=("retried", "readdressed"))] == [
        "w***@citizen.example",
        "r***@citizen.example",
    ]
    assert OutgoingMail.objects.get(pk=receipt.pk).recipient == "right@citizen.example"


# --- Nowhere in plain text ----------------------------------------------------------------------------------------------


def columns_with(*words: str) -> set[str]:
    """table.column of every column of the portal's own tables, and of admin's history, in which a word stands."""
    own = [
        model
        for app in ("notices", "objections", "admin", "sessions")
        for model in apps.get_app_config(app).get_models()
    ]
    found = set()
    with connection.cursor() as cursor:
        for table in {model._meta.db_table for model in own}:
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                cells = [
                    bytes(cell).decode(errors="replace") if isinstance(cell, memoryview | bytes) else str(cell)
                    for cell in row
                ]
                found |= {
                    f"{table}.{name}"
                    for name, cell in zip(names, cells, strict=True)
                    if any(word in cell for word in words)
                }
    return found


def test_no_column_holds_personal_data_in_plain(client, wu, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    notice, by = make_notice(), make_user("zhao", *HANDLER)
    send(
        client,
        notice,
        ("canary-file.pdf", PDF),
        name="canary-name",
        content="canary-content",
        email="canary@mail.example",
    )
    objection = Objection.objects.get()
    objection.note(by=by, text="canary-note")
    objection.hold(by=by, reason="canary-hold")
    objection.mails.get(kind="receipt").correct(by=by, recipient="canary2@mail.example")
    objection.accept(by=by)
    objection.verify(by=by, finding="partly")
    objection.answer(by=by, reply="canary-reply")
    objection.finish(by=by)
    objection.reopen(by=by, reason="canary-reopen")
    make_objection(notice, "other").decline(by=by, reason="canary-decline")
    objection.reissue_code(by=by, checked="canary-checked")
    reveal(client, objection)
    assert columns_with("canary") == set()
    Organisation.objects.update(name="canary")
    assert columns_with("canary") == {"notices_organisation.name"}  # the control


def test_what_a_model_of_objections_holds_in_free_text_is_declared_personal():
    """Free text is encrypted; what is not is named here with why."""
    free = {"OutgoingMail.last_error": "the kind of error, without the server's words"}
    for model in apps.get_app_config("objections").get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.TextField) and f"{model.__name__}.{field.name}" not in free:
                assert isinstance(field, EncryptedTextField), (model, field.name)
                assert field.personal


# --- Error reports ------------------------------------------------------------------------------------------------------

CANARY = ("canary-name", "canary-content", "canary@mail.example", "canary-file")


def reported(client, monkeypatch, settings) -> str:
    """Everything that is logged and mailed about a post that fails within the database."""
    settings.ADMINS = [("admin", "admin@portal.example")]
    settings.DEBUG = client.raise_request_exception = False
    notice = make_notice()
    token = token_of(client.get(f"/notices/{notice.reference}/object/"))
    monkeypatch.setattr(OutgoingMail.objects, "addressed", lambda *arguments, **options: 1 / 0)
    stream, logger = io.StringIO(), logging.getLogger("django.request")
    handlers = [AdminEmailHandler(include_html=True), logging.StreamHandler(stream)]
    for handler in handlers:
        logger.addHandler(handler)
    try:
        said = {"name": "canary-name", "content": "canary-content", "email": "canary@mail.example"}
        assert send(client, notice, ("canary-file.pdf", PDF), token=token, **said).status_code == 500
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
    (message,) = outbox.outbox
    return "".join(
        [stream.getvalue(), message.subject, message.body, *(content for content, _ in message.alternatives)]
    )


def test_a_failing_post_leaves_nothing_of_itself_in_logs_and_error_mails(client, monkeypatch, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    report = reported(client, monkeypatch, settings)
    assert "ZeroDivisionError" in report
    assert not [word for word in CANARY if word in report]


def test_the_control_with_the_usual_reports_they_are_full_of_it(client, monkeypatch, settings, tmp_path):
    from django.views import debug

    settings.MEDIA_ROOT = str(tmp_path)
    settings.DEFAULT_EXCEPTION_REPORTER = "django.views.debug.ExceptionReporter"
    monkeypatch.setattr(debug, "get_default_exception_reporter_filter", debug.SafeExceptionReporterFilter)
    report = reported(client, monkeypatch, settings)
    assert [word for word in CANARY if word in report]
