"""A new site key takes the place of the old one: in batches, again and again, beside a site that goes on writing."""

import io

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test.utils import isolate_apps

from notices.encryption import EncryptedTextField, cipher
from objections import keyring, rotation
from objections.keyring import ring
from objections.models import Objection
from tests.make import make_notice, make_objection
from tests.test_keyring import raw

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_keyring(settings, tmp_path):
    settings.KEYRING = configured.KEYRING | {"NAME": str(tmp_path / "keyring.sqlite3")}
    ring.forget()
    keyring.make_table()
    yield
    ring.forget()


def rotate() -> str:
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()


def test_after_a_rotation_everything_is_read_with_the_new_key_alone(settings, monkeypatch):
    monkeypatch.setattr(rotation, "BATCH", 3)  # several batches
    old, new = settings.FIELD_ENCRYPTION_KEYS, Fernet.generate_key().decode()
    notice = make_notice()
    objections = [make_objection(notice, str(number)) for number in range(8)]
    sealed = [raw(each, "content") for each in objections]
    settings.FIELD_ENCRYPTION_KEYS = [new]
    ring.forget()
    with pytest.raises(CommandError, match="旧密钥不要去掉"):  # the control: without the old key nothing can be done
        rotate()
    settings.FIELD_ENCRYPTION_KEYS = [new, *old]
    assert "旧密钥可以去掉了" in rotate()
    settings.FIELD_ENCRYPTION_KEYS = [new]
    ring.forget()
    assert {each.content for each in Objection.objects.all()} == {"垃圾并没有清运。"}
    assert [raw(each, "content") for each in objections] == sealed  # what was said was not touched
    assert "重新加密 0 个" in rotate()


def test_what_is_destroyed_meanwhile_stays_destroyed_and_what_was_interrupted_goes_on(settings):
    old, new = settings.FIELD_ENCRYPTION_KEYS, Fernet.generate_key().decode()
    notice = make_notice()
    gone, kept = make_objection(notice, "one"), make_objection(notice, "two")
    settings.FIELD_ENCRYPTION_KEYS = [new, *old]
    (batch,) = [rotation.rotated(batch) for batch in keyring.batches(100)]
    ring.destroy(gone.data_key)
    assert keyring.replace(batch) == len(batch) - 1
    make_objection(notice, "three")
    assert "旧密钥可以去掉了" in rotate()
    names = [name for batch in keyring.batches(100) for name, _ in batch]
    assert kept.data_key in names
    assert gone.data_key not in names


@pytest.mark.django_db(transaction=True)
@isolate_apps("tests")
def test_fields_under_the_site_key_are_renewed_row_by_row_unless_they_change_meanwhile(settings, monkeypatch):
    class Row(models.Model):
        text = EncryptedTextField("文字")

        class Meta:
            app_label = "tests"
            verbose_name = "行"

        def __str__(self):
            return self.text

    with connection.schema_editor() as editor:
        editor.create_model(Row)
    try:
        monkeypatch.setattr(rotation, "fields", lambda: [(Row, "text")])
        rows = [Row.objects.create(text=f"第{number}行") for number in range(5)]
        blank = Row.objects.create(text="")
        old, new = settings.FIELD_ENCRYPTION_KEYS, Fernet.generate_key().decode()
        settings.FIELD_ENCRYPTION_KEYS = [new, *old]
        (batch,) = [rotation.rotated(batch) for batch in rotation._batches(Row, "text")]
        Row.objects.filter(pk=rows[0].pk).update(text="改过了")
        assert rotation._replace(Row, "text", batch) == 4
        assert "行的文字：重新加密 0 个" in rotate()
        settings.FIELD_ENCRYPTION_KEYS = [new]
        texts = list(Row.objects.order_by("pk").values_list("text", flat=True))
        assert texts == ["改过了", "第1行", "第2行", "第3行", "第4行", ""]
        assert raw(blank, "text") == ""
        assert cipher().decrypt(raw(rows[0], "text").encode()).decode() == "改过了"
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Row)
