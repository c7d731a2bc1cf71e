"""A key for each objection, kept apart from the database: what it seals, what its loss and its end do, what it costs."""

import os

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as configured
from django.db import connection, transaction
from django.db.models import F, TextField
from django.db.models.expressions import ExpressionWrapper
from django.urls import reverse

from notices.encryption import UNREADABLE, UnreadableField
from objections import keyring, vault
from objections.keyring import LARGEST_BATCH, Destroyed, Keyring, Lost, ring
from objections.models import Attachment, Event, Note, Objection, OutgoingMail
from objections.sealing import ERASED, SealedTextField, Unsealed
from tests.make import make_files, make_notice, make_objection, make_user

pytestmark = pytest.mark.django_db
OF_ONE = (Objection, Event, Note, Attachment, OutgoingMail)


@pytest.fixture(autouse=True)
def fresh_ring(settings, request, tmp_path):
    """A keyring of the test's own, in the same kind of database as the rest."""
    if connection.vendor == "sqlite":
        settings.KEYRING = configured.KEYRING | {"NAME": str(tmp_path / "keyring.sqlite3")}
    else:
        names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")
        settings.KEYRING = {name: connection.settings_dict[name] for name in names}
    ring.forget()
    keyring.make_table()
    yield
    ring.forget()


@pytest.fixture
def asked(monkeypatch):
    """A list that grows by one with each question to the keyring."""
    questions, asking = [], keyring._asking
    monkeypatch.setattr(keyring, "_asking", lambda: (questions.append(1), asking())[1])
    return questions


def sealed_fields(model):
    return [field.name for field in model._meta.fields if isinstance(field, SealedTextField)]


def raw(row, field: str) -> str:
    """What stands in the column."""
    stored = ExpressionWrapper(F(field), output_field=TextField())
    return type(row).objects.filter(pk=row.pk).values_list(stored, flat=True).get()


def told(objection) -> list[tuple]:
    """(row, field, value) of every sealed value of an objection, read anew."""
    rows = [Objection.objects.get(pk=objection.pk)]
    rows += [row for model in OF_ONE[1:] for row in model.objects.filter(objection=objection)]
    return [(row, name, getattr(row, name)) for row in rows for name in sealed_fields(type(row)) if getattr(row, name)]


def test_everything_said_about_an_objection_is_sealed_with_its_own_key():
    one, other = make_objection(token="one"), make_objection(make_notice(tasks=[]), token="other")
    one.note(by=make_user("wu"), text="电话里很着急")
    one.decline(by=make_user("wu"), reason="与本公示无关")
    one.answer(by=make_user("wu"), reply="已告知")
    assert one.data_key != other.data_key
    values = {value for _, _, value in told(one)}
    assert {"王小明", "0000-7654321", "wang@citizen.example", "电话里很着急", "与本公示无关", "已告知"} <= values
    for row, name, value in told(one):
        assert raw(row, name).startswith(f"{one.data_key}:"), (row, name)
        assert value not in raw(row, name)


def test_a_destroyed_key_takes_everything_with_it_even_in_a_backup_and_nothing_else():
    one, other = make_objection(token="one"), make_objection(make_notice(tasks=[]), token="other")
    ring.destroy(one.data_key)
    backup = raw(one, "content")  # the rows are as they were: only the key is gone
    assert backup.startswith(one.data_key)
    assert {value for _, _, value in told(one)} == {ERASED}
    with pytest.raises(Destroyed):
        Keyring().read(backup)  # nor in another process
    assert Objection.objects.get(pk=other.pk).content == "垃圾并没有清运。"
    with keyring._asking() as cursor:
        cursor.execute("SELECT wrapped FROM objections_datakey WHERE name = %s", [one.data_key])
        assert cursor.fetchone() == ("",)


def test_a_key_that_is_lost_is_said_and_nothing_is_written_over_it(settings):
    objection = make_objection()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    ring.forget()
    assert {value for _, _, value in told(objection)} == {UNREADABLE}
    with pytest.raises(UnreadableField):
        Objection.objects.get(pk=objection.pk).save()
    with pytest.raises(Lost):
        ring.cipher("never-made")


def test_plain_text_does_not_get_into_a_sealed_column():
    objection = make_objection()
    rows = Objection.objects.filter(pk=objection.pk)
    with pytest.raises(Unsealed), transaction.atomic():
        rows.update(reply="原文")
    with pytest.raises(Unsealed):
        rows.filter(name="王小明").exists()
    rows.update(reply=objection.seal("密文"))
    assert rows.get().reply == "密文"


def test_keys_are_made_ahead_so_that_few_objections_wait_for_the_keyring(asked):
    names = [ring.take() for _ in range(1000)]
    assert len(set(names)) == 1000
    assert len(asked) <= 1000 / LARGEST_BATCH + 7
    Keyring().open(names)
    assert len(ring._unused) <= 1000  # what is made ahead and never used is less than what was used


def test_processes_never_share_a_key_not_even_after_a_fork():
    names = {ring.take() for _ in range(4)}  # some are held ready now
    assert ring._unused
    mine, theirs = os.pipe()
    if not os.fork():
        try:
            os.write(theirs, ",".join(ring.take() for _ in range(4)).encode())
        finally:
            os._exit(0)
    os.wait()
    child = set(os.read(mine, 1000).decode().split(","))
    parent, other = {ring.take() for _ in range(4)}, {Keyring().take()}
    assert len(names | child | parent | other) == 13


def test_a_list_asks_the_keyring_once_however_long_it_is(client, asked):
    notice = make_notice()
    client.force_login(make_user("wu", "objections.view_objection", "objections.view_outgoingmail"))
    pages = [reverse(f"admin:objections_{name}_changelist") for name in ("objection", "outgoingmail")]
    for number in range(12):
        make_objection(notice, token=str(number))
    for page, expected in zip(pages, (1, 0), strict=True):
        ring.forget()
        asked.clear()
        assert client.get(page).context["cl"].result_count in (12, 24)
        assert len(asked) == expected


def test_without_its_keyring_nothing_is_taken_and_the_text_is_handed_back(client, settings):
    notice = make_notice()
    page = client.get(f"/notices/{notice.reference}/object/").content.decode()
    token = page.split('name="token" value="')[1].split('"')[0]
    said = {
        "token": token,
        "kind": "individual",
        "name": "王小明",
        "phone": "0000-1",
        "content": "没有清运",
        "consent": "on",
    }
    settings.KEYRING = settings.KEYRING | {"NAME": "/nowhere/at/all", "PORT": "1"}
    ring.forget()
    response = client.post(f"/notices/{notice.reference}/object/", said)
    assert response.status_code == 503
    assert "没有清运" in response.content.decode()
    assert "没有保存" in response.content.decode()
    assert not Objection.objects.exists()


def test_a_file_whose_key_is_lost_is_unavailable_and_no_error():
    file = make_objection(files=make_files(("a.txt", b"text"))).attachments.get()
    assert Attachment.objects.get(pk=file.pk).read() == b"text"
    with keyring._asking() as cursor:
        cursor.execute(f"DELETE FROM {keyring.TABLE}")
    ring.forget()
    with pytest.raises(vault.Unavailable):
        Attachment.objects.get(pk=file.pk).read()
