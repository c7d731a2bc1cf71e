"""What was published and logged is never changed: the database itself refuses UPDATE and DELETE, whoever asks."""

import contextlib
import importlib

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from notices.models import (
    Checkpoint,
    Confirmation,
    Edition,
    EditionTask,
    LogEntry,
    NotAllowed,
    PublishedFile,
    Redaction,
    TrailEntry,
    TreeNode,
)
from tests.make import DAY, make_draft, make_evidence, make_notice, make_office, make_task, make_user

pytestmark = pytest.mark.django_db

guards = importlib.import_module("notices.migrations.0002_append_only")


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextlib.contextmanager
def without_guards():
    """The database without its triggers, as only somebody with all rights to it could make it; put back at the end."""
    connection.check_constraints()  # PostgreSQL alters no table while checks of it are pending
    run(*guards.dropping(connection.vendor))
    yield
    connection.check_constraints()
    run(*guards.creating(connection.vendor))


@contextlib.contextmanager
def undone():
    """Whatever happens inside is rolled back, the guards included."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def drop_guards() -> None:
    connection.check_constraints()
    run(*guards.dropping(connection.vendor))


@pytest.fixture(autouse=True)
def notice():
    """A notice with two editions, the first of them superseded; beside it a row in every other guarded table."""
    notice = make_notice()
    notice.begin_correction(by=make_user("zhang"), reason="更正联系电话")
    notice.submit(by=make_user("zhang"))
    notice.publish(confirmed=True, by=make_user("li"))
    emergency = make_draft(title="紧急的", tasks=[])
    emergency.evidence.add(make_evidence(notice.tasks.get()))
    emergency.publish_in_emergency(by=make_user("zhang"), emergency_reason="汛期抢险", confirmed=True)
    emergency.confirm_edition(by=make_user("wu"))
    TrailEntry.objects.record("changed", by=make_user("wu"), target=notice)
    return notice


LONG_AGO = timezone.now() - 365 * DAY
# What a guarded row could be made to say instead.
CHANGES = [
    (Edition, {"title": "改过的标题"}),
    (Edition, {"document": b"{}"}),
    (Edition, {"digest": "0" * 64}),
    (Edition, {"public_from": LONG_AGO}),
    (Edition, {"published_at": LONG_AGO, "drafted_at": LONG_AGO}),
    (Edition, {"warnings": ["没有看过的提示"]}),
    (LogEntry, {"line": "{}"}),
    (LogEntry, {"at": LONG_AGO}),
    (LogEntry, {"reference": "2020-0001", "edition": 7}),
    (TreeNode, {"hash": b"\0" * 32}),
    (Checkpoint, {"note": "x"}),
    (Checkpoint, {"signed_at": LONG_AGO}),
    (Confirmation, {"confirmed_at": LONG_AGO}),
    (EditionTask, {"task_id": 0}),
    (EditionTask, {"deadline_text": "改过的时限"}),
    (PublishedFile, {"sha256": "0" * 64}),
    (PublishedFile, {"file": "evidence/00/other"}),
    (TrailEntry, {"username": "zhao"}),
    (TrailEntry, {"at": LONG_AGO}),
]
GUARDED = list(dict.fromkeys(model for model, _ in CHANGES))


def name_of(value) -> str:
    return getattr(value, "__name__", "") or "+".join(value)


def content(model) -> list[tuple]:
    """Every row; bytes as bytes, whatever the driver calls them."""
    rows = model.objects.order_by("pk").values_list()
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in rows]


def changed(model, change):
    row = model.objects.order_by("pk").first()
    for name, value in change.items():
        setattr(row, name, value)
    return row


def by_queryset(model, change):
    model.objects.filter(pk=changed(model, change).pk).update(**change)


def by_bulk_update(model, change):
    model.objects.bulk_update([changed(model, change)], list(change))


def by_save(model, change):
    changed(model, change).save()


def by_saving_one_field(model, change):
    changed(model, change).save(update_fields=list(change))


def by_upsert(model, change):
    keys, fields = [model._meta.pk.name], list(change)
    model.objects.bulk_create([changed(model, change)], update_conflicts=True, unique_fields=keys, update_fields=fields)


def by_sql(model, change):
    row = changed(model, change)
    fields = [model._meta.get_field(name) for name in change]
    assignments = ", ".join(f"{field.column} = %s" for field in fields)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {model._meta.db_table} SET {assignments} WHERE {model._meta.pk.column} = %s", [*values, row.pk]
        )


UPDATES = [by_queryset, by_bulk_update, by_save, by_saving_one_field, by_upsert, by_sql]


@pytest.mark.parametrize(("model", "change"), CHANGES, ids=name_of)
def test_an_update_is_refused_by_the_database_and_passes_without_the_guard(model, change):
    before = content(model)
    for way in UPDATES:
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            way(model, change)
        assert content(model) == before, way
        with undone():
            drop_guards()
            way(model, change)  # the control
            assert content(model) != before, way


@pytest.mark.parametrize("model", GUARDED, ids=name_of)
def test_an_update_that_changes_nothing_is_refused_too(model):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run(f"UPDATE {model._meta.db_table} SET {model._meta.pk.column} = {model._meta.pk.column}")
    with undone():
        drop_guards()
        run(f"UPDATE {model._meta.db_table} SET {model._meta.pk.column} = {model._meta.pk.column}")
        assert content(model)


def by_raw_delete(model):
    model.objects.filter(pk=model.objects.order_by("pk").last().pk)._raw_delete(model.objects.db)


def by_sql_delete(model):
    run(f"DELETE FROM {model._meta.db_table} WHERE {model._meta.pk.column} = {model.objects.order_by('pk').last().pk}")


def by_deleting_all(model):
    run(f"DELETE FROM {model._meta.db_table}")


@pytest.mark.parametrize("model", GUARDED, ids=name_of)
def test_a_deletion_is_refused_by_the_database_and_passes_without_the_guard(model):
    before = content(model)
    assert before
    for way in (by_raw_delete, by_sql_delete, by_deleting_all):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            way(model)
        assert content(model) == before, way
        with undone():
            drop_guards()
            way(model)  # the control
            assert len(content(model)) < len(before), way


@pytest.mark.parametrize("model", [LogEntry, TreeNode, Checkpoint, Confirmation, TrailEntry], ids=name_of)
def test_the_ordinary_deletion_of_a_row_is_refused(model):
    for delete in (model.objects.last().delete, model.objects.all().delete):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            delete()
    with undone():
        drop_guards()
        assert model.objects.last().delete()[0] == 1  # the control


@pytest.mark.parametrize("model", GUARDED, ids=name_of)
def test_a_row_is_not_replaced_by_inserting_another_in_its_place(model):
    """SQLite's INSERT OR REPLACE deletes without asking the triggers for deletion."""
    verb = "INSERT OR REPLACE" if connection.vendor == "sqlite" else "INSERT"
    columns = ", ".join(f'"{field.column}"' for field in model._meta.fields)
    table, before = model._meta.db_table, content(model)
    with pytest.raises(IntegrityError), transaction.atomic():
        run(f"{verb} INTO {table} ({columns}) SELECT {columns} FROM {table}")
    assert content(model) == before
    if connection.vendor == "sqlite":
        with undone():
            drop_guards()
            run(f"{verb} INTO {table} ({columns}) SELECT {columns} FROM {table}")  # the control
            assert len(content(model)) == len(before)


@pytest.mark.parametrize(
    ("model", "unique"),
    [
        (Edition, ("notice_id", "number")),
        (Edition, ("sequence",)),
        (TreeNode, ("level", "index")),
        (Checkpoint, ("size",)),
        (Confirmation, ("edition_id",)),
        (Edition.tasks.through, ("edition_id", "task_id")),
    ],
    ids=name_of,
)
def test_a_row_is_not_replaced_by_one_with_another_key_either(model, unique):
    row = model.objects.order_by("pk").first()
    others = [field for field in model._meta.fields if not field.primary_key]
    if model is Edition and unique == ("sequence",):
        row.number += 100
        row.reason = "更正"
    elif model is Edition:
        row.sequence += 100
    columns = ", ".join(f'"{field.column}"' for field in others)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in others]
    verb = "INSERT OR REPLACE" if connection.vendor == "sqlite" else "INSERT"
    statement = f"{verb} INTO {model._meta.db_table} ({columns}) VALUES ({', '.join(['%s'] * len(values))})"
    before = content(model)

    def insert():
        with connection.cursor() as cursor:
            cursor.execute(statement, values)

    with pytest.raises(IntegrityError), transaction.atomic():
        insert()
    assert content(model) == before
    if connection.vendor == "sqlite":
        with undone():
            drop_guards()
            insert()  # the control
            assert content(model) != before


def test_new_rows_are_still_taken(notice):
    counts = [model.objects.count() for model in GUARDED]
    draft = make_draft(title="新的", tasks=[make_task(2)])
    draft.evidence.add(make_evidence(draft.tasks.get()))
    draft.publish(by=make_user("zhang"), via="command", confirmed=True)
    draft.confirm_edition(by=make_user("li"))
    TrailEntry.objects.record("login", by=make_user("li"))
    after = [model.objects.count() for model in GUARDED]
    assert all(more > fewer for more, fewer in zip(after, counts, strict=True))


# ---- the one exception


def sign_redaction(notice, signed: bool = True) -> Edition:
    """The superseded edition, its redaction proposed and, if wanted, signed by a second person."""
    notice.propose_redaction(by=make_user("zhang"), number=1, ground="依据某法第一条")
    if signed:
        Redaction.objects.update(redacted_at=timezone.now(), redacted_by=make_user("li"))
    return notice.editions.get(number=1)


ERASED = {"document": b"", "title": "（已依法遮盖）"}


def test_bytes_and_title_may_be_erased_once_two_people_have_signed(notice):
    edition = sign_redaction(notice)
    digest = edition.digest
    assert Edition.objects.filter(pk=edition.pk).update(**ERASED) == 1
    edition.refresh_from_db()
    assert (bytes(edition.document), edition.title, edition.digest) == (b"", "（已依法遮盖）", digest)


@pytest.mark.parametrize("signed", [False, None], ids=["proposed", "not even proposed"])
def test_without_the_second_signature_nothing_is_erased(notice, signed):
    edition = notice.editions.get(number=1) if signed is None else sign_redaction(notice, signed)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Edition.objects.filter(pk=edition.pk).update(**ERASED)
    assert bytes(Edition.objects.get(pk=edition.pk).document)
    with undone():
        drop_guards()
        assert Edition.objects.filter(pk=edition.pk).update(**ERASED) == 1  # the control


def test_the_signature_for_one_edition_erases_no_other(notice):
    sign_redaction(notice)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Edition.objects.filter(number=2).update(**ERASED)
    assert bytes(Edition.objects.get(number=2).document)


def test_a_signed_redaction_replaces_nothing(notice):
    """Erasing is not rewriting: other bytes are refused, and an edition that was not erased keeps its title."""
    edition = sign_redaction(notice)
    for change in ({"document": b"{}", "title": "别的"}, {"title": "别的"}):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            Edition.objects.filter(pk=edition.pk).update(**change)
        with undone():
            drop_guards()
            assert Edition.objects.filter(pk=edition.pk).update(**change) == 1  # the control


CHANGED_ALONG = {
    "digest": "0" * 64,
    "number": 9,  # together with a reason, which every edition but the first has
    "sequence": 999,
    "public_from": LONG_AGO,
    "opens_on": LONG_AGO.date(),
    "closes_on": LONG_AGO.date() + 1000 * DAY,
    "reason": "别的原因",
    "drafted_at": LONG_AGO,
    "drafted_by": "wu",
    "published_at": LONG_AGO,
    "published_by": "wu",
    "secrecy_reviewed_at": LONG_AGO,  # together with its author
    "secrecy_reviewed_by": "wu",
    "via": "command",
    "act": "outage",
    "receiving_office": "另一个受理部门",
    "emergency_reason": "别的原因",
    "warnings": ["没有看过的提示"],
    "notice": "紧急的",
    "id": 9999,
}


def test_every_column_of_an_edition_is_tried():
    assert {field.name for field in Edition._meta.fields} == {*CHANGED_ALONG, "document", "title"}


@pytest.mark.parametrize("column", CHANGED_ALONG)
def test_nothing_is_changed_along_with_the_erasure(notice, column):
    edition, value = sign_redaction(notice), CHANGED_ALONG[column]
    if column.endswith("_by"):
        value = make_user(value)
    if column == "receiving_office":
        value = make_office(name=value)
    if column == "notice":
        value = type(notice).objects.get(title=value)
    change = {column: value}
    if column == "number":
        change["reason"] = "更正"
    if column.startswith("secrecy_reviewed"):
        change = {"secrecy_reviewed_at": LONG_AGO, "secrecy_reviewed_by": make_user("wu")}
    before = content(Edition)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Edition.objects.filter(pk=edition.pk).update(**ERASED, **change)
    assert content(Edition) == before
    with undone():
        drop_guards()
        if column == "notice":  # its place must be free
            Edition.objects.filter(notice=value).update(number=7, reason="更正")
        assert Edition.objects.filter(pk=edition.pk).update(**ERASED, **change) == 1  # the control


def test_an_erased_edition_is_not_deleted(notice):
    edition = sign_redaction(notice)
    Edition.objects.filter(pk=edition.pk).update(**ERASED)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run(f"DELETE FROM notices_edition WHERE id = {edition.pk}")
    assert Edition.objects.filter(pk=edition.pk).exists()


def test_a_redaction_is_signed_by_two_people_or_not_at_all(notice):
    edition = notice.editions.get(number=1)
    facts = {"edition": edition, "ground": "依据某法", "proposed_at": timezone.now(), "proposed_by": make_user("zhang")}
    with pytest.raises(IntegrityError), transaction.atomic():
        Redaction.objects.create(**facts, redacted_at=timezone.now(), redacted_by=make_user("zhang"))
    with pytest.raises(NotAllowed, match="不能自己确认"):
        Redaction(**facts).carry_out(by=make_user("zhang"))
    signed = Redaction.objects.create(**facts, redacted_at=timezone.now(), redacted_by=make_user("li"))
    assert signed.redacted_by != signed.proposed_by  # the control
