"""Personal data are erased when their time is over, completely; what was counted, found and done still stands."""

import datetime
import io
import subprocess
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings as configured
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone

from notices import mail
from notices.attachments import Checked, sha256
from notices.models import NotAllowed, TrailEntry
from objections import keyring, outcomes, receipts, retention, vault
from objections.keyring import ring
from objections.models import Attachment, Event, Note, Objection, OutgoingMail
from objections.models.keeping import sealed_fields
from objections.sealing import ERASED
from tests.make import DAY, make_notice, make_objection, make_office, make_user
from tests.test_keyring import raw, told

pytestmark = pytest.mark.django_db
NOW = timezone.now()
KEPT = 1095
LONG_AGO = NOW - (KEPT + 2) * DAY


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    """Attachments and keyring in folders of the test's own."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.KEYRING = configured.KEYRING | {"NAME": str(tmp_path / "keyring.sqlite3")}
    ring.forget()
    keyring.make_table()
    yield tmp_path
    ring.forget()


def ended(notice=None, token: str = "token", at: datetime.datetime = LONG_AGO, **said) -> Objection:
    """An objection with everything that can hang on it, done at that time."""
    objection, by = make_objection(notice, token, **said), make_user("wu")
    content = ContentFile(b"%PDF-1.4 canary", "canary.pdf")
    checked = [Checked(content, "canary-file.pdf", "pdf", content.size, sha256(content))]
    objection.attachments.add(*Attachment.objects.write(checked, at), bulk=False)
    objection.note(by=by, text="canary-note")
    objection.accept(by=by, at=at)
    objection.verify(by=by, finding="partly", at=at)
    objection.answer(by=by, reply="canary-reply", at=at)
    mail.mark_sent(objection.mails.get(kind="office"))
    objection.finish(by=by, at=at)
    return objection


def run(*options) -> str:
    """What the command prints. Inside a test's transaction nothing can be compacted: that has a test of its own."""
    out = io.StringIO()
    with mock.patch.object(retention, "compact", return_value=True):
        call_command("purge_personal_data", *options, stdout=out)
    return out.getvalue()


# --- Nothing is left --------------------------------------------------------------------------------------------------


def every_byte(folder: Path) -> bytes:
    """Database with its indexes and write-ahead log, keyring, attachments: as they lie on the disk.

    Read by another process: closing the database's file in this one would drop SQLite's locks on it.
    """
    files = [path for path in folder.rglob("*") if path.is_file()]
    if connection.vendor == "sqlite":
        files += Path(connection.settings_dict["NAME"]).parent.glob("test.sqlite3*")
        return contents(files)
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class WHERE relkind IN ('r', 't', 'i') "
            "AND pg_relation_filepath(oid) LIKE 'base/%' AND relname NOT LIKE 'pg\\_%'"
        )
        return contents(files) + b"".join(bytes(content) for (content,) in cursor)


def contents(files: list[Path]) -> bytes:
    return subprocess.run(["cat", *files], check=True, capture_output=True).stdout if files else b""


def traces(objection: Objection) -> dict[str, bytes]:
    """Where → a piece of ciphertext that must be gone: of every sealed value, of the file, of the key."""
    found = {f"{type(row).__name__}.{name}": raw(row, name) for row, name, _ in told(objection)}
    found["file"] = vault.path_of(objection.attachments.get().stored_as).read_text()
    with keyring._asking() as cursor:
        cursor.execute("SELECT wrapped FROM objections_datakey WHERE name = %s", [objection.data_key])
        found["key"] = cursor.fetchone()[0]
    return {place: value.rpartition(":")[2][20:60].encode() for place, value in found.items()}


@pytest.mark.django_db(transaction=True)
def test_afterwards_neither_plaintext_nor_former_ciphertext_is_left_anywhere(folders, capsys):
    notice = make_notice()
    gone = ended(
        notice,
        content="goldfinch-content " * (400 if connection.vendor == "sqlite" else 20),
        name="goldfinch-name",
        email="goldfinch@mail.example",
    )
    kept = ended(notice, "other", at=NOW)
    traces_of_gone, traces_of_kept = traces(gone), traces(kept)
    assert {"Objection.content", "Note.text", "Event.text", "OutgoingMail.recipient", "Attachment.key"} <= set(
        traces_of_gone
    )
    before = every_byte(folders)
    assert b"goldfinch" not in before  # it was never there in plain
    assert [place for place, trace in traces_of_gone.items() if trace not in before] == []  # the control
    call_command("purge_personal_data")
    assert "已删除 1 件" in capsys.readouterr().out
    after = every_byte(folders)
    assert [place for place, trace in traces_of_gone.items() if trace in after] == []
    assert [place for place, trace in traces_of_kept.items() if trace not in after] == []
    assert not list(folders.glob("media/objections/??/" + gone.attachments.get().stored_as))
    assert Attachment.objects.get(objection=kept).read() == b"%PDF-1.4 canary"


@pytest.mark.django_db(transaction=True)
def test_while_somebody_reads_what_was_there_the_command_does_not_say_it_is_gone(folders, monkeypatch):
    ended()
    monkeypatch.setattr(retention, "PATIENCE", 0)
    reader = connections.create_connection("default")
    with reader.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ" if reader.vendor == "postgresql" else "BEGIN")
        cursor.execute("SELECT count(*) FROM objections_tally")  # a table that is not rewritten
        if reader.vendor == "sqlite":
            connection.cursor().execute("PRAGMA busy_timeout = 100")
        with pytest.raises(CommandError, match="正被占用"):
            call_command("purge_personal_data")
        cursor.execute("ROLLBACK")
    connection.close()
    reader.close()
    monkeypatch.setattr(retention, "PATIENCE", 60)  # the server's own housekeeping reads now and then, too
    assert retention.compact()  # the control


def test_every_sealed_field_says_that_it_was_deleted():
    objection = ended()
    before = {(type(row), row.pk, name) for row, name, _ in told(objection) if type(row) is not OutgoingMail}
    run()
    after = {(type(row), row.pk, name): value for row, name, value in told(objection)}
    assert set(after.values()) == {ERASED}
    assert before <= set(after)
    assert {model for model, _, _ in after} == {Objection, Event, Note, Attachment, OutgoingMail}
    assert not objection.mails.filter(sent_at=None).exists()  # nobody is written to any more


# --- What stands ------------------------------------------------------------------------------------------------------


def test_counts_findings_digests_and_proofs_stand_and_the_tracking_page_says_what_happened(client):
    notice = make_notice()
    objection = ended(notice)
    make_objection(notice, "other")
    outcomes.write_tallies(NOW + 60 * DAY)
    facts = ("content_digest", "finding", "done_at", "received_at", "code_digest", "channel")
    before = [getattr(objection, name) for name in facts], outcomes.counts(notice), outcomes.counted_proof(objection)
    run()
    objection.refresh_from_db()
    after = [getattr(objection, name) for name in facts], outcomes.counts(notice), outcomes.counted_proof(objection)
    assert before == after
    page = client.post("/objections/track/", {"code": receipts.code_for("token")}).content.decode()
    for said in ("按期删除，任何人都不能再看到", "已办结", "部分属实", "已受理", objection.content_digest):
        assert said in page
    for gone in ("canary", "（已按期删除）"):
        assert gone not in page
    assert TrailEntry.objects.get(action="purged").target == objection.number


def test_nothing_more_is_done_with_what_was_deleted():
    objection, by = ended(), make_user("wu")
    run()
    objection.refresh_from_db()
    acts = [
        lambda: objection.note(by=by, text="x"),
        lambda: objection.reopen(by=by, reason="x"),
        lambda: objection.reissue_code(by=by, checked="x"),
        lambda: objection.hold(by=by, reason="x"),
        lambda: objection.purge(),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()


# --- When, and when not -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "kept_for"), [(KEPT, {}), (30, {"keep_personal_data_days": 30})])
@pytest.mark.parametrize("end", ["finish", "decline"])
def test_what_is_expired_is_judged_alike_for_one_and_for_many(days, kept_for, end):
    office = make_office(**kept_for, name=f"受理{days}")
    objection, by, today = make_objection(make_notice(receiving_office=office)), make_user("wu"), timezone.localdate()
    assert not objection.is_expired(today + 9999 * DAY)  # it runs
    if end == "decline":
        objection.decline(by=by, reason="与本公示无关")
    else:
        objection.accept(by=by)
        objection.verify(by=by, finding="partly")
        objection.answer(by=by, reply="已答复")
        assert not Objection.objects.expired(today + 9999 * DAY)
        objection.finish(by=by)
    for on, expected in ((days, False), (days + 1, True)):
        assert objection.is_expired(today + on * DAY) is expected
        assert Objection.objects.expired(today + on * DAY).exists() is expected


def test_a_dry_run_names_what_is_due_and_touches_nothing():
    objection = ended()
    assert f"{objection.number} 到期" in run("--dry-run")
    assert Objection.objects.get().content == "垃圾并没有清运。"
    assert Attachment.objects.get().read()


def test_what_is_held_stays_until_it_is_released_and_stops_no_other():
    notice, by = make_notice(), make_user("wu")
    held, other = ended(notice, "one"), ended(notice, "two")
    held.hold(by=by, reason="正在行政复议")
    with pytest.raises(NotAllowed):
        held.purge()
    out = run()
    assert f"{held.number} 保留中" in out
    assert f"{other.number} 已删除" in out
    assert Objection.objects.get(pk=held.pk).content == "垃圾并没有清运。"
    held.release_hold(by=by)
    assert f"{held.number} 已删除" in run()


def test_one_that_fails_stops_no_other_and_is_finished_the_next_time(monkeypatch):
    notice = make_notice()
    bad, good = ended(notice, "one"), ended(notice, "two")
    erase, name = vault.erase, bad.attachments.get().stored_as

    def stays(each):  # the key is gone already, the transaction is not committed
        if each == name:
            raise vault.Unavailable(each)
        erase(each)

    with monkeypatch.context() as patched:
        patched.setattr(vault, "erase", stays)
        with pytest.raises(CommandError, match="1 件没有删除成功"):
            run()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.purged_at, bool(good.purged_at)) == (None, True)
    assert f"{bad.number} 已删除" in run()
    assert Objection.objects.get(pk=bad.pk).content == ERASED


def test_new_fields_of_an_objection_are_erased_with_the_others():
    """Whatever is encrypted and hangs on an objection is sealed with its key."""
    related = {relation.related_model for relation in Objection._meta.related_objects}
    for model in related | {Objection}:
        personal = [field.name for field in model._meta.concrete_fields if getattr(field, "personal", False)]
        assert personal == sealed_fields(model), model
