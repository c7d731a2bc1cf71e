"""While the database or a disk fails, nobody is thanked and nothing typed is lost: 503, Retry-After, the same form again."""

import io
import re

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from notices.models import PublicityNotice
from objections import uploads
from objections.models import Objection
from portal.postgresql.base import DatabaseWrapper
from tests.make import make_notice
from tests.test_attachments import PNG
from tests.test_attachments import send as send_files
from tests.test_objection_form import GOOD, send, token_of, url

pytestmark = pytest.mark.django_db


def away(*arguments, **options):
    raise OperationalError("database is locked")


def again(response, shown: str) -> dict:
    """What the page of a failed post sends when its button is pressed; the field `shown` is seen, "" for none."""
    page = response.content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    return hidden | dict(re.findall(rf'<textarea[^>]* name="({shown})"[^>]*>([^<]*)</textarea>', page))


@pytest.mark.parametrize(
    "place",
    [(PublicityNotice.objects, "public"), (Objection.objects, "receive"), (Objection, "begin")],
    ids=["reading the notice", "before storing", "while storing"],
)
def test_a_post_while_the_database_is_away_is_kept_and_one_click_sends_it_again(client, monkeypatch, place):
    notice = make_notice()
    token = token_of(client.get(url(notice)))
    with monkeypatch.context() as patched:
        patched.setattr(*place, away)
        response = send(client, notice, token)
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert not Objection.objects.exists()
    assert again(response, "content") == GOOD | {"token": token}
    assert client.post(url(notice), again(response, "content")).status_code == 303
    assert client.post(url(notice), again(response, "content")).status_code == 303
    assert Objection.objects.get().content == GOOD["content"]


def test_files_have_to_be_chosen_again(client, monkeypatch):
    notice = make_notice()
    token = token_of(client.get(url(notice)))
    monkeypatch.setattr(Objection, "begin", away)
    page = send_files(client, notice, ("一.png", PNG), token=token).content.decode()
    assert "附件没有保存，请重新选择" in page
    assert 'name="attachments"' in page


@pytest.mark.parametrize("step", ["__init__", "write", "seek"])
def test_a_full_temporary_folder_takes_the_file_and_not_the_text(client, monkeypatch, step):
    notice = make_notice()
    token = token_of(client.get(url(notice)))

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads.tempfile, "TemporaryFile", type("Full", (io.BytesIO,), {step: full}))
    response = send_files(client, notice, ("一.png", PNG), token=token)
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert GOOD["content"] in response.content.decode()
    assert not Objection.objects.exists()


class Server:
    """As much of a PostgreSQL connection as the question about its settings needs."""

    def __init__(self, *lossy):
        self.lossy = lossy

    def cursor(self):
        return self

    __enter__ = cursor

    def __exit__(self, *error):
        pass

    def execute(self, question, parameters):
        assert all(name in parameters[0] for name in self.lossy)

    def fetchall(self):
        return [(name,) for name in self.lossy]


@pytest.mark.parametrize("lossy", ["fsync", "synchronous_commit", "full_page_writes"])
def test_a_server_that_may_lose_what_it_stored_is_refused(monkeypatch, lossy):
    monkeypatch.setattr("django.db.backends.postgresql.base.DatabaseWrapper.init_connection_state", lambda self: None)
    wrapper = DatabaseWrapper({"NAME": "x", "OPTIONS": {}})
    wrapper.connection = Server(lossy)
    with pytest.raises(ImproperlyConfigured, match=f"{lossy} 设为 off"):
        wrapper.init_connection_state()
    wrapper.connection = Server()
    wrapper.init_connection_state()
